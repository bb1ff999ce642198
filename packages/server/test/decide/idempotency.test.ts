import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  at,
  billing,
  executed,
  type Gate,
  type Members,
  once,
  openGate,
  outcome,
  pathOf,
  temporaryDirectory,
} from '../harness.ts';

let gate: Gate;

beforeAll(async () => {
  gate = await openGate();
});
afterAll(() => gate.close());

describe('repeating a decision', () => {
  it('D-9 the same key and payload give the same decision, marked, from one entry', async () => {
    const before = await gate.size();
    const first = await gate.post('/api/decide', billing(), once('deal_9'));
    const second = await gate.post('/api/decide', billing(), once('deal_9'));
    expect(first.headers.has('x-idempotent-replay')).toBe(false);
    expect(second.headers.get('x-idempotent-replay')).toBe('1');
    expect(second.status).toBe(200);
    expect(second.body['decision_id']).toBe(first.body['decision_id']);
    expect(second.text).toBe(first.text);
    expect(await gate.size()).toBe(before + 1);
    expect(first.body['idempotency_key']).toBe('deal_9');
  });

  it('D-10 the same key with another amount is a conflict that adds no entry', async () => {
    const amount = (value: string): Members => billing({ amount: value });
    await gate.post('/api/decide', amount('10.00'), once('deal_10'));
    const before = await gate.size();
    const { status, body } = await gate.post('/api/decide', amount('10.01'), once('deal_10'));
    expect([status, body['error']]).toEqual([409, 'DECIDE_API_IDEMPOTENCY_CONFLICT']);
    expect(body).not.toHaveProperty('verdict');
    expect(body['request_fingerprint']).toMatch(/^[0-9a-f]{64}$/);
    expect(body['recorded_fingerprint']).toMatch(/^[0-9a-f]{64}$/);
    expect(body['request_fingerprint']).not.toBe(body['recorded_fingerprint']);
    expect(JSON.stringify(body)).not.toContain('10.0');
    expect(await gate.size()).toBe(before);
  });

  it('D-11 of 50 parallel identical calls one decides; the others get that answer or «in progress»', async () => {
    const before = await gate.size();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => gate.post('/api/decide', billing(), once('deal_11'))),
    );
    const decided = answers.filter(({ status }) => status === 200);
    const waiting = answers.filter(({ status }) => status !== 200);
    expect(new Set(decided.map(({ body }) => body['decision_id'])).size).toBe(1);
    expect(decided.filter(({ headers }) => !headers.has('x-idempotent-replay'))).toHaveLength(1);
    expect(waiting.length).toBeGreaterThan(0);
    for (const { status, body, headers } of waiting) {
      expect([status, body['error']]).toEqual([409, 'DECIDE_API_IDEMPOTENCY_IN_PROGRESS']);
      expect(headers.get('retry-after')).toBe('1');
      expect(body).not.toHaveProperty('verdict');
    }
    expect(await gate.size()).toBe(before + 1);
    const later = await gate.post('/api/decide', billing(), once('deal_11'));
    expect(later.body['decision_id']).toBe(decided[0]?.body['decision_id']);
  });

  it('two servers over one ledger decide a key once', async () => {
    const directory = temporaryDirectory();
    const a = await openGate({ directory });
    const b = await openGate({ directory });
    const before = await a.size();
    const keys = ['both_1', 'both_2', 'both_3', 'both_4'];
    const answers = await Promise.all(
      keys.flatMap((key) =>
        [a, b, a, b].map((one) => one.post('/api/decide', billing(), once(key))),
      ),
    );
    for (const { status, body, headers } of answers) {
      if (status === 200) continue;
      expect([status, body['error']]).toEqual([409, 'DECIDE_API_IDEMPOTENCY_IN_PROGRESS']);
      expect(headers.get('retry-after')).toBe('1');
    }
    for (const key of keys) {
      const ids = [a, b].map(async (one) => {
        const { body } = await one.post('/api/decide', billing(), once(key));
        return body['decision_id'];
      });
      expect(new Set(await Promise.all(ids)).size).toBe(1);
    }
    expect(await b.size()).toBe(before + keys.length);
    await b.stop();
    await a.close();
  });

  it('the view is no part of the payload, members in another order are none either', async () => {
    const { question, mode, context } = billing();
    const first = await gate.post('/api/decide', { question, mode, context }, once('deal_view'));
    for (const body of [
      { context, mode, question },
      { question, mode, context, response_view: 'minimal' },
    ]) {
      const again = await gate.post('/api/decide', body, once('deal_view'));
      expect(again.headers.get('x-idempotent-replay')).toBe('1');
      expect(again.body['record_hash']).toBe(first.body['record_hash']);
    }
  });

  it('a refusal does not use up the key', async () => {
    const refused = await gate.post(
      '/api/decide',
      billing({}, { mode: 'runtime' }),
      once('deal_re'),
    );
    expect(refused.status).toBe(422);
    const decided = await gate.post('/api/decide', billing(), once('deal_re'));
    expect(decided.status).toBe(200);
    expect(decided.headers.has('x-idempotent-replay')).toBe(false);
  });

  it('a policy may demand the key', async () => {
    const refund = billing({ workflow: 'refund_review', requested_action: 'issue_refund' });
    const without = await gate.post('/api/decide', refund);
    expect([without.status, without.body['error']]).toEqual([
      422,
      'DECIDE_API_IDEMPOTENCY_KEY_REQUIRED',
    ]);
    expect((await gate.post('/api/decide', refund, once('refund_1'))).status).toBe(200);
  });

  it('a key has 1 to 300 visible ASCII characters', async () => {
    const status = async (key: string): Promise<number> =>
      (await gate.post('/api/decide', billing(), once(key))).status;
    expect(await status('k'.repeat(300))).toBe(200);
    expect(await status('k'.repeat(301))).toBe(422);
    expect(await status('two words')).toBe(400);
    expect(await status('ümlaut')).toBe(400);
  });
});

