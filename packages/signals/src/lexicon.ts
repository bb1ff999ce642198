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
  'lists',
  'negators',
  'pseudo_negators',
  'conditionals',
  'reporters',
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
  const lists = readLists(json['lists'], faults);
  const words = (name: string): Matcher<true> => readWords(json[name], `/${name}`, lists, faults);
  const { rules, examples } = readCodes(json['codes'], lists, faults);
  const value: Lexicon = {
    language: typeof language === 'string' ? language : '',
    phrases: buildMatcher(rules),
    negators: words('negators'),
    pseudoNegators: words('pseudo_negators'),
    conditionals: words('conditionals'),
    reporters: words('reporters'),
    auxiliaries: new Set(texts(json['auxiliaries'] ?? []).map(foldWord)),
    examples,
  };
  return faults.length === 0 ? { ok: true, value } : { ok: false, faults };
}

function readLists(
  json: Json | undefined,
  faults: LexiconFault[],
): ReadonlyMap<string, readonly Sequence[]> {
  const lists = new Map<string, readonly Sequence[]>();
  if (json === undefined) return lists;
  if (!isObject(json)) {
    faults.push({ pointer: '/lists', message: 'not an object' });
    return lists;
  }
  // A list may use the ones above it.
  for (const [name, entries] of Object.entries(json)) {
    const pointer = `/lists/${name}`;
    guarded(pointer, faults, () => lists.set(name, parseList(texts(entries), lists)));
  }
  return lists;
}

function readWords(
  json: Json | undefined,
  pointer: string,
  lists: ReadonlyMap<string, readonly Sequence[]>,
  faults: LexiconFault[],
): Matcher<true> {
  const patterns: { rule: true; pattern: Pattern }[] = [];
  for (const [i, source] of texts(json ?? []).entries()) {
    guarded(`${pointer}/${i}`, faults, () =>
      patterns.push({ rule: true, pattern: parsePattern(source, lists) }),
    );
  }
  return buildMatcher(patterns);
}

function readCodes(
  json: Json | undefined,
  lists: ReadonlyMap<string, readonly Sequence[]>,
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
      const exceptions = form['unless'];
      const unless =
        exceptions === undefined
          ? undefined
          : readWords(exceptions, `${pointer}/unless`, lists, faults);
      const rule: LexiconRule = { code, severity, direction, unless };
      for (const source of texts(form['find'] ?? [])) {
        guarded(pointer, faults, () => rules.push({ rule, pattern: parsePattern(source, lists) }));
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
