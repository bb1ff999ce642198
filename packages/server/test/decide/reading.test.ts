import { operations } from '@countersign/contract';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  at,
  billing,
  executed,
  type Gate,
  listAt,
  type Members,
  OTHER_KEY,
  once,
  openGate,
  outcome,
  pathOf,
} from '../harness.ts';
import { canonicalHash, sortedHash } from '../independent.ts';

let gate: Gate;

beforeAll(async () => {
  gate = await openGate();
});
afterAll(() => gate.close());

const MINIMAL = [
  ...['verdict', 'decision_id', 'request_id', 'evidence', 'action', 'decision_record_version'],
  ...['record_hash', 'receipt_hash', 'verify_url', 'replay_url', 'valid_until'],
  ...['decision_contract', 'ledger_proof', 'record_view'],
];
const STANDARD = [
  ...MINIMAL,
  ...['policy_id', 'policy_version', 'policy_bundle_hash', 'action_binding'],
  ...['action_binding_hash', 'created_at', 'input_hash', 'idempotency_key'],
  ...['receipt_signature', 'receipt_signature_algorithm', 'receipt_key_id'],
  ...['receipt_public_key', 'receipt_public_key_fingerprint'],
];
const FULL = [
  ...STANDARD,
  ...['decision_protocol_version', 'environment', 'mode', 'c', 'v', 'decision', 'source_hash'],
  ...['evaluated_at', 'requirement_state', 'evidence_checks', 'evidence_manifest'],
  ...['evidence_sources', 'policy_hash', 'policy_bundle', 'evaluator_version'],
  ...['runtime_binding', 'output_hash', 'replay', 'integrity', 'audit_chain', 'ledger'],
  ...['lifecycle_state'],
];
const VIEWS = { minimal: MINIMAL, standard: STANDARD, full: FULL } as const;

describe('views', () => {
  it('D-7 each view has exactly its members, and all have the same hash', async () => {
    for (const [view, members] of Object.entries(VIEWS)) {
      const asking = (key: string) => ({ ...once(key), 'x-decision-response-view': view });
      const yes = await gate.decide(billing(), asking(`yes_${view}`));
      expect(Object.keys(yes).sort(), view).toEqual([...members].sort());
      expect(yes['record_view']).toBe(view);
      // A review has a route where a yes has an end.
      const open = await gate.decide(billing({ margin_floor: undefined }), asking(`open_${view}`));
      const route = { minimal: [], standard: ['route'], full: ['route', 'why'] }[view] ?? [];
      expect(Object.keys(open).sort(), view).toEqual(
        [...members.filter((name) => name !== 'valid_until'), ...route].sort(),
      );
    }
    const record = await gate.decide(billing(), once('one_record'));
    for (const view of Object.keys(VIEWS)) {
      const headers = { ...once('one_record'), 'x-decision-response-view': view };
      const again = await gate.post('/api/decide', billing(), headers);
      expect(again.body['record_hash']).toBe(record['record_hash']);
      expect(again.headers.get('x-decide-record-hash')).toBe(record['record_hash']);
      const looked = await gate.get(pathOf(record), { 'x-decision-response-view': view });
      const found = looked.body['decision_record'] as Members;
      expect(found['record_hash']).toBe(record['record_hash']);
      expect(Object.keys(found).sort()).toEqual([...VIEWS[view as keyof typeof VIEWS]].sort());
    }
  });

  it('D-8 without a header the view is full', async () => {
    const record = await gate.decide(billing(), once('full_by_default'));
    expect(record['record_view']).toBe('full');
    expect(Object.keys(record).sort()).toEqual([...FULL].sort());
  });

  it('the member `response_view` says the same as the header or is refused', async () => {
    const asked = billing({}, { response_view: 'minimal' });
    expect(await gate.decide(asked)).toMatchObject({ record_view: 'minimal' });
    const agreed = { 'x-decision-response-view': 'minimal' };
    expect(await gate.decide(asked, agreed)).toMatchObject({ record_view: 'minimal' });
    const torn = await gate.post('/api/decide', asked, { 'x-decision-response-view': 'full' });
    expect(torn.status).toBe(422);
    const unknown = await gate.post('/api/decide', billing(), {
      'x-decision-response-view': 'all',
    });
    expect(unknown.status).toBe(400);
  });
});

