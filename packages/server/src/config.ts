import { fileURLToPath } from 'node:url';
import type { communication } from '@countersign/contract';
import { parseGuardedUrl } from './events/guarded-url.ts';
import type { ModelSettings } from './evidence/communication/openai.ts';

type Contact = communication.Contact;

/** Everything that can be set, with the meaning of what is not. */
export interface Config {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly dataDirectory: string;
  /** `test`: development mode, loopback only, keys are made and shown once. */
  readonly environment: 'test' | 'live';
  readonly rateLimits: boolean;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'silent';
  /** Fixed development keys; each may do everything within its own tenant. */
  readonly devApiKey?: string | undefined;
  readonly devOtherApiKey?: string | undefined;
  /** A fixed development actor of the communication door, with every scope. */
  readonly devActor?: { readonly id: string; readonly token: string } | undefined;
  /** Address under which callers reach this server, as documents name it; absent: where it listens. */
  readonly baseUrl?: string | undefined;
  /** Whom documents name for security and for help. */
  readonly contact?: Contact | undefined;
  /** A `decision-gate.toml` for the scenario door; without one it has the form of a preset. */
  readonly scenarioConfigFile?: string | undefined;
  /** A model that reads communications besides; absent: none does. */
  readonly provider?: ModelSettings | undefined;
  /** Milliseconds added after each commit: for measuring what a slower disk would do. */
  readonly commitDelayMs?: number | undefined;
}

/** A setting that cannot be used, in words for the operator. */
export class ConfigError extends Error {}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const;
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);
export const ACTOR_ID = /^[A-Za-z0-9_.:@-]{1,128}$/;
const ACTOR_TOKEN = /^gt_test_[\x21-\x7e]{24,248}$/;
const VISIBLE = /^[\x21-\x7e]{1,512}$/;
export const DEV_KEY = /^decide_test_[A-Za-z0-9_-]{20,128}$/;

/** Settings and their environment variables; the first line of each is what `--help` prints. */
export const SETTINGS = {
  COUNTERSIGN_HOST: 'Address to listen on (127.0.0.1)',
  COUNTERSIGN_PORT: 'Port to listen on (4000; 0 takes a free one)',
  COUNTERSIGN_DATA: 'Directory of the ledger and the keys (./data)',
  COUNTERSIGN_ENVIRONMENT: '`test` (development mode, loopback only) or `live` (test)',
  COUNTERSIGN_RATE_LIMITS: '`on` or `off`; `off` is for development mode only (on)',
  COUNTERSIGN_LOG_LEVEL: 'fatal, error, warn, info, debug or silent (info)',
  COUNTERSIGN_DEV_API_KEY: 'A fixed development key `decide_test_…` with every scope',
  COUNTERSIGN_DEV_OTHER_API_KEY: 'The same for a second tenant',
  COUNTERSIGN_DEV_ACTOR_ID: 'A fixed development actor of the communication door …',
  COUNTERSIGN_DEV_ACTOR_TOKEN: '… and its token `gt_test_…`, with every scope',
  COUNTERSIGN_BASE_URL: 'Address that documents name (where it listens)',
  COUNTERSIGN_SECURITY_CONTACT: 'Whom documents name for security (security@countersign.example)',
  COUNTERSIGN_SUPPORT_CONTACT: 'Whom documents name for help (support@countersign.example)',
  COUNTERSIGN_SCENARIO_CONFIG: 'A decision-gate.toml for the scenario door (none)',
  COUNTERSIGN_PROVIDER_URL: 'Base address of an OpenAI-compatible model that reads along (none)',
  COUNTERSIGN_PROVIDER_MODEL: 'Name of that model',
  COUNTERSIGN_PROVIDER_KEY: 'Its key, sent as bearer token (none)',
  COUNTERSIGN_COMMIT_DELAY_MS: 'Milliseconds added to each commit, for measurements (0)',
} as const;

