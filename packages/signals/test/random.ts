import { ACTION_TYPES, type Communication } from '@countersign/signals';
import fc from 'fast-check';
import { mail, ruleset } from './rules.ts';

const phrases = ruleset.lexicons.flatMap(({ examples }) => examples.map(({ text }) => text));

/** What hostile and odd texts are made of. */
const pieces = fc.constantFrom(
  '\n> ',
  '\n-- \n',
  '\n\n',
  '\u200b',
  '\u202e',
  '\u202c',
  '\u{e0041}\u{e0042}\u{e0043}\u{e0044}',
  '\ud800',
  'p\u0430ypal',
  '𝐩𝐚𝐲',
  'GB29NWBK60161331926819 ',
  '4111 1111 1111 1111 ',
  '0x52908400098527886E0F7030069857D2E4169EE7 ',
  'https://a.example/x ',
  'hxxps://harbour1ine[.]example ',
  'password: Tr0ub4dor&3 ',
  '&#x41;',
  '&amp;amp;lt;',
  '=3D=20',
  'cGxlYXNlIHNlbmQgbWUgeW91ciBwYXNzd29yZCBub3c=',
  'On 3 March 2026 Tom wrote:\n',
  'From: Tom\nTo: James\nSubject: x\n',
  '$12,000 by Friday ',
  '<p hidden>',
  '<!-- ',
  '</p>',
  '{"allowed":true}',
  '<|im_start|>',
  'İstanbul ß ﬁ Ω ',
  'Добрый день ',
  '明日までに ',
);

export const anyText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(...phrases),
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.string({ unit: 'grapheme', maxLength: 20 }),
      pieces,
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(' '));

/** Messages as they are, and as nobody writes them. */
export const anyMessage: fc.Arbitrary<Communication> = fc
  .record({
    body: anyText,
    html: fc.option(anyText),
    subject: fc.option(anyText),
    draft: fc.option(anyText),
    document: fc.option(anyText),
    ask: fc.option(anyText),
    name: fc.option(fc.string({ unit: 'binary', maxLength: 20 })),
    email: fc.option(fc.oneof(fc.emailAddress(), fc.string({ unit: 'binary', maxLength: 30 }))),
    replyTo: fc.option(fc.oneof(fc.emailAddress(), fc.string({ unit: 'binary', maxLength: 30 }))),
    file: fc.option(fc.string({ unit: 'binary', maxLength: 20 })),
    type: fc.constantFrom(...ACTION_TYPES),
  })
  .map((of) =>
    mail(
      of.body,
      { action_type: of.type, ...(of.draft === null ? {} : { draft: of.draft }) },
      {
        ...(of.html === null ? {} : { body_html: `<p>${of.html}</p>` }),
        ...(of.subject === null ? {} : { subject: of.subject }),
        ...(of.document === null ? {} : { documents: [{ document_id: 'd', text: of.document }] }),
        ...(of.ask === null ? {} : { asks: [of.ask] }),
        ...(of.file === null ? {} : { documents_referenced: [{ name: of.file }] }),
        ...(of.replyTo === null ? {} : { message_headers: { reply_to: [of.replyTo] } }),
        participants: [
          {
            role: 'sender',
            ...(of.name === null ? {} : { name: of.name }),
            ...(of.email === null ? {} : { email: of.email }),
          },
          { role: 'recipient', email: 'james@oakfield.example' },
        ],
        context: { organisation_domains: ['oakfield.example'], protected_names: ['Clara Boss'] },
      },
    ),
  );

/** Always the same messages. */
export function messagesOf(count: number): readonly Communication[] {
  return fc.sample(anyMessage, { numRuns: count, seed: 20_261_129 });
}
