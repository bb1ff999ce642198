import { describe, expect, it } from 'vitest';
import { codes, drafted, mail, signalsOf } from './rules.ts';

const severities = (message: ReturnType<typeof mail>, code: string): readonly string[] =>
  signalsOf(message, code).map(({ severity }) => severity);

describe('a letter to many', () => {
  const OFFER = 'Lock in the price of your contract today. Please confirm your offer now.';

  it('asks this reader for nothing', () => {
    const letter = `${OFFER}\n\nShop now. You are receiving this email because you signed up. Unsubscribe.`;
    expect(severities(mail(OFFER), 'commitment.acceptance_requested')).toContain('medium');
    expect(severities(mail(letter), 'commitment.acceptance_requested')).not.toContain('medium');
  });

  it('is told by its header as well', () => {
    const letter = mail(OFFER, undefined, { message_headers: { list_unsubscribe: true } });
    expect(severities(letter, 'commitment.acceptance_requested')).not.toContain('medium');
  });

  it('that asks for a sign-in is stopped all the same', () => {
    const lure =
      'Your account has been suspended. Click the link below to verify your identity. Unsubscribe. Shop now. All rights reserved.';
    expect(severities(mail(lure), 'credential.login_link')).toContain('critical');
  });
});

describe('what is told of a message', () => {
  it('is no message of that kind', () => {
    const told =
      'Scammers pretend to be your bank. Beware of fake emails. They say that your account is suspended and that you must confirm your password.';
    expect(severities(mail(told), 'credential.login_link')).not.toContain('critical');
  });

  it('counts where the reader is called to a step', () => {
    const lure =
      'Beware of fraud. Your account has been suspended. Click here to verify your account: https://secure.example';
    expect(severities(mail(lure), 'credential.login_link')).toContain('critical');
  });

  it('is asked about, not asked for', () => {
    expect(
      severities(mail('How do I add a payee in the app?'), 'onboarding.vendor_setup'),
    ).not.toContain('high');
  });
});

describe('a mere yes', () => {
  it('binds where something binding is asked', () => {
    const answer = drafted('Yes.');
    const asked = { ...answer, body_excerpt: 'Please confirm that you accept our offer.' };
    expect(severities(asked, 'commitment.bare_affirmation')).toEqual(['medium']);
  });

  it('is an answer like any other elsewhere', () => {
    const answer = {
      ...drafted('Yes, badly. Coffee next week?'),
      body_excerpt: 'Do you still play?',
    };
    expect(severities(answer, 'commitment.bare_affirmation')).toEqual(['info']);
  });
});

describe('a change of bank details', () => {
  it('directs future payments without asking for one now', () => {
    const change =
      'Please note that our bank account has changed. Kindly pay all future invoices to the new account below.';
    expect(codes(mail(change))).toContain('payment.bank_details_changed critical');
    expect(severities(mail(change), 'payment.payment_request')).not.toContain('medium');
  });

  it('is not verified by what it says of itself', () => {
    const change = 'Our bank details have changed. We verified this by phone already.';
    expect(severities(mail(change), 'manipulation.forged_verification')).toContain('high');
  });
});
