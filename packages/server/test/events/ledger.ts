import type { LedgerTail } from '../../src/events/webhooks.ts';
import type { StoredEntry } from '../../src/service/ports.ts';
import { batchAt, type EntryMembers } from '../entries.ts';

export type { EntryMembers };

export function entryOf(seq: number, members: EntryMembers): StoredEntry {
  const [entry] = batchAt(seq, [members]).entries;
  if (entry === undefined) throw new Error('a batch of one has one entry');
  return entry;
}

/** Subjects that are full of what must not travel. */
export const EVENTFUL: readonly EntryMembers[] = [
  { entryType: 'review_opened', subject: '{"review_id":"rev_1","verdict":"review"}' },
  { entryType: 'review_resolved', subject: '{"resolution":"approve","verdict":"yes"}' },
  { entryType: 'review_resolved', subject: '{"resolution":"expired","verdict":"no"}' },
  { entryType: 'execution', subject: '{"action_binding_match":false,"decision_verdict":"no"}' },
  { entryType: 'policy_state', subject: '{"state":"active"}' },
  { entryType: 'policy_state', subject: '{"state":"suspended"}' },
  { entryType: 'key_event', subject: '{"kind":"rotated"}' },
];

/** A ledger in an array. */
export class ArrayLedger implements LedgerTail {
  readonly entries: StoredEntry[] = [];
  /** How often it was read. */
  reads = 0;

  append(...members: readonly EntryMembers[]): void {
    for (const one of members) this.entries.push(entryOf(this.entries.length, one));
  }

  async readEntriesFrom(seq: number, limit: number): Promise<readonly StoredEntry[]> {
    this.reads += 1;
    return this.entries.slice(seq, seq + limit);
  }
}
