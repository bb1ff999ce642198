import type { Identifier } from './accounts.ts';
import { isEan13, isLuhn, isMod11And10, mod97, weighted } from './checksums.ts';

/** How the numbers that a state gives to its people are written, and what their check digits have to be. */
interface IdRow {
  readonly kind: string;
  readonly pattern: RegExp;
  /** Over the number without separators, upper case; absent: no check digits are defined. */
  readonly check?: (number: string) => boolean;
  /** A word that has to stand before it; absent: its form is enough, as long as its check digits are right. */
  readonly context?: RegExp;
}

const LETTERS_ES = 'TRWAGMYFPDXBNJZSQVHLCKE';
const ODD_IT: Readonly<Record<string, number>> = Object.fromEntries(
  Array.from('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ').map((sign, i) => {
    const odd = [
      1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
    ];
    return [sign, odd[i < 10 ? i : i - 10] ?? 0];
  }),
);

function isCodiceFiscale(number: string): boolean {
  let sum = 0;
  for (let i = 0; i < 15; i += 1) {
    const sign = number[i] ?? '';
    const even = /\d/.test(sign) ? Number(sign) : sign.charCodeAt(0) - 65;
    sum += i % 2 === 0 ? (ODD_IT[sign] ?? 0) : even;
  }
  return String.fromCharCode(65 + (sum % 26)) === number[15];
}

function isDni(number: string): boolean {
  const digits = number.replace(/^[XYZ]/, (first) => String('XYZ'.indexOf(first)));
  return LETTERS_ES[Number(digits.slice(0, -1)) % 23] === digits.at(-1);
}

function isCpf(number: string): boolean {
  if (/^(\d)\1{10}$/.test(number)) return false;
  const digit = (length: number): number => {
    const weights = Array.from({ length }, (_, i) => length + 1 - i);
    return ((weighted(number.slice(0, length), weights) * 10) % 11) % 10;
  };
  return digit(9) === Number(number[9]) && digit(10) === Number(number[10]);
}

/** The French number and its key add up to a multiple of 97; Corsica writes 2A and 2B for 19 and 18. */
function isNir(number: string): boolean {
  const digits = number.replace('2A', '19').replace('2B', '18');
  return 97 - mod97(digits.slice(0, 13)) === Number(digits.slice(13));
}

const ROWS: readonly IdRow[] = [
  {
    kind: 'us_ssn',
    pattern: /(?<!\d)(?!000|666|9\d\d)\d{3}[- ]?(?!00)\d{2}[- ]?(?!0000)\d{4}(?!\d)/g,
    context: /\bssn\b|social security/i,
  },
  {
    kind: 'uk_nino',
    pattern:
      /\b(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b/g,
  },
  {
    kind: 'passport',
    pattern: /\b(?=(?:[A-Z]*\d){4})[A-Z0-9]{6,9}\b/g,
    context: /\b(?:passport|reisepass\w*|passeport|pasaporte|passaporto|passaporte|paspoort\w*)\b/i,
  },
  {
    kind: 'de_tax_id',
    pattern: /(?<!\d)[1-9]\d(?: ?\d{3}){3}(?!\d)/g,
    check: isMod11And10,
    context: /steuer-?\s?(?:id|identifikationsnummer|nummer)|\bidnr\b|tax id/i,
  },
  {
    kind: 'fr_nir',
    pattern: /(?<!\d)[12] ?\d{2} ?\d{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}(?!\d)/g,
    check: isNir,
  },
  { kind: 'es_dni', pattern: /\b(?:\d{8}|[XYZ]-?\d{7})-?[A-HJ-NP-TV-Z]\b/g, check: isDni },
  {
    kind: 'it_codice_fiscale',
    pattern: /\b[A-Z]{6}\d{2}[A-EHLMPR-T]\d{2}[A-Z]\d{3}[A-Z]\b/gi,
    check: isCodiceFiscale,
  },
  {
    kind: 'nl_bsn',
    pattern: /(?<!\d)\d{9}(?!\d)/g,
    check: (number) => weighted(number, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0,
    context: /\bbsn\b|burgerservicenummer/i,
  },
  { kind: 'br_cpf', pattern: /(?<!\d)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d)/g, check: isCpf },
  { kind: 'br_cpf', pattern: /(?<!\d)\d{11}(?!\d)/g, check: isCpf, context: /\bcpf\b/i },
  {
    kind: 'pt_nif',
    pattern: /(?<!\d)[1-3]\d{2} ?\d{3} ?\d{3}(?!\d)/g,
    check: (number) =>
      ((11 - (weighted(number.slice(0, 8), [9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11) % 10 ===
      Number(number[8]),
    context: /\bnif\b|contribuinte/i,
  },
  {
    kind: 'pl_pesel',
    pattern: /(?<!\d)\d{11}(?!\d)/g,
    check: (number) => weighted(number, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 === 0,
    context: /\bpesel\b/i,
  },
  {
    kind: 'se_personnummer',
    pattern: /(?<!\d)(?:19|20)?\d{2}[01]\d[0-3]\d[-+]\d{4}(?!\d)/g,
    check: (number) => isLuhn(number.slice(-10)),
  },
  {
    kind: 'no_fodselsnummer',
    pattern: /(?<!\d)[0-3]\d[01]\d{3} ?\d{5}(?!\d)/g,
    check: (number) =>
      weighted(number, [3, 7, 6, 1, 8, 9, 4, 5, 2, 1, 0]) % 11 === 0 &&
      weighted(number, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0,
    context: /f[øo]dselsnummer|personnummer/i,
  },
  {
    kind: 'dk_cpr',
    pattern: /(?<!\d)[0-3]\d[01]\d{3}-?\d{4}(?!\d)/g,
    context: /\bcpr\b/i,
  },
  { kind: 'ch_ahv', pattern: /(?<!\d)756\.?\d{4}\.?\d{4}\.?\d{2}(?!\d)/g, check: isEan13 },
];
const CONTEXT_NEAR = 40;

/** National numbers of people. One whose check digits are wrong counts only where a word says what it is. */
export function nationalIdsIn(text: string): readonly Identifier[] {
  return ROWS.flatMap(({ kind, pattern, check, context }) => {
    const found: Identifier[] = [];
    for (const match of text.matchAll(pattern)) {
      const before = text.slice(Math.max(0, match.index - CONTEXT_NEAR), match.index);
      const named = context?.test(before);
      if (named === false) continue;
      const checksumValid = check?.(match[0].replaceAll(/[ .+-]/g, '').toUpperCase()) ?? true;
      if (checksumValid || named === true) {
        found.push({ index: match.index, length: match[0].length, kind, checksumValid });
      }
    }
    return found;
  });
}
