import { afterEach, describe, expect, it, vi } from 'vitest';
import { dataPaths } from '../../src/main.ts';
import { changeTenantSettings } from '../../src/service/tenants.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import {
  type Answer,
  addKey,
  at,
  billing,
  executed,
  type Gate,
  once,
  openGate,
  pathOf,
  TENANT,
  temporaryDirectory,
} from '../harness.ts';

let gate: Gate;
afterEach(async () => {
  vi.useRealTimers();
  await gate.close();
});

async function set(
  changes: Parameters<typeof changeTenantSettings>[2],
  directory: string = gate.directory,
): Promise<void> {
  const store = openSqlite(dataPaths(directory).database);
  await changeTenantSettings(store, TENANT, changes);
  await store.close();
}

/** A gate whose tenant may record so many decisions this month. */
async function cappedGate(monthlyCap: number): Promise<void> {
  const directory = temporaryDirectory();
  await set({ monthly_cap: monthlyCap }, directory);
  gate = await openGate({ directory });
}

const quotaOf = ({ headers }: Answer): (number | null)[] =>
  ['limit', 'used', 'reset'].map((name) => {
    const text = headers.get(`x-quota-${name}`);
    return text === null ? null : Number(text);
  });

/** First second of the next month, Unix seconds. */
function nextMonth(): number {
  const now = new Date();
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1) / 1000;
}

describe('the monthly cap', () => {
  it('D-16 the record after the last is 429, receipts are taken and everything can be read', async () => {
    await cappedGate(3);
    const first = await gate.post('/api/decide', billing(), once('first'));
    expect([first.status, quotaOf(first)]).toEqual([200, [3, 1, nextMonth()]]);
    await gate.decide(billing());

    // What records nothing costs nothing: a repeated answer, a refusal.
    const again = await gate.post('/api/decide', billing(), once('first'));
    expect([again.headers.get('x-idempotent-replay'), quotaOf(again)[1]]).toEqual(['1', 2]);
    const wrong = await gate.post('/api/decide', { question: 'May it?' });
    expect([wrong.status, quotaOf(wrong)[1]]).toEqual([422, 2]);

    const last = await gate.post('/api/decide', billing());
    expect([last.status, quotaOf(last)[1]]).toEqual([200, 3]);
    const size = await gate.size();
    const refused = await gate.post('/api/decide', billing());
    expect([refused.status, refused.body['error']]).toEqual([
      429,
      'DECIDE_API_MONTHLY_CAP_EXCEEDED',
    ]);
    expect(quotaOf(refused)).toEqual([3, 3, nextMonth()]);
    const wait = Number(refused.headers.get('retry-after'));
    expect(Math.abs(Date.now() / 1000 + wait - nextMonth())).toBeLessThan(5);
    expect(refused.body).not.toHaveProperty('verdict');
    expect(await gate.size()).toBe(size);
    // It comes before the body is looked at.
    expect((await gate.post('/api/decide', '{')).status).toBe(429);

    const record = first.body;
    expect((await gate.post(pathOf(record, '/execution'), executed(record))).status).toBe(201);
    expect((await gate.get(pathOf(record))).status).toBe(200);
    expect((await gate.get(pathOf(record, '/verify'))).body).toMatchObject({ verified: true });
    expect((await gate.get(pathOf(record, '/replay'))).body).toMatchObject({ reproduced: true });

    // Another tenant is another count.
    const other = await gate.post('/api/decide', billing(), {
      'x-api-key': `decide_test_${'b'.repeat(43)}`,
    });
    expect([other.status, quotaOf(other)]).toEqual([200, [null, null, null]]);
  });

  it('is not passed by calls that run at once', async () => {
    await cappedGate(5);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => gate.post('/api/decide', billing())),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(15);
  });

  it('is counted from the ledger after a restart, and anew in another month', async () => {
    await cappedGate(2);
    await gate.decide(billing());
    await gate.decide(billing());
    await gate.stop();
    vi.useFakeTimers({ toFake: ['Date'] });
    gate = await openGate({ directory: gate.directory });
    expect((await gate.post('/api/decide', billing())).status).toBe(429);
    vi.setSystemTime((nextMonth() + 1) * 1000);
    const next = await gate.post('/api/decide', billing());
    expect([next.status, quotaOf(next).slice(0, 2)]).toEqual([200, [2, 1]]);
  });

  it('is the plan’s in live, and follows the settings within two seconds', async () => {
    const directory = temporaryDirectory();
    const key = await addKey(directory, { environment: 'live' });
    gate = await openGate({ directory, environment: 'live' });
    const decide = (): Promise<Answer> => gate.post('/api/decide', billing(), { 'x-api-key': key });
    expect(quotaOf(await decide()).slice(0, 2)).toEqual([10_000, 1]);
    await set({ plan: 'team' });
    await vi.waitFor(async () => expect(quotaOf(await decide())[0]).toBe(50_000), {
      timeout: 3_000,
      interval: 200,
    });
    const { body } = await gate.get('/api/decision/status');
    expect(at(body, 'limits.records_per_month')).toEqual({
      starter: 10_000,
      team: 50_000,
      enterprise: 200_000,
    });
  });
});
