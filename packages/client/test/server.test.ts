import { readFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  addKey,
  at,
  billing,
  executed,
  type Gate,
  KEY,
  openGate,
  outcome,
} from '../../server/test/harness.ts';
import * as sdk from '../src/index.ts';
import {
  canonicalJson,
  computeDecisionPacketHash,
  computeExecutionHash,
  computeOutcomeHash,
  computeReceiptHash,
  computeRecordHash,
  createDecideClient,
  type DecideClient,
  DecideError,
  type DecideInput,
  type DecisionRecord,
  type ExecutionAnswer,
  fetchRegistryPublicKey,
  type OutcomeAnswer,
  runDecideConformance,
  runRulebookConformance,
  sha256Hex,
  verifyApplicationBinding,
  verifyDecisionPacket,
  verifyDecisionPacketWithRegistry,
  verifyDecisionRecord,
  verifyDecisionRecordWithRegistry,
} from '../src/index.ts';

let gate: Gate;
let client: DecideClient;
let record: DecisionRecord;
let execution: ExecutionAnswer;
let result: OutcomeAnswer;

const request = billing() as unknown as DecideInput;

beforeAll(async () => {
  gate = await openGate();
  client = createDecideClient({ baseUrl: gate.server.url, apiKey: KEY });
  record = await client.decide(request, { idempotencyKey: 'deal:1:decide' });
  const receipt = executed(record) as never;
  execution = await client.recordExecution(record.decision_id, receipt, {
    idempotencyKey: 'deal:1:execute',
  });
  result = await client.recordOutcome(record.decision_id, outcome(record) as never, {
    idempotencyKey: 'deal:1:outcome',
  });
});
afterAll(() => gate.close());

const CRM = {
  sync_status: 'written',
  sync_direction: 'writeback',
  crm_provider: 'example_crm',
  crm_object_type: 'opportunity',
  crm_object_id: 'opp_1042',
  field_mapping: { verdict: 'Decision_Verdict__c' },
} as const;
const SCENARIOS = {
  scenarios: [{ scenario_id: 's1', label: 'no margin', context_patch: { margin_floor: 'failed' } }],
};

const RULEBOOK = {
  schema_version: 'rulebook_v1',
  rulebook_id: 'parcel_release',
  version: '3',
  rules: [
    {
      rule_id: 'small_parcel',
      priority: 10,
      condition: { field: 'weight_grams', operator: 'lte', value: 2000 },
      outcome: {
        decision: 'yes',
        verdict: 'RELEASE',
        action: 'release_parcel',
        reason_code: 'SMALL_PARCEL',
      },
    },
  ],
  default_outcome: {
    decision: 'review',
    verdict: 'LOOK',
    action: 'ask_dispatcher',
    reason_code: 'NO_RULE_MATCHED',
  },
};
const PARCEL = {
  mode: 'rulebook',
  rulebook: RULEBOOK,
  context: { source_record_id: 'parcel_1', inputs: { weight_grams: 900 } },
} as const;
const register = () =>
  client.registerRulebook(
    { id: RULEBOOK.rulebook_id, version: RULEBOOK.version },
    { rulebook: RULEBOOK, approved_by: 'dispatch-lead' },
    { idempotencyKey: 'rulebook:parcel_release:3' },
  );

type Reads = (id: string) => Promise<unknown>;

