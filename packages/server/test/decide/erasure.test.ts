import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256Hex } from '@countersign/proof';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { dataPaths } from '../../src/main.ts';
import { idempotencyOf } from '../../src/service/idempotency.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import {
  addPolicies,
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
  trial,
  trialPolicy,
} from '../harness.ts';
import { isOnDisk } from '../on-disk.ts';

const CLI = join(dirname(fileURLToPath(import.meta.url)), '../../../cli/src/main.ts');
const DAY_MS = 24 * 60 * 60 * 1000;

let gate: Gate;
afterEach(async () => {
  vi.useRealTimers();
  await gate.close();
});

/** Runs the command line over the data of the running server. */
function countersign(...args: readonly string[]): { readonly code: number; readonly text: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=source', '--disable-warning=ExperimentalWarning', CLI, ...args],
    { encoding: 'utf8', env: { ...process.env, COUNTERSIGN_DATA: gate.directory } },
  );
  return { code: status ?? -1, text: stdout + stderr };
}

/** Subjects of the ledger's erasures, oldest first. */
async function erasures(scope = 'dev'): Promise<Members[]> {
  const store = openSqlite(dataPaths(gate.directory).database);
  const entries = await store.readOfType(scope, 'erasure', 100);
  await store.close();
  return entries.map(({ subject }) => JSON.parse(subject) as Members).reverse();
}

async function expectGone(record: Members): Promise<void> {
  for (const answer of [
    await gate.get(pathOf(record, '/replay')),
    await gate.post(pathOf(record, '/diff'), {}),
  ]) {
    expect([answer.status, answer.body['error']]).toEqual([410, 'DECIDE_INPUT_EXPIRED']);
  }
  const looked = await gate.get(pathOf(record, '?include_input=true'));
  expect(looked.status).toBe(200);
  expect(looked.body).not.toHaveProperty('input');
}

async function expectVerified(record: Members): Promise<void> {
  expect((await gate.get(pathOf(record, '/verify'))).body).toMatchObject({ verified: true });
  const { body: exported } = await gate.post('/api/decision/verify', { record });
  expect(exported).toMatchObject({ verified: true, public_verified: true });
  const packet = await gate.get(pathOf(record, '/packet?include_input=true'));
  expect(packet.status).toBe(200);
  expect(packet.body['packet']).not.toHaveProperty('input');
  expect((await gate.post('/api/decision/verify', packet.body)).body).toMatchObject({
    verified: true,
    public_verified: true,
  });
}

