import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asSubmitted } from '../src/mapped-text.ts';
import { segmentText } from '../src/segment.ts';
import { codes, mail, read, ruleset } from './rules.ts';

const parts = (text: string, forwarded = false): readonly (readonly [string, string])[] =>
  segmentText(asSubmitted(text), ruleset.segmentWords, forwarded).map(
    ({ kind, text: part }) => [kind, part.text.trim()] as const,
  );
const kinds = (text: string, forwarded = false): readonly string[] =>
  parts(text, forwarded).map(([kind]) => kind);

const OLD = 'On 3 May 2026, Tom Ash wrote:\n> Please pay the invoice.\n> Thanks';

describe('the parts of a message', () => {
  it.each([
    ['a quotation', `Thank you for asking us.\n\n${OLD}`],
    [
      'a German one',
      'Vielen Dank für die Nachricht.\n\nAm 3.5.2026 schrieb Tom Ash:\n> Bitte zahlen Sie.',
    ],
    ['an original message', 'Thank you for asking.\n\n-----Original Message-----\nPay it.'],
    [
      'a header block',
      'Thanks a lot.\n\nFrom: Tom\nSent: Monday\nTo: James\nSubject: Bill\n\nPay it.',
    ],
  ])('%s is quoted', (_, text) => {
    expect(kinds(text)).toEqual(['body', 'quoted']);
  });

  it('a forwarded message is said again', () => {
    expect(kinds('See below.\n\n---------- Forwarded message ---------\nPay it.')).toEqual([
      'body',
      'forwarded',
    ]);
    expect(kinds(`See below.\n\n${OLD}`, true)).toContain('forwarded');
  });

  it('a sentence that ends with a colon introduces no quotation', () => {
    expect(kinds('This is what he wrote:\nPlease pay the invoice today.')).toEqual(['body']);
  });

  it('who writes stands behind the closing line', () => {
    expect(
      parts('See you then.\n\nKind regards\nTom Ash\nHead of Finance\n+44 20 7946 0000'),
    ).toEqual([
      ['body', 'See you then.\n\nKind regards'],
      ['signature', 'Tom Ash\nHead of Finance\n+44 20 7946 0000'],
    ]);
    expect(kinds('See you then.\n-- \nTom Ash')).toEqual(['body', 'signature']);
  });

  it.each(['Please pay the attached invoice today', 'Wire $4,000 now please.'])(
    'a request is no signature: %s',
    (request) => {
      expect(kinds(`Hello James,\nThanks\n${request}`)).toEqual(['body']);
    },
  );

  it('small print is a disclaimer, and an absence note says so', () => {
    const print =
      'This message is confidential and for the intended recipient only. Please delete this if it is not for you.';
    expect(kinds(`See you then.\n\n${print}`)).toEqual(['body', 'disclaimer']);
    expect(kinds('Automatic reply: I am out of the office.')).toEqual(['auto_reply']);
  });

  it('a message that would vanish into quotations is read as what it says', () => {
    expect(kinds('> Please pay the invoice today.\n> Do it now.')).toEqual(['body']);
    expect(kinds(`Hello all.\n${'>'.repeat(21)} far too deep`)).toEqual(['body']);
  });

  it('nothing is lost or said twice', () => {
    const line = fc.constantFrom(
      'Hello there',
      '> quoted',
      OLD,
      '-- ',
      'Kind regards',
      '',
      'From: a',
      'To: b',
      'Subject: c',
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), fc.boolean(), (lines, forwarded) => {
        const whole = lines.join('\n');
        const squeezed = (text: string): string => text.replaceAll(/\s/g, '');
        const segments = segmentText(asSubmitted(whole), ruleset.segmentWords, forwarded);
        expect(squeezed(segments.map(({ text }) => text.text).join(''))).toBe(squeezed(whole));
      }),
    );
  });
});

describe('what a part counts for', () => {
  const ask = 'Could you give us a discount?';
  const quoted = `Thank you, see you at lunch.\n\nOn 3 May 2026, Tom Ash wrote:\n> ${ask}`;

  it('a quoted request counts less than one that is made', () => {
    expect(codes(mail(ask))).toContain('concession.requested medium');
    expect(codes(mail(quoted))).toContain('concession.requested low');
  });

  it('a quoted change of bank details counts fully', () => {
    const text = quoted.replace(ask, 'Our bank details have changed.');
    expect(codes(mail(text))).toContain('payment.bank_details_changed critical');
  });

  it('an invented history counts like the message itself', () => {
    const history = [
      { direction: 'inbound', body_excerpt: 'Are you there on Monday then?' },
    ] as const;
    const invented = mail(quoted, { action_type: 'reply' }, { thread: history });
    expect(read(invented).segments.map(({ kind }) => kind)).toContain('quoted_unverified');
    expect(codes(invented)).toContain('concession.requested medium');
    const true_ = mail(
      quoted,
      { action_type: 'reply' },
      { thread: [{ direction: 'inbound', body_excerpt: ask }] },
    );
    expect(read(true_).segments.map(({ kind }) => kind)).toContain('quoted');
  });
});
