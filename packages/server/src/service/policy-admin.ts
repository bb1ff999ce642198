import {
  type decide,
  type FieldError,
  fail,
  fieldError,
  limits,
  ok,
  type Result,
} from '@countersign/contract';
import {
  type Json,
  type PolicyDocument,
  parsePolicyDocument,
  readInstant,
  runSelfTests,
  unboundWorkflow,
} from '@countersign/policy';
import { isMembers } from '@countersign/proof';
import { type Answered, APPEND_FAULTS, invalid, once, type Ports } from './decide.ts';
import { type FourEyesPorts, isApproved } from './four-eyes.ts';
import { idempotencyOf } from './idempotency.ts';
import type { Draft } from './ledger-writer.ts';
import { type RegisteredPolicy, registered } from './policies.ts';
import { stateDraft, versionDraft } from './policy-entries.ts';
import { gained, previewOf } from './policy-preview.ts';
import { activeVersion } from './policy-states.ts';
import type { Idempotency, Principal, StoredEntry } from './ports.ts';
import { readRecorded, recordedFrom } from './recorded.ts';

/** What administering policies needs beside the ports of every use case. */
export interface PolicyPorts extends Ports, FourEyesPorts {
  readonly environment: Ports['environment'];
}

interface PolicyCommand {
  readonly principal: Principal;
  readonly policyId: string;
  readonly idempotencyKey?: string | undefined;
}

export interface RegisterCommand extends PolicyCommand {
  readonly version: string;
  readonly document: unknown;
}

export interface ActivateCommand extends PolicyCommand {
  readonly request: decide.ActivateRequest;
}

export interface SuspendCommand extends PolicyCommand {
  readonly request: decide.SuspendRequest;
}

/** A version that is registered. `created`: by this request, or by the one that it repeats. */
export interface Registered extends Answered {
  readonly created: boolean;
}

/** Times a change is judged anew because another process came first. */
const ATTEMPTS_MAX = 8;
/** Days of history that an activation is held against. */
export const PREVIEW_DAYS = 30;
/** Most decisions that one preview judges anew, the newest ones. */
export const PREVIEW_DECISIONS_MAX = 5_000;

/** Registers a version for ever. The same content again is the same version; other content is refused. */
export async function registerPolicy(
  ports: PolicyPorts,
  command: RegisterCommand,
): Promise<Result<Registered>> {
  const { principal, policyId, version, document } = command;
  const idempotency = idempotencyFor(command, 'register', [policyId, version, document]);
  let created = true;
  const first = async (): Promise<Result<Answered>> => {
    const read = readPolicyDocument(document, { policyId, version });
    if (!read.ok) return read;
    const tested = selfTested(read.value);
    if (!tested.ok) return tested;
    const policy = registered(read.value);
    return appendJudged(ports, principal.tenant, () => {
      const { versions } = ports.policies.history(principal.tenant, policyId);
      const known = versions.find((one) => one.policy.document.version === version);
      if (known === undefined) {
        const at = new Date(ports.ambient.now()).toISOString();
        const draft = versionDraft(principal.tenant, policy, { at, by: principal.keyId });
        return ok({ ...draft, idempotency });
      }
      if (known.policy.policyHash !== policy.policyHash) {
        return fail({ code: 'DECIDE_POLICY_VERSION_IMMUTABLE' });
      }
      created = false;
      return ok(known.entry);
    });
  };
  const answered = await run(ports, idempotency, first);
  return answered.ok ? ok({ ...answered.value, created }) : answered;
}

