import { describe, expect, it } from 'vitest';
import { benchmarks, type CohortInput } from '../../src/service/reports/benchmarks.ts';
import {
  COHORT_RATES,
  type CohortRate,
  type Contribution,
  contributionOf,
  nextSnapshot,
  utcWeek,
} from '../../src/service/reports/cohort.ts';
import { type BenchmarkParameters, DEFAULTS } from '../../src/service/reports/parameters.ts';
import type { DecisionFacts } from '../../src/service/reports/population.ts';
import { ended, hashWithout, population } from './populations.ts';

function scope(n: number, rate: number, terminal = 30): Contribution {
  const rates = Object.fromEntries(COHORT_RATES.map((name) => [name, rate]));
  return { tenant: `tenant_${n}`, rates: rates as Record<CohortRate, number>, terminal };
}

const scopes = (count: number): Contribution[] =>
  Array.from({ length: count }, (_, i) => scope(i, (50 + i) / 100));

const among = (members: readonly Contribution[], rest: Partial<CohortInput> = {}): CohortInput => ({
  optedIn: true,
  caller: 'tenant_own',
  patternId: 'pricing_exception',
  snapshot: { week: '2026-W02', scopes: members },
  ...rest,
});

const OWN = ended({ succeeded: 9, failed: 1 });

const of = (
  cohort: CohortInput,
  query: Partial<BenchmarkParameters> = {},
  own: readonly DecisionFacts[] = OWN,
) => benchmarks(population(own, { limit: 5_000 }), { ...DEFAULTS.benchmarks, ...query }, cohort);

it('gives exactly these members', () => {
  const report = of(among(scopes(5)), { min_cohort_scopes: 3, min_cohort_decisions: 30 });
  const { benchmark_hash: hash, ...rest } = report;
  const percentiles = { p25: 0.51, p50: 0.52, p75: 0.53 };
  expect(rest).toEqual({
    decision_protocol_version: 'decision_protocol_v1',
    decision_benchmark_version: 'decision_benchmark_v1',
    policy_id: 'pricing_exception',
    scope: 'cohort',
    status: 'ok',
    recommendation: 'in_line',
    parameters: { limit: 5_000, min_cohort_scopes: 3, min_cohort_decisions: 30 },
    as_of_size: 240,
    checkpoint_origin: 'ledger.example/countersign',
    your_metrics: {
      decisions_total: 10,
      success_rate: 0.9,
      failure_rate: 0.1,
      revert_rate: 0,
      review_rate: 0,
      pending_rate: 0,
      terminal_coverage: 1,
      execution_coverage: 0,
      mismatch_rate: 0,
    },
    cohort: {
      pattern_id: 'pricing_exception',
      scopes_bucket: '5-9',
      min_cohort_scopes: 5,
      min_cohort_decisions: 100,
      snapshot_week: '2026-W02',
    },
    cross_customer: {
      status: 'ok',
      percentiles: {
        success_rate: percentiles,
        failure_rate: percentiles,
        review_rate: percentiles,
        revert_rate: percentiles,
        terminal_coverage: percentiles,
      },
    },
    comparison: {
      success_rate_delta_vs_p50: 0.38,
      failure_rate_delta_vs_p50: -0.42,
      review_rate_delta_vs_p50: -0.52,
      revert_rate_delta_vs_p50: -0.52,
      terminal_coverage_delta_vs_p50: 0.48,
      band: 'above_p75',
    },
  });
  expect(hash).toBe(hashWithout(report, 'benchmark_hash'));
});

describe('nothing is said about', () => {
  const silent = (report: ReturnType<typeof of>, status: string) => {
    expect(report.cross_customer).toEqual({ status });
    expect(report).not.toHaveProperty('comparison');
    expect(report.status).toBe(status);
  };

  it('a cohort of four, whatever the query says', () => {
    for (const min of [1, 3, 5]) {
      const query = { min_cohort_scopes: min, min_cohort_decisions: 1 };
      const report = of(among(scopes(4).map((one) => ({ ...one, terminal: 900 }))), query);
      silent(report, 'insufficient_cohort');
      expect(report.recommendation).toBe('insufficient_cohort');
      expect(report.cohort).not.toHaveProperty('scopes_bucket');
      expect(report.cohort).toMatchObject({ min_cohort_scopes: 5, min_cohort_decisions: 100 });
    }
  });

  it('a cohort of four and the caller itself', () => {
    const members = [...scopes(4), { ...scope(9, 0.5), tenant: 'tenant_own' }];
    silent(of(among(members)), 'insufficient_cohort');
    expect(of(among(members, { caller: 'tenant_other' })).cross_customer.status).toBe('ok');
  });

  it('a cohort of four and one with nine decisions', () => {
    silent(of(among([...scopes(4), scope(9, 0.5, 9)])), 'insufficient_cohort');
    expect(of(among([...scopes(4), scope(9, 0.5, 10)])).cross_customer.status).toBe('ok');
  });

  it('a cohort with 99 decisions', () => {
    const small = (last: number) =>
      [20, 20, 20, 20, last].map((terminal, i) => scope(i, 0.5, terminal));
    silent(of(among(small(19))), 'insufficient_cohort');
    expect(of(among(small(20))).cross_customer.status).toBe('ok');
  });

  it('a cohort below the floors that the query raises', () => {
    silent(of(among(scopes(7)), { min_cohort_scopes: 8 }), 'insufficient_cohort');
    silent(of(among(scopes(7)), { min_cohort_decisions: 211 }), 'insufficient_cohort');
    expect(of(among(scopes(7)), { min_cohort_decisions: 210 }).status).toBe('ok');
  });

  it('a cohort that one scope dominates', () => {
    const dominated = (most: number) =>
      [most, 15, 15, 15, 15].map((terminal, i) => scope(i, 0.5, terminal));
    const report = of(among(dominated(41)));
    silent(report, 'suppressed');
    expect(report.recommendation).toBe('insufficient_cohort');
    expect(of(among(dominated(40))).cross_customer.status).toBe('ok');
  });

  it('any cohort to a tenant that does not contribute', () => {
    const report = of(among(scopes(12), { optedIn: false }));
    silent(report, 'opt_in_required');
    expect(report.recommendation).toBe('opt_in_required');
    expect(report.cohort).toEqual({
      pattern_id: 'pricing_exception',
      min_cohort_scopes: 5,
      min_cohort_decisions: 100,
    });
  });

  it('the cohort of a policy without a pattern, and a cohort that was not fixed yet', () => {
    silent(of(among(scopes(12), { patternId: undefined })), 'insufficient_cohort');
    silent(of(among([], { snapshot: undefined })), 'insufficient_cohort');
  });

  it('any member of it', () => {
    const text = JSON.stringify(of(among(scopes(12))));
    expect(text).not.toContain('tenant');
    expect(text).not.toContain('360');
  });
});

