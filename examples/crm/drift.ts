import type { Engine } from '../gated-action/engine.ts';
import type { HeldObject } from '../gated-action/object-api.ts';
import { FIELD_MAP } from './crm.ts';
import { valueHash } from './write-back.ts';

/** A gated field that holds another value than before, and no decision that permitted it. */
export interface Incident {
  readonly id: string;
  readonly field: string;
  readonly why: 'no_handle' | 'unknown_decision' | 'not_executed' | 'another_value';
}

/**
 * Compares two nights: each gated field that changed must be what an executed decision of this side wrote. Handles
 * that stand in the CRM are only looked up, never believed: whoever writes the field can write them too.
 */
export function findDrift(
  engine: Engine,
  fields: readonly string[],
  before: readonly HeldObject[],
  after: readonly HeldObject[],
): readonly Incident[] {
  const earlier = new Map(before.map((row) => [row.id, row.state]));
  return after.flatMap(({ id, state }) =>
    fields.flatMap((field) => {
      if (valueHash(state[field] ?? null) === valueHash(earlier.get(id)?.[field] ?? null))
        return [];
      const why = whyNot(engine, id, field, state);
      return why === undefined ? [] : [{ id, field, why }];
    }),
  );
}

function whyNot(
  engine: Engine,
  id: string,
  field: string,
  state: HeldObject['state'],
): Incident['why'] | undefined {
  const handle = state[FIELD_MAP.decision_id];
  if (typeof handle !== 'string') return 'no_handle';
  const row = engine.store
    .list('executed', 'executed_unreceipted', 'outcome_pending', 'closed', 'claimed', 'mismatch')
    .find((one) => one.decide_decision_id === handle);
  if (row === undefined) return 'unknown_decision';
  if (
    !['executed', 'executed_unreceipted', 'outcome_pending', 'closed'].includes(row.action_status)
  ) {
    return 'not_executed';
  }
  const released = engine.journal.read(row.id)?.released?.mutation;
  const same =
    released?.targetObjectId === id &&
    released.parameters['crm_field'] === field &&
    released.parameters['value_hash'] === valueHash(state[field]);
  return same ? undefined : 'another_value';
}
