import type { Condition } from '../condition.ts';
import { pointerTo } from '../fault.ts';
import { type Requirement, walk } from '../requirement.ts';

/** Something the format allows that the policy's owner should acknowledge explicitly. */
export type LintWarning = {
  /** RFC 6901 pointer into the document. */
  readonly pointer: string;
  readonly code: 'absence_can_satisfy' | 'age_not_asked';
  readonly message: string;
};

/**
 * Looks for two traps: a place in the tree where leaving a member out is the way to pass, and a
 * greatest age that is never asked because a mere statement suffices.
 */
export function lint(tree: Requirement, conditions: readonly Condition[]): readonly LintWarning[] {
  const warnings: LintWarning[] = [];
  const byName = new Map(conditions.map((condition) => [condition.name, condition]));
  const visit = (name: string, pointer: string, negated: boolean): void => {
    // Under an odd number of `not` it is `exists` that absence turns into a yes.
    if (byName.get(name)?.comparator !== (negated ? 'exists' : 'not_exists')) return;
    const message = 'Leaving the member out satisfies this part of the requirement.';
    warnings.push({ pointer, code: 'absence_can_satisfy', message });
  };
  walk(tree, visit, '/requirement');
  for (const { name, maxAgeMs, minLane, otherMinLane } of conditions) {
    const lane = otherMinLane ?? minLane ?? 'asserted';
    if (maxAgeMs === undefined || lane !== 'asserted') continue;
    const pointer = pointerTo('/conditions', name);
    const message = 'The greatest age is only asked of evidence above `asserted`.';
    warnings.push({ pointer, code: 'age_not_asked', message });
  }
  return warnings;
}
