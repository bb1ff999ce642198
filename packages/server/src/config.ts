import { fileURLToPath } from 'node:url';

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
  /** A `decision-gate.toml` for the scenario door; without one it has the form of a preset. */
  readonly scenarioConfigFile?: string | undefined;
  /** Milliseconds added after each commit: for measuring what a slower disk would do. */
  readonly commitDelayMs?: number | undefined;
}

/** A setting that cannot be used, in words for the operator. */
export class ConfigError extends Error {}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const;
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);
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
  COUNTERSIGN_SCENARIO_CONFIG: 'A decision-gate.toml for the scenario door (none)',
  COUNTERSIGN_COMMIT_DELAY_MS: 'Milliseconds added to each commit, for measurements (0)',
} as const;

/** Reads the settings. The one reader of the environment; unknown `COUNTERSIGN_…` names are errors. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  for (const name of Object.keys(env)) {
    if (name.startsWith('COUNTERSIGN_') && !(name in SETTINGS) && !LATER.has(name)) {
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
    scenarioConfigFile: of('COUNTERSIGN_SCENARIO_CONFIG'),
    commitDelayMs: delay === 0 ? undefined : delay,
  };
}

/** Settings of doors that this build does not have yet; accepted so that one environment serves all builds. */
const LATER: ReadonlySet<string> = new Set([
  'COUNTERSIGN_DEV_ACTOR_ID',
  'COUNTERSIGN_DEV_ACTOR_TOKEN',
]);

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

/** Directory of the policy templates that ship with the server. */
export const TEMPLATE_DIRECTORY: string = fileURLToPath(new URL('../templates/', import.meta.url));
