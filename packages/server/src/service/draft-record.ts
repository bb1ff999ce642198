import type { Assessment } from '@countersign/policy';
import {
  type ContentTexts,
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
  /** Hash of the input as it is kept, where something in it was replaced, and the places of that. */
  readonly storedInputHash?: string | undefined;
  readonly redactions?: readonly string[] | undefined;
  /** What would have to change for a `yes`, see `why` of the kernel. */
  readonly why?: unknown;
  /** Of a record by which an owner carries on another one. */
  readonly resolution?:
    | {
        readonly parentDecisionId: string;
        readonly parentRecordHash: string;
        readonly review: Readonly<Record<string, unknown>>;
      }
    | undefined;
}

/** Words of older callers for the same verdict. */
export const APPROVAL = { yes: 'approved', no: 'denied', review: 'review' } as const;

const BINDING_CONTRACT = canonicalJson({
  authority: 'binding',
  production_verdict: true,
  source: 'stored_policy',
});
const RESOLUTION_CONTRACT = canonicalJson({
  authority: 'binding',
  production_verdict: true,
  source: 'owner_resolution',
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
  const { proposedAction, acceptedActions } = assessment;
  const { maxExecutions } = policy.document.authorization;
  const covered = { proposedAction, acceptedActions, maxExecutions };
  const binding = canonicalJson(actionBinding(covered, facts));
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
      decision_contract: facts.resolution === undefined ? BINDING_CONTRACT : RESOLUTION_CONTRACT,
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
      ...resolutionTexts(facts),
      policy_bundle: policy.texts.bundle,
      policy_bundle_hash: policy.texts.bundleHash,
      policy_hash: policy.texts.policyHash,
      policy_id: policy.texts.policyId,
      policy_version: policy.texts.policyVersion,
      ...(facts.redactions === undefined ? {} : { redactions: canonicalJson(facts.redactions) }),
      replay: replayUrl,
      replay_url: replayUrl,
      request_id: text(facts.requestId),
      requirement_state: state,
      ...routeOf(assessment, facts.createdAt),
      source_hash: policy.texts.policyHash,
      ...(facts.storedInputHash === undefined
        ? {}
        : { stored_input_hash: `"${facts.storedInputHash}"` }),
      ...(facts.traceparent === undefined ? {} : { traceparent: text(facts.traceparent) }),
      v: text(APPROVAL[assessment.verdict]),
      ...(validUntil === undefined ? {} : { valid_until: validUntil }),
      verdict,
      verify_url: text(`/api/decision/${facts.decisionId}/verify`),
      ...(facts.why === undefined ? {} : { why: canonicalJson(facts.why) }),
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

function resolutionTexts({ resolution }: RecordFacts): Partial<ContentTexts> {
  if (resolution === undefined) return {};
  return {
    parent_decision_id: canonicalString(resolution.parentDecisionId),
    parent_record_hash: canonicalString(resolution.parentRecordHash),
    review: canonicalJson(resolution.review),
  };
}

/** What of a binding the judgement gives, not the request. */
export interface Covered {
  readonly proposedAction: string | undefined;
  readonly acceptedActions: readonly string[];
  readonly maxExecutions: number;
  /** Where the context names no workflow. */
  readonly system?: string;
}

/** The one mutation that a `yes` covers. Members without a value are left out. */
export function actionBinding(
  covered: Covered,
  facts: Pick<RecordFacts, 'context' | 'parametersHash'>,
): Record<string, unknown> {
  const { context } = facts;
  const binding: Record<string, unknown> = {};
  const set = (name: string, ...values: readonly unknown[]): void => {
    const value = values.find((one) => typeof one === 'string' && one !== '');
    if (value !== undefined) binding[name] = value;
  };
  set('actor', context['actor']);
  set('system', context['workflow'], covered.system);
  set(
    'resource',
    context['source_record_id'],
    context['invoice_or_subscription_id'],
    context['customer_id'],
  );
  set('proposed_action', covered.proposedAction);
  if (covered.acceptedActions.length > 0) {
    binding['accepted_actions'] = covered.acceptedActions;
  }
  set('amount', context['amount']);
  set('target_system', context['target_system']);
  set('target_object_id', context['target_object_id'], context['invoice_or_subscription_id']);
  set('mutation', context['mutation']);
  set('parameters_hash', facts.parametersHash);
  set('resource_version', context['resource_version']);
  binding['max_executions'] = covered.maxExecutions;
  return binding;
}

function routeOf(assessment: Assessment, createdAt: string): { readonly route?: string } {
  const route = assessment.route;
  if (route === undefined) return {};
  if (route.to === 'requester') return { route: canonicalJson({ to: 'requester' }) };
  const { dueSeconds, ...owner } = route;
  const dueAt = new Date(Date.parse(createdAt) + Math.round(dueSeconds * 1000)).toISOString();
  return { route: canonicalJson({ ...owner, due_at: dueAt }) };
}
