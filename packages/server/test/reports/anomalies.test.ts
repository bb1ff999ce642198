import { describe, expect, it } from 'vitest';
import { anomalies } from '../../src/service/reports/anomalies.ts';
import { type AnomalyParameters, DEFAULTS } from '../../src/service/reports/parameters.ts';
import type { DecisionFacts, Population } from '../../src/service/reports/population.ts';
import {
  decision,
  ended,
  executed,
  hashWithout,
  minute,
  outcome,
  population,
} from './populations.ts';

const of = (
  decisions: readonly DecisionFacts[],
  query: Partial<AnomalyParameters> = {},
  rest: Partial<Population> = {},
) => anomalies(population(decisions, rest), { ...DEFAULTS.anomalies, ...query });

const margin = (i: number, value: number, status: 'succeeded' | 'failed' = 'succeeded') =>
  decision(i, { outcomes: [outcome(status, { margin_after_discount: value })] });

/** 40 terminal decisions, 36 successes; margins with median 0.18 and median deviation 0.02. */
const FORTY = [
  margin(0, 0.02, 'failed'),
  ...Array.from({ length: 18 }, (_, i) => margin(1 + i, 0.16)),
  margin(19, 0.18),
  margin(20, 0.18),
  ...Array.from({ length: 16 }, (_, i) => margin(21 + i, 0.2)),
  ...Array.from({ length: 3 }, (_, i) => margin(37 + i, 0.2, 'failed')),
];

describe('a failed decision with an outlying metric among forty', () => {
  const report = of(FORTY, { max_items: 1 });

  it('scores 0.7796 and is high', () => {
    expect(report.baseline).toEqual({
      n: 40,
      success_rate: 0.9,
      revert_rate: 0,
      metrics: { margin_after_discount: { n: 40, median: 0.18, mad: 0.02 } },
    });
    expect(report.anomalies).toEqual([
      {
        decision_id: 'dec_00000',
        anomaly_score: 0.7796,
        severity: 'high',
        reason_codes: ['FAILED_AGAINST_BASELINE', 'METRIC_OUTLIER:margin_after_discount'],
        contributions: {
          FAILED_AGAINST_BASELINE: 0.54,
          'METRIC_OUTLIER:margin_after_discount': 0.2396,
        },
        baseline_refs: {
          FAILED_AGAINST_BASELINE: { n: 40, success_rate: 0.9 },
          'METRIC_OUTLIER:margin_after_discount': { n: 40, value: 0.02, median: 0.18, mad: 0.02 },
        },
        explanation:
          'The outcome is failed; the success rate of 40 decisions is 0.9. The metric margin_after_discount is 0.02; the median of 40 decisions is 0.18, their median absolute deviation 0.02.',
        recommendation: 'owner_review',
      },
    ]);
  });

  it('stands in a report of exactly these members, whose counts are those before the cut', () => {
    const { anomaly_hash: hash, anomalies: _, baseline: __, ...rest } = report;
    expect(rest).toEqual({
      decision_protocol_version: 'decision_protocol_v1',
      decision_anomaly_report_version: 'decision_anomaly_report_v1',
      policy_id: 'pricing_exception',
      scope: 'caller',
      status: 'anomalies_found',
      recommendation: 'owner_review',
      parameters: { limit: 1_000, min_sample: 10, threshold: 0.35, max_items: 1 },
      as_of_size: 240,
      checkpoint_origin: 'ledger.example/countersign',
      decisions_analyzed: 40,
      summary: {
        decisions_total: 40,
        anomalies_total: 4,
        by_severity: { critical: 0, high: 1, medium: 3, low: 0 },
        by_code: { FAILED_AGAINST_BASELINE: 4, 'METRIC_OUTLIER:margin_after_discount': 1 },
      },
    });
    expect(hash).toBe(hashWithout(report, 'anomaly_hash'));
  });
});

