import type { AnomalyParameters } from './parameters.ts';
import type { DecisionFacts, ExecutionFacts, MetricFacts, Population } from './population.ts';
import { ascending, median, medianDeviation, r4, robustZ } from './statistics.ts';
import {
  boundExecutions,
  isTerminal,
  latestOutcome,
  observed,
  saysNoAuthority,
  shareOf,
  type Tally,
  withoutYes,
} from './tally.ts';

/** One reason why a decision, or the whole population, stands out. */
export interface Finding {
  readonly code: string;
  /** What it adds to the score, 0…1, rounded. */
  readonly contribution: number;
  /** Always the same sentence for a code, filled with numbers. */
  readonly sentence: string;
  /** Numbers that the condition compared with. */
  readonly refs?: Readonly<Record<string, number | undefined>> | undefined;
}

/** What is usual here: shares and spreads over the decisions with a terminal outcome. Not rounded. */
export interface Baseline {
  /** Decisions with a terminal outcome. */
  readonly n: number;
  readonly successRate: number | undefined;
  readonly revertRate: number | undefined;
  /** Of the metrics that the policy names, those that were observed. */
  readonly metrics: ReadonlyMap<string, MetricBaseline>;
}

export interface MetricBaseline {
  readonly n: number;
  readonly median: number;
  /** Median absolute deviation from it. */
  readonly mad: number;
}

export function baselineOf(
  { policy }: Population,
  { decisions, terminal }: Tally,
  rates: { readonly success_rate?: number | undefined; readonly revert_rate?: number | undefined },
): Baseline {
  const ended = decisions.filter((decision) => isTerminal(latestOutcome(decision)));
  const metrics = policy.metrics.flatMap(({ name }): [string, MetricBaseline][] => {
    const values = ascending(observed(ended, name));
    if (values.length === 0) return [];
    const middle = median(values);
    return [[name, { n: values.length, median: middle, mad: medianDeviation(values, middle) }]];
  });
  return {
    n: terminal,
    successRate: rates.success_rate,
    revertRate: rates.revert_rate,
    metrics: new Map(metrics),
  };
}

/** All that stands out about one decision, in no particular order. */
export function findingsOf(
  decision: DecisionFacts,
  population: Population,
  baseline: Baseline,
  { min_sample: sampleMin }: Pick<AnomalyParameters, 'min_sample'>,
): Finding[] {
  return [
    ...executionFindings(decision),
    ...baselineFindings(decision, baseline, sampleMin),
    ...population.policy.metrics.flatMap((metric) =>
      metricFindings(decision, metric, baseline.metrics.get(metric.name), sampleMin),
    ),
    ...courseFindings(decision, population),
  ];
}

/** What receipts show by themselves. */
function executionFindings(decision: DecisionFacts): Finding[] {
  const { executions } = decision;
  const executed = executions.filter(({ status }) => status === 'executed');
  const because = (code: string): readonly ExecutionFacts[] =>
    executions.filter(({ reasons }) => reasons.includes(code));
  const found = (
    code: string,
    contribution: number,
    cases: readonly unknown[],
    what: string,
  ): Finding[] =>
    cases.length === 0 ? [] : [{ code, contribution, sentence: `${what}: ${cases.length}.` }];
  return [
    ...found(
      'EXECUTED_WITHOUT_YES',
      1,
      withoutYes(decision),
      'Executed receipts that no binding yes stands behind',
    ),
    ...found(
      'EXECUTION_BINDING_MISMATCH',
      1,
      executions.filter(differsFromBinding),
      'Receipts that differ from what the decision bound',
    ),
    ...found(
      'EXECUTED_AFTER_EXPIRY',
      0.8,
      because('AUTHORIZATION_EXPIRED'),
      'Executed receipts later than the validity of the decision',
    ),
    ...found(
      'DUPLICATE_EXECUTION',
      0.9,
      because('EXECUTION_LIMIT'),
      'Executed receipts beyond the number of executions bound',
    ),
    ...found(
      'STATE_UNCHANGED',
      0.45,
      executed.filter(
        ({ stateBeforeHash: before, stateAfterHash: after }) =>
          before !== undefined && before === after,
      ),
      'Executed receipts with the same state hash before and after',
    ),
    ...found(
      'FAST_EXECUTION_REPORT',
      1,
      executions.filter(({ executedAt, decisionAt }) => (executedAt ?? decisionAt) < decisionAt),
      'Receipts whose execution precedes the decision',
    ),
  ];
}

const NAMED_BY_ANOTHER_CODE: ReadonlySet<string> = new Set([
  'AUTHORIZATION_EXPIRED',
  'EXECUTION_LIMIT',
]);

/** A mismatch for a reason that has no code of its own, or for none that we know. */
function differsFromBinding({ match, reasons }: ExecutionFacts): boolean {
  if (match) return false;
  return (
    reasons.length === 0 ||
    reasons.some((reason) => !saysNoAuthority(reason) && !NAMED_BY_ANOTHER_CODE.has(reason))
  );
}

/** What stands out against how decisions usually end. */
function baselineFindings(
  decision: DecisionFacts,
  { n, successRate, revertRate }: Baseline,
  sampleMin: number,
): Finding[] {
  if (n < sampleMin || successRate === undefined || revertRate === undefined) return [];
  const status = latestOutcome(decision)?.status;
  if (status === 'failed') {
    return [
      {
        code: 'FAILED_AGAINST_BASELINE',
        contribution: r4(0.6 * successRate),
        sentence: `The outcome is failed; the success rate of ${n} decisions is ${r4(successRate)}.`,
        refs: { n, success_rate: r4(successRate) },
      },
    ];
  }
  if (status === 'reverted') {
    return [
      {
        code: 'REVERTED_AGAINST_BASELINE',
        contribution: r4(0.7 * (1 - revertRate)),
        sentence: `The outcome is reverted; the revert rate of ${n} decisions is ${r4(revertRate)}.`,
        refs: { n, revert_rate: r4(revertRate) },
      },
    ];
  }
  return [];
}

