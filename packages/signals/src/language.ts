import { BREAK, type Tokens } from './tokens.ts';

/** How well a language is known here. */
export type Tier = 'A' | 'B' | 'C';

export interface LanguageProfile {
  /** ISO 639-1. */
  readonly code: string;
  readonly tier: Tier;
  /** Small words that stand in every text of the language, folded like tokens. */
  readonly words: ReadonlySet<string>;
}

export interface Languages {
  readonly profiles: readonly LanguageProfile[];
  /** Words that some lexicon or profile of tier A knows, and words of every language. */
  readonly known: ReadonlySet<string>;
  /** Small words of languages that are known less well, with the codes of those. */
  readonly foreign: ReadonlyMap<string, readonly string[]>;
}

export interface DetectedLanguage {
  readonly code: string;
  readonly tier: Tier;
  /** Whether everything in the text belongs to languages that are known. */
  readonly covered: boolean;
  /** Codes of all languages of the profiles that the text holds. */
  readonly all: readonly string[];
}

const SCRIPTS: readonly (readonly [string, RegExp])[] = [
  ['ja', /[\p{Script=Hiragana}\p{Script=Katakana}]/gu],
  ['ko', /\p{Script=Hangul}/gu],
  ['zh', /\p{Script=Han}/gu],
  ['ru', /\p{Script=Cyrillic}/gu],
  ['el', /\p{Script=Greek}/gu],
  ['ar', /\p{Script=Arabic}/gu],
  ['he', /\p{Script=Hebrew}/gu],
  ['hi', /\p{Script=Devanagari}/gu],
  ['th', /\p{Script=Thai}/gu],
  ['hy', /\p{Script=Armenian}/gu],
  ['ka', /\p{Script=Georgian}/gu],
];
const LATIN = /\p{Script=Latin}/gu;
const LETTERS_MIN = 20;
/** Share of small words from which on a text is taken to be in a language. */
const SHARE_MIN = 0.12;
/** With so many small words, and so large a share of them, nobody asks whether the others are known. */
const SURE_HITS = 3;
const SURE_SHARE = 0.25;
const KNOWN_MIN = 0.5;
/** Among words that no language claims, names, slang and code, fewer known ones are enough. */
const KNOWN_AMONG_UNCLAIMED_MIN = 0.3;
/** Fewest unclaimed words that may be a language of their own. */
const UNCLAIMED_MIN = 5;
/** Shorter words of other languages may as well be slang. */
const TELLING_LENGTH = 5;
/** From here on a part in another language is a part that was not read. */
const FOREIGN_WORDS_MIN = 5;
const FOREIGN_WORDS_SHARE = 0.1;
/** And a sentence with so many of its words, and so large a share of them, is one by itself. */
const FOREIGN_SENTENCE_MIN = 3;
const FOREIGN_SENTENCE_SHARE = 0.3;
const FOREIGN_LETTERS_MIN = 30;
const FOREIGN_LETTERS_SHARE = 0.15;

/** The language of a text, or `und`; short and wordless texts are whatever their message is. */
export function detectLanguage(
  text: string,
  tokens: Tokens,
  languages: Languages,
  inherited?: DetectedLanguage,
): DetectedLanguage {
  const latin = count(text, LATIN);
  let letters = latin;
  let other: readonly [string, number] = ['', 0];
  for (const [code, pattern] of SCRIPTS) {
    const found = count(text, pattern);
    letters += found;
    // Japanese is written with Han characters as well, and mostly with them.
    if (found > other[1] && !(code === 'zh' && other[0] === 'ja' && other[1] * 4 > found)) {
      other = [code, found];
    }
  }
  if (other[1] > latin) return { code: other[0], tier: 'C', covered: false, all: [] };
  if (letters === 0) return inherited ?? { code: 'und', tier: 'A', covered: true, all: [] };
  const unread =
    (letters - latin >= FOREIGN_LETTERS_MIN &&
      letters - latin >= letters * FOREIGN_LETTERS_SHARE) ||
    holdsForeignPart(text, tokens, languages);

  const hits = languages.profiles
    .map((profile) => ({ profile, hits: hitsOf(profile, tokens) }))
    .filter((one) => one.hits > 0)
    .sort(
      (a, b) => b.hits - a.hits || Number(b.profile.tier === 'A') - Number(a.profile.tier === 'A'),
    );
  const [best] = hits;
  const words = Math.max(1, tokens.words.length);
  // Of few words several languages may be right.
  const all = hits
    .filter(
      (one) =>
        best === undefined ||
        one.hits === best.hits ||
        isHeld(one.profile, tokens, best.profile, (words * SHARE_MIN) / 3),
    )
    .map((one) => one.profile.code);
  if (letters < LETTERS_MIN && inherited !== undefined && inherited.code !== 'und') {
    return alsoIn(inherited, all);
  }
  const understood = !unread && isUnderstood(text, tokens, languages);
  if (best !== undefined && best.hits / words >= SHARE_MIN && (best.hits >= 2 || words <= 4)) {
    const { code, tier } = best.profile;
    const sure = best.hits >= SURE_HITS && best.hits / words >= SURE_SHARE;
    // "omw 5 min" is English although one of its words is Danish as well.
    if (sure || tier === 'A' || !understood) {
      const covered = tier === 'A' && !unread && (sure || understood);
      return { code, tier, covered, all: all.includes(code) ? all : [code, ...all] };
    }
  }
  if (inherited !== undefined && inherited.code !== 'und' && letters < 4 * LETTERS_MIN) {
    return alsoIn(inherited, all);
  }
  return { code: 'und', tier: understood ? 'A' : 'C', covered: understood, all };
}

