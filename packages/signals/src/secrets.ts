import type { Identifier } from './accounts.ts';
import { isLuhn } from './checksums.ts';

const PATTERNS: readonly (readonly [string, RegExp])[] = [
  ['private_key', /-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d/g],
  [
    'token',
    /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{30,}|sk-[A-Za-z0-9_-]{20,}|[srp]k_(?:live|test)_\w{16,}|whsec_[A-Za-z0-9]{20,}|A(?:KIA|SIA)[A-Z0-9]{16}|xox[abeprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{20,}|AIza[\w-]{30,}|ya29\.[\w-]{20,}|hf_[A-Za-z0-9]{20,}|dop_v1_[0-9a-f]{40,}|shpat_[0-9a-f]{30,}|SG\.[\w-]{16,}\.[\w-]{16,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}|AGE-SECRET-KEY-1[A-Z0-9]{40,})/g,
  ],
  [
    'password',
    /\b(?:password|passwort|kennwort|passwd|pwd|passcode|mot de passe|contraseña|senha|palavra-passe|wachtwoord|hasło|lösenord|adgangskode|passord|api[ _-]?key|secret key|access token)\b\s{0,3}(?:is|ist|lautet|es|est|è|é|to|jest|är|er|:|=)\s{0,3}(?=\S{0,40}[\d!#$%&*@^])\S{6,64}/gi,
  ],
];

/** Words beside which a string of chance is a credential; the distance is counted in characters. */
const CREDENTIAL_NEAR = 60;
const CREDENTIAL =
  /password|passwort|kennwort|passphrase|secret|credential|api[ _-]?key|access[ _-]?key|private[ _-]?key|token|bearer|mot de passe|clé|contraseña|clave|senha|chave|wachtwoord|sleutel|schlüssel|chiave/i;
const CHANCE = /(?<![\w+/=.-])[\w+/=.~-]{32,256}(?![\w+/=.-])/g;
/** Bits per character; words of any language stay below. */
const ENTROPY_MIN = 3.5;

const CARD = /(?<![\d.,])\d(?:[ -]?\d){12,18}(?![\d])/g;
const CARD_WORD = /card|karte|carte|tarjeta|cart[aã]|kaart|visa|master|amex/i;

/** What nobody but its owner should know. A card number that fails its check is doubtful. Linear in the text. */
export function secretsIn(text: string): readonly Identifier[] {
  const found: Identifier[] = [];
  const add = (match: RegExpExecArray, kind: string, checksumValid = true): void => {
    found.push({ index: match.index, length: match[0].length, kind, checksumValid });
  };
  for (const [kind, pattern] of PATTERNS) {
    for (const match of text.matchAll(pattern)) add(match, kind);
  }
  for (const match of text.matchAll(CHANCE)) {
    const before = text.slice(Math.max(0, match.index - CREDENTIAL_NEAR), match.index);
    if (CREDENTIAL.test(before) && isChance(match[0])) add(match, 'high_entropy');
  }
  for (const match of text.matchAll(CARD)) {
    const digits = match[0].replaceAll(/\D/g, '');
    const before = text.slice(Math.max(0, match.index - CREDENTIAL_NEAR), match.index);
    if (isLuhn(digits) && (isOfScheme(digits) || CARD_WORD.test(before))) add(match, 'card');
    else if (CARD_WORD.test(before)) add(match, 'card', false);
  }
  return found;
}

/** Starts and ends like the numbers of the great card schemes (ISO/IEC 7812 issuer ranges). */
function isOfScheme(digits: string): boolean {
  return /^(?:4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3[068]\d{12}|6(?:011|5\d\d|4[4-9]\d)\d{12})$/.test(
    digits,
  );
}

function isChance(text: string): boolean {
  // A link, a path and a hyphenated heading have parts that are words.
  if (!/\d/.test(text) || /[a-z]{12}/i.test(text)) return false;
  return entropyOf(text) >= ENTROPY_MIN;
}

/** Shannon entropy in bits per character. */
function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const sign of text) counts.set(sign, (counts.get(sign) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) {
    const share = count / text.length;
    bits -= share * Math.log2(share);
  }
  return bits;
}
