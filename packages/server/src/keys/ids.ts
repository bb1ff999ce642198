import { randomFillSync } from 'node:crypto';

/** Crockford's base32, lower case. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARACTERS = 10;
const RANDOM_CHARACTERS = 16;
const POOL = new Uint8Array(RANDOM_CHARACTERS * 256);
let used = POOL.length;

/**
 * An id in the layout of a ULID: 48 bits of Unix milliseconds and 80 random bits, 26 characters. Ids made later
 * sort later, so an index over them grows at its end.
 */
export function newId(prefix: string, now: number): string {
  let time = '';
  for (let rest = now, at = 0; at < TIME_CHARACTERS; at += 1) {
    time = ALPHABET.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  if (used === POOL.length) {
    randomFillSync(POOL);
    used = 0;
  }
  let random = '';
  for (const end = used + RANDOM_CHARACTERS; used < end; used += 1) {
    random += ALPHABET.charAt((POOL[used] ?? 0) % 32);
  }
  return prefix + time + random;
}
