import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import wilsonVectors from '../../../../vectors/reports/wilson.json' with { type: 'json' };
import {
  ascending,
  interpolated,
  median,
  medianDeviation,
  nearestRank,
  r2,
  r4,
  ratio,
  wilson,
} from '../../src/service/reports/statistics.ts';

describe('wilson', () => {
  it.each(wilsonVectors.cases)('$successes of $n', ({ successes, n, low, high }) => {
    const interval = wilson(successes, n);
    expect([r4(interval.low), r4(interval.high)]).toEqual([low, high]);
  });

  it('holds the share, stays within 0 and 1, and one more success moves it up', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), fc.nat(5_000), (n, some) => {
        const s = some % (n + 1);
        const { low, high } = wilson(s, n);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(r4(low)).toBeLessThanOrEqual(r4(s / n));
        expect(r4(high)).toBeGreaterThanOrEqual(r4(s / n));
        expect(wilson(s + 1, n + 1).low).toBeGreaterThanOrEqual(low);
      }),
      { numRuns: 300 },
    );
  });

  it('refuses what is not a share', () => {
    expect(() => wilson(0, 0)).toThrow();
    expect(() => wilson(3, 2)).toThrow();
    expect(() => wilson(-1, 2)).toThrow();
  });
});

it('r4 and r2 round halves up, also below zero', () => {
  expect([r4(0.00005), r4(0.000049), r4(-0.00005), r4(-0.00006)]).toEqual([0.0001, 0, 0, -0.0001]);
  expect([r2(0.125), r2(0.124)]).toEqual([0.13, 0.12]);
});

it('r4 leaves no number with more than 15 digits', () => {
  expect(r4(99_999_999_999.12344)).toBe(99_999_999_999.1234);
  expect(r4(100_000_000_000.1234)).toBe(100_000_000_000);
  expect(r4(Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER);
});

it('ratio has no value for nothing of nothing', () => {
  expect(ratio(0, 0)).toBeUndefined();
  expect(ratio(0, 3)).toBe(0);
});

describe('quantiles', () => {
  const ten = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

  it('by nearest rank are values that occurred', () => {
    expect([nearestRank(ten, 10), nearestRank(ten, 11), nearestRank(ten, 90)]).toEqual([1, 2, 9]);
    expect([nearestRank([7], 10), nearestRank([7], 90)]).toEqual([7, 7]);
    expect([nearestRank([1, 2, 3], 0), nearestRank([1, 2, 3], 100)]).toEqual([1, 3]);
  });

  it('by interpolation lie between neighbours', () => {
    expect([interpolated(ten, 25), interpolated(ten, 50), interpolated(ten, 75)]).toEqual([
      3.25, 5.5, 7.75,
    ]);
    expect([interpolated([0.5, 0.7], 25), interpolated([0.5], 75)]).toEqual([0.55, 0.5]);
    expect([interpolated(ten, 0), interpolated(ten, 100)]).toEqual([1, 10]);
  });

  it('median and deviation, odd and even', () => {
    expect(median([1, 2, 9])).toBe(2);
    expect(median([1, 2, 4, 9])).toBe(3);
    expect(medianDeviation([1, 2, 9], 2)).toBe(1);
    expect(medianDeviation([2, 2, 2, 9], 2)).toBe(0);
  });

  it('need a value', () => {
    expect(() => median([])).toThrow();
    expect(() => nearestRank([], 50)).toThrow();
    expect(() => interpolated([], 50)).toThrow();
  });
});

it('ascending sorts by value, not by text', () => {
  expect(ascending([10, 9, -1])).toEqual([-1, 9, 10]);
});
