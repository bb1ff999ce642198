import type { Amount, Signal } from '@countersign/signals';
import { describe, expect, it } from 'vitest';
import {
  type AuthorityResult,
  type ControlEvidence,
  type EvidenceInput,
  type EvidenceReport,
  settleControls,
  type VerifierKey,
} from '../../src/service/communication/evidence.ts';
import { judgeCommunication } from '../../src/service/communication/judge.ts';
import { type Attester, attester } from './attester.ts';
import { BANK_CHANGE, governance, mail } from './messages.ts';

const BINDING = 'b1'.repeat(32);
const OTHER = 'c2'.repeat(32);
const AT = Date.parse('2026-04-01T12:00:00.000Z');
const HOUR_MS = 3_600_000;
const ACTOR = 'agent-7';

const CALL_BACK = 'c.payee_verified_known_contact';
const MASTER = 'c.payee_details_match_master';
const IDENTITY = 'c.sender_identity_ok';
const APPROVER = 'c.second_approver';
const AUTHORITY = 'c.authority_verified';
const CONCESSION = 'c.concession_authority';

const desk = attester('desk', [CALL_BACK, MASTER, IDENTITY, APPROVER, AUTHORITY, CONCESSION]);

const ago = (ms: number): string => new Date(AT - ms).toISOString();

const statement = (
  control: string,
  more: Partial<Omit<ControlEvidence, 'attestation'>> = {},
): Omit<ControlEvidence, 'attestation'> => ({
  control,
  outcome: 'satisfied',
  method: 'call_back',
  performed_at: ago(HOUR_MS),
  performed_by: 'mira',
  evidence_ref: 'case 4711',
  ...more,
});

const attested = (
  control: string,
  more: Partial<Omit<ControlEvidence, 'attestation'>> = {},
  by: Attester = desk,
): ControlEvidence => by.attest(statement(control, more), BINDING);

function settle(
  change: Partial<EvidenceInput>,
  keys: readonly VerifierKey[] = [desk.key],
): ReturnType<typeof settleControls> {
  return settleControls({
    evidence: [],
    authority: undefined,
    authentication: undefined,
    senderDomain: 'harbourline.example',
    authorisedApprovers: undefined,
    action: { action_type: 'update_record' },
    signals: [],
    contentBinding: BINDING,
    actorId: ACTOR,
    evaluatedAt: AT,
    clockTrusted: true,
    keyOf: (keyId) => keys.find((key) => key.keyId === keyId),
    maxAgeHours: governance.policy.evidenceHours,
    ...change,
  });
}

/** What one piece of evidence is worth, and what it makes of its control. */
function weigh(
  evidence: ControlEvidence,
  change: Partial<EvidenceInput> = {},
  keys?: readonly VerifierKey[],
): readonly [string | undefined, string | undefined] {
  const { controls, report } = settle({ ...change, evidence: [evidence] }, keys);
  return [report[0]?.verdict, controls.get(evidence.control)];
}

const signal = (change: Partial<Signal>): Signal => ({
  family: 'F15',
  code: 'identity.reply_to_mismatch',
  severity: 'high',
  polarity: 'asserted',
  direction: 'inbound',
  source: 'deterministic',
  pointer: '/participants/0',
  span: null,
  segment: 'header',
  view: 'struct',
  detector: 'identity',
  detectorVersion: '1',
  attributes: {},
  ...change,
});

