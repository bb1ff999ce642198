import { REQUIREMENT_DEPTH_MAX } from '../limits.ts';
import { not, reached, type Truth } from '../truth.ts';
import type { RequirementNode } from './model.ts';

export type TracedLeaf = { readonly condition_id: string; readonly truth: Truth };

export type TreeEvaluation = { readonly truth: Truth; readonly trace: readonly TracedLeaf[] };

/**
 * The truth of a tree by strong Kleene logic. Every leaf is visited and traced, whatever settled the answer. A node
 * deeper than `REQUIREMENT_DEPTH_MAX` edges ends the visit: the answer is `unknown`, the trace is what was seen so far.
 */
export function evaluateTree(
  root: RequirementNode,
  truthOf: (conditionId: string) => Truth,
): TreeEvaluation {
  const trace: TracedLeaf[] = [];
  /** `undefined`: too deep. */
  const visit = (node: RequirementNode, depth: number): Truth | undefined => {
    if (depth > REQUIREMENT_DEPTH_MAX) return undefined;
    if ('Condition' in node) {
      const truth = truthOf(node.Condition);
      trace.push({ condition_id: node.Condition, truth });
      return truth;
    }
    if ('Not' in node) {
      const inner = visit(node.Not, depth + 1);
      return inner && not(inner);
    }
    const { count, children } = quorumOf(node);
    let trues = 0;
    let unknowns = 0;
    for (const child of children) {
      const truth = visit(child, depth + 1);
      if (truth === undefined) return undefined;
      if (truth === 'true') trues += 1;
      else if (truth === 'unknown') unknowns += 1;
    }
    return reached(count, trues, unknowns);
  };
  return { truth: visit(root, 0) ?? 'unknown', trace };
}

/** Calls `visit` for every leaf, depth first from left to right. */
export function eachCondition(node: RequirementNode, visit: (conditionId: string) => void): void {
  if ('Condition' in node) visit(node.Condition);
  else if ('Not' in node) eachCondition(node.Not, visit);
  else for (const child of quorumOf(node).children) eachCondition(child, visit);
}

/** How many children have to hold. */
function quorumOf(node: Exclude<RequirementNode, { Not: unknown } | { Condition: unknown }>): {
  readonly count: number;
  readonly children: readonly RequirementNode[];
} {
  if ('And' in node) return { count: node.And.length, children: node.And };
  if ('Or' in node) return { count: 1, children: node.Or };
  return { count: node.RequireGroup.min, children: node.RequireGroup.reqs };
}
