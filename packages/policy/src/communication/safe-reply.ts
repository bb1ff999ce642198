import type { Composed } from './compose.ts';
import type { CommunicationPolicy } from './document.ts';
import type { Evaluation } from './evaluate.ts';

/** What a bounded reply depends on beside the decision. */
export interface ReplyRequest {
  /** A reply is asked for, and bounded to the server's own words. */
  readonly bounded: boolean;
  /** Nothing was found that forbids any reply, whatever the decision is. */
  readonly clean: boolean;
  /** Demonstrations never insert. */
  readonly demonstration: boolean;
  /** ISO 639-1. */
  readonly language: string;
}

export interface SafeReply {
  readonly allowed_to_insert: boolean;
  readonly draft: string;
  readonly template_id: string | null;
}

const NONE: SafeReply = { allowed_to_insert: false, draft: '', template_id: null };

/** The reply that may be put into a draft for a person to read. */
export function safeReply(
  policy: CommunicationPolicy,
  evaluation: Evaluation,
  composed: Composed,
  request: ReplyRequest,
): SafeReply {
  if (!composed.allowed || !request.bounded || !request.clean || request.demonstration) return NONE;
  const touched = evaluation.rules.filter(({ guard }) => guard !== 'false');
  if (touched.some(({ rule }) => !policy.insertable.has(rule.ruleId))) return NONE;
  const id =
    composed.primary === undefined
      ? policy.greenTemplate
      : policy.rules.find(({ ruleId }) => ruleId === composed.primary)?.template;
  const texts = id === undefined ? undefined : policy.templates.get(id);
  const draft = texts?.get(request.language) ?? texts?.get('en');
  return draft === undefined || id === undefined
    ? NONE
    : { allowed_to_insert: true, draft, template_id: id };
}