/** Puts a version in force, if the one that is said to be in force is, and everything else holds. */
export async function activatePolicy(
  ports: PolicyPorts,
  command: ActivateCommand,
): Promise<Result<Answered>> {
  const { principal, policyId, request } = command;
  const { tenant } = principal;
  const idempotency = idempotencyFor(command, 'activate', [policyId, request]);
  const { not_before: from, not_after: to } = request;
  const begins = from === undefined ? Number.NEGATIVE_INFINITY : readInstant(from);
  const ends = to === undefined ? Number.POSITIVE_INFINITY : readInstant(to);
  // An end that cannot be read would be none.
  if (begins === undefined) return invalid('/not_before', 'invalid_value');
  if (ends === undefined || begins >= ends) return invalid('/not_after', 'invalid_value');
  const first = async (): Promise<Result<Answered>> => {
    await ports.policies.refresh(ports.reader, tenant);
    const policy = ports.policies.version(tenant, policyId, request.version);
    if (policy === undefined || policyId === unboundWorkflow.policyId) {
      return fail({ code: 'DECIDE_POLICY_NOT_FOUND' });
    }
    const standing = stateRefusal(ports, tenant, policy, request);
    if (!standing.ok) return standing;
    const tested = selfTested(policy.document);
    if (!tested.ok) return tested;
    const author = authorOf(ports, tenant, policy);
    if (!(await isApproved(ports, tenant, author, request.approved_by))) {
      return fail({ code: 'DECIDE_POLICY_APPROVAL_REQUIRED' });
    }
    const preview = await previewOf(ports, tenant, policy.document, {
      days: PREVIEW_DAYS,
      limit: PREVIEW_DECISIONS_MAX,
    });
    if (gained(preview) > 0 && request.acknowledge_shift === undefined) {
      return fail({ code: 'DECIDE_POLICY_SHIFT_UNACKNOWLEDGED', more: { ...preview } });
    }
    return appendJudged(ports, tenant, () => {
      const refused = stateRefusal(ports, tenant, policy, request);
      if (!refused.ok) return refused;
      const { states } = ports.policies.history(tenant, policyId);
      const change = {
        state: 'active',
        created_at: new Date(ports.ambient.now()).toISOString(),
        key_id: principal.keyId,
        approved_by: request.approved_by,
        not_before: from,
        not_after: to,
        preview,
        acknowledge_shift: request.acknowledge_shift,
      } as const;
      return ok({ ...stateDraft(tenant, policy, change, states.length), idempotency });
    });
  };
  return run(ports, idempotency, first);
}

/** From now on everything that the policy answers for goes to its owner, and nothing of it can be claimed. */
export async function suspendPolicy(
  ports: PolicyPorts,
  command: SuspendCommand,
): Promise<Result<Answered>> {
  const { principal, policyId, request } = command;
  const { tenant } = principal;
  const idempotency = idempotencyFor(command, 'suspend', [policyId, request]);
  return run(ports, idempotency, () =>
    appendJudged(ports, tenant, () => {
      const { versions, states } = ports.policies.history(tenant, policyId);
      if (versions.length === 0) return fail({ code: 'DECIDE_POLICY_NOT_FOUND' });
      const active = activeVersion(states);
      if (request.expected_active !== undefined && request.expected_active !== active) {
        return stale(active);
      }
      const policy = versions.find(({ policy: one }) => one.document.version === active)?.policy;
      if (policy === undefined) return fail({ code: 'DECIDE_POLICY_STATE_INVALID' });
      const change = {
        state: 'suspended',
        created_at: new Date(ports.ambient.now()).toISOString(),
        key_id: principal.keyId,
        suspended_by: request.suspended_by,
        reason: request.reason,
      } as const;
      return ok({ ...stateDraft(tenant, policy, change, states.length), idempotency });
    }),
  );
}

/** Reads a document that is to be the policy of this name. */
export function readPolicyDocument(
  document: unknown,
  name: { readonly policyId: string; readonly version?: string },
): Result<PolicyDocument> {
  const parsed = parsePolicyDocument(document as Json);
  const faults: FieldError[] = parsed.ok
    ? []
    : parsed.fault.map(({ pointer, code, message }) => ({ ...fieldError(pointer, code), message }));
  const differs = (member: string, wanted: string | undefined, message: string): void => {
    const pointer = `/${member}`;
    if (!isMembers(document) || wanted === undefined || document[member] === wanted) return;
    if (faults.some((fault) => fault.pointer === pointer)) return;
    faults.push({ ...fieldError(pointer, 'invalid_value'), message });
  };
  differs('policy_id', name.policyId, 'The address names another policy.');
  differs('version', name.version, 'The address names another version.');
  if (name.policyId === unboundWorkflow.policyId) {
    const message = 'This policy belongs to the gate itself.';
    faults.push({ ...fieldError('/policy_id', 'invalid_value'), message });
  }
  if (!parsed.ok || faults.length > 0) {
    return fail({
      code: 'DECIDE_POLICY_INVALID',
      fields: faults.slice(0, limits.FIELD_ERRORS_MAX),
    });
  }
  return ok(parsed.value);
}

