import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  at,
  billing,
  executed,
  type Gate,
  listAt,
  type Members,
  openGate,
  outcome,
  pathOf,
} from '../harness.ts';
import { canonicalHash, isSignature, sortedHash, without } from '../independent.ts';

let gate: Gate;
let record: Members;

beforeAll(async () => {
  gate = await openGate();
  record = await gate.decide(billing());
  for (const place of [1, 2, 3]) {
    const blocked = executed(record, { execution_status: 'blocked', execution_id: `run_${place}` });
    await gate.post(pathOf(record, '/execution'), blocked);
  }
  await gate.post(pathOf(record, '/execution'), executed(record));
  await gate.post(pathOf(record, '/outcome'), outcome(record));
});
afterAll(() => gate.close());

const exported = (query = '') => gate.get(pathOf(record, `/packet${query}`));

describe('a packet', () => {
  it('D-69 the same `as_of` and parameters give the same bytes', async () => {
    const size = await gate.size();
    for (const query of [`?as_of=${size}`, `?as_of=${size}&include_input=true&chain_limit=3`]) {
      const first = await exported(query);
      expect(first.status).toBe(200);
      await gate.decide(billing());
      await gate.post(pathOf(record, '/outcome'), outcome(record, { outcome_status: 'failed' }));
      const again = await exported(query);
      expect(again.text).toBe(first.text);
      expect((await exported()).text).not.toBe(first.text);
    }
    const earlier = await exported(`?as_of=${size - 1}`);
    expect(listAt(earlier.body, 'packet.outcomes')).toHaveLength(0);
    expect(at(earlier.body, 'packet.packet_manifest.as_of_size')).toBe(size - 1);
  });

  it('is hashed, signed beside itself, and holds the artefacts as they were answered', async () => {
    const { body } = await exported('?include_input=true');
    expect(Object.keys(body).sort()).toEqual([
      ...['ok', 'packet', 'packet_key_id', 'packet_signature', 'packet_signature_algorithm'],
    ]);
    const packet = body['packet'] as Members;
    const hash = sortedHash(without(packet, 'packet_hash'));
    expect(packet['packet_hash']).toBe(hash);
    const registry = await gate.get('/api/decision/receipt-keys');
    const pem = String(listAt(registry.body, 'keys')[0]?.['public_key']);
    const message = JSON.stringify({
      hash,
      id: record['decision_id'],
      key_id: body['packet_key_id'],
      type: 'decision_packet_v1',
    });
    expect(isSignature(body['packet_signature'], message, pem)).toBe(true);
    expect(packet).toMatchObject({
      decision_packet_version: 'decision_packet_v1',
      decision_id: record['decision_id'],
      record_hash: record['record_hash'],
      receipt_hash: record['receipt_hash'],
      decision_record: without(record, 'ledger_proof', 'lifecycle_state', 'record_view'),
      input: billing(),
      policy_bundle_manifest: { policies: [{ policy_hash: record['policy_hash'] }] },
      packet_manifest: { complete: true },
    });
    expect(canonicalHash(listAt(packet, 'policies')[0]?.['document'])).toBe(record['policy_hash']);
    expect(canonicalHash(packet['policy_bundle_manifest'])).toBe(record['policy_bundle_hash']);
    const listed = await gate.get(pathOf(record, '/execution'));
    expect(packet['executions']).toEqual(
      listAt(listed.body, 'items').map((item) => without(item, 'ledger_proof')),
    );
  });

  it('says what it leaves out', async () => {
    const cut = await exported('?execution_limit=2&outcome_limit=1&include_policy=false');
    expect(at(cut.body, 'packet.packet_manifest')).toMatchObject({
      complete: false,
      components: { execution_receipts: { count: 2, total: 4 } },
      parameters: { execution_limit: 2, outcome_limit: 1, include_policy: false },
    });
    expect(listAt(cut.body, 'packet.executions')).toHaveLength(2);
    expect(at(cut.body, 'packet.policies')).toBeUndefined();
    const bare = await exported('?include_chain=false');
    expect(at(bare.body, 'packet.audit_chain')).toBeUndefined();
    expect(at(bare.body, 'packet.input')).toBeUndefined();
    expect(at(bare.body, 'packet.packet_manifest.complete')).toBe(true);
    const window = await exported('?chain_limit=2');
    expect(listAt(window.body, 'packet.audit_chain.retained_links')).toHaveLength(2);
    expect(at(window.body, 'packet.packet_manifest.complete')).toBe(true);
  });

  it('the export is an entry of the ledger, outside the packet', async () => {
    const before = await gate.size();
    const { body } = await exported();
    expect(at(body, 'packet.packet_manifest.as_of_size')).toBe(before);
    expect(await gate.size()).toBe(before + 1);
    const last = await gate.get(`/api/decision/ledger/inclusion?seq=${before}`);
    expect(at(last.body, 'entry.entry_type')).toBe('packet_export');
  });

  it.each([
    ...['execution_limit=0', 'execution_limit=501', 'outcome_limit=501', 'chain_limit=0'],
    ...['chain_limit=1001', 'as_of=0', 'as_of=1.5', 'include_input=yes', 'include_chain=1'],
    'page=1',
  ])('?%s is 400', async (query) => {
    const { status, body } = await exported(`?${query}`);
    expect([status, body['error']]).toEqual([400, 'DECIDE_API_INVALID_QUERY']);
  });
});
