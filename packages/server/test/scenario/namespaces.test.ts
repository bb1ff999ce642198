import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ScenarioSettings } from '../../src/service/scenario/settings.ts';
import { openAuthority } from './authority.ts';
import {
  type Members,
  nextOf,
  openScenarioGate,
  quickstartSpec,
  type RpcAnswer,
  type ScenarioGate,
  startOf,
} from './harness.ts';

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

async function gateWith(
  namespace: Partial<ScenarioSettings['namespace']>,
  dev: Partial<ScenarioSettings['dev']> = {},
): Promise<ScenarioGate> {
  const gate = await openScenarioGate({
    change: (settings, directory) => ({
      ...settings,
      server: {
        ...settings.server,
        audit: { ...settings.server.audit, path: join(directory, 'audit.jsonl') },
      },
      namespace: { ...settings.namespace, ...namespace },
      dev: { ...settings.dev, ...dev },
    }),
  });
  endings.push(() => gate.close());
  return gate;
}

function reasonsOf(gate: ScenarioGate): unknown[] {
  return readFileSync(join(gate.directory, 'audit.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Members)
    .filter(({ event }) => event === 'mcp_request')
    .map(({ reason }) => reason);
}

const UNAUTHORIZED = {
  code: -32003,
  message: 'unauthorized',
  data: { kind: 'unauthorized', retryable: false, request_id: '1' },
};

function expectRefused(answer: RpcAnswer): void {
  expect(answer.status).toBe(403);
  expect(answer.error).toEqual(UNAUTHORIZED);
}

const list = (tenant: number, namespace: number) => ({
  tenant_id: tenant,
  namespace_id: namespace,
});

/** One call of each tool that names a namespace, of which it is namespace 1. */
const SCOPED: readonly (readonly [string, Members])[] = [
  ['scenario_define', { spec: quickstartSpec() }],
  ['scenario_start', startOf()],
  [
    'scenario_status',
    {
      scenario_id: 'quickstart',
      request: { ...list(1, 1), run_id: 'run-1', requested_at: { kind: 'logical', value: 1 } },
    },
  ],
  ['scenario_next', nextOf()],
  [
    'scenario_submit',
    {
      scenario_id: 'quickstart',
      request: {
        ...list(1, 1),
        run_id: 'run-1',
        submission_id: 's',
        payload: { kind: 'json', value: 1 },
        content_type: 'application/json',
        submitted_at: { kind: 'logical', value: 1 },
      },
    },
  ],
  [
    'scenario_trigger',
    {
      scenario_id: 'quickstart',
      trigger: {
        ...list(1, 1),
        trigger_id: 't',
        run_id: 'run-1',
        kind: 'tick',
        time: { kind: 'logical', value: 1 },
        source_id: 's',
      },
    },
  ],
  [
    'evidence_query',
    {
      query: { provider_id: 'time', check_id: 'now' },
      context: {
        ...list(1, 1),
        run_id: 'r',
        scenario_id: 's',
        stage_id: 'm',
        trigger_id: 't',
        trigger_time: { kind: 'unix_millis', value: 1 },
      },
    },
  ],
  ['scenarios_list', list(1, 1)],
  ['schemas_list', list(1, 1)],
  ['schemas_get', { ...list(1, 1), schema_id: 's', version: 'v1' }],
  [
    'schemas_register',
    {
      record: {
        ...list(1, 1),
        schema_id: 's',
        version: 'v1',
        schema: true,
        created_at: { kind: 'logical', value: 1 },
      },
    },
  ],
  ['precheck', { ...list(1, 1), data_shape: { schema_id: 's', version: 'v1' }, payload: null }],
  [
    'runpack_export',
    {
      ...list(1, 1),
      scenario_id: 'quickstart',
      run_id: 'run-1',
      generated_at: { kind: 'logical', value: 1 },
      include_verification: false,
    },
  ],
];

describe('namespace 1', () => {
  it('S-148 is for the tenants that are listed, if it is open at all', async () => {
    const open = await gateWith({ allowDefault: true, defaultTenants: [2, 5] });
    expect((await open.call('scenarios_list', list(5, 1))).status).toBe(200);
    expectRefused(await open.call('scenarios_list', list(1, 1)));
    // Of a definition the tenant is its own default one.
    const define = (changes: Members): Promise<RpcAnswer> =>
      open.call('scenario_define', { spec: quickstartSpec(changes) });
    expect((await define({ scenario_id: 'five', default_tenant_id: 5 })).status).toBe(200);
    expectRefused(await define({ scenario_id: 'one', default_tenant_id: 1 }));
    expectRefused(await define({ scenario_id: 'none', default_tenant_id: null }));
    const elsewhere = { scenario_id: 'none', default_tenant_id: null, namespace_id: 2 };
    expect((await define(elsewhere)).status).toBe(200);
    expect((await open.call('scenarios_list', list(1, 2))).status).toBe(200);
    expect(reasonsOf(open).filter((reason) => reason !== null)).toEqual([
      'default namespace not allowed for tenant',
      'default namespace not allowed for tenant',
      'default namespace requires tenant_id',
    ]);
    const closed = await gateWith({ allowDefault: false });
    expectRefused(await closed.call('scenarios_list', list(1, 1)));
    expect(reasonsOf(closed)).toEqual(['default namespace is not allowed']);
  });

  it.each(SCOPED)('S-148 is guarded in %s', async (tool, args) => {
    const closed = await gateWith({ allowDefault: false }, { permissive: true });
    expectRefused(await closed.call(tool, args));
    expect(reasonsOf(closed)).toEqual(['default namespace is not allowed']);
  });

  it('is of no matter to tools that name no namespace', async () => {
    const closed = await gateWith({ allowDefault: false });
    for (const tool of ['providers_list', 'decision_gate_docs_search', 'runpack_verify']) {
      const answer = await closed.call(tool, { query: '', runpack_dir: '/', manifest_path: 'm' });
      expect(answer.error?.code, tool).not.toBe(-32003);
    }
  });
});

describe('the authority over namespaces', () => {
  const assetCore = (baseUrl: string, authToken?: string) => ({
    allowDefault: true,
    defaultTenants: [1],
    assetCore: { baseUrl, authToken, connectTimeoutMs: 1_000, requestTimeoutMs: 500 },
  });

  it('S-149 allows with 200, denies with 404, 401 and 403, and is missed otherwise', async () => {
    const authority = await openAuthority((request, response) => {
      const namespace = Number(request.url?.split('/').at(-1));
      response.writeHead(namespace, namespace === 302 ? { location: '/200' } : {}).end('whatever');
    });
    endings.push(() => authority.close());
    const gate = await gateWith(assetCore(`${authority.url}/base//`, 'secret'));
    const ask = (namespace: number): Promise<RpcAnswer> =>
      gate.call('scenarios_list', list(1, namespace), { 'x-correlation-id': `ask-${namespace}` });
    expect((await ask(200)).status).toBe(200);
    for (const namespace of [404, 401, 403, 500, 204, 302]) expectRefused(await ask(namespace));
    expect(reasonsOf(gate)).toEqual([
      null,
      'namespace denied by its authority (404)',
      'namespace denied by its authority (401)',
      'namespace denied by its authority (403)',
      'namespace authority unavailable (500)',
      'namespace authority unavailable (204)',
      'namespace authority unavailable (302)',
    ]);
    expect(authority.asked.map(({ method, url }) => `${method} ${url}`).slice(0, 2)).toEqual([
      'GET /base/v1/write/namespaces/200',
      'GET /base/v1/write/namespaces/404',
    ]);
    expect(authority.asked[0]?.headers).toMatchObject({
      authorization: 'Bearer secret',
      'x-correlation-id': 'ask-200',
    });
    expect(authority.asked).toHaveLength(7);
    const own = await gate.call('scenarios_list', list(1, 200));
    expect(authority.asked.at(-1)?.headers['x-correlation-id']).toBe(
      own.headers.get('x-server-correlation-id'),
    );
  });

  it('is missed when it does not answer, or is not there', async () => {
    const silent = await openAuthority(() => undefined);
    endings.push(() => silent.close());
    // Nobody listens on port 1.
    for (const url of [silent.url, 'http://127.0.0.1:1']) {
      const gate = await gateWith(assetCore(url));
      expectRefused(await gate.call('scenarios_list', list(1, 2)));
      expect(reasonsOf(gate)).toEqual(['namespace authority unavailable (no answer)']);
    }
  });

  it('is not asked with a token that no header can carry', async () => {
    const authority = await openAuthority((_request, response) => response.end());
    endings.push(() => authority.close());
    const gate = await gateWith(assetCore(authority.url, 'line\nbreak'));
    expect((await gate.call('scenarios_list', list(1, 2))).error.code).toBe(-32602);
    expect(authority.asked).toHaveLength(0);
  });

  it('is asked after the guard of namespace 1', async () => {
    const authority = await openAuthority((_request, response) => response.end());
    endings.push(() => authority.close());
    const gate = await gateWith(assetCore(authority.url));
    expectRefused(await gate.call('scenarios_list', list(2, 1)));
    expect(authority.asked).toHaveLength(0);
    expect((await gate.call('scenarios_list', list(1, 1))).status).toBe(200);
    expect(authority.asked).toHaveLength(1);
  });
});
