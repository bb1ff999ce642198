import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Assessment, assess, bindingParameters } from '../../src/decide-v1/assess.ts';
import { BUILTIN_CONDITIONS } from '../../src/decide-v1/builtin.ts';
import type { Asked } from '../../src/decide-v1/facts.ts';
import { runSelfTests } from '../../src/decide-v1/self-test.ts';
import { standingOf } from '../../src/decide-v1/standing.ts';
import { unboundWorkflow } from '../../src/decide-v1/unbound.ts';
import type { Json, JsonObject } from '../../src/json.ts';
import { Decimal } from '../../src/number.ts';
import { AT, documentOf, documentWith, parsed, request } from './support.ts';

const tiny = parsed({
  ...documentWith({
    actions: {
      apply_discount: { no: 'reject_discount', review: 'route_to_owner', yes: 'approve_discount' },
    },
    authorization: { max_executions: 1, valid_for_seconds: 900 },
    bind_parameters: ['discount_percent'],
    conditions: {
      margin_floor_ok: {
        codes: {
          false: 'MARGIN_FLOOR_BREACH',
          true: 'MARGIN_FLOOR_OK',
          unknown: 'MARGIN_FLOOR_UNKNOWN',
        },
        false: ['failed'],
        field: 'margin_floor',
        op: 'state',
        true: ['passed'],
      },
      owner_rule_verified: {
        codes: {
          false: 'OWNER_RULE_REJECTED',
          true: 'OWNER_RULE_VERIFIED',
          unknown: 'OWNER_RULE_UNKNOWN',
        },
        false: ['rejected'],
        field: 'owner_rule',
        op: 'state',
        true: ['verified'],
      },
    },
    context_fields: {
      discount_percent: { type: 'number' },
      margin_floor: { type: 'string' },
      owner_rule: { type: 'string' },
    },
    owner: { group: 'revops' },
    requirement: { and: [{ cond: 'margin_floor_ok' }, { cond: 'owner_rule_verified' }] },
    workflows: ['billing_discount_gate'],
  }),
});
const discount: JsonObject = {
  discount_percent: 15,
  invoice_or_subscription_id: 'sub_1042',
  margin_floor: 'passed',
  owner_rule: 'verified',
  requested_action: 'apply_discount',
  source_record_id: 'deal_1042',
  workflow: 'billing_discount_gate',
};

describe('the worked example of a discount', () => {
  it('comes out to the letter', () => {
    const { trace, ...answer } = ask(tiny, discount);
    expect(trace.map(({ name, truth }) => [name, truth])).toEqual([
      ...BUILTIN_CONDITIONS.map((name) => [name, 'true']),
      ['margin_floor_ok', 'true'],
      ['owner_rule_verified', 'true'],
      ['builtin.owner_denied', 'false'],
    ]);
    expect(answer).toEqual({
      verdict: 'yes',
      state: 'true',
      action: 'approve_discount',
      proposedAction: 'apply_discount',
      acceptedActions: ['apply_discount', 'approve_discount'],
      evidence: ['MARGIN_FLOOR_OK', 'OWNER_RULE_VERIFIED'],
      checks: [
        {
          code: 'MARGIN_FLOOR_OK',
          fields: ['context.margin_floor'],
          name: 'margin_floor_ok',
          state: 'true',
        },
        {
          code: 'OWNER_RULE_VERIFIED',
          fields: ['context.owner_rule'],
          name: 'owner_rule_verified',
          state: 'true',
        },
      ],
      sources: [],
    });
  });

  it('a broken margin is a no that shows every check', () => {
    const answer = ask(tiny, { ...discount, margin_floor: 'failed' });
    expect([answer.verdict, answer.action, answer.route]).toEqual([
      'no',
      'reject_discount',
      { to: 'requester' },
    ]);
    expect(answer.evidence).toEqual(['MARGIN_FLOOR_BREACH', 'OWNER_RULE_VERIFIED']);
  });

  it('a margin under review is a review that says why', () => {
    const answer = ask(tiny, { ...discount, margin_floor: 'review_required' });
    expect([answer.verdict, answer.action]).toEqual(['review', 'route_to_owner']);
    expect(answer.route).toEqual({ to: 'owner', group: 'revops', dueSeconds: 86_400 });
    expect(answer.checks[0]?.note).toBe('STATE_UNLISTED');
  });

  it('binds the listed parameters that are there', () => {
    expect(bindingParameters(tiny, discount)).toEqual({ discount_percent: 15 });
    expect(bindingParameters(tiny, { ...discount, discount_percent: null })).toEqual({});
    const nested = parsed(documentWith({ bind_parameters: ['a.b', 'a.constructor', 'toString'] }));
    expect(bindingParameters(nested, { a: { b: [1], c: 2 } })).toEqual({ 'a.b': [1] });
  });
});

