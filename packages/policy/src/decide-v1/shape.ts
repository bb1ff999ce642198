import { type Fault, type FaultCode, pointerTo } from '../fault.ts';
import { isList, isObject, type Json, type JsonObject, member, sameJson } from '../json.ts';
import { compareNumbers, isNumeric } from '../number.ts';

/**
 * Reads one value. `undefined` means that it was refused and that `faults` says why; a reader
 * goes on after a fault wherever more can be found.
 */
export type Reader<Value> = (json: Json, pointer: string, faults: Fault[]) => Value | undefined;

type Member = { readonly read: Reader<unknown>; readonly required: boolean };
type Required<Value> = { readonly read: Reader<Value>; readonly required: true };
type Optional<Value> = { readonly read: Reader<Value>; readonly required: false };
export type Members = Readonly<Record<string, Member>>;

type ValueOf<M> = M extends { readonly read: Reader<infer Value> } ? Value : never;
type RequiredNames<M extends Members> = {
  [Name in keyof M]: M[Name]['required'] extends true ? Name : never;
}[keyof M];

/** The value of a closed object: a property per member, optional ones left out when not stated. */
export type Closed<M extends Members> = {
  readonly [Name in RequiredNames<M>]: ValueOf<M[Name]>;
} & { readonly [Name in Exclude<keyof M, RequiredNames<M>>]?: ValueOf<M[Name]> };

export function required<Value>(read: Reader<Value>): Required<Value> {
  return { read, required: true };
}

export function optional<Value>(read: Reader<Value>): Optional<Value> {
  return { read, required: false };
}

/** An object with these members and no others. */
export function closed<const M extends Members>(members: M): Reader<Closed<M>> {
  return (json, pointer, faults) => {
    const before = faults.length;
    const parts = readMembers(members, json, pointer, faults);
    // Without a fault every required member was there and was read, which is what `Closed` says.
    return faults.length === before ? (parts as Closed<M>) : undefined;
  };
}

/** As `closed`, but gives what could be read beside the faults, for checks across members. */
export function readMembers<const M extends Members>(
  members: M,
  json: Json,
  pointer: string,
  faults: Fault[],
): Partial<Closed<M>> {
  if (!isObject(json)) {
    refuse(faults, pointer, 'invalid_type', 'This is an object.');
    return {};
  }
  const parts = new Map<string, unknown>();
  for (const [name, value] of Object.entries(json)) {
    const at = pointerTo(pointer, name);
    const known = Object.hasOwn(members, name) ? members[name] : undefined;
    if (known === undefined) {
      refuse(faults, at, 'unknown_field', 'This member is not known here.');
      continue;
    }
    const read = known.read(value, at, faults);
    if (read !== undefined) parts.set(name, read);
  }
  for (const [name, { required: wanted }] of Object.entries(members)) {
    if (wanted && member(json, name) === undefined) {
      refuse(faults, pointerTo(pointer, name), 'required', `\`${name}\` is missing.`);
    }
  }
  // Each value came out of the reader that stands under its name.
  return Object.fromEntries(parts) as Partial<Closed<M>>;
}

/** An object with names of one form, as a map in document order. */
export function mapOf<Value>(
  name: Reader<string>,
  read: Reader<Value>,
  { min, max }: { readonly min: number; readonly max: number },
): Reader<ReadonlyMap<string, Value>> {
  return (json, pointer, faults) => {
    if (!isObject(json)) return refuse(faults, pointer, 'invalid_type', 'This is an object.');
    const entries = Object.entries(json);
    if (entries.length < min || entries.length > max) {
      return refuse(faults, pointer, 'out_of_range', `There are ${min} to ${max} members.`);
    }
    const before = faults.length;
    const values = new Map<string, Value>();
    for (const [key, item] of entries) {
      const at = pointerTo(pointer, key);
      name(key, at, faults);
      const value = read(item, at, faults);
      if (value !== undefined) values.set(key, value);
    }
    return faults.length === before ? values : undefined;
  };
}

