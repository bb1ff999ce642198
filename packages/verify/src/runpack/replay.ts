import { scenario } from '@countersign/policy';
import type { RunpackContent } from './logs.ts';
import { canonicalText, hashOf, payloadHash } from './text.ts';

/**
 * Evaluates every gate and every decision of a run again, from the recorded triggers and evidence alone, and says where
 * the record differs. The run's stages are followed as the decisions recorded them, so one difference is reported once.
 */
export function replayDifferences({ manifest, spec, logs }: RunpackContent): readonly string[] {
  const fault = scenario.structuralFault(spec);
  if (fault !== undefined) return [`replay: invalid scenario spec: ${fault}`];
  const differences: string[] = [];
  const stages = new Map(spec.stages.map((stage) => [stage.stage_id, stage]));
  const decisions = groupedBy(logs.decisions, ({ trigger_id }) => trigger_id);
  const evaluations = groupedBy(logs.gate_evals, ({ trigger_id }) => trigger_id);
  const packets = groupedBy(logs.packets, ({ decision_id }) => decision_id);
  const start: Position = { stageId: spec.stages[0]?.stage_id ?? '', enteredAt: undefined };
  let position: Position | 'ended' = start;
  for (const [at, { event }] of logs.triggers.entries()) {
    const note = (text: string): number =>
      differences.push(`replay: ${text} (trigger ${event.trigger_id})`);
    const [decision] = decisions.get(event.trigger_id) ?? [];
    if (decision === undefined) {
      note('no decision');
      continue;
    }
    if (position === 'ended') {
      note('decided after the run had ended');
      continue;
    }
    const { stageId, enteredAt }: Position = position;
    const stage = stages.get(stageId);
    if (stage === undefined) {
      note(`unknown stage ${stageId}`);
      return differences;
    }
    const evaluated = evaluations.get(event.trigger_id) ?? [];
    const first = at === 0;
    const moment: Moment = {
      manifest,
      spec,
      stages,
      stage,
      event,
      first,
      decision,
      evaluated,
      enteredAt,
    };
    differencesOf(moment).forEach(note);
    if (!hasPacketsOf(moment, packets.get(decision.decision_id) ?? [])) {
      note(`packets of ${decision.decision_id} are not those of the stage entered`);
    }
    position = after(position, decision, event);
  }
  return differences;
}