describe('built-in conditions', () => {
  const document = parsed(
    documentWith({
      context_fields: {
        plan: { type: 'string', required: true, enum: ['annual', 'monthly'], max_length: 7 },
        seats: { type: 'integer', minimum: 1, maximum: 9 },
        'limits.rate': { type: 'number' },
        labels: { type: 'array' },
        extra: { type: 'object' },
        trial: { type: 'boolean' },
      },
      context_closed: true,
    }),
  );
  const good = request({ plan: 'annual' });

  it('are silent while they hold', () => {
    const answer = ask(document, good);
    expect([answer.verdict, answer.evidence, answer.checks.length]).toEqual([
      'yes',
      ['IT_HOLDS'],
      1,
    ]);
    expect(BUILTIN_CONDITIONS).toHaveLength(7);
  });

  it.each<[string, JsonObject, Partial<Asked>, string, JsonObject]>([
    [
      'suspended',
      good,
      { standing: 'suspended' },
      'review',
      {
        name: 'builtin.policy_active',
        state: 'unknown',
        code: 'POLICY_SUSPENDED',
        fields: ['context.workflow'],
      },
    ],
    [
      'ambiguous',
      good,
      { standing: 'ambiguous' },
      'review',
      {
        name: 'builtin.policy_unambiguous',
        state: 'unknown',
        code: 'POLICY_AMBIGUOUS',
        fields: ['context.workflow'],
      },
    ],
    [
      'unbound',
      good,
      { standing: 'unbound' },
      'review',
      {
        name: 'builtin.policy_bound',
        state: 'unknown',
        code: 'POLICY_NOT_BOUND',
        fields: ['context.workflow'],
      },
    ],
    [
      'action not covered',
      { ...good, requested_action: 'other' },
      {},
      'review',
      {
        name: 'builtin.action_covered',
        state: 'unknown',
        code: 'ACTION_NOT_COVERED',
        fields: ['context.requested_action'],
      },
    ],
    [
      'action of every object',
      { ...good, requested_action: 'constructor' },
      {},
      'review',
      {
        name: 'builtin.action_covered',
        state: 'unknown',
        code: 'ACTION_NOT_COVERED',
        fields: ['context.requested_action'],
      },
    ],
    [
      'no action',
      without(good, 'requested_action'),
      {},
      'review',
      {
        name: 'builtin.action_covered',
        state: 'unknown',
        code: 'ACTION_NOT_COVERED',
        fields: ['context.requested_action'],
        note: 'MISSING',
      },
    ],
    [
      'no resource',
      without(good, 'source_record_id'),
      {},
      'review',
      {
        name: 'builtin.binding_complete',
        state: 'unknown',
        code: 'BINDING_INCOMPLETE',
        fields: [
          'context.source_record_id',
          'context.invoice_or_subscription_id',
          'context.customer_id',
        ],
        note: 'MISSING',
      },
    ],
    [
      'an empty resource',
      { ...good, source_record_id: '' },
      {},
      'review',
      {
        name: 'builtin.binding_complete',
        state: 'unknown',
        code: 'BINDING_INCOMPLETE',
        fields: [
          'context.source_record_id',
          'context.invoice_or_subscription_id',
          'context.customer_id',
        ],
        note: 'MISSING',
      },
    ],
    [
      'past',
      { ...good, expires_at: '2026-01-02T03:04:04.999Z' },
      {},
      'no',
      {
        name: 'builtin.request_fresh',
        state: 'false',
        code: 'REQUEST_EXPIRED',
        fields: ['context.expires_at'],
      },
    ],
    [
      'an end nobody can read',
      { ...good, expires_at: 'tomorrow' },
      {},
      'review',
      {
        name: 'builtin.request_fresh',
        state: 'unknown',
        code: 'REQUEST_EXPIRED',
        fields: ['context.expires_at'],
        note: 'MALFORMED',
      },
    ],
    [
      'an end that is no text',
      { ...good, expires_at: 1 },
      {},
      'review',
      {
        name: 'builtin.request_fresh',
        state: 'unknown',
        code: 'REQUEST_EXPIRED',
        fields: ['context.expires_at'],
        note: 'MALFORMED',
      },
    ],
    ['too many seats', { ...good, seats: 10 }, {}, 'review', schema('seats')],
    ['too few seats', { ...good, seats: 0 }, {}, 'review', schema('seats')],
    ['half a seat', { ...good, seats: 1.5 }, {}, 'review', schema('seats')],
    ['seats as text', { ...good, seats: '2' }, {}, 'review', schema('seats')],
    ['a rate as text', { ...good, limits: { rate: '2' } }, {}, 'review', schema('limits.rate')],
    ['labels as an object', { ...good, labels: {} }, {}, 'review', schema('labels')],
    ['extra as an array', { ...good, extra: [] }, {}, 'review', schema('extra')],
    ['trial as text', { ...good, trial: 'true' }, {}, 'review', schema('trial')],
    ['a stranger', { ...good, colour: 'red' }, {}, 'review', schema('colour')],
    ['a stranger with members', { ...good, colour: { hue: 1 } }, {}, 'review', schema('colour')],
    [
      'an exact number with a fraction',
      { ...good, seats: new Decimal(15n, -1) },
      {},
      'review',
      schema('seats'),
    ],
    [
      'a stranger inside',
      { ...good, limits: { rate: 1, burst: 2 } },
      {},
      'review',
      schema('limits.burst'),
    ],
    ['two failures', { ...good, seats: 0, trial: 1 }, {}, 'review', schema('seats', 'trial')],
  ])('%s', (_, context, asked, verdict, check) => {
    const answer = ask(document, context, asked);
    expect(answer.verdict).toBe(verdict);
    expect(answer.checks[0]).toEqual(check);
    expect(answer.evidence).toEqual([check['code'], 'IT_HOLDS']);
  });

  it.each<[string, JsonObject, Json]>([
    ['missing', without(good, 'plan'), 'MISSING'],
    ['null', { ...good, plan: null }, 'MISSING'],
    ['not listed', { ...good, plan: 'weekly' }, 'MALFORMED'],
    ['too long', { ...good, plan: 'annually' }, 'MALFORMED'],
  ])('a required member that is %s', (_, context, note) => {
    expect(ask(document, context).checks[0]).toMatchObject({ code: 'INPUT_SCHEMA_FAILED', note });
  });

  it('passes what the schema allows', () => {
    const context = {
      ...good,
      seats: new Decimal(9n, 0),
      limits: { rate: 0.5 },
      labels: ['a'],
      extra: { anything: { goes: 1 } },
      trial: false,
      evidence_refs: [],
      actor: 'svc',
      expires_at: '2026-01-02T03:04:05.000Z',
    };
    expect(ask(document, context).evidence).toEqual(['IT_HOLDS']);
  });

  it.each(['invoice_or_subscription_id', 'customer_id'])('%s names a resource too', (name) => {
    const context = { ...without(good, 'source_record_id'), [name]: 'x_1' };
    expect(ask(document, context).verdict).toBe('yes');
  });

  it('ask for no resource where the policy needs none', () => {
    const loose = parsed(documentWith({ authorization: { require_resource: false } }));
    const context = { requested_action: 'change_plan', plan: 'annual' };
    expect(ask(loose, context).verdict).toBe('yes');
  });

  it('fill in the default action only where the request names none', () => {
    const standard = parsed(documentWith({ default_action: 'change_plan' }));
    const named = (action: Json): Assessment =>
      ask(standard, { ...request({ plan: 'annual' }), requested_action: action });
    expect(named(null).proposedAction).toBe('change_plan');
    expect(named(null).verdict).toBe('yes');
    expect(named('').evidence).toContain('ACTION_NOT_COVERED');
    expect(named(7).evidence).toContain('ACTION_NOT_COVERED');
    expect(named(7)).not.toHaveProperty('proposedAction');
  });

  it('route a request that no rule covers to the owner', () => {
    const answer = ask(document, { ...good, requested_action: 'other' });
    expect([answer.action, answer.acceptedActions]).toEqual(['route_to_owner', ['other']]);
  });

  it('list the actions that a yes accepts in order', () => {
    const actions = { change_plan: { yes: 'approve_plan', no: 'b', review: 'c' } };
    const sorted = parsed(documentWith({ actions }));
    expect(ask(sorted, good).acceptedActions).toEqual(['approve_plan', 'change_plan']);
  });

  it('leave their standing readable in the codes', () => {
    for (const standing of ['active', 'suspended', 'unbound', 'ambiguous'] as const) {
      expect(standingOf(ask(document, good, { standing }).evidence)).toBe(standing);
    }
  });

  it('all that do not hold are listed, in their order', () => {
    const answer = ask(document, { expires_at: 'x' }, { standing: 'suspended' });
    expect(answer.evidence).toEqual([
      'POLICY_SUSPENDED',
      'ACTION_NOT_COVERED',
      'INPUT_SCHEMA_FAILED',
      'BINDING_INCOMPLETE',
      'REQUEST_EXPIRED',
      'IT_IS_OPEN',
    ]);
  });
});

