import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { rankOf } from '../src/polarity.ts';
import { drafted, mail, read } from './rules.ts';

const document = new URL('../../server/governance/genius.communication.json', import.meta.url);
const { templates } = JSON.parse(readFileSync(document, 'utf8')) as {
  readonly templates: Readonly<Record<string, Readonly<Record<string, string>>>>;
};
const texts = Object.entries(templates).flatMap(([id, languages]) =>
  Object.entries(languages).map(([language, text]) => ({ id, language, text })),
);

/** Messages that a template answers: one asks for nothing, one for agreement, so that a bare yes would count. */
const ANSWERED = [
  mail('Thank you for the note.'),
  mail('Are you happy to proceed? Please confirm acceptance of the terms.'),
];

describe('safe replies', () => {
  it('are eight, each in four languages', () => {
    expect(Object.keys(templates)).toEqual(Array.from({ length: 8 }, (_, i) => `T0${i}`));
    for (const languages of Object.values(templates)) {
      expect(Object.keys(languages)).toEqual(['en', 'de', 'fr', 'es']);
    }
  });

  it.each(texts)('C-78 $id in $language says nothing that counts', ({ language, text }) => {
    for (const message of ANSWERED) {
      const { proposed_action } = drafted(text);
      const { signals, coverage, segments } = read({ ...message, proposed_action });
      const said = signals.filter(
        ({ direction, severity }) =>
          direction === 'outbound' && rankOf(severity) >= rankOf('medium'),
      );
      expect(said).toEqual([]);
      expect(coverage.F04.outbound.complete).toBe(true);
      expect(segments.find(({ kind }) => kind === 'draft')?.language).toBe(language);
    }
  });
});
