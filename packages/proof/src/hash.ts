import { digest, digestHex } from '#hash';
import { concatBytes, toHex, utf8 } from './bytes.ts';

/**
 * SHA-256 of the UTF-8 bytes of `text`, as 64 lower-case hex characters. The text must be
 * well-formed Unicode: a lone surrogate would be hashed as U+FFFD, which is why the canonical texts
 * refuse them.
 */
export function sha256Hex(text: string): string {
  return digestHex(text);
}

/** SHA-256, 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return digest(bytes);
}

const HMAC_BLOCK_BYTES = 64;

/** HMAC-SHA256 (RFC 2104) of the UTF-8 bytes of `text` under those of `secret`, as lower-case hex. */
export function hmacSha256Hex(secret: string | Uint8Array, text: string): string {
  const bytes = typeof secret === 'string' ? utf8(secret) : secret;
  const key = new Uint8Array(HMAC_BLOCK_BYTES);
  key.set(bytes.length > HMAC_BLOCK_BYTES ? digest(bytes) : bytes);
  const padded = (pad: number): Uint8Array => key.map((byte) => byte ^ pad);
  const inner = digest(concatBytes(padded(0x36), utf8(text)));
  return toHex(digest(concatBytes(padded(0x5c), inner)));
}
