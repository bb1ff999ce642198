import type { JsonObject } from '@countersign/policy';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataPaths } from '../../src/main.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import {
  type Answer,
  addKey,
  at,
  type Gate,
  KEY,
  listAt,
  type Members,
  OTHER_KEY,
  once,
  openGate,
  pathOf,
  TENANT,
  temporaryDirectory,
} from '../harness.ts';
import { canonicalHash } from '../independent.ts';

/** A policy that lets amounts through up to a limit, for a workflow that has its own name. */
function limitPolicy(name: string, limit = 100, changes: JsonObject = {}): JsonObject {
  return {
    policy_schema_version: 'decide_policy_v1',
    policy_id: name,
    version: `v${limit}`,
    title: `Amounts up to ${limit}`,
    workflows: [name],
    owner: { group: 'owners' },
    actions: { pay: { yes: 'pay_out', no: 'refuse', review: 'ask_owner' } },
    context_fields: { amount: { type: 'integer' } },
    conditions: {
      small: {
        field: 'amount',
        op: 'at_most',
        value: limit,
        codes: { true: 'AMOUNT_SMALL', false: 'AMOUNT_LARGE', unknown: 'AMOUNT_MISSING' },
      },
    },
    requirement: { cond: 'small' },
    self_tests: [
      selfTest('small', { amount: limit }, 'yes'),
      selfTest('large', { amount: limit + 1 }, 'no'),
      selfTest('none', {}, 'review'),
    ],
    ...changes,
  };
}

function selfTest(name: string, context: JsonObject, verdict: string): JsonObject {
  const asked = { requested_action: 'pay', source_record_id: 'src_1', ...context };
  return { name, context: asked, expect: { verdict } };
}

function ask(workflow: string, context: Members = {}): Members {
  const base = { workflow, requested_action: 'pay', source_record_id: 'src_1' };
  return { question: 'May it be paid?', context: { ...base, ...context } };
}

interface Desk {
  readonly gate: Gate;
  readonly key: string;
}

const versionPath = (document: Members): string =>
  `/api/decision/policies/${String(document['policy_id'])}/versions/${String(document['version'])}`;

