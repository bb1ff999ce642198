import type { Communication, Participant } from '@countersign/signals';
import { describe, expect, it } from 'vitest';
import { domainOf } from '../src/domains.ts';
import { codes, mail, read } from './rules.ts';

const OUR: Participant = { name: 'James Oak', email: 'james@oakfield.example', role: 'recipient' };

/** What is found about who writes. */
function about(
  sender: Omit<Participant, 'role'>,
  more: Partial<Communication> = {},
): readonly string[] {
  const participants: Participant[] = [{ ...sender, role: 'sender' }, OUR];
  const message = mail(
    'Hello James, see you on Monday.',
    { action_type: 'reply' },
    { participants, ...more },
  );
  return codes(message).filter((code) => code.startsWith('identity.'));
}

const tom = { name: 'Tom Ash', email: 'tom@harbourline.example' };
const context = {
  organisation_domains: ['oakfield.example'],
  known_counterparty_domains: ['harbourline.example'],
  protected_names: ['Clara Boss'],
};

describe('who seems to write', () => {
  it('leans on a protected name where money is asked for under it', () => {
    const from = (name: string, body: string): readonly string[] => {
      const sender: Participant = { name, email: 'cb77@gmail.com', role: 'sender' };
      return codes(mail(body, { action_type: 'reply' }, { participants: [sender, OUR], context }));
    };
    const demand = 'Please pay the attached invoice within the hour.';
    const leverage = 'authority.senior_name_leverage high';
    expect(from('Clara Boss', demand)).toContain(leverage);
    expect(from('Clara Boss', 'See you at lunch.')).not.toContain(leverage);
    expect(from('Nina Other', demand)).not.toContain(leverage);
  });

  it('is nobody to worry about', () => {
    expect(about(tom, { context })).toEqual([]);
  });

  it.each<[string, Omit<Participant, 'role'>, Partial<Communication>]>([
    [
      'identity.display_name_spoof high',
      { name: 'Clara Boss', email: 'cb77@gmail.com' },
      { context },
    ],
    [
      'identity.display_name_spoof high',
      { name: 'Boss, Cl\u0430ra', email: 'cb77@gmail.com' },
      { context },
    ],
    [
      'identity.display_name_spoof high',
      { name: 'PayPal Service', email: 'a@nowhere.example' },
      {},
    ],
    [
      'identity.display_name_address high',
      { name: 'ceo@oakfield.example', email: 'x@other.example' },
      {},
    ],
    [
      'identity.lookalike_domain critical',
      { name: 'Tom', email: 'tom@harbour1ine.example' },
      { context },
    ],
    ['identity.lookalike_domain critical', { name: 'Tom', email: 'tom@oakfie1d.example' }, {}],
    [
      'identity.lookalike_domain high',
      { name: 'Tom', email: 'tom@harbourline-pay.example' },
      { context },
    ],
    ['identity.mixed_script high', { name: 'Tom', email: 't\u043em@other.example' }, {}],
    [
      'identity.freemail_for_business medium',
      { name: 'Accounts Payable', email: 'a@gmail.com' },
      {},
    ],
    ['identity.address_malformed medium', { name: 'Tom', email: 'tom at harbourline' }, {}],
    [
      'identity.reply_to_mismatch high',
      tom,
      { message_headers: { reply_to: ['a@other.example'] } },
    ],
    [
      'identity.return_path_mismatch medium',
      tom,
      { message_headers: { return_path: 'b@other.example' } },
    ],
    [
      'identity.authentication_failed high',
      tom,
      { message_headers: { authentication_results: { dmarc: 'fail' } } },
    ],
    ['identity.first_contact low', tom, { message_headers: { first_contact: true } }],
    [
      'identity.subdomain_deception high',
      { name: 'T', email: 't@harbourline.example.other.test' },
      { context },
    ],
  ])('%s: %o', (code, sender, more) => {
    expect(about(sender, more)).toContain(code);
  });

  it('may answer to a counterparty that is known, or return to who signed', () => {
    const reply = { message_headers: { reply_to: ['a@harbourline.example'] }, context };
    expect(about({ name: 'Tom', email: 'tom@unrelated.example' }, reply)).toEqual([]);
    const signed = { dkim: 'pass', dkim_domain: 'harbourline.example' } as const;
    const path = { return_path: 'b@other.example', authentication_results: signed };
    expect(about(tom, { message_headers: path })).toEqual([]);
  });

  it('changes in the middle of a thread', () => {
    const from: Participant = { ...tom, role: 'sender' };
    const thread = [{ direction: 'inbound', from, body_excerpt: 'Hello.' }] as const;
    expect(about(tom, { thread })).toEqual([]);
    const other = { name: 'Tom Ash', email: 'tom@elsewhere.example' };
    const changed = ['identity.first_contact low', 'identity.mid_thread_change high'];
    expect(about(other, { thread })).toEqual(changed);
    // Having written under the new address before does not make it the old one.
    const again = [
      ...thread,
      { direction: 'inbound', from: { ...other, role: 'sender' }, body_excerpt: 'Hello again.' },
    ] as const;
    expect(about(other, { thread: again })).toEqual(['identity.mid_thread_change high']);
    expect(about(tom, { thread: again })).toEqual([]);
  });

  it('shows another address than the real one', () => {
    const shown = (name: string) => about({ name, email: 'tom@harbourline.example' });
    expect(shown('Tom Ash (tom@harbourline.example)')).toEqual([]);
    expect(shown('boss@harbourline.example')).toEqual(['identity.display_name_address high']);
    expect(shown('boss＠other.example')).toEqual(['identity.display_name_address high']);
  });

  it('is a person or a place of the name of a brand', () => {
    for (const name of ['Chase Miller', 'Ing. Novak', 'Amazon Rainforest Trust']) {
      expect(about({ name, email: 'a@nowhere.example' }), name).toEqual([]);
    }
    expect(about({ name: 'Chase Bank Alerts', email: 'a@nowhere.example' })).toEqual([
      'identity.display_name_spoof high',
    ]);
  });

  it('signs for a company from where anyone gets an address', () => {
    const signed = (last: string) =>
      codes(
        mail(`Hello James.\n\nKind regards\nTom Ash\n${last}`, undefined, {
          participants: [{ name: 'Tom Ash', email: 'tom.ash@gmail.com', role: 'sender' }, OUR],
        }),
      ).filter((code) => code.startsWith('identity.'));
    expect(signed('Harbourline Ltd')).toEqual(['identity.freemail_for_business medium']);
    expect(signed('Sent from my phone')).toEqual([]);
  });

  it('writes to nobody of ours', () => {
    const to = (email?: string) =>
      about(tom, {
        context,
        participants: [
          { ...tom, role: 'sender' },
          ...(email === undefined ? [] : [{ email, role: 'recipient' } as const]),
        ],
      });
    expect(to('james@oakfield.example')).toEqual([]);
    expect(to('james@elsewhere.example')).toEqual(['identity.recipient_anomaly low']);
    expect(to()).toEqual(['identity.recipient_anomaly low']);
  });

  it('is unread where no address stands', () => {
    const nobody = mail('Hello James.', { action_type: 'reply' }, { participants: [OUR] });
    expect(read(nobody).coverage.F15.inbound).toEqual({ complete: false, reasons: ['no_sender'] });
    const chat = { source: 'slack', participants: [{ handle: 'tom', role: 'sender' }] } as const;
    expect(
      read(mail('Hello James.', { action_type: 'reply' }, chat)).coverage.F15.inbound.complete,
    ).toBe(true);
  });
});