/** Reads the settings. The one reader of the environment; unknown `COUNTERSIGN_…` names are errors. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  for (const name of Object.keys(env)) {
    if (name.startsWith('COUNTERSIGN_') && !(name in SETTINGS)) {
      throw new ConfigError(
        `${name} is not a setting; known are ${Object.keys(SETTINGS).join(', ')}`,
      );
    }
  }
  const of = (name: keyof typeof SETTINGS): string | undefined => {
    const value = env[name]?.trim();
    return value === '' ? undefined : value;
  };
  const environment = choice('COUNTERSIGN_ENVIRONMENT', of('COUNTERSIGN_ENVIRONMENT'), 'test', [
    'test',
    'live',
  ] as const);
  const rateLimits = choice('COUNTERSIGN_RATE_LIMITS', of('COUNTERSIGN_RATE_LIMITS'), 'on', [
    'on',
    'off',
  ] as const);
  const host = of('COUNTERSIGN_HOST') ?? '127.0.0.1';
  if (environment === 'test' && !LOOPBACK.has(host)) {
    throw new ConfigError('COUNTERSIGN_HOST must be a loopback address in development mode');
  }
  if (environment === 'live' && rateLimits === 'off') {
    throw new ConfigError('COUNTERSIGN_RATE_LIMITS=off is for development mode only');
  }
  const delay = number('COUNTERSIGN_COMMIT_DELAY_MS', of('COUNTERSIGN_COMMIT_DELAY_MS'), 0, 60_000);
  return {
    host,
    port: number('COUNTERSIGN_PORT', of('COUNTERSIGN_PORT'), 4000, 65_535),
    dataDirectory: of('COUNTERSIGN_DATA') ?? './data',
    environment,
    rateLimits: rateLimits === 'on',
    logLevel: choice('COUNTERSIGN_LOG_LEVEL', of('COUNTERSIGN_LOG_LEVEL'), 'info', LOG_LEVELS),
    devApiKey: devKey('COUNTERSIGN_DEV_API_KEY', of('COUNTERSIGN_DEV_API_KEY'), environment),
    devOtherApiKey: devKey(
      'COUNTERSIGN_DEV_OTHER_API_KEY',
      of('COUNTERSIGN_DEV_OTHER_API_KEY'),
      environment,
    ),
    devActor: devActor(
      of('COUNTERSIGN_DEV_ACTOR_ID'),
      of('COUNTERSIGN_DEV_ACTOR_TOKEN'),
      environment,
    ),
    baseUrl: baseUrl(of('COUNTERSIGN_BASE_URL')),
    contact: {
      security: of('COUNTERSIGN_SECURITY_CONTACT') ?? CONTACT.security,
      support: of('COUNTERSIGN_SUPPORT_CONTACT') ?? CONTACT.support,
    },
    scenarioConfigFile: of('COUNTERSIGN_SCENARIO_CONFIG'),
    provider: provider(
      of('COUNTERSIGN_PROVIDER_URL'),
      of('COUNTERSIGN_PROVIDER_MODEL'),
      of('COUNTERSIGN_PROVIDER_KEY'),
      environment,
    ),
    commitDelayMs: delay === 0 ? undefined : delay,
  };
}

function choice<Value extends string>(
  name: string,
  text: string | undefined,
  fallback: Value,
  values: readonly Value[],
): Value {
  const found = values.find((value) => value === (text ?? fallback));
  if (found === undefined) throw new ConfigError(`${name} must be one of ${values.join(', ')}`);
  return found;
}

function number(name: string, text: string | undefined, fallback: number, max: number): number {
  if (text === undefined) return fallback;
  if (!/^\d{1,6}$/.test(text) || Number(text) > max) {
    throw new ConfigError(`${name} must be a whole number from 0 to ${max}`);
  }
  return Number(text);
}

/** Whom documents name where nobody is named. */
export const CONTACT: Contact = {
  security: 'security@countersign.example',
  support: 'support@countersign.example',
};

function baseUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  const fits =
    url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '';
  if (!fits || url.username !== '' || url.password !== '') {
    throw new ConfigError(
      'COUNTERSIGN_BASE_URL must be an http or https address without user and query',
    );
  }
  return text.replace(/\/+$/, '');
}

function provider(
  url: string | undefined,
  model: string | undefined,
  key: string | undefined,
  environment: Config['environment'],
): ModelSettings | undefined {
  if (url === undefined && model === undefined && key === undefined) return undefined;
  if (url === undefined || model === undefined) {
    throw new ConfigError(
      'COUNTERSIGN_PROVIDER_URL and COUNTERSIGN_PROVIDER_MODEL belong together',
    );
  }
  // Test mode asks nobody outside: its model is the mock.
  if (environment !== 'live') {
    throw new ConfigError('COUNTERSIGN_PROVIDER_URL is for live; in test a mock reads besides');
  }
  const parsed = parseGuardedUrl(url, { allowLoopback: false });
  if (!parsed.ok || parsed.value.search !== '' || parsed.value.hash !== '') {
    throw new ConfigError(
      'COUNTERSIGN_PROVIDER_URL must be https, without user, query and fragment, and outside our own network',
    );
  }
  if (key !== undefined && !VISIBLE.test(key)) {
    throw new ConfigError('COUNTERSIGN_PROVIDER_KEY must be visible ASCII');
  }
  return { url, model, key };
}

function devKey(
  name: string,
  text: string | undefined,
  environment: Config['environment'],
): string | undefined {
  if (text === undefined) return undefined;
  if (environment !== 'test') throw new ConfigError(`${name} is for development mode only`);
  if (!DEV_KEY.test(text)) {
    throw new ConfigError(`${name} must be \`decide_test_\` and 20 to 128 of A–Z a–z 0–9 _ -`);
  }
  return text;
}

function devActor(
  id: string | undefined,
  token: string | undefined,
  environment: Config['environment'],
): Config['devActor'] {
  if (id === undefined && token === undefined) return undefined;
  const both = 'COUNTERSIGN_DEV_ACTOR_ID and COUNTERSIGN_DEV_ACTOR_TOKEN';
  if (environment !== 'test') throw new ConfigError(`${both} are for development mode only`);
  if (id === undefined || token === undefined) throw new ConfigError(`${both} go together`);
  if (!ACTOR_ID.test(id)) {
    throw new ConfigError('COUNTERSIGN_DEV_ACTOR_ID must be 1 to 128 of A–Z a–z 0–9 _ . : @ -');
  }
  if (!ACTOR_TOKEN.test(token)) {
    throw new ConfigError(
      'COUNTERSIGN_DEV_ACTOR_TOKEN must be `gt_test_` and visible ASCII, 32 to 256 characters in all',
    );
  }
  return { id, token };
}

/** Directory of the policy templates that ship with the server. */
export const TEMPLATE_DIRECTORY: string = fileURLToPath(new URL('../templates/', import.meta.url));
