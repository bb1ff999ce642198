import type { BuiltinConfig, ProviderSettings } from '../service/scenario/settings.ts';
import { signaturePolicy } from './evidence.ts';
import {
  dictionary,
  each,
  invalidConfig,
  isTable,
  type Kind,
  list,
  type Members,
  mistyped,
  optional,
  or,
  type Reading,
  required,
  type Shape,
  section,
  table,
} from './reader.ts';
import { secretInFile, secretInVariable } from './secrets.ts';
import {
  checked,
  choice,
  filled,
  flag,
  integer,
  path,
  text,
  trimmed,
  webAddress,
} from './values.ts';

type Builtin = BuiltinConfig['kind'];

const TIME = table(
  { allow_logical: or(true, flag) },
  (config): BuiltinConfig => ({
    kind: 'time',
    ...config,
  }),
);

const ENV = table(
  {
    allowlist: optional(list(text)),
    denylist: each(text),
    max_value_bytes: or(65_536, integer(1)),
    max_key_bytes: or(255, integer(1)),
    overrides: optional(dictionary(text)),
  },
  (config): BuiltinConfig => ({ kind: 'env', ...config }),
);

const rootId = checked(text, (value) =>
  /^[a-z0-9_-]{1,64}$/.test(value) ? undefined : 'must be 1 to 64 of a–z 0–9 - _',
);

const JSON_FILES = table(
  {
    root: required(path),
    root_id: required(rootId),
    max_bytes: or(1_048_576, integer(1)),
    allow_yaml: or(true, flag),
  },
  (config): BuiltinConfig => ({ kind: 'json', ...config }),
);

const HTTP = table(
  {
    allow_http: or(false, flag),
    timeout_ms: or(5_000, integer(1)),
    max_response_bytes: or(1_048_576, integer(1)),
    allowed_hosts: optional(list(text)),
    user_agent: or('decision-gate/0.1', filled),
    hash_algorithm: or('sha256', choice('sha256')),
    allow_private: or(false, flag),
  },
  ({ hashAlgorithm: _algorithm, ...config }): BuiltinConfig => ({ kind: 'http', ...config }),
);

const BUILTINS = { time: TIME, env: ENV, json: JSON_FILES, http: HTTP } as const satisfies Record<
  Builtin,
  Kind<BuiltinConfig>
>;

const TIMEOUTS = table(
  {
    connect_timeout_ms: or(2_000, integer(100, 10_000)),
    request_timeout_ms: or(10_000, integer(500, 30_000)),
  },
  (timeouts, { invalid }, at) => {
    if (timeouts.requestTimeoutMs < timeouts.connectTimeoutMs) {
      invalid(`${at}.request_timeout_ms must be at least ${at}.connect_timeout_ms`);
    }
    return timeouts;
  },
);

/** The table of a built-in provider, read once it is known which one it is. */
const config = {
  shape: Object.assign({}, ...Object.values(BUILTINS).map(({ shape }) => shape)) as Shape,
  decode(given: unknown, at: string): Readonly<Record<string, unknown>> {
    if (!isTable(given)) throw mistyped(at, 'a table', given);
    return given;
  },
};

const AUTH = table(
  {
    bearer_token: optional(filled),
    bearer_token_file: optional(secretInFile),
    bearer_token_env: optional(secretInVariable),
  },
  ({ bearerToken, bearerTokenFile, bearerTokenEnv }, { invalid }, at) => {
    const token = bearerToken ?? bearerTokenFile ?? bearerTokenEnv;
    if (token === undefined) invalid(`${at} requires bearer_token`);
    return token;
  },
);

/** Keys of external providers only. */
const OUTSIDE = {
  command: optional(list(text)),
  url: optional(webAddress),
  allow_insecure_http: optional(flag),
  capabilities_path: optional(path),
  auth: optional(AUTH),
  lane_max: optional(choice('verified', 'asserted')),
} as const;

const KEYS = {
  name: required(trimmed()),
  type: required(choice('builtin', 'mcp')),
  trust: optional(signaturePolicy),
  allow_raw: or(false, flag),
  timeouts: section(TIMEOUTS),
  config: optional(config),
  ...OUTSIDE,
} as const;

type Provider = Members<typeof KEYS>;

/** `[[providers]]`: every source of evidence that there is. */
export const PROVIDER = table(KEYS, (provider, reading, at): ProviderSettings => {
  return provider.type === 'builtin'
    ? builtinOf(provider, reading, at)
    : externalOf(provider, reading, at);
});

function builtinOf(provider: Provider, reading: Reading, at: string): ProviderSettings {
  const { name, trust, allowRaw } = provider;
  if (!isBuiltin(name)) {
    // Without a known name nobody can tell what its other keys should be.
    throw invalidConfig(`${at}: no builtin provider is called \`${name}\``);
  }
  const { command, url, allowInsecureHttp, capabilitiesPath, auth, laneMax } = provider;
  const outside = { command, url, allowInsecureHttp, capabilitiesPath, auth, laneMax };
  if (command?.length === 0) outside.command = undefined;
  const forbidden = Object.values(outside).findIndex((value) => value !== undefined);
  if (forbidden >= 0) {
    reading.invalid(`${at}.${Object.keys(OUTSIDE)[forbidden]} is not for builtin providers`);
  }
  const kind: Kind<BuiltinConfig> = BUILTINS[name];
  const settings = kind.decode(provider.config ?? {}, `${at}.config`, reading);
  return { type: 'builtin', name, trust, allowRaw, config: settings };
}

function externalOf(provider: Provider, { invalid }: Reading, at: string): ProviderSettings {
  const { name, trust, allowRaw, command = [], url, capabilitiesPath, timeouts } = provider;
  const allowInsecureHttp = provider.allowInsecureHttp ?? false;
  if (isBuiltin(name)) invalid(`${at}: \`${name}\` is the name of a builtin provider`);
  if (command[0]?.trim() === '') invalid(`${at}.command must begin with a program`);
  if (command.length === 0 && url === undefined) invalid(`${at} requires command or url`);
  if (url !== undefined && !allowInsecureHttp && !/^https:/i.test(url)) {
    invalid(`${at}.url uses http, which requires ${at}.allow_insecure_http = true`);
  }
  if (capabilitiesPath === undefined) invalid(`${at} requires capabilities_path`);
  if (provider.config !== undefined) invalid(`${at}.config is for builtin providers only`);
  return {
    type: 'mcp',
    name,
    trust,
    allowRaw,
    command,
    url,
    allowInsecureHttp,
    capabilitiesPath: capabilitiesPath ?? '',
    bearerToken: provider.auth,
    ...timeouts,
    laneMax: provider.laneMax ?? 'verified',
  };
}

function isBuiltin(name: string): name is Builtin {
  return Object.hasOwn(BUILTINS, name);
}