describe('C-69 a domain that imitates another one', () => {
  const ours = {
    organisation_domains: ['oakfield.example'],
    known_counterparty_domains: ['harbourline.example', 'acme.co.uk'],
  };
  const sent = (domain: string): readonly string[] =>
    about({ name: 'Tom', email: `tom@${domain}` }, { context: ours });
  const linked = (host: string): readonly string[] =>
    codes(mail(`Hello James, see https://${host}/x for it.`, undefined, { context: ours })).filter(
      (code) => code.startsWith('identity.'),
    );

  it.each([
    ['identity.lookalike_domain critical', 'h\u0430rbourline.example'],
    ['identity.lookalike_domain critical', 'xn--hrbourline-07l.example'],
    ['identity.lookalike_domain critical', 'harbour1ine.example'],
    ['identity.lookalike_domain critical', 'harb0ur1ine.example'],
    ['identity.lookalike_domain critical', 'harbourlime.example'],
    ['identity.lookalike_domain critical', 'habrourline.example'],
    ['identity.lookalike_domain critical', 'harborline.example'],
    ['identity.lookalike_domain critical', 'oakfleld.example'],
    ['identity.lookalike_domain critical', 'oakfie1d.example'],
    ['identity.lookalike_domain high', 'harbourline.test'],
    ['identity.lookalike_domain high', 'oakfield.co.uk'],
    ['identity.lookalike_domain high', 'acme.com'],
    ['identity.lookalike_domain high', 'harbourline-invoices.example'],
    ['identity.lookalike_domain high', 'pay-oakfield.example'],
    ['identity.lookalike_domain high', 'oakfieldgroup.example'],
    ['identity.lookalike_domain high', 'secureoakfield.example'],
    ['identity.subdomain_deception high', 'harbourline.mail-host.example'],
    ['identity.subdomain_deception high', 'www.oakfield.example.login.test'],
    ['identity.lookalike_domain critical', 'paypa1.com'],
    ['identity.lookalike_domain critical', 'rnicrosoft.com'],
    ['identity.lookalike_domain high', 'paypal-support.example'],
    ['identity.subdomain_deception high', 'paypal.com.other.example'],
    ['identity.subdomain_deception high', 'apple.com.other.example'],
  ])('%s: %s', (code, domain) => {
    expect(sent(domain)).toContain(code);
    expect(linked(domain)).toContain(code);
  });

  it.each([
    'harbourline.example',
    'mail.harbourline.example',
    'oakfield.example',
    'acme.co.uk',
    'paypal.com',
    'amazon.de',
    'microsoft.com',
    'acne.co.uk',
    'office.harbour.example',
    'finance.com',
    'apply.com',
    'chase-plumbing.example',
    'unrelated.example',
  ])('%s imitates none', (domain) => {
    const imitations = /lookalike|deception/;
    expect(sent(domain).filter((code) => imitations.test(code))).toEqual([]);
    expect(linked(domain)).toEqual([]);
  });
});

