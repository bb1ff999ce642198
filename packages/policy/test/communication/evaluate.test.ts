import { and, communication, not, or, type Truth } from '@countersign/policy';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  anyConditions,
  calmConditions,
  conditions,
  parsed,
  policy,
  source,
  truths,
} from './policy.ts';

const { evaluateCommunication, rankOfLight } = communication;

/** A policy of one rule whose guard, control and escalation are conditions of their own. */
function single(base: string, escalates: boolean): communication.CommunicationPolicy {
  const texts = { label: '', summary: '', move_type: '', rationale: '' };
  const ends = { blocked_reason: '', recommended_action: '' };
  const isNotice = base === 'notice';
  return parsed({
    ...source,
    conditions: ['i.whole', 'g.one', 'c.one', 's.one'],
    integrity: ['i.whole'],
    evidence: {},
    guard_thresholds: {},
    insertable: [],
    rules: [
      {
        rule_id: 'R01',
        code: 'one',
        base,
        guard: { cond: 'g.one' },
        ...(isNotice ? {} : { control: { cond: 'c.one' } }),
        ...(escalates ? { stop_if: { cond: 's.one' } } : {}),
        ...texts,
        ...ends,
      },
    ],
  });
}

interface Row {
  readonly base: string;
  readonly escalates: boolean;
  readonly guard: Truth;
  readonly control: Truth;
  readonly stop: Truth;
}

const rows: Row[] = [];
for (const base of ['stop', 'review', 'notice']) {
  for (const escalates of base === 'notice' ? [false] : [false, true]) {
    for (const guard of truths) {
      for (const control of truths) {
        for (const stop of truths) rows.push({ base, escalates, guard, control, stop });
      }
    }
  }
}

/** The table as it is written, cell by cell. */
function expected({ base, escalates, guard, control, stop }: Row): [string, boolean] {
  const isStop = base === 'stop' || (escalates && guard !== 'false' && stop !== 'false');
  if (guard === 'false') return ['green', false];
  if (base === 'notice') return ['amber', false];
  if (control === 'true') return ['amber', false];
  if (guard === 'unknown') return ['grey', true];
  return [isStop ? 'red' : 'amber', true];
}

describe('the contribution of one rule', () => {
  it.each(rows)('$base escalates:$escalates guard:$guard control:$control stop:$stop', (row) => {
    const { rules, light, open } = evaluateCommunication(
      single(row.base, row.escalates),
      new Map([
        ['i.whole', 'true'],
        ['g.one', row.guard],
        ['c.one', row.control],
        ['s.one', row.stop],
      ]),
    );
    const [contribution, blocking] = expected(row);
    expect(rules[0]).toMatchObject({ contribution, blocking });
    expect(light).toBe(contribution);
    expect(open).toBe(!blocking);
    if (row.base !== 'notice') {
      expect(rules[0]?.value).toBe(or([not(row.guard), row.control]));
    }
  });

  it('is grey and blocks where the content could not be assessed', () => {
    for (const integrity of ['false', 'unknown'] as const) {
      const result = evaluateCommunication(
        single('notice', false),
        new Map([
          ['i.whole', integrity],
          ['g.one', 'true'],
        ]),
      );
      expect(result).toMatchObject({ light: 'grey', open: false });
    }
  });
});

