import { communication, type Truth } from '@countersign/policy';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyConditions, calmConditions, conditions, policy } from './policy.ts';

const { composeDecision, evaluateCommunication, joinEvaluations, rankOfLight } = communication;

const anyEvaluation = fc
  .oneof(anyConditions, calmConditions)
  .map((given) => evaluateCommunication(policy, given));

const evaluated = (given: Readonly<Record<string, Truth>>): communication.Evaluation =>
  evaluateCommunication(policy, conditions(given));

describe('the join of evaluations', () => {
  it('is at least as strict as each of them', () => {
    fc.assert(
      fc.property(anyEvaluation, anyEvaluation, (a, b) => {
        const joined = joinEvaluations(a, b);
        const decision = composeDecision(policy, joined);
        for (const one of [a, b]) {
          const own = composeDecision(policy, one);
          expect(rankOfLight(joined.light)).toBeGreaterThanOrEqual(rankOfLight(one.light));
          expect(!joined.open || one.open).toBe(true);
          expect(!own.approvalRequired || decision.approvalRequired || decision.allowed).toBe(true);
          expect(!own.requiresHumanReview || decision.requiresHumanReview).toBe(true);
          for (const [i, { contribution, blocking }] of one.rules.entries()) {
            const rule = joined.rules[i];
            if (rule === undefined) throw new Error('a rule is lost');
            expect(rankOfLight(rule.contribution)).toBeGreaterThanOrEqual(
              rankOfLight(contribution),
            );
            expect(rule.blocking || !blocking).toBe(true);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('does not depend on order, and adds nothing of its own', () => {
    fc.assert(
      fc.property(anyEvaluation, anyEvaluation, anyEvaluation, (a, b, c) => {
        expect(joinEvaluations(a, b, c)).toEqual(joinEvaluations(c, a, b));
        expect(joinEvaluations(a, joinEvaluations(b, c))).toEqual(joinEvaluations(a, b, c));
        expect(joinEvaluations(a, a)).toEqual(a);
      }),
      { numRuns: 300 },
    );
  });

  it('is open only under green or amber', () => {
    fc.assert(
      fc.property(anyEvaluation, anyEvaluation, (a, b) => {
        const { light, open } = joinEvaluations(a, b);
        if (open) expect(['green', 'amber']).toContain(light);
        if (light === 'green') expect(open).toBe(true);
      }),
    );
  });

  it('keeps the grey that a new finding would turn into amber', () => {
    const unread = evaluated({ 'g.commitment_requested': 'unknown' });
    const found = evaluated({ 'g.commitment_requested': 'true' });
    expect([unread.light, found.light]).toEqual(['grey', 'amber']);
    expect(joinEvaluations(unread, found)).toMatchObject({ light: 'grey', open: false });
  });

  it('keeps the approval that one of them asks for', () => {
    const unread = evaluated({ 'g.concession_requested': 'unknown' });
    const found = evaluated({ 'g.concession_requested': 'true' });
    const joined = composeDecision(policy, joinEvaluations(unread, found));
    expect(joined).toMatchObject({ light: 'grey', approvalRequired: true, primary: 'R20' });
    expect(joined.reasons).toEqual([
      { rule_id: 'R10', code: 'concession', contribution: 'grey', blocking: true },
    ]);
  });
});
