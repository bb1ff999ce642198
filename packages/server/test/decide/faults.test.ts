import {
  COMMON_ERRORS,
  type ErrorCode,
  errors,
  type OperationName,
  operations,
} from '@countersign/contract';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { faults } from '../faulty-writer.ts';
import {
  type Answer,
  addKey,
  at,
  billing,
  editRecord,
  executed,
  type Gate,
  type Members,
  once,
  openGate,
  outcome,
  pathOf,
  tamper,
  temporaryDirectory,
} from '../harness.ts';

vi.mock('../../src/store/thread.ts', async () => {
  const { startFaultyWriter } = await import('../faulty-writer.ts');
  return { startWriterThread: startFaultyWriter };
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
