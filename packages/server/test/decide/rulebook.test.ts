import { createPublicKey, verify } from 'node:crypto';
import { errors } from '@countersign/contract';
import {
  parseRegistry,
  type Trust,
  verifyApplicationBinding,
  verifyPacket,
  verifyRecord,
} from '@countersign/verify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADAPTERS } from '../../src/adapters/registry.ts';
import { ADAPTER_CODE_HASH } from '../../src/adapters/run-adapter.ts';
import { attestBundle } from '../../src/service/attestation.ts';
import { ADAPTER_FAULTS } from '../../src/service/rulebook-decision.ts';
import {
  addKey,
  at,
  executed,
  type Gate,
  KEY,
  listAt,
  type Members,
  OTHER_KEY,
  once,
  openGate,
  pathOf,
  temporaryDirectory,
} from '../harness.ts';
import { sortedHash, without } from '../independent.ts';
import { FIXTURES, PARCELS, SMALL, SOLANA, TREASURY } from './rulebook-fixtures.ts';

let gate: Gate;
let live: Gate;
/** Keys of the live gate: one that decides, one that may bring rules along, one that registers. */
let keys: { readonly plain: string; readonly adhoc: string; readonly registers: string };

beforeAll(async () => {
  gate = await openGate();
  const directory = temporaryDirectory();
  const key = (scopes: readonly ('decide' | 'rulebook_adhoc' | 'rulebook_register' | 'read')[]) =>
    addKey(directory, { environment: 'live', scopes });
  keys = {
    plain: await key(['decide', 'read']),
    adhoc: await key(['decide', 'read', 'rulebook_adhoc']),
    registers: await addKey(directory, {
      environment: 'live',
      id: 'key_registrar',
      scopes: ['rulebook_register', 'read'],
    }),
  };
  live = await openGate({ directory, environment: 'live' });
});
afterAll(async () => {
  await gate.close();
  await live.close();
});

const SUCCESSES = FIXTURES.filter(({ expect: { status } }) => status === 200);
const REFUSALS = FIXTURES.filter(({ expect: { status } }) => status !== 200);

/** Members that the published runner compares. */
const REPEATED = [
  'engine',
  'verdict',
  'application_verdict',
  'action',
  'reason_code',
  'matched_rule_id',
  'rulebook',
  'rulebook_contract',
  'adapter_facts',
] as const;

const parcels = (changes: Members = {}): Members => ({ ...PARCELS, ...changes });

/** A request for the parcel rulebook about a named parcel. */
function parcel(inputs: Members = SMALL, context: Members = {}, rulebook = PARCELS): Members {
  return {
    mode: 'rulebook',
    rulebook,
    context: { source_record_id: 'parcel_7', requested_action: 'release', inputs, ...context },
  };
}

function put(
  to: Gate,
  rulebook: Members,
  body: Members = {},
  headers: Readonly<Record<string, string>> = {},
) {
  const [id, version] = [String(rulebook['rulebook_id']), String(rulebook['version'])];
  const path = `/api/decision/rulebooks/${id}/versions/${version}`;
  return to.send(path, {
    method: 'PUT',
    headers: { 'x-api-key': KEY, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ rulebook, approved_by: 'Ada Owner', ...body }),
  });
}

const metadata = (query: string, key = KEY, from: Gate = gate) =>
  from.get(`/api/decision/rulebooks?${query}`, { 'x-api-key': key });

