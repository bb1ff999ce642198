import { isList, isObject, type Json, type JsonObject } from '@countersign/policy';
import { CODES } from './families.ts';
import { buildMatcher, type Matcher } from './matcher.ts';
import type { Direction, Severity } from './model.ts';
import { SEVERITIES } from './model.ts';
import { type Pattern, PatternError, parseList, parsePattern, type Sequence } from './pattern.ts';
import { foldWord } from './tokens.ts';

/** What a find means. */
export interface LexiconRule {
  readonly code: string;
  readonly severity: Severity;
  readonly direction: Direction;
  /** A find in whose sentence this stands is none. */
  readonly unless: Matcher<true> | undefined;
  /** A find in whose text this stands is none. */
  readonly unlessAnywhere: Matcher<true> | undefined;
  /** How grave a find is at most in a letter to many; the code's family says so when absent. */
  readonly inBroadcasts: Severity | undefined;
}

/** The phrases of one language. */
export interface Lexicon {
  readonly language: string;
  readonly phrases: Matcher<LexiconRule>;
  /** What turns a statement around, what only looks like it, what makes it depend, and who else said it. */
  readonly negators: Matcher<true>;
  readonly pseudoNegators: Matcher<true>;
  readonly conditionals: Matcher<true>;
  readonly reporters: Matcher<true>;
  /** Sentences that warn of messages or tell of one, each pattern one mark; sentences that ask how something is done. */
  readonly warnings: Matcher<string>;
  readonly inquiries: Matcher<true>;
  /** What calls for a step right where it stands: "the link below". */
  readonly calls: Matcher<true>;
  /** Marks of letters to many, and of offers to anyone. Each pattern is one mark. */
  readonly broadcasts: Matcher<string>;
  readonly adverts: Matcher<string>;
  /** Words between who speaks and a negation of what they say: "we *have* not agreed". */
  readonly auxiliaries: ReadonlySet<string>;
  /** Examples that the file itself gives: what must be found, and what must not. */
  readonly examples: readonly LexiconExample[];
}

export interface LexiconExample {
  readonly code: string;
  readonly text: string;
  readonly found: boolean;
  readonly pointer: string;
}

/** Why a lexicon is refused. */
export interface LexiconFault {
  readonly pointer: string;
  readonly message: string;
}

const MEMBERS: ReadonlySet<string> = new Set([
  'language',
  'elisions',
  'lists',
  'negators',
  'pseudo_negators',
  'conditionals',
  'reporters',
  'warnings',
  'inquiries',
  'calls',
  'broadcasts',
  'adverts',
  'auxiliaries',
  'codes',
]);

/** Reads a lexicon file, already parsed. All faults at once. */
export function parseLexicon(
  json: Json,
):
  | { readonly ok: true; readonly value: Lexicon }
  | { readonly ok: false; readonly faults: readonly LexiconFault[] } {
  const faults: LexiconFault[] = [];
  if (!isObject(json)) return { ok: false, faults: [{ pointer: '', message: 'not an object' }] };
  for (const name of Object.keys(json)) {
    if (!MEMBERS.has(name)) faults.push({ pointer: `/${name}`, message: 'unknown member' });
  }
  const language = json['language'];
  if (typeof language !== 'string') faults.push({ pointer: '/language', message: 'missing' });
  const vocabulary = readVocabulary(json, faults);
  const words = (name: string): Matcher<true> =>
    readWords(json[name], `/${name}`, vocabulary, faults);
  const marks = (name: string): Matcher<string> =>
    readPatterns(json[name], `/${name}`, vocabulary, faults, (source) => source);
  const { rules, examples } = readCodes(json['codes'], vocabulary, faults);
  const value: Lexicon = {
    language: typeof language === 'string' ? language : '',
    phrases: buildMatcher(rules),
    negators: words('negators'),
    pseudoNegators: words('pseudo_negators'),
    conditionals: words('conditionals'),
    reporters: words('reporters'),
    warnings: marks('warnings'),
    inquiries: words('inquiries'),
    calls: words('calls'),
    broadcasts: marks('broadcasts'),
    adverts: marks('adverts'),
    auxiliaries: new Set(texts(json['auxiliaries'] ?? []).map(foldWord)),
    examples,
  };
  return faults.length === 0 ? { ok: true, value } : { ok: false, faults };
}

