import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { JsonObject } from '@countersign/policy';
import { packetHash, publicKeyFromPem } from '@countersign/proof';
import { parseRegistry, type Trust, verifyPacket } from '@countersign/verify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKeyring } from '../../src/keys/keyring.ts';
import { dataPaths } from '../../src/main.ts';
import { type Draft, LedgerWriter } from '../../src/service/ledger-writer.ts';
import { sourceAddedDraft, sourceEndedDraft } from '../../src/service/source-keys.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import {
  addPolicies,
  at,
  type Gate,
  linksTo,
  listAt,
  type Members,
  once,
  openGate,
  pathOf,
  TENANT,
  temporaryDirectory,
  trial,
  trialPolicy,
} from '../harness.ts';
import { canonicalText } from '../independent.ts';

const DAY_MS = 86_400_000;
const SOURCE = { sourceId: 'registry_example', keyId: 'k1' };
const OURS = generateKeyPairSync('ed25519');
const STRANGER = generateKeyPairSync('ed25519');

const CHECKED = {
  field: 'identity_state',
  op: 'state',
  true: ['verified'],
  false: ['rejected'],
  min_assurance: 'attested',
  max_age_seconds: 3600,
  codes: { true: 'IT_HOLDS', false: 'IT_FAILS', unknown: 'IT_IS_OPEN' },
};

/** A policy that passes what a source signed. */
function policyOf(version: string, changes: JsonObject = {}): JsonObject {
  const act = { source_record_id: 'src_1', requested_action: 'act' };
  const test = (verdict: string, state: JsonObject): JsonObject => ({
    name: verdict,
    context: { ...act, ...state },
    attested: Object.keys(state),
    expect: { verdict },
  });
  return trialPolicy(
    { checked: { ...CHECKED, ...changes } },
    { cond: 'checked' },
    {
      version,
      self_tests: [
        test('yes', { identity_state: 'verified' }),
        test('no', { identity_state: 'rejected' }),
        test('review', {}),
      ],
    },
  );
}

let gate: Gate;
let directory: string;
/** Milliseconds by which the server's clock is ahead. */
let ahead = 0;
const now = (): number => Date.now() + ahead;
const iso = (offsetMs: number): string => new Date(now() + offsetMs).toISOString();

beforeAll(async () => {
  directory = temporaryDirectory();
  await (await openGate({ directory })).stop();
  await addPolicies(directory, [policyOf('v1')]);
  gate = await openGate({ directory, now });
  await register(SOURCE.keyId);
});
afterAll(() => gate.close());

/** Appends beside the running server, as the command line does, and lets the notice pass. */
async function append(draft: Draft): Promise<boolean> {
  const paths = dataPaths(directory);
  const keyring = openKeyring(paths.keys, Date.now);
  const writer = new LedgerWriter(() => openSqlite(paths.database), keyring);
  const [result] = await writer.write([draft]);
  await writer.close();
  ahead += 3_000;
  return result?.ok === true;
}

function register(keyId: string, key: KeyObject = OURS.publicKey, tenant = TENANT) {
  const pem = key.export({ type: 'spki', format: 'pem' }).toString();
  const raw = publicKeyFromPem(pem);
  if (raw === undefined) throw new Error('the key has another form');
  return append(sourceAddedDraft(tenant, { ...SOURCE, keyId }, raw, now()));
}

const end = (keyId: string): Promise<boolean> =>
  append(sourceEndedDraft(TENANT, { ...SOURCE, keyId }, now()));

/** What the source says of `src_1`, signed. */
function attestation(changes: Members = {}, key: KeyObject = OURS.privateKey): Members {
  const said = {
    source_id: SOURCE.sourceId,
    key_id: SOURCE.keyId,
    resource: 'src_1',
    claims: { identity_state: 'verified' },
    observed_at: iso(-60_000),
    expires_at: iso(600_000),
    ...changes,
  };
  const signature = sign(undefined, Buffer.from(canonicalText(said)), key).toString('base64url');
  return { ...said, signature: `ed25519:${signature}` };
}

const asking = (attestations: readonly Members[], context: Members = {}): Members =>
  trial({ identity_state: 'verified', attestations, ...context });
const ask = (attestations: readonly Members[], context: Members = {}): Promise<Members> =>
  gate.decide(asking(attestations, context));

const replayOf = async (record: Members): Promise<Members> =>
  (await gate.get(pathOf(record, '/replay'))).body;

async function trustOf(): Promise<Trust> {
  const registry = parseRegistry((await gate.get('/api/decision/receipt-keys')).body);
  if (!registry.ok) throw new Error('the registry is not valid');
  return { registry: registry.value };
}

async function packetOf(record: Members, query = ''): Promise<Record<string, any>> {
  const { status, body } = await gate.get(pathOf(record, `/packet?include_input=true${query}`));
  expect(status).toBe(200);
  return structuredClone(body);
}

