import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  at,
  billing,
  executed,
  type Gate,
  linksTo,
  listAt,
  type Members,
  once,
  openGate,
  outcome,
  pathOf,
} from '../harness.ts';
import { canonicalHash, emptied, isSignature, sortedHash, without } from '../independent.ts';

let gate: Gate;

beforeAll(async () => {
  gate = await openGate();
});
afterAll(() => gate.close());

const report = (record: Members, body: Members, key?: string) =>
  gate.post(pathOf(record, '/execution'), body, key === undefined ? {} : once(key));

async function stateOf(record: Members): Promise<unknown> {
  return (await gate.get(pathOf(record))).body['lifecycle_state'];
}

async function entriesOf(record: Members): Promise<number> {
  return Number((await gate.get(pathOf(record, '/execution'))).body['count']);
}

/** Hash of a receipt's published members: everything but these and its seal. */
const UNPUBLISHED = [
  ...['parameters_hash', 'claim_id', 'binding_mismatch_reasons', 'claimed_record_hash'],
  ...['claimed_receipt_hash', 'reverts_execution_receipt_id'],
];
const SEAL = ['execution_hash', 'execution_signature', 'execution_key_id'];
const PLACE = ['audit_chain', 'ledger', 'ledger_proof'];

function expectSealed(execution: Members): void {
  expect(execution['execution_hash']).toBe(
    sortedHash(emptied(without(execution, ...UNPUBLISHED, ...SEAL, ...PLACE))),
  );
  const { content_hash: content, ...said } = execution['execution_result'] as Members;
  const rest = without(execution, 'execution_result', ...SEAL, ...PLACE);
  const whole = Object.keys(said).length === 0 ? rest : { ...rest, execution_result: said };
  expect(content).toBe(canonicalHash(whole));
}

describe('an execution that is what the decision authorised', () => {
  it('D-53 a bound `executed` is 201 with target, mutation, executor, state hashes and its hash', async () => {
    const record = await gate.decide(billing());
    const { status, body } = await report(record, executed(record));
    expect(status).toBe(201);
    expect(body).toMatchObject({
      ok: true,
      execution: {
        decision_id: record['decision_id'],
        execution_status: 'executed',
        action_binding_match: true,
        target_system: 'billing',
        target_object_id: 'sub_1042',
        mutation: 'discount.create',
        executor: { type: 'worker', id: 'billing-worker-3' },
        state_before_hash: 'sha256:before',
        state_after_hash: 'sha256:after',
      },
    });
    const execution = body['execution'] as Members;
    expect(execution['execution_receipt_id']).toMatch(/^exr_[0-9a-z]{26}$/);
    expectSealed(execution);
    const registry = await gate.get('/api/decision/receipt-keys');
    const message = JSON.stringify({
      hash: execution['execution_hash'],
      id: execution['execution_receipt_id'],
      key_id: execution['execution_key_id'],
      type: 'decision_execution_v1',
    });
    const pem = String(listAt(registry.body, 'keys')[0]?.['public_key']);
    expect(isSignature(execution['execution_signature'], message, pem)).toBe(true);
    expect(isSignature(execution['execution_signature'], `${message} `, pem)).toBe(false);
    expect(await stateOf(record)).toBe('executed');

    // What the published client sends: the record's own members along with the report, and no
    // executor, time or parameters; those come from the key, the clock and the binding.
    const published = await gate.decide(billing());
    const sent = await report(published, {
      decision_protocol_version: 'decision_protocol_v1',
      decision_execution_version: 'decision_execution_v1',
      decision_id: published['decision_id'],
      execution_status: 'executed',
      execution_id: 'billing_run_1042',
      external_ref: 'txn_1042',
      action_taken: published['action'],
      target_system: 'billing',
      target_object_id: 'sub_1042',
      mutation: 'discount.create',
      decision_verdict: 'yes',
      decision_action: published['action'],
      policy_id: published['policy_id'],
      policy_version: published['policy_version'],
      policy_bundle_hash: published['policy_bundle_hash'],
      action_binding: published['action_binding'],
      state_before_hash: 'sha256:before',
      state_after_hash: 'sha256:after',
      ...linksTo(published),
    });
    expect(sent.status).toBe(201);
    expect(sent.body['execution']).toMatchObject({
      action_binding_match: true,
      parameters_hash: at(published, 'action_binding.parameters_hash'),
      executor: { type: 'service', id: expect.stringMatching(/^key:key_/) as unknown },
      executed_at: at(sent.body, 'execution.reported_at'),
    });
  });

  it('D-55 five statuses are accepted, each under its rule, and a sixth is refused', async () => {
    const yes = await gate.decide(billing());
    const no = await gate.decide(billing({ margin_floor: 'failed' }));
    const minimal = (record: Members, status: string, more: Members = {}): Members => ({
      execution_status: status,
      action_taken: 'apply_discount',
      ...linksTo(record),
      ...more,
    });
    const blocked = [yes, no].map((record) => report(record, minimal(record, 'blocked')));
    expect((await Promise.all(blocked)).map(({ status }) => status)).toEqual([201, 201]);
    for (const status of ['skipped', 'failed']) {
      expect((await report(yes, minimal(yes, status))).status).toBe(201);
      const refused = await report(no, minimal(no, status));
      expect([refused.status, refused.body['error']]).toEqual([
        409,
        'DECIDE_LIFECYCLE_TRANSITION_INVALID',
      ]);
    }
    // A failed attempt left everything as it was.
    const changed = { state_before_hash: 'sha256:a', state_after_hash: 'sha256:b' };
    expect((await report(yes, minimal(yes, 'failed', changed))).status).toBe(422);
    const same = { state_before_hash: 'sha256:a', state_after_hash: 'sha256:a' };
    expect((await report(yes, minimal(yes, 'failed', same))).status).toBe(201);
    expect(await stateOf(yes)).toBe('not_executed');
    expect((await report(yes, executed(yes))).status).toBe(201);
    expect((await report(yes, executed(yes, { execution_status: 'reverted' }))).status).toBe(201);

    const before = await gate.size();
    for (const status of ['timeout', 'EXECUTED', '', 'pending', null]) {
      const sixth = await report(yes, { ...executed(yes), execution_status: status });
      expect([status, sixth.status]).toEqual([status, 422]);
    }
    expect(await gate.size()).toBe(before);
  });

  it('members that a status demands are asked for by name', async () => {
    const record = await gate.decide(billing());
    const { status, body } = await report(record, {
      execution_status: 'executed',
      action_taken: 'apply_discount',
      ...linksTo(record),
    });
    expect(status).toBe(422);
    expect(listAt(body, 'errors').map(({ field }) => field)).toEqual([
      ...['target_system', 'target_object_id', 'mutation'],
      ...['state_before_hash', 'state_after_hash'],
    ]);
    expect(await entriesOf(record)).toBe(0);
  });

  it('nothing happened before the decision, and nothing happens in the future', async () => {
    const record = await gate.decide(billing());
    const made = Date.parse(String(record['created_at']));
    for (const time of [made - 1, Date.now() + 60_000]) {
      const executedAt = new Date(time).toISOString();
      expect((await report(record, executed(record, { executed_at: executedAt }))).status).toBe(
        422,
      );
    }
    const then = new Date(made).toISOString();
    expect((await report(record, executed(record, { executed_at: then }))).status).toBe(201);
  });
});