describe('evidence lanes', () => {
  const change = mail(BANK_CHANGE, { action_type: 'update_record' });
  const judged = (input: Partial<EvidenceInput>) =>
    judgeCommunication(change, governance, {
      controls: settle(input).controls,
      demonstration: false,
    });

  it('C-74 declared verification leaves a change of bank details red', () => {
    const authority = { status: 'verified', holder: 'CFO', scope: ['update_record'] } as const;
    const { controls, report } = settle({ authority, authentication: { dmarc: 'pass' } });
    expect(new Set(controls.values())).toEqual(new Set(['unknown']));
    expect(report.map(({ lane, verdict, reason }) => [lane, verdict, reason])).toEqual([
      ['declared', 'unsigned', 'evidence_invalid'],
      ['declared', 'unsigned', 'evidence_invalid'],
    ]);
    const { composed } = judged({ authority, authentication: { dmarc: 'pass' } });
    expect(composed).toMatchObject({ light: 'red', allowed: false, primary: 'R03' });
  });

  it('C-74 an attested set opens it under amber', () => {
    const evidence = [
      attested(CALL_BACK),
      attested(IDENTITY),
      attested(APPROVER, { performed_by: 'noor' }),
    ];
    const { report } = settle({ evidence });
    expect(report.map(({ verdict }) => verdict)).toEqual(['accepted', 'accepted', 'accepted']);
    const { composed, reply } = judged({ evidence });
    expect(composed).toMatchObject({
      light: 'amber',
      allowed: true,
      requiresHumanReview: true,
      approvalRequired: false,
      reasons: [{ rule_id: 'R03', contribution: 'amber', blocking: false }],
    });
    expect(reply.allowed_to_insert).toBe(false);
  });

  it('C-74 any part of that set alone leaves it red', () => {
    const all = [
      attested(CALL_BACK),
      attested(IDENTITY),
      attested(APPROVER, { performed_by: 'noor' }),
    ];
    for (const missing of all) {
      const { composed } = judged({ evidence: all.filter((one) => one !== missing) });
      expect(composed.light, missing.control).toBe('red');
    }
  });

  it('C-74 a declaration can only take away', () => {
    const no: AuthorityResult = { status: 'not_verified' };
    expect(settle({ authority: no }).controls.get(AUTHORITY)).toBe('false');
    expect(settle({ authority: { status: 'unknown' } }).controls.get(AUTHORITY)).toBe('unknown');
    expect(settle({ authority: {} })).toMatchObject({ report: [] });
    for (const authentication of [{ dmarc: 'fail' }, { spf: 'fail', dkim: 'fail' }]) {
      expect(settle({ authentication }).controls.get(IDENTITY)).toBe('false');
      const evidence = [attested(IDENTITY)];
      expect(settle({ authentication, evidence }).controls.get(IDENTITY)).toBe('false');
    }
    expect(settle({ authentication: { spf: 'fail', dkim: 'pass' } }).report).toEqual([]);
  });

  it('C-74 of conflicting evidence the attested refusal stands', () => {
    const yes = attested(MASTER);
    const no = attested(MASTER, { outcome: 'not_satisfied', performed_by: 'noor' });
    const forged = { ...no, attestation: yes.attestation };
    for (const evidence of [
      [yes, no],
      [no, yes],
    ]) {
      expect(settle({ evidence }).controls.get(MASTER)).toBe('false');
    }
    expect(settle({ evidence: [yes, forged] }).controls.get(MASTER)).toBe('true');
    expect(settle({ evidence: [forged] }).controls.get(MASTER)).toBe('unknown');
  });
});

