import type { JsonObject } from '@countersign/policy';
import { canonicalJson, publicKeyFromPem, publicKeyPem, sha256Hex } from '@countersign/proof';
import { attestationsIn, type SourceKey } from '@countersign/verify';
import { subjectOf } from './history.ts';
import type { Draft } from './ledger-writer.ts';
import type { LedgerReader, StoredEntry } from './ports.ts';

/**
 * How long after its entry a change counts. Requests are judged by what the ledger says while they are judged; the
 * notice sees to it that a replay finds no change that came between the two.
 */
export const SOURCE_NOTICE_MS = 2_000;

/** Names of sources and of their keys. Without a colon, so that two pairs never share an entry's name. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$/;

/** Whose key it is, and which one of theirs. */
interface SourceKeyName {
  readonly sourceId: string;
  readonly keyId: string;
}

/** Subject of the entries about a source key. */
interface SourceKeySubject {
  readonly kind: 'source_added' | 'source_ended';
  readonly source_id: string;
  readonly key_id: string;
  /** PEM; of an addition. */
  readonly public_key?: string;
  readonly fingerprint?: string;
  readonly not_before?: string;
  /** Of an ending. */
  readonly ended_at?: string;
}

/** The entry that registers a key; a second one under the same names is stale, whatever became of the first. */
export function sourceAddedDraft(
  scope: string,
  { sourceId, keyId }: SourceKeyName,
  publicKey: Uint8Array,
  now: number,
): Draft {
  for (const name of [sourceId, keyId]) {
    if (!NAME.test(name)) throw new Error(`${name} is not 1 to 120 of A–Z a–z 0–9 . _ -`);
  }
  const pem = publicKeyPem(publicKey);
  return draftOf(scope, now, 0, {
    kind: 'source_added',
    source_id: sourceId,
    key_id: keyId,
    public_key: pem,
    fingerprint: sha256Hex(pem),
    not_before: new Date(now + SOURCE_NOTICE_MS).toISOString(),
  });
}

/** The entry that ends a registered key. It cannot be put back, nor ended in the past; a second one is stale. */
export function sourceEndedDraft(
  scope: string,
  { sourceId, keyId }: SourceKeyName,
  now: number,
): Draft {
  return draftOf(scope, now, 1, {
    kind: 'source_ended',
    source_id: sourceId,
    key_id: keyId,
    ended_at: new Date(now + SOURCE_NOTICE_MS).toISOString(),
  });
}

/**
 * The keys that attestations in a context name, as far as the tenant has registered them, as of a ledger size. Read
 * anew each time, so every process knows the same.
 */
export async function readSourceKeys(
  reader: Pick<LedgerReader, 'readDecision'>,
  scope: string,
  context: JsonObject,
  asOf: number = Number.MAX_SAFE_INTEGER,
): Promise<readonly SourceKey[]> {
  const names = attestationsIn(context)
    .map(({ source_id, key_id }) => ({ sourceId: source_id, keyId: key_id }))
    .filter(({ sourceId, keyId }) => NAME.test(sourceId) && NAME.test(keyId))
    .map(entriesOf);
  const found = await Promise.all(
    [...new Set(names)].sort().map((name) => reader.readDecision(scope, name)),
  );
  return keysOf(found.flat().filter(({ seq }) => seq < asOf));
}

/** Every source key of a tenant, in the order of their registration. */
export async function listSourceKeys(
  reader: Pick<LedgerReader, 'readEntriesOfTypes'>,
  scope: string,
): Promise<readonly SourceKey[]> {
  const entries = await reader.readEntriesOfTypes(['key_event']);
  return keysOf(entries.filter((entry) => entry.scope === scope));
}

/** Keys from their entries, which stand in ledger order. */
function keysOf(entries: readonly StoredEntry[]): readonly SourceKey[] {
  const keys = new Map<string, SourceKey>();
  for (const entry of entries) {
    const subject = subjectOf(entry) as unknown as SourceKeySubject;
    const known = keys.get(entry.decisionId);
    switch (subject.kind) {
      case 'source_added': {
        const publicKey = publicKeyFromPem(subject.public_key ?? '');
        if (publicKey === undefined) throw new Error('the ledger holds a source key without a key');
        keys.set(entry.decisionId, {
          sourceId: subject.source_id,
          keyId: subject.key_id,
          publicKey,
          notBefore: Date.parse(subject.not_before ?? ''),
        });
        break;
      }
      case 'source_ended':
        if (known === undefined) throw new Error('the ledger ends a source key it does not hold');
        keys.set(entry.decisionId, { ...known, endedAt: Date.parse(subject.ended_at ?? '') });
    }
  }
  return [...keys.values()];
}

function draftOf(scope: string, now: number, seen: number, subject: SourceKeySubject): Draft {
  return {
    scope,
    entryType: 'key_event',
    decisionId: entriesOf({ sourceId: subject.source_id, keyId: subject.key_id }),
    createdAt: new Date(now).toISOString(),
    head: canonicalJson({ ...subject, at: new Date(now).toISOString() }),
    tail: '',
    seenOfDecision: seen,
  };
}

/** What the entries of a key stand under in the ledger. */
function entriesOf({ sourceId, keyId }: SourceKeyName): string {
  return `source_key:${sourceId}:${keyId}`;
}
