import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenize } from '../src/tokens.ts';

describe('the words of a text', () => {
  it.each([
    ['Don’t pay $4,000.50 to tom@a.example!', ['dont', 'pay', '@amount', 'to', '@address']],
    ['See https://a.example/x?y=1 now', ['see', '@link', 'now']],
    ['See hxxps://a[.]example/x now', ['see', '@link', 'now']],
    ['Straße Łódź Ærø', ['strasse', 'lodz', 'aero']],
    ['GB29 NWBK 6016 1331 9268 19', ['@account']],
    ['', []],
  ])('%j', (text, words) => {
    expect(tokenize(text).words).toEqual(words);
  });

  it('stand in sentences, of which some are questions', () => {
    const { sentences, questions } = tokenize('One two. Three?\n\nFour');
    expect([...sentences]).toEqual([0, 0, 1, 2]);
    expect(questions).toEqual([false, true, false]);
  });

  it.each([
    ['Bis zum 15. Mai an Dr. Weber, z. B. Nr. 5, zahlen. Danke.', 2],
    ['Le 3. Envoyez-le à Mme. Petit. Merci.', 3],
    ['Item 3. Next one.', 2],
  ])('abbreviations and ordinals end no sentence: %s', (text, count) => {
    expect(new Set(tokenize(text).sentences).size).toBe(count);
  });

  it('stand where they are said to, in order', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), (text) => {
        const { words, starts, ends } = tokenize(text);
        let before = 0;
        for (const i of words.keys()) {
          const start = starts[i] ?? -1;
          const end = ends[i] ?? -1;
          expect(start >= before && end > start && end <= text.length).toBe(true);
          before = end;
        }
      }),
    );
  });
});
