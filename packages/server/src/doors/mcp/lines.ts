const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Takes a stream of lines apart, piece by piece, as bytes and without their ends. */
export class LineReader {
  readonly #bytesMax: number;
  #parts: Buffer[] = [];
  #size = 0;

  /** @param bytesMax Longest line, in bytes. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The lines that this piece completes; `undefined` stands for one that is too long. */
  read(piece: Buffer): readonly (Buffer | undefined)[] {
    const lines: (Buffer | undefined)[] = [];
    let from = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, from)) {
      this.#hold(piece.subarray(from, end));
      from = end + 1;
      lines.push(this.#take());
    }
    this.#hold(piece.subarray(from));
    return lines;
  }

  /** Keeps a part of a line, unless the line is too long already; its length is counted all the same. */
  #hold(part: Buffer): void {
    this.#size += part.length;
    if (this.#size <= this.#bytesMax) this.#parts.push(part);
  }

  #take(): Buffer | undefined {
    const line = this.#size > this.#bytesMax ? undefined : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#size = 0;
    return line?.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
  }
}
