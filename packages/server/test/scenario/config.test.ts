import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CONFIGURATION,
  parseScenarioConfig,
  readScenarioConfig,
  scenarioConfigFile,
} from '../../src/scenario-config/file.ts';
import type { Shape } from '../../src/scenario-config/reader.ts';
import { DEFAULT_SETTINGS, liveSettings, quickstartSettings } from '../../src/scenario-config.ts';

import {
  ACL_RULE,
  ASSETCORE,
  AUTH,
  long,
  MCP,
  many,
  REFUSALS,
  RUNPACKS,
  STATIC,
  tables,
} from './config-refusals.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const PRESETS = join(ROOT, 'configs/presets');
const GUIDE = join(ROOT, 'docs/guides/decision-gate.md');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const ENVIRONMENT = { LONG: long(257), TOKENS: ' one\ntwo ' };

function refusalOf(text: string): string {
  try {
    parseScenarioConfig(text, ENVIRONMENT);
    return 'accepted';
  } catch (error) {
    return (error as Error).message;
  }
}

describe.each(Object.entries(REFUSALS))('of %s', (_, refusals) => {
  it.each(refusals.map(([text, said], i) => [i + 1, said, text] as const))(
    'S-167 a configuration is refused (%i): %s',
    (_number, said, text) => {
      const refusal = refusalOf(text);
      expect(refusal).toContain(said);
      expect(refusal).toMatch(/^(?:config io error|config parse error|invalid config): /);
    },
  );
});

it('accepts what is at a limit and not beyond it', () => {
  const accepted = [
    `${AUTH}mode = "bearer_token"\nbearer_tokens = ["${long(256)}"]`,
    `${AUTH}mode = "bearer_token"\nbearer_tokens = ${many(64, '"t"')}`,
    `${AUTH}mode = "mtls"\nmtls_subjects = ["${long(512)}"]`,
    '[server]\ntransport = "sse"\nbind = "[::1]:65535"',
    `[server]\ntransport = "http"\nbind = "0.0.0.0:1"\n[server.auth]\nmode = "mtls"\nmtls_subjects = ["CN=a"]`,
    '[server.limits.rate_limit]\nmax_requests = 100000\nwindow_ms = 60000\nmax_entries = 65536',
    '[server.limits.rate_limit]\nmax_requests = 1\nwindow_ms = 100\nmax_entries = 1',
    `[server.tools]\ndenylist = ${many(128, '"precheck"')}`,
    '[namespace]\nallow_default = true\ndefault_tenants = [18446744073709551615]',
    '[validation]\nstrict = false\nallow_permissive = true',
    '[schema_registry]\nmax_schema_bytes = 10485760',
    tables(256, ACL_RULE),
    `${RUNPACKS}bucket = "b"\nprefix = " a/b/ "\nendpoint = "https://s3.example"`,
    `${RUNPACKS}bucket = "b"\nendpoint = "http://s3.example"\nallow_http = true`,
    `${MCP}command = ["x"]\ntimeouts = { connect_timeout_ms = 500, request_timeout_ms = 500 }`,
    `${MCP}url = "http://erp.example"\nallow_insecure_http = true`,
    '[docs]\nmax_doc_bytes = 1048576\nmax_total_bytes = 8388608\nmax_docs = 256\nmax_sections = 10',
    `${STATIC}[[policy.static.rules]]\neffect = "error"\nerror_message = "no"\nstage_ids = ["s"]`,
  ];
  for (const text of accepted) expect([text, refusalOf(text)]).toEqual([text, 'accepted']);
});

