import { afterEach, describe, expect, it } from 'vitest';
import {
  type Answer,
  addKey,
  billing,
  executed,
  type Gate,
  KEY,
  OTHER_KEY,
  once,
  openGate,
  pathOf,
  temporaryDirectory,
} from '../harness.ts';

let gate: Gate;

afterEach(() => gate.close());

/** Calls one after the other; gives all answers. */
async function times(count: number, call: (place: number) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let place = 0; place < count; place += 1) answers.push(await call(place));
  return answers;
}

const post = (headers: Readonly<Record<string, string>> = {}) =>
  gate.post('/api/decide', billing(), headers);

describe('rate limits', () => {
  it('D-15 call 121 within a minute is 429 with Retry-After and the three counters, and records nothing', async () => {
    gate = await openGate({ rateLimits: true });
    const answers = await times(120, () => post());
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(answers[0]?.headers.get('x-ratelimit-limit')).toBe('120');
    expect(answers.map(({ headers }) => Number(headers.get('x-ratelimit-remaining')))).toEqual(
      Array.from({ length: 120 }, (_, place) => 119 - place),
    );
    const before = await gate.size();
    const { status, body, headers } = await post();
    expect([status, body['error']]).toEqual([429, 'DECIDE_API_RATE_LIMITED']);
    expect(body).not.toHaveProperty('verdict');
    expect(body['retryable']).toBe(true);
    const wait = Number(headers.get('retry-after'));
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(60);
    expect(headers.get('x-ratelimit-limit')).toBe('120');
    expect(headers.get('x-ratelimit-remaining')).toBe('0');
    const reset = Number(headers.get('x-ratelimit-reset'));
    const inSeconds = reset - Date.now() / 1000;
    expect(Number.isInteger(reset)).toBe(true);
    expect(inSeconds).toBeGreaterThan(0);
    expect(inSeconds).toBeLessThanOrEqual(61);
    expect(await gate.size()).toBe(before);
    // Another key, another kind of call and a report are counted for themselves.
    expect((await post({ 'x-api-key': OTHER_KEY })).status).toBe(200);
    const record = answers[0]?.body ?? {};
    expect((await gate.get(pathOf(record))).status).toBe(200);
    expect((await gate.post(pathOf(record, '/execution'), executed(record))).status).toBe(201);
  });

  it('a live key has 30 decisions in a second', async () => {
    const directory = temporaryDirectory();
    const key = await addKey(directory, { environment: 'live' });
    gate = await openGate({ directory, environment: 'live', rateLimits: true });
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, place) => post({ 'x-api-key': key, ...once(`b_${place}`) })),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 200).length + refused.length).toBe(100);
    expect(refused.length).toBeGreaterThan(0);
    for (const { headers } of refused) expect(headers.get('retry-after')).toBe('1');
  });

  it('after 20 failures an address is not listened to, whatever key it tries', async () => {
    gate = await openGate({ rateLimits: true });
    const wrong = await times(20, (place) => post({ 'x-api-key': `decide_test_${place}` }));
    expect(wrong.every(({ status }) => status === 401)).toBe(true);
    const next = await post({ 'x-api-key': KEY });
    expect([next.status, next.body['error']]).toEqual([429, 'DECIDE_API_RATE_LIMITED']);
    expect(next.headers.has('retry-after')).toBe(true);
  });

  it('reads, reports and packets are counted for themselves by key, public routes by address', async () => {
    gate = await openGate({ rateLimits: true });
    const record = (await post()).body;
    const keyed: readonly (readonly [string, number])[] = [
      [pathOf(record, '/packet'), 20],
      ['/api/decision/policies/pricing_exception/readiness', 30],
      [pathOf(record), 120],
    ];
    for (const [path, allowed] of keyed) {
      const answers = await times(allowed + 1, () => gate.get(path));
      const statuses = answers.map(({ status }) => status);
      expect([path, statuses]).toEqual([path, [...Array(allowed).fill(200), 429]]);
      const other = await gate.get(path, { 'x-api-key': OTHER_KEY });
      expect(other.status).not.toBe(429);
    }
    const open = await times(61, () => gate.send('/api/decision/receipt-keys', {}));
    expect(open.map(({ status }) => status)).toEqual([...Array(60).fill(200), 429]);
    expect(open.at(-1)?.headers.get('access-control-allow-origin')).toBe('*');
  });

  it('240 reports of one key about its decisions are taken in a minute', async () => {
    gate = await openGate({ rateLimits: true });
    const path = pathOf((await post()).body, '/claim');
    const answers = await Promise.all(Array.from({ length: 241 }, () => gate.post(path, {})));
    const count = (wanted: number) => answers.filter(({ status }) => status === wanted).length;
    expect([count(422), count(429)]).toEqual([240, 1]);
  });
});
