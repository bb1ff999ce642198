import { describe, expect, it } from 'vitest';
import { effectiveness } from '../../src/service/reports/effectiveness.ts';
import { DEFAULTS } from '../../src/service/reports/parameters.ts';
import type { DecisionFacts } from '../../src/service/reports/population.ts';
import { r4 } from '../../src/service/reports/statistics.ts';
import { decision, ended, executed, hashWithout, outcome, population } from './populations.ts';

const of = (decisions: readonly DecisionFacts[]) =>
  effectiveness(population(decisions), DEFAULTS.effectiveness);

describe('twelve decisions, eight successes and two failures', () => {
  const report = of(ended({ succeeded: 8, failed: 2, none: 2 }));

  it('score 0.6608 and are to be watched', () => {
    expect(report.effectiveness_score).toBe(0.6608);
    expect(report.recommendation).toBe('watch_policy');
    expect(report.status).toBe('ok');
  });

  it('give exactly these members', () => {
    const { effectiveness_hash: hash, ...rest } = report;
    expect(rest).toEqual({
      decision_protocol_version: 'decision_protocol_v1',
      decision_effectiveness_version: 'decision_effectiveness_v1',
      policy_id: 'pricing_exception',
      scope: 'caller',
      status: 'ok',
      recommendation: 'watch_policy',
      parameters: { limit: 1_000, min_sample: 10 },
      as_of_size: 240,
      checkpoint_origin: 'ledger.example/countersign',
      decisions_analyzed: 10,
      effectiveness_score: 0.6608,
      confidence: { level: 'low', interval_low: 0.4902, interval_high: 0.9433, width: 0.4532 },
      metrics: {
        decisions_total: 12,
        success_rate: 0.8,
        failure_rate: 0.2,
        revert_rate: 0,
        review_rate: 0,
        pending_rate: 0,
        terminal_coverage: 0.8333,
        execution_coverage: 0,
        mismatch_rate: 0,
      },
      proxy_quality: {
        label: 'outcome_proxy',
        false_positive_proxy: 0.2,
        false_positive_cases: 2,
        terminal_yes: 10,
        false_negative_cases: 0,
        terminal_no: 0,
      },
    });
    expect(hash).toBe(hashWithout(report, 'effectiveness_hash'));
  });

  it('are explained by the report itself', () => {
    const { metrics, confidence } = report;
    const again =
      0.6 * confidence!.interval_low +
      0.2 * metrics.terminal_coverage! +
      0.1 * (1 - metrics.pending_rate!) +
      0.1 * (1 - metrics.mismatch_rate!);
    expect(r4(again)).toBe(report.effectiveness_score);
  });
});

describe('the smallest sample', () => {
  it('one below it gives no score', () => {
    const report = of(ended({ succeeded: 9 }));
    expect(report).toMatchObject({
      status: 'insufficient_data',
      recommendation: 'collect_more_outcomes',
    });
    expect(report).not.toHaveProperty('effectiveness_score');
  });

  it('reaching it gives one; a decision that is pending does not count', () => {
    expect(of(ended({ succeeded: 10 }))).toMatchObject({
      status: 'ok',
      effectiveness_score: 0.8335,
    });
    expect(of(ended({ succeeded: 9, pending: 1 })).status).toBe('insufficient_data');
  });

  it('what is pending lowers the score by its share', () => {
    expect(of(ended({ succeeded: 10, pending: 10 })).effectiveness_score).toBe(0.6835);
  });

  it('no decision at all is insufficient, without a rate and without an interval', () => {
    const report = of([]);
    expect(report).toMatchObject({ status: 'insufficient_data', decisions_analyzed: 0 });
    expect(report.metrics).toEqual({ decisions_total: 0 });
    expect(report).not.toHaveProperty('confidence');
  });
});

