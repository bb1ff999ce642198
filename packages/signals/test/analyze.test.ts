import {
  ACTION_TYPES,
  analyze,
  CODES,
  type Communication,
  isFitForReply,
  SIGNALS_MAX,
} from '@countersign/signals';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { merge } from '../src/findings.ts';
import { codes, decide, drafted, mail, read, reasons, ruleset, submitted } from './rules.ts';

describe('the examples that a lexicon gives', () => {
  const examples = ruleset.lexicons.flatMap(({ language, examples: all }) =>
    all.map((example) => ({ language, ...example })),
  );

  it.each(examples)('$language $code found: $found in $text', ({ code, text, found }) => {
    // What only we can say is looked for in a draft, everything else in a message.
    const outbound = CODES[code]?.direction === 'outbound';
    const message = outbound ? drafted(text) : mail(text);
    expect(codes(message).some((one) => one.startsWith(`${code} `))).toBe(found);
  });

  it('are there for many codes', () => {
    expect(new Set(examples.map(({ code }) => code)).size).toBeGreaterThan(15);
  });
});

describe('the worked examples, decided', () => {
  it('a change of bank details', () => {
    const change = mail(
      'Please note our bank account has changed. For all future invoices please use the new IBAN GB29 NWBK 6016 1331 9268 19.',
      { action_type: 'update_record' },
    );
    expect(reasons(change)).toEqual(['R03 red blocks']);
    expect(codes(change)).toEqual(
      expect.arrayContaining([
        'payment.bank_details_changed critical',
        'payment.new_account_identifier high',
      ]),
    );
  });

  it('an urgent payment for a chief who is none', () => {
    const urgent = mail(
      'This is your CEO. I need you to pay this invoice within the hour. I am in a meeting and cannot be called. Keep this confidential.',
      { action_type: 'reply' },
      {
        participants: [
          { name: 'Clara Boss', email: 'clara.boss77@gmail.com', role: 'sender' },
          { name: 'James Oak', email: 'james@oakfield.example', role: 'recipient' },
        ],
        context: { protected_names: ['Clara Boss'], organisation_domains: ['oakfield.example'] },
      },
    );
    expect(reasons(urgent)).toEqual([
      'R04 red blocks',
      'R05 red blocks',
      'R16 red blocks',
      'R15 amber blocks',
      'R17 amber',
    ]);
  });

  describe('a request for commitment', () => {
    const ask = (action: Omit<Communication['proposed_action'], 'action_type'>): Communication =>
      mail(
        '…asks for confirmation today, agreement for signature to follow…',
        { action_type: 'reply', ...action },
        { subject: '…asks whether you are happy to proceed…' },
      );

    it('is closed while nobody knows the answer, or the answer accepts', () => {
      for (const action of [
        {},
        { reply_mode: 'proposed_text', draft: 'Yes, happy to proceed', origin: 'human' },
      ] as const) {
        expect(reasons(ask(action))).toEqual(['R12 amber blocks']);
      }
    });

    it('is open when the answer is bounded', () => {
      const bounded = ask({ reply_mode: 'bounded_safe_reply' });
      expect(reasons(bounded)).toEqual(['R12 amber']);
      expect(decide(bounded).allowed).toBe(true);
      expect(isFitForReply(read(bounded))).toBe(true);
    });
  });

  it('an agent that promises too much', () => {
    const draft = 'We confirm full delivery by 12 May and we will cover any losses you suffer.';
    const send = mail('Thanks for the update.', {
      action_type: 'send',
      origin: 'ai_generated',
      audience: 'external',
      draft,
    });
    expect(reasons(send)).toEqual(['R11 amber blocks', 'R12 amber blocks', 'R19 amber']);
  });

  it('an agent that promises a refund', () => {
    const draft = 'We will refund you in full and waive the late fee.';
    const reply = mail('My order arrived late.', {
      action_type: 'reply',
      reply_mode: 'proposed_text',
      origin: 'ai_generated',
      audience: 'external',
      draft,
    });
    expect(reasons(reply)).toEqual(['R10 amber blocks', 'R19 amber']);
    expect(codes(reply)).toEqual([
      'concession.refund_promised high',
      'concession.waiver_promised high',
    ]);
  });

  it('approval of a new supplier', () => {
    const body =
      'Please set up a new vendor today so that their invoice can be booked, tax form to follow.';
    expect(reasons(mail(body, { action_type: 'approve' }))).toEqual(['R06 red blocks']);
  });

  it('nothing found, and nothing understood', () => {
    expect(decide(mail('Thanks, see you at lunch'))).toMatchObject({
      light: 'green',
      allowed: true,
    });
    const foreign = decide(
      mail('Добрый день, пожалуйста посмотрите документы и ответьте мне завтра утром'),
    );
    expect(foreign).toMatchObject({ light: 'grey', allowed: false, primary: 'R20' });
    expect(foreign.reasons.map(({ rule_id }) => rule_id)).toEqual(
      'R01 R02 R03 R04 R06 R07 R08 R09 R10 R11 R12 R14 R15 R16 R17'.split(' '),
    );
  });
});

