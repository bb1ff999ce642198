import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TEMPLATE_DIRECTORY } from '../../src/config.ts';
import { readTemplates } from '../../src/service/templates.ts';
import {
  at,
  billing,
  type Gate,
  KEY,
  listAt,
  type Members,
  openGate,
  pathOf,
  trial,
} from '../harness.ts';
import { canonicalHash, without } from '../independent.ts';

let gate: Gate;

beforeAll(async () => {
  gate = await openGate();
});
afterAll(() => gate.close());

function policyPath(id: string, rest: string): string {
  return `/api/decision/policies/${id}${rest}`;
}

/** A policy that passes below a limit, in the version named. */
function limitPolicy(version: string, limit: number, extra: Members = {}): Members {
  return {
    policy_schema_version: 'decide_policy_v1',
    policy_id: 'limit_gate',
    version,
    title: 'Limit gate',
    workflows: ['trial'],
    owner: { group: 'owners' },
    actions: { act: { yes: 'act', no: 'refuse', review: 'ask_owner' } },
    context_fields: {},
    conditions: {
      below: {
        field: 'amount_minor',
        op: 'at_most',
        value: limit,
        codes: { true: 'BELOW_LIMIT', false: 'ABOVE_LIMIT', unknown: 'AMOUNT_UNKNOWN' },
      },
      ...(extra as object),
    },
    requirement:
      Object.keys(extra).length === 0
        ? { cond: 'below' }
        : { and: [{ cond: 'below' }, ...Object.keys(extra).map((cond) => ({ cond }))] },
    self_tests: [
      { name: 'yes', context: full({ amount_minor: 1, seen: 'yes' }), expect: { verdict: 'yes' } },
      {
        name: 'no',
        context: full({ amount_minor: 9_999, seen: 'yes' }),
        expect: { verdict: 'no' },
      },
      { name: 'review', context: full({}), expect: { verdict: 'review' } },
    ],
  };
}

function full(context: Members): Members {
  return { source_record_id: 'src_1', requested_action: 'act', ...context };
}

async function put(document: Members): Promise<void> {
  const path = policyPath(
    String(document['policy_id']),
    `/versions/${String(document['version'])}`,
  );
  const answer = await gate.send(path, {
    method: 'PUT',
    headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
    body: JSON.stringify(document),
  });
  expect([answer.status, answer.text]).toEqual([201, expect.anything()]);
}

async function activate(id: string, version: string, expected: string | null): Promise<void> {
  const answer = await gate.post(policyPath(id, '/activate'), {
    version,
    expected_active: expected,
    approved_by: 'olga.owner',
    acknowledge_shift: 'more decisions will be yes',
  });
  expect([answer.status, answer.text]).toEqual([200, expect.anything()]);
}

describe('diff', () => {
  it('D-81 activating v4 shows yes → review, the changed members and each condition', async () => {
    const record = await gate.decide(billing({ discount_percent: 20 }));
    expect(record['verdict']).toBe('yes');
    const before = await gate.post(pathOf(record, '/diff'), {});
    expect(before.body).toMatchObject({ replay_mode: 'current', drift: false, changed_fields: [] });

    await activate('pricing_exception', 'v4', 'v3');
    const { status, body } = await gate.post(pathOf(record, '/diff'), {});
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ok: true,
      decision_id: record['decision_id'],
      replay_mode: 'current',
      original_verdict: 'yes',
      current_verdict: 'review',
      original_policy_bundle_hash: record['policy_bundle_hash'],
      reproduced: true,
      drift: true,
      semantic_drift: true,
      changed_fields: [
        'verdict',
        'action',
        'evidence',
        'requirement_state',
        'policy_version',
        'policy_bundle_hash',
      ],
      summary: 'yes → review under newer bundle',
      explained_by: [],
    });
    expect(at(body, 'current_policy_bundle.version')).toBe('v4');
    const conditions = listAt(body, 'conditions');
    const of = (name: string) => conditions.find((one) => one['name'] === name);
    expect(of('margin_floor_ok')).toMatchObject({ change: 'none' });
    expect(of('discount_within_policy')).toMatchObject({
      change: 'added',
      after: { state: 'false', code: 'DISCOUNT_ABOVE_POLICY' },
    });
    expect(of('owner_approval')).toMatchObject({ change: 'added' });
    expect(body['replay_hash']).toBe(canonicalHash(without(body, 'ok', 'replay_hash')));

    // The same by the replay route, and the record itself is what it was.
    const current = await gate.post(pathOf(record, '/replay'), { replay_mode: 'current' });
    expect(current.body).toMatchObject({ current_verdict: 'review' });
    const historical = await gate.get(pathOf(record, '/replay'));
    expect(historical.body).toMatchObject({ reproduced: true, drift: false });
    await activate('pricing_exception', 'v3', 'v4');
  });

  it('names the condition whose change makes the difference', async () => {
    await put(limitPolicy('v1', 100));
    await activate('limit_gate', 'v1', null);
    const record = await gate.decide(trial({ amount_minor: 50 }));
    expect(record['verdict']).toBe('yes');
    await put(limitPolicy('v2', 10));
    await activate('limit_gate', 'v2', 'v1');
    const { body } = await gate.post(pathOf(record, '/diff'), {});
    expect(body).toMatchObject({ current_verdict: 'no', explained_by: ['below'] });
    expect(listAt(body, 'conditions')).toContainEqual({
      name: 'below',
      before: { state: 'true', code: 'BELOW_LIMIT' },
      after: { state: 'false', code: 'ABOVE_LIMIT' },
      change: 'state',
    });
  });

  it('writes a simulation entry and no decision', async () => {
    const record = await gate.decide(billing());
    const before = await gate.size();
    await gate.post(pathOf(record, '/diff'), {});
    expect(await gate.size()).toBe(before + 1);
    const { body } = await gate.get(`/api/decision/ledger/inclusion?seq=${before}`);
    expect(at(body, 'entry.entry_type')).toBe('simulation');
  });
});

