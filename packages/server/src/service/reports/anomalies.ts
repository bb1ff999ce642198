import {
  type Baseline,
  baselineOf,
  type Finding,
  findingsOf,
  type MetricBaseline,
  shiftsOf,
} from './anomaly-codes.ts';
import {
  headOf,
  type PopulationParameters,
  parametersOf,
  type ReportHead,
  sealed,
} from './envelope.ts';
import type { AnomalyParameters } from './parameters.ts';
import type { Population } from './population.ts';
import { r4 } from './statistics.ts';
import { ratesOf, tally } from './tally.ts';

export type Severity = 'critical' | 'high' | 'medium' | 'low';

export interface AnomalyReport
  extends ReportHead<
    'ok' | 'anomalies_found' | 'insufficient_data',
    'stop_boundary' | 'owner_review' | 'watch' | 'none' | 'collect_more_outcomes'
  > {
  readonly decision_anomaly_report_version: 'decision_anomaly_report_v1';
  readonly parameters: PopulationParameters & AnomalyParameters;
  /** Decisions with an outcome. */
  readonly decisions_analyzed: number;
  /** Counts before the list was cut. */
  readonly summary: {
    readonly decisions_total: number;
    readonly anomalies_total: number;
    readonly by_severity: Readonly<Record<Severity, number>>;
    /** Without the codes that nobody has. */
    readonly by_code?: Readonly<Record<string, number>> | undefined;
  };
  readonly baseline: {
    /** Decisions with a terminal outcome. */
    readonly n: number;
    readonly success_rate?: number | undefined;
    readonly revert_rate?: number | undefined;
    readonly metrics?: Readonly<Record<string, MetricBaseline>> | undefined;
  };
  /** Highest score first, at most `max_items`. Readers go through this list, so it is there when it is empty, too. */
  readonly anomalies: readonly Anomaly[];
  readonly anomaly_hash: string;
}

export interface Anomaly {
  /** Absent when the anomaly is one of the whole population. */
  readonly decision_id?: string | undefined;
  readonly anomaly_score: number;
  readonly severity: Severity;
  /** Largest contribution first, then by name. */
  readonly reason_codes: readonly string[];
  /** By code. */
  readonly contributions: Readonly<Record<string, number>>;
  /** By code: the numbers that it compared with. */
  readonly baseline_refs?:
    | Readonly<Record<string, Readonly<Record<string, number | undefined>>>>
    | undefined;
  readonly explanation: string;
  readonly recommendation: 'stop_boundary' | 'owner_review' | 'watch';
}

/** Decisions that stand out, each with the reasons that made it stand out and nothing else. */
export function anomalies(population: Population, parameters: AnomalyParameters): AnomalyReport {
  const { min_sample, threshold, max_items } = parameters;
  const counted = tally(population);
  const baseline = baselineOf(population, counted, ratesOf(counted));
  const candidates: readonly Candidate[] = [
    ...shiftsOf(counted).map((shift) => ({ findings: [shift] })),
    ...counted.decisions.map((decision) => ({
      decisionId: decision.decisionId,
      createdAt: decision.createdAt,
      findings: findingsOf(decision, population, baseline, parameters),
    })),
  ];
  const reported = candidates
    .map(scored)
    .filter(
      ({ item, hard }) => item.reason_codes.length > 0 && (hard || item.anomaly_score >= threshold),
    )
    .sort(mostConspicuousFirst)
    .map(({ item }) => item);
  const bySeverity = countBySeverity(reported);
  const enough = counted.terminal >= min_sample;
  return sealed(
    {
      ...headOf(population),
      decision_anomaly_report_version: 'decision_anomaly_report_v1',
      scope: 'caller',
      status: !enough ? 'insufficient_data' : reported.length > 0 ? 'anomalies_found' : 'ok',
      recommendation: recommend(bySeverity, reported.length, enough),
      parameters: { ...parametersOf(population), min_sample, threshold, max_items },
      decisions_analyzed: counted.withOutcome,
      summary: {
        decisions_total: counted.decisions.length,
        anomalies_total: reported.length,
        by_severity: bySeverity,
        by_code: countByCode(reported),
      },
      baseline: shown(baseline),
      anomalies: reported.slice(0, max_items),
    },
    'anomaly_hash',
    { anomalies: [] },
  );
}

