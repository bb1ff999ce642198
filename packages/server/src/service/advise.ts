import { type decide, fail, ok, type Result } from '@countersign/contract';
import { assess, type JsonObject } from '@countersign/policy';
import { outputHash, sealMembers } from '@countersign/proof';
import { askedOf } from './asked.ts';
import { type Answered, APPEND_FAULTS, type DecideCommand, type Ports } from './decide.ts';
import { takeIn } from './intake.ts';
import { handlesOf } from './judge.ts';
import type { Draft } from './ledger-writer.ts';
import { checkPin, EVALUATOR_VERSION } from './policies.ts';
import type { Idempotency } from './ports.ts';
import { recordedFrom } from './recorded.ts';

interface Option {
  readonly option_id: string;
  readonly label?: string;
  readonly context_patch: JsonObject;
}

/**
 * Judges several variants of one context by the same policy. What comes of it is advice: the record names no
 * verdict, binds no action and ends at no time, and nothing may be claimed or executed under it.
 */
export async function advise(
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

  const taken = takeIn(ports, principal.tenant, request);
  // What the schema let through holds options of this form.
  const asked = taken.request['options'] as unknown as readonly Option[];
  const options = await Promise.all(
    asked.map(async ({ option_id: id, label, context_patch: patch }) => {
      const context: JsonObject = { ...taken.context, ...patch };
      const { verdict, action, evidence, checks, state } = assess(
        policy.document,
        await askedOf(ports, principal.tenant, { context, at, standing }),
      );
      return {
        option_id: id,
        ...(label === undefined ? {} : { label }),
        verdict,
        action,
        evidence,
        evidence_checks: checks,
        requirement_state: state,
      };
    }),
  );

  const decisionId = ports.ambient.newId('dec_');
  const createdAt = new Date(at).toISOString();
  const replayUrl = `/api/decision/${decisionId}/replay`;
  const content: Record<string, unknown> = {
    created_at: createdAt,
    decision_contract: {
      authority: 'advisory_only',
      production_verdict: false,
      source: 'stored_policy',
    },
    decision_id: decisionId,
    ...(ports.environment === 'test' ? { environment: 'test' } : {}),
    evaluated_at: createdAt,
    evaluator_version: EVALUATOR_VERSION,
    ...(command.idempotencyKey === undefined ? {} : { idempotency_key: command.idempotencyKey }),
    input_hash: taken.inputHash,
    ...(taken.storedInputHash === undefined
      ? {}
      : { stored_input_hash: taken.storedInputHash, redactions: taken.redactions }),
    mode: 'multi',
    options,
    policy_bundle: policy.bundle,
    policy_bundle_hash: policy.bundle.hash,
    policy_hash: policy.policyHash,
    policy_id: policy.document.policyId,
    policy_version: policy.document.version,
    replay: replayUrl,
    replay_url: replayUrl,
    request_id: command.requestId,
    runtime_binding: {
      authority: 'advisory_only',
      binding_mode: 'stored_policy',
      customer_supplied_code: 'rejected',
      production_core: EVALUATOR_VERSION,
      verdict_authority: 'stored_policy',
    },
    source_hash: policy.policyHash,
    verify_url: `/api/decision/${decisionId}/verify`,
  };
  content['output_hash'] = outputHash({ ...content, evidence_checks: options });
  const sealed = sealMembers(content, ports.sealKeyAt(at));
  const draft: Draft = {
    scope: principal.tenant,
    entryType: 'advisory',
    decisionId,
    createdAt,
    recordHash: sealed.recordHash,
    receiptHash: sealed.receiptHash,
    policyId: policy.document.policyId,
    policyVersion: policy.document.version,
    head: sealed.head,
    message: sealed.message,
    tail: sealed.tail,
    input: taken.storedText,
    idempotency,
    handles: handlesOf(policy.document.policyId, sealed, {
      requestId: command.requestId,
      context: taken.context,
    }).filter(({ kind }) => kind !== 'policy'),
  };
  const appended = await ports.append(draft);
  if (!appended.ok) return fail({ code: APPEND_FAULTS[appended.fault] });
  return ok({
    recorded: recordedFrom(draft, appended.value),
    replayed: false,
    made: {
      verdict: undefined,
      advisory: true,
      recordHash: sealed.recordHash,
      requestId: command.requestId,
    },
  });
}
