import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { dataPaths } from '../../src/main.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import {
  type Answer,
  addPolicies,
  at,
  billing,
  claimed,
  executed,
  type Gate,
  linksTo,
  listAt,
  type Members,
  once,
  openGate,
  outcome,
  pathOf,
  reviewed,
  TENANT,
  temporaryDirectory,
  trial,
  trialPolicy,
} from '../harness.ts';
import { canonicalHash, isSignature, ledgerKey, provesEntry, without } from '../independent.ts';

const CODES = { true: 'OK_SEEN', false: 'OK_DENIED', unknown: 'OK_MISSING' };
const ASKED = { source_record_id: 'src_1', requested_action: 'act' };
const gated = (id: string, authorization: Members) =>
  trialPolicy(
    { ok: { field: 'ok', op: 'equals', value: 'yes', codes: CODES } },
    { cond: 'ok' },
    {
      policy_id: id,
      workflows: [id],
      authorization: authorization as Record<string, never>,
      self_tests: [
        { name: 'yes', context: { ...ASKED, ok: 'yes' }, expect: { verdict: 'yes' } },
        { name: 'no', context: { ...ASKED, ok: 'no' }, expect: { verdict: 'no' } },
        { name: 'review', context: ASKED, expect: { verdict: 'review' } },
      ],
    },
  );
const POLICIES = [
  gated('claim_gate', { require_claim: true, max_executions: 2 }),
  gated('separate_gate', { executor_differs_from_requester: true }),
  gated('suspended_gate', {}),
];
const PLACE = ['audit_chain', 'ledger', 'ledger_proof'];
const WORKER = { type: 'worker', id: 'worker-1' };

let gate: Gate;

// The clock stands still unless a test moves it, so that a claim's minute can be looked at from both ends.
beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  const directory = temporaryDirectory();
  await addPolicies(directory, POLICIES);
  gate = await openGate({ directory });
});
afterAll(async () => {
  await gate.close();
  vi.useRealTimers();
});

const claim = (record: Members, changes: Members = {}, headers = {}): Promise<Answer> =>
  gate.post(pathOf(record, '/claim'), claimed(changes), headers);
const report = (record: Members, body: Members): Promise<Answer> =>
  gate.post(pathOf(record, '/execution'), body);
const pass = (ms: number): unknown => vi.setSystemTime(Date.now() + ms);
const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();

async function stateOf(record: Members): Promise<unknown> {
  return (await gate.get(pathOf(record))).body['lifecycle_state'];
}

function expectRefused({ status, body }: Answer, reason: string): void {
  const code =
    reason === 'ADVISORY_ONLY' ? 'DECIDE_EXECUTION_NOT_AUTHORIZED' : 'DECIDE_CLAIM_REFUSED';
  expect([status, body['error'], body['reason']]).toEqual([409, code, reason]);
  expect(body['proceed']).toBe(false);
  expect(body).not.toHaveProperty('claim_id');
}

