import { isList, isObject, type Json } from '../json.ts';
import { compareNumbers, isNumeric } from '../number.ts';
import { not, type Truth } from '../truth.ts';
import type { EvidenceValue, ScenarioComparator } from './model.ts';
import { sameForm } from './number-form.ts';
import { byUtf8 } from './order.ts';
import { compareTemporal } from './temporal.ts';

/** A comparison of two values that are there. */
type Comparison = (value: Json, expected: Json) => Truth;

/** Everything but presence, which needs no second value. */
const COMPARISONS: Readonly<
  Record<Exclude<ScenarioComparator, 'exists' | 'not_exists'>, Comparison>
> = {
  equals,
  not_equals: (value, expected) => not(equals(value, expected)),
  greater_than: ordered((order) => order > 0),
  greater_than_or_equal: ordered((order) => order >= 0),
  less_than: ordered((order) => order < 0),
  less_than_or_equal: ordered((order) => order <= 0),
  lex_greater_than: lexical((order) => order > 0),
  lex_greater_than_or_equal: lexical((order) => order >= 0),
  lex_less_than: lexical((order) => order < 0),
  lex_less_than_or_equal: lexical((order) => order <= 0),
  contains,
  in_set: inSet,
  deep_equals: deepEquals,
  deep_not_equals: (value, expected) => not(deepEquals(value, expected)),
};

/**
 * What a piece of evidence says about an expectation, evidence on the left. `expected` is `null` where there is none,
 * and then only presence can be told.
 */
export function compareEvidence(
  comparator: ScenarioComparator,
  value: EvidenceValue | null,
  expected: Json,
): Truth {
  if (comparator === 'exists') return truth(value !== null);
  if (comparator === 'not_exists') return truth(value === null);
  if (value === null || expected === null) return 'unknown';
  return value.kind === 'json'
    ? COMPARISONS[comparator](value.value, expected)
    : compareBytes(comparator, value.value, expected);
}

/** Bytes are equal to a list of numbers, or they are not; they have no order and contain nothing. */
function compareBytes(
  comparator: ScenarioComparator,
  bytes: readonly number[],
  expected: Json,
): Truth {
  if (comparator !== 'equals' && comparator !== 'not_equals') return 'unknown';
  if (!isList(expected) || !expected.every(isByte)) return 'unknown';
  const same = bytes.length === expected.length && bytes.every((byte, i) => byte === expected[i]);
  return truth(same === (comparator === 'equals'));
}

function isByte(value: Json): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255;
}

/** Numbers by value, so that `1` is `1.0`; within arrays and objects, and for everything else, by form. */
function equals(value: Json, expected: Json): Truth {
  return isNumeric(value) && isNumeric(expected)
    ? truth(compareNumbers(value, expected) === 0)
    : truth(sameForm(value, expected));
}

function ordered(holds: (order: number) => boolean): Comparison {
  return (value, expected) => {
    if (isNumeric(value) && isNumeric(expected))
      return truth(holds(compareNumbers(value, expected)));
    if (typeof value !== 'string' || typeof expected !== 'string') return 'unknown';
    const order = compareTemporal(value, expected);
    return order === undefined ? 'unknown' : truth(holds(order));
  };
}

function lexical(holds: (order: number) => boolean): Comparison {
  return (value, expected) =>
    typeof value === 'string' && typeof expected === 'string'
      ? truth(holds(byUtf8(value, expected)))
      : 'unknown';
}

function contains(value: Json, expected: Json): Truth {
  if (typeof value === 'string' && typeof expected === 'string') {
    return truth(value.includes(expected));
  }
  if (!isList(value) || !isList(expected)) return 'unknown';
  return truth(expected.every((wanted) => value.some((one) => sameForm(one, wanted))));
}

function inSet(value: Json, expected: Json): Truth {
  if (isList(value) || isObject(value) || !isList(expected)) return 'unknown';
  return truth(expected.some((one) => sameForm(value, one)));
}

function deepEquals(value: Json, expected: Json): Truth {
  const comparable = (isList(value) && isList(expected)) || (isObject(value) && isObject(expected));
  return comparable ? truth(sameForm(value, expected)) : 'unknown';
}

function truth(holds: boolean): Truth {
  return holds ? 'true' : 'false';
}
