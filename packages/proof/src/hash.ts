import { digest, digestHex } from '#hash';

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
