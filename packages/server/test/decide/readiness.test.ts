import { cpSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SIGN_OFF_ROLES } from '../../src/service/reports/readiness.ts';
import {
  at,
  billing,
  editRecord,
  executed,
  type Gate,
  listAt,
  type Members,
  OTHER_KEY,
  once,
  openGate,
  outcome,
  pathOf,
  temporaryDirectory,
} from '../harness.ts';
import { canonicalHash, isSignature, without } from '../independent.ts';
import { finish, finishAll, itemOf, reportPath, times, told } from './decided.ts';

const DAY_MS = 86_400_000;
const ARTEFACT = 'ab'.repeat(32);
const SIGN_OFFS = reportPath('sign-offs');

const signOff = (role: string, changes: Members = {}): Members => ({
  role,
  person: 'person_example',
  artefact_hash: ARTEFACT,
  ...changes,
});
const readiness = async (gate: Gate, headers = {}): Promise<Members> => {
  const answer = await gate.get(reportPath('readiness'), headers);
  expect(answer.status).toBe(200);
  return answer.body;
};
const unmet = (body: Members): unknown[] =>
  listAt(body, 'items').flatMap((item) => (item['met'] === true ? [] : [item['name']]));

describe('a launch sign-off', () => {
  let gate: Gate;
  beforeAll(async () => {
    gate = await openGate();
  });
  afterAll(() => gate.close());

  it('is stored with role, person, policy and artefact, hashed, signed, in the ledger', async () => {
    const { status, body } = await gate.post(SIGN_OFFS, signOff('reviewer', { note: 'Seen.' }));
    expect(status).toBe(201);
    const stored = body['sign_off'] as Members;
    expect(stored).toMatchObject({
      decision_sign_off_version: 'decision_sign_off_v1',
      policy_id: 'pricing_exception',
      ...signOff('reviewer', { note: 'Seen.' }),
    });
    expect(Number.isNaN(Date.parse(String(stored['signed_at'])))).toBe(false);
    const place = ['audit_chain', 'ledger', 'ledger_proof'];
    const seal = ['report_hash', 'report_key_id', 'report_signature'];
    const hash = canonicalHash(without(stored, ...place, ...seal));
    expect(stored['report_hash']).toBe(hash);
    const registry = await gate.get('/api/decision/receipt-keys');
    const pem = String(listAt(registry.body, 'keys')[0]?.['public_key']);
    const message = {
      hash,
      id: stored['sign_off_id'],
      key_id: stored['report_key_id'],
      type: 'decision_sign_off_v1',
    };
    expect(isSignature(stored['report_signature'], JSON.stringify(message), pem)).toBe(true);
    expect(at(stored, 'ledger_proof.entry.entry_type')).toBe('report');
    expect(at(stored, 'ledger_proof.entry.subject_hash')).toBe(
      canonicalHash(without(stored, ...place)),
    );
  });

  it('repeated under its key is the stored one', async () => {
    const first = await gate.post(SIGN_OFFS, signOff('operations'), once('sign_1'));
    const again = await gate.post(SIGN_OFFS, signOff('operations'), once('sign_1'));
    expect(again.text).toBe(first.text);
    expect(again.headers.get('x-idempotent-replay')).toBe('1');
    const other = await gate.post(SIGN_OFFS, signOff('engineering'), once('sign_1'));
    expect([other.status, other.body['error']]).toEqual([409, 'DECIDE_API_IDEMPOTENCY_CONFLICT']);
  });

  it.each([
    ['a role that there is not', signOff('sponsor'), 422],
    ['no artefact', { role: 'reviewer', person: 'person_example' }, 422],
    ['a hash that is none', signOff('reviewer', { artefact_hash: 'abc' }), 422],
    ['a member that nobody knows', signOff('reviewer', { approved: true }), 422],
  ])('with %s is refused', async (_, body, status) => {
    const before = await gate.size();
    expect((await gate.post(SIGN_OFFS, body)).status).toBe(status);
    expect(await gate.size()).toBe(before);
  });

  it('needs a policy, and counts for its own tenant alone', async () => {
    const unknown = await gate.post(
      '/api/decision/policies/no_such_gate/sign-offs',
      signOff('reviewer'),
    );
    expect([unknown.status, unknown.body['error']]).toEqual([404, 'DECIDE_POLICY_NOT_FOUND']);
    const nothing = await gate.get('/api/decision/policies/no_such_gate/readiness');
    expect([nothing.status, nothing.body['error']]).toEqual([404, 'DECIDE_POLICY_NOT_FOUND']);
    expect(itemOf(await readiness(gate), 'launch_sign_offs')).toMatchObject({ value: 2 });
    const theirs = await readiness(gate, { 'x-api-key': OTHER_KEY });
    expect(itemOf(theirs, 'launch_sign_offs')).toMatchObject({ met: false, value: 0 });
  });
});

