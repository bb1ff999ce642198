import { describe, expect, it } from 'vitest';
import { confidence } from '../../src/service/reports/confidence.ts';
import { DEFAULTS } from '../../src/service/reports/parameters.ts';
import type { DecisionFacts } from '../../src/service/reports/population.ts';
import { ended, hashWithout, population } from './populations.ts';

const of = (decisions: readonly DecisionFacts[], query: { action?: string } = {}) =>
  confidence(population(decisions), { ...DEFAULTS.confidence, ...query });

it('gives exactly these members', () => {
  const report = of(ended({ succeeded: 90, failed: 10 }), { action: 'approve_discount' });
  const { confidence_hash: hash, ...rest } = report;
  expect(rest).toEqual({
    decision_protocol_version: 'decision_protocol_v1',
    decision_confidence_version: 'decision_confidence_v1',
    policy_id: 'pricing_exception',
    scope: 'caller',
    status: 'ok',
    recommendation: 'consistent',
    parameters: { limit: 1_000, min_sample: 10, verdict: 'yes', action: 'approve_discount' },
    as_of_size: 240,
    checkpoint_origin: 'ledger.example/countersign',
    score: 0.8256,
    level: 'high',
    based_on: {
      source: 'outcome_records',
      scope: 'caller',
      verdict: 'yes',
      action: 'approve_discount',
    },
    similar_decisions: 100,
    policy_stability: 0.8,
  });
  expect(hash).toBe(hashWithout(report, 'confidence_hash'));
});

it('below the smallest sample there is no score, at it there is', () => {
  const below = of(ended({ succeeded: 9, pending: 5 }));
  expect(below).toMatchObject({
    status: 'insufficient_data',
    level: 'insufficient',
    recommendation: 'no_baseline',
    similar_decisions: 9,
  });
  expect(below).not.toHaveProperty('score');
  expect(of(ended({ succeeded: 10 }))).toMatchObject({ status: 'ok', score: 0.7225, level: 'low' });
});

it('only decisions of the asked verdict and action are similar', () => {
  const decisions = [
    ...ended({ succeeded: 12 }),
    ...ended({ failed: 12 }, { verdict: 'no' }, 50),
    ...ended({ failed: 12 }, { action: 'approve_large_discount' }, 80),
  ];
  expect(of(decisions).similar_decisions).toBe(24);
  expect(of(decisions, { action: 'approve_discount' }).similar_decisions).toBe(12);
});

describe('levels and recommendations', () => {
  it.each<[string, DecisionFacts[], string, string]>([
    ['49 successes', ended({ succeeded: 49 }), 'medium', 'watch'],
    ['50 successes', ended({ succeeded: 50 }), 'high', 'consistent'],
    ['19 successes', ended({ succeeded: 19 }), 'low', 'watch'],
    ['20 successes', ended({ succeeded: 20 }), 'medium', 'watch'],
    ['a score below 0.5', ended({ succeeded: 8, failed: 2 }), 'low', 'owner_attention'],
    ['a newer half that fell', ended({ succeeded: 168, failed: 32 }), 'medium', 'owner_attention'],
  ])('%s', (_, decisions, level, recommendation) => {
    expect(of(decisions)).toMatchObject({ level, recommendation });
  });
});

describe('stability', () => {
  it('is absent below 20 similar decisions', () => {
    expect(of(ended({ succeeded: 19 }))).not.toHaveProperty('policy_stability');
    expect(of(ended({ succeeded: 20 })).policy_stability).toBe(1);
  });

  it('compares halves by age and leaves out the middle one', () => {
    const decisions = ended({ succeeded: 11, failed: 10 });
    expect(of(decisions).policy_stability).toBe(0);
    expect(of([...decisions].reverse()).policy_stability).toBe(0);
    const mixed = [...ended({ succeeded: 10 }), ...ended({ succeeded: 7, failed: 3 }, {}, 10)];
    expect(of(mixed).policy_stability).toBe(0.7);
  });
});
