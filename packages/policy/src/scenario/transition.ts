import { bug } from '../fault.ts';
import type { DispatchPolicy } from './dispatch.ts';
import type {
  ConditionSpec,
  DecisionOutcome,
  DecisionRecord,
  EvidenceResult,
  GateEvalRecord,
  HashDigest,
  Int,
  RunConfig,
  RunState,
  RunStatus,
  ScenarioSpec,
  StageSpec,
  Timestamp,
  TriggerEvent,
  TriggerRecord,
} from './model.ts';
import { type Hashing, issuePackets } from './packet.ts';
import { NOTHING_RECORDED, type RunMove, standstill } from './run.ts';
import { conditionsOf, evaluateStage, outcomeOf, timeoutOutcomeOf } from './stage.ts';
import type { TrustPolicy } from './trust.ts';

/** What a move depends on beside the run and the evidence. */
export type Surroundings = {
  readonly hashing: Hashing;
  readonly dispatch: DispatchPolicy;
  readonly trust: TrustPolicy;
};

/** Why an engine answers nothing and leaves no trace; the text is part of the protocol. */
export type EngineFault = { readonly ok: false; readonly text: string };

/** What a trigger means to a run as it stands. */
export type TriggerPlan =
  /** It was answered before, or the run is over: this is the answer. */
  | { readonly kind: 'answered'; readonly decision: DecisionRecord }
  /** The stage's time is over: no evidence is asked for. */
  | { readonly kind: 'timeout'; readonly stage: StageSpec }
  /** These conditions have to be asked for, in this order. */
  | {
      readonly kind: 'evaluate';
      readonly stage: StageSpec;
      readonly conditions: readonly ConditionSpec[];
    };

export type Planned = { readonly ok: true; readonly plan: TriggerPlan } | EngineFault;

/** Looks at a trigger before any evidence is asked for. */
export function planTrigger(spec: ScenarioSpec, state: RunState, event: TriggerEvent): Planned {
  if (state.status !== 'active') {
    const decision = state.decisions.at(-1);
    const status = state.status === 'completed' ? 'Completed' : 'Failed';
    return decision === undefined
      ? { ok: false, text: `run is not active: ${status}` }
      : { ok: true, plan: { kind: 'answered', decision } };
  }
  const known = state.decisions.find((one) => one.trigger_id === event.trigger_id);
  if (known !== undefined) return { ok: true, plan: { kind: 'answered', decision: known } };
  const stage = spec.stages.find((one) => one.stage_id === state.current_stage_id);
  if (stage === undefined) return unknownStage(state.current_stage_id);
  if (event.kind === 'tick' && stage.timeout !== null) {
    const expired = isExpired(state.stage_entered_at, event.time, stage.timeout.timeout_ms);
    if (typeof expired !== 'boolean') return expired;
    if (expired) return { ok: true, plan: { kind: 'timeout', stage } };
  }
  return { ok: true, plan: { kind: 'evaluate', stage, conditions: conditionsOf(spec, stage) } };
}

export function unknownStage(stageId: string): EngineFault {
  return { ok: false, text: `unknown stage identifier: ${stageId}` };
}

const I64_MAX = 2n ** 63n - 1n;
const U64_MAX = 2n ** 64n - 1n;

function isExpired(enteredAt: Timestamp, time: Timestamp, timeoutMs: Int): boolean | EngineFault {
  if (enteredAt.kind !== time.kind) {
    const text = 'trigger time kind mismatch: timeout evaluation requires matching timestamp kinds';
    return { ok: false, text };
  }
  const milliseconds = BigInt(timeoutMs);
  if (enteredAt.kind === 'unix_millis' && milliseconds > I64_MAX) {
    return { ok: false, text: 'timeout calculation error: timeout_ms exceeds i64 range' };
  }
  const deadline = BigInt(enteredAt.value) + milliseconds;
  if (deadline > (enteredAt.kind === 'unix_millis' ? I64_MAX : U64_MAX)) {
    return { ok: false, text: 'timeout calculation error: timeout deadline overflow' };
  }
  return BigInt(time.value) >= deadline;
}

export type Moved = { readonly ok: true; readonly move: RunMove } | EngineFault;

/** The move of a trigger whose plan was to evaluate, over evidence by condition id. */
export function moveByEvidence(
  spec: ScenarioSpec,
  state: RunState,
  event: TriggerEvent,
  stage: StageSpec,
  evidence: ReadonlyMap<string, EvidenceResult>,
  surroundings: Surroundings,
): Moved {
  const gateEvals = evaluateStage(spec, stage, event.trigger_id, evidence, surroundings.trust);
  const settled = outcomeOf(spec, stage, gateEvals);
  return settled.ok
    ? decided(spec, state, event, settled.outcome, gateEvals, surroundings)
    : settled;
}