describe('rulebook mode', () => {
  it.each(SUCCESSES)('answers twice the same: $name', async ({ request, expect: want }) => {
    const { status, body } = await gate.post('/api/decide', request);
    expect(status).toBe(want.status);
    expect(body).toMatchObject(want.body);
    const again = await gate.decide(request);
    for (const name of REPEATED) {
      expect(JSON.stringify(again[name]), name).toBe(JSON.stringify(body[name]));
    }
    expect(again['output_hash']).toBe(body['output_hash']);
    expect(at(again, 'rulebook_attestation.bundle_hash')).toBe(
      at(body, 'rulebook_attestation.bundle_hash'),
    );
    expect(at(body, 'rulebook.hash')).toBe(sortedHash(request['rulebook']));
    expect(body).toMatchObject({
      mode: 'rulebook',
      status: 'ok',
      policy_hash: sortedHash(request['rulebook']),
      input_hash: sortedHash(request),
      evidence: [body['reason_code']],
    });
  });

  it.each(SUCCESSES)('attests, as a stranger would compute it: $name', async ({ request }) => {
    const record = await gate.decide(request);
    const facts = record['adapter_facts'] ?? at(request, 'context.inputs');
    const direct = request['adapter'] === undefined;
    const bundle = {
      engine: 'decide_rulebook_v1',
      evaluator_version: 'decide_rulebook_v1',
      rulebook: {
        schema_version: 'rulebook_v1',
        id: at(request, 'rulebook.rulebook_id'),
        version: at(request, 'rulebook.version'),
        hash: sortedHash(request['rulebook']),
      },
      input_hash: sortedHash(facts),
      outcome: {
        status: 'ok',
        verdict: 'yes',
        application_verdict: record['application_verdict'],
        action: record['action'],
        reason_code: record['reason_code'],
        matched_rule_id: record['matched_rule_id'],
      },
      runtime_binding: {
        production_core: 'hybrid_declarative_rulebook_with_trusted_adapters',
        binding_mode: direct
          ? 'direct_declarative_rulebook'
          : 'trusted_adapter_facts_then_declarative_rulebook',
        verdict_authority: 'declarative_rulebook',
        ...(direct ? {} : { adapter_authority: 'facts_only' }),
        customer_supplied_code: 'rejected',
      },
      trusted_adapter: record['trusted_adapter'] ?? null,
    };
    const hash = sortedHash(bundle);
    expect(record['rulebook_attestation']).toMatchObject({ bundle, bundle_hash: hash });

    const envelope = at(record, 'rulebook_attestation.signature') as Members;
    const { status, body } = await gate.send(String(envelope['public_key_url']), {});
    expect(status).toBe(200);
    expect(body).toMatchObject({
      schema_version: 'rulebook_attestation_keys_v1',
      status: 'signed',
      signature_required: true,
    });
    const key = listAt(body, 'keys').find((one) => one['key_id'] === envelope['key_id']);
    expect(key).toMatchObject({
      use: 'rulebook_attestation_signature',
      public_key: envelope['public_key_pem'],
    });
    const signature = Buffer.from(String(envelope['signature']), 'base64url');
    const pem = createPublicKey(String(envelope['public_key_pem']));
    expect(verify(null, Buffer.from(hash), pem, signature)).toBe(true);
    expect(verify(null, Buffer.from(sortedHash({})), pem, signature)).toBe(false);
  });

  it('D-45 what is refused is refused with exactly the published bodies, and nothing like a verdict', async () => {
    const before = await gate.size();
    for (const { name, request, expect: want } of REFUSALS) {
      const { status, body } = await gate.post('/api/decide', request);
      expect([name, status]).toEqual([name, 422]);
      expect(body, name).toMatchObject(want.body);
      const members = ['ok', 'error', 'message', 'request_id', 'retryable', 'docs_url'];
      const own = Object.keys(want.body);
      expect(Object.keys(body).sort(), name).toEqual([...new Set([...members, ...own])].sort());
    }
    expect(REFUSALS).toHaveLength(4);
    expect(await gate.size()).toBe(before);
  });

  it('D-20 the same names inside the outcomes of a rulebook pass, and nowhere else', async () => {
    expect((await gate.post('/api/decide', parcel())).status).toBe(200);
    const fact = await gate.post('/api/decide', parcel({ ...SMALL, x: { record_hash: 'a' } }));
    expect([fact.status, fact.body['error'], fact.body['forbidden_fields']]).toEqual([
      422,
      'RULEBOOK_OUTPUT_MATERIAL_FORBIDDEN',
      ['context.inputs.x.record_hash'],
    ]);
  });

  it('D-18 a rulebook with eight nested conditions passes, and nine are too deep', async () => {
    const nested = (depth: number): Members =>
      depth === 0
        ? { field: 'weight_grams', operator: 'lte', value: 2000 }
        : { [depth % 2 === 0 ? 'all' : 'any']: [nested(depth - 1)] };
    const [rule] = PARCELS['rules'] as readonly [Members];
    const deep = (depth: number) =>
      gate.post(
        '/api/decide',
        parcel(SMALL, {}, parcels({ rules: [{ ...rule, condition: nested(depth) }] })),
      );
    const eight = await deep(8);
    expect([eight.status, eight.body['verdict']]).toEqual([200, 'yes']);
    const nine = await deep(9);
    expect([nine.status, nine.body['error'], at(nine.body, 'errors.0.code')]).toEqual([
      422,
      'RULEBOOK_INVALID',
      'too_deep',
    ]);
  });

  it('D-46 a missing fact in a rule that blocks never becomes a yes', async () => {
    for (const inputs of [
      { weight_grams: 500 },
      { weight_grams: 500, sender: {} },
      { weight_grams: 500, sender: { blocked: null } },
    ]) {
      const record = await gate.decide(parcel(inputs));
      expect(record).toMatchObject({
        verdict: 'review',
        application_verdict: 'UNDETERMINED',
        action: 'route_to_owner',
        reason_code: 'RULE_UNDETERMINED',
        requirement_state: 'unknown',
      });
      expect(record).not.toHaveProperty('matched_rule_id');
      expect(record).not.toHaveProperty('valid_until');
    }
    const wrong = await gate.decide(parcel({ ...SMALL, sender: { blocked: 'no' } }));
    expect(wrong).toMatchObject({
      verdict: 'review',
      status: 'needs_input',
      reason_code: 'INPUT_SCHEMA_FAILED',
      invalid_fields: ['sender.blocked'],
    });
    const missing = await gate.decide(parcel({}));
    expect(missing).toMatchObject({ verdict: 'review', missing_fields: ['weight_grams'] });
    expect((await gate.decide(parcel()))['verdict']).toBe('yes');
    expect((await gate.decide(parcel({ ...SMALL, sender: { blocked: true } })))['verdict']).toBe(
      'no',
    );
  });

  it('faults are found in the published order', async () => {
    const bad = { ...parcels(), version: ' 3' };
    const requests: readonly (readonly [Members, string])[] = [
      [
        { rulebook: bad, adapter: {}, binding_mode: 'own_code', verdict: 'yes' },
        'RULEBOOK_OUTPUT_MATERIAL_FORBIDDEN',
      ],
      [
        { rulebook: bad, adapter: {}, binding_mode: 'own_code' },
        'RULEBOOK_BINDING_MODE_UNSUPPORTED',
      ],
      [
        { rulebook: bad, adapter: {}, binding_mode: 'direct_declarative_rulebook' },
        'RULEBOOK_BINDING_MODE_CONFLICT',
      ],
      [{ rulebook: bad, adapter: {}, context: { verdict: 'yes' } }, 'TRUSTED_ADAPTER_INVALID'],
      [
        { rulebook: bad, adapter: { ...SOLANA, version: '9.9.9' } },
        'TRUSTED_ADAPTER_NOT_REGISTERED',
      ],
      [
        { rulebook: bad, adapter: SOLANA, context: { inputs: {} } },
        'TRUSTED_ADAPTER_INPUT_CONFLICT',
      ],
      [
        { rulebook: bad, adapter: { ...SOLANA, input: {} }, context: { verdict: 'yes' } },
        'TRUSTED_ADAPTER_INPUT_INVALID',
      ],
      [
        { rulebook: bad, adapter: SOLANA, context: { verdict: 'yes' } },
        'RULEBOOK_OUTPUT_MATERIAL_FORBIDDEN',
      ],
      [{ rulebook: bad, adapter: SOLANA, extra: 1 }, 'DECIDE_API_INVALID_REQUEST'],
      [{ rulebook: bad, context: { inputs: [] } }, 'DECIDE_API_INVALID_REQUEST'],
      [{ rulebook: bad }, 'DECIDE_API_INVALID_REQUEST'],
      [{ mode: 'rulebook', context: {} }, 'DECIDE_API_INVALID_REQUEST'],
      [{ rulebook: bad, adapter: SOLANA }, 'RULEBOOK_INVALID'],
      [{ mode: 'single', rulebook: PARCELS, context: {} }, 'DECIDE_API_INVALID_REQUEST'],
    ];
    for (const [request, error] of requests) {
      const { status, body } = await gate.post('/api/decide', request);
      expect([request, status, body['error']]).toEqual([request, 422, error]);
    }
    const { body } = await gate.post('/api/decide', { rulebook: bad, binding_mode: 'Not a word' });
    expect(body).not.toHaveProperty('binding_mode');
  });

  it('D-127 both pinned manifests are accepted and no other; facts and lineage stand in the record', async () => {
    expect(ADAPTERS.map(({ manifest_hash: hash }) => hash)).toEqual([
      'fd95907fb68ecc45be3ad9608410e2e3ea29a52b0e33b756086c21c6f520e967',
      'fbdced2047dc68944b5d620586ebd8ae1b1166b1448cbaa68490fadb00f69d9b',
    ]);
    for (const { request } of SUCCESSES.filter((one) => 'adapter' in one.request)) {
      const adapter = request['adapter'] as Members;
      const record = await gate.decide(request);
      const pinned = ADAPTERS.find(({ adapter_id: id }) => id === adapter['adapter_id']);
      expect(record['trusted_adapter']).toEqual({
        ...pinned,
        input_hash: sortedHash(adapter['input']),
        output_hash: sortedHash(record['adapter_facts']),
      });
      expect(record['runtime_binding']).toMatchObject({
        adapter_authority: 'facts_only',
        adapter_code_hash: ADAPTER_CODE_HASH,
        evaluator_core: 'decide_core_v1',
      });
      const other = { ...adapter, manifest_hash: 'a'.repeat(64) };
      const { status, body } = await gate.post('/api/decide', { ...request, adapter: other });
      expect(status).toBe(422);
      expect(body).toMatchObject({
        error: 'TRUSTED_ADAPTER_MANIFEST_MISMATCH',
        expected_manifest_hash: 'a'.repeat(64),
        registered_manifest_hash: adapter['manifest_hash'],
      });
    }
    // A pinned function that gets an input of its shape does not fail; whatever way one could, nothing is decided.
    const { input_invalid: _, ...failures } = ADAPTER_FAULTS;
    expect(Object.values(failures).map((code) => errors[code].status)).toEqual([
      503, 503, 503, 503,
    ]);
  });
});

