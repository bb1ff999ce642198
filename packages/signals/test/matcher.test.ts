import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildMatcher, findMatches, type Work } from '../src/matcher.ts';
import { parsePattern } from '../src/pattern.ts';
import { tokenize } from '../src/tokens.ts';
import { ruleset } from './rules.ts';

/** What a pattern finds in a text, as words. */
function found(source: string, text: string): readonly string[] {
  const matcher = buildMatcher([{ rule: source, pattern: parsePattern(source, new Map()) }]);
  const tokens = tokenize(text);
  return findMatches(matcher, tokens, { left: 1_000_000 }).map(({ from, to }) =>
    tokens.words.slice(from, to).join(' '),
  );
}

/** What stands where two copies of a text meet may add a little of its own. */
const SEAM = 10_000;

function used(text: string): number {
  const [lexicon] = ruleset.lexicons;
  if (lexicon === undefined) throw new Error('no lexicon');
  const work: Work = { left: Number.MAX_SAFE_INTEGER };
  findMatches(lexicon.phrases, tokenize(text), work);
  return Number.MAX_SAFE_INTEGER - work.left;
}

describe('the matcher', () => {
  it.each([
    ['pay now', 'Please PAY now.', ['pay now']],
    ['pay now', 'Pay. Now we rest.', []],
    ['pay .. now', 'pay the whole bill now', ['pay the whole bill now']],
    ['pay .. now', 'pay one two three four now', []],
    ['pay ... now', 'pay one two three four now', ['pay one two three four now']],
    ['(wire | bank transfer) it', 'bank transfer it', ['bank transfer it']],
    ['verif* it', 'verifying it', ['verifying it']],
    ['go (right)? now', 'go now or go right now', ['go now', 'go right now']],
    ['open @link', 'open https://a.example/x', ['open @link']],
    ['send @amount', 'send $4,000 over', ['send @amount']],
    ['cafe', 'Café', ['cafe']],
    ['bank ~ changed', 'It changed, our bank did.', ['changed our bank']],
    ['bank ~ changed', 'It changed. Our bank did not.', []],
    ['bank + changed', 'It changed. Our bank did not.', ['changed our bank']],
    ['a1 + b1', `a1 ${'x '.repeat(110)} b1`, []],
    ['bank ~ (bank | money)', 'the bank', []],
  ])('%s in %j', (source, text, expected) => {
    expect(found(source, text)).toEqual(expected);
  });

  it('takes the longest from each beginning', () => {
    expect(found('pay .. now', 'pay now and now')).toEqual(['pay now and now']);
  });

  it('stops where the work is used up', () => {
    const matcher = buildMatcher([{ rule: 1, pattern: parsePattern('pay', new Map()) }]);
    const work: Work = { left: 10 };
    expect(findMatches(matcher, tokenize('pay '.repeat(100)), work).length).toBeLessThan(11);
    expect(work.left).toBeLessThanOrEqual(0);
  });

  it('takes at most twice the work for a text twice as long, however hostile', () => {
    const [lexicon] = ruleset.lexicons;
    const words = [...(lexicon?.phrases.byWord.keys() ?? [])];
    const hostile = fc
      .array(fc.constantFrom(...words), { minLength: 5, maxLength: 40 })
      .map((list) => `${list.join(' ')} `.repeat(12));
    fc.assert(
      fc.property(hostile, (text) => {
        const once = used(text);
        expect(used(text + text)).toBeLessThanOrEqual(2 * once + SEAM);
      }),
      { numRuns: 60 },
    );
  });
});
