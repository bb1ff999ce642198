import { createHash } from 'node:crypto';
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
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details: unknown;
  } | null;
  readonly evidence_hash: { readonly algorithm: string; readonly value: string } | null;
  readonly evidence_ref: { readonly uri: string } | null;
  readonly evidence_anchor: { readonly anchor_type: string; readonly anchor_value: string } | null;
  readonly signature: unknown;
  readonly content_type: string | null;
}

/** Of a run that nobody has started. */
export const CONTEXT = {
  tenant_id: 1,
  namespace_id: 1,
  run_id: 'not-started',
  scenario_id: 'not-defined',
  stage_id: 'main',
  trigger_id: 'trigger-1',
  trigger_time: AT,
  correlation_id: null,
} as const;

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
    context: { ...CONTEXT, ...context },
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
