import {
  COMMON_ERRORS,
  type ErrorCode,
  errors,
  type OperationName,
  operations,
} from '@countersign/contract';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { dataPaths } from '../../src/main.ts';
import { changeTenantSettings } from '../../src/service/tenants.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { adapterFault } from '../faulty-adapter.ts';
import { faults } from '../faulty-writer.ts';
import {
  type Answer,
  addKey,
  at,
  billing,
  claimed,
  editRecord,
  executed,
  type Gate,
  KEY,
  type Members,
  once,
  openGate,
  outcome,
  pathOf,
  reviewed,
  TENANT,
  tamper,
  temporaryDirectory,
} from '../harness.ts';
import { PARCELS, SMALL, SOLANA, TREASURY } from './rulebook-fixtures.ts';

vi.mock('../../src/store/thread.ts', async () => {
  const { startFaultyWriter } = await import('../faulty-writer.ts');
  return { startWriterThread: startFaultyWriter };
});

vi.mock('../../src/adapters/isolate.ts', async (original) => {
  const { faultyIsolation } = await import('../faulty-adapter.ts');
  return faultyIsolation(await original());
});

/** Stands wherever a caller may write: no refusal repeats it. */
const MARKER = 'repeat-me-not';

let gate: Gate;
let live: Gate;
let liveKey: string;
let limited: Gate;

beforeAll(async () => {
  gate = await openGate({
    extend: (app) => {
      app.get('/throws', () => {
        throw new Error(`something with ${MARKER}`);
      });
    },
  });
  const directory = temporaryDirectory();
  liveKey = await addKey(directory, { environment: 'live' });
  live = await openGate({ directory, environment: 'live' });
  limited = await openGate({ rateLimits: true });
});
afterEach(() => {
  faults.signing = false;
  faults.commit = undefined;
  adapterFault.body = undefined;
  vi.useRealTimers();
});
afterAll(async () => {
  await gate.close();
  await live.close();
  await limited.close();
});

describe('a fault of the writer', () => {
  it('D-14 without the signing key there is no decision: 503, and the status is not_ready', async () => {
    const before = await gate.size();
    faults.signing = true;
    const { status, body, headers } = await gate.post('/api/decide', billing(), once('unsigned'));
    expect([status, body['error']]).toEqual([503, 'DECIDE_SIGNING_UNAVAILABLE']);
    expect(body).toMatchObject({ retryable: true });
    expect(headers.get('retry-after')).toBe('1');
    expect(body).not.toHaveProperty('verdict');
    const during = await gate.get('/api/decision/status');
    expect(during.body).toMatchObject({
      status: 'not_ready',
      accepting_decisions: false,
      checks: { signer: 'failed' },
      ledger: { tree_size: before },
    });
    expect((await gate.get('/readyz')).status).toBe(503);
    faults.signing = false;
    expect((await gate.post('/api/decide', billing(), once('unsigned'))).status).toBe(200);
    expect((await gate.get('/api/decision/status')).body).toMatchObject({ status: 'ready' });
    expect(await gate.size()).toBe(before + 1);
  });

  it('a commit that left nothing: 503, and the same key decides afterwards', async () => {
    const before = await gate.size();
    faults.commit = 'drops';
    const refused = await gate.post('/api/decide', billing(), once('dropped'));
    expect([refused.status, refused.body['error']]).toEqual([503, 'DECIDE_LEDGER_UNAVAILABLE']);
    expect(refused.body).not.toHaveProperty('verdict');
    expect((await gate.get('/api/decision/status')).body).toMatchObject({
      accepting_decisions: false,
      checks: { ledger_append: 'failed', storage: 'ok' },
    });
    faults.commit = undefined;
    expect(await gate.size()).toBe(before);
    const decided = await gate.post('/api/decide', billing(), once('dropped'));
    expect([decided.status, decided.headers.has('x-idempotent-replay')]).toEqual([200, false]);
    expect(await gate.size()).toBe(before + 1);
  });

  it('a commit whose answer was lost: 503, and the same key is given what was recorded', async () => {
    const before = await gate.size();
    faults.commit = 'keeps';
    const refused = await gate.post('/api/decide', billing(), once('kept'));
    expect([refused.status, refused.body['error']]).toEqual([503, 'DECIDE_LEDGER_UNAVAILABLE']);
    expect(refused.body).not.toHaveProperty('verdict');
    faults.commit = undefined;
    const again = await gate.post('/api/decide', billing(), once('kept'));
    expect([again.status, again.headers.get('x-idempotent-replay')]).toEqual([200, '1']);
    expect(await gate.size()).toBe(before + 1);
    // The next one continues from what is really there.
    const next = await gate.decide(billing());
    expect(at(next, 'ledger.seq')).toBe(before + 1);
    const { body } = await gate.get(pathOf(next, '/packet?chain_limit=3'));
    expect(at(body, 'packet.audit_chain.chain_size')).toBe(at(next, 'audit_chain.chain_position'));
  });
});

