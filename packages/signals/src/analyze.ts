import { findDisguises } from './disguises.ts';
import { findDocuments } from './documents.ts';
import { encodedBlocks } from './encoded.ts';
import { withFacts } from './facts.ts';
import { capped, Findings, merge, withAccounts } from './findings.ts';
import { findForgeries } from './forgeries.ts';
import { findHints } from './hints.ts';
import { type HtmlReading, readHtml } from './html.ts';
import { findIdentity } from './identity.ts';
import { type DetectedLanguage, detectLanguage } from './language.ts';
import { answersInContext, findPhrases } from './lexical.ts';
import { findLinks } from './links.ts';
import type { AccountLookup } from './lookup.ts';
import { asSubmitted, type MappedText, submittedSpan } from './mapped-text.ts';
import type { Work } from './matcher.ts';
import {
  type Analysis,
  type Communication,
  type Direction,
  FAMILIES,
  type SegmentKind,
  type Signal,
} from './model.ts';
import { type Readings, readText } from './normalize.ts';
import { findOpacity } from './opacity.ts';
import type { Reading } from './reading.ts';
import { isBroadcast } from './register.ts';
import type { Ruleset } from './ruleset.ts';
import { segmentText } from './segment.ts';
import { findChasing } from './thread.ts';
import { tokenize } from './tokens.ts';
import { findLimit, findValues } from './values.ts';

/** Steps that one analysis may take, whatever the machine: enough for half a million letters, a second on a small one. */
const WORK_MAX = 15_000_000;

/** Everything that one communication contains. Pure: equal input and ruleset give an equal result. */
export function analyze(
  communication: Communication,
  ruleset: Ruleset,
  lookup?: AccountLookup,
): Analysis {
  const findings = new Findings();
  const work: Work = { left: WORK_MAX };
  const html =
    communication.body_html === undefined ? undefined : readHtml(communication.body_html);
  work.left -= communication.body_html?.length ?? 0;
  const readings = readAll(communication, html, ruleset, work);
  const {
    lexicons,
    languages: { profiles },
  } = ruleset;
  const broadcast = isBroadcast(communication, readings, lexicons, work);
  for (const reading of readings) {
    findPhrases(
      reading,
      { lexicons, profiles, broadcast, source: 'deterministic', work },
      findings,
    );
    findForgeries(reading, findings);
    findValues(reading, communication, lookup, findings);
    findDisguises(reading, findings);
  }
  findLimit(communication, findings);
  findLinks(readings, html, communication, ruleset, findings);
  findDocuments(readings, communication, findings);
  findChasing(communication, readings, findings);
  findIdentity(communication, readings, ruleset, findings);
  findOpacity(communication, readings, html, findings);
  findHints(communication, ruleset, lookup, findings, work);
  const { signals, cut } = capped(
    withFacts(answersInContext(merge(withAccounts(findings.signals))), communication),
  );
  return {
    signals,
    coverage: findings.coverage(),
    segments: readings.map(({ kind, pointer, direction, submitted, language }) => ({
      kind,
      pointer,
      span: submittedSpan(submitted, 0, submitted.text.length),
      direction,
      language: language.code,
      tier: language.tier,
    })),
    usable: isUsable(communication, readings),
    complete: !cut && !findings.cut && work.left > 0,
    steps: WORK_MAX - work.left,
    languages: [...new Set(readings.map(({ language }) => language.code))].sort(),
  };
}

/** Letters, digits, or signs that stand for words, as pictures do. */
const SAYS_SOMETHING = /[\p{L}\p{N}\p{S}]/u;

/** Something to read, and somebody who says it. */
function isUsable(communication: Communication, readings: readonly Reading[]): boolean {
  const says = readings.some(
    ({ kind, readings: { plain } }) =>
      kind !== 'hidden' && kind !== 'thread' && SAYS_SOMETHING.test(plain.text),
  );
  const named =
    communication.participants.some(({ role }) => role === 'sender') ||
    communication.proposed_action.draft !== undefined;
  return says && named;
}

/** The language of a text that nothing around it tells. */
const UNTOLD: DetectedLanguage = { code: 'und', tier: 'A', covered: true, all: [] };

const FORWARDED_SUBJECT = /^\s*(?:fwd?|wg|tr|rv|i|doorgest|enc|pd|vb)\s*:/i;

