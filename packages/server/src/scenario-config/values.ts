import { TOOL_NAMES } from '@countersign/contract';
import type { scenario } from '@countersign/policy';
import { type Kind, mistyped, parseError } from './reader.ts';

/** Longest path that a configuration may name, in bytes, and the longest of its components. */
const PATH_BYTES_MAX = 4_096;
const PATH_COMPONENT_BYTES_MAX = 255;

const SCOPE_ID_MAX = 2n ** 64n - 1n;
const TOOLS: ReadonlySet<string> = new Set(TOOL_NAMES);

export const flag: Kind<boolean> = {
  decode(given, at) {
    if (typeof given !== 'boolean') throw mistyped(at, 'true or false', given);
    return given;
  },
};

/** Any text, the empty one too. */
export const text: Kind<string> = {
  decode(given, at) {
    if (typeof given !== 'string') throw mistyped(at, 'a text', given);
    return given;
  },
};

/** A text that holds more than white space. */
export const filled: Kind<string> = checked(text, (value) =>
  value.trim() === '' ? 'must not be blank' : undefined,
);

/** A text that is filled, begins and ends with something visible, and is at most `bytesMax` long. */
export function trimmed(bytesMax = Number.POSITIVE_INFINITY): Kind<string> {
  return checked(filled, (value) => {
    if (value !== value.trim()) return 'must not begin or end with white space';
    return Buffer.byteLength(value) > bytesMax ? `is longer than ${bytesMax} bytes` : undefined;
  });
}

/** A path of the server's machine. */
export const path: Kind<string> = checked(filled, pathFault);

/** Why a path is too long to be used. */
export function pathFault(value: string): string | undefined {
  if (Buffer.byteLength(value) > PATH_BYTES_MAX) return `is longer than ${PATH_BYTES_MAX} bytes`;
  const long = value
    .split(/[/\\]/)
    .some((component) => Buffer.byteLength(component) > PATH_COMPONENT_BYTES_MAX);
  return long ? `has a component longer than ${PATH_COMPONENT_BYTES_MAX} bytes` : undefined;
}

export const toolName: Kind<string> = checked(filled, (value) =>
  TOOLS.has(value) ? undefined : `names no tool: \`${value}\``,
);

/** An `http` or `https` address. */
export const webAddress: Kind<string> = checked(filled, (value) =>
  /^https?:\/\/./i.test(value) && URL.canParse(value) ? undefined : 'must be an http or https URL',
);

/** A whole number from `min` to `max`, both included. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Kind<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `from ${min} to ${max}`;
  return {
    decode(given, at, { invalid }) {
      if (typeof given !== 'bigint') throw mistyped(at, 'an integer', given);
      if (given < BigInt(min) || given > BigInt(max)) invalid(`${at} must be ${range}`);
      return Number(given);
    },
  };
}

/** The id of a tenant or a namespace. */
export const scopeId: Kind<scenario.Int> = {
  decode(given, at, { invalid }) {
    if (typeof given !== 'bigint') throw mistyped(at, 'an integer', given);
    if (given < 1n || given > SCOPE_ID_MAX) invalid(`${at} must be from 1 to ${SCOPE_ID_MAX}`);
    const double = Number(given);
    return Number.isSafeInteger(double) ? double : given;
  },
};

/** One of a few words. */
export function choice<const Value extends string>(...values: readonly Value[]): Kind<Value> {
  return {
    decode(given, at) {
      const found = values.find((value) => value === given);
      if (found !== undefined) return found;
      const words = values.map((value) => `"${value}"`).join(', ');
      throw parseError(`${at} must be ${values.length === 1 ? words : `one of ${words}`}`);
    },
  };
}

/** A kind of which not every value is allowed; `faultOf` says what is wrong with one. */
export function checked<Value>(
  kind: Kind<Value>,
  faultOf: (value: Value) => string | undefined,
): Kind<Value> {
  return {
    decode(given, at, reading) {
      const value = kind.decode(given, at, reading);
      const fault = faultOf(value);
      if (fault !== undefined) reading.invalid(`${at} ${fault}`);
      return value;
    },
  };
}
