import { type decide, fail, fieldError, ok, type Result } from '@countersign/contract';
import { type Answer, assess, type JsonObject, why } from '@countersign/policy';
import { canonicalJson, sha256Hex } from '@countersign/proof';
import { askedOf } from './asked.ts';
import type { Ports } from './decide.ts';
import { readHistory } from './history.ts';
import { EVALUATOR_VERSION } from './policies.ts';
import type { Principal } from './ports.ts';
import { judgedAsRecorded, policyOf, readKept } from './rejudge.ts';
import { noteSimulation } from './simulation.ts';

type Scenario = decide.CounterfactualRequest['scenarios'][number];
export type CounterfactualReport = Readonly<Record<string, unknown>>;

/** Context members that choose the policy or belong to the door: another decision, not this one changed. */
const FIXED: ReadonlySet<string> = new Set(['workflow', 'attestations']);

/** What a changed verdict would mean for the caller. */
const WOULD = {
  yes: 'would_allow',
  no: 'would_block',
  review: 'would_need_review',
} as const satisfies Record<Answer, string>;

/**
 * What the recorded policy would say of the same request with some members of its context replaced. Nothing may be
 * done on the strength of it: no record, no binding, no end of validity.
 */
export async function counterfactuals(
  ports: Ports,
  principal: Principal,
  decisionId: string,
  request: decide.CounterfactualRequest,
): Promise<Result<CounterfactualReport>> {
  const misplaced = misplacedMembers(request);
  if (!misplaced.ok) return misplaced;
  const history = await readHistory(ports.reader, principal.tenant, decisionId);
  if (history === undefined || history.record.entry.entryType !== 'decision') {
    return fail({ code: 'DECIDE_DECISION_NOT_FOUND' });
  }
  const record = history.record.subject;
  if (record['evaluator_version'] !== EVALUATOR_VERSION) {
    return fail({ code: 'DECIDE_REPLAY_EVALUATOR_UNAVAILABLE' });
  }
  await ports.policies.follow(ports.reader);
  const kept = await readKept(ports, history);
  if (!kept.ok) return kept;
  const policy = policyOf(ports, history);
  if (!policy.ok) return policy;
  const before = await judgedAsRecorded(ports, history, kept.value.request.context);
  if (!before.ok) return before;

  const { document } = policy.value;
  const at = Date.parse(String(record['created_at']));
  const { context } = kept.value.request;
  const judged = async ({ scenario_id: id, label, context_patch: patch }: Scenario) => {
    const patched: JsonObject = { ...context, ...(patch as JsonObject) };
    const { verdict, action, evidence, checks, trace } = assess(
      document,
      await askedOf(ports, principal.tenant, { context: patched, at, standing: 'active' }),
    );
    const changed = verdict !== record['verdict'];
    const needed = verdict === 'yes' ? undefined : why(document, trace);
    return {
      scenario_id: id,
      label,
      patched_fields: Object.keys(patch).sort(),
      verdict,
      action,
      evidence,
      ...(request.response_view === undefined || request.response_view === 'full'
        ? {
            evidence_checks: checks,
            ...(needed === undefined || needed.sets.length === 0 ? {} : { why: needed }),
          }
        : {}),
      changed,
      recommendation: changed ? WOULD[verdict] : 'same_verdict',
    };
  };
  const scenarios = await Promise.all(request.scenarios.map(judged));
  const report: Record<string, unknown> = {
    ok: true,
    simulation_only: true,
    decision_id: decisionId,
    original_verdict: record['verdict'],
    policy_id: record['policy_id'],
    policy_version: record['policy_version'],
    policy_hash: record['policy_hash'],
    decision_contract: { authority: 'advisory_only', production_verdict: false },
    scenarios,
  };
  const hash = sha256Hex(canonicalJson(report));
  const noted = await noteSimulation(ports, history, new Date(ports.ambient.now()).toISOString(), {
    counterfactual_hash: hash,
    original_output_hash: record['output_hash'],
    replay_mode: 'counterfactual',
  });
  return noted.ok ? ok({ ...report, counterfactual_hash: hash }) : noted;
}

function misplacedMembers({ scenarios }: decide.CounterfactualRequest): Result<void> {
  const ids = scenarios.map(({ scenario_id: id }) => id);
  const fields = scenarios.flatMap(({ scenario_id: id, context_patch: patch }, place) => [
    ...Object.keys(patch)
      .filter((name) => FIXED.has(name))
      .map((name) => fieldError(`/scenarios/${place}/context_patch/${name}`, 'invalid_value')),
    ...(ids.indexOf(id) === place
      ? []
      : [fieldError(`/scenarios/${place}/scenario_id`, 'duplicate_value')]),
  ]);
  return fields.length === 0 ? ok(undefined) : fail({ code: 'DECIDE_API_INVALID_REQUEST', fields });
}
