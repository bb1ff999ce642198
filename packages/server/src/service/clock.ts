/** How far this server's clock may be behind its own ledger, in milliseconds. */
export const CLOCK_BEHIND_MAX_MS = 2_000;

/** The wall clock, and whether to trust it: a clock behind the newest entry would back-date decisions. */
export class TrustedClock {
  readonly #now: () => number;
  #newest: number;

  constructor(now: () => number, newestEntryAt: number) {
    this.#now = now;
    this.#newest = newestEntryAt;
  }

  readonly now = (): number => this.#now();

  /** Takes note of the time of an entry that was just written. */
  passed(at: number): void {
    if (at > this.#newest) this.#newest = at;
  }

  get trusted(): boolean {
    return this.#now() >= this.#newest - CLOCK_BEHIND_MAX_MS;
  }
}
