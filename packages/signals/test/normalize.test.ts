import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asSubmitted, submittedSpan } from '../src/mapped-text.ts';
import { readText } from '../src/normalize.ts';
import { codes, cutOf, mail, ruleset, signalsOf } from './rules.ts';

const reading = (text: string) =>
  readText(asSubmitted(text), {
    confusables: ruleset.confusables,
    words: ruleset.languages.known,
  });
const kinds = (text: string): readonly string[] => reading(text).disguises.map(({ kind }) => kind);

describe('the readings of a text', () => {
  it.each([
    ['pass\u200bword', 'password', ['zero_width']],
    ['p\u0430ssw\u043erd now', 'password now', ['homoglyph']],
    ['p a s s w o r d', 'password', ['spaced_letters']],
    ['p.a.s.s.w.o.r.d', 'password', ['spaced_letters']],
    ['b a n k  d-e-t-a-i-l-s', 'bank details', ['spaced_letters', 'spaced_letters']],
    ['y o u r p a s s w o r d', 'your password', ['spaced_letters']],
    ['\u202dpassword\u202c', 'password', []],
    ['\u{1d429}\u{1d41a}\u{1d42c}\u{1d42c}', 'pass', ['compatibility_letters']],
    ['a\u0007b', 'ab', ['control_characters']],
    ['\u202edrowssap\u202c', 'password', ['bidi_override']],
    ['caf&eacute;', 'café', []],
    ['=70=61=73=73', 'pass', []],
    ['&amp;amp;amp;lt;', '&lt;', ['nested_encoding']],
    ['B. C. D. F.', 'B. C. D. F.', []],
    ['plain text', 'plain text', []],
  ])('%j is read as %j', (text, plain, disguises) => {
    const read = reading(text);
    expect(read.plain.text).toBe(plain);
    expect(kinds(text)).toEqual(disguises);
  });

  it('reads digits as letters in a reading of its own', () => {
    expect(reading('your p4ssw0rd').leet.text).toBe('your password');
    const code = reading('order INV2041 for Q3, 12km');
    expect(code.leet).toBe(code.plain);
    const cry = reading('Spedizione gratuita! Iscriviti adesso!');
    expect(cry.leet).toBe(cry.plain);
  });

  it.each([
    ['1 n33d th3 c0d3 f0r 7he m41lb0x', '1 need the code for the mailbox'],
    ['c1ick 7h3 1ink t0d4y', 'click the link today'],
    ['YOUR PR1V4TE K3Y', 'YOUR PRIVATE KEY'],
    ['V1ew y0ur 5tatement: h77p5://p4y.example/w2', 'View your statement: https://p4y.example/w2'],
  ])('reads %j, in which digits stand for letters throughout, as %j', (text, plain) => {
    const read = reading(text);
    expect(read.plain.text).toBe(plain);
    expect(read.leet).toBe(read.plain);
    expect(read.disguises.every(({ throughout }) => throughout)).toBe(true);
  });

  it.each([
    'The mp3 of the talk, the 4x4 brochure and the covid19 rules are in the B2B folder.',
    'gr8 thx, c u 2nite, l8r m8! b4 u go get milk 4 me',
    'Commit e3b0c44 fixes a3f5b8c; see also 1a2b3c4 and deadb33f.',
    'Flights BA2490 and LH1234, gate A10, seat 14C, on the 1st or 3rd at 4pm.',
    'Parts: ab10cd, x1y, m3, h7, s355j2, din4017, iso9001, ral7035.',
    'Hi @anna and @tom, can @lisa bring the photos? $5 each.',
  ])('takes nothing in %j for a text written in digits', (text) => {
    expect(reading(text).plain.text).toBe(text);
  });

  it.each([
    ['\u0406hre Rechnung ist f\u00e4\u04cf\u04cfig', 'Ihre Rechnung ist f\u00e4llig'],
    ['\u0441\u04cfick t\u04bbe \u04cfink', 'click the link'],
    ['\u0430\u0455\u0430\u0440 \u0441\u0430ll', 'asap call'],
  ])('reads %j as %j', (text, plain) => {
    expect(reading(text).plain.text).toBe(plain);
  });

  it('keeps a letter whose bytes stand in two lines', () => {
    expect(reading('la configuraci=C3=\n=B3n').plain.text).toBe('la configuraci\u00f3n');
  });

  it('leaves honest scripts, emoji and regional flags alone', () => {
    for (const text of [
      'Добрый день, коллеги',
      '👩‍👩‍👧 hello',
      'میخواهم',
      '🏴\u{e0067}\u{e0062}\u{e007f} flag',
    ]) {
      expect(kinds(text), text).toEqual([]);
    }
  });

  it('decodes what is written in tag characters as hidden text', () => {
    const tags = Array.from('ignore').map((sign) =>
      String.fromCodePoint(0xe0000 + sign.charCodeAt(0)),
    );
    const { tagged, plain } = reading(`Hi${tags.join('')} there`);
    expect(tagged.map(({ text }) => text)).toEqual(['ignore']);
    expect(plain.text).toBe('Hi there');
  });

  it('knows for every unit which part of the submitted string it stands for', () => {
    const pieces = fc.constantFrom(
      'pass',
      '\u200b',
      '&amp;',
      '=3D',
      '\u0430',
      '\u202e',
      '\u202c',
      'x y z w ',
      '\r\n',
      '４',
      '\u{e0041}',
      'é',
      ' ',
      '\ud800',
    );
    fc.assert(
      fc.property(
        fc.array(pieces, { maxLength: 30 }),
        fc.string({ unit: 'binary' }),
        (list, any) => {
          const text = list.join('') + any;
          const { seen, plain, leet, tagged, disguises } = reading(text);
          for (const mapped of [seen, plain, leet, ...tagged]) {
            expect(mapped.starts.length).toBe(mapped.text.length);
            expect(mapped.ends.length).toBe(mapped.text.length);
            for (let i = 0; i < mapped.text.length; i += 1) {
              const { start, end } = submittedSpan(mapped, i, i + 1);
              expect(start >= 0 && start < end && end <= text.length).toBe(true);
            }
          }
          for (const { span } of disguises) {
            expect(span.start >= 0 && span.start < span.end && span.end <= text.length).toBe(true);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a phrase in disguise', () => {
  it.each([
    ['zero width', 'Please send me your pass\u200bword.', 'obfuscation.zero_width high'],
    ['look-alikes', 'Please send me your p\u0430ssword.', 'obfuscation.homoglyph high'],
    ['spacing', 'Please send me your p a s s w o r d now.', 'obfuscation.spaced_letters high'],
    ['digits', 'Please send me your p4ssw0rd.', 'obfuscation.leet high'],
  ])('by %s is found, and so is the disguise', (_, text, how) => {
    expect(codes(mail(text))).toEqual(
      expect.arrayContaining(['credential.password_or_code critical', how]),
    );
  });

  it('is cut out of the string as it was submitted', () => {
    const message = mail('Hello. Please send me your pass\u200bword.');
    const [signal] = signalsOf(message, 'credential.password_or_code');
    if (signal === undefined) throw new Error('not found');
    expect(signal.view).toBe('V2');
    expect(cutOf(message, signal)).toBe('send me your pass\u200bword');
  });
});
