import type { Population } from './population.ts';
import { r4, ratio } from './statistics.ts';
import { boundExecutions, withoutYes } from './tally.ts';

/** Who has to sign before a first boundary counts as launched. */
export const SIGN_OFF_ROLES = ['workflow_owner', 'engineering', 'operations', 'reviewer'] as const;

export type SignOffRole = (typeof SIGN_OFF_ROLES)[number];

export interface ReadinessInput {
  /** Decisions outside the last 30 days before `at` and the population's `limit` are left out of account. */
  readonly population: Population;
  /** The instant that the 30 days end at and that review deadlines are compared with. */
  readonly at: string;
  /** Packets of this policy that verified with `verified: true` in these days. */
  readonly verifiedPackets: number;
  /** Mismatches that their owner has not resolved. */
  readonly openMismatches: number;
  /** Roles whose launch sign-off for this policy is recorded. */
  readonly signOffs: readonly SignOffRole[];
}

export interface Readiness {
  readonly policy_id: string;
  readonly policy_version?: string;
  readonly as_of_size: number;
  readonly checkpoint_origin: string;
  /** Whether the next boundary may start: every item is met. */
  readonly expand: boolean;
  readonly items: readonly ReadinessItem[];
}

export interface ReadinessItem {
  readonly name:
    | 'verified_packets'
    | 'decisions'
    | 'outcome_coverage'
    | 'open_mismatches'
    | 'executions_without_yes'
    | 'overdue_reviews'
    | 'launch_sign_offs';
  readonly met: boolean;
  /** The number that was judged; absent for a share of nothing, which is not met. */
  readonly value?: number;
}

/** What a boundary is judged by, in milliseconds. */
export const DAYS_30_MS: number = 30 * 86_400_000;
const VERIFIED_PACKETS_MIN = 1;
const DECISIONS_MIN = 20;
const OUTCOME_COVERAGE_MIN = 0.9;

/** Whether one boundary has stood long enough for the next to start, and why not. */
export function readiness(input: ReadinessInput): Readiness {
  const { population, at } = input;
  const from = new Date(Date.parse(at) - DAYS_30_MS).toISOString();
  const decisions = population.decisions.filter(
    ({ createdAt }) => createdAt >= from && createdAt <= at,
  );
  const executed = decisions.filter((decision) => boundExecutions(decision).length > 0);
  const coverage = ratio(
    executed.filter(({ outcomes }) => outcomes.length > 0).length,
    executed.length,
  );
  const unauthorised = decisions.reduce((sum, one) => sum + withoutYes(one).length, 0);
  const overdue = decisions.filter(
    ({ reviewOpen, reviewDueAt }) => reviewOpen && (reviewDueAt === undefined || reviewDueAt < at),
  ).length;
  const signed = SIGN_OFF_ROLES.filter((role) => input.signOffs.includes(role)).length;
  const items: readonly ReadinessItem[] = [
    atLeast('verified_packets', input.verifiedPackets, VERIFIED_PACKETS_MIN),
    atLeast('decisions', decisions.length, DECISIONS_MIN),
    {
      name: 'outcome_coverage',
      met: coverage !== undefined && coverage >= OUTCOME_COVERAGE_MIN,
      ...(coverage !== undefined && { value: r4(coverage) }),
    },
    none('open_mismatches', input.openMismatches),
    none('executions_without_yes', unauthorised),
    none('overdue_reviews', overdue),
    atLeast('launch_sign_offs', signed, SIGN_OFF_ROLES.length),
  ];
  return {
    policy_id: population.policyId,
    ...(population.policyVersion !== undefined && { policy_version: population.policyVersion }),
    as_of_size: population.asOfSize,
    checkpoint_origin: population.origin,
    expand: items.every(({ met }) => met),
    items,
  };
}

function atLeast(name: ReadinessItem['name'], value: number, min: number): ReadinessItem {
  return { name, met: value >= min, value };
}

function none(name: ReadinessItem['name'], value: number): ReadinessItem {
  return { name, met: value === 0, value };
}
