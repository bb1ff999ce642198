import { packetHash } from '@countersign/proof';
import { parseRegistry, type Trust, type Verification, verifyPacket } from '@countersign/verify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addPolicies,
  at,
  billing,
  executed,
  type Gate,
  listAt,
  type Members,
  once,
  openGate,
  outcome,
  pathOf,
  temporaryDirectory,
  trial,
  trialPolicy,
} from '../harness.ts';

let gate: Gate;
let trust: Trust;

/** A gate that needs a claim, and one that an owner may let pass. */
const CLAIMED = trialPolicy(
  {
    seen: {
      field: 'seen',
      op: 'state',
      true: ['yes'],
      false: ['no'],
      waivable: true,
      codes: { true: 'SEEN', false: 'NOT_SEEN', unknown: 'SEEN_UNKNOWN' },
    },
  },
  { cond: 'seen' },
  { authorization: { require_claim: true }, bind_parameters: ['seen'] },
);

beforeAll(async () => {
  const directory = temporaryDirectory();
  await addPolicies(directory, [CLAIMED]);
  gate = await openGate({ directory });
  const registry = parseRegistry((await gate.get('/api/decision/receipt-keys')).body);
  if (!registry.ok) throw new Error('the registry is not valid');
  trust = { registry: registry.value };
});
afterAll(() => gate.close());

type Loose = Record<string, any>;

async function packetOf(record: Members, query = ''): Promise<Loose> {
  const { status, body } = await gate.get(pathOf(record, `/packet?include_input=true${query}`));
  expect(status).toBe(200);
  return structuredClone(body) as Loose;
}

function verify(file: unknown, replay = false): Verification {
  return verifyPacket({ file, trust, replay });
}

/** What everybody can do who has changed a packet: its hash anew; the signature stays the one we gave. */
function redone(file: Loose, change: (packet: Loose) => void): Loose {
  const copy = structuredClone(file);
  change(copy['packet']);
  copy['packet']['packet_hash'] = packetHash(copy['packet']);
  return copy;
}

/** A decision that went the whole way: claimed, executed, told to a CRM, with an outcome. */
async function whole(): Promise<Members> {
  const record = await gate.decide(
    trial({ seen: 'yes', target_system: 'desk', target_object_id: 'obj_1', mutation: 'act.do' }),
  );
  const attempt = {
    action_taken: 'act',
    target_system: 'desk',
    target_object_id: 'obj_1',
    mutation: 'act.do',
    parameters: { seen: 'yes' },
    executor: { type: 'worker', id: 'worker-1' },
  };
  const claim = await gate.post(pathOf(record, '/claim'), attempt);
  expect(claim.status).toBe(200);
  const done = await gate.post(
    pathOf(record, '/execution'),
    executed(record, { ...attempt, claim_id: claim.body['claim_id'] }),
  );
  expect([done.status, done.text]).toEqual([201, expect.anything()]);
  const told = await gate.post(pathOf(record, '/crm-sync'), {
    sync_status: 'written',
    crm_provider: 'northcrm',
    crm_object_type: 'deal',
    crm_object_id: 'deal_1',
    decision_verdict: 'yes',
    field_mapping: { decision_id: 'Decide_ID__c' },
  });
  expect(told.status).toBe(201);
  const came = await gate.post(
    pathOf(record, '/outcome'),
    outcome(record, { action_taken: 'act' }),
  );
  expect(came.status).toBe(201);
  return record;
}

/** A review that its owner let pass: the record that was open, and the one that carries it on. */
async function reviewed(): Promise<{ readonly parent: Members; readonly child: Members }> {
  const parent = await gate.decide(trial());
  expect(parent['verdict']).toBe('review');
  const answer = await gate.post(pathOf(parent, '/review'), {
    resolution: 'approve',
    reviewer: { id: 'olga.owner', group: 'owners' },
    reason: 'Seen in person.',
    satisfies: ['seen'],
    decision_record_hash: parent['record_hash'],
  });
  expect([answer.status, answer.text]).toEqual([201, expect.anything()]);
  const child = answer.body['decision_record'] as Members;
  expect(child['verdict']).toBe('yes');
  return { parent, child };
}

