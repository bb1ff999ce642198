import { type decide, fail, fieldError, ok, type Result } from '@countersign/contract';
import { CRM_SYNC_VERSION, type Members, PROTOCOL_VERSION } from '@countersign/proof';
import { aboutDecision, defined, linksOf, sealArtefact } from './artefact-draft.ts';
import type { Answered, Ports } from './decide.ts';
import { type History, isAdvisory } from './history.ts';
import { idempotencyOf } from './idempotency.ts';
import type { Draft } from './ledger-writer.ts';
import type { Idempotency, Principal } from './ports.ts';
import { type Report, report } from './report.ts';

export interface CrmSyncCommand {
  readonly principal: Principal;
  readonly decisionId: string;
  readonly request: decide.CrmSyncRequest;
  readonly idempotencyKey?: string | undefined;
}

/** Records what was written to, or read from, a CRM about a decision. It may say nothing that the record does not. */
export function recordCrmSync(ports: Ports, command: CrmSyncCommand): Promise<Result<Answered>> {
  const { principal, decisionId, request, idempotencyKey } = command;
  const idempotency =
    idempotencyKey === undefined
      ? undefined
      : idempotencyOf(principal.tenant, `crm-sync:${decisionId}`, idempotencyKey, request);
  return report(ports, {
    scope: principal.tenant,
    decisionId,
    idempotency,
    conflict: 'DECIDE_CRM_SYNC_IDEMPOTENCY_CONFLICT',
    drafts: (history) => draftCrmSync(ports, command, history, idempotency),
  } satisfies Report);
}

function draftCrmSync(
  ports: Ports,
  { request, idempotencyKey }: CrmSyncCommand,
  history: History,
  idempotency: Idempotency | undefined,
): Result<readonly [Draft]> {
  const record: Members = history.record.subject;
  if (isAdvisory(history)) return fail({ code: 'DECIDE_EXECUTION_NOT_AUTHORIZED' });
  if (!repeats(request, record)) return fail({ code: 'DECIDE_CRM_SYNC_LINK_MISMATCH' });
  const secrets = secretsIn(request);
  if (secrets.length > 0) {
    return fail({
      code: 'DECIDE_CONTEXT_SECRET_FORBIDDEN',
      fields: secrets.map((pointer) => fieldError(pointer, 'name_forbidden')),
    });
  }

  const reportedAt = new Date(ports.ambient.now()).toISOString();
  const syncId = ports.ambient.newId('crm_');
  const mapping = request.field_mapping;
  const sync = defined({
    decision_protocol_version: PROTOCOL_VERSION,
    decision_crm_sync_version: CRM_SYNC_VERSION,
    sync_id: syncId,
    ...linksOf(history),
    idempotency_key: idempotencyKey,
    sync_status: request.sync_status,
    sync_direction: request.sync_direction ?? 'writeback',
    crm_provider: request.crm_provider,
    crm_object_type: request.crm_object_type,
    crm_object_id: request.crm_object_id,
    crm_record_url: request.crm_record_url,
    decision_verdict: record['verdict'],
    decision_action: record['action'],
    policy_bundle_hash: record['policy_bundle_hash'],
    field_mapping: mapping,
    mapped_fields: mapping === undefined ? undefined : Object.keys(mapping).sort(),
    written_values_hash: request.written_values_hash,
    external_ref: request.external_ref,
    reported_at: reportedAt,
  });
  return ok([
    aboutDecision(history, {
      entryType: 'crm_sync',
      createdAt: reportedAt,
      text: sealArtefact(ports, 'sync', CRM_SYNC_VERSION, syncId, sync),
      idempotency,
      handles:
        request.external_ref === undefined
          ? []
          : [{ kind: 'external_ref', value: request.external_ref }],
    }),
  ]);
}

/** Members that say something of the decision, and the member of the record that each must repeat. */
const REPEATED = {
  decision_id: 'decision_id',
  decision_record_hash: 'record_hash',
  decision_receipt_hash: 'receipt_hash',
  decision_verdict: 'verdict',
  decision_action: 'action',
  policy_id: 'policy_id',
  policy_version: 'policy_version',
  policy_bundle_hash: 'policy_bundle_hash',
} as const satisfies Partial<Record<keyof decide.CrmSyncRequest, string>>;

function repeats(request: decide.CrmSyncRequest, record: Members): boolean {
  return (Object.keys(REPEATED) as (keyof typeof REPEATED)[]).every(
    (name) => request[name] === undefined || request[name] === record[REPEATED[name]],
  );
}

/** Words that name a credential, between any marks or none. */
const CREDENTIAL =
  /api[-_.]?key|token|secret|passw(?:or)?d|passphrase|authorization|cookie|session|bearer|credential/i;

/** Places in a request that name or hold a credential: it is refused, so that it is never stored. */
function secretsIn({
  field_mapping: mapping,
  crm_record_url: url,
}: decide.CrmSyncRequest): string[] {
  const mapped = Object.keys(mapping ?? {})
    .filter((name) => CREDENTIAL.test(name))
    .map((name) => `/field_mapping/${name}`);
  return url !== undefined && holdsCredential(url) ? [...mapped, '/crm_record_url'] : mapped;
}

/** Whether an address carries a name or password, or a parameter that is named like a credential. */
function holdsCredential(address: string): boolean {
  const [place = '', ...parameters] = address.split(/[?#]/);
  const host = place.replace(/^[a-z][a-z0-9+.-]*:[\\/]*/i, '').split(/[\\/]/)[0] ?? '';
  if (host.includes('@')) return true;
  const names = [...new URLSearchParams(parameters.join('&')).keys()];
  return names.some((name) => CREDENTIAL.test(name));
}
