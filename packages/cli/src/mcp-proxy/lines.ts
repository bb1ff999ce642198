import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { LineReader } from '@countersign/server';

/** Longest message, in bytes. */
export const LINE_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Lines of a stream as bytes, without their ends; `undefined` stands for one that is too long. What follows the last
 * line end is half a message, and nobody's.
 */
export async function* linesOf(input: Readable): AsyncGenerator<Buffer | undefined> {
  const lines = new LineReader(LINE_BYTES_MAX);
  for await (const chunk of input as AsyncIterable<Buffer>) yield* lines.read(chunk);
}

/** Writes a line; resolves once the stream has taken it, so that a slow reader slows whoever writes. */
export function writeLine(output: Writable, line: Buffer | string): Promise<void> {
  return new Promise((resolve, reject) => {
    const bytes = typeof line === 'string' ? Buffer.from(line) : line;
    output.write(Buffer.concat([bytes, NEWLINE]), (error) => (error ? reject(error) : resolve()));
  });
}

/** Resolves once more can be written without piling up, once the stream is broken, or at the signal. */
export async function drained(output: Writable, signal?: AbortSignal): Promise<void> {
  await once(output, 'drain', { signal }).catch(() => undefined);
}

const NEWLINE = Buffer.of(0x0a);