describe('attacks on attestations', () => {
  it('C-75 accepts what is valid, up to the oldest that counts', () => {
    expect(weigh(attested(CALL_BACK))).toEqual(['accepted', 'true']);
    expect(weigh(attested(CALL_BACK, { performed_at: ago(0) }))).toEqual(['accepted', 'true']);
    expect(weigh(attested(CALL_BACK, { performed_at: ago(24 * HOUR_MS) }))).toEqual([
      'accepted',
      'true',
    ]);
  });

  it.each([
    ['expired', attested(CALL_BACK, { performed_at: ago(24 * HOUR_MS + 1) })],
    ['not_yet_performed', attested(CALL_BACK, { performed_at: ago(-1) })],
    ['self_attested', attested(CALL_BACK, { performed_by: ACTOR })],
    ['self_attested', attested(CALL_BACK, { performed_by: ' AGENT-７' })],
    ['bad_signature', desk.attest(statement(CALL_BACK), OTHER)],
    ['unknown_key', attested(CALL_BACK, {}, attester('stranger', [CALL_BACK]))],
    ['bad_signature', attested(CALL_BACK, {}, attester('desk', [CALL_BACK]))],
    ['unknown_key', attested('c.terms_reviewed')],
  ])('C-75 %s leaves the control unknown', (verdict, evidence) => {
    expect(weigh(evidence)).toEqual([verdict, 'unknown']);
  });

  it('C-75 a revoked key, a key of somebody else and a doubtful clock leave it unknown', () => {
    const evidence = attested(CALL_BACK);
    expect(weigh(evidence, {}, [{ ...desk.key, revoked: true }])).toEqual([
      'unknown_key',
      'unknown',
    ]);
    expect(weigh(evidence, {}, [{ ...desk.key, principals: ['noor'] }])).toEqual([
      'unknown_key',
      'unknown',
    ]);
    expect(weigh(evidence, {}, [{ ...desk.key, principals: ['noor', 'Mira'] }])).toEqual([
      'accepted',
      'true',
    ]);
    expect(weigh(evidence, { clockTrusted: false })).toEqual(['clock_untrusted', 'unknown']);
  });

  it('C-75 replayed onto other content it is unknown', () => {
    const evidence = attested(CALL_BACK);
    expect(weigh(evidence, { contentBinding: OTHER })).toEqual(['bad_signature', 'unknown']);
  });

  it('C-75 no member can be changed after it was signed', () => {
    const evidence = attested(CALL_BACK);
    const { evidence_ref: _, ...without } = evidence;
    const changed: readonly ControlEvidence[] = [
      { ...evidence, control: MASTER },
      { ...evidence, outcome: 'not_satisfied' },
      { ...evidence, method: 'letter' },
      { ...evidence, performed_at: ago(2 * HOUR_MS) },
      { ...evidence, performed_by: 'noor' },
      { ...evidence, evidence_ref: 'case 4712' },
      without,
    ];
    for (const one of changed) expect(weigh(one)).toEqual(['bad_signature', 'unknown']);
  });

  it('C-75 no bit of a signature can be changed', () => {
    const evidence = attested(CALL_BACK);
    const bytes = Buffer.from(evidence.attestation.signature, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const signature = flipped.toString('base64url');
      const one = { ...evidence, attestation: { ...evidence.attestation, signature } };
      expect(weigh(one), `bit ${bit}`).toEqual(['bad_signature', 'unknown']);
    }
    for (const signature of ['', 'AAAA', `${evidence.attestation.signature}A`, '*'.repeat(86)]) {
      const one = { ...evidence, attestation: { ...evidence.attestation, signature } };
      expect(weigh(one)).toEqual(['bad_signature', 'unknown']);
    }
  });

  it('C-75 each control has its own age', () => {
    const hours = governance.policy.evidenceHours;
    expect(hours.get('c.terms_reviewed')).toBe(7 * 24);
    expect(hours.get('c.onboarding_checks_complete')).toBe(30 * 24);
    for (const [control, max] of hours) {
      if (control === AUTHORITY) continue;
      const by = attester('all', [...hours.keys()]);
      const aged = (ms: number) =>
        weigh(attested(control, { performed_at: ago(ms) }, by), {}, [by.key]);
      expect(aged(max * HOUR_MS), control).toEqual(['accepted', 'true']);
      expect(aged(max * HOUR_MS + 1), control).toEqual(['expired', 'unknown']);
    }
  });
});

describe('separation of duties', () => {
  const approved = (
    by: string,
    others: readonly ControlEvidence[] = [],
    change: Partial<EvidenceInput> = {},
    keys?: readonly VerifierKey[],
  ): readonly [string | undefined, string | undefined] => {
    const evidence = [attested(APPROVER, { performed_by: by }), ...others];
    const { controls, report } = settle({ ...change, evidence }, keys);
    return [report[0]?.verdict, controls.get(APPROVER)];
  };

  it('C-76 an approver is neither who asks nor who verified', () => {
    expect(approved('noor')).toEqual(['accepted', 'true']);
    expect(approved('noor', [attested(CALL_BACK)])).toEqual(['accepted', 'true']);
    expect(approved(ACTOR)).toEqual(['self_attested', 'unknown']);
    expect(approved('mira', [attested(CALL_BACK)])).toEqual(['not_separate', 'unknown']);
    expect(approved('MIRA ', [attested(CALL_BACK)])).toEqual(['not_separate', 'unknown']);
  });

  it('C-76 the other verification keeps its worth', () => {
    const evidence = [attested(CALL_BACK), attested(APPROVER)];
    const { controls } = settle({ evidence });
    expect([controls.get(CALL_BACK), controls.get(APPROVER)]).toEqual(['true', 'unknown']);
  });

  it('C-76 nobody is taken for a verifier on the word of a stranger', () => {
    const forged = attested(CALL_BACK, { performed_by: 'noor' }, attester('stranger', [CALL_BACK]));
    expect(approved('noor', [forged])).toEqual(['accepted', 'true']);
  });

  it('C-76 whoever attests authority does not approve as well', () => {
    const own = attester('own', [AUTHORITY], { principals: ['noor'] });
    const authority = own.attestAuthority(
      { status: 'verified', scope: ['update_record'], verified_at: ago(HOUR_MS) },
      BINDING,
    );
    const keys = [desk.key, own.key];
    expect(approved('noor', [], { authority }, keys)).toEqual(['not_separate', 'unknown']);
    expect(approved('mira', [], { authority }, keys)).toEqual(['accepted', 'true']);
  });

  it('C-76 an approver is one of those who may approve, where they are named', () => {
    expect(approved('noor', [], { authorisedApprovers: ['Noor'] })).toEqual(['accepted', 'true']);
    expect(approved('noor', [], { authorisedApprovers: ['mira'] })).toEqual([
      'not_separate',
      'unknown',
    ]);
    expect(approved('noor', [], { authorisedApprovers: [] })).toEqual(['not_separate', 'unknown']);
  });
});