describe('a packet with all its parts', () => {
  it('D-68 holds record, receipts, outcomes, intelligence, chain and hints, with the signature beside it', async () => {
    const record = await whole();
    const file = await packetOf(record);
    const { packet, ...envelope } = file;
    expect(Object.keys(envelope).sort()).toEqual([
      'ok',
      'packet_key_id',
      'packet_signature',
      'packet_signature_algorithm',
    ]);
    for (const name of ['decision_packet_version', 'packet_hash', 'packet_manifest']) {
      expect(envelope).not.toHaveProperty(name);
    }
    for (const name of ['executions', 'outcomes', 'claims', 'crm_syncs']) {
      expect([name, listAt(packet, name)]).toEqual([name, [expect.anything()]]);
    }
    expect(packet).toMatchObject({
      decision_record: { decision_id: record['decision_id'] },
      policy_intelligence: {
        effectiveness: { policy_id: 'trial_gate' },
        anomalies: { policy_id: 'trial_gate' },
        confidence: { policy_id: 'trial_gate' },
        signatures: { effectiveness: { signature: expect.stringMatching(/^ed25519:/) } },
      },
      audit_chain: { retained_links: expect.any(Array), head_link_hash: expect.any(String) },
      verification_hints: { registry_url: '/api/decision/receipt-keys' },
      packet_manifest: {
        complete: true,
        components: {
          claims: { count: 1, total: 1 },
          crm_sync_receipts: { count: 1, total: 1 },
          reports: { count: 3, total: 3 },
        },
      },
    });
    const result = verify(file, true);
    expect(result).toMatchObject({ failures: [], verified: true, public_verified: true });
    for (const name of [
      'execution_binding',
      'lifecycle_order',
      'claim_signatures',
      'replay_reproduced',
    ]) {
      expect([name, result.checks[name]]).toEqual([name, true]);
    }
  });

  it('D-70 all ten parameters of an export are honoured, and what is cut off is not complete', async () => {
    const record = await gate.decide(billing());
    for (const place of [1, 2, 3]) {
      const blocked = executed(record, { execution_status: 'blocked', execution_id: `r${place}` });
      await gate.post(pathOf(record, '/execution'), blocked);
      const pending = outcome(record, { outcome_status: 'pending', external_ref: `o${place}` });
      await gate.post(pathOf(record, '/outcome'), pending);
    }
    const query =
      '&include_chain=true&include_intelligence=true&include_policy=false&execution_limit=2' +
      '&outcome_limit=1&policy_limit=7&min_sample=3&threshold=0.5&max_anomalies=4&chain_limit=5';
    const { packet } = await packetOf(record, query);
    expect(packet['packet_manifest']).toMatchObject({
      complete: false,
      components: {
        execution_receipts: { count: 2, total: 3 },
        outcome_records: { count: 1, total: 3 },
      },
      parameters: {
        include_input: true,
        include_chain: true,
        include_intelligence: true,
        include_policy: false,
        execution_limit: 2,
        outcome_limit: 1,
        policy_limit: 7,
        min_sample: 3,
        threshold: 0.5,
        max_anomalies: 4,
        chain_limit: 5,
      },
    });
    expect(listAt(packet, 'audit_chain.retained_links')).toHaveLength(5);
    expect(packet).not.toHaveProperty('policies');
    expect(packet).toHaveProperty('input');
    expect(at(packet, 'policy_intelligence.effectiveness.parameters')).toMatchObject({
      min_sample: 3,
    });
    expect(at(packet, 'policy_intelligence.anomalies.parameters')).toMatchObject({
      threshold: 0.5,
      max_items: 4,
    });
    const cut = verify((await packetOf(record, query)) as unknown);
    expect(cut.checks['packet_complete']).toBe(false);
    expect(cut.verified).toBe(false);
    const bare = await packetOf(record, '&include_chain=false&include_intelligence=false');
    expect(bare['packet']).not.toHaveProperty('audit_chain');
    expect(bare['packet']).not.toHaveProperty('policy_intelligence');
    expect(verify(bare)).toMatchObject({ verified: true, failures: [] });
    for (const wrong of [
      'policy_limit=5001',
      'min_sample=0',
      'threshold=1.1',
      'max_anomalies=101',
    ]) {
      expect((await gate.get(pathOf(record, `/packet?${wrong}`))).status).toBe(400);
    }
  });

  it('a review and the record that carries it on verify from either side, replay included', async () => {
    const { parent, child } = await reviewed();
    const ofChild = await packetOf(child);
    expect(listAt(ofChild['packet'], 'related_records').map((one) => one['decision_id'])).toEqual([
      parent['decision_id'],
    ]);
    expect(verify(ofChild, true)).toMatchObject({ failures: [], verified: true });
    const ofParent = await packetOf(parent);
    expect(listAt(ofParent['packet'], 'related_records').map((one) => one['decision_id'])).toEqual([
      child['decision_id'],
    ]);
    expect(listAt(ofParent['packet'], 'reviews')).toHaveLength(2);
    expect(verify(ofParent, true)).toMatchObject({ failures: [], verified: true });
  });
});

