import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TEMPLATE_DIRECTORY } from '../../src/config.ts';
import { readTemplates } from '../../src/service/templates.ts';
import {
  addPolicies,
  at,
  billing,
  type Gate,
  listAt,
  type Members,
  once,
  openGate,
  temporaryDirectory,
  trial,
  trialPolicy,
} from '../harness.ts';
import { canonicalHash, sortedHash, without } from '../independent.ts';

let gate: Gate;

const CODES = { true: 'IT_HOLDS', false: 'IT_FAILS', unknown: 'IT_IS_OPEN' };
const RISK = { true: 'RISK_IS_LOW', false: 'RISK_IS_HIGH', unknown: 'RISK_IS_OPEN' };
const TIER = { true: 'TIER_IS_GOLD', false: 'TIER_IS_OTHER', unknown: 'TIER_IS_OPEN' };

/** Policies under test beside the templates, each with a workflow of its own. */
const TRIALS = [
  trialPolicy(
    { blocked: { field: 'blocked', op: 'equals', value: 'yes', codes: CODES } },
    { not: { cond: 'blocked' } },
  ),
  trialPolicy(
    { small: { field: 'discount_percent', op: 'at_most', value: 15, codes: CODES } },
    { cond: 'small' },
    { policy_id: 'numeric_gate', workflows: ['numeric'] },
  ),
  trialPolicy(
    {
      checked: {
        field: 'identity_state',
        op: 'state',
        true: ['verified'],
        false: ['rejected'],
        min_assurance: 'referenced',
        source_type: 'identity_check',
        max_age_seconds: 60,
        codes: CODES,
      },
    },
    { cond: 'checked' },
    { policy_id: 'fresh_gate', workflows: ['fresh'] },
  ),
  trialPolicy(
    {
      tier: { field: 'tier', op: 'equals', value: 'gold', codes: TIER },
      risk: { field: 'risk', op: 'at_most', value: 3, codes: RISK },
      listed: { field: 'region', op: 'in_set', value: ['north', 'south'], codes: CODES },
    },
    { and: [{ cond: 'tier' }, { cond: 'risk' }, { cond: 'listed' }] },
    { policy_id: 'three_gate', workflows: ['three'] },
  ),
];

beforeAll(async () => {
  const directory = temporaryDirectory();
  await addPolicies(directory, TRIALS);
  gate = await openGate({ directory });
});
afterAll(() => gate.close());

