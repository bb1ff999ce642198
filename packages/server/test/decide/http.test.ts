import { connect } from 'node:net';
import { operations } from '@countersign/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, billing, type Gate, KEY, listAt, OTHER_KEY, openGate, pathOf } from '../harness.ts';

let gate: Gate;
const lines: string[] = [];

beforeAll(async () => {
  gate = await openGate({ logLevel: 'info', logTo: { write: (line) => void lines.push(line) } });
});
afterAll(() => gate.close());

const PUBLIC = Object.values(operations).filter(({ scope }) => scope === 'none');

describe('methods and paths', () => {
  it('HEAD answers like GET without the body', async () => {
    const record = await gate.decide(billing());
    for (const path of [
      pathOf(record),
      '/api/decision/receipt-keys',
      '/openapi.json',
      '/healthz',
    ]) {
      const get = await gate.get(path);
      const head = await gate.send(path, { method: 'HEAD', headers: { 'x-api-key': KEY } });
      expect([path, head.status, head.text]).toEqual([path, 200, '']);
      for (const name of ['content-type', 'content-length', 'cache-control']) {
        expect([path, name, head.headers.get(name)]).toEqual([path, name, get.headers.get(name)]);
      }
    }
    const none = await gate.send(pathOf(record), { method: 'HEAD' });
    expect([none.status, none.text]).toEqual([401, '']);
  });

  it.each([
    ['GET', '/api/decide', 'POST'],
    ['DELETE', '/api/decide', 'POST'],
    ['PUT', '/api/decision/dec_abcdefgh', 'GET, HEAD'],
    ['POST', '/api/decision/dec_abcdefgh/verify', 'GET, HEAD'],
    ['PATCH', '/api/decision/dec_abcdefgh/replay', 'GET, HEAD, POST'],
    ['DELETE', '/api/decision/dec_abcdefgh/execution', 'POST, GET, HEAD'],
    ['GET', '/api/decision/verify', 'POST'],
    ['HEAD', '/api/decision/verify', 'POST'],
    ['POST', '/api/decision/status', 'GET, HEAD'],
    ['POST', '/api/decision/receipt-keys', 'GET, HEAD'],
    ['OPTIONS', '/api/decide', 'POST'],
    ['POST', '/openapi.json', 'GET, HEAD'],
    ['POST', '/healthz', 'GET, HEAD'],
  ])('%s %s is 405 and names what is allowed', async (method, path, allow) => {
    const { status, headers, body } = await gate.send(path, { method });
    expect([status, headers.get('allow')]).toEqual([405, allow]);
    if (method !== 'HEAD') expect(body['error']).toBe('DECIDE_API_METHOD_NOT_ALLOWED');
  });

  it.each([
    ...['/apis', '/API/decide', '/api/decide/', '/api/decisions', '//api/decide'],
    ...['/api/decision/dec_abcdefgh/', '/api/decision/dec_abcdefgh/nothing', '/api/decision/%zz'],
    ...['/.env', '/api/decide;x=1'],
  ])('%s is not there', async (path) => {
    const { status, body } = await gate.get(path);
    expect([status, body['error']]).toEqual([404, 'DECIDE_API_ROUTE_NOT_FOUND']);
    expect(body).not.toHaveProperty('verdict');
  });

  it('an id that is longer than any router reads is not found and not repeated', async () => {
    const id = `dec_${'x'.repeat(2_000)}`;
    const { status, body, text } = await gate.get(`/api/decision/${id}`);
    expect([status, body['error']]).toEqual([404, 'DECIDE_DECISION_NOT_FOUND']);
    expect(text).not.toContain('xxx');
  });

  it('query parameters that a route does not list are 400, on every route', async () => {
    const ids = { id: 'dec_abcdefgh', chain_id: `chain_${'0'.repeat(32)}`, version: 'v1' };
    for (const { method, path } of Object.values(operations)) {
      const known: Readonly<Record<string, string>> = ids;
      const address = path.replace(/:(\w+)/g, (_, name: string) => known[name] ?? 'somewhere');
      const answer = await gate.send(`${address}?surprise=1`, {
        method,
        headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
        ...(method === 'GET' ? {} : { body: JSON.stringify(billing()) }),
      });
      expect([path, answer.status, answer.body['error']]).toEqual([
        path,
        400,
        'DECIDE_API_INVALID_QUERY',
      ]);
      expect(listAt(answer.body, 'errors').map(({ field }) => field)).toContain('surprise');
    }
  });

  it('a request that is no HTTP gets no verdict either', async () => {
    const port = Number(new URL(gate.server.url).port);
    const answer = await new Promise<string>((done) => {
      let text = '';
      const socket = connect(port, '127.0.0.1', () =>
        socket.end('POST /api/decide\r\nbroken\r\n\r\n'),
      );
      socket.on('data', (bytes) => (text += String(bytes))).on('close', () => done(text));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).not.toContain('verdict');
  });
});

describe('headers', () => {
  it('every answer has the security headers and an id of its own', async () => {
    const record = await gate.decide(billing());
    const ids = new Set<string | null>();
    for (const path of [
      pathOf(record),
      '/api/decision/status',
      '/openapi.json',
      '/nowhere',
      '/api/decide',
    ]) {
      const { headers, body } = await gate.get(path);
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'none';frame-ancestors 'none'",
      );
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('strict-transport-security')).toContain('max-age=');
      expect(headers.has('x-powered-by')).toBe(false);
      expect(headers.get('x-request-id')).toMatch(/^req_[0-9a-z]{26}$/);
      if (body['ok'] === false) expect(body['request_id']).toBe(headers.get('x-request-id'));
      ids.add(headers.get('x-request-id'));
    }
    expect(ids.size).toBe(5);
  });

  it('a decision names its hash and its request in headers, and is not cached', async () => {
    const { headers, body } = await gate.post('/api/decide', billing());
    expect(headers.get('x-decide-record-hash')).toBe(body['record_hash']);
    expect(headers.get('x-request-id')).toBe(body['request_id']);
    expect(headers.get('cache-control')).toBe('no-store');
    expect((await gate.get(pathOf(body))).headers.get('cache-control')).toBe('no-store');
    expect((await gate.get('/nowhere')).headers.get('cache-control')).toBe('no-store');
  });

  it('the caller’s own request id comes back under another name and becomes nothing else', async () => {
    const { headers, body } = await gate.post('/api/decide', billing(), {
      'x-request-id': 'mine-17',
    });
    expect(headers.get('x-client-request-id')).toBe('mine-17');
    expect(body['request_id']).not.toBe('mine-17');
    expect(JSON.stringify(body)).not.toContain('mine-17');
    const long = await gate.post('/api/decide', billing(), { 'x-request-id': 'm'.repeat(161) });
    expect([long.status, long.headers.has('x-client-request-id')]).toEqual([200, false]);
  });

  it('a valid W3C traceparent is kept with the record, an invalid one is not', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const record = await gate.decide(billing(), { traceparent });
    expect(record['traceparent']).toBe(traceparent);
    const { body } = await gate.get(pathOf(record));
    expect(at(body, 'decision_record.traceparent')).toBe(traceparent);
    for (const wrong of [
      '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
      '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01',
      'ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      '00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01',
      `${traceparent}-more`,
      'nonsense',
    ]) {
      expect(await gate.decide(billing(), { traceparent: wrong })).not.toHaveProperty(
        'traceparent',
      );
    }
  });

  it('public routes may be read from any page, keyed ones from none', async () => {
    const origin = { origin: 'https://example.com' };
    for (const { method, path } of PUBLIC) {
      const options = await gate.send(path, { method: 'OPTIONS', headers: origin });
      expect([path, options.status]).toEqual([path, 204]);
      expect(options.headers.get('access-control-allow-origin')).toBe('*');
      expect(options.headers.get('access-control-allow-methods')).toBe(method);
      const answer = await gate.send(path, { method, headers: origin });
      expect([path, answer.headers.get('access-control-allow-origin')]).toEqual([path, '*']);
    }
    expect((await gate.get('/openapi.json')).headers.get('access-control-allow-origin')).toBe('*');
    const keyed = [
      await gate.post('/api/decide', billing(), origin),
      await gate.get('/api/decide'),
    ];
    for (const { headers } of keyed) expect(headers.has('access-control-allow-origin')).toBe(false);
  });

  it('public routes take no notice of a key', async () => {
    for (const key of ['nonsense', KEY, OTHER_KEY]) {
      const { status } = await gate.get('/api/decision/receipt-keys', { 'x-api-key': key });
      expect(status).toBe(200);
    }
  });

  it('a request without a body may still say what its body would be', async () => {
    const record = await gate.decide(billing());
    const json = { 'content-type': 'application/json' };
    expect((await gate.get(pathOf(record), json)).status).toBe(200);
    expect((await gate.get('/api/decision/receipt-keys', json)).status).toBe(200);
  });
});

