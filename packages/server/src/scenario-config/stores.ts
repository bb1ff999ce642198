import type { ScenarioSettings, SqliteSettings } from '../service/scenario/settings.ts';
import { each, optional, or, plain, type Reading, required, section, table } from './reader.ts';
import { checked, choice, filled, flag, integer, path, scopeId, text } from './values.ts';

const SCHEMA_BYTES_MAX = 10_485_760;
const ACL_RULES_MAX = 256;

const STORE = {
  type: or('memory', choice('memory', 'sqlite')),
  path: optional(path),
  busy_timeout_ms: or(5_000, integer(0)),
  journal_mode: or('wal', choice('wal', 'delete')),
  sync_mode: or('full', choice('full', 'normal')),
} as const;

interface StoreMembers extends Omit<SqliteSettings, 'path'> {
  readonly type: 'memory' | 'sqlite';
  readonly path?: string | undefined;
}

type StoreSettings = ScenarioSettings['schemaRegistry']['store'];

function storeOf(
  { type, path: file, busyTimeoutMs, journalMode, syncMode }: StoreMembers,
  { invalid }: Reading,
  at: string,
): StoreSettings {
  if (type === 'memory') {
    if (file !== undefined) invalid(`${at}.path is allowed only with ${at}.type = "sqlite"`);
    return { type };
  }
  if (file === undefined) invalid(`${at}.type = "sqlite" requires ${at}.path`);
  return { type, path: file ?? '', busyTimeoutMs, journalMode, syncMode };
}

/** `[run_state_store]`: where runs are kept. */
export const RUN_STATE_STORE = table(
  { ...STORE, max_versions: optional(integer(1)) },
  ({ maxVersions, ...members }, reading, at): ScenarioSettings['runStateStore'] => {
    const store = storeOf(members, reading, at);
    return store.type === 'memory' ? store : { ...store, maxVersions };
  },
);

const ACL_RULE = plain({
  effect: required(choice('allow', 'deny')),
  actions: each(choice('register', 'list', 'get')),
  tenants: each(scopeId),
  namespaces: each(scopeId),
  subjects: each(text),
  roles: each(text),
  policy_classes: each(text),
});

/** `[schema_registry]`: where data shapes are kept, and who may register and read them. */
export const SCHEMA_REGISTRY = table(
  {
    ...STORE,
    max_schema_bytes: or(1_048_576, integer(1, SCHEMA_BYTES_MAX)),
    max_entries: optional(integer(1)),
    acl: section(
      plain({
        mode: or('builtin', choice('builtin', 'custom')),
        default: or('deny', choice('deny', 'allow')),
        allow_local_only: or(false, flag),
        require_signing: or(false, flag),
        rules: each(ACL_RULE, ACL_RULES_MAX),
      }),
    ),
  },
  (
    { maxSchemaBytes, maxEntries, acl, ...members },
    reading,
    at,
  ): ScenarioSettings['schemaRegistry'] => ({
    store: storeOf(members, reading, at),
    maxSchemaBytes,
    maxEntries,
    acl,
  }),
);

/** The start of every key in the object store: relative, and staying where it is. */
const prefix = checked(text, (value) => {
  const segments = withoutEnd(value).split('/');
  const sound =
    withoutEnd(value) === '' || segments.every((one) => one !== '' && one !== '.' && one !== '..');
  return sound && !value.includes('\\')
    ? undefined
    : 'must be relative, without empty, `.` or `..` segments and without backslashes';
});

/** `[runpack_storage]`: the object store for exported runpacks. */
export const RUNPACK_STORAGE = table(
  {
    type: required(choice('object_store')),
    provider: required(choice('s3')),
    bucket: required(filled),
    region: optional(filled),
    endpoint: optional(filled),
    prefix: optional(prefix),
    force_path_style: or(false, flag),
    allow_http: or(false, flag),
  },
  ({ type: _type, provider: _provider, ...rest }, { invalid }, at) => {
    const scheme = rest.endpoint === undefined ? undefined : schemeOf(rest.endpoint);
    if (scheme === 'none') invalid(`${at}.endpoint must be an http or https URL`);
    if (scheme === 'http:' && !rest.allowHttp) {
      invalid(`${at}.endpoint uses http, which requires ${at}.allow_http = true`);
    }
    const start = withoutEnd(rest.prefix ?? '');
    return { ...rest, prefix: start === '' ? undefined : start };
  },
);

function withoutEnd(start: string): string {
  return start.trim().replace(/\/$/, '');
}

function schemeOf(address: string): string {
  const protocol = URL.canParse(address) ? new URL(address).protocol : '';
  return protocol === 'http:' || protocol === 'https:' ? protocol : 'none';
}

/** `[runpack]`: where on this machine callers may put and read runpacks. */
export const RUNPACK = plain({ root: optional(path) });