/** All texts of a communication as readings, the ones that tell its language first. */
function readAll(
  communication: Communication,
  html: HtmlReading | undefined,
  ruleset: Ruleset,
  work: Work,
): readonly Reading[] {
  const readings: Reading[] = [];
  const { subject, body_excerpt: body, proposed_action: action } = communication;
  let language: DetectedLanguage | undefined;
  const spelled = new Map<MappedText, Readings>();
  const spell = (submitted: MappedText): Readings => {
    const known = spelled.get(submitted);
    if (known !== undefined) return known;
    const { confusables, languages } = ruleset;
    const made = readText(submitted, { confusables, words: languages.known });
    spelled.set(submitted, made);
    return made;
  };
  const read = (
    kind: SegmentKind,
    pointer: string,
    direction: Direction,
    submitted: MappedText,
    inherited: DetectedLanguage | undefined = language,
    isDecoded = false,
  ): void => {
    work.left -= submitted.text.length;
    const texts = spell(submitted);
    const tokens = tokenize(texts.plain.text);
    const detected = detectLanguage(texts.plain.text, tokens, ruleset.languages, inherited);
    const encoded = isDecoded ? [] : encodedBlocks(texts.plain);
    readings.push({
      kind,
      pointer,
      direction,
      submitted,
      readings: texts,
      encoded,
      tokens,
      language: detected,
    });
    // What tags hide may hide more, and is in the language of what is around it unless it says otherwise.
    for (const tagged of texts.tagged) read('hidden', pointer, direction, tagged, detected);
    // What is encoded is decoded once.
    for (const { decoded } of encoded) {
      if (decoded !== undefined) read('hidden', pointer, direction, decoded, detected, true);
    }
  };

  const forwarded = subject !== undefined && FORWARDED_SUBJECT.test(subject);
  const inbound = (pointer: string, text: MappedText): void => {
    const parts = segmentText(text, ruleset.segmentWords, forwarded);
    const longest = [...parts].sort((a, b) => b.text.text.length - a.text.text.length)[0];
    if (longest !== undefined && language === undefined) {
      const { plain } = spell(longest.text);
      language = detectLanguage(plain.text, tokenize(plain.text), ruleset.languages);
    }
    for (const { kind, text: part } of parts) {
      const own = isDisguised(part, spell(part)) ? undisguised(kind) : kind;
      read(verified(own, part, communication), pointer, 'inbound', part);
    }
  };
  if (body !== undefined) inbound('/body_excerpt', asSubmitted(body));
  if (html !== undefined) {
    inbound('/body_html', html.visible);
    // What is hidden need not be in the language of what is shown.
    for (const { text } of html.hidden) read('hidden', '/body_html', 'inbound', text, UNTOLD);
  }
  if (subject !== undefined) read('subject', '/subject', 'inbound', asSubmitted(subject));
  for (const [i, { text }] of (communication.documents ?? []).entries()) {
    if (text !== undefined) read('document', `/documents/${i}/text`, 'inbound', asSubmitted(text));
  }
  if (action.draft !== undefined) {
    read('draft', '/proposed_action/draft', 'outbound', asSubmitted(action.draft));
  }
  return readings;
}

/** Whether a text has disguises, or most of it is the code of other characters. */
function isDisguised({ text }: MappedText, { plain, disguises }: Readings): boolean {
  return disguises.length > 0 || plain.text.length * 2 < text.length;
}

/** What its writer disguises is no closing of a message that one may pass over. */
function undisguised(kind: SegmentKind): SegmentKind {
  return kind === 'signature' || kind === 'disclaimer' ? 'body' : kind;
}

/** A quotation that stands in no message of the thread is somebody's word, not history. */
function verified(kind: SegmentKind, part: MappedText, { thread }: Communication): SegmentKind {
  if (kind !== 'quoted' || thread === undefined) return kind;
  const quoted = wordsOf(part.text);
  if (quoted.length === 0) return kind;
  const known = new Set(thread.flatMap(({ body_excerpt }) => wordsOf(body_excerpt)));
  // Who and when stand in the introduction of a quotation, not in the message that it quotes.
  const foreign = quoted.filter((run) => !known.has(run)).length;
  return foreign <= Math.max(2, quoted.length * 0.2) ? kind : 'quoted_unverified';
}

/** Runs of three words of the lines of a quotation, without its own marks and headers. */
function wordsOf(text: string): readonly string[] {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/^(?:\s{0,2}>)+/, ''))
    .filter((line) => !/^\s*[\p{L} ]{2,20}[:：]/u.test(line) && !/[:：]\s*$/.test(line));
  const words = tokenize(lines.join('\n')).words;
  const runs: string[] = [];
  for (let i = 0; i + 3 <= words.length; i += 1) runs.push(words.slice(i, i + 3).join(' '));
  return runs;
}

/** The analysis of a communication that could not be read: nothing was found, and nothing is complete. */
export function unread(): Analysis {
  const missing = { complete: false, reasons: ['analysis_failed'] };
  return {
    signals: [],
    coverage: Object.fromEntries(
      FAMILIES.map((family) => [family, { inbound: missing, outbound: missing }] as const),
    ) as unknown as Analysis['coverage'],
    segments: [],
    usable: false,
    complete: false,
    steps: 0,
    languages: [],
  };
}

/** An analysis with findings of another reader besides. What was found before stays, whatever they say. */
export function withSignals(analysis: Analysis, more: readonly Signal[]): Analysis {
  const { signals, cut } = capped(merge([...analysis.signals, ...more]));
  return { ...analysis, signals, complete: analysis.complete && !cut };
}
