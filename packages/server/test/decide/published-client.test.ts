import { parseRegistry, verifyPacket, verifyRecord } from '@countersign/verify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  addKey,
  at,
  billing,
  executed,
  type Gate,
  linksTo,
  listAt,
  type Members,
  openGate,
  outcome,
  temporaryDirectory,
} from '../harness.ts';
import {
  brokenAt,
  canonicalText,
  emptied,
  isSignature,
  publishedRecordHash,
  sortedHash,
  without,
} from '../independent.ts';
import { PARCELS, SMALL } from './rulebook-fixtures.ts';

let gate: Gate;
let client: PlainClient;
let registrar: string;

beforeAll(async () => {
  const directory = temporaryDirectory();
  const key = await addKey(directory, {
    environment: 'live',
    scopes: ['decide', 'lifecycle', 'read', 'packet'],
  });
  registrar = await addKey(directory, { environment: 'live', scopes: ['rulebook_register'] });
  gate = await openGate({ directory, environment: 'live' });
  client = new PlainClient(gate.server.url, key);
});
afterAll(() => gate.close());

/** What the published client throws. */
class Refused extends Error {
  readonly status: number;
  readonly body: Members;
  constructor(status: number, body: Members) {
    super(String(body['message']));
    this.status = status;
    this.body = body;
  }
}

/** Speaks like the published client: the same headers on every call, whole answers, an error for all but 2xx. */
class PlainClient {
  readonly #url: string;
  readonly #key: string | undefined;
  constructor(url: string, key?: string) {
    this.#url = url;
    this.#key = key;
  }

