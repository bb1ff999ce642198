import type { Draft } from './ledger-writer.ts';
import type { PlacedResult } from './placed.ts';

/** Most drafts in one commit. */
export const BATCH_ENTRIES_MAX = 256;
/** Drafts waiting before further ones are refused. */
export const QUEUE_ENTRIES_MAX = 8_192;

/** Writes a batch durably and answers in its order. */
export type WriteBatch = (drafts: readonly Draft[]) => Promise<readonly PlacedResult[]>;

interface Waiting {
  readonly draft: Draft;
  readonly answer: (result: PlacedResult) => void;
}

const UNAVAILABLE: PlacedResult = { ok: false, fault: 'unavailable' };

/**
 * Group commit without a timer: while one batch is being written, the next one fills. One fsync and one checkpoint
 * signature pay for all decisions of a batch.
 */
export class Sequencer {
  readonly #write: WriteBatch;
  #waiting: Waiting[] = [];
  #writing = false;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(write: WriteBatch) {
    this.#write = write;
  }

  /** Resolves after the draft is on disk, or with the reason why it is not. Never rejects. */
  append(draft: Draft): Promise<PlacedResult> {
    if (this.#closed || this.#waiting.length >= QUEUE_ENTRIES_MAX) {
      return Promise.resolve(UNAVAILABLE);
    }
    return new Promise((answer) => {
      this.#waiting.push({ draft, answer });
      if (!this.#writing) {
        this.#writing = true;
        // One turn of the event loop lets the other requests of this turn join the batch.
        setImmediate(() => void this.#drain());
      }
    });
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Refuses new drafts; resolves once those that wait are answered. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#writing) await new Promise<void>((done) => this.#idle.push(done));
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_ENTRIES_MAX);
      let results: readonly PlacedResult[];
      try {
        results = await this.#write(batch.map((one) => one.draft));
      } catch {
        results = [];
      }
      for (const [at, { answer }] of batch.entries()) answer(results[at] ?? UNAVAILABLE);
    }
    this.#writing = false;
    for (const done of this.#idle.splice(0)) done();
  }
}
