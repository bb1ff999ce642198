import { analyze, type Signal } from '@countersign/signals';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCryptoAddress, isIban } from '../src/checksums.ts';
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
  const found = (draft: string): readonly string[] =>
    signalsOf(drafted(draft), 'disclosure.secret_in_draft').map(
      ({ attributes, severity }) => `${attributes.identifier_kind} ${severity}`,
    );

  it.each([
    ['card critical', 'The card is 4111 1111 1111 1111, thank you.'],
    ['card info', 'The card is 4111 1111 1111 1112.'],
    ['private_key critical', '-----BEGIN RSA PRIVATE KEY-----\nabc'],
    ['private_key critical', '-----BEGIN OPENSSH PRIVATE KEY-----\nabc'],
    ['token critical', 'Use ghp_abcdefghijklmnopqrstuvwx for it.'],
    ['token critical', 'Use glpat-abcdefghijklmnopqrst for it.'],
    ['token critical', 'Use sk_live_abcdefghijklmnopqrst for it.'],
    ['token critical', 'Use AKIAIOSFODNN7EXAMPLE for it.'],
    ['token critical', 'Use xoxb-1234567890-abcdef for it.'],
    ['token critical', 'It is eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVPmB92.'],
    ['password critical', 'The password is Tr0ub4dor&3.'],
    ['high_entropy critical', 'The secret is 9fK2xQ7vLm4Rt8Wz1Yb6Nc3Hd5Jg0PsA here.'],
    ['us_ssn critical', 'Her SSN is 536-22-1234.'],
    ['uk_nino critical', 'His number is QQ 12 34 56 C, or AB 12 34 56 C.'],
    ['passport critical', 'Passport: C01X00T47.'],
    ['de_tax_id critical', 'Steuer-ID 86095742719.'],
    ['de_tax_id low', 'Steuer-ID 86095742718.'],
    ['fr_nir critical', 'Elle a le 2 55 08 14 168 025 38.'],
    ['es_dni critical', 'Su DNI es 12345678Z.'],
    ['es_dni critical', 'Su NIE es X1234567L.'],
    ['it_codice_fiscale critical', 'Il codice RSSMRA85T10A562S.'],
    ['nl_bsn critical', 'BSN 111222333.'],
    ['nl_bsn low', 'BSN 111222334.'],
    ['br_cpf critical', 'O número é 529.982.247-25.'],
    ['pt_nif critical', 'NIF 123456789.'],
    ['pl_pesel critical', 'PESEL 44051401359.'],
    ['se_personnummer critical', 'Hon har 811228-9874.'],
    ['dk_cpr critical', 'CPR 070761-4285.'],
    ['ch_ahv critical', 'Die Nummer 756.9217.0769.85.'],
  ])('%s: %s', (expected, draft) => {
    expect(found(draft)).toContain(expected);
    expect(signalsOf(mail(draft), 'disclosure.secret_in_draft')).toEqual([]);
  });

  it.each([
    'The password is on the other page.',
    'The order 4111 1111 1111 1112 is on its way.',
    'The key points of the-long-awaited-new-annual-report-2026 are these.',
    'The checksum is 9fK2xQ7vLm4Rt8Wz1Yb6Nc3Hd5Jg0PsA here.',
    'Call 536-22-1234 for it.',
    'Order 12345678A was sent.',
    'The article 86095742719 is out of stock.',
  ])('are not seen in %j', (draft) => {
    expect(found(draft)).toEqual([]);
  });
});

describe('an address of a cryptocurrency', () => {
  it.each([
    ['0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed', true],
    ['0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD', false],
    ['1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa', true],
    ['1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb', false],
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', true],
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5', false],
    ['bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0', true],
  ])('%s, valid: %s', (address, valid) => {
    expect(isCryptoAddress(address)).toBe(valid);
    const [signal] = accounts(`Send it to ${address} now.`);
    expect(signal?.severity).toBe(valid ? 'high' : 'medium');
    expect(signal?.attributes.checksum_valid).toBe(valid);
  });
});

describe('the holder of an account', () => {
  const pay = (holder: string, organisation?: string) =>
    signalsOf(
      mail(`IBAN: GB29 NWBK 6016 1331 9268 19\nBeneficiary: ${holder}\n`, undefined, {
        participants: [
          {
            name: 'Tom Ash',
            email: 'tom@harbourline.example',
            role: 'sender',
            ...(organisation === undefined ? {} : { organisation }),
          },
        ],
      }),
      'payment.account_name_mismatch',
    );

  it('is somebody else where no word is shared with who writes', () => {
    expect(pay('Zenith Trading Ltd', 'Harbourline Limited')).toHaveLength(1);
    expect(pay('Harbourline Ltd', 'Harbourline Limited')).toEqual([]);
    expect(pay('T. Ash', 'Harbourline Limited')).toEqual([]);
    expect(pay('Zenith Trading Ltd')).toEqual([]);
  });
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

describe('what a signal says of money and time without its text', () => {
  const band = (text: string) =>
    signalsOf(mail(text), 'payment.urgent_payment_request')[0]?.attributes.amount_band;

  it.each([
    ['$400', '<1k'],
    ['€ 1.234,50', '1k-10k'],
    ['12,000 EUR', '10k-100k'],
    ['$100k', '10k-100k'],
    ['£250 000', '>100k'],
    ['€ 1,23,45', 'unknown'],
  ])('%s is %s', (amount, expected) => {
    expect(band(`Please wire ${amount} today.`)).toBe(expected);
  });

  it('no sum, no band', () => {
    expect(band('Please wire the funds today.')).toBeUndefined();
  });

  it('a deadline is resolved only where the time of writing is known', () => {
    const due = (more: object) =>
      signalsOf(mail('Could you send it by end of day?', undefined, more), 'deadline.same_day').map(
        ({ attributes }) => attributes.due_bucket,
      );
    expect(due({})).toEqual(['unresolved']);
    expect(due({ sent_at: '2026-03-02T09:00:00Z' })).toEqual(['same_day']);
  });
});
