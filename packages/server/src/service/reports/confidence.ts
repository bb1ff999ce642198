import {
  headOf,
  type PopulationParameters,
  parametersOf,
  type ReportHead,
  sealed,
} from './envelope.ts';
import type { ConfidenceParameters } from './parameters.ts';
import type { DecisionFacts, Population, Verdict } from './population.ts';
import { r4, wilson } from './statistics.ts';
import { isTerminal, latestOutcome, tally } from './tally.ts';

export type ConfidenceLevel = 'high' | 'medium' | 'low' | 'insufficient';

export interface ConfidenceReport
  extends ReportHead<
    'ok' | 'insufficient_data',
    'no_baseline' | 'owner_attention' | 'watch' | 'consistent'
  > {
  readonly decision_confidence_version: 'decision_confidence_v1';
  readonly parameters: PopulationParameters & ConfidenceParameters;
  /** Lower bound of the similar decisions' past success rate: nothing about the next one. */
  readonly score?: number | undefined;
  readonly level: ConfidenceLevel;
  readonly based_on: {
    readonly source: 'outcome_records';
    readonly scope: 'caller';
    readonly policy_version?: string | undefined;
    readonly verdict: Verdict;
    readonly action?: string | undefined;
  };
  /** Decisions of the asked verdict and action with a terminal outcome. */
  readonly similar_decisions: number;
  /** 1 less the change of the success rate from the older half to the newer; absent below 20 decisions. */
  readonly policy_stability?: number | undefined;
  readonly confidence_hash: string;
}

/** Fewest similar decisions whose halves are compared. */
const STABILITY_SAMPLE_MIN = 20;

/** How decisions like this one turned out in the past. */
export function confidence(
  population: Population,
  { verdict, action, min_sample }: ConfidenceParameters,
): ConfidenceReport {
  const similar = tally(population).decisions.filter(
    (decision) =>
      decision.verdict === verdict &&
      (action === undefined || decision.action === action) &&
      isTerminal(latestOutcome(decision)),
  );
  const size = similar.length;
  const score =
    size >= min_sample ? r4(wilson(similar.filter(succeeded).length, size).low) : undefined;
  const level = levelOf(score, size);
  const stability = stabilityOf(similar);
  return sealed(
    {
      ...headOf(population),
      decision_confidence_version: 'decision_confidence_v1',
      scope: 'caller',
      status: score === undefined ? 'insufficient_data' : 'ok',
      recommendation: recommend(score, level, stability),
      parameters: { ...parametersOf(population), verdict, action, min_sample },
      score,
      level,
      based_on: {
        source: 'outcome_records',
        scope: 'caller',
        policy_version: population.policyVersion,
        verdict,
        action,
      },
      similar_decisions: size,
      policy_stability: stability,
    },
    'confidence_hash',
  );
}

function levelOf(score: number | undefined, size: number): ConfidenceLevel {
  if (score === undefined) return 'insufficient';
  if (score >= 0.8 && size >= 50) return 'high';
  if (score >= 0.6 && size >= 20) return 'medium';
  return 'low';
}

function recommend(
  score: number | undefined,
  level: ConfidenceLevel,
  stability: number | undefined,
): ConfidenceReport['recommendation'] {
  if (score === undefined) return 'no_baseline';
  if (score < 0.5 || (stability !== undefined && stability < 0.7)) return 'owner_attention';
  return level === 'high' ? 'consistent' : 'watch';
}

/** Of decisions that stand newest first. With an odd number the middle one is in neither half. */
function stabilityOf(similar: readonly DecisionFacts[]): number | undefined {
  if (similar.length < STABILITY_SAMPLE_MIN) return undefined;
  const half = Math.floor(similar.length / 2);
  const rate = (decisions: readonly DecisionFacts[]): number =>
    decisions.filter(succeeded).length / half;
  return r4(1 - Math.abs(rate(similar.slice(0, half)) - rate(similar.slice(-half))));
}

function succeeded(decision: DecisionFacts): boolean {
  return latestOutcome(decision)?.status === 'succeeded';
}