describe('the registry of rulebooks', () => {
  const version = (name: string): Members => parcels({ rulebook_id: 'registered', version: name });

  it('D-47 an id and version is bound to one content for ever, and the body is never shown', async () => {
    const rulebook = version('1');
    const hash = sortedHash(rulebook);
    const made = await put(gate, rulebook);
    expect([made.status, at(made.body, 'rulebook.hash')]).toEqual([201, hash]);
    const size = await gate.size();
    expect((await put(gate, rulebook)).status).toBe(200);
    const other = await put(gate, { ...rulebook, rules: [(rulebook['rules'] as unknown[])[0]] });
    expect([other.status, other.body['error']]).toEqual([409, 'DECIDE_POLICY_VERSION_IMMUTABLE']);
    const forAdapter = await put(gate, rulebook, { trusted_adapter: without(SOLANA, 'input') });
    expect(forAdapter.status).toBe(409);
    expect(await gate.size()).toBe(size);

    for (const query of [`hash=${hash}`, 'rulebook_id=registered&version=1']) {
      const { status, body } = await metadata(query);
      expect(status).toBe(200);
      expect(body['rulebook']).toMatchObject({
        rulebook_registry_version: 'decision_rulebook_registry_v1',
        schema_version: 'rulebook_v1',
        rulebook_id: 'registered',
        version: '1',
        hash,
        evaluator_version: 'decide_rulebook_v1',
        hash_algorithm: 'sha256',
        canonicalization: 'json.sort_deep.v1',
        scope_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        registered_at: expect.any(String),
        approved_by: 'Ada Owner',
      });
      expect(JSON.stringify(body)).not.toContain('small_parcel');
      const { registry_attestation: attestation, ...rest } = body['rulebook'] as Members;
      expect(at(attestation, 'bundle_hash')).toBe(sortedHash(rest));
    }
    expect((await metadata(`hash=${hash}`, OTHER_KEY)).status).toBe(404);
    expect((await metadata('rulebook_id=registered&version=2')).status).toBe(404);
    for (const wrong of [
      '',
      'version=1',
      'rulebook_id=registered',
      `hash=${hash}&version=1`,
      'x=1',
    ]) {
      expect([wrong, (await metadata(wrong)).status]).toEqual([wrong, 400]);
    }
  });

  it('refuses what is not the rulebook of its path, not a rulebook, or for no adapter of ours', async () => {
    const rulebook = version('2');
    const refused = async (body: Members, path = rulebook): Promise<unknown> => {
      const { status, body: answer } = await put(gate, path, body);
      return [status, answer['error']];
    };
    expect(await refused({ rulebook: version('3') })).toEqual([422, 'DECIDE_API_INVALID_REQUEST']);
    expect(await refused({ rulebook: { ...rulebook, code: 1 } })).toEqual([
      422,
      'RULEBOOK_INVALID',
    ]);
    const adapter = without(SOLANA, 'input');
    expect(await refused({ trusted_adapter: { ...adapter, version: '2.0.0' } })).toEqual([
      422,
      'TRUSTED_ADAPTER_NOT_REGISTERED',
    ]);
    expect(
      await refused({ trusted_adapter: { ...adapter, manifest_hash: 'b'.repeat(64) } }),
    ).toEqual([422, 'TRUSTED_ADAPTER_MANIFEST_MISMATCH']);
    expect((await metadata('rulebook_id=registered&version=2')).status).toBe(404);
  });

  it('answers a repeated registration from the ledger', async () => {
    const rulebook = version('4');
    const first = await put(gate, rulebook, {}, once('register-4'));
    const again = await put(gate, rulebook, {}, once('register-4'));
    expect([first.status, again.status, again.headers.get('x-idempotent-replay')]).toEqual([
      201,
      201,
      '1',
    ]);
    expect(again.text).toBe(first.text);
    const other = await put(gate, version('5'), {}, once('register-4'));
    expect(other.status).toBe(409);
  });

  it('a call of a key that registers makes its rulebook known and not approved', async () => {
    const rulebook = version('6');
    const record = await gate.decide(parcel(SMALL, {}, rulebook));
    expect(record['decision_contract']).toMatchObject({
      source: 'adhoc_rulebook',
      reasons: ['RULEBOOK_NOT_REGISTERED'],
    });
    expect(record['rulebook_registry']).toMatchObject({ hash: sortedHash(rulebook) });
    const known = await metadata('rulebook_id=registered&version=6');
    expect(known.body['rulebook']).toEqual(record['rulebook_registry']);
    expect(known.body['rulebook']).not.toHaveProperty('approved_by');

    const size = await gate.size();
    const other = { ...rulebook, default_outcome: (PARCELS['rules'] as Members[])[1]?.['outcome'] };
    const adhoc = await gate.decide(parcel(SMALL, {}, other as Members));
    expect(adhoc).not.toHaveProperty('rulebook_registry');
    expect(adhoc['verdict']).toBe('yes');
    // Its decision alone: the name belongs to the first content.
    expect(await gate.size()).toBe(size + 1);

    expect((await put(gate, rulebook)).status).toBe(201);
    const bound = await gate.decide(parcel(SMALL, {}, rulebook));
    expect(bound['decision_contract']).toEqual({
      authority: 'binding',
      production_verdict: true,
      source: 'registered_rulebook',
    });
  });

  it('many at once register one content, once', async () => {
    const contents = [0, 1, 2, 3].map((weight) =>
      parcels({ rulebook_id: 'raced', version: '1', input_schema: { required: [`w${weight}`] } }),
    );
    const answers = await Promise.all(contents.map((rulebook) => put(gate, rulebook)));
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([201, 409, 409, 409]);
  });
});