/** An array without repetitions. */
export function listOf<Value>(
  read: Reader<Value>,
  { min, max }: { readonly min: number; readonly max: number },
): Reader<readonly Value[]> {
  return (json, pointer, faults) => {
    if (!isList(json)) return refuse(faults, pointer, 'invalid_type', 'This is an array.');
    if (json.length < min || json.length > max) {
      return refuse(faults, pointer, 'out_of_range', `There are ${min} to ${max} items.`);
    }
    const before = faults.length;
    const values: Value[] = [];
    for (const [i, item] of json.entries()) {
      const at = pointerTo(pointer, i);
      const value = read(item, at, faults);
      if (value !== undefined) values.push(value);
      if (json.findIndex((earlier) => sameJson(earlier, item)) < i) {
        refuse(faults, at, 'duplicate_value', 'This item stands here twice.');
      }
    }
    return faults.length === before ? values : undefined;
  };
}

/** Text of 1 to `max` characters (UTF-16 units) that matches `pattern`. */
export function text(max: number, pattern: RegExp = PLAIN_TEXT): Reader<string> {
  return (json, pointer, faults) => {
    if (typeof json !== 'string') return refuse(faults, pointer, 'invalid_type', 'This is text.');
    if (json.length > max) {
      return refuse(faults, pointer, 'too_long', `At most ${max} characters.`);
    }
    return pattern.test(json)
      ? json
      : refuse(faults, pointer, 'invalid_value', 'This text has not the form asked for here.');
  };
}

/** Well-formed, not empty, no white space at either end, no control characters but line feeds. */
const PLAIN_TEXT = /^(?!\s)(?:[^\p{Cc}\p{Cs}]|\n)+(?<!\s)$/u;

export function integer(min: number, max: number): Reader<number> {
  return (json, pointer, faults) => {
    if (typeof json !== 'number' || !Number.isInteger(json)) {
      return refuse(faults, pointer, 'invalid_type', 'This is an integer.');
    }
    return json < min || json > max
      ? refuse(faults, pointer, 'out_of_range', `This is between ${min} and ${max}.`)
      : json;
  };
}

export function choice<const Word extends string>(words: readonly Word[]): Reader<Word> {
  return (json, pointer, faults) => {
    if (typeof json !== 'string') return refuse(faults, pointer, 'invalid_type', 'This is text.');
    const word = words.find((candidate) => candidate === json);
    return word ?? refuse(faults, pointer, 'invalid_value', `One of ${words.join(', ')}.`);
  };
}

export const flag: Reader<boolean> = (json, pointer, faults) =>
  typeof json === 'boolean'
    ? json
    : refuse(faults, pointer, 'invalid_type', 'This is true or false.');

export const scalar: Reader<Json> = (json, pointer, faults) =>
  typeof json === 'string' || typeof json === 'boolean' || isNumeric(json)
    ? json
    : refuse(faults, pointer, 'invalid_type', 'This is text, a number, true or false.');

export const numeric: Reader<Json> = (json, pointer, faults) =>
  isNumeric(json) ? json : refuse(faults, pointer, 'invalid_type', 'This is a number.');

/** For members that are read by hand elsewhere. */
export const anything: Reader<Json> = (json) => json;

export const anyObject: Reader<JsonObject> = (json, pointer, faults) =>
  isObject(json) ? json : refuse(faults, pointer, 'invalid_type', 'This is an object.');

/** Records a fault when `min` is above `max`; both are numbers that were read before. */
export function checkOrder(
  min: Json | undefined,
  max: Json | undefined,
  pointer: string,
  faults: Fault[],
): void {
  if (isNumeric(min) && isNumeric(max) && compareNumbers(min, max) > 0) {
    refuse(faults, pointer, 'out_of_range', 'The lower bound is above the upper one.');
  }
}

export function refuse(
  faults: Fault[],
  pointer: string,
  code: FaultCode,
  message: string,
): undefined {
  faults.push({ pointer, code, message });
}
