import { type RpcResult, rpcFail, rpcOk } from '@countersign/contract';
import { scenario } from '@countersign/policy';
import { digest, hashing } from './canonical.ts';
import type { RunKey } from './entries.ts';
import type { ScenarioPorts } from './ports.ts';
import type { Defined, ScenarioRegistry } from './registry.ts';
import type { Change, RunFault, Runs } from './runs.ts';
import { trustPolicyOf } from './settings.ts';
import { recordedCall } from './tool-calls.ts';

/** What the use cases of runs work on. */
export interface Engine {
  readonly ports: ScenarioPorts;
  readonly registry: ScenarioRegistry;
  readonly runs: Runs;
}

export interface StartCommand {
  readonly scenarioId: string;
  readonly config: scenario.RunConfig;
  readonly startedAt: scenario.Timestamp;
  readonly issueEntryPackets: boolean;
}

/** Begins a run. Nothing is stored when a packet may not be disclosed. */
export async function startRun(
  { ports, registry, runs }: Engine,
  command: StartCommand,
): Promise<RpcResult<scenario.RunState>> {
  const { config, scenarioId } = command;
  const defined = registry.find(config.tenant_id, config.namespace_id, scenarioId);
  if (defined === undefined) return notDefined;
  if (config.scenario_id !== scenarioId) {
    return engineFault(`scenario mismatch for run: ${config.scenario_id}`);
  }
  if (BigInt(config.namespace_id) !== BigInt(defined.spec.namespace_id)) {
    return engineFault(`namespace mismatch for run: ${config.namespace_id}`);
  }
  const started = scenario.startRun(
    defined.spec,
    defined.specHash,
    config,
    command.startedAt,
    command.issueEntryPackets,
    surroundingsOf(ports),
  );
  if (!started.ok) return engineFault(started.text);
  const key = keyOf(config);
  const { state } = started;
  const written = await runs.start(key, state);
  return written.ok ? rpcOk(state) : engineFault(written.text);
}

/** A trigger, with what the tool's log says of the call that brought it. */
export interface TriggerCommand {
  readonly scenarioId: string;
  readonly event: scenario.TriggerEvent;
  readonly method: 'scenario.next' | 'scenario.trigger';
  /** What was asked, as the log hashes it. */
  readonly request: unknown;
}

export interface Triggered {
  readonly result: scenario.TransitionResult;
  readonly state: scenario.RunState;
  readonly spec: scenario.ScenarioSpec;
}

/** One trigger, one decision: the one it gets now, or the one it got before. */
export async function trigger(
  engine: Engine,
  command: TriggerCommand,
): Promise<RpcResult<Triggered>> {
  const { registry, runs, ports } = engine;
  const { event, scenarioId } = command;
  const defined = registry.find(event.tenant_id, event.namespace_id, scenarioId);
  if (defined === undefined) return notDefined;
  const missing = missingProviders(ports, defined.spec);
  const changed = await runs.change(
    keyOf(event),
    async (state): Promise<Change<scenario.TransitionResult | string>> => {
      const other = otherScenario(state, defined);
      if (other !== undefined) return other;
      if (missing.length > 0) return blocked(state, command, missing);
      const moved = await moveOf(ports, defined.spec, state, event);
      if (!moved.ok) return moved;
      const after = scenario.foldRun(state, moved.move);
      const answer = scenario.answerOf(after, moved.decision);
      const call = recordedCall(after, {
        method: command.method,
        request: command.request,
        response: answer,
        calledAt: event.time,
        correlationId: event.correlation_id,
        error: null,
      });
      return { ok: true, move: { ...moved.move, tool_calls: [call] }, answer };
    },
  );
  if (!changed.ok) return engineFault(changed.text);
  const { answer, state } = changed;
  return typeof answer === 'string'
    ? engineFault(answer)
    : rpcOk({ result: answer, state, spec: defined.spec });
}

type DecidedMove =
  | {
      readonly ok: true;
      readonly move: scenario.RunMove;
      readonly decision: scenario.DecisionRecord;
    }
  | RunFault;

