import { canonicalJson } from '@countersign/proof';
import type { Draft } from './ledger-writer.ts';
import type { Ambient, KeyStore, LedgerReader, LedgerStore } from './ports.ts';
import { RETENTION_DAYS, type TenantSettings } from './tenants.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Inputs erased with one entry. */
const BATCH_INPUTS_MAX = 1_000;

export interface ErasurePorts {
  readonly store: Pick<LedgerReader, 'readDecision' | 'readByHandle'> &
    Pick<LedgerStore, 'eraseInputs' | 'eraseIdempotency' | 'findInputsBefore'> &
    Pick<KeyStore, 'listApiKeys' | 'revokeApiKey'>;
  /** Whether the entry is on disk. */
  readonly append: (draft: Draft) => Promise<boolean>;
  readonly ambient: Ambient;
}

export type ErasureReason = 'retention' | 'request' | 'tenant';

/**
 * Erases the inputs of these entries. The ledger says so first: an erasure that a crash cut short is in the ledger
 * and is found again, one that happened in silence would be neither.
 */
async function eraseBatch(
  ports: ErasurePorts,
  scope: string,
  seqs: readonly number[],
  why: { readonly reason: ErasureReason; readonly note?: string; readonly decisionId?: string },
): Promise<void> {
  const id = ports.ambient.newId('era_');
  const createdAt = new Date(ports.ambient.now()).toISOString();
  const { reason, note, decisionId } = why;
  const recorded = await ports.append({
    scope,
    entryType: 'erasure',
    decisionId: decisionId ?? `erasure:${id}`,
    createdAt,
    head: canonicalJson({
      erasure_id: id,
      reason,
      ...(note === undefined ? {} : { note }),
      ...(decisionId === undefined ? {} : { decision_id: decisionId }),
      count: seqs.length,
      // The last entry whose input is gone.
      up_to: seqs.at(-1) ?? null,
      created_at: createdAt,
    }),
    tail: '',
  });
  if (!recorded) throw new Error('the erasure could not be recorded, so nothing was erased');
  await ports.store.eraseInputs(seqs);
}

/** Erases the input of one decision; says whether there is such a decision. */
export async function eraseDecision(
  ports: ErasurePorts,
  scope: string,
  decisionId: string,
  note?: string,
): Promise<boolean> {
  const seqs = await placesOf(ports, scope, decisionId);
  if (seqs.length === 0) return false;
  await eraseBatch(ports, scope, seqs, {
    reason: 'request',
    decisionId,
    ...(note === undefined ? {} : { note }),
  });
  // Once the ledger says that it is erased nobody carries the decision on; until then somebody may have.
  await ports.store.eraseInputs(await placesOf(ports, scope, decisionId));
  return true;
}

/** Places of a decision's entries and of the records that carry it on, which did so from the same input. */
async function placesOf(
  { store }: ErasurePorts,
  scope: string,
  decisionId: string,
): Promise<readonly number[]> {
  const entries = await store.readDecision(scope, decisionId);
  const parent = { kind: 'parent', value: decisionId } as const;
  const children = await store.readByHandle(scope, parent, BATCH_INPUTS_MAX);
  return [...entries, ...children].map(({ seq }) => seq).sort((a, b) => a - b);
}

/**
 * Erases all inputs of a tenant, revokes its API keys and forgets its idempotency keys; gives how many inputs there
 * were. What the ledger holds stays, and verifies as before.
 */
export async function eraseTenant(
  ports: ErasurePorts,
  scope: string,
  note?: string,
): Promise<number> {
  for (const key of await ports.store.listApiKeys()) {
    if (key.tenant === scope) await ports.store.revokeApiKey(key.id);
  }
  const why = { reason: 'tenant', ...(note === undefined ? {} : { note }) } as const;
  const erased = await eraseOlder(ports, scope, '~', why);
  await ports.store.eraseIdempotency(scope);
  return erased;
}

/** Erases what tenants have kept for longer than they may; gives how many inputs that were. */
export async function sweep(
  ports: ErasurePorts,
  tenants: Iterable<string>,
  settingsOf: (tenant: string) => Promise<TenantSettings>,
): Promise<number> {
  let erased = 0;
  for (const tenant of tenants) {
    const days =
      tenant === PLAYGROUND ? 1 : ((await settingsOf(tenant)).retentionDays ?? RETENTION_DAYS);
    const before = new Date(ports.ambient.now() - days * DAY_MS).toISOString();
    erased += await eraseOlder(ports, tenant, before, { reason: 'retention' });
  }
  return erased;
}

/** Nothing of the playground is kept for more than a day. */
const PLAYGROUND = 'playground';

async function eraseOlder(
  ports: ErasurePorts,
  scope: string,
  before: string,
  why: { readonly reason: ErasureReason; readonly note?: string },
): Promise<number> {
  let erased = 0;
  for (;;) {
    const seqs = await ports.store.findInputsBefore(scope, before, BATCH_INPUTS_MAX);
    if (seqs.length === 0) return erased;
    await eraseBatch(ports, scope, seqs, why);
    erased += seqs.length;
  }
}
