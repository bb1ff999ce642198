import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Members, RpcAnswer, ScenarioGate } from './harness.ts';

/** A condition over a document that the provider `json` reads: any value, any comparator. */
export function jsonCondition(
  id: string,
  comparator: string,
  expected: unknown,
  changes: Members = {},
): Members {
  return {
    condition_id: id,
    query: { provider_id: 'json', check_id: 'path', params: { file: `${id}.json` } },
    comparator,
    ...(expected === undefined ? {} : { expected }),
    policy_tags: [],
    ...changes,
  };
}

/** Writes what a condition of {@link jsonCondition} finds, as JSON text so that the form of numbers is kept. */
export function writeEvidence(gate: ScenarioGate, id: string, text: string): void {
  writeFileSync(join(gate.evidence, `${id}.json`), text);
}

export interface Stage {
  readonly stage_id: string;
  readonly entry_packets: readonly Members[];
  readonly gates: readonly Members[];
  readonly advance_to: Members;
  readonly timeout: Members | null;
  readonly on_timeout: string;
}

export function stage(stageId: string, changes: Partial<Stage> = {}): Stage {
  return {
    stage_id: stageId,
    entry_packets: [],
    gates: [],
    advance_to: { kind: 'terminal' },
    timeout: null,
    on_timeout: 'fail',
    ...changes,
  };
}

export function gateOf(gateId: string, requirement: unknown, changes: Members = {}): Members {
  return { gate_id: gateId, requirement, ...changes };
}

export function specOf(
  scenarioId: string,
  stages: readonly Stage[],
  conditions: readonly Members[],
): Members {
  return {
    scenario_id: scenarioId,
    namespace_id: 1,
    spec_version: 'v1',
    stages,
    conditions,
    policies: [],
    schemas: [],
    default_tenant_id: 1,
  };
}

export const AT = { kind: 'unix_millis', value: 1_710_000_000_000 } as const;

/** Starts a run of a scenario. */
export function startRun(
  gate: ScenarioGate,
  scenarioId: string,
  runId: string,
  config: Members = {},
  changes: Members = {},
): Promise<RpcAnswer> {
  return gate.call('scenario_start', {
    scenario_id: scenarioId,
    run_config: {
      tenant_id: 1,
      namespace_id: 1,
      run_id: runId,
      scenario_id: scenarioId,
      dispatch_targets: [],
      policy_tags: [],
      ...config,
    },
    started_at: AT,
    issue_entry_packets: false,
    ...changes,
  });
}

/** One `scenario_next`; the answer as it came. */
export function next(
  gate: ScenarioGate,
  scenarioId: string,
  runId: string,
  triggerId: string,
  request: Members = {},
): Promise<RpcAnswer> {
  return gate.call('scenario_next', {
    scenario_id: scenarioId,
    request: {
      tenant_id: 1,
      namespace_id: 1,
      run_id: runId,
      trigger_id: triggerId,
      agent_id: 'agent-1',
      time: AT,
      correlation_id: null,
      ...request,
    },
  });
}

export function trigger(
  gate: ScenarioGate,
  scenarioId: string,
  runId: string,
  triggerId: string,
  changes: Members = {},
): Promise<RpcAnswer> {
  return gate.call('scenario_trigger', {
    scenario_id: scenarioId,
    trigger: {
      trigger_id: triggerId,
      tenant_id: 1,
      namespace_id: 1,
      run_id: runId,
      kind: 'external_event',
      time: AT,
      source_id: 'clock',
      payload: null,
      correlation_id: null,
      ...changes,
    },
  });
}

/** What a transition answered. */
export interface Transition {
  readonly decision: {
    readonly decision_id: string;
    readonly seq: number;
    readonly stage_id: string;
    readonly outcome: Members;
  };
  readonly packets: readonly Members[];
  readonly status: string;
  readonly feedback?: { readonly gate_evaluations: readonly Members[] };
}

export function transitionOf(answer: RpcAnswer): Transition {
  if (answer.error !== undefined) throw new Error(`${answer.error.code} ${answer.error.message}`);
  return answer.json as Transition;
}

/** One log of a run, read from an export. */
export async function exported(
  gate: ScenarioGate,
  scenarioId: string,
  runId: string,
  log: string,
): Promise<readonly Members[]> {
  const output_dir = mkdtempSync(join(gate.directory, 'runpack-'));
  const { error } = await gate.call('runpack_export', {
    scenario_id: scenarioId,
    tenant_id: 1,
    namespace_id: 1,
    run_id: runId,
    generated_at: { kind: 'logical', value: 1 },
    include_verification: false,
    output_dir,
  });
  if (error !== undefined) throw new Error(error.message);
  return JSON.parse(readFileSync(join(output_dir, 'artifacts', `${log}.json`), 'utf8'));
}
