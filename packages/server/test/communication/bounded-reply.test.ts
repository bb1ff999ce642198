import type { Truth } from '@countersign/policy';
import { analyze, type ProposedAction, rankOf, type Signal } from '@countersign/signals';
import { describe, expect, it } from 'vitest';
import { judgeCommunication, type Surroundings } from '../../src/service/communication/judge.ts';
import { templateFault, unfitTemplates } from '../../src/service/communication/templates.ts';
import { governance, HARMLESS, mail } from './messages.ts';

const BOUNDED: ProposedAction = { action_type: 'reply', reply_mode: 'bounded_safe_reply' };
const ASKED = 'Can you confirm that we are happy to proceed?';

const replyTo = (
  body: string,
  action: ProposedAction = BOUNDED,
  more: Partial<Surroundings> & { readonly locale?: string } = {},
) => {
  const { locale, ...surroundings } = more;
  const { composed, reply } = judgeCommunication(
    mail(body, action, locale === undefined ? {} : { locale }),
    governance,
    { controls: new Map(), demonstration: false, ...surroundings },
  );
  return { allowed: composed.allowed, primary: composed.primary, ...reply };
};

const inserted = (template: string) => ({
  allowed: true,
  allowed_to_insert: true,
  template_id: template,
});
const refused = { allowed_to_insert: false, draft: '', template_id: null };

/** A finding that no rule guards against. */
const unguarded = (severity: Signal['severity']): Signal => ({
  family: 'F17',
  code: 'opacity.link_unparsable',
  severity,
  polarity: 'asserted',
  direction: 'inbound',
  source: 'provider',
  pointer: '/body_excerpt',
  span: { start: 0, end: 3 },
  segment: 'body',
  view: 'V1',
  detector: 'provider',
  detectorVersion: '1',
  attributes: {},
});

describe('a bounded reply', () => {
  it('C-77 B1 comes with an open gate only', () => {
    expect(replyTo(ASKED)).toMatchObject(inserted('T01'));
    expect(replyTo(`${ASKED} Please pay the invoice.`)).toMatchObject({
      allowed: false,
      ...refused,
    });
  });

  it('C-77 B2 comes to a reply that asks for it only', () => {
    expect(replyTo(HARMLESS)).toMatchObject(inserted('T00'));
    for (const action of [
      { action_type: 'reply' },
      { action_type: 'reply', reply_mode: 'unspecified' },
      { action_type: 'send', reply_mode: 'bounded_safe_reply' },
    ] as const) {
      expect(replyTo(HARMLESS, action), action.action_type).toMatchObject({
        allowed: true,
        ...refused,
      });
    }
  });

  it('C-77 B3 comes with topics that it answers only', () => {
    expect(replyTo('Please send us the staff list.')).toMatchObject(inserted('T06'));
    const controls = new Map<string, Truth>([
      ['c.onboarding_checks_complete', 'true'],
      ['c.second_approver', 'true'],
    ]);
    const onboarding = 'Please set up a new vendor.';
    expect(replyTo(onboarding, BOUNDED, { controls })).toMatchObject({
      allowed: true,
      primary: 'R06',
      ...refused,
    });
  });

  it('C-77 B4 comes where nothing forbids a reply only', () => {
    expect(replyTo(ASKED, BOUNDED, { provided: [unguarded('low')] })).toMatchObject(
      inserted('T01'),
    );
    expect(replyTo(ASKED, BOUNDED, { provided: [unguarded('medium')] })).toMatchObject({
      allowed: true,
      primary: 'R12',
      ...refused,
    });
  });

  it('C-77 B5 comes in no demonstration', () => {
    expect(replyTo(ASKED, BOUNDED, { demonstration: false })).toMatchObject(inserted('T01'));
    expect(replyTo(ASKED, BOUNDED, { demonstration: true })).toMatchObject({
      allowed: true,
      ...refused,
    });
  });

  it('C-77 B6 comes from a template of the leading rule, in its language or in English', () => {
    const draft = (id: string, language: string): string | undefined =>
      governance.policy.templates.get(id)?.get(language);
    expect(replyTo(ASKED, BOUNDED, { locale: 'fr-CA' }).draft).toBe(draft('T01', 'fr'));
    expect(replyTo(ASKED, BOUNDED, { locale: 'ja' }).draft).toBe(draft('T01', 'en'));
    expect(replyTo('We need an answer within the hour.')).toMatchObject({
      allowed: true,
      primary: 'R17',
      ...refused,
    });
  });

  it.each([
    ['length', ''],
    ['length', 'A'.repeat(401)],
    ['particulars', 'We will answer by 5 May.'],
    ['particulars', 'See www.oakfield.example for the terms.'],
    ['particulars', 'Write to desk@oakfield.example instead.'],
    ['particulars', 'This costs €.'],
    ['concession.refund_promised', 'Thank you. We will refund the full price to you.'],
    ['commitment.acceptance_made', 'Thank you. We accept your terms and confirm the order.'],
    ['unread', 'Täname kirja eest. See on kohale jõudnud ja keegi vaatab selle varsti üle.'],
  ])('C-77 B7 is no text with the fault %s', (fault, text) => {
    expect(templateFault(text, governance.ruleset)).toBe(fault);
  });

  it('C-77 B7 is a text that passes its own analysis', () => {
    const text = governance.policy.templates.get('T01')?.get('en') ?? '';
    expect(templateFault(text, governance.ruleset)).toBeUndefined();
  });
});

describe('the delivered templates', () => {
  const all = [...governance.policy.templates].flatMap(([id, languages]) =>
    [...languages].map(([language, text]) => [id, language, text] as const),
  );

  it('C-78 are there for every topic in four languages', () => {
    expect(all).toHaveLength(8 * 4);
  });

  it.each(all)('C-78 %s in %s says nothing that counts', (_id, language, draft) => {
    const { signals, languages } = analyze(
      mail(HARMLESS, { action_type: 'reply', origin: 'template', draft }),
      governance.ruleset,
    );
    const counting = signals.filter(
      ({ direction, severity }) => direction === 'outbound' && rankOf(severity) >= rankOf('medium'),
    );
    expect(counting).toEqual([]);
    expect(languages).toContain(language);
  });

  it('C-78 can all be bounded replies', () => {
    expect(unfitTemplates(governance.policy, governance.ruleset)).toEqual([]);
  });
});
