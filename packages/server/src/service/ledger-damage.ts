/** The ledger does not hold together. Nothing may be answered from it or appended to it. */
export class LedgerDamage extends Error {
  /** First entry that does not hold, where that is known. */
  readonly seq: number | undefined;

  constructor(what: string, seq?: number) {
    super(seq === undefined ? what : `entry ${seq}: ${what}`);
    this.seq = seq;
  }
}