describe('where no policy answers', () => {
  it.each([
    ['unbound', 'POLICY_NOT_BOUND'],
    ['ambiguous', 'POLICY_AMBIGUOUS'],
  ] as const)('%s is a review', (standing, code) => {
    const answer = ask(unboundWorkflow, discount, { standing });
    expect([answer.verdict, answer.action, answer.evidence]).toEqual([
      'review',
      'route_to_owner',
      [code],
    ]);
    expect(answer.route).toMatchObject({ to: 'owner', group: 'policy_owners' });
  });
});

describe('values of the context', () => {
  const margin = parsed(
    documentOf({ fields: ['guard.margin', 'margin'], op: 'equals', value: 'ok' }),
  );
  const rule = parsed(documentOf({ fields: ['rule.status', 'rule'], op: 'equals', value: 'ok' }));
  const hidden = parsed(documentOf({ field: 'constructor.name', op: 'equals', value: 'Object' }));

  it.each<[string, typeof margin, JsonObject, string, string | undefined]>([
    ['first place', margin, { guard: { margin: 'ok' } }, 'true', undefined],
    ['second place', margin, { margin: 'ok' }, 'true', undefined],
    ['both agree', margin, { guard: { margin: 'ok' }, margin: 'ok' }, 'true', undefined],
    [
      'both disagree',
      margin,
      { guard: { margin: 'ok' }, margin: 'no' },
      'unknown',
      'CONFLICTING_INPUT',
    ],
    [
      'they differ in kind',
      margin,
      { guard: { margin: '1' }, margin: 1 },
      'unknown',
      'CONFLICTING_INPUT',
    ],
    ['null beside a value', margin, { guard: { margin: null }, margin: 'ok' }, 'true', undefined],
    ['null', margin, { margin: null }, 'unknown', 'NULL'],
    ['nothing', margin, {}, 'unknown', 'MISSING'],
    ['no object on the way', margin, { guard: 'ok' }, 'unknown', 'MISSING'],
    ['an array on the way', margin, { guard: ['ok'] }, 'unknown', 'MISSING'],
    ['text form', rule, { rule: 'ok' }, 'true', undefined],
    ['object form', rule, { rule: { status: 'ok', group: 'g' } }, 'true', undefined],
    ['object without the member', rule, { rule: { group: 'g' } }, 'unknown', 'MISSING'],
    ['an array is no way to the member', rule, { rule: ['ok'] }, 'unknown', 'TYPE_MISMATCH'],
    ['what every object inherits', hidden, {}, 'unknown', 'MISSING'],
    ['its own member of that name', hidden, { constructor: { name: 'Object' } }, 'true', undefined],
  ])('%s', (_, document, context, state, note) => {
    const [check] = ask(document, request(context)).checks;
    expect([check?.state, check?.note]).toEqual([state, note]);
  });

  it('existence is judged by presence, not by agreement', () => {
    const there = parsed(documentOf({ fields: ['a', 'b'], op: 'exists' }));
    expect(ask(there, request({ a: 1, b: 2 })).verdict).toBe('yes');
    expect(ask(there, request({ a: null })).verdict).toBe('no');
    const attested = new Map([['a', { value: 2, observedAt: AT }]]);
    expect(ask(there, request({ a: 1 }), { attested }).verdict).toBe('yes');
  });

  it('says what a value was compared with, where it was compared with one', () => {
    const expectedOf = (condition: JsonObject): unknown =>
      ask(parsed(documentOf(condition)), request({})).checks.at(-1)?.expected;
    expect(expectedOf({ field: 'x', op: 'at_most', value: 3 })).toBe(3);
    expect(expectedOf({ field: 'x', op: 'in_set', value: ['a'] })).toEqual(['a']);
    expect(expectedOf({ field: 'x', op: 'between', min: 1, max: 2 })).toEqual({ min: 1, max: 2 });
    expect(expectedOf({ field: 'x', op: 'state', true: ['a'], false: ['b'] })).toBeUndefined();
    expect(expectedOf({ field: 'x', op: 'equals_field', right_field: 'y' })).toBeUndefined();
    expect(expectedOf({ field: 'x', op: 'exists' })).toBeUndefined();
    expect(expectedOf({ op: 'approval' })).toBeUndefined();
  });

  it('says where it looked', () => {
    const fieldsOf = (condition: JsonObject): unknown =>
      ask(parsed(documentOf(condition)), request({})).checks.at(-1)?.fields;
    expect(fieldsOf({ fields: ['a.b', 'a'], op: 'exists' })).toEqual(['context.a.b', 'context.a']);
    expect(fieldsOf({ field: 'x', op: 'equals_field', right_field: 'y' })).toEqual([
      'context.x',
      'context.y',
    ]);
    expect(fieldsOf({ op: 'approval', group: 'g' })).toEqual(['approvals.g']);
    expect(fieldsOf({ op: 'reference_present', source_type: 't' })).toEqual([
      'context.evidence_refs',
    ]);
  });
});

