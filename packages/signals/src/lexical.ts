import { CODES, LEXICON_FAMILIES, STOP_FAMILIES } from './families.ts';
import type { Findings } from './findings.ts';
import type { Lexicon, LexiconRule } from './lexicon.ts';
import { submittedSpan } from './mapped-text.ts';
import { findMatches, type Matcher, type Work } from './matcher.ts';
import type { Family, Polarity, SegmentKind, Severity, SignalSource, Span, View } from './model.ts';
import { lower, polarityOf, raise, readTurns, severityOf } from './polarity.ts';
import type { Reading } from './reading.ts';
import { type Tokens, tokenize } from './tokens.ts';

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
/** Families that tier B knows phrases of. */
const IN_TIER_B: ReadonlySet<Family> = new Set(['F01', 'F11', 'F16']);

/** Looks for the phrases of the lexicons in one part of a communication, in every reading of it. */
export function findPhrases(
  reading: Reading,
  lexicons: readonly Lexicon[],
  findings: Findings,
  work: Work,
  source: SignalSource = 'deterministic',
): void {
  const { readings, direction } = reading;
  const spoken = lexiconsFor(reading, lexicons);
  const hidden = reading.kind === 'hidden';
  const plain = hitsIn(reading, readings.plain, reading.tokens, spoken, work);
  const seen =
    readings.seen === readings.plain
      ? plain
      : hitsIn(reading, readings.seen, tokenize(readings.seen.text), spoken, work);
  const visible = seen === plain ? undefined : placesOf(seen);
  for (const hit of plain) {
    const inSight = visible === undefined || overlaps(visible, hit);
    const view: View = hidden ? 'VH' : inSight ? 'V1' : 'V2';
    report(reading, hit, view, findings, source);
  }
  if (readings.leet !== readings.plain) {
    const leet = hitsIn(reading, readings.leet, tokenize(readings.leet.text), spoken, work);
    const known = placesOf(plain);
    for (const hit of leet) {
      if (!overlaps(known, hit)) {
        report(reading, hit, hidden ? 'VH' : 'V3', findings, source);
      }
    }
  }
  if (direction !== 'none') noteCoverage(reading, direction, findings, work);
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

/** Lexicons of the languages that a text holds; all of them when nobody knows which those are. */
function lexiconsFor(reading: Reading, lexicons: readonly Lexicon[]): readonly Lexicon[] {
  const { code, all } = reading.language;
  const wanted = new Set([code, ...all]);
  if (code === 'und' || code === 'ja' || code === 'ko') return lexicons;
  return lexicons.filter(({ language }) => language === 'en' || wanted.has(language));
}

function hitsIn(
  reading: Reading,
  text: Reading['readings']['plain'],
  tokens: Tokens,
  lexicons: readonly Lexicon[],
  work: Work,
): readonly Hit[] {
  const hits: Hit[] = [];
  for (const lexicon of lexicons) {
    const matches = findMatches(lexicon.phrases, tokens, work);
    if (matches.length === 0) continue;
    const turns = readTurns(lexicon, tokens, work);
    const exceptions = new Map<Matcher<true>, ReadonlySet<number>>();
    for (const { rule, from, to } of matches) {
      const row = CODES[rule.code];
      if (row === undefined || !counts(reading, rule, row.family)) continue;
      if (rule.unless !== undefined) {
        let sentences = exceptions.get(rule.unless);
        if (sentences === undefined) {
          sentences = new Set(
            findMatches(rule.unless, tokens, work).map((one) => tokens.sentences[one.from] ?? -1),
          );
          exceptions.set(rule.unless, sentences);
        }
        if (sentences.has(tokens.sentences[from] ?? -2)) continue;
      }
      const polarity = polarityOf(tokens, turns, from, to);
      hits.push({
        rule,
        family: row.family,
        span: submittedSpan(text, tokens.starts[from] ?? 0, tokens.ends[to - 1] ?? 0),
        polarity,
        severity: severityOf(
          row.family,
          rule.code,
          rule.severity,
          polarity,
          reading.direction === 'outbound',
        ),
      });
    }
  }
  return hits;
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
  findings.add({
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
  if (!disguised) return;
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