describe('an execution that is not', () => {
  it.each([
    ['target_system', 'erp', 'TARGET_SYSTEM_DIFFERS'],
    ['target_object_id', 'sub_9999', 'TARGET_OBJECT_DIFFERS'],
    ['mutation', 'discount.delete', 'MUTATION_DIFFERS'],
    ['action_taken', 'cancel_contract', 'ACTION_DIFFERS'],
    ['action_taken', 'Apply_Discount', 'ACTION_DIFFERS'],
    ['parameters', { discount_percent: 16 }, 'PARAMETERS_DIFFER'],
    ['parameters', undefined, 'PARAMETERS_DIFFER'],
  ])(
    'another %s is recorded, stops the caller and leads to mismatch',
    async (name, value, reason) => {
      const record = await gate.decide(billing());
      const { status, body } = await report(record, executed(record, { [name]: value }));
      expect(status).toBe(409);
      expect(body).toMatchObject({
        ok: false,
        error: 'DECIDE_EXECUTION_BINDING_MISMATCH',
        recorded: true,
        required_action: 'stop_and_route_to_owner',
        execution: { action_binding_match: false, binding_mismatch_reasons: [reason] },
      });
      expectSealed(body['execution'] as Members);
      expect(await stateOf(record)).toBe('mismatch');
      const { body: listed } = await gate.get(pathOf(record, '/execution'));
      expect(listAt(listed, 'items')).toHaveLength(1);
      // Sticky: what is right afterwards does not undo what was wrong.
      expect((await report(record, executed(record))).status).toBe(201);
      expect(await stateOf(record)).toBe('mismatch');
    },
  );

  it('what a no or a review did not authorise is a mismatch when it happened anyway', async () => {
    for (const margin of ['failed', undefined]) {
      const record = await gate.decide(billing({ margin_floor: margin }));
      const { status, body } = await report(record, executed(record));
      expect(status).toBe(409);
      expect(at(body, 'execution.binding_mismatch_reasons')).toEqual(['NOT_AUTHORIZED']);
      expect(await stateOf(record)).toBe('mismatch');
    }
  });

  it('D-56 a second `executed` with another key is a mismatch: EXECUTION_LIMIT', async () => {
    const record = await gate.decide(billing());
    expect((await report(record, executed(record), 'once_1')).status).toBe(201);
    const second = await report(record, executed(record), 'once_2');
    expect(second.status).toBe(409);
    expect(second.body).toMatchObject({
      recorded: true,
      execution: { action_binding_match: false, binding_mismatch_reasons: ['EXECUTION_LIMIT'] },
    });
    expect(await stateOf(record)).toBe('mismatch');
  });

  it('of parallel executions one is bound', async () => {
    const record = await gate.decide(billing());
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, place) => report(record, executed(record), `race_${place}`)),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    const matches = listAt((await gate.get(pathOf(record, '/execution'))).body, 'items');
    expect(matches.filter((item) => item['action_binding_match'] === true)).toHaveLength(1);
  });

  it('D-57 one millisecond after `valid_until` is AUTHORIZATION_EXPIRED, that very one is not', async () => {
    const soon = (): string => new Date(Date.now() + 2_000).toISOString();
    const late = await gate.decide(billing({ expires_at: soon() }));
    const end = Date.parse(String(late['valid_until']));
    const { status, body } = await report(
      late,
      executed(late, { executed_at: new Date(end + 1).toISOString() }),
    );
    expect(status).toBe(409);
    expect(at(body, 'execution.binding_mismatch_reasons')).toEqual(['AUTHORIZATION_EXPIRED']);
    const onTime = await gate.decide(billing({ expires_at: soon() }));
    const last = executed(onTime, { executed_at: onTime['valid_until'] });
    expect((await report(onTime, last)).status).toBe(201);
  });

  it('D-58 another record hash is 409: `skipped` writes nothing, `executed` is recorded as a mismatch', async () => {
    const record = await gate.decide(billing());
    const claimed = 'f'.repeat(64);
    const wrong = { decision_record_hash: claimed };
    const skipped = await report(
      record,
      executed(record, { ...wrong, execution_status: 'skipped' }),
    );
    expect([skipped.status, skipped.body['error']]).toEqual([
      409,
      'DECIDE_EXECUTION_LINK_MISMATCH',
    ]);
    expect(skipped.body).not.toHaveProperty('recorded');
    expect(await entriesOf(record)).toBe(0);
    expect(await stateOf(record)).toBe('authorized');

    const happened = await report(record, executed(record, wrong));
    expect([happened.status, happened.body['error']]).toEqual([
      409,
      'DECIDE_EXECUTION_LINK_MISMATCH',
    ]);
    expect(happened.body).toMatchObject({
      recorded: true,
      execution: {
        action_binding_match: false,
        binding_mismatch_reasons: ['LINK_MISMATCH'],
        decision_record_hash: record['record_hash'],
        claimed_record_hash: claimed,
      },
    });
    expect(await entriesOf(record)).toBe(1);
    expect(await stateOf(record)).toBe('mismatch');
  });

  it('a receipt hash or a binding that is not the stored one is a link mismatch too', async () => {
    const record = await gate.decide(billing());
    const wrong: readonly Members[] = [
      { decision_receipt_hash: 'e'.repeat(64) },
      { decision_receipt_hash: undefined },
      { decision_record_hash: undefined },
      { action_binding: { ...(record['action_binding'] as Members), mutation: 'other' } },
    ];
    for (const change of wrong) {
      const answer = await report(
        record,
        executed(record, { ...change, execution_status: 'blocked' }),
      );
      expect(answer.body['error']).toBe('DECIDE_EXECUTION_LINK_MISMATCH');
    }
    expect(await entriesOf(record)).toBe(0);
  });
});

