import {
  headOf,
  type PopulationParameters,
  parametersOf,
  type ReportHead,
  sealed,
} from './envelope.ts';
import type { EffectivenessParameters } from './parameters.ts';
import type { DecisionFacts, Population } from './population.ts';
import { ascending, median, nearestRank, r4, ratio, wilson } from './statistics.ts';
import {
  isTerminal,
  latestOutcome,
  observed,
  type Rates,
  ratesOf,
  rounded,
  type Tally,
  tally,
} from './tally.ts';

export type EffectivenessRecommendation =
  | 'stop_and_review'
  | 'collect_more_outcomes'
  | 'tighten_policy'
  | 'loosen_or_clarify_policy'
  | 'keep_policy'
  | 'watch_policy';

export interface EffectivenessReport
  extends ReportHead<'ok' | 'insufficient_data', EffectivenessRecommendation> {
  readonly decision_effectiveness_version: 'decision_effectiveness_v1';
  readonly parameters: PopulationParameters & EffectivenessParameters;
  /** Decisions with an outcome. */
  readonly decisions_analyzed: number;
  /** Absent below `min_sample` terminal outcomes. */
  readonly effectiveness_score?: number | undefined;
  /** Interval of the success rate; absent without a terminal outcome. */
  readonly confidence?: SuccessInterval | undefined;
  readonly metrics: Rates & {
    readonly decisions_total: number;
    readonly observed?: Readonly<Record<string, ObservedMetric>> | undefined;
  };
  readonly proxy_quality: ProxyQuality;
  readonly effectiveness_hash: string;
}

export interface SuccessInterval {
  readonly level: 'low' | 'medium' | 'high';
  readonly interval_low: number;
  readonly interval_high: number;
  readonly width: number;
}

export interface ObservedMetric {
  readonly n: number;
  readonly median: number;
  /** By nearest rank. */
  readonly p10: number;
  readonly p90: number;
}

/** Outcomes stand in for the truth about a verdict, which nobody knows; hence the label. */
export interface ProxyQuality {
  readonly label: 'outcome_proxy';
  /** Cases among the terminal decisions that said `yes`. */
  readonly false_positive_proxy?: number | undefined;
  readonly false_positive_cases: number;
  readonly terminal_yes: number;
  /** Cases among the terminal decisions that said `no`. */
  readonly false_negative_proxy?: number | undefined;
  readonly false_negative_cases: number;
  readonly terminal_no: number;
}

/** How well a policy's decisions turned out, by the latest outcome of each. */
export function effectiveness(
  population: Population,
  parameters: EffectivenessParameters,
): EffectivenessReport {
  const counted = tally(population);
  const rates = ratesOf(counted);
  const proxies = proxyQuality(counted.decisions);
  const enough = counted.terminal >= parameters.min_sample;
  const score = enough ? scoreOf(counted, rates) : undefined;
  return sealed(
    {
      ...headOf(population),
      decision_effectiveness_version: 'decision_effectiveness_v1',
      scope: 'caller',
      status: enough ? 'ok' : 'insufficient_data',
      recommendation: recommend(counted, rates, proxies, score),
      parameters: { ...parametersOf(population), min_sample: parameters.min_sample },
      decisions_analyzed: counted.withOutcome,
      effectiveness_score: score,
      confidence: successInterval(counted),
      metrics: {
        decisions_total: counted.decisions.length,
        ...rounded(rates),
        observed: observedMetrics(population, counted.decisions),
      },
      proxy_quality: {
        ...proxies,
        false_positive_proxy: optionally(proxies.false_positive_proxy),
        false_negative_proxy: optionally(proxies.false_negative_proxy),
      },
    },
    'effectiveness_hash',
  );
}

/** The first reason in this order is the answer. An absent rate reaches no bound. */
function recommend(
  counted: Tally,
  rates: Rates,
  proxies: ProxyQuality,
  score: number | undefined,
): EffectivenessRecommendation {
  const { terminal, mismatched, decisions } = counted;
  if (counted.executedWithoutYes > 0) return 'stop_and_review';
  if (reaches(rates.mismatch_rate, 0.02) && mismatched >= 2) return 'stop_and_review';

  if (score === undefined || !reaches(rates.terminal_coverage, 0.5)) return 'collect_more_outcomes';

  if (wilson(counted.succeeded, terminal).high < 0.8) return 'tighten_policy';
  if (reaches(proxies.false_positive_proxy, 0.15) && proxies.false_positive_cases >= 5) {
    return 'tighten_policy';
  }

  if (reaches(proxies.false_negative_proxy, 0.2) && proxies.false_negative_cases >= 5) {
    return 'loosen_or_clarify_policy';
  }
  if (reaches(rates.review_rate, 0.4) && decisions.length >= 50) return 'loosen_or_clarify_policy';

  return score >= 0.75 ? 'keep_policy' : 'watch_policy';
}

/** At least one terminal outcome: then none of the rates is absent. */
function scoreOf({ succeeded, terminal }: Tally, rates: Rates): number {
  return r4(
    0.6 * wilson(succeeded, terminal).low +
      0.2 * (rates.terminal_coverage ?? 0) +
      0.1 * (1 - (rates.pending_rate ?? 0)) +
      0.1 * (1 - (rates.mismatch_rate ?? 0)),
  );
}

const LEVELS = ['low', 'medium', 'high'] as const;

function successInterval({ succeeded, terminal }: Tally): SuccessInterval | undefined {
  if (terminal === 0) return undefined;
  const { low, high } = wilson(succeeded, terminal);
  const width = high - low;
  const bySize = terminal < 30 ? 0 : terminal < 100 ? 1 : 2;
  const level = Math.max(0, width > 0.3 ? bySize - 1 : bySize);
  return {
    level: LEVELS[level] ?? 'low',
    interval_low: r4(low),
    interval_high: r4(high),
    width: r4(width),
  };
}

/** Proxies not rounded. */
function proxyQuality(decisions: readonly DecisionFacts[]): ProxyQuality {
  const terminal = decisions.filter((decision) => isTerminal(latestOutcome(decision)));
  const yes = terminal.filter(({ verdict }) => verdict === 'yes');
  const no = terminal.filter(({ verdict }) => verdict === 'no');
  const wrongYes = yes.filter((one) => latestOutcome(one)?.status !== 'succeeded').length;
  const wrongNo = no.filter((one) => latestOutcome(one)?.status === 'failed').length;
  return {
    label: 'outcome_proxy',
    false_positive_proxy: ratio(wrongYes, yes.length),
    false_positive_cases: wrongYes,
    terminal_yes: yes.length,
    false_negative_proxy: ratio(wrongNo, no.length),
    false_negative_cases: wrongNo,
    terminal_no: no.length,
  };
}

function observedMetrics(
  { policy }: Population,
  decisions: readonly DecisionFacts[],
): Readonly<Record<string, ObservedMetric>> {
  return Object.fromEntries(
    policy.metrics.flatMap(({ name }) => {
      const values = ascending(observed(decisions, name));
      if (values.length === 0) return [];
      const shown: ObservedMetric = {
        n: values.length,
        median: r4(median(values)),
        p10: r4(nearestRank(values, 10)),
        p90: r4(nearestRank(values, 90)),
      };
      return [[name, shown]];
    }),
  );
}

function reaches(rate: number | undefined, bound: number): boolean {
  return rate !== undefined && rate >= bound;
}

function optionally(rate: number | undefined): number | undefined {
  return rate === undefined ? undefined : r4(rate);
}