/** For each code of the catalogue: the operation that answers it, and how to make it. */
const PROVOKED: Record<ErrorCode, readonly [OperationName | undefined, () => Promise<Answer>]> = {
  DECIDE_API_UNAUTHORIZED: ['decide', () => ask(billing(), { 'x-api-key': MARKER })],
  DECIDE_EXECUTION_UNAUTHORIZED: [
    'recordExecution',
    async () => report('execution', await decided(), { 'x-api-key': '' }),
  ],
  DECIDE_OUTCOME_UNAUTHORIZED: [
    'recordOutcome',
    async () => report('outcome', await decided(), { 'x-api-key': '' }),
  ],
  DECIDE_CRM_SYNC_UNAUTHORIZED: [
    'recordCrmSync',
    async () => synced(await decided(), { 'x-api-key': '' }),
  ],
  DECIDE_CHAIN_UNAUTHORIZED: [
    'decisionChain',
    () => gate.get(CHAIN_OF_NOBODY, { 'x-api-key': MARKER }),
  ],
  DECIDE_API_BROWSER_ORIGIN_FORBIDDEN: [
    'decide',
    () =>
      live.post('/api/decide', billing(), {
        'x-api-key': liveKey,
        origin: `https://${MARKER}.example`,
      }),
  ],
  DECIDE_API_RATE_LIMITED: [
    'decisionPacket',
    async () => {
      const record = await limited.decide(billing());
      const asked = Array.from({ length: 31 }, () => limited.get(pathOf(record, '/packet')));
      const refused = (await Promise.all(asked)).find(({ status }) => status === 429);
      return refused ?? Promise.reject(new Error('31 packets in a minute'));
    },
  ],
  DECIDE_API_MONTHLY_CAP_EXCEEDED: [
    'decide',
    async () => {
      const directory = temporaryDirectory();
      const store = openSqlite(dataPaths(directory).database);
      await changeTenantSettings(store, TENANT, { monthly_cap: 0 });
      await store.close();
      const capped = await openGate({ directory });
      const answer = await capped.post('/api/decide', billing({ note: MARKER }));
      await capped.close();
      return answer;
    },
  ],
  DECIDE_CONTEXT_SECRET_FORBIDDEN: ['decide', () => ask(billing({ api_key: MARKER }))],
  DECIDE_REPORT_UNAUTHORIZED: [
    'policyAnomalies',
    () => gate.get(`${POLICIES}/pricing_exception/anomalies`, { 'x-api-key': MARKER }),
  ],
  DECIDE_API_IDEMPOTENCY_CONFLICT: [
    'decide',
    async () => {
      await ask(billing(), once('conflict'));
      return ask(billing({ customer_id: MARKER }), once('conflict'));
    },
  ],
  DECIDE_API_IDEMPOTENCY_IN_PROGRESS: [
    'decide',
    async () => {
      faults.commit = 'is slow';
      const asked = Array.from({ length: 20 }, () => ask(billing(), once('progress')));
      const refused = (await Promise.all(asked)).find(({ status }) => status === 409);
      return refused ?? Promise.reject(new Error('none of 20 was in progress'));
    },
  ],
  DECIDE_EXECUTION_IDEMPOTENCY_CONFLICT: [
    'recordExecution',
    async () => {
      const record = await decided();
      await report('execution', record, once('conflict'));
      return report('execution', record, once('conflict'), { execution_id: MARKER });
    },
  ],
  DECIDE_OUTCOME_IDEMPOTENCY_CONFLICT: [
    'recordOutcome',
    async () => {
      const record = await decided();
      await report('outcome', record, once('conflict'), { outcome_status: 'pending' });
      return report('outcome', record, once('conflict'), {
        outcome_status: 'pending',
        external_ref: MARKER,
      });
    },
  ],
  DECIDE_API_IDEMPOTENCY_KEY_REQUIRED: [
    'decide',
    () => ask(billing({ workflow: 'refund_review' })),
  ],
  DECIDE_API_INVALID_JSON: ['decide', () => ask(`{"question":"${MARKER}"`)],
  DECIDE_API_BODY_TOO_LARGE: ['decide', () => ask(billing({ customer_id: MARKER.repeat(25_000) }))],
  DECIDE_API_MEDIA_TYPE: ['decide', () => ask(billing(), { 'content-type': `text/${MARKER}` })],
  DECIDE_API_INVALID_REQUEST: ['decide', () => ask(billing({}, { question: [MARKER] }))],
  DECIDE_API_INVALID_HEADER: ['decide', () => ask(billing(), once(`${MARKER} ${MARKER}`))],
  DECIDE_API_INVALID_QUERY: [
    'lookupDecision',
    async () => gate.get(pathOf(await decided(), `?include_input=${MARKER}`)),
  ],
  DECIDE_API_NUMBER_INEXACT: ['decide', () => ask('{"question":0.1234567890123456789}')],
  DECIDE_API_MODE_UNSUPPORTED: ['decide', () => ask(billing({}, { mode: MARKER }))],
  DECIDE_POLICY_PIN_STALE: ['decide', () => ask(billing({}, { policy_version: MARKER }))],
  DECIDE_POLICY_NOT_FOUND: ['readPolicy', () => gate.get(`${POLICIES}/${MARKER}`)],
  DECIDE_POLICY_INVALID: [
    'registerPolicy',
    () => put(amounts('invalid_gate', { title: [MARKER] })),
  ],
  DECIDE_POLICY_VERSION_IMMUTABLE: [
    'registerPolicy',
    async () => {
      await put(amounts('immutable_gate'));
      return put(amounts('immutable_gate', { title: MARKER }));
    },
  ],
  DECIDE_POLICY_SELFTEST_FAILED: [
    'registerPolicy',
    () => {
      const tests = amounts('failing_gate')['self_tests'] as Members[];
      const expectation = { verdict: 'no', evidence: ['AMOUNT_LARGE'] };
      const wrong = { ...tests[0], name: 'wrong', expect: expectation };
      return put(amounts('failing_gate', { title: MARKER, self_tests: [...tests, wrong] }));
    },
  ],
  DECIDE_POLICY_ACTIVATION_STALE: [
    'activatePolicy',
    async () => {
      await put(amounts('stale_gate'));
      return activate('stale_gate', { expected_active: MARKER });
    },
  ],
  DECIDE_POLICY_APPROVAL_REQUIRED: [
    'activatePolicy',
    async () => {
      const { body } = await put(amounts('alone_gate'));
      await settings({ four_eyes: true });
      const answer = await activate('alone_gate', { approved_by: body['registered_by'] });
      await settings({});
      return answer;
    },
  ],
  DECIDE_POLICY_WORKFLOW_TAKEN: [
    'activatePolicy',
    async () => {
      await put(amounts('taking_gate', { workflows: ['billing_discount_gate'] }));
      return activate('taking_gate', { approved_by: MARKER });
    },
  ],
  DECIDE_POLICY_SHIFT_UNACKNOWLEDGED: [
    'activatePolicy',
    async () => {
      await put(amounts('shifted_gate'));
      await activate('shifted_gate');
      const asked = { workflow: 'shifted_gate', requested_action: 'pay', source_record_id: MARKER };
      await gate.decide({ question: 'May it?', context: { ...asked, amount: 150 } });
      await put(amounts('shifted_gate', { version: 'v200' }, 200));
      return activate('shifted_gate', { version: 'v200', expected_active: 'v1' });
    },
  ],
  DECIDE_POLICY_STATE_INVALID: [
    'suspendPolicy',
    async () => {
      await put(amounts('draft_gate'));
      return gate.post(`${POLICIES}/draft_gate/suspend`, { reason: MARKER });
    },
  ],
  RULEBOOK_INVALID: ['decide', () => byRulebook({ ...PARCELS, handler: MARKER })],
  RULEBOOK_BINDING_MODE_UNSUPPORTED: [
    'decide',
    () => byRulebook(PARCELS, { binding_mode: MARKER }),
  ],
  RULEBOOK_BINDING_MODE_CONFLICT: [
    'decide',
    () =>
      byRulebook(
        { ...PARCELS, version: MARKER },
        { binding_mode: 'trusted_adapter_facts_then_declarative_rulebook' },
      ),
  ],
  RULEBOOK_ATTESTATION_SIGNATURE_REQUIRED: [
    'decide',
    async () => {
      const signer = vi.spyOn(gate.server.keyring, 'signer').mockReturnValue(undefined);
      const answer = await byRulebook({ ...PARCELS, version: MARKER });
      signer.mockRestore();
      return answer;
    },
  ],
  TRUSTED_ADAPTER_INPUT_CONFLICT: [
    'decide',
    () => byRulebook(TREASURY, { adapter: SOLANA, context: { inputs: { note: MARKER } } }),
  ],
  TRUSTED_ADAPTER_INVALID: ['decide', () => byAdapter({ ...SOLANA, adapter_id: [MARKER] })],
  TRUSTED_ADAPTER_INPUT_INVALID: [
    'decide',
    () => byAdapter({ ...SOLANA, input: { sol_amount: MARKER } }),
  ],
  TRUSTED_ADAPTER_NOT_REGISTERED: ['decide', () => byAdapter({ ...SOLANA, version: '9.9.9' })],
  TRUSTED_ADAPTER_MANIFEST_MISMATCH: [
    'decide',
    () => byAdapter({ ...SOLANA, manifest_hash: '0'.repeat(64) }),
  ],
  TRUSTED_ADAPTER_EXECUTION_FAILED: ['decide', () => faultyAdapter(`throw '${MARKER}';`)],
  TRUSTED_ADAPTER_EXECUTION_TIMEOUT: ['decide', () => faultyAdapter('for (;;);')],
  TRUSTED_ADAPTER_OUTPUT_INVALID: [
    'decide',
    () => faultyAdapter(`return { decision_score: '${MARKER}' };`),
  ],
  TRUSTED_ADAPTER_CAPABILITY_DENIED: ['decide', () => faultyAdapter('return fetch("/");')],
  DECIDE_RULEBOOK_NOT_REGISTERED: [
    'decide',
    () =>
      live.post(
        '/api/decide',
        { rulebook: { ...PARCELS, version: MARKER }, context: { inputs: SMALL } },
        { 'x-api-key': liveKey },
      ),
  ],
  DECIDE_RULEBOOK_NOT_FOUND: [
    'rulebookMetadata',
    () => gate.get(`/api/decision/rulebooks?rulebook_id=${MARKER}&version=1`),
  ],
  RULEBOOK_OUTPUT_MATERIAL_FORBIDDEN: ['decide', () => ask(billing({ verdict: MARKER }))],
  DECIDE_SIGNING_UNAVAILABLE: [
    'decide',
    () => {
      faults.signing = true;
      return ask(billing());
    },
  ],
  DECIDE_STORAGE_UNAVAILABLE: [
    'lookupDecision',
    async () => {
      const record = await decided();
      tamper(gate.directory, 'ALTER TABLE checkpoints RENAME TO elsewhere');
      const answer = await gate.get(pathOf(record));
      tamper(gate.directory, 'ALTER TABLE elsewhere RENAME TO checkpoints');
      return answer;
    },
  ],
  DECIDE_LEDGER_UNAVAILABLE: [
    'decide',
    () => {
      faults.commit = 'drops';
      return ask(billing());
    },
  ],
  DECIDE_CLOCK_UNTRUSTED: [
    'decide',
    async () => {
      const start = Date.now();
      vi.useFakeTimers({ toFake: ['Date'], now: start + 60_000 });
      const early = await openGate();
      await early.decide(billing());
      vi.setSystemTime(start + 57_000);
      const answer = await early.post('/api/decide', billing());
      await early.close();
      return answer;
    },
  ],
  DECIDE_KEY_HISTORY_INVALID: [
    'receiptKeys',
    async () => {
      const { receipts } = gate.server.keyring;
      const { fingerprint } = receipts;
      Object.assign(receipts, { fingerprint: 'f'.repeat(64) });
      const answer = await gate.get('/api/decision/receipt-keys');
      Object.assign(receipts, { fingerprint });
      return answer;
    },
  ],
  DECIDE_DECISION_NOT_FOUND: ['lookupDecision', () => gate.get('/api/decision/dec_repeat_me_not')],
  DECIDE_EXECUTION_LINK_MISMATCH: [
    'recordExecution',
    async () =>
      report(
        'execution',
        await decided(),
        {},
        {
          decision_record_hash: MARKER,
          execution_status: 'skipped',
        },
      ),
  ],
  DECIDE_EXECUTION_NOT_AUTHORIZED: [
    'claimDecision',
    async () => {
      const options = ['a', 'b'].map((id) => ({ option_id: id, context_patch: {} }));
      const advice = await gate.decide(billing({}, { mode: 'multi', options }));
      return gate.post(pathOf(advice, '/claim'), claimed({ mutation: MARKER }));
    },
  ],
  DECIDE_CLAIM_REFUSED: [
    'claimDecision',
    async () => gate.post(pathOf(await decided(), '/claim'), claimed({ mutation: MARKER })),
  ],
  DECIDE_CRM_SYNC_LINK_MISMATCH: [
    'recordCrmSync',
    async () => synced(await decided(), {}, { decision_action: MARKER }),
  ],
  DECIDE_CRM_SYNC_IDEMPOTENCY_CONFLICT: [
    'recordCrmSync',
    async () => {
      const record = await decided();
      await synced(record, once('conflict'));
      return synced(record, once('conflict'), { crm_object_id: MARKER });
    },
  ],
  DECIDE_CHAIN_NOT_FOUND: ['decisionChain', () => gate.get(CHAIN_OF_NOBODY)],
  DECIDE_PLAYGROUND_CLOSED: [
    'playgroundDecide',
    () => live.post('/playground/decide', billing({ customer_id: MARKER })),
  ],
  DECIDE_REVIEW_NOT_OPEN: [
    'resolveReview',
    async () => review(await decided(), { reason: MARKER }),
  ],
  DECIDE_REVIEW_REVIEWER_FORBIDDEN: [
    'resolveReview',
    async () => review(await undecided(), { reviewer: { id: MARKER, group: MARKER } }),
  ],
  DECIDE_REVIEW_NOT_WAIVABLE: [
    'resolveReview',
    async () => review(await undecided(), { resolution: 'approve', satisfies: [MARKER] }),
  ],
  DECIDE_REVIEW_POLICY_CHANGED: [
    'resolveReview',
    async () => {
      await put(amounts('changed_gate'));
      await activate('changed_gate');
      const asked = {
        workflow: 'changed_gate',
        requested_action: 'pay',
        source_record_id: 'src_1',
      };
      const record = await gate.decide({ question: 'May it?', context: asked });
      await put(amounts('changed_gate', { version: 'v2', title: MARKER }));
      await activate('changed_gate', { version: 'v2', expected_active: 'v1' });
      const approve = { resolution: 'approve', satisfies: ['small'] };
      return review(record, { ...approve, reviewer: { id: 'ada', group: 'owners' } });
    },
  ],
  DECIDE_OUTCOME_LINK_MISMATCH: [
    'recordOutcome',
    async () => report('outcome', await decided(), {}, { decision_record_hash: MARKER }),
  ],
  DECIDE_EXECUTION_BINDING_MISMATCH: [
    'recordExecution',
    async () => report('execution', await decided(), {}, { mutation: 'another' }),
  ],
  DECIDE_OUTCOME_UNSUPPORTED_SUCCESS: [
    'recordOutcome',
    async () => report('outcome', await decided(), {}, { external_ref: MARKER }),
  ],
  DECIDE_LIFECYCLE_TRANSITION_INVALID: [
    'recordExecution',
    async () => {
      const no = await gate.decide(billing({ margin_floor: 'failed' }));
      return report('execution', no, {}, { execution_status: 'skipped', execution_id: MARKER });
    },
  ],
  DECIDE_LIFECYCLE_BUSY: [
    'recordExecution',
    async () => {
      const record = await decided();
      faults.commit = 'is stale';
      return report('execution', record, {}, { execution_id: MARKER });
    },
  ],
  DECIDE_REPLAY_OVERRIDE_FORBIDDEN: ['replayDecision', () => replayed({ input: MARKER })],
  DECIDE_REPLAY_MODE_UNSUPPORTED: ['replayDecision', () => replayed({ replay_mode: MARKER })],
  DECIDE_REPLAY_EVALUATOR_UNAVAILABLE: [
    'openReplay',
    async () => {
      const record = await decided();
      editRecord(gate.directory, record, '"decide_core_v1"', '"decide_core_v9"');
      return gate.get(pathOf(record, '/replay'));
    },
  ],
  DECIDE_INPUT_EXPIRED: [
    'openReplay',
    async () => {
      const record = await decided();
      tamper(gate.directory, 'DELETE FROM inputs WHERE seq = ?', at(record, 'ledger.seq'));
      return gate.get(pathOf(record, '/replay'));
    },
  ],
  DECIDE_VERIFY_VIEW_INCOMPLETE: [
    'verifyRecord',
    async () => {
      const record = await gate.decide(billing(), { 'x-decision-response-view': 'minimal' });
      return gate.post('/api/decision/verify', { record });
    },
  ],
  DECIDE_CHECKPOINT_NOT_FOUND: [
    'ledgerCheckpoint',
    () => gate.get('/api/decision/ledger/checkpoint?size=99999999'),
  ],
  DECIDE_API_ROUTE_NOT_FOUND: [undefined, () => gate.get(`/${MARKER}`)],
  DECIDE_API_METHOD_NOT_ALLOWED: [undefined, () => gate.get(`/api/decide?x=${MARKER}`)],
  DECIDE_INTERNAL: [undefined, () => gate.get('/throws')],
};