/** What patterns are read with: the named lists, and the articles that melt into the next word. */
interface Vocabulary {
  readonly lists: ReadonlyMap<string, readonly Sequence[]>;
  readonly elisions: readonly string[];
}

function readVocabulary(json: JsonObject, faults: LexiconFault[]): Vocabulary {
  const elisions = texts(json['elisions'] ?? []).map(foldWord);
  const lists = new Map<string, readonly Sequence[]>();
  const named = json['lists'] ?? {};
  if (!isObject(named)) {
    faults.push({ pointer: '/lists', message: 'not an object' });
    return { lists, elisions };
  }
  // A list may use the ones above it.
  for (const [name, entries] of Object.entries(named)) {
    const pointer = `/lists/${name}`;
    guarded(pointer, faults, () => lists.set(name, parseList(texts(entries), lists, elisions)));
  }
  return { lists, elisions };
}

function readWords(
  json: Json | undefined,
  pointer: string,
  vocabulary: Vocabulary,
  faults: LexiconFault[],
): Matcher<true> {
  return readPatterns(json, pointer, vocabulary, faults, () => true);
}

function readPatterns<Rule>(
  json: Json | undefined,
  pointer: string,
  vocabulary: Vocabulary,
  faults: LexiconFault[],
  ruleOf: (source: string) => Rule,
): Matcher<Rule> {
  const patterns: { rule: Rule; pattern: Pattern }[] = [];
  for (const [i, source] of texts(json ?? []).entries()) {
    guarded(`${pointer}/${i}`, faults, () =>
      patterns.push({ rule: ruleOf(source), pattern: patternOf(source, vocabulary) }),
    );
  }
  return buildMatcher(patterns);
}

function readCodes(
  json: Json | undefined,
  vocabulary: Vocabulary,
  faults: LexiconFault[],
): {
  readonly rules: readonly { readonly rule: LexiconRule; readonly pattern: Pattern }[];
  readonly examples: readonly LexiconExample[];
} {
  const rules: { rule: LexiconRule; pattern: Pattern }[] = [];
  const examples: LexiconExample[] = [];
  for (const [code, entries] of Object.entries(
    isObject(json ?? null) ? (json as JsonObject) : {},
  )) {
    const row = CODES[code];
    if (row === undefined) {
      faults.push({ pointer: `/codes/${code}`, message: 'no such code' });
      continue;
    }
    for (const [i, entry] of (isList(entries) ? entries : []).entries()) {
      const pointer = `/codes/${code}/${i}`;
      const form = typeof entry === 'string' ? { find: [entry] } : entry;
      if (!isObject(form)) {
        faults.push({ pointer, message: 'neither a phrase nor an object' });
        continue;
      }
      const severity = SEVERITIES.find((one) => one === form['severity']) ?? row.severity;
      const direction =
        form['direction'] === 'inbound' || form['direction'] === 'outbound'
          ? form['direction']
          : row.direction;
      const exceptions = (name: string): Matcher<true> | undefined =>
        form[name] === undefined
          ? undefined
          : readWords(form[name], `${pointer}/${name}`, vocabulary, faults);
      const rule: LexiconRule = {
        code,
        severity,
        direction,
        unless: exceptions('unless'),
        unlessAnywhere: exceptions('unless_anywhere'),
        inBroadcasts: SEVERITIES.find((one) => one === form['in_broadcasts']),
      };
      for (const source of texts(form['find'] ?? [])) {
        guarded(pointer, faults, () =>
          rules.push({ rule, pattern: patternOf(source, vocabulary) }),
        );
      }
      for (const [name, found] of [
        ['yes', true],
        ['no', false],
      ] as const) {
        for (const [at, text] of texts(form[name] ?? []).entries()) {
          examples.push({ code, text, found, pointer: `${pointer}/${name}/${at}` });
        }
      }
    }
  }
  return { rules, examples };
}

function patternOf(source: string, { lists, elisions }: Vocabulary): Pattern {
  return parsePattern(source, lists, elisions);
}

/** One text, or several. */
function texts(json: Json): readonly string[] {
  if (typeof json === 'string') return [json];
  return isList(json) ? json.filter((one) => typeof one === 'string') : [];
}

function guarded(pointer: string, faults: LexiconFault[], read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    faults.push({ pointer, message: error.message });
  }
}
