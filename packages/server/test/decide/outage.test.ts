import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { dataPaths } from '../../src/main.ts';
import {
  at,
  billing,
  editRecord,
  executed,
  type Gate,
  once,
  openGate,
  outcome,
  pathOf,
  tamper,
} from '../harness.ts';

let gate: Gate;

afterEach(() => gate.close());

describe('the store', () => {
  it('D-13 while the database is down every write is 503 without a verdict, and nothing is lost or half there', async () => {
    gate = await openGate();
    const record = await gate.decide(billing(), once('before'));
    const before = await gate.size();
    // Somebody else holds the file: the writer waits for it, then gives up.
    const locked = new Database(dataPaths(gate.directory).database);
    locked.exec('BEGIN IMMEDIATE');
    const refused = await gate.post('/api/decide', billing(), once('during'));
    const status = await gate.get('/api/decision/status');
    const known = await gate.post('/api/decide', billing(), once('before'));
    locked.exec('ROLLBACK');
    locked.close();
    expect([refused.status, refused.body['error']]).toEqual([503, 'DECIDE_LEDGER_UNAVAILABLE']);
    expect(refused.body['retryable']).toBe(true);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.body).not.toHaveProperty('verdict');
    expect(status.body).toMatchObject({ accepting_decisions: false, status: 'degraded' });
    // What was recorded can be read meanwhile.
    expect(known.body['decision_id']).toBe(record['decision_id']);
    expect(await gate.size()).toBe(before);

    // The file answers nothing at all.
    tamper(gate.directory, 'ALTER TABLE entries RENAME TO elsewhere');
    const silent = await Promise.all([
      gate.post('/api/decide', billing(), once('during')),
      gate.post('/api/decide', billing({ margin_floor: 'failed' })),
      gate.post(pathOf(record, '/execution'), executed(record), once('during')),
      gate.post(pathOf(record, '/outcome'), outcome(record, { outcome_status: 'pending' })),
      gate.get(pathOf(record)),
      gate.get(pathOf(record, '/execution')),
      gate.get(pathOf(record, '/packet')),
    ]);
    const down = await gate.get('/api/decision/status');
    const ready = await gate.get('/readyz');
    tamper(gate.directory, 'ALTER TABLE elsewhere RENAME TO entries');
    for (const answer of silent) {
      expect(answer.status).toBe(503);
      expect(answer.body['retryable']).toBe(true);
      expect(answer.body).not.toHaveProperty('verdict');
    }
    expect(down.body).toMatchObject({
      status: 'not_ready',
      accepting_decisions: false,
      checks: { storage: 'failed', idempotency_store: 'failed' },
    });
    expect(ready.status).toBe(503);

    tamper(gate.directory, 'ALTER TABLE api_keys RENAME TO elsewhere');
    const unknown = await gate.post('/api/decide', billing());
    tamper(gate.directory, 'ALTER TABLE elsewhere RENAME TO api_keys');
    expect([unknown.status, unknown.body['error']]).toEqual([503, 'DECIDE_STORAGE_UNAVAILABLE']);

    // It is back: the same key decides, once, and the ledger goes on where it stood.
    const after = await gate.post('/api/decide', billing(), once('during'));
    expect([after.status, after.headers.has('x-idempotent-replay')]).toEqual([200, false]);
    expect(at(after.body, 'ledger.seq')).toBe(before);
    const done = await gate.post(pathOf(record, '/execution'), executed(record), once('during'));
    expect(done.status).toBe(201);
    expect((await gate.get('/api/decision/status')).body).toMatchObject({ status: 'ready' });
  });
});

describe('stopping', () => {
  it('answers what is under way; every answer is in the ledger, and nobody else got one', async () => {
    gate = await openGate({ commitDelayMs: 20 });
    const { directory } = gate;
    const before = await gate.size();
    const asked = Array.from({ length: 200 }, (_, place) =>
      gate.post('/api/decide', billing(), once(`last_${place}`)).then(
        (answer) => answer,
        () => undefined,
      ),
    );
    await Promise.race(asked);
    const began = Date.now();
    await gate.stop();
    // A caller that keeps its connection does not keep the server.
    expect(Date.now() - began).toBeLessThan(5_000);
    const answers = await Promise.all(asked);
    const decided = answers.filter((answer) => answer?.status === 200);
    expect(decided.length).toBeGreaterThan(0);
    for (const answer of answers) {
      if (answer === undefined || answer.status === 200) continue;
      expect(answer.status).toBe(503);
      expect(answer.body).not.toHaveProperty('verdict');
    }
    await expect(gate.get('/healthz')).rejects.toThrow();

    gate = await openGate({ directory });
    for (const answer of decided) {
      const found = await gate.get(pathOf(answer?.body ?? {}));
      expect(at(found.body, 'decision_record.record_hash')).toBe(answer?.body['record_hash']);
    }
    const recorded = (await gate.size()) - before;
    expect(recorded).toBeGreaterThanOrEqual(decided.length);
    expect(recorded).toBeLessThanOrEqual(200);
    // Asking again with the same keys makes each decision exactly once.
    const again = await Promise.all(
      asked.map((_, place) => gate.post('/api/decide', billing(), once(`last_${place}`))),
    );
    expect(again.every(({ status }) => status === 200)).toBe(true);
    expect(await gate.size()).toBe(before + 200);
  });

  it('a ledger that was changed while nobody looked is not opened', async () => {
    gate = await openGate();
    const record = await gate.decide(billing());
    await gate.stop();
    editRecord(gate.directory, record, '"verdict":"yes"', '"verdict":"no" ');
    await expect(openGate({ directory: gate.directory })).rejects.toThrow(/subject was changed/);
    editRecord(gate.directory, record, '"verdict":"no" ', '"verdict":"yes"');
    gate = await openGate({ directory: gate.directory });
    expect((await gate.get(pathOf(record))).status).toBe(200);
  });
});
