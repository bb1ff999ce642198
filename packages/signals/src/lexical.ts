import { CODES, LEXICON_FAMILIES, STOP_FAMILIES } from './families.ts';
import type { Findings } from './findings.ts';
import type { LanguageProfile } from './language.ts';
import type { Lexicon, LexiconRule } from './lexicon.ts';
import { submittedSpan } from './mapped-text.ts';
import { findMatches, type Matcher, type Work } from './matcher.ts';
import type {
  Family,
  Polarity,
  SegmentKind,
  Severity,
  Signal,
  SignalSource,
  Span,
  View,
} from './model.ts';
import { lower, polarityOf, raise, rankOf, readTurns, severityOf } from './polarity.ts';
import type { Reading } from './reading.ts';
import { severityInBroadcast } from './register.ts';
import { TOKENS, type Tokens, tokenize } from './tokens.ts';

/** One phrase that was found in one reading of a text. */
interface Hit {
  readonly rule: LexiconRule;
  readonly family: Family;
  readonly span: Span;
  readonly severity: Severity;
  readonly polarity: Polarity;
}

/** Families that count in a signature: who writes there says nothing else. */
const IN_SIGNATURE: ReadonlySet<Family> = new Set(['F01', 'F11', 'F15', 'F16', 'F17']);
/** Families that the lexicons of tier B know as well as those of tier A; of others they know a few phrases at most. */
const IN_TIER_B: ReadonlySet<Family> = new Set(['F01', 'F02', 'F11', 'F16']);

/** What phrases are looked for with, and what is known of the whole message. */
export interface PhraseSearch {
  readonly lexicons: readonly Lexicon[];
  readonly profiles: readonly LanguageProfile[];
  readonly broadcast: boolean;
  readonly source: SignalSource;
  readonly work: Work;
}

/** Looks for the phrases of the lexicons in one part of a communication, in every reading of it. */
export function findPhrases(reading: Reading, search: PhraseSearch, findings: Findings): void {
  const { source, work } = search;
  const { readings, direction } = reading;
  const spoken = lexiconsFor(reading, search);
  const hidden = reading.kind === 'hidden';
  const plain = hitsIn(reading, readings.plain, reading.tokens, spoken, search);
  const seen =
    readings.seen === readings.plain
      ? plain
      : hitsIn(reading, readings.seen, tokenize(readings.seen.text), spoken, search);
  const visible = seen === plain ? undefined : placesOf(seen);
  const inLeet = isLeetThroughout(reading) ? 'V3' : 'V2';
  for (const hit of plain) {
    const inSight = visible === undefined || overlaps(visible, hit);
    const view: View = hidden ? 'VH' : inSight ? 'V1' : inLeet;
    report(reading, hit, view, findings, source);
  }
  // Where digits are read as letters, what they say as digits counts too.
  if (inLeet === 'V3') {
    const known = placesOf(plain);
    for (const hit of seen) {
      if (!overlaps(known, hit)) report(reading, hit, hidden ? 'VH' : 'V1', findings, source);
    }
  }
  if (readings.leet !== readings.plain) {
    const leet = hitsIn(reading, readings.leet, tokenize(readings.leet.text), spoken, search);
    const known = placesOf(plain);
    for (const hit of leet) {
      if (!overlaps(known, hit)) {
        report(reading, hit, hidden ? 'VH' : 'V3', findings, source);
      }
    }
  }
  if (direction !== 'none') noteCoverage(reading, direction, findings, work);
}

function isLeetThroughout({ readings: { disguises } }: Reading): boolean {
  return disguises.some(({ kind, throughout }) => kind === 'leet' && throughout === true);
}

/** Where each code was found, in order of place. */
type Places = ReadonlyMap<string, readonly Span[]>;

