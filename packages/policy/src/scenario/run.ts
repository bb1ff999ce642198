import type {
  DecisionRecord,
  GateEvalRecord,
  PacketRecord,
  RunState,
  RunStatus,
  ScenarioStatus,
  SubmissionRecord,
  Timestamp,
  ToolCallRecord,
  TransitionResult,
  TriggerRecord,
} from './model.ts';

/** What one call added to a run, and where the run stood after it. */
export type RunMove = {
  readonly kind: 'moved';
  readonly triggers: readonly TriggerRecord[];
  readonly gate_evals: readonly GateEvalRecord[];
  readonly decisions: readonly DecisionRecord[];
  readonly packets: readonly PacketRecord[];
  readonly submissions: readonly SubmissionRecord[];
  readonly tool_calls: readonly ToolCallRecord[];
  readonly current_stage_id: string;
  readonly stage_entered_at: Timestamp;
  readonly status: RunStatus;
};

/** A run is what its entries say, nothing more. */
export type RunEntry = { readonly kind: 'started'; readonly state: RunState } | RunMove;

/** The run after one more entry; `undefined` before the first. */
export function foldRun(state: RunState | undefined, entry: RunEntry): RunState {
  if (entry.kind === 'started') return entry.state;
  if (state === undefined) throw new Error('bug in policy: a run moved before it started');
  const after = <Item>(before: readonly Item[], added: readonly Item[]): readonly Item[] =>
    added.length === 0 ? before : [...before, ...added];
  return {
    ...state,
    current_stage_id: entry.current_stage_id,
    stage_entered_at: entry.stage_entered_at,
    status: entry.status,
    triggers: after(state.triggers, entry.triggers),
    gate_evals: after(state.gate_evals, entry.gate_evals),
    decisions: after(state.decisions, entry.decisions),
    packets: after(state.packets, entry.packets),
    submissions: after(state.submissions, entry.submissions),
    tool_calls: after(state.tool_calls, entry.tool_calls),
  };
}

/** What a run that nothing happened to has recorded, and what a move that does nothing adds. */
export const NOTHING_RECORDED: Pick<
  RunMove,
  'triggers' | 'gate_evals' | 'decisions' | 'packets' | 'submissions' | 'tool_calls'
> = {
  triggers: [],
  gate_evals: [],
  decisions: [],
  packets: [],
  submissions: [],
  tool_calls: [],
};

/** The move that changes nothing yet. */
export function standstill(state: RunState): RunMove {
  return {
    kind: 'moved',
    ...NOTHING_RECORDED,
    current_stage_id: state.current_stage_id,
    stage_entered_at: state.stage_entered_at,
    status: state.status,
  };
}

/** The answer that a decision stands for: itself, the packets it issued, and where the run is now. */
export function answerOf(state: RunState, decision: DecisionRecord): TransitionResult {
  return {
    decision,
    packets: state.packets.filter((packet) => packet.decision_id === decision.decision_id),
    status: state.status,
  };
}

export function statusOf(state: RunState): ScenarioStatus {
  const last = state.decisions.at(-1) ?? null;
  return {
    run_id: state.run_id,
    scenario_id: state.scenario_id,
    current_stage_id: state.current_stage_id,
    status: state.status,
    last_decision: last,
    issued_packet_ids: state.packets.map((packet) => packet.envelope.packet_id),
    safe_summary: last?.outcome.kind === 'hold' ? last.outcome.summary : null,
  };
}
