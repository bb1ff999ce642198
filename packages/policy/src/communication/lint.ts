/** What no text of a policy may say, each with the reason. */
const FORBIDDEN: readonly (readonly [string, RegExp])[] = [
  [
    'claims that a message is genuine, lawful, safe or approved',
    /\b(?:is|are|was|were|looks|appears|seems|been)\s+(?:now\s+|fully\s+)?(?:genuine|authentic|legitimate|lawful|legal|safe|harmless|trustworthy|verified|approved|authori[sz]ed)\b/i,
  ],
  ['claims that something is safe', /\bsafe to (?:pay|send|sign|approve|reply|open|click)\b/i],
  [
    'tells somebody to send, pay or approve',
    /(?:^|[.;:!?]\s+|\b(?:please|and|then)\s+)(?:pay\b|transfer\b|wire\b|release\b|approve\b|sign\b|send (?!it through\b)|click\b)/i,
  ],
  ['has a place to fill in', /[<>{}$%]/],
  ['has more than one line', /[\n\r]/],
];

/**
 * Why a text may not stand in a policy; `undefined`: it may. What people read informs, it never vouches for a message
 * and never tells anybody to act.
 */
export function lintText(text: string): string | undefined {
  return FORBIDDEN.find(([, pattern]) => pattern.test(text))?.[0];
}
