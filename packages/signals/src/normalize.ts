import type { Confusables } from './confusables.ts';
import { type MappedText, MappedWriter, rewrite, submittedSpan } from './mapped-text.ts';
import type { Span } from './model.ts';
import { foldWord } from './tokens.ts';

/** A place where a text was disguised, and how. */
export interface Disguise {
  readonly kind:
    | 'control_characters'
    | 'zero_width'
    | 'bidi_override'
    | 'compatibility_letters'
    | 'homoglyph'
    | 'spaced_letters'
    | 'leet'
    | 'nested_encoding';
  readonly span: Span;
  /** It breaks or replaces part of a word, which no honest typesetting does. */
  readonly insideWord: boolean;
  /** The whole text is written like this. */
  readonly throughout?: true;
}

/** The readings of one text. */
export interface Readings {
  /** As a person sees it. */
  readonly seen: MappedText;
  /** Without disguises: what is left when look-alikes, spacing and marks are undone. */
  readonly plain: MappedText;
  /**
   * With digits and signs read as the letters that they resemble; the same object as `plain` when there are none, and
   * when the text is written like that throughout.
   */
  readonly leet: MappedText;
  /** Text that no reader sees, written in tag characters. */
  readonly tagged: readonly MappedText[];
  readonly disguises: readonly Disguise[];
}

const PLAIN_ASCII = /^[\x20-\x7e\n\t]*$/;
const NEEDS_DECODING = /&[#a-z]|=(?:[0-9A-F]{2}|\r?\n)/i;
const ROUNDS_MAX = 3;

/** What texts are read with. */
export interface Spelling {
  readonly confusables: Confusables;
  /** Words of the languages that are known, folded; letters that stand apart are put together to them. */
  readonly words: ReadonlySet<string>;
}

/** Reads one submitted text in every way that a reader or a machine might. Linear in the text. */
export function readText(submitted: MappedText, { confusables, words }: Spelling): Readings {
  const disguises: Disguise[] = [];
  const decoded = NEEDS_DECODING.test(submitted.text) ? decode(submitted, disguises) : submitted;
  if (PLAIN_ASCII.test(decoded.text)) {
    return { seen: decoded, ...readLetters(decoded, words, disguises), tagged: [], disguises };
  }
  const seen = stripControls(decoded, disguises);
  const { text, tagged } = takeTags(seen);
  const visible = stripIgnorables(stripBidi(text, disguises), disguises);
  const letters = foldCompatible(visible, disguises);
  const folded = foldConfusable(letters, confusables, words, disguises);
  return { seen: text, ...readLetters(folded, words, disguises), tagged, disguises };
}

/** Letters put together and digits read as letters. What is written so throughout has no other plain reading. */
function readLetters(
  text: MappedText,
  words: ReadonlySet<string>,
  disguises: Disguise[],
): Pick<Readings, 'plain' | 'leet'> {
  const joined = joinSpacedLetters(text, words, disguises);
  if (isLeetThroughout(joined.text, words)) {
    const plain = readLeetThroughout(joined, words, disguises);
    return { plain, leet: plain };
  }
  return { plain: joined, leet: readLeet(joined, words, disguises) };
}

const ENTITY = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));?/gi;
const SOFT_BREAK = /=\r?\n/g;
const QUOTED_PRINTABLE = /=((?:[0-9A-F]{2})(?:=[0-9A-F]{2})*)/g;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  shy: '',
  zwnj: '',
  zwj: '',
  ensp: ' ',
  emsp: ' ',
  thinsp: ' ',
  ndash: '–',
  mdash: '—',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  hellip: '…',
  euro: '€',
  pound: '£',
  copy: '©',
  reg: '®',
  auml: 'ä',
  ouml: 'ö',
  uuml: 'ü',
  szlig: 'ß',
  eacute: 'é',
  egrave: 'è',
  agrave: 'à',
  ccedil: 'ç',
  ntilde: 'ñ',
};