describe('a signed claim', () => {
  const ASSURANCE = 'ASSURANCE_TOO_LOW';
  const wrong: readonly [string, () => readonly Members[], string?][] = [
    ['none at all', () => []],
    ['wrong key: signed by somebody else', () => [attestation({}, STRANGER.privateKey)]],
    ['wrong key: one that is not registered', () => [attestation({ key_id: 'k404' })]],
    ['wrong key: of a source that is not registered', () => [attestation({ source_id: 'x' })]],
    ['changed after it was signed', () => [{ ...attestation(), expires_at: iso(700_000) }]],
    ['other resource', () => [attestation({ resource: 'src_2' })]],
    ['expired', () => [attestation({ expires_at: iso(-1_000) })]],
    ['about another member', () => [attestation({ claims: { other_state: 'verified' } })]],
    ['observed later than it is', () => [attestation({ observed_at: iso(60_000) })]],
    ['too old', () => [attestation({ observed_at: iso(-3_700_000) })], 'EVIDENCE_STALE'],
    [
      'contradicting what the request says',
      () => [attestation({ claims: { identity_state: 'rejected' } })],
      'CONFLICTING_INPUT',
    ],
    [
      'contradicting another one',
      () => [attestation(), attestation({ claims: { identity_state: 'rejected' } })],
    ],
  ];

  it.each(wrong)('D-38 %s: unknown, and a replay says the same', async (_, make, note) => {
    const record = await ask(make());
    expect(record).toMatchObject({
      verdict: 'review',
      requirement_state: 'unknown',
      evidence: ['IT_IS_OPEN'],
      evidence_checks: [{ state: 'unknown', note: note ?? ASSURANCE }],
    });
    expect(await replayOf(record)).toMatchObject({ reproduced: true, current_verdict: 'review' });
  });

  it('D-38 the right one lifts the value to attested, whichever the value is', async () => {
    const yes = await ask([attestation()]);
    expect(yes).toMatchObject({ verdict: 'yes', evidence: ['IT_HOLDS'] });
    const rejected = { identity_state: 'rejected' };
    const no = await ask([attestation({ claims: rejected })], rejected);
    expect(no).toMatchObject({ verdict: 'no', evidence: ['IT_FAILS'] });
    // Beside one that does not hold it still counts, and of two that agree the newer one.
    const old = attestation({ observed_at: iso(-3_700_000) });
    const both = await ask([attestation({ resource: 'src_2' }), attestation(), old]);
    expect(both['verdict']).toBe('yes');
    for (const record of [yes, no, both]) {
      expect(await replayOf(record)).toMatchObject({ reproduced: true });
    }
  });

  it('is about the resource that the decision is bound to', async () => {
    const of = (resource: string): readonly Members[] => [attestation({ resource })];
    const named = { customer_id: 'cus_1', invoice_or_subscription_id: 'inv_1' };
    expect(await ask(of('cus_1'), named)).toMatchObject({ verdict: 'review' });
    const unnamed = { ...named, source_record_id: undefined };
    expect(await ask(of('cus_1'), unnamed)).toMatchObject({ verdict: 'review' });
    expect(await ask(of('inv_1'), unnamed)).toMatchObject({
      verdict: 'yes',
      action_binding: { resource: 'inv_1' },
    });
  });

  it('of another tenant’s source counts for nobody else', async () => {
    expect(await register('of_others', OURS.publicKey, 'dev_other')).toBe(true);
    const record = await ask([attestation({ key_id: 'of_others' })]);
    expect(record['verdict']).toBe('review');
  });

  it.each([
    ['a member too many', () => [{ ...attestation(), note: 'x' }], '[0].note'],
    ['no resource', () => [{ ...attestation(), resource: undefined }], '[0].resource'],
    ['nothing claimed', () => [attestation({ claims: {} })], '[0].claims'],
    ['a signature of another form', () => [{ ...attestation(), signature: 'x' }], '[0].signature'],
    ['a time that is none', () => [attestation({ expires_at: 'later' })], '[0].expires_at'],
    ['seventeen of them', () => Array.from({ length: 17 }, () => attestation()), ''],
  ])('with %s is refused', async (_, make, place) => {
    const { status, body } = await gate.post('/api/decide', asking(make()));
    expect(status).toBe(422);
    expect(body['error']).toBe('DECIDE_API_INVALID_REQUEST');
    expect(listAt(body, 'errors').map(({ field }) => field)).toEqual([
      `context.attestations${place}`,
    ]);
  });
});

