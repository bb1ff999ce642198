import {
  type DecideClient,
  DecideError,
  DecideUnavailable,
  type GateAnswer,
  gate,
  type Keys,
  readTrust,
  verifyDecisionRecord,
} from '@countersign/client';
import { isMembers, type Members } from '@countersign/proof';
import type { ActionStatus } from '../decision-actions/status.ts';
import { type Action, intentOf, requestOf } from './action.ts';

/** Whom to believe, and for which environment one acts. */
export interface Anchor extends Keys {
  readonly environment: 'live' | 'test';
}

export interface Asked {
  readonly status: ActionStatus;
  /** The answer, where it is a record that verifies; nothing else is ever stored as one. */
  readonly record?: Members;
  /** For people and logs. */
  readonly why: string;
}

/** Asks the gate and says which status the answer, or the lack of one, leads to. */
export async function ask(
  client: DecideClient,
  action: Action,
  { idempotencyKey, anchor, now }: { idempotencyKey: string; anchor: Anchor; now: () => number },
): Promise<Asked> {
  let record: Members;
  try {
    record = await client.decide(requestOf(action), { idempotencyKey });
  } catch (error) {
    return { status: statusOfFailure(error), why: String(error) };
  }
  const answer = mayProceed(record, action, anchor, now());
  // A record is what its signature says; whatever else came over the wire is kept nowhere.
  if (!verifyDecisionRecord({ record, ...anchor }).verified) {
    const unclear = answer.reason === 'VERDICT_UNKNOWN' || answer.reason === 'MIRRORS_DISAGREE';
    return { status: unclear ? 'pending_owner_review' : 'held_local', why: answer.reason };
  }
  return { status: statusOf(record, answer), record, why: answer.reason };
}

/** Whether exactly this may be done now. The same question right after deciding and right before acting. */
export function mayProceed(
  record: unknown,
  { mutation }: Pick<Action, 'mutation'>,
  anchor: Anchor,
  now: number,
): GateAnswer {
  const trust = readTrust(anchor);
  return gate(record, intentOf(mutation), { now, environment: anchor.environment, trust });
}

function statusOf(record: Members, answer: GateAnswer): ActionStatus {
  if (record['verdict'] === 'no') return 'blocked';
  if (record['verdict'] !== 'yes') return 'pending_owner_review';
  // An old `yes` came back under its key: it was permission once, and the gate says so again before acting.
  return answer.proceed || answer.reason === 'EXPIRED' ? 'allowed' : 'held_local';
}

/** No error is permission; they differ in who has to do what before asking again. */
function statusOfFailure(error: unknown): ActionStatus {
  if (error instanceof DecideUnavailable) return 'held_unavailable';
  // Anything else was thrown by this side's own mistake.
  if (!(error instanceof DecideError)) throw error;
  const { status, retryable } = error;
  if (status === 401 || status === 403) return 'error_auth';
  if (status === 429) return 'held_capacity';
  if (status >= 500 || retryable) return 'held_unavailable';
  return status === 409 ? 'error_conflict' : 'error_invalid';
}

/** The refusal of a claim; `undefined` where there is no answer that says so. */
export function refusalOf(error: unknown): string | undefined {
  if (!(error instanceof DecideError) || error.status !== 409) return undefined;
  const reason = isMembers(error.body) ? error.body['reason'] : undefined;
  return typeof reason === 'string' ? reason : undefined;
}
