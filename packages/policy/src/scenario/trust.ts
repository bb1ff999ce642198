import type { ConditionSpec, GateSpec, TrustLane } from './model.ts';

/** What lane evidence needs before a specification is looked at. */
export type TrustPolicy = {
  readonly minLane: TrustLane;
  /** The lane that some providers must reach whatever `minLane` says. */
  readonly byProvider: ReadonlyMap<string, TrustLane>;
};

/** The lane that evidence for a condition needs in a gate. A specification can raise the bar, never lower it. */
export function laneNeeded(
  condition: ConditionSpec,
  gate: GateSpec,
  policy: TrustPolicy,
): TrustLane {
  const floor = policy.byProvider.get(condition.query.provider_id) ?? policy.minLane;
  const needs = [floor, condition.trust?.min_lane, policy.minLane, gate.trust?.min_lane];
  return needs.includes('verified') ? 'verified' : 'asserted';
}
