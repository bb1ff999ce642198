import { CanonicalError, canonicalJson } from '@countersign/proof';
import type { KeySource } from './trust.ts';

/** Whether something holds; `null` where it was not looked at, because it is not there or nothing to check it with is. */
export type Check = boolean | null;

/** What was found out about a record or a packet. Members stand in this order. */
export interface Verification {
  /** The same as `verified`. */
  readonly ok: boolean;
  /** Everything holds, and somebody trusted signed it. */
  readonly verified: boolean;
  /** What is in the file fits together. Anybody can make such a file. */
  readonly integrity_valid: boolean;
  /** Whatever needs a signature has one, by a key from a trusted source. */
  readonly authenticity_valid: boolean;
  /** What the published rules alone say, which look at less. Never enough, and never false where `verified` is true. */
  readonly public_verified: boolean;
  readonly key_source: KeySource;
  readonly checks: Readonly<Record<string, Check>>;
  /** Of the checks that compare two texts: what was computed, and what the file says. */
  readonly expected: Readonly<Record<string, string>>;
  readonly actual: Readonly<Record<string, string>>;
  /** Checks that keep this from being verified: failed ones, and required ones that could not be run. */
  readonly failures: readonly string[];
  readonly error?: VerificationError;
  /** Of a packet: what was found out about its Decision Record. */
  readonly record?: Verification;
}

export interface VerificationError {
  readonly code:
    | 'DECIDE_VERIFY_VIEW_INCOMPLETE'
    | 'DECIDE_VERIFY_ADVISORY'
    | 'DECIDE_VERIFY_SPLIT_VIEW'
    | 'DECIDE_VERIFY_UNREADABLE';
  readonly message: string;
}

/** Deepest nesting looked at, in arrays and objects; the canonical texts end there as well. */
export const DEPTH_MAX = 64;

/** Results of checks, in an order that does not depend on how they were come by. */
export class Findings<Name extends string> {
  readonly checks: Record<Name, Check>;
  readonly expected: Record<string, string> = {};
  readonly actual: Record<string, string> = {};

  constructor(names: readonly Name[]) {
    this.checks = Object.fromEntries(names.map((name) => [name, null])) as Record<Name, Check>;
  }

  set(name: Name, value: Check): void {
    this.checks[name] = value;
  }

  /** Compares what was computed, `undefined` where that was not possible, with what the file says. */
  compare(name: Name, expected: string | undefined, actual: unknown): void {
    this.checks[name] = expected !== undefined && expected === actual;
    if (expected !== undefined) this.expected[name] = expected;
    if (typeof actual === 'string') this.actual[name] = actual;
  }

  /** Names of the failed checks and of those among `required` that were not run. */
  failures(required: ReadonlySet<Name>): Name[] {
    return (Object.keys(this.checks) as Name[]).filter((name) => {
      const check = this.checks[name];
      return check === false || (check === null && required.has(name));
    });
  }
}

/** What is made of a canonical text, a hash mostly; `undefined` where a value read from a file has no such text. */
export function attempt<Value>(make: () => Value): Value | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof CanonicalError) return undefined;
    throw error;
  }
}

/** Whether two values have the same canonical text. What has none is equal to nothing. */
export function sameText(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return a === b;
  const text = attempt(() => canonicalJson(a));
  return text !== undefined && text === attempt(() => canonicalJson(b));
}

/** Whether a value nests no deeper than {@link DEPTH_MAX}. Deeper ones would strain whoever walks them. */
export function isShallow(value: unknown, depthMax: number = DEPTH_MAX): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depthMax === 0) return false;
  return Object.values(value).every((item) => isShallow(item, depthMax - 1));
}
