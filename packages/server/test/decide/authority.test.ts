import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openKeyring } from '../../src/keys/keyring.ts';
import { dataPaths } from '../../src/main.ts';
import { eraseDecision } from '../../src/service/erasure.ts';
import { LedgerWriter } from '../../src/service/ledger-writer.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import {
  type Answer,
  addPolicies,
  at,
  claimed,
  executed,
  type Gate,
  type Members,
  openGate,
  outcome,
  pathOf,
  TENANT,
  temporaryDirectory,
  trial,
  trialPolicy,
} from '../harness.ts';
import { PARCELS, SMALL } from './rulebook-fixtures.ts';

const ASKED = { source_record_id: 'src_1', requested_action: 'act' };
const codes = (name: string): Record<string, string> => ({
  true: `${name}_GOOD`,
  false: `${name}_BAD`,
  unknown: `${name}_OPEN`,
});
const isYes = (name: string, more: Record<string, boolean> = {}) => ({
  field: name,
  op: 'equals',
  value: 'yes',
  codes: codes(name.toUpperCase()),
  ...more,
});
const gated = (id: string, more: Record<string, never> | object = {}) =>
  trialPolicy(
    { ok: isYes('ok') },
    { cond: 'ok' },
    {
      policy_id: id,
      workflows: [id],
      self_tests: [
        { name: 'yes', context: { ...ASKED, ok: 'yes' }, expect: { verdict: 'yes' } },
        { name: 'no', context: { ...ASKED, ok: 'no' }, expect: { verdict: 'no' } },
        { name: 'review', context: ASKED, expect: { verdict: 'review' } },
      ],
      ...more,
    },
  );
/** Asks the owners about the paper, and people of other groups for their word. */
const waived = (quorum: number) => {
  const approvals = [{ group: 'risk', reviewer: 'rita', resolution: 'approve' }];
  const context = { ...ASKED, paper: 'yes' };
  return trialPolicy(
    {
      paper: isYes('paper', { waivable: true }),
      by_risk: { op: 'approval', group: 'risk', quorum: 1, codes: codes('RISK') },
    },
    { and: [{ cond: 'paper' }, { cond: 'by_risk' }] },
    {
      policy_id: `waived_by_${quorum}`,
      workflows: [`waived_by_${quorum}`],
      review: { quorum },
      self_tests: [
        { name: 'yes', context, approvals, expect: { verdict: 'yes' } },
        { name: 'no', context: { ...ASKED, paper: 'no' }, expect: { verdict: 'no' } },
        { name: 'review', context: ASKED, expect: { verdict: 'review' } },
      ],
    },
  );
};
const WORKER = { type: 'worker', id: 'worker-1' };

let directory: string;
let gate: Gate;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  directory = temporaryDirectory();
  await addPolicies(directory, [
    gated('replaced_gate'),
    gated('distant_gate'),
    gated('windowed_gate'),
    gated('parcel_release', { version: '3', authorization: { require_claim: true } }),
    waived(1),
    waived(2),
  ]);
  gate = await openGate({ directory });
});
afterAll(async () => {
  await gate.close();
  vi.useRealTimers();
});

const pass = (ms: number): unknown => vi.setSystemTime(Date.now() + ms);
const decide = (workflow: string, context: Members = { ok: 'yes' }): Promise<Members> =>
  gate.decide(trial({ workflow, ...context }));
const claim = (record: Members, changes: Members = {}, by: Gate = gate): Promise<Answer> =>
  by.post(
    pathOf(record, '/claim'),
    claimed({ action_taken: 'act', parameters: {}, executor: WORKER, ...changes }),
  );
const report = (record: Members, changes: Members = {}, by: Gate = gate): Promise<Answer> =>
  by.post(
    pathOf(record, '/execution'),
    executed(record, { action_taken: 'act', executor: WORKER, ...changes }),
  );
const say = (record: Members, id: string, group: string, changes: Members = {}): Promise<Answer> =>
  gate.post(pathOf(record, '/review'), {
    resolution: 'approve',
    reviewer: { id, group },
    reason: 'Seen the paper on the desk.',
    decision_record_hash: record['record_hash'],
    ...changes,
  });
const admin = (policyId: string, what: string, body: Members, by: Gate = gate): Promise<Answer> =>
  by.post(`/api/decision/policies/${policyId}/${what}`, body);
const put = (document: object & { readonly policy_id?: unknown; readonly version?: unknown }) =>
  gate.send(
    `/api/decision/policies/${String(document.policy_id)}/versions/${String(document.version)}`,
    {
      method: 'PUT',
      headers: { 'x-api-key': `decide_test_${'a'.repeat(43)}`, 'content-type': 'application/json' },
      body: JSON.stringify(document),
    },
  );
const stateOf = async (record: Members): Promise<unknown> =>
  (await gate.get(pathOf(record))).body['lifecycle_state'];