describe('tampering with real packets', () => {
  it('D-73 T26 a number of a report edited', async () => {
    const record = await gate.decide(billing(), once('t26'));
    const file = await packetOf(record);
    const reports: readonly (readonly [string, string, boolean])[] = [
      ['effectiveness', 'policy_effectiveness_hash', true],
      ['anomalies', 'anomaly_report_hash', true],
      ['confidence', 'confidence_hash', false],
    ];
    for (const [name, check, published] of reports) {
      const result = verify(
        redone(file, (packet) => {
          packet['policy_intelligence'][name]['as_of_size'] += 1;
        }),
      );
      expect(result.failures).toEqual(
        expect.arrayContaining([check, 'packet_signature', 'report_signatures']),
      );
      expect(result.checks['decision_record_verified']).toBe(true);
      expect([name, result.public_verified]).toEqual([name, !published]);
    }
  });

  it('D-73 T35 the parent record of a review packet swapped', async () => {
    const { child } = await reviewed();
    const other = await gate.decide(trial({ source_record_id: 'src_2' }));
    const swapped = (await packetOf(other))['packet']['decision_record'] as Loose;
    const result = verify(
      redone(await packetOf(child), (packet) => {
        packet['related_records'] = [swapped];
      }),
    );
    expect(result.failures).toEqual(
      expect.arrayContaining(['related_records', 'packet_signature', 'ledger_inclusion']),
    );
    expect(result.checks['decision_record_verified']).toBe(true);
    expect(result.public_verified).toBe(true);
  });

  it.each([
    ['a claim edited', 'claims', (one: Loose) => (one['executor']['id'] = 'evil'), 'claim_hashes'],
    [
      'a claim unsigned',
      'claims',
      (one: Loose) => delete one['claim_signature'],
      'claim_signatures',
    ],
    [
      'a CRM receipt edited',
      'crm_syncs',
      (one: Loose) => (one['crm_object_id'] = 'x'),
      'crm_sync_hashes',
    ],
    [
      'a CRM receipt of another decision',
      'crm_syncs',
      (one: Loose) => (one['decision_record_hash'] = 'a'.repeat(64)),
      'crm_sync_links',
    ],
  ])('%s is noticed', async (_, list, change, check) => {
    const file = await packetOf(await whole());
    const result = verify(redone(file, (packet) => change(packet[list][0] as Loose)));
    expect(result.failures).toEqual(
      expect.arrayContaining([check, 'ledger_inclusion', 'packet_signature']),
    );
    expect(result.verified).toBe(false);
  });

  it('a claim left out is noticed although nothing counts it any more', async () => {
    const file = await packetOf(await whole());
    const result = verify(
      redone(file, (packet) => {
        delete packet['claims'];
        delete packet['packet_manifest']['components']['claims'];
      }),
    );
    expect(result.failures).toEqual(
      expect.arrayContaining(['packet_complete', 'execution_binding', 'packet_signature']),
    );
  });

  it('a resolution left out of a review’s packet is noticed', async () => {
    const { child } = await reviewed();
    const result = verify(
      redone(await packetOf(child), (packet) => {
        packet['reviews'] = packet['reviews'].slice(0, 1);
        packet['packet_manifest']['components']['reviews'] = { count: 1, total: 1 };
      }),
      true,
    );
    expect(result.failures).toEqual(
      expect.arrayContaining(['packet_complete', 'packet_signature', 'replay_reproduced']),
    );
  });
});
