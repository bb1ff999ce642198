import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import vectors from '../../../vectors/checkpoint/ed25519.json' with { type: 'json' };
import { fromHex, toHex } from '../src/bytes.ts';
import {
  parseSignature,
  publicKeyFromPem,
  publicKeyPem,
  publicKeySpki,
  renderSignature,
  verifyEd25519,
} from '../src/ed25519.ts';
import { sha256, sha256Hex } from '../src/hash.ts';

const bytes = (hex: string): Uint8Array => fromHex(hex) ?? expect.unreachable(hex);

describe('verifyEd25519', () => {
  it.each(vectors.cases)('$name', ({ publicKey, message, signature, want }) => {
    expect(verifyEd25519(bytes(publicKey), bytes(message), bytes(signature))).toBe(want);
  });

  it('refuses a signature with any bit flipped, under a key with any bit flipped', () => {
    const { publicKey, message, signature } = vectors.cases[2] ?? expect.unreachable();
    const [key, text, good] = [bytes(publicKey), bytes(message), bytes(signature)];
    for (let bit = 0; bit < 512; bit++) {
      expect(verifyEd25519(key, text, flipped(good, bit)), `signature bit ${bit}`).toBe(false);
    }
    for (let bit = 0; bit < 256; bit++) {
      expect(verifyEd25519(flipped(key, bit), text, good), `key bit ${bit}`).toBe(false);
    }
  });

  it('agrees with Node about honest signatures and random changes to them', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const raw = publicKeyFromPem(String(publicKey.export({ type: 'spki', format: 'pem' })));
    if (raw === undefined) expect.unreachable();
    fc.assert(
      fc.property(fc.uint8Array(), fc.option(fc.nat(511)), (message, bit) => {
        const honest = new Uint8Array(sign(null, message, privateKey));
        const signature = bit === null ? honest : flipped(honest, bit);
        const want = verify(null, message, publicKey, signature);
        expect(want).toBe(bit === null);
        expect(verifyEd25519(raw, message, signature)).toBe(want);
      }),
      { numRuns: 60 },
    );
  });
});

describe('signature text', () => {
  const raw = Uint8Array.from({ length: 64 }, (_, i) => i * 7);
  const text = renderSignature(raw);

  it('goes there and back', () => {
    expect(text).toHaveLength(94);
    expect(parseSignature(text)).toEqual(raw);
  });

  it.each([
    ['no prefix', text.slice('ed25519:'.length)],
    ['another prefix', text.replace('ed25519:', 'Ed25519:')],
    ['padding', `${text}==`],
    ['63 bytes', `ed25519:${'A'.repeat(84)}`],
    ['65 bytes', `ed25519:${'A'.repeat(87)}`],
    ['unused bits set', `${text.slice(0, -1)}${text.endsWith('Q') ? 'R' : 'B'}`],
    ['the other alphabet', text.replace('_', '/').replace('-', '+')],
    ['space around', ` ${text}`],
    ['a line end', `${text}\n`],
  ])('refuses %s', (_, twin) => {
    expect(twin).not.toBe(text);
    expect(parseSignature(twin)).toBeUndefined();
  });

  it('refuses to write anything but 64 bytes', () => {
    expect(() => renderSignature(raw.slice(1))).toThrow('64 bytes');
  });
});

describe('public keys', () => {
  const { publicKey, pem, pemSha256, spkiSha256 } = vectors.key;
  const raw = bytes(publicKey);

  it('writes the PEM that is hashed into records', () => {
    expect(publicKeyPem(raw)).toBe(pem);
    expect(pem).toHaveLength(112);
    expect(sha256Hex(publicKeyPem(raw))).toBe(pemSha256);
    expect(toHex(sha256(publicKeySpki(raw)))).toBe(spkiSha256);
  });

  it('writes what Node reads', () => {
    const key = createPublicKey(publicKeyPem(raw));
    expect(new Uint8Array(key.export({ type: 'spki', format: 'der' }))).toEqual(publicKeySpki(raw));
  });

  it('reads it back, with or without a final line end', () => {
    expect(publicKeyFromPem(pem)).toEqual(raw);
    expect(publicKeyFromPem(`${pem}\n`)).toEqual(raw);
  });

  const body = pem.split('\n')[1] ?? '';
  it.each([
    ['two line ends', `${pem}\n\n`],
    ['carriage returns', pem.replaceAll('\n', '\r\n')],
    ['space before', ` ${pem}`],
    ['a private key', pem.replaceAll('PUBLIC', 'PRIVATE')],
    ['unused bits set', pem.replace('URo=', 'URp=')],
    ['another algorithm', pem.replace('MCowBQYDK2VwAyEA', 'MCowBQYDK2VuAyEA')],
    ['a byte missing', pem.replace(body, body.slice(0, -4))],
    ['a body in two lines', pem.replace('hcv', 'h\ncv')],
    ['nothing', ''],
  ])('refuses %s', (_, twin) => {
    expect(twin).not.toBe(pem);
    expect(publicKeyFromPem(twin)).toBeUndefined();
  });

  it('refuses to write a key of another length', () => {
    expect(() => publicKeyPem(raw.slice(1))).toThrow('32 bytes');
  });
});

function flipped(bytesIn: Uint8Array, bit: number): Uint8Array {
  const twin = bytesIn.slice();
  twin[bit >> 3] = (twin[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return twin;
}
