import { isList, isObject, type Json } from '../json.ts';
import { compareNumbers, Decimal, isNumeric, type Numeric } from '../number.ts';

const INTEGER = /^-?(?:0|[1-9]\d*)$/;
const I64_MIN = -(2n ** 63n);
const U64_MAX = 2n ** 64n - 1n;

/**
 * Reads a number literal as the scenario protocol tells numbers apart: an integer within 64 bits keeps every digit;
 * everything else, `-0` and `1.0` included, is a double. A double that is whole becomes a `Decimal`, so that it is
 * never taken for an integer.
 *
 * @returns `undefined` when its magnitude is beyond doubles.
 */
export function readScenarioNumber(literal: string): Numeric | undefined {
  if (INTEGER.test(literal) && literal !== '-0') {
    const double = Number(literal);
    if (Number.isSafeInteger(double)) return double;
    const integer = BigInt(literal);
    if (integer >= I64_MIN && integer <= U64_MAX) return integer;
  }
  return floatForm(Number(literal));
}

/** A double as a value of this protocol; `undefined` for what is not finite. */
export function floatForm(double: number): Numeric | undefined {
  if (!Number.isFinite(double)) return undefined;
  if (!Number.isInteger(double)) return double;
  const [mantissa = '', power = '0'] = String(double).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return new Decimal(BigInt(whole + fraction), Number(power) - fraction.length);
}

/** Whether a number was written as an integer. */
export function isIntegerForm(value: Numeric): boolean {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value));
}

/** Whether two values are the same in form too: `1` is not `1.0`. Members of objects have no order. */
export function sameForm(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (isNumeric(a)) {
    return isNumeric(b) && isIntegerForm(a) === isIntegerForm(b) && compareNumbers(a, b) === 0;
  }
  if (isList(a)) {
    return isList(b) && a.length === b.length && a.every((item, i) => sameForm(item, b[i] ?? null));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && sameForm(a[name] ?? null, b[name] ?? null))
  );
}

/** The value with doubles in place of `Decimal`s: what a canonical text and a schema check are made of. */
export function plainJson(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Decimal) return Number(`${value.digits}e${value.exponent}`);
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    let changed: unknown[] | undefined;
    for (let i = 0; i < items.length; i += 1) {
      const plain = plainJson(items[i]);
      if (plain !== items[i]) (changed ??= [...items])[i] = plain;
    }
    return changed ?? value;
  }
  const members = value as Readonly<Record<string, unknown>>;
  let changed: Record<string, unknown> | undefined;
  for (const name of Object.keys(members)) {
    const plain = plainJson(members[name]);
    if (plain === members[name]) continue;
    changed ??= copyOf(members);
    changed[name] = plain;
  }
  return changed ?? value;
}

/** Own members only, `__proto__` among them if it is one. */
function copyOf(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const copy: Record<string, unknown> = Object.create(null);
  for (const name of Object.keys(members)) copy[name] = members[name];
  return copy;
}
