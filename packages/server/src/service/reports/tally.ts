import type { DecisionFacts, ExecutionFacts, OutcomeFacts, Population } from './population.ts';
import { r4, ratio } from './statistics.ts';

/** A population looked at and counted. */
export interface Tally {
  /** Newest first by time, then id; at most `limit`. */
  readonly decisions: readonly DecisionFacts[];
  /** Decisions with an outcome. */
  readonly withOutcome: number;
  /** Decisions by their latest outcome. */
  readonly succeeded: number;
  readonly failed: number;
  readonly reverted: number;
  /** The three together. */
  readonly terminal: number;
  /** Decisions with a mismatch. */
  readonly mismatched: number;
  /** Executed receipts that no `yes` stands behind. */
  readonly executedWithoutYes: number;
}

export function tally(population: Population): Tally {
  const decisions = [...population.decisions].sort(newestFirst).slice(0, population.limit);
  const ending = (status: OutcomeFacts['status']): number =>
    decisions.filter((decision) => latestOutcome(decision)?.status === status).length;
  const [succeeded, failed, reverted] = [ending('succeeded'), ending('failed'), ending('reverted')];
  return {
    decisions,
    withOutcome: decisions.filter(({ outcomes }) => outcomes.length > 0).length,
    succeeded,
    failed,
    reverted,
    terminal: succeeded + failed + reverted,
    mismatched: decisions.filter(({ executions }) => executions.some(({ match }) => !match)).length,
    executedWithoutYes: decisions.reduce((sum, decision) => sum + withoutYes(decision).length, 0),
  };
}

/** Shares of a tally, each absent where there is nothing to divide by. */
export interface Rates {
  readonly success_rate?: number | undefined;
  readonly failure_rate?: number | undefined;
  readonly revert_rate?: number | undefined;
  readonly review_rate?: number | undefined;
  readonly pending_rate?: number | undefined;
  readonly terminal_coverage?: number | undefined;
  readonly execution_coverage?: number | undefined;
  readonly mismatch_rate?: number | undefined;
}

/** Not rounded, for comparing and calculating on. */
export function ratesOf(counted: Tally): Rates {
  const { decisions, terminal } = counted;
  const total = decisions.length;
  const yes = decisions.filter(({ verdict }) => verdict === 'yes');
  return {
    success_rate: ratio(counted.succeeded, terminal),
    failure_rate: ratio(counted.failed, terminal),
    revert_rate: ratio(counted.reverted, terminal),
    review_rate: shareOf(decisions, ({ firstVerdict }) => firstVerdict === 'review'),
    pending_rate: ratio(counted.withOutcome - terminal, counted.withOutcome),
    terminal_coverage: ratio(terminal, total),
    // Every status of a receipt is final for its attempt, so any receipt says what became of the `yes`.
    execution_coverage: shareOf(yes, ({ executions }) => executions.length > 0),
    mismatch_rate: ratio(counted.mismatched, total),
  };
}

/** As reports show them. */
export function rounded(rates: Rates): Rates {
  return Object.fromEntries(
    Object.entries(rates).map(([name, rate]: [string, number | undefined]) => [
      name,
      rate === undefined ? undefined : r4(rate),
    ]),
  );
}

export function shareOf(
  decisions: readonly DecisionFacts[],
  holds: (decision: DecisionFacts) => boolean,
): number | undefined {
  return ratio(decisions.filter(holds).length, decisions.length);
}

export function latestOutcome(decision: DecisionFacts): OutcomeFacts | undefined {
  return decision.outcomes.at(-1);
}

export function isTerminal(outcome: OutcomeFacts | undefined): boolean {
  switch (outcome?.status) {
    case 'succeeded':
    case 'failed':
    case 'reverted':
      return true;
    case 'review':
    case 'pending':
    case undefined:
      return false;
  }
}

export function boundExecutions({ executions }: DecisionFacts): readonly ExecutionFacts[] {
  return executions.filter(({ status, match }) => status === 'executed' && match);
}

const NO_AUTHORITY: ReadonlySet<string> = new Set(['NOT_AUTHORIZED', 'ADVISORY_ONLY']);

/** Whether a reason says that nothing allowed the action, in contrast to: something else was allowed. */
export function saysNoAuthority(reason: string): boolean {
  return NO_AUTHORITY.has(reason);
}

/** Executed receipts on `no`, on `review` (also one that became `yes` later) and on advisory records. */
export function withoutYes({ verdict, executions }: DecisionFacts): readonly ExecutionFacts[] {
  return executions.filter(
    ({ status, reasons }) =>
      status === 'executed' && (verdict !== 'yes' || reasons.some(saysNoAuthority)),
  );
}

/** Values of one metric in the latest outcomes of these decisions. */
export function observed(decisions: readonly DecisionFacts[], metric: string): number[] {
  return decisions.flatMap((decision) => {
    const value = latestOutcome(decision)?.observedMetrics.get(metric);
    return value === undefined ? [] : [value];
  });
}

function newestFirst(a: DecisionFacts, b: DecisionFacts): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? 1 : -1;
  return a.decisionId < b.decisionId ? 1 : -1;
}