describe('authority of a rulebook', () => {
  it('D-48 live, an unregistered rulebook needs a right of its own, and then only advises', async () => {
    const asLive = (key: string, request: Members) =>
      live.post('/api/decide', request, { 'x-api-key': key });
    const before = await live.size();
    const plain = await asLive(keys.plain, parcel());
    expect([plain.status, plain.body['error']]).toEqual([403, 'DECIDE_RULEBOOK_NOT_REGISTERED']);
    expect(plain.body).not.toHaveProperty('verdict');
    expect(await live.size()).toBe(before);

    const adhoc = await asLive(keys.adhoc, parcel());
    expect(adhoc.status).toBe(200);
    expect(adhoc.body).toMatchObject({
      verdict: 'yes',
      decision_contract: {
        authority: 'advisory_only',
        production_verdict: false,
        source: 'adhoc_rulebook',
        reasons: ['RULEBOOK_NOT_REGISTERED'],
      },
      runtime_binding: { authority: 'advisory_only' },
      lifecycle_state: 'in_review',
    });
    expect(adhoc.body).not.toHaveProperty('valid_until');

    const registrar = { 'x-api-key': keys.registers };
    const own = await put(live, PARCELS, { approved_by: 'key_registrar' }, registrar);
    expect([own.status, own.body['error']]).toEqual([403, 'DECIDE_POLICY_APPROVAL_REQUIRED']);
    expect((await asLive(keys.plain, parcel())).status).toBe(403);
    expect((await put(live, PARCELS, {}, registrar)).status).toBe(201);

    const bound = await asLive(keys.plain, parcel());
    expect(bound.body).toMatchObject({
      verdict: 'yes',
      decision_contract: { authority: 'binding', production_verdict: true },
      lifecycle_state: 'authorized',
    });
    const made = Date.parse(String(bound.body['created_at']));
    expect(Date.parse(String(bound.body['valid_until'])) - made).toBe(900_000);
    // Another content under the same name is as unregistered as before, and so are facts of another origin.
    const changed = parcels({ rules: (PARCELS['rules'] as unknown[]).slice(0, 1) });
    expect((await asLive(keys.plain, parcel(SMALL, {}, changed))).status).toBe(403);
    const viaAdapter = { rulebook: PARCELS, adapter: SOLANA, context: {} };
    expect((await asLive(keys.plain, viaAdapter)).status).toBe(403);
  });

  it('D-48 an incomplete binding or an expired request takes the authority and not the verdict', async () => {
    const rulebook = parcels({ rulebook_id: 'authority' });
    await put(gate, rulebook);
    const about = (context: Members) => gate.decide(parcel(SMALL, context, rulebook));
    const unnamed = await about({ source_record_id: undefined });
    const expired = await about({ expires_at: '2020-01-01T00:00:00Z' });
    for (const [record, reason] of [
      [unnamed, 'BINDING_INCOMPLETE'],
      [expired, 'REQUEST_EXPIRED'],
    ] as const) {
      expect(record).toMatchObject({
        verdict: 'yes',
        application_verdict: 'RELEASE',
        decision_contract: {
          authority: 'advisory_only',
          production_verdict: false,
          reasons: [reason],
        },
      });
      expect(record).not.toHaveProperty('valid_until');
    }
    const soon = new Date(Date.now() + 60_000).toISOString();
    expect(await about({ expires_at: soon })).toMatchObject({
      valid_until: soon,
      decision_contract: { authority: 'binding' },
    });
    expect(
      (await about({ customer_id: 'cus_1', source_record_id: undefined }))['action_binding'],
    ).toEqual({
      accepted_actions: ['release', 'release_parcel'],
      max_executions: 1,
      proposed_action: 'release',
      resource: 'cus_1',
      system: 'authority',
    });
  });

  it('what is executed on mere advice is a mismatch', async () => {
    const receipt = (record: Members) =>
      gate.post(
        pathOf(record, '/execution'),
        without(executed(record, { action_taken: 'release' }), 'parameters'),
      );
    const advice = await gate.decide(parcel(SMALL, {}, parcels({ version: 'unregistered' })));
    const refused = await receipt(advice);
    expect([refused.status, at(refused.body, 'execution.binding_mismatch_reasons')]).toEqual([
      409,
      ['ADVISORY_ONLY'],
    ]);
    const rulebook = parcels({ rulebook_id: 'executed' });
    await put(gate, rulebook);
    const bound = await receipt(await gate.decide(parcel(SMALL, {}, rulebook)));
    expect([bound.status, at(bound.body, 'execution.action_binding_match')]).toEqual([201, true]);
  });

  it('repeats its answer under an idempotency key, and refuses another request under it', async () => {
    const first = await gate.post('/api/decide', parcel(), once('parcel-7'));
    const again = await gate.post('/api/decide', parcel(), once('parcel-7'));
    expect([again.text, again.headers.get('x-idempotent-replay')]).toEqual([first.text, '1']);
    const other = await gate.post('/api/decide', parcel({ weight_grams: 1 }), once('parcel-7'));
    expect([other.status, other.body['error']]).toEqual([409, 'DECIDE_API_IDEMPOTENCY_CONFLICT']);
  });
});

