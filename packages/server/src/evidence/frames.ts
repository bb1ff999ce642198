/** One frame, or why there is none; after a fault the stream says nothing that can be trusted. */
export type Frame =
  | { readonly ok: true; readonly text: string }
  | {
      readonly ok: false;
      readonly fault:
        | 'missing content length header'
        | 'invalid content length'
        | 'mcp response too large'
        | 'mcp read failed';
    };

const HEADER_BYTES_MAX = 8_192;
const END_OF_HEADERS = /\r?\n\r?\n/;

/** Cuts a stream into frames that name their length in a `Content-Length` header. */
export class FrameReader {
  readonly #bytesMax: number;
  #buffer: Buffer = Buffer.alloc(0);
  /** What came after the buffer and does not complete a frame: a large body is put together once. */
  #later: Uint8Array[] = [];
  /** How many bytes the frame under way needs beyond the buffer; 0 while that is not known. */
  #missing = 0;
  #broken = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Whether the bytes so far end within a frame. */
  get isWithin(): boolean {
    return this.#buffer.length > 0;
  }

  /** Adds bytes; gives the frames that they complete. */
  push(chunk: Uint8Array): readonly Frame[] {
    const frames: Frame[] = [];
    if (this.#broken) return frames;
    this.#later.push(chunk);
    this.#missing -= chunk.length;
    if (this.#missing > 0) return frames;
    this.#buffer = Buffer.concat([this.#buffer, ...this.#later]);
    this.#later = [];
    this.#missing = 0;
    for (;;) {
      const frame = this.#next();
      if (frame === undefined) return frames;
      frames.push(frame);
      if (!frame.ok) {
        this.#broken = true;
        return frames;
      }
    }
  }

  #next(): Frame | undefined {
    const head = this.#buffer.subarray(0, HEADER_BYTES_MAX).toString('latin1');
    const end = END_OF_HEADERS.exec(head);
    if (end === null) {
      return this.#buffer.length > HEADER_BYTES_MAX
        ? { ok: false, fault: 'missing content length header' }
        : undefined;
    }
    const line = head
      .slice(0, end.index)
      .split(/\r?\n/)
      .find((one) => one.startsWith('Content-Length:'));
    if (line === undefined) return { ok: false, fault: 'missing content length header' };
    const length = line.slice('Content-Length:'.length).trim();
    if (!/^\d{1,12}$/.test(length)) return { ok: false, fault: 'invalid content length' };
    if (Number(length) > this.#bytesMax) return { ok: false, fault: 'mcp response too large' };
    const from = end.index + end[0].length;
    const to = from + Number(length);
    if (this.#buffer.length < to) {
      this.#missing = to - this.#buffer.length;
      return undefined;
    }
    const body = this.#buffer.subarray(from, to);
    this.#buffer = this.#buffer.subarray(to);
    try {
      return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(body) };
    } catch {
      return { ok: false, fault: 'mcp read failed' };
    }
  }
}
