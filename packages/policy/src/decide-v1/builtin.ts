import type { Condition } from '../condition.ts';
import { type JsonObject, member } from '../json.ts';
import type { Requirement } from '../requirement.ts';

/**
 * The conditions in front of every tree, in the order of their codes. Each is an ordinary kernel
 * condition over evidence that `facts.ts` supplies; it is silent while it is true.
 */
export const BUILTIN_CODES = {
  'builtin.policy_bound': 'POLICY_NOT_BOUND',
  'builtin.policy_unambiguous': 'POLICY_AMBIGUOUS',
  'builtin.policy_active': 'POLICY_SUSPENDED',
  'builtin.action_covered': 'ACTION_NOT_COVERED',
  'builtin.context_schema': 'INPUT_SCHEMA_FAILED',
  'builtin.binding_complete': 'BINDING_INCOMPLETE',
  'builtin.request_fresh': 'REQUEST_EXPIRED',
} as const;

export type BuiltinName = keyof typeof BUILTIN_CODES;

export const BUILTIN_CONDITIONS = Object.keys(BUILTIN_CODES) as readonly BuiltinName[];

/** Context members that may name the resource of the decision, the first present one counts. */
export const RESOURCE_FIELDS = [
  'source_record_id',
  'invoice_or_subscription_id',
  'customer_id',
] as const;

/** What a decision about this context is bound to; `undefined` where it names no resource. */
export function boundResource(context: JsonObject): string | undefined {
  const named = RESOURCE_FIELDS.map((name) => member(context, name));
  return named.find((value): value is string => typeof value === 'string' && value !== '');
}

/** The built-in conditions `names`, then what `tree` asks, unless an owner has denied. */
export function withBuiltins(
  names: readonly BuiltinName[],
  ...tree: readonly Requirement[]
): Requirement {
  const leaf = (name: string): Requirement => ({ kind: 'condition', leaf: name });
  const notDenied: Requirement = { kind: 'not', of: leaf(OWNER_DENIED.name) };
  return { kind: 'and', of: [...names.map(leaf), ...tree, notDenied] };
}

export function isBuiltin(name: string): name is BuiltinName {
  return Object.hasOwn(BUILTIN_CODES, name);
}

/**
 * What a reviewer's refusal puts behind every tree, as `not`: the answer is then `no` whatever the
 * tree says. Unlike the others it states a fact against the request, so it is silent while it is
 * false, and an answer shows it with the state `true`: the owner has denied.
 */
export const OWNER_DENIED = { name: 'builtin.owner_denied', code: 'OWNER_DENIED' } as const;

export type DenialName = (typeof OWNER_DENIED)['name'];

/** True when its evidence is `true`, false when that is `false`, unknown without. */
export function builtinCondition(name: BuiltinName | DenialName): Condition {
  return { name, comparator: 'equals', operand: name, expected: true };
}
