import type { Readable, Writable } from 'node:stream';
import type { Rpc, RpcArrival, RpcBody } from './arrival.ts';

export interface StdioStreams {
  readonly input: Readable;
  readonly output: Writable;
}

/** The stream no longer tells where messages begin, so nothing after this can be answered. */
export class StdioError extends Error {}

/** How an answer is told apart from the next: by its length, or by the end of its line. */
type Framing = 'length' | 'line';

interface Message {
  readonly framing: Framing;
  readonly body: RpcBody;
}

const ARRIVAL: RpcArrival = { transport: 'stdio', peerIp: null, headers: {} };

/**
 * Serves the scenario door on a pair of streams, one request at a time and in order, until the input ends or nobody
 * takes the answers. Messages come with a `Content-Length` header or, told apart by their first character, one a line;
 * each is answered as it came.
 *
 * @throws {StdioError} when a header says nothing that can be followed.
 */
export async function serveStdio(
  rpc: Rpc,
  { input, output }: StdioStreams,
  maxBodyBytes: number,
): Promise<void> {
  let taken = true;
  output.on('error', () => {
    taken = false;
  });
  for await (const { framing, body } of messages(input, maxBodyBytes)) {
    const { text } = await rpc(body, ARRIVAL);
    await write(output, framed(framing, text));
    if (!taken) return;
  }
}

function framed(framing: Framing, text: string): string {
  return framing === 'line'
    ? `${text}\n`
    : `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** Resolves once the text is taken, or never will be, which the stream's `error` says. */
function write(output: Writable, text: string): Promise<void> {
  return new Promise((resolve) => {
    output.write(text, () => setImmediate(resolve));
  });
}

async function* messages(input: Readable, maxBodyBytes: number): AsyncGenerator<Message> {
  const bytes = new Incoming(input);
  for (;;) {
    const first = await bytes.peek();
    if (first === undefined) return;
    if (first === NEWLINE || first === CARRIAGE_RETURN) {
      await bytes.take(1);
      continue;
    }
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
      yield { framing: 'line', body: (await bytes.line(maxBodyBytes)) ?? 'too_large' };
      continue;
    }
    const length = await readHeader(bytes);
    if (length === undefined) return;
    if (length > maxBodyBytes) {
      await bytes.skip(length);
      yield { framing: 'length', body: 'too_large' };
      continue;
    }
    const body = await bytes.take(length);
    // Whoever stopped in the middle of a message does not wait for its answer.
    if (body === undefined) return;
    yield { framing: 'length', body };
  }
}

/** Longest line of a header, in bytes. */
const HEADER_BYTES_MAX = 8_192;
const NAME = 'Content-Length:';

/** Reads the header lines up to the empty one; `undefined` when the input ends before it. */
async function readHeader(bytes: Incoming): Promise<number | undefined> {
  let length: number | undefined;
  for (;;) {
    const line = await bytes.line(HEADER_BYTES_MAX);
    if (line === undefined) throw new StdioError('missing content length');
    if (bytes.ended) return undefined;
    const text = line.toString('latin1').replace(/\r$/, '');
    if (text === '') {
      if (length === undefined) throw new StdioError('missing content length');
      return length;
    }
    if (!text.startsWith(NAME)) continue;
    const value = text.slice(NAME.length).trim();
    length = Number(value);
    if (!/^\d+$/.test(value) || !Number.isSafeInteger(length)) {
      throw new StdioError('invalid content length');
    }
  }
}

/** Bytes of a stream, taken in the pieces that a reader asks for. */
class Incoming {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);
  /** Whether the input ended before what was asked for last. */
  ended = false;

  constructor(input: Readable) {
    this.#chunks = input[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** The next byte, left where it is; `undefined`: the input has ended. */
  async peek(): Promise<number | undefined> {
    while (this.#held.length === 0) {
      if (!(await this.#more())) return undefined;
    }
    return this.#held[0];
  }

  async take(length: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#held.length === 0 && !(await this.#more())) return undefined;
      const part = this.#held.subarray(0, missing);
      parts.push(part);
      missing -= part.length;
      this.#held = this.#held.subarray(part.length);
    }
    return Buffer.concat(parts);
  }

  async skip(length: number): Promise<void> {
    for (let missing = length; missing > 0; ) {
      if (this.#held.length === 0 && !(await this.#more())) return;
      const skipped = Math.min(missing, this.#held.length);
      missing -= skipped;
      this.#held = this.#held.subarray(skipped);
    }
  }

  /** Up to the next line end, which is passed, or to the end of the input; `undefined`: longer than `bytesMax`. */
  async line(bytesMax: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    let size = 0;
    for (;;) {
      const end = this.#held.indexOf(NEWLINE);
      const part = end < 0 ? this.#held : this.#held.subarray(0, end);
      this.#held = end < 0 ? this.#held.subarray(part.length) : this.#held.subarray(end + 1);
      size += part.length;
      if (size <= bytesMax) parts.push(part);
      if (end >= 0 || !(await this.#more())) break;
    }
    return size <= bytesMax ? Buffer.concat(parts) : undefined;
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done === true) this.ended = true;
    else this.#held = next.value;
    return next.done !== true;
  }
}

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
