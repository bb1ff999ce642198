import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createDecideClient, type DecideClient } from '../src/index.ts';
import { answer, impatient, openScripted, type Scripted } from './scripted.ts';

let server: Scripted;
let client: DecideClient;
beforeAll(async () => {
  server = await openScripted();
  client = impatient(server.url).client;
});
afterAll(() => server.close());
afterEach(() => {
  vi.unstubAllGlobals();
});

const ID = 'dec_1';
const ONCE = { idempotencyKey: 'k:1' };
const HASH = 'a'.repeat(64);
const question = { question: 'May it?', context: { workflow: 'trial', amount: '1.00' } };
const links = { decision_record_hash: HASH, decision_receipt_hash: HASH };
const attempt = {
  action_taken: 'act',
  target_system: 's',
  target_object_id: 'o',
  mutation: 'm',
  parameters: { amount: '1.00' },
};
const receipt = { execution_status: 'executed', ...attempt, ...links } as const;
const outcome = { outcome_status: 'succeeded', ...links } as const;
const sync = {
  sync_status: 'written',
  crm_provider: 'c',
  crm_object_type: 't',
  crm_object_id: 'o',
} as const;
const claim = { ...attempt, executor: { type: 'worker', id: 'w' } } as const;
const scenarios = { scenarios: [{ scenario_id: 's', label: 'l', context_patch: {} }] };
const resolution = {
  resolution: 'approve',
  reviewer: { id: 'p', group: 'g' },
  reason: 'r',
  decision_record_hash: HASH,
} as const;
const activation = { version: 'v1', expected_active: null, approved_by: 'p' };
const rulebook = { rulebook: {}, approved_by: 'p' };
const name = { id: 'p', version: 'v1' };

type Call = (client: DecideClient) => Promise<unknown>;

