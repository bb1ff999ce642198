/** Lets a few at a time through; the others wait in line. */
export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** Waits for a turn, at most this long; says whether there is one. Who has one gives it back. */
  take(timeoutMs: number): Promise<boolean> {
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve(true);
    }
    return new Promise((answer) => {
      const begin = (): void => {
        clearTimeout(timer);
        answer(true);
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(begin), 1);
        answer(false);
      }, timeoutMs);
      this.#waiting.push(begin);
    });
  }

  /** The turn goes to whoever has waited longest. */
  giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
