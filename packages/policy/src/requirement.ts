import { type Fault, pointerTo } from './fault.ts';
import { isList, isObject, type Json } from './json.ts';
import {
  REQUIREMENT_CHILDREN_MAX,
  REQUIREMENT_DEPTH_MAX,
  REQUIREMENT_NODES_MAX,
} from './limits.ts';
import { not, reached, type Truth } from './truth.ts';

/** A tree over conditions. A leaf is a name, or an index into a trace once a policy is compiled. */
export type Requirement<Leaf = string> =
  | { readonly kind: 'condition'; readonly leaf: Leaf }
  | { readonly kind: 'not'; readonly of: Requirement<Leaf> }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Requirement<Leaf>[] }
  | { readonly kind: 'group'; readonly min: number; readonly of: readonly Requirement<Leaf>[] };

/** The truth of the tree; every branch is visited. A leaf without an entry is `unknown`. */
export function evaluateRequirement(
  node: Requirement<number>,
  trace: readonly { readonly truth: Truth }[],
): Truth {
  if (node.kind === 'condition') return trace[node.leaf]?.truth ?? 'unknown';
  if (node.kind === 'not') return not(evaluateRequirement(node.of, trace));
  let trues = 0;
  let unknowns = 0;
  for (const child of node.of) {
    const truth = evaluateRequirement(child, trace);
    if (truth === 'true') trues += 1;
    else if (truth === 'unknown') unknowns += 1;
  }
  return reached(leastOf(node), trues, unknowns);
}

/** How many children have to hold. */
export function leastOf(node: Extract<Requirement<number>, { of: readonly unknown[] }>): number {
  if (node.kind === 'group') return node.min;
  return node.kind === 'and' ? node.of.length : 1;
}

/** The leaves in the order of their first use in a depth-first walk, each once. */
export function leavesOf<Leaf>(node: Requirement<Leaf>): readonly Leaf[] {
  const leaves = new Set<Leaf>();
  walk(node, (leaf) => leaves.add(leaf));
  return [...leaves];
}

/** Calls `visit` for every leaf with its pointer and whether it stands under an odd number of `not`. */
export function walk<Leaf>(
  node: Requirement<Leaf>,
  visit: (leaf: Leaf, pointer: string, negated: boolean) => void,
  pointer = '',
  negated = false,
): void {
  if (node.kind === 'condition') {
    visit(node.leaf, pointer, negated);
  } else if (node.kind === 'not') {
    walk(node.of, visit, pointerTo(pointer, 'not'), !negated);
  } else {
    const list = pointer + (node.kind === 'group' ? '/group/of' : `/${node.kind}`);
    for (const [i, child] of node.of.entries()) walk(child, visit, pointerTo(list, i), negated);
  }
}

/** The same tree with each leaf replaced. */
export function mapLeaves<From, To>(
  node: Requirement<From>,
  replace: (leaf: From) => To,
): Requirement<To> {
  if (node.kind === 'condition') return { kind: 'condition', leaf: replace(node.leaf) };
  if (node.kind === 'not') return { kind: 'not', of: mapLeaves(node.of, replace) };
  const of = node.of.map((child) => mapLeaves(child, replace));
  return node.kind === 'group' ? { kind: 'group', min: node.min, of } : { kind: node.kind, of };
}

/** Where a tree is read: which names exist, how deep it may be, and who hears of the faults. */
export type RequirementContext = {
  readonly names: ReadonlySet<string>;
  /** In edges from the root; never more than `REQUIREMENT_DEPTH_MAX`. */
  readonly depthMax: number;
  readonly faults: Fault[];
};

/**
 * Reads `{"cond": name}`, `{"and": [...]}`, `{"or": [...]}`, `{"not": node}` and
 * `{"group": {"min": k, "of": [...]}}`.
 *
 * Adds every fault it finds to `context.faults` and returns `undefined` when there was one.
 */
export function parseRequirement(
  json: Json,
  pointer: string,
  context: RequirementContext,
): Requirement | undefined {
  const before = context.faults.length;
  const node = parseNode(json, pointer, { ...context, depth: 0, count: { nodes: 0 } });
  return context.faults.length === before ? node : undefined;
}

