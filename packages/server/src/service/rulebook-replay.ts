import { fail, ok, type Result } from '@countersign/contract';
import type { JsonObject } from '@countersign/policy';
import { isMembers, type Members } from '@countersign/proof';
import type { History } from './history.ts';
import type { Rejudged } from './rejudge.ts';
import { judgeFacts } from './rulebook-decision.ts';
import { judgementMembers, rulebookBundle } from './rulebook-record.ts';
import { nameRulebook } from './rulebooks.ts';

/** Judges by the rulebook that the request brought along; its adapter, if it named one, runs again. */
export async function judgedByOwnRulebook(
  { record }: History,
  request: JsonObject,
): Promise<Result<Rejudged>> {
  const named = nameRulebook(request['rulebook']);
  const at = Date.parse(String(record.subject['created_at']));
  const judged = named.ok ? await judgeFacts(named.value, request, at) : undefined;
  // What was read and run once and is not any more was the work of another evaluator.
  if (!named.ok || judged?.ok !== true)
    return fail({ code: 'DECIDE_REPLAY_EVALUATOR_UNAVAILABLE' });
  return ok({
    members: judgementMembers(named.value, judged.value),
    bundle: rulebookBundle(named.value, isRegistered(record.subject)),
  });
}

function isRegistered({ decision_contract: contract }: Members): boolean {
  return isMembers(contract) && contract['source'] === 'registered_rulebook';
}