describe('undoing', () => {
  it('D-59 `reverted` without a bound execution is 422, with one the state is `reverted`', async () => {
    const record = await gate.decide(billing());
    const undone = executed(record, { execution_status: 'reverted' });
    expect((await report(record, undone)).status).toBe(422);
    const { body } = await report(record, executed(record));
    const id = at(body, 'execution.execution_receipt_id');
    const unknown = { ...undone, reverts_execution_receipt_id: 'exr_unknown' };
    expect((await report(record, unknown)).status).toBe(422);
    const reverted = await report(record, { ...undone, reverts_execution_receipt_id: id });
    expect(reverted.status).toBe(201);
    expect(at(reverted.body, 'execution.reverts_execution_receipt_id')).toBe(id);
    expect(await stateOf(record)).toBe('reverted');
    // Once is enough, and a revert restores no permission.
    expect((await report(record, undone)).status).toBe(409);
    const again = await report(record, executed(record));
    expect(at(again.body, 'execution.binding_mismatch_reasons')).toEqual(['EXECUTION_LIMIT']);
  });

  it('a closed decision is not reverted any more', async () => {
    const record = await gate.decide(billing());
    await report(record, executed(record));
    await gate.post(pathOf(record, '/outcome'), outcome(record));
    expect(await stateOf(record)).toBe('closed');
    const late = await report(record, executed(record, { execution_status: 'reverted' }));
    expect([late.status, late.body['error']]).toEqual([409, 'DECIDE_LIFECYCLE_TRANSITION_INVALID']);
  });
});
