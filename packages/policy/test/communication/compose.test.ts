import { communication, type Truth } from '@countersign/policy';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyConditions, conditions, policy } from './policy.ts';

const { composeDecision, evaluateCommunication, safeReply } = communication;

type Given = Readonly<Record<string, Truth>>;

const decide = (given: Given): communication.Composed =>
  composeDecision(policy, evaluateCommunication(policy, conditions(given)));

const reply = (
  given: Given,
  request: Partial<communication.ReplyRequest> = {},
): communication.SafeReply => {
  const evaluation = evaluateCommunication(policy, conditions(given));
  const asked = { bounded: true, clean: true, demonstration: false, language: 'en', ...request };
  return safeReply(policy, evaluation, composeDecision(policy, evaluation), asked);
};

const BOUNDED: Given = { 'a.replies': 'true', 'c.bounded_outbound': 'true' };
const OPEN_ACTION =
  'Prepare the step for a named person to review; do not send or complete it automatically.';

describe('how a decision is put into words', () => {
  it('lets the first rule of the strictest contribution lead', () => {
    const both = decide({ 'g.liability_made': 'true', 'g.commitment_made': 'true' });
    expect(both).toMatchObject({ light: 'amber', primary: 'R11' });
    const stopped = decide({ 'g.liability_made': 'true', 'g.credential_request': 'true' });
    expect(stopped).toMatchObject({ light: 'red', primary: 'R02' });
    expect(stopped.moveType).toBe('report_as_suspected_phishing');
  });

  it('names further findings behind the leading one, in the order of the rules', () => {
    expect(
      decide({
        'g.deadline_pressure': 'true',
        'g.legal_inbound': 'true',
        'g.credential_request': 'true',
      }).summary,
    ).toBe(
      'The message seeks access details or a sign-in, which must never be given in response to a message. ' +
        'Also found: legal threat or notice, deadline pressure.',
    );
  });

  it('names what was not assessed, except notices', () => {
    const { summary, primary, light } = decide({
      'g.authority_claim': 'unknown',
      'g.deadline_pressure': 'unknown',
      'g.concession_requested': 'unknown',
    });
    expect([light, primary]).toEqual(['grey', 'R20']);
    expect(summary).toBe(
      'The communication could not be assessed well enough, so the gate stays closed. ' +
        'Not assessed: refund, credit, waiver or exception, unproven authority.',
    );
  });

  it('says of an open gate that a person still reviews it', () => {
    const open = decide({
      ...BOUNDED,
      'g.concession_requested': 'true',
      'g.deadline_pressure': 'true',
    });
    expect(open).toMatchObject({
      light: 'amber',
      allowed: true,
      approvalRequired: false,
      requiresHumanReview: true,
      blockedReason: '',
      recommendedAction: OPEN_ACTION,
      moveType: 'restate_status_and_escalate',
      summary:
        'A governed topic is present (refund, credit, waiver or exception); the required protection is on record ' +
        'or the step is bounded, and a person still reviews it. Also found: deadline pressure.',
    });
  });

  it('keeps the own summary of a notice that leads', () => {
    expect(decide({ 'g.deadline_pressure': 'true' })).toMatchObject({
      allowed: true,
      summary: 'The message applies time pressure.',
      recommendedAction: OPEN_ACTION,
    });
  });

  it('asks for a reader of a machine-written draft that is blocked', () => {
    const draft = 'Treat the text as input for human review, not as a message to send.';
    const blocked = decide({ 'a.ai_external': 'true', 'g.concession_promised': 'true' });
    expect(blocked.recommendedAction).toBe(
      `Say only where the case stands now and hand the decision to its owner. ${draft}`,
    );
    expect(decide({ 'a.ai_external': 'true' }).recommendedAction).toBe(OPEN_ACTION);
  });

  it('gives reasons strictest first, and only the words of the policy', () => {
    const known = JSON.stringify(policy.source);
    const ranks = ['red', 'grey', 'amber'];
    fc.assert(
      fc.property(anyConditions, (given) => {
        const evaluation = evaluateCommunication(policy, given);
        const { reasons, moveType, rationale, light, allowed, blockedReason } = composeDecision(
          policy,
          evaluation,
        );
        const order = reasons.map((one) => `${ranks.indexOf(one.contribution)}${one.rule_id}`);
        expect(order).toEqual([...order].sort());
        expect(reasons.length === 0).toBe(light === 'green');
        expect(blockedReason === '').toBe(allowed);
        for (const text of [moveType, rationale, blockedReason]) expect(known).toContain(text);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the worked examples', () => {
  it('changes of bank details: red until protected, then amber', () => {
    const given: Given = {
      'g.payment_detail_change': 'true',
      'a.changes_record': 'true',
      'a.consequential': 'true',
      'x.any_other_guard': 'true',
    };
    expect(decide(given)).toEqual({
      light: 'red',
      allowed: false,
      requiresHumanReview: true,
      approvalRequired: true,
      summary:
        'The message changes where money is paid, and no independent check through an already known contact is on record.',
      moveType: 'verify_via_known_contact',
      rationale:
        'Leave the stored bank details as they are; confirm with a contact taken from existing records, not from this message, and record the check.',
      blockedReason: 'A payment-detail change rests on the message alone.',
      recommendedAction:
        'Verify by a known contact route and record the result before any update or reply.',
      reasons: [
        { rule_id: 'R03', code: 'payment_detail_change', contribution: 'red', blocking: true },
      ],
      primary: 'R03',
    });
    const attested = {
      'c.payee_verified_known_contact': 'true',
      'c.sender_identity_ok': 'true',
      'c.second_approver': 'true',
    } as const;
    expect(decide({ ...given, ...attested })).toMatchObject({
      light: 'amber',
      allowed: true,
      approvalRequired: false,
      requiresHumanReview: true,
      recommendedAction: OPEN_ACTION,
    });
    expect(reply({ ...given, ...attested })).toMatchObject({ allowed_to_insert: false });
  });

  it('urgent payment from an impersonated chief', () => {
    const found = decide({
      'a.replies': 'true',
      'g.payment_pressure': 'true',
      'g.authority_claim': 'true',
      'g.impersonation': 'true',
      'g.channel_shift': 'true',
      'g.deadline_pressure': 'true',
    });
    expect(found).toMatchObject({
      light: 'red',
      approvalRequired: true,
      summary:
        'A payment is requested or about to be made, and authority and payee have not been independently proven. Also found: sender identity concern, unproven authority, secrecy or channel change, deadline pressure.',
      rationale:
        'Confirm with the supposed requester over an internal route you already know, and bring in the accountable finance owner.',
      blockedReason: 'Authority and payee of the payment are not proven.',
      recommendedAction: 'Pause the payment, verify through a known internal channel and escalate.',
    });
    expect(found.reasons).toEqual([
      { rule_id: 'R04', code: 'payment_pressure', contribution: 'red', blocking: true },
      { rule_id: 'R05', code: 'sender_identity', contribution: 'red', blocking: true },
      { rule_id: 'R16', code: 'channel_shift', contribution: 'red', blocking: true },
      { rule_id: 'R15', code: 'authority_gap', contribution: 'amber', blocking: true },
      { rule_id: 'R17', code: 'deadline_pressure', contribution: 'amber', blocking: false },
    ]);
  });

  it('a request for commitment: closed while the answer is unknown, open when it is bounded', () => {
    const asked: Given = { 'a.replies': 'true', 'g.commitment_requested': 'true' };
    const closed = decide(asked);
    expect(closed).toMatchObject({
      light: 'amber',
      allowed: false,
      approvalRequired: false,
      summary:
        'A reply here could be taken as agreement although the final terms have not been reviewed.',
      moveType: 'review_terms_before_confirming',
      rationale:
        'Request the complete written terms and confirm nothing binding until someone has read them.',
      blockedReason: 'Agreement is being asked for while the final terms are still unread.',
      recommendedAction:
        'Read the final terms before answering, and leave any acceptance out of the reply.',
    });
    expect(reply(asked)).toEqual({ allowed_to_insert: false, draft: '', template_id: null });
    expect(reply({ ...asked, ...BOUNDED })).toEqual({
      allowed_to_insert: true,
      draft:
        'Thank you for your message. Please send the final written terms so that they can be reviewed. This note is not an acceptance and does not confirm anything.',
      template_id: 'T01',
    });
    const accepting: Given = { 'g.commitment_made': 'true', 'c.bounded_outbound': 'false' };
    expect(decide({ ...asked, ...accepting })).toEqual(closed);
  });

  it('an agent that promises delivery and covers losses', () => {
    expect(
      decide({ 'a.ai_external': 'true', 'g.liability_made': 'true', 'g.commitment_made': 'true' }),
    ).toMatchObject({
      light: 'amber',
      approvalRequired: true,
      summary:
        'The text could widen scope or accept liability that nobody with authority has approved. Also found: commitment or acceptance, AI-written external message.',
      blockedReason: 'Scope or liability would be accepted without approval.',
      recommendedAction:
        "Remove the assurance and obtain the owner's decision first. Treat the text as input for human review, not as a message to send.",
    });
  });

  it('an agent that promises a refund', () => {
    expect(decide({ 'a.ai_external': 'true', 'g.concession_promised': 'true' })).toMatchObject({
      light: 'amber',
      approvalRequired: true,
      summary:
        'The step would give money or terms away without recorded authority to do so. Also found: AI-written external message.',
      rationale:
        'Keep any answer to the present status; the person with authority decides on the request.',
      blockedReason: 'A concession is promised or requested without authority.',
    });
  });

  it('approval of a new supplier', () => {
    expect(
      decide({
        'a.approves': 'true',
        'a.consequential': 'true',
        'g.supplier_onboarding': 'true',
        'x.any_other_guard': 'true',
      }),
    ).toMatchObject({
      light: 'red',
      approvalRequired: true,
      summary:
        'The step would set up or change a supplier record while required protections are not on record.',
      rationale:
        'Hand it to the procurement process and complete verification before any approval.',
      blockedReason: 'Supplier controls are not shown to be complete.',
      recommendedAction: 'Send it through onboarding checks and a second approver first.',
      reasons: [
        { rule_id: 'R06', code: 'supplier_onboarding', contribution: 'red', blocking: true },
      ],
    });
  });

  it('nothing found', () => {
    expect(decide({ 'a.replies': 'true' })).toEqual({
      light: 'green',
      allowed: true,
      requiresHumanReview: false,
      approvalRequired: false,
      summary: 'No governed risk was found in the content that was submitted and fully read.',
      moveType: 'proceed_under_accountable_control',
      rationale: 'Prepare the next step as usual; a responsible person still decides.',
      blockedReason: '',
      recommendedAction:
        'Prepare the step; sending or completing it stays with the accountable person.',
      reasons: [],
      primary: undefined,
    });
  });
});

describe('a bounded reply', () => {
  it('is in the language asked for where there is one, else in English', () => {
    expect(reply(BOUNDED, { language: 'fr' }).draft).toMatch(/^Merci pour votre message/);
    expect(reply(BOUNDED, { language: 'xx' })).toEqual({
      allowed_to_insert: true,
      draft: 'Thank you for your message, which has arrived. This note only acknowledges receipt.',
      template_id: 'T00',
    });
  });

  it('is refused in a demonstration, unasked, and where something forbids any reply', () => {
    for (const change of [{ demonstration: true }, { bounded: false }, { clean: false }]) {
      expect(reply(BOUNDED, change).allowed_to_insert).toBe(false);
    }
  });

  it('never comes with a closed gate or a finding that it does not answer', () => {
    fc.assert(
      fc.property(anyConditions, (given) => {
        const evaluation = evaluateCommunication(policy, given);
        const composed = composeDecision(policy, evaluation);
        const asked = { bounded: true, clean: true, demonstration: false, language: 'en' };
        if (!safeReply(policy, evaluation, composed, asked).allowed_to_insert) return;
        expect(composed.allowed).toBe(true);
        for (const { guard, rule } of evaluation.rules) {
          expect(guard === 'false' || policy.insertable.has(rule.ruleId)).toBe(true);
        }
      }),
    );
  });

  it('holds no digits, links or names, and is short', () => {
    for (const texts of policy.templates.values()) {
      for (const text of texts.values()) {
        expect(text).not.toMatch(/\d|https?:|@/);
        expect(text.length).toBeLessThanOrEqual(400);
      }
    }
  });
});
