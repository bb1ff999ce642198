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
import { canonicalHash, emptied, isSignature, sortedHash, without } from '../independent.ts';

let gate: Gate;

beforeAll(async () => {
  gate = await openGate();
});
afterAll(() => gate.close());

const report = (record: Members, changes: Members = {}) =>
  gate.post(pathOf(record, '/outcome'), outcome(record, changes));

/** A decision of which a bound execution was reported. */
async function done(): Promise<{ readonly record: Members; readonly execution: Members }> {
  const record = await gate.decide(billing());
  const { body } = await gate.post(pathOf(record, '/execution'), executed(record));
  return { record, execution: body['execution'] as Members };
}

async function stateOf(record: Members): Promise<unknown> {
  return (await gate.get(pathOf(record))).body['lifecycle_state'];
}

const SEAL = ['outcome_hash', 'outcome_signature', 'outcome_key_id'];
const PLACE = ['audit_chain', 'ledger', 'ledger_proof'];

describe('an Outcome Record', () => {
  it('D-60 keeps status, action, metrics and target; its hash recomputes; its last reference is its content', async () => {
    const { record, execution } = await done();
    const { status, body } = await report(record, {
      evidence_refs: [{ id: 'invoice_7', type: 'invoice', hash: 'sha256:07' }],
    });
    expect(status).toBe(201);
    const stored = body['outcome'] as Members;
    expect(stored).toMatchObject({
      outcome_status: 'succeeded',
      action_executed: true,
      action_taken: 'apply_discount',
      observed_metrics: { margin_after_discount: 0.182 },
      target_system: 'billing',
      execution_receipt_id: execution['execution_receipt_id'],
      execution_hash: execution['execution_hash'],
      decision_record_hash: record['record_hash'],
      decision_receipt_hash: record['receipt_hash'],
    });
    const [listed] = listAt((await gate.get(pathOf(record, '/outcome'))).body, 'items');
    expect(listed).toEqual(stored);

    const unpublished = ['execution_receipt_id', 'execution_hash', 'correction_of'];
    expect(stored['outcome_hash']).toBe(
      sortedHash(emptied(without(stored, ...unpublished, ...SEAL, ...PLACE))),
    );
    const references = listAt(stored, 'evidence_refs');
    expect(references).toHaveLength(2);
    expect(references.at(-1)).toEqual({
      id: stored['outcome_id'],
      type: 'content_hash',
      hash: canonicalHash({
        ...without(stored, ...SEAL, ...PLACE),
        evidence_refs: references.slice(0, -1),
      }),
    });
    const registry = await gate.get('/api/decision/receipt-keys');
    const message = JSON.stringify({
      hash: stored['outcome_hash'],
      id: stored['outcome_id'],
      key_id: stored['outcome_key_id'],
      type: 'decision_outcome_v1',
    });
    const pem = String(listAt(registry.body, 'keys')[0]?.['public_key']);
    expect(isSignature(stored['outcome_signature'], message, pem)).toBe(true);
    expect(await stateOf(record)).toBe('closed');
  });

  it('D-61 success without a bound execution is 422; `pending` and `review` are accepted', async () => {
    const unsupported = [422, 'DECIDE_OUTCOME_UNSUPPORTED_SUCCESS'];
    const record = await gate.decide(billing());
    const before = await gate.size();
    for (const claim of [{}, { action_executed: true }, { action_executed: false }]) {
      const { status, body } = await report(record, claim);
      expect([status, body['error']]).toEqual(unsupported);
      expect(body).not.toHaveProperty('verdict');
    }
    expect(await gate.size()).toBe(before);
    for (const status of ['pending', 'review']) {
      const { body } = await report(record, { outcome_status: status, target_system: undefined });
      expect(body['outcome']).toMatchObject({ outcome_status: status, action_executed: false });
    }
    // A mismatch is an execution, but no support.
    await gate.post(pathOf(record, '/execution'), executed(record, { mutation: 'other' }));
    expect((await report(record)).status).toBe(422);
  });

  it('success of a no is that nothing ran against it, and of a review never', async () => {
    const no = await gate.decide(billing({ margin_floor: 'failed' }));
    expect((await report(no, { action_executed: true })).status).toBe(422);
    const stood = await report(no, { action_taken: 'none', target_system: undefined });
    expect(stood.status).toBe(201);
    expect(at(stood.body, 'outcome.action_executed')).toBe(false);
    const broken = await gate.decide(billing({ margin_floor: 'failed' }));
    await gate.post(pathOf(broken, '/execution'), executed(broken));
    expect((await report(broken, { action_executed: false })).status).toBe(422);

    const review = await gate.decide(billing({ margin_floor: undefined }));
    expect((await report(review)).status).toBe(422);
    expect((await report(review, { outcome_status: 'review' })).status).toBe(201);
  });

  it('D-62 a change of a terminal outcome names the one it corrects, and reports count the latest', async () => {
    const own = await openGate();
    const record = await own.decide(billing());
    await own.post(pathOf(record, '/execution'), executed(record));
    const say = async (status: string): Promise<Members> => {
      const said = outcome(record, { outcome_status: status });
      const { body } = await own.post(pathOf(record, '/outcome'), said);
      return body['outcome'] as Members;
    };
    const reported = async (): Promise<unknown> => {
      const path = '/api/decision/policies/pricing_exception/effectiveness';
      return (await own.get(path)).body['metrics'];
    };
    const stands = async (): Promise<unknown> =>
      (await own.get(pathOf(record))).body['lifecycle_state'];
    expect(await say('pending')).not.toHaveProperty('correction_of');
    const good = await say('succeeded');
    expect(good).not.toHaveProperty('correction_of');
    expect(await reported()).toMatchObject({ success_rate: 1 });
    const bad = await say('failed');
    expect(bad['correction_of']).toBe(good['outcome_id']);
    expect(await reported()).toMatchObject({ success_rate: 0 });
    expect(await stands()).toBe('closed');
    const open = await say('review');
    expect(open['correction_of']).toBe(bad['outcome_id']);
    expect(await reported()).not.toHaveProperty('success_rate');
    expect(await stands()).toBe('executed');
    await own.close();
  });

  it('hashes of another decision are refused', async () => {
    const { record } = await done();
    const other = await gate.decide(billing());
    for (const change of [
      { decision_record_hash: other['record_hash'] },
      { decision_receipt_hash: other['receipt_hash'] },
      { decision_record_hash: undefined },
      { decision_receipt_hash: '' },
    ]) {
      const { status, body } = await report(record, change);
      expect([status, body['error']]).toEqual([409, 'DECIDE_OUTCOME_LINK_MISMATCH']);
    }
  });

  it.each([
    ['an unknown status', { outcome_status: 'done' }],
    ['a receipt of another decision', { execution_receipt_id: 'exr_other' }],
    ['a hash of no receipt', { execution_hash: 'a'.repeat(64) }],
    ['a metric with a name of its own kind', { observed_metrics: { 'Margin!': 1 } }],
    ['33 metrics', { observed_metrics: numbered(33) }],
    ['metrics that are no numbers', { observed_metrics: { margin: '0.1' } }],
    [
      'the reference that is the server’s',
      { evidence_refs: [{ id: 'a', type: 'content_hash', hash: 'b' }] },
    ],
    ['a time in the future', { executed_at: '2999-01-01T00:00:00Z' }],
  ])('%s is 422 and writes nothing', async (_, change) => {
    const { record } = await done();
    const before = await gate.size();
    expect((await report(record, change)).status).toBe(422);
    expect(await gate.size()).toBe(before);
  });

  it('`reverted` needs something that was executed', async () => {
    const record = await gate.decide(billing());
    expect((await report(record, { outcome_status: 'reverted' })).status).toBe(422);
    const { record: executedOnce } = await done();
    expect((await report(executedOnce, { outcome_status: 'reverted' })).status).toBe(201);
  });

  it('32 metrics pass', async () => {
    const { record } = await done();
    expect((await report(record, { observed_metrics: numbered(32) })).status).toBe(201);
  });
});

function numbered(count: number): Members {
  return Object.fromEntries(
    Array.from({ length: count }, (_, place) => [`metric_${place}`, place]),
  );
}
