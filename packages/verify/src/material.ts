import { canonicalJson, type Members, sha256Hex, sortedJson } from '@countersign/proof';
import { listOf, membersOf } from './member.ts';
import { attempt, type Check } from './verification.ts';

/** Whether each request in the packet is the one that the record names. */
export function areInputs(packet: Members, record: Members): Check {
  const { input, stored_input: stored } = packet;
  if (input === undefined && stored === undefined) return null;
  const isNamed = (value: unknown, claimed: unknown): boolean =>
    value === undefined ||
    (claimed !== undefined && attempt(() => sha256Hex(sortedJson(value))) === claimed);
  return isNamed(input, record['input_hash']) && isNamed(stored, record['stored_input_hash']);
}

/** The policies of the packet: whether they and the bundle are those of the record, and the one that decided. */
export function readPolicies(
  packet: Members,
  record: Members,
): { readonly match: Check; readonly document: unknown } {
  const { policies, policy_bundle_manifest: manifest } = packet;
  if (policies === undefined && manifest === undefined) return { match: null, document: undefined };
  const items = listOf(policies);
  const bundled = listOf(membersOf(manifest)['policies']);
  const isSame = (a: Members, id: unknown, version: unknown, hash: unknown): boolean =>
    a['policy_id'] === id && a['version'] === version && a['policy_hash'] === hash;
  const own = items.find((item) =>
    isSame(item, record['policy_id'], record['policy_version'], record['policy_hash']),
  );
  const match =
    own !== undefined &&
    attempt(() => sha256Hex(canonicalJson(manifest))) === record['policy_bundle_hash'] &&
    items.every((item) => {
      const { policy_id: id, version, policy_hash: hash, document } = item;
      return (
        attempt(() => sha256Hex(canonicalJson(document))) === hash &&
        bundled.some((one) => isSame(one, id, version, hash))
      );
    });
  return { match, document: own?.['document'] };
}
