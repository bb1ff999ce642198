import { compareNumbers, Decimal, isNumeric, type Numeric } from './number.ts';

/** A JSON value (RFC 8259) whose numbers kept every digit; see `readNumber`. */
export type Json = null | boolean | string | Numeric | readonly Json[] | JsonObject;

export type JsonObject = { readonly [name: string]: Json };

/**
 * Whether two values say the same: numbers by exact value, objects whatever the order of members.
 * A value nested deeper than the stack is the reader's concern, who bounds the depth.
 */
export function sameJson(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (typeof a === 'string' || typeof a === 'boolean') return false;
  if (isNumeric(a)) return isNumeric(b) && compareNumbers(a, b) === 0;
  if (isList(a)) {
    return isList(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i] ?? null));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => {
      const other = member(b, name);
      return other !== undefined && sameJson(a[name] ?? null, other);
    })
  );
}

export function isObject(value: Json | undefined): value is JsonObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Decimal)
  );
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** The object's own member, so that `constructor` or `__proto__` never finds what nobody sent. */
export function member(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
