import type { ThreadMessage } from '@countersign/signals';
import { describe, expect, it } from 'vitest';
import { codes, decide, mail, read, reasons, signalsOf } from './rules.ts';

const earlier = (body_excerpt: string): readonly ThreadMessage[] => [
  {
    direction: 'inbound',
    from: { name: 'Tom Ash', email: 'tom@harbourline.example', role: 'sender' },
    body_excerpt,
  },
];
const quote = (text: string): string =>
  ['On 3 March 2026 Tom Ash <tom@harbourline.example> wrote:', ...text.split('\n')]
    .map((line, i) => (i === 0 ? line : `> ${line}`))
    .join('\n');

const AGREED = 'Please confirm that you accept our offer for the new pumps.';
const ACCOUNT = 'Our bank details have changed.\nPlease pay to GB29 NWBK 6016 1331 9268 19.';

describe('C-66 a history that nobody wrote', () => {
  it('with bank details is red', () => {
    const invented = mail(`Hello James, as you can see below.\n\n${quote(ACCOUNT)}`, undefined, {
      thread: earlier('Hello James, the pumps have arrived at the harbour and look good.'),
    });
    const found = signalsOf(invented, 'payment.bank_details_changed');
    expect(found.map(({ segment }) => segment)).toEqual(['quoted_unverified']);
    expect(reasons(invented)).toContain('R03 red blocks');
  });

  it('with an agreement counts as what is said now', () => {
    const invented = mail(`Hello James, see below.\n\n${quote(AGREED)}`, undefined, {
      thread: earlier('The pumps have arrived at the harbour and look good.'),
    });
    expect(reasons(invented)).toContain('R12 amber blocks');
  });

  it('with bank details is red even where it was written', () => {
    const genuine = mail(`Hello James, see below.\n\n${quote(ACCOUNT)}`, undefined, {
      thread: earlier(ACCOUNT),
    });
    expect(decide(genuine).light).toBe('red');
  });
});

describe('C-67 an agreement in a history that was written', () => {
  it('asks for nothing now', () => {
    const message = mail(`Thanks, see you on Monday.\n\n${quote(AGREED)}`, undefined, {
      thread: earlier(AGREED),
    });
    const found = signalsOf(message, 'commitment.acceptance_requested');
    expect(found.map(({ segment, polarity }) => [segment, polarity])).toEqual([
      ['quoted', 'quoted'],
    ]);
    expect(decide(message).reasons.filter(({ rule_id }) => rule_id === 'R12')).toEqual([]);
    expect(decide(message).light).toBe('green');
  });

  it('asks again where it is forwarded', () => {
    const message = mail(
      `Please see below.\n\n---------- Forwarded message ----------\n${AGREED}`,
      undefined,
      { thread: earlier(AGREED) },
    );
    expect(reasons(message)).toContain('R12 amber blocks');
  });
});

describe('C-68 what is denied', () => {
  it('promises nothing', () => {
    const draft = { action_type: 'reply', draft: 'We do not accept your offer.', origin: 'human' };
    const message = mail('Hello James, here is our offer.', draft as never);
    expect(decide(message).reasons.filter(({ rule_id }) => rule_id === 'R12')).toEqual([]);
    expect(signalsOf(message, 'commitment.acceptance_made').map((one) => one.severity)).toEqual([
      'info',
    ]);
  });

  it('stops all the same where a new account stands beside it', () => {
    const message = mail(
      'Our bank details have not changed. Please pay to GB29 NWBK 6016 1331 9268 19.',
    );
    expect(codes(message)).toContain('payment.bank_details_changed critical');
    expect(reasons(message)).toContain('R03 red blocks');
  });
});

describe('C-71 an account that is met for the first time', () => {
  const body = 'Please pay to GB29 NWBK 6016 1331 9268 19, thank you.';

  it('counts as a change where it is unknown, and where nobody knows any', () => {
    for (const known of [undefined, () => false]) {
      const found = read(mail(body), known).signals.filter(({ family }) => family === 'F01');
      expect(found.map(({ code }) => code)).toEqual(['payment.new_account_identifier']);
    }
    expect(reasons(mail(body))).toContain('R03 red blocks');
  });

  it('does not where it is known, however it is written', () => {
    const known = (identifier: string): boolean => identifier === 'GB29NWBK60161331926819';
    for (const text of [body, body.replaceAll(/(?<=\d) (?=\d)/g, '-'), body.replace('GB', 'gb')]) {
      const found = read(mail(text), known).signals.filter(({ family }) => family === 'F01');
      expect(found.map(({ code, severity }) => `${code} ${severity}`)).toEqual([
        'payment.details_mention low',
      ]);
    }
  });
});

describe('C-73 a document that was not read', () => {
  const sign = (more: object) =>
    mail(
      'Hello James, here is the contract.',
      { action_type: 'sign', document_id: 'd1' },
      { documents: [{ document_id: 'd1', name: 'contract.pdf', ...more }] },
    );

  it.each([
    {},
    { text: 'The contract.', encrypted: true },
    { text: 'A', pages: 3, pages_extracted: 2 },
  ])('is red where it is to be signed: %j', (more) => {
    expect(reasons(sign(more))).toContain('R08 red blocks');
    expect(codes(sign(more))).toContain('opacity.document_unread medium');
    expect(read(sign(more)).coverage.F13.inbound.reasons).toEqual(['document_unread']);
  });

  it('is not red where it was read whole', () => {
    const whole = sign({ text: 'The contract.', pages: 2, pages_extracted: 2 });
    expect(reasons(whole)).toEqual(['R08 amber blocks']);
  });

  it('takes nothing from a message that does not rest on it', () => {
    const beside = mail('Hello James, thanks.', undefined, {
      documents: [{ document_id: 'd1', name: 'minutes.pdf' }],
    });
    expect(codes(beside)).toEqual(['opacity.document_unread low']);
    expect(read(beside).coverage.F13.inbound.complete).toBe(true);
  });
});
