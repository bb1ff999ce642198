import { canonicalJson } from '../canonical.ts';
import { sha256Hex } from '../hash.ts';
import { sortedJson } from '../sorted.ts';
import { emptied, isHollow, isMembers, type Members, without } from './members.ts';

export const EXECUTION_VERSION = 'decision_execution_v1';
export const OUTCOME_VERSION = 'decision_outcome_v1';

const LEDGER_MEMBERS = ['audit_chain', 'ledger', 'ledger_proof'] as const;
const LEDGER: ReadonlySet<string> = new Set(LEDGER_MEMBERS);
const EXECUTION_SEAL: ReadonlySet<string> = new Set([
  'execution_hash',
  'execution_key_id',
  'execution_signature',
  ...LEDGER_MEMBERS,
]);
const OUTCOME_SEAL: ReadonlySet<string> = new Set([
  'outcome_hash',
  'outcome_key_id',
  'outcome_signature',
  ...LEDGER_MEMBERS,
]);
/** Members of a receipt that the published hash does not cover; its content hash does. */
const EXECUTION_UNPUBLISHED: ReadonlySet<string> = new Set([
  'binding_mismatch_reasons',
  'claim_id',
  'claimed_receipt_hash',
  'claimed_record_hash',
  'parameters_hash',
  'reverts_execution_receipt_id',
  ...EXECUTION_SEAL,
]);
const OUTCOME_UNPUBLISHED: ReadonlySet<string> = new Set([
  'correction_of',
  'execution_hash',
  'execution_receipt_id',
  ...OUTCOME_SEAL,
]);
const CONTENT_HASH: ReadonlySet<string> = new Set(['content_hash']);

/** Hash that stands inside `execution_result.content_hash`: the whole receipt but for its seal. */
export function executionContentHash(receipt: Members): string {
  const content: Record<string, unknown> = { ...without(receipt, EXECUTION_SEAL) };
  const result = content['execution_result'];
  if (isMembers(result)) {
    const rest = without(result, CONTENT_HASH);
    if (isHollow(rest)) delete content['execution_result'];
    else content['execution_result'] = rest;
  }
  return sha256Hex(canonicalJson(content));
}

/** Published hash of an execution receipt. */
export function executionHash(receipt: Members): string {
  return sha256Hex(sortedJson(emptied(without(receipt, EXECUTION_UNPUBLISHED))));
}

/** Type of the evidence reference, always the last of an outcome, that carries its content hash. */
export const CONTENT_REFERENCE = 'content_hash';

/** Hash that stands in the last evidence reference: the whole outcome but for that reference and its seal. */
export function outcomeContentHash(outcome: Members): string {
  const content: Record<string, unknown> = { ...without(outcome, OUTCOME_SEAL) };
  const references = content['evidence_refs'];
  if (Array.isArray(references)) {
    const last: unknown = references.at(-1);
    const own = isMembers(last) && last['type'] === CONTENT_REFERENCE;
    const rest: readonly unknown[] = own ? references.slice(0, -1) : references;
    if (rest.length === 0) delete content['evidence_refs'];
    else content['evidence_refs'] = rest;
  }
  return sha256Hex(canonicalJson(content));
}

/** Published hash of an Outcome Record. */
export function outcomeHash(outcome: Members): string {
  return sha256Hex(sortedJson(emptied(without(outcome, OUTCOME_UNPUBLISHED))));
}

/** What the ledger's `subject_hash` of a receipt, an outcome or any other artefact is taken over. */
export function artefactSubject(artefact: Members): Members {
  return without(artefact, LEDGER);
}
