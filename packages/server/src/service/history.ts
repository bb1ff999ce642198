import { type EntryType, parseJson } from '@countersign/proof';
import type { LedgerReader, StoredEntry } from './ports.ts';

/** A stored artefact: its entry and its parsed subject. */
export interface Kept {
  readonly entry: StoredEntry;
  readonly subject: Readonly<Record<string, unknown>>;
}

/** All that the ledger holds of one decision, in ledger order. */
export interface History {
  readonly record: Kept;
  readonly executions: readonly Kept[];
  readonly outcomes: readonly Kept[];
  /** Entries of the decision, of whatever kind. */
  readonly size: number;
}

export type LifecycleState =
  | 'authorized'
  | 'blocked'
  | 'in_review'
  | 'executed'
  | 'not_executed'
  | 'reverted'
  | 'mismatch'
  | 'expired'
  | 'closed';

/** Reads a decision of this tenant; `undefined` for an unknown id and for somebody else's alike. */
export async function readHistory(
  reader: LedgerReader,
  scope: string,
  decisionId: string,
  asOf: number = Number.MAX_SAFE_INTEGER,
): Promise<History | undefined> {
  const entries = (await reader.readDecision(scope, decisionId)).filter(({ seq }) => seq < asOf);
  const kept = entries.map((entry): Kept => ({ entry, subject: subjectOf(entry) }));
  const of = (type: EntryType): Kept[] => kept.filter((one) => one.entry.entryType === type);
  const [record] = of('decision');
  if (record === undefined) return undefined;
  return { record, executions: of('execution'), outcomes: of('outcome'), size: entries.length };
}

export function subjectOf(entry: StoredEntry): Readonly<Record<string, unknown>> {
  return JSON.parse(entry.subject) as Record<string, unknown>;
}

/** Nesting of a stored input; intake allowed less. */
const INPUT_DEPTH_MAX = 64;

/**
 * The stored input of an entry. Its member names are the caller's, so it goes through the strict parser: some
 * engines' `JSON.parse` remembers escaped names across documents and returns one in place of another.
 */
export async function readInputValue(reader: LedgerReader, seq: number): Promise<unknown> {
  const text = await reader.readInput(seq);
  if (text === undefined) return undefined;
  const parsed = parseJson(text, { depthMax: INPUT_DEPTH_MAX });
  if (!parsed.ok) throw new Error('a stored input is not strict JSON');
  return parsed.value;
}

/** Receipts of this decision that are bound to it and say `executed`. */
export function boundExecutions(history: History): readonly Kept[] {
  return history.executions.filter(
    ({ subject }) =>
      subject['execution_status'] === 'executed' && subject['action_binding_match'] === true,
  );
}

const TERMINAL: ReadonlySet<unknown> = new Set(['succeeded', 'failed', 'reverted']);

export function isTerminal(outcome: Kept): boolean {
  return TERMINAL.has(outcome.subject['outcome_status']);
}

/** Where a decision stands: a fold of its entries and the time. Never stored. */
export function lifecycleState(history: History, now: number): LifecycleState {
  const { record, executions, outcomes } = history;
  if (executions.some(({ subject }) => subject['action_binding_match'] !== true)) return 'mismatch';
  const lastOutcome = outcomes.at(-1);
  if (lastOutcome !== undefined && isTerminal(lastOutcome)) return 'closed';
  if (executions.some(({ subject }) => subject['execution_status'] === 'reverted')) {
    return 'reverted';
  }
  if (boundExecutions(history).length > 0) return 'executed';
  const verdict = record.subject['verdict'];
  if (verdict === 'no') return 'blocked';
  if (verdict === 'review') return 'in_review';
  if (now > Date.parse(String(record.subject['valid_until']))) return 'expired';
  return executions.length > 0 ? 'not_executed' : 'authorized';
}
