import type { Members } from '@countersign/proof';
import { instantOf, membersOf } from './member.ts';
import { publishedForm } from './published.ts';
import {
  hasRulebookMembers,
  isRulebookRecord,
  rulebookMirrorsAgree,
  withoutAttestedNulls,
} from './rulebook-record.ts';
import { sameText } from './verification.ts';

/** The mode must be one whose members are known here: others have members that nothing here would look at. */
export function isComplete(record: Members): boolean {
  const view = record['record_view'];
  if (view !== undefined && view !== 'full') return false;
  const known = isRulebookRecord(record) ? hasRulebookMembers(record) : record['mode'] === 'single';
  return known && MEMBERS_OF_FULL_VIEW.every((name) => name in record);
}

/** Members of a full record, whatever decided. */
const MEMBERS_OF_FULL_VIEW = [
  'decision_protocol_version',
  'decision_record_version',
  'decision_id',
  'request_id',
  'mode',
  'decision_contract',
  'verdict',
  'c',
  'v',
  'decision',
  'source_hash',
  'evaluated_at',
  'action',
  'requirement_state',
  'action_binding',
  'action_binding_hash',
  'evidence',
  'evidence_checks',
  'evidence_manifest',
  'evidence_sources',
  'policy_id',
  'policy_version',
  'policy_hash',
  'policy_bundle',
  'policy_bundle_hash',
  'evaluator_version',
  'runtime_binding',
  'input_hash',
  'output_hash',
  'created_at',
  'verify_url',
  'replay_url',
  'replay',
  'record_hash',
  'receipt_hash',
  'receipt_signature',
  'receipt_signature_algorithm',
  'receipt_key_id',
  'receipt_public_key',
  'receipt_public_key_fingerprint',
  'integrity',
] as const;

/** Whether the published rules would hash the record as it stands. */
export function hasPublicForm(record: Members): boolean {
  const verdict = record['verdict'];
  if (verdict !== 'yes' && verdict !== 'no' && verdict !== 'review') return false;
  return hasPlainNames(record) && sameText(withoutAttestedNulls(record), publishedForm(record));
}

/** Names on which every canonical text in use agrees, at every depth: array indices and `__proto__` are not. */
function hasPlainNames(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(hasPlainNames);
  return Object.entries(value).every(
    ([name, item]) =>
      /^[ -~]{1,160}$/.test(name) &&
      !/^(?:0|[1-9]\d*)$/.test(name) &&
      name !== '__proto__' &&
      hasPlainNames(item),
  );
}

/** Words of older callers for the same verdict. */
const APPROVALS: ReadonlyMap<unknown, string> = new Map([
  ['yes', 'approved'],
  ['no', 'denied'],
  ['review', 'review'],
]);

/** Whether each alias and mirror says what its original says, and `integrity` holds nothing else. */
export function mirrorsAgree(record: Members, evidenceManifestHash: string | undefined): boolean {
  const runtime = membersOf(record['runtime_binding']);
  const contract = membersOf(record['decision_contract']);
  const manifest = membersOf(record['evidence_manifest']);
  return (
    record['c'] === record['verdict'] &&
    record['decision'] === record['verdict'] &&
    record['v'] === APPROVALS.get(record['verdict']) &&
    record['source_hash'] === record['policy_hash'] &&
    record['evaluated_at'] === record['created_at'] &&
    record['replay'] === record['replay_url'] &&
    sameText(record['evidence_sources'], manifest['sources']) &&
    runtime['authority'] === contract['authority'] &&
    runtime['valid_until'] === record['valid_until'] &&
    runtime['content_canonicalization'] === 'rfc8785' &&
    (!isRulebookRecord(record) || rulebookMirrorsAgree(record)) &&
    sameText(record['integrity'], {
      canonicalization: 'json.sort_deep.v1',
      hash_algorithm: 'sha256',
      decision_protocol_version: record['decision_protocol_version'],
      input_hash: record['input_hash'],
      output_hash: record['output_hash'],
      policy_hash: record['policy_hash'],
      policy_bundle_hash: record['policy_bundle_hash'],
      action_binding_hash: record['action_binding_hash'],
      evidence_manifest_hash: evidenceManifestHash,
      content_hash: runtime['content_hash'],
      record_hash: record['record_hash'],
      receipt_hash: record['receipt_hash'],
      verify_url: record['verify_url'],
      replay_url: record['replay_url'],
      signature: {
        algorithm: record['receipt_signature_algorithm'],
        key_id: record['receipt_key_id'],
        public_key_fingerprint: record['receipt_public_key_fingerprint'],
      },
    })
  );
}

/** Codes stand three times in a record: all lists must be the same. */
export function evidenceAgrees(record: Members): boolean {
  const checks = record['evidence_checks'];
  if (!Array.isArray(checks)) return false;
  const codes = checks
    .map((check) => membersOf(check)['code'])
    .filter((code) => code !== undefined);
  return (
    sameText(record['evidence'], codes) &&
    sameText(record['evidence'], membersOf(record['evidence_manifest'])['codes'])
  );
}

const STATES: ReadonlyMap<unknown, string> = new Map([
  ['yes', 'true'],
  ['no', 'false'],
  ['review', 'unknown'],
]);

/** The verdict follows from the requirement; only a binding `yes` has an end, only the others a route. */
export function verdictAgrees(record: Members): boolean {
  const verdict = record['verdict'];
  const isYes = verdict === 'yes';
  const binding = isYes && membersOf(record['decision_contract'])['authority'] === 'binding';
  const until = record['valid_until'];
  if (!STATES.has(verdict) || record['requirement_state'] !== STATES.get(verdict)) return false;
  if (binding ? Number.isNaN(instantOf(until)) : until !== undefined) return false;
  return isYes === (record['route'] === undefined);
}
