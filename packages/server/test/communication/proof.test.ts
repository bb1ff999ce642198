import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalJson, sha256Hex } from '@countersign/proof';
import {
  PROOF_PACKET_STEPS,
  type ProofPacketEvidence,
  parseRegistry,
  type Trust,
  verifyProofPacket,
} from '@countersign/verify';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Members } from '../harness.ts';
import { HARMLESS, openDoor, QUICKSTART, sharedDoor } from './door.ts';

const door = sharedDoor();
const CLI = fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url));

/** Everything that a verifier holds: decision, full packet with the salt, request, keys, and a later checkpoint. */
interface Held extends ProofPacketEvidence {
  readonly decision: Members;
  readonly packet: Members;
  readonly request: Members;
  readonly checkpoint: string;
  readonly consistency: readonly string[];
}
const held: { now?: Held } = {};
const all = (): Held => held.now ?? ({} as Held);

async function trustOf(): Promise<Trust> {
  const { body } = await door.get('/api/decision/receipt-keys');
  const registry = parseRegistry(body);
  if (!registry.ok) throw new Error('no registry');
  return { registry: registry.value };
}

beforeAll(async () => {
  const decision = await door.decide(QUICKSTART);
  const packet = await door.get(
    `/v1/proof_packets/${String(decision['proof_packet_id'])}?view=full&include=salt`,
  );
  for (let more = 0; more < 3; more += 1) await door.decide(HARMLESS);
  const { body: newest } = await door.get('/api/decision/ledger/checkpoint');
  const later = String(newest['checkpoint']);
  const from = Number((packet.body['ledger'] as Members)['tree_size']);
  const to = Number(later.split('\n')[1]);
  const proof = await door.get(`/api/decision/ledger/consistency?first=${from}&second=${to}`);
  held.now = {
    decision,
    packet: packet.body,
    request: QUICKSTART,
    trust: await trustOf(),
    checkpoint: later,
    consistency: proof.body['proof'] as string[],
  };
});

describe('a proof packet', () => {
  it('C-12 shows the minimal view unless the full one is asked for', async () => {
    const { packet } = all();
    const path = `/v1/proof_packets/${String(packet['id'])}`;
    const minimal = await door.get(path);
    expect(minimal.status).toBe(200);
    const hidden = Object.keys(packet).filter((name) => !(name in minimal.body));
    expect(hidden.toSorted()).toEqual(
      [
        'input_commitments',
        'signals',
        'coverage',
        'conditions',
        'rules',
        'variants',
        'evidence',
        'provider',
        'actor',
        'decision_salt',
      ].toSorted(),
    );
    expect(minimal.body['redaction']).toEqual({
      profile: 'minimal',
      raw_content_stored: false,
      raw_provider_output_stored: false,
    });
    expect(minimal.body['decision_digest']).toBe(sha256Hex(canonicalJson(all().decision)));
  });

  it('C-83 verifies offline, step by step', () => {
    const found = verifyProofPacket(all());
    expect(found).toEqual({
      verified: true,
      checks: Object.fromEntries(PROOF_PACKET_STEPS.map((step) => [step, true])),
      failures: [],
    });
  });

  const inLedger =
    (change: Members): ((one: Held) => Partial<Held>) =>
    ({ packet }) => ({
      packet: { ...packet, ledger: { ...(packet['ledger'] as Members), ...change } },
    });
  const zeros = '0'.repeat(64);
  const tampered: readonly [string, string, (one: Held) => Partial<Held>][] = [
    [
      'decision_digest',
      'another summary',
      ({ decision }) => ({ decision: { ...decision, summary: 'All is well.' } }),
    ],
    [
      'decision_digest',
      'an open gate',
      ({ decision }) => ({
        decision: {
          ...decision,
          action_gate: { ...(decision['action_gate'] as Members), allowed: true },
        },
      }),
    ],
    [
      'packet_digest',
      'another rule outcome',
      ({ packet }) => ({ packet: { ...packet, rules: [] } }),
    ],
    [
      'packet_digest',
      'a signal less',
      ({ packet }) => ({
        packet: { ...packet, signals: (packet['signals'] as unknown[]).slice(1) },
      }),
    ],
    ['entry', 'another signature', inLedger({ signature: `ed25519:${'A'.repeat(86)}` })],
    ['entry', 'another body', inLedger({ entry_body: { type: 'communication_decision' } })],
    ['inclusion', 'another root', inLedger({ root: zeros })],
    ['inclusion', 'another place', inLedger({ entry_index: 0 })],
    ['inclusion', 'a hash more', inLedger({ inclusion_proof: [zeros] })],
    ['consistency', 'another path', () => ({ consistency: [zeros] })],
    [
      'commitments',
      'another text',
      ({ request }) => ({
        request: { ...request, body_excerpt: 'Hello James' },
      }),
    ],
    [
      'commitments',
      'another salt',
      ({ packet }) => ({ packet: { ...packet, decision_salt: zeros } }),
    ],
  ];
  it.each(tampered)('C-83 fails at %s with %s', (step, _, change) => {
    const one = all();
    const found = verifyProofPacket({ ...one, ...change(one) });
    expect(found.verified).toBe(false);
    expect(found.failures).toContain(step);
  });

  it('C-83 is not verified without a key, or with a stranger’s', async () => {
    expect(verifyProofPacket({ ...all(), trust: {} }).verified).toBe(false);
    const other = await openDoor();
    const registry = parseRegistry((await other.get('/api/decision/receipt-keys')).body);
    if (!registry.ok) throw new Error('no registry');
    const found = verifyProofPacket({ ...all(), trust: { registry: registry.value } });
    expect(found.failures).toEqual(expect.arrayContaining(['entry', 'inclusion']));
  });

  it('C-83 is verified by the command, with the judgement made again', async () => {
    const { decision, packet, request } = all();
    const file = (name: string, value: unknown): string => {
      const path = join(door.gate.directory, name);
      writeFileSync(path, JSON.stringify(value));
      return path;
    };
    const keys = file('keys.json', (await door.get('/api/decision/receipt-keys')).body);
    const run = (...more: string[]) =>
      spawnSync(
        process.execPath,
        [
          '--conditions=source',
          '--no-warnings',
          CLI,
          'verify-proof',
          file('packet.json', packet),
          '--key-registry',
          keys,
          '--request',
          file('request.json', request),
          '--replay',
          '--json',
          ...more,
        ],
        { encoding: 'utf8' },
      );
    const whole = run('--decision', file('decision.json', decision));
    expect(whole.stderr).toBe('');
    expect(JSON.parse(whole.stdout)).toMatchObject({
      verified: true,
      checks: { decision_digest: true, commitments: true, replay: true, consistency: null },
    });
    expect(whole.status).toBe(0);
    const wrong = run('--decision', file('other.json', { ...decision, summary: '' }));
    expect(wrong.status).toBe(1);
  });

  it('leaves a trace of who has read how much of it', async () => {
    const { packet } = all();
    const before = await door.gate.size();
    await door.get(`/v1/proof_packets/${String(packet['id'])}`);
    expect(await door.gate.size()).toBe(before + 1);
  });

  it('is one with the decision, also under a repeated key', async () => {
    const key = { 'idempotency-key': 'packet-1' };
    const first = await door.decide(QUICKSTART, key);
    const again = await door.decide(QUICKSTART, key);
    expect(again['proof_packet_id']).toBe(first['proof_packet_id']);
  });
});

