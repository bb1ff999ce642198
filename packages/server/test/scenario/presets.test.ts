import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { parseScenarioConfig, readScenarioConfig } from '../../src/scenario-config/file.ts';
import type { ScenarioSettings } from '../../src/service/scenario/settings.ts';
import {
  type Members,
  nextOf,
  openScenarioGate,
  quickstartSpec,
  type RpcAnswer,
  type ScenarioGate,
  startOf,
} from './harness.ts';

const PRESETS = fileURLToPath(new URL('../../../../configs/presets/', import.meta.url));

let gate: ScenarioGate;
afterEach(() => gate.close());

/** A preset as it is, but on a free port of this machine and with its paths below a directory of its own. */
function relocated(settings: ScenarioSettings, directory: string): ScenarioSettings {
  const { runStateStore, schemaRegistry } = settings;
  const below = <Store extends { readonly type: 'memory' } | { readonly path: string }>(
    store: Store,
  ): Store => ('path' in store ? { ...store, path: join(directory, store.path) } : store);
  return {
    ...settings,
    server: { ...settings.server, bind: { host: '127.0.0.1', port: 0 } },
    runStateStore: below(runStateStore),
    schemaRegistry: { ...schemaRegistry, store: below(schemaRegistry.store) },
    providers: settings.providers.map((provider) =>
      provider.type === 'builtin' && provider.config.kind === 'json'
        ? {
            ...provider,
            config: { ...provider.config, root: join(directory, provider.config.root) },
          }
        : provider,
    ),
  };
}

const open = (settings: ScenarioSettings): Promise<ScenarioGate> =>
  openScenarioGate({ change: (_, directory) => relocated(settings, directory) });

interface Preset {
  readonly name: string;
  readonly bind: string;
  readonly token?: string;
  readonly namespaceOne: boolean;
  /** The database of runs, if there is one. */
  readonly runs?: string;
  /** Whether a schema may be registered in namespace 1 and 2, and needs a signature. */
  readonly registers: readonly [boolean, boolean];
  readonly signed?: boolean;
  readonly prechecks: boolean;
  readonly feedback?: 'trace';
}

const MATRIX: readonly Preset[] = [
  {
    name: 'quickstart-dev',
    bind: '127.0.0.1:4000',
    namespaceOne: true,
    runs: 'decision-gate.db',
    registers: [true, true],
    prechecks: true,
    feedback: 'trace',
  },
  {
    name: 'default-recommended',
    bind: '127.0.0.1:4000',
    namespaceOne: true,
    runs: 'decision-gate.db',
    registers: [true, false],
    prechecks: false,
    feedback: 'trace',
  },
  {
    name: 'hardened',
    bind: '127.0.0.1:4000',
    token: 'dg-hardened-demo-token',
    namespaceOne: false,
    runs: 'decision-gate.db',
    registers: [false, true],
    signed: true,
    prechecks: false,
  },
  {
    name: 'container-prod',
    bind: '0.0.0.0:8080',
    token: 'dg-container-demo-token',
    namespaceOne: false,
    registers: [false, true],
    prechecks: false,
  },
  {
    name: 'ci-release-gate',
    bind: '127.0.0.1:4010',
    namespaceOne: true,
    runs: '.tmp/ci-release-gate/runstate.db',
    registers: [true, true],
    prechecks: false,
    feedback: 'trace',
  },
];

