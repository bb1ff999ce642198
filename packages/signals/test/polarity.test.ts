import { describe, expect, it } from 'vitest';
import { drafted, mail, signalsOf } from './rules.ts';

const meant = (message: ReturnType<typeof mail>, code: string): readonly string[] =>
  signalsOf(message, code).map(({ polarity, severity }) => `${polarity} ${severity}`);

describe('how a phrase is meant', () => {
  it.each([
    ['We accept your offer.', 'asserted high'],
    ['We do not accept your offer.', 'negated info'],
    ['We don’t accept your offer.', 'negated info'],
    ['We have not accepted your offer, we cannot accept your offer.', 'negated info'],
    ['We accept your offer with no delay.', 'asserted high'],
    ['Without further reading, we accept your offer.', 'asserted high'],
    ['It is no problem, we accept your offer.', 'asserted high'],
    ['If the board agrees, we accept your offer.', 'conditional medium'],
    ['He said we accept your offer.', 'reported medium'],
  ])('%s %s', (draft, expected) => {
    expect(meant(drafted(draft), 'commitment.acceptance_made')).toContain(expected);
  });

  it('a denied change of bank details still stops', () => {
    expect(
      meant(mail('Do not say that our bank details have changed.'), 'payment.bank_details_changed'),
    ).toEqual(['negated high']);
  });

  it.each([
    ['Keep this confidential and do not tell anyone.', 'asserted high'],
    ['Please do not reveal this to anyone.', 'asserted high'],
    ['Fraudsters ask you to keep it confidential.', 'reported info'],
  ])('what the reader is told to keep quiet is no warning: %s', (body, expected) => {
    expect(meant(mail(body), 'channel.secrecy')).toContain(expected);
  });

  it('a promise that is turned down elsewhere is kept where it is made', () => {
    const draft = drafted('We do not accept the first offer. We accept the second offer.');
    expect(meant(draft, 'commitment.acceptance_made')).toEqual(
      expect.arrayContaining(['negated info', 'asserted high']),
    );
  });

  it('a condition that stands far away takes nothing from a promise', () => {
    const draft = drafted(`If ${'so '.repeat(120)}we accept your offer.`);
    expect(meant(draft, 'commitment.acceptance_made')).toContain('asserted high');
  });

  it('a condition takes nothing from what is asked of us', () => {
    expect(meant(mail('If that is fine, I want a full refund.'), 'concession.requested')).toContain(
      'conditional medium',
    );
  });
});
