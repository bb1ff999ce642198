import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningDecisionGate, startDecisionGate } from '../../src/decision-gate.ts';
import { type Audit, silentAudit } from '../../src/doors/scenario/audit.ts';
import { quickstartSettings } from '../../src/scenario-config.ts';
import type { ScenarioSettings } from '../../src/service/scenario/settings.ts';

export type Members = Readonly<Record<string, unknown>>;

export interface RpcAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Members;
  /** `result.content[0].json` of a tool call that was answered. */
  readonly json: unknown;
  /** The error's code, message and data. */
  readonly error: { readonly code: number; readonly message: string; readonly data: Members };
}

/** A running scenario door of its own. */
export interface ScenarioGate {
  readonly server: RunningDecisionGate;
  readonly url: string;
  readonly directory: string;
  /** Directory that the provider `json` reads. */
  readonly evidence: string;
  readonly settings: ScenarioSettings;
  rpc(request: unknown, headers?: Readonly<Record<string, string>>): Promise<RpcAnswer>;
  call(tool: string, args: unknown, headers?: Readonly<Record<string, string>>): Promise<RpcAnswer>;
  stop(): Promise<void>;
  close(): Promise<void>;
}

export interface ScenarioGateOptions {
  /** A directory that is there already. */
  readonly directory?: string;
  readonly change?: (settings: ScenarioSettings, directory: string) => ScenarioSettings;
  readonly audit?: Audit;
}

/** Starts the door in Quickstart-Dev form on a free port, with its stores in SQLite files of a directory of its own. */
export async function openScenarioGate(options: ScenarioGateOptions = {}): Promise<ScenarioGate> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'countersign-scenario-'));
  const evidence = join(directory, 'evidence');
  mkdirSync(evidence, { recursive: true });
  const base = quickstartSettings(evidence);
  const sqlite = { busyTimeoutMs: 5_000, journalMode: 'wal', syncMode: 'full' } as const;
  const quickstart: ScenarioSettings = {
    ...base,
    server: { ...base.server, bind: { host: '127.0.0.1', port: 0 } },
    runStateStore: { type: 'sqlite', path: join(directory, 'decision-gate.db'), ...sqlite },
    schemaRegistry: {
      ...base.schemaRegistry,
      store: { type: 'sqlite', path: join(directory, 'decision-gate-registry.db'), ...sqlite },
    },
  };
  const settings = options.change?.(quickstart, directory) ?? quickstart;
  // Without a file the audit would fill the error stream of the tests.
  const quiet = settings.server.audit.path === undefined ? { audit: silentAudit } : {};
  const server = await startDecisionGate(
    settings,
    options.audit ? { audit: options.audit } : quiet,
  );
  const { url } = server;
  if (url === undefined) throw new Error('this harness speaks HTTP');
  const rpc: ScenarioGate['rpc'] = async (request, headers) => {
    const response = await fetch(`${url}/rpc`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof request === 'string' ? request : JSON.stringify(request),
    });
    const text = await response.text();
    const payload = text.startsWith('data: ') ? text.slice(6) : text;
    const body = (payload === '' ? {} : JSON.parse(payload)) as Members;
    const content = (body['result'] as { content?: readonly Members[] } | undefined)?.content;
    return {
      status: response.status,
      headers: response.headers,
      text,
      body,
      json: content?.[0]?.['json'],
      error: body['error'] as RpcAnswer['error'],
    };
  };
  const stop = (): Promise<void> => server.close();
  return {
    server,
    url,
    directory,
    evidence,
    settings,
    rpc,
    call: (tool, args, headers) =>
      rpc(
        { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: args } },
        headers,
      ),
    stop,
    async close() {
      await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The scenario of the walk-through: one stage, one gate, the trigger must come after an instant. */
export function quickstartSpec(changes: Members = {}): Members {
  return {
    scenario_id: 'quickstart',
    namespace_id: 1,
    spec_version: 'v1',
    stages: [
      {
        stage_id: 'main',
        entry_packets: [],
        gates: [{ gate_id: 'after-time', requirement: { Condition: 'after' } }],
        advance_to: { kind: 'terminal' },
        timeout: null,
        on_timeout: 'fail',
      },
    ],
    conditions: [
      {
        condition_id: 'after',
        query: { provider_id: 'time', check_id: 'after', params: { timestamp: 1700000000000 } },
        comparator: 'equals',
        expected: true,
        policy_tags: [],
      },
    ],
    policies: [],
    schemas: [],
    default_tenant_id: 1,
    ...changes,
  };
}

/** Arguments of `scenario_start`. */
export function startOf(runId = 'run-1', changes: Members = {}, config: Members = {}): Members {
  return {
    scenario_id: 'quickstart',
    run_config: {
      tenant_id: 1,
      namespace_id: 1,
      run_id: runId,
      scenario_id: 'quickstart',
      dispatch_targets: [],
      policy_tags: [],
      ...config,
    },
    started_at: { kind: 'unix_millis', value: 1710000000000 },
    issue_entry_packets: false,
    ...changes,
  };
}

/** Arguments of `scenario_next`. */
export function nextOf(
  triggerId = 'trigger-1',
  request: Members = {},
  changes: Members = {},
): Members {
  return {
    scenario_id: 'quickstart',
    request: {
      run_id: 'run-1',
      tenant_id: 1,
      namespace_id: 1,
      trigger_id: triggerId,
      agent_id: 'agent-1',
      time: { kind: 'unix_millis', value: 1710000000000 },
      correlation_id: null,
      ...request,
    },
    ...changes,
  };
}
