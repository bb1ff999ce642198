import { type decide, fail, ok, type Result } from '@countersign/contract';
import {
  type Assessment,
  assess,
  bindingParameters,
  type JsonObject,
  type PolicyDocument,
  readInstant,
  type Why,
  why,
} from '@countersign/policy';
import { canonicalJson, type SealedRecord, sha256Hex } from '@countersign/proof';
import { askedOf } from './asked.ts';
import {
  type Answered,
  APPEND_FAULTS,
  appendAll,
  type DecideCommand,
  type Ports,
} from './decide.ts';
import { type RecordFacts, sealJudgement } from './draft-record.ts';
import { type TakenIn, takeIn } from './intake.ts';
import type { Draft } from './ledger-writer.ts';
import { checkPin, type RegisteredPolicy } from './policies.ts';
import type { Handle, Idempotency } from './ports.ts';
import { recordedFrom } from './recorded.ts';
import { openReview } from './review-item.ts';

/** Judges one request by the policy of its workflow and appends the record; a `review` with its review item. */
export async function judge(
  ports: Ports,
  command: DecideCommand<decide.DecideRequest>,
  idempotency: Idempotency | undefined,
): Promise<Result<Answered>> {
  const { request, principal } = command;
  const at = ports.ambient.now();
  const found = ports.policies.find(principal.tenant, request.context.workflow, at);
  const pin = checkPin({ policyId: request.policy_id, version: request.policy_version }, found);
  if (!pin.ok) return fail({ code: pin.fault });
  const { policy, standing } = found;
  if (policy.document.authorization.requireIdempotencyKey && idempotency === undefined) {
    return fail({ code: 'DECIDE_API_IDEMPOTENCY_KEY_REQUIRED' });
  }

  const taken = takeIn(ports, principal.tenant, request);
  const { context } = taken;
  const asked = await askedOf(ports, principal.tenant, { context, at, standing });
  const assessment = assess(policy.document, asked);
  const judged = { policy, assessment, taken, at };
  const { sealed, facts } = sealDecision(ports, command, judged);
  const draft = draftDecision(principal.tenant, judged, { sealed, facts }, idempotency);
  const drafts =
    assessment.route?.to === 'owner'
      ? [draft, openReview(ports, { draft, sealed, facts, assessment }, policy)]
      : [draft];
  const appended = await appendAll(ports, drafts);
  if (!appended.ok) return fail({ code: APPEND_FAULTS[appended.fault] });
  const [placed] = appended.value;
  if (placed === undefined) throw new Error('an appended decision has no place');
  return ok({
    recorded: recordedFrom(draft, placed),
    replayed: false,
    made: {
      verdict: assessment.verdict,
      policyId: policy.document.policyId,
      advisory: false,
      recordHash: sealed.recordHash,
      requestId: command.requestId,
    },
  });
}

/** One judgement with what it was made from. */
export interface Judged {
  readonly policy: RegisteredPolicy;
  readonly assessment: Assessment;
  readonly taken: TakenIn;
  /** Unix milliseconds. */
  readonly at: number;
}

export interface SealedDecision {
  readonly sealed: SealedRecord;
  readonly facts: RecordFacts;
}

/** The record of a judgement, hashed; `resolution` where an owner carries on another record. */
export function sealDecision(
  ports: Ports,
  command: Pick<DecideCommand, 'requestId' | 'idempotencyKey' | 'traceparent'>,
  { policy, assessment, taken, at }: Judged,
  resolution?: RecordFacts['resolution'],
): SealedDecision {
  const { document } = policy;
  const { context } = taken;
  const facts: RecordFacts = {
    decisionId: ports.ambient.newId('dec_'),
    requestId: command.requestId,
    idempotencyKey: command.idempotencyKey,
    environment: ports.environment,
    traceparent: command.traceparent,
    context,
    inputHash: taken.inputHash,
    storedInputHash: taken.storedInputHash,
    redactions: taken.redactions,
    createdAt: new Date(at).toISOString(),
    validUntil:
      assessment.verdict === 'yes'
        ? validUntil(at, document.authorization.validForSeconds, context['expires_at'])
        : undefined,
    parametersHash:
      document.bindParameters.length === 0
        ? undefined
        : sha256Hex(canonicalJson(bindingParameters(document, context as JsonObject))),
    resolution,
    why: assessment.verdict === 'yes' ? undefined : neededFor(document, assessment),
  };
  return { sealed: sealJudgement(assessment, policy, facts, ports.sealKeyAt(at)), facts };
}

/** What would have to change for a `yes`; nothing where nothing could. */
function neededFor(document: PolicyDocument, { trace }: Assessment): Why | undefined {
  const needed = why(document, trace);
  return needed.sets.length === 0 ? undefined : needed;
}

/** The entry of a sealed record. */
export function draftDecision(
  scope: string,
  { policy, taken }: Judged,
  { sealed, facts }: SealedDecision,
  idempotency: Idempotency | undefined,
): Draft {
  const { policyId, version } = policy.document;
  return {
    scope,
    entryType: 'decision',
    decisionId: facts.decisionId,
    createdAt: facts.createdAt,
    recordHash: sealed.recordHash,
    receiptHash: sealed.receiptHash,
    policyId,
    policyVersion: version,
    head: sealed.head,
    message: sealed.message,
    tail: sealed.tail,
    input: taken.storedText,
    idempotency,
    handles: handlesOf(policyId, sealed, facts),
  };
}

/** What a decision can be found by. */
export function handlesOf(
  policyId: string,
  sealed: Pick<SealedRecord, 'recordHash' | 'receiptHash'>,
  facts: Pick<RecordFacts, 'requestId' | 'context' | 'resolution'>,
): Handle[] {
  const { source_record_id: source } = facts.context;
  return [
    { kind: 'request_id', value: facts.requestId },
    { kind: 'record_hash', value: sealed.recordHash },
    { kind: 'receipt_hash', value: sealed.receiptHash },
    { kind: 'policy', value: policyId },
    ...(typeof source === 'string' ? [{ kind: 'source_record_id', value: source } as const] : []),
    ...(facts.resolution === undefined
      ? []
      : [{ kind: 'parent', value: facts.resolution.parentDecisionId } as const]),
  ];
}

/** A permission ends with its policy's time, or earlier where the request says so; never later. */
export function validUntil(at: number, forSeconds: number, expiresAt: unknown): string {
  const end = at + forSeconds * 1000;
  const asked = typeof expiresAt === 'string' ? readInstant(expiresAt) : undefined;
  return new Date(asked === undefined ? end : Math.min(end, asked)).toISOString();
}
