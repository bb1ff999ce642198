import { type decide, fail, ok, type Result } from '@countersign/contract';
import { PROTOCOL_VERSION } from '@countersign/proof';
import { defined, sealArtefact } from './artefact-draft.ts';
import { type Answered, APPEND_FAULTS, once, type Ports } from './decide.ts';
import { subjectOf } from './history.ts';
import { idempotencyOf } from './idempotency.ts';
import type { Draft } from './ledger-writer.ts';
import type { LedgerReader, Principal } from './ports.ts';
import { recordedFrom } from './recorded.ts';
import { SIGN_OFF_ROLES, type SignOffRole } from './reports/readiness.ts';

export interface SignOffCommand {
  readonly principal: Principal;
  readonly policyId: string;
  readonly request: decide.SignOffRequest;
  readonly idempotencyKey?: string | undefined;
}

const SIGN_OFF_VERSION = 'decision_sign_off_v1';
/** Sign-offs of one policy that are looked at, the newest first. */
const SIGN_OFFS_MAX = 200;

/** Records that a person in one of the four roles signs off the launch of a policy, and what they looked at. */
export async function recordSignOff(
  ports: Ports,
  { principal, policyId, request, idempotencyKey }: SignOffCommand,
): Promise<Result<Answered>> {
  const scope = principal.tenant;
  if (ports.policies.history(scope, policyId).versions.length === 0) {
    return fail({ code: 'DECIDE_POLICY_NOT_FOUND' });
  }
  const idempotency =
    idempotencyKey === undefined
      ? undefined
      : idempotencyOf(scope, 'policy', idempotencyKey, { sign_off: request, policy_id: policyId });
  const first = async (): Promise<Result<Answered>> => {
    const signedAt = new Date(ports.ambient.now()).toISOString();
    const id = ports.ambient.newId('sgn_');
    const signOff = defined({
      decision_protocol_version: PROTOCOL_VERSION,
      decision_sign_off_version: SIGN_OFF_VERSION,
      sign_off_id: id,
      policy_id: policyId,
      ...request,
      signed_at: signedAt,
    });
    const draft: Draft = {
      scope,
      entryType: 'report',
      decisionId: `report:${id}`,
      createdAt: signedAt,
      policyId,
      ...sealArtefact(ports, 'report', SIGN_OFF_VERSION, id, signOff),
      idempotency,
      handles: [{ kind: 'sign_off', value: policyId }],
    };
    const appended = await ports.append(draft);
    if (!appended.ok) return fail({ code: APPEND_FAULTS[appended.fault] });
    return ok({ recorded: recordedFrom(draft, appended.value), replayed: false });
  };
  return idempotency === undefined
    ? first()
    : once(ports, idempotency, 'DECIDE_API_IDEMPOTENCY_CONFLICT', first);
}

/** The roles that have signed off a policy. */
export async function readSignOffs(
  reader: LedgerReader,
  scope: string,
  policyId: string,
): Promise<readonly SignOffRole[]> {
  const handle = { kind: 'sign_off', value: policyId } as const;
  const entries = await reader.readByHandle(scope, handle, SIGN_OFFS_MAX);
  const roles = new Set(entries.map((entry) => subjectOf(entry)['role']));
  return SIGN_OFF_ROLES.filter((role) => roles.has(role));
}