describe('the delivered policy', () => {
  it('has the rules that it speaks of, in order', () => {
    const numbers = Array.from({ length: 21 }, (_, i) => `R${String(i + 1).padStart(2, '0')}`);
    expect(policy.rules.map(({ ruleId }) => ruleId)).toEqual(numbers.filter((id) => id !== 'R20'));
    const never = policy.rules.filter(({ control }) => control === 'never');
    expect(never.map(({ ruleId }) => ruleId)).toEqual(['R01', 'R02', 'R18']);
    const approving = policy.rules.filter(({ approval }) => approval);
    expect(approving.map(({ ruleId }) => ruleId)).toEqual([
      'R03',
      'R04',
      'R06',
      'R07',
      'R08',
      'R10',
      'R11',
    ]);
  });

  it('is open only under green or amber, and green only when open', () => {
    for (const arbitrary of [anyConditions, calmConditions]) {
      fc.assert(
        fc.property(arbitrary, (given) => {
          const { light, open } = evaluateCommunication(policy, given);
          if (open) expect(['green', 'amber']).toContain(light);
          if (light === 'green') expect(open).toBe(true);
        }),
        { numRuns: 2_000 },
      );
    }
  });

  it('takes the strictest contribution, and opens only when nothing blocks', () => {
    fc.assert(
      fc.property(anyConditions, (given) => {
        const { rules, integrity, light, open } = evaluateCommunication(policy, given);
        for (const { contribution } of rules) {
          expect(rankOfLight(light)).toBeGreaterThanOrEqual(rankOfLight(contribution));
        }
        expect(open).toBe(and([integrity, ...rules.map(({ value }) => value)]) === 'true');
        expect(open).toBe(integrity === 'true' && rules.every(({ blocking }) => !blocking));
      }),
    );
  });

  it('takes a missing condition for unknown', () => {
    const nothing = evaluateCommunication(policy, new Map());
    expect(nothing).toMatchObject({ light: 'grey', open: false, integrity: 'unknown' });
    fc.assert(
      fc.property(anyConditions, (given) => {
        const whole = new Map(policy.names.map((name) => [name, given.get(name) ?? 'unknown']));
        expect(evaluateCommunication(policy, given)).toEqual(evaluateCommunication(policy, whole));
      }),
      { numRuns: 200 },
    );
  });

  it('is never opened by evidence where no evidence can help', () => {
    const controls = policy.names.filter((name) => name.startsWith('c.'));
    const proven = Object.fromEntries(controls.map((name) => [name, 'true' as const]));
    for (const guard of ['g.gate_manipulation', 'g.credential_request', 'g.hidden_content']) {
      const result = evaluateCommunication(policy, conditions({ ...proven, [guard]: 'true' }));
      expect(result.open, guard).toBe(false);
    }
  });

  it('is never green for a step of consequence', () => {
    const consequential = { 'a.consequential': 'true', 'x.any_other_guard': 'false' } as const;
    const result = evaluateCommunication(policy, conditions(consequential));
    expect(result).toMatchObject({ light: 'amber', open: true });
  });
});

describe('a policy document', () => {
  const faultsOf = (change: Record<string, unknown>): readonly string[] => {
    const read = communication.parseCommunicationPolicy({ ...source, ...change } as typeof source);
    return read.ok ? [] : read.faults.map(({ pointer }) => pointer);
  };

  it('is refused with every fault at once', () => {
    expect(faultsOf({ valid_minutes: 0, id: 7 })).toEqual(
      expect.arrayContaining(['/valid_minutes', '/id']),
    );
  });

  it('is refused where it names what it does not have', () => {
    expect(faultsOf({ green_template: 'T99' })).toEqual(['/green_template']);
    expect(faultsOf({ insertable: ['R99'] })).toEqual(['/insertable']);
    expect(faultsOf({ integrity: ['i.nothing'] })).toEqual(['/integrity']);
    expect(faultsOf({ templates: {} })).toContain('/green_template');
  });

  it('is refused where a rule stands twice, or a notice could stop', () => {
    const rules = source['rules'] as unknown as Record<string, unknown>[];
    expect(faultsOf({ rules: [...rules, rules[0]] })).toEqual(['/rules']);
    const notice = rules.findIndex(({ base }) => base === 'notice');
    const stopping = rules.map((rule, i) =>
      i === notice ? { ...rule, stop_if: { cond: 'g.legal_inbound' } } : rule,
    );
    expect(faultsOf({ rules: stopping })).toEqual([`/rules/${notice}`]);
  });
});