/** Undoes entities and what mail transport leaves behind, as often as they are nested, within reason. */
function decode(text: MappedText, disguises: Disguise[]): MappedText {
  let current = text;
  for (let round = 1; round <= ROUNDS_MAX; round += 1) {
    let next = rewrite(current, new RegExp(ENTITY.source, ENTITY.flags), (match) => {
      const [, decimal, hex, name] = match;
      if (name !== undefined) return ENTITIES[name.toLowerCase()];
      const point = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
      return point === 0 || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)
        ? '\u{fffd}'
        : String.fromCodePoint(point);
    });
    // A lone `=41` may be arithmetic; transport leaves many, or breaks lines.
    if (/=(?:3D|20|\r?\n)|(?:=[0-9A-F]{2}){2}/.test(next.text)) {
      // A break may stand inside the bytes of one letter.
      const lines = rewrite(next, new RegExp(SOFT_BREAK.source, SOFT_BREAK.flags), () => '');
      next = rewrite(lines, new RegExp(QUOTED_PRINTABLE.source, QUOTED_PRINTABLE.flags), (match) =>
        fromBytes(match[1] ?? ''),
      );
    }
    if (next === current) break;
    if (round === ROUNDS_MAX) {
      const span = submittedSpan(text, 0, Math.max(1, text.text.length));
      disguises.push({ kind: 'nested_encoding', span, insideWord: true });
    }
    current = next;
  }
  return current;
}

function fromBytes(text: string): string | undefined {
  const bytes = text.split('=').map((pair) => Number.parseInt(pair, 16));
  return decodeUtf8(bytes);
}

/** UTF-8, or one character per byte when it is none. */
function decodeUtf8(bytes: readonly number[]): string {
  try {
    return decodeURIComponent(
      bytes.map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
    );
  } catch {
    return String.fromCharCode(...bytes);
  }
}

const CONTROLS = /\r\n?|(?:(?![\t\n\r])\p{Cc})+/gu;

function stripControls(text: MappedText, disguises: Disguise[]): MappedText {
  return rewrite(text, new RegExp(CONTROLS.source, CONTROLS.flags), (match) => {
    if (match[0].startsWith('\r')) return '\n';
    disguises.push(disguiseAt(text, match, 'control_characters'));
    return '';
  });
}

const TAGS = /(?:[\u{e0000}-\u{e007f}])+/gu;
/** A black flag with tags is a flag of a region. */
const FLAG = '\u{1f3f4}';
const TAGGED_MIN = 4;

function takeTags(text: MappedText): {
  readonly text: MappedText;
  readonly tagged: readonly MappedText[];
} {
  const tagged: MappedText[] = [];
  const without = rewrite(text, new RegExp(TAGS.source, TAGS.flags), (match) => {
    const points = Array.from(match[0]);
    const isFlag =
      text.text.slice(Math.max(0, match.index - FLAG.length), match.index) === FLAG &&
      points.length <= 7;
    if (!isFlag && points.length >= TAGGED_MIN) {
      const writer = new MappedWriter(points.length);
      let at = match.index;
      for (const point of points) {
        const { start, end } = submittedSpan(text, at, at + point.length);
        writer.add(String.fromCharCode((point.codePointAt(0) ?? 0) & 0x7f), start, end);
        at += point.length;
      }
      tagged.push(writer.done());
    }
    return '';
  });
  return { text: without, tagged };
}

const BIDI = /[\u202a-\u202e\u2066-\u2069]/g;
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u;
const OVERRIDE = /[\u202d\u202e]([^\u202c\u202d\u202e\n]*)/g;

/** What an override turns around is read the way it is shown. */
function stripBidi(text: MappedText, disguises: Disguise[]): MappedText {
  if (!BIDI.test(text.text)) return text;
  BIDI.lastIndex = 0;
  const turned = rewrite(text, new RegExp(OVERRIDE.source, OVERRIDE.flags), (match) => {
    const [whole, inner = ''] = match;
    const shown = whole.startsWith('\u202e') ? Array.from(inner).toReversed().join('') : inner;
    const turned = whole.startsWith('\u202e') ? shown !== inner : RIGHT_TO_LEFT.test(inner);
    if (turned) disguises.push(disguiseAt(text, match, 'bidi_override'));
    return shown;
  });
  return rewrite(turned, /[\u202a-\u202e\u2066-\u2069]+/g, () => '');
}

