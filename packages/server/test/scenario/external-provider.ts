import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ProviderSettings, ScenarioSettings } from '../../src/service/scenario/settings.ts';
import { exported, gateOf, next, specOf, stage, startRun, transitionOf } from './evidence-files.ts';
import { type Evidence, evidenceOf } from './evidence-queries.ts';
import { type Members, openScenarioGate, type ScenarioGate } from './harness.ts';

const PROVIDER = fileURLToPath(new URL('./fixtures/evidence-provider.mjs', import.meta.url));

export type McpProvider = Extract<ProviderSettings, { readonly type: 'mcp' }>;

/** The contract of the provider `tickets`: one check, `approved`, which is true or false. */
export function ticketsContract(changes: Members = {}, check: Members = {}): Members {
  return {
    provider_id: 'tickets',
    name: 'Tickets',
    description: 'Whether a ticket is approved.',
    transport: 'mcp',
    config_schema: {},
    checks: [
      {
        check_id: 'approved',
        description: 'Whether it is.',
        determinism: 'external',
        params_required: false,
        params_schema: { type: 'object' },
        result_schema: { type: 'boolean' },
        allowed_comparators: ['equals', 'not_equals', 'exists', 'not_exists'],
        anchor_types: [],
        content_types: [],
        examples: [],
        ...check,
      },
    ],
    notes: [],
    ...changes,
  };
}

/** How the provider `tickets` is reached. */
export function ticketsSettings(changes: Partial<McpProvider>): McpProvider {
  return {
    name: 'tickets',
    type: 'mcp',
    command: [],
    allowInsecureHttp: true,
    capabilitiesPath: '',
    connectTimeoutMs: 2_000,
    requestTimeoutMs: 10_000,
    laneMax: 'verified',
    allowRaw: false,
    ...changes,
  };
}

/** A door that shows raw values, takes only verified evidence, and has the provider `tickets`. */
export function openWithTickets(
  provider: Partial<McpProvider>,
  options: {
    readonly contract?: unknown;
    readonly settings?: Partial<ScenarioSettings>;
  } = {},
): Promise<ScenarioGate> {
  return openScenarioGate({
    change: (settings, directory) => {
      const capabilitiesPath = join(directory, 'tickets.json');
      writeFileSync(capabilitiesPath, JSON.stringify(options.contract ?? ticketsContract()));
      const tickets = ticketsSettings({ capabilitiesPath, ...provider });
      return {
        ...settings,
        runStateStore: { type: 'memory' },
        schemaRegistry: { ...settings.schemaRegistry, store: { type: 'memory' } },
        dev: { ...settings.dev, permissive: false },
        evidence: { allowRawValues: true, requireProviderOptIn: false },
        // First, so that a list in order was sorted.
        providers: [tickets, ...settings.providers],
        ...options.settings,
      };
    },
  });
}

/** As {@link openWithTickets}, for as long as it takes. */
export async function withTickets<Value>(
  [provider, options]: readonly [...Parameters<typeof openWithTickets>],
  act: (gate: ScenarioGate) => Promise<Value>,
): Promise<Value> {
  const gate = await openWithTickets(provider, options);
  try {
    return await act(gate);
  } finally {
    await gate.close();
  }
}

/** The provider as a process that behaves as told. */
export const running = (behaviour: string, log?: string): Partial<McpProvider> => ({
  command: [process.execPath, PROVIDER, behaviour, ...(log === undefined ? [] : [log])],
});

/** The same behind a shell, whose end the process survives. */
export const wrapped = (behaviour: string): Partial<McpProvider> => ({
  command: ['/bin/sh', '-c', '"$0" "$1" "$2"; true', process.execPath, PROVIDER, behaviour],
});

/** What the provider says when it is asked without a decision. */
export function ticket(
  gate: ScenarioGate,
  name?: string,
  correlation_id: string | null = null,
): Promise<Evidence> {
  const params = name === undefined ? undefined : { name };
  return evidenceOf(gate, 'tickets.approved', params, { correlation_id });
}

/** The status of a gate that wants a ticket to be approved, and the evidence that is recorded of it. */
export async function decided(
  gate: ScenarioGate,
  id = 'tickets',
): Promise<{ readonly status: unknown; readonly result: Members }> {
  const condition = {
    condition_id: 'c',
    query: { provider_id: 'tickets', check_id: 'approved' },
    comparator: 'equals',
    expected: true,
    policy_tags: [],
  };
  const main = stage('main', { gates: [gateOf('g', { Condition: 'c' })] });
  await gate.call('scenario_define', { spec: specOf(id, [main], [condition]) });
  await startRun(gate, id, id);
  const { feedback } = transitionOf(await next(gate, id, id, 't'));
  const [record] = (await exported(gate, id, id, 'gate_evals')) as unknown as {
    evidence: { result: Members }[];
  }[];
  return {
    status: feedback?.gate_evaluations[0]?.['status'],
    result: record?.evidence[0]?.result ?? {},
  };
}

/** What is recorded of a provider that could not be asked. */
export const providerError = (text: string): Members => ({
  code: 'provider_error',
  message: `evidence provider error: ${text}`,
  details: null,
});

/** An answer of the provider over HTTP. */
export const answerOf = (evidence: unknown): string =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    result: { content: [{ type: 'json', json: evidence }] },
  });

export const APPROVED: Members = { value: { kind: 'json', value: true } };
/** SHA-256 of the text `true`. */
export const TRUE_HASH = 'b5bea41b6c623f7c09f1bf24dcae58ebab3c0cdd90ad966bc43a45b44867e12b';
