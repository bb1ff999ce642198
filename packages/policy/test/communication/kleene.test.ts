import {
  and,
  atLeast,
  communication,
  evaluateRequirement,
  not,
  or,
  type Truth,
} from '@countersign/policy';
import { describe, expect, it } from 'vitest';
import { conditions, parsed, policy, source, truths } from './policy.ts';

const { evaluateCommunication, parseCommunicationPolicy } = communication;

/** Every list of up to `lengthMax` truths. */
function lists(lengthMax: number): readonly (readonly Truth[])[] {
  let last: readonly (readonly Truth[])[] = [[]];
  const all = [...last];
  for (let length = 1; length <= lengthMax; length += 1) {
    last = last.flatMap((list) => truths.map((truth) => [...list, truth]));
    all.push(...last);
  }
  return all;
}

describe('three-valued operators', () => {
  it('C-55 and, or, not as they are written down', () => {
    for (const list of lists(4)) {
      const all = list.includes('false') ? 'false' : list.includes('unknown') ? 'unknown' : 'true';
      const any = list.includes('true') ? 'true' : list.includes('unknown') ? 'unknown' : 'false';
      expect(and(list), `and ${list.join()}`).toBe(all);
      expect(or(list), `or ${list.join()}`).toBe(any);
    }
    expect(truths.map(not)).toEqual(['false', 'true', 'unknown']);
  });

  it('C-55 an empty and holds, an empty or does not', () => {
    expect(evaluateRequirement({ kind: 'and', of: [] }, [])).toBe('true');
    expect(evaluateRequirement({ kind: 'or', of: [] }, [])).toBe('false');
  });

  it('C-55 a group holds with enough, fails when enough is out of reach, and is unknown in between', () => {
    for (const list of lists(4)) {
      const trues = list.filter((one) => one === 'true').length;
      const unknowns = list.filter((one) => one === 'unknown').length;
      for (let min = 1; min <= list.length; min += 1) {
        const want = trues >= min ? 'true' : trues + unknowns < min ? 'false' : 'unknown';
        expect(atLeast(min, list), `${min} of ${list.join()}`).toBe(want);
      }
    }
  });

  it.each([0, -1, 1.5, 3])(
    'C-55 a group of two with a minimum of %s is a fault of the policy',
    (min) => {
      const group = { group: { min, of: [{ cond: 'a.signs' }, { cond: 'a.approves' }] } };
      const rules = (source['rules'] as readonly object[]).map((rule, i) =>
        i === 2 ? { ...rule, control: group } : rule,
      );
      const read = parseCommunicationPolicy({ ...source, rules } as typeof source);
      expect(read.ok).toBe(false);
      expect(read.ok ? [] : read.faults.map(({ pointer }) => pointer)).toEqual([
        '/rules/2/control/group/min',
      ]);
    },
  );

  it('C-55 a name that is missing is unknown, never an error and never false', () => {
    const one = parsed({
      ...source,
      insertable: [],
      rules: (source['rules'] as { rule_id: string }[]).filter((rule) => rule.rule_id === 'R15'),
    } as typeof source);
    const given = new Map(conditions({ 'g.authority_claim': 'true' }));
    given.delete('c.authority_verified');
    expect(evaluateCommunication(one, given).rules[0]).toMatchObject({
      control: 'unknown',
      value: 'unknown',
      blocking: true,
    });
    given.delete('g.authority_claim');
    expect(evaluateCommunication(one, given)).toMatchObject({ light: 'grey', open: false });
    expect(evaluateCommunication(policy, new Map()).open).toBe(false);
  });
});
