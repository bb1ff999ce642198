import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createDecideClient,
  type DecideClient,
  DecideError,
  DecideUnavailable,
  gate,
} from '../src/index.ts';
import {
  answer,
  impatient,
  openScripted,
  refuse,
  reset,
  type Scripted,
  type Step,
  silent,
  truncated,
} from './scripted.ts';

let server: Scripted;
beforeAll(async () => {
  server = await openScripted();
});
afterAll(() => server.close());

const QUESTION = { question: 'May it?', context: { workflow: 'trial' } };
const ONCE = { idempotencyKey: 'trial:1' };
const yes = answer(200, { verdict: 'yes' });
const full = refuse(503, 'DECIDE_LEDGER_UNAVAILABLE', true);

/** What a caller does: it asks, and acts on what the gate function says of whatever came back. */
async function acts(client: DecideClient): Promise<boolean> {
  const record: unknown = await client.decide(QUESTION, ONCE).catch((error: unknown) => error);
  const now = Date.UTC(2026, 0, 1);
  return gate(record, { proposed_action: 'act' }, { now, environment: 'test' }).proceed;
}

const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => {
      throw new Error('it was answered');
    },
    (error: unknown) => error,
  );

describe('retries', () => {
  it('are made at most four times, after 0.5, 1, 2 and 4 seconds', async () => {
    server.play(full);
    const { client, waits } = impatient(server.url);
    const failure = await failureOf(client.decide(QUESTION, ONCE));
    expect(failure).toBeInstanceOf(DecideError);
    expect(failure).toMatchObject({ status: 503, code: 'DECIDE_LEDGER_UNAVAILABLE' });
    expect(waits).toEqual([500, 1_000, 2_000, 4_000]);
    expect(server.seen).toHaveLength(5);
    // More cannot be asked for, fewer can.
    for (const [retriesMax, attempts] of [
      [9, 5],
      [1, 2],
      [0, 1],
    ] as const) {
      server.play(full);
      const other = impatient(server.url, { retry: { retriesMax } });
      await failureOf(other.client.decide(QUESTION, ONCE));
      expect(server.seen).toHaveLength(attempts);
    }
  });

  it('are spread by a fifth to either side', async () => {
    for (const [random, factor] of [
      [0, 0.8],
      [0.25, 0.9],
      [1, 1.2],
    ] as const) {
      server.play(full);
      const { client, waits } = impatient(server.url, {}, () => random);
      await failureOf(client.decide(QUESTION, ONCE));
      expect(waits).toEqual([500, 1_000, 2_000, 4_000].map((ms) => ms * factor));
    }
  });

  it('send the same key and the same bytes', async () => {
    server.play(full, reset, yes);
    const { client } = impatient(server.url);
    await client.decide(QUESTION, ONCE);
    expect(server.seen).toHaveLength(3);
    expect(new Set(server.seen.map((one) => one.headers['x-idempotency-key']))).toEqual(
      new Set(['trial:1']),
    );
    expect(new Set(server.seen.map((one) => one.body)).size).toBe(1);
  });

  it('wait as long as the gate asks, in seconds or until a date', async () => {
    const limited = (value: string): Step =>
      refuse(429, 'DECIDE_API_RATE_LIMITED', true, { 'retry-after': value });
    server.play(limited('2'), limited('Thu, 01 Jan 2026 00:00:07 GMT'), limited('0'), yes);
    const { client, waits } = impatient(server.url);
    await client.decide(QUESTION, ONCE);
    expect(waits).toEqual([2_000, 7_000, 0]);
    // A window of a month is for the caller to plan with.
    server.play(limited('86400'), yes);
    const failure = await failureOf(client.decide(QUESTION, ONCE));
    expect(failure).toMatchObject({ status: 429, retryable: true, retryAfterMs: 86_400_000 });
    expect(server.seen).toHaveLength(1);
    // What is neither is not understood, and the usual wait is kept.
    server.play(limited('soon'), yes);
    await client.decide(QUESTION, ONCE);
    expect(waits.at(-1)).toBe(500);
  });

  it.each([
    [400, 'DECIDE_API_INVALID_JSON'],
    [401, 'DECIDE_API_UNAUTHORIZED'],
    [403, 'DECIDE_API_BROWSER_ORIGIN_FORBIDDEN'],
    [404, 'DECIDE_DECISION_NOT_FOUND'],
    [409, 'DECIDE_API_IDEMPOTENCY_CONFLICT'],
    [413, 'DECIDE_API_BODY_TOO_LARGE'],
    [415, 'DECIDE_API_MEDIA_TYPE'],
    [422, 'DECIDE_API_INVALID_REQUEST'],
    [503, 'TRUSTED_ADAPTER_EXECUTION_FAILED'],
  ])('are not made after %i %s', async (status, code) => {
    server.play(refuse(status, code, false, { 'retry-after': '1' }), yes);
    const { client, waits } = impatient(server.url);
    const failure = await failureOf(client.decide(QUESTION, ONCE));
    expect(failure).toMatchObject({
      name: 'DecideError',
      status,
      code,
      message: `Refused: ${code}.`,
      requestId: 'req_1',
      retryable: false,
      retryAfterMs: 1_000,
      body: { ok: false, error: code },
    });
    expect(server.seen).toHaveLength(1);
    expect(waits).toEqual([]);
  });

  it('are not made after 500 or a redirect, whatever they say of themselves', async () => {
    for (const status of [500, 502, 302, 307]) {
      server.play(refuse(status, 'X', true, { location: '/elsewhere' }), yes);
      const failure = await failureOf(impatient(server.url).client.decide(QUESTION, ONCE));
      expect(failure).toMatchObject({ name: 'DecideError', status });
      expect(server.seen).toHaveLength(1);
    }
  });

  it('wait for an answer that is being written, which is the same answer', async () => {
    server.play(
      refuse(409, 'DECIDE_API_IDEMPOTENCY_IN_PROGRESS', true, { 'retry-after': '1' }),
      yes,
    );
    const { client, waits } = impatient(server.url);
    expect(await client.decide(QUESTION, ONCE)).toEqual({ verdict: 'yes' });
    expect(waits).toEqual([1_000]);
  });

  it('of a write need an idempotency key; reads are safe', async () => {
    const { client } = impatient(server.url);
    const attempts = async (call: () => Promise<unknown>): Promise<number> => {
      server.play(full, yes);
      await call().catch(() => undefined);
      return server.seen.length;
    };
    const ref = { decision_record_hash: 'a', decision_receipt_hash: 'b' };
    const receipt = { ...ref, execution_status: 'skipped', action_taken: 'act' } as const;
    const request = QUESTION;
    expect(await attempts(() => client.decide(request))).toBe(1);
    expect(await attempts(() => client.decide(request, ONCE))).toBe(2);
    expect(await attempts(() => client.recordExecution('dec_1', receipt))).toBe(1);
    expect(await attempts(() => client.recordExecution('dec_1', receipt, ONCE))).toBe(2);
    expect(await attempts(() => client.suspendPolicy('p', { reason: 'x' }))).toBe(1);
    expect(await attempts(() => client.suspendPolicy('p', { reason: 'x' }, ONCE))).toBe(2);
    // One item without a key is one that could be decided twice.
    const keyed = { request, idempotency_key: 'k' };
    expect(await attempts(() => client.decideBatch([keyed, { request }]))).toBe(1);
    expect(await attempts(() => client.decideBatch([keyed, keyed]))).toBe(2);
    expect(await attempts(() => client.replayDecision('dec_1'))).toBe(2);
    expect(await attempts(() => client.lookupDecision('dec_1'))).toBe(2);
    expect(await attempts(() => client.verifyRecord({ record: {} }))).toBe(2);
  });

  it('are made by the clock of the platform when no other is given', async () => {
    server.play(refuse(503, 'DECIDE_LEDGER_UNAVAILABLE', true, { 'retry-after': '1' }), yes);
    const client = createDecideClient({ baseUrl: server.url });
    const before = performance.now();
    await client.decide(QUESTION, ONCE);
    expect(performance.now() - before).toBeGreaterThan(950);
  });
});

