import { bug } from '../fault.ts';
import type { Truth } from '../truth.ts';
import { compareEvidence } from './comparator.ts';
import type {
  ConditionSpec,
  DecisionOutcome,
  EvidenceRecord,
  EvidenceResult,
  GateEvalRecord,
  GateSpec,
  ScenarioSpec,
  StageSpec,
  TriState,
} from './model.ts';
import { byUtf8 } from './order.ts';
import { eachCondition, evaluateTree } from './tree.ts';
import { laneNeeded, type TrustPolicy } from './trust.ts';

const TRI_STATES = {
  true: 'True',
  false: 'False',
  unknown: 'Unknown',
} as const satisfies Record<Truth, TriState>;

const TRUTHS = {
  True: 'true',
  False: 'false',
  Unknown: 'unknown',
} as const satisfies Record<TriState, Truth>;

/** The conditions of a stage's gates in the order of first use, each once: what has to be asked for. */
export function conditionsOf(spec: ScenarioSpec, stage: StageSpec): readonly ConditionSpec[] {
  const used = new Set<string>();
  for (const gate of stage.gates) eachCondition(gate.requirement, (id) => used.add(id));
  const byId = new Map(spec.conditions.map((condition) => [condition.condition_id, condition]));
  return [...used].map((id) => byId.get(id) ?? bug('a requirement names an unknown condition'));
}

/** What evidence says about its condition, whatever its lane. Evidence with an error says nothing. */
export function judgeEvidence(condition: ConditionSpec, result: EvidenceResult): EvidenceRecord {
  const truth =
    result.error === null
      ? compareEvidence(condition.comparator, result.value, condition.expected)
      : 'unknown';
  return { condition_id: condition.condition_id, status: TRI_STATES[truth], result };
}

/** Evaluates the gates of a stage in order, over evidence by condition id. */
export function evaluateStage(
  spec: ScenarioSpec,
  stage: StageSpec,
  triggerId: string,
  evidence: ReadonlyMap<string, EvidenceResult>,
  trust: TrustPolicy,
): readonly GateEvalRecord[] {
  const judged = conditionsOf(spec, stage).map((condition) => ({
    condition,
    record: judgeEvidence(
      condition,
      evidence.get(condition.condition_id) ?? bug('a condition without its evidence'),
    ),
  }));
  return stage.gates.map((gate) => {
    const own = new Set<string>();
    eachCondition(gate.requirement, (id) => own.add(id));
    const records = judged
      .filter(({ condition }) => own.has(condition.condition_id))
      .map(({ condition, record }) => admitted(condition, gate, record, trust))
      .sort((a, b) => byUtf8(a.condition_id, b.condition_id));
    const statuses = new Map(records.map((record) => [record.condition_id, record.status]));
    const { truth, trace } = evaluateTree(
      gate.requirement,
      (id) => TRUTHS[statuses.get(id) ?? 'Unknown'],
    );
    return {
      trigger_id: triggerId,
      stage_id: stage.stage_id,
      evaluation: {
        gate_id: gate.gate_id,
        status: TRI_STATES[truth],
        trace: trace.map((leaf) => ({
          condition_id: leaf.condition_id,
          status: TRI_STATES[leaf.truth],
        })),
      },
      evidence: records,
    };
  });
}

const LANE_NAMES = { verified: 'Verified', asserted: 'Asserted' } as const;

/** The record as a gate sees it: evidence from too low a lane shows nothing. Its value stays for the reader. */
function admitted(
  condition: ConditionSpec,
  gate: GateSpec,
  record: EvidenceRecord,
  trust: TrustPolicy,
): EvidenceRecord {
  const { result } = record;
  const needed = laneNeeded(condition, gate, trust);
  if (needed === 'asserted' || result.lane === 'verified') return record;
  const message = `evidence lane ${LANE_NAMES[result.lane]} does not satisfy ${LANE_NAMES[needed]}`;
  const error = result.error ?? { code: 'trust_lane', message, details: null };
  return { ...record, status: 'Unknown', result: { ...result, error } };
}

/** Where a stage leads once its gates are settled; `null`: nowhere, the run is over. */
export type NextStage =
  | { readonly ok: true; readonly stageId: string | null }
  | { readonly ok: false; readonly text: string };

/** The stage after this one, given how each of its gates stands; a gate that was not evaluated is unknown. */
export function nextStage(
  spec: ScenarioSpec,
  stage: StageSpec,
  gates: ReadonlyMap<string, TriState>,
): NextStage {
  const policy = stage.advance_to;
  switch (policy.kind) {
    case 'terminal':
      return { ok: true, stageId: null };
    case 'fixed':
      return { ok: true, stageId: policy.stage_id };
    case 'linear': {
      const at = spec.stages.indexOf(stage);
      return { ok: true, stageId: spec.stages[at + 1]?.stage_id ?? null };
    }
    case 'branch': {
      const rule = policy.branches.find(
        (one) => TRUTHS[gates.get(one.gate_id) ?? 'Unknown'] === one.outcome,
      );
      const stageId = rule?.next_stage_id ?? policy.default;
      return stageId === null
        ? { ok: false, text: 'gate resolution failed: no branch matched' }
        : { ok: true, stageId };
    }
  }
}

export type StageOutcome =
  | { readonly ok: true; readonly outcome: DecisionOutcome }
  | { readonly ok: false; readonly text: string };

/** What the evaluated gates of a stage come to: only when every one of them is true does the run move on. */
export function outcomeOf(
  spec: ScenarioSpec,
  stage: StageSpec,
  evaluated: readonly GateEvalRecord[],
): StageOutcome {
  const unmet = evaluated
    .filter(({ evaluation }) => evaluation.status !== 'True')
    .map(({ evaluation }) => evaluation.gate_id);
  if (unmet.length > 0) {
    const summary = {
      status: 'hold',
      unmet_gates: unmet,
      retry_hint: 'await_evidence',
      policy_tags: [],
    } as const;
    return { ok: true, outcome: { kind: 'hold', summary } };
  }
  const gates = new Map(evaluated.map(({ evaluation }) => [evaluation.gate_id, evaluation.status]));
  return movedOn(stage, nextStage(spec, stage, gates), false);
}

/** What a stage comes to once its time is over, without any evidence. */
export function timeoutOutcomeOf(spec: ScenarioSpec, stage: StageSpec): StageOutcome {
  if (stage.on_timeout === 'fail') {
    return { ok: true, outcome: { kind: 'fail', reason: 'timeout' } };
  }
  const status = stage.on_timeout === 'advance_with_flag' ? 'True' : 'Unknown';
  const gates = new Map(stage.gates.map((gate) => [gate.gate_id, status] as const));
  return movedOn(stage, nextStage(spec, stage, gates), true);
}

function movedOn(stage: StageSpec, next: NextStage, timeout: boolean): StageOutcome {
  if (!next.ok) return next;
  const { stage_id } = stage;
  return {
    ok: true,
    outcome:
      next.stageId === null
        ? { kind: 'complete', stage_id }
        : { kind: 'advance', from_stage: stage_id, to_stage: next.stageId, timeout },
  };
}
