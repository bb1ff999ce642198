import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex, utf8 } from '../src/bytes.ts';
import { sha256, sha256Hex } from '../src/hash.ts';
import * as node from '../src/hash-node.ts';
import * as portable from '../src/hash-portable.ts';

/** FIPS 180-4 examples. */
const KNOWN = [
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
] as const;

describe.each([
  ['the one in use', { digest: sha256, digestHex: sha256Hex }],
  ['Node', node],
  ['portable', portable],
])('%s', (_, { digest, digestHex }) => {
  it.each(KNOWN)('SHA-256 of %j', (text, hex) => {
    expect(digestHex(text)).toBe(hex);
    expect(toHex(digest(utf8(text)))).toBe(hex);
  });

  it('gives plain bytes', () => {
    expect(Object.getPrototypeOf(digest(utf8('abc')))).toBe(Uint8Array.prototype);
  });
});

it('both implementations agree', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.uint8Array(), (text, bytes) => {
      expect(portable.digestHex(text)).toBe(node.digestHex(text));
      expect(portable.digest(bytes)).toEqual(node.digest(bytes));
    }),
    { numRuns: 1000 },
  );
});