describe('operation', () => {
  it('/healthz, /readyz and the status say that it decides', async () => {
    expect(await gate.get('/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await gate.get('/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } });
    const { status, body } = await gate.send('/api/decision/status', {});
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ok: true,
      status: 'ready',
      accepting_decisions: true,
      environment: 'test',
      versions: {
        protocol: 'decision_protocol_v1',
        record: 'decision_record_v1',
        packet: 'decision_packet_v1',
        evaluator: 'decide_core_v1',
      },
      limits: { body_bytes: 262_144, body_depth: 32 },
    });
    expect(new Set(Object.values(body['checks'] as object))).toEqual(new Set(['ok']));
  });

  it('/metrics counts requests by route and decisions by verdict, and knows no id', async () => {
    const before = await count('countersign_decisions_total{verdict="no"}');
    const record = await gate.decide(billing({ margin_floor: 'failed' }));
    await gate.get(pathOf(record));
    expect(await count('countersign_decisions_total{verdict="no"}')).toBe(before + 1);
    const { text, headers } = await gate.get('/metrics');
    expect(headers.get('content-type')).toMatch(/^text\/plain; version=/);
    expect(text).toContain(
      'countersign_request_seconds_count{method="GET",route="/api/decision/:id",status="200"}',
    );
    expect(text).toMatch(/^countersign_ledger_size \d+$/m);
    expect(text).not.toContain('dec_');
    expect(text).not.toContain('decide_test_');

    async function count(series: string): Promise<number> {
      const { text: metrics } = await gate.get('/metrics');
      const line = metrics.split('\n').find((one) => one.startsWith(`${series} `));
      return Number(line?.split(' ')[1] ?? 0);
    }
  });

  it('the log has a line per request, and neither bodies nor keys nor addresses', async () => {
    lines.length = 0;
    const secrets = ['cus_of_the_log', 'sub_of_the_log', 'How much of this is written down?'];
    const request = billing(
      { customer_id: secrets[0], invoice_or_subscription_id: secrets[1] },
      { question: secrets[2] },
    );
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const record = await gate.decide(request, {
      traceparent,
      'x-idempotency-key': 'key_of_the_log',
    });
    await gate.get(pathOf(record));
    await gate.post('/api/decide', { ...request, mode: 'runtime' });
    await gate.post('/api/decide', `{"question":"${secrets[2]}",`);
    await gate.send('/api/decide', { headers: { authorization: `Bearer ${KEY}x` } });
    await gate.get(`/nowhere/${secrets[0]}?${secrets[1]}`);
    const logged = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(logged).toHaveLength(6);
    expect(logged[0]).toMatchObject({
      method: 'POST',
      route: '/api/decide',
      status: 200,
      environment: 'test',
      trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
      key: expect.stringMatching(/^key_/) as unknown,
      ms: expect.any(Number) as unknown,
      address: expect.stringMatching(/^[0-9a-f]{16}$/) as unknown,
    });
    expect(logged.map(({ status }) => status)).toEqual([200, 200, 422, 400, 405, 404]);
    const text = lines.join('');
    for (const secret of [...secrets, KEY, '127.0.0.1', '::1', 'key_of_the_log', 'verdict']) {
      expect(text).not.toContain(secret);
    }
  });
});
