import { isCryptoAddress, isIban, isRouting } from './checksums.ts';

/** An identifier, and where it stands in the text that was searched. */
export interface Identifier {
  readonly index: number;
  readonly length: number;
  readonly kind: string;
  readonly checksumValid: boolean;
}

/** An account that money can be sent to. */
export interface Account extends Identifier {
  /** Without separators, upper case. */
  readonly identifier: string;
}

/** Length of an IBAN by country (ISO 13616 registry). */
const IBAN_LENGTHS: Readonly<Record<string, number>> = Object.fromEntries(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ' +
    'ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 ' +
    'LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 ' +
    'RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((row) => [row.slice(0, 2), Number(row.slice(2))]),
);

const SEPARATOR = '[\\s.\\u00a0_/|-]';
/** Looked ahead at, so that what follows one number can begin the next. */
const IBAN = new RegExp(
  `(?<![\\p{L}\\p{N}])(?=([A-Z]{2}\\d{2}(?:${SEPARATOR}{0,2}[A-Z0-9]){11,31}))`,
  'giu',
);
const UK =
  /\b(\d{2}[- ]?\d{2}[- ]?\d{2})\b[^\d\n]{0,60}\b(\d{8})\b|\b(\d{8})\b[^\d\n]{0,60}\b(\d{2}[- ]\d{2}[- ]\d{2})\b/g;
const UK_CONTEXT = /sort\s*code|account|a\/c|bank|pay/i;
const ROUTING = /\b(?:routing|aba|rtn|transit)\b[^\d\n]{0,40}(\d{9})(?!\d)/gi;
/** In capitals only: a swift response is none. */
const BIC =
  /\b(?:SWIFT|Swift|swift|BIC|Bic|bic)\b(?:[ :/.()-]|\b(?:BIC|[Cc]ode|is|[Nn]umber)\b){0,12}([A-Z]{4}([A-Z]{2})[A-Z0-9]{2}(?:[A-Z0-9]{3})?)\b/g;
const PIX =
  /\b(?:chave\s+)?pix\b[^\n]{0,30}?([\w.+-]{1,64}@[\w.-]{3,80}|\d{3}\.?\d{3}\.?\d{3}-?\d{2}|[0-9a-f]{8}-[0-9a-f-]{27})/gi;
const UPI = /\bupi\b[^\n]{0,30}?([\w.-]{2,64}@[a-z]{2,20})\b/gi;
const CRYPTO =
  /\b(bc1[ac-hj-np-z02-9]{25,87}|BC1[AC-HJ-NP-Z02-9]{25,87}|0x[0-9a-fA-F]{40}|[13LM][1-9A-HJ-NP-Za-km-z]{25,34}|T[1-9A-HJ-NP-Za-km-z]{33})\b/g;

/** ISO 3166-1 codes, and XK, which banks use for Kosovo. */
const COUNTRIES: ReadonlySet<string> = new Set(
  (
    'AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ ' +
    'CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO ' +
    'FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE ' +
    'JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO ' +
    'MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW ' +
    'PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM ' +
    'TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW'
  ).split(' '),
);

/** Accounts that stand in a text, each with its own characters and none of those around it. Linear in the text. */
export function accountsIn(text: string): readonly Account[] {
  const accounts: Account[] = [...ibansIn(text)];
  const add = (match: RegExpExecArray, kind: string, raw: string, checksumValid = true): void => {
    accounts.push({
      index: match.index,
      length: match[0].length,
      kind,
      identifier: compact(raw),
      checksumValid,
    });
  };
  for (const match of text.matchAll(UK)) {
    const around = text.slice(Math.max(0, match.index - 60), match.index + match[0].length);
    if (!UK_CONTEXT.test(around)) continue;
    add(match, 'uk_account', `${match[1] ?? match[4] ?? ''}${match[2] ?? match[3] ?? ''}`);
  }
  for (const match of text.matchAll(ROUTING)) {
    add(match, 'us_routing', match[1] ?? '', isRouting(match[1] ?? ''));
  }
  for (const match of text.matchAll(BIC)) {
    if (COUNTRIES.has(match[2] ?? '')) add(match, 'bic', match[1] ?? '');
  }
  for (const match of text.matchAll(PIX)) add(match, 'pix', match[1] ?? '');
  for (const match of text.matchAll(UPI)) add(match, 'upi', match[1] ?? '');
  for (const match of text.matchAll(CRYPTO)) {
    const [address] = match;
    // Long words of letters alone are not addresses.
    if (/\d/.test(address) && /[A-Za-z]/.test(address)) {
      add(match, 'crypto', address, isCryptoAddress(address));
    }
  }
  return accounts;
}

function* ibansIn(text: string): Generator<Account> {
  let end = 0;
  for (const match of text.matchAll(IBAN)) {
    const { index } = match;
    if (index < end) continue;
    const found = match[1] ?? '';
    const whole = compact(found);
    const length = IBAN_LENGTHS[whole.slice(0, 2)];
    if (length === undefined || whole.length < length) continue;
    const identifier = whole.slice(0, length);
    const checksumValid = isIban(identifier);
    // Without its check digits only the spelling of an IBAN tells it from a reference number.
    const named = /\biban\b/i.test(text.slice(Math.max(0, index - 30), index));
    if (!checksumValid && !named) continue;
    const own = lengthOf(found, length);
    end = index + own;
    yield { index, length: own, kind: 'iban', identifier, checksumValid };
  }
}

function compact(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N}@+]/gu, '').toUpperCase();
}

/** How much of a text its first `signs` letters and digits take up. */
function lengthOf(text: string, signs: number): number {
  let seen = 0;
  for (let i = 0; i < text.length; i += 1) {
    if (/[A-Z0-9]/i.test(text[i] ?? '')) seen += 1;
    if (seen === signs) return i + 1;
  }
  return text.length;
}