function groupedBy<Item>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(nameOf(item));
    if (group === undefined) groups.set(nameOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

/** Where a run stands. When it entered its first stage is not part of a pack. */
interface Position {
  readonly stageId: string;
  readonly enteredAt: scenario.Timestamp | undefined;
}

/** One trigger with all that was recorded of it. */
interface Moment {
  readonly manifest: RunpackContent['manifest'];
  readonly spec: scenario.ScenarioSpec;
  readonly stages: ReadonlyMap<string, scenario.StageSpec>;
  readonly stage: scenario.StageSpec;
  readonly event: scenario.TriggerEvent;
  readonly first: boolean;
  readonly decision: scenario.DecisionRecord;
  readonly evaluated: readonly scenario.GateEvalRecord[];
  readonly enteredAt: scenario.Timestamp | undefined;
}

function after(
  before: Position,
  { outcome }: scenario.DecisionRecord,
  { time }: scenario.TriggerEvent,
): Position | 'ended' {
  switch (outcome.kind) {
    case 'hold':
      return before;
    case 'start':
      return { ...before, enteredAt: time };
    case 'advance':
      return { stageId: outcome.to_stage, enteredAt: time };
    case 'complete':
    case 'fail':
      return 'ended';
  }
}

function differencesOf(moment: Moment): readonly string[] {
  const { stage, event, decision } = moment;
  const differences: string[] = [];
  const expected = {
    trigger_id: event.trigger_id,
    stage_id: stage.stage_id,
    decided_at: event.time,
    correlation_id: event.correlation_id,
  };
  const { trigger_id, stage_id, decided_at, correlation_id } = decision;
  const recorded = { trigger_id, stage_id, decided_at, correlation_id };
  if (canonicalText(recorded) !== canonicalText(expected)) {
    differences.push(`decision ${decision.decision_id} is not of its trigger`);
  }
  const { outcome } = decision;
  if (outcome.kind === 'start') {
    if (!isStart(moment)) differences.push(`decision ${decision.decision_id} is not a start`);
    return differences;
  }
  const timedOut = isTimeout(moment);
  if (typeof timedOut === 'string') return [...differences, timedOut];
  if (timedOut && moment.evaluated.length > 0) differences.push('gates evaluated after a timeout');
  if (!timedOut) differences.push(...gateDifferences(moment));
  const settled = timedOut
    ? scenario.timeoutOutcomeOf(moment.spec, stage)
    : scenario.outcomeOf(moment.spec, stage, moment.evaluated);
  if (!settled.ok || !isSame(moment, settled.outcome, outcome)) {
    const found = settled.ok ? settled.outcome.kind : settled.text;
    differences.push(`outcome recorded ${outcome.kind}, replayed ${found}`);
  }
  return differences;
}

/** Whether this is where the engine itself started the run: before everything else, without looking at any gate. */
function isStart({ manifest, stage, event, first, decision, evaluated }: Moment): boolean {
  const { outcome } = decision;
  return (
    first &&
    decision.seq === 1 &&
    evaluated.length === 0 &&
    outcome.kind === 'start' &&
    outcome.stage_id === stage.stage_id &&
    canonicalText(event) === canonicalText(scenario.startEvent(manifest, event.time))
  );
}

/** Whether the trigger found the stage's time over, or the engine's text that says why nobody can tell. */
function isTimeout({
  spec,
  stage,
  event,
  decision,
  evaluated,
  enteredAt,
}: Moment): boolean | string {
  if (event.kind !== 'tick' || stage.timeout === null) return false;
  if (enteredAt === undefined) {
    const { outcome } = decision;
    if (stage.gates.length > 0) return evaluated.length === 0;
    return outcome.kind === 'fail' || (outcome.kind === 'advance' && outcome.timeout);
  }
  const run = { ...standing, current_stage_id: stage.stage_id, stage_entered_at: enteredAt };
  const planned = scenario.planTrigger(spec, run, event);
  return planned.ok ? planned.plan.kind === 'timeout' : planned.text;
}

/** A run before anything was decided: a plan needs nothing more of it than its stage. */
const standing: Omit<scenario.RunState, 'current_stage_id' | 'stage_entered_at'> = {
  tenant_id: 1,
  namespace_id: 1,
  run_id: '',
  scenario_id: '',
  spec_hash: hashOf(''),
  status: 'active',
  dispatch_targets: [],
  ...scenario.NOTHING_RECORDED,
};

function gateDifferences({ spec, stage, event, evaluated }: Moment): readonly string[] {
  const recorded = evaluated.map(({ evaluation }) => evaluation.gate_id);
  const own = stage.gates.map(({ gate_id }) => gate_id);
  if (canonicalText(recorded) !== canonicalText(own)) {
    return [`gates recorded [${recorded.join(', ')}], replayed [${own.join(', ')}]`];
  }
  return stage.gates.flatMap((gate, at) => {
    const record = evaluated[at];
    if (record === undefined) return [];
    // Each by itself: a lane that is too low for one gate is an error in the evidence of that gate only.
    const one = { ...stage, gates: [gate] };
    const evidence = new Map(
      record.evidence.map(({ condition_id, result }) => [condition_id, result]),
    );
    const missing = scenario
      .conditionsOf(spec, one)
      .find(({ condition_id }) => !evidence.has(condition_id));
    if (missing !== undefined) {
      return [`gate ${gate.gate_id} without evidence for ${missing.condition_id}`];
    }
    const [again] = scenario.evaluateStage(spec, one, event.trigger_id, evidence, RECORDED_LANES);
    if (again === undefined || canonicalText(again) === canonicalText(record)) return [];
    const { status } = record.evaluation;
    return again.evaluation.status === status
      ? [`gate ${gate.gate_id} differs in its trace or its evidence`]
      : [`gate ${gate.gate_id} recorded ${status}, replayed ${again.evaluation.status}`];
  });
}

/** Evidence whose lane was too low for the server has that as its error; what the specification asks is asked again. */
const RECORDED_LANES: scenario.TrustPolicy = { minLane: 'asserted', byProvider: new Map() };

/** Entering a stage can fail because of what it would disclose; whom a packet may go to is not part of a pack. */
function isSame(
  { stages }: Moment,
  replayed: scenario.DecisionOutcome,
  recorded: scenario.DecisionOutcome,
): boolean {
  if (canonicalText(replayed) === canonicalText(recorded)) return true;
  if (replayed.kind !== 'advance' || recorded.kind !== 'fail') return false;
  const target = stages.get(replayed.to_stage);
  return target !== undefined && scenario.isPacketFault(target, hashing, recorded.reason);
}

/** Whether the packets of a decision are those of the stage that it entered, whomever they were dispatched to. */
function hasPacketsOf(
  { manifest, stages, decision }: Moment,
  packets: readonly scenario.PacketRecord[],
): boolean {
  const entered = enteredStage(decision.outcome);
  const stage = entered === undefined ? undefined : stages.get(entered);
  if (stage === undefined) return packets.length === 0;
  const run = { ...manifest, dispatch_targets: [] };
  const again = scenario.issuePackets(run, stage, decision, hashing, { engine: 'permit_all' });
  const recorded = packets.map((packet) => ({ ...packet, receipts: [] }));
  return again.ok && canonicalText(again.packets) === canonicalText(recorded);
}

function enteredStage(outcome: scenario.DecisionOutcome): string | undefined {
  if (outcome.kind === 'start') return outcome.stage_id;
  return outcome.kind === 'advance' ? outcome.to_stage : undefined;
}

const hashing: scenario.Hashing = {
  digest: (value) => hashOf(canonicalText(value)),
  payload: payloadHash,
};