const IGNORABLES = /[\p{Default_Ignorable_Code_Point}\u{fffc}]+/gu;
const WORD_END = /[\p{L}\p{N}]$/u;
const WORD_BEGIN = /^[\p{L}\p{N}]/u;
const PICTOGRAPH_END = /[\p{Extended_Pictographic}\u{fe0f}\u{20e3}#*0-9]$/u;
/** Scripts whose letters are joined or kept apart by such marks. */
const JOINING =
  /[\p{Script=Arabic}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Tamil}\p{Script=Khmer}\p{Script=Mongolian}\p{Script=Hangul}]$/u;

function stripIgnorables(text: MappedText, disguises: Disguise[]): MappedText {
  return rewrite(text, new RegExp(IGNORABLES.source, IGNORABLES.flags), (match) => {
    const before = text.text.slice(Math.max(0, match.index - 2), match.index);
    const at = match.index + match[0].length;
    const after = text.text.slice(at, at + 2);
    const inEmoji = PICTOGRAPH_END.test(before) && !WORD_BEGIN.test(after);
    if (!inEmoji && !JOINING.test(before)) {
      const insideWord = WORD_END.test(before) && WORD_BEGIN.test(after) && match[0] !== '\u00ad';
      disguises.push({ ...disguiseAt(text, match, 'zero_width'), insideWord });
    }
    return '';
  });
}

const COMPATIBLE =
  /[^\p{ASCII}\u0080-\u024f\u0370-\u03ff\u0400-\u052f\u2010-\u2027\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3\s]+/gu;
/** Letters and digits in the guise of signs, full width, mathematics or circles. */
const STYLED_WORD =
  /[\u{1d400}-\u{1d7ff}\u{ff01}-\u{ff5e}\u{2460}-\u{24ff}\u{1f110}-\u{1f189}\u{2070}-\u{209f}\u{2100}-\u{214f}]/u;

function foldCompatible(text: MappedText, disguises: Disguise[]): MappedText {
  return rewrite(text, new RegExp(COMPATIBLE.source, COMPATIBLE.flags), (match) => {
    const folded = match[0].normalize('NFKC');
    if (folded === match[0]) return undefined;
    if (STYLED_WORD.test(match[0]) && /[a-z]{2}/i.test(folded)) {
      disguises.push(disguiseAt(text, match, 'compatibility_letters'));
    }
    return folded;
  });
}

const WORD = /[\p{L}\p{M}\p{N}]+/gu;
const LATIN = /\p{Script=Latin}/u;
const OTHER =
  /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\p{Script=Hebrew}\p{Script=Arabic}]/u;
const OTHERS = new RegExp(OTHER.source, 'gu');
const ALL_LATIN = /^[\p{Script=Latin}\p{M}\p{N}]+$/u;

/**
 * Words that mix scripts, or that stand in another script among Latin ones and look Latin altogether, are read as what
 * they look like. A text that is written in the other script is left alone.
 */
function foldConfusable(
  text: MappedText,
  confusables: Confusables,
  words: ReadonlySet<string>,
  disguises: Disguise[],
): MappedText {
  const others = text.text.match(OTHERS)?.length ?? 0;
  if (others === 0) return text;
  const latin = text.text.match(/\p{Script=Latin}/gu)?.length ?? 0;
  const isOther = others > latin && !isMixedThroughout(text.text, confusables);
  return rewrite(text, new RegExp(WORD.source, WORD.flags), (match) => {
    const [word] = match;
    if (!OTHER.test(word)) return undefined;
    if (!LATIN.test(word) && isOther) return undefined;
    const folded = asLatin(word, confusables);
    if (!ALL_LATIN.test(folded)) return undefined;
    disguises.push(disguiseAt(text, match, 'homoglyph'));
    return withStrokes(word, folded, words);
  });
}

