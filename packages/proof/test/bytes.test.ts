import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  concatBytes,
  equalBytes,
  fromBase64,
  fromBase64Url,
  fromHex,
  fromUtf8,
  isWellFormed,
  toBase64,
  toBase64Url,
  toHex,
  utf8,
} from '../src/bytes.ts';

const bytes = fc.uint8Array({ maxLength: 70 });

describe.each([
  ['hex', 'hex', toHex, fromHex],
  ['base64', 'base64', toBase64, fromBase64],
  ['base64url', 'base64url', toBase64Url, fromBase64Url],
] as const)('%s', (_, encoding, render, parse) => {
  it('agrees with the encoder of Node and goes back', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        const text = render(value);
        expect(text).toBe(Buffer.from(value).toString(encoding));
        expect(parse(text)).toEqual(value);
      }),
    );
  });

  it('accepts one spelling for each value', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ maxLength: 12 }), fc.base64String({ maxLength: 12 })),
        (text) => {
          const value = parse(text);
          if (value !== undefined) expect(render(value)).toBe(text);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('what is refused', () => {
  it.each(['A0', '0', '0g', ' 00', '00\n'])('hex %j', (text) => {
    expect(fromHex(text)).toBeUndefined();
  });

  it.each([
    'Zg',
    'Zg=',
    'Zh==',
    'Zg===',
    'Z===',
    '=',
    'Zm9v=',
    'Zm 9',
    'Zm-_',
    'Zg==\n',
    'Zg==Zg==',
  ])('base64 %j', (text) => {
    expect(fromBase64(text)).toBeUndefined();
  });

  it.each(['Zg==', 'Zh', 'Z', 'Zm+/', 'Zm9vZ', 'Zm9\n'])('base64url %j', (text) => {
    expect(fromBase64Url(text)).toBeUndefined();
  });

  it.each([[[0xff]], [[0xc0, 0x80]], [[0xed, 0xa0, 0x80]], [[0xe2, 0x82]]])('UTF-8 %j', (bad) => {
    expect(fromUtf8(Uint8Array.from(bad))).toBeUndefined();
  });
});

it('UTF-8 goes there and back, a byte-order mark included', () => {
  expect(utf8('€')).toEqual(Uint8Array.of(0xe2, 0x82, 0xac));
  expect(fromUtf8(utf8('\ufeff€ 😀'))).toBe('\ufeff€ 😀');
});

it('joins and compares', () => {
  const joined = concatBytes(Uint8Array.of(1), new Uint8Array(), Uint8Array.of(2, 3));
  expect(joined).toEqual(Uint8Array.of(1, 2, 3));
  expect(equalBytes(joined, Uint8Array.of(1, 2, 3))).toBe(true);
  expect(equalBytes(joined, Uint8Array.of(1, 2))).toBe(false);
  expect(equalBytes(joined, Uint8Array.of(1, 2, 4))).toBe(false);
});

it('tells well-formed text as the host does', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(0xffff), fc.string(), (a, code, b) => {
      const text = a + String.fromCharCode(code) + b;
      // Node's own answer; typed by hand because the library of this project's target lacks it.
      const { isWellFormed: native } = text as unknown as { isWellFormed: () => boolean };
      expect(isWellFormed(text)).toBe(native.call(text));
    }),
    {
      numRuns: 3000,
      examples: [
        ['', 0xd800, ''],
        ['', 0xdfff, ''],
        ['\ud83d', 0xde00, ''],
      ],
    },
  );
});
