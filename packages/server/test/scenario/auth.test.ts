import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ScenarioSettings } from '../../src/service/scenario/settings.ts';
import { frame, framesIn, startChild } from './child.ts';
import { nextOf, openScenarioGate, type ScenarioGate } from './harness.ts';

const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

async function gateWith(
  auth: Partial<ScenarioSettings['server']['auth']>,
  server: Partial<ScenarioSettings['server']> = {},
): Promise<ScenarioGate> {
  const gate = await openScenarioGate({
    change: (settings, directory) => ({
      ...settings,
      server: {
        ...settings.server,
        audit: { ...settings.server.audit, path: join(directory, 'audit.jsonl') },
        auth: { ...settings.server.auth, ...auth },
        ...server,
      },
    }),
  });
  endings.push(() => gate.close());
  return gate;
}

function auditOf(gate: ScenarioGate, event: string): Record<string, unknown>[] {
  return readFileSync(join(gate.directory, 'audit.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line['event'] === event);
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const SCOPE = { tenant_id: 1, namespace_id: 1 };
const unauthenticated = { code: -32001, message: 'unauthenticated' };
const unauthorized = { code: -32003, message: 'unauthorized' };

describe('local callers', () => {
  it('S-24 need nothing else', async () => {
    const gate = await openScenarioGate();
    endings.push(() => gate.close());
    expect((await gate.rpc(LIST)).status).toBe(200);
    expect((await gate.rpc(LIST, bearer('whatever'))).status).toBe(200);
  });

  it('are those whose socket is on this machine', async () => {
    const address = Object.values(networkInterfaces())
      .flat()
      .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
    // A machine without a network has nobody else on it.
    if (address === undefined) return;
    const gate = await gateWith({}, { bind: { host: '0.0.0.0', port: 0 } });
    const { port } = new URL(gate.url);
    const answer = await fetch(`http://${address}:${port}/rpc`, {
      method: 'POST',
      headers: { 'x-forwarded-for': '127.0.0.1' },
      body: JSON.stringify(LIST),
    });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBeNull();
    expect(await answer.json()).toMatchObject({ error: unauthenticated });
  });

  it('are not the pages of other origins that a browser on this machine shows', async () => {
    const gate = await gateWith({});
    const statusFrom = (origin: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const asked = httpRequest(
          `${gate.url}/rpc`,
          { method: 'POST', headers: { origin } },
          (answer) => resolve(answer.resume().statusCode),
        );
        asked.on('error', reject).end(JSON.stringify(LIST));
      });
    expect(await statusFrom('https://pages.example')).toBe(401);
    expect(await statusFrom('null')).toBe(401);
    expect(await statusFrom('http://127.0.0.1.pages.example')).toBe(401);
    for (const origin of ['http://localhost:3000', gate.url, 'http://[::1]:3000']) {
      expect(await statusFrom(origin), origin).toBe(200);
    }
  });
});

describe('bearer tokens', () => {
  const tokens = { mode: 'bearer_token', bearerTokens: ['first-token', 'second-token'] } as const;

  it('S-25 are asked for, and only those that are known open the door', async () => {
    const gate = await gateWith(tokens);
    for (const headers of [
      {},
      bearer('third-token'),
      bearer('first-toke'),
      { authorization: 'first-token' },
      { authorization: 'Basic first-token' },
      { authorization: 'Bearer' },
      { authorization: `Bearer ${' '.repeat(8_192)}first-token` },
    ]) {
      const answer = await gate.rpc(LIST, headers);
      expect(answer.status).toBe(401);
      expect(answer.error).toMatchObject(unauthenticated);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="decision-gate"');
    }
    for (const headers of [
      bearer('first-token'),
      bearer('second-token'),
      { authorization: 'bEARER   second-token' },
    ]) {
      expect((await gate.rpc(LIST, headers)).status).toBe(200);
    }
  });

  it('are not asked for by what does not exist', async () => {
    const gate = await gateWith(tokens);
    const answer = await gate.call('scenario_delete', {});
    expect(answer.error).toMatchObject({ code: -32601, message: 'unknown tool' });
    expect((await gate.rpc({ ...LIST, method: 'nothing' })).error.code).toBe(-32601);
  });
});

describe('subjects of certificates', () => {
  it('S-27 are stated by the proxy that ends TLS, and must be listed', async () => {
    const gate = await gateWith({ mode: 'mtls', mtlsSubjects: ['CN=agent-1,O=Example'] });
    const missing = await gate.rpc(LIST);
    expect(missing.status).toBe(401);
    expect(missing.error).toMatchObject(unauthenticated);
    expect(missing.headers.get('www-authenticate')).toBeNull();
    const subject = (name: string) => ({ 'x-decision-gate-client-subject': name });
    const unlisted = await gate.rpc(LIST, subject('CN=agent-2,O=Example'));
    expect(unlisted.status).toBe(403);
    expect(unlisted.error).toMatchObject(unauthorized);
    expect((await gate.rpc(LIST, subject('CN=agent-1,O=Example'))).status).toBe(200);
    expect(auditOf(gate, 'mcp_tool_authz').map(({ auth_method }) => auth_method)).toEqual([
      null,
      null,
      'mtls_subject',
    ]);
  });
});

describe('tools', () => {
  it('S-28 that are not allowed are listed, and refused when called', async () => {
    const gate = await gateWith({ allowedTools: ['scenarios_list'] });
    const listed = await gate.rpc(LIST);
    expect(listed.body).toHaveProperty('result.tools.length', 18);
    const refused = await gate.call('scenario_next', nextOf());
    expect(refused.status).toBe(403);
    expect(refused.error).toMatchObject(unauthorized);
    expect((await gate.call('scenarios_list', SCOPE)).status).toBe(200);
  });

  it.each(['filter', 'passthrough'] as const)(
    'S-29 that are not visible are not there: %s',
    async (mode) => {
      const names = async (gate: ScenarioGate): Promise<unknown[]> => {
        const { tools } = (await gate.rpc(LIST)).body['result'] as { tools: { name: string }[] };
        return tools.map(({ name }) => name);
      };
      const denied = ['scenario_submit', 'scenarios_list'];
      const without = await gateWith({}, { tools: { mode, allowlist: [], denylist: denied } });
      expect((await names(without)).length).toBe(mode === 'filter' ? 16 : 18);
      expect((await names(without)).includes('scenario_submit')).toBe(mode === 'passthrough');
      for (const tool of denied) {
        const answer = await without.call(tool, SCOPE);
        expect(answer.status).toBe(400);
        expect(answer.error).toMatchObject({ code: -32601, message: 'unknown tool' });
      }
      const both = await gateWith(
        {},
        { tools: { mode, allowlist: ['scenarios_list', 'precheck'], denylist: ['precheck'] } },
      );
      expect((await both.call('scenarios_list', SCOPE)).status).toBe(200);
      expect((await both.call('precheck', SCOPE)).error.message).toBe('unknown tool');
      expect((await both.call('schemas_list', SCOPE)).error.message).toBe('unknown tool');
      if (mode === 'filter') expect(await names(both)).toEqual(['scenarios_list']);
    },
  );

  it('that search documents go with the documents', async () => {
    const gate = await openScenarioGate({
      change: (settings) => ({ ...settings, docs: { ...settings.docs, enableSearch: false } }),
    });
    endings.push(() => gate.close());
    const answer = await gate.call('decision_gate_docs_search', { query: '' });
    expect(answer.error).toMatchObject({ code: -32601, message: 'unknown tool' });
    expect((await gate.rpc(LIST)).body).toHaveProperty('result.tools.length', 17);
  });
});

describe('refusals', () => {
  it('S-26 say the same whatever the reason', async () => {
    const gate = await gateWith({
      mode: 'bearer_token',
      bearerTokens: ['t'],
      allowedTools: ['scenarios_list', 'schemas_list'],
    });
    const asked = [
      // Not an allowed tool; a namespace that is not open to the tenant; no role in the registry.
      await gate.call('scenario_next', nextOf(), bearer('t')),
      await gate.call('scenarios_list', { tenant_id: 2, namespace_id: 1 }, bearer('t')),
      await gate.call('schemas_list', { tenant_id: 1, namespace_id: 1 }, bearer('t')),
    ];
    for (const answer of asked) {
      expect(answer.status).toBe(403);
      expect(answer.error).toEqual({
        code: -32003,
        message: 'unauthorized',
        data: { kind: 'unauthorized', retryable: false, request_id: '1' },
      });
    }
    const reasons = auditOf(gate, 'mcp_request').map(({ reason }) => reason);
    expect(new Set(reasons).size).toBe(3);
  });
});

describe('principals', () => {
  it('S-36 are named by the hash of their token, or by the way they came', async () => {
    const local = await gateWith({});
    await local.call('scenarios_list', SCOPE);
    expect(auditOf(local, 'tenant_authz')[0]).toMatchObject({ principal_id: 'loopback' });

    const tokens = await gateWith({ mode: 'bearer_token', bearerTokens: ['first-token'] });
    await tokens.call('scenarios_list', SCOPE, bearer('first-token'));
    const hash = createHash('sha256').update('first-token').digest('hex');
    expect(auditOf(tokens, 'tenant_authz')[0]).toMatchObject({ principal_id: `token:${hash}` });

    const child = startChild({ transport: 'stdio' });
    endings.push(() => child.remove());
    child.process.stdin.end(
      frame({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'scenarios_list', arguments: SCOPE },
      }),
    );
    expect(await child.exit).toBe(0);
    expect(framesIn(child.output())).toHaveLength(1);
    const lines = child.errors().split('\n');
    const line = lines.find((one) => one.includes('"tenant_authz"')) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({ principal_id: 'stdio' });
  });

  it('may be held to the tenants and namespaces of their roles', async () => {
    const hash = createHash('sha256').update('t').digest('hex');
    const gate = await gateWith({
      mode: 'bearer_token',
      bearerTokens: ['t'],
      bindTenants: true,
      principals: [
        {
          subject: `token:${hash}`,
          roles: [
            { name: 'NamespaceReader', tenantId: 7, namespaceId: 3 },
            { name: 'NamespaceReader', tenantId: 8 },
          ],
        },
      ],
    });
    const statusOf = async (tenant: number, namespace: number): Promise<number> => {
      const scope = { tenant_id: tenant, namespace_id: namespace };
      return (await gate.call('scenarios_list', scope, bearer('t'))).status;
    };
    expect(await statusOf(7, 3)).toBe(200);
    expect(await statusOf(8, 44)).toBe(200);
    expect(await statusOf(7, 4)).toBe(403);
    expect(await statusOf(9, 3)).toBe(403);
    expect(auditOf(gate, 'tenant_authz').map(({ allowed }) => allowed)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    // What names no namespace is not held to one.
    expect((await gate.call('providers_list', {}, bearer('t'))).status).toBe(200);
  });
});