describe('erasing on request', () => {
  it('D-117 takes the input of one decision; record, receipts and packet still verify', async () => {
    gate = await openGate();
    const marker = 'Northwind-example-account';
    const record = await gate.decide(billing({ account_note: marker }));
    const other = await gate.decide(billing({ account_note: 'kept-account' }));
    await gate.post(pathOf(record, '/execution'), executed(record));
    await gate.post(pathOf(record, '/outcome'), outcome(record));
    await expectVerifiedBefore(record);
    expect(isOnDisk(gate.directory, marker)).toBe(true);

    const id = String(record['decision_id']);
    const ran = countersign(
      'data',
      'erase',
      '--tenant',
      'dev',
      '--decision',
      id,
      '--reason',
      'asked',
    );
    expect(ran).toMatchObject({ code: 0 });
    await expectGone(record);
    await expectVerified(record);
    expect(isOnDisk(gate.directory, marker)).toBe(false);
    expect(await erasures()).toMatchObject([{ reason: 'request', note: 'asked', decision_id: id }]);
    // Nobody else's input went with it.
    expect((await gate.get(pathOf(other, '/replay'))).body).toMatchObject({ reproduced: true });
    const state = (await gate.get(pathOf(record))).body['lifecycle_state'];
    expect(state).toBe('closed');
    expect(countersign('data', 'erase', '--tenant', 'dev_other', '--decision', id).code).toBe(2);
    expect(countersign('data', 'erase', '--tenant', 'dev').code).toBe(2);
  });

  it('of a tenant takes all its inputs, keys and commitments, and leaves its ledger', async () => {
    const directory = temporaryDirectory();
    const codes = { true: 'IT_IS', false: 'IT_IS_NOT', unknown: 'NOBODY_KNOWS' };
    await addPolicies(directory, [
      trialPolicy({ it: { codes, field: 'email', op: 'exists' } }, { cond: 'it' }),
    ]);
    gate = await openGate({ directory });
    const record = await gate.decide(trial({ email: 'ada.example@mail.test' }), once('first'));
    const exported = (await gate.get(pathOf(record, '/packet'))).body;
    const secret = join(dataPaths(directory).keys, 'tenants', `${sha256Hex('dev')}.key`);
    expect(existsSync(secret)).toBe(true);

    const recall = async (): Promise<unknown> => {
      const store = openSqlite(dataPaths(directory).database);
      const found = await store.recall(idempotencyOf('dev', 'decide', 'first', {}).key);
      await store.close();
      return found;
    };
    expect(await recall()).toMatchObject({ seq: at(record, 'ledger.seq') });

    const ran = countersign('data', 'erase', '--tenant', 'dev', '--everything');
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.text).toMatch(/^1 inputs of dev are erased/);
    expect(existsSync(secret)).toBe(false);
    expect(await recall()).toBeUndefined();
    expect((await gate.get(pathOf(record))).status).toBe(401);
    expect(await erasures()).toMatchObject([{ reason: 'tenant', count: 1 }]);
    for (const held of [{ record }, exported]) {
      expect((await gate.post('/api/decision/verify', held)).body).toMatchObject({
        verified: true,
      });
    }
    const store = openSqlite(dataPaths(directory).database);
    expect(await store.findInputsBefore('dev', '~', 10)).toEqual([]);
    await store.close();
  });

  /** The negative twin: before, the input is there and the replay works. */
  async function expectVerifiedBefore(record: Members): Promise<void> {
    expect((await gate.get(pathOf(record, '/replay'))).body).toMatchObject({ reproduced: true });
    const looked = await gate.get(pathOf(record, '?include_input=true'));
    expect(at(looked.body, 'input.question')).toBe(billing()['question']);
  }
});

describe('retention', () => {
  /** A gate that opens now, over decisions made so many days ago. */
  async function decidedBefore(days: number): Promise<Members> {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - days * DAY_MS });
    gate = await openGate({ directory: temporaryDirectory() });
    const record = await gate.decide(billing());
    await gate.stop();
    vi.useRealTimers();
    return record;
  }

  it('D-117 ends after 400 days, or as many as the tenant says, with one entry for what went', async () => {
    const record = await decidedBefore(401);
    gate = await openGate({ directory: gate.directory });
    await vi.waitFor(async () => expect(await erasures()).toHaveLength(1), { timeout: 5_000 });
    await vi.waitFor(() => expectGone(record), { timeout: 5_000 });
    await expectVerified(record);
    expect(await erasures()).toMatchObject([
      { reason: 'retention', count: 1, up_to: at(record, 'ledger.seq') },
    ]);
  });

  it('leaves what is younger, until the tenant asks for less', async () => {
    const record = await decidedBefore(40);
    gate = await openGate({ directory: gate.directory });
    await gate.decide(billing());
    expect((await gate.get(pathOf(record, '/replay'))).body).toMatchObject({ reproduced: true });
    expect(await erasures()).toEqual([]);
    expect(countersign('tenants', 'set', 'dev', '--retention-days', '29').code).toBe(2);
    expect(countersign('tenants', 'set', 'dev', '--retention-days', '30')).toMatchObject({
      code: 0,
      text: '{"retention_days":30}\n',
    });
    await gate.stop();
    gate = await openGate({ directory: gate.directory });
    await vi.waitFor(() => expectGone(record), { timeout: 5_000 });
  });

  it('is a day for the playground', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 2 * DAY_MS });
    gate = await openGate({ directory: temporaryDirectory() });
    const played = await gate.send('/playground/decide', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(billing()),
    });
    expect(played.status).toBe(200);
    await gate.stop();
    vi.useRealTimers();
    gate = await openGate({ directory: gate.directory });
    await vi.waitFor(
      async () => expect(await erasures('playground')).toMatchObject([{ reason: 'retention' }]),
      { timeout: 5_000 },
    );
  });
});
