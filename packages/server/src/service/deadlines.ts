import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EntryType } from '@countersign/proof';
import type { LedgerReader, StoredEntry } from './ports.ts';

/** An entry whose time ends at an instant. */
interface Deadline {
  readonly entry: Pick<StoredEntry, 'seq' | 'scope' | 'decisionId'>;
  /** Unix milliseconds. */
  readonly at: number;
}

const READ_AT_ONCE = 256;
/** Deadlines held in memory; while there are so many, newer entries wait in the ledger. */
const HELD_MAX = 100_000;

/**
 * Deadlines of the entries of one type. They are read from the ledger as it grows and held in memory until they have
 * passed; a process that starts reads them again, so what is done about one must bear being done twice.
 */
export class Deadlines {
  readonly #reader: Pick<LedgerReader, 'readTypeFrom'>;
  readonly #type: EntryType;
  readonly #deadlineOf: (entry: StoredEntry) => number | undefined;
  readonly #held = new Map<number, Deadline>();
  #nextSeq = 0;

  constructor(
    reader: Pick<LedgerReader, 'readTypeFrom'>,
    type: EntryType,
    deadlineOf: (entry: StoredEntry) => number | undefined,
  ) {
    this.#reader = reader;
    this.#type = type;
    this.#deadlineOf = deadlineOf;
  }

  /** Hands over each deadline that has passed, until `handle` resolves for it. */
  async passed(now: number, handle: (deadline: Deadline) => Promise<void>): Promise<void> {
    for (;;) {
      const entries =
        this.#held.size < HELD_MAX
          ? await this.#reader.readTypeFrom(this.#type, this.#nextSeq, READ_AT_ONCE)
          : [];
      for (const entry of entries) {
        const { seq, scope, decisionId } = entry;
        const at = this.#deadlineOf(entry);
        if (at !== undefined) this.#held.set(seq, { entry: { seq, scope, decisionId }, at });
        this.#nextSeq = seq + 1;
      }
      for (const deadline of this.#held.values()) {
        if (deadline.at >= now) continue;
        await handle(deadline);
        this.#held.delete(deadline.entry.seq);
      }
      if (entries.length < READ_AT_ONCE) return;
      // Requests come first: a long ledger is caught up with in turns.
      await nextTurn();
    }
  }
}