/** What the published client reads of each answer, and where. */
const MEMBERS: readonly (readonly [string, Reads, readonly string[]])[] = [
  [
    'decide',
    async () => record,
    [
      ...['verdict', 'c', 'v', 'action', 'decision_id', 'record_hash', 'receipt_hash'],
      ...['verify_url', 'replay_url', 'policy_id', 'policy_version', 'action_binding'],
      ...['audit_chain.chain_id', 'request_id', 'decision'],
    ],
  ],
  [
    'decide with a rulebook',
    async () => {
      await register();
      return client.decide(PARCEL);
    },
    ['verdict', 'action', 'application_verdict', 'reason_code', 'matched_rule_id'],
  ],
  [
    'rulebookMetadata',
    async () => {
      await register();
      return client.rulebookMetadata({ rulebookId: 'parcel_release', version: '3' });
    },
    [
      ...['rulebook_registry_version', 'schema_version', 'rulebook_id', 'version', 'hash'],
      ...['evaluator_version', 'hash_algorithm', 'canonicalization', 'scope_hash'],
      ...['registry_attestation', 'registered_at'],
    ].map((member) => `rulebook.${member}`),
  ],
  ['verifyRecord', () => client.verifyRecord({ record }), ['verified']],
  ['verifyDecision', (id) => client.verifyDecision(id), ['verified']],
  [
    'recordExecution',
    async () => execution,
    [
      'execution.execution_receipt_id',
      'execution.execution_hash',
      'execution.action_binding_match',
    ],
  ],
  [
    'recordOutcome',
    async () => result,
    ['outcome.outcome_id', 'outcome.outcome_hash', 'outcome.outcome_status'],
  ],
  [
    'recordCrmSync',
    (id) =>
      client.recordCrmSync(id, {
        ...CRM,
        decision_record_hash: record.record_hash,
        decision_receipt_hash: record.receipt_hash,
        decision_verdict: 'yes',
      }),
    [
      ...['crm_sync.sync_id', 'crm_sync.sync_status', 'crm_sync.sync_hash'],
      'crm_sync.mapped_fields',
    ],
  ],
  [
    'counterfactuals',
    (id) => client.counterfactuals(id, SCENARIOS),
    [
      ...['scenarios.0.scenario_id', 'scenarios.0.verdict', 'scenarios.0.action'],
      ...['scenarios.0.changed', 'scenarios.0.recommendation'],
    ],
  ],
  [
    'policyEffectiveness',
    () => client.policyEffectiveness('pricing_exception', { policyVersion: 'v3', minSample: 1 }),
    [
      ...['policy_id', 'policy_version', 'status', 'recommendation', 'decisions_analyzed'],
      ...['effectiveness_score', 'confidence', 'metrics', 'proxy_quality'],
    ],
  ],
  [
    'policyAnomalies',
    () => client.policyAnomalies('pricing_exception', { policyVersion: 'v3' }),
    [
      ...['policy_id', 'policy_version', 'status', 'recommendation', 'decisions_analyzed'],
      ...['summary', 'baseline', 'anomalies'],
    ],
  ],
  [
    'policyConfidence',
    // Stability is told from twenty outcomes on; the reports' own tests have so many.
    () => client.policyConfidence('pricing_exception', { minSample: 1 }),
    [
      ...['score', 'level', 'based_on', 'similar_decisions'],
      ...['recommendation', 'confidence_hash'],
    ],
  ],
  [
    // Percentiles need a cohort of five tenants, whose test is the reports' own.
    'policyBenchmarks',
    () => client.policyBenchmarks('pricing_exception'),
    ['cross_customer.status', 'your_metrics', 'recommendation', 'benchmark_hash'],
  ],
  [
    'decisionChain',
    () => client.decisionChain(String(record.audit_chain?.chain_id)),
    ['chain_id', 'chain_size', 'merkle_root', 'head_link_hash', 'verification'],
  ],
  [
    'policyPatterns',
    () => client.policyPatterns({ patternId: 'pricing_exception' }),
    [
      ...['policy_pattern', 'patterns.0', 'count', 'policy_pattern.pattern_id'],
      ...['policy_pattern.pattern_hash', 'policy_pattern.decision_request_template'],
    ],
  ],
  ['decisionPacket', (id) => client.decisionPacket(id), ['packet.packet_hash', 'packet_signature']],
  [
    'receiptKeys',
    () => client.receiptKeys(),
    ['keys.0.key_id', 'keys.0.public_key_fingerprint', 'keys.0.public_key'],
  ],
  ['policyBundles', () => client.policyBundles(), ['bundles.0.id', 'bundles.0.hash']],
  ['lookupDecision', (id) => client.lookupDecision(id), ['decision_record', 'lifecycle_state']],
  ['replayDecision', (id) => client.replayDecision(id), ['reproduced', 'replay_hash']],
  ['diffDecision', (id) => client.diffDecision(id), ['replay_hash']],
  ['listExecutions', (id) => client.listExecutions(id), ['count', 'items.0']],
  ['listOutcomes', (id) => client.listOutcomes(id), ['count', 'items.0']],
  ['listCrmSyncs', (id) => client.listCrmSyncs(id), ['count', 'items']],
  ['status', () => client.status(), ['status', 'accepting_decisions']],
];

