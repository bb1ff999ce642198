import { isMembers, type Members } from '@countersign/proof';

/** One change to a request's context: a member left out, or given another value. */
export interface Experiment {
  readonly field: string;
  /** Absent: the member is left out. */
  readonly value?: string | number | boolean;
}

/** Changes worth trying, by the template's policy id: what is missing asks for a review, what is wrong gives a no. */
const EXPERIMENTS: Readonly<Record<string, readonly Experiment[]>> = {
  access_grant_gate: [
    { field: 'grant_days' },
    { field: 'identity_state' },
    { field: 'grant_days', value: 365 },
    { field: 'role', value: 'made_up_role' },
  ],
  agent_action_gate: [
    { field: 'budget_remaining_minor' },
    { field: 'tool', value: 'delete_everything' },
    { field: 'budget_remaining_minor', value: -1 },
  ],
  crm_writeback_gate: [
    { field: 'expected_version' },
    { field: 'owner_rule' },
    { field: 'expected_version', value: 6 },
    { field: 'stage', value: 'closed_won' },
  ],
  payout_gate: [
    { field: 'sanctions_state' },
    { field: 'sanctions_state', value: 'hit' },
    { field: 'duplicate_count', value: 1 },
  ],
  pricing_exception: [
    { field: 'margin_floor' },
    { field: 'owner_rule' },
    { field: 'margin_floor', value: 'failed' },
    { field: 'owner_rule', value: 'rejected' },
  ],
  refund_review: [
    { field: 'risk_state' },
    { field: 'days_since_purchase' },
    { field: 'payment_status', value: 'disputed' },
    { field: 'days_since_purchase', value: 45 },
  ],
};

/** The changes to try with a template; for an unknown one, leaving out what it says it needs. */
export function experimentsOf(pattern: Members): readonly Experiment[] {
  const known = EXPERIMENTS[String(pattern['policy_id'])];
  if (known !== undefined) return known;
  const fields = pattern['required_context_fields'];
  return Array.isArray(fields) ? fields.map((field) => ({ field: String(field) })) : [];
}

export function isApplied(request: Members, { field, value }: Experiment): boolean {
  return contextOf(request)[field] === value;
}

/** The request with the change made, or, where it is made already, with the template's value put back. */
export function toggled(request: Members, template: Members, experiment: Experiment): Members {
  const { field } = experiment;
  const applied = isApplied(request, experiment);
  const value = applied ? contextOf(template)[field] : experiment.value;
  const context = contextOf(request);
  // Put back members stand where they were, not at the end.
  const names = [...new Set([...Object.keys(contextOf(template)), ...Object.keys(context)])];
  const changed = names
    .map((name) => [name, name === field ? value : context[name]] as const)
    .filter(([, each]) => each !== undefined);
  return { ...request, context: Object.fromEntries(changed) };
}

function contextOf(request: Members): Members {
  const { context } = request;
  return isMembers(context) ? context : {};
}