describe('checking a rulebook decision', () => {
  const registry = async () => {
    const parsed = parseRegistry((await gate.get('/api/decision/receipt-keys')).body);
    if (!parsed.ok) throw new Error(parsed.fault.code);
    return parsed.value;
  };
  /** Every kind of record: of each source, each verdict, binding and not. */
  const requests = (): Members[] => [
    ...SUCCESSES.map(({ request }) => request),
    parcel(),
    parcel({}),
    parcel({ weight_grams: 9000, sender: { blocked: false } }),
    parcel({ ...SMALL, sender: { blocked: true } }),
    parcel({ weight_grams: 1 }, { evidence_refs: [{ id: 'a', type: 'scan' }] }),
  ];

  it('is verified by ours and by the published rules, and replays to the same output', async () => {
    await put(gate, PARCELS);
    const trust = { registry: await registry(), environment: 'test' } as const;
    for (const request of requests()) {
      const record = await gate.decide(request);
      const stored = await gate.get(pathOf(record, '/verify'));
      const offline = verifyRecord({ record, input: request, trust });
      for (const found of [stored.body, offline]) {
        expect(found).toMatchObject({
          failures: [],
          verified: true,
          public_verified: true,
          checks: { rulebook_attestation: true, public_form: true, input_hash: true },
        });
      }
      for (const mode of ['historical', 'current']) {
        const { status, body } = await gate.post(pathOf(record, '/replay'), { replay_mode: mode });
        expect(status).toBe(200);
        expect(body).toMatchObject({
          reproduced: true,
          drift: false,
          changed_fields: [],
          replay_output_hash: record['output_hash'],
        });
      }
    }
  });

  it('a packet of it verifies and replays', async () => {
    for (const request of [parcel(), { rulebook: TREASURY, adapter: SOLANA }]) {
      const record = await gate.decide(request);
      const packet = await gate.get(pathOf(record, '/packet?include_input=true'));
      expect(packet.status).toBe(200);
      const { body } = await gate.post('/api/decision/verify', packet.text);
      expect([body['failures'], body['verified']]).toEqual([[], true]);
      const trust = { registry: await registry(), environment: 'test' } as const;
      expect(verifyPacket({ file: packet.body, trust, replay: true })).toMatchObject({
        failures: [],
        verified: true,
        checks: { replay_reproduced: true },
      });
      const other = {
        ...packet.body,
        packet: { ...(packet.body['packet'] as Members), input: parcel({}) },
      };
      const replayed = verifyPacket({ file: other, trust, replay: true });
      expect(replayed.checks['replay_reproduced']).not.toBe(true);
    }
  });

  it('whatever is changed in what a rulebook said is noticed', async () => {
    const trust = { registry: await registry(), environment: 'test' } as const;
    const record = await gate.decide({ rulebook: TREASURY, adapter: SOLANA });
    const attestation = record['rulebook_attestation'] as Members;
    const signature = attestation['signature'] as Members;
    const changes: readonly (readonly [Members, string])[] = [
      [{ rulebook_attestation: undefined }, 'rulebook_attestation'],
      [
        { rulebook_attestation: { ...attestation, bundle_hash: 'c'.repeat(64) } },
        'rulebook_attestation',
      ],
      [
        {
          rulebook_attestation: { ...attestation, signature: { ...signature, key_id: 'ak_other' } },
        },
        'rulebook_attestation',
      ],
      [
        {
          rulebook_attestation: {
            ...attestation,
            signature: { ...signature, signature: 'A'.repeat(86) },
          },
        },
        'rulebook_attestation',
      ],
      [{ status: 'needs_input' }, 'rulebook_attestation'],
      [{ application_verdict: 'STOP' }, 'output_hash'],
      [{ reason_code: 'OTHER' }, 'alias_consistency'],
      [
        { adapter_facts: { ...(record['adapter_facts'] as Members), decision_score: 1 } },
        'alias_consistency',
      ],
      [{ adapter_facts: undefined }, 'record_complete'],
      [{ engine: undefined }, 'record_complete'],
      [{ rulebook: { ...(record['rulebook'] as Members), version: '2' } }, 'alias_consistency'],
      [
        {
          decision_contract: {
            authority: 'binding',
            production_verdict: true,
            source: 'adhoc_rulebook',
          },
        },
        'alias_consistency',
      ],
      [{ valid_until: '2030-01-01T00:00:00.000Z' }, 'verdict_consistency'],
    ];
    for (const [change, check] of changes) {
      const changed = JSON.parse(JSON.stringify({ ...record, ...change })) as Members;
      const { failures, verified } = verifyRecord({ record: changed, trust });
      expect([change, verified]).toEqual([change, false]);
      expect(failures, JSON.stringify(change)).toContain(check);
    }
  });

  it('the attestation counts only under a key that the registry knows, if there is a registry', async () => {
    const record = await gate.decide(parcel());
    const known = await registry();
    const environment = 'test' as const;
    const check = (trust: Trust) => verifyRecord({ record, trust }).checks['rulebook_attestation'];
    expect(check({ registry: known, environment })).toBe(true);
    expect(check({ environment })).toBe(true);
    const strange = known.receiptKeys.filter(({ use }) => use === 'receipt_signature');
    expect(check({ registry: { ...known, receiptKeys: strange }, environment })).toBe(false);
    const late = known.receiptKeys.map((key) => ({ ...key, notBefore: Date.now() + 60_000 }));
    expect(check({ registry: { ...known, receiptKeys: late }, environment })).toBe(false);
  });

  it('nothing is attested, and so nothing decided, with a key that does not sign', () => {
    const broken = (): never => {
      throw new Error('revoked');
    };
    expect(attestBundle(broken, {})).toEqual({
      ok: false,
      fault: { code: 'RULEBOOK_ATTESTATION_SIGNATURE_REQUIRED' },
    });
    expect(errors.RULEBOOK_ATTESTATION_SIGNATURE_REQUIRED.status).toBe(503);
  });

  it('D-49 the application holds all ten materials, and each one that is taken away is missed', async () => {
    for (const { request } of SUCCESSES) {
      const record = await gate.decide(request);
      expect(verifyApplicationBinding(record)).toEqual({ verified: true, missing: [] });
      const materials = [
        'rulebook_contract',
        'runtime_binding',
        'verdict',
        'application_verdict',
        'action',
        'reason_code',
        'matched_rule_id',
        'rulebook.hash',
        'input_hash',
        'rulebook_attestation.bundle_hash',
      ];
      for (const path of materials) {
        const [name = '', inner] = path.split('.');
        const lacking =
          inner === undefined
            ? without(record, name)
            : { ...record, [name]: without(record[name] as Members, inner) };
        expect(verifyApplicationBinding(lacking)).toEqual({ verified: false, missing: [path] });
      }
    }
    const byDefault = await gate.decide(parcel({ weight_grams: 9000, sender: { blocked: false } }));
    expect(byDefault).not.toHaveProperty('matched_rule_id');
    expect(verifyApplicationBinding(byDefault).verified).toBe(true);
  });

  it('a record that only compares options is not verified as a decision, and says why', async () => {
    const advice = await gate.decide({
      question: 'Which?',
      mode: 'multi',
      context: { workflow: 'billing_discount_gate' },
      options: [
        { option_id: 'a', context_patch: { discount_percent: 5 } },
        { option_id: 'b', context_patch: { discount_percent: 50 } },
      ],
    });
    const trust = { registry: await registry(), environment: 'test' } as const;
    expect(verifyRecord({ record: advice, trust })).toMatchObject({
      verified: false,
      error: { code: 'DECIDE_VERIFY_ADVISORY' },
    });
  });
});
