/** What stands in `action_status`; which may follow which is said by the triggers of the schema. */
export type ActionStatus =
  | 'deciding'
  | 'allowed'
  | 'claimed'
  | 'executing'
  | 'executed'
  | 'executed_unreceipted'
  | 'unknown_result'
  | 'execution_failed'
  | 'mismatch'
  | 'outcome_pending'
  | 'pending_owner_review'
  | 'blocked'
  | 'expired'
  | 'reverted'
  | 'closed'
  | HeldStatus;

/** Nothing was decided, or nothing that this side believes: asking again with the same key may help. */
export type HeldStatus =
  | 'held_capacity'
  | 'held_unavailable'
  | 'held_local'
  | 'error_auth'
  | 'error_conflict'
  | 'error_invalid';

const HELD: ReadonlySet<ActionStatus> = new Set<HeldStatus>([
  'held_capacity',
  'held_unavailable',
  'held_local',
  'error_auth',
  'error_conflict',
  'error_invalid',
]);

export function isHeld(status: ActionStatus): status is HeldStatus {
  return HELD.has(status);
}
