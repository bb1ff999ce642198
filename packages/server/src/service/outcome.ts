import { type decide, fail, ok, type Result } from '@countersign/contract';
import { readInstant } from '@countersign/policy';
import {
  CONTENT_REFERENCE,
  canonicalJson,
  cutAt,
  type Members,
  OUTCOME_VERSION,
  outcomeContentHash,
  outcomeHash,
  PROTOCOL_VERSION,
  sha256Hex,
} from '@countersign/proof';
import { aboutDecision, defined } from './artefact-draft.ts';
import { type Answered, invalid, type Ports } from './decide.ts';
import { CLOCK_SKEW_MS } from './execution.ts';
import {
  boundExecutions,
  type History,
  isAdvisory,
  isTerminal,
  type Kept,
  lifecycleState,
  TERMINAL,
} from './history.ts';
import { idempotencyOf } from './idempotency.ts';
import type { Draft } from './ledger-writer.ts';
import type { Idempotency, Principal } from './ports.ts';
import { type Report, report } from './report.ts';

export interface OutcomeCommand {
  readonly principal: Principal;
  readonly decisionId: string;
  readonly request: decide.OutcomeRequest;
  readonly idempotencyKey?: string | undefined;
}

/** Records what came of a decision in business terms. Success is never taken on trust: it needs a bound receipt. */
export function recordOutcome(ports: Ports, command: OutcomeCommand): Promise<Result<Answered>> {
  const { principal, decisionId, request, idempotencyKey } = command;
  const idempotency =
    idempotencyKey === undefined
      ? undefined
      : idempotencyOf(principal.tenant, `outcome:${decisionId}`, idempotencyKey, request);
  return report(ports, {
    scope: principal.tenant,
    decisionId,
    idempotency,
    conflict: 'DECIDE_OUTCOME_IDEMPOTENCY_CONFLICT',
    drafts: (history) => draftOutcome(ports, command, history, idempotency),
  } satisfies Report);
}

