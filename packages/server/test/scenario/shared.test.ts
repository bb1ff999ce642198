import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../../src/main.ts';
import { temporaryDirectory } from '../harness.ts';
import { type Members, quickstartSpec } from './harness.ts';

// The scenario door of the server that has all doors: same port, same ledger, settings of its own.

let directory: string;
let server: RunningServer | undefined;
let logged: string;

beforeEach(() => {
  directory = temporaryDirectory();
  logged = '';
});
afterEach(async () => {
  await server?.close();
  rmSync(directory, { recursive: true });
});

async function start(environment: 'test' | 'live', scenarioConfigFile?: string): Promise<void> {
  await server?.close();
  server = await startServer(
    {
      host: '127.0.0.1',
      port: 0,
      dataDirectory: join(directory, 'data'),
      environment,
      rateLimits: false,
      logLevel: 'warn',
      scenarioConfigFile,
    },
    { logTo: { write: (line) => void (logged += line) } },
  );
}

async function call(tool: string, args: Members, token?: string): Promise<Members> {
  const response = await fetch(`${server?.url}/rpc`, {
    method: 'POST',
    ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: tool, arguments: args },
    }),
  });
  return (await response.json()) as Members;
}

const shapes = { tenant_id: 1, namespace_id: 1 };
const shape = {
  record: {
    ...shapes,
    schema_id: 'report',
    version: 'v1',
    schema: { type: 'object' },
    description: null,
    created_at: { kind: 'unix_millis', value: 1710000000000 },
  },
};

it('is permissive for development, and keeps data shapes with the ledger', async () => {
  await start('test');
  expect(await call('scenario_define', { spec: quickstartSpec() })).toHaveProperty('result');
  expect(await call('schemas_register', shape)).toHaveProperty('result');
  await start('test');
  const listed = await call('schemas_list', shapes);
  expect(JSON.stringify(listed)).toContain('"schema_id":"report"');
});

it('is closed where it is live and nobody has configured it', async () => {
  await start('live');
  const own = quickstartSpec({ namespace_id: 2 });
  for (const [tool, args] of [
    ['scenario_define', { spec: own }],
    ['providers_list', {}],
  ] as const) {
    expect(await call(tool, args)).toMatchObject({ error: { code: -32001 } });
    expect(await call(tool, args, 'anything')).toMatchObject({ error: { code: -32001 } });
  }
  expect(logged).toContain('the scenario door is closed');
});

it('takes its settings from a configuration, and says what of it does not apply', async () => {
  const file = join(directory, 'decision-gate.toml');
  writeFileSync(
    file,
    `[server]
transport = "sse"
bind = "127.0.0.1:1"
[server.auth]
mode = "bearer_token"
bearer_tokens = ["a-secret"]
[run_state_store]
type = "sqlite"
path = "${join(directory, 'elsewhere.db')}"
[[providers]]
name = "time"
type = "builtin"
`,
  );
  await start('live', file);
  expect(logged).toContain('do not apply');
  expect(await call('providers_list', {})).toMatchObject({ error: { code: -32001 } });
  const { result } = await call('providers_list', {}, 'a-secret');
  expect(JSON.stringify(result)).toContain('"provider_id":"time"');
  expect(JSON.stringify(result)).not.toContain('"provider_id":"json"');
});

it('does not start with a configuration that cannot be used', async () => {
  const file = join(directory, 'decision-gate.toml');
  writeFileSync(file, '[server]\nlimit = 1');
  await expect(start('test', file)).rejects.toThrow('unknown key server.limit');
});
