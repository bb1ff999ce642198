import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { JsonObject } from '@countersign/policy';
import { publicKeyFromPem } from '@countersign/proof';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataPaths } from '../../src/main.ts';
import { enrolReviewer, removeReviewer } from '../../src/service/reviewers.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import {
  type Answer,
  addPolicies,
  at,
  type Gate,
  linksTo,
  listAt,
  type Members,
  OTHER_KEY,
  once,
  openGate,
  pathOf,
  TENANT,
  temporaryDirectory,
  trialPolicy,
} from '../harness.ts';
import { canonicalHash, canonicalText, hexOf, without } from '../independent.ts';

const state = (field: string, more: JsonObject = {}): JsonObject => ({
  field,
  op: 'state',
  true: ['ok'],
  false: ['bad'],
  codes: {
    true: `${field}_OK`.toUpperCase(),
    false: `${field}_BAD`.toUpperCase(),
    unknown: `${field}_OPEN`.toUpperCase(),
  },
  ...more,
});
const approval = (more: JsonObject = {}): JsonObject => ({
  op: 'approval',
  codes: { true: 'SIGNED', false: 'OWNER_DENIED', unknown: 'SIGNATURE_PENDING' },
  ...more,
});
const ASKED = { source_record_id: 'src_1', requested_action: 'act' };

/** A policy whose conditions must all hold; it answers for the workflow of its own name. */
function policyOf(id: string, conditions: JsonObject, more: JsonObject = {}): JsonObject {
  const names = Object.keys(conditions);
  const facts = Object.fromEntries(
    names.flatMap((name) =>
      (conditions[name] as JsonObject)['op'] === 'state' ? [[name, 'ok']] : [],
    ),
  );
  const groups = names.flatMap((name) => {
    const { op, group } = conditions[name] as JsonObject;
    return op === 'approval' ? [typeof group === 'string' ? group : 'owners'] : [];
  });
  const approvals = groups.flatMap((group) =>
    ['ada', 'ben'].map((reviewer) => ({ group, reviewer, resolution: 'approve' })),
  );
  const [first = ''] = Object.keys(facts);
  return trialPolicy(
    conditions,
    { and: names.map((cond) => ({ cond })) },
    {
      policy_id: id,
      workflows: [id],
      authorization: { max_executions: 2 },
      self_tests: [
        { name: 'yes', context: { ...ASKED, ...facts }, approvals, expect: { verdict: 'yes' } },
        { name: 'no', context: { ...ASKED, ...facts, [first]: 'bad' }, expect: { verdict: 'no' } },
        { name: 'review', context: ASKED, expect: { verdict: 'review' } },
      ],
      ...more,
    },
  );
}

const POLICIES: readonly JsonObject[] = [
  policyOf('waiver_gate', {
    paper: state('paper', { waivable: true }),
    stock: state('stock', { overridable: true }),
    hard: state('hard'),
  }),
  policyOf(
    'either_gate',
    { hard: state('hard'), paper: state('paper'), stock: state('stock', { overridable: true }) },
    { requirement: { and: [{ cond: 'hard' }, { or: [{ cond: 'paper' }, { cond: 'stock' }] }] } },
  ),
  policyOf(
    'two_gate',
    {
      paper: state('paper', { waivable: true }),
      sign_off: approval({ quorum: 2 }),
    },
    { review: { quorum: 2 } },
  ),
  policyOf('pair_gate', { paper: state('paper', { waivable: true }) }, { review: { quorum: 2 } }),
  policyOf('groups_gate', {
    paper: state('paper'),
    by_owner: approval({ codes: { true: 'OWNER_OK', false: 'OWNER_NO', unknown: 'OWNER_OPEN' } }),
    by_risk: approval({
      group: 'risk',
      codes: { true: 'RISK_OK', false: 'RISK_NO', unknown: 'RISK_OPEN' },
    }),
  }),
  policyOf(
    'signed_gate',
    { paper: state('paper', { waivable: true }) },
    {
      review: { require_signature: true },
    },
  ),
  policyOf(
    'brief_gate',
    { paper: state('paper', { waivable: true }) },
    { review: { due_seconds: 60 } },
  ),
];