function selfTested(document: PolicyDocument): Result<void> {
  const failed = runSelfTests(document).filter(({ passed }) => !passed);
  if (failed.length === 0) return ok(undefined);
  return fail({
    code: 'DECIDE_POLICY_SELFTEST_FAILED',
    more: {
      // A refusal has no member that could be taken for a verdict on its own.
      failed_self_tests: failed.map(({ name, expected, actual }) => ({
        name,
        expected_verdict: expected.verdict,
        actual_verdict: actual.verdict,
        ...(expected.evidence === undefined ? {} : { expected_evidence: expected.evidence }),
        actual_evidence: actual.evidence,
      })),
    },
  });
}

/** Why a version cannot be put in force as things stand. */
function stateRefusal(
  ports: Ports,
  tenant: string,
  { document }: RegisteredPolicy,
  request: decide.ActivateRequest,
): Result<void> {
  const { states } = ports.policies.history(tenant, document.policyId);
  const active = activeVersion(states);
  if (request.expected_active !== active) return stale(active);
  const last = states.at(-1);
  const sameWindow =
    last?.not_before === request.not_before && last?.not_after === request.not_after;
  if (active === document.version && sameWindow) {
    return fail({ code: 'DECIDE_POLICY_STATE_INVALID' });
  }
  const taken = ports.policies.takenWorkflows(tenant, document);
  if (taken.length === 0) return ok(undefined);
  return fail({ code: 'DECIDE_POLICY_WORKFLOW_TAKEN', more: { taken_workflows: taken } });
}

function stale(active: string | null): Result<never> {
  return fail({ code: 'DECIDE_POLICY_ACTIVATION_STALE', more: { active_version: active } });
}

/** Who registered a version. */
function authorOf(
  ports: Ports,
  tenant: string,
  { document }: RegisteredPolicy,
): string | undefined {
  const { versions } = ports.policies.history(tenant, document.policyId);
  return versions.find(({ policy }) => policy.document.version === document.version)?.registered_by;
}

function idempotencyFor(
  { principal, idempotencyKey }: PolicyCommand,
  operation: string,
  payload: readonly unknown[],
): Idempotency | undefined {
  if (idempotencyKey === undefined) return undefined;
  return idempotencyOf(principal.tenant, 'policy', idempotencyKey, [operation, ...payload]);
}

function run(
  ports: Ports,
  idempotency: Idempotency | undefined,
  first: () => Promise<Result<Answered>>,
): Promise<Result<Answered>> {
  return idempotency === undefined
    ? first()
    : once(ports, idempotency, 'DECIDE_API_IDEMPOTENCY_CONFLICT', first);
}

/**
 * Appends what `judge` makes of the policies as they stand, one change of a tenant after the other; or gives the
 * entry that is there already. When another process was faster, its entry is taken in and the change judged anew.
 */
function appendJudged(
  ports: Ports,
  tenant: string,
  judge: () => Result<Draft | StoredEntry>,
): Promise<Result<Answered>> {
  return ports.policies.exclusively(tenant, async () => {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      await ports.policies.refresh(ports.reader, tenant);
      const judged = judge();
      if (!judged.ok) return judged;
      if ('seq' in judged.value) {
        const recorded = await readRecorded(ports.reader, judged.value, ports.origin);
        return ok({ recorded, replayed: false });
      }
      const appended = await ports.append(judged.value);
      if (appended.ok) {
        await ports.policies.refresh(ports.reader, tenant);
        return ok({ recorded: recordedFrom(judged.value, appended.value), replayed: false });
      }
      if (appended.fault !== 'stale') return fail({ code: APPEND_FAULTS[appended.fault] });
    }
    return fail({ code: APPEND_FAULTS.stale, retryAfterSeconds: 1 });
  });
}
