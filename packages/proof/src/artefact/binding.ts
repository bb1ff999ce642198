import { sha256Hex } from '../hash.ts';
import { sortedJson } from '../sorted.ts';
import type { Members } from './members.ts';

/** What a receipt says that is compared with what the decision authorised. */
export interface Attempt {
  readonly actionTaken: string;
  readonly targetSystem?: string | undefined;
  readonly targetObjectId?: string | undefined;
  readonly mutation?: string | undefined;
  readonly parametersHash?: string | undefined;
  /** Unix milliseconds. */
  readonly executedAt: number;
  readonly recordHash?: string | undefined;
  readonly receiptHash?: string | undefined;
  readonly actionBinding?: Members | undefined;
  readonly stateBeforeRef?: string | undefined;
  /** Bound executions of the decision before this one. */
  readonly executionsBefore: number;
}

/**
 * Reasons why an `executed` receipt is not what the decision authorised, sorted; none means it is bound.
 * Comparison is exact equality of strings.
 */
export function bindingMismatches(record: Members, attempt: Attempt): string[] {
  const reasons: string[] = [];
  const bound = (record['action_binding'] ?? {}) as Members;
  const contract = (record['decision_contract'] ?? {}) as Members;
  const differs = (member: string, value: string | undefined): boolean =>
    typeof bound[member] === 'string' && bound[member] !== value;

  if (record['verdict'] !== 'yes') reasons.push('NOT_AUTHORIZED');
  if (contract['production_verdict'] !== true) reasons.push('ADVISORY_ONLY');
  if (
    bound['resource'] === undefined &&
    bound['target_object_id'] === undefined &&
    bound['parameters_hash'] === undefined
  ) {
    reasons.push('BINDING_INCOMPLETE');
  }
  const accepted = bound['accepted_actions'];
  if (!Array.isArray(accepted) || !accepted.includes(attempt.actionTaken)) {
    reasons.push('ACTION_DIFFERS');
  }
  if (differs('target_system', attempt.targetSystem)) reasons.push('TARGET_SYSTEM_DIFFERS');
  if (differs('target_object_id', attempt.targetObjectId)) reasons.push('TARGET_OBJECT_DIFFERS');
  if (differs('mutation', attempt.mutation)) reasons.push('MUTATION_DIFFERS');
  if (differs('parameters_hash', attempt.parametersHash)) reasons.push('PARAMETERS_DIFFER');
  const validUntil = record['valid_until'];
  if (typeof validUntil === 'string' && attempt.executedAt > Date.parse(validUntil)) {
    reasons.push('AUTHORIZATION_EXPIRED');
  }
  if (attempt.executionsBefore >= Number(bound['max_executions'] ?? 1)) {
    reasons.push('EXECUTION_LIMIT');
  }
  if (!namesRecord(record, attempt)) reasons.push('LINK_MISMATCH');
  if (
    typeof bound['resource_version'] === 'string' &&
    attempt.stateBeforeRef !== undefined &&
    attempt.stateBeforeRef !== bound['resource_version']
  ) {
    reasons.push('RESOURCE_VERSION_DIFFERS');
  }
  return reasons.sort();
}

/** Whether the hashes sent along, and the binding if one was sent, are those of the record. */
export function namesRecord(record: Members, attempt: Attempt): boolean {
  if (attempt.recordHash !== record['record_hash']) return false;
  if (attempt.receiptHash !== record['receipt_hash']) return false;
  if (attempt.actionBinding === undefined) return true;
  return sha256Hex(sortedJson(attempt.actionBinding)) === record['action_binding_hash'];
}