describe('what a gate answers', () => {
  it.each(MEMBERS)('D-115 %s has its members where they are read', async (_, read, members) => {
    const answer = await read(record.decision_id);
    for (const member of members)
      expect([member, typeof at(answer, member)]).not.toEqual([member, 'undefined']);
  });

  it('a template, with its context extended, is a request as it stands', async () => {
    const { patterns } = await client.policyPatterns();
    expect(patterns).toHaveLength(6);
    for (const { pattern_id: name, decision_request_template: template } of patterns) {
      const context = { ...template.context, internal_trace_ids: { run_id: 'run_1' } };
      const input = { ...template, context } as unknown as DecideInput;
      const answer = await client.decide(input, { idempotencyKey: `template:${name}` });
      expect(answer.verdict).toMatch(/^(?:yes|review)$/);
    }
  });

  it('a refusal is an error that says what the gate said', async () => {
    const failure = await client.decide({ question: 'x', context: {}, extra: 1 } as never).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(DecideError);
    expect(failure).toMatchObject({
      status: 422,
      code: 'DECIDE_API_INVALID_REQUEST',
      retryable: false,
      requestId: expect.stringMatching(/^req_/),
      message: at((failure as DecideError).body, 'message'),
    });
    const foreign = createDecideClient({ baseUrl: gate.server.url, apiKey: 'decide_test_x' });
    await expect(foreign.decide(request)).rejects.toMatchObject({ status: 401, retryable: false });
    await expect(
      client.decide(billing({ discount_percent: 1 }) as unknown as DecideInput, {
        idempotencyKey: 'deal:1:decide',
      }),
    ).rejects.toMatchObject({ status: 409, code: 'DECIDE_API_IDEMPOTENCY_CONFLICT' });
  });

  it('the conformance check finds nothing wrong, and something where policies are not in force', async () => {
    const results = await runDecideConformance(client);
    expect(results.filter((one) => !one.ok)).toEqual([]);
    expect(results).toHaveLength(9);
    const elsewhere = await openGate();
    const stranger = createDecideClient({
      baseUrl: elsewhere.server.url,
      apiKey: await addKey(elsewhere.directory, { environment: 'test', tenant: 'empty' }),
    });
    const found = await runDecideConformance(stranger);
    expect(found.find((one) => one.name === 'decide: yes')?.ok).toBe(false);
    await elsewhere.close();
  });
});

describe('rulebooks on a real gate', () => {
  it('answer twice the same, and hold what an application needs', async () => {
    await register();
    const body = { application_verdict: 'RELEASE', matched_rule_id: 'small_parcel' };
    const executable = { ...PARCEL, rulebook: { ...RULEBOOK, code: 'x' } };
    const results = await runRulebookConformance(client, [
      { name: 'released', request: PARCEL, expect: { status: 200, body } },
      {
        name: 'executable',
        request: executable,
        expect: {
          status: 422,
          body: { error: 'RULEBOOK_INVALID', errors: [{ field: 'rulebook.code' }] },
        },
      },
    ]);
    expect(results).toEqual([
      { name: 'released', ok: true },
      { name: 'executable', ok: true },
    ]);
    expect(verifyApplicationBinding(await client.decide(PARCEL)).missing).toEqual([]);
    const heavy = { ...PARCEL, context: { ...PARCEL.context, inputs: { weight_grams: 9_000 } } };
    expect(verifyApplicationBinding(await client.decide(heavy)).missing).toEqual([]);
    expect(verifyApplicationBinding(record).verified).toBe(false);
  });
});

describe('the README', () => {
  it('has an example that proceeds', async () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const [, imports = '', code = ''] =
      /```js\nimport \{ (.+) \} from '@countersign\/client';\n(.+?)```/s.exec(readme) ?? [];
    const example = code
      .replace("'https://gate.example'", JSON.stringify(gate.server.url))
      .replace('process.env.DECIDE_API_KEY', JSON.stringify(KEY))
      .replace("environment: 'live'", "environment: 'test'");
    const names = imports.split(', ');
    const AsyncFunction = (async () => {}).constructor as FunctionConstructor;
    const run = AsyncFunction(...names, 'console', example) as (
      ...given: readonly unknown[]
    ) => Promise<void>;
    const logged: unknown[][] = [];
    const log = (...values: unknown[]) => logged.push(values);
    const exported = sdk as unknown as Readonly<Record<string, unknown>>;
    await run(...names.map((name) => exported[name]), { log });
    expect(logged).toEqual([['proceed', 'AUTHORIZED']]);
  });
});