let directory: string;
let gate: Gate;
/** Milliseconds by which the server's clock is ahead. */
let ahead = 0;

async function start(): Promise<void> {
  gate = await openGate({ directory, now: () => Date.now() + ahead, sweepMs: 50 });
}

beforeAll(async () => {
  directory = temporaryDirectory();
  await (await openGate({ directory })).stop();
  await addPolicies(directory, POLICIES);
  await start();
});
afterAll(() => gate.close());

const ask = (workflow: string, context: Members = {}): Promise<Members> =>
  gate.decide({ question: 'May it?', context: { workflow, ...ASKED, ...context } });

const word = (record: Members, changes: Members = {}): Members => ({
  resolution: 'approve',
  reviewer: { id: 'ada', group: 'owners' },
  reason: 'Seen the paper on the desk.',
  decision_record_hash: record['record_hash'],
  ...changes,
});

const say = (record: Members, changes: Members = {}, headers: Record<string, string> = {}) =>
  gate.post(pathOf(record, '/review'), word(record, changes), headers);

const by = (id: string, group = 'owners'): Members => ({ reviewer: { id, group } });

const childOf = ({ body }: Answer): Members => at(body, 'decision_record') as Members;

async function lookup(record: Members): Promise<Members> {
  return (await gate.get(pathOf(record))).body;
}

async function stateOf(record: Members): Promise<unknown> {
  return (await lookup(record))['lifecycle_state'];
}

/** A record that waits because its paper is missing. */
const waiting = (context: Members = {}): Promise<Members> =>
  ask('waiver_gate', { stock: 'ok', hard: 'ok', ...context });

const verified = async (record: Members): Promise<unknown> =>
  (await gate.get(pathOf(record, '/verify'))).body['verified'];

const reproduced = async (record: Members): Promise<unknown> =>
  (await gate.get(pathOf(record, '/replay'))).body;

