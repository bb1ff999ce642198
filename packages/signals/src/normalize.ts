import type { Confusables } from './confusables.ts';
import { type MappedText, MappedWriter, rewrite, submittedSpan } from './mapped-text.ts';
import type { Span } from './model.ts';

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
}

/** The readings of one text. */
export interface Readings {
  /** As a person sees it. */
  readonly seen: MappedText;
  /** Without disguises: what is left when look-alikes, spacing and marks are undone. */
  readonly plain: MappedText;
  /** With digits and signs read as the letters that they resemble; the same object as `plain` when there are none. */
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
    const plain = joinSpacedLetters(decoded, words, disguises);
    return { seen: decoded, plain, leet: readLeet(plain, disguises), tagged: [], disguises };
  }
  const seen = stripControls(decoded, disguises);
  const { text, tagged } = takeTags(seen);
  const visible = stripIgnorables(stripBidi(text, disguises), disguises);
  const letters = foldCompatible(visible, disguises);
  const plain = joinSpacedLetters(
    foldConfusable(letters, confusables, disguises),
    words,
    disguises,
  );
  return { seen: text, plain, leet: readLeet(plain, disguises), tagged, disguises };
}

const ENTITY = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));?/gi;
const QUOTED_PRINTABLE = /=(?:\r?\n|((?:[0-9A-F]{2})(?:=[0-9A-F]{2})*))/g;
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
      next = rewrite(next, new RegExp(QUOTED_PRINTABLE.source, QUOTED_PRINTABLE.flags), (match) =>
        match[1] === undefined ? '' : fromBytes(match[1]),
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
  disguises: Disguise[],
): MappedText {
  const others = text.text.match(OTHERS)?.length ?? 0;
  if (others === 0) return text;
  const latin = text.text.match(/\p{Script=Latin}/gu)?.length ?? 0;
  return rewrite(text, new RegExp(WORD.source, WORD.flags), (match) => {
    const [word] = match;
    if (!OTHER.test(word)) return undefined;
    if (!LATIN.test(word) && others > latin) return undefined;
    const folded = Array.from(word.normalize('NFD'))
      .map((letter) => (OTHER.test(letter) ? (confusables.get(letter) ?? letter) : letter))
      .join('')
      .normalize('NFC');
    if (!ALL_LATIN.test(folded)) return undefined;
    disguises.push(disguiseAt(text, match, 'homoglyph'));
    return folded;
  });
}

/** Four or more single letters in a row, kept apart by the same gap; that of words is wider. */
const SPACED_BY_SIGNS =
  /(?<![\p{L}\p{N}])\p{L}(?=([.\-_*·~|]{1,2} ?))(?:\1\p{L}){3,}(?![\p{L}\p{N}])/gu;
const SPACED_BY_SPACES =
  /(?<![\p{L}\p{N}])\p{L}(?=([ \u00a0\u2009\u200a]))(?:\1\p{L}){3,}(?![\p{L}\p{N}])/gu;

function joinSpacedLetters(
  text: MappedText,
  words: ReadonlySet<string>,
  disguises: Disguise[],
): MappedText {
  let joined = text;
  for (const pattern of [SPACED_BY_SIGNS, SPACED_BY_SPACES]) {
    const before = joined;
    joined = rewrite(before, new RegExp(pattern.source, pattern.flags), (match) => {
      const [found] = match;
      // Initials and enumerations are spaced as well; what is joined must have a vowel, as words do.
      const letters = found.replaceAll(/[^\p{L}]/gu, '');
      if (!/[aeiouyäöüéèáíóúа-я]/i.test(letters)) return undefined;
      disguises.push(disguiseAt(before, match, 'spaced_letters'));
      return inWords(letters, words);
    });
  }
  return joined;
}

const WORD_LENGTH_MAX = 20;
/** A letter that belongs to no word costs as much as several words. */
const LETTER_COST = 3;

/** Letters cut into as few words as possible. Linear in the letters. */
function inWords(letters: string, words: ReadonlySet<string>): string {
  const lower = letters.toLowerCase();
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
const NOT_LEET = /^\d+\p{L}{1,3}$|^\p{L}{1,4}\d+$|^[\p{Lu}\d]+$/u;

function readLeet(text: MappedText, disguises: Disguise[]): MappedText {
  return rewrite(text, new RegExp(LEET_WORD.source, LEET_WORD.flags), (match) => {
    // An exclamation mark at the end of a word is one.
    const word = match[0].replace(/!+$/, '');
    if (!LEET_SIGN.test(word) || NOT_LEET.test(word)) return undefined;
    disguises.push(disguiseAt(text, match, 'leet'));
    return Array.from(match[0])
      .map((sign) => LEET_LETTERS[sign] ?? sign)
      .join('');
  });
}

function disguiseAt(text: MappedText, match: RegExpExecArray, kind: Disguise['kind']): Disguise {
  const span = submittedSpan(text, match.index, match.index + match[0].length);
  return { kind, span, insideWord: true };
}
