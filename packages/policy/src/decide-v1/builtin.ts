import type { Condition } from '../condition.ts';

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

export function isBuiltin(name: string): name is BuiltinName {
  return Object.hasOwn(BUILTIN_CODES, name);
}

/** True when its evidence is `true`, false when that is `false`, unknown without. */
export function builtinCondition(name: BuiltinName): Condition {
  return { name, comparator: 'equals', operand: name, expected: true };
}
