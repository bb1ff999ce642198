import type { Case } from './corpus.ts';
import type { Result } from './score.ts';

const KEYWORDS =
  /urgent|immediately|verify|password|invoice|payment|pay\b|bank|account|confirm|sign\b|agree|contract|refund|gift ?card|click|log ?in|confidential|wire|transfer|approve|legal|deadline|iban|bitcoin|ignore .{0,20}instructions/i;

/** What one keyword expression would answer, to see how much a set asks for beyond that. */
export function judgeByKeywords(one: Case): Result {
  const { subject = '', body_excerpt = '', body_html = '', proposed_action } = one.communication;
  const hit = KEYWORDS.test([subject, body_excerpt, body_html, proposed_action.draft].join('\n'));
  return {
    case: one,
    light: hit ? 'red' : 'green',
    allowed: !hit,
    review: hit,
    reasons: [],
    signals: [],
    found: new Set(),
  };
}