describe('helpers', () => {
  it('give the hashes that the gate gives', async () => {
    expect(computeRecordHash(record)).toBe(record.record_hash);
    expect(computeReceiptHash(record)).toBe(record.receipt_hash);
    expect(sha256Hex(canonicalJson(request))).toBe(record['input_hash']);
    expect(computeExecutionHash(execution.execution)).toBe(execution.execution.execution_hash);
    expect(computeOutcomeHash(result.outcome)).toBe(result.outcome.outcome_hash);
    const { packet } = await client.decisionPacket(record.decision_id);
    expect(computeDecisionPacketHash(packet)).toBe(packet['packet_hash']);
    // The published text orders names as people do, not by their codes.
    expect(canonicalJson({ a1: 1, a_b: 2, B: 3 })).toBe('{"a_b":2,"a1":1,"B":3}');
  });

  it('verify records and packets with a pinned key and with a registry, and nothing without', async () => {
    const keyRegistry = `${gate.server.url}/api/decision/receipt-keys`;
    const packet = await client.decisionPacket(record.decision_id, { includeInput: true });
    const publicKey = await fetchRegistryPublicKey({
      keyRegistry,
      keyId: String(record['receipt_key_id']),
      fingerprint: String(record['receipt_public_key_fingerprint']),
    });
    expect(publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
    const input = request;
    expect(verifyDecisionRecord({ record, input, publicKey }).verified).toBe(true);
    expect(verifyDecisionRecord({ record, input: {}, publicKey }).verified).toBe(false);
    expect(verifyDecisionRecord({ record })).toMatchObject({
      verified: false,
      integrity_valid: true,
    });
    const { verified } = await verifyDecisionRecordWithRegistry({ record, input, keyRegistry });
    expect(verified).toBe(true);
    const edited = { ...record, action: 'refund' };
    const found = await verifyDecisionRecordWithRegistry({ record: edited, keyRegistry });
    expect(found.verified).toBe(false);

    const whole = await verifyDecisionPacketWithRegistry({ packet, keyRegistry, replay: true });
    expect(whole.failures).toEqual([]);
    expect(whole.verified).toBe(true);
    expect(verifyDecisionPacket({ packet, publicKey }).verified).toBe(false);
    const registry = await client.receiptKeys();
    const ledgerKey = String(at(registry, 'ledger_keys.0.verifier_key'));
    expect(verifyDecisionPacket({ packet, publicKey, ledgerKey }).verified).toBe(true);
    const live = { packet, registry, environment: 'live' } as const;
    expect(verifyDecisionPacket(live).verified).toBe(false);
    const { packet_signature: _, ...unsigned } = packet;
    expect(verifyDecisionPacket({ packet: unsigned, registry }).verified).toBe(false);
  });

  it('find no key that is not there, and take none that is damaged', async () => {
    const keyRegistry = `${gate.server.url}/api/decision/receipt-keys`;
    const find = (keyId: string, fingerprint?: string) =>
      fetchRegistryPublicKey({ keyRegistry, keyId, ...(fingerprint && { fingerprint }) });
    expect(await find('dk_0000000000000000')).toBeUndefined();
    expect(await find(String(record['receipt_key_id']), 'a'.repeat(64))).toBeUndefined();
    await expect(
      fetchRegistryPublicKey({ keyRegistry: `${gate.server.url}/nothing`, keyId: 'x' }),
    ).rejects.toMatchObject({ status: 404 });
    for (const keys of [{ publicKey: 'x' }, { ledgerKey: 'x' }, { registry: { keys: [{}] } }]) {
      expect(() => verifyDecisionRecord({ record, ...keys })).toThrow(TypeError);
    }
  });
});

describe('a connection that breaks', () => {
  it('after the decision was recorded: the retry is given the same one', async () => {
    const proxy = await openProxy(gate.server.url, 2);
    const patient = createDecideClient({
      baseUrl: proxy.url,
      apiKey: KEY,
      retry: { sleep: async () => {} },
    });
    const before = await gate.size();
    const other = billing({ invoice_or_subscription_id: 'sub_m6' }) as unknown as DecideInput;
    const answer = await patient.decide(other, { idempotencyKey: 'deal:m6' });
    expect(proxy.passed()).toBe(3);
    expect(await gate.size()).toBe(before + 1);
    const again = await client.decide(other, { idempotencyKey: 'deal:m6' });
    expect(again).toEqual(answer);
    await proxy.close();
  });
});

interface Proxy {
  readonly url: string;
  /** Requests that reached the gate. */
  readonly passed: () => number;
  close(): Promise<void>;
}

/** Passes requests on, and loses the first answers. */
async function openProxy(target: string, losing: number): Promise<Proxy> {
  let passed = 0;
  const server = createServer((incoming, outgoing) => {
    const options = { method: incoming.method, headers: incoming.headers };
    const onward = httpRequest(target + incoming.url, options, (reply) => {
      const parts: Buffer[] = [];
      reply.on('data', (part: Buffer) => parts.push(part));
      reply.on('end', () => {
        passed++;
        if (passed <= losing) {
          incoming.socket.resetAndDestroy();
          return;
        }
        outgoing.writeHead(reply.statusCode ?? 500, reply.headers);
        outgoing.end(Buffer.concat(parts));
      });
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passed: () => passed,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
