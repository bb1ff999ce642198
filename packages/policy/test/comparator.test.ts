import { describe, expect, it } from 'vitest';
import vectors from '../../../vectors/policy/comparators.json' with { type: 'json' };
import { type ComparatorName, comparators } from '../src/comparator.ts';
import type { Json } from '../src/json.ts';
import { readNumber } from '../src/number.ts';

type Case = { value?: unknown; expected?: unknown };
const cases = vectors.cases.map((item) => ({
  ...item,
  compare: item.comparator as ComparatorName,
}));

describe('comparators', () => {
  it.each(cases)('$comparator: $name', ({ compare, strict, decided, ...item }) => {
    const [value, expected] = [
      fromVector((item as Case).value),
      fromVector((item as Case).expected),
    ];
    expect(comparators[compare](value, expected, 'strict')).toBe(strict);
    expect(comparators[compare](value, expected, 'decided')).toBe(decided);
  });

  it.each(Object.keys(comparators))('%s has a case for every truth it can reach', (name) => {
    const found = new Set(cases.filter((c) => c.comparator === name).map((c) => c.strict));
    const reachable = new Set(['true', 'false', 'unknown']);
    if (name === 'exists' || name === 'not_exists') reachable.delete('unknown');
    if (name === 'reference_present') reachable.delete('false');
    expect(found).toEqual(reachable);
  });
});

/** `{"$number": literal}` is a number with all its digits, which a test's JSON parser would drop. */
function fromVector(value: unknown): Json | undefined {
  if (Array.isArray(value)) return value.map((item) => fromVector(item) ?? null);
  if (typeof value !== 'object' || value === null) return value as Json | undefined;
  const entries = Object.entries(value);
  const [first] = entries;
  if (first?.[0] === '$number') return readNumber(String(first[1]));
  return Object.fromEntries(entries.map(([name, item]) => [name, fromVector(item) ?? null]));
}
