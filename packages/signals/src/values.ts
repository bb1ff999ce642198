import type { Findings } from './findings.ts';
import type { AccountLookup } from './lookup.ts';
import { submittedSpan } from './mapped-text.ts';
import type { Communication, SignalAttributes, SignalSource } from './model.ts';
import type { Reading } from './reading.ts';

/** Looks for identifiers and secrets by their form and their check digits. */
export function findValues(
  reading: Reading,
  communication: Communication,
  lookup: AccountLookup | undefined,
  findings: Findings,
  source: SignalSource = 'deterministic',
): void {
  const { pointer, direction, kind, readings } = reading;
  const { text } = readings.plain;
  const report = (
    code: string,
    match: { readonly index: number; readonly length: number },
    attributes: SignalAttributes,
    severity?: 'info' | 'low' | 'medium',
  ): void => {
    findings.add({
      code,
      pointer,
      span: submittedSpan(readings.plain, match.index, match.index + match.length),
      segment: kind,
      direction,
      view: kind === 'hidden' ? 'VH' : 'V1',
      source,
      detector: 'values',
      attributes,
      ...(severity === undefined ? {} : { severity }),
    });
  };
  for (const account of accountsIn(text)) {
    const { identifier_kind, checksum_valid } = account;
    const known = lookup?.(account.identifier) === true;
    const doubtful = identifier_kind === 'crypto' && !checksum_valid;
    report(
      known ? 'payment.details_mention' : 'payment.new_account_identifier',
      account,
      { identifier_kind, checksum_valid },
      doubtful && !known ? 'medium' : undefined,
    );
  }
  if (direction === 'outbound') {
    for (const secret of secretsIn(text)) {
      report('disclosure.secret_in_draft', secret, { identifier_kind: secret.identifier_kind });
    }
    for (const id of personalIdsIn(text)) {
      report('disclosure.personal_data_in_draft', id, { identifier_kind: id.identifier_kind });
    }
  }
  if (kind === 'body' || kind === 'draft') limitExceeded(communication, reading, findings);
}

interface Found {
  readonly index: number;
  readonly length: number;
  readonly identifier_kind: string;
}

interface Account extends Found {
  /** Without separators, upper case. */
  readonly identifier: string;
  readonly checksum_valid: boolean;
}

/** Length of an IBAN by country (ISO 13616 registry). */
const IBAN_LENGTHS: Readonly<Record<string, number>> = Object.fromEntries(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 ' +
    'FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 ' +
    'LI21 LT20 LU20 LV21 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 ' +
    'SC31 SE24 SI19 SK24 SM27 ST25 SV28 TN24 TR26 UA29 VA22 VG24 XK20'
  )
    .split(' ')
    .map((row) => [row.slice(0, 2), Number(row.slice(2))]),
);

const IBAN = /\b([A-Z]{2}\d{2}(?:[ \u00a0.-]?[A-Z0-9]){11,30})\b/gi;
const UK =
  /\b(\d{2}[- ]?\d{2}[- ]?\d{2})\b[^\d\n]{0,60}\b(\d{8})\b|\b(\d{8})\b[^\d\n]{0,60}\b(\d{2}[- ]\d{2}[- ]\d{2})\b/g;
