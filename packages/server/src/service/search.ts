import { setImmediate } from 'node:timers/promises';
import { type History, type LifecycleState, lifecycleState, readHistories } from './history.ts';
import type { HandleKind, LedgerReader, StoredEntry } from './ports.ts';

/** What decisions can be found by. */
export const SELECTORS = [
  'request_id',
  'decision_id',
  'record_hash',
  'receipt_hash',
  'source_record_id',
  'external_ref',
] as const satisfies readonly (HandleKind | 'decision_id')[];
export type Selector = (typeof SELECTORS)[number];

export interface Asked {
  readonly selector: Selector;
  readonly value: string;
  /** Unix milliseconds; decisions made at or after the first and at or before the second. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly limit: number;
}

/** A decision that was found: handles and states, nothing of what was decided about. */
export interface Found {
  readonly decision_id: string;
  readonly request_id: string;
  readonly record_hash: string;
  readonly receipt_hash: string;
  readonly verify_url: string;
  readonly replay_url: string;
  readonly policy_id: string;
  readonly policy_version: string;
  /** Absent where nothing was decided. */
  readonly verdict?: string;
  readonly lifecycle_state: LifecycleState;
  readonly created_at: string;
  /** What the decision is about: its source record, or what stood in for it. */
  readonly resource?: string;
}

/** Entries read at once. */
const PAGE_ENTRIES = 200;
/** Decisions read at once. */
const DECISIONS_AT_ONCE = 16;
/** Entries looked at for one search; what lies behind them is found with `from` and `to` or another handle. */
const SCANNED_ENTRIES_MAX = 2_000;

/** Finds decisions of a tenant by one handle, newest first. */
export async function search(
  reader: LedgerReader,
  scope: string,
  asked: Asked,
  now: number,
): Promise<readonly Found[]> {
  const found: Found[] = [];
  const seen = new Set<string>();
  for await (const page of namedBy(reader, scope, asked)) {
    const ids = [...new Set(page)].filter((id) => !seen.has(id));
    for (const id of ids) seen.add(id);
    for (let at = 0; at < ids.length; at += DECISIONS_AT_ONCE) {
      for (const history of await readHistories(
        reader,
        scope,
        ids.slice(at, at + DECISIONS_AT_ONCE),
      )) {
        if (history === undefined || !isWithin(history, asked)) continue;
        found.push(foundOf(history, now));
        if (found.length === asked.limit) return found;
      }
      // The store answers in this thread: whoever waits for a verdict has a turn.
      await setImmediate();
    }
  }
  return found;
}

/** Ids of the decisions that a handle names; of one that was reported about more than once, more than once. */
async function* namedBy(
  reader: LedgerReader,
  scope: string,
  { selector, value, from }: Asked,
): AsyncGenerator<readonly string[]> {
  if (selector === 'decision_id') {
    yield [value];
    return;
  }
  let before: number | undefined;
  for (let scanned = 0; scanned < SCANNED_ENTRIES_MAX; scanned += PAGE_ENTRIES) {
    const handle = { kind: selector, value };
    const page: readonly StoredEntry[] = await reader.readByHandle(
      scope,
      handle,
      PAGE_ENTRIES,
      before,
    );
    // Nothing about a decision is older than the decision, and all that follows is older than this.
    const old = page.findIndex(
      ({ createdAt }) => from !== undefined && Date.parse(createdAt) < from,
    );
    yield (old === -1 ? page : page.slice(0, old)).map(({ decisionId }) => decisionId);
    if (old !== -1 || page.length < PAGE_ENTRIES) return;
    before = page.at(-1)?.seq;
  }
}

function isWithin({ record }: History, { from, to }: Asked): boolean {
  const made = Date.parse(record.entry.createdAt);
  return (from === undefined || made >= from) && (to === undefined || made <= to);
}

function foundOf(history: History, now: number): Found {
  const { subject, entry } = history.record;
  const text = (name: string): string => String(subject[name]);
  const binding = subject['action_binding'] as { readonly resource?: unknown } | undefined;
  return {
    decision_id: text('decision_id'),
    request_id: text('request_id'),
    record_hash: text('record_hash'),
    receipt_hash: text('receipt_hash'),
    verify_url: text('verify_url'),
    replay_url: text('replay_url'),
    policy_id: text('policy_id'),
    policy_version: text('policy_version'),
    ...(subject['verdict'] === undefined ? {} : { verdict: text('verdict') }),
    lifecycle_state: lifecycleState(history, now),
    created_at: entry.createdAt,
    ...(typeof binding?.resource === 'string' ? { resource: binding.resource } : {}),
  };
}
