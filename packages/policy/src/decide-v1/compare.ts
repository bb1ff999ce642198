import { leastChanges, type Options } from '../changes.ts';
import type { TraceEntry } from '../condition.ts';
import type { Truth } from '../truth.ts';
import type { Assessment } from './assess.ts';
import { isBuiltin, OWNER_DENIED } from './builtin.ts';
import type { PolicyDocument } from './compile.ts';

/** How one condition stands in an answer. `code` is absent while a built-in condition is silent. */
export type Standpoint = { readonly state: Truth; readonly code?: string };

export type ConditionDifference = {
  readonly name: string;
  /** Absent where the policy of that answer has no such condition. */
  readonly before?: Standpoint;
  readonly after?: Standpoint;
  readonly change: 'added' | 'removed' | 'state' | 'code' | 'none';
};

export type Comparison = {
  /**
   * In the order of the answer after, then what was removed. Built-in conditions that are silent
   * in both answers are left out.
   */
  readonly conditions: readonly ConditionDifference[];
  /** Conditions whose change of state explains the change of verdict, see `compareAssessments`. */
  readonly explainedBy: readonly string[];
  /** Whether no smaller set explains it as well. False only where the search was cut. */
  readonly smallest: boolean;
};

/**
 * How two answers differ, of one policy or of two; `document` is the policy of the answer `after`.
 *
 * `explainedBy` is defined on the tree of `after` alone. Conditions of both policies stand there as
 * they did before, new ones as they do after. From there, the smallest set of conditions, among
 * those whose state changed, that leads to the verdict after when they take their later state; of
 * equally small sets the one whose names sort first. It is empty where the verdict did not change,
 * and where it needs none: then the policy itself, not what was found, made the difference.
 */
export function compareAssessments(
  before: Assessment,
  after: Assessment,
  document: PolicyDocument,
): Comparison {
  const earlier = standpointsOf(before);
  const later = standpointsOf(after);
  const names = [...later.keys(), ...[...earlier.keys()].filter((name) => !later.has(name))];
  return {
    conditions: names
      .map((name) => differenceOf(name, earlier.get(name), later.get(name)))
      .filter(({ name, before: one, after: other }) => !isSilent(name, one, other)),
    ...explain(before, after, document),
  };
}

function standpointsOf({ trace, checks }: Assessment): ReadonlyMap<string, Standpoint> {
  const codes = new Map(checks.map(({ name, code }) => [name, code]));
  return new Map(
    trace.map(({ name, truth }) => {
      const code = codes.get(name);
      return [name, code === undefined ? { state: truth } : { state: truth, code }];
    }),
  );
}

function differenceOf(
  name: string,
  before: Standpoint | undefined,
  after: Standpoint | undefined,
): ConditionDifference {
  if (after === undefined) return { name, ...(before && { before }), change: 'removed' };
  if (before === undefined) return { name, after, change: 'added' };
  const { state, code } = before;
  const change = state !== after.state ? 'state' : code !== after.code ? 'code' : 'none';
  return { name, before, after, change };
}

function isSilent(name: string, ...standpoints: readonly (Standpoint | undefined)[]): boolean {
  if (!isBuiltin(name) && name !== OWNER_DENIED.name) return false;
  return standpoints.every((standpoint) => standpoint?.code === undefined);
}

function explain(
  before: Assessment,
  after: Assessment,
  document: PolicyDocument,
): Pick<Comparison, 'explainedBy' | 'smallest'> {
  if (before.verdict === after.verdict) return { explainedBy: [], smallest: true };
  const earlier = new Map(before.trace.map(({ name, truth }) => [name, truth]));
  const { sets, complete } = leastChanges(
    document.kernel.requirement,
    after.state,
    after.trace.map((entry) => optionsOf(entry, earlier.get(entry.name))),
  );
  const nameOf = (leaf: number): string => after.trace[leaf]?.name ?? '';
  const named = sets.map((set) => set.map(({ leaf }) => nameOf(leaf)));
  const [smallest] = named.sort(
    (a, b) => a.length - b.length || (a.join(' ') < b.join(' ') ? -1 : 1),
  );
  // All changes together always explain it; a search that was cut may have found nothing better.
  const all = after.trace.filter(({ name, truth }) => (earlier.get(name) ?? truth) !== truth);
  return { explainedBy: smallest ?? all.map(({ name }) => name), smallest: complete };
}

function optionsOf({ truth }: TraceEntry, earlier: Truth | undefined): Options {
  if (earlier === undefined || earlier === truth) return [{ truth, changes: false }];
  return [
    { truth: earlier, changes: false },
    { truth, changes: true },
  ];
}
