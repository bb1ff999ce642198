import {
  bindingMismatches,
  CONTENT_REFERENCE,
  covers,
  executionContentHash,
  isMembers,
  isSeparate,
  type Members,
  outcomeContentHash,
} from '@countersign/proof';
import type { Artefact } from './artefact.ts';
import { KINDS } from './kinds.ts';
import { instantOf, membersOf, textMember } from './member.ts';
import { attempt, type Check } from './verification.ts';

/** What is about one decision as a packet holds it, each list in ledger order. */
export interface Lifecycle {
  readonly record: Members;
  readonly claims: readonly Members[];
  readonly executions: readonly Members[];
  readonly outcomes: readonly Members[];
  readonly reviews: readonly Members[];
  /** `authorization` of the policy document, where the packet holds the policy. */
  readonly authorization: Members;
  /** Place of an artefact in the ledger; -1 where it has none. */
  readonly placeOf: (artefact: Members) => number;
}

/** Whether every item passes; `null` without any. */
export function each<Item>(items: readonly Item[], holds: (item: Item) => boolean): Check {
  return items.length === 0 ? null : items.every(holds);
}

/** Whether an artefact says the hash of itself. */
export function isHashed({ kind, members, ownHash }: Artefact): boolean {
  return ownHash !== undefined && members[KINDS[kind].hash] === ownHash;
}

/** Whether the content hash inside a receipt is that of the whole receipt. */
export function isExecutionContent(receipt: Members): boolean {
  const hash = attempt(() => executionContentHash(receipt));
  return hash !== undefined && membersOf(receipt['execution_result'])['content_hash'] === hash;
}

/** The same of an outcome, where it is the last evidence reference, the only one of its type, and names the outcome. */
export function isOutcomeContent(outcome: Members): boolean {
  const references: unknown = outcome['evidence_refs'];
  if (!Array.isArray(references)) return false;
  const isOwn = (reference: unknown): boolean => membersOf(reference)['type'] === CONTENT_REFERENCE;
  const last: unknown = references.at(-1);
  if (references.find(isOwn) !== last || !isMembers(last)) return false;
  const hash = attempt(() => outcomeContentHash(outcome));
  return (
    hash !== undefined &&
    Object.keys(last).length === 3 &&
    last['hash'] === hash &&
    last['id'] === outcome['outcome_id']
  );
}

/** Whether a receipt or an outcome names the decision and both its hashes. */
export function isLinked(artefact: Members, record: Members): boolean {
  return (
    typeof record['decision_id'] === 'string' &&
    typeof record['record_hash'] === 'string' &&
    typeof record['receipt_hash'] === 'string' &&
    artefact['decision_id'] === record['decision_id'] &&
    artefact['decision_record_hash'] === record['record_hash'] &&
    artefact['decision_receipt_hash'] === record['receipt_hash']
  );
}

/** Whether every mutation that happened was the one that the decision authorised, and is marked as that. */
export function areBound(lifecycle: Lifecycle): Check {
  const { executions } = lifecycle;
  let before = 0;
  let executed = 0;
  let bound = true;
  for (const receipt of executions) {
    if (receipt['execution_status'] !== 'executed') continue;
    executed += 1;
    const authorised = attempt(() => isAuthorised(lifecycle, receipt, before)) === true;
    if (!authorised || receipt['action_binding_match'] !== true) bound = false;
    if (receipt['action_binding_match'] === true) before += 1;
  }
  return executed === 0 ? null : bound;
}

