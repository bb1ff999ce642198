import { analyze, type Signal } from '@countersign/signals';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isIban } from '../src/values.ts';
import { cutOf, drafted, mail, ruleset, signalsOf } from './rules.ts';

const accounts = (text: string): readonly Signal[] =>
  signalsOf(mail(text), 'payment.new_account_identifier');

describe('account identifiers', () => {
  it.each([
    ['iban', true, 'Pay to GB29 NWBK 6016 1331 9268 19 please.'],
    ['iban', true, 'Pay to de89370400440532013000 please.'],
    ['iban', false, 'Our IBAN GB29 NWBK 6016 1331 9268 18 is new.'],
    ['uk_account', true, 'Sort code 60-16-13 and account 31926819.'],
    ['us_routing', true, 'Routing number 021000021 at the bank.'],
    ['us_routing', false, 'Routing number 021000022 at the bank.'],
    ['bic', true, 'Our SWIFT is NWBKGB2L.'],
    ['upi', true, 'Send by UPI to harbour@okbank now.'],
    ['crypto', true, 'Use 0x52908400098527886E0F7030069857D2E4169EE7 for it.'],
  ])('%s, valid: %s, in %j', (identifier_kind, checksum_valid, text) => {
    expect(accounts(text).map(({ attributes }) => attributes)).toContainEqual({
      identifier_kind,
      checksum_valid,
    });
  });

  it.each([
    'The reference is GB29 NWBK 6016 1331 9268 18 as before.',
    'We meet on 12-05-26 with 31926819 people.',
    'Swift response from the bank, please.',
    'Call 020 7946 0000 and ask for room 12.',
  ])('are not seen in %j', (text) => {
    expect(accounts(text)).toEqual([]);
  });

  it('are cut out as they were written', () => {
    const message = mail('Pay to GB29 NWBK 6016 1331 9268 19 please.');
    const [signal] = signalsOf(message, 'payment.new_account_identifier');
    if (signal === undefined) throw new Error('not found');
    expect(cutOf(message, signal)).toMatch(/^GB29 NWBK 6016 1331 9268 19/);
  });

  it('that are known change nothing', () => {
    const known = (identifier: string): boolean => identifier === 'GB29NWBK60161331926819';
    const message = mail('Pay to GB29 NWBK 6016 1331 9268 19 please.');
    const { signals } = analyze(message, ruleset, known);
    const found = signals.filter(({ family }) => family === 'F01');
    expect(found.map(({ code }) => code)).toEqual(['payment.details_mention']);
  });

  it('pass the check only with their own digits', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[0-9]{10,20}$/),
        fc.nat(),
        fc.integer({ min: 1, max: 9 }),
        (digits, at, by) => {
          const check = [...Array(97).keys()]
            .map((n) => `DE${String(n + 2).padStart(2, '0')}${digits}`)
            .find(isIban);
          if (check === undefined) throw new Error('every number has check digits');
          const place = 4 + (at % digits.length);
          const digit = (Number(check[place]) + by) % 10;
          expect(isIban(`${check.slice(0, place)}${digit}${check.slice(place + 1)}`)).toBe(false);
        },
      ),
    );
  });
});

describe('secrets in a draft', () => {
  it.each([
    ['card', 'The card is 4111 1111 1111 1111, thank you.'],
    ['private_key', '-----BEGIN RSA PRIVATE KEY-----\nabc'],
    ['token', 'Use ghp_abcdefghijklmnopqrstuvwx for it.'],
    ['password', 'The password is Tr0ub4dor&3.'],
  ])('%s', (identifier_kind, draft) => {
    const found = signalsOf(drafted(draft), 'disclosure.secret_in_draft');
    expect(found.map(({ attributes }) => attributes)).toContainEqual({ identifier_kind });
    expect(signalsOf(mail(draft), 'disclosure.secret_in_draft')).toEqual([]);
  });

  it.each(['The card is 4111 1111 1111 1112.', 'The password is on the other page.'])(
    'are not seen in %j',
    (draft) => {
      expect(signalsOf(drafted(draft), 'disclosure.secret_in_draft')).toEqual([]);
    },
  );
});

describe('a limit', () => {
  const pay = (value: string, currency = 'EUR') =>
    mail(
      'Here is the invoice.',
      { action_type: 'pay', amount: { value, currency } },
      {
        authority_result: { status: 'verified', limit: { value: '1000', currency: 'EUR' } },
      },
    );

  it('is exceeded only by more of the same currency', () => {
    expect(signalsOf(pay('1000.01'), 'authority.limit_exceeded')).toHaveLength(1);
    expect(signalsOf(pay('1000'), 'authority.limit_exceeded')).toEqual([]);
    expect(signalsOf(pay('2000', 'SEK'), 'authority.limit_exceeded')).toEqual([]);
  });
});
