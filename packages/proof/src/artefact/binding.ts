import { sha256Hex } from '../hash.ts';
import { sortedJson } from '../sorted.ts';
import { isMembers, type Members } from './members.ts';

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
  /** Whether another record carried this one on before it. */
  readonly superseded?: boolean | undefined;
  /** Whether the policy demands a claim, and no live one of this executor covers it, see {@link covers}. */
  readonly claimMissing?: boolean | undefined;
  /** Whether the policy demands another executor than who asked, and it is none, see {@link isSeparate}. */
  readonly executorNotSeparate?: boolean | undefined;
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
  if (attempt.superseded === true) reasons.push('SUPERSEDED');
  if (attempt.claimMissing === true) reasons.push('CLAIM_MISSING');
  if (attempt.executorNotSeparate === true) reasons.push('EXECUTOR_NOT_SEPARATE');
  return reasons.sort();
}

/** Whether a claim lets this executor attempt its action at an instant, in Unix milliseconds. */
export function covers(claim: Members, executor: unknown, at: number): boolean {
  return (
    isHeldBy(claim, executor) &&
    at >= Date.parse(String(claim['claimed_at'])) &&
    at <= Date.parse(String(claim['claim_expires_at']))
  );
}

/** Whether a claim was given to this executor. */
export function isHeldBy(claim: Members, executor: unknown): boolean {
  const holder = claim['executor'];
  return (
    isMembers(holder) &&
    isMembers(executor) &&
    holder['type'] === executor['type'] &&
    holder['id'] === executor['id']
  );
}

/** Whether an executor is known to be somebody else than who asked for the decision. */
export function isSeparate(record: Members, executor: unknown): boolean {
  const binding = record['action_binding'];
  const actor = isMembers(binding) ? binding['actor'] : undefined;
  return typeof actor === 'string' && isMembers(executor) && executor['id'] !== actor;
}

/** Whether the hashes sent along, and the binding if one was sent, are those of the record. */
export function namesRecord(record: Members, attempt: Attempt): boolean {
  if (attempt.recordHash !== record['record_hash']) return false;
  if (attempt.receiptHash !== record['receipt_hash']) return false;
  if (attempt.actionBinding === undefined) return true;
  return sha256Hex(sortedJson(attempt.actionBinding)) === record['action_binding_hash'];
}
