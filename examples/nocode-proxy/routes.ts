import type { ActionRow } from '../decision-actions/store.ts';

/** All that a tool is told. Neither a key nor a record is ever among it. */
export interface RouteAnswer {
  readonly route: 'proceed' | 'deny' | 'review' | 'escalate';
  readonly decision_id: string;
  readonly request_id: string;
  /** Until when a `proceed` holds; `null` for everything else. */
  readonly expires_at: string | null;
}

/** How long a tool may take from being told to proceed to having acted, in milliseconds. */
export const ROUTE_MS = 120_000;

/** The route of a row. Only `until` makes it `proceed`, and only the call that released the row has one. */
export function routeOf(row: ActionRow, until: number | undefined): RouteAnswer {
  const proceeds = until !== undefined && row.decision_verdict === 'yes';
  return {
    route: proceeds ? 'proceed' : otherRoute(row),
    decision_id: row.decide_decision_id,
    request_id: row.decide_request_id,
    expires_at: proceeds ? new Date(until).toISOString() : null,
  };
}

function otherRoute({ action_status: status }: ActionRow): 'deny' | 'review' | 'escalate' {
  switch (status) {
    case 'blocked':
      return 'deny';
    // Waiting for the owner of the automation does not settle these: somebody has to repair something.
    case 'held_local':
    case 'error_auth':
    case 'error_conflict':
    case 'error_invalid':
    case 'mismatch':
    case 'execution_failed':
      return 'escalate';
    case 'deciding':
    case 'allowed':
    case 'claimed':
    case 'executing':
    case 'executed':
    case 'executed_unreceipted':
    case 'unknown_result':
    case 'outcome_pending':
    case 'pending_owner_review':
    case 'expired':
    case 'reverted':
    case 'closed':
    case 'held_capacity':
    case 'held_unavailable':
      return 'review';
  }
}