function put(desk: Desk, document: Members, path = versionPath(document), headers = {}) {
  return desk.gate.send(path, {
    method: 'PUT',
    headers: { 'x-api-key': desk.key, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(document),
  });
}

function post(desk: Desk, name: string, verb: string, body: Members, headers = {}) {
  const key = { 'x-api-key': desk.key, ...headers };
  return desk.gate.post(`/api/decision/policies/${name}/${verb}`, body, key);
}

const activate = (desk: Desk, name: string, version: string, more: Members = {}, headers = {}) =>
  post(
    desk,
    name,
    'activate',
    { version, expected_active: null, approved_by: 'owner@example.test', ...more },
    headers,
  );

const suspend = (desk: Desk, name: string, more: Members = {}) =>
  post(desk, name, 'suspend', { reason: 'an incident', ...more });

const read = (desk: Desk, path: string): Promise<Answer> =>
  desk.gate.get(`/api/decision/policies${path}`, { 'x-api-key': desk.key });

let desk: Desk;

beforeAll(async () => {
  desk = { gate: await openGate(), key: KEY };
});
afterAll(() => desk.gate.close());

/** Registers and puts in force what must be registrable. */
async function inForce(document: Members, more: Members = {}): Promise<void> {
  const name = String(document['policy_id']);
  expect((await put(desk, document)).status).toBe(201);
  const answer = await activate(desk, name, String(document['version']), more);
  expect(answer.body).toMatchObject({ ok: true });
}

describe('registering', () => {
  it('D-92 the same content is the same version, other content is 409, and any change changes the bundle hash', async () => {
    const document = limitPolicy('immutable_gate');
    const made = await put(desk, document);
    expect(made.status).toBe(201);
    const hash = canonicalHash(document);
    expect(made.body).toMatchObject({
      policy_id: 'immutable_gate',
      version: 'v100',
      policy_hash: hash,
      registered_by: expect.stringMatching(/^key_/),
      ledger_proof: { tree_size: expect.any(Number) },
    });
    const size = await desk.gate.size();
    const again = await put(desk, document);
    expect([again.status, again.body]).toEqual([200, made.body]);
    const other = await put(desk, { ...document, title: 'Another title' });
    expect([other.status, other.body['error']]).toEqual([409, 'DECIDE_POLICY_VERSION_IMMUTABLE']);
    expect(await desk.gate.size()).toBe(size);

    const next = await put(desk, limitPolicy('immutable_gate', 100, { version: 'v2', title: 'T' }));
    const { body } = await desk.gate.get(
      '/api/decision/policy-bundles?bundle_id=immutable_gate_bundle',
    );
    const [one, two] = listAt(body, 'bundles');
    expect([one?.['hash'], two?.['hash']]).toEqual([
      made.body['policy_bundle_hash'],
      next.body['policy_bundle_hash'],
    ]);
    expect(one?.['hash']).not.toBe(two?.['hash']);
    const manifest = one?.['manifest'] as Members;
    expect(manifest['evaluator_version']).toBe('decide_core_v1');
    expect(canonicalHash(manifest)).toBe(one?.['hash']);
    expect(canonicalHash({ ...manifest, evaluator_version: 'decide_core_v2' })).not.toBe(
      one?.['hash'],
    );
  });

  it('of many at once with different contents one is registered, and the others are refused', async () => {
    const documents = Array.from({ length: 6 }, (_, place) =>
      limitPolicy('raced_gate', 100, { title: `Title ${place % 2}` }),
    );
    const answers = await Promise.all(documents.map((document) => put(desk, document)));
    const count = (status: number) => answers.filter((answer) => answer.status === status).length;
    expect([count(201), count(200), count(409)]).toEqual([1, 2, 3]);
    const versions = listAt((await read(desk, '/raced_gate')).body, 'versions');
    expect(versions).toHaveLength(1);
  });

  it('lists every fault with its place in the document', async () => {
    const document = limitPolicy('faulty_gate', 100, { surprise: 1 });
    const conditions = { small: { ...(at(document, 'conditions.small') as object), op: 'guess' } };
    const { status, body } = await put(desk, { ...document, conditions, title: '' });
    expect([status, body['error']]).toEqual([422, 'DECIDE_POLICY_INVALID']);
    const places = listAt(body, 'errors').map(
      ({ pointer, code }) => `${String(pointer)} ${String(code)}`,
    );
    expect(places).toContain('/conditions/small/op unsupported_operator');
    expect(places).toContain('/surprise unknown_field');
    expect(places.some((place) => place.startsWith('/title'))).toBe(true);
    const [first] = listAt(body, 'errors');
    expect(first).toMatchObject({ field: expect.any(String), message: expect.any(String) });
  });

  it('refuses a document that the address does not name, and the gate’s own policy', async () => {
    const document = limitPolicy('named_gate');
    const elsewhere = await put(desk, document, '/api/decision/policies/other_gate/versions/v7');
    expect(listAt(elsewhere.body, 'errors').map(({ pointer }) => pointer)).toEqual([
      '/policy_id',
      '/version',
    ]);
    const own = await put(desk, limitPolicy('unbound_workflow'));
    expect([own.status, own.body['error']]).toEqual([422, 'DECIDE_POLICY_INVALID']);
  });

  it('repeats the answer under an idempotency key, and refuses another document under it', async () => {
    const document = limitPolicy('repeated_gate');
    const key = once('policy-1');
    const made = await put(desk, document, versionPath(document), key);
    const again = await put(desk, document, versionPath(document), key);
    expect([again.status, again.text]).toEqual([201, made.text]);
    expect(again.headers.get('x-idempotent-replay')).toBe('1');
    const other = await put(desk, limitPolicy('repeated_gate', 7), undefined, key);
    expect([other.status, other.body['error']]).toEqual([409, 'DECIDE_API_IDEMPOTENCY_CONFLICT']);
  });

  it('is one tenant’s own affair', async () => {
    await put(desk, limitPolicy('private_gate'));
    const stranger = { gate: desk.gate, key: OTHER_KEY };
    expect((await read(stranger, '/private_gate')).status).toBe(404);
    expect((await read(stranger, '/private_gate/versions/v100')).status).toBe(404);
    expect((await activate(stranger, 'private_gate', 'v100')).status).toBe(404);
  });
});

describe('activating', () => {
  it('D-93 a failing self-test, a stale expectation and an approver who is the author are refused', async () => {
    const failing = limitPolicy('safe_gate', 100, {
      self_tests: [
        selfTest('small', { amount: 1 }, 'yes'),
        selfTest('wrong', { amount: 101 }, 'review'),
        selfTest('large', { amount: 500 }, 'no'),
      ],
    });
    const refused = await put(desk, failing);
    expect([refused.status, refused.body['error']]).toEqual([422, 'DECIDE_POLICY_SELFTEST_FAILED']);
    expect(refused.body['failed_self_tests']).toEqual([
      {
        name: 'wrong',
        expected_verdict: 'review',
        actual_verdict: 'no',
        actual_evidence: ['AMOUNT_LARGE'],
      },
    ]);
    expect((await read(desk, '/safe_gate')).status).toBe(404);

    await inForce(limitPolicy('safe_gate'));
    await put(desk, limitPolicy('safe_gate', 50));
    for (const expected of [null, 'v50']) {
      const stale = await activate(desk, 'safe_gate', 'v50', { expected_active: expected });
      expect([stale.status, stale.body['error'], stale.body['active_version']]).toEqual([
        409,
        'DECIDE_POLICY_ACTIVATION_STALE',
        'v100',
      ]);
    }

    const { body } = await read(desk, '/safe_gate/versions/v50');
    const author = String(body['registered_by']);
    const own = { expected_active: 'v100', approved_by: author };
    await setTenant(desk.gate, { four_eyes: true });
    const alone = await activate(desk, 'safe_gate', 'v50', own);
    expect([alone.status, alone.body['error']]).toEqual([403, 'DECIDE_POLICY_APPROVAL_REQUIRED']);
    const labelled = await activate(desk, 'safe_gate', 'v50', {
      ...own,
      approved_by: 'From Settings',
    });
    expect(labelled.body['error']).toBe('DECIDE_POLICY_APPROVAL_REQUIRED');
    expect((await read(desk, '/safe_gate')).body['active_version']).toBe('v100');
    await setTenant(desk.gate, {});
    expect((await activate(desk, 'safe_gate', 'v50', own)).status).toBe(200);
  });

  it('D-93 in a live gate four eyes are demanded without any setting', async () => {
    const directory = temporaryDirectory();
    const open = async () => openGate({ directory, environment: 'live' });
    await (await open()).stop();
    const scopes = ['policy', 'read'] as const;
    const key = await addKey(directory, { environment: 'live', scopes: [...scopes], label: 'Ada' });
    const live = { gate: await open(), key };
    const made = await put(live, limitPolicy('live_gate'));
    expect(made.status).toBe(201);
    for (const approver of ['ada', String(made.body['registered_by'])]) {
      const alone = await activate(live, 'live_gate', 'v100', { approved_by: approver });
      expect([alone.status, alone.body['error']]).toEqual([403, 'DECIDE_POLICY_APPROVAL_REQUIRED']);
    }
    const both = await activate(live, 'live_gate', 'v100', { approved_by: 'Grace' });
    expect(both.body).toMatchObject({ ok: true, state: 'active', approved_by: 'Grace' });
    await live.gate.close();
  });

  it('of many at once exactly one wins', async () => {
    const limits = [1, 2, 3, 4, 5, 6];
    for (const limit of limits) await put(desk, limitPolicy('contested_gate', limit));
    const answers = await Promise.all(
      limits.map((limit) => activate(desk, 'contested_gate', `v${limit}`)),
    );
    const won = answers.filter(({ status }) => status === 200);
    const lost = answers.filter(
      (answer) => answer.body['error'] === 'DECIDE_POLICY_ACTIVATION_STALE',
    );
    expect([won.length, lost.length]).toEqual([1, 5]);
    const { body } = await read(desk, '/contested_gate');
    expect(body['active_version']).toBe(won[0]?.body['version']);
    expect(listAt(body, 'history')).toHaveLength(1);
  });

  it('takes in what another process has activated', async () => {
    await inForce(limitPolicy('shared_gate'));
    await put(desk, limitPolicy('shared_gate', 9));
    const other = { gate: await openGate({ directory: desk.gate.directory }), key: KEY };
    const more = { expected_active: 'v100' };
    expect((await activate(other, 'shared_gate', 'v9', more)).status).toBe(200);
    await other.gate.stop();
    const late = await activate(desk, 'shared_gate', 'v9', more);
    expect(late.body).toMatchObject({ active_version: 'v9', ok: false });
    const record = await desk.gate.decide(ask('shared_gate', { amount: 50 }));
    expect([record['policy_version'], record['verdict']]).toEqual(['v9', 'no']);
  });

  it('D-24 a workflow that another policy answers for is refused, also at the same moment', async () => {
    await inForce(limitPolicy('first_gate'));
    await put(desk, limitPolicy('second_gate', 100, { workflows: ['second', 'first_gate'] }));
    const taken = await activate(desk, 'second_gate', 'v100');
    expect([taken.status, taken.body['error'], taken.body['taken_workflows']]).toEqual([
      409,
      'DECIDE_POLICY_WORKFLOW_TAKEN',
      ['first_gate'],
    ]);
    const rivals = ['rival_a', 'rival_b'];
    for (const name of rivals) await put(desk, limitPolicy(name, 100, { workflows: ['disputed'] }));
    const answers = await Promise.all(rivals.map((name) => activate(desk, name, 'v100')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 409]));
    const record = await desk.gate.decide(ask('disputed', { amount: 1 }));
    expect([record['verdict'], record['evidence']]).toEqual(['yes', ['AMOUNT_SMALL']]);
  });

  it('goes back by activating the earlier version again, which the history shows', async () => {
    await inForce(limitPolicy('rolled_gate', 10));
    await put(desk, limitPolicy('rolled_gate', 5));
    await activate(desk, 'rolled_gate', 'v5', { expected_active: 'v10' });
    const states = async () =>
      listAt((await read(desk, '/rolled_gate')).body, 'versions').map(({ state }) => state);
    expect(await states()).toEqual(['superseded', 'active']);
    const back = await activate(desk, 'rolled_gate', 'v10', { expected_active: 'v5' });
    expect(back.body).toMatchObject({ active_version: 'v10', ledger: { seq: expect.any(Number) } });
    expect(await states()).toEqual(['active', 'superseded']);
    const { body } = await read(desk, '/rolled_gate');
    const history = listAt(body, 'history').map(({ version, approved_by: by }) => [version, by]);
    expect(history).toEqual(['v10', 'v5', 'v10'].map((one) => [one, 'owner@example.test']));
    const twice = await activate(desk, 'rolled_gate', 'v10', { expected_active: 'v10' });
    expect(twice.body['error']).toBe('DECIDE_POLICY_STATE_INVALID');
  });

  it('answers only inside its window', async () => {
    const hour = 3_600_000;
    const instant = (ms: number) => new Date(Date.now() + ms).toISOString();
    await inForce(limitPolicy('early_gate'), { not_before: instant(hour) });
    await inForce(limitPolicy('late_gate'), {
      not_before: instant(-2 * hour),
      not_after: instant(-hour),
    });
    await inForce(limitPolicy('open_gate'), {
      not_before: instant(-hour),
      not_after: instant(hour),
    });
    const answerOf = async (name: string) => {
      const record = await desk.gate.decide(ask(name, { amount: 1 }));
      return [
        record['verdict'],
        record['evidence'],
        (await read(desk, `/${name}`)).body['answers'],
      ];
    };
    for (const name of ['early_gate', 'late_gate']) {
      expect(await answerOf(name)).toEqual(['review', ['POLICY_SUSPENDED', 'AMOUNT_SMALL'], false]);
    }
    expect(await answerOf('open_gate')).toEqual(['yes', ['AMOUNT_SMALL'], true]);
    const order = { not_before: instant(hour), not_after: instant(-hour) };
    const backwards = await activate(desk, 'open_gate', 'v100', {
      ...order,
      expected_active: 'v100',
    });
    expect(backwards.body['error']).toBe('DECIDE_API_INVALID_REQUEST');
  });

  it('repeats the stored answer under an idempotency key', async () => {
    await put(desk, limitPolicy('twice_gate'));
    const made = await activate(desk, 'twice_gate', 'v100', {}, once('activation-1'));
    const again = await activate(desk, 'twice_gate', 'v100', {}, once('activation-1'));
    expect([again.status, again.text]).toEqual([200, made.text]);
    expect(listAt((await read(desk, '/twice_gate')).body, 'history')).toHaveLength(1);
  });
});

