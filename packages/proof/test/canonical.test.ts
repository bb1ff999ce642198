import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { canonicalize as jsonCanonicalize } from 'json-canonicalize';
import { describe, expect, it } from 'vitest';
import vectors from '../../../vectors/canonical/rfc8785.json' with { type: 'json' };
import { CanonicalError, canonicalJson, canonicalString, Verbatim } from '../src/canonical.ts';
import { parseJson } from '../src/json.ts';

describe('RFC 8785, appendix B', () => {
  it.each(vectors.numbers)('$bits is $want', ({ bits, want }) => {
    expect(canonicalJson(double(bits))).toBe(want);
  });

  it.each(vectors.refused)('$bits is refused', ({ bits }) => {
    expect(() => canonicalJson(double(bits))).toThrow(CanonicalError);
  });
});

describe('documents', () => {
  it.each(vectors.documents)('$name', ({ json, want }) => {
    const parsed = parseJson(json, { depthMax: 8, readNumber: Number });
    expect(canonicalJson(parsed.ok ? parsed.value : expect.unreachable())).toBe(want);
  });

  it('more members than the short sort takes', () => {
    const names = Array.from({ length: 60 }, (_, i) => `n${(i * 37) % 60}`);
    const object = Object.fromEntries(names.map((name) => [name, 0]));
    expect(Object.keys(JSON.parse(canonicalJson(object)) as object)).toEqual([...names].sort());
  });
});

it('agrees with two other implementations on 100,000 documents', { timeout: 60_000 }, () => {
  const name = fc.oneof(fc.string({ maxLength: 4 }), fc.string({ unit: 'grapheme', maxLength: 4 }));
  const leaf = fc.oneof(
    { weight: 3, arbitrary: fc.string({ unit: 'grapheme', maxLength: 6 }) },
    { weight: 2, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
    fc.integer(),
    fc.constantFrom(true, false, null, 0, -0, '\u2028', '\u0000\u001f\u007f', '"\\/'),
  );
  const { document } = fc.letrec<{ document: unknown }>((tie) => ({
    document: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      leaf,
      fc.array(tie('document'), { maxLength: 4 }),
      fc.dictionary(name, tie('document'), { maxKeys: 6 }),
    ),
  }));
  let documents = 0;
  fc.assert(
    fc.property(fc.array(document, { minLength: 20, maxLength: 20 }), (batch) => {
      for (const value of batch) {
        const text = canonicalJson(value);
        if (text !== canonicalize(value) || text !== jsonCanonicalize(value)) {
          expect({ text }).toEqual({ text: canonicalize(value), and: jsonCanonicalize(value) });
        }
        documents++;
      }
    }),
    { numRuns: 5000, endOnFailure: true },
  );
  expect(documents).toBeGreaterThanOrEqual(100_000);
});

it('what it writes, it writes again after parsing', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
      const text = canonicalJson(value);
      expect(canonicalJson(JSON.parse(text))).toBe(text);
    }),
  );
});

describe('what has no canonical text', () => {
  const circular: unknown[] = [];
  circular.push(circular);
  const sparse = [0];
  sparse[2] = 2;
  it.each([
    ['undefined', undefined, ''],
    ['a member that is undefined', { a: [1, { b: undefined }] }, '/a/1/b'],
    ['a hole in an array', sparse, '/1'],
    ['a function', { f: () => 1 }, '/f'],
    ['a symbol', [Symbol('s')], '/0'],
    ['NaN', { 'a/b': { '~': Number.NaN } }, '/a~1b/~0'],
    ['infinity', [[Number.POSITIVE_INFINITY]], '/0/0'],
    ['a lone surrogate', { a: 'x\ud800' }, '/a'],
    ['two surrogates the wrong way round', ['\ude00\ud83d'], '/0'],
    ['a lone surrogate in a name', { a: { '\udc00': 1 } }, '/a'],
    ['a date', { at: new Date(0) }, '/at'],
    ['a map', [new Map()], '/0'],
    ['an instance', { bytes: new Uint8Array(1) }, '/bytes'],
    ['a boxed string', [Object('a')], '/0'],
    ['a circle', circular, '/0'.repeat(64)],
  ])('%s', (_, value, pointer) => {
    const error = caught(() => canonicalJson(value));
    expect(error).toBeInstanceOf(CanonicalError);
    expect((error as CanonicalError).pointer).toBe(pointer);
  });

  it('65 levels, where 64 have one', () => {
    const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
    expect(canonicalJson(nested(64))).toBe('['.repeat(64) + ']'.repeat(64));
    expect(() => canonicalJson(nested(65))).toThrow('nested too deeply');
  });
});

describe('what JSON does not have', () => {
  it('a bigint prints its digits', () => {
    expect(canonicalJson([2n ** 70n, -1n])).toBe('[1180591620717411303424,-1]');
  });

  it('an object without prototype is an object', () => {
    expect(canonicalJson(Object.assign(Object.create(null) as object, { b: 1, a: 2 }))).toBe(
      '{"a":2,"b":1}',
    );
  });

  it('a text made earlier is spliced in', () => {
    expect(canonicalJson({ b: new Verbatim('{"x":[1]}'), a: [new Verbatim('1')] })).toBe(
      '{"a":[1],"b":{"x":[1]}}',
    );
  });
});

it('one string', () => {
  expect(canonicalString('a"b')).toBe('"a\\"b"');
  expect(() => canonicalString('\ud800')).toThrow(CanonicalError);
});

function double(bits: string): number {
  return Buffer.from(bits, 'hex').readDoubleBE();
}

function caught(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}