describe('codes', () => {
  const due = { lastEntryAt: minute(7 * 24 * 60 + 1) };
  it.each<[string, number, DecisionFacts, Partial<Population>]>([
    [
      'EXECUTED_WITHOUT_YES',
      1,
      decision(1, { verdict: 'no', executions: [executed(1, { reasons: ['NOT_AUTHORIZED'] })] }),
      {},
    ],
    [
      'EXECUTED_WITHOUT_YES',
      1,
      decision(1, { executions: [executed(1, { reasons: ['ADVISORY_ONLY'] })] }),
      {},
    ],
    [
      'EXECUTION_BINDING_MISMATCH',
      1,
      decision(1, { executions: [executed(1, { reasons: ['ACTION_DIFFERS'] })] }),
      {},
    ],
    [
      'EXECUTION_BINDING_MISMATCH',
      1,
      decision(1, { executions: [executed(1, { match: false })] }),
      {},
    ],
    [
      'EXECUTED_AFTER_EXPIRY',
      0.8,
      decision(1, { executions: [executed(1, { reasons: ['AUTHORIZATION_EXPIRED'] })] }),
      {},
    ],
    [
      'DUPLICATE_EXECUTION',
      0.9,
      decision(1, { executions: [executed(1, { reasons: ['EXECUTION_LIMIT'] })] }),
      {},
    ],
    ['OUTCOME_OVERDUE', 0.35, decision(0, { executions: [executed(0)] }), due],
    [
      'OUTCOME_FLIPPED',
      0.4,
      decision(1, { outcomes: [outcome('failed'), outcome('pending'), outcome('succeeded')] }),
      {},
    ],
    ['REVIEW_STALE', 0.35, decision(1, { reviewOpen: true, reviewDueAt: minute(8_999) }), {}],
    [
      'STATE_UNCHANGED',
      0.45,
      decision(1, { executions: [executed(1, { stateAfterHash: 'sha256:before' })] }),
      { lastEntryAt: minute(1) },
    ],
    [
      'FAST_EXECUTION_REPORT',
      1,
      decision(1, { executions: [executed(1, { executedAt: minute(0) })] }),
      { lastEntryAt: minute(1) },
    ],
  ])('%s %f', (code, contribution, one, rest) => {
    const [item] = of([one], {}, rest).anomalies;
    expect(item).toMatchObject({
      decision_id: one.decisionId,
      reason_codes: [code],
      contributions: { [code]: contribution },
      anomaly_score: contribution,
    });
  });

  it('an executed receipt on a review counts as one without yes, whatever its reasons say', () => {
    const one = decision(1, { verdict: 'review', executions: [executed(1, { match: false })] });
    expect(of([one]).anomalies[0]?.reason_codes).toEqual([
      'EXECUTED_WITHOUT_YES',
      'EXECUTION_BINDING_MISMATCH',
    ]);
  });

  it('what is in order has none', () => {
    const inOrder = [
      decision(0, { executions: [executed(0)], outcomes: [outcome('pending')] }),
      decision(1, { verdict: 'no', executions: [executed(1, { status: 'blocked' })] }),
      decision(2, { outcomes: [outcome('failed'), outcome('failed')] }),
      decision(3, { outcomes: [outcome('pending'), outcome('succeeded')] }),
      decision(4, { reviewOpen: true, reviewDueAt: minute(9_000) }),
      decision(5, { reviewOpen: false, reviewDueAt: minute(0) }),
    ];
    const { anomalies: items, summary } = of(inOrder, { threshold: 0 });
    expect(items).toEqual([]);
    expect(summary.anomalies_total).toBe(0);
    const dueToTheMillisecond = decision(0, { executions: [executed(0)] });
    const { summary: none } = of([dueToTheMillisecond], {}, { lastEntryAt: minute(7 * 24 * 60) });
    expect(none.anomalies_total).toBe(0);
  });

  it('without a last entry nothing is overdue', () => {
    const late = decision(0, {
      executions: [executed(0)],
      reviewOpen: true,
      reviewDueAt: minute(1),
    });
    expect(of([late]).summary.anomalies_total).toBe(1);
    expect(of([late], {}, { lastEntryAt: undefined }).summary.anomalies_total).toBe(0);
  });

  it('REVERTED_AGAINST_BASELINE weighs the less the more is reverted', () => {
    const report = of(ended({ succeeded: 8, reverted: 2 }));
    expect(report.anomalies[0]?.contributions).toEqual({ REVERTED_AGAINST_BASELINE: 0.56 });
  });

  it('codes that need a baseline begin at the smallest sample', () => {
    expect(of(ended({ succeeded: 8, failed: 1 })).anomalies).toEqual([]);
    const report = of(ended({ succeeded: 9, failed: 1 }));
    expect(report.anomalies[0]?.contributions).toEqual({ FAILED_AGAINST_BASELINE: 0.54 });
  });

  it('METRIC_OUTLIER is capped, has a fixed weight without spread, and needs its own sample', () => {
    const outlier = (usual: readonly number[], value: number) =>
      of([...usual.map((one, i) => margin(i, one)), margin(99, value)], {
        threshold: 0,
      }).anomalies.find(({ decision_id: id }) => id === 'dec_00099')?.contributions[
        'METRIC_OUTLIER:margin_after_discount'
      ];
    const spread = [0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.3, 0.3, 0.3];
    expect(outlier(spread, 90)).toBe(0.6);
    expect(outlier(spread, 0.6)).toBeUndefined();
    expect(outlier(spread.slice(1), 90)).toBeUndefined();
    expect(
      outlier(
        Array.from({ length: 9 }, () => 0.2),
        0.21,
      ),
    ).toBe(0.3);
    expect(
      outlier(
        Array.from({ length: 9 }, () => 0.2),
        0.2,
      ),
    ).toBeUndefined();
  });

  it('METRIC_OUT_OF_DECLARED_RANGE needs no sample; both ends are inside', () => {
    const policy = {
      metrics: [{ name: 'margin_after_discount', range: { min: 0, max: 0.5 } }],
      dueSeconds: 60,
    };
    const report = of(
      [margin(1, 0), margin(2, 0.5), margin(3, 0.51), margin(4, -0.01)],
      {},
      { policy },
    );
    expect(report.anomalies.map(({ decision_id: id }) => id)).toEqual(['dec_00003', 'dec_00004']);
    expect(report.anomalies[0]).toMatchObject({
      contributions: { 'METRIC_OUT_OF_DECLARED_RANGE:margin_after_discount': 0.5 },
      baseline_refs: {
        'METRIC_OUT_OF_DECLARED_RANGE:margin_after_discount': { value: 0.51, min: 0, max: 0.5 },
      },
    });
  });
});

