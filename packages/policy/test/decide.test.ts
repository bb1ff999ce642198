import { describe, expect, it } from 'vitest';
import type { Condition, TraceEntry } from '../src/condition.ts';
import { decide } from '../src/decide.ts';
import type { AbsenceReason, Evidence } from '../src/evidence.ts';
import type { Json } from '../src/json.ts';
import { arrangeEvidence, compilePolicy } from '../src/policy.ts';
import type { Requirement } from '../src/requirement.ts';

const AT = 1_767_225_600_000;
const paid: Condition = { name: 'paid', comparator: 'equals', operand: 'paid', expected: true };
const small: Condition = { name: 'small', comparator: 'at_most', operand: 'amount', expected: 100 };
const leaf = (name: string): Requirement => ({ kind: 'condition', leaf: name });
const policy = compilePolicy([paid, small], { kind: 'and', of: [leaf('small'), leaf('paid')] });

describe('decide', () => {
  it.each([
    [50, true, 'allow', 'true'],
    [500, true, 'deny', 'false'],
    [500, undefined, 'deny', 'false'],
    [50, undefined, 'review', 'unknown'],
    ['50', true, 'review', 'unknown'],
  ] as const)('amount %j, paid %j: %s', (amount, flag, verdict, truth) => {
    const evidence = new Map([['amount', present(amount)]]);
    if (flag !== undefined) evidence.set('paid', present(flag));
    const judgement = decide(policy, arrangeEvidence(policy, evidence), AT);
    expect([judgement.verdict, judgement.truth]).toEqual([verdict, truth]);
  });

  it('evaluates every condition, in the order of first use', () => {
    const { trace } = decide(policy, [present(500)], AT);
    expect(trace).toEqual([
      { name: 'small', truth: 'false' },
      { name: 'paid', truth: 'unknown', note: 'MISSING' },
    ]);
  });

  it('shares a slot between conditions over the same evidence', () => {
    const large: Condition = { ...small, name: 'large', comparator: 'greater_than' };
    const both = compilePolicy([small, large], { kind: 'or', of: [leaf('small'), leaf('large')] });
    expect(both.slots).toEqual(['amount']);
    expect(decide(both, [present(100)], AT).trace.map((entry) => entry.truth)).toEqual([
      'true',
      'false',
    ]);
  });

  it('lets a condition be used twice and traces it once', () => {
    const twice = compilePolicy([paid], { kind: 'or', of: [leaf('paid'), leaf('paid')] });
    expect(decide(twice, [present(true)], AT).trace).toHaveLength(1);
  });

  it('calls a leaf without a condition a bug', () => {
    expect(() => compilePolicy([paid], leaf('other'))).toThrow('bug');
  });
});

