import { ok, type Result } from '@countersign/contract';
import { isList } from '@countersign/policy';
import {
  type Members,
  outputHash,
  type SealedRecord,
  sealMembers,
  sha256Hex,
  sortedJson,
} from '@countersign/proof';
import { defined } from './artefact-draft.ts';
import { attestBundle } from './attestation.ts';
import type { Ports } from './decide.ts';
import { APPROVAL, actionBinding } from './draft-record.ts';
import type { TakenIn } from './intake.ts';
import { validUntil } from './judge.ts';
import { bundleOf, EVALUATOR_VERSION, type PolicyBundle } from './policies.ts';
import type { BindingMode, JudgedFacts } from './rulebook-decision.ts';
import { type NamedRulebook, type Registration, RULEBOOK_EVALUATOR } from './rulebooks.ts';

/** How long a permission of a rulebook lasts, in seconds, and how often it may be used: as stored policies have it. */
const VALID_FOR_SECONDS = 900;
const MAX_EXECUTIONS = 1;

/** The published form of rulebooks: where it is, and the SHA-256 of its text. */
const RULEBOOK_CONTRACT = {
  schema_version: 'rulebook_v1',
  schema_url: 'https://api.decide.fyi/schemas/rulebook-v1.schema.json',
  schema_hash: 'bbf6d40dc8318e4943c6a3955d1ee10c64b63e8a6fdfd53ce33a498d826dfa5c',
  evaluator_version: RULEBOOK_EVALUATOR,
} as const;

/** What a record of a rulebook's answer says beside the rulebook. */
export interface RulebookFacts extends JudgedFacts {
  readonly decisionId: string;
  readonly requestId: string;
  readonly idempotencyKey: string | undefined;
  readonly environment: 'test' | 'live';
  readonly traceparent: string | undefined;
  readonly taken: TakenIn;
  readonly bindingMode: BindingMode;
  /** Why the answer only advises; none where it binds. */
  readonly reasons: readonly string[];
  readonly registration: Registration | undefined;
  readonly adapterCodeHash: string | undefined;
}

/** Lays out, attests and hashes the record of one rulebook's answer; what is left to do is one signature. */
export function sealRulebookDecision(
  ports: Pick<Ports, 'attest' | 'sealKeyAt'>,
  named: NamedRulebook,
  facts: RulebookFacts,
): Result<SealedRecord> {
  const { assessment, taken, decisionId } = facts;
  const { verdict } = assessment;
  const binds = facts.reasons.length === 0;
  const authority = binds ? 'binding' : 'advisory_only';
  const createdAt = new Date(facts.at).toISOString();
  const ends =
    binds && verdict === 'yes'
      ? validUntil(facts.at, VALID_FOR_SECONDS, taken.context['expires_at'])
      : undefined;
  const attestation = attestationOf(ports, named, facts);
  if (!attestation.ok) return attestation;

  const judged = judgementMembers(named, facts);
  const binding = bindingOf(named, facts);
  const sources = sourcesOf(taken);
  const replayUrl = `/api/decision/${decisionId}/replay`;
  const content: Record<string, unknown> = {
    ...judged,
    ...defined({
      environment: facts.environment === 'test' ? 'test' : undefined,
      idempotency_key: facts.idempotencyKey,
      traceparent: facts.traceparent,
      stored_input_hash: taken.storedInputHash,
      redactions: taken.redactions,
      valid_until: ends,
      status: assessment.status,
      missing_fields: assessment.missingFields,
      invalid_fields: assessment.invalidFields,
      rulebook_registry: facts.registration?.metadata,
      trusted_adapter: facts.adapter?.trustedAdapter,
      adapter_facts: facts.adapter?.facts,
      route: ROUTES[verdict],
    }),
    action_binding: binding,
    action_binding_hash: sha256Hex(sortedJson(binding)),
    c: verdict,
    created_at: createdAt,
    decision: verdict,
    decision_contract: defined({
      authority,
      production_verdict: binds,
      source: facts.registration?.approved === true ? 'registered_rulebook' : 'adhoc_rulebook',
      reasons: facts.reasons,
    }),
    decision_id: decisionId,
    engine: RULEBOOK_EVALUATOR,
    evaluated_at: createdAt,
    evidence_manifest: { codes: judged['evidence'], sources },
    evidence_sources: sources,
    input_hash: taken.inputHash,
    mode: 'rulebook',
    output_hash: outputHash(judged),
    policy_bundle: rulebookBundle(named, facts.registration?.approved === true),
    policy_id: named.rulebook.rulebookId,
    replay: replayUrl,
    replay_url: replayUrl,
    request_id: facts.requestId,
    rulebook: rulebookMember(named),
    rulebook_attestation: attestation.value,
    rulebook_contract: RULEBOOK_CONTRACT,
    runtime_binding: defined({
      ...publishedRuntime(facts),
      evaluator_core: EVALUATOR_VERSION,
      adapter_code_hash: facts.adapterCodeHash,
      authority,
      valid_until: ends,
    }),
    source_hash: named.hash,
    v: APPROVAL[verdict],
    verify_url: `/api/decision/${decisionId}/verify`,
  };
  return ok(sealMembers(content, ports.sealKeyAt(facts.at)));
}

