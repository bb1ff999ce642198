import { bug } from './fault.ts';
import { NUMBER_CHARACTERS_MAX, NUMBER_EXPONENT_MAX } from './limits.ts';

/** A number as it was written. A double stands for its shortest round-trip decimal form. */
export type Numeric = number | bigint | Decimal;

/** `digits` × 10^`exponent`, exact. `digits` never ends in a zero, so each value has one form. */
export class Decimal {
  readonly digits: bigint;
  readonly exponent: number;

  constructor(digits: bigint, exponent: number) {
    const zeros = digits === 0n ? 0 : trailingZeros(digits.toString());
    this.digits = digits / 10n ** BigInt(zeros);
    this.exponent = digits === 0n ? 0 : exponent + zeros;
  }
}

/**
 * Reads a JSON number literal (RFC 8259 §6) without losing a digit.
 *
 * Written as an integer: a `number` within ±(2^53 − 1), else a `bigint`. Written with a fraction
 * or an exponent: a `number` when the double nearest to it has it as shortest round-trip form
 * (always so up to 15 significant digits inside the range of doubles), else a `Decimal`.
 * Negative zero is 0.
 *
 * @returns `undefined` when it is no such literal, longer than `NUMBER_CHARACTERS_MAX`, or its
 * power of ten is beyond `NUMBER_EXPONENT_MAX`: a short text must not become a huge number.
 */
export function readNumber(literal: string): Numeric | undefined {
  if (literal.length > NUMBER_CHARACTERS_MAX) return undefined;
  const parts = LITERAL.exec(literal);
  if (parts === null) return undefined;
  const [, whole = '', fraction, power] = parts;

  const double = Number(literal);
  if (fraction === undefined && power === undefined) {
    return Number.isSafeInteger(double) ? double + 0 : BigInt(literal);
  }
  const exponent = Number(power ?? 0) - (fraction?.length ?? 0);
  if (Math.abs(exponent) > NUMBER_EXPONENT_MAX) return undefined;
  const exact = new Decimal(BigInt(whole + (fraction ?? '')), exponent);
  return Number.isFinite(double) && compareDecimals(toDecimal(double), exact) === 0
    ? double + 0
    : exact;
}

/** Whole part with its sign, fraction digits, power of ten. */
const LITERAL = /^(-?(?:0|[1-9]\d*))(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** Reads the decimal strings that carry money: up to 18 digits, then up to 9 after the point. */
export function readDecimalText(text: string): Decimal | undefined {
  const parts = DECIMAL_TEXT.exec(text);
  if (parts === null) return undefined;
  const [, whole = '', fraction = ''] = parts;
  return new Decimal(BigInt(whole + fraction), -fraction.length);
}

const DECIMAL_TEXT = /^(-?\d{1,18})(?:\.(\d{1,9}))?$/;

/** Total order by exact value, in every mix of the three forms. Both must be finite. */
export function compareNumbers(a: Numeric, b: Numeric): -1 | 0 | 1 {
  // Shortest forms are ordered as their doubles are, so two doubles need no digits.
  if (typeof a === 'number' && typeof b === 'number') {
    if (a < b) return -1;
    if (a > b) return 1;
    return a === b ? 0 : bug('compared a number that is not finite');
  }
  return compareDecimals(toDecimal(a), toDecimal(b));
}

/**
 * Compares two decimal strings as `readDecimalText` reads them; `undefined` when one is none.
 *
 * Rounding to doubles keeps the order, so two different doubles have settled it already.
 */
export function compareDecimalTexts(a: string, b: string): -1 | 0 | 1 | undefined {
  if (!DECIMAL_TEXT.test(a) || !DECIMAL_TEXT.test(b)) return undefined;
  const roughA = Number(a);
  const roughB = Number(b);
  if (roughA !== roughB) return roughA < roughB ? -1 : 1;
  const [exactA, exactB] = [readDecimalText(a), readDecimalText(b)];
  return exactA && exactB && compareDecimals(exactA, exactB);
}

function compareDecimals(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const sign = a.digits < 0n ? -1 : 1;
  if (a.digits < 0n !== b.digits < 0n || a.digits === 0n || b.digits === 0n) {
    return orderOf(a.digits, b.digits);
  }
  const [sizeA, sizeB] = [magnitude(a), magnitude(b)];
  if (sizeA !== sizeB) return sizeA < sizeB === sign > 0 ? -1 : 1;
  // Of equal magnitude, so the shift is at most the difference of their digit counts.
  const shift = a.exponent - b.exponent;
  return shift >= 0
    ? orderOf(a.digits * 10n ** BigInt(shift), b.digits)
    : orderOf(a.digits, b.digits * 10n ** BigInt(-shift));
}

export function isNumeric(value: unknown): value is Numeric {
  return typeof value === 'number'
    ? Number.isFinite(value)
    : typeof value === 'bigint' || value instanceof Decimal;
}

function toDecimal(value: Numeric): Decimal {
  if (value instanceof Decimal) return value;
  if (typeof value === 'bigint') return new Decimal(value, 0);
  // ECMAScript Number::toString is the shortest round-trip form: `1.5`, `1e+21`, `5e-324`.
  const [mantissa = '', power = '0'] = String(value).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return new Decimal(BigInt(whole + fraction), Number(power) - fraction.length);
}

/** Position of the first digit relative to the decimal point. */
function magnitude(value: Decimal): number {
  const text = value.digits.toString();
  return text.length - (value.digits < 0n ? 1 : 0) + value.exponent;
}

function orderOf(a: bigint, b: bigint): -1 | 0 | 1 {
  return a < b ? -1 : a > b ? 1 : 0;
}

function trailingZeros(text: string): number {
  let zeros = 0;
  while (text[text.length - 1 - zeros] === '0') zeros += 1;
  return zeros;
}