/** Plans the trigger, asks for the evidence that the plan wants, and lets the kernel decide. */
async function moveOf(
  ports: ScenarioPorts,
  spec: scenario.ScenarioSpec,
  state: scenario.RunState,
  event: scenario.TriggerEvent,
): Promise<DecidedMove> {
  const planned = scenario.planTrigger(spec, state, event);
  if (!planned.ok) return planned;
  const { plan } = planned;
  if (plan.kind === 'answered') {
    return { ok: true, move: scenario.standstill(state), decision: plan.decision };
  }
  const surroundings = surroundingsOf(ports);
  if (plan.kind === 'timeout') {
    return newest(scenario.moveByTimeout(spec, state, event, plan.stage, surroundings));
  }
  const evidence = new Map<string, scenario.EvidenceResult>();
  for (const { condition_id, query } of plan.conditions) {
    const collected = await ports.providers.collect(query, {
      tenant_id: event.tenant_id,
      namespace_id: event.namespace_id,
      run_id: event.run_id,
      scenario_id: state.scenario_id,
      stage_id: state.current_stage_id,
      trigger_id: event.trigger_id,
      trigger_time: event.time,
      correlation_id: event.correlation_id,
    });
    if (!collected.ok) return collected;
    evidence.set(condition_id, collected.result);
  }
  return newest(scenario.moveByEvidence(spec, state, event, plan.stage, evidence, surroundings));
}

function surroundingsOf({ settings }: ScenarioPorts): scenario.Surroundings {
  return { hashing, dispatch: settings.dispatch, trust: trustPolicyOf(settings) };
}

function newest(moved: scenario.Moved): DecidedMove {
  if (!moved.ok) return moved;
  const decision = moved.move.decisions.at(-1);
  if (decision === undefined) throw new Error('bug in service: a move without its decision');
  return { ok: true, move: moved.move, decision };
}

/** Providers that a definition needs and this server does not have, sorted. */
function missingProviders(ports: ScenarioPorts, spec: scenario.ScenarioSpec): readonly string[] {
  const needed = new Set(spec.conditions.map(({ query }) => query.provider_id));
  return [...needed].filter((id) => ports.providers.get(id) === undefined).sort(scenario.byUtf8);
}

/** The run keeps note that it was asked while providers were missing; it is not moved. */
function blocked(
  state: scenario.RunState,
  command: TriggerCommand,
  missing: readonly string[],
): Change<string> {
  const error: scenario.ToolCallError = {
    code: 'provider_missing',
    message: 'required evidence providers are missing or blocked',
    details: {
      kind: 'provider_missing',
      missing_providers: missing,
      required_capabilities: [],
      blocked_by_policy: false,
    },
  };
  const call = recordedCall(state, {
    method: command.method,
    request: command.request,
    response: error,
    calledAt: command.event.time,
    correlationId: command.event.correlation_id,
    error,
  });
  return {
    ok: true,
    move: { ...scenario.standstill(state), tool_calls: [call] },
    answer: `provider validation failed: missing providers: ${missing.join(', ')}`,
  };
}

/** A run is only ever judged by the definition that it began under. */
function otherScenario(state: scenario.RunState, defined: Defined): RunFault | undefined {
  if (state.scenario_id !== defined.spec.scenario_id) {
    return { ok: false, text: `scenario mismatch for run: ${state.scenario_id}` };
  }
  return state.spec_hash.value === defined.specHash.value
    ? undefined
    : { ok: false, text: 'scenario mismatch for run: it was started under another specification' };
}

export interface StatusCommand {
  readonly scenarioId: string;
  readonly request: {
    readonly tenant_id: scenario.Int;
    readonly namespace_id: scenario.Int;
    readonly run_id: string;
    readonly requested_at: scenario.Timestamp;
    readonly correlation_id: string | null;
  };
}