describe('approving', () => {
  it('D-99 a waivable Unknown becomes a linked yes with the hash of its parent; a hard False stays no', async () => {
    const parent = await waiting();
    expect(parent['verdict']).toBe('review');
    const answer = await say(parent, { satisfies: ['paper'] });
    expect(answer.status).toBe(201);
    const child = childOf(answer);
    expect(child).toMatchObject({
      verdict: 'yes',
      action: 'act',
      lifecycle_state: 'authorized',
      parent_decision_id: parent['decision_id'],
      parent_record_hash: parent['record_hash'],
      decision_contract: {
        authority: 'binding',
        production_verdict: true,
        source: 'owner_resolution',
      },
      input_hash: parent['input_hash'],
      policy_id: parent['policy_id'],
      policy_version: parent['policy_version'],
      policy_hash: parent['policy_hash'],
      action_binding: parent['action_binding'],
      action_binding_hash: parent['action_binding_hash'],
      review: {
        resolution: 'approve',
        reviewer: { id: 'ada', group: 'owners' },
        satisfies: ['paper'],
        reason_hash: hexOf('"Seen the paper on the desk."'),
        quorum: { needed: 1, have: 1 },
      },
    });
    expect(child['decision_id']).not.toBe(parent['decision_id']);
    expect(Date.parse(String(child['valid_until']))).toBe(
      Date.parse(String(child['created_at'])) + 900_000,
    );
    expect(answer.headers.get('x-decide-record-hash')).toBe(child['record_hash']);

    const hard = await waiting({ hard: 'bad' });
    expect(hard['verdict']).toBe('no');
    expect((await say(hard, { satisfies: ['paper'] })).body['error']).toBe(
      'DECIDE_REVIEW_NOT_OPEN',
    );
    // Undecided when it was asked, and over when the owner says yes.
    const soon = await waiting({ expires_at: new Date(Date.now() + ahead + 30_000).toISOString() });
    expect(soon['verdict']).toBe('review');
    ahead += 31_000;
    const late = childOf(await say(soon, { satisfies: ['paper'] }));
    expect(late['verdict']).toBe('no');
    expect(late['evidence']).toContain('REQUEST_EXPIRED');
  });

  it('what was waived or overridden keeps the code of what was found, and says so', async () => {
    const waived = childOf(await say(await waiting(), { satisfies: ['paper'] }));
    expect(waived['evidence']).toEqual(['PAPER_OPEN', 'STOCK_OK', 'HARD_OK']);
    expect(listAt(waived, 'evidence_checks')[0]).toMatchObject({
      name: 'paper',
      state: 'true',
      code: 'PAPER_OPEN',
      note: 'WAIVED_BY_OWNER',
    });
    const parent = await ask('either_gate', { hard: 'ok', stock: 'bad' });
    expect(parent['verdict']).toBe('review');
    const overridden = childOf(await say(parent, { satisfies: ['stock'] }));
    expect(overridden['verdict']).toBe('yes');
    expect(listAt(overridden, 'evidence_checks')).toContainEqual(
      expect.objectContaining({ name: 'stock', code: 'STOCK_BAD', note: 'OVERRIDDEN_BY_OWNER' }),
    );
    expect(JSON.stringify(await reproduced(overridden))).toContain('"reproduced":true');
  });

  it('the parent stays as it is and is superseded; both verify, and the child replays', async () => {
    const parent = await waiting();
    const child = childOf(await say(parent, { satisfies: ['paper'] }));
    const after = await lookup(parent);
    const late = ['lifecycle_state', 'superseded_by', 'ledger_proof'];
    expect(without(after['decision_record'] as Members, ...late)).toEqual(without(parent, ...late));
    expect(after['lifecycle_state']).toBe('superseded');
    expect(at(after, 'decision_record.superseded_by')).toBe(child['decision_id']);
    expect(after['children']).toEqual([child['decision_id']]);
    expect(await verified(parent)).toBe(true);
    expect(await verified(child)).toBe(true);
    expect(JSON.stringify(await reproduced(child))).toContain('"reproduced":true');
    expect(JSON.stringify(await reproduced(parent))).toContain('"reproduced":true');
  });

  it('the resolution is an artefact of its own with its place and its proof', async () => {
    const parent = await waiting();
    const { body } = await say(parent, { satisfies: ['paper'] });
    const review = body['review'] as Members;
    expect(review).toMatchObject({
      decision_id: parent['decision_id'],
      decision_record_hash: parent['record_hash'],
      resolution: 'approve',
      settled: true,
      resolved_decision_id: at(body, 'decision_record.decision_id'),
      resolved_record_hash: at(body, 'decision_record.record_hash'),
      resolved_verdict: 'yes',
    });
    const seal = ['review_hash', 'review_key_id', 'review_signature'];
    expect(review['review_hash']).toBe(
      canonicalHash(without(review, ...seal, 'audit_chain', 'ledger', 'ledger_proof')),
    );
    expect(at(review, 'ledger_proof')).toBeDefined();
  });

  it('is evidence and no switch: without a word about the open condition it is still a review', async () => {
    const parent = await waiting();
    const answer = await say(parent);
    expect([answer.status, childOf(answer)['verdict']]).toEqual([201, 'review']);
    expect(at(answer.body, 'review.settled')).toBe(false);
    expect(await stateOf(parent)).toBe('in_review');
    const child = childOf(answer);
    expect(await stateOf(child)).toBe('in_review');
    // The item stays on the parent, and with its time.
    expect((await say(child)).status).toBe(409);
    expect(at(child, 'route.due_at')).toBe(at(parent, 'route.due_at'));
  });

  it('lifts nothing with references of its own, which stand in the new record', async () => {
    const first = { id: 'doc_1', type: 'paper', observed_at: '2026-01-01T00:00:00.000Z' };
    const second = { id: 'doc_2', type: 'scan', observed_at: '2026-01-01T00:00:00.000Z' };
    const parent = await waiting({ evidence_refs: [first] });
    const { body } = await say(parent, { satisfies: ['paper'], evidence_refs: [second] });
    expect(at(body, 'decision_record.evidence_manifest.sources')).toEqual([first, second]);
    expect(at(body, 'review.evidence_refs')).toEqual([second]);
    expect(await verified(body['decision_record'] as Members)).toBe(true);

    const many = Array.from({ length: 15 }, (_, place) => ({ id: `doc_${place}`, type: 'paper' }));
    const full = await waiting({ evidence_refs: many });
    const over = await say(full, { satisfies: ['paper'], evidence_refs: [first, second] });
    expect([over.status, listAt(over.body, 'errors')[0]?.['field']]).toEqual([
      422,
      'evidence_refs',
    ]);
    expect((await say(full, { satisfies: ['paper'], evidence_refs: [first] })).status).toBe(201);
  });

  it.each([
    ['a hard condition', ['hard']],
    ['a condition that holds', ['stock']],
    ['a condition that is not there', ['constructor']],
    ['a built-in one', ['paper', 'builtin.policy_bound']],
  ])('cannot set aside %s', async (_, satisfies) => {
    const parent = await ask('waiver_gate', { stock: 'ok' });
    const before = await gate.size();
    const { status, body } = await say(parent, { satisfies });
    expect([status, body['error']]).toEqual([422, 'DECIDE_REVIEW_NOT_WAIVABLE']);
    expect(listAt(body, 'errors')[0]?.['field']).toBe(`satisfies[${satisfies.length - 1}]`);
    expect(await gate.size()).toBe(before);
  });

  it('the same key gives the same answer, another word under it is a conflict', async () => {
    const parent = await waiting();
    const first = await say(parent, { satisfies: ['paper'] }, once('review-1'));
    const again = await say(
      parent,
      { satisfies: ['paper'], response_view: 'full' },
      once('review-1'),
    );
    expect([again.status, again.headers.get('x-idempotent-replay')]).toEqual([201, '1']);
    expect(again.text).toBe(first.text);
    const other = await say(parent, { resolution: 'deny' }, once('review-1'));
    expect([other.status, other.body['error']]).toEqual([409, 'DECIDE_API_IDEMPOTENCY_CONFLICT']);
  });

  it('may be asked for in a view', async () => {
    const parent = await waiting();
    const { body } = await say(parent, { satisfies: ['paper'], response_view: 'minimal' });
    expect(at(body, 'decision_record.record_view')).toBe('minimal');
    expect(at(body, 'decision_record.review')).toBeUndefined();
  });

  it('gives a permission that can be executed once', async () => {
    const child = childOf(await say(await waiting(), { satisfies: ['paper'] }));
    const done = await gate.post(pathOf(child, '/execution'), executedOf(child));
    expect(done.status).toBe(201);
    expect(await stateOf(child)).toBe('executed');
  });
});