function placesOf(hits: readonly Hit[]): Places {
  const places = new Map<string, Span[]>();
  for (const { rule, span } of hits) {
    const list = places.get(rule.code);
    if (list === undefined) places.set(rule.code, [span]);
    else list.push(span);
  }
  for (const list of places.values()) list.sort((a, b) => a.start - b.start);
  return places;
}

function overlaps(places: Places, { rule, span }: Hit): boolean {
  return overlapping(places.get(rule.code) ?? [], span).length > 0;
}

/** Longest find, in code units, that a look to the left has to reckon with. */
const SPAN_MAX = 2_000;

/** Those of some spans, in order of their starts, that share a unit with `span`. */
function overlapping<Spanned extends Span>(spans: readonly Spanned[], span: Span): Spanned[] {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((spans[middle]?.start ?? 0) < span.start - SPAN_MAX) low = middle + 1;
    else high = middle;
  }
  const shared: Spanned[] = [];
  for (let i = low; i < spans.length; i += 1) {
    const one = spans[i];
    if (one === undefined || one.start >= span.end) break;
    if (one.end > span.start) shared.push(one);
  }
  return shared;
}

/** Texts of so few words may hold a sentence of another language that no small word gives away. */
const FEW_WORDS = 40;

/** So many small words of one language make a sentence one that may be in it. */
const TELLING_MIN = 2;

/**
 * Lexicons of the languages that a text holds, if only for a sentence; all of them when nobody can tell which those are.
 */
function lexiconsFor(reading: Reading, { lexicons, profiles }: PhraseSearch): readonly Lexicon[] {
  const { tokens } = reading;
  if (tokens.words.length <= FEW_WORDS) return lexicons;
  const spoken = spokenIn(reading);
  if (spoken === undefined) return lexicons;
  const own = smallWords(
    tokens,
    profiles.filter(({ code }) => spoken.has(code)),
  );
  return lexicons.filter(
    ({ language }) =>
      spoken.has(language) ||
      smallWords(
        tokens,
        profiles.filter(({ code }) => code === language),
      ).some((count, sentence) => count >= Math.max(TELLING_MIN, own[sentence] ?? 0)),
  );
}

/** Languages that a text is known to hold, and English, which stands in texts of every language; `undefined`: any. */
function spokenIn({ language: { code, all } }: Reading): ReadonlySet<string> | undefined {
  if (code === 'und' || code === 'ja' || code === 'ko') return undefined;
  return new Set(['en', code, ...all]);
}

/**
 * Tells of a language whether a sentence may be in it: one that the text holds, or any other that has no fewer small
 * words in the sentence than those.
 */
function sentencesBy(
  reading: Reading,
  tokens: Tokens,
  profiles: readonly LanguageProfile[],
): (language: string, sentence: number) => boolean {
  const spoken = spokenIn(reading);
  const counted = new Map<string, Uint16Array>();
  const count = (name: string, isOne: (code: string) => boolean): Uint16Array => {
    let counts = counted.get(name);
    if (counts === undefined) {
      counts = smallWords(
        tokens,
        profiles.filter(({ code }) => isOne(code)),
      );
      counted.set(name, counts);
    }
    return counts;
  };
  const { code: main, all } = reading.language;
  return (language, sentence) => {
    if (spoken === undefined || spoken.has(language)) return true;
    const own = count('', (code) => code === main || all.includes(code));
    const other = count(language, (code) => code === language);
    return (other[sentence] ?? 0) >= (own[sentence] ?? 0);
  };
}

/** Number of the small words of some languages, by sentence; of the language that has most of them there. */
function smallWords(tokens: Tokens, profiles: readonly LanguageProfile[]): Uint16Array {
  const most = new Uint16Array((tokens.sentences.at(-1) ?? 0) + 1);
  for (const { words } of profiles) {
    const own = new Uint16Array(most.length);
    for (const [i, word] of tokens.words.entries()) {
      const sentence = tokens.sentences[i] ?? 0;
      if (word.length > 1 && words.has(word)) own[sentence] = (own[sentence] ?? 0) + 1;
    }
    for (const [i, count] of own.entries()) most[i] = Math.max(most[i] ?? 0, count);
  }
  return most;
}

