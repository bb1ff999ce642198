/** Digits that a double holds whatever they are; of a fraction nobody may send more. */
const SIGNIFICANT_DIGITS_MAX = 15;

/**
 * Whether the double nearest to a JSON number literal stands for it without loss: printed again by
 * ECMAScript's rules it has the same digits and the same magnitude. A fraction has at most 15
 * significant digits, so that every reader agrees on it, and nothing overflows or vanishes. Beyond
 * ±(2^53 − 1) nothing passes, since doubles there skip integers.
 */
export function isExactNumber(literal: string): boolean {
  // 15 characters without an exponent: too few digits to lose any.
  if (literal.length <= SIGNIFICANT_DIGITS_MAX && !/[eE]/.test(literal)) return true;
  const value = Number(literal);
  if (!(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) return false;
  const digits = digitsOf(literal);
  if (digits !== digitsOf(String(value))) return false;
  return Number.isInteger(value) || digits.indexOf('e') <= SIGNIFICANT_DIGITS_MAX;
}

/** Digits without zeros on either end, and the power of ten of the last one; sign left out. */
function digitsOf(literal: string): string {
  const [mantissa = '', exponent = '0'] = literal.replace(/^-/, '').toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = (whole + fraction).replace(/^0+/, '');
  // A loop, since a pattern for trailing zeros would try again at each zero in between.
  let end = digits.length;
  while (digits.charAt(end - 1) === '0') end--;
  if (end === 0) return '0';
  return `${digits.slice(0, end)}e${Number(exponent) - fraction.length + (digits.length - end)}`;
}