describe('authority', () => {
  const euros = (value: string): Amount => ({ value, currency: 'EUR' });
  const verified = (more: Partial<AuthorityResult> = {}): AuthorityResult =>
    desk.attestAuthority(
      {
        status: 'verified',
        holder: 'CFO',
        scope: ['pay'],
        limit: euros('5000.00'),
        verified_via: 'mandate_register',
        verified_at: ago(HOUR_MS),
        evidence_ref: 'm-1',
        ...more,
      },
      BINDING,
    );
  const of = (
    authority: AuthorityResult,
    action: EvidenceInput['action'] = { action_type: 'pay', amount: euros('5000') },
  ): readonly [string | undefined, string | undefined] => {
    const { controls, report } = settle({ authority, action });
    return [report[0]?.verdict, controls.get(AUTHORITY)];
  };

  it('is verified within scope and limit only', () => {
    expect(of(verified())).toEqual(['accepted', 'true']);
    const refused = ['not_covered', 'unknown'];
    expect(of(verified(), { action_type: 'pay', amount: euros('5000.01') })).toEqual(refused);
    expect(of(verified(), { action_type: 'pay', amount: { value: '1', currency: 'GBP' } })).toEqual(
      refused,
    );
    expect(of(verified(), { action_type: 'pay' })).toEqual(refused);
    expect(of(verified(), { action_type: 'approve', amount: euros('1') })).toEqual(refused);
    const { limit: _, ...unlimited } = verified();
    expect(of(desk.attestAuthority(unlimited, BINDING))).toEqual(refused);
    const reply = { action_type: 'reply' } as const;
    expect(of(verified({ scope: ['reply'] }), reply)).toEqual(['accepted', 'true']);
    expect(of(verified({ scope: [] }), reply)).toEqual(refused);
  });

  it('is unknown where holder, scope or limit were changed', () => {
    const result = verified();
    for (const change of [
      { holder: 'CEO' },
      { scope: ['pay', 'approve'] },
      { limit: euros('9000') },
      { verified_at: ago(0) },
    ]) {
      expect(of({ ...result, ...change })).toEqual(['bad_signature', 'unknown']);
    }
    expect(of(verified({ verified_at: ago(7 * 24 * HOUR_MS + 1) }))).toEqual([
      'expired',
      'unknown',
    ]);
    const { verified_at: __, ...undated } = verified();
    expect(of(desk.attestAuthority(undated, BINDING))).toEqual(['not_yet_performed', 'unknown']);
  });

  it('is refused by a refusal, signed or not', () => {
    expect(of(verified({ status: 'not_verified' }))).toEqual(['accepted', 'false']);
    const forged: AuthorityResult = { ...verified(), status: 'not_verified' };
    expect(of(forged)).toEqual(['accepted', 'false']);
    expect(settle({ authority: forged }).report[0]?.lane).toBe('declared');
  });

  it('is not shown by evidence that says nothing of scope', () => {
    expect(weigh(attested(AUTHORITY))).toEqual(['not_covered', 'unknown']);
    expect(weigh(attested(AUTHORITY, { outcome: 'not_satisfied' }))).toEqual(['accepted', 'false']);
  });

  it('of an approval is limited by the mandate of its key', () => {
    const evidence = attested(CONCESSION);
    const key = (limit: string): readonly VerifierKey[] => [
      { ...desk.key, mandate: { scope: ['grant_concession'], limit: euros(limit) } },
    ];
    const action = { action_type: 'grant_concession', amount: euros('100') } as const;
    expect(weigh(evidence, { action })).toEqual(['accepted', 'true']);
    expect(weigh(evidence, { action }, key('100'))).toEqual(['accepted', 'true']);
    expect(weigh(evidence, { action }, key('99'))).toEqual(['not_covered', 'unknown']);
    expect(weigh(evidence, { action: { action_type: 'reply' } }, key('100'))).toEqual([
      'not_covered',
      'unknown',
    ]);
  });
});