describe('repeating a report', () => {
  it('a receipt comes back with its status, and another payload under its key is a conflict', async () => {
    const record = await gate.decide(billing());
    const path = pathOf(record, '/execution');
    const first = await gate.post(path, executed(record), once('run_1'));
    const again = await gate.post(path, executed(record), once('run_1'));
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.headers.get('x-idempotent-replay')).toBe('1');
    expect(again.text).toBe(first.text);
    const other = await gate.post(path, executed(record, { execution_id: 'run' }), once('run_1'));
    expect([other.status, other.body['error']]).toEqual([
      409,
      'DECIDE_EXECUTION_IDEMPOTENCY_CONFLICT',
    ]);
  });

  it('a mismatch uses up its key: it comes back as the same 409, marked', async () => {
    const record = await gate.decide(billing());
    const wrong = executed(record, { target_object_id: 'sub_other' });
    const path = pathOf(record, '/execution');
    const first = await gate.post(path, wrong, once('run_2'));
    const before = await gate.size();
    const again = await gate.post(path, wrong, once('run_2'));
    expect([first.status, again.status]).toEqual([409, 409]);
    expect(again.headers.get('x-idempotent-replay')).toBe('1');
    expect(at(again.body, 'execution.execution_receipt_id')).toBe(
      at(first.body, 'execution.execution_receipt_id'),
    );
    expect(await gate.size()).toBe(before);
  });

  it('keys of decisions, receipts and outcomes do not meet', async () => {
    const record = await gate.decide(billing(), once('shared'));
    const receipt = await gate.post(pathOf(record, '/execution'), executed(record), once('shared'));
    const report = await gate.post(pathOf(record, '/outcome'), outcome(record), once('shared'));
    expect([receipt.status, report.status]).toEqual([201, 201]);
    const conflict = await gate.post(
      pathOf(record, '/outcome'),
      outcome(record, { outcome_status: 'failed' }),
      once('shared'),
    );
    expect(conflict.body['error']).toBe('DECIDE_OUTCOME_IDEMPOTENCY_CONFLICT');
  });
});