type NodeContext = RequirementContext & {
  readonly depth: number;
  readonly count: { nodes: number };
};

function parseNode(json: Json, pointer: string, context: NodeContext): Requirement | undefined {
  const fault = (at: string, code: Fault['code'], message: string): undefined => {
    context.faults.push({ pointer: at, code, message });
  };
  const depthMax = Math.min(context.depthMax, REQUIREMENT_DEPTH_MAX);
  if (context.depth > depthMax) {
    return fault(pointer, 'too_deep', `A requirement is at most ${depthMax} levels deep.`);
  }
  context.count.nodes += 1;
  if (context.count.nodes > REQUIREMENT_NODES_MAX) {
    // Said once, and nothing beyond it is read.
    return context.count.nodes === REQUIREMENT_NODES_MAX + 1
      ? fault(pointer, 'too_complex', `A requirement has at most ${REQUIREMENT_NODES_MAX} nodes.`)
      : undefined;
  }
  if (!isObject(json)) return fault(pointer, 'invalid_type', 'A requirement node is an object.');
  const names = Object.keys(json);
  for (const name of names) {
    if (!KINDS.has(name)) fault(pointerTo(pointer, name), 'unknown_field', 'Unknown member.');
  }
  const [kind, second] = names.filter((name) => KINDS.has(name));
  if (kind === undefined || second !== undefined) {
    return fault(
      pointer,
      'invalid_value',
      'A node has exactly one of `cond`, `and`, `or`, `not`, `group`.',
    );
  }

  const at = pointerTo(pointer, kind);
  const body = json[kind] ?? null;
  if (kind === 'cond') {
    if (typeof body !== 'string') return fault(at, 'invalid_type', '`cond` is a condition name.');
    if (!context.names.has(body)) {
      return fault(at, 'invalid_condition', 'No condition has this name.');
    }
    return { kind: 'condition', leaf: body };
  }
  if (kind === 'not') {
    const of = parseNode(body, at, { ...context, depth: context.depth + 1 });
    return of && { kind, of };
  }
  if (kind === 'and' || kind === 'or') {
    const of = parseChildren(body, at, context);
    return of && { kind, of };
  }
  return parseGroup(body, at, context);
}

function parseGroup(json: Json, pointer: string, context: NodeContext): Requirement | undefined {
  const fault = (at: string, code: Fault['code'], message: string): undefined => {
    context.faults.push({ pointer: at, code, message });
  };
  if (!isObject(json)) return fault(pointer, 'invalid_type', '`group` is an object.');
  for (const name of Object.keys(json)) {
    if (name !== 'min' && name !== 'of') {
      fault(pointerTo(pointer, name), 'unknown_field', 'Unknown member.');
    }
  }
  const { min, of } = json;
  if (of === undefined) return fault(pointerTo(pointer, 'of'), 'required', '`of` is missing.');
  const children = parseChildren(of, pointerTo(pointer, 'of'), context);
  const at = pointerTo(pointer, 'min');
  if (min === undefined) return fault(at, 'required', '`min` is missing.');
  if (typeof min !== 'number' || !Number.isInteger(min)) {
    return fault(at, 'invalid_type', '`min` is an integer.');
  }
  const size = isList(of) ? of.length : 0;
  if (min < 1 || min > size) {
    return fault(at, 'out_of_range', '`min` is between 1 and the number of children.');
  }
  return children && { kind: 'group', min, of: children };
}

function parseChildren(
  json: Json,
  pointer: string,
  context: NodeContext,
): readonly Requirement[] | undefined {
  if (!isList(json)) {
    context.faults.push({ pointer, code: 'invalid_type', message: 'Children are an array.' });
    return undefined;
  }
  if (json.length < 1 || json.length > REQUIREMENT_CHILDREN_MAX) {
    const message = `There are 1 to ${REQUIREMENT_CHILDREN_MAX} children.`;
    context.faults.push({ pointer, code: 'out_of_range', message });
    return undefined;
  }
  const inner = { ...context, depth: context.depth + 1 };
  const children = json.map((child, i) => parseNode(child, pointerTo(pointer, i), inner));
  return children.every((child) => child !== undefined) ? children : undefined;
}

const KINDS: ReadonlySet<string> = new Set(['cond', 'and', 'or', 'not', 'group']);