/** Beyond this many deviations from the median a value is an outlier. */
const OUTLIER_Z = 3;

function metricFindings(
  decision: DecisionFacts,
  { name, range }: MetricFacts,
  usual: MetricBaseline | undefined,
  sampleMin: number,
): Finding[] {
  const value = latestOutcome(decision)?.observedMetrics.get(name);
  if (value === undefined) return [];
  const findings: Finding[] = [];
  if (usual !== undefined && usual.n >= sampleMin) {
    const distance = Math.abs(value - usual.median);
    const z = usual.mad > 0 ? robustZ(distance, usual.mad) : undefined;
    if (z === undefined ? distance > 0 : z > OUTLIER_Z) {
      const shown = { n: usual.n, value, median: r4(usual.median), mad: r4(usual.mad) };
      findings.push({
        code: `METRIC_OUTLIER:${name}`,
        contribution: z === undefined ? 0.3 : r4(Math.min(0.6, 0.1 * (z - OUTLIER_Z))),
        sentence: `The metric ${name} is ${value}; the median of ${shown.n} decisions is ${shown.median}, their median absolute deviation ${shown.mad}.`,
        refs: shown,
      });
    }
  }
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = range ?? {};
  if (value < min || value > max) {
    findings.push({
      code: `METRIC_OUT_OF_DECLARED_RANGE:${name}`,
      contribution: 0.5,
      sentence: `The metric ${name} is ${value}, outside the range that the policy declares.`,
      refs: { value, min: range?.min, max: range?.max },
    });
  }
  return findings;
}

/** What the course of reports shows, some of it against the time of the scope's last ledger entry. */
function courseFindings(decision: DecisionFacts, population: Population): Finding[] {
  const { outcomes, reviewOpen, reviewDueAt } = decision;
  const { lastEntryAt } = population;
  const { dueSeconds } = population.policy;
  const findings: Finding[] = [];
  if (lastEntryAt !== undefined && outcomes.length === 0) {
    const overdue = boundExecutions(decision).filter(
      ({ executedAt, reportedAt }) =>
        Date.parse(lastEntryAt) - Date.parse(executedAt ?? reportedAt) > dueSeconds * 1000,
    );
    if (overdue.length > 0) {
      findings.push({
        code: 'OUTCOME_OVERDUE',
        contribution: 0.35,
        sentence: `No outcome ${dueSeconds} seconds after a bound execution.`,
        refs: { due_seconds: dueSeconds },
      });
    }
  }
  const ends = outcomes.filter(isTerminal);
  const flips = ends.filter(({ status }, i) => i > 0 && status !== ends[i - 1]?.status).length;
  if (flips > 0) {
    findings.push({
      code: 'OUTCOME_FLIPPED',
      contribution: 0.4,
      sentence: `Corrections of a terminal outcome to another terminal one: ${flips}.`,
    });
  }
  if (reviewOpen && reviewDueAt !== undefined && lastEntryAt !== undefined) {
    if (lastEntryAt > reviewDueAt) {
      findings.push({
        code: 'REVIEW_STALE',
        contribution: 0.35,
        sentence: 'The review is open past its deadline.',
      });
    }
  }
  return findings;
}

const SHIFT_NEWEST = 50;
const SHIFT_BEFORE = 200;
/** Difference of two shares beyond which they count as shifted. */
const SHIFT_MIN = 0.2;
/** A shift is worth a look and condemns nobody: severity `medium`. */
const SHIFT_CONTRIBUTION = 0.45;

const SHIFTS = [
  { code: 'REVIEW_RATE_SHIFT', verdict: 'review' },
  { code: 'DENY_RATE_SHIFT', verdict: 'no' },
] as const;

/** Changes in what the policy answers, of which no single decision is the cause. Takes the newest first. */
export function shiftsOf({ decisions }: Tally): Finding[] {
  if (decisions.length < SHIFT_NEWEST + SHIFT_BEFORE) return [];
  const newest = decisions.slice(0, SHIFT_NEWEST);
  const before = decisions.slice(SHIFT_NEWEST, SHIFT_NEWEST + SHIFT_BEFORE);
  return SHIFTS.flatMap(({ code, verdict }) => {
    const rate = (among: readonly DecisionFacts[]): number =>
      shareOf(among, ({ firstVerdict }) => firstVerdict === verdict) ?? 0;
    const [now, earlier] = [rate(newest), rate(before)];
    // Shares of 50 and 200 are whole multiples of 1/200: compared as such, 0.20 is never more than 0.20.
    if (Math.abs(Math.round((now - earlier) * SHIFT_BEFORE)) <= SHIFT_MIN * SHIFT_BEFORE) return [];
    return [
      {
        code,
        contribution: SHIFT_CONTRIBUTION,
        sentence: `The share of ${verdict} is ${r4(now)} in the newest ${SHIFT_NEWEST} decisions and ${r4(earlier)} in the ${SHIFT_BEFORE} before them.`,
        refs: { newest_rate: r4(now), previous_rate: r4(earlier) },
      },
    ];
  });
}
