import { type MappedText, sliceMapped } from './mapped-text.ts';
import type { SegmentKind } from './model.ts';

/** One part of a text with one role. */
export interface TextSegment {
  readonly kind: SegmentKind;
  readonly text: MappedText;
}

/** Words by which mail programs and people mark parts of a message, in all languages at once. */
export interface SegmentWords {
  /** `On … wrote`: what a line that introduces a quotation ends with. */
  readonly wrote: readonly string[];
  /** Names of the header fields that a quoted message begins with: from, sent, to, subject. */
  readonly headers: readonly string[];
  /** `Original Message` between dashes. */
  readonly original: readonly string[];
  readonly forwarded: readonly string[];
  /** Lines that close a message. */
  readonly closings: readonly string[];
  readonly disclaimers: readonly string[];
  readonly autoReplies: readonly string[];
}

/** Deepest quotation; what claims to be deeper is not taken for one. */
const QUOTE_DEPTH_MAX = 20;
/** Share of a text that may be taken for something else than what its writer says. */
const STRIPPED_MAX = 0.95;
const CLOSING_LINES = 15;
const SIGNATURE_LINE_MAX = 80;
const INTRODUCTION_MAX = 200;

interface Line {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** Cuts the text of a message into its parts. Where the marks contradict each other the whole is the body. */
export function segmentText(
  whole: MappedText,
  words: SegmentWords,
  forwardedBySubject: boolean,
): readonly TextSegment[] {
  const lines = linesOf(whole.text);
  const kinds = kindsOf(lines, compiled(words), forwardedBySubject);
  const segments: TextSegment[] = [];
  let first = 0;
  for (let i = 1; i <= lines.length; i += 1) {
    if (i < lines.length && kinds[i] === kinds[first]) continue;
    const from = lines[first]?.from ?? 0;
    const to = lines[i - 1]?.to ?? whole.text.length;
    const kind = kinds[first] ?? 'body';
    if (whole.text.slice(from, to).trim() !== '') {
      segments.push({ kind, text: sliceMapped(whole, from, to) });
    }
    first = i;
  }
  return credible(segments) ? segments : [{ kind: 'body', text: whole }];
}

/** A message that would vanish almost wholly into quotations and signatures is read as what it says. */
function credible(segments: readonly TextSegment[]): boolean {
  let stripped = 0;
  let all = 0;
  for (const { kind, text } of segments) {
    const length = text.text.trim().length;
    all += length;
    if (kind === 'quoted' || kind === 'signature' || kind === 'disclaimer') stripped += length;
  }
  return all === 0 || stripped / all <= STRIPPED_MAX;
}

interface Compiled {
  readonly wrote: RegExp;
  readonly header: RegExp;
  readonly original: RegExp;
  readonly forwarded: RegExp;
  readonly closing: RegExp;
  readonly disclaimer: RegExp;
  readonly autoReply: RegExp;
}

const COMPILED = new WeakMap<SegmentWords, Compiled>();

function compiled(words: SegmentWords): Compiled {
  const known = COMPILED.get(words);
  if (known !== undefined) return known;
  const any = (list: readonly string[]): string =>
    list
      .map((one) => one.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(' ', '\\s+'))
      .join('|');
  const made: Compiled = {
    wrote: new RegExp(`(?:${any(words.wrote)})[^\\n]{0,80}[:：]\\s*$`, 'iu'),
    header: new RegExp(`^\\s*\\*?(?:${any(words.headers)})\\s?\\*?[:：]`, 'iu'),
    original: new RegExp(`^[\\s_*]*-{2,}\\s*(?:${any(words.original)})\\s*-{2,}`, 'iu'),
    forwarded: new RegExp(`^[\\s_*-]*(?:${any(words.forwarded)})[\\s_*:-]*$`, 'iu'),
    closing: new RegExp(`^\\s*(?:${any(words.closings)})[\\s,.!]*$`, 'iu'),
    disclaimer: new RegExp(any(words.disclaimers), 'giu'),
    autoReply: new RegExp(any(words.autoReplies), 'iu'),
  };
  COMPILED.set(words, made);
  return made;
}

function linesOf(text: string): readonly Line[] {
  const lines: Line[] = [];
  for (let from = 0; from <= text.length; ) {
    const newline = text.indexOf('\n', from);
    const to = newline < 0 ? text.length : newline + 1;
    // A line of a megabyte is no mark of anything; only its beginning is looked at.
    lines.push({ from, to, text: text.slice(from, Math.min(to, from + 1_000)) });
    if (newline < 0) break;
    from = to;
  }
  return lines;
}

function kindsOf(
  lines: readonly Line[],
  words: Compiled,
  forwardedBySubject: boolean,
): readonly SegmentKind[] {
  const kinds: SegmentKind[] = [];
  let own: SegmentKind = lines.slice(0, 8).some(({ text }) => words.autoReply.test(text))
    ? 'auto_reply'
    : 'body';
  let rest: SegmentKind | undefined;
  for (const [i, line] of lines.entries()) {
    if (rest === undefined) {
      if (words.forwarded.test(line.text)) rest = 'forwarded';
      else if (beginsQuotation(lines, i, words)) rest = forwardedBySubject ? 'forwarded' : 'quoted';
      else if (/^--\s?$/.test(line.text.trimEnd()) || line.text === '-- \n') own = 'signature';
    }
    const depth = /^(?:\s{0,2}>)+/.exec(line.text)?.[0].replaceAll(/[^>]/g, '').length ?? 0;
    if (rest === 'forwarded') kinds.push('forwarded');
    else if (depth > 0 && depth <= QUOTE_DEPTH_MAX) kinds.push('quoted');
    else kinds.push(rest ?? own);
  }
  markClosing(lines, kinds, words);
  markDisclaimers(lines, kinds, words);
  return kinds;
}

function beginsQuotation(lines: readonly Line[], at: number, words: Compiled): boolean {
  const text = lines[at]?.text ?? '';
  if (words.original.test(text)) return true;
  const two = `${text.trimEnd()} ${lines[at + 1]?.text ?? ''}`;
  for (const one of [text, two]) {
    // An introduction names a date or an address; a sentence that ends with a colon does not.
    if (one.length < INTRODUCTION_MAX && words.wrote.test(one.trimEnd()) && /\d|@/.test(one)) {
      return true;
    }
  }
  if (!words.header.test(text)) return false;
  let headers = 0;
  for (let i = at; i < Math.min(lines.length, at + 6); i += 1) {
    if (words.header.test(lines[i]?.text ?? '')) headers += 1;
  }
  return headers >= 3;
}

/** Behind "Kind regards" stands who writes, as long as it looks like it. */
function markClosing(lines: readonly Line[], kinds: SegmentKind[], words: Compiled): void {
  let end = kinds.length;
  while (end > 0 && kinds[end - 1] !== 'body') end -= 1;
  for (let i = end - 1; i >= Math.max(1, end - CLOSING_LINES); i -= 1) {
    if (kinds[i] !== 'body' || !words.closing.test(lines[i]?.text ?? '')) continue;
    const after = lines.slice(i + 1, end);
    if (after.every(({ text }) => text.trim().length <= SIGNATURE_LINE_MAX && !isSaying(text))) {
      for (let at = i + 1; at < end; at += 1) kinds[at] = 'signature';
    }
    return;
  }
}

/** Names, titles and addresses are capitalised; a request that hides among them is not. */
function isSaying(line: string): boolean {
  const words = line.match(/(?<![\p{L}@.])\p{L}[\p{L}'’]*/gu) ?? [];
  const small = words.filter((word) => /^\p{Ll}/u.test(word)).length;
  return small >= 3 || (words.length >= 3 && /[.!?]\s*$/.test(line));
}

const MARKERS_MIN = 3;

function markDisclaimers(lines: readonly Line[], kinds: SegmentKind[], words: Compiled): void {
  let from = 0;
  for (let i = 0; i <= lines.length; i += 1) {
    const blank = i === lines.length || (lines[i]?.text.trim() ?? '') === '';
    if (!blank) continue;
    const paragraph = lines.slice(from, i);
    const text = paragraph.map((line) => line.text).join(' ');
    const markers = new Set((text.match(words.disclaimer) ?? []).map((one) => one.toLowerCase()));
    if (markers.size >= MARKERS_MIN) {
      for (let at = from; at < i; at += 1) {
        if (kinds[at] === 'body' || kinds[at] === 'signature') kinds[at] = 'disclaimer';
      }
    }
    from = i + 1;
  }
}