function draftOutcome(
  ports: Ports,
  { request, idempotencyKey }: OutcomeCommand,
  history: History,
  idempotency: Idempotency | undefined,
): Result<readonly [Draft]> {
  const record: Members = history.record.subject;
  if (
    request.decision_record_hash !== record['record_hash'] ||
    request.decision_receipt_hash !== record['receipt_hash']
  ) {
    return fail({ code: 'DECIDE_OUTCOME_LINK_MISMATCH' });
  }
  if (isAdvisory(history)) return fail({ code: 'DECIDE_EXECUTION_NOT_AUTHORIZED' });
  const named = namedExecution(request, history);
  if (!named.ok) return named;
  const bound = boundExecutions(history);
  const executed = request.action_executed ?? bound.length > 0;
  const receipt: Kept | undefined = executed ? (named.value ?? bound.at(-1)) : undefined;
  if (request.outcome_status === 'succeeded' && !supportsSuccess(history, executed, receipt)) {
    return fail({ code: 'DECIDE_OUTCOME_UNSUPPORTED_SUCCESS' });
  }
  if (request.outcome_status === 'reverted' && bound.length === 0) {
    return invalid('/outcome_status', 'invalid_value');
  }
  const now = ports.ambient.now();
  if (TERMINAL.has(request.outcome_status) && isCarriedOn(history, now)) {
    return fail({ code: 'DECIDE_LIFECYCLE_TRANSITION_INVALID' });
  }
  const executedAt =
    request.executed_at === undefined ? undefined : readInstant(request.executed_at);
  const isTime = executedAt !== undefined && executedAt <= now + CLOCK_SKEW_MS;
  if (request.executed_at !== undefined && !isTime) return invalid('/executed_at', 'invalid_value');
  if (request.evidence_refs?.some(({ type }) => type === CONTENT_REFERENCE) === true) {
    return invalid('/evidence_refs', 'invalid_value');
  }

  const last = history.outcomes.at(-1);
  const reportedAt = new Date(now).toISOString();
  const outcomeId = ports.ambient.newId('out_');
  const outcome: Record<string, unknown> = defined({
    decision_protocol_version: PROTOCOL_VERSION,
    decision_outcome_version: OUTCOME_VERSION,
    outcome_id: outcomeId,
    decision_id: record['decision_id'],
    idempotency_key: idempotencyKey,
    outcome_status: request.outcome_status,
    action_executed: executed,
    action_taken: request.action_taken ?? receipt?.subject['action_taken'] ?? 'none',
    target_system: request.target_system ?? receipt?.subject['target_system'],
    target_object_id: request.target_object_id,
    mutation: request.mutation,
    external_ref: request.external_ref,
    execution_receipt_id: receipt?.subject['execution_receipt_id'],
    execution_hash: receipt?.subject['execution_hash'],
    decision_record_hash: record['record_hash'],
    decision_receipt_hash: record['receipt_hash'],
    decision_verdict: record['verdict'],
    decision_action: record['action'],
    policy_id: record['policy_id'],
    policy_version: record['policy_version'],
    policy_bundle_hash: record['policy_bundle_hash'],
    action_binding: record['action_binding'],
    observed_metrics: request.observed_metrics,
    evidence_refs: request.evidence_refs ?? [],
    outcome_input_hash: sha256Hex(canonicalJson(request)),
    executed_at:
      executedAt === undefined
        ? receipt?.subject['executed_at']
        : new Date(executedAt).toISOString(),
    reported_at: reportedAt,
    decision_found: true,
    correction_of: last !== undefined && isTerminal(last) ? last.subject['outcome_id'] : undefined,
  });
  outcome['evidence_refs'] = [
    ...(request.evidence_refs ?? []),
    { id: outcomeId, type: CONTENT_REFERENCE, hash: outcomeContentHash(outcome) },
  ];
  const hash = outcomeHash(outcome);
  const keyId = ports.sealKeyAt(Date.parse(reportedAt)).keyId;
  const text = cutAt(
    { ...outcome, outcome_hash: hash, outcome_key_id: keyId },
    'outcome_signature',
    { type: OUTCOME_VERSION, id: outcomeId, hash, key_id: keyId },
  );
  return ok([
    aboutDecision(history, {
      entryType: 'outcome',
      createdAt: reportedAt,
      recordHash: hash,
      text,
      idempotency,
      handles:
        request.external_ref === undefined
          ? []
          : [{ kind: 'external_ref', value: request.external_ref }],
    }),
  ]);
}

/** The receipt that the caller names, which must be one of this decision. */
function namedExecution(
  request: decide.OutcomeRequest,
  history: History,
): Result<Kept | undefined> {
  const { execution_receipt_id: id, execution_hash: hash } = request;
  if (id === undefined && hash === undefined) return ok(undefined);
  const named = history.executions.find(
    ({ subject }) =>
      (id === undefined || subject['execution_receipt_id'] === id) &&
      (hash === undefined || subject['execution_hash'] === hash),
  );
  if (named !== undefined) return ok(named);
  return invalid(id === undefined ? '/execution_hash' : '/execution_receipt_id', 'invalid_value');
}

/** Whether a decision has its end in another record, which owners have made or still may: nobody reports that end. */
function isCarriedOn(history: History, now: number): boolean {
  const state = lifecycleState(history, now);
  return state === 'in_review' || state === 'superseded';
}

/** A `yes` succeeded once its bound execution stands; a `no` once nothing ran against it; a `review` never. */
function supportsSuccess(history: History, executed: boolean, receipt: Kept | undefined): boolean {
  switch (history.record.subject['verdict']) {
    case 'yes':
      return (
        receipt?.subject['execution_status'] === 'executed' &&
        receipt.subject['action_binding_match'] === true
      );
    case 'no':
      return !executed && history.executions.every(({ subject }) => !isExecuted(subject));
    default:
      return false;
  }
}

function isExecuted(receipt: Members): boolean {
  return receipt['execution_status'] === 'executed';
}
