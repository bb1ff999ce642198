import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type {
  BuiltinConfig,
  ProviderSettings,
  ScenarioSettings,
} from '../../src/service/scenario/settings.ts';
import { AT } from './evidence-files.ts';
import type { Members, RpcAnswer, ScenarioGate } from './harness.ts';

/** What a provider answered, as it left the server. */
export interface Evidence {
  readonly value: { readonly kind: string; readonly value: unknown } | null;
  readonly lane: string;
  readonly error: { readonly code: string; readonly message: string; readonly details: unknown };
  readonly evidence_hash: { readonly algorithm: string; readonly value: string } | null;
  readonly evidence_ref: { readonly uri: string } | null;
  readonly evidence_anchor: { readonly anchor_type: string; readonly anchor_value: string } | null;
  readonly signature: unknown;
  readonly content_type: string | null;
}

/** Asks a provider about a run that nobody has started. */
export function query(
  gate: ScenarioGate,
  check: `${string}.${string}`,
  params?: unknown,
  context: Members = {},
): Promise<RpcAnswer> {
  const [provider_id, check_id] = check.split('.');
  return gate.call('evidence_query', {
    query: { provider_id, check_id, ...(params === undefined ? {} : { params }) },
    context: {
      tenant_id: 1,
      namespace_id: 1,
      run_id: 'not-started',
      scenario_id: 'not-defined',
      stage_id: 'main',
      trigger_id: 'trigger-1',
      trigger_time: AT,
      correlation_id: null,
      ...context,
    },
  });
}

/** The evidence of {@link query}. */
export async function evidenceOf(...asked: Parameters<typeof query>): Promise<Evidence> {
  const { error, json } = await query(...asked);
  if (error !== undefined) throw new Error(`${error.code} ${error.message}`);
  return (json as { readonly result: Evidence }).result;
}

/** What a provider found; its error, as code and text, where it found nothing. */
export async function found(...asked: Parameters<typeof query>): Promise<unknown> {
  const { value, error } = await evidenceOf(...asked);
  return error === null ? value?.value : `${error.code}: ${error.message}`;
}

/** An error of a provider that could not be asked. */
export const failure = (text: string): string => `provider_error: evidence provider error: ${text}`;

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export type ConfigChange = Partial<BuiltinConfig> & Pick<BuiltinConfig, 'kind'>;

/** Settings under which raw values leave the server, and with another configuration of built-in providers. */
export function showing(
  settings: ScenarioSettings,
  ...configs: readonly ConfigChange[]
): ScenarioSettings {
  return {
    ...settings,
    evidence: { allowRawValues: true, requireProviderOptIn: false },
    providers: settings.providers.map((provider): ProviderSettings => {
      if (provider.type !== 'builtin') return provider;
      const change = configs.find(({ kind }) => kind === provider.config.kind);
      return { ...provider, config: { ...provider.config, ...change } as BuiltinConfig };
    }),
  };
}

/** The contract of a provider outside the server: one number. */
export function scalesContract(changes: Members = {}): Members {
  return {
    provider_id: 'scales',
    name: 'Scales',
    description: 'What the scales of the warehouse show.',
    transport: 'mcp',
    config_schema: { type: 'object' },
    checks: [
      {
        check_id: 'weight',
        description: 'The weight in grams.',
        determinism: 'external',
        params_required: false,
        params_schema: { type: 'object', additionalProperties: false },
        result_schema: { type: 'integer' },
        allowed_comparators: ['equals', 'greater_than', 'exists'],
        anchor_types: [],
        content_types: ['application/json'],
        examples: [],
      },
    ],
    notes: [],
    ...changes,
  };
}

/** Adds the provider of {@link scalesContract} at an address. */
export function withScales(
  settings: ScenarioSettings,
  directory: string,
  url: string,
  contract = scalesContract(),
): ScenarioSettings {
  const capabilitiesPath = join(directory, 'scales.json');
  writeFileSync(capabilitiesPath, JSON.stringify(contract));
  const scales: ProviderSettings = {
    name: 'scales',
    type: 'mcp',
    allowRaw: false,
    command: [],
    url,
    allowInsecureHttp: true,
    capabilitiesPath,
    connectTimeoutMs: 2_000,
    requestTimeoutMs: 10_000,
    laneMax: 'verified',
  };
  // First, so that a list that is in order was sorted.
  return { ...settings, providers: [scales, ...[...settings.providers].reverse()] };
}
