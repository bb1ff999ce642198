import { type Comparator, type ComparatorName, comparators, type Mode } from './comparator.ts';
import {
  type AbsenceReason,
  type Demand,
  type Evidence,
  type Lane,
  type Shortfall,
  shortfall,
} from './evidence.ts';
import type { Json } from './json.ts';
import type { Truth } from './truth.ts';

/** One named check: a comparator over one piece of evidence, or over two for `…_field`. */
export type Condition = {
  readonly name: string;
  readonly comparator: ComparatorName;
  /** Key of the evidence that is compared. */
  readonly operand: string;
  /** Key of the evidence it is compared with; then `expected` is not used. */
  readonly otherOperand?: string;
  readonly expected?: Json;
  /** Weakest lane that counts. Anything below leaves the condition `unknown`. */
  readonly minLane?: Lane;
  /** The same for the other operand. */
  readonly otherMinLane?: Lane;
  /** Greatest age in milliseconds of what lifts the evidence to the demanded lane. */
  readonly maxAgeMs?: number;
  /** `strict` when not stated. */
  readonly mode?: Mode;
};

/**
 * Why a condition is `unknown`, or why it counts as `true` though nothing has shown that. A plain
 * `true` or `false` has nothing to explain.
 */
export type Note =
  | Shortfall
  | 'MISSING'
  | 'NULL'
  | 'TYPE_MISMATCH'
  | 'STATE_UNLISTED'
  | 'CONFLICTING_INPUT'
  | 'MALFORMED'
  | 'TIMEOUT'
  | 'REFUSED'
  | 'APPROVAL_PENDING'
  | 'WAIVED_BY_OWNER'
  | 'OVERRIDDEN_BY_OWNER';

export type TraceEntry = {
  readonly name: string;
  /** What the requirement is evaluated with. */
  readonly truth: Truth;
  /** What the evidence says, where an owner's word stands in for it. */
  readonly found?: Truth;
  readonly note?: Note;
};

/** A condition made ready for judging. Every member is set, so that all of them have one shape. */
export type CompiledCondition = {
  readonly name: string;
  readonly compare: Comparator;
  readonly mode: Mode;
  readonly expected: Json | undefined;
  /** Index of the evidence. */
  readonly slot: number;
  /** Index of the evidence it is compared with; -1 where `expected` is that. */
  readonly otherSlot: number;
  readonly demand: Demand | undefined;
  readonly otherDemand: Demand | undefined;
};

export function compileCondition(
  condition: Condition,
  slotOf: (key: string) => number,
): CompiledCondition {
  const { name, comparator, mode, expected, operand, otherOperand } = condition;
  const { minLane, otherMinLane, maxAgeMs } = condition;
  return {
    name,
    compare: comparators[comparator],
    mode: mode ?? 'strict',
    expected,
    slot: slotOf(operand),
    otherSlot: otherOperand === undefined ? -1 : slotOf(otherOperand),
    demand: minLane && { minLane, maxAgeMs },
    otherDemand: otherMinLane && { minLane: otherMinLane, maxAgeMs },
  };
}

/** Judges one condition. Absence, low assurance and mismatched kinds are `unknown`, never `false`. */
export function evaluateCondition(
  condition: CompiledCondition,
  evidence: readonly Evidence[],
  instant: number,
): TraceEntry {
  const { name, compare, mode, demand } = condition;
  const found = evidence[condition.slot] ?? MISSING;
  if (found.state === 'absent') {
    // Only where nobody stated a value may its absence itself be the answer.
    const unstated = found.because === 'missing' || found.because === 'null';
    const truth = unstated ? compare(undefined, condition.expected, mode) : 'unknown';
    return truth === 'unknown' ? unknown(name, NOTES[found.because]) : { name, truth };
  }
  const lack = demand && shortfall(found, demand, instant);
  if (lack !== undefined) return unknown(name, lack);

  let expected = condition.expected;
  if (condition.otherSlot >= 0) {
    const other = evidence[condition.otherSlot] ?? MISSING;
    if (other.state === 'absent') return unknown(name, NOTES[other.because]);
    const otherLack = condition.otherDemand && shortfall(other, condition.otherDemand, instant);
    if (otherLack !== undefined) return unknown(name, otherLack);
    expected = other.value;
  }

  const truth = compare(found.value, expected, mode);
  if (truth !== 'unknown') return { name, truth };
  const unlisted = compare === comparators.state && typeof found.value === 'string';
  return unknown(name, unlisted ? 'STATE_UNLISTED' : 'TYPE_MISMATCH');
}

const MISSING: Evidence = { state: 'absent', because: 'missing' };

/** `undetermined` explains nothing: the name of the condition already says what is open. */
const NOTES = {
  missing: 'MISSING',
  null: 'NULL',
  conflict: 'CONFLICTING_INPUT',
  malformed: 'MALFORMED',
  timeout: 'TIMEOUT',
  refused: 'REFUSED',
  pending: 'APPROVAL_PENDING',
  undetermined: undefined,
} as const satisfies Record<AbsenceReason, Note | undefined>;

function unknown(name: string, note: Note | undefined): TraceEntry {
  return note === undefined ? { name, truth: 'unknown' } : { name, truth: 'unknown', note };
}