function ask(body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return gate.post('/api/decide', body, headers);
}

function decided(): Promise<Members> {
  return gate.decide(billing());
}

function report(
  kind: 'execution' | 'outcome',
  record: Members,
  headers: Readonly<Record<string, string>>,
  changes: Members = {},
): Promise<Answer> {
  const body = kind === 'execution' ? executed(record, changes) : outcome(record, changes);
  return gate.post(pathOf(record, `/${kind}`), body, headers);
}

const POLICIES = '/api/decision/policies';

/** A policy that lets amounts through up to a limit, for the workflow of its own name. */
function amounts(name: string, changes: Members = {}, limit = 100): Members {
  const test = (amount: number | undefined, verdict: string): Members => ({
    name: verdict,
    context: { requested_action: 'pay', source_record_id: 'src_1', ...(amount && { amount }) },
    expect: { verdict },
  });
  return {
    policy_schema_version: 'decide_policy_v1',
    policy_id: name,
    version: 'v1',
    title: 'Amounts up to a limit',
    workflows: [name],
    owner: { group: 'owners' },
    actions: { pay: { yes: 'pay_out', no: 'refuse', review: 'ask_owner' } },
    context_fields: { amount: { type: 'integer' } },
    conditions: {
      small: {
        field: 'amount',
        op: 'at_most',
        value: limit,
        waivable: true,
        codes: { true: 'AMOUNT_SMALL', false: 'AMOUNT_LARGE', unknown: 'AMOUNT_MISSING' },
      },
    },
    requirement: { cond: 'small' },
    self_tests: [test(limit, 'yes'), test(limit + 1, 'no'), test(undefined, 'review')],
    ...changes,
  };
}

