import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import quickstart from '../../../../vectors/scenario/runpack/quickstart.json' with { type: 'json' };
import { StdioError, serveStdio } from '../../src/doors/scenario/stdio.ts';
import { openGate } from '../harness.ts';
import { openAuthority } from './authority.ts';
import { type Child, frame, framesIn, startChild } from './child.ts';
import {
  type Members,
  nextOf,
  openScenarioGate,
  quickstartSpec,
  type ScenarioGate,
  startOf,
} from './harness.ts';
import { exportOf, hashesBelow } from './runpacks.ts';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

async function opened(options: Parameters<typeof openScenarioGate>[0] = {}): Promise<ScenarioGate> {
  const gate = await openScenarioGate(options);
  endings.push(() => gate.close());
  return gate;
}

function child(server: Parameters<typeof startChild>[0]): Child {
  const started = startChild(server);
  endings.push(() => started.remove());
  return started;
}

const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
const call = (id: number, name: string, args: unknown) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
});
const STATUS = {
  scenario_id: 'quickstart',
  request: {
    tenant_id: 1,
    namespace_id: 1,
    run_id: 'run-1',
    requested_at: { kind: 'unix_millis', value: 1_710_000_000_001 },
    correlation_id: null,
  },
};
const WALK = [
  call(1, 'scenario_define', { spec: quickstartSpec() }),
  call(2, 'scenario_start', startOf()),
  call(3, 'scenario_next', nextOf()),
  call(4, 'scenario_status', STATUS),
];

/** The run exported into a directory, and verified from there. */
const throughRunpack = (directory: string) => [
  ...WALK.slice(0, 3),
  call(4, 'runpack_export', exportOf({ output_dir: directory, include_verification: true })),
  call(5, 'runpack_verify', {
    runpack_dir: directory,
    manifest_path: 'manifest.json',
    strict: true,
    replay: true,
  }),
  ...WALK.slice(3),
];

describe('SSE', () => {
  it('S-12 carries the same answer with the same status, as one event', async () => {
    const plain = await opened();
    const streaming = await opened({
      change: (settings) => ({ ...settings, server: { ...settings.server, transport: 'sse' } }),
    });
    for (const request of [
      LIST,
      '{',
      { ...LIST, method: 'nothing' },
      call(1, 'scenario_start', {}),
    ]) {
      const expected = await plain.rpc(request);
      const answer = await streaming.rpc(request);
      expect(answer.status).toBe(expected.status);
      expect(answer.headers.get('content-type')).toBe('text/event-stream');
      expect(answer.headers.get('x-server-correlation-id')).toMatch(/^dg-/);
      expect(answer.text).toBe(`data: ${expected.text}\n\n`);
    }
    expect(await (await fetch(`${streaming.url}/healthz`)).json()).toEqual({ status: 'ok' });
  });
});