describe('assurance', () => {
  const document = parsed(
    documentOf({
      field: 'state',
      op: 'equals',
      value: 'ok',
      min_assurance: 'referenced',
      max_age_seconds: 60,
      source_type: 'crm',
    }),
  );
  const attestedOnly = parsed(
    documentOf({
      field: 'state',
      op: 'equals',
      value: 'ok',
      min_assurance: 'attested',
      max_age_seconds: 60,
    }),
  );
  const ref = (more: JsonObject = {}): JsonObject => ({
    id: 'r1',
    type: 'crm',
    snapshot_hash: 'sha256:00',
    observed_at: '2026-01-02T03:04:05.000Z',
    ...more,
  });

  it.each<[string, Json, string | undefined]>([
    ['fresh', [ref()], undefined],
    ['exactly as old as allowed', [ref({ observed_at: '2026-01-02T03:03:05.000Z' })], undefined],
    ['one second too old', [ref({ observed_at: '2026-01-02T03:03:04.000Z' })], 'EVIDENCE_STALE'],
    ['five seconds ahead', [ref({ observed_at: '2026-01-02T03:04:10.000Z' })], undefined],
    [
      'six seconds ahead',
      [ref({ observed_at: '2026-01-02T03:04:11.000Z' })],
      'EVIDENCE_FROM_FUTURE',
    ],
    ['without time', [without(ref(), 'observed_at')], 'EVIDENCE_STALE'],
    ['with an unreadable time', [ref({ observed_at: 'today' })], 'ASSURANCE_TOO_LOW'],
    ['without hash', [without(ref(), 'snapshot_hash')], 'ASSURANCE_TOO_LOW'],
    ['with an empty hash', [ref({ snapshot_hash: '' })], 'ASSURANCE_TOO_LOW'],
    ['of another type', [ref({ type: 'erp' })], 'ASSURANCE_TOO_LOW'],
    ['one of two is fresh', [ref({ observed_at: '2020-01-01T00:00:00Z' }), ref()], undefined],
    ['none', [], 'ASSURANCE_TOO_LOW'],
    ['no list', { 0: ref() }, 'ASSURANCE_TOO_LOW'],
    ['no objects', ['crm', null], 'ASSURANCE_TOO_LOW'],
  ])('a reference: %s', (_, references, note) => {
    const [check] = ask(document, request({ state: 'ok', evidence_refs: references })).checks;
    expect([check?.state, check?.note]).toEqual(
      note === undefined ? ['true', undefined] : ['unknown', note],
    );
  });

  it('takes the sources of the policy where the condition names none', () => {
    const general = parsed(
      documentOf(
        { field: 'state', op: 'equals', value: 'ok' },
        { evidence: { min_assurance: 'referenced', sources: ['erp', 'crm'] } },
      ),
    );
    expect(ask(general, request({ state: 'ok', evidence_refs: [ref()] })).verdict).toBe('yes');
    const other = request({ state: 'ok', evidence_refs: [ref({ type: 'chat' })] });
    expect(ask(general, other).verdict).toBe('review');
  });

  it.each<
    [string, JsonObject, { value: Json; observedAt: number } | undefined, string | undefined]
  >([
    ['signed', {}, { value: 'ok', observedAt: AT }, undefined],
    ['signed too long ago', {}, { value: 'ok', observedAt: AT - 60_001 }, 'EVIDENCE_STALE'],
    ['signed in the future', {}, { value: 'ok', observedAt: AT + 5_001 }, 'EVIDENCE_FROM_FUTURE'],
    ['signed, but something else', {}, { value: 'bad', observedAt: AT }, 'CONFLICTING_INPUT'],
    ['not signed', {}, undefined, 'ASSURANCE_TOO_LOW'],
    ['only referenced', { evidence_refs: [ref()] }, undefined, 'ASSURANCE_TOO_LOW'],
    ['signed, but not stated', { state: null }, { value: 'ok', observedAt: AT }, 'NULL'],
  ])('a claim: %s', (_, context, claim, note) => {
    const attested = new Map(claim === undefined ? [] : [['state', claim]]);
    const answer = ask(attestedOnly, request({ state: 'ok', ...context }), { attested });
    expect(answer.checks[0]?.note).toBe(note);
    expect(answer.verdict).toBe(note === undefined ? 'yes' : 'review');
  });

  it('a contradicting claim opens the check even where a statement would do', () => {
    const plain = parsed(documentOf({ field: 'state', op: 'equals', value: 'ok' }));
    const attested = new Map([['state', { value: 'bad', observedAt: AT }]]);
    const answer = ask(plain, request({ state: 'ok' }), { attested });
    expect([answer.verdict, answer.checks[0]?.note]).toEqual(['review', 'CONFLICTING_INPUT']);
  });

  it('a caller cannot supply its own limit', () => {
    const limit = parsed(
      documentOf({ field: 'sum', op: 'at_most_field', right_field: 'cap', source_type: 'crm' }),
    );
    const context = request({ sum: 5, cap: 10 });
    expect(ask(limit, context).checks[0]?.note).toBe('ASSURANCE_TOO_LOW');
    expect(ask(limit, { ...context, evidence_refs: [ref()] }).verdict).toBe('yes');
    expect(ask(limit, { ...context, sum: 11, evidence_refs: [ref()] }).verdict).toBe('no');
  });

  it('of several references the one that meets the demand on the limit counts', () => {
    const limit = parsed(
      documentOf({
        field: 'sum',
        op: 'at_most_field',
        right_field: 'cap',
        source_type: 'crm',
        max_age_seconds: 60,
      }),
    );
    const old = ref({ observed_at: '2026-01-01T00:00:00Z' });
    const asking = (...refs: Json[]): unknown =>
      ask(limit, request({ sum: 5, cap: 10, evidence_refs: refs })).checks[0]?.note;
    expect(asking(old, ref())).toBeUndefined();
    expect(asking(old)).toBe('EVIDENCE_STALE');
  });

  it('the lack of a reference is no disproof', () => {
    const shown = parsed(
      documentOf({ op: 'reference_present', source_type: 'crm', max_age_seconds: 60 }),
    );
    const withRefs = (...references: Json[]): unknown => {
      const [check] = ask(shown, request({ evidence_refs: references })).checks;
      return [check?.state, check?.note];
    };
    expect(withRefs(ref())).toEqual(['true', undefined]);
    expect(withRefs()).toEqual(['unknown', 'MISSING']);
    expect(withRefs(ref({ observed_at: '2026-01-02T03:03:04.999Z' }))).toEqual([
      'unknown',
      'EVIDENCE_STALE',
    ]);
    expect(withRefs(ref({ type: 'erp' }))).toEqual(['unknown', 'MISSING']);
  });

  it('hands the references on as they came', () => {
    const refs = [ref({ note: null }), 7];
    expect(ask(document, request({ evidence_refs: refs })).sources).toBe(refs);
  });
});

