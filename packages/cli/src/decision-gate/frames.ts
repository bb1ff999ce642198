import type { Readable, Writable } from 'node:stream';

/** Largest frame that is read, in bytes. */
const FRAME_BYTES_MAX = 67_108_864;

/** Longest run of header lines, in bytes. */
const HEADER_BYTES_MAX = 8_192;

const HEADER_END = Buffer.from('\r\n\r\n');

/** A stream that is not made of frames, or ended within one. */
export class FrameError extends Error {}

export function frameOf(body: string): string {
  return `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Writes a frame; resolves once it is handed over. */
export function writeFrame(stream: Writable, body: string): Promise<void> {
  return new Promise((done, fail) => {
    stream.write(frameOf(body), (error) => (error ? fail(error) : done()));
  });
}

/** Reads bodies of `Content-Length` frames. The iteration ends with the stream; what is no frame throws. */
export async function* readFrames(stream: Readable): AsyncGenerator<string, void, undefined> {
  let chunks: Buffer[] = [];
  let length = 0;
  let size: number | undefined;
  for await (const chunk of stream) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    // A large body is put together once, not at each of its pieces.
    if (size !== undefined && length < size) continue;
    let read = Buffer.concat(chunks);
    for (;;) {
      if (size === undefined) {
        const end = read.indexOf(HEADER_END);
        if (end < 0) break;
        size = lengthIn(read.toString('latin1', 0, end));
        read = read.subarray(end + HEADER_END.length);
      }
      if (read.length < size) break;
      yield read.toString('utf8', 0, size);
      read = read.subarray(size);
      size = undefined;
    }
    if (size === undefined && read.length > HEADER_BYTES_MAX) {
      throw new FrameError('no header of a frame');
    }
    chunks = [read];
    length = read.length;
  }
  if (size !== undefined || length > 0) throw new FrameError('the stream ended in a frame');
}

function lengthIn(header: string): number {
  const line = header.split('\r\n').find((one) => one.startsWith('Content-Length:'));
  const length = Number(line?.slice('Content-Length:'.length).trim() || Number.NaN);
  if (!Number.isSafeInteger(length) || length < 0 || length > FRAME_BYTES_MAX) {
    throw new FrameError(
      line === undefined ? 'a frame without length' : 'a frame of no such length',
    );
  }
  return length;
}