function asLatin(word: string, confusables: Confusables): string {
  return Array.from(word.normalize('NFD'))
    .map((letter) => (OTHER.test(letter) ? (confusables.get(letter) ?? letter) : letter))
    .join('')
    .normalize('NFC');
}

/** Letters that are one upright stroke, with what they are when nothing else tells. */
const STROKES: Readonly<Record<string, string>> = { І: 'I', Ӏ: 'I', ӏ: 'l', Ι: 'I' };
const STROKES_MAX = 4;

/** A stroke is an `i` or an `l`, whichever makes a word that is known. */
function withStrokes(word: string, folded: string, words: ReadonlySet<string>): string {
  const letters = Array.from(word);
  if (!letters.some((letter) => Object.hasOwn(STROKES, letter))) return folded;
  const latin = Array.from(folded);
  if (latin.length !== letters.length) return folded;
  const usual = latin.map((letter, at) => STROKES[letters[at] ?? ''] ?? letter);
  const at = letters.flatMap((letter, i) => (Object.hasOwn(STROKES, letter) ? [i] : []));
  return knownAmong(usual, at, { i: 'l', I: 'l', l: 'i' }, words);
}

/** Letters with some of those at `places` exchanged so that they make a word that is known; as they are if none is. */
function knownAmong(
  letters: readonly string[],
  places: readonly number[],
  other: Readonly<Record<string, string>>,
  words: ReadonlySet<string>,
): string {
  const first = places.slice(0, STROKES_MAX);
  for (let choice = 0; choice < 1 << first.length; choice += 1) {
    const tried = [...letters];
    for (const [bit, at] of first.entries()) {
      if ((choice >> bit) & 1) tried[at] = other[letters[at] ?? ''] ?? letters[at] ?? '';
    }
    const joined = tried.join('');
    if (words.has(foldWord(joined))) return joined;
  }
  return letters.join('');
}

/** Whether more words mix letters of two scripts to look Latin than are written in the other one. */
function isMixedThroughout(text: string, confusables: Confusables): boolean {
  let mixed = 0;
  let other = 0;
  for (const [word] of text.matchAll(new RegExp(WORD.source, WORD.flags))) {
    if (!OTHER.test(word)) continue;
    if (!ALL_LATIN.test(asLatin(word, confusables))) other += 1;
    else if (LATIN.test(word)) mixed += 1;
  }
  return mixed > other;
}

/** Four or more single letters in a row, kept apart by the same gap; that of words is wider. */
const SPACED_BY_SIGNS =
  /(?<![\p{L}\p{N}])\p{L}(?=([.\-_*·~|]{1,2} ?))(?:\1\p{L}){3,}(?![\p{L}\p{N}])/gu;
const SPACED_BY_SPACES =
  /(?<![\p{L}\p{N}])\p{L}(?=([ \u00a0\u2009\u200a]))(?:\1\p{L}){3,}(?![\p{L}\p{N}])/gu;

/** A gap between words, where letters are kept apart by single spaces. */
const WIDE_GAP = /(?<=\S)[ \u00a0]{2,8}(?=\S)/g;
const WIDE = /[ \u00a0]{2}/;
/** A text with so many words in such letters, and so large a share of them, is written like that throughout. */
const SPACED_WORDS_MIN = 4;
const SPACED_SHARE_MIN = 0.2;

