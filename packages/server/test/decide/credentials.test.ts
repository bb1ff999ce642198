import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addKey,
  billing,
  type Gate,
  KEY,
  type Members,
  OTHER_KEY,
  openGate,
  pathOf,
  temporaryDirectory,
} from '../harness.ts';

let gate: Gate;
let live: Gate;
let liveKey: string;

beforeAll(async () => {
  gate = await openGate();
  const directory = temporaryDirectory();
  liveKey = await addKey(directory, { environment: 'live' });
  live = await openGate({ directory, environment: 'live' });
});
afterAll(async () => {
  await gate.close();
  await live.close();
});

const JSON_BODY = { 'content-type': 'application/json' };

/** Posts the billing request with exactly these headers. */
async function ask(to: Gate, headers: Readonly<Record<string, string>>) {
  const init = {
    method: 'POST',
    headers: { ...JSON_BODY, ...headers },
    body: JSON.stringify(billing()),
  };
  return to.send('/api/decide', init);
}

describe('API keys', () => {
  it('D-4 no key or a wrong one is 401 without a verdict', async () => {
    const before = await gate.size();
    const wrong: readonly Readonly<Record<string, string>>[] = [
      {},
      { 'x-api-key': '' },
      { 'x-api-key': 'nonsense' },
      { 'x-api-key': `decide_test_${'z'.repeat(43)}` },
      { 'x-api-key': KEY.slice(0, -1) },
      { 'x-api-key': `${KEY}a` },
      { 'x-api-key': KEY.toUpperCase() },
      { 'x-api-key': KEY.replace('test', 'live') },
      { 'x-api-key': `${KEY}, ${KEY}` },
      { authorization: `Basic ${KEY}` },
      { authorization: KEY },
    ];
    for (const headers of wrong) {
      const { status, body, headers: answered } = await ask(gate, headers);
      expect({ headers, status, error: body['error'] }).toEqual({
        headers,
        status: 401,
        error: 'DECIDE_API_UNAUTHORIZED',
      });
      expect(body).not.toHaveProperty('verdict');
      expect(answered.get('www-authenticate')).toBe('Bearer realm="decide-api"');
    }
    expect(await gate.size()).toBe(before);
  });

  it('D-5 the same key works as a Bearer token, and two that differ are 401', async () => {
    const bearer = { authorization: `Bearer ${KEY}` };
    expect((await ask(gate, bearer)).body).toMatchObject({ verdict: 'yes' });
    expect((await ask(gate, { ...bearer, 'x-api-key': KEY })).status).toBe(200);
    const torn = await ask(gate, { ...bearer, 'x-api-key': OTHER_KEY });
    expect([torn.status, torn.body['error']]).toEqual([401, 'DECIDE_API_UNAUTHORIZED']);
    expect(torn.body).not.toHaveProperty('verdict');
  });

  it('a key does what its scopes say: elsewhere it is 403 under the code of the family', async () => {
    const record = await gate.decide(billing());
    const only = async (scope: 'decide' | 'lifecycle' | 'read' | 'packet') =>
      addKey(gate.directory, { environment: 'test', scopes: [scope] });
    const [decides, reads, exports] = [
      await only('decide'),
      await only('read'),
      await only('packet'),
    ];
    expect((await ask(gate, { 'x-api-key': decides })).status).toBe(200);
    expect((await ask(gate, { 'x-api-key': reads })).status).toBe(403);
    const cases: readonly (readonly [string, string, string, number, string | undefined])[] = [
      ['GET', '', reads, 200, undefined],
      ['GET', '', decides, 403, 'DECIDE_API_UNAUTHORIZED'],
      ['GET', '/packet', reads, 403, 'DECIDE_API_UNAUTHORIZED'],
      ['GET', '/packet', exports, 200, undefined],
      ['GET', '/execution', decides, 403, 'DECIDE_EXECUTION_UNAUTHORIZED'],
      ['POST', '/execution', decides, 403, 'DECIDE_EXECUTION_UNAUTHORIZED'],
      ['POST', '/outcome', reads, 403, 'DECIDE_OUTCOME_UNAUTHORIZED'],
      ['GET', '/outcome', reads, 200, undefined],
    ];
    for (const [method, rest, key, status, error] of cases) {
      const body = method === 'POST' ? '{}' : undefined;
      const headers = { 'x-api-key': key, ...(body === undefined ? {} : JSON_BODY) };
      const init = { method, headers, ...(body === undefined ? {} : { body }) };
      const answer = await gate.send(pathOf(record, rest), init);
      expect([method, rest, answer.status, answer.body['error']]).toEqual([
        method,
        rest,
        status,
        error,
      ]);
    }
  });

  it('a revoked and an expired key are 401 at once, a retiring one works and is told so', async () => {
    const past = new Date(Date.now() - 1).toISOString();
    const expired = await addKey(gate.directory, { environment: 'test', expiresAt: past });
    const revoked = await addKey(gate.directory, { environment: 'test', state: 'revoked' });
    const retiring = await addKey(gate.directory, { environment: 'test', state: 'retiring' });
    expect((await ask(gate, { 'x-api-key': expired })).status).toBe(401);
    expect((await ask(gate, { 'x-api-key': revoked })).status).toBe(401);
    const old = await ask(gate, { 'x-api-key': retiring });
    expect([old.status, old.headers.get('x-api-key-state')]).toEqual([200, 'retiring']);
  });

  it('a repeated key header is 401 and a repeated idempotency header is 400', async () => {
    const repeated = (headers: Readonly<Record<string, string | string[]>>) =>
      new Promise<number>((done, fail) => {
        const options = { method: 'POST', headers: { ...JSON_BODY, ...headers } };
        const sent = httpRequest(`${gate.server.url}/api/decide`, options, (response) => {
          response.resume().on('end', () => done(response.statusCode ?? 0));
        });
        sent.on('error', fail).end(JSON.stringify(billing()));
      });
    expect(await repeated({ 'x-api-key': [KEY, OTHER_KEY] })).toBe(401);
    const twice = { 'x-api-key': KEY, 'x-idempotency-key': ['a', 'b'] };
    expect(await repeated(twice)).toBe(400);
  });
});

