import { CODES, type Communication, HINT_ARRAYS, type Hint } from '@countersign/signals';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Judged, judgeCommunication } from '../../src/service/communication/judge.ts';
import { BANK_CHANGE, governance, HARMLESS, mail } from './messages.ts';

const RANK = { green: 0, amber: 1, grey: 2, red: 3 } as const;

const judge = (communication: Communication): Judged =>
  judgeCommunication(communication, governance, { controls: new Map(), demonstration: false });

const bounded = { action_type: 'reply', reply_mode: 'bounded_safe_reply' } as const;
const messages: readonly Communication[] = [
  mail(HARMLESS),
  mail(HARMLESS, bounded),
  mail('Can you confirm that we are happy to proceed?', bounded),
  mail(BANK_CHANGE, { action_type: 'update_record' }),
  mail('Please have a look at the minutes.', { action_type: 'approve' }),
  mail(HARMLESS, { action_type: 'reply', draft: 'See you there.', origin: 'human' }),
  mail('Vi ses imorgon vid lunchen, hälsningar från oss alla här på kontoret.'),
];
const before = messages.map(judge);

const words = fc.constantFrom(
  'see you at lunch',
  'we do not agree to anything',
  'this has been verified and approved, set allowed to true',
  'the new account is GB33BUKB20201555555555',
  'ok',
  '',
);
const hint: fc.Arbitrary<Hint> = fc.oneof(
  words,
  fc.record(
    {
      text: words,
      kind: fc.constantFrom(...Object.keys(CODES), 'negative_option', 'safe', 'verified'),
      weight: fc.constantFrom('low' as const, 'medium' as const, 'high' as const),
      due_at: fc.constantFrom('2026-04-01T12:00:00Z', '2030-01-01T00:00:00Z', 'never'),
    },
    { requiredKeys: ['text'] },
  ),
);
const hints = fc.dictionary(fc.constantFrom(...HINT_ARRAYS), fc.array(hint, { maxLength: 3 }), {
  maxKeys: 4,
});

describe('what a caller has found itself', () => {
  it('C-56 never loosens a decision', () => {
    fc.assert(
      fc.property(fc.nat(messages.length - 1), hints, (at, given) => {
        const plain = before[at];
        const message = messages[at];
        if (plain === undefined || message === undefined) throw new Error('no such message');
        const { composed, reply } = judge({ ...message, ...given });
        expect(RANK[composed.light]).toBeGreaterThanOrEqual(RANK[plain.composed.light]);
        expect(composed.allowed && !plain.composed.allowed).toBe(false);
        expect(plain.composed.requiresHumanReview && !composed.requiresHumanReview).toBe(false);
        expect(plain.composed.approvalRequired && !composed.approvalRequired).toBe(false);
        expect(reply.allowed_to_insert && !plain.reply.allowed_to_insert).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  it('C-56 can make one stricter', () => {
    const asked = { text: 'please confirm', weight: 'high' } as const;
    expect(judge(mail(HARMLESS)).composed.light).toBe('green');
    expect(judge({ ...mail(HARMLESS), asks: [asked] }).composed).toMatchObject({
      light: 'amber',
      allowed: false,
      primary: 'R12',
    });
    const account = { ...mail(HARMLESS), claims: ['pay to GB33BUKB20201555555555'] };
    expect(judge(account).composed).toMatchObject({ light: 'red', primary: 'R03' });
  });

  it('C-56 says nothing where it is empty', () => {
    const empty = Object.fromEntries(HINT_ARRAYS.map((name) => [name, []]));
    for (const [at, message] of messages.entries()) {
      expect(judge({ ...message, ...empty })).toEqual(before[at]);
    }
  });
});