function joinSpacedLetters(
  text: MappedText,
  words: ReadonlySet<string>,
  disguises: Disguise[],
): MappedText {
  const found: Disguise[] = [];
  let joined = text;
  for (const pattern of [SPACED_BY_SIGNS, SPACED_BY_SPACES]) {
    const before = joined;
    joined = rewrite(before, new RegExp(pattern.source, pattern.flags), (match) => {
      const letters = match[0].replaceAll(/[^\p{L}]/gu, '');
      const end = match.index + match[0].length;
      // Initials and enumerations are spaced as well; what is joined must have a vowel, as words do.
      if (!/[aeiouyаеиоуыэюя]/.test(foldWord(letters)) && !before.text.startsWith('://', end)) {
        return undefined;
      }
      found.push(disguiseAt(before, match, 'spaced_letters'));
      const apart =
        WIDE.test(before.text.slice(Math.max(0, match.index - 2), match.index)) ||
        WIDE.test(before.text.slice(end, end + 2));
      return apart ? letters : inWords(letters, words);
    });
  }
  if (found.length === 0) return text;
  const all = joined.text.match(WORD)?.length ?? 0;
  const throughout = found.length >= SPACED_WORDS_MIN && found.length >= all * SPACED_SHARE_MIN;
  for (const one of found) disguises.push(throughout ? { ...one, throughout } : one);
  return rewrite(joined, new RegExp(WIDE_GAP.source, WIDE_GAP.flags), () => ' ');
}

const WORD_LENGTH_MAX = 20;
/** A letter that belongs to no word costs as much as several words. */
const LETTER_COST = 3;

/** Letters cut into as few words as possible. Linear in the letters. */
function inWords(letters: string, words: ReadonlySet<string>): string {
  const lower = foldWord(letters);
  if (lower.length !== letters.length || words.has(lower)) return letters;
  const costs = [0];
  const starts = [0];
  for (let end = 1; end <= lower.length; end += 1) {
    let [cost, start] = [(costs[end - 1] ?? 0) + LETTER_COST, end - 1];
    for (let from = Math.max(0, end - WORD_LENGTH_MAX); from < end - 1; from += 1) {
      const other = (costs[from] ?? 0) + 1;
      if (other < cost && words.has(lower.slice(from, end))) [cost, start] = [other, from];
    }
    costs.push(cost);
    starts.push(start);
  }
  if ((costs.at(-1) ?? 0) >= lower.length) return letters;
  const found: string[] = [];
  for (let end = lower.length; end > 0; end = starts[end] ?? 0) {
    found.push(letters.slice(starts[end] ?? 0, end));
  }
  return found.reverse().join(' ');
}

const LEET_WORD =
  /(?<![\p{L}\p{N}@$])(?=[\p{L}\p{N}@$!|]*\p{L})(?=[\p{L}\p{N}@$!|]*[0134578@$!|])[\p{L}\p{N}@$!|]{3,32}(?![\p{L}\p{N}@$])/gu;
/** The same, and words that have no letter left. */
const LEET_OR_NUMBER =
  /(?<![\p{L}\p{N}@$])(?=[\p{L}\p{N}@$!|]*[0134578@$!|])[\p{L}\p{N}@$!|]{3,32}(?![\p{L}\p{N}@$])/gu;
const LEET_LETTERS: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '8': 'b',
  '@': 'a',
  $: 's',
  '!': 'i',
  '|': 'l',
};
const LEET_SIGN = /[0134578@$!|]/;
/** Codes and quantities: `Q3`, `12km`, `INV2041`. */
const CODE = /^\d+\p{L}{1,3}$|^\p{L}{1,4}\d+$|^[^\p{L}]+$/u;
const CAPITALS = /^[\p{Lu}\d]+$/u;

function readLeet(text: MappedText, words: ReadonlySet<string>, disguises: Disguise[]): MappedText {
  return rewrite(text, new RegExp(LEET_WORD.source, LEET_WORD.flags), (match) => {
    // An exclamation mark at the end of a word is one.
    const word = match[0].replace(/!+$/, '');
    if (!LEET_SIGN.test(word) || CODE.test(word)) return undefined;
    const letters = asLetters(match[0], words);
    if (CAPITALS.test(word) && !words.has(foldWord(letters))) return undefined;
    disguises.push(disguiseAt(text, match, 'leet'));
    return letters;
  });
}

