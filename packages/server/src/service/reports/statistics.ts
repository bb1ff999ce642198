/** The 97.5 % quantile of the normal distribution: both ends together leave out one in twenty. */
const Z = 1.959964;

/** What the median absolute deviation of normally spread values is multiplied by to give their deviation. */
const MAD_TO_DEVIATION = 1.4826;

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Wilson score interval for `successes` of `n`, `n` ≥ 1, clamped to 0…1. Not rounded. Only + − × ÷ and the square
 * root, which IEEE 754 rounds correctly, so every machine gives the same double.
 */
export function wilson(successes: number, n: number): Interval {
  if (!(n >= 1 && successes >= 0 && successes <= n)) throw new Error('not a share of a sample');
  const p = successes / n;
  const square = Z * Z;
  const divisor = 1 + square / n;
  const centre = (p + square / (2 * n)) / divisor;
  const half = (Z * Math.sqrt((p * (1 - p)) / n + square / (4 * n * n))) / divisor;
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/** From here on a double with four more decimals has more digits than JSON readers agree on (15). */
const WHOLE_FROM = 1e11;

/** Rounded to four decimals, halves up; from 10¹¹ on to a whole number. */
export function r4(x: number): number {
  return Math.abs(x) < WHOLE_FROM ? Math.floor(x * 10_000 + 0.5) / 10_000 : Math.round(x);
}

/** Rounded to two decimals, halves up. */
export function r2(x: number): number {
  return Math.floor(x * 100 + 0.5) / 100;
}

/** Absent for 0/0. */
export function ratio(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole;
}

export function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

/** Nearest-rank quantile of values in ascending order, at least one: the value of rank ⌈percent · n / 100⌉. */
export function nearestRank(sorted: readonly number[], percent: number): number {
  return at(sorted, Math.max(1, Math.ceil((percent * sorted.length) / 100)) - 1);
}

/** Quantile by linear interpolation at index percent · (n − 1) / 100 of values in ascending order, at least one. */
export function interpolated(sorted: readonly number[], percent: number): number {
  const index = (percent * (sorted.length - 1)) / 100;
  const below = Math.floor(index);
  const low = at(sorted, below);
  if (below === index) return low;
  return low + (index - below) * (at(sorted, below + 1) - low);
}

/** The middle value, or the mean of the two middle ones, of values in ascending order, at least one. */
export function median(sorted: readonly number[]): number {
  const half = Math.floor(sorted.length / 2);
  if (sorted.length % 2 === 1) return at(sorted, half);
  return (at(sorted, half - 1) + at(sorted, half)) / 2;
}

/** Median of the distances from `centre`, of at least one value. */
export function medianDeviation(values: readonly number[], centre: number): number {
  return median(ascending(values.map((value) => Math.abs(value - centre))));
}

/** Distance from the median in units of the spread that `mad` stands for. `mad` > 0. */
export function robustZ(distance: number, mad: number): number {
  return distance / (MAD_TO_DEVIATION * mad);
}

function at(values: readonly number[], index: number): number {
  const value = values[index];
  if (value === undefined) throw new Error('no values');
  return value;
}