describe('a suspended policy', () => {
  it('gives nothing of a suspended version free by putting another version in force', async () => {
    const record = await decide('replaced_gate');
    const suspended = { reason: 'v1 lets too much pass' };
    expect((await admin('replaced_gate', 'suspend', suspended)).status).toBe(200);
    expect((await put(gated('replaced_gate', { version: 'v2' }))).status).toBe(201);
    const next = { version: 'v2', expected_active: null, approved_by: 'Ada Example' };
    expect((await admin('replaced_gate', 'activate', next)).status).toBe(200);
    expect((await claim(record)).body['reason']).toBe('POLICY_SUSPENDED');
    expect((await claim(await decide('replaced_gate'))).status).toBe(200);
  });

  it('is known to every server on the ledger, whichever of them was told', async () => {
    const other = await openGate({ directory });
    const record = await decide('distant_gate');
    const suspended = { reason: 'an incident' };
    expect((await admin('distant_gate', 'suspend', suspended, other)).status).toBe(200);
    expect((await claim(record)).body['reason']).toBe('POLICY_SUSPENDED');
    expect(await decide('distant_gate')).toMatchObject({
      verdict: 'review',
      evidence: ['POLICY_SUSPENDED', 'OK_GOOD'],
    });
    await other.stop();
  });

  it('and a new one is, with all that it demands of an execution', async () => {
    const other = await openGate({ directory });
    const strict = { version: 'v1', authorization: { require_claim: true } };
    expect((await put(gated('later_gate', strict))).status).toBe(201);
    const first = { version: 'v1', expected_active: null, approved_by: 'Ada Example' };
    expect((await admin('later_gate', 'activate', first)).status).toBe(200);
    const { body } = await report(await decide('later_gate'), {}, other);
    expect(at(body, 'execution.binding_mismatch_reasons')).toEqual(['CLAIM_MISSING']);
    await other.stop();
  });
});

describe('a condition that the owner may let pass', () => {
  it('is not let pass by somebody who was asked for another approval', async () => {
    const parent = await decide('waived_by_1', {});
    const { status, body } = await say(parent, 'rita', 'risk', { satisfies: ['paper'] });
    expect([status, body['error']]).toEqual([422, 'DECIDE_REVIEW_NOT_WAIVABLE']);
    expect(at((await say(parent, 'rita', 'risk')).body, 'decision_record.verdict')).toBe('review');
    const owner = await say(parent, 'ada', 'owners', { satisfies: ['paper'] });
    expect(at(owner.body, 'decision_record.verdict')).toBe('yes');
  });

  it('needs as many of the owners as the policy says, and others do not count', async () => {
    const parent = await decide('waived_by_2', {});
    await say(parent, 'ada', 'owners', { satisfies: ['paper'] });
    const other = await say(parent, 'rita', 'risk');
    expect(at(other.body, 'decision_record.verdict')).toBe('review');
    const second = await say(parent, 'ben', 'owners');
    expect(at(second.body, 'decision_record.verdict')).toBe('yes');
    const record = at(second.body, 'decision_record') as Members;
    expect((await gate.get(pathOf(record, '/verify'))).body['verified']).toBe(true);
    expect((await gate.get(pathOf(record, '/replay'))).body['reproduced']).toBe(true);
  });
});

describe('a rulebook with the name of a stored policy', () => {
  const adhere = async (): Promise<Members> => {
    const path = '/api/decision/rulebooks/parcel_release/versions/3';
    await gate.send(path, {
      method: 'PUT',
      headers: { 'x-api-key': `decide_test_${'a'.repeat(43)}`, 'content-type': 'application/json' },
      body: JSON.stringify({ rulebook: PARCELS, approved_by: 'Ada Example' }),
    });
    return gate.decide({
      mode: 'rulebook',
      rulebook: PARCELS,
      context: { inputs: SMALL, source_record_id: 'parcel_1', requested_action: 'act' },
    });
  };

  it('is not held to the demands of that policy, nor suspended with it', async () => {
    const record = await adhere();
    expect(record).toMatchObject({ verdict: 'yes', decision_contract: { authority: 'binding' } });
    expect((await report(record)).status).toBe(201);
    const second = await adhere();
    const suspended = { reason: 'the policy, not the rulebook' };
    expect((await admin('parcel_release', 'suspend', suspended)).status).toBe(200);
    expect((await claim(second)).status).toBe(200);
  });
});

