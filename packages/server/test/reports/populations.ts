import { sha256Hex, sortedJson } from '@countersign/proof';
import fc from 'fast-check';
import type {
  DecisionFacts,
  ExecutionFacts,
  OutcomeFacts,
  Population,
} from '../../src/service/reports/population.ts';
import { OUTCOME_DUE_SECONDS_DEFAULT } from '../../src/service/reports/population.ts';

const FIRST = Date.parse('2026-01-02T03:04:05.000Z');

/** Instant `minutes` after the first decision. */
export function minute(minutes: number): string {
  return new Date(FIRST + minutes * 60_000).toISOString();
}

/** Decision number `i`, made in minute `i`: a `yes` of which nothing was reported. */
export function decision(i: number, facts: Partial<DecisionFacts> = {}): DecisionFacts {
  const verdict = facts.verdict ?? 'yes';
  return {
    decisionId: `dec_${String(i).padStart(5, '0')}`,
    createdAt: minute(i),
    verdict,
    firstVerdict: verdict,
    action: 'approve_discount',
    policyVersion: 'v3',
    reviewOpen: false,
    executions: [],
    outcomes: [],
    ...facts,
  };
}

export function outcome(
  status: OutcomeFacts['status'],
  metrics: Readonly<Record<string, number>> = {},
): OutcomeFacts {
  return { status, observedMetrics: new Map(Object.entries(metrics)), reportedAt: minute(9_000) };
}

/** A receipt of decision number `i`, made with it; a mismatch when it has reasons. */
export function executed(i: number, facts: Partial<ExecutionFacts> = {}): ExecutionFacts {
  const reasons = facts.reasons ?? [];
  return {
    status: 'executed',
    match: reasons.length === 0,
    reasons,
    decisionAt: minute(i),
    executedAt: minute(i),
    reportedAt: minute(i),
    stateBeforeHash: 'sha256:before',
    stateAfterHash: 'sha256:after',
    ...facts,
  };
}

/** As many decisions as the counts say, by latest outcome. */
export function ended(
  counts: Partial<Record<OutcomeFacts['status'] | 'none', number>>,
  facts: Partial<DecisionFacts> = {},
  from = 0,
): DecisionFacts[] {
  const endings = Object.entries(counts).flatMap(([status, count]) =>
    Array.from({ length: count }, () => status as OutcomeFacts['status'] | 'none'),
  );
  return endings.map((status, i) =>
    decision(from + i, { outcomes: status === 'none' ? [] : [outcome(status)], ...facts }),
  );
}

export function population(
  decisions: readonly DecisionFacts[],
  rest: Partial<Population> = {},
): Population {
  return {
    policyId: 'pricing_exception',
    asOfSize: 240,
    origin: 'ledger.example/countersign',
    decisions,
    limit: 1_000,
    lastEntryAt: minute(9_000),
    policy: {
      metrics: [{ name: 'margin_after_discount' }],
      dueSeconds: OUTCOME_DUE_SECONDS_DEFAULT,
    },
    ...rest,
  };
}

/** The hash of a report, made by the rule of the format: over all members but the hash itself. */
export function hashWithout(report: object, hashMember: string): string {
  const rest = Object.entries(report).filter(([name]) => name !== hashMember);
  return sha256Hex(sortedJson(Object.fromEntries(rest)));
}

/** Paths of members that an artefact must not hold: without a value, or a number that JSON does not carry. */
export function hollowPaths(value: unknown, path = ''): string[] {
  if (value === undefined || value === null || value === '') return [path];
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [path];
  if (typeof value !== 'object') return [];
  const members = Object.entries(value);
  if (members.length === 0) return [path];
  return members.flatMap(([name, member]) => hollowPaths(member, `${path}/${name}`));
}

const REASONS = ['NOT_AUTHORIZED', 'ACTION_DIFFERS', 'AUTHORIZATION_EXPIRED', 'EXECUTION_LIMIT'];

const anyOutcome = fc
  .tuple(
    fc.constantFrom('succeeded', 'failed', 'reverted', 'review', 'pending' as const),
    fc.option(fc.integer({ min: -40, max: 40 }), { nil: undefined }),
  )
  .map(([status, margin]) =>
    outcome(status, margin === undefined ? {} : { margin_after_discount: margin / 100 }),
  );

const anyFacts = fc.record({
  verdict: fc.constantFrom('yes', 'yes', 'no', 'review' as const),
  outcomes: fc.array(anyOutcome, { maxLength: 3 }),
  executions: fc.array(
    fc
      .subarray(REASONS, { maxLength: 2 })
      .map((reasons) => executed(0, { reasons, decisionAt: minute(0) })),
    { maxLength: 2 },
  ),
  reviewOpen: fc.boolean(),
  reviewDueAt: fc.constantFrom(minute(10), minute(10_000)),
});

/** Decisions of any kind, newest first. */
export const anyDecisions: fc.Arbitrary<DecisionFacts[]> = fc
  .array(anyFacts, { maxLength: 60 })
  .map((all) => all.map((facts, i) => decision(all.length - i, facts)));