describe('looking up', () => {
  it('D-66 gives the record, its state and its children', async () => {
    const record = await gate.decide(billing());
    const { status, body } = await gate.get(pathOf(record));
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ok: true,
      lifecycle_state: 'authorized',
      children: [],
      links: {
        executions: pathOf(record, '/execution'),
        outcomes: pathOf(record, '/outcome'),
        packet: pathOf(record, '/packet'),
      },
    });
    const { ledger_proof: _, ...stored } = body['decision_record'] as Members;
    const { ledger_proof: __, ...answered } = record;
    expect(stored).toEqual(answered);
    expect(body).not.toHaveProperty('input');
    await gate.post(pathOf(record, '/execution'), executed(record));
    expect((await gate.get(pathOf(record))).body['lifecycle_state']).toBe('executed');
  });

  it('the input comes when it is asked for, and hashes to `input_hash`', async () => {
    const record = await gate.decide(billing());
    const { body } = await gate.get(pathOf(record, '?include_input=true'));
    expect(sortedHash(body['input'])).toBe(record['input_hash']);
    expect(body['input']).toEqual(billing());
  });

  it('a state that time brings about is seen as well', async () => {
    const expiresAt = new Date(Date.now() + 300).toISOString();
    const record = await gate.decide(billing({ expires_at: expiresAt }));
    expect(record['lifecycle_state']).toBe('authorized');
    await new Promise((later) => setTimeout(later, 350));
    expect((await gate.get(pathOf(record))).body['lifecycle_state']).toBe('expired');
  });
});

describe('lists', () => {
  it('are oldest first and go on from a cursor until nothing is left', async () => {
    const record = await gate.decide(billing());
    const ids: unknown[] = [];
    for (let place = 0; place < 5; place += 1) {
      const blocked = executed(record, {
        execution_status: 'blocked',
        execution_id: `run_${place}`,
      });
      const { body } = await gate.post(pathOf(record, '/execution'), blocked);
      ids.push(at(body, 'execution.execution_receipt_id'));
    }
    const found: unknown[] = [];
    let query = '?limit=2';
    for (let page = 0; page < 4; page += 1) {
      const { status, body } = await gate.get(pathOf(record, `/execution${query}`));
      expect(status).toBe(200);
      expect(body['count']).toBe(listAt(body, 'items').length);
      found.push(...listAt(body, 'items').map((item) => item['execution_receipt_id']));
      const cursor = body['next_cursor'];
      if (typeof cursor !== 'string') break;
      query = `?limit=2&cursor=${cursor}`;
    }
    expect(found).toEqual(ids);
    const whole = await gate.get(pathOf(record, '/execution?limit=5'));
    expect(whole.body).not.toHaveProperty('next_cursor');
    const empty = await gate.get(pathOf(record, '/outcome'));
    expect(empty.body).toMatchObject({ ok: true, count: 0, items: [] });
  });

  it.each([
    'limit=0',
    'limit=201',
    'limit=two',
    'limit=1&limit=2',
    'cursor=x',
    'cursor=',
    'page=2',
  ])('?%s is 400', async (query) => {
    const record = await gate.decide(billing());
    const { status, body } = await gate.get(pathOf(record, `/execution?${query}`));
    expect([status, body['error']]).toEqual([400, 'DECIDE_API_INVALID_QUERY']);
  });
});

describe('tenants', () => {
  it('D-65 every id route answers a foreign key exactly as it answers an unknown id', async () => {
    const record = await gate.decide(billing());
    await gate.post(pathOf(record, '/execution'), executed(record));
    await gate.post(pathOf(record, '/outcome'), outcome(record));
    const unknown = { ...record, decision_id: `dec_${'0'.repeat(26)}` };
    const routes: readonly (readonly ['GET' | 'POST', string, Members?])[] = [
      ['GET', ''],
      ['GET', '?include_input=true'],
      ['GET', '/verify'],
      ['GET', '/replay'],
      ['POST', '/replay', {}],
      ['POST', '/diff', {}],
      [
        'POST',
        '/counterfactuals',
        { scenarios: [{ scenario_id: 's1', label: 'Less', context_patch: { plan: 'monthly' } }] },
      ],
      [
        'POST',
        '/claim',
        {
          action_taken: 'apply_discount',
          target_system: 'billing',
          target_object_id: 'sub_1042',
          mutation: 'discount.create',
          parameters: { discount_percent: 15 },
          executor: { type: 'worker', id: 'billing-worker-3' },
        },
      ],
      [
        'POST',
        '/review',
        {
          resolution: 'approve',
          reviewer: { id: 'rita', group: 'revops' },
          reason: 'seen',
          decision_record_hash: record['record_hash'],
        },
      ],
      ['GET', '/crm-sync'],
      [
        'POST',
        '/crm-sync',
        {
          sync_status: 'written',
          crm_provider: 'northcrm',
          crm_object_type: 'deal',
          crm_object_id: 'deal_1',
        },
      ],
      ['GET', '/execution'],
      ['POST', '/execution', executed(record)],
      ['GET', '/outcome'],
      ['POST', '/outcome', outcome(record)],
      ['GET', '/packet'],
      ['GET', '/packet?as_of=1000000'],
    ];
    const tried = routes.map(([method, rest]) => `${method} ${rest.split('?')[0] ?? ''}`);
    const there = Object.values(operations)
      .filter(({ path }) => path.includes(':id'))
      .map(({ method, path }) => `${method} ${path.replace('/api/decision/:id', '')}`);
    expect([...new Set(tried)].sort()).toEqual(there.sort());
    const foreign = { 'x-api-key': OTHER_KEY };
    const before = await gate.size();
    const bare = ({ body }: { readonly body: Members }): Members => {
      const { request_id: _, ...rest } = body;
      return rest;
    };
    for (const [method, rest, body] of routes) {
      const ask = (of: Members, headers: Readonly<Record<string, string>>) =>
        method === 'GET'
          ? gate.get(pathOf(of, rest), headers)
          : gate.post(pathOf(of, rest), body, headers);
      const theirs = await ask(record, foreign);
      const nobodys = await ask(unknown, foreign);
      const own = await ask(unknown, {});
      const where = `${method} ${rest}`;
      expect([where, theirs.status]).toEqual([where, 404]);
      expect(bare(theirs), where).toEqual(bare(nobodys));
      expect(bare(theirs), where).toEqual(bare(own));
      expect(theirs.body['error']).toBe('DECIDE_DECISION_NOT_FOUND');
      expect([...theirs.headers.keys()].sort()).toEqual([...nobodys.headers.keys()].sort());
    }
    expect(await gate.size()).toBe(before);
    expect((await gate.get(pathOf(record))).status).toBe(200);
  });

  it('the same idempotency key of two tenants is two keys', async () => {
    const mine = await gate.decide(billing(), once('shared_by_tenants'));
    const foreign = { ...once('shared_by_tenants'), 'x-api-key': OTHER_KEY };
    const theirs = await gate.decide(billing({ discount_percent: 3 }), foreign);
    expect(theirs['decision_id']).not.toBe(mine['decision_id']);
    expect(at(theirs, 'audit_chain.chain_id')).not.toBe(at(mine, 'audit_chain.chain_id'));
  });

  it.each([
    'dec_abc',
    'dec_',
    'DEC_abcdefgh',
    'req_abcdefgh',
    'dec_a-b-c-d',
    `dec_${'a'.repeat(601)}`,
  ])('an id that cannot be is not found: %s', async (id) => {
    const { status, body } = await gate.get(`/api/decision/${id}`);
    expect([status, body['error']]).toEqual([404, 'DECIDE_DECISION_NOT_FOUND']);
  });
});

