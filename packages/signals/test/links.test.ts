import { describe, expect, it } from 'vitest';
import { codes, mail } from './rules.ts';

const context = { known_counterparty_domains: ['harbourline.example'] };
const action = { action_type: 'reply' } as const;
const html = (body_html: string) =>
  codes(mail('Hello James, here is the page.', action, { body_html, context }));
const text = (body: string) => codes(mail(body, action, { context }));

describe('links', () => {
  it('say where they lead, or do not', () => {
    const mismatch = 'credential.link_mismatch high';
    expect(html('<a href="https://other.example/x">https://harbourline.example</a>')).toContain(
      mismatch,
    );
    expect(
      html('<a href="https://pay.harbourline.example/x">harbourline.example</a>'),
    ).not.toContain(mismatch);
    expect(html('<a href="https://other.example/x">our page</a>')).toEqual([]);
    for (const file of ['invoice.pdf', 'archive.zip', 'run.py']) {
      expect(html(`<a href="https://other.example/x">${file}</a>`)).not.toContain(mismatch);
    }
    expect(
      html('<meta http-equiv="refresh" content="0;url=https://harbour1ine.example/">'),
    ).toContain('identity.lookalike_domain critical');
  });

  it.each([
    ['identity.lookalike_domain critical', 'See https://harbour1ine.example/x for it.'],
    ['identity.lookalike_domain critical', 'See hxxps://harbour1ine[.]example/x for it.'],
    ['identity.subdomain_deception high', 'See https://harbourline.example.other.test/x for it.'],
    ['opacity.link_unparsable medium', 'See https://127.0.0.1/x for it.'],
    ['opacity.link_unparsable medium', 'See http://2130706433/x for it.'],
    ['opacity.link_unparsable medium', 'See http://0x7f.1/x for it.'],
    ['identity.lookalike_domain critical', 'See https://harbour1ine%2Eexample/x for it.'],
    ['identity.lookalike_domain critical', 'See hxxp://harbour1ine[dot]example/x for it.'],
    ['credential.link_mismatch high', 'See https://harbourline.example@other.test/x for it.'],
    ['signature.link medium', 'See https://eu.docusign.net/x for it.'],
    ['signature.link high', 'See https://docus1gn.com/x for it.'],
    ['signature.link high', 'See https://docusign-review.example/x for it.'],
  ])('%s: %s', (code, body) => {
    expect(text(body)).toContain(code);
  });

  it.each(['data:text/html,hello', 'data:image/svg+xml;base64,PHN2Zz4=', 'data:\ttext/html,x'])(
    'that hold a page are forms: %s',
    (href) => {
      expect(html(`<a href="${href}">open</a>`)).toContain('credential.form_in_message critical');
    },
  );

  it('that hold a program say of nobody where they lead', () => {
    expect(html('<a href="java&#10;script:pay()">open</a>')).toContain(
      'opacity.link_unparsable medium',
    );
  });
});

describe('attachments', () => {
  it.each([
    'invoice.exe',
    'invoice.pdf.js',
    'report.docm',
    'page.html',
    'disk.iso',
    'invoice.pdf.zip',
    'invoice.exe ',
    'invoice.exe.',
    'invoice\u202efdp.exe',
    'invoice.e\u200bxe',
    'shortcut.lnk',
    'code.vhdx',
  ])('%s runs something', (name) => {
    const documents = [{ document_id: 'd1', name }];
    expect(codes(mail('Hello James.', action, { documents }))).toContain(
      'credential.dangerous_attachment high',
    );
    expect(codes(mail('Hello James.', action, { documents_referenced: [{ name }] }))).toContain(
      'credential.dangerous_attachment high',
    );
  });

  it.each(['minutes.pdf', 'minutes.docx.pdf', 'photo.v2.png', 'notes.txt', 'report 2.1.xlsx'])(
    '%s only holds something',
    (name) => {
      const documents = [{ document_id: 'd1', name, text: 'Minutes of the meeting.' }];
      expect(codes(mail('Hello James.', action, { documents }))).toEqual([]);
    },
  );

  it('that are locked come with their password', () => {
    const locked = [{ document_id: 'd1', name: 'invoice.pdf', encrypted: true }];
    const archive = [{ name: 'invoice.zip' }];
    const body = 'Hello James, the password: 4711.';
    const dangerous = 'credential.dangerous_attachment high';
    expect(codes(mail(body, action, { documents: locked }))).toContain(dangerous);
    expect(codes(mail(body, action, { documents_referenced: archive }))).toContain(dangerous);
    expect(codes(mail('Hello James.', action, { documents: locked }))).not.toContain(dangerous);
    expect(codes(mail(body, action))).not.toContain(dangerous);
  });

  it('of one name with another content have changed', () => {
    const of = (...digests: readonly string[]) =>
      codes(
        mail('Hello James.', action, {
          documents: digests.map((sha256, i) => ({
            document_id: `d${i}`,
            name: 'Contract.pdf',
            text: 'The contract.',
            sha256: sha256.repeat(64),
          })),
        }),
      );
    expect(of('a', 'b')).toContain('signature.version_change high');
    expect(of('a', 'a')).not.toContain('signature.version_change high');
  });

  it('are found in the text as well', () => {
    expect(text('Please open the attached invoice.pdf.exe today.')).toContain(
      'credential.dangerous_attachment high',
    );
  });
});