describe('a claim', () => {
  it('D-52 of parallel claims one may proceed, and a changed amount is BINDING_MISMATCH', async () => {
    const record = await gate.decide(billing());
    const before = await gate.size();
    const changed = await claim(record, { parameters: { discount_percent: 16 } });
    expectRefused(changed, 'BINDING_MISMATCH');
    expect(changed.body['binding_mismatch_reasons']).toEqual(['PARAMETERS_DIFFER']);
    expect(await gate.size()).toBe(before);

    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, place) =>
        claim(record, { executor: { type: 'worker', id: `worker-${place}` } }),
      ),
    );
    const proceeding = answers.filter(({ body }) => body['proceed'] === true);
    expect(proceeding.map(({ status }) => status)).toEqual([200]);
    for (const answer of answers) {
      if (answer !== proceeding[0]) expectRefused(answer, 'ALREADY_CLAIMED');
    }
    expect(await gate.size()).toBe(before + 1);
    expect(await stateOf(record)).toBe('claimed');
  });

  it('is signed, in the ledger, and lasts a minute', async () => {
    const record = await gate.decide(billing());
    const { status, body } = await claim(record, { state_before_hash: 'sha256:before' });
    expect(status).toBe(200);
    const made = body['claim'] as Members;
    expect(body).toMatchObject({
      ok: true,
      proceed: true,
      claim_id: made['claim_id'],
      claim_expires_at: inMs(60_000),
    });
    const content = without(made, 'claim_hash', 'claim_signature', 'claim_key_id', ...PLACE);
    expect(content).toEqual({
      decision_protocol_version: 'decision_protocol_v1',
      decision_claim_version: 'decision_claim_v1',
      claim_id: expect.stringMatching(/^clm_[0-9a-z]{26}$/) as unknown,
      decision_id: record['decision_id'],
      ...linksTo(record),
      policy_id: record['policy_id'],
      policy_version: record['policy_version'],
      ...without(claimed({ state_before_hash: 'sha256:before' }), 'parameters'),
      parameters_hash: canonicalHash({ discount_percent: 15 }),
      claimed_at: inMs(0),
      claim_expires_at: inMs(60_000),
    });
    expect(made['claim_hash']).toBe(canonicalHash(content));
    const registry = await gate.get('/api/decision/receipt-keys');
    const message = JSON.stringify({
      hash: made['claim_hash'],
      id: made['claim_id'],
      key_id: made['claim_key_id'],
      type: 'decision_claim_v1',
    });
    const pem = String(listAt(registry.body, 'keys')[0]?.['public_key']);
    expect(isSignature(made['claim_signature'], message, pem)).toBe(true);
    const [known] = listAt(registry.body, 'ledger_keys');
    const key = ledgerKey(String(known?.['origin']), String(known?.['public_key']));
    expect(provesEntry(made['ledger_proof'], key, without(made, ...PLACE))).toBe(true);
    expect(at(made, 'ledger_proof.entry.entry_type')).toBe('claim');
  });

  it('can be made anew after it lapsed, not a millisecond before', async () => {
    const record = await gate.decide(billing());
    const first = await claim(record);
    pass(60_000);
    expectRefused(await claim(record), 'ALREADY_CLAIMED');
    expect(await stateOf(record)).toBe('claimed');
    pass(1);
    expect(await stateOf(record)).toBe('authorized');
    const second = await claim(record);
    expect(second.status).toBe(200);
    expect(second.body['claim_id']).not.toBe(first.body['claim_id']);
  });

  it('never outlives the permission', async () => {
    const record = await gate.decide(billing({ expires_at: inMs(20_000) }));
    const { body } = await claim(record);
    expect(body['claim_expires_at']).toBe(record['valid_until']);
  });

  it('ends with a receipt about it, and with nobody else’s', async () => {
    const record = await gate.decide(billing());
    const mine = await claim(record);
    const failed = { execution_status: 'failed', state_after_hash: undefined };
    const theirs = executed(record, { ...failed, executor: { type: 'worker', id: 'another' } });
    expect((await report(record, theirs)).status).toBe(201);
    expectRefused(await claim(record), 'ALREADY_CLAIMED');
    const { body } = await report(record, executed(record, failed));
    expect(at(body, 'execution.claim_id')).toBe(mine.body['claim_id']);
    expect(await stateOf(record)).toBe('not_executed');
    expect((await claim(record)).status).toBe(200);
  });

  it('repeated with its key is the stored one, also when it permits nothing any more', async () => {
    const record = await gate.decide(billing());
    const first = await claim(record, {}, once('claim_1'));
    await report(record, executed(record));
    pass(120_000);
    const again = await claim(record, {}, once('claim_1'));
    expect([again.status, again.headers.get('x-idempotent-replay')]).toEqual([200, '1']);
    expect(again.body).toEqual(first.body);
    const other = await claim(record, { mutation: 'discount.delete' }, once('claim_1'));
    expect([other.status, other.body['error']]).toEqual([409, 'DECIDE_API_IDEMPOTENCY_CONFLICT']);
    expectRefused(await claim(record, {}, once('claim_2')), 'ALREADY_EXECUTED');
  });
});