describe('the identity of a sender', () => {
  const gateway = attester('mx1', [IDENTITY], { kind: 'mail_gateway', principals: [ACTOR] });
  const passed = { dmarc: 'pass', dkim_domain: 'harbourline.example', evaluated_by: 'mx1' };
  const reported = (
    authentication: EvidenceInput['authentication'],
    change: Partial<EvidenceInput> = {},
    key: VerifierKey = gateway.key,
  ): readonly [string | undefined, string | undefined] => {
    const { controls, report } = settle({ authentication, ...change }, [key]);
    return [report[0]?.verdict, controls.get(IDENTITY)];
  };

  it('is shown by a pass that an enrolled gateway reports', () => {
    expect(reported(passed)).toEqual(['accepted', 'true']);
    expect(reported({ ...passed, dkim_domain: 'mail.harbourline.example' })).toEqual([
      'accepted',
      'true',
    ]);
    expect(reported(passed, { signals: [signal({ severity: 'low' })] })).toEqual([
      'accepted',
      'true',
    ]);
  });

  it('is not shown by anybody else', () => {
    const unsigned = ['unsigned', 'unknown'];
    expect(reported(passed, { actorId: 'somebody' })).toEqual(unsigned);
    expect(reported({ dmarc: 'pass' })).toEqual(unsigned);
    expect(reported(passed, {}, { ...gateway.key, revoked: true })).toEqual(unsigned);
    expect(reported(passed, {}, { ...gateway.key, kind: 'verifier' })).toEqual(unsigned);
    expect(reported(passed, {}, { ...gateway.key, principals: undefined })).toEqual(unsigned);
    expect(reported({ ...passed, dmarc: 'none' })).toEqual([undefined, 'unknown']);
  });

  it('is not shown while the message speaks against it', () => {
    const against = ['contradicted', 'unknown'];
    expect(reported(passed, { signals: [signal({ severity: 'medium' })] })).toEqual(against);
    expect(reported({ ...passed, dkim_domain: 'mailer.example' })).toEqual(against);
    expect(reported(passed, { senderDomain: undefined })).toEqual(against);
    expect(reported({ ...passed, dkim_domain: 'line.example' })).toEqual(against);
  });

  it('is shown by a gateway’s signature under the same conditions, by a verifier’s without', () => {
    const evidence = attested(IDENTITY, { performed_by: 'mx1' }, gateway);
    const named = { ...gateway.key, principals: ['mx1'] };
    const doubt = [signal({})];
    expect(weigh(evidence, { authentication: { dmarc: 'pass' } }, [named])).toEqual([
      'accepted',
      'true',
    ]);
    expect(weigh(evidence, {}, [named])).toEqual(['contradicted', 'unknown']);
    expect(weigh(evidence, { authentication: passed, signals: doubt }, [named])).toEqual([
      'contradicted',
      'unknown',
    ]);
    expect(weigh(attested(IDENTITY), { signals: doubt })).toEqual(['accepted', 'true']);
  });
});

describe('the report', () => {
  it('says what came of each piece, in the order of the request', () => {
    const { report } = settle({
      evidence: [attested(CALL_BACK), attested(MASTER, { method: 'I called Jane Doe' })],
      authority: { status: 'not_verified' },
    });
    const digest = expect.stringMatching(/^[0-9a-f]{64}$/) as unknown as string;
    const first: EvidenceReport = {
      evidence_id: 'evd_0001',
      control: CALL_BACK,
      outcome: 'satisfied',
      lane: 'attested',
      key_id: 'desk',
      method: 'call_back',
      age_seconds: 3_600,
      verdict: 'accepted',
      reason: null,
      attestation_digest: digest,
    };
    expect(report).toEqual([
      first,
      { ...first, evidence_id: 'evd_0002', control: MASTER, method: null },
      {
        evidence_id: 'evd_0003',
        control: AUTHORITY,
        outcome: 'not_satisfied',
        lane: 'declared',
        key_id: null,
        method: null,
        age_seconds: null,
        verdict: 'accepted',
        reason: null,
        attestation_digest: null,
      },
    ]);
  });

  it('holds nothing that a stranger wrote', () => {
    const canary = 'canary_8841';
    const stranger = attester(canary, [CALL_BACK]);
    const words = { method: canary, performed_by: canary, evidence_ref: canary };
    const forged = attested(CALL_BACK, words, attester('desk', [CALL_BACK]));
    const { report } = settle({
      evidence: [attested(CALL_BACK, words, stranger), forged],
      authority: { status: 'verified', holder: canary, verified_via: canary },
      authentication: { dmarc: 'pass', evaluated_by: canary },
    });
    expect(report).toHaveLength(4);
    expect(JSON.stringify(report)).not.toContain(canary);
  });
});