/** The judgement in the members of a record that say it; a replay must give the same. */
export function judgementMembers(named: NamedRulebook, { assessment }: JudgedFacts): Members {
  return defined({
    verdict: assessment.verdict,
    action: assessment.action,
    evidence: [assessment.reasonCode],
    evidence_checks: assessment.checks,
    requirement_state: assessment.state,
    application_verdict: assessment.applicationVerdict,
    reason_code: assessment.reasonCode,
    matched_rule_id: assessment.matchedRuleId,
    policy_version: named.rulebook.version,
    policy_hash: named.hash,
    policy_bundle_hash: rulebookBundle(named, true).hash,
    evaluator_version: RULEBOOK_EVALUATOR,
  });
}

/** The bundle of a rulebook alone. Where it came from is not part of its hash. */
export function rulebookBundle(
  { rulebook, hash }: NamedRulebook,
  registered: boolean,
): PolicyBundle {
  const { rulebookId: policyId, version } = rulebook;
  const { bundle } = bundleOf({ policyId, version, policyHash: hash }, RULEBOOK_EVALUATOR);
  return registered ? bundle : { ...bundle, source: `request:${bundle.id}@${version}` };
}

/** Nobody is named: a rulebook has no owner, whoever sent it has. */
const ROUTES = { yes: undefined, no: { to: 'requester' }, review: { to: 'owner' } } as const;

function rulebookMember({ rulebook, hash }: NamedRulebook): Members {
  const { rulebookId: id, version } = rulebook;
  return { schema_version: 'rulebook_v1', id, version, hash };
}

/** The members of `runtime_binding` that were published. */
function publishedRuntime({ bindingMode, adapter }: RulebookFacts): Members {
  return {
    production_core: 'hybrid_declarative_rulebook_with_trusted_adapters',
    binding_mode: bindingMode,
    verdict_authority: 'declarative_rulebook',
    ...(adapter === undefined ? {} : { adapter_authority: 'facts_only' }),
    customer_supplied_code: 'rejected',
  };
}

/** In the bundle, and nowhere else, what is not there is said to be `null`: that is its published form. */
function attestationOf(
  { attest }: Pick<Ports, 'attest'>,
  named: NamedRulebook,
  facts: RulebookFacts,
): Result<Members> {
  const { assessment } = facts;
  const bundle: Members = {
    engine: RULEBOOK_EVALUATOR,
    evaluator_version: RULEBOOK_EVALUATOR,
    rulebook: rulebookMember(named),
    input_hash: sha256Hex(sortedJson(facts.judgedFacts)),
    outcome: {
      status: assessment.status,
      verdict: assessment.verdict,
      application_verdict: assessment.applicationVerdict,
      action: assessment.action,
      reason_code: assessment.reasonCode,
      matched_rule_id: assessment.matchedRuleId ?? null,
    },
    runtime_binding: publishedRuntime(facts),
    trusted_adapter: facts.adapter?.trustedAdapter ?? null,
  };
  const signed = attestBundle(attest, bundle);
  return signed.ok
    ? ok({ schema_version: 'rulebook_attestation_v1', bundle, ...signed.value })
    : signed;
}

function bindingOf({ rulebook }: NamedRulebook, { assessment, taken }: RulebookFacts): Members {
  const { context } = taken;
  const asked = context['requested_action'];
  const proposedAction = typeof asked === 'string' ? asked : undefined;
  const { verdict, action } = assessment;
  const accepted = [proposedAction, verdict === 'yes' ? action : undefined];
  return actionBinding(
    {
      proposedAction,
      acceptedActions: [...new Set(accepted.filter((one) => one !== undefined))].sort(),
      maxExecutions: MAX_EXECUTIONS,
      system: rulebook.rulebookId,
    },
    { context },
  );
}

function sourcesOf({ context }: TakenIn): readonly unknown[] {
  const references = context['evidence_refs'];
  return references !== undefined && isList(references) ? references : [];
}