describe('wherever a kept request is judged', () => {
  it('options and counterfactuals see the claim for its own resource and value only', async () => {
    const options = [
      { option_id: 'same', context_patch: {} },
      { option_id: 'elsewhere', context_patch: { source_record_id: 'src_2' } },
      { option_id: 'other_value', context_patch: { identity_state: 'rejected' } },
      { option_id: 'no_list', context_patch: { attestations: ['x', { claims: 1 }] } },
      {
        option_id: 'too_many',
        context_patch: { attestations: Array.from({ length: 17 }, () => attestation()) },
      },
    ];
    const advice = await gate.decide({ ...asking([attestation()]), mode: 'multi', options });
    const verdicts = ['yes', 'review', 'review', 'review', 'review'];
    expect(listAt(advice, 'options').map(({ verdict }) => verdict)).toEqual(verdicts);

    const record = await ask([attestation()]);
    const scenarios = options.slice(0, 3).map(({ option_id: id, context_patch: patch }) => {
      return { scenario_id: id, label: id, context_patch: { ...patch, extra: 1 } };
    });
    const { body } = await gate.post(pathOf(record, '/counterfactuals'), { scenarios });
    expect(listAt(body, 'scenarios').map(({ verdict }) => verdict)).toEqual(verdicts.slice(0, 3));
  });

  it('the preview of another version sees the claim, at the time of the decision', async () => {
    const { body } = await gate.post('/api/decision/policies/trial_gate/preview', {
      document: policyOf('v2', { max_age_seconds: 7200 }),
    });
    expect(body, JSON.stringify(body)).toMatchObject({ ok: true, skipped: { erased: 0 } });
    expect(at(body, 'shifts.yes_to_review')).toBe(0);
    // What was too old for the version in force is not for this one.
    expect(at(body, 'shifts.review_to_yes')).toBe(1);
  });

  it('a replay by the version in force sees the claim', async () => {
    const record = await ask([attestation()]);
    const answer = await gate.post(pathOf(record, '/replay'), { replay_mode: 'current' });
    expect(answer.body).toMatchObject({ reproduced: true, current_verdict: 'yes' });
  });
});

describe('keys of sources', () => {
  it('D-38 an ended key lifts nothing any more, and what it lifted before is reproduced, a year later too', async () => {
    expect(await register('brief')).toBe(true);
    const before = await ask([attestation({ key_id: 'brief' })]);
    expect(before['verdict']).toBe('yes');
    expect(await end('brief')).toBe(true);
    const after = await ask([attestation({ key_id: 'brief' })]);
    expect(after).toMatchObject({
      verdict: 'review',
      evidence_checks: [{ note: 'ASSURANCE_TOO_LOW' }],
    });
    ahead += 365 * DAY_MS;
    for (const record of [before, after]) {
      expect(await replayOf(record)).toMatchObject({
        reproduced: true,
        current_verdict: record['verdict'],
        replay_output_hash: record['output_hash'],
      });
    }
  });

  it('a key that is added later changes no earlier answer', async () => {
    const early = attestation({ key_id: 'late' });
    const record = await ask([early]);
    expect(record['verdict']).toBe('review');
    expect(await register('late')).toBe(true);
    expect(await replayOf(record)).toMatchObject({ reproduced: true, current_verdict: 'review' });
    expect((await ask([early]))['verdict']).toBe('yes');
  });

  it('are named once, ended once, and never ended before they are there', async () => {
    expect(await end('never')).toBe(false);
    expect(await register('once')).toBe(true);
    expect(await register('once', STRANGER.publicKey)).toBe(false);
    expect(await end('once')).toBe(true);
    expect(await end('once')).toBe(false);
    expect(await register('once')).toBe(false);
    expect(() =>
      sourceAddedDraft(TENANT, { ...SOURCE, keyId: 'a:b' }, new Uint8Array(32), 0),
    ).toThrow('a:b');
  });

  it('go along in the packet, with which it is judged alike offline, and without which it is not', async () => {
    expect(await register('packed')).toBe(true);
    const record = await ask([attestation({ key_id: 'packed' })]);
    expect(await end('packed')).toBe(true);
    const late = await ask([attestation({ key_id: 'packed' })]);
    const trust = await trustOf();
    for (const one of [record, late]) {
      const file = await packetOf(one);
      expect(verifyPacket({ file, trust, replay: true })).toMatchObject({
        verified: true,
        checks: { replay_reproduced: true },
      });
      const keys = file['packet'].keys as Members[];
      expect(keys.filter(({ use }) => use === 'source_attestation')).toEqual([
        {
          use: 'source_attestation',
          source_id: SOURCE.sourceId,
          key_id: 'packed',
          public_key: OURS.publicKey.export({ type: 'spki', format: 'pem' }).toString().trim(),
          not_before: expect.any(String) as unknown,
          ended_at: expect.any(String) as unknown,
        },
      ]);
      file['packet'].keys = keys.filter(({ use }) => use !== 'source_attestation');
      file['packet'].packet_hash = packetHash(file['packet']);
      const without = verifyPacket({ file, trust, replay: true });
      expect(without.checks['replay_reproduced']).toBe(one === late);
    }
    // A packet of an earlier size knows nothing of what came later.
    const size = Number(at(record, 'ledger.seq')) + 1;
    const early = await packetOf(record, `&as_of=${size}`);
    const [key] = (early['packet'].keys as Members[]).filter(
      ({ use }) => use === 'source_attestation',
    );
    expect(key).not.toHaveProperty('ended_at');
  });
});

