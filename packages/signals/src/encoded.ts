import { type MappedText, MappedWriter, submittedSpan } from './mapped-text.ts';
import type { Span } from './model.ts';

/** Text that stands in base64 or in hexadecimal digits. */
export interface EncodedBlock {
  readonly span: Span;
  /** Letters of the block. */
  readonly length: number;
  /** What it says, each unit standing for the whole block; absent where it is no text. */
  readonly decoded: MappedText | undefined;
}

/** From this length on a block says too much to go unread. */
export const ENCODED_LENGTH_MIN = 200;
/** Shorter ones are identifiers. */
const BLOCK =
  /(?<![\w/+=.-])(?:[0-9a-fA-F]{48,}|[A-Za-z0-9+/_-]{24,}(?:\r?\n[A-Za-z0-9+/_-]{24,})*(?:\r?\n[A-Za-z0-9+/_-]{1,80})?={0,2})/g;

/** Encoded blocks of a text, decoded once. Linear in the text. */
export function encodedBlocks(text: MappedText): readonly EncodedBlock[] {
  const blocks: EncodedBlock[] = [];
  for (const { index, 0: found } of text.text.matchAll(BLOCK)) {
    const span = submittedSpan(text, index, index + found.length);
    const block = found.replaceAll(/\s/g, '');
    const decoded = saysSomething(bytesOf(block));
    // A row of dashes is a line.
    const opaque = block.length >= ENCODED_LENGTH_MIN && /^[A-Za-z0-9+/]+={0,2}$/.test(block);
    if (decoded === undefined && !opaque) continue;
    blocks.push({
      span,
      length: block.length,
      decoded: decoded === undefined ? undefined : standingFor(decoded, span),
    });
  }
  return blocks;
}

function bytesOf(block: string): Uint8Array {
  if (/^(?:[0-9a-fA-F]{2})+$/.test(block)) {
    return Uint8Array.from({ length: block.length / 2 }, (_, i) =>
      Number.parseInt(block.slice(2 * i, 2 * i + 2), 16),
    );
  }
  const digits = block.replaceAll('=', '');
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let [held, bits, at] = [0, 0, 0];
  for (let i = 0; i < digits.length; i += 1) {
    held = ((held << 6) | valueOf(digits.charCodeAt(i))) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at] = (held >> bits) & 0xff;
    at += 1;
  }
  return bytes;
}

/** Of a digit of base64, RFC 4648 §4 and §5. */
function valueOf(code: number): number {
  if (code >= 0x61) return code - 0x61 + 26;
  if (code === 0x5f) return 63;
  if (code >= 0x41) return code - 0x41;
  if (code >= 0x30 && code <= 0x39) return code - 0x30 + 52;
  return code === 0x2b || code === 0x2d ? 62 : 63;
}

const PRINTABLE_SHARE = 0.95;

/** Bytes as text, where nearly all of them are printable and some words stand apart. */
function saysSomething(bytes: Uint8Array): string | undefined {
  let printable = 0;
  for (const byte of bytes)
    if (byte >= 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) printable += 1;
  if (printable < bytes.length * PRINTABLE_SHARE) return undefined;
  const text = decodeUtf8(bytes);
  return text !== undefined && /\p{L}{2}\s{1,3}\p{L}{2}/u.test(text) ? text : undefined;
}

/** UTF-8; `undefined` where the bytes are none. */
function decodeUtf8(bytes: Uint8Array): string | undefined {
  const parts = Array.from(bytes, (byte) =>
    byte < 0x80 && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).padStart(2, '0')}`,
  );
  try {
    return decodeURIComponent(parts.join(''));
  } catch {
    return undefined;
  }
}

function standingFor(text: string, { start, end }: Span): MappedText {
  const writer = new MappedWriter(text.length);
  writer.add(text, start, end);
  return writer.done();
}