/** Each method with every option it takes: what it sends, and the body where there is one. */
const METHODS: readonly (readonly [string, Call, string, unknown?])[] = [
  ['decide', (c) => c.decide(question, ONCE), 'POST /api/decide', question],
  [
    'decideBatch',
    (c) => c.decideBatch([{ request: question, idempotency_key: 'k' }]),
    'POST /api/decide/batch',
    { items: [{ request: question, idempotency_key: 'k' }] },
  ],
  ['claim', (c) => c.claim(ID, claim, ONCE), 'POST /api/decision/dec_1/claim', claim],
  ['lookupDecision', (c) => c.lookupDecision(ID), 'GET /api/decision/dec_1'],
  [
    'lookupDecision',
    (c) => c.lookupDecision(ID, { includeInput: true }),
    'GET /api/decision/dec_1?include_input=true',
  ],
  [
    'searchDecisions',
    (c) => c.searchDecisions({ sourceRecordId: 'a b&c', limit: 5 }),
    'GET /api/decision/search?source_record_id=a+b%26c&limit=5',
  ],
  ['verifyDecision', (c) => c.verifyDecision(ID), 'GET /api/decision/dec_1/verify'],
  [
    'verifyRecord',
    (c) => c.verifyRecord({ record: { a: 1 }, input: { b: 2 }, publicKey: 'PEM' }),
    'POST /api/decision/verify',
    { record: { a: 1 }, input: { b: 2 }, public_key: 'PEM' },
  ],
  [
    'verifyRecord',
    (c) => c.verifyRecord({ packet: { a: 1 } }),
    'POST /api/decision/verify',
    { packet: { a: 1 } },
  ],
  ['replayDecision', (c) => c.replayDecision(ID), 'POST /api/decision/dec_1/replay', {}],
  [
    'replayDecision',
    (c) => c.replayDecision(ID, { replay_mode: 'current' }),
    'POST /api/decision/dec_1/replay',
    { replay_mode: 'current' },
  ],
  ['diffDecision', (c) => c.diffDecision(ID), 'POST /api/decision/dec_1/diff', {}],
  [
    'counterfactuals',
    (c) => c.counterfactuals(ID, scenarios),
    'POST /api/decision/dec_1/counterfactuals',
    scenarios,
  ],
  [
    'recordExecution',
    (c) => c.recordExecution(ID, receipt, ONCE),
    'POST /api/decision/dec_1/execution',
    receipt,
  ],
  [
    'recordOutcome',
    (c) => c.recordOutcome(ID, outcome, ONCE),
    'POST /api/decision/dec_1/outcome',
    outcome,
  ],
  [
    'recordCrmSync',
    (c) => c.recordCrmSync(ID, sync, ONCE),
    'POST /api/decision/dec_1/crm-sync',
    sync,
  ],
  [
    'listExecutions',
    (c) => c.listExecutions(ID, { limit: 5, cursor: 'x' }),
    'GET /api/decision/dec_1/execution?limit=5&cursor=x',
  ],
  ['listOutcomes', (c) => c.listOutcomes(ID), 'GET /api/decision/dec_1/outcome'],
  ['listCrmSyncs', (c) => c.listCrmSyncs(ID), 'GET /api/decision/dec_1/crm-sync'],
  [
    'listReviews',
    (c) => c.listReviews({ status: 'open', group: 'g' }),
    'GET /api/decision/reviews?status=open&group=g',
  ],
  [
    'resolveReview',
    (c) => c.resolveReview(ID, resolution, ONCE),
    'POST /api/decision/dec_1/review',
    resolution,
  ],
  [
    'decisionPacket',
    (c) =>
      c.decisionPacket(ID, {
        includeInput: true,
        includeChain: false,
        includePolicy: true,
        includeIntelligence: false,
        executionLimit: 1,
        outcomeLimit: 2,
        policyLimit: 3,
        chainLimit: 4,
        minSample: 5,
        threshold: 0.5,
        maxAnomalies: 6,
        asOf: 7,
      }),
    'GET /api/decision/dec_1/packet?include_input=true&include_chain=false&include_policy=true' +
      '&include_intelligence=false&execution_limit=1&outcome_limit=2&policy_limit=3&chain_limit=4' +
      '&min_sample=5&threshold=0.5&max_anomalies=6&as_of=7',
  ],
  [
    'decisionChain',
    (c) => c.decisionChain('chain_1', { limit: 9 }),
    'GET /api/decision/chains/chain_1?limit=9',
  ],
  [
    'policyEffectiveness',
    (c) => c.policyEffectiveness('p', { policyVersion: 'v1', limit: 9, minSample: 1 }),
    'GET /api/decision/policies/p/effectiveness?policy_version=v1&limit=9&min_sample=1',
  ],
  [
    'policyAnomalies',
    (c) => c.policyAnomalies('p', { threshold: 0.4, maxItems: 3 }),
    'GET /api/decision/policies/p/anomalies?threshold=0.4&max_items=3',
  ],
  [
    'policyConfidence',
    (c) => c.policyConfidence('p', { verdict: 'yes', action: 'act' }),
    'GET /api/decision/policies/p/confidence?verdict=yes&action=act',
  ],
  [
    'policyBenchmarks',
    (c) => c.policyBenchmarks('p', { minCohortScopes: 5, minCohortDecisions: 50 }),
    'GET /api/decision/policies/p/benchmarks?min_cohort_scopes=5&min_cohort_decisions=50',
  ],
  ['policyReadiness', (c) => c.policyReadiness('p'), 'GET /api/decision/policies/p/readiness'],
  ['readPolicy', (c) => c.readPolicy('p'), 'GET /api/decision/policies/p'],
  ['readPolicy', (c) => c.readPolicy('p', 'v1'), 'GET /api/decision/policies/p/versions/v1'],
  [
    'registerPolicy',
    (c) => c.registerPolicy(name, { policy_id: 'p' }, ONCE),
    'PUT /api/decision/policies/p/versions/v1',
    { policy_id: 'p' },
  ],
  [
    'previewPolicy',
    (c) => c.previewPolicy('p', { version: 'v2' }),
    'POST /api/decision/policies/p/preview',
    { version: 'v2' },
  ],
  [
    'activatePolicy',
    (c) => c.activatePolicy('p', activation, ONCE),
    'POST /api/decision/policies/p/activate',
    activation,
  ],
  [
    'suspendPolicy',
    (c) => c.suspendPolicy('p', { reason: 'r' }, ONCE),
    'POST /api/decision/policies/p/suspend',
    { reason: 'r' },
  ],
  [
    'rulebookMetadata',
    (c) => c.rulebookMetadata({ hash: HASH }),
    `GET /api/decision/rulebooks?hash=${HASH}`,
  ],
  [
    'rulebookMetadata',
    (c) => c.rulebookMetadata({ rulebookId: 'r', version: '1' }),
    'GET /api/decision/rulebooks?rulebook_id=r&version=1',
  ],
  [
    'registerRulebook',
    (c) => c.registerRulebook(name, rulebook, ONCE),
    'PUT /api/decision/rulebooks/p/versions/v1',
    rulebook,
  ],
  ['receiptKeys', (c) => c.receiptKeys(), 'GET /api/decision/receipt-keys'],
  ['policyBundles', (c) => c.policyBundles(), 'GET /api/decision/policy-bundles'],
  [
    'policyPatterns',
    (c) => c.policyPatterns({ patternId: 'x', tag: 'y' }),
    'GET /api/decision/policy-patterns?pattern_id=x&tag=y',
  ],
  ['status', (c) => c.status(), 'GET /api/decision/status'],
];

