/** Texts cut into words. Arrays of one length, so that long texts stay cheap. */
export interface Tokens {
  /** The word folded for comparison: lower case, without diacritics and apostrophes. */
  readonly words: readonly string[];
  /** Where each word begins and ends in the text that was cut. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** What stands before each word, see `BREAK`. */
  readonly breaks: Uint8Array;
  /** Number of the sentence that each word is in. */
  readonly sentences: Int32Array;
  /** Whether the sentence of a word ends with a question mark, by number of sentence. */
  readonly questions: readonly boolean[];
}

/** How strongly what stands before a word cuts it off from the one before. */
export const BREAK = { none: 0, clause: 1, sentence: 2 } as const;

/** Words that stand for something that is not a word: patterns name them like words. */
export const TOKENS = {
  link: '@link',
  address: '@address',
  amount: '@amount',
  account: '@account',
} as const;

const LINK = String.raw`(?:[Hh](?:[Tt][Tt]|[Xx][Xx])[Pp][Ss]?|ftp)(?::|\[:\])\/\/(?:\[(?:\.|dot)\]|[^\s<>"')\]]){1,2000}|[Ww]{3}\.[^\s<>"')\]]{1,500}|data:text\/html[^\s<>"')\]]{0,2000}`;
/** Endings of hosts that are written without a scheme; those that are words as well need more than a name before them. */
const BARE_ENDINGS =
  'com|net|org|info|biz|gov|edu|io|co|xyz|top|online|site|shop|club|live|app|dev|icu|vip|link|click|page|website|store|support|example|uk|de|fr|es|nl|pt|pl|se|dk|ch|eu|ca|au|nz|br|mx|jp|cn|ru|kr|tr|gr|cz|hu|ro|ie|fi|za|ng|ke|gh|ae|sg|hk|tw|ph|vn|th|id|gl|ly|cc|tv|ws|su|ua|cl|pe|ar|il';
const WORD_ENDINGS = 'it|is|in|at|be|me|no|to|my|us|so|am|do';
const BARE_LABEL = String.raw`[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?`;
const BARE = String.raw`(?<![\p{L}\p{N}@._/-])(?:(?:${BARE_LABEL}(?:\.|\[\.\]|\[dot\])){1,5}(?:${BARE_ENDINGS}|COM|NET|ORG)(?:\/[^\s<>"')\]]{0,500})?(?![\p{L}\p{N}@_-]|\.[\p{L}\p{N}])|(?:${BARE_LABEL}\.){1,5}(?:${WORD_ENDINGS})\/[^\s<>"')\]]{1,500})`;
const ADDRESS = String.raw`[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}`;
const AMOUNT = String.raw`(?:[$€£¥₹]|(?:USD|EUR|GBP|CHF|SEK|NOK|DKK|PLN|BRL|R\$)\s?)\s?\d[\d.,' \u00a0]{0,18}\d?(?:\s?[kKmM]\b)?|\d[\d.,' \u00a0]{0,18}\s?(?:[€£$]|(?:USD|EUR|GBP|CHF|SEK|NOK|DKK|PLN|BRL|kr|kroner|kronor|zł|złotych|[Ee]uros?|euro's|[Dd]ollars?|dollari|dólares|dolares|reais|pounds?|Franken|francs|pesos)\b)`;
const ACCOUNT = String.raw`\b[A-Z]{2}\d{2}[ -]?(?:[A-Z0-9]{4}[ -]?){2,7}[A-Z0-9]{1,4}\b`;
/** Letters, marks and digits, with apostrophes inside; or a sign that ends a clause or a sentence. */
const WORD_OR_SIGN_SOURCE = String.raw`[\p{L}\p{N}\p{M}]+(?:['’ʼ][\p{L}\p{M}]+)*|[.!?。！？…]+(?=\s|$)|[。！？]|\n\s*\n|[,;:()[\]{}–—|/•]|\n`;
const TOKEN = new RegExp(
  `(${LINK}|${BARE})|(${ADDRESS})|(${AMOUNT})|(${ACCOUNT})|${WORD_OR_SIGN_SOURCE}`,
  'gu',
);

/** A line that ends without a sign and is followed by a capital or a list mark begins something new. */
const NEW_LINE = /^\n[ \t]*(?:[-*•\d]|\p{Lu})/u;

