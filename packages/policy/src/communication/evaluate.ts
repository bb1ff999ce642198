import { evaluateRequirement, type Requirement, walk } from '../requirement.ts';
import { and, not, or, type Truth } from '../truth.ts';
import {
  type CommunicationPolicy,
  type CommunicationRule,
  RULE_CLASSES,
  type RuleClass,
} from './document.ts';

/** Strictness, from least to most. Grey is no middle: it says that there is no answer. */
export const LIGHTS = ['green', 'amber', 'grey', 'red'] as const;
export type Light = (typeof LIGHTS)[number];

/** What came of one rule. */
export interface RuleOutcome {
  readonly rule: CommunicationRule;
  readonly class: RuleClass;
  readonly guard: Truth;
  readonly control: Truth;
  /** Whether the rule is satisfied: nothing to guard against, or protected. */
  readonly value: Truth;
  readonly contribution: Light;
  readonly blocking: boolean;
  /** Conditions that made a rule stop which otherwise would not, in order of name. */
  readonly escalatedBy: readonly string[];
}

/** What came of all of them. */
export interface Evaluation {
  readonly rules: readonly RuleOutcome[];
  /** Whether the content could be assessed at all. */
  readonly integrity: Truth;
  readonly light: Light;
  readonly open: boolean;
}

/** Evaluates a policy over conditions by name; a name that is missing is unknown. Pure and total. */
export function evaluateCommunication(
  policy: CommunicationPolicy,
  conditions: ReadonlyMap<string, Truth>,
): Evaluation {
  const trace = policy.names.map((name) => ({ truth: conditions.get(name) ?? 'unknown' }));
  const of = (tree: Requirement<number>): Truth => evaluateRequirement(tree, trace);
  const rules = policy.rules.map((rule) => {
    const outcome = outcomeOf(rule, of);
    const { stopIf } = rule;
    if (outcome.class === rule.base || stopIf === undefined) return outcome;
    const open = new Set<string>();
    walk(stopIf, (leaf, _pointer, negated) => {
      const held = trace[leaf]?.truth !== (negated ? 'true' : 'false');
      if (held) open.add(policy.names[leaf] ?? '');
    });
    return { ...outcome, escalatedBy: [...open].sort() };
  });
  const integrity = and(policy.integrity.map((name) => trace[name]?.truth ?? 'unknown'));
  const contributions = rules.map(({ contribution }) => contribution);
  const light = strictest(integrity === 'true' ? contributions : [...contributions, 'grey']);
  const root = and([integrity, ...rules.map(({ value }) => value)]);
  return { rules, integrity, light, open: root === 'true' };
}

function outcomeOf(rule: CommunicationRule, of: (tree: Requirement<number>) => Truth): RuleOutcome {
  const guard = of(rule.guard);
  const control =
    rule.control === 'never' ? 'false' : rule.control === undefined ? 'true' : of(rule.control);
  const escalated = guard !== 'false' && rule.stopIf !== undefined && of(rule.stopIf) !== 'false';
  const ruleClass = escalated ? 'stop' : rule.base;
  const value = rule.base === 'notice' ? 'true' : or([not(guard), control]);
  return {
    rule,
    class: ruleClass,
    guard,
    control,
    value,
    contribution: contributionOf(ruleClass, guard, control),
    blocking: value !== 'true',
    escalatedBy: [],
  };
}

function contributionOf(ruleClass: RuleClass, guard: Truth, control: Truth): Light {
  if (guard === 'false') return 'green';
  if (ruleClass === 'notice' || control === 'true') return 'amber';
  if (guard === 'unknown') return 'grey';
  return ruleClass === 'stop' ? 'red' : 'amber';
}

export function rankOfLight(light: Light): number {
  return LIGHTS.indexOf(light);
}

export function strictest(lights: readonly Light[]): Light {
  return lights.reduce<Light>(
    (most, light) => (rankOfLight(light) > rankOfLight(most) ? light : most),
    'green',
  );
}

/**
 * The strictest of several evaluations of one policy, rule by rule: more that was found never makes a gate more open,
 * also where a finding turns what was unknown into something that is merely under review.
 */
export function joinEvaluations(first: Evaluation, ...others: readonly Evaluation[]): Evaluation {
  return others.reduce((joined, other) => {
    const rules = joined.rules.map((rule, i) => stricterRule(rule, other.rules[i] ?? rule));
    return {
      rules,
      integrity: and([joined.integrity, other.integrity]),
      light: strictest([joined.light, other.light]),
      open: joined.open && other.open,
    };
  }, first);
}

/** Member by member: what one evaluation found or left unprotected, the joined one has as well. */
function stricterRule(a: RuleOutcome, b: RuleOutcome): RuleOutcome {
  return {
    rule: a.rule,
    class: RULE_CLASSES.find((one) => one === a.class || one === b.class) ?? a.class,
    guard: or([a.guard, b.guard]),
    control: and([a.control, b.control]),
    value: and([a.value, b.value]),
    contribution: strictest([a.contribution, b.contribution]),
    blocking: a.blocking || b.blocking,
    escalatedBy: [...new Set([...a.escalatedBy, ...b.escalatedBy])].sort(),
  };
}