const UK_CONTEXT = /sort\s*code|account|a\/c|bank|pay/i;
const ROUTING = /\b(?:routing|aba|rtn|transit)\b[^\d\n]{0,40}(\d{9})\b/gi;
/** In capitals only: a swift response is none. */
const BIC =
  /\b(?:SWIFT|Swift|swift|BIC|Bic|bic)\b(?:[ :/.()-]|\b(?:BIC|[Cc]ode|is|[Nn]umber)\b){0,12}([A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?)\b/g;
const PIX =
  /\b(?:chave\s+)?pix\b[^\n]{0,30}?([\w.+-]{1,64}@[\w.-]{3,80}|\d{3}\.?\d{3}\.?\d{3}-?\d{2}|[0-9a-f]{8}-[0-9a-f-]{27})/gi;
const UPI = /\bupi\b[^\n]{0,30}?([\w.-]{2,64}@[a-z]{2,20})\b/gi;
const CRYPTO =
  /\b(bc1[ac-hj-np-z02-9]{25,87}|0x[0-9a-fA-F]{40}|[13][1-9A-HJ-NP-Za-km-z]{25,34}|T[1-9A-HJ-NP-Za-km-z]{33})\b/g;

/** Accounts that money can be sent to. */
function accountsIn(text: string): readonly Account[] {
  const accounts: Account[] = [];
  const add = (
    match: RegExpExecArray,
    identifier_kind: string,
    raw: string,
    valid: boolean,
  ): void => {
    accounts.push({
      index: match.index,
      length: match[0].length,
      identifier_kind,
      identifier: raw.replaceAll(/[\s.\u00a0-]/g, '').toUpperCase(),
      checksum_valid: valid,
    });
  };
  for (const match of text.matchAll(IBAN)) {
    const whole = (match[1] ?? '').replaceAll(/[\s.\u00a0-]/g, '').toUpperCase();
    const length = IBAN_LENGTHS[whole.slice(0, 2)];
    if (length === undefined || whole.length < length) continue;
    const iban = whole.slice(0, length);
    const valid = isIban(iban);
    // Without its check digits only the spelling of an IBAN tells it from a reference number.
    if (valid || /\biban\b/i.test(text.slice(Math.max(0, match.index - 30), match.index + 8))) {
      add(match, 'iban', iban, valid);
    }
  }
  for (const match of text.matchAll(UK)) {
    const around = text.slice(Math.max(0, match.index - 60), match.index + match[0].length);
    if (!UK_CONTEXT.test(around)) continue;
    add(match, 'uk_account', `${match[1] ?? match[4] ?? ''}${match[2] ?? match[3] ?? ''}`, true);
  }
  for (const match of text.matchAll(ROUTING)) {
    add(match, 'us_routing', match[1] ?? '', isRouting(match[1] ?? ''));
  }
  for (const match of text.matchAll(BIC)) add(match, 'bic', match[1] ?? '', true);
  for (const match of text.matchAll(PIX)) add(match, 'pix', match[1] ?? '', true);
  for (const match of text.matchAll(UPI)) add(match, 'upi', match[1] ?? '', true);
  for (const match of text.matchAll(CRYPTO)) {
    const [address] = match;
    // Long words of letters alone are not addresses.
    if (/\d/.test(address) && /[A-Za-z]/.test(address)) {
      add(match, 'crypto', address, /^bc1|^0x/.test(address));
    }
  }
  return accounts;
}

/** ISO 7064 mod 97-10 over the rearranged number is 1. */
export function isIban(iban: string): boolean {
  let rest = 0;
  for (const sign of iban.slice(4) + iban.slice(0, 4)) {
    const digits = String(Number.parseInt(sign, 36));
    for (const digit of digits) rest = (rest * 10 + Number(digit)) % 97;
  }
  return rest === 1;
}

/** ABA routing number: weights 3, 7, 1; the sum is a multiple of 10. */
function isRouting(digits: string): boolean {
  let sum = 0;
  for (const [i, digit] of Array.from(digits).entries())
    sum += Number(digit) * ([3, 7, 1][i % 3] ?? 0);
  return sum % 10 === 0;
}

const SECRETS: readonly (readonly [string, RegExp])[] = [
  ['private_key', /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----/g],
  [
    'token',
    /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|sk-[A-Za-z0-9_-]{20,}|sk_live_\w{16,}|AKIA[A-Z0-9]{16}|xox[abprs]-[A-Za-z0-9-]{10,}|glpat-[\w-]{16,}|AIza[\w-]{30,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})\b/g,
  ],
  [
    'password',
    /\b(?:password|passwort|kennwort|passwd|pwd|passcode|mot de passe|contraseña|senha|wachtwoord|api[ _-]?key|secret key|access token)\b\s{0,3}(?:is|ist|es|est|è|é|:|=)\s{0,3}(?=\S{0,40}[\d!#$%&*@^])\S{6,64}/gi,
  ],
];
const CARD = /\b\d(?:[ -]?\d){12,18}\b/g;

function secretsIn(text: string): readonly Found[] {
  const found: Found[] = [];
  for (const [identifier_kind, pattern] of SECRETS) {
    for (const match of text.matchAll(pattern)) {
      found.push({ index: match.index, length: match[0].length, identifier_kind });
    }
  }
  for (const match of text.matchAll(CARD)) {
    const digits = match[0].replaceAll(/\D/g, '');
    if (isCard(digits))
      found.push({ index: match.index, length: match[0].length, identifier_kind: 'card' });
  }
  return found;
}

/** Starts like the number of a card scheme, and passes the Luhn check. */
function isCard(digits: string): boolean {
  if (!/^(?:4|5[1-5]|2[2-7]|3[47]|6)/.test(digits)) return false;
  let sum = 0;
  for (const [i, digit] of Array.from(digits).toReversed().entries()) {
    const doubled = i % 2 === 1 ? Number(digit) * 2 : Number(digit);
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

const PERSONAL_IDS: readonly (readonly [string, RegExp])[] = [
  ['us_ssn', /\b(?:ssn|social security)\b[^\d\n]{0,30}\d{3}-?\d{2}-?\d{4}\b/gi],
  ['uk_nino', /\b[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b/g],
  ['passport', /\bpassport (?:no|number|nr)\b[^\w\n]{0,5}[A-Z0-9]{6,9}\b/gi],
];

function personalIdsIn(text: string): readonly Found[] {
  return PERSONAL_IDS.flatMap(([identifier_kind, pattern]) =>
    [...text.matchAll(pattern)].map((match) => ({
      index: match.index,
      length: match[0].length,
      identifier_kind,
    })),
  );
}

/** More than the person who decides may decide. */
function limitExceeded(
  { authority_result: authority, proposed_action: action }: Communication,
  reading: Reading,
  findings: Findings,
): void {
  const limit = authority?.limit;
  const { amount } = action;
  if (limit === undefined || amount === undefined || limit.currency !== amount.currency) return;
  if (Number(amount.value) <= Number(limit.value)) return;
  findings.add({
    code: 'authority.limit_exceeded',
    pointer: '/proposed_action/amount',
    span: null,
    segment: reading.kind,
    direction: 'inbound',
    view: 'struct',
    detector: 'values',
  });
}
