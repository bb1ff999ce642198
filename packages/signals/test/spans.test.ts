import type { Communication } from '@countersign/signals';
import { describe, expect, it } from 'vitest';
import { cutOf, drafted, mail, signalsOf } from './rules.ts';

const PHRASE = 'send me your password';

/** What each signal of a code cuts out of the string as it was submitted. */
const cuts = (message: Communication, code = 'credential.password_or_code'): readonly string[] =>
  signalsOf(message, code).map((signal) => cutOf(message, signal));

describe('C-61 a span cuts the find out of the string as it was submitted', () => {
  it.each([
    ['plain', PHRASE, PHRASE],
    ['behind astral characters', `👩‍👩‍👧 𝔘 🏴󠁧󠁢󠁳󠁣󠁴󠁿 ${PHRASE}`, PHRASE],
    ['between surrogates that stand alone', `\ud83d ${PHRASE} \udc69`, PHRASE],
    ['behind an entity', `Caf&eacute; &amp; bar: ${PHRASE}`, PHRASE],
    ['with entities inside', 'send&nbsp;me your &#112;assword', 'send&nbsp;me your &#112;assword'],
    ['with a soft line break', 'send me your pass=\r\nword now=20', 'send me your pass=\r\nword'],
    ['with zero width', 'send me your pass\u200bword', 'send me your pass\u200bword'],
    ['with look-alikes', 'send me your p\u0430ssword', 'send me your p\u0430ssword'],
    ['in mathematical letters', 'send me your 𝐩𝐚𝐬𝐬𝐰𝐨𝐫𝐝', 'send me your 𝐩𝐚𝐬𝐬𝐰𝐨𝐫𝐝'],
    ['in combining marks', 'send me your passwo\u0308rd 💡', 'send me your passwo\u0308rd'],
    ['in digits', 'send me your p4ssw0rd', 'send me your p4ssw0rd'],
    ['behind a line end of two', `Hello.\r\n\r\n${PHRASE}`, PHRASE],
  ])('%s', (_, text, expected) => {
    const body = `Hello James.\n\n${text} please, thank you.`;
    const [cut] = cuts(mail(body));
    expect(cut).toBe(expected);
  });

  it.each<[string, (text: string) => Communication]>([
    ['a subject', (text) => mail('Hello.', undefined, { subject: text })],
    ['a draft', (text) => drafted(text)],
    [
      'a document',
      (text) => mail('Hello.', undefined, { documents: [{ document_id: 'd', text }] }),
    ],
    ['a hint', (text) => mail('Hello.', undefined, { asks: [text] })],
    ['a hint with a text', (text) => mail('Hello.', undefined, { asks: [{ text }] })],
    ['HTML', (text) => mail('Hello.', undefined, { body_html: `<p>${text}</p>` })],
    ['hidden HTML', (text) => mail('Hello.', undefined, { body_html: `<p hidden>${text}</p>` })],
    ['a quotation', (text) => mail(`Hello.\n\n> ${text}\n> again\n\nBye.`)],
  ])('in %s', (_, message) => {
    expect(cuts(message(`😀 ${PHRASE}, thank you.`))).toContain(PHRASE);
  });

  it('of HTML holds the marks between', () => {
    const body_html = '<p>😀 send <b>me</b> your&nbsp;pass<i>word</i>, please.</p>';
    expect(cuts(mail('Hello.', undefined, { body_html }))).toEqual([
      'send <b>me</b> your&nbsp;pass<i>word',
    ]);
  });

  it('of an identifier holds nothing of what follows', () => {
    const iban = 'GB29 NWBK 6016 1331 9268 19';
    const other = 'DE89 3704 0044 0532 0130 00';
    const code = 'payment.new_account_identifier';
    for (const text of [
      `Pay to ${iban} and tell us.`,
      `Pay to ${iban} ${other}`,
      `🏦${iban}💶`,
      `${iban}\nBIC follows`,
    ]) {
      expect(cuts(mail(text), code), text).toContain(iban);
    }
    expect(cuts(mail(`Pay to ${iban} ${other} please`), code)).toEqual([iban, other]);
    expect(cuts(mail('Pay to GB29-NWBK-6016-1331-9268-19.'), code)).toEqual([
      'GB29-NWBK-6016-1331-9268-19',
    ]);
  });

  it('of a link holds its whole', () => {
    const link = 'https://harbour1ine.example/x?y=1';
    const message = mail(`Hello 👋 see ${link} for it.`, undefined, {
      context: { known_counterparty_domains: ['harbourline.example'] },
    });
    expect(cuts(message, 'identity.lookalike_domain')).toEqual([link]);
  });
});
