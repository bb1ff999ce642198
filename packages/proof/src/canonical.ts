import { isWellFormed } from './bytes.ts';

/** Deepest nesting of arrays and objects that a canonical text may have, unless its maker says otherwise. */
export const CANONICAL_DEPTH_MAX = 64;

/**
 * Canonical text of a JSON value by RFC 8785 (text J): no white space, ECMAScript strings and
 * numbers, members ordered by the UTF-16 code units of their names. A bigint prints its digits.
 *
 * @throws {CanonicalError} for whatever has no such text: `undefined`, functions, symbols, NaN and
 *   infinities, lone surrogates in names or values, objects that are not plain, and nesting deeper
 *   than `depthMax`.
 */
export function canonicalJson(value: unknown, depthMax: number = CANONICAL_DEPTH_MAX): string {
  return serialize(value, sortByCodeUnits, CANONICAL_DEPTH_MAX - depthMax);
}

/** Canonical text of one string. */
export function canonicalString(text: string): string {
  if (!NEEDS_CARE.test(text)) return `"${text}"`;
  if (!isWellFormed(text)) throw new CanonicalError('a string with a lone surrogate');
  // ECMAScript's escapes are the ones RFC 8785 §3.2.2.2 took over.
  return JSON.stringify(text);
}

/** A canonical text made earlier, put into a larger one as it is. Whoever makes one vouches for it. */
export class Verbatim {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A value that has no canonical text. `pointer` (RFC 6901) leads to the place. */
export class CanonicalError extends Error {
  override readonly name = 'CanonicalError';
  readonly reason: string;
  readonly pointer: string;

  constructor(reason: string, pointer = '') {
    super(`no canonical text for ${reason}${pointer === '' ? '' : ` at \`${pointer}\``}`);
    this.reason = reason;
    this.pointer = pointer;
  }
}

/** Puts the names of one object in order, in place. May throw a {@link CanonicalError}. */
export type SortNames = (names: string[]) => void;

/** The serializer behind both canonical texts: they differ in the order of members, nothing else. */
export function serialize(value: unknown, sortNames: SortNames, depth: number): string {
  switch (typeof value) {
    case 'string':
      return canonicalString(value);
    case 'number':
      if (!Number.isFinite(value)) throw new CanonicalError('a number that is not finite');
      return String(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'bigint':
      return value.toString();
    case 'object':
      if (value === null) return 'null';
      if (value instanceof Verbatim) return value.text;
      if (depth === CANONICAL_DEPTH_MAX) throw new CanonicalError('a value nested too deeply');
      return Array.isArray(value)
        ? serializeArray(value, sortNames, depth + 1)
        : serializeObject(value, sortNames, depth + 1);
    default:
      throw new CanonicalError(`a value of type ${typeof value}`);
  }
}

/**
 * Insertion sort up to the size of every object of ours; beyond that, where it would cost squares,
 * the built-in sort. JavaScript compares strings by code units, as RFC 8785 §3.2.3 asks.
 */
export function sortByCodeUnits(names: string[]): void {
  if (names.length > INSERTION_SORT_MAX) {
    names.sort();
    return;
  }
  for (let i = 1; i < names.length; i++) {
    const name = names[i] as string;
    let j = i - 1;
    for (; j >= 0 && (names[j] as string) > name; j--) names[j + 1] = names[j] as string;
    names[j + 1] = name;
  }
}

/** Names up to which an insertion sort beats the built-in one. */
const INSERTION_SORT_MAX = 24;

/**
 * What a string cannot contain if its canonical text is to be the string between two quotes: control
 * characters, `"`, `\`, and surrogates. Written as what is not all the rest.
 */
const NEEDS_CARE = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;

function serializeArray(items: readonly unknown[], sortNames: SortNames, depth: number): string {
  let text = '[';
  let i = 0;
  try {
    // By index: a hole in a sparse array is met as `undefined` and refused.
    for (; i < items.length; i++) {
      text += (i === 0 ? '' : ',') + serialize(items[i], sortNames, depth);
    }
  } catch (error) {
    throw below(String(i), error);
  }
  return `${text}]`;
}

function serializeObject(object: object, sortNames: SortNames, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new CanonicalError('an object that is not plain');
  }
  const members = object as Readonly<Record<string, unknown>>;
  const names = Object.keys(members);
  sortNames(names);
  let text = '{';
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    text += `${(i === 0 ? '' : ',') + canonicalString(name)}:`;
    try {
      text += serialize(members[name], sortNames, depth);
    } catch (error) {
      throw below(name, error);
    }
  }
  return `${text}}`;
}

/** The error as the container sees it: one step further from the place. */
function below(step: string, error: unknown): unknown {
  if (!(error instanceof CanonicalError)) return error;
  const token = step.replaceAll('~', '~0').replaceAll('/', '~1');
  return new CanonicalError(error.reason, `/${token}${error.pointer}`);
}