interface Candidate {
  readonly decisionId?: string;
  readonly createdAt?: string;
  readonly findings: readonly Finding[];
}

interface Scored {
  readonly item: Anomaly;
  readonly createdAt: string;
  /** Whether a code is among the reasons that no threshold hides. */
  readonly hard: boolean;
}

/** A contribution from which on a finding is reported whatever the threshold is. */
const HARD_FROM = 0.8;

/** The score adds the contributions as shown, so that a reader comes to the same sum. */
function scored({ decisionId, createdAt = '', findings }: Candidate): Scored {
  const sorted = [...findings].sort(
    (a, b) => b.contribution - a.contribution || (a.code < b.code ? -1 : 1),
  );
  const score = r4(
    Math.min(
      1,
      sorted.reduce((sum, { contribution }) => sum + contribution, 0),
    ),
  );
  const severity = severityOf(score);
  return {
    createdAt,
    hard: sorted.some(({ contribution }) => contribution >= HARD_FROM),
    item: {
      decision_id: decisionId,
      anomaly_score: score,
      severity,
      reason_codes: sorted.map(({ code }) => code),
      contributions: Object.fromEntries(
        sorted.map(({ code, contribution }) => [code, contribution]),
      ),
      baseline_refs: Object.fromEntries(
        sorted.flatMap(({ code, refs }) => (refs === undefined ? [] : [[code, refs]])),
      ),
      explanation: sorted.map(({ sentence }) => sentence).join(' '),
      recommendation: ADVICE[severity],
    },
  };
}

function severityOf(score: number): Severity {
  if (score >= 0.85) return 'critical';
  if (score >= 0.65) return 'high';
  if (score >= 0.45) return 'medium';
  return 'low';
}

const ADVICE = {
  critical: 'stop_boundary',
  high: 'owner_review',
  medium: 'watch',
  low: 'watch',
} as const satisfies Record<Severity, Anomaly['recommendation']>;

/** The first reason in this order is the answer. */
function recommend(
  { critical, high, medium }: Readonly<Record<Severity, number>>,
  total: number,
  enough: boolean,
): AnomalyReport['recommendation'] {
  if (critical > 0) return 'stop_boundary';
  if (high > 0 || medium >= 3) return 'owner_review';
  if (!enough) return 'collect_more_outcomes';
  return total > 0 ? 'watch' : 'none';
}

function mostConspicuousFirst(a: Scored, b: Scored): number {
  if (a.item.anomaly_score !== b.item.anomaly_score) {
    return b.item.anomaly_score - a.item.anomaly_score;
  }
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  const [first, second] = [nameOf(a.item), nameOf(b.item)];
  return first < second ? -1 : 1;
}

/** Anomalies of the whole population have no id; their only code tells them apart. */
function nameOf({ decision_id: id, reason_codes: [code = ''] }: Anomaly): string {
  return id ?? code;
}

function countBySeverity(items: readonly Anomaly[]): Readonly<Record<Severity, number>> {
  const of = (severity: Severity): number =>
    items.filter((item) => item.severity === severity).length;
  return { critical: of('critical'), high: of('high'), medium: of('medium'), low: of('low') };
}

function countByCode(items: readonly Anomaly[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>();
  for (const code of items.flatMap((item) => item.reason_codes)) {
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

function shown({ n, successRate, revertRate, metrics }: Baseline): AnomalyReport['baseline'] {
  return {
    n,
    success_rate: successRate === undefined ? undefined : r4(successRate),
    revert_rate: revertRate === undefined ? undefined : r4(revertRate),
    metrics: Object.fromEntries(
      [...metrics].map(([name, usual]) => [
        name,
        { n: usual.n, median: r4(usual.median), mad: r4(usual.mad) },
      ]),
    ),
  };
}
