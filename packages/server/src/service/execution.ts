import { type decide, fail, fieldError, ok, type Result } from '@countersign/contract';
import { readInstant } from '@countersign/policy';
import {
  bindingMismatches,
  canonicalJson,
  covers,
  cutAt,
  EXECUTION_VERSION,
  executionContentHash,
  executionHash,
  isMembers,
  isSeparate,
  type Members,
  namesRecord,
  PROTOCOL_VERSION,
  sha256Hex,
} from '@countersign/proof';
import { aboutDecision, defined } from './artefact-draft.ts';
import { type Answered, invalid, type Ports } from './decide.ts';
import {
  boundExecutions,
  type History,
  isAdvisory,
  isSpent,
  type Kept,
  lifecycleState,
  supersededBy,
} from './history.ts';
import { idempotencyOf } from './idempotency.ts';
import type { Draft } from './ledger-writer.ts';
import type { Handle, Idempotency, Principal } from './ports.ts';
import { governing } from './rejudge.ts';
import { type Report, report } from './report.ts';
import { openMismatch } from './review-item.ts';

export interface ExecutionCommand {
  readonly principal: Principal;
  readonly decisionId: string;
  readonly request: decide.ExecutionRequest;
  readonly idempotencyKey?: string | undefined;
}

/** How far the caller's clock may be ahead of ours, in milliseconds. */
export const CLOCK_SKEW_MS = 5_000;

/**
 * Records what was attempted. A mutation that really happened is always recorded, also when nothing authorised it:
 * then it is a mismatch, and the caller is told to stop.
 */
export function recordExecution(
  ports: Ports,
  command: ExecutionCommand,
): Promise<Result<Answered>> {
  const { principal, decisionId, request, idempotencyKey } = command;
  const idempotency =
    idempotencyKey === undefined
      ? undefined
      : idempotencyOf(principal.tenant, `execution:${decisionId}`, idempotencyKey, request);
  return report(ports, {
    scope: principal.tenant,
    decisionId,
    idempotency,
    conflict: 'DECIDE_EXECUTION_IDEMPOTENCY_CONFLICT',
    drafts: (history) => draftExecution(ports, command, history, idempotency),
  } satisfies Report);
}

function draftExecution(
  ports: Ports,
  { principal, request, idempotencyKey }: ExecutionCommand,
  history: History,
  idempotency: Idempotency | undefined,
): Result<readonly [Draft, ...Draft[]]> {
  const record: Members = history.record.subject;
  const now = ports.ambient.now();
  const reportedAt = new Date(now).toISOString();
  const executedAt =
    request.executed_at === undefined ? now : (readInstant(request.executed_at) ?? Number.NaN);
  const status = request.execution_status;
  const happened = status === 'executed' || status === 'reverted';
  const sentBinding = request.action_binding;
  const parametersHash = sentParametersHash(request);
  const executor = request.executor ?? { type: 'service', id: `key:${principal.keyId}` };
  const governed = governing(ports, history);
  if (!governed.ok) return governed;
  const policy = governed.value;
  const demands = policy?.document.authorization;
  const claim = claimBehind(history, request, executor, executedAt);
  const attempt = {
    actionTaken: request.action_taken,
    targetSystem: request.target_system,
    targetObjectId: request.target_object_id,
    mutation: request.mutation,
    parametersHash,
    executedAt,
    recordHash: request.decision_record_hash,
    receiptHash: request.decision_receipt_hash,
    actionBinding: sentBinding,
    stateBeforeRef: request.state_before_ref,
    executionsBefore: boundExecutions(history).length,
    superseded: supersededBy(history) !== undefined,
    claimMissing: demands?.requireClaim === true && claim === undefined,
    executorNotSeparate:
      demands?.executorDiffersFromRequester === true && !isSeparate(record, executor),
  };
  const linked = namesRecord(record, attempt);
  if (!linked && status !== 'executed') return fail({ code: 'DECIDE_EXECUTION_LINK_MISMATCH' });
  if (isAdvisory(history) && status !== 'executed') {
    return fail({ code: 'DECIDE_EXECUTION_NOT_AUTHORIZED' });
  }

  const missing = missingMembers(request);
  if (missing.length > 0) {
    return fail({
      code: 'DECIDE_API_INVALID_REQUEST',
      fields: missing.map((name) => fieldError(`/${name}`, 'required')),
    });
  }
  const earliest = Date.parse(String(record['created_at']));
  const canBe = executedAt >= earliest && executedAt <= now + CLOCK_SKEW_MS;
  if (Number.isNaN(executedAt) || (happened && !canBe)) {
    return invalid('/executed_at', 'invalid_value');
  }
  const refusal = refuseStatus(request, history, now);
  if (!refusal.ok) return refusal;
  const reverts = refusal.value;

  const reasons = status === 'executed' ? bindingMismatches(record, attempt) : [];
  const receiptId = ports.ambient.newId('exr_');
  const named = status === 'executed' || status === 'failed' || status === 'reverted';
  const receipt: Record<string, unknown> = defined({
    decision_protocol_version: PROTOCOL_VERSION,
    decision_execution_version: EXECUTION_VERSION,
    execution_receipt_id: receiptId,
    decision_id: record['decision_id'],
    idempotency_key: idempotencyKey,
    execution_status: status,
    execution_result: request.execution_result,
    action_taken: request.action_taken,
    target_system: request.target_system,
    target_object_id: request.target_object_id,
    mutation: request.mutation,
    parameters_hash: parametersHash,
    executor: request.executor === undefined && !named ? undefined : executor,
    external_ref: request.external_ref,
    execution_id: request.execution_id,
    claim_id: claim?.subject['claim_id'] ?? request.claim_id,
    decision_record_hash: record['record_hash'],
    decision_receipt_hash: record['receipt_hash'],
    decision_verdict: record['verdict'],
    decision_action: record['action'],
    policy_id: record['policy_id'],
    policy_version: record['policy_version'],
    policy_bundle_hash: record['policy_bundle_hash'],
    action_binding: record['action_binding'],
    action_binding_hash: record['action_binding_hash'],
    action_binding_match: reasons.length === 0,
    binding_mismatch_reasons: reasons.length === 0 ? undefined : reasons,
    claimed_record_hash: linked ? undefined : filled(request.decision_record_hash),
    claimed_receipt_hash: linked ? undefined : filled(request.decision_receipt_hash),
    state_before_hash: request.state_before_hash,
    state_after_hash: request.state_after_hash,
    state_before_ref: request.state_before_ref,
    state_after_ref: request.state_after_ref,
    evidence_refs: nonEmpty(request.evidence_refs),
    execution_input_hash: sha256Hex(canonicalJson(request)),
    executed_at: happened ? new Date(executedAt).toISOString() : undefined,
    reported_at: reportedAt,
    decision_found: true,
    reverts_execution_receipt_id: reverts,
  });
  receipt['execution_result'] = {
    ...request.execution_result,
    content_hash: executionContentHash(receipt),
  };
  const hash = executionHash(receipt);
  const keyId = ports.sealKeyAt(Date.parse(reportedAt)).keyId;
  const text = cutAt(
    { ...receipt, execution_hash: hash, execution_key_id: keyId },
    'execution_signature',
    { type: EXECUTION_VERSION, id: receiptId, hash, key_id: keyId },
  );
  const draft = aboutDecision(history, {
    entryType: 'execution',
    createdAt: reportedAt,
    recordHash: hash,
    text,
    idempotency,
    handles: handlesOf(request),
  });
  if (reasons.length === 0) return ok([draft]);
  const item = openMismatch(ports, draft, policy, {
    decision_record_hash: record['record_hash'],
    decision_receipt_hash: record['receipt_hash'],
    execution_receipt_id: receiptId,
    execution_hash: hash,
    reasons,
  });
  return ok([draft, item]);
}