describe('approvals', () => {
  const two = parsed(documentOf({ op: 'approval', group: 'finance', quorum: 2 }));
  const says = (reviewer: string, resolution: 'approve' | 'deny', group = 'finance') => ({
    group,
    reviewer,
    resolution,
  });

  it.each([
    ['nobody', [], 'unknown'],
    ['one of two', [says('a', 'approve')], 'unknown'],
    ['two persons', [says('a', 'approve'), says('b', 'approve')], 'true'],
    ['one person twice', [says('a', 'approve'), says('a', 'approve')], 'unknown'],
    ['one of another group', [says('a', 'approve'), says('b', 'approve', 'sales')], 'unknown'],
    ['a denial', [says('a', 'deny')], 'false'],
    [
      'a denial beside enough',
      [says('a', 'approve'), says('b', 'approve'), says('c', 'deny')],
      'false',
    ],
    ['a denial of another group', [says('a', 'deny', 'sales')], 'unknown'],
    ['a withdrawal', [says('a', 'approve'), says('b', 'approve'), says('a', 'deny')], 'false'],
  ])('%s', (_, approvals, state) => {
    const [check] = ask(two, request({}), { approvals }).checks;
    expect(check?.state).toBe(state);
    expect(check?.note).toBe(state === 'unknown' ? 'APPROVAL_PENDING' : undefined);
  });

  it('come from the reviewing group in the policy’s quorum unless stated', () => {
    const standard = parsed(
      documentOf({ op: 'approval' }, { review: { group: 'desk', quorum: 2 } }),
    );
    const approvals = [says('a', 'approve', 'desk'), says('b', 'approve', 'desk')];
    expect(ask(standard, request({}), { approvals }).verdict).toBe('yes');
    expect(ask(standard, request({}), { approvals: approvals.slice(1) }).verdict).toBe('review');
  });
});