const executedOf = (record: Members): Members => ({
  execution_status: 'executed',
  action_taken: 'act',
  target_system: 'erp',
  target_object_id: 'src_1',
  mutation: 'act.do',
  state_before_hash: 'sha256:before',
  state_after_hash: 'sha256:after',
  ...linksTo(record),
});

const claimOf = (): Members => ({
  action_taken: 'act',
  target_system: 'erp',
  target_object_id: 'src_1',
  mutation: 'act.do',
  parameters: {},
  executor: { type: 'worker', id: 'worker-1' },
});

describe('denying', () => {
  it('D-100 gives a linked no with OWNER_DENIED, and the parent is unchanged', async () => {
    const parent = await waiting();
    const answer = await say(parent, { resolution: 'deny' });
    expect(answer.status).toBe(201);
    const child = childOf(answer);
    expect(child).toMatchObject({
      verdict: 'no',
      action: 'refuse',
      parent_decision_id: parent['decision_id'],
      parent_record_hash: parent['record_hash'],
      decision_contract: { source: 'owner_resolution' },
    });
    expect(child['evidence']).toContain('OWNER_DENIED');
    expect(child['valid_until']).toBeUndefined();
    const after = (await lookup(parent))['decision_record'] as Members;
    expect([after['verdict'], after['record_hash'], after['lifecycle_state']]).toEqual([
      'review',
      parent['record_hash'],
      'superseded',
    ]);
    expect(await verified(parent)).toBe(true);
    expect(await verified(child)).toBe(true);
    expect((await say(parent, { satisfies: ['paper'], ...by('ben') })).status).toBe(409);
  });

  it('takes an approval back while nobody has used the permission', async () => {
    const parent = await waiting();
    const yes = childOf(await say(parent, { satisfies: ['paper'] }));
    expect((await say(parent, { resolution: 'deny', ...by('ben') })).status).toBe(409);
    const answer = await say(parent, { resolution: 'deny' });
    const no = childOf(answer);
    expect([answer.status, no['verdict']]).toEqual([201, 'no']);
    expect(await stateOf(yes)).toBe('superseded');
    expect(at(await lookup(yes), 'decision_record.superseded_by')).toBe(no['decision_id']);
    expect(at(await lookup(parent), 'decision_record.superseded_by')).toBe(no['decision_id']);
    expect(JSON.stringify(await reproduced(yes))).toContain('"reproduced":true');
    expect(JSON.stringify(await reproduced(no))).toContain('"reproduced":true');

    const claim = await gate.post(pathOf(yes, '/claim'), claimOf());
    expect([claim.status, claim.body['reason']]).toEqual([409, 'SUPERSEDED']);
    const used = await gate.post(pathOf(yes, '/execution'), executedOf(yes));
    expect([used.status, at(used.body, 'execution.binding_mismatch_reasons')]).toEqual([
      409,
      ['SUPERSEDED'],
    ]);
    expect((await say(parent, { resolution: 'deny' })).status).toBe(409);
  });

  it.each([
    ['/claim', claimOf],
    ['/execution', executedOf],
  ])('after a %s opens an incident and takes nothing back', async (route, body) => {
    const parent = await waiting();
    const yes = childOf(await say(parent, { satisfies: ['paper'] }));
    expect((await gate.post(pathOf(yes, route), body(yes))).body['ok']).toBe(true);
    const before = await gate.size();
    const late = await say(parent, { resolution: 'deny' }, once(`late-${route}`));
    expect(late.status).toBe(409);
    expect(late.body).toMatchObject({
      error: 'DECIDE_REVIEW_NOT_OPEN',
      recorded: true,
      review: {
        kind: 'incident',
        decision_id: yes['decision_id'],
        reasons: ['DENIED_AFTER_USE'],
        denied_by: { id: 'ada', group: 'owners' },
      },
    });
    expect(await gate.size()).toBe(before + 1);
    const again = await say(parent, { resolution: 'deny' }, once(`late-${route}`));
    expect([again.text === late.text.replace(/req_\w+/, requestIdOf(again)), again.status]).toEqual(
      [true, 409],
    );
    expect((await say(parent, { resolution: 'deny' })).body['recorded']).toBeUndefined();
    expect(await gate.size()).toBe(before + 1);
    expect(await stateOf(yes)).not.toBe('superseded');

    const items = listAt((await gate.get('/api/decision/reviews')).body, 'items');
    expect(items[0]).toMatchObject({ kind: 'incident', decision_id: yes['decision_id'] });
    const settled = await say(yes, { resolution: 'acknowledge', ...by('ben') });
    expect([settled.status, childOf(settled)]).toEqual([201, undefined]);
    const left = listAt((await gate.get('/api/decision/reviews')).body, 'items');
    expect(left.map((one) => one['decision_id'])).not.toContain(yes['decision_id']);
  });
});

