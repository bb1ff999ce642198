import type { Assessment, PolicyDocument } from '@countersign/policy';
import {
  canonicalJson,
  canonicalString,
  type SealedRecord,
  type SealKey,
  sealRecord,
  sha256Hex,
} from '@countersign/proof';
import { EVALUATOR_VERSION, type RegisteredPolicy } from './policies.ts';

/** What a Decision Record of mode `single` says beside the judgement. */
export interface RecordFacts {
  readonly decisionId: string;
  readonly requestId: string;
  readonly idempotencyKey?: string | undefined;
  readonly environment: 'test' | 'live';
  readonly traceparent?: string | undefined;
  readonly context: Readonly<Record<string, unknown>>;
  readonly inputHash: string;
  readonly createdAt: string;
  readonly validUntil?: string | undefined;
  readonly parametersHash?: string | undefined;
}

/** Words of older callers for the same verdict. */
const APPROVAL = { yes: 'approved', no: 'denied', review: 'review' } as const;

const BINDING_CONTRACT = canonicalJson({
  authority: 'binding',
  production_verdict: true,
  source: 'stored_policy',
});
const EVALUATOR_TEXT = canonicalString(EVALUATOR_VERSION);
const BINDING_TEXT = canonicalString('binding');
const STORED_POLICY_TEXT = canonicalString('stored_policy');
const REJECTED_TEXT = canonicalString('rejected');

/** Lays out and hashes the record of one judgement; what is left to do is one signature. */
export function sealJudgement(
  assessment: Assessment,
  policy: RegisteredPolicy,
  facts: RecordFacts,
  key: SealKey,
): SealedRecord {
  const text = canonicalString;
  const verdict = text(assessment.verdict);
  const createdAt = text(facts.createdAt);
  const evidence = canonicalJson(assessment.evidence);
  const checks = canonicalJson(assessment.checks);
  const sources = canonicalJson(assessment.sources);
  const action = text(assessment.action);
  const state = text(assessment.state);
  const binding = canonicalJson(actionBinding(assessment, policy.document, facts));
  const validUntil = facts.validUntil === undefined ? undefined : text(facts.validUntil);
  const replayUrl = text(`/api/decision/${facts.decisionId}/replay`);
  const output =
    `{"action":${action},"evaluator_version":${EVALUATOR_TEXT},"evidence":${evidence},` +
    `"evidence_checks":${checks},"policy_bundle_hash":${policy.texts.bundleHash},` +
    `"policy_hash":${policy.texts.policyHash},"requirement_state":${state},"verdict":${verdict}}`;

  return sealRecord(
    {
      action,
      action_binding: binding,
      action_binding_hash: `"${sha256Hex(binding)}"`,
      c: verdict,
      created_at: createdAt,
      decision: verdict,
      decision_contract: BINDING_CONTRACT,
      decision_id: text(facts.decisionId),
      ...(facts.environment === 'test' ? { environment: '"test"' } : {}),
      evaluated_at: createdAt,
      evaluator_version: EVALUATOR_TEXT,
      evidence,
      evidence_checks: checks,
      evidence_manifest: `{"codes":${evidence},"sources":${sources}}`,
      evidence_sources: sources,
      ...(facts.idempotencyKey === undefined
        ? {}
        : { idempotency_key: text(facts.idempotencyKey) }),
      input_hash: `"${facts.inputHash}"`,
      mode: '"single"',
      output_hash: `"${sha256Hex(output)}"`,
      policy_bundle: policy.texts.bundle,
      policy_bundle_hash: policy.texts.bundleHash,
      policy_hash: policy.texts.policyHash,
      policy_id: policy.texts.policyId,
      policy_version: policy.texts.policyVersion,
      replay: replayUrl,
      replay_url: replayUrl,
      request_id: text(facts.requestId),
      requirement_state: state,
      ...routeOf(assessment, facts.createdAt),
      source_hash: policy.texts.policyHash,
      ...(facts.traceparent === undefined ? {} : { traceparent: text(facts.traceparent) }),
      v: text(APPROVAL[assessment.verdict]),
      ...(validUntil === undefined ? {} : { valid_until: validUntil }),
      verdict,
      verify_url: text(`/api/decision/${facts.decisionId}/verify`),
    },
    {
      authority: BINDING_TEXT,
      binding_mode: STORED_POLICY_TEXT,
      customer_supplied_code: REJECTED_TEXT,
      production_core: EVALUATOR_TEXT,
      valid_until: validUntil,
      verdict_authority: STORED_POLICY_TEXT,
    },
    key,
  );
}

/** The one mutation that a `yes` covers. Members without a value are left out. */
function actionBinding(
  assessment: Assessment,
  document: PolicyDocument,
  facts: RecordFacts,
): Record<string, unknown> {
  const { context } = facts;
  const binding: Record<string, unknown> = {};
  const set = (name: string, ...values: readonly unknown[]): void => {
    const value = values.find((one) => typeof one === 'string' && one !== '');
    if (value !== undefined) binding[name] = value;
  };
  set('actor', context['actor']);
  set('system', context['workflow']);
  set(
    'resource',
    context['source_record_id'],
    context['invoice_or_subscription_id'],
    context['customer_id'],
  );
  set('proposed_action', assessment.proposedAction);
  if (assessment.acceptedActions.length > 0) {
    binding['accepted_actions'] = assessment.acceptedActions;
  }
  set('amount', context['amount']);
  set('target_system', context['target_system']);
  set('target_object_id', context['target_object_id'], context['invoice_or_subscription_id']);
  set('mutation', context['mutation']);
  set('parameters_hash', facts.parametersHash);
  set('resource_version', context['resource_version']);
  binding['max_executions'] = document.authorization.maxExecutions;
  return binding;
}

function routeOf(assessment: Assessment, createdAt: string): { readonly route?: string } {
  const route = assessment.route;
  if (route === undefined) return {};
  if (route.to === 'requester') return { route: canonicalJson({ to: 'requester' }) };
  const { dueSeconds, ...owner } = route;
  const dueAt = new Date(Date.parse(createdAt) + dueSeconds * 1000).toISOString();
  return { route: canonicalJson({ ...owner, due_at: dueAt }) };
}
