/** One thing that is wrong with a request. */
export interface Problem {
  /** JSON Pointer into the body, or the name of a header or query parameter. */
  readonly param: string;
  /** What has to be so, as the end of a sentence about `param`. Never holds what was sent. */
  readonly problem: string;
}

/** Problems in one answer. */
export const PROBLEMS_MAX = 20;

export function isMembers(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The own members of an object; none of anything else. */
export function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return isMembers(value) ? value : {};
}

/** The items of an array; none of anything else. */
export function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
