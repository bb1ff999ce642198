import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, sha256Hex } from '@countersign/proof';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Members } from '../harness.ts';
import { type Attester, attester } from './attester.ts';
import { message, openDoor, sharedDoor } from './door.ts';
import { BANK_CHANGE } from './messages.ts';

const door = sharedDoor();
const CALL_BACK = 'c.payee_verified_known_contact';
const SENDER = 'c.sender_identity_ok';
const SECOND = 'c.second_approver';
const CHANGE = message(BANK_CHANGE, { proposed_action: { action_type: 'update_record' } });

const desk = attester('desk', [CALL_BACK, SENDER]);
const chief = attester('chief', [SECOND]);

/** Enrols keys of the development tenant. */
function enrol(directory: string, keys: readonly [Attester, readonly string[]][]): void {
  const enrolled = keys.map(([one, controls]) => ({
    key_id: one.key.keyId,
    tenant: 'dev',
    environment: 'test',
    kind: 'verifier',
    public_key: one.pem,
    controls,
  }));
  const text = JSON.stringify({ version: 1, keys: enrolled });
  writeFileSync(join(directory, 'keys', 'verifier-keys.json'), text);
}

const bindingOf = async (request: Members): Promise<string> =>
  String((await door.decide(request))['content_binding']);

/** The three pieces of evidence that a change of bank details needs. */
function proven(binding: string, by: Readonly<Record<string, Attester>> = {}): unknown[] {
  const at = new Date(Date.now() - 3_600_000).toISOString();
  const item = (one: Attester, control: string, who: string): unknown =>
    one.attest(
      { control, outcome: 'satisfied', method: 'call_back', performed_at: at, performed_by: who },
      binding,
    );
  return [
    item(by['callBack'] ?? desk, CALL_BACK, 'mira'),
    item(desk, SENDER, 'mira'),
    item(chief, SECOND, 'noor'),
  ];
}

beforeAll(() =>
  enrol(door.gate.directory, [
    [desk, [CALL_BACK, SENDER]],
    [chief, [SECOND]],
  ]),
);

describe('evidence over the wire', () => {
  it('C-74 opens a red gate when all of it is attested, and stays under review', async () => {
    const evidence = proven(await bindingOf(CHANGE));
    const decision = await door.decide({ ...CHANGE, control_evidence: evidence });
    expect(decision['signal']).toMatchObject({ state: 'amber' });
    expect(decision['action_gate']).toMatchObject({
      allowed: true,
      requires_human_review: true,
      approval_required: false,
      recommended_action:
        'Prepare the step for a named person to review; do not send or complete it automatically.',
    });
    expect(decision['safe_reply']).toMatchObject({ allowed_to_insert: false, draft: '' });
    const packet = await door.get(
      `/v1/proof_packets/${String(decision['proof_packet_id'])}?view=full`,
    );
    const shown = packet.body['evidence'] as Members[];
    expect(shown.map(({ control, verdict }) => [control, verdict])).toEqual([
      [CALL_BACK, 'accepted'],
      [SENDER, 'accepted'],
      [SECOND, 'accepted'],
    ]);
    const { conditions } = await door.transactionOf(decision);
    expect((conditions as Members[]).find(({ name }) => name === CALL_BACK)).toEqual({
      name: CALL_BACK,
      value: 'true',
      evidence: [shown[0]?.['evidence_id']],
    });
  });

  it('C-74 leaves it red when it is only declared', async () => {
    const decision = await door.decide({
      ...CHANGE,
      authority_result: { status: 'verified', holder: 'the chief financial officer' },
    });
    expect(decision['signal']).toMatchObject({ state: 'red' });
  });

  it('C-75 counts for nothing from a stranger, for other content, or once more for another message', async () => {
    const binding = await bindingOf(CHANGE);
    const stranger = attester('desk', [CALL_BACK]);
    const other = { ...CHANGE, subject: 'Another subject' };
    for (const [request, evidence] of [
      [CHANGE, proven(binding, { callBack: stranger })],
      [CHANGE, proven('0'.repeat(64))],
      [other, proven(binding)],
    ] as const) {
      const decision = await door.decide({ ...request, control_evidence: evidence });
      expect(decision['signal']).toMatchObject({ state: 'red' });
      expect(decision['action_gate']).toMatchObject({ allowed: false });
    }
  });

  it('C-86 is known to its own tenant only', async () => {
    const stranger = await door.addActor({
      token: `gt_test_${'v'.repeat(40)}`,
      actorId: 'elsewhere',
      tenant: 'dev_other',
    });
    const evidence = proven(await bindingOf(CHANGE));
    const decision = await door.decide({ ...CHANGE, control_evidence: evidence }, stranger);
    expect(decision['signal']).toMatchObject({ state: 'red' });
  });
});

describe('an overlay', () => {
  const OVERLAY = {
    tenant: 'dev',
    version: '1.0.0',
    base: { id: 'genius.communication', version: '1.0.0' },
    valid_minutes: 5,
    protected_names: ['Eleanor Finch'],
  };

  it('makes a tenant’s decisions stricter, and is named in them', async () => {
    const [anna, boris] = [attester('anna-1', []), attester('boris-1', [])];
    const own = await openDoor({
      prepare: (directory) => {
        const administrators = [
          [anna, 'anna'],
          [boris, 'boris'],
        ] as const;
        const keys = administrators.map(([one, name]) => ({
          key_id: one.key.keyId,
          tenant: 'dev',
          environment: 'test',
          kind: 'administrator',
          public_key: one.pem,
          principals: [name],
        }));
        const file = (name: string, value: unknown): void =>
          writeFileSync(join(directory, 'keys', name), JSON.stringify(value));
        file('verifier-keys.json', { version: 1, keys });
        const text = `genius-overlay-v1\n${canonicalJson(OVERLAY)}`;
        const signatures = [anna, boris].map((one) => ({
          key_id: one.key.keyId,
          signature: one.signature(text),
        }));
        file('overlays.json', [{ overlay: OVERLAY, signatures }]);
      },
    });
    const posing = message('Hello James, are you at your desk?', {
      participants: [
        { name: 'Eleanor Finch', email: 'eleanor.finch@gmail.com', role: 'sender' },
        { email: 'james@oakfield.example', role: 'recipient' },
      ],
    });
    const stricter = await own.decide(posing);
    const delivered = await door.decide(posing);
    const reasons = (one: Members): unknown[] =>
      (one['reasons'] as Members[]).map(({ rule_id: id }) => id);
    expect(reasons(stricter)).toContain('R05');
    expect(reasons(delivered)).not.toContain('R05');
    const minutes = (one: Members): number =>
      (Date.parse(String(one['valid_until'])) - Date.parse(String(one['created_at']))) / 60_000;
    expect([minutes(stricter), minutes(delivered)]).toEqual([5, 15]);
    const hash = (one: Members): unknown => (one['policy'] as Members)['hash'];
    expect(hash(stricter)).not.toBe(hash(delivered));
    const packet = await own.get(`/v1/proof_packets/${String(stricter['proof_packet_id'])}`);
    expect((packet.body['policy'] as Members)['overlay_hash']).toBe(
      sha256Hex(canonicalJson(OVERLAY)),
    );
  });
});