describe('suspending', () => {
  it('D-94 later decisions are reviews with POLICY_SUSPENDED, and an old yes cannot be claimed', async () => {
    await inForce(limitPolicy('stopped_gate'));
    const target = { target_system: 'bank', target_object_id: 'acc_1', mutation: 'payout.create' };
    const request = ask('stopped_gate', { amount: 1, ...target });
    const [old, claimed] = [await desk.gate.decide(request), await desk.gate.decide(request)];
    const claim = (record: Members) =>
      desk.gate.post(pathOf(record, '/claim'), {
        action_taken: 'pay',
        ...target,
        parameters: {},
        executor: { type: 'worker', id: 'worker-1' },
      });
    expect((await claim(claimed)).status).toBe(200);
    const done = await suspend(desk, 'stopped_gate', { suspended_by: 'Grace' });
    expect(done.body).toMatchObject({
      state: 'suspended',
      active_version: null,
      reason: 'an incident',
    });

    const later = await desk.gate.decide(request);
    expect(later).toMatchObject({
      verdict: 'review',
      evidence: ['POLICY_SUSPENDED', 'AMOUNT_SMALL'],
    });
    const refused = await claim(old);
    expect(refused.body).toMatchObject({
      error: 'DECIDE_CLAIM_REFUSED',
      reason: 'POLICY_SUSPENDED',
    });
    const standing = await desk.gate.get(pathOf(claimed));
    expect(standing.body['lifecycle_state']).toBe('claimed');

    // Back in force by a new approval, though the reviews in between would be `yes` by its rules.
    expect((await activate(desk, 'stopped_gate', 'v100')).status).toBe(200);
    expect((await claim(old)).status).toBe(200);
  });

  it('needs an active policy, and the expected one', async () => {
    expect((await suspend(desk, 'nowhere_gate')).status).toBe(404);
    await put(desk, limitPolicy('draft_gate'));
    const draft = await suspend(desk, 'draft_gate');
    expect([draft.status, draft.body['error']]).toEqual([409, 'DECIDE_POLICY_STATE_INVALID']);
    await activate(desk, 'draft_gate', 'v100');
    const stale = await suspend(desk, 'draft_gate', { expected_active: 'v7' });
    expect(stale.body).toMatchObject({
      error: 'DECIDE_POLICY_ACTIVATION_STALE',
      active_version: 'v100',
    });
    expect((await post(desk, 'draft_gate', 'suspend', {})).status).toBe(422);
    expect((await suspend(desk, 'draft_gate', { expected_active: 'v100' })).status).toBe(200);
    expect((await suspend(desk, 'draft_gate')).body['error']).toBe('DECIDE_POLICY_STATE_INVALID');
  });

  it('survives a restart', async () => {
    const gate = await openGate();
    const own = { gate, key: KEY };
    await put(own, limitPolicy('kept_gate'));
    await activate(own, 'kept_gate', 'v100');
    await suspend(own, 'kept_gate');
    await gate.stop();
    const again = await openGate({ directory: gate.directory });
    const record = await again.decide(ask('kept_gate', { amount: 1 }));
    expect(record['evidence']).toEqual(['POLICY_SUSPENDED', 'AMOUNT_SMALL']);
    await again.close();
  });
});

