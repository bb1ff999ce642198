import { canonicalJson } from '../canonical.ts';
import { sha256Hex } from '../hash.ts';
import { sortedJson } from '../sorted.ts';
import { emptied, isHollow, isMembers, type Members, without } from './members.ts';

export const PROTOCOL_VERSION = 'decision_protocol_v1';
export const RECORD_VERSION = 'decision_record_v1';

/** Members that exist only once the content is hashed; outside `content_hash`. */
export const SEAL_MEMBERS = [
  'integrity',
  'receipt_hash',
  'receipt_key_id',
  'receipt_public_key',
  'receipt_public_key_fingerprint',
  'receipt_signature',
  'receipt_signature_algorithm',
  'record_hash',
] as const;

/** Members that exist only once the record has its place in the ledger, or that a view adds. */
export const LATE_MEMBERS = [
  'audit_chain',
  'confidence',
  'ledger',
  'ledger_proof',
  'lifecycle_state',
  'record_view',
  'superseded_by',
] as const;

/** Strings of the published subset; `""` where a record has none. */
export const PUBLIC_STRINGS = [
  'action',
  'created_at',
  'decision_id',
  'decision_protocol_version',
  'decision_record_version',
  'idempotency_key',
  'input_hash',
  'output_hash',
  'policy_hash',
  'policy_id',
  'policy_version',
  'replay_url',
  'request_id',
  'verdict',
  'verify_url',
] as const;

/** Members that the published subset holds only where they are not hollow. */
export const PUBLIC_OPTIONAL = [
  'adapter_facts',
  'application_verdict',
  'evaluator_version',
  'matched_rule_id',
  'policy_bundle_hash',
  'reason_code',
  'rulebook',
  'rulebook_attestation',
  'rulebook_contract',
  'rulebook_registry',
  'runtime_binding',
  'trusted_adapter',
] as const;

/** The only members of `policy_bundle` that the published subset covers. */
export const PUBLIC_BUNDLE = [
  'canonicalization',
  'hash',
  'hash_algorithm',
  'id',
  'source',
  'version',
] as const;

const SEAL_AND_LATE: ReadonlySet<string> = new Set([...SEAL_MEMBERS, ...LATE_MEMBERS]);
const LATE: ReadonlySet<string> = new Set(LATE_MEMBERS);
const CONTENT_HASH: ReadonlySet<string> = new Set(['content_hash']);

/** RFC 8785 hash of the whole record but for its seal, its late members and this hash itself. */
export function recordContentHash(record: Members): string {
  const content: Record<string, unknown> = { ...without(record, SEAL_AND_LATE) };
  const binding = record['runtime_binding'];
  if (isMembers(binding)) content['runtime_binding'] = without(binding, CONTENT_HASH);
  return sha256Hex(canonicalJson(content));
}

/** The members that the published verifier hashes, each in the form it gives them. */
export function publicSubset(record: Members): Members {
  const subset: Record<string, unknown> = {};
  for (const name of PUBLIC_STRINGS) subset[name] = record[name] ?? '';
  subset['action_binding'] = record['action_binding'] ?? {};
  subset['evidence'] = record['evidence'] ?? [];
  const manifest = record['evidence_manifest'];
  subset['evidence_manifest'] = {
    codes: (isMembers(manifest) ? manifest['codes'] : undefined) ?? [],
    sources: (isMembers(manifest) ? manifest['sources'] : undefined) ?? [],
  };
  for (const name of PUBLIC_OPTIONAL) {
    const value = emptied(record[name]);
    if (!isHollow(value)) subset[name] = value;
  }
  const bundle = record['policy_bundle'];
  if (isMembers(bundle)) {
    const kept: Record<string, unknown> = {};
    for (const name of PUBLIC_BUNDLE) if (!isHollow(bundle[name])) kept[name] = bundle[name];
    if (!isHollow(kept)) subset['policy_bundle'] = kept;
  }
  return subset;
}

/** `json.sort_deep.v1` hash of the published subset. */
export function recordHash(record: Members): string {
  return sha256Hex(sortedJson(publicSubset(record)));
}

/** Hash of what the receipt signature covers, for a record hash that the caller has computed. */
export function receiptHash(record: Members, recomputedRecordHash: string): string {
  return sha256Hex(
    sortedJson({
      action_binding_hash: bindingHash(record),
      decision_id: record['decision_id'] ?? '',
      decision_record_version: record['decision_record_version'] ?? '',
      evidence_manifest_hash: manifestHash(record),
      input_hash: record['input_hash'] ?? '',
      output_hash: record['output_hash'] ?? '',
      policy_bundle_hash: record['policy_bundle_hash'] ?? '',
      policy_hash: record['policy_hash'] ?? '',
      record_hash: recomputedRecordHash,
    }),
  );
}

export function bindingHash(record: Members): string {
  return sha256Hex(sortedJson(record['action_binding'] ?? {}));
}

export function manifestHash(record: Members): string {
  return sha256Hex(sortedJson(publicSubset(record)['evidence_manifest']));
}

const OUTPUT_CORE = [
  'action',
  'application_verdict',
  'evaluator_version',
  'evidence',
  'evidence_checks',
  'matched_rule_id',
  'policy_bundle_hash',
  'policy_hash',
  'reason_code',
  'requirement_state',
  'verdict',
] as const;

/** RFC 8785 hash of the output core: no id and no time, so equal input and policy give equal hashes. */
export function outputHash(record: Members): string {
  const core: Record<string, unknown> = {};
  for (const name of OUTPUT_CORE) if (record[name] !== undefined) core[name] = record[name];
  return sha256Hex(canonicalJson(core));
}

/** What the ledger's `subject_hash` of a record is taken over: the record as stored. */
export function recordSubject(record: Members): Members {
  return without(record, LATE);
}
