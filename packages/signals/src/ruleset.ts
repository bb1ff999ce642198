import { isList, isObject, type Json, type JsonObject, member } from '@countersign/policy';
import { type Confusables, parseConfusables } from './confusables.ts';
import type { LanguageProfile, Languages } from './language.ts';
import { type Lexicon, type LexiconFault, parseLexicon } from './lexicon.ts';
import type { SegmentWords } from './segment.ts';
import { foldWord } from './tokens.ts';

/** Everything that an analysis knows beside the communication. Which files it came from is the caller's to say. */
export interface Ruleset {
  readonly lexicons: readonly Lexicon[];
  readonly languages: Languages;
  readonly segmentWords: SegmentWords;
  readonly confusables: Confusables;
  /** Domains that are imitated often, with the names that stand for them. */
  readonly brands: ReadonlyMap<string, readonly string[]>;
  /** Domains under which anyone gets an address. */
  readonly freemail: ReadonlySet<string>;
}

/** The files of a ruleset, already read: texts as they are, everything else parsed. */
export interface RulesetFiles {
  readonly lexicons: ReadonlyMap<string, Json>;
  readonly languages: Json;
  readonly segments: Json;
  readonly brands: Json;
  readonly freemail: Json;
  readonly confusables: string;
}

export interface RulesetFault extends LexiconFault {
  readonly file: string;
}

/** Builds a ruleset. All faults at once: one is enough not to have any. */
export function parseRuleset(
  files: RulesetFiles,
):
  | { readonly ok: true; readonly value: Ruleset }
  | { readonly ok: false; readonly faults: readonly RulesetFault[] } {
  const faults: RulesetFault[] = [];
  const lexicons: Lexicon[] = [];
  for (const [file, json] of files.lexicons) {
    const lexicon = parseLexicon(json);
    if (lexicon.ok) lexicons.push(lexicon.value);
    else faults.push(...lexicon.faults.map((fault) => ({ ...fault, file })));
  }
  const object = (json: Json, file: string): JsonObject => {
    if (isObject(json)) return json;
    faults.push({ file, pointer: '', message: 'not an object' });
    return {};
  };
  const languages = object(files.languages, 'languages');
  const segments = object(files.segments, 'segments');
  const brands = object(files.brands, 'brands');
  const spoken = new Set(lexicons.map(({ language }) => language));
  const profiles = Object.entries(objectOf(member(languages, 'profiles'))).map((entry) =>
    profileOf(entry, spoken),
  );
  const known = new Set(wordsOf(member(languages, 'common')));
  for (const profile of profiles) {
    if (profile.tier === 'A') for (const word of profile.words) known.add(word);
  }
  const words = (name: keyof SegmentWords): readonly string[] => {
    const list = texts(member(segments, name));
    if (list.length === 0) faults.push({ file: 'segments', pointer: `/${name}`, message: 'empty' });
    return list;
  };
  const value: Ruleset = {
    lexicons,
    languages: {
      profiles,
      known: withLexiconWords(known, lexicons, profiles),
      foreign: foreignWords(profiles, known),
    },
    segmentWords: {
      wrote: words('wrote'),
      headers: words('headers'),
      original: words('original'),
      forwarded: words('forwarded'),
      closings: words('closings'),
      disclaimers: words('disclaimers'),
      autoReplies: words('autoReplies'),
    },
    confusables: parseConfusables(files.confusables),
    brands: new Map(Object.entries(brands).map(([domain, names]) => [domain, texts(names)])),
    freemail: new Set(texts(files.freemail)),
  };
  return faults.length === 0 ? { ok: true, value } : { ok: false, faults };
}

/** A language is known as well as its file says, but only where there is a lexicon of it. */
function profileOf([code, json]: [string, Json], spoken: ReadonlySet<string>): LanguageProfile {
  const profile = objectOf(json);
  const tier = member(profile, 'tier');
  return {
    code,
    tier: spoken.has(code) && (tier === 'A' || tier === 'B') ? tier : 'C',
    words: new Set(wordsOf(member(profile, 'words'))),
  };
}

/** Small words of the languages that are not known well, with their languages; words that are known tell nothing. */
function foreignWords(
  profiles: readonly LanguageProfile[],
  known: ReadonlySet<string>,
): ReadonlyMap<string, readonly string[]> {
  const foreign = new Map<string, string[]>();
  for (const { code, tier, words } of profiles) {
    if (tier === 'A') continue;
    for (const word of words) {
      if (known.has(word)) continue;
      const others = foreign.get(word);
      if (others === undefined) foreign.set(word, [code]);
      else others.push(code);
    }
  }
  return foreign;
}

/** A word that a lexicon of tier A looks for is a word that is understood. */
function withLexiconWords(
  known: ReadonlySet<string>,
  lexicons: readonly Lexicon[],
  profiles: readonly LanguageProfile[],
): ReadonlySet<string> {
  const all = new Set(known);
  const whole = new Set(profiles.filter(({ tier }) => tier === 'A').map(({ code }) => code));
  for (const { language, phrases } of lexicons) {
    if (whole.has(language)) for (const word of phrases.byWord.keys()) all.add(word);
  }
  return all;
}

/** Words of lines that hold many. */
function wordsOf(json: Json | undefined): readonly string[] {
  return texts(json)
    .flatMap((line) => line.split(/\s+/))
    .map(foldWord);
}

function objectOf(json: Json | undefined): JsonObject {
  return isObject(json) ? json : {};
}

function texts(json: Json | undefined): readonly string[] {
  if (typeof json === 'string') return [json];
  return isList(json) ? json.filter((one) => typeof one === 'string') : [];
}