describe('previewing', () => {
  it('D-95 counts the shifts of 30 days, and a shift to yes must be acknowledged', async () => {
    await inForce(limitPolicy('history_gate', 100));
    const ids: unknown[] = [];
    for (const amount of [1, 60, 100, 150, 180, 300, undefined]) {
      ids.push((await desk.gate.decide(ask('history_gate', { amount })))['decision_id']);
    }
    const wide = limitPolicy('history_gate', 200);
    const { body } = await post(desk, 'history_gate', 'preview', { document: wide });
    expect(body).toMatchObject({
      ok: true,
      policy_id: 'history_gate',
      version: 'v200',
      decisions: 7,
      skipped: { erased: 0, other_evaluator: 0 },
      shifts: {
        yes_to_no: 0,
        yes_to_review: 0,
        no_to_yes: 2,
        no_to_review: 0,
        review_to_yes: 0,
        review_to_no: 0,
        unchanged: 5,
      },
      examples: [
        { shift: 'no_to_yes', decision_id: ids[4] },
        { shift: 'no_to_yes', decision_id: ids[3] },
      ],
    });
    const days = (Date.parse(String(body['to'])) - Date.parse(String(body['from']))) / 86_400_000;
    expect(days).toBe(30);
    const few = await post(desk, 'history_gate', 'preview', { document: wide, limit: 2 });
    expect(few.body).toMatchObject({ decisions: 2, shifts: { no_to_yes: 0, unchanged: 2 } });

    await put(desk, wide);
    const expected = { expected_active: 'v100' };
    const refused = await activate(desk, 'history_gate', 'v200', expected);
    expect([refused.status, refused.body['error']]).toEqual([
      409,
      'DECIDE_POLICY_SHIFT_UNACKNOWLEDGED',
    ]);
    expect(refused.body['shifts']).toMatchObject({ no_to_yes: 2 });
    const words = { acknowledge_shift: 'more decisions will be yes' };
    const done = await activate(desk, 'history_gate', 'v200', { ...expected, ...words });
    expect(done.body).toMatchObject({ active_version: 'v200', ...words });

    const narrow = await post(desk, 'history_gate', 'preview', {
      document: limitPolicy('history_gate', 50, { workflows: ['other_flow'] }),
    });
    expect(narrow.body['shifts']).toMatchObject({
      yes_to_review: 3,
      no_to_review: 3,
      unchanged: 1,
    });
  });

  it('writes nothing, and says what it left out', async () => {
    await inForce(limitPolicy('erased_gate'));
    const record = await desk.gate.decide(ask('erased_gate', { amount: 1 }));
    await desk.gate.decide(ask('erased_gate', { amount: 1 }));
    const store = openSqlite(dataPaths(desk.gate.directory).database);
    await store.eraseInputs([Number(at(record, 'ledger.seq'))]);
    await store.close();
    const size = await desk.gate.size();
    const { body } = await post(desk, 'erased_gate', 'preview', { version: 'v100' });
    expect(body).toMatchObject({ decisions: 1, skipped: { erased: 1, other_evaluator: 0 } });
    expect(await desk.gate.size()).toBe(size);
  });

  it.each([
    [{}, 'DECIDE_API_INVALID_REQUEST'],
    [{ version: 'v100', document: {} }, 'DECIDE_API_INVALID_REQUEST'],
    [{ version: 'v77' }, 'DECIDE_POLICY_NOT_FOUND'],
    [{ document: { policy_id: 'pricing_exception' } }, 'DECIDE_POLICY_INVALID'],
    [{ document: limitPolicy('another_gate') }, 'DECIDE_POLICY_INVALID'],
  ])('refuses %j', async (request, code) => {
    expect((await post(desk, 'pricing_exception', 'preview', request)).body['error']).toBe(code);
  });
});