describe('each method of the client', () => {
  const cases = METHODS.map(([method, call, sent, body]) => ({ method, call, sent, body }));
  it.each(cases)('D-115 $method is there: $sent', async ({ call, sent, body }) => {
    const untouched = { ok: true, further: { member: [1, null] }, verdict: 'YES' };
    server.play(answer(200, untouched));
    expect(await call(client)).toEqual(untouched);
    const [seen] = server.seen;
    expect(`${seen?.method} ${seen?.path}`).toBe(sent);
    expect(seen?.body === '' ? undefined : JSON.parse(seen?.body ?? '')).toEqual(body);
    expect(seen?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-api-key': `decide_test_${'a'.repeat(43)}`,
    });
  });

  it('the list above names every method', () => {
    expect(new Set(METHODS.map(([method]) => method))).toEqual(new Set(Object.keys(client)));
  });

  it('asks for the whole record unless told otherwise, and sends the idempotency key', async () => {
    server.play(answer(200, {}));
    await client.decide(question);
    await client.decide(question, { responseView: 'minimal', ...ONCE });
    await client.lookupDecision(ID);
    await client.counterfactuals(ID, { ...scenarios, response_view: 'standard' });
    await client.resolveReview(ID, { ...resolution, response_view: 'minimal' });
    await client.status();
    const headers = (header: string) => server.seen.map((one) => one.headers[header]);
    expect(headers('x-decision-response-view')).toEqual([
      ...['full', 'minimal', 'full', 'standard', 'minimal', undefined],
    ]);
    expect(headers('x-idempotency-key').slice(0, 3)).toEqual([undefined, 'k:1', undefined]);
  });

  it('D-115 sends the very object it is given', async () => {
    server.play(answer(200, {}));
    const input = { context: { workflow: 'w', z: 1, a: { b: [null, -0, 1e21, 'é', '\u2028'] } } };
    await client.decide(input as never);
    expect(server.seen[0]?.body).toBe(JSON.stringify(input));
  });
});

describe('a client', () => {
  it('keeps the path of its address, and sends no key that it does not have', async () => {
    server.play(answer(200, {}));
    for (const baseUrl of [`${server.url}/gate`, `${server.url}/gate/`]) {
      await createDecideClient({ baseUrl }).status();
    }
    expect(server.seen.map((one) => one.path)).toEqual([
      '/gate/api/decision/status',
      '/gate/api/decision/status',
    ]);
    expect(server.seen[0]?.headers['x-api-key']).toBeUndefined();
  });

  it('cannot be led to another route by an id', async () => {
    server.play(answer(200, {}));
    for (const id of ['', '.', '..']) {
      await expect(client.verifyDecision(id)).rejects.toThrow(TypeError);
    }
    expect(server.seen).toHaveLength(0);
    await client.verifyDecision('../status?x=1#y');
    expect(server.seen[0]?.path).toBe('/api/decision/..%2Fstatus%3Fx%3D1%23y/verify');
  });

  it('refuses what cannot be sent as it is meant', async () => {
    server.play(answer(200, {}));
    const context = { workflow: 'trial' };
    for (const idempotencyKey of ['', 'a b', 'é', 'x'.repeat(301), 'a\nb']) {
      await expect(client.decide({ question: 'x', context }, { idempotencyKey })).rejects.toThrow(
        TypeError,
      );
    }
    for (const amount of [Number.NaN, Infinity]) {
      const request = { question: 'x', context: { ...context, amount } };
      await expect(client.decide(request)).rejects.toThrow(TypeError);
    }
    expect(server.seen).toHaveLength(0);
    for (const baseUrl of ['', 'gate', 'file:///etc', 'http://a:b@gate.example', 'http://g/?x=1']) {
      expect(() => createDecideClient({ baseUrl })).toThrow(TypeError);
    }
    for (const apiKey of ['', 'a b', 'a\r\nx: y']) {
      expect(() => createDecideClient({ baseUrl: server.url, apiKey })).toThrow(TypeError);
    }
  });

  it('D-115 is not made with a live key where there is a window', () => {
    const make = (apiKey?: string) => () => createDecideClient({ baseUrl: server.url, apiKey });
    const live = `decide_live_${'a'.repeat(43)}`;
    expect(make(live)).not.toThrow();
    for (const name of ['window', 'document']) {
      vi.stubGlobal(name, {});
      expect(make(live)).toThrow(/live key/);
      // What may be public may be in a browser: a test key, and no key at all.
      expect(make(`decide_test_${'a'.repeat(43)}`)).not.toThrow();
      expect(make()).not.toThrow();
      vi.unstubAllGlobals();
    }
  });
});
