import { describe, expect, it } from 'vitest';
import type { Answer, Members } from '../harness.ts';
import { HARMLESS, openDoor, QUICKSTART, sharedDoor } from './door.ts';

const door = sharedDoor();
const PATH = '/v1/decisions';
const codeOf = ({ body }: Answer): unknown => (body['error'] as Members | undefined)?.['code'];

describe('an idempotency key', () => {
  it('C-33 gives the same decision again, and the ledger grows once', async () => {
    const key = { 'idempotency-key': 'same-1' };
    const first = await door.post(PATH, QUICKSTART, key);
    const size = await door.gate.size();
    const spaced = JSON.stringify(QUICKSTART, undefined, 4);
    const reordered = Object.fromEntries(Object.entries(QUICKSTART).reverse());
    for (const body of [QUICKSTART, spaced, reordered]) {
      const again = await door.post(PATH, body, key);
      expect(again.status).toBe(201);
      expect(again.text).toBe(first.text);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect(again.headers.get('location')).toBe(first.headers.get('location'));
    }
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(await door.gate.size()).toBe(size);
  });

  it('C-34 belongs to one body', async () => {
    const key = { 'idempotency-key': 'same-2' };
    await door.post(PATH, QUICKSTART, key);
    const other = await door.post(PATH, HARMLESS, key);
    expect([other.status, codeOf(other)]).toEqual([409, 'idempotency_conflict']);
    expect((await door.post(PATH, QUICKSTART, key)).status).toBe(201);
  });

  it('C-35 has to be there, and of the documented form', async () => {
    const missing = await door.post(PATH, HARMLESS, { 'idempotency-key': '' });
    expect([missing.status, codeOf(missing)]).toEqual([409, 'idempotency_key_required']);
    for (const key of ['with space', 'x'.repeat(256), 'ümlaut']) {
      const answer = await door.post(PATH, HARMLESS, { 'idempotency-key': key });
      expect([answer.status, codeOf(answer)]).toEqual([400, 'idempotency_key_invalid']);
    }
    const longest = await door.post(PATH, HARMLESS, { 'idempotency-key': 'y'.repeat(255) });
    expect(longest.status).toBe(201);
  });

  it('means something else for another actor, and on another route', async () => {
    const key = { 'idempotency-key': 'same-3' };
    const other = await door.addActor({ token: `gt_test_${'k'.repeat(40)}`, actorId: 'agent.two' });
    const ids = [
      (await door.post(PATH, QUICKSTART, key)).body['id'],
      (await door.post(PATH, HARMLESS, { ...key, ...other })).body['id'],
      (await door.post('/v1/communication_transactions', HARMLESS, key)).body['decision_id'],
    ];
    expect(new Set(ids).size).toBe(3);
  });

  it('is still free after a refusal', async () => {
    const key = { 'idempotency-key': 'same-4' };
    expect((await door.post(PATH, { ...HARMLESS, wrong: 1 }, key)).status).toBe(400);
    expect((await door.post(PATH, HARMLESS, key)).status).toBe(201);
  });

  it('begins anew after a day, and what was decided before stays', async () => {
    let now = Date.now();
    const later = await openDoor({ now: () => now });
    const key = { 'idempotency-key': 'daily' };
    const first = await later.post(PATH, HARMLESS, key);
    now += 23 * 3_600_000;
    expect((await later.post(PATH, HARMLESS, key)).body['id']).toBe(first.body['id']);
    now += 2 * 3_600_000;
    const second = await later.post(PATH, QUICKSTART, key);
    expect(second.status).toBe(201);
    expect(second.body['id']).not.toBe(first.body['id']);
    expect((await later.post(PATH, QUICKSTART, key)).body['id']).toBe(second.body['id']);
    expect((await later.get(`${PATH}/${String(first.body['id'])}`)).text).toBe(first.text);
  });

  it('C-52 used fifty times at once makes one decision', async () => {
    const key = { 'idempotency-key': 'many' };
    const size = await door.gate.size();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => door.post(PATH, QUICKSTART, key)),
    );
    const made = answers.filter(({ status }) => status === 201);
    const waiting = answers.filter(({ status }) => status !== 201);
    expect(new Set(made.map(({ text }) => text)).size).toBe(1);
    expect(waiting.every((one) => codeOf(one) === 'idempotency_in_progress')).toBe(true);
    expect(waiting.every(({ headers }) => headers.get('retry-after') === '1')).toBe(true);
    expect(made.length).toBeGreaterThan(0);
    expect(await door.gate.size()).toBe(size + 1);
  });
});