describe('reading', () => {
  it('lists policies, and shows a version with its hash, its state and its warnings', async () => {
    const risky = limitPolicy('warned_gate', 100, {
      conditions: {
        unflagged: {
          field: 'flag',
          op: 'not_exists',
          codes: { true: 'NOT_FLAGGED', false: 'FLAGGED' },
        },
        small: at(limitPolicy('warned_gate'), 'conditions.small') as JsonObject,
      },
      requirement: { and: [{ cond: 'unflagged' }, { cond: 'small' }] },
    });
    const made = await put(desk, risky);
    expect(listAt(made.body, 'warnings')).toMatchObject([{ code: 'absence_can_satisfy' }]);
    const { body } = await read(desk, '/warned_gate/versions/v100');
    expect(body).toMatchObject({
      policy_hash: canonicalHash(risky),
      state: 'draft',
      document: risky,
      policy_bundle: { id: 'warned_gate_bundle' },
      warnings: made.body['warnings'],
    });
    const list = listAt((await read(desk, '')).body, 'policies');
    expect(list.find((one) => one['policy_id'] === 'warned_gate')).toMatchObject({
      state: 'draft',
      active_version: null,
      versions: ['v100'],
    });
    expect(list.find((one) => one['policy_id'] === 'pricing_exception')).toMatchObject({
      state: 'active',
      active_version: 'v3',
      answers: true,
      versions: ['v3', 'v4'],
    });
    expect((await read(desk, '/unheard_of')).status).toBe(404);
    expect((await read(desk, '/pricing_exception/versions/v9')).status).toBe(404);
  });
});

async function setTenant(gate: Gate, settings: Members): Promise<void> {
  const store = openSqlite(dataPaths(gate.directory).database);
  await store.writeTenant(TENANT, JSON.stringify(settings));
  await store.close();
}
