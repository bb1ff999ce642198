import { type EntryType, isHeldBy, isMembers, parseJson } from '@countersign/proof';
import { LedgerDamage } from './ledger-damage.ts';
import type { LedgerReader, StoredEntry } from './ports.ts';

/** A stored artefact: its entry and its parsed subject. */
export interface Kept {
  readonly entry: StoredEntry;
  readonly subject: Readonly<Record<string, unknown>>;
}

/** All that the ledger holds of one decision, in ledger order. */
export interface History {
  /** The Decision Record, or what stands in its place in mode `multi`. */
  readonly record: Kept;
  readonly claims: readonly Kept[];
  readonly executions: readonly Kept[];
  readonly outcomes: readonly Kept[];
  readonly crmSyncs: readonly Kept[];
  /** Review items that were opened, and what became of them. */
  readonly reviewsOpened: readonly Kept[];
  readonly reviewsResolved: readonly Kept[];
  /** Whether its input is erased, or about to be. */
  readonly erased: boolean;
  /** Entries of the decision, of whatever kind. */
  readonly size: number;
}

export type LifecycleState =
  | 'authorized'
  | 'blocked'
  | 'in_review'
  | 'superseded'
  | 'claimed'
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
  return wholeHistory(await reader.readDecision(scope, decisionId), asOf);
}

/** The same for several decisions at once, in the order asked for. */
export async function readHistories(
  reader: LedgerReader,
  scope: string,
  decisionIds: readonly string[],
  asOf: number = Number.MAX_SAFE_INTEGER,
): Promise<readonly (History | undefined)[]> {
  const found = await reader.readDecisions(scope, decisionIds);
  return found.map((entries) => wholeHistory(entries, asOf));
}

function wholeHistory(stored: readonly StoredEntry[], asOf: number): History | undefined {
  const entries = stored.filter(({ seq }) => seq < asOf);
  const history = historyOf(entries);
  if (history === undefined && entries.length > 0) {
    throw new LedgerDamage('the record before it is missing', entries[0]?.seq);
  }
  return history;
}

/** The same from entries that are at hand; `undefined` without a record among them. */
export function historyOf(entries: readonly StoredEntry[]): History | undefined {
  const kept = entries.map((entry): Kept => ({ entry, subject: subjectOf(entry) }));
  const of = (...types: readonly EntryType[]): Kept[] =>
    kept.filter((one) => types.includes(one.entry.entryType));
  const [record] = of('decision', 'advisory');
  if (record === undefined) return undefined;
  return {
    record,
    claims: of('claim'),
    executions: of('execution'),
    outcomes: of('outcome'),
    crmSyncs: of('crm_sync'),
    reviewsOpened: of('review_opened'),
    reviewsResolved: of('review_resolved'),
    erased: of('erasure').length > 0,
    size: entries.length,
  };
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

/** Whether a record only advises: nothing may be done under it. */
export function isAdvisory({ record }: History): boolean {
  const contract = record.subject['decision_contract'];
  return !isMembers(contract) || contract['production_verdict'] !== true;
}

/** Receipts of this decision that are bound to it and say `executed`. */
export function boundExecutions(history: History): readonly Kept[] {
  return history.executions.filter(
    ({ subject }) =>
      subject['execution_status'] === 'executed' && subject['action_binding_match'] === true,
  );
}

export const TERMINAL: ReadonlySet<unknown> = new Set(['succeeded', 'failed', 'reverted']);

export function isTerminal(outcome: Kept): boolean {
  return TERMINAL.has(outcome.subject['outcome_status']);
}

/** The claim that nobody else may pass at an instant. A receipt of its executor that names it ends it, no other does. */
export function liveClaim(history: History, now: number): Kept | undefined {
  const claim = history.claims.at(-1);
  if (claim === undefined || now > instantOf(claim, 'claim_expires_at')) return undefined;
  return isSpent(history, claim) ? undefined : claim;
}

/** Whether its own executor has said what came of a claim. */
export function isSpent(history: History, { subject: claim }: Kept): boolean {
  return history.executions.some(
    ({ subject: receipt }) =>
      receipt['claim_id'] === claim['claim_id'] && isHeldBy(claim, receipt['executor']),
  );
}

/** The record that carries this decision on: the last resolution that settled it. */
export function supersededBy(history: History): string | undefined {
  const settled = history.reviewsResolved.findLast(
    ({ subject }) => subject['resolved_verdict'] === 'yes' || subject['resolved_verdict'] === 'no',
  );
  const id = settled?.subject['resolved_decision_id'];
  return typeof id === 'string' ? id : undefined;
}

/** Review items of a decision that nobody has settled, whether or not their time has passed. */
export function unsettledReviews(history: History): readonly Kept[] {
  const settled = new Set(
    history.reviewsResolved
      .filter(({ subject }) => subject['settled'] === true)
      .map(({ subject }) => subject['review_id']),
  );
  return history.reviewsOpened.filter(({ subject }) => !settled.has(subject['review_id']));
}

/** Where a decision stands: a fold of its entries and the time. Never stored. */
export function lifecycleState(history: History, now: number): LifecycleState {
  const { record, executions, outcomes } = history;
  if (executions.some(({ subject }) => subject['action_binding_match'] !== true)) {
    const open = unsettledReviews(history).some(({ subject }) => subject['kind'] === 'mismatch');
    return open ? 'mismatch' : 'closed';
  }
  const lastOutcome = outcomes.at(-1);
  if (lastOutcome !== undefined && isTerminal(lastOutcome)) return 'closed';
  if (executions.some(({ subject }) => subject['execution_status'] === 'reverted')) {
    return 'reverted';
  }
  if (boundExecutions(history).length > 0) return 'executed';
  if (supersededBy(history) !== undefined) return 'superseded';
  const verdict = record.subject['verdict'];
  if (verdict === 'no') return 'blocked';
  if (verdict !== 'yes' || isAdvisory(history)) {
    return now > reviewDue(history) ? 'expired' : 'in_review';
  }
  if (now > instantOf(record, 'valid_until')) return 'expired';
  if (liveClaim(history, now) !== undefined) return 'claimed';
  return executions.length > 0 ? 'not_executed' : 'authorized';
}

/** Until when an owner may speak, in Unix milliseconds. */
function reviewDue(history: History): number {
  const { record, reviewsOpened } = history;
  const item = reviewsOpened.find(({ subject }) => subject['kind'] === 'decision');
  if (item !== undefined) {
    // What another process has noted as over is over, also by a clock that is behind that one's.
    return unsettledReviews(history).includes(item)
      ? instantOf(item, 'due_at')
      : Number.NEGATIVE_INFINITY;
  }
  // A record that carries another one on and is undecided still has no item of its own; its route says the time.
  const { route } = record.subject;
  const due = isMembers(route) ? route['due_at'] : undefined;
  return typeof due === 'string' ? Date.parse(due) : Number.POSITIVE_INFINITY;
}

function instantOf({ subject }: Kept, member: string): number {
  return Date.parse(String(subject[member]));
}