describe('live keys', () => {
  it('D-6 a live key with an Origin header is 403 and nothing is recorded', async () => {
    const before = await live.size();
    const { status, body } = await ask(live, {
      'x-api-key': liveKey,
      origin: 'https://app.example.com',
    });
    expect([status, body['error']]).toEqual([403, 'DECIDE_API_BROWSER_ORIGIN_FORBIDDEN']);
    expect(body).not.toHaveProperty('verdict');
    expect(await live.size()).toBe(before);
    const head = { 'x-api-key': liveKey, origin: 'null' };
    expect((await live.send(pathOf({ decision_id: 'dec_none' }), { headers: head })).status).toBe(
      403,
    );
  });

  it('D-126 sec-fetch-mode alone is a server; Origin or Sec-Fetch-Site is a browser', async () => {
    const key = { 'x-api-key': liveKey };
    const mode = await ask(live, { ...key, 'sec-fetch-mode': 'cors' });
    expect([mode.status, mode.body['verdict']]).toEqual([200, 'yes']);
    const browsers: readonly Readonly<Record<string, string>>[] = [
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
      { origin: 'https://app.example.com' },
      { origin: 'null', 'sec-fetch-mode': 'cors' },
    ];
    const before = await live.size();
    for (const browser of browsers) {
      const { status, body } = await ask(live, { ...key, ...browser });
      expect({ browser, status, error: body['error'] }).toEqual({
        browser,
        status: 403,
        error: 'DECIDE_API_BROWSER_ORIGIN_FORBIDDEN',
      });
    }
    expect(await live.size()).toBe(before);
  });

  it('a test key says nothing in live, nor a live key in test', async () => {
    expect((await ask(live, { 'x-api-key': KEY })).status).toBe(401);
    expect((await ask(gate, { 'x-api-key': liveKey })).status).toBe(401);
  });

  it('a live record does not say that it is a test', async () => {
    const record: Members = (await ask(live, { 'x-api-key': liveKey })).body;
    expect(record).not.toHaveProperty('environment');
    expect(record).toMatchObject({
      verdict: 'yes',
      decision_contract: { production_verdict: true },
    });
  });
});