describe('the seed request', () => {
  it('D-1 the billing request under policy v3 is a yes with its two codes', async () => {
    const { status, body } = await gate.post('/api/decide', billing());
    expect(status).toBe(200);
    expect(body).toMatchObject({
      verdict: 'yes',
      evidence: ['MARGIN_FLOOR_OK', 'OWNER_RULE_VERIFIED'],
      action: 'approve_discount',
      policy_id: 'pricing_exception',
      policy_version: 'v3',
    });
  });

  it('D-2 a failed margin is no, an absent one is review, and nothing else is ever said', async () => {
    const failed = await gate.decide(billing({ margin_floor: 'failed' }));
    expect(failed).toMatchObject({
      verdict: 'no',
      c: 'no',
      v: 'denied',
      action: 'reject_discount',
    });
    const absent = await gate.decide(billing({ margin_floor: undefined }));
    expect(absent).toMatchObject({
      verdict: 'review',
      c: 'review',
      v: 'review',
      action: 'route_to_owner',
    });
    const values = fc.oneof(
      fc.constantFrom('passed', 'failed', 'verified', 'rejected', 'YES', 'yes', '', 15, true, null),
      fc.jsonValue({ maxDepth: 1 }),
    );
    await fc.assert(
      fc.asyncProperty(values, values, values, async (margin, owner, percent) => {
        const answer = await gate.post(
          '/api/decide',
          billing({ margin_floor: margin, owner_rule: owner, discount_percent: percent }),
        );
        if (answer.status !== 200) return !('verdict' in answer.body);
        return ['yes', 'no', 'review'].includes(String(answer.body['verdict']));
      }),
      { numRuns: 100 },
    );
  });

  it('D-3 the full view holds verdict, evidence, policy version, hashes and both addresses', async () => {
    const record = await gate.decide(billing(), { 'x-decision-response-view': 'full' });
    expect(record).toMatchObject({
      verdict: 'yes',
      evidence: expect.arrayContaining(['MARGIN_FLOOR_OK']) as unknown,
      policy_version: 'v3',
      verify_url: `/api/decision/${String(record['decision_id'])}/verify`,
      replay_url: `/api/decision/${String(record['decision_id'])}/replay`,
    });
    for (const name of [
      'input_hash',
      'output_hash',
      'policy_hash',
      'policy_bundle_hash',
      'action_binding_hash',
      'record_hash',
      'receipt_hash',
      'receipt_public_key_fingerprint',
    ]) {
      expect(record[name], name).toMatch(/^[0-9a-f]{64}$/);
    }
  });

  it('D-25 the requested action and the action of the answer are both kept', async () => {
    const record = await gate.decide(billing());
    expect(record['action']).toBe('approve_discount');
    expect(record['action_binding']).toMatchObject({
      proposed_action: 'apply_discount',
      accepted_actions: ['apply_discount', 'approve_discount'],
    });
  });

  it('the record repeats its verdict and hashes where older callers and mirrors read them', async () => {
    const record = await gate.decide(billing());
    expect(record).toMatchObject({
      c: 'yes',
      v: 'approved',
      decision: 'yes',
      source_hash: record['policy_hash'],
      evaluated_at: record['created_at'],
      replay: record['replay_url'],
      evidence_sources: at(record, 'evidence_manifest.sources'),
      environment: 'test',
      runtime_binding: { authority: 'binding', valid_until: record['valid_until'] },
      integrity: { record_hash: record['record_hash'], receipt_hash: record['receipt_hash'] },
    });
  });
});