describe('the expansion gate', () => {
  /** A ledger in which everything is met, to be copied. */
  const ready = temporaryDirectory();
  let aheadMs = 0;
  const now = (): number => Date.now() + aheadMs;

  beforeAll(async () => {
    const gate = await openGate({ directory: ready, now });
    const empty = await readiness(gate);
    expect(unmet(empty)).toEqual([
      'verified_packets',
      'decisions',
      'outcome_coverage',
      'launch_sign_offs',
    ]);

    const endings = [...times(15, 'succeeded' as const), ...times(2, 'failed' as const)];
    const [first, second] = await finishAll(gate, [undefined, undefined, ...endings]);
    if (first === undefined || second === undefined) throw new Error('no records');
    for (const [place, role] of SIGN_OFF_ROLES.entries()) {
      const before = await readiness(gate);
      expect(itemOf(before, 'launch_sign_offs')).toMatchObject({ met: false, value: place });
      expect((await gate.post(SIGN_OFFS, signOff(role))).status).toBe(201);
    }
    // 19 decisions, 17 of them with an outcome.
    const few = await readiness(gate);
    expect(few['expand']).toBe(false);
    expect(unmet(few)).toEqual(['decisions', 'outcome_coverage']);
    await told(gate, first, '/outcome', outcome(first));
    const covered = await readiness(gate);
    expect(itemOf(covered, 'outcome_coverage')).toMatchObject({ met: true, value: 0.9474 });
    expect([covered['expand'], unmet(covered)]).toEqual([false, ['decisions']]);
    await gate.decide(billing());
    await gate.stop();
  }, 30_000);

  /** A server over a copy of that ledger. */
  const open = async (): Promise<Gate> => {
    const directory = temporaryDirectory();
    cpSync(ready, directory, { recursive: true });
    return openGate({ directory, now });
  };

  it('D-108 D-114 opens when every item is met, each with the number behind it', async () => {
    const gate = await open();
    const body = await readiness(gate);
    expect(body).toMatchObject({
      ok: true,
      policy_id: 'pricing_exception',
      expand: true,
      items: [
        { name: 'verified_packets', met: true, value: 1 },
        { name: 'decisions', met: true, value: 20 },
        { name: 'outcome_coverage', met: true, value: 0.9474 },
        { name: 'open_mismatches', met: true, value: 0 },
        { name: 'executions_without_yes', met: true, value: 0 },
        { name: 'overdue_reviews', met: true, value: 0 },
        { name: 'launch_sign_offs', met: true, value: 4 },
      ],
    });
    const before = await gate.size();
    await readiness(gate);
    expect(await gate.size()).toBe(before);
    await gate.close();
  });

  it('D-114 with one of the four roles missing it stays closed', async () => {
    const gate = await openGate({ now });
    await finishAll(gate, times(20, 'succeeded' as const));
    const [missing, ...roles] = SIGN_OFF_ROLES;
    for (const role of [...roles, ...roles]) await gate.post(SIGN_OFFS, signOff(role));
    const body = await readiness(gate);
    expect([body['expand'], unmet(body)]).toEqual([false, ['launch_sign_offs']]);
    await gate.post(SIGN_OFFS, signOff(missing));
    expect((await readiness(gate))['expand']).toBe(true);
    await gate.close();
  });

  it('D-108 a mismatch closes it, and so does an execution without yes', async () => {
    const gate = await open();
    const record = await gate.decide(billing());
    await gate.post(pathOf(record, '/execution'), executed(record, { target_object_id: 'sub_9' }));
    const mismatched = await readiness(gate);
    expect([mismatched['expand'], unmet(mismatched)]).toEqual([false, ['open_mismatches']]);
    const no = await gate.decide(billing({ margin_floor: 'failed' }));
    await gate.post(pathOf(no, '/execution'), executed(no));
    const without = await readiness(gate);
    expect(itemOf(without, 'open_mismatches')).toMatchObject({ met: false, value: 2 });
    expect(itemOf(without, 'executions_without_yes')).toMatchObject({ met: false, value: 1 });
    await gate.close();
  });

  it('D-108 a review past its deadline closes it, and after thirty days nothing counts', async () => {
    const gate = await open();
    const review = await gate.decide(billing({ margin_floor: undefined }));
    expect(review['verdict']).toBe('review');
    expect((await readiness(gate))['expand']).toBe(true);
    aheadMs += 2 * DAY_MS;
    const late = await readiness(gate);
    expect([late['expand'], unmet(late)]).toEqual([false, ['overdue_reviews']]);
    aheadMs += 29 * DAY_MS;
    const old = await readiness(gate);
    expect(unmet(old)).toEqual(['verified_packets', 'decisions', 'outcome_coverage']);
    await gate.close();
    aheadMs = 0;
  });

  it('D-108 a packet that does not verify closes it', async () => {
    const gate = await open();
    const record = await finish(gate, 'succeeded');
    expect((await readiness(gate))['expand']).toBe(true);
    editRecord(gate.directory, record, '"verify_url"', '"verify_uri"');
    const damaged = await readiness(gate);
    expect([damaged['expand'], unmet(damaged)]).toEqual([false, ['verified_packets']]);
    await gate.close();
  });
});