describe('the first matching recommendation', () => {
  const without = (i: number) =>
    decision(i, { verdict: 'no', executions: [executed(i, { reasons: ['NOT_AUTHORIZED'] })] });
  const mismatch = (i: number) =>
    decision(i, {
      executions: [executed(i, { reasons: ['ACTION_DIFFERS'] })],
      outcomes: [outcome('succeeded')],
    });
  const good = (n: number) => ended({ succeeded: n }, {}, 100);

  it.each<[string, string, DecisionFacts[]]>([
    ['one execution without yes', 'stop_and_review', [without(1)]],
    ['two mismatches of 100', 'stop_and_review', [mismatch(1), mismatch(2), ...good(98)]],
    ['two mismatches of 101', 'keep_policy', [mismatch(1), mismatch(2), ...good(99)]],
    ['one mismatch of ten', 'keep_policy', [mismatch(1), ...good(40)]],
    ['nine outcomes', 'collect_more_outcomes', good(9)],
    ['less than half covered', 'collect_more_outcomes', ended({ succeeded: 10, none: 11 })],
    ['half covered', 'watch_policy', ended({ succeeded: 10, none: 10 })],
    ['an upper bound below 0.80', 'tighten_policy', ended({ succeeded: 5, failed: 5 })],
    ['five of 33 wrong yes', 'tighten_policy', ended({ succeeded: 28, failed: 3, reverted: 2 })],
    ['four of 26 wrong yes', 'keep_policy', ended({ succeeded: 22, failed: 4 })],
    ['five of 34 wrong yes', 'keep_policy', ended({ succeeded: 29, failed: 5 })],
    [
      'five of 25 wrong no',
      'loosen_or_clarify_policy',
      ended({ succeeded: 20, failed: 5 }, { verdict: 'no' }),
    ],
    ['five of 26 wrong no', 'keep_policy', ended({ succeeded: 21, failed: 5 }, { verdict: 'no' })],
    ['four of 20 wrong no', 'keep_policy', ended({ succeeded: 16, failed: 4 }, { verdict: 'no' })],
    [
      '20 of 50 to review',
      'loosen_or_clarify_policy',
      [...good(30), ...ended({ succeeded: 20 }, { firstVerdict: 'review' })],
    ],
    [
      '20 of 49 to review',
      'keep_policy',
      [...good(29), ...ended({ succeeded: 20 }, { firstVerdict: 'review' })],
    ],
    ['ten successes', 'keep_policy', good(10)],
  ])('%s: %s', (_, want, decisions) => {
    expect(of(decisions).recommendation).toBe(want);
  });
});

describe('confidence level', () => {
  it.each([
    [29, 1, 'medium'],
    [28, 1, 'low'],
    [99, 1, 'high'],
    [98, 1, 'medium'],
    [15, 15, 'low'],
  ])('%i of successes, %i of failures: %s', (succeeded, failed, level) => {
    expect(of(ended({ succeeded, failed })).confidence?.level).toBe(level);
  });
});

describe('metrics', () => {
  it('takes the latest outcome, the first verdict and any receipt', () => {
    const report = of([
      decision(1, { outcomes: [outcome('succeeded'), outcome('failed')] }),
      decision(2, { outcomes: [outcome('failed'), outcome('pending')] }),
      decision(3, { firstVerdict: 'review', executions: [executed(3, { status: 'skipped' })] }),
      decision(4, { verdict: 'no' }),
    ]);
    expect(report.metrics).toEqual({
      decisions_total: 4,
      success_rate: 0,
      failure_rate: 1,
      revert_rate: 0,
      review_rate: 0.25,
      pending_rate: 0.5,
      terminal_coverage: 0.25,
      execution_coverage: 0.3333,
      mismatch_rate: 0,
    });
  });

  it('observes what the policy names and nothing else', () => {
    const values = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
    const report = of(
      values.map((value, i) =>
        decision(i, {
          outcomes: [outcome('succeeded', { margin_after_discount: value, other: 1 })],
        }),
      ),
    );
    expect(report.metrics.observed).toEqual({
      margin_after_discount: { n: 10, median: 0.55, p10: 0.1, p90: 0.9 },
    });
  });
});

it('a version that was asked for stands in the report and in its parameters', () => {
  const report = effectiveness(population([], { policyVersion: 'v3' }), { min_sample: 10 });
  expect(report.policy_version).toBe('v3');
  expect(report.parameters.policy_version).toBe('v3');
});