function put(document: Members): Promise<Answer> {
  const { policy_id: id, version } = document;
  return gate.send(`${POLICIES}/${String(id)}/versions/${String(version)}`, {
    method: 'PUT',
    headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
    body: JSON.stringify(document),
  });
}

function activate(name: string, changes: Members = {}): Promise<Answer> {
  const body = { version: 'v1', expected_active: null, approved_by: 'owner@example.test' };
  return gate.post(`${POLICIES}/${name}/activate`, { ...body, ...changes });
}

/** Changes what the first tenant's settings say. */
async function settings(changes: Members): Promise<void> {
  const store = openSqlite(dataPaths(gate.directory).database);
  await store.writeTenant(TENANT, JSON.stringify(changes));
  await store.close();
}

function byRulebook(rulebook: Members, changes: Members = {}): Promise<Answer> {
  return ask({ mode: 'rulebook', rulebook, context: { inputs: SMALL }, ...changes });
}

function byAdapter(adapter: Members): Promise<Answer> {
  return byRulebook(TREASURY, { adapter, context: {} });
}

function faultyAdapter(body: string): Promise<Answer> {
  adapterFault.body = body;
  return byAdapter(SOLANA);
}

function undecided(): Promise<Members> {
  return gate.decide(billing({ margin_floor: undefined }));
}

