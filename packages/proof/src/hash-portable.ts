import { sha256 } from '@noble/hashes/sha2.js';
import { toHex, utf8 } from './bytes.ts';

/** The same digests on any host, without its crypto library. */
export function digestHex(text: string): string {
  return toHex(sha256(utf8(text)));
}

export function digest(bytes: Uint8Array): Uint8Array {
  return sha256(bytes);
}