const requestIdOf = ({ body }: Answer): string => String(body['request_id']);

describe('who may speak', () => {
  it('D-101 requester and actor are 403, an expired item is 409, a quorum of two needs two persons', async () => {
    const parent = await ask('waiver_gate', {
      stock: 'ok',
      hard: 'ok',
      actor: 'agent-7',
      requester: 'Ada@example.com',
    });
    for (const id of ['agent-7', 'ada@example.com']) {
      const { status, body } = await say(parent, { satisfies: ['paper'], ...by(id) });
      expect([id, status, body['error']]).toEqual([id, 403, 'DECIDE_REVIEW_REVIEWER_FORBIDDEN']);
    }
    expect((await say(parent, { satisfies: ['paper'], ...by('ben') })).status).toBe(201);

    const brief = await ask('brief_gate');
    ahead += 60_001;
    const late = await say(brief, { satisfies: ['paper'] });
    expect([late.status, late.body['error']]).toEqual([409, 'DECIDE_REVIEW_NOT_OPEN']);

    const two = await ask('two_gate', { paper: 'ok' });
    expect(childOf(await say(two))['verdict']).toBe('review');
    for (const again of ['ada', 'Ada']) expect((await say(two, by(again))).status).toBe(403);
    const second = await say(two, by('ben'));
    expect(childOf(second)).toMatchObject({
      verdict: 'yes',
      review: { quorum: { needed: 2, have: 2 } },
    });
  });

  it('nobody of another group, another tenant, or about another record', async () => {
    const parent = await waiting();
    const forbidden = await say(parent, { satisfies: ['paper'], ...by('cleo', 'finance') });
    expect(forbidden.status).toBe(403);
    const foreign = await say(parent, {}, { 'x-api-key': OTHER_KEY });
    expect(foreign.status).toBe(404);
    const other = await say(parent, { decision_record_hash: 'a'.repeat(64) });
    expect([other.status, listAt(other.body, 'errors')[0]?.['field']]).toEqual([
      422,
      'decision_record_hash',
    ]);
  });

  it('whoever is asked for an approval, besides the owner; one person for one group', async () => {
    const parent = await ask('groups_gate', { paper: 'ok' });
    expect(childOf(await say(parent))['verdict']).toBe('review');
    expect((await say(parent, by('ada', 'risk'))).status).toBe(403);
    const queue = await gate.get('/api/decision/reviews?group=risk');
    expect(listAt(queue.body, 'items')[0]).toMatchObject({
      decision_id: parent['decision_id'],
      approvals: [{ group: 'risk', needed: 1, have: 0 }],
    });
    expect(childOf(await say(parent, by('rita', 'risk')))['verdict']).toBe('yes');
  });

  it('a condition is set aside by as many as the policy asks for', async () => {
    const parent = await ask('pair_gate');
    const first = childOf(await say(parent, { satisfies: ['paper'] }));
    expect(first).toMatchObject({ verdict: 'review', review: { quorum: { needed: 2, have: 1 } } });
    const second = childOf(await say(parent, by('ben')));
    expect(second['verdict']).toBe('yes');
    expect(await verified(second)).toBe(true);
    expect(JSON.stringify(await reproduced(second))).toContain('"reproduced":true');
    expect(JSON.stringify(await reproduced(first))).toContain('"reproduced":true');
  });

  it('two at once are both counted: there is one yes at the end', async () => {
    for (let round = 0; round < 5; round += 1) {
      const parent = await ask('two_gate', { paper: 'ok' });
      const answers = await Promise.all([say(parent, by('ada')), say(parent, by('ben'))]);
      expect(answers.map(({ status }) => status)).toEqual([201, 201]);
      const verdicts = answers.map((answer) => childOf(answer)['verdict']);
      expect(new Set(verdicts)).toEqual(new Set(['review', 'yes']));
      expect(listAt(await lookup(parent), 'children')).toHaveLength(2);
      expect(await stateOf(parent)).toBe('superseded');
    }
  });

  it('a denial and a claim at once: taken back, or an incident, never both', async () => {
    const outcomes = new Set<string>();
    for (let round = 0; round < 6; round += 1) {
      const parent = await waiting();
      const yes = childOf(await say(parent, { satisfies: ['paper'] }));
      const [denied, claimed] = await Promise.all([
        say(parent, { resolution: 'deny' }),
        gate.post(pathOf(yes, '/claim'), claimOf()),
      ]);
      outcomes.add(`${denied.status} ${claimed.status}`);
    }
    for (const one of outcomes) expect(['201 409', '409 200']).toContain(one);
  });

  it('nobody once another version of the policy is in force', async () => {
    const parent = await waiting();
    await gate.stop();
    const [first] = POLICIES;
    await addPolicies(directory, [{ ...first, version: 'v2' }]);
    await start();
    const { status, body } = await say(parent, { satisfies: ['paper'] });
    expect([status, body['error']]).toEqual([409, 'DECIDE_REVIEW_POLICY_CHANGED']);
    expect((await say(await waiting(), { satisfies: ['paper'] })).status).toBe(201);
  });
});