function review(record: Members, changes: Members): Promise<Answer> {
  return gate.post(pathOf(record, '/review'), reviewed(record, changes));
}

const CHAIN_OF_NOBODY = `/api/decision/chains/chain_${'0'.repeat(32)}`;

function synced(
  record: Members,
  headers: Readonly<Record<string, string>>,
  changes: Members = {},
): Promise<Answer> {
  const sync = {
    sync_status: 'written',
    crm_provider: 'crm.example',
    crm_object_type: 'deal',
    crm_object_id: 'deal_1',
  };
  return gate.post(pathOf(record, '/crm-sync'), { ...sync, ...changes }, headers);
}

async function replayed(body: Members): Promise<Answer> {
  return gate.post(pathOf(await decided(), '/replay'), body);
}

/** Names of all members, at every depth. */
function namesIn(value: unknown, found: Set<string> = new Set()): Set<string> {
  if (typeof value !== 'object' || value === null) return found;
  for (const [name, item] of Object.entries(value)) {
    if (!Array.isArray(value)) found.add(name);
    namesIn(item, found);
  }
  return found;
}

describe('D-17 no error body is anything like a verdict', () => {
  it.each(Object.keys(PROVOKED) as ErrorCode[])(
    'D-17 %s has its catalogue form and no verdict',
    async (code) => {
      const entry = errors[code];
      const [operation, provoke] = PROVOKED[code];
      const { status, headers, body, text } = await provoke();
      expect([status, body['error']]).toEqual([entry.status, code]);
      expect(body).toMatchObject({
        ok: false,
        message: entry.means,
        retryable: entry.retryable,
        request_id: headers.get('x-request-id'),
      });
      expect(typeof body['docs_url']).toBe('string');
      const names = namesIn(body);
      for (const name of ['verdict', 'c', 'v', 'action', 'decision']) {
        expect(names.has(name), name).toBe(false);
      }
      expect(text).not.toContain(MARKER);
      expect(headers.get('cache-control')).toBe('no-store');
      const waits = entry.retryable && entry.status !== 500;
      expect(headers.has('retry-after')).toBe(waits);
      if (operation !== undefined) {
        const documented: readonly ErrorCode[] = [
          ...operations[operation].errors,
          ...COMMON_ERRORS,
        ];
        expect(documented).toContain(code);
      }
    },
  );

  it('D-17 covers the whole catalogue', () => {
    expect(Object.keys(PROVOKED).sort()).toEqual(Object.keys(errors).sort());
  });
});
