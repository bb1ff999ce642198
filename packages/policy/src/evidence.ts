import type { Json } from './json.ts';
import { CLOCK_SKEW_MS } from './limits.ts';

/**
 * How much stands behind a value, weakest first: somebody said it; somebody said it and pointed
 * at a hashed source; a registered source signed it; the gate fetched it itself.
 */
export const LANES = ['asserted', 'referenced', 'attested', 'verified'] as const;

export type Lane = (typeof LANES)[number];

/** A value and what stands behind it, or the reason there is none. Never both, never neither. */
export type Evidence =
  | {
      readonly state: 'present';
      readonly value: Json;
      readonly lane: Lane;
      /** Unix milliseconds at which what lifted it to its lane was observed, where that is known. */
      readonly observedAt?: number;
    }
  | { readonly state: 'absent'; readonly because: AbsenceReason };

/**
 * Why there is no value. `missing` and `null` say that nobody stated one, which `exists` may judge;
 * all others say that it could not be had, so nothing may be concluded, not even its absence.
 */
export type AbsenceReason =
  | 'missing'
  | 'null'
  | 'conflict'
  | 'malformed'
  | 'timeout'
  | 'refused'
  | 'pending'
  | 'undetermined';

/** What a condition asks of its evidence beyond the value. */
export type Demand = {
  readonly minLane?: Lane | undefined;
  /** Greatest age in milliseconds. Asked only together with a lane above `asserted`. */
  readonly maxAgeMs?: number | undefined;
};

export type Shortfall = 'ASSURANCE_TOO_LOW' | 'EVIDENCE_STALE' | 'EVIDENCE_FROM_FUTURE';

/**
 * What present evidence lacks to meet a demand at `instant`, or `undefined` when it meets it.
 *
 * Where `asserted` suffices nothing else is asked: the age of a mere statement proves nothing.
 * An unknown age counts as too old.
 */
export function shortfall(
  evidence: Extract<Evidence, { state: 'present' }>,
  demand: Demand,
  instant: number,
): Shortfall | undefined {
  if (demand.minLane === undefined || demand.minLane === 'asserted') return undefined;
  if (!reachesLane(evidence.lane, demand.minLane)) return 'ASSURANCE_TOO_LOW';
  const { observedAt } = evidence;
  if (observedAt !== undefined && observedAt > instant + CLOCK_SKEW_MS) {
    return 'EVIDENCE_FROM_FUTURE';
  }
  if (demand.maxAgeMs === undefined) return undefined;
  return observedAt === undefined || instant - observedAt > demand.maxAgeMs
    ? 'EVIDENCE_STALE'
    : undefined;
}

export function reachesLane(lane: Lane, least: Lane): boolean {
  return LANES.indexOf(lane) >= LANES.indexOf(least);
}
