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
  });

  it.each([
    ['identity.lookalike_domain critical', 'See https://harbour1ine.example/x for it.'],
    ['identity.lookalike_domain critical', 'See hxxps://harbour1ine[.]example/x for it.'],
    ['identity.subdomain_deception high', 'See https://harbourline.example.other.test/x for it.'],
    ['opacity.link_unparsable medium', 'See https://127.0.0.1/x for it.'],
    ['signature.link medium', 'See https://eu.docusign.net/x for it.'],
  ])('%s: %s', (code, body) => {
    expect(text(body)).toContain(code);
  });

  it('that hold a page are forms', () => {
    expect(html('<a href="data:text/html,hello">open</a>')).toContain(
      'credential.form_in_message critical',
    );
  });
});

describe('attachments', () => {
  it.each(['invoice.exe', 'invoice.pdf.js', 'report.docm', 'page.html', 'disk.iso'])(
    '%s runs something',
    (name) => {
      const documents = [{ document_id: 'd1', name }];
      expect(codes(mail('Hello James.', action, { documents }))).toContain(
        'credential.dangerous_attachment high',
      );
      expect(codes(mail('Hello James.', action, { documents_referenced: [{ name }] }))).toContain(
        'credential.dangerous_attachment high',
      );
    },
  );

  it('that only hold something are not reported', () => {
    const documents = [{ document_id: 'd1', name: 'minutes.pdf', text: 'Minutes of the meeting.' }];
    expect(codes(mail('Hello James.', action, { documents }))).toEqual([]);
  });

  it('are found in the text as well', () => {
    expect(text('Please open the attached invoice.pdf.exe today.')).toContain(
      'credential.dangerous_attachment high',
    );
  });
});