function hitsIn(
  reading: Reading,
  text: Reading['readings']['plain'],
  tokens: Tokens,
  lexicons: readonly Lexicon[],
  { broadcast, profiles, work }: PhraseSearch,
): readonly Hit[] {
  const hits: Hit[] = [];
  const mayHold = sentencesBy(reading, tokens, profiles);
  const outbound = reading.direction === 'outbound';
  let frames: ReadonlyMap<number, Severity> | undefined;
  for (const lexicon of lexicons) {
    const matches = findMatches(lexicon.phrases, tokens, work);
    if (matches.length === 0) continue;
    const turns = readTurns(lexicon, tokens, work);
    // A warning in one language is one also for a phrase that another happens to share.
    frames ??= readFrames(lexicons, tokens, work);
    const exceptions = new Map<Matcher<true>, ReadonlySet<number>>();
    const excepted = (matcher: Matcher<true> | undefined): ReadonlySet<number> => {
      if (matcher === undefined) return NOWHERE;
      let sentences = exceptions.get(matcher);
      if (sentences === undefined) {
        sentences = sentencesOf(matcher, tokens, work);
        exceptions.set(matcher, sentences);
      }
      return sentences;
    };
    for (const { rule, from, to } of matches) {
      const row = CODES[rule.code];
      if (row === undefined || !counts(reading, rule, row.family)) continue;
      const sentence = tokens.sentences[from] ?? -2;
      if (!mayHold(lexicon.language, sentence)) continue;
      if (excepted(rule.unless).has(sentence) || excepted(rule.unlessAnywhere).size > 0) continue;
      const { family } = row;
      const frame = outbound ? undefined : frames.get(sentence);
      const polarity = frame === undefined ? polarityOf(tokens, turns, from, to) : 'reported';
      const own = severityOf(family, rule.code, rule.severity, polarity, outbound);
      const placed =
        broadcast && reading.direction === 'inbound'
          ? severityInBroadcast(family, rule.code, own, rule.inBroadcasts)
          : own;
      hits.push({
        rule,
        family,
        span: submittedSpan(text, tokens.starts[from] ?? 0, tokens.ends[to - 1] ?? 0),
        polarity,
        severity: frame !== undefined && rankOf(placed) > rankOf(frame) ? frame : placed,
      });
    }
  }
  return hits;
}

const NOWHERE: ReadonlySet<number> = new Set();

function sentencesOf(matcher: Matcher<true>, tokens: Tokens, work: Work): Set<number> {
  return new Set(findMatches(matcher, tokens, work).map((one) => tokens.sentences[one.from] ?? -1));
}

/** As many different warnings make a text one about fraud: then what its other sentences describe is told as well. */
const WARNINGS_MIN = 2;

/**
 * Sentences that tell of a message instead of being one, with how grave a find in them is at most: warnings of what
 * others may write, and questions of how something is done. A sentence that calls for a step right here is neither.
 */
function readFrames(
  lexicons: readonly Lexicon[],
  tokens: Tokens,
  work: Work,
): ReadonlyMap<number, Severity> {
  const frames = new Map<number, Severity>();
  const inquiries = lexicons.flatMap((one) => findMatches(one.inquiries, tokens, work));
  const warnings = lexicons.flatMap((one) => findMatches(one.warnings, tokens, work));
  const calls = lexicons.flatMap((one) => findMatches(one.calls, tokens, work));
  const sentenceOf = ({ from }: { readonly from: number }): number => tokens.sentences[from] ?? -1;
  for (const one of inquiries) frames.set(sentenceOf(one), 'low');
  for (const one of warnings) frames.set(sentenceOf(one), 'info');
  if (new Set(warnings.map(({ rule }) => rule)).size >= WARNINGS_MIN) {
    for (const sentence of tokens.questions.keys()) frames.set(sentence, 'info');
  }
  for (const one of calls) frames.delete(sentenceOf(one));
  for (const [i, word] of tokens.words.entries()) {
    if (word === TOKENS.link || word === TOKENS.account) frames.delete(tokens.sentences[i] ?? -1);
  }
  return frames;
}

