import type { Population } from './population.ts';
import { r4 } from './statistics.ts';
import { type Rates, ratesOf, tally } from './tally.ts';

/** The only rates that tenants are compared by: no counts, no business metrics. */
export const COHORT_RATES = [
  'success_rate',
  'failure_rate',
  'review_rate',
  'revert_rate',
  'terminal_coverage',
] as const;

export type CohortRate = (typeof COHORT_RATES)[number];

/** What one tenant gives to a cohort. It stays on the server: no report shows any member of it. */
export interface Contribution {
  /** Who contributes; a caller is never in its own cohort. */
  readonly tenant: string;
  /** Rounded like the rates of a report. */
  readonly rates: Readonly<Record<CohortRate, number>>;
  /** Decisions with a terminal outcome. */
  readonly terminal: number;
}

/** Contributions as they stood when the cohort was fixed, by tenant. */
export interface CohortSnapshot {
  /** UTC week of the fixing, see {@link utcWeek}. */
  readonly week: string;
  readonly scopes: readonly Contribution[];
}

/** Fewest decisions with a terminal outcome with which a tenant is counted. */
export const SCOPE_TERMINAL_MIN = 10;

/** Fewest tenants that may come or go from one snapshot to the next: a single one could be told by subtraction. */
export const MEMBERSHIP_CHANGES_MIN = 2;

/**
 * What a tenant that opted in contributes, of its decisions under one first-party pattern and major version;
 * `undefined` while it has too few to be counted.
 */
export function contributionOf(tenant: string, population: Population): Contribution | undefined {
  const counted = tally(population);
  if (counted.terminal < SCOPE_TERMINAL_MIN) return undefined;
  const rates: Rates = ratesOf(counted);
  const shown = COHORT_RATES.map((name) => [name, r4(rates[name] ?? 0)] as const);
  return {
    tenant,
    rates: Object.fromEntries(shown) as Record<CohortRate, number>,
    terminal: counted.terminal,
  };
}

/**
 * The snapshot to use in `week`. `candidates` are the contributions of all tenants that are opted in at present; who
 * withdrew is not among them. Keep the result: it is the next call's `previous`.
 *
 * The previous one stays for the rest of its week, and as long as fewer than {@link MEMBERSHIP_CHANGES_MIN} tenants
 * came or went. Until then a tenant that withdrew is still in it, in numbers that were already shown.
 */
export function nextSnapshot(
  previous: CohortSnapshot | undefined,
  candidates: readonly Contribution[],
  week: string,
): CohortSnapshot {
  const next = { week, scopes: countedScopes(candidates) };
  if (previous === undefined) return next;
  if (week <= previous.week) return previous;
  const before = new Set(previous.scopes.map(({ tenant }) => tenant));
  const after = new Set(next.scopes.map(({ tenant }) => tenant));
  const came = [...after].filter((tenant) => !before.has(tenant)).length;
  const went = [...before].filter((tenant) => !after.has(tenant)).length;
  return came + went < MEMBERSHIP_CHANGES_MIN ? previous : next;
}

/** Those with enough decisions, in the order of their names. */
export function countedScopes(scopes: readonly Contribution[]): readonly Contribution[] {
  return scopes
    .filter(({ terminal }) => terminal >= SCOPE_TERMINAL_MIN)
    .sort((a, b) => (a.tenant < b.tenant ? -1 : 1));
}

const DAY_MS = 86_400_000;

/** ISO 8601 week of an instant in UTC, for example `2026-W01`. Texts compare like weeks. */
export function utcWeek(instant: string): string {
  const day = Math.floor(Date.parse(instant) / DAY_MS);
  // Day 0 was a Thursday; the week belongs to the year that its Thursday is in.
  const thursday = day - ((day + 3) % 7) + 3;
  const year = new Date(thursday * DAY_MS).toISOString().slice(0, 4);
  const newYear = Date.parse(`${year}-01-01T00:00:00.000Z`) / DAY_MS;
  const week = 1 + Math.floor((thursday - newYear) / 7);
  return `${year}-W${String(week).padStart(2, '0')}`;
}
