import { canonicalJson, parseJson, sha256Hex } from '@countersign/proof';
import type { StoredEntry } from '../service/ports.ts';

export const WEBHOOK_EVENT_TYPES = [
  'review.opened',
  'review.resolved',
  'review.expired',
  'execution.mismatch',
  'outcome.overdue',
  'policy.activated',
  'policy.suspended',
  'key.rotated',
] as const;

export type WebhookEventType = (typeof WEBHOOK_EVENT_TYPES)[number];

/**
 * What a receiver is told: that something happened, and to what. Never a verdict: whoever wants to act fetches the
 * record, which proves itself.
 */
export interface WebhookEvent {
  /** The same for every delivery of this event. */
  readonly event_id: string;
  readonly type: WebhookEventType;
  readonly created_at: string;
  /** Id of the decision, or, where the entry belongs to none, its own: a policy's id, a key's id. */
  readonly subject_id: string;
  /** `subject_hash` of the ledger entry. */
  readonly subject_hash: string;
}

type Subject = Readonly<Record<string, unknown>>;

/** Deepest subject: what the parser can do. Our own writer made it, so this only guards the parser. */
const SUBJECT_DEPTH_MAX = 512;

/** The event that an entry of the ledger named `origin` is, if it is one. */
export function eventOf(origin: string, entry: StoredEntry): WebhookEvent | undefined {
  const type = typeOf(entry);
  return type === undefined ? undefined : eventAbout(origin, entry, type, entry.createdAt);
}

/** An event about an entry. Of each type there is one per entry: a second one is the first again. */
export function eventAbout(
  origin: string,
  entry: StoredEntry,
  type: WebhookEventType,
  createdAt: string,
): WebhookEvent {
  const prefix = `${entry.entryType}:`;
  return {
    event_id: `evt_${sha256Hex(canonicalJson([origin, entry.seq, type])).slice(0, 32)}`,
    type,
    created_at: createdAt,
    subject_id: entry.decisionId.startsWith(prefix)
      ? entry.decisionId.slice(prefix.length)
      : entry.decisionId,
    subject_hash: entry.subjectHash,
  };
}

/** Reads a subject only where it matters: most entries are decisions, which are no events. */
function typeOf(entry: StoredEntry): WebhookEventType | undefined {
  switch (entry.entryType) {
    case 'review_opened':
      return 'review.opened';
    case 'review_resolved': {
      const { resolution, settled } = subjectOf(entry);
      // One of several voices: the review is still open.
      if (settled === false) return undefined;
      return resolution === 'expired' ? 'review.expired' : 'review.resolved';
    }
    case 'execution':
      return subjectOf(entry)['action_binding_match'] === false ? 'execution.mismatch' : undefined;
    case 'policy_state':
      return POLICY_EVENT.get(subjectOf(entry)['state']);
    case 'key_event':
      return subjectOf(entry)['kind'] === 'rotated' ? 'key.rotated' : undefined;
    default:
      return undefined;
  }
}

const POLICY_EVENT: ReadonlyMap<unknown, WebhookEventType> = new Map([
  ['active', 'policy.activated'],
  ['suspended', 'policy.suspended'],
]);

function subjectOf(entry: StoredEntry): Subject {
  const parsed = parseJson(entry.subject, { depthMax: SUBJECT_DEPTH_MAX });
  if (!parsed.ok) throw new Error(`the subject of ledger entry ${entry.seq} cannot be read`);
  return parsed.value as Subject;
}