/** The claim under which this was attempted: the one that is named, else the last one, if it covers the attempt. */
function claimBehind(
  history: History,
  { claim_id: id, execution_status: status }: decide.ExecutionRequest,
  executor: Members,
  at: number,
): Kept | undefined {
  if (status === 'blocked' || status === 'reverted') return undefined;
  const claim =
    id === undefined
      ? history.claims.at(-1)
      : history.claims.find(({ subject }) => subject['claim_id'] === id);
  if (claim === undefined || isSpent(history, claim)) return undefined;
  return covers(claim.subject, executor, at) ? claim : undefined;
}

function handlesOf({ external_ref: reference }: decide.ExecutionRequest): Handle[] {
  return reference === undefined ? [] : [{ kind: 'external_ref', value: reference }];
}

/** The caller's statement about the parameters: their hash, they themselves, or the binding that was sent along. */
function sentParametersHash(request: decide.ExecutionRequest): string | undefined {
  if (request.parameters_hash !== undefined) return request.parameters_hash;
  if (request.parameters !== undefined) return sha256Hex(canonicalJson(request.parameters));
  const inBinding = isMembers(request.action_binding)
    ? request.action_binding['parameters_hash']
    : undefined;
  return typeof inBinding === 'string' && /^[0-9a-f]{64}$/.test(inBinding) ? inBinding : undefined;
}

/** Members that the status demands. */
const DEMANDED = {
  executed: [
    'target_system',
    'target_object_id',
    'mutation',
    'state_before_hash',
    'state_after_hash',
  ],
  reverted: ['target_system', 'target_object_id', 'mutation'],
  skipped: [],
  failed: [],
  blocked: [],
} as const satisfies Record<
  decide.ExecutionRequest['execution_status'],
  readonly (keyof decide.ExecutionRequest)[]
>;

function missingMembers(request: decide.ExecutionRequest): string[] {
  return DEMANDED[request.execution_status].filter((name) => request[name] === undefined);
}

/** Whether this status may be reported now; for `reverted`, the receipt that it undoes. */
function refuseStatus(
  request: decide.ExecutionRequest,
  history: History,
  now: number,
): Result<string | undefined> {
  const status = request.execution_status;
  const isYes = history.record.subject['verdict'] === 'yes';
  switch (status) {
    case 'executed':
    case 'blocked':
      return ok(undefined);
    case 'skipped':
      return isYes ? ok(undefined) : fail({ code: 'DECIDE_LIFECYCLE_TRANSITION_INVALID' });
    case 'failed': {
      if (!isYes) return fail({ code: 'DECIDE_LIFECYCLE_TRANSITION_INVALID' });
      const { state_before_hash: before, state_after_hash: after } = request;
      return after === undefined || after === before
        ? ok(undefined)
        : invalid('/state_after_hash', 'invalid_value');
    }
    case 'reverted': {
      const bound = boundExecutions(history).map(({ subject }) => subject['execution_receipt_id']);
      const named = request.reverts_execution_receipt_id ?? bound.at(-1);
      if (typeof named !== 'string' || !bound.includes(named)) {
        return invalid('/reverts_execution_receipt_id', 'invalid_value');
      }
      const undone = history.executions.some(
        ({ subject }) => subject['reverts_execution_receipt_id'] === named,
      );
      if (undone || lifecycleState(history, now) === 'closed') {
        return fail({ code: 'DECIDE_LIFECYCLE_TRANSITION_INVALID' });
      }
      return ok(named);
    }
  }
}

function filled(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function nonEmpty<Item>(items: readonly Item[] | undefined): readonly Item[] | undefined {
  return items === undefined || items.length === 0 ? undefined : items;
}