describe('erasure', () => {
  it('C-84 leaves the proof, and answers 410 for what is gone', async () => {
    const own = await openDoor();
    const decision = await own.decide(QUICKSTART);
    const kept = await own.decide(HARMLESS);
    const id = String(decision['id']);
    const erased = spawnSync(
      process.execPath,
      [
        '--conditions=source',
        '--no-warnings',
        CLI,
        'data',
        'erase',
        '--data',
        own.gate.directory,
        '--tenant',
        'dev',
        '--decision',
        id,
      ],
      { encoding: 'utf8' },
    );
    expect([erased.status, erased.stderr]).toEqual([0, '']);
    for (const [path, code] of [
      [`/v1/decisions/${id}`, 'decision_expired'],
      [`/v1/communication_transactions/${id.replace('dec_', 'txn_')}`, 'decision_expired'],
      [`/v1/proof_packets/${id.replace('dec_', 'ppk_')}`, 'proof_packet_expired'],
    ] as const) {
      const answer = await own.get(path);
      expect([answer.status, answer.body['error']]).toMatchObject([410, { code }]);
    }
    expect((await own.get(`/v1/decisions/${String(kept['id'])}`)).status).toBe(200);
    const checked = spawnSync(
      process.execPath,
      [
        '--conditions=source',
        '--no-warnings',
        CLI,
        'ledger',
        'check',
        '--data',
        own.gate.directory,
      ],
      { encoding: 'utf8' },
    );
    expect([checked.status, checked.stderr]).toEqual([0, '']);
    const database = readFileSync(join(own.gate.directory, 'ledger.db')).toString('latin1');
    expect(database).not.toContain('"decision_salt"');
  });
});

describe('tenants', () => {
  it('C-85 know nothing of each other', async () => {
    const decision = await door.decide(QUICKSTART);
    const stranger = await door.addActor({
      token: `gt_test_${'z'.repeat(40)}`,
      actorId: 'stranger',
      tenant: 'dev_other',
    });
    const id = String(decision['id']);
    const paths = [
      `/v1/decisions/${id}`,
      `/v1/communication_transactions/${id.replace('dec_', 'txn_')}`,
      `/v1/proof_packets/${id.replace('dec_', 'ppk_')}`,
    ];
    for (const path of paths) {
      const foreign = await door.get(path, stranger);
      const unknown = await door.get(path.replace(id.slice(4), `${'0'.repeat(26)}`), stranger);
      expect(foreign.status).toBe(404);
      const said = (one: Members): unknown => ({ ...(one['error'] as Members), trace_id: '' });
      expect(said(foreign.body)).toEqual(said(unknown.body));
    }
    const list = await door.get('/v1/communication_transactions', stranger);
    expect(list.body['data']).toEqual([]);
  });
});