/** Cuts a text into words and notes where clauses and sentences end. Linear in the text. */
export function tokenize(text: string): Tokens {
  const words: string[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  const breaks: number[] = [];
  const sentences: number[] = [];
  const questions: boolean[] = [];
  let pending: number = BREAK.sentence;
  let sentence = -1;
  const pattern = new RegExp(TOKEN.source, TOKEN.flags);
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const [found, link, address, amount, account] = match;
    const special =
      (link && TOKENS.link) ??
      (address && TOKENS.address) ??
      (amount && TOKENS.amount) ??
      (account && TOKENS.account);
    const first = found.charCodeAt(0);
    if (special === undefined && isSign(first)) {
      const strength = strengthOf(found, text, match.index);
      if (strength > pending) pending = strength;
      if (strength === BREAK.sentence && /[?？]/.test(found) && sentence >= 0) {
        questions[sentence] = true;
      }
      continue;
    }
    if (pending === BREAK.sentence) {
      sentence += 1;
      questions.push(false);
    }
    words.push(special ?? foldWord(found));
    starts.push(match.index);
    ends.push(match.index + found.length);
    breaks.push(pending);
    sentences.push(sentence);
    pending = BREAK.none;
  }
  return {
    words,
    starts: Int32Array.from(starts),
    ends: Int32Array.from(ends),
    breaks: Uint8Array.from(breaks),
    sentences: Int32Array.from(sentences),
    questions,
  };
}

const SIGNS: ReadonlySet<number> = new Set(
  Array.from('.!?。！？…,;:()[]{}–—|/•\n').map((sign) => sign.charCodeAt(0)),
);

function isSign(code: number): boolean {
  return SIGNS.has(code);
}

function strengthOf(sign: string, text: string, at: number): number {
  if (sign === '\n') {
    // A paragraph that is broken into lines goes on; a list or a heading does not.
    return NEW_LINE.test(text.slice(at, at + 12)) ? BREAK.clause : BREAK.none;
  }
  if (sign === '.' && isInner(text, at)) return BREAK.none;
  return /^[.!?。！？…\n]/.test(sign) ? BREAK.sentence : BREAK.clause;
}

const COUNTED = /(?<![\p{L}\p{N}'’ʼ])(?:nr|no|n|art|abs|ziff|núm|num|pos|kap)$/iu;
const SHORTENED =
  /(?<![\p{L}\p{N}'’ʼ])(?:\p{L}|dr|dra|dott|hr|fr|mr|mrs|ms|mme|mlle|sr|sra|srta|sres|sig|sigg|avv|ing|geom|egr|gent|spett|dhr|mevr|mw|drs|exmo|exma|eng|prof|bzw|ggf|evtl|inkl|zzgl|ca|vgl|ej|tel|rif|bijv)$/iu;
const ORDINAL = /(?<![\p{L}\p{N}.,])\d{1,2}$/u;
const MONTH = /^(?:jan|jän|feb|mär|apr|mai|jun|jul|aug|sep|okt|nov|dez|quartal)/i;

/** Whether a full stop shortens a word or counts instead of ending a sentence: "Nr. 5", "Dr. Weber", "15. Mai". */
function isInner(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - 8), at);
  const after = text.slice(at + 1, at + 12).trimStart();
  if (COUNTED.test(before) && /^\d/.test(after)) return true;
  if (SHORTENED.test(before)) return after !== '';
  return ORDINAL.test(before) && (/^\p{Ll}/u.test(after) || MONTH.test(after));
}

const ASCII_WORD = /^[a-z0-9]+$/;
const MARKS = /\p{M}+/gu;
const SPECIAL: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ł: 'l',
  ı: 'i',
  þ: 'th',
  ð: 'd',
};
const SPECIAL_LETTER = /[ßæœøđłıþð]/g;

/** The form in which words are compared. */
export function foldWord(word: string): string {
  const lower = word.toLowerCase();
  if (ASCII_WORD.test(lower)) return lower;
  return lower
    .replaceAll(/['’ʼ]/g, '')
    .normalize('NFD')
    .replaceAll(MARKS, '')
    .replaceAll(SPECIAL_LETTER, (letter) => SPECIAL[letter] ?? letter);
}