function isAuthorised(lifecycle: Lifecycle, receipt: Members, executionsBefore: number): boolean {
  const { record, authorization } = lifecycle;
  const executedAt = instantOf(receipt['executed_at']);
  // Neither instant may be missing: nothing is later than what cannot be read.
  if (Number.isNaN(executedAt) || Number.isNaN(instantOf(record['valid_until']))) return false;
  const binding = receipt['action_binding'];
  const mismatches = bindingMismatches(record, {
    actionTaken: textMember(receipt, 'action_taken') ?? '',
    targetSystem: textMember(receipt, 'target_system'),
    targetObjectId: textMember(receipt, 'target_object_id'),
    mutation: textMember(receipt, 'mutation'),
    parametersHash: textMember(receipt, 'parameters_hash'),
    executedAt,
    // What its caller named stands apart where it was not the decision's.
    recordHash:
      textMember(receipt, 'claimed_record_hash') ?? textMember(receipt, 'decision_record_hash'),
    receiptHash:
      textMember(receipt, 'claimed_receipt_hash') ?? textMember(receipt, 'decision_receipt_hash'),
    actionBinding: isMembers(binding) ? binding : undefined,
    stateBeforeRef: textMember(receipt, 'state_before_ref'),
    executionsBefore,
    superseded: isSuperseded(lifecycle, receipt),
    claimMissing: authorization['require_claim'] === true && !isClaimed(lifecycle, receipt),
    executorNotSeparate:
      authorization['executor_differs_from_requester'] === true &&
      !isSeparate(record, receipt['executor']),
  });
  return mismatches.length === 0;
}

/** Whether an owner had settled the decision by another record before this was reported. */
function isSuperseded({ record, reviews, placeOf }: Lifecycle, receipt: Members): boolean {
  return reviews.some(
    (review) =>
      review['decision_id'] === record['decision_id'] &&
      (review['resolved_verdict'] === 'yes' || review['resolved_verdict'] === 'no') &&
      placeOf(review) < placeOf(receipt),
  );
}

/** Whether the claim that a receipt names was made before it, by the same executor, and was live. */
function isClaimed({ claims, placeOf }: Lifecycle, receipt: Members): boolean {
  const claim = claims.find((one) => one['claim_id'] === receipt['claim_id']);
  return (
    claim !== undefined &&
    placeOf(claim) < placeOf(receipt) &&
    covers(claim, receipt['executor'], instantOf(receipt['executed_at']))
  );
}

/** Whether no more was executed than authorised, and nothing after the authorisation ended. */
export function isWithinLimit({ record, executions }: Lifecycle): Check {
  const bound = executions.filter(isBoundExecution);
  if (bound.length === 0) return null;
  const limit: unknown = membersOf(record['action_binding'])['max_executions'] ?? 1;
  const until = instantOf(record['valid_until']);
  return (
    typeof limit === 'number' &&
    bound.length <= limit &&
    bound.every((receipt) => instantOf(receipt['executed_at']) <= until)
  );
}

function isBoundExecution(receipt: Members): boolean {
  return receipt['execution_status'] === 'executed' && receipt['action_binding_match'] === true;
}

/** Whether each outcome's receipt is here, and each success is one that the verdict and the receipts allow. */
export function areSupported({ record, executions, outcomes }: Lifecycle): Check {
  return each(outcomes, (outcome) => {
    const receipt = receiptOf(outcome, executions);
    if (receipt === 'missing') return false;
    if (outcome['outcome_status'] !== 'succeeded') return true;
    switch (record['verdict']) {
      case 'yes':
        return (
          outcome['action_executed'] === true && receipt !== 'none' && isBoundExecution(receipt)
        );
      case 'no':
        return (
          outcome['action_executed'] === false &&
          executions.every((one) => one['execution_status'] !== 'executed')
        );
      default:
        return false;
    }
  });
}

/** The receipt that an outcome names: by its hash, and its id must be of the same one. */
export function receiptOf(
  outcome: Members,
  executions: readonly Members[],
): Members | 'none' | 'missing' {
  const { execution_receipt_id: id, execution_hash: hash } = outcome;
  if (id === undefined && hash === undefined) return 'none';
  const named = executions.find(
    (receipt) =>
      (id === undefined || receipt['execution_receipt_id'] === id) &&
      receipt['execution_hash'] === hash,
  );
  return named ?? 'missing';
}
