import type { Lexicon } from './lexicon.ts';
import { findMatches, type Matcher, type Work } from './matcher.ts';
import type { Family, Polarity, Severity } from './model.ts';
import { SEVERITIES } from './model.ts';
import { BREAK, type Tokens } from './tokens.ts';

/** How far a negation reaches, in words. */
const NEGATION_WORDS = 8;
/** Longest clause that is looked through: a text without punctuation must not be read again for every find. */
const CLAUSE_WORDS = 40;

/** The words of a text that turn statements around, computed once per text. */
export interface Turns {
  /** By word: a negation that ends right before it, a condition, a report. */
  readonly negations: Uint8Array;
  readonly conditions: Uint8Array;
  readonly reports: Uint8Array;
  readonly auxiliaries: ReadonlySet<string>;
}

export function readTurns(lexicon: Lexicon, tokens: Tokens, work: Work): Turns {
  const mark = (matcher: Matcher<true>): Uint8Array => {
    const marks = new Uint8Array(tokens.words.length + 1);
    for (const { from, to } of findMatches(matcher, tokens, work)) {
      for (let i = from; i < to; i += 1) marks[i] = i === to - 1 ? 1 : 2;
    }
    return marks;
  };
  const negations = mark(lexicon.negators);
  for (const { from, to } of findMatches(lexicon.pseudoNegators, tokens, work)) {
    negations.fill(0, from, to);
  }
  return {
    negations,
    conditions: mark(lexicon.conditionals),
    reports: mark(lexicon.reporters),
    auxiliaries: lexicon.auxiliaries,
  };
}

/** How the words `from` to `to` are meant, by what stands before them in their clause, or right behind them. */
export function polarityOf(tokens: Tokens, turns: Turns, from: number, to: number): Polarity {
  let negations = 0;
  let conditional = false;
  let reported = false;
  const begin = clauseStart(tokens, from);
  for (let i = from - 1; i >= begin; i -= 1) {
    if (turns.negations[i] === 1 && from - i <= NEGATION_WORDS) negations += 1;
    if (turns.conditions[i] === 1) conditional = true;
    if (turns.reports[i] === 1) reported = true;
  }
  // "confirms nothing": the negation follows its verb at once.
  if (turns.negations[to] === 1 && tokens.breaks[to] === BREAK.none) negations += 1;
  if (negatedWithin(tokens, turns, from, to)) negations += 1;
  if (!conditional) conditional = conditionBefore(tokens, turns, from);
  if (negations % 2 === 1) return 'negated';
  if (conditional) return 'conditional';
  return reported ? 'reported' : 'asserted';
}

/**
 * "We do not accept", "our details have not changed": the negation stands between who speaks and the verb, or right
 * before the last word. Elsewhere inside a find it may say anything, as in "we will deliver with no delay by Friday".
 */
function negatedWithin(
  tokens: Tokens,
  { negations, auxiliaries }: Turns,
  from: number,
  to: number,
): boolean {
  for (let i = from + 1; i < to && i <= from + 3; i += 1) {
    if (tokens.breaks[i] !== BREAK.none) return false;
    if (negations[i] === 1) return true;
    if (negations[i] === 0 && !auxiliaries.has(tokens.words[i] ?? '')) break;
  }
  for (let i = Math.max(from + 1, to - 3); i < to - 1; i += 1) {
    if (negations[i] === 1) return true;
  }
  return false;
}

/** First word of the clause of a word, or one that is far enough before it. */
function clauseStart(tokens: Tokens, at: number): number {
  const furthest = Math.max(0, at - CLAUSE_WORDS);
  let begin = at;
  while (begin > furthest && tokens.breaks[begin] === BREAK.none) begin -= 1;
  return begin;
}

/** "If you agree, we will …": the condition stands in the clause before, in the same sentence. */
function conditionBefore(tokens: Tokens, turns: Turns, at: number): boolean {
  const sentence = tokens.sentences[at];
  const first = clauseStart(tokens, at);
  if (first === 0 || tokens.sentences[first - 1] !== sentence) return false;
  for (let i = clauseStart(tokens, first - 1); i < first; i += 1) {
    if (turns.conditions[i] === 1) return true;
  }
  return false;
}

/** Families whose statements, when negated, say that nothing is promised. */
const RELEASED: ReadonlySet<Family> = new Set(['F04', 'F05', 'F07', 'F10', 'F14']);
const RELEASED_REPORT: ReadonlySet<Family> = new Set(['F04', 'F05', 'F07', 'F10']);

/** How grave a finding is, given how it is meant. */
export function severityOf(
  family: Family,
  code: string,
  severity: Severity,
  polarity: Polarity,
  outbound: boolean,
): Severity {
  switch (polarity) {
    case 'asserted':
    case 'quoted':
      return severity;
    case 'negated':
      if (RELEASED.has(family) || code === 'signature.draft_signed') return 'info';
      return atLeast(lower(severity), 'low', severity);
    case 'conditional':
      return outbound && family === 'F04' ? atLeast(lower(severity), 'medium', severity) : severity;
    case 'reported':
      return RELEASED_REPORT.has(family) ? lower(severity) : severity;
  }
}

export function rankOf(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}

export function lower(severity: Severity): Severity {
  return SEVERITIES[Math.max(0, rankOf(severity) - 1)] ?? 'info';
}

export function raise(severity: Severity): Severity {
  return SEVERITIES[Math.min(SEVERITIES.length - 1, rankOf(severity) + 1)] ?? 'critical';
}

/** The lowered severity, but not below `floor` unless it was there before. */
function atLeast(lowered: Severity, floor: Severity, before: Severity): Severity {
  if (rankOf(before) < rankOf(floor)) return before;
  return rankOf(lowered) < rankOf(floor) ? floor : lowered;
}