describe('a claim is refused', () => {
  it.each([
    ['action_taken', 'cancel_contract', 'ACTION_DIFFERS'],
    ['target_system', 'erp', 'TARGET_SYSTEM_DIFFERS'],
    ['target_object_id', 'sub_9', 'TARGET_OBJECT_DIFFERS'],
    ['mutation', 'Discount.create', 'MUTATION_DIFFERS'],
    ['parameters', {}, 'PARAMETERS_DIFFER'],
  ])('for another %s: BINDING_MISMATCH', async (name, value, reason) => {
    const record = await gate.decide(billing());
    const answer = await claim(record, { [name]: value });
    expectRefused(answer, 'BINDING_MISMATCH');
    expect(answer.body['binding_mismatch_reasons']).toEqual([reason]);
    expect((await claim(record)).status).toBe(200);
  });

  it('for all differences at once, sorted', async () => {
    const record = await gate.decide(billing({ resource_version: 'v7' }));
    const wrong = { mutation: 'x', action_taken: 'x', state_before_hash: 'v8' };
    expect((await claim(record, wrong)).body['binding_mismatch_reasons']).toEqual([
      'ACTION_DIFFERS',
      'MUTATION_DIFFERS',
      'RESOURCE_VERSION_DIFFERS',
    ]);
    expect((await claim(record, { state_before_hash: 'v7' })).status).toBe(200);
  });

  it('without a yes: NOT_YES', async () => {
    for (const margin of ['failed', undefined]) {
      const record = await gate.decide(billing({ margin_floor: margin }));
      expectRefused(await claim(record), 'NOT_YES');
    }
  });

  it('after the permission ended: EXPIRED', async () => {
    const record = await gate.decide(billing({ expires_at: inMs(5_000) }));
    const onTime = await gate.decide(billing({ expires_at: inMs(5_000) }));
    pass(5_000);
    expect((await claim(onTime)).status).toBe(200);
    pass(1);
    expectRefused(await claim(record), 'EXPIRED');
    const closed = await gate.decide(billing());
    await gate.post(pathOf(closed, '/outcome'), outcome(closed, { outcome_status: 'failed' }));
    expectRefused(await claim(closed), 'EXPIRED');
  });

  it('when it happened already, as authorised or not: ALREADY_EXECUTED', async () => {
    for (const change of [{}, { mutation: 'other' }]) {
      const record = await gate.decide(billing());
      await report(record, executed(record, change));
      expectRefused(await claim(record), 'ALREADY_EXECUTED');
    }
    const undone = await gate.decide(billing());
    await report(undone, executed(undone));
    await report(undone, executed(undone, { execution_status: 'reverted' }));
    expectRefused(await claim(undone), 'ALREADY_EXECUTED');
  });

  it('when another record carries this one on: SUPERSEDED', async () => {
    const record = await gate.decide(billing({ margin_floor: undefined }));
    const say = (changes: Members): Promise<Answer> =>
      gate.post(pathOf(record, '/review'), reviewed(record, changes));
    const approved = await say({ resolution: 'approve', satisfies: ['margin_floor_ok'] });
    expectRefused(await claim(record), 'SUPERSEDED');
    const permission = approved.body['decision_record'] as Members;
    expect(permission['verdict']).toBe('yes');
    // The owner takes it back before anybody claimed it.
    expect((await say({ resolution: 'deny' })).status).toBe(201);
    expectRefused(await claim(permission), 'SUPERSEDED');
    const { body } = await report(permission, executed(permission));
    expect(at(body, 'execution.binding_mismatch_reasons')).toEqual(['SUPERSEDED']);
  });

  it('not for what an owner approved', async () => {
    const record = await gate.decide(billing({ margin_floor: undefined }));
    const said = reviewed(record, { resolution: 'approve', satisfies: ['margin_floor_ok'] });
    const { body } = await gate.post(pathOf(record, '/review'), said);
    expect((await claim(body['decision_record'] as Members)).status).toBe(200);
  });

  it('while the tenant is suspended: TENANT_SUSPENDED', async () => {
    const record = await gate.decide(billing());
    const store = openSqlite(dataPaths(gate.directory).database);
    for (const settings of ['{"suspended":true}', '{"suspended":"no"}', 'not JSON']) {
      await store.writeTenant(TENANT, settings);
      expectRefused(await claim(record), 'TENANT_SUSPENDED');
    }
    await store.writeTenant(TENANT, '{"suspended":false}');
    await store.close();
    expect((await claim(record)).status).toBe(200);
  });

  it('while its policy is suspended: POLICY_SUSPENDED', async () => {
    const decide = () => gate.decide(trial({ workflow: 'suspended_gate', ok: 'yes' }));
    const [record, claimedBefore] = [await decide(), await decide()];
    const change = { action_taken: 'act', parameters: {} };
    const admin = (what: string, body: Members): Promise<Answer> =>
      gate.post(`/api/decision/policies/suspended_gate/${what}`, body);
    expect((await claim(claimedBefore, change)).status).toBe(200);
    expect((await admin('suspend', { reason: 'an incident' })).status).toBe(200);
    expectRefused(await claim(record, change), 'POLICY_SUSPENDED');
    // What was claimed before is not taken back.
    expect(await stateOf(claimedBefore)).toBe('claimed');
    const again = { version: 'v1', expected_active: null, approved_by: 'Ada Example' };
    expect((await admin('activate', again)).status).toBe(200);
    expect((await claim(record, change)).status).toBe(200);
  });

  it('for advice: ADVISORY_ONLY, as every other write but of what really happened', async () => {
    const record = await gate.decide(advice());
    expectRefused(await claim(record), 'ADVISORY_ONLY');
    const before = await gate.size();
    for (const status of ['skipped', 'failed', 'blocked', 'reverted']) {
      const { status: code, body } = await report(
        record,
        executed(record, { execution_status: status }),
      );
      expect([code, body['error']]).toEqual([409, 'DECIDE_EXECUTION_NOT_AUTHORIZED']);
    }
    const pending = outcome(record, { outcome_status: 'pending' });
    const others = [
      await gate.post(pathOf(record, '/outcome'), pending),
      await gate.post(pathOf(record, '/crm-sync'), {
        sync_status: 'written',
        crm_provider: 'crm.example',
        crm_object_type: 'deal',
        crm_object_id: '7',
      }),
    ];
    for (const { status, body } of others) {
      expect([status, body['error']]).toEqual([409, 'DECIDE_EXECUTION_NOT_AUTHORIZED']);
    }
    expect(await gate.size()).toBe(before);
    const happened = await report(record, executed(record));
    expect(happened.status).toBe(409);
    expect(happened.body['recorded']).toBe(true);
    expect(at(happened.body, 'execution.binding_mismatch_reasons')).toContain('ADVISORY_ONLY');
  });
});

