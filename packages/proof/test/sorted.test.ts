import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import vectors from '../../../vectors/canonical/sorted.json' with { type: 'json' };
import { CanonicalError, canonicalJson } from '../src/canonical.ts';
import { sha256Hex } from '../src/hash.ts';
import { compareNames, sortedJson } from '../src/sorted.ts';

describe('documents', () => {
  it.each(vectors.documents)('$name', ({ json, want, wantSha256, rfc8785, rfc8785Sha256 }) => {
    const value: unknown = JSON.parse(json);
    expect(sortedJson(value)).toBe(want);
    expect(sha256Hex(sortedJson(value))).toBe(wantSha256);
    expect(canonicalJson(value)).toBe(rfc8785);
    expect(sha256Hex(canonicalJson(value))).toBe(rfc8785Sha256);
  });
});

const PRINTABLE = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));

it('the table is the published line, upper case beside lower case', () => {
  const sorted = [...PRINTABLE].sort(compareNames).join('');
  expect(sorted.replace(/[A-Z]/g, '')).toBe(vectors.order);
  expect(sorted).toContain('aAbBcC');
});

it('D-122 the order of names is that of an English collator on 1,000,000 random pairs', () => {
  const collator = new Intl.Collator('en');
  const next = random(20_260_102);
  // Short names over few characters, so that all rules get to decide, not only the first character.
  const alphabets = [
    PRINTABLE.join(''),
    'aAbB',
    'a_1A-',
    'zZyY09_',
    ' _-,;:!?.\'"()[]{}@*/\\&#%`^+<=>|~$',
  ];
  const name = (alphabet: string): string => {
    let text = '';
    for (let length = next(9); length > 0; length--) text += alphabet.charAt(next(alphabet.length));
    return text;
  };
  const wrong: string[][] = [];
  for (let i = 0; i < 1_000_000; i++) {
    const alphabet = alphabets[i % alphabets.length] ?? '';
    const a = name(alphabet);
    const b = name(alphabet);
    if (Math.sign(compareNames(a, b)) !== Math.sign(collator.compare(a, b))) wrong.push([a, b]);
  }
  expect(wrong).toEqual([]);
});

it('an object stands in the order of the collator, however many members it has', () => {
  const collator = new Intl.Collator('en');
  const names = fc.uniqueArray(
    fc.oneof(fc.stringMatching(/^[a-z_]{0,5}$/), fc.stringMatching(/^[ -~]{0,5}$/)),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(names, (given) => {
      const text = sortedJson(Object.fromEntries(given.map((name) => [name, 0])));
      const members = [...given].sort((a, b) => collator.compare(a, b));
      expect(text).toBe(`{${members.map((name) => `${JSON.stringify(name)}:0`).join(',')}}`);
    }),
    { numRuns: 500 },
  );
});

it('differs from the other text only in the order of members', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
      fc.pre(!/[^ -~]|\\u/.test(JSON.stringify(value)));
      expect(canonicalJson(JSON.parse(sortedJson(value)))).toBe(canonicalJson(value));
    }),
  );
});

it.each([['ü'], ['a\u007f'], ['a\n'], ['名']])(
  'refuses the name %j, which has no place',
  (name) => {
    expect(() => sortedJson({ a: [{ [name]: 1 }] })).toThrow(CanonicalError);
    expect(() => sortedJson({ a: [{ [name]: 1 }] })).toThrow('`/a/0`');
  },
);

it('refuses what the other text refuses', () => {
  expect(() => sortedJson({ a: undefined })).toThrow(CanonicalError);
});

/** Numbers below a bound, the same on every run (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}