/** The move of a trigger that found the stage's time over. */
export function moveByTimeout(
  spec: ScenarioSpec,
  state: RunState,
  event: TriggerEvent,
  stage: StageSpec,
  surroundings: Surroundings,
): Moved {
  const settled = timeoutOutcomeOf(spec, stage);
  return settled.ok ? decided(spec, state, event, settled.outcome, [], surroundings) : settled;
}

function decided(
  spec: ScenarioSpec,
  state: RunState,
  event: TriggerEvent,
  outcome: DecisionOutcome,
  gateEvals: readonly GateEvalRecord[],
  { hashing, dispatch }: Surroundings,
): Moved {
  const seq = state.decisions.length + 1;
  const decision: DecisionRecord = {
    decision_id: `decision-${seq}`,
    seq,
    trigger_id: event.trigger_id,
    stage_id: state.current_stage_id,
    decided_at: event.time,
    outcome,
    correlation_id: event.correlation_id,
  };
  const move: RunMove = {
    ...standstill(state),
    triggers: [{ seq: state.triggers.length + 1, event }],
    gate_evals: gateEvals,
    decisions: [decision],
    status: STATUS_AFTER[outcome.kind],
  };
  if (outcome.kind !== 'advance') return { ok: true, move };
  const target = spec.stages.find((stage) => stage.stage_id === outcome.to_stage);
  if (target === undefined) return unknownStage(outcome.to_stage);
  const issued = issuePackets(state, target, decision, hashing, dispatch);
  if (!issued.ok) {
    const failed = { ...decision, outcome: { kind: 'fail', reason: issued.text } as const };
    return { ok: true, move: { ...move, decisions: [failed], status: 'failed' } };
  }
  return {
    ok: true,
    move: {
      ...move,
      packets: issued.packets,
      current_stage_id: target.stage_id,
      stage_entered_at: event.time,
    },
  };
}

const STATUS_AFTER = {
  start: 'active',
  complete: 'completed',
  advance: 'active',
  hold: 'active',
  fail: 'failed',
} as const satisfies Record<DecisionOutcome['kind'], RunStatus>;

export type Started = { readonly ok: true; readonly state: RunState } | EngineFault;

/** A new run at its first stage, with that stage's packets if they are asked for. */
export function startRun(
  spec: ScenarioSpec,
  specHash: HashDigest,
  config: RunConfig,
  startedAt: Timestamp,
  issueEntryPackets: boolean,
  { hashing, dispatch }: Surroundings,
): Started {
  const stage = spec.stages[0] ?? bug('a scenario without stages');
  const state: RunState = {
    tenant_id: config.tenant_id,
    namespace_id: config.namespace_id,
    run_id: config.run_id,
    scenario_id: spec.scenario_id,
    spec_hash: specHash,
    current_stage_id: stage.stage_id,
    stage_entered_at: startedAt,
    status: 'active',
    dispatch_targets: config.dispatch_targets,
    ...NOTHING_RECORDED,
  };
  if (!issueEntryPackets) return { ok: true, state };
  const event = startEvent(config, startedAt);
  const trigger: TriggerRecord = { seq: 1, event };
  const decision: DecisionRecord = {
    decision_id: 'decision-1',
    seq: 1,
    trigger_id: event.trigger_id,
    stage_id: stage.stage_id,
    decided_at: event.time,
    outcome: { kind: 'start', stage_id: stage.stage_id },
    correlation_id: event.correlation_id,
  };
  const issued = issuePackets(state, stage, decision, hashing, dispatch);
  if (!issued.ok) return issued;
  return {
    ok: true,
    state: { ...state, triggers: [trigger], decisions: [decision], packets: issued.packets },
  };
}

/** What the engine itself triggers a run with, to disclose the packets of its first stage. */
export function startEvent(
  run: Pick<RunConfig, 'tenant_id' | 'namespace_id' | 'run_id'>,
  startedAt: Timestamp,
): TriggerEvent {
  return {
    trigger_id: 'init',
    tenant_id: run.tenant_id,
    namespace_id: run.namespace_id,
    run_id: run.run_id,
    kind: 'external_event',
    time: startedAt,
    source_id: 'system',
    payload: null,
    correlation_id: null,
  };
}