describe('the threshold', () => {
  const flipped = decision(1, { outcomes: [outcome('failed'), outcome('succeeded')] });

  it('is reached by its own value', () => {
    expect(of([flipped], { threshold: 0.4 }).summary.anomalies_total).toBe(1);
    expect(of([flipped], { threshold: 0.41 }).summary.anomalies_total).toBe(0);
  });

  it('hides no contribution from 0.80 on', () => {
    const late = decision(1, { executions: [executed(1, { reasons: ['AUTHORIZATION_EXPIRED'] })] });
    expect(of([late], { threshold: 1, min_sample: 1_000 }).anomalies).toHaveLength(1);
  });
});

describe('severity', () => {
  const expired = executed(1, { reasons: ['AUTHORIZATION_EXPIRED'] });
  const same = { stateAfterHash: 'sha256:before' };
  it.each<[string, string, DecisionFacts]>([
    ['0.35', 'low', decision(1, { reviewOpen: true, reviewDueAt: minute(2) })],
    [
      '0.45',
      'medium',
      decision(1, { executions: [executed(1, same)], outcomes: [outcome('pending')] }),
    ],
    ['0.8', 'high', decision(1, { executions: [expired] })],
    [
      '0.85',
      'critical',
      decision(1, {
        executions: [executed(1, same)],
        outcomes: [outcome('failed'), outcome('reverted')],
      }),
    ],
    ['1', 'critical', decision(1, { executions: [expired, executed(1, { match: false })] })],
  ])('%s is %s', (score, severity, one) => {
    const [item] = of([one], { threshold: 0 }).anomalies;
    expect(item).toMatchObject({ anomaly_score: Number(score), severity });
  });
});

