import type { Draft } from './ledger-writer.ts';
import type { PlacedResult } from './placed.ts';

/** Most groups of drafts in one commit; nearly all groups are one draft. */
export const BATCH_ENTRIES_MAX = 256;
/** Drafts waiting before further ones are refused. */
export const QUEUE_ENTRIES_MAX = 8_192;

/** Writes a batch durably and answers in its order. */
export type WriteBatch = (drafts: readonly Draft[]) => Promise<readonly PlacedResult[]>;

interface Waiting {
  readonly drafts: readonly Draft[];
  readonly answer: (results: readonly PlacedResult[]) => void;
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
  async append(draft: Draft): Promise<PlacedResult> {
    const [result] = await this.appendTogether([draft]);
    return result ?? UNAVAILABLE;
  }

  /** The same for several drafts that become entries together or not at all. */
  appendTogether(drafts: readonly Draft[]): Promise<readonly PlacedResult[]> {
    if (this.#closed || this.#waiting.length >= QUEUE_ENTRIES_MAX) {
      return Promise.resolve(drafts.map(() => UNAVAILABLE));
    }
    return new Promise((answer) => {
      this.#waiting.push({ drafts, answer });
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
        results = await this.#write(batch.flatMap(grouped));
      } catch {
        results = [];
      }
      let place = 0;
      for (const { drafts, answer } of batch) {
        answer(drafts.map((_, at) => results[place + at] ?? UNAVAILABLE));
        place += drafts.length;
      }
    }
    this.#writing = false;
    for (const done of this.#idle.splice(0)) done();
  }
}

function grouped({ drafts }: Waiting, group: number): readonly Draft[] {
  return drafts.length === 1 ? drafts : drafts.map((draft) => ({ ...draft, group }));
}