describe('a signed word', () => {
  const ada = generateKeyPairSync('ed25519');
  const eve = generateKeyPairSync('ed25519');

  /** What the holder of `key` sends about a record. */
  async function assertion(record: Members, key: KeyObject, keyId: string, said: Members = {}) {
    const text = canonicalText({
      review_id: at(await lookup(record), 'review.review_id'),
      decision_record_hash: record['record_hash'],
      resolution: 'approve',
      satisfies: ['paper'],
      reason_hash: hexOf('"Seen the paper on the desk."'),
      ...said,
    });
    const signature = `ed25519:${sign(null, Buffer.from(text), key).toString('base64url')}`;
    return { satisfies: ['paper'], reviewer_assertion: { key_id: keyId, signature } };
  }

  it('is demanded where the policy says so, and must be right', async () => {
    const parent = await ask('signed_gate');
    expect((await say(parent, { satisfies: ['paper'] })).status).toBe(403);
    // Nobody is enrolled, so no signature can be right.
    expect((await say(parent, await assertion(parent, ada.privateKey, 'rvk_1'))).status).toBe(403);

    const store = openSqlite(dataPaths(directory).database);
    const raw = publicKeyFromPem(ada.publicKey.export({ type: 'spki', format: 'pem' }) as string);
    if (raw === undefined) throw new Error('no key');
    await store.writeTenant(TENANT, '{"note":"stays"}');
    const enrolled = await enrolReviewer(store, TENANT, {
      id: 'ada',
      groups: ['owners'],
      publicKey: raw,
    });
    try {
      const wrong = [
        await assertion(parent, eve.privateKey, enrolled.key_id),
        await assertion(parent, ada.privateKey, 'rvk_other'),
        await assertion(parent, ada.privateKey, enrolled.key_id, { resolution: 'deny' }),
        await assertion(parent, ada.privateKey, enrolled.key_id, { satisfies: [] }),
        await assertion(parent, ada.privateKey, enrolled.key_id, { review_id: 'rev_other' }),
        { satisfies: ['paper'] },
      ];
      for (const one of wrong) expect((await say(parent, one)).status).toBe(403);
      const right = await assertion(parent, ada.privateKey, enrolled.key_id);
      expect((await say(parent, { ...right, ...by('ben') })).status).toBe(403);
      const child = childOf(await say(parent, right));
      expect(child).toMatchObject({
        verdict: 'yes',
        review: { reviewer_signature: right.reviewer_assertion },
      });

      // Where somebody is enrolled, nobody else is heard, signature or not.
      const plain = await waiting();
      expect((await say(plain, { satisfies: ['paper'], ...by('ben') })).status).toBe(403);
      expect((await say(plain, { satisfies: ['paper'] })).status).toBe(201);
      expect(await store.readTenant(TENANT)).toContain('"note":"stays"');
    } finally {
      expect(await removeReviewer(store, TENANT, 'ada')).toBe(1);
      await store.close();
    }
  });
});

