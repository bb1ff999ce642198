import { ENCODED_LENGTH_MIN } from './encoded.ts';
import { LEXICON_FAMILIES } from './families.ts';
import type { Findings } from './findings.ts';
import type { HiddenText, HtmlReading } from './html.ts';
import { type MappedText, submittedSpan } from './mapped-text.ts';
import {
  type Communication,
  type Document,
  FAMILIES,
  type Family,
  type Severity,
  type Signal,
  type Span,
} from './model.ts';
import { rankOf } from './polarity.ts';
import type { Reading } from './reading.ts';
import { tokenize } from './tokens.ts';

/** Newsletters put what their preview should say before everything else, out of sight. */
const PREHEADER_MAX = 150;
const HIDDEN_LETTERS_MIN = 200;
const HIDDEN_SHARE = 0.3;
const DIVERGENCE_SHARE = 0.6;
const DIVERGENCE_WORDS_MIN = 40;
const IMAGE_ONLY_MAX = 20;
const SHINGLE = 5;

/** Reports what is hidden from a reader, and what could not be read. Runs when everything else is found. */
export function findOpacity(
  communication: Communication,
  readings: readonly Reading[],
  html: HtmlReading | undefined,
  findings: Findings,
): void {
  hiddenPayloads(readings, findings);
  if (html !== undefined) hiddenHtml(html, communication, findings);
  unread(communication, readings, findings);
  encodedSignals(readings, findings);
  if (communication.body_truncated === true) {
    for (const family of LEXICON_FAMILIES) findings.lacks(family, 'inbound', 'truncated');
  }
}

/** A find in hidden text is graver than the hiding. */
function hiddenPayloads(readings: readonly Reading[], findings: Findings): void {
  const grave = (signal: Signal): boolean =>
    signal.segment === 'hidden' &&
    signal.family !== 'F17' &&
    rankOf(signal.severity) >= rankOf('medium');
  for (const reading of readings) {
    if (reading.kind !== 'hidden') continue;
    const span = submittedSpan(reading.submitted, 0, reading.submitted.text.length);
    const holds = findings.signals.some(
      (signal) =>
        grave(signal) &&
        signal.pointer === reading.pointer &&
        signal.span !== null &&
        signal.span.start >= span.start &&
        signal.span.end <= span.end,
    );
    if (holds) add(findings, 'hidden.payload', reading.pointer, span, reading.direction);
  }
}

function add(
  findings: Findings,
  code: string,
  pointer: string,
  span: Span | null,
  direction: Reading['direction'] = 'inbound',
  severity?: Severity,
): void {
  findings.add({
    code,
    pointer,
    span,
    segment: 'hidden',
    direction,
    view: span === null ? 'struct' : 'VH',
    detector: 'opacity',
    ...(severity === undefined ? {} : { severity }),
  });
}

function hiddenHtml(html: HtmlReading, communication: Communication, findings: Findings): void {
  if (!html.complete) {
    for (const family of FAMILIES) findings.lacks(family, 'inbound', 'budget_exceeded');
  }
  const held = findings.signals.filter(
    ({ segment, family }) => segment === 'hidden' && family !== 'F17',
  );
  let letters = 0;
  let leading = 0;
  for (const hidden of html.hidden) {
    const span = submittedSpan(hidden.text, 0, hidden.text.text.length);
    const length = lettersOf(hidden.text.text);
    if (length === 0) continue;
    const hit = held.some(
      (signal) =>
        signal.span !== null && signal.span.start >= span.start && signal.span.end <= span.end,
    );
    if (hidden.by === 'comment_or_metadata') {
      if (hit) add(findings, 'hidden.comment_or_metadata', '/body_html', span, 'inbound', 'high');
      else add(findings, 'hidden.comment_or_metadata', '/body_html', span);
      continue;
    }
    if (hidden.leading && !hit) {
      leading += length;
      if (leading <= PREHEADER_MAX) {
        add(findings, codeOf(hidden), '/body_html', span, 'inbound', 'info');
        continue;
      }
    }
    letters += length;
    add(findings, codeOf(hidden), '/body_html', span);
  }
  const visible = lettersOf(html.visible.text);
  if (letters >= HIDDEN_LETTERS_MIN && letters > visible * HIDDEN_SHARE) {
    add(findings, 'hidden.ratio', '/body_html', null);
  }
  if (
    html.images > 0 &&
    visible < IMAGE_ONLY_MAX &&
    (communication.body_excerpt ?? '').trim() === ''
  ) {
    add(findings, 'opacity.image_only', '/body_html', null);
    for (const family of LEXICON_FAMILIES) findings.lacks(family, 'inbound', 'image_only');
  }
  if (
    communication.body_excerpt !== undefined &&
    diverge(communication.body_excerpt, html.visible)
  ) {
    add(findings, 'hidden.text_html_divergence', '/body_html', null);
  }
}

