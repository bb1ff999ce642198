import type { Condition } from '../condition.ts';
import { ANSWERS, type Answer } from '../decide-v1/members.ts';
import type { Path } from '../decide-v1/path.ts';
import type { Evidence } from '../evidence.ts';
import { bug } from '../fault.ts';
import type { Json } from '../json.ts';
import { compilePolicy, type Policy } from '../policy.ts';
import { leavesOf, mapLeaves, type Requirement } from '../requirement.ts';
import type { StatedLeaf } from './condition.ts';
import type { RuleOutcome, StatedRule } from './document.ts';

/** The rules as one policy of the kernel, and what explains its answer in the rulebook's words. */
export type CompiledRules = {
  /** In the order of their turn. */
  readonly rules: readonly Rule[];
  readonly defaultOutcome: RuleOutcome;
  /** Every comparison by the name under which the kernel traces it. */
  readonly leaves: ReadonlyMap<string, Leaf>;
  /** One tree over all rules; its truth is the verdict. */
  readonly kernel: Policy;
};

export type Rule = {
  readonly ruleId: string;
  readonly outcome: RuleOutcome;
  /** Leaves are indexes into the conditions of the kernel, hence into its trace. */
  readonly condition: Requirement<number>;
};

export type Leaf = {
  readonly path: Path;
  readonly value?: Json;
  /** The same comparison as the kernel evaluates it. Its operands are the keys of the evidence. */
  readonly kernel: Condition;
};

/**
 * Folds rules, already in the order of their turn, into one requirement: from the last to the
 * first, `D := if condition then outcome else D`, starting with the default.
 *
 * `if c then a else b` is `or(and(c, a), and(not(c), b))`, and an outcome is a constant. Each
 * step repeats only the condition of its own rule, so the tree grows with the rules and not with
 * their products.
 */
export function compileRules(
  inTurn: readonly StatedRule[],
  defaultOutcome: RuleOutcome,
): CompiledRules {
  const leaves = new Map<string, Leaf>();
  const named = inTurn.map(({ rule_id: ruleId, condition, outcome }) => {
    const name = (leaf: StatedLeaf): string => `${ruleId}.condition${leaf.place}`;
    for (const leaf of leavesOf(condition)) leaves.set(name(leaf), compileLeaf(name(leaf), leaf));
    return { ruleId, outcome, condition: mapLeaves(condition, name) };
  });
  const tree = named.reduceRight<Requirement>(
    (otherwise, { condition, outcome }) => either(condition, outcomeLeaf(outcome), otherwise),
    outcomeLeaf(defaultOutcome),
  );
  const kernel = compilePolicy(
    [...[...leaves.values()].map((leaf) => leaf.kernel), ...ANSWERS.map(outcomeCondition)],
    tree,
  );
  const indexes = new Map(kernel.conditions.map(({ name }, index) => [name, index]));
  const indexOf = (name: string): number => indexes.get(name) ?? bug(`no condition ${name}`);
  return {
    rules: named.map((rule) => ({ ...rule, condition: mapLeaves(rule.condition, indexOf) })),
    defaultOutcome,
    leaves,
    kernel,
  };
}

function either(condition: Requirement, then: Requirement, otherwise: Requirement): Requirement {
  return {
    kind: 'or',
    of: [
      { kind: 'and', of: [condition, then] },
      { kind: 'and', of: [{ kind: 'not', of: condition }, otherwise] },
    ],
  };
}

/**
 * `contains` also looks into text. One comparator does both when its other side has the form of
 * the fact, a list for a list, so that side is evidence here: see `collectFacts`.
 */
function compileLeaf(name: string, { path, comparator, value }: StatedLeaf): Leaf {
  const operand = path.text;
  const kernel: Condition =
    comparator === 'contains' || comparator === 'not_contains'
      ? { name, comparator, operand, otherOperand: `wanted:${name}`, mode: 'decided' }
      : { name, comparator, operand, ...(value !== undefined && { expected: value }) };
  return { path, ...(value !== undefined && { value }), kernel };
}

/** True for `yes`, false for `no`, unknown for `review`, whatever the facts are. */
function outcomeCondition(answer: Answer): Condition {
  const name = outcomeName(answer);
  return { name, comparator: 'equals', operand: name, expected: true };
}

/** The evidence behind `outcomeCondition`. No path holds a colon, so no fact has its key. */
export const OUTCOME_FACTS: ReadonlyMap<string, Evidence> = new Map<string, Evidence>([
  [outcomeName('yes'), { state: 'present', value: true, lane: 'asserted' }],
  [outcomeName('no'), { state: 'present', value: false, lane: 'asserted' }],
  [outcomeName('review'), { state: 'absent', because: 'undetermined' }],
]);

function outcomeLeaf({ decision }: RuleOutcome): Requirement {
  return { kind: 'condition', leaf: outcomeName(decision) };
}

function outcomeName(answer: Answer): string {
  return `outcome:${answer}`;
}
