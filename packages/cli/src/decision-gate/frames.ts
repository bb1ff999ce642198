import type { Readable, Writable } from 'node:stream';
import { FrameReader } from '@countersign/server';

/** Largest frame that is read, in bytes. */
const FRAME_BYTES_MAX = 67_108_864;

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
  const frames = new FrameReader(FRAME_BYTES_MAX);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    for (const frame of frames.push(chunk)) {
      if (!frame.ok) throw new FrameError(frame.fault);
      yield frame.text;
    }
  }
  if (frames.isWithin) throw new FrameError('the stream ended in a frame');
}
