/** How long an answer waits for its receipt. After that it goes on, and the receipt follows. */
const RECEIPT_WAIT_MS = 2_000;

/** Reports that are being sent. */
export class Receipts {
  readonly #open = new Set<Promise<void>>();

  /** Waits for a report, but not for ever. */
  async wait(report: Promise<void>): Promise<void> {
    const tracked = report.finally(() => this.#open.delete(tracked));
    this.#open.add(tracked);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, RECEIPT_WAIT_MS);
    });
    await Promise.race([tracked, late]);
    clearTimeout(timer);
  }

  /** Resolves once every report was sent. */
  async settled(): Promise<void> {
    await Promise.all(this.#open);
  }
}