describe('templates', () => {
  it('D-96 six patterns with all their members, found by id and by tag', async () => {
    const { status, body } = await gate.send('/api/decision/policy-patterns', {});
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ok: true,
      decision_protocol_version: 'decision_protocol_v1',
      decision_record_version: 'decision_record_v1',
      decision_pattern_registry_version: 'decision_pattern_registry_v1',
      source: 'first_party',
      status: 'active',
      count: 6,
    });
    const patterns = listAt(body, 'patterns');
    expect(patterns.map((pattern) => String(pattern['pattern_id'])).sort()).toEqual([
      'access_grant_gate',
      'agent_action_gate',
      'crm_writeback_gate',
      'payout_gate',
      'pricing_exception',
      'refund_review',
    ]);
    const members = [
      ...['decision_pattern_version', 'pattern_id', 'name', 'version', 'category', 'status'],
      ...['summary', 'policy_id', 'recommended_policy_version', 'source', 'tags', 'use_cases'],
      ...['required_context_fields', 'recommended_context_fields', 'evidence_codes'],
      ...['decision_request_template', 'outcome_template', 'crm_sync_template', 'sdk_examples'],
      'pattern_hash',
    ];
    for (const pattern of patterns) {
      expect(Object.keys(pattern).sort()).toEqual([...members].sort());
      const { pattern_hash: hash, ...rest } = pattern;
      expect(hash).toBe(canonicalHash(rest));
      const id = String(pattern['pattern_id']);
      const one = await gate.send(`/api/decision/policy-patterns?pattern_id=${id}`, {});
      expect(one.body).toMatchObject({ count: 1, policy_pattern: pattern, patterns: [pattern] });
    }
    const tagged = await gate.send('/api/decision/policy-patterns?tag=pricing', {});
    const expected = patterns.filter(({ tags }) => Array.isArray(tags) && tags.includes('pricing'));
    expect(expected.length).toBeGreaterThan(0);
    expect(expected.length).toBeLessThan(6);
    expect(tagged.body['patterns']).toEqual(expected);
    expect(tagged.body).not.toHaveProperty('policy_pattern');
    const none = await gate.send('/api/decision/policy-patterns?pattern_id=nobody', {});
    expect(none.body).toMatchObject({ count: 0, patterns: [] });
  });

  it('the request of each pattern works as it stands', async () => {
    const { body } = await gate.send('/api/decision/policy-patterns', {});
    for (const pattern of listAt(body, 'patterns')) {
      const id = String(pattern['pattern_id']);
      const record = await gate.decide(
        pattern['decision_request_template'] as Members,
        once(`pattern_${id}`),
      );
      expect(record['policy_id']).toBe(id);
      expect(record['policy_version']).toBe(pattern['recommended_policy_version']);
      expect(record['evidence']).not.toContain('INPUT_SCHEMA_FAILED');
    }
  });
});
