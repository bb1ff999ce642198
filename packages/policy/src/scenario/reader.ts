import { isList, isObject, type Json, type JsonObject, member } from '../json.ts';
import { isNumeric } from '../number.ts';
import type { Decoded, Decoder } from './decode.ts';
import type { Int } from './model.ts';
import { isIntegerForm } from './number-form.ts';

/** What a reading stumbled over; caught where the decoding began. */
class Stumble extends Error {
  readonly at: string;

  constructor(at: string, text: string) {
    super(text);
    this.at = at;
  }
}

/** Reads one value at a place. Stumbles where it does not fit. */
export type Read<Value> = (json: Json | undefined, at: string) => Value;

/** A reading as a decoder that never throws. */
export function decoder<Value>(read: Read<Value>): Decoder<Value> {
  return (json): Decoded<Value> => {
    try {
      return { ok: true, value: read(json, '') };
    } catch (error) {
      if (error instanceof Stumble) return { ok: false, pointer: error.at, text: error.message };
      throw error;
    }
  };
}

function stumble(json: Json | undefined, at: string, wanted: string): never {
  throw new Stumble(at, json === undefined ? `missing; expected ${wanted}` : `expected ${wanted}`);
}

export const text: Read<string> = (json, at) =>
  typeof json === 'string' ? json : stumble(json, at, 'a string');

export const flag: Read<boolean> = (json, at) =>
  typeof json === 'boolean' ? json : stumble(json, at, 'a boolean');

/** Any value; it has to be there. */
export const anything: Read<Json> = (json, at) =>
  json ?? (json === null ? null : stumble(json, at, 'a value'));

/** Any value; absent is `null`. */
export const anythingOrNull: Read<Json> = (json) => json ?? null;

/** An integer within bounds, written as one. */
export function integer(min: bigint, max: bigint, wanted: string): Read<Int> {
  return (json, at) => {
    if (!isNumeric(json) || !isIntegerForm(json) || typeof json === 'object') {
      return stumble(json, at, wanted);
    }
    return json >= min && json <= max ? json : stumble(json, at, wanted);
  };
}

/** An integer that is small enough for a `number`. */
export function smallInteger(min: number, max: number): Read<number> {
  const read = integer(BigInt(min), BigInt(max), `an integer from ${min} to ${max}`);
  return (json, at) => Number(read(json, at));
}

export function oneOf<const Value extends string>(values: readonly Value[]): Read<Value> {
  return (json, at) =>
    values.find((value) => value === json) ?? stumble(json, at, `one of ${values.join(', ')}`);
}

export function list<Value>(read: Read<Value>): Read<readonly Value[]> {
  return (json, at) =>
    isList(json) ? json.map((item, i) => read(item, `${at}/${i}`)) : stumble(json, at, 'an array');
}

export function orNull<Value>(read: Read<Value>): Read<Value | null> {
  return (json, at) => (json === undefined || json === null ? null : read(json, at));
}

/** The members of an object, read one by one. */
export interface Members {
  readonly json: JsonObject;
  readonly at: string;
  get<Value>(name: string, read: Read<Value>): Value;
  /** The member as one to spread: nothing when it is absent. */
  optional<Name extends string, Value>(
    name: Name,
    read: Read<Value>,
  ): { readonly [Key in Name]?: Value };
}

/** An object, whose unknown members are left out. */
export function object<Value>(read: (members: Members) => Value): Read<Value> {
  return (json, at) => {
    if (!isObject(json)) return stumble(json, at, 'an object');
    return read({
      json,
      at,
      get: (name, readMember) => readMember(member(json, name), `${at}/${escaped(name)}`),
      optional: (name, readMember) => {
        const value = member(json, name);
        if (value === undefined || value === null) return {};
        return { [name]: readMember(value, `${at}/${escaped(name)}`) } as never;
      },
    });
  };
}

/** An object whose `kind` tells which other members it has. */
export function tagged<Value>(
  readers: Readonly<Record<string, (members: Members) => Value>>,
): Read<Value> {
  const kinds = Object.keys(readers);
  return object((members) => {
    const kind = members.get('kind', oneOf(kinds));
    const read = readers[kind];
    return read === undefined ? stumble(undefined, members.at, 'a kind') : read(members);
  });
}

/** An object with exactly one member, whose name tells what it is. */
export function soleMember<Value>(readers: Readonly<Record<string, Read<Value>>>): Read<Value> {
  return (json, at) => {
    const wanted = `an object with exactly one of ${Object.keys(readers).join(', ')}`;
    if (!isObject(json)) return stumble(json, at, wanted);
    const [name, second] = Object.keys(json);
    if (name === undefined || second !== undefined || !Object.hasOwn(readers, name)) {
      return stumble(json, at, wanted);
    }
    const read = readers[name];
    return read === undefined ? stumble(json, at, wanted) : read(json[name], `${at}/${name}`);
  };
}

/** RFC 6901 §3. */
function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