describe('without an answer', () => {
  it('a gate that does not answer in time is unavailable', async () => {
    server.play(silent);
    const { client, waits } = impatient(server.url, { timeoutMs: 60 });
    const failure = await failureOf(client.decide(QUESTION, ONCE));
    expect(failure).toBeInstanceOf(DecideUnavailable);
    expect(failure).toMatchObject({ reason: 'timeout', retryable: true });
    expect(waits).toHaveLength(4);
  });

  it('an answer that does not end in time is none', async () => {
    server.play((response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{"verdict":"yes"');
    });
    const { client } = impatient(server.url, { timeoutMs: 60, retry: { retriesMax: 0 } });
    expect(await failureOf(client.decide(QUESTION))).toMatchObject({
      name: 'DecideUnavailable',
      reason: 'timeout',
      status: 200,
    });
  });

  it('nobody listening is unavailable, and so is a connection that breaks', async () => {
    const { client, waits } = impatient('http://127.0.0.1:1');
    expect(await failureOf(client.status())).toMatchObject({ reason: 'network', retryable: true });
    expect(waits).toHaveLength(4);
    server.play(reset, truncated, yes);
    const other = impatient(server.url);
    expect(await other.client.decide(QUESTION, ONCE)).toEqual({ verdict: 'yes' });
    expect(server.seen).toHaveLength(3);
  });

  it.each([
    ['a page', '<html><body>verdict: yes</body></html>'],
    ['nothing', ''],
    ['half an object', '{"verdict":"yes"'],
    ['a list', '[{"verdict":"yes"}]'],
    ['a word', '"yes"'],
    ['null', 'null'],
    ['a name twice', '{"verdict":"no","verdict":"yes"}'],
    ['a number that readers disagree about', '{"verdict":"yes","n":9007199254740993}'],
  ])('%s with status 200 is unreadable, once and for all', async (_, text) => {
    server.play(answer(200, text), yes);
    const { client } = impatient(server.url);
    const failure = await failureOf(client.decide(QUESTION, ONCE));
    expect(failure).toMatchObject({
      name: 'DecideUnavailable',
      reason: 'unreadable',
      status: 200,
      retryable: false,
    });
    expect(server.seen).toHaveLength(1);
  });

  it('a refusal from something in front of the gate stays a refusal', async () => {
    server.play(answer(502, '<html>Bad gateway</html>', { 'content-type': 'text/html' }));
    const failure = await failureOf(impatient(server.url).client.status());
    expect(failure).toMatchObject({ name: 'DecideError', status: 502, retryable: false });
    expect((failure as DecideError).code).toBeUndefined();
    expect((failure as DecideError).body).toBeUndefined();
    server.play(answer(503, 'busy', { 'content-type': 'text/plain' }), yes);
    await impatient(server.url).client.status();
    expect(server.seen).toHaveLength(2);
  });

  it('the platform is not asked to follow to another address', async () => {
    const elsewhere = await openScripted();
    elsewhere.play(yes);
    server.play(answer(307, '', { location: `${elsewhere.url}/api/decide` }));
    await failureOf(impatient(server.url).client.decide(QUESTION, ONCE));
    expect(elsewhere.seen).toHaveLength(0);
    await elsewhere.close();
  });
});

describe('a caller that acts on the gate function', () => {
  it.each<readonly [string, readonly Step[], number]>([
    ['401', [refuse(401, 'DECIDE_API_UNAUTHORIZED', false)], 1],
    ['403', [refuse(403, 'DECIDE_API_UNAUTHORIZED', false)], 1],
    ['429 again and again', [refuse(429, 'DECIDE_API_RATE_LIMITED', true)], 5],
    ['503 again and again', [full], 5],
    ['a reset connection', [reset], 5],
    ['a body that is cut off', [truncated], 5],
    ['another case', [answer(200, { verdict: 'YES' })], 1],
    ['an alias alone', [answer(200, { c: 'yes' })], 1],
    ['a verdict alone', [yes], 1],
    ['an empty object', [answer(200, {})], 1],
    ['a page', [answer(200, '<html>yes</html>', { 'content-type': 'text/html' })], 1],
  ])('does nothing after %s', async (_, steps, attempts) => {
    server.play(...steps);
    expect(await acts(impatient(server.url).client)).toBe(false);
    expect(server.seen).toHaveLength(attempts);
  });
});