describe('counterfactuals', () => {
  const scenarios = [
    {
      scenario_id: 'no_margin',
      label: 'Margin breached',
      context_patch: { margin_floor: 'failed' },
    },
    { scenario_id: 'silent', label: 'Margin not told', context_patch: { margin_floor: null } },
  ];

  it('D-82 two labelled scenarios say what would change, and nothing is decided', async () => {
    const record = await gate.decide(billing());
    const before = await gate.size();
    const { status, body } = await gate.post(pathOf(record, '/counterfactuals'), { scenarios });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      simulation_only: true,
      decision_id: record['decision_id'],
      decision_contract: { authority: 'advisory_only', production_verdict: false },
    });
    expect(listAt(body, 'scenarios')).toMatchObject([
      {
        scenario_id: 'no_margin',
        label: 'Margin breached',
        verdict: 'no',
        action: 'reject_discount',
        changed: true,
        recommendation: 'would_block',
        evidence: ['MARGIN_FLOOR_BREACH', 'OWNER_RULE_VERIFIED'],
      },
      {
        scenario_id: 'silent',
        label: 'Margin not told',
        verdict: 'review',
        changed: true,
        recommendation: 'would_need_review',
      },
    ]);
    for (const name of ['valid_until', 'action_binding', 'receipt_hash', 'record_hash']) {
      expect(body).not.toHaveProperty(name);
    }
    expect(body['counterfactual_hash']).toBe(canonicalHash(without(body, 'counterfactual_hash')));
    expect(await gate.size()).toBe(before + 1);
    const entry = await gate.get(`/api/decision/ledger/inclusion?seq=${before}`);
    expect(at(entry.body, 'entry.entry_type')).toBe('simulation');
    expect((await gate.get(pathOf(record))).body).toMatchObject({ lifecycle_state: 'authorized' });
  });

  it('an unchanged verdict is called the same, a cleared one would allow', async () => {
    const record = await gate.decide(billing({ margin_floor: undefined }));
    const { body } = await gate.post(pathOf(record, '/counterfactuals'), {
      scenarios: [
        { scenario_id: 'a', label: 'As it is', context_patch: {} },
        { scenario_id: 'b', label: 'Margin told', context_patch: { margin_floor: 'passed' } },
      ],
    });
    expect(listAt(body, 'scenarios')).toMatchObject([
      { changed: false, recommendation: 'same_verdict', verdict: 'review' },
      { changed: true, recommendation: 'would_allow', verdict: 'yes' },
    ]);
  });

  it.each([
    ['the workflow', { workflow: 'crm_pricing_gate' }, 'scenarios[0].context_patch.workflow'],
    ['attestations', { attestations: [] }, 'scenarios[0].context_patch.attestations'],
  ])('does not change %s', async (_, patch, field) => {
    const record = await gate.decide(billing());
    const before = await gate.size();
    const { status, body } = await gate.post(pathOf(record, '/counterfactuals'), {
      scenarios: [{ scenario_id: 'a', label: 'x', context_patch: patch }],
    });
    expect(status).toBe(422);
    expect(listAt(body, 'errors').map((error) => error['field'])).toEqual([field]);
    expect(await gate.size()).toBe(before);
  });

  it('takes one to ten scenarios with different ids', async () => {
    const record = await gate.decide(billing());
    const one = { scenario_id: 'a', label: 'x', context_patch: {} };
    for (const list of [
      [],
      Array.from({ length: 11 }, (_, i) => ({ ...one, scenario_id: `s${i}` })),
    ]) {
      const { status } = await gate.post(pathOf(record, '/counterfactuals'), { scenarios: list });
      expect(status).toBe(422);
    }
    const twice = await gate.post(pathOf(record, '/counterfactuals'), { scenarios: [one, one] });
    expect(twice.status).toBe(422);
  });
});

describe('why', () => {
  it('every answer but a yes says what would make it one', async () => {
    const { document } =
      readTemplates(TEMPLATE_DIRECTORY).find(
        ({ active }) => active.document.policyId === 'pricing_exception',
      )?.active ?? {};
    expect(document?.version).toBe('v3');
    const blocked = await gate.decide(billing({ margin_floor: 'failed', owner_rule: undefined }));
    expect(blocked['why']).toEqual({
      sets: [
        [
          {
            name: 'margin_floor_ok',
            from: 'false',
            to: 'true',
            code: 'MARGIN_FLOOR_BREACH',
            by: 'caller',
          },
          {
            name: 'owner_rule_verified',
            from: 'unknown',
            to: 'true',
            code: 'OWNER_RULE_UNKNOWN',
            by: 'caller',
          },
        ],
      ],
      complete: true,
    });
    expect(await gate.decide(billing())).not.toHaveProperty('why');
    // Of a workflow without a policy nothing that the caller does makes a yes.
    expect(await gate.decide(billing({ workflow: 'nobody' }))).not.toHaveProperty('why');
  });

  it('the changes that it names make a yes when they are made', async () => {
    const context = { margin_floor: 'failed' };
    const record = await gate.decide(billing(context));
    const [set] = at(record, 'why.sets') as readonly (readonly Members[])[];
    expect(set?.map(({ name }) => name)).toEqual(['margin_floor_ok']);
    expect(await gate.decide(billing({ margin_floor: 'passed' }))).toMatchObject({
      verdict: 'yes',
    });
  });
});