describe('a condition explains what it leaves open', () => {
  it.each<[AbsenceReason, string | undefined]>([
    ['missing', 'MISSING'],
    ['null', 'NULL'],
    ['conflict', 'CONFLICTING_INPUT'],
    ['malformed', 'MALFORMED'],
    ['timeout', 'TIMEOUT'],
    ['refused', 'REFUSED'],
    ['pending', 'APPROVAL_PENDING'],
    ['undetermined', undefined],
  ])('absent because %s', (because, note) => {
    const absent: Evidence = { state: 'absent', because };
    expect(judge(paid, [absent])).toEqual({
      name: 'paid',
      truth: 'unknown',
      ...(note !== undefined && { note }),
    });
  });

  it.each<[AbsenceReason, string, string]>([
    ['missing', 'false', 'true'],
    ['null', 'false', 'true'],
    ['conflict', 'unknown', 'unknown'],
    ['timeout', 'unknown', 'unknown'],
    ['malformed', 'unknown', 'unknown'],
    ['refused', 'unknown', 'unknown'],
  ])('existence judges only what nobody stated: %s', (because, exists, notExists) => {
    const absent: Evidence = { state: 'absent', because };
    const condition = { name: 'there', operand: 'x' };
    expect(judge({ ...condition, comparator: 'exists' }, [absent]).truth).toBe(exists);
    expect(judge({ ...condition, comparator: 'not_exists' }, [absent]).truth).toBe(notExists);
  });

  it('a mistyped value and an unlisted state', () => {
    expect(judge(paid, [present('true')]).note).toBe('TYPE_MISMATCH');
    const state: Condition = {
      name: 's',
      comparator: 'state',
      operand: 's',
      expected: { true: ['ok'], false: ['bad'] },
    };
    expect(judge(state, [present('odd')]).note).toBe('STATE_UNLISTED');
    expect(judge(state, [present(1)]).note).toBe('TYPE_MISMATCH');
    expect(judge(state, [present('ok')])).toEqual({ name: 's', truth: 'true' });
  });

  it('mode decided makes a mismatch a difference', () => {
    expect(judge({ ...paid, mode: 'decided' }, [present('true')])).toEqual({
      name: 'paid',
      truth: 'false',
    });
  });

  it('the other operand is judged as the first one', () => {
    const pair: Condition = {
      name: 'p',
      comparator: 'at_most_field',
      operand: 'a',
      otherOperand: 'b',
      otherMinLane: 'referenced',
      maxAgeMs: 1_000,
    };
    const referenced = (observedAt: number): Evidence => ({
      state: 'present',
      value: 10,
      lane: 'referenced',
      observedAt,
    });
    expect(judge(pair, [present(5), referenced(AT)]).truth).toBe('true');
    expect(judge(pair, [present(50), referenced(AT)]).truth).toBe('false');
    expect(judge(pair, [present(5)]).note).toBe('MISSING');
    expect(judge(pair, [present(5), present(10)]).note).toBe('ASSURANCE_TOO_LOW');
    expect(judge(pair, [present(5), referenced(AT - 1_001)]).note).toBe('EVIDENCE_STALE');
    expect(judge(pair, [present('5'), referenced(AT)]).note).toBe('TYPE_MISMATCH');
  });
});

describe('assurance', () => {
  const signed: Condition = { ...paid, minLane: 'referenced', maxAgeMs: 60_000 };
  const seen = (lane: 'referenced' | 'attested' | 'verified', observedAt?: number): Evidence => ({
    state: 'present',
    value: true,
    lane,
    ...(observedAt !== undefined && { observedAt }),
  });

  it.each([
    ['asserted is below referenced', present(true), 'ASSURANCE_TOO_LOW'],
    ['fresh', seen('referenced', AT), undefined],
    ['as old as allowed', seen('attested', AT - 60_000), undefined],
    ['a millisecond too old', seen('referenced', AT - 60_001), 'EVIDENCE_STALE'],
    ['of unknown age', seen('verified'), 'EVIDENCE_STALE'],
    ['five seconds ahead', seen('referenced', AT + 5_000), undefined],
    ['further ahead', seen('referenced', AT + 5_001), 'EVIDENCE_FROM_FUTURE'],
  ])('%s', (_, evidence, note) => {
    expect(judge(signed, [evidence])).toEqual(
      note === undefined
        ? { name: 'paid', truth: 'true' }
        : { name: 'paid', truth: 'unknown', note },
    );
  });

  it('asks nothing of the age where a mere statement suffices', () => {
    const asserted: Condition = { ...signed, minLane: 'asserted' };
    expect(judge(asserted, [seen('referenced', 0)]).truth).toBe('true');
  });

  it('each lane suffices for itself and those below', () => {
    const lanes = ['asserted', 'referenced', 'attested', 'verified'] as const;
    for (const [i, lane] of lanes.entries()) {
      for (const [j, minLane] of lanes.entries()) {
        const { truth } = judge({ ...paid, minLane }, [{ state: 'present', value: true, lane }]);
        expect([lane, minLane, truth]).toEqual([lane, minLane, i >= j ? 'true' : 'unknown']);
      }
    }
  });
});

function judge(condition: Condition, evidence: readonly Evidence[]): TraceEntry {
  const policyOfOne = compilePolicy([condition], leaf(condition.name));
  const [entry] = decide(policyOfOne, evidence, AT).trace;
  if (entry === undefined) throw new Error('no trace');
  return entry;
}

function present(value: Json): Evidence {
  return { state: 'present', value, lane: 'asserted' };
}
