import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  billing,
  claimed,
  executed,
  type Gate,
  listAt,
  type Members,
  openGate,
  outcome,
  pathOf,
  reviewed,
} from '../harness.ts';

let gate: Gate;

// The clock stands still unless a test moves it.
beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  gate = await openGate();
});
afterAll(async () => {
  await gate.close();
  vi.useRealTimers();
});

const claim = (record: Members) => gate.post(pathOf(record, '/claim'), claimed());
const report = (record: Members, changes: Members = {}) =>
  gate.post(pathOf(record, '/execution'), executed(record, changes));
const came = (record: Members, outcome_status: string) =>
  gate.post(pathOf(record, '/outcome'), outcome(record, { outcome_status }));
const pass = (ms: number): unknown => vi.setSystemTime(Date.now() + ms);

async function stateOf(record: Members): Promise<unknown> {
  return (await gate.get(pathOf(record))).body['lifecycle_state'];
}

const yes = () => gate.decide(billing());
const no = () => gate.decide(billing({ margin_floor: 'failed' }));
const review = () => gate.decide(billing({ margin_floor: undefined }));
const failed = { execution_status: 'failed', state_after_hash: undefined };

const settle = (record: Members, resolution: string, changes: Members = {}) =>
  gate.post(pathOf(record, '/review'), reviewed(record, { resolution, ...changes }));

describe('an authorised decision', () => {
  it('is authorized until it expires', async () => {
    const record = await yes();
    pass(900_000);
    expect(await stateOf(record)).toBe('authorized');
    pass(1);
    expect(await stateOf(record)).toBe('expired');
    expect((await came(record, 'failed')).status).toBe(201);
    expect(await stateOf(record)).toBe('closed');
  });

  it('is claimed until the claim lapses, or something is reported under it', async () => {
    const lapsed = await yes();
    await claim(lapsed);
    expect(await stateOf(lapsed)).toBe('claimed');
    pass(60_001);
    expect(await stateOf(lapsed)).toBe('authorized');

    for (const [change, state] of [
      [{}, 'executed'],
      [failed, 'not_executed'],
      [{ mutation: 'other' }, 'mismatch'],
    ] as const) {
      const record = await yes();
      await claim(record);
      await report(record, change);
      expect(await stateOf(record)).toBe(state);
    }
    const expired = await yes();
    pass(870_000);
    await claim(expired);
    pass(30_001);
    expect(await stateOf(expired)).toBe('expired');
  });

  it('is not_executed after attempts that changed nothing, and can still be executed', async () => {
    for (const status of ['skipped', 'failed', 'blocked']) {
      const record = await yes();
      await report(record, { ...failed, execution_status: status });
      expect(await stateOf(record)).toBe('not_executed');
      await claim(record);
      expect(await stateOf(record)).toBe('claimed');
      await report(record);
      expect(await stateOf(record)).toBe('executed');
    }
    const late = await yes();
    await report(late, failed);
    pass(900_001);
    expect(await stateOf(late)).toBe('expired');
    const closed = await yes();
    await report(closed, failed);
    await came(closed, 'failed');
    expect(await stateOf(closed)).toBe('closed');
  });

  it('is executed for good: reverted or closed, and a mismatch when something else follows', async () => {
    const record = await yes();
    await report(record);
    pass(900_001);
    expect(await stateOf(record)).toBe('executed');
    await report(record, { execution_status: 'reverted' });
    expect(await stateOf(record)).toBe('reverted');
    await came(record, 'reverted');
    expect(await stateOf(record)).toBe('closed');
    // Only a later outcome that corrects the last one opens it again.
    await came(record, 'review');
    expect(await stateOf(record)).toBe('reverted');

    const twice = await yes();
    await report(twice);
    await came(twice, 'succeeded');
    expect(await stateOf(twice)).toBe('closed');
    expect((await report(twice)).status).toBe(409);
    expect(await stateOf(twice)).toBe('mismatch');
  });
});