describe('C-70 an answer that goes elsewhere', () => {
  it.each([
    ['a@harbourline.example', []],
    ['a@mail.harbourline.example', []],
    ['Tom <a@billing.eu.harbourline.example>', []],
    ['a@harbourline.example.test', ['identity.reply_to_mismatch high']],
    ['a@mailharbourline.example', ['identity.reply_to_mismatch high']],
    ['a@other.example', ['identity.reply_to_mismatch high']],
  ])('to %s', (to, expected) => {
    const inHeader = about(tom, { message_headers: { reply_to: [to] } });
    const asParticipant = about(tom, {
      participants: [{ ...tom, role: 'sender' }, { email: to, role: 'reply_to' }, OUR],
    });
    for (const found of [inHeader, asParticipant]) {
      expect(found.filter((code) => code.includes('reply_to'))).toEqual(expected);
    }
  });

  it('is told by what was registrable, not by the host', () => {
    const hosted = { name: 'Tom', email: 'tom@tom.github.io' };
    const reply = { message_headers: { reply_to: ['eve@eve.github.io'] } };
    expect(about(hosted, reply)).toContain('identity.reply_to_mismatch high');
    const national = { name: 'Tom', email: 'tom@a.harbour.co.uk' };
    const same = { message_headers: { reply_to: ['tom@b.harbour.co.uk'] } };
    expect(about(national, same)).toEqual([]);
    const other = { message_headers: { reply_to: ['tom@b.harbor.co.uk'] } };
    expect(about(national, other)).toContain('identity.reply_to_mismatch high');
  });
});

describe('a domain', () => {
  it.each([
    ['mail.harbourline.co.uk', 'harbourline.co.uk', 'harbourline'],
    ['https://a.b.example.org/x?y', 'example.org', 'example'],
    ['tom@example.org', 'example.org', 'example'],
    ['hxxps://example[.]org', 'example.org', 'example'],
    ['xn--mnchen-3ya.example', 'münchen.example', 'münchen'],
  ])('%s belongs to %s', (text, registrable, label) => {
    expect(domainOf(text)).toMatchObject({ registrable, label });
  });

  it.each(['', 'localhost', 'https://127.0.0.1/x', 'co.uk'])('stands not in %j', (text) => {
    expect(domainOf(text)).toBeUndefined();
  });
});