describe('ordinary letters', () => {
  it.each([
    'Our spring sale is here! Shop now and save 20% on everything. Offer ends Sunday. Unsubscribe here.',
    'The minutes of the meeting are in the shared folder. Harbourline Limited will review the billing list.',
    'Your order was delivered on Tuesday. We hope that you enjoy the coffee.',
    'Could we move our call to Thursday afternoon?',
  ])('%s', (body) => {
    expect(decide(mail(body)).light).toBe('green');
  });

  it('a step of consequence is amber by itself, and by its own rule', () => {
    expect(reasons(mail('Thanks, see you at lunch', { action_type: 'other' }))).toEqual([
      'R21 amber',
    ]);
    expect(reasons(mail('Thanks, see you at lunch', { action_type: 'pay' }))).toEqual([
      'R04 red blocks',
    ]);
  });
});

describe('laws of the analysis', () => {
  const phrases = ruleset.lexicons.flatMap(({ examples }) => examples.map(({ text }) => text));
  const anyText = fc
    .array(
      fc.oneof(
        fc.constantFrom(...phrases),
        fc.string({ unit: 'binary', maxLength: 40 }),
        fc.constantFrom(
          '\n> ',
          '\n-- \n',
          '\u200b',
          '\u202e',
          'GB29NWBK60161331926819 ',
          'https://a.example/x ',
          '&#x41;',
          '=3D=20',
        ),
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join(' '));
  const anyMessage: fc.Arbitrary<Communication> = fc
    .record({
      body: anyText,
      html: fc.option(anyText),
      subject: fc.option(anyText),
      draft: fc.option(anyText),
      type: fc.constantFrom(...ACTION_TYPES),
    })
    .map(({ body, html, subject, draft, type }) =>
      mail(
        body,
        { action_type: type, ...(draft === null ? {} : { draft }) },
        {
          ...(html === null ? {} : { body_html: `<p>${html}</p>` }),
          ...(subject === null ? {} : { subject }),
        },
      ),
    );

  it('spans cut something out of the string that was submitted', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        for (const { pointer, span, code } of read(message).signals) {
          if (span === null) continue;
          const { length } = submitted(message, pointer);
          expect(0 <= span.start && span.start < span.end && span.end <= length, code).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('the same is found again, in order, merged, and within bounds', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const analysis = read(message);
        expect(analyze(structuredClone(message), ruleset)).toEqual(analysis);
        expect(analysis.signals.length).toBeLessThanOrEqual(SIGNALS_MAX);
        expect(merge(analysis.signals)).toEqual(analysis.signals);
        expect(merge(merge(analysis.signals))).toEqual(merge(analysis.signals));
      }),
      { numRuns: 150 },
    );
  });

  it('a decision is open only under green or amber, whatever is written', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const { light, allowed } = decide(message);
        if (allowed) expect(['green', 'amber']).toContain(light);
        if (light === 'green')
          expect(['reply', 'send']).toContain(message.proposed_action.action_type);
      }),
      { numRuns: 150 },
    );
  });

  it('a finding stays when harmless sentences follow', () => {
    const plain = fc.constantFrom(
      'Thanks, see you at lunch.',
      'The slides are in the folder.',
      'Have a good weekend.',
    );
    const found = ruleset.lexicons.flatMap(({ examples }) => examples.filter((one) => one.found));
    fc.assert(
      fc.property(
        fc.constantFrom(...found),
        fc.array(plain, { maxLength: 5 }),
        ({ code, text }, more) => {
          const whole = [text, ...more].join('\n\n');
          const message = CODES[code]?.direction === 'outbound' ? drafted(whole) : mail(whole);
          expect(
            codes(message).some((one) => one.startsWith(`${code} `)),
            whole,
          ).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('more findings than an answer may hold leave the analysis incomplete', () => {
    const body = Array.from({ length: 300 }, (_, i) => `Please send me your password ${i}.`).join(
      '\n\n',
    );
    const analysis = read(mail(body));
    expect(analysis.signals).toHaveLength(SIGNALS_MAX);
    expect(analysis.complete).toBe(false);
    expect(decide(mail(body)).light).toBe('red');
  });

  it('an empty message, or one without a sender, is of no use', () => {
    expect(read(mail(' \n ')).usable).toBe(false);
    expect(read(mail('Hello there', { action_type: 'reply' }, { participants: [] })).usable).toBe(
      false,
    );
    expect(decide(mail(' \n ')).light).toBe('grey');
  });

  it('what a caller found itself is added, and never takes away', () => {
    const body = 'Thanks, see you at lunch';
    const hinted = mail(
      body,
      { action_type: 'reply' },
      { asks: ['agree to the price'], pressure_signals: [{ text: 'soon', weight: 'high' }] },
    );
    expect(codes(hinted)).toEqual(
      expect.arrayContaining(['commitment.acceptance_requested medium', 'deadline.extreme high']),
    );
    expect(read(mail(body, { action_type: 'reply' }, { asks: [] })).signals).toEqual(
      read(mail(body)).signals,
    );
  });
});
