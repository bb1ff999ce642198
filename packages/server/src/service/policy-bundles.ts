import { bundleOf, type PolicyRegistry, type RegisteredPolicy, unboundPolicy } from './policies.ts';
import { stateOf } from './policy-states.ts';
import type { LedgerReader } from './ports.ts';
import { metadataOf, RULEBOOK_EVALUATOR } from './rulebooks.ts';
import type { Template } from './templates.ts';

/** A bundle as the registry shows it; `hash` is the J hash of `manifest`. */
export type BundleRow = Readonly<Record<string, unknown>>;

/** Most rulebook entries that are looked at, the newest ones. */
const RULEBOOKS_MAX = 1_000;

/** Bundles that came with this software: anybody may look them up. Nobody registered them. */
export function firstPartyBundles(templates: readonly Template[]): readonly BundleRow[] {
  const own = templates.flatMap(({ policies, active }) =>
    policies.map((policy) => rowOf(policy, policy === active ? 'active' : 'superseded', null)),
  );
  return [...own, rowOf(unboundPolicy, 'active', null)].map((row) => ({
    ...row,
    source: 'first_party',
  }));
}

/** Bundles of the policy versions and rulebooks that a tenant has registered. */
export async function tenantBundles(
  policies: PolicyRegistry,
  reader: LedgerReader,
  tenant: string,
): Promise<readonly BundleRow[]> {
  await policies.refresh(reader, tenant);
  const versions = policies.policyIds(tenant).flatMap((policyId) => {
    const { versions: known, states } = policies.history(tenant, policyId);
    return known.map(({ policy, created_at: at }) =>
      rowOf(policy, stateOf(states, policy.document.version), at),
    );
  });
  return [...versions, ...(await rulebookBundles(reader, tenant))];
}

async function rulebookBundles(reader: LedgerReader, tenant: string): Promise<BundleRow[]> {
  const rows = new Map<string, BundleRow>();
  // Newest first: what was approved later stands before what was only noted.
  for (const { subject } of await reader.readOfType(tenant, 'rulebook', RULEBOOKS_MAX)) {
    const { rulebook_id: id, version, hash, registered_at, approved_by } = metadataOf(subject);
    const name = { policyId: String(id), version: String(version), policyHash: String(hash) };
    const bundled = bundleOf(name, RULEBOOK_EVALUATOR);
    if (rows.has(bundled.bundle.hash)) continue;
    const status = approved_by === undefined ? 'draft' : 'active';
    rows.set(bundled.bundle.hash, rowOf(bundled, status, registered_at));
  }
  return [...rows.values()];
}

function rowOf(
  { bundle, manifest }: Pick<RegisteredPolicy, 'bundle' | 'manifest'>,
  status: string,
  registeredAt: unknown,
): BundleRow {
  return {
    ...bundle,
    status,
    policies: manifest['policies'],
    registered_at: registeredAt,
    evaluator_version: manifest['evaluator_version'],
    manifest,
  };
}