describe('an instant that no calendar has', () => {
  const IMPOSSIBLE = ['2030-13-01T00:00:00Z', '2030-01-01T23:59:60Z', '2030-02-30T00:00:00Z'];

  it('ends no window of a policy: it is refused', async () => {
    for (const instant of IMPOSSIBLE) {
      const body = { version: 'v1', expected_active: 'v1', approved_by: 'Ada Example' };
      const answer = await admin('windowed_gate', 'activate', { ...body, not_after: instant });
      expect([instant, answer.status]).toEqual([instant, 422]);
    }
  });

  it('is no time at which something was executed', async () => {
    const record = await decide('windowed_gate');
    for (const instant of IMPOSSIBLE) {
      expect((await report(record, { executed_at: instant })).status).toBe(422);
      const told = outcome(record, { outcome_status: 'pending', executed_at: instant });
      expect((await gate.post(pathOf(record, '/outcome'), told)).status).toBe(422);
    }
    expect(await stateOf(record)).toBe('authorized');
  });
});

describe('a decision that waits for its owner', () => {
  it('is not ended by whoever reports: only its successor has an end', async () => {
    const parent = await decide('waived_by_1', {});
    const failed = outcome(parent, { outcome_status: 'failed' });
    const { status, body } = await gate.post(pathOf(parent, '/outcome'), failed);
    expect([status, body['error']]).toEqual([409, 'DECIDE_LIFECYCLE_TRANSITION_INVALID']);
    expect(await stateOf(parent)).toBe('in_review');
    const due = String(at((await gate.get(pathOf(parent))).body, 'review.due_at'));
    vi.setSystemTime(Date.parse(due) + 1);
    expect((await gate.post(pathOf(parent, '/outcome'), failed)).status).toBe(201);
    expect(await stateOf(parent)).toBe('closed');
  });

  it('nor is one that another record carries on, unless something was done under it', async () => {
    const parent = await decide('waived_by_1', {});
    await say(parent, 'ada', 'owners', { resolution: 'deny' });
    const failed = outcome(parent, { outcome_status: 'failed' });
    expect((await gate.post(pathOf(parent, '/outcome'), failed)).status).toBe(409);
    expect(await stateOf(parent)).toBe('superseded');
    await report(parent);
    const harm = outcome(parent, { outcome_status: 'failed', action_executed: true });
    expect((await gate.post(pathOf(parent, '/outcome'), harm)).status).toBe(201);
  });
});

describe('the time of a review', () => {
  it('is over once one server has noted it, also by a clock that is behind', async () => {
    const parent = await decide('waived_by_1', {});
    const due = Date.parse(String(at((await gate.get(pathOf(parent))).body, 'review.due_at')));
    vi.setSystemTime(due - 500);
    const before = await gate.size();
    const early = await openGate({ directory, now: () => Date.now() + 1_000, sweepMs: 10 });
    await vi.waitUntil(async () => (await gate.size()) > before, { timeout: 5_000 });
    await early.stop();
    expect(await stateOf(parent)).toBe('expired');
    const late = await say(parent, 'ada', 'owners', { satisfies: ['paper'] });
    expect([late.status, late.body['error']]).toEqual([409, 'DECIDE_REVIEW_NOT_OPEN']);
  });
});

describe('an erasure', () => {
  it('leaves no copy with a record that carried the decision on meanwhile, nor lets one follow', async () => {
    const parent = await decide('waived_by_2', { note: 'erased-example' });
    const paths = dataPaths(directory);
    const store = openSqlite(paths.database);
    const writer = new LedgerWriter(
      () => openSqlite(paths.database),
      openKeyring(paths.keys, Date.now),
    );
    let child: Members = {};
    const found = await eraseDecision(
      {
        store,
        append: async (draft) => {
          child = at((await say(parent, 'ada', 'owners')).body, 'decision_record') as Members;
          const [written] = await writer.write([draft]);
          // Whoever asks between the note and the deed gets the same answer as afterwards.
          expect((await gate.get(pathOf(parent, '/replay'))).status).toBe(410);
          expect((await say(parent, 'ben', 'owners')).status).toBe(410);
          return written?.ok === true;
        },
        ambient: { now: Date.now, newId: (prefix) => `${prefix}example` },
      },
      TENANT,
      String(parent['decision_id']),
    );
    await store.close();
    await writer.close();
    expect(found).toBe(true);
    for (const record of [parent, child]) {
      expect((await gate.get(pathOf(record, '/replay'))).status).toBe(410);
    }
  });
});

describe('a live claim', () => {
  it('is not ended by somebody else who names it', async () => {
    const record = await decide('windowed_gate');
    const { body } = await claim(record);
    const other = { executor: { type: 'worker', id: 'worker-2' } };
    for (const status of ['blocked', 'skipped']) {
      const named = { ...other, claim_id: body['claim_id'], execution_status: status };
      expect((await report(record, named)).status).toBe(201);
      expect((await claim(record, other)).body['reason']).toBe('ALREADY_CLAIMED');
    }
    expect(await stateOf(record)).toBe('claimed');
    pass(60_001);
    expect((await claim(record)).status).toBe(200);
  });
});