describe.each(MATRIX)('S-166 the preset $name', (preset) => {
  const { settings } = readScenarioConfig(join(PRESETS, `${preset.name}.toml`), {});
  const headers = preset.token === undefined ? {} : { authorization: `Bearer ${preset.token}` };
  const call = (tool: string, args: Members): Promise<RpcAnswer> => gate.call(tool, args, headers);
  const namespace = preset.namespaceOne ? 1 : 2;

  const shape = (namespaceId: number, signing?: Members): Members => ({
    record: {
      tenant_id: 1,
      namespace_id: namespaceId,
      schema_id: 'report',
      version: signing === undefined ? 'v1' : 'v2',
      schema: { type: 'object', required: ['after'], properties: { after: { type: 'boolean' } } },
      description: 'what a caller says of the time',
      created_at: { kind: 'unix_millis', value: 1710000000000 },
      ...(signing === undefined ? {} : { signing }),
    },
  });

  it('S-166 listens where it says, and lets in whom it says', async () => {
    const { bind, tlsTermination } = settings.server;
    expect(`${bind?.host}:${bind?.port}`).toBe(preset.bind);
    expect(tlsTermination).toBe(preset.name === 'container-prod' ? 'upstream' : 'server');
    gate = await open(settings);
    const anybody = await gate.call('providers_list', {});
    expect(anybody.status).toBe(preset.token === undefined ? 200 : 401);
    const known = await call('providers_list', {});
    const providers = (known.json as { providers: readonly Members[] }).providers;
    expect(providers.map((one) => one['provider_id'])).toEqual(['env', 'http', 'json', 'time']);
  });

  it('S-166 opens or closes namespace 1, keeps runs where it says, and tells callers as much as it says', async () => {
    gate = await open(settings);
    const first = await call('scenario_define', { spec: quickstartSpec() });
    expect(first.error?.code).toBe(preset.namespaceOne ? undefined : -32003);
    if (!preset.namespaceOne) {
      const own = await call('scenario_define', { spec: quickstartSpec({ namespace_id: 2 }) });
      expect(own.json).toMatchObject({ scenario_id: 'quickstart' });
    }
    await call('scenario_start', startOf('run-1', {}, { namespace_id: namespace }));
    const next = await call('scenario_next', nextOf('trigger-1', { namespace_id: namespace }));
    const { status, feedback } = next.json as { status: string; feedback?: { level: string } };
    expect([status, feedback?.level]).toEqual(['completed', preset.feedback]);
    if (preset.runs === undefined) expect(settings.runStateStore.type).toBe('memory');
    else expect(existsSync(join(gate.directory, preset.runs))).toBe(true);
  });

  it('S-166 shows no value of evidence', async () => {
    gate = await open(settings);
    const { json } = await call('evidence_query', {
      query: { provider_id: 'time', check_id: 'now' },
      context: {
        tenant_id: 1,
        namespace_id: namespace,
        run_id: 'run-1',
        scenario_id: 'quickstart',
        stage_id: 'main',
        trigger_id: 'trigger-1',
        trigger_time: { kind: 'unix_millis', value: 1710000000000 },
      },
    });
    expect(json).toMatchObject({
      result: { value: null, lane: 'verified', evidence_hash: { algorithm: 'sha256' } },
    });
  });

  it('S-166 lets register schemas as it says, and prechecks over what is asserted or not', async () => {
    gate = await open(settings);
    const signing = preset.signed ? { key_id: 'k1', signature: 'c2ln' } : undefined;
    if (preset.signed) {
      expect((await call('schemas_register', shape(2))).error.code).toBe(-32003);
    }
    const codes: (number | undefined)[] = [];
    for (const one of [1, 2]) {
      codes.push((await call('schemas_register', shape(one, signing))).error?.code);
    }
    expect(codes).toEqual(preset.registers.map((may) => (may ? undefined : -32003)));
    await call('scenario_define', { spec: quickstartSpec({ namespace_id: namespace }) });
    const { json } = await call('precheck', {
      tenant_id: 1,
      namespace_id: namespace,
      scenario_id: 'quickstart',
      stage_id: 'main',
      data_shape: { schema_id: 'report', version: preset.signed ? 'v2' : 'v1' },
      payload: { after: true },
    });
    expect(json).toMatchObject({ decision: { kind: preset.prechecks ? 'complete' : 'hold' } });
  });
});

it('S-168 a builtin provider with some of its keys has the defaults of the others', async () => {
  const { providers } = parseScenarioConfig(
    `[[providers]]
name = "env"
type = "builtin"
config = { denylist = ["A_SECRET"] }
[[providers]]
name = "time"
type = "builtin"
config = {}
[[providers]]
name = "json"
type = "builtin"
config = { root = "evidence", root_id = "files" }
[[providers]]
name = "http"
type = "builtin"
config = { allowed_hosts = ["status.example"] }
`,
    {},
  );
  gate = await openScenarioGate({
    change: (settings, directory) => relocated({ ...settings, providers }, directory),
  });
  const errorOf = async (provider: string, check: string, params: Members): Promise<unknown> => {
    const { json } = await gate.call('evidence_query', {
      query: { provider_id: provider, check_id: check, params },
      context: {
        tenant_id: 1,
        namespace_id: 1,
        run_id: 'r',
        scenario_id: 's',
        stage_id: 'm',
        trigger_id: 't',
        trigger_time: { kind: 'logical', value: 7 },
      },
    });
    return (json as { result: { error: { message: string } | null } }).result.error?.message;
  };
  expect(await errorOf('env', 'get', { key: 'A_SECRET' })).toContain('env key blocked by policy');
  expect(await errorOf('env', 'get', { key: 'k'.repeat(256) })).toContain('env key exceeds limit');
  expect(await errorOf('env', 'get', { key: 'k'.repeat(255) })).toBeUndefined();
  expect(await errorOf('time', 'after', { timestamp: 6 })).toBeUndefined();
  expect(await errorOf('json', 'path', { file: 'none.yaml' })).toContain('unable to resolve');
  expect(await errorOf('http', 'status', { url: 'http://status.example/' })).toContain(
    'unsupported url scheme',
  );
  expect(await errorOf('http', 'status', { url: 'https://else.example/' })).toContain(
    'url host not allowed',
  );
});
