import type { communication as governance } from '@countersign/policy';
import { analyze, type Ruleset, rankOf } from '@countersign/signals';

/** Longest bounded reply, in UTF-16 code units. */
const TEMPLATE_LENGTH_MAX = 400;
/** Digits, links, addresses and amounts: a bounded reply says nothing of its case. */
const PARTICULARS = /\p{Nd}|:\/\/|www\.|@|\p{Sc}|%|[<>{}]/u;

/**
 * Why a text cannot be a bounded reply; `undefined`: it can. Its own analysis must find nothing that counts, and must
 * have read it.
 */
export function templateFault(text: string, ruleset: Ruleset): string | undefined {
  if (text.length === 0 || text.length > TEMPLATE_LENGTH_MAX) return 'length';
  if (PARTICULARS.test(text)) return 'particulars';
  const { signals, coverage } = analyze(
    {
      source: 'api',
      participants: [],
      proposed_action: { action_type: 'reply', origin: 'template', draft: text },
    },
    ruleset,
  );
  const found = signals.find(
    ({ direction, severity }) => direction === 'outbound' && rankOf(severity) >= rankOf('medium'),
  );
  if (found !== undefined) return found.code;
  return Object.values(coverage).every(({ outbound }) => outbound.complete) ? undefined : 'unread';
}

/** The templates of a policy that cannot be bounded replies, as id, language and reason. */
export function unfitTemplates(
  { templates }: governance.CommunicationPolicy,
  ruleset: Ruleset,
): readonly string[] {
  return [...templates].flatMap(([id, languages]) =>
    [...languages].flatMap(([language, text]) => {
      const fault = templateFault(text, ruleset);
      return fault === undefined ? [] : [`${id} ${language} ${fault}`];
    }),
  );
}