describe('stdio', () => {
  it('S-13 answers frames with frames, in order, and writes nothing else', async () => {
    const started = child({ transport: 'stdio' });
    const requests = [1, 2, 3].map((id) => ({ ...LIST, id }));
    started.process.stdin.write(
      `X-Other: 1\r\n${frame(requests[0])}${frame(requests[1])}${frame(requests[2])}`,
    );
    await started.until(() => framesIn(started.output()).length === 3);
    const answers = framesIn(started.output()).map((text) => JSON.parse(text) as Members);
    expect(answers.map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(answers[0]).toHaveProperty('result.tools.length', 18);
    started.process.stdin.end();
    expect(await started.exit).toBe(0);
    expect(framesIn(started.output())).toHaveLength(3);
  });

  it('S-14 gives the results of the walk-through that HTTP gives, hash for hash', async () => {
    const gate = await opened();
    const directories = {
      http: join(gate.directory, 'http'),
      stdio: join(gate.directory, 'stdio'),
    };
    const overHttp: unknown[] = [];
    for (const request of throughRunpack(directories.http)) {
      overHttp.push((await gate.rpc(request)).body);
    }
    const started = child({ transport: 'stdio' });
    started.process.stdin.end(throughRunpack(directories.stdio).map(frame).join(''));
    expect(await started.exit).toBe(0);
    const overStdio = framesIn(started.output()).map((text) => JSON.parse(text) as unknown);
    expect(overStdio).toEqual(overHttp);
    const json = 'result.content.0.json';
    const specHash = quickstart.state.spec_hash;
    expect(overStdio[0]).toHaveProperty(`${json}.spec_hash`, specHash);
    expect(overStdio[2]).toHaveProperty(`${json}.status`, 'completed');
    const integrity = { root_hash: { value: quickstart.root_hash_with_report } };
    expect(overStdio[3]).toMatchObject({
      result: { content: [{ json: { manifest: { integrity } } }] },
    });
    const report = { status: 'pass', checked_files: 8, errors: [] };
    expect(overStdio[4]).toHaveProperty(json, { report, status: 'pass' });

    // Each signature is its server's own; every other byte is the same.
    const [http, stdio] = [directories.http, directories.stdio].map((directory) => {
      const { 'manifest.json.sig.json': signature, ...files } = hashesBelow(directory);
      expect(signature).toBeDefined();
      return files;
    });
    expect(stdio).toEqual(http);
    const published = [...quickstart.files, quickstart.report];
    expect(stdio).toMatchObject(
      Object.fromEntries(published.map(({ path, sha256 }) => [path, sha256])),
    );
  });

  it('ends well when it is told to, in the middle of waiting', async () => {
    const started = child({ transport: 'stdio' });
    started.process.stdin.write(frame(LIST));
    await started.until(() => started.output().length > 0);
    started.process.kill('SIGTERM');
    expect(await started.exit).toBe(0);
  });

  it('ends well when nobody takes its answers', async () => {
    const started = child({ transport: 'stdio' });
    started.process.stdout.destroy();
    const ended = started.exit;
    started.process.stdin.on('error', () => undefined);
    started.process.stdin.write(frame(LIST) + frame(LIST));
    expect(await ended).toBe(0);
  });

  it('fails when a header says nothing that can be followed', async () => {
    const started = child({ transport: 'stdio' });
    started.process.stdin.write('Content-Length: many\r\n\r\n');
    expect(await started.exit).toBe(1);
    expect(started.errors()).toContain('invalid content length');
    expect(started.output()).toHaveLength(0);
  });
});

describe('messages on a stream', () => {
  /** Serves `input` in pieces of `size` bytes with a door that says what it was given. */
  async function served(input: string, maxBodyBytes = 64, size = 7): Promise<string> {
    const streams = { input: new PassThrough(), output: new PassThrough() };
    const done = serveStdio(
      async (body) => ({
        status: 200,
        headers: {},
        text: body === 'too_large' ? 'TOO LARGE' : `<${Buffer.from(body).toString()}>`,
      }),
      streams,
      maxBodyBytes,
    );
    const bytes = Buffer.from(input);
    for (let at = 0; at < bytes.length; at += size)
      streams.input.write(bytes.subarray(at, at + size));
    streams.input.end();
    await done;
    return String(streams.output.read() ?? '');
  }

  it('may come one a line, and are then answered so', async () => {
    expect(await served('{"a":1}\n\r\n{"b":"é"}\r\n[]')).toBe('<{"a":1}>\n<{"b":"é"}\r>\n<[]>\n');
    expect(await served(`{"a":1}\n${frame('{"b":2}')}{"c":3}\n`)).toBe(
      `<{"a":1}>\n${frame('<{"b":2}>')}<{"c":3}>\n`,
    );
  });

  it.each([1, 3, 64, 4_096])('that are too large are passed over: pieces of %i', async (size) => {
    const large = JSON.stringify({ padding: 'x'.repeat(100) });
    expect(await served(frame(large) + frame('{"b":2}'), 64, size)).toBe(
      frame('TOO LARGE') + frame('<{"b":2}>'),
    );
    expect(await served(`${large}\n{"b":2}\n`, 64, size)).toBe('TOO LARGE\n<{"b":2}>\n');
  });

  it.each(['', '\n\n', 'Content-Len', 'Content-Length: 10\r\n', 'Content-Length: 10\r\n\r\n{"a"'])(
    'that are cut off by the end get no answer: %j',
    async (input) => {
      expect(await served(frame('{}') + input)).toBe(frame('<{}>'));
    },
  );

  it.each([
    ['without a length', 'Other: 1\r\n\r\n', 'missing content length'],
    ['another spelling', 'content-length: 2\r\n\r\n{}', 'missing content length'],
    ['a line without end', 'x'.repeat(9_000), 'missing content length'],
    ['less than nothing', 'Content-Length: -1\r\n\r\n', 'invalid content length'],
    ['another base', 'Content-Length: 0x10\r\n\r\n', 'invalid content length'],
    ['more than is counted', `Content-Length: ${'9'.repeat(20)}\r\n\r\n`, 'invalid content length'],
    ['no number', 'Content-Length:\r\n\r\n', 'invalid content length'],
  ])('that cannot be told apart end it: %s', async (_what, input, message) => {
    const error = await served(input).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StdioError);
    expect(error).toHaveProperty('message', message);
  });
});

