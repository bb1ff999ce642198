import { afterAll, describe, expect, it } from 'vitest';
import type { ScenarioSettings } from '../../src/service/scenario/settings.ts';
import { openAuthority } from './authority.ts';
import { openScenarioGate, type RpcAnswer, type ScenarioGate } from './harness.ts';

const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
const gates: ScenarioGate[] = [];
afterAll(async () => {
  for (const gate of gates) await gate.close();
});

async function gateWith(server: Partial<ScenarioSettings['server']>): Promise<ScenarioGate> {
  const gate = await openScenarioGate({
    change: (settings) => ({ ...settings, server: { ...settings.server, ...server } }),
  });
  gates.push(gate);
  return gate;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('the size of a body', () => {
  it('S-17 is bounded, and the refusal is a JSON-RPC response with its headers', async () => {
    const gate = await gateWith({ maxBodyBytes: 2_048 });
    const padded = (bytes: number): string => {
      const text = JSON.stringify({ ...LIST, padding: '' });
      return text.replace('"padding":""', `"padding":"${'x'.repeat(bytes - text.length)}"`);
    };
    expect(padded(2_048)).toHaveLength(2_048);
    expect((await gate.rpc(padded(2_048))).status).toBe(200);
    const refused = await gate.rpc(padded(2_049), { 'x-correlation-id': 'large-one' });
    expect(refused.status).toBe(413);
    expect(refused.headers.get('x-correlation-id')).toBe('large-one');
    expect(refused.headers.get('x-server-correlation-id')).toMatch(/^dg-/);
    expect(refused.body).toEqual({
      jsonrpc: '2.0',
      id: null,
      error: {
        code: -32070,
        message: 'request body too large',
        data: { kind: 'request_too_large', retryable: false, request_id: null },
      },
    });
  });
});

describe('requests at once', () => {
  it('S-18 have a slot each, and nobody waits for one', async () => {
    // Holds the first request back, in the question about its namespace.
    let answer = (): void => undefined;
    const authority = await openAuthority((_request, response) => {
      answer = () => response.end();
    });
    const asked = authority.next();
    const gate = await openScenarioGate({
      change: (settings) => ({
        ...settings,
        server: { ...settings.server, maxInflight: 1 },
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
    const first = gate.call('scenarios_list', { tenant_id: 1, namespace_id: 2 });
    await asked;
    const second = await gate.rpc(LIST);
    expect(second.status).toBe(503);
    expect(second.body['id']).toBeNull();
    expect(second.error).toEqual({
      code: -32072,
      message: 'server overloaded',
      data: { kind: 'inflight_limit', retryable: true, request_id: null },
    });
    expect((await fetch(`${gate.url}/healthz`)).status).toBe(200);
    answer();
    expect((await first).status).toBe(200);
    expect((await gate.rpc(LIST)).status).toBe(200);
    await gate.close();
    await authority.close();
  });
});

describe('the rate', () => {
  it('S-19 is limited within a window, and the refusal says when to come back', async () => {
    const gate = await gateWith({
      rateLimit: { maxRequests: 3, windowMs: 60_000, maxEntries: 8 },
    });
    // What cannot be read counts like everything else.
    const bodies = [LIST, '{', LIST];
    const statuses = [];
    for (const body of bodies) statuses.push((await gate.rpc(body)).status);
    expect(statuses).toEqual([200, 400, 200]);
    const refused = await gate.rpc(LIST);
    expect(refused.status).toBe(429);
    expect(refused.error).toMatchObject({
      code: -32071,
      message: 'rate limit exceeded',
      data: { kind: 'rate_limited', retryable: true, request_id: null },
    });
    const wait = refused.error.data['retry_after_ms'];
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(60_000);
    expect((await fetch(`${gate.url}/healthz`)).status).toBe(200);
  });

  it('is open again in the next window', async () => {
    const gate = await gateWith({ rateLimit: { maxRequests: 1, windowMs: 100, maxEntries: 8 } });
    await gate.rpc(LIST);
    const refused = await gate.rpc(LIST);
    expect(refused.status).toBe(429);
    let again: RpcAnswer = refused;
    for (let attempt = 0; attempt < 50 && again.status === 429; attempt += 1) {
      const wait = Number(again.error.data['retry_after_ms']);
      await new Promise((resolve) => setTimeout(resolve, wait));
      again = await gate.rpc(LIST);
    }
    expect(again.status).toBe(200);
  });

  it('S-20 is counted by token, whether it is known or not', async () => {
    const gate = await gateWith({
      rateLimit: { maxRequests: 1, windowMs: 60_000, maxEntries: 8 },
    });
    expect((await gate.rpc(LIST, bearer('a'))).status).toBe(200);
    expect((await gate.rpc(LIST, bearer('b'))).status).toBe(200);
    expect((await gate.rpc(LIST)).status).toBe(200);
    expect((await gate.rpc(LIST, bearer('a'))).status).toBe(429);
    expect((await gate.rpc(LIST, bearer('b'))).status).toBe(429);
    expect((await gate.rpc(LIST)).status).toBe(429);
  });

  it('is not escaped by making tokens up where tokens are needed', async () => {
    const gate = await gateWith({
      rateLimit: { maxRequests: 2, windowMs: 60_000, maxEntries: 8 },
      auth: {
        mode: 'bearer_token',
        bearerTokens: ['known-1', 'known-2'],
        mtlsSubjects: [],
        allowedTools: [],
        principals: [],
        bindTenants: false,
      },
    });
    const statuses = [];
    for (const token of ['x', 'y', 'z', 'known-1', 'known-2']) {
      statuses.push((await gate.rpc(LIST, bearer(token))).status);
    }
    expect(statuses).toEqual([401, 401, 429, 200, 200]);
  });

  it('is followed for so many callers and no more', async () => {
    const gate = await gateWith({
      rateLimit: { maxRequests: 9, windowMs: 60_000, maxEntries: 2 },
    });
    expect((await gate.rpc(LIST, bearer('a'))).status).toBe(200);
    expect((await gate.rpc(LIST, bearer('b'))).status).toBe(200);
    const refused = await gate.rpc(LIST, bearer('c'));
    expect(refused.status).toBe(503);
    expect(refused.error).toMatchObject({ code: -32072, message: 'rate limiter overloaded' });
    expect((await gate.rpc(LIST, bearer('a'))).status).toBe(200);
  });
});

describe('correlation ids', () => {
  it('S-21 of callers come back, and the server adds its own, counting up', async () => {
    const gate = await gateWith({});
    const first = await gate.rpc(LIST, { 'x-correlation-id': "a!#$%&'*+-.^_`|~9" });
    expect(first.headers.get('x-correlation-id')).toBe("a!#$%&'*+-.^_`|~9");
    const second = await gate.rpc('{');
    expect(second.headers.get('x-correlation-id')).toBeNull();
    const parts = [first, second].map(({ headers }) =>
      /^dg-([0-9a-f]{16})-([0-9a-f]{16})$/.exec(headers.get('x-server-correlation-id') ?? ''),
    );
    expect(parts.map((part) => Number.parseInt(part?.[2] ?? '', 16))).toEqual([1, 2]);
    expect(parts[0]?.[1]).toBe(parts[1]?.[1]);
    const other = await gateWith({});
    const third = await other.rpc(LIST);
    expect(third.headers.get('x-server-correlation-id')).not.toContain(parts[0]?.[1]);
  });

  it.each([
    ['white space', 'a b'],
    ['too long', 'a'.repeat(129)],
    ['not ASCII', 'caf\u00e9'],
    ['a character that tokens do not have', 'a/b'],
    ['nothing', ''],
  ])('S-22 are refused and not repeated: %s', async (_what, id) => {
    const gate = gates[0] ?? (await gateWith({}));
    const answer = await gate.rpc(LIST, { 'x-correlation-id': id });
    expect(answer.status).toBe(400);
    expect(answer.error).toEqual({
      code: -32073,
      message: 'invalid correlation id',
      data: { kind: 'invalid_correlation_id', retryable: false, request_id: null },
    });
    expect(answer.body['id']).toBeNull();
    expect(answer.headers.get('x-correlation-id')).toBeNull();
    expect(answer.headers.get('x-server-correlation-id')).toMatch(/^dg-/);
    if (id !== '') expect(answer.text).not.toContain(id);
  });

  it('may be as long as 128 characters', async () => {
    const gate = gates[0] ?? (await gateWith({}));
    const id = 'a'.repeat(128);
    const answer = await gate.rpc(LIST, { 'x-correlation-id': id });
    expect(answer.headers.get('x-correlation-id')).toBe(id);
  });
});