describe('what no policy covers', () => {
  it('D-23 an unknown workflow is reviewed as POLICY_NOT_BOUND and still has a bundle hash', async () => {
    const { status, body } = await gate.post(
      '/api/decide',
      billing({ workflow: 'nobody_owns_it' }),
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({ verdict: 'review', policy_id: 'unbound_workflow' });
    expect(body['evidence']).toEqual(['POLICY_NOT_BOUND']);
    expect(body['policy_bundle_hash']).toMatch(/^[0-9a-f]{64}$/);
    expect(at(body, 'policy_bundle.hash')).toBe(body['policy_bundle_hash']);
    const none = await gate.decide(billing({ workflow: undefined }));
    expect(none).toMatchObject({ verdict: 'review', evidence: ['POLICY_NOT_BOUND'] });
  });

  it('D-26 an action that the policy does not list is reviewed as ACTION_NOT_COVERED', async () => {
    const record = await gate.decide(billing({ requested_action: 'cancel_contract' }));
    expect(record).toMatchObject({ verdict: 'review', action: 'route_to_owner' });
    expect(record['evidence']).toContain('ACTION_NOT_COVERED');
    const none = await gate.decide(billing({ requested_action: undefined }));
    expect(none).toMatchObject({ verdict: 'review', action: 'route_to_owner' });
  });

  it('D-43 mode runtime, like any other that is not offered, is refused', async () => {
    const before = await gate.size();
    for (const mode of ['runtime', 'Single', 'SINGLE', 'auto', '']) {
      const { status, body } = await gate.post('/api/decide', billing({}, { mode }));
      expect({ mode, status, error: body['error'] }).toEqual({
        mode,
        status: 422,
        error: 'DECIDE_API_MODE_UNSUPPORTED',
      });
      expect(body).not.toHaveProperty('verdict');
    }
    expect(await gate.size()).toBe(before);
  });

  it('a pin confirms the policy in force and selects no other', async () => {
    const pinned = { policy_id: 'pricing_exception', policy_version: 'v3' };
    expect(await gate.decide(billing({}, pinned))).toMatchObject({ verdict: 'yes', ...pinned });
    for (const stale of [{ policy_version: 'v4' }, { policy_id: 'refund_review' }]) {
      const { status, body } = await gate.post('/api/decide', billing({}, stale));
      expect([status, body['error']]).toEqual([409, 'DECIDE_POLICY_PIN_STALE']);
    }
  });

  it('a suspended policy answers review', async () => {
    const directory = temporaryDirectory();
    await addPolicies(directory, [TRIALS[0] ?? {}], 'suspended');
    const suspended = await openGate({ directory });
    const record = await suspended.decide(trial({ blocked: 'no' }));
    await suspended.close();
    expect(record).toMatchObject({ verdict: 'review', evidence: ['POLICY_SUSPENDED', 'IT_FAILS'] });
  });
});

describe('evidence', () => {
  it('D-27 every condition that is not true stands in evidence_checks with its source fields', async () => {
    const record = await gate.decide(
      billing({ margin_floor: 'failed', owner_rule: 'pending', customer_id: 'cus_7' }),
    );
    expect(record['verdict']).toBe('no');
    expect(record['evidence_checks']).toEqual([
      {
        name: 'margin_floor_ok',
        state: 'false',
        code: 'MARGIN_FLOOR_BREACH',
        fields: ['context.guardrails.margin_floor', 'context.margin_floor'],
      },
      {
        name: 'owner_rule_verified',
        state: 'unknown',
        code: 'OWNER_RULE_UNKNOWN',
        fields: ['context.owner_rule.status', 'context.owner_rule'],
        note: 'STATE_UNLISTED',
      },
    ]);
    const open = await gate.decide(billing({ discount_percent: undefined }));
    expect(listAt(open, 'evidence_checks')[0]).toMatchObject({
      code: 'INPUT_SCHEMA_FAILED',
      fields: ['context.discount_percent'],
    });
  });

  it('D-28 evidence references stand in the manifest and in its hash', async () => {
    const references = [
      { id: 'quote_1', type: 'source_record', snapshot_hash: 'sha256:01', title: 'The quote' },
      { id: 'quote_2', type: 'source_record', observed_at: '2026-01-02T03:04:05Z' },
    ];
    const record = await gate.decide(billing({ evidence_refs: references }));
    expect(at(record, 'evidence_manifest.sources')).toEqual(references);
    const hash = at(record, 'integrity.evidence_manifest_hash');
    expect(hash).toBe(sortedHash(record['evidence_manifest']));
    const plain = await gate.decide(billing());
    expect(at(plain, 'integrity.evidence_manifest_hash')).not.toBe(hash);
  });

  it('D-29 guardrails count the same in their object and at the top; a contradiction is unknown', async () => {
    for (const margin of ['passed', 'failed', 'breached', 'review_required']) {
      const top = await gate.decide(billing({ margin_floor: margin }));
      const inside = await gate.decide(
        billing({ margin_floor: undefined, guardrails: { margin_floor: margin } }),
      );
      expect(inside['output_hash'], margin).toBe(top['output_hash']);
    }
    const torn = await gate.decide(billing({ guardrails: { margin_floor: 'failed' } }));
    expect(torn['verdict']).toBe('review');
    expect(listAt(torn, 'evidence_checks')[0]).toMatchObject({
      state: 'unknown',
      note: 'CONFLICTING_INPUT',
    });
  });

  it('D-31 a review carries the owner group and path of its policy', async () => {
    const record = await gate.decide(billing({ margin_floor: undefined }));
    const due = Date.parse(String(record['created_at'])) + 86_400_000;
    expect(record['route']).toEqual({
      to: 'owner',
      group: 'revops',
      path: 'revops/deal-desk',
      escalation: 'revops/lead',
      due_at: new Date(due).toISOString(),
    });
    const no = await gate.decide(billing({ margin_floor: 'failed' }));
    expect(no['route']).toEqual({ to: 'requester' });
    expect(await gate.decide(billing())).not.toHaveProperty('route');
  });

  it('a verified owner rule passes, and only a group that the policy allows is routed to', async () => {
    const asking = (group: string): Members =>
      billing({ margin_floor: undefined, owner_rule: { status: 'verified', group } });
    const allowed = await gate.decide(asking('deal_desk'));
    expect(at(allowed, 'route.group')).toBe('deal_desk');
    const foreign = await gate.decide(asking('my_friends'));
    expect(at(foreign, 'route.group')).toBe('revops');
    expect(foreign['evidence']).toContain('OWNER_RULE_VERIFIED');
  });

  it('D-36 the first false condition does not keep the others from being listed', async () => {
    const record = await gate.decide(
      trial({ workflow: 'three', tier: 'tin', risk: 9, region: 'north' }),
    );
    expect(record['verdict']).toBe('no');
    expect(record['evidence']).toEqual(['TIER_IS_OTHER', 'RISK_IS_HIGH', 'IT_HOLDS']);
    expect(listAt(record, 'evidence_checks').map(({ state }) => state)).toEqual([
      'false',
      'false',
      'true',
    ]);
  });
});

describe('what is not known', () => {
  it('D-34 not(equals(missing, x)) is unknown and goes to review', async () => {
    for (const blocked of [undefined, null]) {
      const record = await gate.decide(trial({ blocked }));
      expect(record).toMatchObject({ verdict: 'review', requirement_state: 'unknown' });
    }
    expect(await gate.decide(trial({ blocked: 'no' }))).toMatchObject({ verdict: 'yes' });
    expect(await gate.decide(trial({ blocked: 'yes' }))).toMatchObject({ verdict: 'no' });
  });

  it('D-35 a number sent as text is unknown to a numeric test', async () => {
    const numeric = (percent: unknown): Members =>
      trial({ workflow: 'numeric', discount_percent: percent });
    for (const percent of ['15', true, [15], { value: 15 }]) {
      const record = await gate.decide(numeric(percent));
      expect(record['verdict'], JSON.stringify(percent)).toBe('review');
      expect(listAt(record, 'evidence_checks')[0]).toMatchObject({ state: 'unknown' });
    }
    expect(await gate.decide(numeric(15))).toMatchObject({ verdict: 'yes' });
    expect(await gate.decide(numeric(16))).toMatchObject({ verdict: 'no' });
  });

  it('D-37 an asserted value where an attested one is demanded is ASSURANCE_TOO_LOW', async () => {
    const payout = readTemplates(TEMPLATE_DIRECTORY).find(
      ({ active }) => active.document.policyId === 'payout_gate',
    );
    const request = at(payout?.pattern, 'decision_request_template') as Members;
    const record = await gate.decide(request, once('payout_901'));
    const check = listAt(record, 'evidence_checks').find(
      ({ name }) => name === 'beneficiary_verified',
    );
    expect(check).toMatchObject({
      state: 'unknown',
      code: 'BENEFICIARY_UNKNOWN',
      note: 'ASSURANCE_TOO_LOW',
    });
    expect(record['verdict']).toBe('review');
  });

  it('a request that is past its own end is a no, and one with an unreadable end is refused', async () => {
    const past = await gate.decide(billing({ expires_at: '2020-01-01T00:00:00Z' }));
    expect(past['verdict']).toBe('no');
    expect(past['evidence']).toContain('REQUEST_EXPIRED');
    const unreadable = await gate.post('/api/decide', billing({ expires_at: 'tomorrow' }));
    expect(unreadable.status).toBe(422);
  });
});

describe('what a yes covers', () => {
  it('D-50 the binding hash recomputes and covers system, resource, action, target and parameters', async () => {
    const record = await gate.decide(billing({ actor: 'svc_billing', plan: 'annual' }));
    expect(record['action_binding']).toEqual({
      accepted_actions: ['apply_discount', 'approve_discount'],
      actor: 'svc_billing',
      max_executions: 1,
      mutation: 'discount.create',
      parameters_hash: canonicalHash({ discount_percent: 15, plan: 'annual' }),
      proposed_action: 'apply_discount',
      resource: 'sub_1042',
      system: 'billing_discount_gate',
      target_object_id: 'sub_1042',
      target_system: 'billing',
    });
    const hash = record['action_binding_hash'];
    expect(hash).toBe(sortedHash(record['action_binding']));
    expect(at(record, 'integrity.action_binding_hash')).toBe(hash);
    const others: readonly Members[] = [
      { workflow: 'crm_pricing_gate' },
      { source_record_id: 'deal_7' },
      { requested_action: 'approve_discount' },
      { target_system: 'erp' },
      { target_object_id: 'sub_9' },
      { mutation: 'discount.replace' },
      { discount_percent: 14 },
    ];
    const hashes = await Promise.all(
      others.map(async (change) => {
        const other = await gate.decide(
          billing({ actor: 'svc_billing', plan: 'annual', ...change }),
        );
        expect(other['action_binding_hash']).toBe(sortedHash(other['action_binding']));
        return other['action_binding_hash'];
      }),
    );
    expect(new Set([hash, ...hashes]).size).toBe(others.length + 1);
  });

  it('D-51 a yes ends; no and review never began', async () => {
    const yes = await gate.decide(billing());
    const made = Date.parse(String(yes['created_at']));
    expect(Date.parse(String(yes['valid_until'])) - made).toBe(900_000);
    for (const context of [{ margin_floor: 'failed' }, { margin_floor: undefined }]) {
      const other = await gate.decide(billing(context));
      expect(other['verdict']).not.toBe('yes');
      expect(other).not.toHaveProperty('valid_until');
      expect(other['runtime_binding']).not.toHaveProperty('valid_until');
    }
  });

  it('the request can shorten the validity and not lengthen it', async () => {
    const end = (ms: number): string => new Date(Date.now() + ms).toISOString();
    const soon = end(60_000);
    expect(await gate.decide(billing({ expires_at: soon }))).toMatchObject({ valid_until: soon });
    const late = await gate.decide(billing({ expires_at: end(86_400_000) }));
    const validMs =
      Date.parse(String(late['valid_until'])) - Date.parse(String(late['created_at']));
    expect(validMs).toBe(900_000);
  });

  it('without a resource there is nothing to bind, so it goes to review', async () => {
    const record = await gate.decide(
      billing({ customer_id: undefined, invoice_or_subscription_id: undefined }),
    );
    expect(record['verdict']).toBe('review');
    expect(record['evidence']).toContain('BINDING_INCOMPLETE');
  });

  it('every hash of the record is the one that a stranger computes', async () => {
    const request = billing({ source_record_id: 'deal_1042', note: 'Ünïcode 🙂' });
    const record = await gate.decide(request);
    expect(record['input_hash']).toBe(sortedHash(JSON.parse(JSON.stringify(request))));
    expect(record['output_hash']).toBe(
      canonicalHash({
        verdict: record['verdict'],
        action: record['action'],
        evidence: record['evidence'],
        evidence_checks: record['evidence_checks'],
        requirement_state: record['requirement_state'],
        policy_hash: record['policy_hash'],
        policy_bundle_hash: record['policy_bundle_hash'],
        evaluator_version: record['evaluator_version'],
      }),
    );
    const sealMembers = [
      ...['record_hash', 'receipt_hash', 'receipt_signature', 'receipt_signature_algorithm'],
      ...['receipt_key_id', 'receipt_public_key', 'receipt_public_key_fingerprint', 'integrity'],
      ...['audit_chain', 'ledger', 'ledger_proof', 'lifecycle_state', 'record_view'],
    ];
    const binding = record['runtime_binding'] as Members;
    expect(binding['content_hash']).toBe(
      canonicalHash({
        ...without(record, ...sealMembers),
        runtime_binding: without(binding, 'content_hash'),
      }),
    );
    expect(record['receipt_hash']).toBe(
      sortedHash({
        action_binding_hash: sortedHash(record['action_binding']),
        decision_id: record['decision_id'],
        decision_record_version: record['decision_record_version'],
        evidence_manifest_hash: sortedHash(record['evidence_manifest']),
        input_hash: record['input_hash'],
        output_hash: record['output_hash'],
        policy_bundle_hash: record['policy_bundle_hash'],
        policy_hash: record['policy_hash'],
        record_hash: record['record_hash'],
      }),
    );
  });
});
