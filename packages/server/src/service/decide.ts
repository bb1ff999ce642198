import { type decide, type ErrorCode, fail, ok, type Result } from '@countersign/contract';
import {
  type Answer,
  assess,
  bindingParameters,
  type JsonObject,
  readInstant,
} from '@countersign/policy';
import { canonicalJson, type SealKey, sha256Hex, sortedJson } from '@countersign/proof';
import { sealJudgement } from './draft-record.ts';
import { type InFlight, idempotencyOf } from './idempotency.ts';
import type { AppendFault, Draft } from './ledger-writer.ts';
import type { PlacedResult } from './placed.ts';
import { checkPin, type PolicyRegistry } from './policies.ts';
import type { Ambient, Idempotency, LedgerReader, Principal } from './ports.ts';
import { type Recorded, readRecorded, recordedFrom } from './recorded.ts';

/** What use cases need of their surroundings. */
export interface Ports {
  readonly reader: LedgerReader;
  readonly append: (draft: Draft) => Promise<PlacedResult>;
  readonly policies: PolicyRegistry;
  readonly ambient: Ambient;
  readonly sealKey: SealKey;
  readonly environment: 'test' | 'live';
  /** Name of the ledger. */
  readonly origin: string;
  readonly inFlight: InFlight;
}

export interface DecideCommand {
  readonly principal: Principal;
  readonly requestId: string;
  /** The body as received; its context is what the policy judges. */
  readonly request: decide.DecideRequest;
  readonly idempotencyKey?: string | undefined;
  readonly traceparent?: string | undefined;
}

/** An answer that is on disk. `replayed`: it was there before this request. */
export interface Answered {
  readonly recorded: Recorded;
  readonly replayed: boolean;
  /** Of a decision that this request made. */
  readonly made?: Made;
}

/** What a door shows of a fresh decision beside its text. */
export interface Made {
  readonly verdict: Answer;
  readonly recordHash: string;
  /** Of the request that made it. */
  readonly requestId: string;
}

/** Decides and records. No judgement leaves this function unless its entry is on disk. */
export async function decideAndRecord(
  ports: Ports,
  command: DecideCommand,
): Promise<Result<Answered>> {
  const { request, principal, idempotencyKey } = command;
  if (idempotencyKey === undefined) return judgeAndAppend(ports, command, undefined);

  const { response_view: _, ...payload } = request;
  const idempotency = idempotencyOf(principal.tenant, 'decide', idempotencyKey, payload);
  return once(ports, idempotency, 'DECIDE_API_IDEMPOTENCY_CONFLICT', () =>
    judgeAndAppend(ports, command, idempotency),
  );
}

async function judgeAndAppend(
  ports: Ports,
  command: DecideCommand,
  idempotency: Idempotency | undefined,
): Promise<Result<Answered>> {
  const { request, principal } = command;
  const context = request.context as JsonObject;
  const found = ports.policies.find(principal.tenant, request.context.workflow);
  const pin = checkPin({ policyId: request.policy_id, version: request.policy_version }, found);
  if (!pin.ok) return fail({ code: pin.fault });
  const { policy, standing } = found;
  const { authorization } = policy.document;
  if (authorization.requireIdempotencyKey && idempotency === undefined) {
    return fail({ code: 'DECIDE_API_IDEMPOTENCY_KEY_REQUIRED' });
  }

  const at = ports.ambient.now();
  const assessment = assess(policy.document, { context, at, standing });
  const createdAt = new Date(at).toISOString();
  const decisionId = ports.ambient.newId('dec_');
  const input = sortedJson(request);
  const bound = policy.document.bindParameters;
  const sealed = sealJudgement(
    assessment,
    policy,
    {
      decisionId,
      requestId: command.requestId,
      idempotencyKey: command.idempotencyKey,
      environment: ports.environment,
      traceparent: command.traceparent,
      context,
      inputHash: sha256Hex(input),
      createdAt,
      validUntil:
        assessment.verdict === 'yes'
          ? validUntil(at, authorization.validForSeconds, request.context.expires_at)
          : undefined,
      parametersHash:
        bound.length === 0
          ? undefined
          : sha256Hex(canonicalJson(bindingParameters(policy.document, context))),
    },
    ports.sealKey,
  );
  const draft: Draft = {
    scope: principal.tenant,
    entryType: 'decision',
    decisionId,
    createdAt,
    recordHash: sealed.recordHash,
    receiptHash: sealed.receiptHash,
    policyId: policy.document.policyId,
    policyVersion: policy.document.version,
    head: sealed.head,
    message: sealed.message,
    tail: sealed.tail,
    input,
    idempotency,
  };
  const appended = await ports.append(draft);
  if (!appended.ok) return fail({ code: APPEND_FAULTS[appended.fault] });
  return ok({
    recorded: recordedFrom(draft, appended.value),
    replayed: false,
    made: {
      verdict: assessment.verdict,
      recordHash: sealed.recordHash,
      requestId: command.requestId,
    },
  });
}

/** A permission ends with its policy's time, or earlier where the request says so; never later. */
function validUntil(at: number, forSeconds: number, expiresAt: string | undefined): string {
  const end = at + forSeconds * 1000;
  const asked = expiresAt === undefined ? undefined : readInstant(expiresAt);
  return new Date(asked === undefined ? end : Math.min(end, asked)).toISOString();
}

/** What the caller is told when the ledger did not take an entry. */
export const APPEND_FAULTS = {
  // Another process was first with this idempotency key: asking again gives its answer.
  duplicate_key: 'DECIDE_API_IDEMPOTENCY_IN_PROGRESS',
  stale: 'DECIDE_LIFECYCLE_BUSY',
  unavailable: 'DECIDE_LEDGER_UNAVAILABLE',
  signing_unavailable: 'DECIDE_SIGNING_UNAVAILABLE',
  clock_untrusted: 'DECIDE_CLOCK_UNTRUSTED',
} as const satisfies Record<AppendFault, ErrorCode>;

/**
 * Runs `first` unless the key was used before. A completed duplicate gets what is recorded; a running one is told
 * so; another payload under the same key is refused.
 */
export async function once(
  ports: Ports,
  idempotency: Idempotency,
  conflict: ErrorCode,
  first: () => Promise<Result<Answered>>,
): Promise<Result<Answered>> {
  const { key, fingerprint } = idempotency;
  if (!ports.inFlight.claim(key)) {
    return fail({ code: 'DECIDE_API_IDEMPOTENCY_IN_PROGRESS', retryAfterSeconds: 1 });
  }
  try {
    const earlier = await ports.reader.recall(key);
    if (earlier === undefined) return await first();
    if (earlier.fingerprint !== fingerprint) {
      return fail({
        code: conflict,
        more: { request_fingerprint: fingerprint, recorded_fingerprint: earlier.fingerprint },
      });
    }
    const stored = await ports.reader.readEntry(earlier.seq);
    if (stored === undefined) return fail({ code: 'DECIDE_STORAGE_UNAVAILABLE' });
    return ok({ recorded: await readRecorded(ports.reader, stored, ports.origin), replayed: true });
  } finally {
    ports.inFlight.release(key);
  }
}
