import { readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../server/test/harness.ts';
import {
  nextOf,
  openScenarioGate,
  quickstartSpec,
  type ScenarioGate,
  startOf,
} from '../../server/test/scenario/harness.ts';
import { command, DECISION_GATE, decisionGate, fileIn, type Ran } from './decision-gate-cli.ts';

/** Of the scenario of the walk-through. */
const SPEC_HASH = '88e6964fa7e21ee423e7a141616e55e8f015a48b0fe454c1a57cc0fe208d2393';

const CONFIG = `
[server]
transport = "stdio"
[server.audit]
enabled = false
[namespace]
allow_default = true
default_tenants = [1]
[dev]
permissive = true
[schema_registry.acl]
allow_local_only = true
[[providers]]
name = "time"
type = "builtin"
`;

let folder: string;
let http: ScenarioGate;
let sse: ScenarioGate;

beforeAll(async () => {
  folder = temporaryDirectory();
  http = await openScenarioGate();
  sse = await openScenarioGate({
    change: (settings) => ({ ...settings, server: { ...settings.server, transport: 'sse' } }),
  });
});
afterAll(async () => {
  await Promise.all([http.close(), sse.close()]);
  rmSync(folder, { recursive: true, force: true });
});

/** How each transport is named on the command line. Over stdio every command has a server of its own. */
function flagsOf(transport: string): readonly string[] {
  if (transport === 'http') return ['--endpoint', http.url];
  if (transport === 'sse') return ['--transport', 'sse', '--mcp-url', `${sse.url}/rpc`];
  const [program, ...words] = [...DECISION_GATE, 'serve'];
  return [
    ...['--transport', 'stdio', '--stdio-command', program],
    ...words.flatMap((word) => ['--stdio-args', word]),
    ...['--stdio-config', fileIn(folder, 'stdio.toml', CONFIG), '--timeout-ms', '60000'],
  ];
}

const jsonOf = ({ out }: Ran): unknown => JSON.parse(out);

const SCOPE = ['--tenant-id', '1', '--namespace-id', '1'];
const ONE_SHAPE = [...SCOPE, '--schema-id', 'payload', '--schema-version', 'v1'];
const RECORD = {
  tenant_id: 1,
  namespace_id: 1,
  schema_id: 'payload',
  version: 'v1',
  schema: { type: 'object' },
  description: null,
  created_at: { kind: 'unix_millis', value: 1710000000000 },
};
const DOC = 'decision-gate://docs/evidence-flow';

const defineWords = (): readonly string[] => {
  const input = fileIn(folder, 'define.json', { spec: quickstartSpec() });
  return ['mcp', 'tool', 'scenario-define', '--input', input];
};
const DEFINED = `{"scenario_id":"quickstart","spec_hash":{"algorithm":"sha256","value":"${SPEC_HASH}"}}\n`;

/** The files of one evaluation, and what is in them. */
function evaluation(scenario_id: string, run_id: string) {
  const spec = quickstartSpec({ scenario_id });
  const { run_config } = startOf(run_id, {}, { scenario_id }) as { run_config: object };
  const { request } = nextOf('trigger-1', { run_id }) as { request: Record<string, unknown> };
  const { agent_id: source_id, ...named } = request;
  const trigger = { ...named, source_id, kind: 'external_event', payload: null };
  const words = [
    ...['interop', 'eval'],
    ...['--spec', fileIn(folder, `${scenario_id}-spec.json`, spec)],
    ...['--run-config', fileIn(folder, `${scenario_id}-run.json`, run_config)],
    ...['--trigger', fileIn(folder, `${scenario_id}-trigger.json`, trigger)],
  ];
  return { words, run_config, trigger };
}

async function evaluatesToTheEnd(transport: string): Promise<void> {
  const scenario_id = `interop-${transport}`;
  const { words, run_config, trigger } = evaluation(scenario_id, 'run-1');
  const output = join(folder, `${transport}-report.json`);
  const expected = ['--expect-status', 'completed', '--output', output];
  const ran = await command(...words, ...expected, ...flagsOf(transport));
  expect(ran).toMatchObject({ code: 0, out: '' });
  const time = { kind: 'unix_millis', value: 1710000000000 };
  const report = JSON.parse(readFileSync(output, 'utf8')) as { transcript: { method: string }[] };
  expect(report).toMatchObject({
    spec: { scenario_id },
    spec_hash: { algorithm: 'sha256', value: expect.stringMatching(/^[0-9a-f]{64}$/) },
    run_config,
    started_at: time,
    trigger,
    status_requested_at: time,
    trigger_result: { decision: { outcome: { kind: 'complete', stage_id: 'main' } } },
    status: { status: 'completed', run_id: 'run-1' },
  });
  expect(report.transcript.map(({ method }) => method)).toEqual([
    'scenario_define',
    'scenario_start',
    'scenario_trigger',
    'scenario_status',
  ]);
}

describe.each(['http', 'sse'])('over %s', (transport) => {
  const ask = (...words: readonly string[]): Promise<Ran> =>
    command(...words, ...flagsOf(transport));

  it('S-178 mcp lists and calls tools, by name and by sub-command, and reads resources', async () => {
    const defined = await decisionGate([...defineWords(), ...flagsOf(transport)]);
    expect(defined).toEqual({ code: 0, out: DEFINED, err: '' });
    const listed = await ask('mcp', 'tools', 'list');
    const { tools } = jsonOf(listed) as { tools: { name: string }[] };
    expect([tools.length, tools[0]?.name]).toEqual([18, 'scenario_define']);
    const called = await ask('mcp', 'tools', 'call', '--tool', 'providers_list', '--json', '{}');
    expect(jsonOf(called)).toMatchObject({
      providers: expect.arrayContaining([expect.objectContaining({ provider_id: 'time' })]),
    });
    const resources = await ask('mcp', 'resources', 'list');
    expect(jsonOf(resources)).toMatchObject({
      resources: expect.arrayContaining([expect.objectContaining({ uri: DOC })]),
    });
    expect(jsonOf(await ask('mcp', 'resources', 'read', '--uri', DOC))).toEqual({
      contents: [{ uri: DOC, mimeType: 'text/markdown', text: expect.stringMatching(/./) }],
    });
  });

  it('S-178 schema registers and looks up data shapes', async () => {
    const registering = ['schema', 'register', '--json', JSON.stringify({ record: RECORD })];
    const registered = await ask(...registering);
    expect(jsonOf(registered)).toMatchObject({ record: RECORD });
    const listed = await ask('schema', 'list', ...SCOPE, '--limit', '10');
    const { items, next_token } = jsonOf(listed) as { items: unknown; next_token: string };
    expect(items).toMatchObject([RECORD]);
    const after = await ask('schema', 'list', ...SCOPE, '--cursor', next_token);
    expect(jsonOf(after)).toEqual({ items: [], next_token: null });
    expect((await ask('schema', 'get', ...ONE_SHAPE)).out).toBe(registered.out);
    const twice = await ask(...registering);
    expect([twice.code, twice.out]).toEqual([1, '']);
    expect(twice.err).toContain('schema already registered (conflict, -32009)');
  });

  it('S-178 docs searches, lists and reads the documentation', async () => {
    const search = await ask('docs', 'search', '--query', 'comparator', '--max-sections', '2');
    expect((jsonOf(search) as { sections: unknown[] }).sections).toHaveLength(2);
    expect((await ask('docs', 'list')).out).toBe((await ask('mcp', 'resources', 'list')).out);
    expect(jsonOf(await ask('docs', 'read', '--uri', DOC))).toMatchObject({
      contents: [{ uri: DOC }],
    });
  });

  it('S-178 interop eval drives a scenario to its end and reports every step', async () => {
    await evaluatesToTheEnd(transport);
    const failed = await ask(
      ...evaluation(`interop-other-${transport}`, 'run-2').words,
      ...['--started-at-unix-ms', '5', '--status-requested-at-logical', '6'],
      ...['--expect-status', 'active'],
    );
    expect([failed.code, failed.err]).toEqual([1, expect.stringContaining('the run is completed')]);
    expect(jsonOf(failed)).toMatchObject({
      started_at: { kind: 'unix_millis', value: 5 },
      status_requested_at: { kind: 'logical', value: 6 },
    });
  });
});

// Each of these commands starts a server, and a server takes its time.
describe('over stdio', { timeout: 180_000 }, () => {
  const ask = (...words: readonly string[]): Promise<Ran> => command(...words, ...flagsOf('stdio'));

  it('S-178 mcp lists and calls tools and reads resources', async () => {
    const defined = await decisionGate([...defineWords(), ...flagsOf('stdio')]);
    expect([defined.code, defined.out]).toEqual([0, DEFINED]);
    const { tools } = jsonOf(await ask('mcp', 'tools', 'list')) as { tools: unknown[] };
    expect(tools).toHaveLength(18);
    expect(jsonOf(await ask('mcp', 'resources', 'read', '--uri', DOC))).toMatchObject({
      contents: [{ uri: DOC }],
    });
  });

  it('S-178 schema registers and looks up data shapes', async () => {
    const registering = ['schema', 'register', '--json', JSON.stringify({ record: RECORD })];
    expect(jsonOf(await ask(...registering))).toMatchObject({ record: RECORD });
    // That was another server, and this one has not heard of it.
    const got = await ask('schema', 'get', ...ONE_SHAPE);
    expect([got.code, got.out]).toEqual([1, '']);
    expect(got.err).toContain('schema not found (not_found, -32004)');
  });

  it('S-178 docs searches the documentation', async () => {
    const search = await ask('docs', 'search', '--query', 'comparator', '--max-sections', '1');
    expect((jsonOf(search) as { sections: unknown[] }).sections).toHaveLength(1);
  });

  it('S-178 interop eval drives a scenario to its end and reports every step', async () => {
    await evaluatesToTheEnd('stdio');
  });
});

describe('the client', () => {
  it('looks at arguments before it sends them, and at --no-validate does not', async () => {
    const call = ['mcp', 'tool', 'scenario-status', '--endpoint', http.url];
    const wrong = ['--json', '{"scenario_id":"s","request":{"run_id":7}}'];
    const checked = await command(...call, ...wrong);
    expect([checked.code, checked.err]).toEqual([
      1,
      expect.stringContaining('arguments of scenario_status: /request/run_id must be string'),
    ]);
    const sent = await command(...call, ...wrong, '--no-validate');
    expect([sent.code, sent.err]).toEqual([1, expect.stringContaining('(invalid_params, -32602)')]);
  });

  it('sends numbers as they were written', async () => {
    const bodies: string[] = [];
    const server = await listening((body) => {
      bodies.push(body);
      return '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"json","json":{"n":1.50,"m":18446744073709551615}}]}}';
    });
    const args =
      '{ "tenant_id": 18446744073709551615, "namespace_id": 1, "data_shape": {"schema_id":"a","version":"b"}, "payload": 1.0 }';
    const ran = await command('mcp', 'tool', 'precheck', '--json', args, '--endpoint', server.url);
    await server.close();
    expect(ran.out).toBe('{"m":18446744073709551615,"n":1.5}\n');
    expect(bodies).toEqual([
      `{"id":1,"jsonrpc":"2.0","method":"tools/call","params":{"arguments":${args},"name":"precheck"}}`,
    ]);
  });

  it('takes token and subject from a profile, and flags before it', async () => {
    const seen: unknown[] = [];
    const server = await listening((_, headers) => {
      seen.push([headers['authorization'], headers['x-decision-gate-client-subject']]);
      return '{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}';
    });
    const config = fileIn(
      folder,
      'profiles.toml',
      '[client.auth_profiles.ci]\nbearer_token = "token-of-ci"\nclient_subject = "CN=ci"\n',
    );
    const list = ['mcp', 'tools', 'list', '--endpoint', server.url, '--auth-profile', 'ci'];
    await command(...list, '--auth-config', config);
    await decisionGate([...list, '--bearer-token', 'mine'], {
      env: { DECISION_GATE_CONFIG: config },
    });
    const unknown = await command(
      ...['mcp', 'tools', 'list', '--endpoint', server.url, '--auth-config', config],
      ...['--auth-profile', 'cd'],
    );
    await server.close();
    expect(seen).toEqual([
      ['Bearer token-of-ci', 'CN=ci'],
      ['Bearer mine', 'CN=ci'],
    ]);
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining('`cd`')]);
  });

  it('says what is wrong with a server: away, silent, or something else', async () => {
    const gone = await listening(() => undefined);
    await gone.close();
    const silent = await listening(() => undefined);
    const other = await listening(() => '<html>');
    const list = ['mcp', 'tools', 'list', '--timeout-ms', '300'];
    const [away, late, html, ended, unnamed] = await Promise.all([
      command(...list, '--endpoint', gone.url),
      command(...list, '--endpoint', silent.url),
      command(...list, '--endpoint', other.url),
      command(
        ...['mcp', 'tools', 'list', '--transport', 'stdio', '--stdio-command', process.execPath],
        ...['--stdio-args', '-e', '--stdio-args', ''],
      ),
      command(...list, '--transport', 'stdio'),
    ]);
    await Promise.all([silent.close(), other.close()]);
    expect([away, late, html, ended, unnamed].map(({ code }) => code)).toEqual([1, 1, 1, 1, 1]);
    expect(away.err).toContain('ECONNREFUSED');
    expect(late.err).toContain('within 300 ms');
    expect(html.err).toContain('not one of this protocol');
    expect(ended.err).toContain('without an answer');
    expect(unnamed.err).toContain('--stdio-command');
  });

  it('takes no answer to another question for its own', async () => {
    const other = '{"jsonrpc":"2.0","id":2,"result":{"tools":[]}}';
    const server = await listening(() => other);
    const [http, pipes] = await Promise.all([
      command('mcp', 'tools', 'list', '--endpoint', server.url),
      command(
        ...['mcp', 'tools', 'list', '--transport', 'stdio', '--stdio-command', process.execPath],
        ...['--stdio-args', '-e', '--stdio-args'],
        `process.stdout.write('Content-Length: ${other.length}\\r\\n\\r\\n${other}'); process.stdin.resume()`,
      ),
    ]);
    await server.close();
    for (const { code, err } of [http, pipes]) {
      expect([code, err]).toEqual([1, expect.stringContaining('not one of this protocol')]);
    }
  });

  it('reads a refusal of what the server could not read', async () => {
    const server = await listening(
      () => '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no JSON"}}',
    );
    const ran = await command('mcp', 'tools', 'list', '--endpoint', server.url);
    await server.close();
    expect([ran.code, ran.err]).toEqual([1, expect.stringContaining('no JSON (error, -32700)')]);
  });

  it('ends a server that does not want to end', async () => {
    const stubborn = `process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1000)`;
    const ran = await command(
      ...['mcp', 'tools', 'list', '--transport', 'stdio', '--stdio-command', process.execPath],
      ...['--stdio-args', '-e', '--stdio-args', stubborn, '--timeout-ms', '300'],
    );
    expect([ran.code, ran.err]).toEqual([1, expect.stringContaining('within 300 ms')]);
  });

  it('is told by the exit code that it was used wrongly', async () => {
    const ran = await Promise.all([
      command('mcp', 'tools', 'call', '--tool', 'no_such_tool', '--json', '{}'),
      command('schema', 'list', '--tenant-id', '0', '--namespace-id', '1'),
      command('mcp', 'tools', 'list', '--transport', 'carrier-pigeon'),
      command('docs', 'read'),
    ]);
    expect(ran.map(({ code }) => code)).toEqual([2, 2, 2, 2]);
  });
});

interface Listening {
  readonly url: string;
  close(): Promise<void>;
}

/** A server of another make: it answers each body with a text, or not at all. */
async function listening(
  answer: (body: string, headers: NodeJS.Dict<string | string[]>) => string | undefined,
): Promise<Listening> {
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      const text = answer(body, request.headers);
      if (text !== undefined) response.end(text);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/rpc`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