describe('a configuration file', () => {
  const write = (name: string, content: string | Uint8Array): string => {
    const file = join(folder, name);
    writeFileSync(file, content);
    return file;
  };
  const reading = (file: string) => (): unknown => readScenarioConfig(file, {});

  it('S-167 that is too large, not there, not text, or under too long a path is refused with its class', () => {
    expect(reading(write('large.toml', `#${long(1_048_576)}`))).toThrow(
      /^config io error: .* is larger than 1048576 bytes$/,
    );
    expect(reading(write('full.toml', `#${long(1_048_575)}`))).not.toThrow();
    expect(reading(join(folder, 'none.toml'))).toThrow(
      /^config io error: cannot read .* \(ENOENT\)$/,
    );
    expect(reading(folder)).toThrow(/^config io error: cannot read .* \(EISDIR\)$/);
    expect(reading(write('latin.toml', Buffer.from([0x23, 0xe9])))).toThrow(
      /^config parse error: the file is not UTF-8$/,
    );
    expect(reading(write('broken.toml', '[server]\nbind = '))).toThrow(
      /^config parse error: line 2, column 8: /,
    );
    expect(reading(`${'x/'.repeat(2048)}c.toml`)).toThrow(/^config io error: .*4096 bytes$/);
    expect(reading(`${long(256)}.toml`)).toThrow(/^config io error: .*255 bytes$/);
  });

  it('tells the first fault in the order of the tables, whatever their order in the file', () => {
    const faults =
      '[docs]\nmax_docs = 0\n[server]\nmax_body_bytes = 0\n[namespace]\nallow_default = true';
    expect(refusalOf(faults)).toContain('server.max_body_bytes');
    expect(refusalOf(faults.replace('max_body_bytes = 0', ''))).toContain(
      'namespace.allow_default',
    );
  });

  it('names the nearest key for one that it does not know', () => {
    expect(refusalOf('[server]\nlimit = {}')).toBe(
      'invalid config: unknown key server.limit (did you mean server.limits?)',
    );
    expect(refusalOf('[[server.auth.principals]]\nsubjekt = "a"')).toContain(
      'unknown key server.auth.principals[0].subjekt (did you mean server.auth.principals[0].subject?)',
    );
    expect(refusalOf('[weather]')).toContain('unknown key weather (known here: server, namespace,');
    expect(refusalOf('[server]\n__proto__ = 1')).toContain('unknown key server.__proto__');
  });

  it('that is empty means the defaults', () => {
    const { settings } = readScenarioConfig(write('empty.toml', ''), {});
    expect(settings).toEqual(DEFAULT_SETTINGS);
    expect(settings).toMatchObject({
      server: { transport: 'stdio', auth: { mode: 'local_only' } },
      runStateStore: { type: 'memory' },
      schemaRegistry: { store: { type: 'memory' } },
      providers: [],
      dispatch: { engine: 'permit_all' },
    });
  });

  it('may name where its secrets are instead of holding them', () => {
    const file = write('tokens', '\nfrom-file\n');
    const { server } = parseScenarioConfig(
      `${AUTH}mode = "bearer_token"\nbearer_tokens = ["inline"]\nbearer_tokens_file = '${file}'\nbearer_tokens_env = "TOKENS"`,
      ENVIRONMENT,
    );
    expect(server.auth.bearerTokens).toEqual(['inline', 'from-file', 'one', 'two']);
    const { providers } = parseScenarioConfig(
      `${MCP}command = ["x"]\nauth = { bearer_token_file = '${file}' }`,
      ENVIRONMENT,
    );
    expect(providers[0]).toMatchObject({ bearerToken: 'from-file' });
  });

  it('keeps every digit of ids beyond 2^53, and the legacy mode is the permissive one', () => {
    const settings = parseScenarioConfig(
      '[server]\nmode = "dev_permissive"\n[namespace]\ndefault_tenants = [18446744073709551615, 7]',
      {},
    );
    expect(settings.namespace.defaultTenants).toEqual([18446744073709551615n, 7]);
    expect(settings.dev.permissive).toBe(true);
  });

  it('reads every table', () => {
    const settings = parseScenarioConfig(
      `[server]
transport = "sse"
bind = "[::1]:4000"
metrics = true
[server.limits]
max_inflight = 2
[server.limits.rate_limit]
max_requests = 5
[server.feedback.scenario_next]
max = "evidence"
evidence_roles = ["Auditor"]
[server.auth]
bind_tenants = true
${ASSETCORE}auth_token = "t"
[trust]
default_policy = { require_signature = { keys = ["a.pub"] } }
[[anchors.providers]]
provider_id = "erp"
anchor_type = "row"
required_fields = [" id", "table", "id"]
${STATIC}[[policy.static.rules]]
effect = "deny"
targets = [{ target_kind = "external", system = "mail" }]
forbid_labels = ["public"]
${RUNPACKS}bucket = "packs"
prefix = "dg/"
[runpack]
root = "packs"
${MCP}url = "https://erp.example"
lane_max = "asserted"
[client.auth_profiles.ci]
bearer_token = "x"
`,
      {},
    );
    expect(settings).toMatchObject({
      server: {
        transport: 'sse',
        bind: { host: '::1', port: 4000 },
        metrics: true,
        maxInflight: 2,
        rateLimit: { maxRequests: 5, windowMs: 1_000, maxEntries: 4_096 },
        feedback: { max: 'evidence', evidenceRoles: ['Auditor'], localOnlyDefault: 'trace' },
        auth: { bindTenants: true },
      },
      namespace: {
        assetCore: {
          baseUrl: 'https://core.example',
          authToken: 't',
          connectTimeoutMs: 500,
          requestTimeoutMs: 2_000,
        },
      },
      trust: { defaultPolicy: { kind: 'require_signature', keys: ['a.pub'] } },
      anchors: {
        providers: [
          {
            provider_id: 'erp',
            requirement: { anchor_type: 'row', required_fields: ['id', 'table'] },
          },
        ],
      },
      dispatch: {
        engine: 'static',
        default: 'deny',
        rules: [
          {
            effect: 'deny',
            targets: [{ target_kind: 'external', system: 'mail' }],
            forbid_labels: ['public'],
          },
        ],
      },
      runpackStorage: { bucket: 'packs', prefix: 'dg', forcePathStyle: false, allowHttp: false },
      runpackRoot: 'packs',
      providers: [
        {
          type: 'mcp',
          command: [],
          url: 'https://erp.example',
          laneMax: 'asserted',
          connectTimeoutMs: 2_000,
          requestTimeoutMs: 10_000,
        },
      ],
    });
  });

  it('is found by name, else by the environment, else in the directory', () => {
    const environment = { DECISION_GATE_CONFIG: 'env.toml' };
    expect(scenarioConfigFile('named.toml', environment)).toBe('named.toml');
    expect(scenarioConfigFile(undefined, environment)).toBe('env.toml');
    expect(scenarioConfigFile(undefined, {})).toBe('decision-gate.toml');
  });
});