describe('health', () => {
  it('S-15 needs no credentials and has no correlation id', async () => {
    const gate = await opened({
      change: (settings) => ({
        ...settings,
        server: {
          ...settings.server,
          auth: { ...settings.server.auth, mode: 'bearer_token', bearerTokens: ['secret'] },
        },
      }),
    });
    const answer = await fetch(`${gate.url}/healthz`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ status: 'ok' });
    expect(answer.headers.get('x-server-correlation-id')).toBeNull();
  });

  it('S-16 says whether the stores answer, in memory and in files, broken ones too', async () => {
    const ready = async (gate: ScenarioGate): Promise<[number, unknown]> => {
      const answer = await fetch(`${gate.url}/readyz`);
      return [answer.status, await answer.json()];
    };
    const memory = await opened({
      change: (settings) => ({
        ...settings,
        runStateStore: { type: 'memory' },
        schemaRegistry: { ...settings.schemaRegistry, store: { type: 'memory' } },
      }),
    });
    expect(await ready(memory)).toEqual([200, { status: 'ready' }]);
    for (const file of ['decision-gate.db', 'decision-gate-registry.db']) {
      const gate = await opened();
      expect(await ready(gate)).toEqual([200, { status: 'ready' }]);
      destroyTables(join(gate.directory, file));
      expect(await ready(gate), file).toEqual([503, { status: 'not_ready' }]);
    }
  });

  it('comes with figures where they are asked for', async () => {
    const gate = await opened({
      change: (settings) => ({ ...settings, server: { ...settings.server, metrics: true } }),
    });
    await gate.rpc(LIST);
    await gate.rpc('{');
    const text = await (await fetch(`${gate.url}/metrics`)).text();
    expect(text).toMatch(
      /decision_gate_requests_total\{transport="http",method="ToolsList",tool="",outcome="Ok",error_kind=""\} 1/,
    );
    expect(text).toMatch(
      /method="Invalid",tool="",outcome="Error",error_kind="invalid_request"\} 1/,
    );
    expect(text).toContain('decision_gate_request_milliseconds_bucket{le="30000"');
    const plain = await opened();
    expect((await fetch(`${plain.url}/metrics`)).status).toBe(404);
  });
});

/** Takes away from outside what a store reads. */
function destroyTables(file: string): void {
  const database = new Database(file);
  database.pragma('foreign_keys = OFF');
  const tables = database
    .prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`)
    .all() as { name: string }[];
  for (const { name } of tables) database.exec(`DROP TABLE "${name}"`);
  database.close();
}

describe('the end', () => {
  it('waits for what is being answered and takes nothing more', async () => {
    let answer = (): void => undefined;
    const authority = await openAuthority((_request, response) => {
      answer = () => response.end();
    });
    endings.push(() => authority.close());
    const gate = await opened({
      change: (settings) => ({
        ...settings,
        namespace: {
          ...settings.namespace,
          assetCore: {
            baseUrl: authority.url,
            connectTimeoutMs: 5_000,
            requestTimeoutMs: 20_000,
          },
        },
      }),
    });
    const asked = authority.next();
    const running = gate.call('scenarios_list', { tenant_id: 1, namespace_id: 2 });
    await asked;
    const stopped = gate.stop();
    await expect(fetch(`${gate.url}/healthz`)).rejects.toThrow();
    answer();
    const answered = await running;
    expect(answered.status).toBe(200);
    expect(answered.headers.get('connection')).toBe('close');
    await stopped;
    await gate.server.ended;
  });

  it('comes to a process that is asked to stop', async () => {
    const started = child({ audit: { enabled: false, logPrecheckPayloads: false } });
    await started.until(() => started.output().includes('\n'));
    const url = started.output().toString().trim();
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    started.process.kill('SIGTERM');
    expect(await started.exit).toBe(0);
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });
});

describe('the common port', () => {
  it('serves the same door, outside of what other doors ask for', async () => {
    const gate = await openGate();
    endings.push(() => gate.close());
    const post = (body: string): Promise<Response> =>
      fetch(`${gate.server.url}/rpc`, { method: 'POST', body });
    const listed = await post(JSON.stringify(LIST));
    expect(listed.status).toBe(200);
    expect(listed.headers.get('content-type')).toMatch(/^application\/json/);
    expect(listed.headers.get('x-server-correlation-id')).toMatch(/^dg-[0-9a-f]{16}-0{15}1$/);
    expect(await listed.json()).toHaveProperty('result.tools.length', 18);
    const large = await post('x'.repeat(1_048_577));
    expect(large.status).toBe(413);
    expect(await large.json()).toHaveProperty('error.code', -32070);
    expect((await fetch(`${gate.server.url}/rpc`)).status).toBe(405);
    const walked = [];
    for (const request of WALK) walked.push(await (await post(JSON.stringify(request))).json());
    expect(walked[2]).toHaveProperty('result.content.0.json.status', 'completed');
  });
});
