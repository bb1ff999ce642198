import type { Json, JsonObject } from '@countersign/policy';

/** What an engine said, in one word. `error`: it threw, rejected or gave back an error value. */
export type Answer = 'allow' | 'deny' | 'unknown' | 'error';

/**
 * One engine with both rules of the benchmarks, each written the way its documentation writes rules
 * and parsed or compiled once.
 *
 * A rule takes the facts of one request, turns them into the form that the engine's callers hold
 * in hand, and gives the question to ask: only asking is measured.
 */
export type Engine = {
  readonly name: string;
  /** The npm package, which the root `package.json` pins. */
  readonly from: string;
  readonly ours: boolean;
  /** What its users can do so that evidence they do not have is not a yes. */
  readonly guard: string;
} & (
  | { readonly mode: 'sync'; readonly discount: Rule; readonly payment: Rule }
  | { readonly mode: 'async'; readonly discount: AsyncRule; readonly payment: AsyncRule }
);

export type Rule = (facts: Facts) => () => Answer;
export type AsyncRule = (facts: Facts) => () => Promise<Answer>;

/** What is known about one request by name; `FAILED` where the provider of a fact failed. */
export type Facts = { readonly [name: string]: Json | typeof FAILED };

export const FAILED: unique symbol = Symbol('the provider failed');

/**
 * The facts as plain data. Where a provider failed stands what a caller has after catching: an
 * error object. (Passing nothing instead is the case of the absent member.)
 */
export function plain(facts: Facts): JsonObject {
  return Object.fromEntries(
    Object.entries(facts).map(([name, fact]) => [
      name,
      fact === FAILED ? { error: 'timeout' } : fact,
    ]),
  );
}

/** Anything but a boolean is no answer to a yes-or-no rule. */
export function answerOf(value: unknown): Answer {
  return value === true ? 'allow' : value === false ? 'deny' : 'error';
}