function codeOf({ by }: HiddenText): string {
  return by === 'colour' ? 'hidden.colour' : 'hidden.css';
}

function lettersOf(text: string): number {
  return text.replaceAll(/&[#\w]{1,10};/g, '').match(/[\p{L}\p{N}]/gu)?.length ?? 0;
}

/** Whether the two bodies of a message say different things. */
function diverge(plain: string, visible: MappedText): boolean {
  const [words, seen] = [wordsOf(plain), wordsOf(visible.text)];
  if (Math.min(words.length, seen.length) < DIVERGENCE_WORDS_MIN) return false;
  const [one, other] = [shingles(words), shingles(seen)];
  let shared = 0;
  for (const shingle of one) if (other.has(shingle)) shared += 1;
  return shared / Math.min(one.size, other.size) < DIVERGENCE_SHARE;
}

function wordsOf(text: string): readonly string[] {
  return tokenize(text.replaceAll(/&(?:nbsp|#160|#xa0);/gi, ' ')).words.filter(
    (word) => !word.startsWith('@'),
  );
}

function shingles(words: readonly string[]): ReadonlySet<string> {
  const all = new Set<string>();
  for (let i = 0; i + SHINGLE <= words.length; i += 1)
    all.add(words.slice(i, i + SHINGLE).join(' '));
  return all;
}

/** Families that a document can hold something of. */
const IN_DOCUMENTS: readonly Family[] = ['F01', 'F02', 'F05', 'F08', 'F13'];
const DECIDING: ReadonlySet<string> = new Set([
  'sign',
  'approve',
  'pay',
  'update_record',
  'onboard_supplier',
]);
/** Words that send a reader to what is attached. */
const SEE_ATTACHED =
  /\b(?:see|find|review|open|check|read|refer to|details? (?:are )?in|as per|per) (?:the |our |my |your )?(?:attach\w*|enclosed|document)|\battached (?:you|please)|\b(?:siehe|im|beigef[üu]gt\w*) (?:anhang|anlage)|\b(?:ci-joint|pi[eè]ce jointe|adjunto|in allegato|bijlage|em anexo)\b/i;

function isUnread(document: Document): boolean {
  const { text, encrypted, pages, pages_extracted } = document;
  if (text === undefined || encrypted === true) return true;
  return pages !== undefined && pages_extracted !== undefined && pages_extracted < pages;
}

/** A document that was not read matters where the step rests on it. */
function unread(
  communication: Communication,
  readings: readonly Reading[],
  findings: Findings,
): void {
  const { documents, documents_referenced, proposed_action } = communication;
  const gaps: string[] = [];
  for (const [i, document] of (documents ?? []).entries()) {
    if (isUnread(document)) gaps.push(`/documents/${i}`);
  }
  for (const [i, one] of (documents_referenced ?? []).entries()) {
    const id = typeof one === 'object' && 'document_id' in one ? one.document_id : undefined;
    const supplied = documents?.some(
      (document) => document.document_id === id && document.text !== undefined,
    );
    if (supplied !== true) gaps.push(`/documents_referenced/${i}`);
  }
  if (gaps.length === 0) return;
  const rests =
    DECIDING.has(proposed_action.action_type) ||
    readings.some(
      ({ kind, readings: texts }) => kind === 'body' && SEE_ATTACHED.test(texts.plain.text),
    );
  for (const pointer of gaps) {
    add(findings, 'opacity.document_unread', pointer, null, 'inbound', rests ? 'medium' : 'low');
  }
  if (!rests) return;
  for (const family of IN_DOCUMENTS) findings.lacks(family, 'inbound', 'document_unread');
}

function encodedSignals(readings: readonly Reading[], findings: Findings): void {
  for (const { kind, pointer, direction, encoded } of readings) {
    if (kind === 'signature' || kind === 'hidden') continue;
    for (const { span, length } of encoded) {
      if (length >= ENCODED_LENGTH_MIN) {
        add(findings, 'opacity.encoded_block', pointer, span, direction);
      }
    }
  }
}
