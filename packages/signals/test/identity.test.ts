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
    expect(about({ name: 'Tom Ash', email: 'tom@elsewhere.example' }, { thread })).toEqual([
      'identity.first_contact low',
      'identity.mid_thread_change high',
    ]);
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
