/*
 * Which sentences nobody may say of a message: that it is genuine, lawful, safe to pay or approved. Looks at one clause
 * at a time, so that «not approved» passes and «approved, not reviewed» does not.
 */

const SUBJECT =
  '(?:message|sender|e-?mail|invoice|payment|request|communication|text|it|this|step|document|reply|content)';
const QUALITY =
  '(?:genuine|authentic|legitimate|lawful|legal|trustworthy|harmless|safe|approved|authori[sz]ed|verified|permitted)';

const CLAIMS: readonly RegExp[] = [
  new RegExp(
    `\\b${SUBJECT}s?\\s+(?:is|are|was|were|has been|looks?|seems?)\\s+${QUALITY}\\b`,
    'iu',
  ),
  /\bsafe(?:ly)? to (?:pay|send|sign|approve|proceed|release|act)\b/iu,
  /\b(?:may|can) (?:be|now be) (?:paid|sent|signed|approved|released)\b/iu,
  /\byou (?:may|can|should|are free to) (?:pay|send|sign|approve|release|transfer)\b/iu,
  /\b(?:we|it) guarantees?\b|\bis guaranteed\b|\ba guarantee (?:that|of|against)\b/iu,
  /\b(?:confirms?|proves?) that .*\b(?:genuine|authentic|legitimate|lawful|approved)\b/iu,
  /\bno fraud\b|\bfraud[- ]free\b|\brisk[- ]free\b/iu,
  // The languages that bounded replies are written in.
  /\bist (?:echt|rechtm(?:ä|ae)(?:ß|ss)ig|genehmigt|sicher|unbedenklich)\b/iu,
  /\b(?:wir|hiermit) (?:genehmigen|nehmen .* an|best(?:ä|ae)tigen (?!.*\bEingang))/iu,
  /\best (?:authentique|légitime|licite|approuvée?|sûre?)(?![\p{L}])/iu,
  /\bnous (?:approuvons|acceptons|confirmons)\b/iu,
  /\b(?:es|está) (?:auténtic[oa]|legítim[oa]|lícit[oa]|aprobad[oa]|segur[oa])\b/iu,
  /\b(?:aprobamos|aceptamos|confirmamos)\b/iu,
];
const NEGATION =
  /\b(?:no|not|never|nobody|nothing|neither|nor|cannot|without|until|nicht|nichts|kein\w*|pas|rien|aucun\w*|ni|sin)\b|n['’]t\b/iu;

/** The clauses of a text that claim what nobody may claim. */
export function claimsIn(text: string): string[] {
  const clauses = text.split(/[.;:!?]\s|,\s+(?=(?:and|but|so)\b)|\n/u);
  return clauses.filter((clause) => CLAIMS.some((claim) => isClaimed(clause, claim)));
}

/** A negation denies what comes after it. */
function isClaimed(clause: string, claim: RegExp): boolean {
  const found = claim.exec(clause);
  return found !== null && !NEGATION.test(clause.slice(0, found.index + found[0].length));
}

/** A step with money or a message that a text tells people to take. To send something through checks is none. */
const ORDERS =
  /(?:^|[.;:]\s+)(?:please\s+)?(?:send(?! it through \w+ checks)|pay|transfer|release|wire|forward|sign|approve|publish)\b/iu;

/** Whether a text tells its reader to send, pay, sign or approve. */
export function orders(text: string): boolean {
  return ORDERS.test(text);
}

/** Every text in a JSON value. */
export function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}
