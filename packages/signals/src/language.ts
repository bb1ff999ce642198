import type { Tokens } from './tokens.ts';

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
const KNOWN_MIN = 0.5;

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

  const hits = languages.profiles
    .map((profile) => ({ profile, hits: hitsOf(profile, tokens) }))
    .filter((one) => one.hits > 0)
    .sort((a, b) => b.hits - a.hits);
  const [best] = hits;
  const words = Math.max(1, tokens.words.length);
  const all = hits
    .filter((one) => one.hits >= 2 && one.hits / words >= SHARE_MIN / 3)
    .map((one) => one.profile.code);
  if (letters < LETTERS_MIN && inherited !== undefined && inherited.code !== 'und') {
    return inherited;
  }
  if (best !== undefined && best.hits / words >= SHARE_MIN && (best.hits >= 2 || words <= 4)) {
    const { code, tier } = best.profile;
    return { code, tier, covered: tier === 'A', all: all.includes(code) ? all : [code, ...all] };
  }
  if (inherited !== undefined && inherited.code !== 'und' && letters < 4 * LETTERS_MIN) {
    return inherited;
  }
  const covered = knownShare(tokens, languages) >= KNOWN_MIN;
  return { code: 'und', tier: covered ? 'A' : 'C', covered, all };
}

function hitsOf({ words }: LanguageProfile, tokens: Tokens): number {
  let hits = 0;
  for (const word of tokens.words) if (words.has(word)) hits += 1;
  return hits;
}

/** Share of words that say nothing foreign: known ones, numbers, and very short ones. */
function knownShare(tokens: Tokens, { known }: Languages): number {
  if (tokens.words.length === 0) return 1;
  let share = 0;
  for (const word of tokens.words) {
    if (word.length <= 2 || /\d/.test(word) || known.has(word)) share += 1;
  }
  return share / tokens.words.length;
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