describe('the payout template', () => {
  const payout = (attestations: readonly Members[], context: Members = {}): Members => ({
    question: 'May 1250.00 EUR be paid to this beneficiary?',
    context: {
      workflow: 'payout_gate',
      source_record_id: 'pay_example_902',
      requested_action: 'execute_payout',
      actor: 'svc_payouts_example',
      beneficiary_id: 'ben_example_12',
      beneficiary_state: 'verified',
      account_fingerprint: 'fp_example_12',
      account_unchanged_days: 120,
      sanctions_state: 'clear',
      duplicate_count: 0,
      amount: '1250.00',
      currency: 'EUR',
      evidence_refs: [
        {
          id: 'scr_902',
          type: 'sanctions_screening',
          snapshot_hash: 'sha256:02',
          observed_at: iso(0),
        },
      ],
      attestations,
      target_system: 'bank',
      target_object_id: 'ben_example_12',
      mutation: 'payout.execute',
      ...context,
    },
  });
  const ofBeneficiary = (changes: Members = {}): Members =>
    attestation({
      resource: 'pay_example_902',
      claims: { beneficiary_state: 'verified' },
      ...changes,
    });
  const approve = (record: Members, id: string, group: string) =>
    gate.post(pathOf(record, '/review'), {
      resolution: 'approve',
      reviewer: { id, group },
      reason: 'Compared with the invoice.',
      decision_record_hash: record['record_hash'],
    });

  it('answers yes once a person has approved what a source signed, and is paid under a claim', async () => {
    const record = await gate.decide(payout([ofBeneficiary()]), once('payout_902'));
    expect(record).toMatchObject({ verdict: 'review' });
    expect(record['evidence']).toContain('BENEFICIARY_VERIFIED');
    expect(record['evidence']).toContain('FINANCE_A_PENDING');
    const queue = (await gate.get('/api/decision/reviews?group=finance')).body;
    const item = listAt(queue, 'items').find((one) => one['decision_id'] === record['decision_id']);
    expect(item).toMatchObject({ waivable: [], overridable: [] });

    const approved = await approve(record, 'per_example_jo', 'finance');
    expect(approved.status, approved.text).toBe(201);
    const child = at(approved.body, 'decision_record') as Members;
    expect(child).toMatchObject({ verdict: 'yes', action: 'release_payout' });
    expect(await replayOf(child)).toMatchObject({ reproduced: true, current_verdict: 'yes' });
    const file = await packetOf(child);
    expect(verifyPacket({ file, trust: await trustOf(), replay: true })).toMatchObject({
      verified: true,
      checks: { replay_reproduced: true },
    });

    const act = {
      action_taken: 'execute_payout',
      target_system: 'bank',
      target_object_id: 'ben_example_12',
      mutation: 'payout.execute',
      parameters: {
        amount: '1250.00',
        currency: 'EUR',
        beneficiary_id: 'ben_example_12',
        account_fingerprint: 'fp_example_12',
      },
      executor: { type: 'worker', id: 'bank-worker-1' },
    };
    const claim = await gate.post(pathOf(child, '/claim'), act, once('claim_902'));
    expect(claim.body, claim.text).toMatchObject({ proceed: true });
    const receipt = await gate.post(pathOf(child, '/execution'), {
      ...act,
      execution_status: 'executed',
      claim_id: at(claim.body, 'claim_id'),
      state_before_hash: 'sha256:before',
      state_after_hash: 'sha256:after',
      executed_at: iso(0),
      ...linksTo(child),
    });
    expect(receipt.body, receipt.text).toMatchObject({
      execution: { action_binding_match: true },
    });
  });

  it('waits for more than an approval when the signed claim has expired by then', async () => {
    const soon = ofBeneficiary({ expires_at: iso(30_000) });
    const record = await gate.decide(payout([soon]), once('payout_903'));
    expect(record['evidence']).toContain('BENEFICIARY_VERIFIED');
    ahead += 31_000;
    const approved = await approve(record, 'per_example_jo', 'finance');
    expect(approved.status, approved.text).toBe(201);
    const child = at(approved.body, 'decision_record') as Members;
    expect(child['verdict']).toBe('review');
    expect(child['evidence']).toContain('BENEFICIARY_UNKNOWN');
    expect(await replayOf(child)).toMatchObject({ reproduced: true });
  });
});
