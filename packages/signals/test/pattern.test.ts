import { describe, expect, it } from 'vitest';
import { parseLexicon } from '../src/lexicon.ts';
import { headsOf, PatternError, parseList, parsePattern } from '../src/pattern.ts';

const lists = new Map([['fruit', parseList(['apple', 'pears', 'dragon fruit'], new Map())]]);

describe('the language of patterns', () => {
  it.each([
    'pay',
    'verif*',
    '(pay | wire transfer | remit*)',
    '{fruit} .. (basket)?',
    'click ... @link',
    'bank ~ changed',
    'prize + click',
    'sign-off',
  ])('reads %s', (source) => {
    expect(parsePattern(source, lists).parts.length).toBeGreaterThan(0);
  });

  it.each([
    ['', 'nothing to look for'],
    ['(a | b', 'a ( without its )'],
    ['{fruit', 'a { without its }'],
    ['{nuts}', 'no list is called nuts'],
    ['ab*', 'too short a beginning'],
    ['a ~ b + c', 'do not go together'],
    ['.. a', 'a gap stands between words'],
    ['a ..', 'a gap stands between words'],
    ['a?', 'has to be there'],
    ['a ~ (b)?', 'has to be there'],
    ['a ~ b ~ c ~ d ~ e', 'at most 4 parts'],
    ['a )', 'unexpected )'],
    ['? a', 'unexpected ?'],
    [Array.from({ length: 17 }, () => 'a').join(' '), 'at most 16 elements'],
    ['a&b', 'is not one word'],
  ])('refuses %j: %s', (source, reason) => {
    expect(() => parsePattern(source, lists)).toThrow(PatternError);
    expect(() => parsePattern(source, lists)).toThrow(reason);
  });

  it('folds words like the texts that they are compared with', () => {
    expect(parsePattern('Überweisen', new Map()).parts).toEqual([
      [{ kind: 'word', word: 'uberweisen' }],
    ]);
  });

  it('finds a word that begins with a vowel behind the articles that melt into it', () => {
    const { parts } = parsePattern('accordo contratt* offert*', new Map(), ['l', 'dell']);
    expect(parts).toEqual([
      [
        {
          kind: 'set',
          words: new Set(['accordo', 'laccordo', 'dellaccordo']),
          prefixes: new Map(),
        },
        { kind: 'prefix', prefix: 'contratt' },
        {
          kind: 'set',
          words: new Set(),
          prefixes: new Map([
            ['off', ['offert']],
            ['lof', ['loffert']],
            ['del', ['delloffert']],
          ]),
        },
      ],
    ]);
  });

  it('knows what a match can begin with', () => {
    const heads = { words: new Set<string>(), prefixes: new Set<string>() };
    for (const part of parsePattern('(please)? (pay | {fruit} now | remit*)', lists).parts) {
      headsOf(part, heads);
    }
    expect([...heads.words].sort()).toEqual(['apple', 'dragon', 'pay', 'pears', 'please']);
    expect([...heads.prefixes]).toEqual(['remit']);
  });
});

describe('a lexicon file', () => {
  it('is refused with every fault at once', () => {
    const read = parseLexicon({
      language: 'en',
      surprise: 1,
      lists: { broken: ['('] },
      codes: { 'no.such_code': [], 'payment.mention': ['{missing}', 7] },
    });
    expect(read.ok).toBe(false);
    expect(read.ok ? [] : read.faults.map(({ pointer }) => pointer)).toEqual([
      '/surprise',
      '/lists/broken',
      '/codes/no.such_code',
      '/codes/payment.mention/0',
      '/codes/payment.mention/1',
    ]);
  });
});
