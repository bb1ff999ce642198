import { afterEach, describe, expect, it } from 'vitest';
import { AT, gateOf, next, specOf, stage, startRun, transitionOf } from './evidence-files.ts';
import { type ConfigChange, evidenceOf, failure, found, showing } from './evidence-queries.ts';
import { type Members, nextOf, openScenarioGate, type ScenarioGate } from './harness.ts';

let gate: ScenarioGate;
afterEach(() => gate.close());

const open = (...configs: readonly ConfigChange[]): Promise<ScenarioGate> =>
  openScenarioGate({ change: (settings) => showing(settings, ...configs) });

const NOW = AT.value;
const logical = (value: number): Members => ({ trigger_time: { kind: 'logical', value } });

describe('time', () => {
  it('S-117 a trigger at the very instant is not after it: the run holds', async () => {
    gate = await open();
    const condition = {
      condition_id: 'after',
      query: { provider_id: 'time', check_id: 'after', params: { timestamp: NOW } },
      comparator: 'equals',
      expected: true,
      policy_tags: [],
    };
    const gates = [gateOf('after-time', { Condition: 'after' })];
    await gate.call('scenario_define', {
      spec: specOf('strictly', [stage('main', { gates })], [condition]),
    });
    await startRun(gate, 'strictly', 'run-1');
    const held = transitionOf(await next(gate, 'strictly', 'run-1', 'at'));
    expect(held.decision.outcome['kind']).toBe('hold');
    expect(held.status).toBe('active');
    const time = { kind: 'unix_millis', value: NOW + 1 };
    const passed = transitionOf(await next(gate, 'strictly', 'run-1', 'later', { time }));
    expect(passed.status).toBe('completed');
  });

  it('S-118 before is strictly less, and now is the number of the trigger', async () => {
    gate = await open();
    const before = (timestamp: number, context?: Members) =>
      found(gate, 'time.before', { timestamp }, context);
    expect([await before(NOW - 1), await before(NOW), await before(NOW + 1)]).toEqual([
      false,
      false,
      true,
    ]);
    expect(await evidenceOf(gate, 'time.now')).toMatchObject({
      value: { kind: 'json', value: NOW },
      evidence_anchor: {
        anchor_type: 'trigger_time_unix_millis',
        anchor_value: String(NOW),
      },
      content_type: 'application/json',
    });
    expect(await evidenceOf(gate, 'time.now', {}, logical(12))).toMatchObject({
      value: { kind: 'json', value: 12 },
      evidence_anchor: { anchor_type: 'trigger_time_logical', anchor_value: '12' },
    });
  });

  it('S-119 a threshold may be an RFC 3339 date-time, read to the millisecond', async () => {
    gate = await open();
    const after = (timestamp: string) => found(gate, 'time.after', { timestamp });
    // The trigger is at 2024-03-09T16:00:00Z.
    expect(await after('2024-03-09T15:59:59.999Z')).toBe(true);
    expect(await after('2024-03-09T16:00:00Z')).toBe(false);
    expect(await after('2024-03-09T16:00:00.0009Z')).toBe(false);
    expect(await found(gate, 'time.before', { timestamp: '2024-03-09T16:00:00.0009Z' })).toBe(
      false,
    );
    expect(await after('2024-03-09T17:59:59+02:00')).toBe(true);
    for (const wrong of ['2024-03-09', 'yesterday', '2024-02-30T00:00:00Z', '']) {
      expect(await after(wrong), wrong).toBe(failure('invalid rfc3339 timestamp'));
    }
  });

  it('S-120 logical triggers compare with logical thresholds, unless they are not permitted', async () => {
    gate = await open();
    const after = (timestamp: unknown) => found(gate, 'time.after', { timestamp }, logical(5));
    expect([await after(4), await after(5), await after(6)]).toEqual([true, false, false]);
    expect(await found(gate, 'time.before', { timestamp: 6 }, logical(5))).toBe(true);
    expect(await after('2024-03-09T16:00:00Z')).toBe(failure('logical timestamp must be numeric'));
    expect(await after(-1)).toBe(failure('logical timestamp must be unsigned'));
    await gate.close();

    gate = await open({ kind: 'time', allowLogical: false });
    const refused = failure('logical timestamps are not permitted');
    expect(await found(gate, 'time.now', {}, logical(5))).toBe(refused);
    expect(await after(4)).toBe(refused);
    expect(await found(gate, 'time.after', { timestamp: NOW - 1 })).toBe(true);
  });
});