describe('the queue', () => {
  it('shows what is missing, and what a reviewer can do about it', async () => {
    const parent = await ask('waiver_gate', { stock: 'ok' });
    const [item] = listAt((await gate.get('/api/decision/reviews?limit=1')).body, 'items');
    expect(item).toMatchObject({
      kind: 'decision',
      decision_id: parent['decision_id'],
      decision_record_hash: parent['record_hash'],
      policy_id: 'waiver_gate',
      group: 'owners',
      path: 'owners/desk',
      status: 'open',
      due_at: at(parent, 'route.due_at'),
      checks: [
        { name: 'paper', state: 'unknown', code: 'PAPER_OPEN', fields: ['context.paper'] },
        { name: 'hard', state: 'unknown', code: 'HARD_OPEN', fields: ['context.hard'] },
      ],
      waivable: ['paper'],
      overridable: [],
      approvals: [],
    });
  });

  it('goes on with its cursor, newest first, and nothing is seen twice or left out', async () => {
    const made: unknown[] = [];
    for (let count = 0; count < 5; count += 1) made.unshift((await waiting())['decision_id']);
    const seen: unknown[] = [];
    let cursor = '';
    while (seen.length < 5) {
      const { body } = await gate.get(`/api/decision/reviews?limit=2${cursor}`);
      seen.push(...listAt(body, 'items').map((item) => item['decision_id']));
      cursor = `&cursor=${String(body['next_cursor'])}`;
    }
    expect(seen.slice(0, 5)).toEqual(made);
    expect((await gate.get('/api/decision/reviews?cursor=x')).status).toBe(400);
    const foreign = await gate.get('/api/decision/reviews', { 'x-api-key': OTHER_KEY });
    expect(foreign.body['items']).toEqual([]);
  });

  it('moves an item from open to resolved', async () => {
    const parent = await waiting();
    const ids = async (status: string): Promise<unknown[]> =>
      listAt(
        (await gate.get(`/api/decision/reviews?status=${status}&limit=200`)).body,
        'items',
      ).map((item) => item['decision_id']);
    expect(await ids('open')).toContain(parent['decision_id']);
    expect(await ids('resolved')).not.toContain(parent['decision_id']);
    await say(parent, { resolution: 'deny' });
    expect(await ids('open')).not.toContain(parent['decision_id']);
    expect(await ids('resolved')).toContain(parent['decision_id']);
  });
});

