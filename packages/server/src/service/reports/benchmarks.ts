import {
  COHORT_RATES,
  type CohortRate,
  type CohortSnapshot,
  type Contribution,
  countedScopes,
} from './cohort.ts';
import {
  headOf,
  type PopulationParameters,
  parametersOf,
  type ReportHead,
  sealed,
} from './envelope.ts';
import { type BenchmarkParameters, DEFAULTS } from './parameters.ts';
import type { Population } from './population.ts';
import { ascending, interpolated, r2, r4 } from './statistics.ts';
import { type Rates, ratesOf, rounded, tally } from './tally.ts';

export type CohortStatus = 'ok' | 'insufficient_cohort' | 'suppressed' | 'opt_in_required';

export interface BenchmarkReport
  extends ReportHead<
    CohortStatus | 'insufficient_data',
    | 'opt_in_required'
    | 'insufficient_cohort'
    | 'collect_more_outcomes'
    | 'investigate_success_rate'
    | 'investigate_review_rate'
    | 'in_line'
  > {
  readonly decision_benchmark_version: 'decision_benchmark_v1';
  /** As asked; `cohort` holds the floors that were applied. */
  readonly parameters: PopulationParameters & BenchmarkParameters;
  readonly your_metrics: Rates & { readonly decisions_total: number };
  readonly cohort: {
    readonly pattern_id?: string | undefined;
    /** Absent below five, and for who does not contribute. */
    readonly scopes_bucket?: '5-9' | '10-19' | '20-49' | '50+' | undefined;
    readonly min_cohort_scopes: number;
    readonly min_cohort_decisions: number;
    /** Week in which the cohort was fixed. */
    readonly snapshot_week?: string | undefined;
  };
  readonly cross_customer: {
    readonly status: CohortStatus;
    /** Only with status `ok`. */
    readonly percentiles?: Readonly<Record<CohortRate, Percentiles>> | undefined;
  };
  /** Only with status `ok` of cohort and report. */
  readonly comparison?: Comparison | undefined;
  readonly benchmark_hash: string;
}

/** Of the scopes' rates, rounded to 0.01; the outer two with ten scopes and more. */
export interface Percentiles {
  readonly p10?: number | undefined;
  readonly p25: number;
  readonly p50: number;
  readonly p75: number;
  readonly p90?: number | undefined;
}

export type Comparison = {
  /** The caller's rate less the median as shown. */
  readonly [Name in `${CohortRate}_delta_vs_p50`]?: number | undefined;
} & {
  /** Where the caller's success rate lies. */
  readonly band: 'below_p25' | 'p25_to_p75' | 'above_p75';
};

/** Whom the caller is compared with. */
export interface CohortInput {
  /** Who does not contribute does not read, whatever else is given here. */
  readonly optedIn: boolean;
  /** The caller's own tenant, which is left out of its cohort. */
  readonly caller: string;
  /** First-party pattern of the policy; without one there is no cohort. */
  readonly patternId?: string | undefined;
  /** Tenants with the same pattern and major version, as fixed by `nextSnapshot`. */
  readonly snapshot?: CohortSnapshot | undefined;
}

/** Floors below which nothing about a cohort is said. A query can raise them. */
export const COHORT_SCOPES_MIN: number = DEFAULTS.benchmarks.min_cohort_scopes;
export const COHORT_DECISIONS_MIN: number = DEFAULTS.benchmarks.min_cohort_decisions;

/** Largest share of the cohort's terminal decisions that one scope may hold. */
const DOMINANT_SHARE = 0.4;
/** Fewest scopes with which the outer percentiles do not point at one of them. */
const OUTER_PERCENTILES_SCOPES_MIN = 10;
/** Fewest terminal decisions of the caller itself for a comparison. */
const OWN_SAMPLE_MIN: number = DEFAULTS.effectiveness.min_sample;