describe('env', () => {
  const get = (key: string) => evidenceOf(gate, 'env.get', { key });

  it('S-121 a variable is its value, nothing, or an error: blocked or too long', async () => {
    gate = await open({
      kind: 'env',
      overrides: {
        SECRET: 'hidden',
        LONG: 'ü'.repeat(5),
        FITS: 'x'.repeat(9),
      },
      denylist: ['SECRET'],
      maxKeyBytes: 10,
      maxValueBytes: 9,
    });
    expect(await get('FITS')).toMatchObject({
      value: { kind: 'json', value: 'xxxxxxxxx' },
      error: null,
      evidence_anchor: { anchor_type: 'env', anchor_value: 'FITS' },
      content_type: 'text/plain',
    });
    expect(await get('MISSING')).toMatchObject({
      value: null,
      error: null,
      evidence_hash: null,
      evidence_anchor: { anchor_type: 'env', anchor_value: 'MISSING' },
    });
    expect(await found(gate, 'env.get', { key: 'SECRET' })).toBe(
      failure('env key blocked by policy'),
    );
    expect(await found(gate, 'env.get', { key: 'LONG' })).toBe(failure('env value exceeds limit'));
    expect(await found(gate, 'env.get', { key: 'ELEVEN_LONG' })).toBe(
      failure('env key exceeds limit'),
    );
    // Neither does the process have a say, nor what every object has.
    for (const key of ['PATH', 'toString', '__proto__']) {
      expect(await found(gate, 'env.get', { key }), key).toBeUndefined();
    }
  });

  it('without overrides the process is asked, within the list of what is allowed', async () => {
    gate = await open({ kind: 'env', allowlist: ['PATH', 'BOTH'], denylist: ['BOTH'] });
    expect(await found(gate, 'env.get', { key: 'PATH' })).toBe(process.env['PATH']);
    for (const key of ['BOTH', 'HOME']) {
      expect(await found(gate, 'env.get', { key })).toBe(failure('env key blocked by policy'));
    }
  });

  it('a variable that is not set can be asked for', async () => {
    gate = await open({ kind: 'env', overrides: {}, denylist: ['SECRET'] });
    const condition = (
      id: string,
      key: string,
      comparator: string,
      expected?: string,
    ): Members => ({
      condition_id: id,
      query: { provider_id: 'env', check_id: 'get', params: { key } },
      comparator,
      ...(expected === undefined ? {} : { expected }),
      policy_tags: [],
    });
    const conditions = [
      condition('there', 'ABSENT', 'exists'),
      condition('absent', 'ABSENT', 'not_exists'),
      condition('equal', 'ABSENT', 'equals', 'x'),
      condition('blocked', 'SECRET', 'not_exists'),
    ];
    const gates = conditions.map(({ condition_id }) =>
      gateOf(`gate-${String(condition_id)}`, { Condition: condition_id }),
    );
    await gate.call('scenario_define', {
      spec: specOf('absence', [stage('main', { gates })], conditions),
    });
    await startRun(gate, 'absence', 'run-1');
    const { feedback } = transitionOf(
      await gate.call(
        'scenario_next',
        nextOf('trigger-1', {}, { scenario_id: 'absence', feedback: 'trace' }),
      ),
    );
    expect(feedback?.gate_evaluations.map(({ gate_id, status }) => [gate_id, status])).toEqual([
      ['gate-there', 'False'],
      ['gate-absent', 'True'],
      ['gate-equal', 'Unknown'],
      ['gate-blocked', 'Unknown'],
    ]);
  });
});
