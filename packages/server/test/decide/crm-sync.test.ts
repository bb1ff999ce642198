import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  at,
  billing,
  type Gate,
  linksTo,
  listAt,
  type Members,
  once,
  openGate,
  pathOf,
} from '../harness.ts';
import { canonicalHash, isSignature, without } from '../independent.ts';

let gate: Gate;

beforeAll(async () => {
  gate = await openGate();
});
afterAll(() => gate.close());

const PLACE = ['audit_chain', 'ledger', 'ledger_proof'];

/** What an integration says after it wrote a decision of {@link billing} into its CRM. */
function sync(record: Members, changes: Members = {}): Members {
  return {
    sync_status: 'written',
    crm_provider: 'crm.example',
    crm_object_type: 'deal',
    crm_object_id: 'deal_1042',
    crm_record_url: 'https://crm.example/deals/1042?tab=decisions',
    decision_verdict: record['verdict'],
    field_mapping: { verdict: 'Decision_c', action: 'Next_Step_c', 'evidence.codes': 'Why_c' },
    ...linksTo(record),
    ...changes,
  };
}

const report = (record: Members, changes: Members = {}, headers = {}) =>
  gate.post(pathOf(record, '/crm-sync'), sync(record, changes), headers);

describe('a CRM sync receipt', () => {
  it('D-63 `written` is kept with its mapped fields and its hash; another verdict than stored is 409', async () => {
    const record = await gate.decide(billing());
    const sent = { written_values_hash: 'a'.repeat(64), external_ref: 'job_7' };
    const { status, body } = await report(record, sent, once('sync_1'));
    expect(status).toBe(201);
    const stored = body['crm_sync'] as Members;
    const content = without(stored, 'sync_hash', 'sync_signature', 'sync_key_id', ...PLACE);
    expect(content).toEqual({
      ...sync(record, sent),
      decision_protocol_version: 'decision_protocol_v1',
      decision_crm_sync_version: 'decision_crm_sync_v1',
      sync_id: expect.stringMatching(/^crm_[0-9a-z]{26}$/) as unknown,
      decision_id: record['decision_id'],
      idempotency_key: 'sync_1',
      sync_direction: 'writeback',
      decision_verdict: 'yes',
      decision_action: record['action'],
      policy_id: record['policy_id'],
      policy_version: record['policy_version'],
      policy_bundle_hash: record['policy_bundle_hash'],
      mapped_fields: ['action', 'evidence.codes', 'verdict'],
      reported_at: expect.stringMatching(/Z$/) as unknown,
    });
    expect(stored['sync_hash']).toBe(canonicalHash(content));
    const registry = await gate.get('/api/decision/receipt-keys');
    const message = JSON.stringify({
      hash: stored['sync_hash'],
      id: stored['sync_id'],
      key_id: stored['sync_key_id'],
      type: 'decision_crm_sync_v1',
    });
    const pem = String(listAt(registry.body, 'keys')[0]?.['public_key']);
    expect(isSignature(stored['sync_signature'], message, pem)).toBe(true);
    const { body: listed } = await gate.get(pathOf(record, '/crm-sync'));
    expect(listAt(listed, 'items')).toEqual([stored]);

    const before = await gate.size();
    for (const verdict of ['no', 'review', 'YES', '']) {
      const other = await report(record, { decision_verdict: verdict });
      expect([other.status, other.body['error']]).toEqual([409, 'DECIDE_CRM_SYNC_LINK_MISMATCH']);
    }
    expect(await gate.size()).toBe(before);
  });

  it.each([
    'decision_id',
    'decision_record_hash',
    'decision_receipt_hash',
    'decision_action',
    'policy_id',
    'policy_version',
    'policy_bundle_hash',
  ])('another %s than stored is 409', async (name) => {
    const record = await gate.decide(billing());
    const { status, body } = await report(record, { [name]: 'another' });
    expect([status, body['error']]).toEqual([409, 'DECIDE_CRM_SYNC_LINK_MISMATCH']);
  });

  it('what is not sent is filled in, and other statuses and directions are kept', async () => {
    const record = await gate.decide(billing({ margin_floor: 'failed' }));
    for (const status of ['skipped', 'failed', 'pending']) {
      const answer = await gate.post(pathOf(record, '/crm-sync'), {
        sync_status: status,
        sync_direction: 'readback',
        crm_provider: 'crm.example',
        crm_object_type: 'deal',
        crm_object_id: 'deal_1042',
      });
      expect(answer.status).toBe(201);
      expect(answer.body['crm_sync']).toMatchObject({
        sync_status: status,
        sync_direction: 'readback',
        decision_verdict: 'no',
        ...linksTo(record),
      });
      expect(answer.body['crm_sync']).not.toHaveProperty('mapped_fields');
    }
  });

  it('repeated with its key is the stored one; another payload is a conflict', async () => {
    const record = await gate.decide(billing());
    const first = await report(record, {}, once('crm'));
    const again = await report(record, {}, once('crm'));
    expect([again.status, again.headers.get('x-idempotent-replay')]).toEqual([201, '1']);
    expect(again.body).toEqual(first.body);
    const other = await report(record, { sync_status: 'failed' }, once('crm'));
    expect([other.status, other.body['error']]).toEqual([
      409,
      'DECIDE_CRM_SYNC_IDEMPOTENCY_CONFLICT',
    ]);
  });

  it.each([
    [{ field_mapping: { api_key: 'Key_c' } }, 'field_mapping.api_key'],
    [
      { field_mapping: { verdict: 'V_c', 'crm.access_token': 'T_c' } },
      'field_mapping.crm.access_token',
    ],
    [{ field_mapping: { session: 'S_c' } }, 'field_mapping.session'],
    [{ crm_record_url: 'https://user:pw@crm.example/deals/1' }, 'crm_record_url'],
    [{ crm_record_url: 'https://user@crm.example' }, 'crm_record_url'],
    [{ crm_record_url: 'https://crm.example/deals/1?a=b&token=x' }, 'crm_record_url'],
    [{ crm_record_url: 'https://crm.example/deals/1#access_token=x' }, 'crm_record_url'],
    [{ crm_record_url: 'user:pw@crm.example/deals/1' }, 'crm_record_url'],
  ])('%j is a credential: 422, and nothing is kept', async (change, field) => {
    const record = await gate.decide(billing());
    const before = await gate.size();
    const { status, body, text } = await report(record, change);
    expect([status, body['error']]).toEqual([422, 'DECIDE_CONTEXT_SECRET_FORBIDDEN']);
    expect(listAt(body, 'errors').map((one) => one['field'])).toEqual([field]);
    expect(text).not.toContain('user');
    expect(await gate.size()).toBe(before);
  });

  it.each([
    'https://crm.example/people/ada@ltd.example',
    'https://crm.example/deals/1?tab=tokens&q=secret',
    'crm/deals/1042',
  ])('%s is an address like any other', async (url) => {
    const record = await gate.decide(billing());
    const { status, body } = await report(record, { crm_record_url: url });
    expect(status).toBe(201);
    expect(at(body, 'crm_sync.crm_record_url')).toBe(url);
  });

  it.each([
    ['an unknown status', { sync_status: 'done' }],
    ['an unknown direction', { sync_direction: 'both' }],
    ['no provider', { crm_provider: undefined }],
    ['a mapping of nothing', { field_mapping: {} }],
    ['a mapped value', { field_mapping: { verdict: { to: 'x' } } }],
    ['a member of its own', { crm_password: 'x' }],
  ])('%s is 422', async (_, change) => {
    const record = await gate.decide(billing());
    const { status, body } = await report(record, change);
    expect([status, body['error']]).toEqual([422, 'DECIDE_API_INVALID_REQUEST']);
  });
});
