import {
  type Answer,
  isList,
  isObject,
  type Json,
  type JsonObject,
  type PolicyDocument,
  runSelfTests,
  type SelfTest,
  sameJson,
} from '@countersign/policy';

/** How two versions of a policy differ, in what they mean rather than in how they are written. */
export interface PolicyDiff {
  readonly conditions: readonly {
    readonly name: string;
    readonly change: 'added' | 'removed' | 'changed';
    readonly members: readonly MemberDiff[];
  }[];
  /** The tree in words, where it is another one. */
  readonly requirement?: { readonly before: string; readonly after: string };
  /** Every other member that differs. */
  readonly members: readonly MemberDiff[];
  /** Self-test contexts of either version that the two answer differently. */
  readonly answers: readonly {
    readonly test: string;
    readonly of: 'before' | 'after';
    readonly before: { readonly verdict: Answer; readonly evidence: readonly string[] };
    readonly after: { readonly verdict: Answer; readonly evidence: readonly string[] };
  }[];
}

export interface MemberDiff {
  readonly path: string;
  readonly before?: Json;
  readonly after?: Json;
}

/** Members that are told apart from the rest: they have a form of their own, or always differ. */
const APART: ReadonlySet<string> = new Set(['conditions', 'requirement', 'self_tests', 'version']);

export function diffPolicies(before: PolicyDocument, after: PolicyDocument): PolicyDiff {
  const trees = { before: treeOf(before), after: treeOf(after) };
  return {
    conditions: conditionsOf(before, after),
    ...(trees.before === trees.after ? {} : { requirement: trees }),
    members: membersThatDiffer(without(before.source), without(after.source), ''),
    answers: [
      ...answersOf(before.selfTests, 'before', before, after),
      ...answersOf(after.selfTests, 'after', before, after),
    ].filter((one, place, all) => all.findIndex(({ test }) => test === one.test) === place),
  };
}

/** A tree in words: `and(margin_floor_ok, or(small, 2 of (a, b, c)))`. */
export function treeText(node: Json | undefined): string {
  if (!isObject(node)) return '?';
  const of = (list: Json | undefined): string =>
    isList(list) ? list.map(treeText).join(', ') : '?';
  if (typeof node['cond'] === 'string') return node['cond'];
  if ('and' in node) return `and(${of(node['and'])})`;
  if ('or' in node) return `or(${of(node['or'])})`;
  if ('not' in node) return `not(${treeText(node['not'])})`;
  const group = node['group'];
  return isObject(group) ? `${JSON.stringify(group['min'])} of (${of(group['of'])})` : '?';
}

function treeOf({ source }: PolicyDocument): string {
  return treeText(source['requirement']);
}

function without(source: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(source).filter(([name]) => !APART.has(name)));
}

function conditionsOf(before: PolicyDocument, after: PolicyDocument): PolicyDiff['conditions'] {
  const [one, other] = [before, after].map(({ source }) => {
    const conditions = source['conditions'];
    return isObject(conditions) ? conditions : {};
  }) as [JsonObject, JsonObject];
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].flatMap((name): PolicyDiff['conditions'] => {
    const [from, to] = [one[name], other[name]];
    if (from === undefined) return [{ name, change: 'added', members: [] }];
    if (to === undefined) return [{ name, change: 'removed', members: [] }];
    const members = membersThatDiffer(from, to, '');
    return members.length === 0 ? [] : [{ name, change: 'changed', members }];
  });
}

function membersThatDiffer(
  before: Json | undefined,
  after: Json | undefined,
  path: string,
): readonly MemberDiff[] {
  if (before !== undefined && after !== undefined && sameJson(before, after)) return [];
  if (isObject(before) && isObject(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].flatMap((name) =>
      membersThatDiffer(before[name], after[name], path === '' ? name : `${path}.${name}`),
    );
  }
  return [
    {
      path,
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
    },
  ];
}

function answersOf(
  selfTests: readonly SelfTest[],
  of: 'before' | 'after',
  before: PolicyDocument,
  after: PolicyDocument,
): PolicyDiff['answers'] {
  const [one, other] = [before, after].map((document) => runSelfTests({ ...document, selfTests }));
  return (one ?? []).flatMap(({ name, actual }, place) => {
    const now = other?.[place]?.actual;
    if (now === undefined) return [];
    const same =
      actual.verdict === now.verdict && sameJson([...actual.evidence], [...now.evidence]);
    return same ? [] : [{ test: name, of, before: actual, after: now }];
  });
}
