import { CODES } from './families.ts';
import type { Findings } from './findings.ts';
import { detectLanguage } from './language.ts';
import { findPhrases } from './lexical.ts';
import type { AccountLookup } from './lookup.ts';
import { asSubmitted } from './mapped-text.ts';
import type { Work } from './matcher.ts';
import {
  type Communication,
  type Document,
  HINT_ARRAYS,
  type Hint,
  type HintArray,
  type Severity,
} from './model.ts';
import { readText } from './normalize.ts';
import type { Ruleset } from './ruleset.ts';
import { tokenize } from './tokens.ts';
import { findValues } from './values.ts';

const WEIGHTS = { low: 'low', medium: 'medium', high: 'high' } as const satisfies Record<
  string,
  Severity
>;

const DEFAULT_CODE = {
  claims: 'claim.relied_on_inbound',
  asks: 'commitment.acceptance_requested',
  implied_asks: 'commitment.acceptance_requested',
  deadlines: 'deadline.dated',
  documents_referenced: 'opacity.document_unread',
  authority_signals: 'authority.claimed_mandate',
  pressure_signals: 'pressure.emotional',
  attribution_signals: 'attribution.inbound_claimed_words',
  possible_commitments: 'commitment.acceptance_requested',
} as const satisfies Record<HintArray, string>;

type HintObject = Exclude<Hint, string>;

/** What the caller has found itself. A hint adds; an empty array says nothing. */
export function findHints(
  communication: Communication,
  ruleset: Ruleset,
  lookup: AccountLookup | undefined,
  findings: Findings,
  work: Work,
): void {
  for (const array of HINT_ARRAYS) {
    for (const [i, item] of (communication[array] ?? []).entries()) {
      const pointer = `/${array}/${i}`;
      // References to documents are looked at with the documents.
      if (typeof item === 'object' && 'name' in item) continue;
      const hint: HintObject = typeof item === 'string' ? { text: item } : (item as HintObject);
      const { code, severity } = meaningOf(array, hint, communication);
      findings.add({
        code,
        pointer,
        span: null,
        segment: 'hint',
        direction: directionOf(code, communication),
        view: 'struct',
        source: 'caller_hint',
        severity,
        detector: 'hints',
      });
      analyseText(hint.text, typeof item === 'string' ? pointer : `${pointer}/text`);
    }
  }

  function analyseText(text: string, pointer: string): void {
    const submitted = asSubmitted(text);
    const texts = readText(submitted, {
      confusables: ruleset.confusables,
      words: ruleset.languages.known,
    });
    const tokens = tokenize(texts.plain.text);
    const language = detectLanguage(texts.plain.text, tokens, ruleset.languages);
    const reading = {
      kind: 'hint',
      pointer,
      direction: 'inbound',
      submitted,
      readings: texts,
      encoded: [],
      tokens,
      // A hint in a language that nobody reads here is still only a hint.
      language: { ...language, covered: true },
    } as const;
    const {
      lexicons,
      languages: { profiles },
    } = ruleset;
    findPhrases(
      reading,
      { lexicons, profiles, broadcast: false, source: 'caller_hint', work },
      findings,
    );
    findValues(reading, communication, lookup, findings, 'caller_hint');
  }
}

function meaningOf(
  array: HintArray,
  hint: HintObject,
  communication: Communication,
): { readonly code: string; readonly severity: Severity } {
  const weight = WEIGHTS[hint.weight ?? 'medium'];
  if (hint.kind !== undefined && CODES[hint.kind] !== undefined) {
    return { code: hint.kind, severity: weight };
  }
  switch (array) {
    case 'implied_asks':
      return hint.kind === 'negative_option'
        ? { code: 'commitment.negative_option', severity: weight }
        : { code: DEFAULT_CODE[array], severity: weight };
    case 'deadlines':
      return deadlineOf(hint, communication.sent_at);
    case 'pressure_signals':
      return weight === 'high'
        ? { code: 'deadline.extreme', severity: 'high' }
        : { code: DEFAULT_CODE[array], severity: weight };
    case 'possible_commitments':
      return communication.proposed_action.draft === undefined
        ? { code: DEFAULT_CODE[array], severity: weight }
        : { code: 'commitment.acceptance_made', severity: weight };
    case 'documents_referenced':
      return {
        code: DEFAULT_CODE[array],
        severity: isSupplied(hint, communication.documents) ? 'info' : 'low',
      };
    case 'claims':
    case 'asks':
    case 'authority_signals':
    case 'attribution_signals':
      return { code: DEFAULT_CODE[array], severity: weight };
  }
}

const HOUR_MS = 3_600_000;

function deadlineOf(
  hint: HintObject,
  sentAt: string | undefined,
): { readonly code: string; readonly severity: Severity } {
  const due = Date.parse(hint.due_at ?? '');
  const sent = Date.parse(sentAt ?? '');
  if (!Number.isFinite(due) || !Number.isFinite(sent)) {
    return { code: 'deadline.dated', severity: 'info' };
  }
  if (due - sent <= 4 * HOUR_MS) return { code: 'deadline.extreme', severity: 'high' };
  return due - sent <= 24 * HOUR_MS
    ? { code: 'deadline.same_day', severity: 'low' }
    : { code: 'deadline.dated', severity: 'info' };
}

function isSupplied(hint: HintObject, documents: readonly Document[] | undefined): boolean {
  return documents?.some(({ name, text }) => name === hint.text && text !== undefined) === true;
}

function directionOf(code: string, { proposed_action }: Communication): 'inbound' | 'outbound' {
  const row = CODES[code];
  if (row?.direction === 'outbound' && proposed_action.draft !== undefined) return 'outbound';
  return row?.direction === 'outbound' ? 'outbound' : 'inbound';
}