describe('a decision that authorises nothing', () => {
  it('is blocked, until it is closed', async () => {
    const record = await no();
    expect(await stateOf(record)).toBe('blocked');
    await report(record, { execution_status: 'blocked' });
    expect(await stateOf(record)).toBe('blocked');
    pass(86_400_000);
    expect(await stateOf(record)).toBe('blocked');
    await came(record, 'succeeded');
    expect(await stateOf(record)).toBe('closed');
  });

  it('is in_review until its time is over, or somebody settles it', async () => {
    const record = await review();
    expect(await stateOf(record)).toBe('in_review');
    const { body } = await gate.get(pathOf(record));
    const due = Date.parse(String((body['review'] as Members)['due_at']));
    vi.setSystemTime(due);
    expect(await stateOf(record)).toBe('in_review');
    pass(1);
    expect(await stateOf(record)).toBe('expired');

    const settled = await review();
    expect((await settle(settled, 'deny')).status).toBe(201);
    expect(await stateOf(settled)).toBe('superseded');
    pass(86_400_000 * 30);
    expect(await stateOf(settled)).toBe('superseded');
  });
});

describe('a record that another one carries on', () => {
  it('D-66 a lookup shows the new record as child and successor, and each its own state', async () => {
    const parent = await review();
    const answer = await settle(parent, 'approve', { satisfies: ['margin_floor_ok'] });
    const child = answer.body['decision_record'] as Members;
    const { body } = await gate.get(pathOf(parent));
    expect(body).toMatchObject({
      ok: true,
      lifecycle_state: 'superseded',
      children: [child['decision_id']],
      decision_record: {
        record_hash: parent['record_hash'],
        verdict: 'review',
        superseded_by: child['decision_id'],
      },
    });
    const { body: carriedOn } = await gate.get(pathOf(child));
    expect(carriedOn).toMatchObject({
      lifecycle_state: 'authorized',
      children: [],
      decision_record: {
        record_hash: child['record_hash'],
        verdict: 'yes',
        parent_decision_id: parent['decision_id'],
        parent_record_hash: parent['record_hash'],
      },
    });
    expect(carriedOn['decision_record']).not.toHaveProperty('superseded_by');
  });
});

describe('a mismatch', () => {
  it('D-54 another target is 409 and recorded, opens a review item, and the state is mismatch', async () => {
    const record = await yes();
    const before = await gate.size();
    const { status, body } = await report(record, { target_object_id: 'sub_9999' });
    expect(status).toBe(409);
    expect(body).toMatchObject({
      ok: false,
      error: 'DECIDE_EXECUTION_BINDING_MISMATCH',
      recorded: true,
      required_action: 'stop_and_route_to_owner',
      execution: {
        action_binding_match: false,
        binding_mismatch_reasons: ['TARGET_OBJECT_DIFFERS'],
        target_object_id: 'sub_9999',
      },
    });
    expect(await gate.size()).toBe(before + 2);
    const { body: found } = await gate.get(pathOf(record));
    expect(found).toMatchObject({
      lifecycle_state: 'mismatch',
      review: {
        review_id: expect.stringMatching(/^rev_/) as unknown,
        kind: 'mismatch',
        group: expect.stringMatching(/./) as unknown,
        resolutions: [],
      },
    });
    const { body: listed } = await gate.get(pathOf(record, '/execution'));
    expect(listAt(listed, 'items')).toEqual([body['execution']]);

    // The receipt that fits opens nothing.
    const bound = await yes();
    const size = await gate.size();
    expect((await report(bound)).status).toBe(201);
    expect(await gate.size()).toBe(size + 1);
    expect((await gate.get(pathOf(bound))).body).not.toHaveProperty('review');
  });

  it('stays, whatever follows, until the owner settles it', async () => {
    for (const make of [yes, no, review]) {
      const record = await make();
      await report(record, { mutation: 'other' });
      await came(record, 'failed');
      pass(900_001);
      expect(await stateOf(record)).toBe('mismatch');
      expect((await settle(record, 'acknowledge')).status).toBe(201);
      expect(await stateOf(record)).toBe('closed');
    }
  });
});