describe('the route of a review', () => {
  const document = parsed(
    documentWith({
      owner: { group: 'owners', path: 'a/b', escalation: 'boss', allowed_groups: ['desk'] },
      review: { due_seconds: 3_600 },
    }),
  );

  it.each<[string, Json, string]>([
    ['nobody asks for a group', 'verified', 'owners'],
    ['an allowed group', { group: 'desk' }, 'desk'],
    ['a group that is not allowed', { group: 'friends' }, 'owners'],
    ['a group that is no text', { group: ['desk'] }, 'owners'],
  ])('%s', (_, ownerRule, group) => {
    expect(ask(document, request({ owner_rule: ownerRule })).route).toEqual({
      to: 'owner',
      group,
      path: 'a/b',
      escalation: 'boss',
      dueSeconds: 3_600,
    });
  });
});

describe('laws', () => {
  it('no context, however odd, makes it throw or say yes without the value', () => {
    const document = parsed(
      documentOf({ fields: ['a.b', 'a'], op: 'equals', value: 'ok' }, { context_closed: true }),
    );
    const context = fc.dictionary(
      fc.oneof(fc.constantFrom('a', 'b', 'expires_at', 'evidence_refs', 'owner_rule'), fc.string()),
      fc.jsonValue({ maxDepth: 3 }),
    );
    fc.assert(
      fc.property(context, (odd) => {
        const answer = ask(document, odd as JsonObject);
        expect(answer.verdict === 'yes').toBe(false);
        expect(answer.evidence).toEqual(answer.checks.map((check) => check.code));
      }),
    );
  });

  it('equal questions get equal answers, and nobody’s argument is changed', () => {
    const frozen = deepFreeze(structuredClone(discount));
    const first = JSON.stringify(ask(tiny, frozen as JsonObject));
    for (let i = 0; i < 50; i += 1) expect(JSON.stringify(ask(tiny, discount))).toBe(first);
  });
});

