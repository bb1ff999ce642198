import type { Readable, Writable } from 'node:stream';

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** Longest message, in bytes. */
export const LINE_BYTES_MAX = 16 * 1024 * 1024;

/** Lines of a stream as bytes, without their ends; `undefined` stands for one that is too long. */
export async function* linesOf(input: Readable): AsyncGenerator<Buffer | undefined> {
  let parts: Buffer[] = [];
  let size = 0;
  const take = (): Buffer | undefined => {
    const line = size > LINE_BYTES_MAX ? undefined : Buffer.concat(parts);
    parts = [];
    size = 0;
    return line?.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
  };
  const hold = (part: Buffer): void => {
    size += part.length;
    if (size <= LINE_BYTES_MAX) parts.push(part);
  };
  for await (const chunk of input as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      hold(chunk.subarray(from, end));
      from = end + 1;
      yield take();
    }
    hold(chunk.subarray(from));
  }
  // What follows the last line end is half a message, and nobody's.
}

/** Writes a line; resolves once the stream has taken it, so that a slow reader slows whoever writes. */
export function writeLine(output: Writable, line: Buffer | string): Promise<void> {
  return new Promise((resolve, reject) => {
    const bytes = typeof line === 'string' ? Buffer.from(line) : line;
    output.write(Buffer.concat([bytes, Buffer.of(NEWLINE)]), (error) =>
      error ? reject(error) : resolve(),
    );
  });
}