it('sorts by score, then age, then id, and cuts after counting', () => {
  const stale = (i: number, facts: Partial<DecisionFacts> = {}) =>
    decision(i, { reviewOpen: true, reviewDueAt: minute(20), ...facts });
  const worse = decision(9, { executions: [executed(9, { match: false })] });
  const twin = stale(3, { createdAt: minute(1) });
  const report = of([worse, twin, stale(2), stale(1)], { max_items: 3 });
  expect(report.anomalies.map(({ decision_id: id }) => id)).toEqual([
    'dec_00009',
    'dec_00001',
    'dec_00003',
  ]);
  expect(report.summary).toMatchObject({
    anomalies_total: 4,
    by_severity: { critical: 1, high: 0, medium: 0, low: 3 },
    by_code: { EXECUTION_BINDING_MISMATCH: 1, REVIEW_STALE: 3 },
  });
});

describe('status and recommendation', () => {
  const unchanged = (i: number) =>
    decision(i, {
      executions: [executed(i, { stateAfterHash: 'sha256:before' })],
      outcomes: [outcome('succeeded')],
    });
  const enough = ended({ succeeded: 10 }, {}, 50);
  it.each<[string, DecisionFacts[], string, string]>([
    ['nothing', enough, 'ok', 'none'],
    ['two medium', [unchanged(1), unchanged(2), ...enough], 'anomalies_found', 'watch'],
    [
      'three medium',
      [unchanged(1), unchanged(2), unchanged(3), ...enough],
      'anomalies_found',
      'owner_review',
    ],
    [
      'one high',
      [
        decision(1, { executions: [executed(1, { reasons: ['AUTHORIZATION_EXPIRED'] })] }),
        ...enough,
      ],
      'anomalies_found',
      'owner_review',
    ],
    [
      'one critical among few',
      [decision(1, { executions: [executed(1, { match: false })] })],
      'insufficient_data',
      'stop_boundary',
    ],
    ['one medium among few', [unchanged(1)], 'insufficient_data', 'collect_more_outcomes'],
    ['no decision', [], 'insufficient_data', 'collect_more_outcomes'],
  ])('%s', (_, decisions, status, recommendation) => {
    expect(of(decisions)).toMatchObject({ status, recommendation });
  });
});

describe('shifts of the whole population', () => {
  const verdicts = (newest: number, before: number, firstVerdict: 'review' | 'no') => [
    ...Array.from({ length: 200 }, (_, i) => decision(i, i < before ? { firstVerdict } : {})),
    ...Array.from({ length: 50 }, (_, i) => decision(200 + i, i < newest ? { firstVerdict } : {})),
  ];

  it.each([
    ['REVIEW_RATE_SHIFT', 'review'],
    ['DENY_RATE_SHIFT', 'no'],
  ] as const)('%s is one item without a decision', (code, verdict) => {
    const [item, ...more] = of(verdicts(21, 40, verdict)).anomalies;
    expect(more).toEqual([]);
    expect(item).toMatchObject({
      reason_codes: [code],
      severity: 'medium',
      baseline_refs: { [code]: { newest_rate: 0.42, previous_rate: 0.2 } },
    });
    expect(item).not.toHaveProperty('decision_id');
  });

  it('a difference of exactly 0.20 is none, in either direction, nor is one among 249', () => {
    expect(of(verdicts(20, 40, 'review')).anomalies).toEqual([]);
    expect(of(verdicts(0, 40, 'review')).anomalies).toEqual([]);
    expect(of(verdicts(0, 41, 'review')).anomalies).toHaveLength(1);
    expect(of(verdicts(50, 0, 'review').slice(1)).anomalies).toEqual([]);
  });
});