/** Digits and signs as letters, capital among capitals; `1` is an `l` where only that makes a word. */
function asLetters(word: string, words: ReadonlySet<string>): string {
  const signs = Array.from(word);
  const letters = signs.map((sign) => LEET_LETTERS[sign] ?? sign);
  const ones = signs.flatMap((sign, at) => (sign === '1' ? [at] : []));
  const read = knownAmong(letters, ones, { i: 'l' }, words);
  return /\p{Lu}/u.test(word) && !/\p{Ll}/u.test(word) ? read.toUpperCase() : read;
}

/** A text with so many words in leet, and so large a share of them, is written like that throughout. */
const LEET_WORDS_MIN = 2;
const LEET_SHARE_MIN = 0.2;
const ALL_LETTERS = /^[\p{L}\p{M}]+$/u;
/** An `8` is the sound of slang as well. */
const INSIDE = /\p{L}[013457@$]+\p{L}/u;
const UNKNOWN_LENGTH_MIN = 4;
const HEXADECIMAL = /^[\da-f]+$/i;

/** Whether a text says with digits what others say with letters. Codes, slang and single words do not. */
function isLeetThroughout(text: string, words: ReadonlySet<string>): boolean {
  const leet = new Set<string>();
  const other = new Set<string>();
  for (const match of text.matchAll(new RegExp(LEET_WORD.source, LEET_WORD.flags))) {
    const [word] = match;
    if (!/[0134578@$]/.test(word) || isInAddress(match)) continue;
    const letters = asLetters(word.replace(/!+$/, ''), words);
    const known = words.has(foldWord(letters));
    if (CODE.test(word)) {
      if (known) other.add(word);
    } else if (known || (!CAPITALS.test(word) && isWordLike(word, letters))) leet.add(word);
  }
  if (leet.size < LEET_WORDS_MIN) return false;
  return leet.size + other.size >= new Set(text.match(WORD)).size * LEET_SHARE_MIN;
}

/** Whether a word that nobody knows has digits in its midst and letters only when they are read as such. */
function isWordLike(word: string, letters: string): boolean {
  if (letters.length < UNKNOWN_LENGTH_MIN || HEXADECIMAL.test(word)) return false;
  return INSIDE.test(word) && ALL_LETTERS.test(letters);
}

const ADDRESS_PART_MAX = 80;

/** Whether a word stands in a link, a host or an address. */
function isInAddress({ input, index, 0: { length } }: RegExpExecArray): boolean {
  const end = index + length;
  const before = /\S*$/.exec(input.slice(Math.max(0, index - ADDRESS_PART_MAX), index))?.[0] ?? '';
  const after = /^\S*/.exec(input.slice(end, end + ADDRESS_PART_MAX))?.[0] ?? '';
  return /:\/\/|[\w@]\.\w/.test(`${before}${input.slice(index, end)}${after}`);
}

function isScheme({ input, index, 0: { length } }: RegExpExecArray, letters: string): boolean {
  return /^https?$/i.test(letters) && input.startsWith('://', index + length);
}

function readLeetThroughout(
  text: MappedText,
  words: ReadonlySet<string>,
  disguises: Disguise[],
): MappedText {
  return rewrite(text, new RegExp(LEET_OR_NUMBER.source, LEET_OR_NUMBER.flags), (match) => {
    const marks = /!*$/.exec(match[0])?.[0] ?? '';
    const word = match[0].slice(0, match[0].length - marks.length);
    if (!LEET_SIGN.test(word)) return undefined;
    const letters = asLetters(word, words);
    if (!ALL_LETTERS.test(letters)) return undefined;
    if (isInAddress(match) && !isScheme(match, letters)) return undefined;
    // A number is one unless it makes a word.
    if (!/\p{L}/u.test(word) && !words.has(foldWord(letters))) return undefined;
    disguises.push({ ...disguiseAt(text, match, 'leet'), throughout: true });
    return `${letters}${marks}`;
  });
}

function disguiseAt(text: MappedText, match: RegExpExecArray, kind: Disguise['kind']): Disguise {
  const span = submittedSpan(text, match.index, match.index + match[0].length);
  return { kind, span, insideWord: true };
}