/** A text that is read in the language of its message may hold another one as well. */
function alsoIn(language: DetectedLanguage, codes: readonly string[]): DetectedLanguage {
  return { ...language, all: [...new Set([...language.all, ...codes])] };
}

function hitsOf({ words }: LanguageProfile, tokens: Tokens): number {
  let hits = 0;
  // Single letters are initials, list marks and abbreviations in every language.
  for (const word of tokens.words) if (word.length > 1 && words.has(word)) hits += 1;
  return hits;
}

/**
 * Whether a text in one language holds another one as well: a sentence has more words of that than of the first, or
 * `least` words of it are spread over the text that the first does not have.
 */
function isHeld(
  { words }: LanguageProfile,
  tokens: Tokens,
  first: LanguageProfile,
  least: number,
): boolean {
  let own = 0;
  let lead = 0;
  for (const [i, word] of tokens.words.entries()) {
    if (i > 0 && tokens.sentences[i] !== tokens.sentences[i - 1]) {
      if (lead > 0) return true;
      lead = 0;
    }
    if (word.length <= 1) continue;
    const foreign = words.has(word);
    if (foreign === first.words.has(word)) continue;
    lead += foreign ? 1 : -1;
    if (foreign) own += 1;
  }
  return lead > 0 || own >= Math.max(2, least);
}

/** Letters that none of the languages of tier A is written with. */
const FOREIGN =
  'ąćęłńśźżčďěňřšťůžđğışőűășțāēģīķļņūėįųơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ';
const FOREIGN_LETTER = new RegExp(`[${FOREIGN}]`, 'iu');
const FOREIGN_WORD = new RegExp(`\\p{L}{0,40}[${FOREIGN}]\\p{L}*`, 'giu');

/** Whether several words of one language that is not known well stand among the others. */
function holdsForeignPart(text: string, tokens: Tokens, { foreign }: Languages): boolean {
  const writtenForeign = count(text, FOREIGN_WORD);
  const byLanguage = new Map<string, number>();
  for (const word of tokens.words) {
    for (const code of foreign.get(word) ?? []) {
      byLanguage.set(code, (byLanguage.get(code) ?? 0) + 1);
    }
  }
  const most = Math.max(0, ...byLanguage.values());
  if (most >= FOREIGN_SENTENCE_MIN && holdsForeignSentence(tokens, foreign)) return true;
  const least = Math.max(FOREIGN_WORDS_MIN, tokens.words.length * FOREIGN_WORDS_SHARE);
  return most >= least || writtenForeign >= least;
}

/** Whether a sentence is in a language that is not known well. */
function holdsForeignSentence(tokens: Tokens, foreign: Languages['foreign']): boolean {
  let counts = new Map<string, number>();
  let length = 0;
  for (const [i, word] of tokens.words.entries()) {
    if (i > 0 && tokens.sentences[i] !== tokens.sentences[i - 1]) {
      counts = new Map();
      length = 0;
    }
    length += 1;
    for (const code of foreign.get(word) ?? []) counts.set(code, (counts.get(code) ?? 0) + 1);
    const isLast = tokens.sentences[i + 1] !== tokens.sentences[i];
    const least = Math.max(FOREIGN_SENTENCE_MIN, length * FOREIGN_SENTENCE_SHARE);
    if (isLast && Math.max(0, ...counts.values()) >= least) return true;
  }
  return false;
}

/**
 * Whether what a text says can be told without knowing its language: names, numbers and abbreviations say little, and of
 * the rest enough must be known.
 */
function isUnderstood(text: string, tokens: Tokens, { known, foreign }: Languages): boolean {
  let knownWords = 0;
  let foreignWords = 0;
  let unclaimed = 0;
  let long = 0;
  for (const [i, word] of tokens.words.entries()) {
    if (known.has(word) || known.has(word.replaceAll(/(.)\1+/g, '$1'))) knownWords += 1;
    else if (isNeutral(word, text, tokens, i)) continue;
    else if (foreign.has(word) && word.length >= TELLING_LENGTH) foreignWords += 1;
    else {
      unclaimed += 1;
      if (word.length > TELLING_LENGTH) long += 1;
    }
  }
  if (foreignWords > 0) return knownWords >= (knownWords + foreignWords + unclaimed) * KNOWN_MIN;
  if (unclaimed < UNCLAIMED_MIN) {
    return knownWords * 2 >= unclaimed || (long <= 1 && !FOREIGN_LETTER.test(text));
  }
  return knownWords >= (knownWords + unclaimed) * KNOWN_AMONG_UNCLAIMED_MIN;
}

/** Numbers, links, abbreviations, and names: those begin with a capital where others do not. */
function isNeutral(word: string, text: string, tokens: Tokens, at: number): boolean {
  if (word.length <= 2 || word.startsWith('@') || /\d/.test(word)) return true;
  const start = tokens.starts[at] ?? 0;
  return tokens.breaks[at] !== BREAK.sentence && /^[A-Z]/.test(text.slice(start, start + 1));
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