describe('time', () => {
  it('ends a review by the clock, then the sweep notes it, also after a restart, and once', async () => {
    const parent = await ask('brief_gate');
    const undecided = childOf(await say(parent));
    expect(undecided['verdict']).toBe('review');
    await gate.stop();
    ahead += 60_001;
    gate = await openGate({ directory, now: () => Date.now() + ahead, sweepMs: 3_600_000 });
    // The sweep of the start may or may not have been here: it makes no difference.
    expect(await stateOf(parent)).toBe('expired');
    expect(await stateOf(undecided)).toBe('expired');
    expect((await say(parent, by('ben'))).status).toBe(409);
    await expect
      .poll(async () => listAt(await lookup(parent), 'review.resolutions').at(-1)?.['resolution'])
      .toBe('expired');
    expect(await stateOf(parent)).toBe('expired');
    const expired = await gate.get('/api/decision/reviews?status=expired&limit=200');
    expect(listAt(expired.body, 'items').map((item) => item['decision_id'])).toContain(
      parent['decision_id'],
    );

    await gate.stop();
    await start();
    await new Promise((done) => setTimeout(done, 200));
    const said = listAt(await lookup(parent), 'review.resolutions');
    expect(said.filter(({ resolution }) => resolution === 'expired')).toHaveLength(1);
  });
});

describe('a mismatch', () => {
  /** A permission that something else was done under. */
  async function mismatched(): Promise<Members> {
    const record = await ask('waiver_gate', { paper: 'ok', stock: 'ok', hard: 'ok' });
    expect(record['verdict']).toBe('yes');
    const other = { ...executedOf(record), action_taken: 'something_else' };
    expect((await gate.post(pathOf(record, '/execution'), other)).status).toBe(409);
    return record;
  }

  it.each(['acknowledge', 'revert_required'])(
    'is closed by %s, which permits nothing',
    async (resolution) => {
      const record = await mismatched();
      expect(await stateOf(record)).toBe('mismatch');
      const before = await gate.size();
      const answer = await say(record, { resolution }, once(`settle-${resolution}`));
      expect(answer.status).toBe(201);
      expect(answer.body).toMatchObject({ ok: true, review: { resolution, settled: true } });
      expect(answer.body['decision_record']).toBeUndefined();
      expect(await gate.size()).toBe(before + 1);
      expect(await stateOf(record)).toBe('closed');
      expect((await lookup(record))['children']).toEqual([]);
      const again = await say(record, { resolution }, once(`settle-${resolution}`));
      expect([again.status, again.text]).toEqual([201, answer.text]);
      expect((await say(record, { resolution })).status).toBe(409);
    },
  );

  it.each(['approve', 'deny'])('is not answered by %s', async (resolution) => {
    const record = await mismatched();
    const { status, body } = await say(record, { resolution });
    expect([status, listAt(body, 'errors')[0]?.['field']]).toEqual([422, 'resolution']);
    expect(await stateOf(record)).toBe('mismatch');
  });

  it('and a verdict is not answered by acknowledging it', async () => {
    const parent = await waiting();
    const { status, body } = await say(parent, { resolution: 'acknowledge' });
    expect([status, listAt(body, 'errors')[0]?.['field']]).toEqual([422, 'resolution']);
  });

  it('does not expire', async () => {
    const record = await mismatched();
    ahead += 86_400_000 + 1;
    await new Promise((done) => setTimeout(done, 200));
    expect(await stateOf(record)).toBe('mismatch');
    expect((await say(record, { resolution: 'acknowledge' })).status).toBe(201);
  });
});