/** Where a run stands. That somebody asked is part of the run's log. */
export async function readStatus(
  { registry, runs }: Engine,
  { scenarioId, request }: StatusCommand,
): Promise<RpcResult<scenario.ScenarioStatus>> {
  const defined = registry.find(request.tenant_id, request.namespace_id, scenarioId);
  if (defined === undefined) return notDefined;
  const changed = await runs.change(keyOf(request), async (state) => {
    const other = otherScenario(state, defined);
    if (other !== undefined) return other;
    const status = scenario.statusOf(state);
    const call = recordedCall(state, {
      method: 'scenario.status',
      request,
      response: status,
      calledAt: request.requested_at,
      correlationId: request.correlation_id,
      error: null,
    });
    const move = { ...scenario.standstill(state), tool_calls: [call] };
    return { ok: true, move, answer: status };
  });
  return changed.ok ? rpcOk(changed.answer) : engineFault(changed.text);
}

export interface SubmitCommand {
  readonly scenarioId: string;
  readonly request: {
    readonly tenant_id: scenario.Int;
    readonly namespace_id: scenario.Int;
    readonly run_id: string;
    readonly submission_id: string;
    readonly payload: scenario.PacketPayload;
    readonly content_type: string;
    readonly submitted_at: scenario.Timestamp;
    readonly correlation_id: string | null;
  };
}

/** Keeps an artefact with the run. It never counts as evidence. */
export async function submit(
  { registry, runs }: Engine,
  { scenarioId, request }: SubmitCommand,
): Promise<RpcResult<{ readonly record: scenario.SubmissionRecord }>> {
  const defined = registry.find(request.tenant_id, request.namespace_id, scenarioId);
  if (defined === undefined) return notDefined;
  const hashed = hashing.payload(request.payload);
  if (!hashed.ok) return engineFault(hashed.text);
  const changed = await runs.change(
    keyOf(request),
    async (state): Promise<Change<scenario.SubmissionRecord | undefined>> => {
      const other = otherScenario(state, defined);
      if (other !== undefined) return other;
      const log = {
        method: 'scenario.submit',
        request,
        calledAt: request.submitted_at,
        correlationId: request.correlation_id,
      } as const;
      const still = scenario.standstill(state);
      const known = state.submissions.find((one) => one.submission_id === request.submission_id);
      if (known !== undefined && !sameSubmission(known, request)) {
        const error: scenario.ToolCallError = {
          code: 'submission_conflict',
          message: 'submission_id conflicts with existing record',
          details: { kind: 'message', info: `submission_id=${request.submission_id}` },
        };
        const call = recordedCall(state, { ...log, response: error, error });
        return { ok: true, move: { ...still, tool_calls: [call] }, answer: undefined };
      }
      const record = known ?? {
        submission_id: request.submission_id,
        run_id: request.run_id,
        payload: request.payload,
        content_type: request.content_type,
        content_hash: hashed.value,
        submitted_at: request.submitted_at,
        correlation_id: request.correlation_id,
      };
      const call = recordedCall(state, { ...log, response: { record }, error: null });
      const submissions = known === undefined ? [record] : [];
      return { ok: true, move: { ...still, submissions, tool_calls: [call] }, answer: record };
    },
  );
  if (!changed.ok) return engineFault(changed.text);
  return changed.answer === undefined
    ? rpcFail('conflict', `submission_id conflict: ${request.submission_id}`)
    : rpcOk({ record: changed.answer });
}

function sameSubmission(
  record: scenario.SubmissionRecord,
  request: SubmitCommand['request'],
): boolean {
  return (
    record.content_type === request.content_type &&
    digest(record.payload).value === digest(request.payload).value
  );
}

function keyOf(named: {
  readonly tenant_id: scenario.Int;
  readonly namespace_id: scenario.Int;
  readonly run_id: string;
}): RunKey {
  return { tenant: named.tenant_id, namespace: named.namespace_id, runId: named.run_id };
}

const notDefined = rpcFail('not_found', 'scenario not defined');

function engineFault(text: string): RpcResult<never> {
  return rpcFail('control_plane', text);
}