  async call(
    method: string,
    path: string,
    body?: Members,
    idempotencyKey?: string,
  ): Promise<Members> {
    const answer = await fetch(this.#url + path, {
      method,
      headers: {
        'content-type': 'application/json',
        'x-decision-response-view': 'full',
        ...(this.#key === undefined ? {} : { 'x-api-key': this.#key }),
        ...(idempotencyKey === undefined ? {} : { 'x-idempotency-key': idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const parsed = (await answer.json()) as Members;
    if (!answer.ok) throw new Refused(answer.status, parsed);
    return parsed;
  }

  get(path: string): Promise<Members> {
    return this.call('GET', path);
  }

  post(path: string, body: Members, idempotencyKey?: string): Promise<Members> {
    return this.call('POST', path, body, idempotencyKey);
  }
}

/** Every one of these members must be there. */
function expectMembers(answer: unknown, ...paths: readonly string[]): void {
  for (const path of paths) expect(at(answer, path), path).toBeDefined();
}

const POLICY = '/api/decision/policies/pricing_exception';

it('D-119 a client that calls like the published one, which is not part of this repository, goes through the whole lifecycle on live keys', async () => {
  const request = billing({ source_record_id: 'deal_1042' });
  const record = await client.post('/api/decide', request, 'deal_1042_decision');
  expectMembers(
    record,
    ...['verdict', 'c', 'v', 'action', 'decision_id', 'record_hash', 'receipt_hash', 'verify_url'],
    ...['replay_url', 'policy_id', 'policy_version', 'action_binding', 'audit_chain.chain_id'],
    ...['request_id', 'decision'],
  );
  expect([record['verdict'], record['environment']]).toEqual(['yes', undefined]);
  const here = `/api/decision/${String(record['decision_id'])}`;

  // Verify, look up, replay, compare, ask what if.
  expect(await client.get(String(record['verify_url']))).toMatchObject({ verified: true });
  const exported = await client.post('/api/decision/verify', { record, input: request });
  expect(exported).toMatchObject({ verified: true, public_verified: true });
  expect(at(await client.get(here), 'decision_record.record_hash')).toBe(record['record_hash']);
  expect(await client.get(String(record['replay_url']))).toMatchObject({ reproduced: true });
  const replayed = await client.post(`${here}/replay`, { replay_mode: 'historical' });
  expect(replayed).toMatchObject({ reproduced: true });
  expect(await client.post(`${here}/diff`, {})).toMatchObject({ replay_mode: 'current' });
  const scenario = {
    scenario_id: 's1',
    label: 'Missed floor',
    context_patch: { margin_floor: 'failed' },
  };
  const what = await client.post(`${here}/counterfactuals`, { scenarios: [scenario] });
  expectMembers(
    listAt(what, 'scenarios')[0],
    ...['scenario_id', 'verdict', 'action', 'changed', 'recommendation'],
  );

  // Report what was done and what came of it.
  const { execution } = await client.post(
    `${here}/execution`,
    executed(record),
    'deal_1042_execution',
  );
  expectMembers(execution, 'execution_receipt_id', 'execution_hash');
  expect(at(execution, 'action_binding_match')).toBe(true);
  const came = await client.post(`${here}/outcome`, outcome(record), 'deal_1042_outcome');
  expectMembers(came, 'outcome.outcome_id', 'outcome.outcome_hash');
  expect(at(came, 'outcome.outcome_status')).toBe('succeeded');
  const sync = {
    ...{ sync_status: 'written', sync_direction: 'writeback', crm_provider: 'crm.example' },
    ...{ crm_object_type: 'deal', crm_object_id: 'deal_1042', decision_verdict: 'yes' },
    field_mapping: { verdict: 'Decision_c' },
    ...linksTo(record),
  };
  const { crm_sync: synced } = await client.post(`${here}/crm-sync`, sync, 'deal_1042_crm');
  expectMembers(synced, 'sync_id', 'sync_status', 'sync_hash');
  expect(at(synced, 'mapped_fields')).toEqual(['verdict']);
  for (const list of ['execution', 'outcome', 'crm-sync']) {
    expect((await client.get(`${here}/${list}`))['count'], list).toBe(1);
  }

  // The four reports, over enough of the same that nothing is left out for want of numbers.
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      const one = await client.post('/api/decide', request);
      const about = `/api/decision/${String(one['decision_id'])}`;
      await client.post(`${about}/execution`, executed(one));
      await client.post(`${about}/outcome`, outcome(one));
    }),
  );
  const report = ['policy_id', 'policy_version', 'status', 'recommendation', 'decisions_analyzed'];
  expectMembers(
    await client.get(`${POLICY}/effectiveness?policy_version=v3&min_sample=1`),
    ...[...report, 'effectiveness_score', 'confidence', 'metrics', 'proxy_quality'],
  );
  expectMembers(
    await client.get(`${POLICY}/anomalies?policy_version=v3&min_sample=1`),
    ...[...report, 'summary', 'baseline', 'anomalies'],
  );
  expectMembers(
    await client.get(`${POLICY}/confidence?policy_version=v3&min_sample=1`),
    ...['score', 'level', 'based_on', 'similar_decisions', 'policy_stability'],
    ...['recommendation', 'confidence_hash'],
  );
  // Percentiles are of five tenants and more; with one there is a status that says so.
  expectMembers(
    await client.get(`${POLICY}/benchmarks`),
    ...['cross_customer.status', 'your_metrics.success_rate', 'recommendation', 'benchmark_hash'],
  );

  // Chain, registries, status.
  const chain = await client.get(
    `/api/decision/chains/${String(at(record, 'audit_chain.chain_id'))}`,
  );
  expectMembers(chain, 'chain_id', 'chain_size', 'merkle_root', 'head_link_hash');
  expect(at(chain, 'verification.valid')).toBe(true);
  expect(brokenAt(listAt(chain, 'retained_links'))).toBeUndefined();
  const patterns = await client.get('/api/decision/policy-patterns?pattern_id=pricing_exception');
  expectMembers(
    patterns,
    ...['policy_pattern', 'patterns.0', 'count', 'policy_pattern.pattern_id'],
    ...['policy_pattern.pattern_hash', 'policy_pattern.decision_request_template'],
  );
  const template = at(patterns, 'policy_pattern.decision_request_template') as Members;
  const extended = { ...template, context: { ...(template['context'] as Members), note: 'mine' } };
  expectMembers(await client.post('/api/decide', extended), 'verdict');
  const bundles = await client.get('/api/decision/policy-bundles');
  expect(listAt(bundles, 'bundles').map(({ hash }) => hash)).toContain(
    record['policy_bundle_hash'],
  );
  expect(await client.get('/api/decision/status')).toMatchObject({ accepting_decisions: true });

  // A rulebook that somebody else registered and approved.
  const owner = new PlainClient(gate.server.url, registrar);
  await owner.call('PUT', '/api/decision/rulebooks/parcel_release/versions/3', {
    rulebook: PARCELS,
    approved_by: 'Ada Owner',
  });
  const parcel = await client.post('/api/decide', {
    mode: 'rulebook',
    rulebook: PARCELS,
    context: { source_record_id: 'parcel_7', inputs: SMALL },
  });
  expectMembers(parcel, 'application_verdict', 'reason_code', 'matched_rule_id');
  const hash = String(at(parcel, 'rulebook.hash'));
  for (const query of [`hash=${hash}`, 'rulebook_id=parcel_release&version=3']) {
    const { rulebook } = await client.get(`/api/decision/rulebooks?${query}`);
    expectMembers(
      rulebook,
      ...['rulebook_registry_version', 'schema_version', 'rulebook_id', 'version'],
      ...['evaluator_version', 'hash_algorithm', 'scope_hash', 'registry_attestation'],
      'registered_at',
    );
    expect(rulebook).toMatchObject({ hash, canonicalization: 'json.sort_deep.v1' });
  }

  // With keys that anybody may fetch, record and packet hold by the published rules and by a stranger's own code.
  const packet = await client.get(`${here}/packet`);
  const keys = await new PlainClient(gate.server.url).get('/api/decision/receipt-keys');
  const key = listAt(keys, 'keys').find(({ key_id: id }) => id === record['receipt_key_id']);
  expectMembers(key, 'public_key', 'public_key_fingerprint');
  const registry = parseRegistry(keys);
  if (!registry.ok) throw new Error(registry.fault.code);
  const trust = { registry: registry.value, environment: 'live' } as const;
  const ofRecord = verifyRecord({ record, input: request, trust });
  expect([ofRecord.public_verified, ofRecord.verified]).toEqual([true, true]);
  const ofPacket = verifyPacket({ file: packet, trust });
  expect([ofPacket.public_verified, ofPacket.verified]).toEqual([true, true]);

  const stored = at(packet, 'packet') as Members;
  for (const one of [record, stored['decision_record'] as Members, parcel]) {
    expect(publishedRecordHash(one)).toBe(one['record_hash']);
    const { decision_id, receipt_key_id: key_id, receipt_hash, record_hash } = one;
    const message = canonicalText({ decision_id, key_id, receipt_hash, record_hash });
    expect(isSignature(one['receipt_signature'], message, String(key?.['public_key']))).toBe(true);
  }
  expect(sortedHash(without(stored, 'packet_hash'))).toBe(stored['packet_hash']);
  expect(brokenAt(listAt(stored, 'audit_chain.retained_links'))).toBeUndefined();
  expect(publishedHash(listAt(stored, 'executions')[0], EXECUTION)).toBe(
    at(execution, 'execution_hash'),
  );
  expect(publishedHash(listAt(stored, 'outcomes')[0], OUTCOME)).toBe(
    at(came, 'outcome.outcome_hash'),
  );
});

const PLACE = ['audit_chain', 'ledger', 'ledger_proof'];
const EXECUTION = [
  ...['execution_hash', 'execution_signature', 'execution_key_id', 'parameters_hash', 'claim_id'],
  ...['binding_mismatch_reasons', 'claimed_record_hash', 'claimed_receipt_hash'],
  ...['reverts_execution_receipt_id', ...PLACE],
];
const OUTCOME = [
  ...['outcome_hash', 'outcome_signature', 'outcome_key_id', 'execution_receipt_id'],
  ...['execution_hash', 'correction_of', ...PLACE],
];

/** Hash of what the published verifier looks at in a receipt or an outcome. */
function publishedHash(artefact: Members | undefined, unseen: readonly string[]): string {
  return sortedHash(emptied(without(artefact ?? {}, ...unseen)));
}

it('D-119 such a client throws what was refused, with its message', async () => {
  const refused = await client.get('/api/decision/dec_unheard_of').catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(Refused);
  expect(refused).toMatchObject({
    status: 404,
    message: 'There is no such decision.',
    body: { error: 'DECIDE_DECISION_NOT_FOUND' },
  });
  const stranger = new PlainClient(gate.server.url);
  await expect(stranger.post('/api/decide', billing())).rejects.toMatchObject({ status: 401 });
});