describe('self tests', () => {
  it('pass and fail with what was answered', () => {
    const context = request({ plan: 'annual' });
    const document = parsed(
      documentWith({
        self_tests: [
          { name: 'a', context, expect: { verdict: 'yes', evidence: ['IT_HOLDS'] } },
          { name: 'b', context, expect: { verdict: 'no' } },
          { name: 'c', context, expect: { verdict: 'review' } },
          { name: 'd', context, expect: { verdict: 'yes', evidence: [] } },
        ],
      }),
    );
    expect(runSelfTests(document).map(({ name, passed }) => [name, passed])).toEqual([
      ['a', true],
      ['b', false],
      ['c', false],
      ['d', false],
    ]);
    expect(runSelfTests(document)[1]).toMatchObject({
      expected: { verdict: 'no' },
      actual: { verdict: 'yes', evidence: ['IT_HOLDS'] },
    });
  });

  it('run at the stated instant, else at the start of 2026', () => {
    const late = request({ plan: 'annual', expires_at: '2026-01-01T00:00:00.000Z' });
    const document = parsed(
      documentWith({
        self_tests: [
          { name: 'a', context: late, expect: { verdict: 'yes' } },
          { name: 'b', context: late, at: '2026-01-01T00:00:00.001Z', expect: { verdict: 'no' } },
          { name: 'c', context: {}, expect: { verdict: 'review' } },
        ],
      }),
    );
    expect(runSelfTests(document).every((result) => result.passed)).toBe(true);
  });
});

function ask(
  document: Parameters<typeof assess>[0],
  context: JsonObject,
  asked: Partial<Asked> = {},
): Assessment {
  return assess(document, { context, at: AT, standing: 'active', ...asked });
}

function schema(...paths: readonly string[]): JsonObject {
  return {
    name: 'builtin.context_schema',
    state: 'unknown',
    code: 'INPUT_SCHEMA_FAILED',
    fields: paths.map((path) => `context.${path}`),
    note: 'MALFORMED',
  };
}

function without(object: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([other]) => other !== name));
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