/** The caller's rates beside those of other tenants with the same pattern, none of whom can be told. */
export function benchmarks(
  population: Population,
  parameters: BenchmarkParameters,
  cohort: CohortInput,
): BenchmarkReport {
  const counted = tally(population);
  const yours = rounded(ratesOf(counted));
  const enough = counted.terminal >= OWN_SAMPLE_MIN;
  const floors = {
    min_cohort_scopes: Math.max(parameters.min_cohort_scopes, COHORT_SCOPES_MIN),
    min_cohort_decisions: Math.max(parameters.min_cohort_decisions, COHORT_DECISIONS_MIN),
  };
  const others = othersOf(cohort);
  const status = cohort.optedIn ? statusOf(others, floors) : 'opt_in_required';
  const percentiles = status === 'ok' ? percentilesOf(others) : undefined;
  const comparison = percentiles === undefined || !enough ? undefined : compare(yours, percentiles);
  return sealed(
    {
      ...headOf(population),
      decision_benchmark_version: 'decision_benchmark_v1',
      scope: 'cohort',
      status: enough ? status : 'insufficient_data',
      recommendation: recommend(status, yours, enough ? percentiles : undefined),
      parameters: {
        ...parametersOf(population),
        min_cohort_scopes: parameters.min_cohort_scopes,
        min_cohort_decisions: parameters.min_cohort_decisions,
      },
      your_metrics: { decisions_total: counted.decisions.length, ...yours },
      cohort: {
        pattern_id: cohort.patternId,
        scopes_bucket: bucketOf(others.length),
        ...floors,
        snapshot_week: cohort.optedIn ? cohort.snapshot?.week : undefined,
      },
      cross_customer: { status, percentiles },
      comparison,
    },
    'benchmark_hash',
  );
}

function othersOf({ optedIn, caller, patternId, snapshot }: CohortInput): readonly Contribution[] {
  if (!optedIn || patternId === undefined || snapshot === undefined) return [];
  return countedScopes(snapshot.scopes).filter(({ tenant }) => tenant !== caller);
}

function statusOf(
  scopes: readonly Contribution[],
  floors: BenchmarkParameters,
): Exclude<CohortStatus, 'opt_in_required'> {
  const decisions = scopes.reduce((sum, { terminal }) => sum + terminal, 0);
  if (scopes.length < floors.min_cohort_scopes) return 'insufficient_cohort';
  if (decisions < floors.min_cohort_decisions) return 'insufficient_cohort';
  const dominated = scopes.some(({ terminal }) => terminal / decisions > DOMINANT_SHARE);
  return dominated ? 'suppressed' : 'ok';
}

function percentilesOf(scopes: readonly Contribution[]): Readonly<Record<CohortRate, Percentiles>> {
  const shown = COHORT_RATES.map((name) => {
    const values = ascending(scopes.map(({ rates }) => rates[name]));
    const at = (percent: number): number => r2(interpolated(values, percent));
    const outer = scopes.length >= OUTER_PERCENTILES_SCOPES_MIN;
    const percentiles: Percentiles = {
      p10: outer ? at(10) : undefined,
      p25: at(25),
      p50: at(50),
      p75: at(75),
      p90: outer ? at(90) : undefined,
    };
    return [name, percentiles] as const;
  });
  return Object.fromEntries(shown) as Record<CohortRate, Percentiles>;
}

function compare(yours: Rates, percentiles: Readonly<Record<CohortRate, Percentiles>>): Comparison {
  const deltas = COHORT_RATES.map((name) => {
    const own = yours[name];
    return [
      `${name}_delta_vs_p50`,
      own === undefined ? undefined : r4(own - percentiles[name].p50),
    ] as const;
  });
  const { p25, p75 } = percentiles.success_rate;
  const success = yours.success_rate ?? 0;
  return {
    ...(Object.fromEntries(deltas) as Omit<Comparison, 'band'>),
    band: success < p25 ? 'below_p25' : success > p75 ? 'above_p75' : 'p25_to_p75',
  };
}

/** The first reason in this order is the answer. `percentiles` are absent when there is nothing to compare. */
function recommend(
  status: CohortStatus,
  yours: Rates,
  percentiles: Readonly<Record<CohortRate, Percentiles>> | undefined,
): BenchmarkReport['recommendation'] {
  if (status === 'opt_in_required') return 'opt_in_required';
  if (status !== 'ok') return 'insufficient_cohort';
  if (percentiles === undefined) return 'collect_more_outcomes';
  const { success_rate: success = 0, review_rate: review = 0 } = yours;
  if (success < percentiles.success_rate.p25) return 'investigate_success_rate';
  if (review > percentiles.review_rate.p75) return 'investigate_review_rate';
  return 'in_line';
}

function bucketOf(scopes: number): BenchmarkReport['cohort']['scopes_bucket'] {
  if (scopes >= 50) return '50+';
  if (scopes >= 20) return '20-49';
  if (scopes >= 10) return '10-19';
  return scopes >= COHORT_SCOPES_MIN ? '5-9' : undefined;
}
