import type { ToolName } from '@countersign/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Members,
  nextOf,
  openScenarioGate,
  quickstartSpec,
  type ScenarioGate,
  startOf,
} from './harness.ts';

let gate: ScenarioGate;
beforeAll(async () => {
  gate = await openScenarioGate();
});
afterAll(() => gate.close());

const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
const call = (id: unknown, name: unknown, args?: unknown) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, ...(args === undefined ? {} : { arguments: args }) },
});

describe('a request that is answered', () => {
  it('S-1, S-2 is a POST to /rpc, and its result wraps one item of JSON', async () => {
    const answer = await gate.rpc(call(1, 'providers_list', {}));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.body).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: { content: [{ type: 'json', json: { providers: expect.any(Array) } }] },
    });
  });

  it.each(['1', '"a"', 'null', '1.0', '[1,{"b":null}]', '9223372036854775807'])(
    'S-3 carries the id %s as it came',
    async (id) => {
      const ok = await gate.rpc(`{"jsonrpc":"2.0","id":${id},"method":"tools/list"}`);
      expect(ok.text).toContain(`"id":${id},`);
      expect(ok.status).toBe(200);
      const failed = await gate.rpc(`{"jsonrpc":"2.0","id":${id},"method":"nothing"}`);
      expect(failed.text).toContain(`"id":${id},`);
    },
  );

  it('S-4 lists the tools in their order, each with its input schema', async () => {
    const answer = await gate.rpc(LIST);
    const { tools } = answer.body['result'] as { tools: Record<string, unknown>[] };
    expect(tools.map(({ name }) => name)).toEqual([
      'scenario_define',
      'scenario_start',
      'scenario_status',
      'scenario_next',
      'scenario_submit',
      'scenario_trigger',
      'evidence_query',
      'runpack_export',
      'runpack_verify',
      'providers_list',
      'provider_contract_get',
      'provider_check_schema_get',
      'schemas_register',
      'schemas_list',
      'schemas_get',
      'scenarios_list',
      'precheck',
      'decision_gate_docs_search',
    ]);
    for (const tool of tools) {
      expect(Object.keys(tool).sort()).toEqual(['description', 'input_schema', 'name']);
      expect(tool['input_schema']).toMatchObject({ type: 'object' });
      expect(String(tool['description']).length).toBeGreaterThan(20);
    }
  });

  it('is read whatever its content type, and without one', async () => {
    for (const type of ['text/plain', 'nonsense', 'application/json; charset=utf-16', '']) {
      const answer = await gate.rpc(LIST, { 'content-type': type });
      expect(answer.status, type).toBe(200);
    }
  });

  it('keeps integers of 64 bits exact on their way through', async () => {
    const spec = quickstartSpec({ scenario_id: 'wide', default_tenant_id: 1 });
    await gate.call('scenario_define', { spec });
    const start = JSON.stringify(
      startOf('run-wide', { scenario_id: 'wide' }, { scenario_id: 'wide' }),
    );
    const answer = await gate.rpc(
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"scenario_start","arguments":${start.replace('1710000000000', '9007199254740993')}}}`,
    );
    expect(answer.text).toContain(
      '"stage_entered_at":{"kind":"unix_millis","value":9007199254740993}',
    );
  });
});

describe('a request that is refused', () => {
  it.each([
    ['a batch', '[]'],
    ['an empty object', '{}'],
    ['no id', '{"jsonrpc":"2.0","method":"tools/list"}'],
    ['no method', '{"jsonrpc":"2.0","id":1}'],
    ['no version', '{"id":1,"method":"tools/list"}'],
    ['a version that is no string', '{"jsonrpc":2.0,"id":1,"method":"tools/list"}'],
    ['no JSON', '{"jsonrpc"'],
    ['nothing', ''],
    ['a byte-order mark', '\ufeff{"jsonrpc":"2.0","id":1,"method":"tools/list"}'],
    [
      'nesting',
      `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":${'['.repeat(127)}${']'.repeat(127)}}`,
    ],
    ['a number beyond doubles', '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":1e999}'],
    ['a member twice', '{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list"}'],
    [
      'a member twice deep inside',
      '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"a":[{"b":1,"b":1}]}}',
    ],
    ['half a surrogate pair', '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":"\\ud800"}'],
    [
      'a prototype',
      '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[{"\\u005f_proto__":{}}]}',
    ],
  ])('S-5 because it is none: %s', async (_what, body) => {
    const answer = await gate.rpc(body);
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({
      jsonrpc: '2.0',
      id: null,
      error: {
        code: -32600,
        message: 'invalid json-rpc request',
        data: { kind: 'invalid_request', retryable: false, request_id: null },
      },
    });
  });

  it('S-6 for its version, with its id', async () => {
    const answer = await gate.rpc({ ...LIST, id: 'mine', jsonrpc: '1.0' });
    expect(answer.status).toBe(400);
    expect(answer.body['id']).toBe('mine');
    expect(answer.error).toMatchObject({ code: -32600, message: 'invalid json-rpc version' });
  });

  it.each(['initialize', 'constructor', 'tools/call/', ''])(
    'S-7 for its method: `%s`',
    async (method) => {
      const answer = await gate.rpc({ ...LIST, method });
      expect(answer.status).toBe(400);
      expect(answer.error).toMatchObject({ code: -32601, message: 'method not found' });
    },
  );

  it.each(['scenario_delete', 'toString', ''])('S-8 for its tool: `%s`', async (name) => {
    const answer = await gate.rpc(call(1, name, {}));
    expect(answer.status).toBe(400);
    expect(answer.error).toMatchObject({ code: -32601, message: 'unknown tool' });
  });

  it.each([
    ['no arguments', { name: 'providers_list' }],
    ['no name', { arguments: {} }],
    ['a name that is no string', { name: 1, arguments: {} }],
    ['a list', []],
    ['nothing', null],
  ])('S-9 for its params: %s', async (_what, params) => {
    const answer = await gate.rpc({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    expect(answer.status).toBe(400);
    expect(answer.error).toMatchObject({ code: -32602, message: 'invalid tool params' });
  });

  it('S-10 with the kind of fault and the JSON text of its id, which may be `null`', async () => {
    for (const [id, text] of [
      [1, '1'],
      ['abc', '"abc"'],
      [null, 'null'],
    ] as const) {
      const answer = await gate.rpc({ ...LIST, id, method: 'nothing' });
      expect(answer.error.data).toEqual({
        kind: 'method_not_found',
        retryable: false,
        request_id: text,
      });
      expect(answer.body).not.toHaveProperty('result');
    }
  });

  it('S-10 of every kind that a tool can fail with', async () => {
    const spec = quickstartSpec();
    expect((await gate.call('scenario_define', { spec })).error).toBeUndefined();
    const run = { tenant_id: 1, namespace_id: 1, run_id: 'nobody' };
    const time = { kind: 'logical', value: 1 };
    const next = { ...run, trigger_id: 't', agent_id: 'a', time, correlation_id: null };
    const rows: readonly (readonly [string, ToolName, Members])[] = [
      ['invalid_params', 'scenario_define', {}],
      ['unauthorized', 'scenarios_list', { tenant_id: 2, namespace_id: 1 }],
      ['not_found', 'schemas_get', { ...run, schema_id: 'nobody', version: 'v1' }],
      ['conflict', 'scenario_define', { spec: { ...spec, spec_version: 'v2' } }],
      ['control_plane', 'scenario_next', { scenario_id: 'quickstart', request: next }],
      ['runpack', 'runpack_verify', { runpack_dir: '/nowhere', manifest_path: 'manifest.json' }],
    ];
    for (const [kind, name, args] of rows) {
      const { data } = (await gate.call(name, args)).error;
      expect(data, kind).toEqual({ kind, retryable: false, request_id: '1' });
    }
    const { data } = (await gate.rpc({ ...LIST, jsonrpc: '1.0' })).error;
    expect(data).toEqual({ kind: 'invalid_request', retryable: false, request_id: '1' });
  });

  it('with 405 for another method and 404 for another path', async () => {
    for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
      const answer = await fetch(`${gate.url}/rpc`, { method });
      expect(answer.status, method).toBe(405);
      expect(answer.headers.get('allow')).toBe('POST');
    }
    expect((await fetch(`${gate.url}/other`, { method: 'POST', body: '{}' })).status).toBe(404);
    expect((await fetch(`${gate.url}/healthz`, { method: 'POST' })).status).toBe(405);
  });
});

