import { type decide, type ErrorCode, fail, ok, type Result } from '@countersign/contract';
import {
  bindingMismatches,
  CLAIM_VERSION,
  canonicalJson,
  isSeparate,
  PROTOCOL_VERSION,
  sha256Hex,
} from '@countersign/proof';
import { aboutDecision, defined, linksOf, sealArtefact } from './artefact-draft.ts';
import type { Answered, Ports } from './decide.ts';
import {
  boundExecutions,
  type History,
  isAdvisory,
  lifecycleState,
  liveClaim,
  supersededBy,
} from './history.ts';
import { idempotencyOf } from './idempotency.ts';
import type { Draft } from './ledger-writer.ts';
import type { RegisteredPolicy } from './policies.ts';
import type { Idempotency, KeyStore, Principal } from './ports.ts';
import { governing } from './rejudge.ts';
import { type Report, report } from './report.ts';
import { readTenantSettings } from './tenants.ts';

export interface ClaimCommand {
  readonly principal: Principal;
  readonly decisionId: string;
  readonly request: decide.ClaimRequest;
  readonly idempotencyKey?: string | undefined;
}

/** What claiming needs beside the ports of every use case. */
export interface ClaimPorts extends Ports {
  readonly tenants: Pick<KeyStore, 'readTenant'>;
}

/** How long a claim lives, in milliseconds; less where the permission itself ends before. */
const CLAIM_LIVES_MS = 60_000;

/** Why an action must not be attempted now. */
export type ClaimRefusal =
  | 'NOT_YES'
  | 'EXPIRED'
  | 'BINDING_MISMATCH'
  | 'ALREADY_CLAIMED'
  | 'ALREADY_EXECUTED'
  | 'SUPERSEDED'
  | 'POLICY_SUSPENDED'
  | 'TENANT_SUSPENDED'
  | 'ADVISORY_ONLY';

/**
 * Gives one executor the exclusive permission to attempt, once and soon, exactly what was authorised. What is said
 * here is compared with the binding before anything happens. Asking again with the same idempotency key gives the
 * stored claim back, which is history and by then perhaps no permission any more.
 */
export async function claimDecision(
  ports: ClaimPorts,
  command: ClaimCommand,
): Promise<Result<Answered>> {
  const { principal, decisionId, request, idempotencyKey } = command;
  const idempotency =
    idempotencyKey === undefined
      ? undefined
      : idempotencyOf(principal.tenant, `claim:${decisionId}`, idempotencyKey, request);
  const { suspended } = await readTenantSettings(ports.tenants, principal.tenant);
  return report(ports, {
    scope: principal.tenant,
    decisionId,
    idempotency,
    conflict: 'DECIDE_API_IDEMPOTENCY_CONFLICT',
    drafts: (history) => draftClaim(ports, command, history, { suspended, idempotency }),
  } satisfies Report);
}

function draftClaim(
  ports: Ports,
  { principal, request }: ClaimCommand,
  history: History,
  known: { readonly suspended: boolean; readonly idempotency: Idempotency | undefined },
): Result<readonly [Draft]> {
  const record = history.record.subject;
  const now = ports.ambient.now();
  const governed = governing(ports, history);
  if (!governed.ok) return governed;
  const policy = governed.value;
  const standing = standingRefusal(history, now, {
    tenantSuspended: known.suspended,
    policySuspended:
      policy !== undefined && ports.policies.isSuspended(principal.tenant, policy.document, now),
  });
  if (standing !== undefined) return refuse(standing);
  const parametersHash = sha256Hex(canonicalJson(request.parameters));
  const mismatches = mismatchesOf(history, request, { now, parametersHash, policy });
  if (mismatches.length > 0) return refuse('BINDING_MISMATCH', mismatches);
  if (liveClaim(history, now) !== undefined) return refuse('ALREADY_CLAIMED');

  const claimId = ports.ambient.newId('clm_');
  const claimedAt = new Date(now).toISOString();
  const ends = Math.min(now + CLAIM_LIVES_MS, Date.parse(String(record['valid_until'])));
  const claim = defined({
    decision_protocol_version: PROTOCOL_VERSION,
    decision_claim_version: CLAIM_VERSION,
    claim_id: claimId,
    ...linksOf(history),
    action_taken: request.action_taken,
    target_system: request.target_system,
    target_object_id: request.target_object_id,
    mutation: request.mutation,
    parameters_hash: parametersHash,
    executor: request.executor,
    state_before_hash: request.state_before_hash,
    claimed_at: claimedAt,
    claim_expires_at: new Date(ends).toISOString(),
  });
  return ok([
    aboutDecision(history, {
      entryType: 'claim',
      createdAt: claimedAt,
      text: sealArtefact(ports, 'claim', CLAIM_VERSION, claimId, claim),
      idempotency: known.idempotency,
    }),
  ]);
}

/** Why nobody may attempt anything under this decision now, whatever they would do; the gravest reason first. */
function standingRefusal(
  history: History,
  now: number,
  suspended: { readonly tenantSuspended: boolean; readonly policySuspended: boolean },
): ClaimRefusal | undefined {
  const { subject } = history.record;
  if (isAdvisory(history)) return 'ADVISORY_ONLY';
  if (supersededBy(history) !== undefined) return 'SUPERSEDED';
  if (subject['verdict'] !== 'yes') return 'NOT_YES';
  if (suspended.tenantSuspended) return 'TENANT_SUSPENDED';
  if (suspended.policySuspended) return 'POLICY_SUSPENDED';
  const limit = Number(bindingOf(history)['max_executions'] ?? 1);
  // Something that happened outside the binding ends the permission as well, and so does an outcome.
  const unbound = history.executions.some((one) => one.subject['action_binding_match'] !== true);
  if (unbound || boundExecutions(history).length >= limit) return 'ALREADY_EXECUTED';
  const over = now > Date.parse(String(subject['valid_until']));
  return over || lifecycleState(history, now) === 'closed' ? 'EXPIRED' : undefined;
}

/** In what the attempt would differ from what was authorised, sorted. */
function mismatchesOf(
  history: History,
  request: decide.ClaimRequest,
  known: {
    readonly now: number;
    readonly parametersHash: string;
    readonly policy: RegisteredPolicy | undefined;
  },
): string[] {
  const record = history.record.subject;
  const differs = known.policy?.document.authorization.executorDiffersFromRequester === true;
  return bindingMismatches(record, {
    actionTaken: request.action_taken,
    targetSystem: request.target_system,
    targetObjectId: request.target_object_id,
    mutation: request.mutation,
    parametersHash: known.parametersHash,
    executedAt: known.now,
    // A claim names the decision by its address alone.
    recordHash: String(record['record_hash']),
    receiptHash: String(record['receipt_hash']),
    stateBeforeRef: request.state_before_hash,
    executionsBefore: boundExecutions(history).length,
    executorNotSeparate: differs && !isSeparate(record, request.executor),
  });
}

function bindingOf({ record }: History): Readonly<Record<string, unknown>> {
  return (record.subject['action_binding'] ?? {}) as Readonly<Record<string, unknown>>;
}

function refuse(reason: ClaimRefusal, mismatches?: readonly string[]): Result<never> {
  const code: ErrorCode =
    reason === 'ADVISORY_ONLY' ? 'DECIDE_EXECUTION_NOT_AUTHORIZED' : 'DECIDE_CLAIM_REFUSED';
  return fail({
    code,
    more: {
      proceed: false,
      reason,
      ...(mismatches === undefined ? {} : { binding_mismatch_reasons: mismatches }),
    },
  });
}
