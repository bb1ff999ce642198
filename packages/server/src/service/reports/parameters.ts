import type { Verdict } from './population.ts';

/**
 * Second argument of each report, under the names of the query, since the report repeats them. `policy_version` and
 * `limit` are not here: they belong to the population.
 */
export interface EffectivenessParameters {
  readonly min_sample: number;
}

export interface ConfidenceParameters {
  readonly verdict: Verdict;
  readonly action?: string | undefined;
  readonly min_sample: number;
}

export interface AnomalyParameters {
  readonly min_sample: number;
  readonly threshold: number;
  readonly max_items: number;
}

export interface BenchmarkParameters {
  readonly min_cohort_scopes: number;
  readonly min_cohort_decisions: number;
}

/** What holds for a query that does not say. */
export const DEFAULTS = {
  effectiveness: { limit: 1_000, min_sample: 10 },
  confidence: { limit: 1_000, min_sample: 10, verdict: 'yes' },
  anomalies: { limit: 1_000, min_sample: 10, threshold: 0.35, max_items: 10 },
  benchmarks: { limit: 5_000, min_cohort_scopes: 5, min_cohort_decisions: 100 },
} as const;

/** Both ends are accepted; all but `threshold` are integers. */
export const RANGES = {
  limit: { min: 1, max: 5_000 },
  min_sample: { min: 1, max: 1_000 },
  threshold: { min: 0, max: 1 },
  max_items: { min: 1, max: 100 },
  min_cohort_scopes: { min: 1, max: 1_000 },
  min_cohort_decisions: { min: 1, max: 100_000 },
} as const;
