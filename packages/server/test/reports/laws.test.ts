import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anomalies } from '../../src/service/reports/anomalies.ts';
import { benchmarks } from '../../src/service/reports/benchmarks.ts';
import { confidence } from '../../src/service/reports/confidence.ts';
import { effectiveness } from '../../src/service/reports/effectiveness.ts';
import { DEFAULTS, RANGES } from '../../src/service/reports/parameters.ts';
import type { DecisionFacts, Population } from '../../src/service/reports/population.ts';
import {
  anyDecisions,
  decision,
  executed,
  hashWithout,
  hollowPaths,
  outcome,
  population,
} from './populations.ts';

const REPORTS: readonly [string, (from: Population) => object][] = [
  ['effectiveness_hash', (from) => effectiveness(from, DEFAULTS.effectiveness)],
  ['confidence_hash', (from) => confidence(from, DEFAULTS.confidence)],
  ['anomaly_hash', (from) => anomalies(from, DEFAULTS.anomalies)],
  [
    'benchmark_hash',
    (from) => benchmarks(from, DEFAULTS.benchmarks, { optedIn: false, caller: 'tenant_own' }),
  ],
];

const FEW = { numRuns: 60 };

describe.each(REPORTS)('%s', (hashMember, report) => {
  it('is recomputed from the other members, none without a value but an empty list of anomalies', () => {
    fc.assert(
      fc.property(anyDecisions, (decisions) => {
        const made = report(population(decisions));
        expect(hollowPaths(made).filter((path) => path !== '/anomalies')).toEqual([]);
        const kept = new Map(Object.entries(made)).get(hashMember);
        expect(kept).toBe(hashWithout(made, hashMember));
      }),
      FEW,
    );
  });

  it('does not depend on the order in which decisions were read', () => {
    const shuffled = anyDecisions.chain((decisions) =>
      fc.tuple(
        fc.constant(decisions),
        fc.shuffledSubarray(decisions, { minLength: decisions.length }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([decisions, others]) => {
        expect(report(population(others))).toEqual(report(population(decisions)));
      }),
      FEW,
    );
  });

  it('does not change with decisions beyond the limit, but with one within', () => {
    const decisions = Array.from({ length: 12 }, (_, i) =>
      decision(1 + i, { outcomes: [outcome('succeeded')] }),
    );
    const older = decision(0, { outcomes: [outcome('failed')] });
    const newer = { ...older, decisionId: 'dec_newer', createdAt: '2026-09-01T00:00:00.000Z' };
    const made = report(population(decisions, { limit: 12 }));
    expect(report(population([...decisions, older], { limit: 12 }))).toEqual(made);
    expect(report(population([newer, ...decisions], { limit: 12 }))).not.toEqual(made);
  });

  it('depends on the ledger size', () => {
    expect(report(population([], { asOfSize: 1 }))).not.toEqual(
      report(population([], { asOfSize: 2 })),
    );
  });
});

it('replacing a pending outcome by a success never lowers the effectiveness score', () => {
  const withPending = fc
    .tuple(anyDecisions, fc.nat())
    .filter(([decisions]) => decisions.length > 0)
    .map(([decisions, at]): [DecisionFacts[], number] => [decisions, at % decisions.length]);
  let compared = 0;
  fc.assert(
    fc.property(withPending, ([decisions, at]) => {
      const ending = (status: 'pending' | 'succeeded') =>
        decisions.map((one, i) => (i === at ? { ...one, outcomes: [outcome(status)] } : one));
      const score = (of: DecisionFacts[]) =>
        effectiveness(population(of), { min_sample: 1 }).effectiveness_score;
      const before = score(ending('pending'));
      if (before === undefined) return;
      compared++;
      expect(score(ending('succeeded'))).toBeGreaterThanOrEqual(before);
    }),
    { numRuns: 200 },
  );
  expect(compared).toBeGreaterThan(100);
});

it('a mismatch is always among the anomalies', () => {
  const reasons = [
    'NOT_AUTHORIZED',
    'ADVISORY_ONLY',
    'SUPERSEDED',
    'BINDING_INCOMPLETE',
    'ACTION_DIFFERS',
    'AUTHORIZATION_EXPIRED',
    'EXECUTION_LIMIT',
    'CLAIM_MISSING',
    'LINK_MISMATCH',
    'SOMETHING_NEW',
  ];
  fc.assert(
    fc.property(anyDecisions, fc.subarray(reasons), (decisions, some) => {
      const one = decision(999, {
        executions: [executed(999, { match: false, reasons: some })],
      });
      const { anomalies: items } = anomalies(population([one, ...decisions]), {
        min_sample: RANGES.min_sample.max,
        threshold: RANGES.threshold.max,
        max_items: RANGES.max_items.max,
      });
      expect(items.map(({ decision_id: id }) => id)).toContain(one.decisionId);
    }),
    FEW,
  );
});

it('a score is the sum of the contributions shown, at most 1', () => {
  fc.assert(
    fc.property(anyDecisions, (decisions) => {
      const { anomalies: items } = anomalies(population(decisions), {
        ...DEFAULTS.anomalies,
        threshold: 0,
      });
      for (const item of items) {
        const sum = Object.values(item.contributions).reduce((a, b) => a + b, 0);
        expect(item.anomaly_score).toBeCloseTo(Math.min(1, sum), 9);
        expect(Object.keys(item.contributions).sort()).toEqual([...item.reason_codes].sort());
      }
    }),
    FEW,
  );
});

it('no report says what it cannot know', () => {
  fc.assert(
    fc.property(anyDecisions, (decisions) => {
      for (const [, report] of REPORTS) {
        expect(JSON.stringify(report(population(decisions)))).not.toMatch(
          /\b(safe|approved|predicts)\b/,
        );
      }
    }),
    FEW,
  );
});