describe('the presets', () => {
  it('S-165 load unchanged', () => {
    expect(readdirSync(PRESETS).sort()).toEqual([
      'ci-release-gate.toml',
      'container-prod.toml',
      'default-recommended.toml',
      'hardened.toml',
      'quickstart-dev.toml',
    ]);
    for (const name of readdirSync(PRESETS)) {
      const { settings } = readScenarioConfig(join(PRESETS, name), {});
      expect(settings.server.transport).toBe('http');
      expect(settings.providers.map((one) => one.name)).toEqual(['time', 'env', 'json', 'http']);
    }
  });

  it('and the settings that a server has without a file are the same, but for their stores', () => {
    const preset = readScenarioConfig(join(PRESETS, 'quickstart-dev.toml'), {}).settings;
    const quickstart = quickstartSettings('./evidence');
    expect(quickstart).toEqual({
      ...preset,
      runStateStore: { type: 'memory' },
      schemaRegistry: { ...preset.schemaRegistry, store: { type: 'memory' } },
    });
    expect(liveSettings('./evidence')).toMatchObject({
      dev: { permissive: false },
      namespace: { allowDefault: false, defaultTenants: [] },
      schemaRegistry: { acl: { allowLocalOnly: false } },
    });
  });
});

describe('the guide', () => {
  const sections = readFileSync(GUIDE, 'utf8').split(/^#+ /m);

  it.each(keysOf(CONFIGURATION.shape))('describes %s.%s', (table, key) => {
    const section = sections.find((one) => (one.split('\n')[0] ?? '').includes(`[${table}]`));
    expect(section).toContain(`\`${key}\``);
  });
});

/** Every key as its table and its name. */
function keysOf(shape: Shape, table = ''): (readonly [string, string])[] {
  return Object.entries(shape).flatMap(([name, field]) =>
    field.shape === undefined
      ? [[table, name] as const]
      : keysOf(field.shape, table === '' ? name : `${table}.${name}`),
  );
}
