import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detectLanguage } from '../src/language.ts';
import { tokenize } from '../src/tokens.ts';
import { mail, read, ruleset } from './rules.ts';

const detect = (text: string) => detectLanguage(text, tokenize(text), ruleset.languages);

describe('the language of a text', () => {
  it.each([
    ['en', 'Thank you for the report, we will look at it on Monday.'],
    ['de', 'Vielen Dank für die Nachricht, wir werden sie am Montag prüfen und melden uns.'],
    [
      'fr',
      'Merci pour votre message, nous allons le lire et nous vous répondrons dans la semaine.',
    ],
    ['es', 'Gracias por su mensaje, lo vamos a leer y le responderemos en la semana que viene.'],
    ['it', 'Grazie per il messaggio, lo leggeremo e le risponderemo con calma nella settimana.'],
    ['nl', 'Bedankt voor het bericht, wij zullen het lezen en laten u weten wat er van is.'],
    ['pt', 'Obrigado pela mensagem, nós vamos ler e respondemos para você em uma semana.'],
  ])('%s is recognised, and covered where there is a lexicon of it', (code, text) => {
    const spoken = ruleset.lexicons.some(({ language }) => language === code);
    expect(detect(text)).toMatchObject({ code, tier: spoken ? 'A' : 'C', covered: spoken });
  });

  it.each([
    ['ru', 'Добрый день, пожалуйста посмотрите документы.'],
    ['ja', 'お世話になっております。資料をご確認ください。'],
    ['zh', '您好，请查看附件中的文件，谢谢。'],
    ['ko', '안녕하세요 첨부 문서를 확인해 주세요'],
    ['ar', 'مرحبا يرجى مراجعة المستندات المرفقة'],
  ])('%s is recognised, and not covered', (code, text) => {
    expect(detect(text)).toMatchObject({ code, tier: 'C', covered: false });
  });

  it('of words that nobody knows is none', () => {
    expect(detect('zorbel quintap vloost mirbane ghestin portlam yurvex')).toMatchObject({
      code: 'und',
      covered: false,
    });
    expect(detect('12 34 👍')).toMatchObject({ covered: true });
  });

  it('of a sentence is found beside that of the text around it', () => {
    const { code, all } = detect(
      'Thank you for the report, we will look at it on Monday. Le chiedo di inviarmi la password della rete. ' +
        'The numbers are in the folder that you know and we can talk about them.',
    );
    expect(code).toBe('en');
    expect(all).toContain('it');
  });

  it('of a text is only its own where close languages share words', () => {
    const italian =
      'Gentile signora, la riunione si terrà in via Roma con tutti i soci, e poi si va a pranzo. ' +
      'Le scrivo per sapere se per lei va bene.';
    for (const other of ['es', 'fr', 'pt']) expect(detect(italian).all).not.toContain(other);
  });

  it('of words that only partial lexicons know is not known', () => {
    expect(detect('przelej zaplac oplac uregulowac zatwierdzic').covered).toBe(false);
  });

  it('decides which of two lexicons with the same word counts', () => {
    const codesOf = (text: string) => read(mail(text)).signals.map(({ code }) => code);
    expect(codesOf('Con calma, non è urgente.')).not.toContain('deadline.extreme');
    expect(codesOf('Thanks, see you at lunch. É urgente.')).toContain('deadline.extreme');
  });

  it('of a short text is that of its message', () => {
    const english = detect('Thank you for the report, we will look at it on Monday.');
    expect(detectLanguage('Bitte', tokenize('Bitte'), ruleset.languages, english).code).toBe('en');
  });

  it('that nobody reads here leaves families open, also for attackers', () => {
    const { coverage } = read(mail('Добрый день, пожалуйста посмотрите документы и ответьте мне.'));
    expect(coverage.F01.inbound).toEqual({ complete: false, reasons: ['language_unsupported'] });
    expect(coverage.F15.inbound.complete).toBe(true);
    expect(coverage.F01.outbound.complete).toBe(true);
  });

  it('is found for any text at all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        const { tier, covered } = detect(text);
        expect(!covered || tier === 'A').toBe(true);
      }),
    );
  });
});
