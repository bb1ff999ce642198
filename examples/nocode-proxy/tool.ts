import { isMembers, type Members } from '@countersign/proof';
import { type ObjectApiOptions, objectApi } from '../gated-action/object-api.ts';
import type { Attempted } from '../gated-action/target.ts';
import { signInbound } from './inbound.ts';

export interface ToolOptions {
  readonly proxyUrl: string;
  readonly automationId: string;
  /** Of this automation; the key of the gate is nowhere near. */
  readonly secret: string;
  readonly system: ObjectApiOptions;
  readonly now: () => number;
}

/** Stands for the no-code tool: posts an event, follows the route, and says what it did. */
export async function runAutomation(
  { proxyUrl, automationId, secret, system, now }: ToolOptions,
  event: Members,
  step: { readonly object: string; readonly set: Members },
): Promise<Members | undefined> {
  const post = async (kind: 'events' | 'completions', body: Members): Promise<Members> => {
    const path = `/automations/${automationId}/${kind}`;
    const text = JSON.stringify(body);
    const { timestamp, signature } = signInbound(secret, path, text, now());
    const response = await fetch(proxyUrl + path, {
      method: 'POST',
      headers: { 'x-automation-timestamp': timestamp, 'x-automation-signature': signature },
      body: text,
    });
    const answer: unknown = await response.json();
    return isMembers(answer) ? answer : {};
  };
  const answer = await post('events', event);
  // A tool acts on this one word, within its time, and on nothing else.
  if (answer['route'] !== 'proceed') return answer;
  const id = String(answer['decision_id']);
  const attempted = await objectApi(system).change(step.object, step.set, { key: `decide:${id}` });
  const completion = {
    event_id: event['event_id'],
    decision_id: id,
    parameters: step.set,
    ...resultOf(attempted),
  };
  await post('completions', completion);
  return answer;
}

function resultOf(attempted: Attempted): Members {
  if (!attempted.ok) return { result: attempted.fault === 'refused' ? 'failed' : 'unknown' };
  const { at, stateBeforeHash, stateAfterHash } = attempted.value;
  return {
    result: 'executed',
    executed_at: at,
    state_before_hash: stateBeforeHash,
    state_after_hash: stateAfterHash,
  };
}