describe('a policy that demands a claim', () => {
  const decide = () => gate.decide(trial({ workflow: 'claim_gate', ok: 'yes' }));
  const act = (record: Members, changes: Members = {}) =>
    report(record, executed(record, { action_taken: 'act', executor: WORKER, ...changes }));
  const take = (record: Members) =>
    claim(record, { action_taken: 'act', parameters: {}, executor: WORKER });

  it('takes an execution under a live claim of the same executor, whose id is filled in', async () => {
    const record = await decide();
    const { body } = await take(record);
    pass(60_000);
    const inTime = inMs(0);
    // Told late, but done in time.
    pass(30_000);
    const done = await act(record, { executed_at: inTime });
    expect(done.status).toBe(201);
    expect(at(done.body, 'execution.claim_id')).toBe(body['claim_id']);
    // A claim is for one attempt.
    const second = await act(record, { executed_at: inTime });
    expect(at(second.body, 'execution.binding_mismatch_reasons')).toEqual(['CLAIM_MISSING']);
  });

  it.each<[string, (first: Answer) => Members]>([
    ['by another executor', () => ({ executor: { type: 'worker', id: 'worker-2' } })],
    ['by an executor of another type', () => ({ executor: { ...WORKER, type: 'agent' } })],
    ['under a claim that is not there', () => ({ claim_id: 'clm_unknown' })],
    ['a millisecond after the claim', () => ({ executed_at: inMs(60_001) })],
  ])('is not met %s: CLAIM_MISSING', async (_, changes) => {
    const record = await decide();
    const first = await take(record);
    const sent = changes(first);
    pass(60_001);
    const inTime = { executed_at: inMs(-60_001) };
    const { status, body } = await act(record, { ...inTime, ...sent });
    expect(status).toBe(409);
    expect(at(body, 'execution.binding_mismatch_reasons')).toEqual(['CLAIM_MISSING']);
    expect(await stateOf(record)).toBe('mismatch');
  });

  it('is not met without a claim, nor by an earlier one than the attempt', async () => {
    const record = await decide();
    const { body } = await act(record);
    expect(at(body, 'execution.binding_mismatch_reasons')).toEqual(['CLAIM_MISSING']);
    expect(body['execution']).not.toHaveProperty('claim_id');
    const early = await decide();
    pass(10);
    await take(early);
    const before = await act(early, { executed_at: inMs(-1) });
    expect(at(before.body, 'execution.binding_mismatch_reasons')).toEqual(['CLAIM_MISSING']);
  });

  it('asks for nothing when nothing was executed', async () => {
    const record = await decide();
    expect((await act(record, { execution_status: 'skipped' })).status).toBe(201);
  });
});

describe('a policy that demands another executor than who asked', () => {
  const ask = (actor?: string) =>
    gate.decide(trial({ workflow: 'separate_gate', ok: 'yes', ...(actor ? { actor } : {}) }));
  const act = { action_taken: 'act', executor: WORKER };

  it('refuses the claim, and marks the execution, of who asked', async () => {
    const record = await ask('worker-1');
    const answer = await claim(record, { ...act, parameters: {} });
    expectRefused(answer, 'BINDING_MISMATCH');
    expect(answer.body['binding_mismatch_reasons']).toEqual(['EXECUTOR_NOT_SEPARATE']);
    const { body } = await report(record, executed(record, act));
    expect(at(body, 'execution.binding_mismatch_reasons')).toEqual(['EXECUTOR_NOT_SEPARATE']);
  });

  it('is met by somebody else, and by nobody when it is not known who asked', async () => {
    const other = await ask('requester-1');
    expect((await claim(other, { ...act, parameters: {} })).status).toBe(200);
    expect((await report(other, executed(other, act))).status).toBe(201);
    const unknown = await ask();
    expectRefused(await claim(unknown, { ...act, parameters: {} }), 'BINDING_MISMATCH');
  });
});

function advice(): Members {
  return billing(
    {},
    {
      mode: 'multi',
      options: [
        { option_id: 'small', context_patch: { discount_percent: 5 } },
        { option_id: 'large', context_patch: { discount_percent: 15 } },
      ],
    },
  );
}