describe('percentiles', () => {
  it('have the outer two from ten scopes on', () => {
    expect(of(among(scopes(9))).cross_customer.percentiles?.success_rate).toEqual({
      p25: 0.52,
      p50: 0.54,
      p75: 0.56,
    });
    expect(of(among(scopes(10))).cross_customer.percentiles?.success_rate).toEqual({
      p10: 0.51,
      p25: 0.52,
      p50: 0.55,
      p75: 0.57,
      p90: 0.58,
    });
  });

  it.each([
    [5, '5-9'],
    [9, '5-9'],
    [10, '10-19'],
    [19, '10-19'],
    [20, '20-49'],
    [49, '20-49'],
    [50, '50+'],
  ])('of %i scopes name the bucket %s', (count, bucket) => {
    expect(of(among(scopes(count))).cohort.scopes_bucket).toBe(bucket);
  });
});

describe('recommendation', () => {
  it.each<[string, number, DecisionFacts[], string, string]>([
    ['success below', 0.92, OWN, 'investigate_success_rate', 'below_p25'],
    ['success within', 0.9, OWN, 'in_line', 'p25_to_p75'],
    ['success above', 0.5, OWN, 'in_line', 'above_p75'],
    [
      'review above',
      0.5,
      OWN.map((one) => ({ ...one, firstVerdict: 'review' as const })),
      'investigate_review_rate',
      'above_p75',
    ],
  ])('%s', (_, rate, own, recommendation, band) => {
    const members = Array.from({ length: 5 }, (__, i) => scope(i, rate));
    const report = of(among(members), {}, own);
    expect(report).toMatchObject({ recommendation, comparison: { band } });
  });

  it('with nine outcomes of its own a tenant is not compared', () => {
    const report = of(among(scopes(5)), {}, OWN.slice(1));
    expect(report).toMatchObject({
      status: 'insufficient_data',
      recommendation: 'collect_more_outcomes',
      cross_customer: { status: 'ok' },
    });
    expect(report).not.toHaveProperty('comparison');
    expect(of(among(scopes(5)), {}, []).your_metrics).toEqual({ decisions_total: 0 });
  });
});

describe('contributionOf', () => {
  it('gives rounded rates from ten terminal outcomes on', () => {
    expect(
      contributionOf('tenant_a', population(ended({ succeeded: 9, none: 9 }))),
    ).toBeUndefined();
    expect(contributionOf('tenant_a', population(ended({ succeeded: 8, failed: 3 })))).toEqual({
      tenant: 'tenant_a',
      rates: {
        success_rate: 0.7273,
        failure_rate: 0.2727,
        review_rate: 0,
        revert_rate: 0,
        terminal_coverage: 1,
      },
      terminal: 11,
    });
  });
});

describe('nextSnapshot', () => {
  const first = nextSnapshot(undefined, scopes(6), '2026-W02');

  it('is fixed for its week', () => {
    expect(first.scopes).toHaveLength(6);
    expect(nextSnapshot(first, scopes(20), '2026-W02')).toBe(first);
    expect(nextSnapshot(first, scopes(20), '2026-W01')).toBe(first);
  });

  it('stays while fewer than two members came or went', () => {
    expect(nextSnapshot(first, scopes(6), '2026-W03')).toBe(first);
    expect(nextSnapshot(first, scopes(7), '2026-W03')).toBe(first);
    expect(nextSnapshot(first, scopes(5), '2026-W03')).toBe(first);
  });

  it('follows when two came, two went, or one was replaced', () => {
    for (const members of [scopes(8), scopes(4), scopes(7).slice(1)]) {
      expect(nextSnapshot(first, members, '2026-W03')).toEqual({
        week: '2026-W03',
        scopes: members,
      });
    }
  });

  it('does not depend on the order, nor count who has too few decisions', () => {
    const small = [scope(7, 0.5, 9), scope(8, 0.5, 9)];
    expect(nextSnapshot(undefined, [...small, ...scopes(6).reverse()], '2026-W02')).toEqual(first);
    expect(nextSnapshot(first, [...scopes(6), ...small], '2026-W03')).toBe(first);
  });
});

it.each([
  ['2026-01-01T00:00:00.000Z', '2026-W01'],
  ['2025-12-29T00:00:00.000Z', '2026-W01'],
  ['2025-12-28T23:59:59.999Z', '2025-W52'],
  ['2027-01-03T12:00:00.000Z', '2026-W53'],
  ['2027-01-04T00:00:00.000Z', '2027-W01'],
])('%s lies in week %s', (instant, week) => {
  expect(utcWeek(instant)).toBe(week);
});