function counts(reading: Reading, rule: LexiconRule, family: Family): boolean {
  if (rule.direction !== 'none' && rule.direction !== reading.direction) return false;
  if (reading.kind !== 'signature') return true;
  return IN_SIGNATURE.has(family) || rule.code === 'authority.role_title';
}

function report(
  reading: Reading,
  hit: Hit,
  view: View,
  findings: Findings,
  source: SignalSource,
): void {
  const { kind, pointer, direction, readings } = reading;
  const { polarity, severity } = placed(kind, hit);
  const disguised = view === 'V2' || view === 'V3';
  const kept = findings.add({
    code: hit.rule.code,
    pointer,
    span: hit.span,
    segment: kind,
    direction,
    view,
    polarity,
    severity: disguised ? raise(severity) : severity,
    source,
    detector: 'lexicon',
  });
  if (!kept || !disguised) return;
  for (const { kind: how, span } of readings.disguises) {
    if (span.start >= hit.span.end || hit.span.start >= span.end) continue;
    findings.add({
      code: `obfuscation.${how}`,
      pointer,
      span,
      segment: kind,
      direction,
      view,
      severity: STOP_FAMILIES.has(hit.family) ? 'high' : 'medium',
      detector: 'lexicon',
    });
  }
}

/** Families in which a message asks for something that a mere "yes" would grant. */
const ASKING: ReadonlySet<Family> = new Set([
  'F01',
  'F02',
  'F04',
  'F05',
  'F07',
  'F08',
  'F09',
  'F13',
]);

/** "Yes" binds where the message asks for something that binds; elsewhere it is an answer like any other. */
export function answersInContext(signals: readonly Signal[]): readonly Signal[] {
  const asked = signals.some(
    ({ family, direction, severity }) =>
      ASKING.has(family) && direction === 'inbound' && rankOf(severity) >= rankOf('medium'),
  );
  if (asked) return signals;
  return signals.map((signal) =>
    signal.code === 'commitment.bare_affirmation' && signal.source === 'deterministic'
      ? { ...signal, severity: 'info' }
      : signal,
  );
}

/** What a phrase counts for where it stands. */
function placed(
  kind: SegmentKind,
  { family, polarity, severity }: Hit,
): { readonly polarity: Polarity; readonly severity: Severity } {
  if (kind === 'quoted' && !STOP_FAMILIES.has(family)) {
    return { polarity: 'quoted', severity: severityOf(family, '', severity, 'reported', false) };
  }
  if (kind === 'disclaimer' && (family === 'F09' || family === 'F12')) {
    return { polarity, severity: 'info' };
  }
  if (kind === 'signature' && family === 'F03') return { polarity, severity: lower('medium') };
  return { polarity, severity };
}

/** A language that has no lexicon, or a search that ran out, leaves families unread. */
function noteCoverage(
  reading: Reading,
  direction: 'inbound' | 'outbound',
  findings: Findings,
  work: Work,
): void {
  const { language, kind } = reading;
  if (kind === 'signature') return;
  for (const family of LEXICON_FAMILIES) {
    const known = language.covered || (language.tier === 'B' && IN_TIER_B.has(family));
    if (!known) findings.lacks(family, direction, 'language_unsupported');
    if (work.left <= 0) findings.lacks(family, direction, 'budget_exceeded');
  }
  if (!language.covered && language.tier === 'C') {
    findings.add({
      code: 'opacity.language_unsupported',
      pointer: reading.pointer,
      span: null,
      segment: kind,
      direction,
      view: 'struct',
      detector: 'language',
    });
  }
}