describe('statuses', () => {
  it('S-11 tell what kind of fault it was, and most faults of tools travel in a 200', async () => {
    const strict = await openScenarioGate({
      change: (settings) => ({
        ...settings,
        server: {
          ...settings.server,
          maxBodyBytes: 4_096,
          rateLimit: { maxRequests: 6, windowMs: 60_000, maxEntries: 2 },
          auth: {
            ...settings.server.auth,
            mode: 'bearer_token',
            bearerTokens: ['token-of-a-test'],
            allowedTools: ['scenario_next', 'scenario_define'],
          },
        },
      }),
    });
    const credentials = { authorization: 'Bearer token-of-a-test' };
    const codes: [number, number][] = [];
    for (const [body, headers] of [
      [LIST, {}],
      [call(1, 'providers_list', {}), credentials],
      ['{', credentials],
      [call(1, 'scenario_next', nextOf()), credentials],
      ['x'.repeat(5_000), credentials],
      [LIST, credentials],
      [LIST, credentials],
      [LIST, credentials],
      [LIST, { authorization: 'Bearer one-too-many' }],
    ] as const) {
      const answer = await strict.rpc(body, headers);
      codes.push([answer.status, answer.error?.code ?? 0]);
    }
    await strict.close();
    expect(codes).toEqual([
      [401, -32001],
      [403, -32003],
      [400, -32600],
      [200, -32004],
      [413, -32070],
      [200, 0],
      [200, 0],
      [429, -32071],
      [503, -32072],
    ]);
  });
});
