import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, billing, type Gate, listAt, type Members, openGate, pathOf } from '../harness.ts';

let gate: Gate;

beforeAll(async () => {
  gate = await openGate();
});
afterAll(() => gate.close());

describe('a batch', () => {
  it('answers 256 decisions in order, each its own record', async () => {
    const items = Array.from({ length: 256 }, (_, place) => ({
      request: billing({
        source_record_id: `deal_${place}`,
        margin_floor: place % 3 === 0 ? 'passed' : place % 3 === 1 ? 'failed' : undefined,
      }),
      idempotency_key: `batch_${place}`,
    }));
    const before = await gate.size();
    const { status, body } = await gate.post('/api/decide/batch', { items });
    expect(status).toBe(200);
    const results = listAt(body, 'results');
    expect(results).toHaveLength(256);
    const ids = new Set<unknown>();
    const requests = new Set<unknown>();
    for (const [place, { status: one, body: record }] of results.entries()) {
      expect(one).toBe(200);
      expect(at(record, 'action_binding.resource')).toBe(`deal_${place}`);
      expect(at(record, 'verdict')).toBe(['yes', 'no', 'review'][place % 3]);
      ids.add(at(record, 'decision_id'));
      requests.add(at(record, 'request_id'));
    }
    expect([ids.size, requests.size]).toEqual([256, 256]);
    const reviews = results.filter((one) => at(one, 'body.verdict') === 'review').length;
    // A review comes with its review item.
    expect(await gate.size()).toBe(before + 256 + reviews);

    const again = await gate.post('/api/decide/batch', { items: items.slice(0, 2) });
    expect(
      listAt(again.body, 'results').map((one) => [one['replayed'], at(one, 'body.decision_id')]),
    ).toEqual(results.slice(0, 2).map((one) => [true, at(one, 'body.decision_id')]));
    const found = await gate.get(pathOf(results[7]?.['body'] as Members));
    expect(found.status).toBe(200);
  });

  it('one failing item hides no other', async () => {
    const { body } = await gate.post('/api/decide/batch', {
      items: [
        { request: billing({}, { mode: 'runtime' }) },
        { request: billing() },
        { request: { question: 'x' } },
        { request: billing({ record_hash: 'x' }) },
        { request: 7 },
        { request: billing({ margin_floor: 'failed' }) },
      ],
    });
    const results = listAt(body, 'results');
    expect(
      results.map((one) => [one['status'], at(one, 'body.error') ?? at(one, 'body.verdict')]),
    ).toEqual([
      [422, 'DECIDE_API_MODE_UNSUPPORTED'],
      [200, 'yes'],
      [422, 'DECIDE_API_INVALID_REQUEST'],
      [422, 'RULEBOOK_OUTPUT_MATERIAL_FORBIDDEN'],
      [422, 'DECIDE_API_INVALID_REQUEST'],
      [200, 'no'],
    ]);
    for (const result of results.filter((one) => one['status'] !== 200)) {
      expect(result['body']).not.toHaveProperty('verdict');
      expect(at(result, 'body.request_id')).toMatch(/^req_/);
    }
  });

  it.each([0, 257])('of %i items is refused as a whole', async (length) => {
    const before = await gate.size();
    const items = Array.from({ length }, () => ({ request: billing() }));
    const { status } = await gate.post('/api/decide/batch', { items });
    expect(status).toBe(422);
    expect(await gate.size()).toBe(before);
  });
});

describe('the playground', () => {
  it('decides by the templates without a key, apart from every tenant', async () => {
    const headers = { 'content-type': 'application/json' };
    const sent = { method: 'POST', headers, body: JSON.stringify(billing()) };
    const { status, body } = await gate.send('/playground/decide', sent);
    expect(status).toBe(200);
    expect(body).toMatchObject({ verdict: 'yes', environment: 'test' });
    expect((await gate.get(pathOf(body))).status).toBe(404);
    const verified = await gate.post('/api/decision/verify', { record: body });
    expect(verified.body).toMatchObject({ verified: true });
  });

  it('is not there in the live environment', async () => {
    const live = await openGate({ environment: 'live' });
    const headers = { 'content-type': 'application/json' };
    const sent = { method: 'POST', headers, body: JSON.stringify(billing()) };
    const { status, body } = await live.send('/playground/decide', sent);
    expect([status, body['error']]).toEqual([404, 'DECIDE_PLAYGROUND_CLOSED']);
    expect((await live.send('/playground', {})).status).toBe(404);
    await live.close();
  });

  it('takes ten calls a minute of one address', async () => {
    const limited = await openGate({ rateLimits: true });
    const headers = { 'content-type': 'application/json' };
    const sent = { method: 'POST', headers, body: JSON.stringify(billing()) };
    const statuses: number[] = [];
    for (let call = 0; call < 11; call += 1) {
      statuses.push((await limited.send('/playground/decide', sent)).status);
    }
    expect(statuses).toEqual([...Array<number>(10).fill(200), 429]);
    await limited.close();
  });
});
