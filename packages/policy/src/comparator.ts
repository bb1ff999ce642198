import { isList, isObject, type Json, sameJson } from './json.ts';
import { compareDecimalTexts, compareNumbers, isNumeric } from './number.ts';
import type { Truth } from './truth.ts';

/**
 * What two values of different kinds mean to each other.
 *
 * `strict`: nothing. Only scalars of one kind compare; every mismatch is `unknown`, so that a
 * `not` around it cannot turn a mistyped value into permission.
 * `decided`: they differ. `equals` is `false` and `not_equals` is `true` on a mismatch; arrays and
 * objects compare by content; `contains` also looks into strings and for several elements.
 */
export type Mode = 'strict' | 'decided';

/**
 * One comparison. `value` is `undefined` when nobody stated one; `expected` is the policy's side,
 * or the second operand's value for the comparators that end in `_field`.
 */
export type Comparator = (value: Json | undefined, expected: Json | undefined, mode: Mode) => Truth;

export type ComparatorName =
  | 'equals'
  | 'not_equals'
  | 'greater_than'
  | 'at_least'
  | 'less_than'
  | 'at_most'
  | 'between'
  | 'decimal_at_most'
  | 'decimal_at_least'
  | 'in_set'
  | 'not_in_set'
  | 'contains'
  | 'not_contains'
  | 'exists'
  | 'not_exists'
  | 'state'
  | 'equals_field'
  | 'differs_from_field'
  | 'at_most_field'
  | 'reference_present'
  | 'approval';

/** The whole meaning of every comparator. Each is total: what it cannot compare is `unknown`. */
export const comparators: Readonly<Record<ComparatorName, Comparator>> = {
  equals,
  not_equals: negated(equals),
  greater_than: ordered((order) => order > 0),
  at_least: ordered((order) => order >= 0),
  less_than: ordered((order) => order < 0),
  at_most: ordered((order) => order <= 0),
  between,
  decimal_at_most: orderedText((order) => order <= 0),
  decimal_at_least: orderedText((order) => order >= 0),
  in_set: inSet,
  not_in_set: negated(inSet),
  contains,
  not_contains: negated(contains),
  exists: (value) => settled(value !== undefined),
  not_exists: (value) => settled(value === undefined),
  state,
  equals_field: equals,
  differs_from_field: negated(equals),
  at_most_field: ordered((order) => order <= 0),
  // The lack of a proof is not a disproof, so this one is never `false`.
  reference_present: (value) => (value === undefined ? 'unknown' : 'true'),
  approval: (value) => (typeof value === 'boolean' ? settled(value) : 'unknown'),
};

function equals(value: Json | undefined, expected: Json | undefined, mode: Mode): Truth {
  if (value === undefined || expected === undefined) return 'unknown';
  if (mode === 'decided') return settled(sameJson(value, expected));
  const kind = scalarKind(value);
  if (kind === undefined || kind !== scalarKind(expected)) return 'unknown';
  return settled(sameJson(value, expected));
}

/** `expected`: `{ min, max }`, both included. */
function between(value: Json | undefined, expected: Json | undefined): Truth {
  if (!isObject(expected) || !isNumeric(value)) return 'unknown';
  const { min, max } = expected;
  if (!isNumeric(min) || !isNumeric(max)) return 'unknown';
  return settled(compareNumbers(value, min) >= 0 && compareNumbers(value, max) <= 0);
}

/** `expected`: a list. In `strict`, a value of a kind that no member has is `unknown`. */
function inSet(value: Json | undefined, expected: Json | undefined, mode: Mode): Truth {
  const kind = scalarKind(value);
  if (value === undefined || !isList(expected)) return 'unknown';
  if (kind === undefined && !(mode === 'decided' && value === null)) return 'unknown';
  let comparable = mode === 'decided';
  for (const item of expected) {
    if (sameJson(value, item)) return 'true';
    comparable ||= scalarKind(item) === kind;
  }
  return comparable ? 'false' : 'unknown';
}

function contains(value: Json | undefined, expected: Json | undefined, mode: Mode): Truth {
  if (mode === 'strict') {
    if (!isList(value) || expected === undefined || scalarKind(expected) === undefined) {
      return 'unknown';
    }
    return settled(value.some((item) => sameJson(item, expected)));
  }
  if (typeof value === 'string' && typeof expected === 'string') {
    return settled(value.includes(expected));
  }
  if (!isList(value) || !isList(expected)) return 'unknown';
  return settled(expected.every((wanted) => value.some((item) => sameJson(item, wanted))));
}

/** `expected`: `{ "true": [...], "false": [...] }`; a value in neither list is `unknown`. */
function state(value: Json | undefined, expected: Json | undefined): Truth {
  if (scalarKind(value) === undefined || !isObject(expected)) return 'unknown';
  if (inSet(value, expected['true'], 'decided') === 'true') return 'true';
  return inSet(value, expected['false'], 'decided') === 'true' ? 'false' : 'unknown';
}

function ordered(holds: (order: number) => boolean): Comparator {
  return (value, expected) =>
    isNumeric(value) && isNumeric(expected)
      ? settled(holds(compareNumbers(value, expected)))
      : 'unknown';
}

/** As `ordered`, over decimal strings, so that money never passes through a double. */
function orderedText(holds: (order: number) => boolean): Comparator {
  return (value, expected) => {
    if (typeof value !== 'string' || typeof expected !== 'string') return 'unknown';
    const order = compareDecimalTexts(value, expected);
    return order === undefined ? 'unknown' : settled(holds(order));
  };
}

function negated(comparator: Comparator): Comparator {
  return (value, expected, mode) => {
    const truth = comparator(value, expected, mode);
    return truth === 'unknown' ? 'unknown' : settled(truth === 'false');
  };
}

/** Every number is of one kind, whatever form keeps its digits. `null` is no scalar: it says nothing. */
function scalarKind(value: Json | undefined): 'boolean' | 'string' | 'number' | undefined {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'boolean';
  return isNumeric(value) ? 'number' : undefined;
}

function settled(holds: boolean): Truth {
  return holds ? 'true' : 'false';
}
