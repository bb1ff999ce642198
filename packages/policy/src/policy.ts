import { type CompiledCondition, type Condition, compileCondition } from './condition.ts';
import type { Evidence } from './evidence.ts';
import { bug } from './fault.ts';
import { leavesOf, mapLeaves, type Requirement } from './requirement.ts';

/** A requirement with its conditions, compiled once so that deciding touches arrays only. */
export type Policy = {
  /** In the order of first use in the requirement. */
  readonly conditions: readonly CompiledCondition[];
  /** Leaves are indexes into `conditions`. */
  readonly requirement: Requirement<number>;
  /** Evidence key of each slot: `decide` expects the evidence for `slots[i]` at index `i`. */
  readonly slots: readonly string[];
};

/** Compiles a requirement whose every leaf names one of `conditions`; unused conditions are left out. */
export function compilePolicy(conditions: readonly Condition[], requirement: Requirement): Policy {
  const byName = new Map(conditions.map((condition) => [condition.name, condition]));
  const slots = new Map<string, number>();
  const slotOf = (key: string): number => {
    const slot = slots.get(key) ?? slots.size;
    slots.set(key, slot);
    return slot;
  };
  const names = leavesOf(requirement);
  const indexes = new Map(names.map((name, index) => [name, index]));
  return {
    conditions: names.map((name) =>
      compileCondition(byName.get(name) ?? bug(`no condition named ${name}`), slotOf),
    ),
    requirement: mapLeaves(requirement, (name) => indexes.get(name) ?? bug('leaf without index')),
    slots: [...slots.keys()],
  };
}

/** Puts evidence into the policy's slots. Keys the policy does not know are left out. */
export function arrangeEvidence(
  policy: Policy,
  evidence: ReadonlyMap<string, Evidence>,
): readonly Evidence[] {
  return policy.slots.map((key) => evidence.get(key) ?? { state: 'absent', because: 'missing' });
}
