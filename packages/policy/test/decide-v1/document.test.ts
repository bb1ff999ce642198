import { describe, expect, it } from 'vitest';
import { parsePolicyDocument } from '../../src/decide-v1/document.ts';
import type { Json, JsonObject } from '../../src/json.ts';
import { CODES, documentOf, documentWith, faultsOf, parsed, request } from './support.ts';

const value = { field: 'n', op: 'at_most', value: 3 };
const codes = (prefix: string): JsonObject => ({
  true: `${prefix}_OK`,
  false: `${prefix}_NO`,
  unknown: `${prefix}_OPEN`,
});

describe('a document without faults', () => {
  it('is read, its defaults filled in beside the untouched source', () => {
    const source = documentWith();
    const copy = structuredClone(source);
    const document = parsed(source);
    expect(document.source).toBe(source);
    expect(source).toEqual(copy);
    expect(document.authorization).toEqual({
      validForSeconds: 900,
      maxExecutions: 1,
      requireResource: true,
      requireClaim: false,
      requireIdempotencyKey: false,
      executorDiffersFromRequester: false,
    });
    expect(document.review).toEqual({
      group: 'owners',
      dueSeconds: 86_400,
      quorum: 1,
      waivable: [],
      overridable: [],
      requireSignature: false,
    });
    expect(document.warnings).toEqual([]);
  });

  it('asks reviewers to sign only where it says so', () => {
    const asks = (flag: boolean): boolean =>
      parsed(documentWith({ review: { require_signature: flag } })).review.requireSignature;
    expect([asks(true), asks(false)]).toEqual([true, false]);
  });

  it('keeps the code of a denial for denied approvals', () => {
    const approval = { op: 'approval', group: 'desk' };
    const denied = { ...CODES, false: 'OWNER_DENIED' };
    expect(faultsOf(documentOf({ ...approval, codes: denied }))).toEqual([]);
    expect(
      faultsOf(documentOf({ ...approval, codes: { ...CODES, true: 'OWNER_DENIED' } })),
    ).toEqual([['/conditions/it/codes/true', 'invalid_value']]);
    expect(faultsOf(documentOf({ ...value, codes: denied }))).toEqual([
      ['/conditions/it/codes/false', 'invalid_value'],
    ]);
  });

  it('lists what an owner may set aside', () => {
    const { review } = parsed(
      documentWith({
        conditions: {
          a: { ...value, codes: codes('A'), waivable: true },
          b: { ...value, codes: codes('B'), overridable: true },
          c: { ...value, codes: codes('C'), waivable: false },
        },
        requirement: { and: [{ cond: 'c' }, { cond: 'b' }, { cond: 'a' }] },
        review: { group: 'deciders', quorum: 2, due_seconds: 60 },
      }),
    );
    expect(review.waivable).toEqual(['a']);
    expect(review.overridable).toEqual(['b']);
    expect([review.group, review.quorum, review.dueSeconds]).toEqual(['deciders', 2, 60]);
  });

  it.each<[string, JsonObject]>([
    ['a scalar', { field: 'x', op: 'not_equals', value: true }],
    ['a number', value],
    ['bounds', { field: 'x', op: 'between', min: 1, max: 1 }],
    ['a decimal', { field: 'x', op: 'decimal_at_least', value: '-1.50' }],
    ['a set', { field: 'x', op: 'in_set', value: ['a', 1, true] }],
    ['an element', { field: 'x', op: 'contains', value: 'a' }],
    ['states', { fields: ['a.b', 'a'], op: 'state', true: ['ok'], false: ['bad'] }],
    ['a pair', { field: 'x', op: 'equals_field', right_field: 'y' }],
    ['a limit', { field: 'x', op: 'at_most_field', right_field: 'y', min_assurance: 'attested' }],
    ['an approval', { op: 'approval', group: 'g', quorum: 2 }],
    [
      'a reference, which needs no code for false',
      { op: 'reference_present', source_type: 't', codes: { true: 'IT_IS', unknown: 'IT_IS_NOT' } },
    ],
    [
      'existence, which needs no code for unknown',
      { field: 'x', op: 'exists', codes: noUnknown() },
    ],
  ])('a condition over %s', (_, condition) => {
    expect(faultsOf(documentOf(condition))).toEqual([]);
  });

  it('takes a constant for a value', () => {
    const document = parsed(
      documentOf(
        { field: 'x', op: 'in_set', value_ref: 'constants.allowed' },
        { constants: { allowed: ['a', 'b'] } },
      ),
    );
    expect(document.conditions[0]?.expected).toEqual(['a', 'b']);
  });

  it('asks `referenced` at least of the right side of a limit', () => {
    const lanes = (condition: JsonObject, changes?: JsonObject): unknown => {
      const kernel = parsed(documentOf(condition, changes)).conditions[0]?.kernel;
      return [kernel?.minLane, kernel?.otherMinLane];
    };
    const limit = { field: 'x', op: 'at_most_field', right_field: 'y' };
    expect(lanes(limit)).toEqual([undefined, 'referenced']);
    expect(lanes(limit, { evidence: { min_assurance: 'asserted' } })).toEqual([
      'asserted',
      'referenced',
    ]);
    expect(lanes({ ...limit, min_assurance: 'attested' })).toEqual(['attested', 'attested']);
    expect(lanes({ ...limit, op: 'equals_field' })).toEqual([undefined, undefined]);
  });

  it('hands the evidence defaults down, except to existence and approvals', () => {
    const evidence = { min_assurance: 'referenced', max_age_seconds: 60, sources: ['crm'] };
    const kernelOf = (condition: JsonObject): unknown => {
      const [compiled] = parsed(documentOf(condition, { evidence })).conditions;
      return [compiled?.kernel.minLane, compiled?.kernel.maxAgeMs, compiled?.sourceTypes];
    };
    expect(kernelOf(value)).toEqual(['referenced', 60_000, ['crm']]);
    expect(kernelOf({ ...value, min_assurance: 'asserted', source_type: 'erp' })).toEqual([
      'asserted',
      undefined,
      ['erp'],
    ]);
    expect(kernelOf({ field: 'x', op: 'exists' })).toEqual([undefined, undefined, ['crm']]);
    expect(kernelOf({ op: 'approval' })).toEqual([undefined, undefined, ['crm']]);
  });
});

describe('members of a document', () => {
  const action = { yes: 'a', no: 'b', review: 'c' };
  it.each<[string, JsonObject, string, string]>([
    ['unknown', { code: 'return true' }, '/code', 'unknown_field'],
    [
      'of another version',
      { policy_schema_version: 'v2' },
      '/policy_schema_version',
      'unsupported_version',
    ],
    ['id', { policy_id: 'Plan' }, '/policy_id', 'invalid_value'],
    ['id too short', { policy_id: 'p' }, '/policy_id', 'invalid_value'],
    ['id too long', { policy_id: 'p'.repeat(121) }, '/policy_id', 'too_long'],
    ['id with a line feed', { policy_id: 'plan\n' }, '/policy_id', 'invalid_value'],
    ['version', { version: '-1' }, '/version', 'invalid_value'],
    ['version as number', { version: 1 }, '/version', 'invalid_type'],
    ['title', { title: ' x' }, '/title', 'invalid_value'],
    ['empty title', { title: '' }, '/title', 'invalid_value'],
    ['title that is not well-formed', { title: 'a\ud800' }, '/title', 'invalid_value'],
    ['no workflow', { workflows: [] }, '/workflows', 'out_of_range'],
    [
      '33 workflows',
      { workflows: Array.from({ length: 33 }, (_, i) => `w${i}`) },
      '/workflows',
      'out_of_range',
    ],
    ['workflow twice', { workflows: ['a', 'b', 'a'] }, '/workflows/2', 'duplicate_value'],
    ['workflow too long', { workflows: ['w'.repeat(161)] }, '/workflows/0', 'too_long'],
    ['owner without group', { owner: {} }, '/owner/group', 'required'],
    [
      'owner with a mail address',
      { owner: { group: 'g', mail: 'x' } },
      '/owner/mail',
      'unknown_field',
    ],
    [
      'allowed groups',
      { owner: { group: 'g', allowed_groups: 'g' } },
      '/owner/allowed_groups',
      'invalid_type',
    ],
    ['no action', { actions: {} }, '/actions', 'out_of_range'],
    ['action name', { actions: { Apply: action } }, '/actions/Apply', 'invalid_value'],
    [
      'action without review',
      { actions: { a: { yes: 'a', no: 'b' } } },
      '/actions/a/review',
      'required',
    ],
    [
      'outcome name',
      { actions: { a: { ...action, yes: 'A B' } } },
      '/actions/a/yes',
      'invalid_value',
    ],
    ['default action not covered', { default_action: 'other' }, '/default_action', 'invalid_value'],
    [
      'field path',
      { context_fields: { 'a..b': { type: 'string' } } },
      '/context_fields/a..b',
      'invalid_value',
    ],
    [
      'field path into a prototype',
      { context_fields: { 'a.__proto__.b': { type: 'string' } } },
      '/context_fields/a.__proto__.b',
      'invalid_value',
    ],
    [
      'field with a slash',
      { context_fields: { 'a/b~': { type: 'string' } } },
      '/context_fields/a~1b~0',
      'invalid_value',
    ],
    ['field without type', { context_fields: { a: {} } }, '/context_fields/a/type', 'required'],
    [
      'field type',
      { context_fields: { a: { type: 'date' } } },
      '/context_fields/a/type',
      'invalid_value',
    ],
    [
      'pattern',
      { context_fields: { a: { type: 'string', pattern: '.*' } } },
      '/context_fields/a/pattern',
      'unknown_field',
    ],
    [
      'length of a number',
      { context_fields: { a: { type: 'number', max_length: 3 } } },
      '/context_fields/a/max_length',
      'invalid_value',
    ],
    [
      'minimum of text',
      { context_fields: { a: { type: 'string', minimum: 3 } } },
      '/context_fields/a/minimum',
      'invalid_value',
    ],
    [
      'maximum of text',
      { context_fields: { a: { type: 'string', maximum: 3 } } },
      '/context_fields/a/maximum',
      'invalid_value',
    ],
    [
      'bounds the wrong way round',
      { context_fields: { a: { type: 'number', minimum: 3, maximum: 2 } } },
      '/context_fields/a/minimum',
      'out_of_range',
    ],
    [
      'enum of another type',
      { context_fields: { a: { type: 'string', enum: ['x', 1] } } },
      '/context_fields/a/enum',
      'invalid_value',
    ],
    ['closed as text', { context_closed: 'yes' }, '/context_closed', 'invalid_type'],
    ['constant that is an object', { constants: { a: {} } }, '/constants/a', 'invalid_type'],
    ['constant that is null', { constants: { a: null } }, '/constants/a', 'invalid_type'],
    ['constant name', { constants: { 'A-b': 1 } }, '/constants/A-b', 'invalid_value'],
    ['bound path twice', { bind_parameters: ['a', 'a'] }, '/bind_parameters/1', 'duplicate_value'],
    ['bound path', { bind_parameters: ['$.a'] }, '/bind_parameters/0', 'invalid_value'],
    [
      'validity below',
      { authorization: { valid_for_seconds: 29 } },
      '/authorization/valid_for_seconds',
      'out_of_range',
    ],
    [
      'validity above',
      { authorization: { valid_for_seconds: 86_401 } },
      '/authorization/valid_for_seconds',
      'out_of_range',
    ],
    [
      'validity with a fraction',
      { authorization: { valid_for_seconds: 30.5 } },
      '/authorization/valid_for_seconds',
      'invalid_type',
    ],
    [
      'no execution',
      { authorization: { max_executions: 0 } },
      '/authorization/max_executions',
      'out_of_range',
    ],
    [
      '101 executions',
      { authorization: { max_executions: 101 } },
      '/authorization/max_executions',
      'out_of_range',
    ],
    [
      'flag as number',
      { authorization: { require_claim: 1 } },
      '/authorization/require_claim',
      'invalid_type',
    ],
    ['review without time', { review: { due_seconds: 0 } }, '/review/due_seconds', 'out_of_range'],
    [
      'signature that is no flag',
      { review: { require_signature: 'yes' } },
      '/review/require_signature',
      'invalid_type',
    ],
    ['review of nobody', { review: { quorum: 0 } }, '/review/quorum', 'out_of_range'],
    ['derived list stated', { review: { waivable: [] } }, '/review/waivable', 'unknown_field'],
    [
      'assurance',
      { evidence: { min_assurance: 'sworn' } },
      '/evidence/min_assurance',
      'invalid_value',
    ],
    [
      'assurance of the gate itself',
      { evidence: { min_assurance: 'verified' } },
      '/evidence/min_assurance',
      'invalid_value',
    ],
    [
      'metric',
      { outcome: { metrics: [{ name: 'M', better: 'higher' }] } },
      '/outcome/metrics/0/name',
      'invalid_value',
    ],
    [
      'metric direction',
      { outcome: { metrics: [{ name: 'm', better: 'more' }] } },
      '/outcome/metrics/0/better',
      'invalid_value',
    ],
    ['no condition', { conditions: {}, requirement: { cond: 'x' } }, '/conditions', 'out_of_range'],
    ['conditions as array', { conditions: [] }, '/conditions', 'invalid_type'],
    ['empty requirement', { requirement: { and: [] } }, '/requirement/and', 'out_of_range'],
    [
      'requirement of an unknown condition',
      { requirement: { cond: 'other' } },
      '/requirement/cond',
      'invalid_condition',
    ],
  ])('%s', (_, changes, pointer, code) => {
    expect(faultsOf(documentWith(changes))).toContainEqual([pointer, code]);
  });

  it.each([
    'policy_schema_version',
    'policy_id',
    'version',
    'title',
    'workflows',
    'owner',
    'actions',
    'context_fields',
    'conditions',
    'requirement',
    'self_tests',
  ])('%s is required', (name) => {
    const { [name]: _, ...rest } = documentWith();
    expect(faultsOf(rest)[0]).toEqual([`/${name}`, 'required']);
  });

  it.each<Json>([null, [], 'x', 1])('is no document: %j', (json) => {
    const result = parsePolicyDocument(json);
    expect(result.ok ? [] : result.fault.map((fault) => [fault.pointer, fault.code])).toEqual([
      ['', 'invalid_type'],
    ]);
  });

  it('finds all faults, in document order', () => {
    const found = faultsOf(
      documentWith({
        version: '',
        owner: { group: 7, extra: 1 },
        conditions: {
          plan: { field: 'plan', op: 'like', value: 'a%', codes: CODES },
          other: { field: 'plan', op: 'equals', codes: CODES },
        },
        requirement: { and: [{ cond: 'plan' }, { cond: 'nobody' }] },
      }),
    );
    expect(found).toEqual([
      ['/version', 'invalid_value'],
      ['/owner/group', 'invalid_type'],
      ['/owner/extra', 'unknown_field'],
      ['/conditions/plan/op', 'unsupported_operator'],
      ['/conditions/other/value', 'required'],
      ['/requirement/and/1/cond', 'invalid_condition'],
    ]);
  });

  it('refuses hostile names without touching a prototype', () => {
    const hostile = JSON.parse('{"__proto__":{"type":"string"},"constructor":1,"toString":1}');
    expect(faultsOf({ ...documentWith(), ...hostile, context_fields: hostile })).toEqual(
      expect.arrayContaining([
        ['/context_fields/__proto__', 'invalid_value'],
        ['/constructor', 'unknown_field'],
        ['/toString', 'unknown_field'],
      ]),
    );
    const named = JSON.parse('{"__proto__":{"cond":"plan"}}');
    expect(faultsOf(documentWith({ requirement: named }))).toContainEqual([
      '/requirement/__proto__',
      'unknown_field',
    ]);
    expect(faultsOf(documentOf({ field: 'x', op: 'toString' }))).toContainEqual([
      '/conditions/it/op',
      'unsupported_operator',
    ]);
    expect(
      faultsOf(documentOf({ field: 'x', op: 'equals', value_ref: 'constants.constructor' })),
    ).toContainEqual(['/conditions/it/value_ref', 'invalid_value']);
  });
});

describe('conditions', () => {
  it.each<[string, JsonObject, string, string]>([
    ['no operator', { field: 'x', value: 1 }, '/op', 'required'],
    [
      'an unknown operator',
      { field: 'x', op: 'matches', value: '.*' },
      '/op',
      'unsupported_operator',
    ],
    ['an operator that is no text', { field: 'x', op: 1 }, '/op', 'unsupported_operator'],
    ['an unknown member', { ...value, script: '1' }, '/script', 'unknown_field'],
    [
      'a member of another operator',
      { ...value, right_field: 'y' },
      '/right_field',
      'unknown_field',
    ],
    ['a value beside existence', { field: 'x', op: 'exists', value: 1 }, '/value', 'unknown_field'],
    [
      'an assurance of existence',
      { field: 'x', op: 'exists', min_assurance: 'attested' },
      '/min_assurance',
      'unknown_field',
    ],
    ['a field of an approval', { op: 'approval', field: 'x' }, '/field', 'unknown_field'],
    ['no field', { op: 'equals', value: 1 }, '/field', 'required'],
    ['field and fields', { ...value, fields: ['a'] }, '/fields', 'invalid_condition'],
    ['no alternatives', { fields: [], op: 'equals', value: 1 }, '/fields', 'out_of_range'],
    [
      'the same alternative twice',
      { fields: ['a', 'a'], op: 'equals', value: 1 },
      '/fields/1',
      'duplicate_value',
    ],
    ['a path', { ...value, field: 'a[0]' }, '/field', 'invalid_value'],
    ['a path of nine names', { ...value, field: 'a.b.c.d.e.f.g.h.i' }, '/field', 'invalid_value'],
    ['a path into a prototype', { ...value, field: '__proto__.x' }, '/field', 'invalid_value'],
    ['no value', { field: 'x', op: 'equals' }, '/value', 'required'],
    [
      'value and value_ref',
      { ...value, value_ref: 'constants.limit' },
      '/value_ref',
      'invalid_condition',
    ],
    [
      'a reference into the context',
      { field: 'x', op: 'at_most', value_ref: 'context.limit' },
      '/value_ref',
      'invalid_value',
    ],
    [
      'a constant nobody declared',
      { field: 'x', op: 'at_most', value_ref: 'constants.other' },
      '/value_ref',
      'invalid_value',
    ],
    [
      'a constant of another type',
      { field: 'x', op: 'in_set', value_ref: 'constants.limit' },
      '/value_ref',
      'invalid_type',
    ],
    ['null as value', { field: 'x', op: 'equals', value: null }, '/value', 'invalid_type'],
    ['an object as value', { field: 'x', op: 'equals', value: {} }, '/value', 'invalid_type'],
    [
      'text where a number is asked',
      { field: 'x', op: 'at_most', value: '3' },
      '/value',
      'invalid_type',
    ],
    [
      'a number where a decimal is asked',
      { field: 'x', op: 'decimal_at_most', value: 3 },
      '/value',
      'invalid_type',
    ],
    [
      'a decimal beyond nine places',
      { field: 'x', op: 'decimal_at_most', value: '0.0000000001' },
      '/value',
      'invalid_type',
    ],
    ['a set that is none', { field: 'x', op: 'in_set', value: 'a' }, '/value', 'invalid_type'],
    ['an empty set', { field: 'x', op: 'in_set', value: [] }, '/value', 'out_of_range'],
    [
      'a set with null',
      { field: 'x', op: 'in_set', value: ['a', null] },
      '/value/1',
      'invalid_type',
    ],
    [
      'a set with a member twice',
      { field: 'x', op: 'in_set', value: [1, 1] },
      '/value/1',
      'duplicate_value',
    ],
    ['no lower bound', { field: 'x', op: 'between', max: 1 }, '/min', 'required'],
    [
      'bounds the wrong way round',
      { field: 'x', op: 'between', min: 2, max: 1 },
      '/min',
      'out_of_range',
    ],
    ['a bound as text', { field: 'x', op: 'between', min: '1', max: 2 }, '/min', 'invalid_type'],
    ['no good state', { field: 'x', op: 'state', true: [], false: ['b'] }, '/true', 'out_of_range'],
    ['no bad state', { field: 'x', op: 'state', true: ['a'] }, '/false', 'required'],
    [
      'a state on both sides',
      { field: 'x', op: 'state', true: ['a', 'b'], false: ['b'] },
      '/false',
      'duplicate_value',
    ],
    ['no right side', { field: 'x', op: 'equals_field' }, '/right_field', 'required'],
    [
      'a field against itself',
      { field: 'x', op: 'equals_field', right_field: 'x' },
      '/right_field',
      'invalid_condition',
    ],
    [
      'an alternative against itself',
      { fields: ['y', 'x'], op: 'equals_field', right_field: 'x' },
      '/right_field',
      'invalid_condition',
    ],
    [
      'a limit that the caller may supply',
      { field: 'x', op: 'at_most_field', right_field: 'y', min_assurance: 'asserted' },
      '/min_assurance',
      'invalid_condition',
    ],
    ['a reference without type', { op: 'reference_present' }, '/source_type', 'required'],
    [
      'an assurance above all',
      { ...value, min_assurance: 'verified' },
      '/min_assurance',
      'invalid_value',
    ],
    ['no age at all', { ...value, max_age_seconds: 0 }, '/max_age_seconds', 'out_of_range'],
    ['a quorum of nobody', { op: 'approval', quorum: 0 }, '/quorum', 'out_of_range'],
    ['an approval that may be waived', { op: 'approval', waivable: true }, '', 'invalid_condition'],
    [
      'an approval that may be overridden',
      { op: 'approval', overridable: true },
      '',
      'invalid_condition',
    ],
    ['no codes', { ...value, codes: 'X' }, '/codes', 'invalid_type'],
    [
      'no code for true',
      { ...value, codes: { false: 'AAA', unknown: 'BBB' } },
      '/codes/true',
      'required',
    ],
    [
      'no code for false',
      { ...value, codes: { true: 'AAA', unknown: 'BBB' } },
      '/codes/false',
      'required',
    ],
    [
      'no code for unknown',
      { ...value, codes: { true: 'AAA', false: 'BBB' } },
      '/codes/unknown',
      'required',
    ],
    [
      'a reference without code for unknown',
      { op: 'reference_present', source_type: 't', codes: { true: 'AAA' } },
      '/codes/unknown',
      'required',
    ],
    [
      'existence without code for false',
      { field: 'x', op: 'exists', codes: { true: 'AAA' } },
      '/codes/false',
      'required',
    ],
    [
      'a code in lower case',
      { ...value, codes: { ...CODES, true: 'ok_fine' } },
      '/codes/true',
      'invalid_value',
    ],
    [
      'a code of two characters',
      { ...value, codes: { ...CODES, true: 'OK' } },
      '/codes/true',
      'invalid_value',
    ],
    [
      'a code of 65 characters',
      { ...value, codes: { ...CODES, true: 'A'.repeat(65) } },
      '/codes/true',
      'too_long',
    ],
    [
      'a code twice',
      { ...value, codes: { ...CODES, true: 'IT_FAILS' } },
      '/codes/false',
      'duplicate_value',
    ],
    [
      'a built-in code',
      { ...value, codes: { ...CODES, true: 'POLICY_SUSPENDED' } },
      '/codes/true',
      'duplicate_value',
    ],
  ])('%s', (_, condition, pointer, code) => {
    const document = documentOf(condition, { constants: { limit: 3 } });
    expect(faultsOf(document)).toContainEqual([`/conditions/it${pointer}`, code]);
  });

  it('a code has one meaning in the whole policy', () => {
    const conditions = { a: { ...value, codes: codes('A') }, b: { ...value, codes: codes('A') } };
    const requirement = { and: [{ cond: 'a' }, { cond: 'b' }] };
    expect(faultsOf(documentWith({ conditions, requirement }))).toEqual([
      ['/conditions/b/codes/true', 'duplicate_value'],
      ['/conditions/b/codes/false', 'duplicate_value'],
      ['/conditions/b/codes/unknown', 'duplicate_value'],
    ]);
  });

  it('every condition is used', () => {
    const conditions = { a: { ...value, codes: codes('A') }, b: { ...value, codes: codes('B') } };
    expect(faultsOf(documentWith({ conditions, requirement: { cond: 'a' } }))).toEqual([
      ['/conditions/b', 'invalid_condition'],
    ]);
  });

  it('24 are allowed, 25 are not', () => {
    const many = (count: number): JsonObject => {
      const names = Array.from({ length: count }, (_, i) => `c${i}`);
      return documentWith({
        conditions: Object.fromEntries(
          names.map((name) => [name, { ...value, codes: codes(name.toUpperCase()) }]),
        ),
        requirement: { and: names.map((cond) => ({ cond })) },
      });
    };
    expect(faultsOf(many(24))).toEqual([]);
    expect(faultsOf(many(25))).toContainEqual(['/conditions', 'out_of_range']);
  });

  it.each(['It', 'builtin.request_fresh', '__proto__', '1st', ''])('no name: %j', (name) => {
    const conditions = JSON.parse(
      JSON.stringify({ name: { ...value, codes: CODES } }).replace('"name"', JSON.stringify(name)),
    );
    const found = faultsOf(documentWith({ conditions, requirement: { cond: name } }));
    expect(found).toContainEqual([`/conditions/${name}`, 'invalid_value']);
  });

  it('a tree may be eight levels deep, not nine', () => {
    const nested = (depth: number): Json =>
      depth === 0 ? { cond: 'plan' } : { and: [nested(depth - 1)] };
    expect(faultsOf(documentWith({ requirement: nested(8) }))).toEqual([]);
    expect(faultsOf(documentWith({ requirement: nested(9) }))).toContainEqual([
      `/requirement${'/and/0'.repeat(9)}`,
      'too_deep',
    ]);
  });
});

describe('an empty context is never a yes', () => {
  const absent = { field: 'x', op: 'not_exists', codes: noUnknown() };
  const stated = { field: 'x', op: 'exists', codes: noUnknown() };

  it.each<[string, JsonObject, Json]>([
    ['absence itself', absent, { cond: 'it' }],
    ['no presence', stated, { not: { cond: 'it' } }],
    ['absence or presence', absent, { or: [{ cond: 'it' }, { not: { cond: 'it' } }] }],
    ['absence in a group', absent, { group: { min: 1, of: [{ cond: 'it' }] } }],
  ])('%s is refused', (_, condition, requirement) => {
    expect(faultsOf(documentOf(condition, { requirement }))).toEqual([
      ['/requirement', 'invalid_value'],
    ]);
  });

  it('presence passes', () => {
    expect(faultsOf(documentOf(stated))).toEqual([]);
  });
});

describe('lint', () => {
  const two = (op: string, requirement: Json): JsonObject =>
    documentWith({
      conditions: {
        gone: { field: 'x', op, codes: codes('GONE') },
        plan: { ...value, codes: CODES },
      },
      requirement,
    });

  it.each<[string, string, Json, readonly string[]]>([
    [
      'absence',
      'not_exists',
      { and: [{ cond: 'gone' }, { cond: 'plan' }] },
      ['/requirement/and/0'],
    ],
    [
      'absence twice negated',
      'not_exists',
      { and: [{ cond: 'plan' }, { not: { not: { cond: 'gone' } } }] },
      ['/requirement/and/1/not/not'],
    ],
    [
      'no presence',
      'exists',
      { and: [{ cond: 'plan' }, { not: { cond: 'gone' } }] },
      ['/requirement/and/1/not'],
    ],
    [
      'absence in a group',
      'not_exists',
      { group: { min: 2, of: [{ cond: 'plan' }, { cond: 'gone' }] } },
      ['/requirement/group/of/1'],
    ],
    ['presence', 'exists', { and: [{ cond: 'gone' }, { cond: 'plan' }] }, []],
    ['no absence', 'not_exists', { and: [{ cond: 'plan' }, { not: { cond: 'gone' } }] }, []],
  ])('%s in the way of a yes', (_, op, requirement, pointers) => {
    const { warnings } = parsed(two(op, requirement));
    expect(warnings.map(({ pointer, code }) => [pointer, code])).toEqual(
      pointers.map((pointer) => [pointer, 'absence_can_satisfy']),
    );
  });

  it('an age that is never asked', () => {
    const warnings = (condition: JsonObject): readonly string[] =>
      parsed(documentOf(condition)).warnings.map(({ pointer, code }) => `${pointer} ${code}`);
    const aged = { ...value, max_age_seconds: 60 };
    expect(warnings(aged)).toEqual(['/conditions/it age_not_asked']);
    expect(warnings({ ...aged, min_assurance: 'referenced' })).toEqual([]);
    const limit = { field: 'x', op: 'at_most_field', right_field: 'y', max_age_seconds: 60 };
    expect(warnings(limit)).toEqual([]);
  });
});

describe('self tests of a document', () => {
  const test = (name: string, verdict: string, more: JsonObject = {}): JsonObject => ({
    name,
    context: request({}),
    expect: { verdict },
    ...more,
  });
  const three = [test('a', 'yes'), test('b', 'no'), test('c', 'review')];

  it.each<[string, Json, string, string]>([
    ['two are too few', three.slice(0, 2), '/self_tests', 'out_of_range'],
    [
      'none for a verdict',
      [test('a', 'yes'), test('b', 'no'), test('c', 'no')],
      '/self_tests',
      'required',
    ],
    [
      'an unknown verdict',
      [...three, test('d', 'maybe')],
      '/self_tests/3/expect/verdict',
      'invalid_value',
    ],
    [
      'a name twice',
      [...three, test('a', 'no', { at: '2026-01-01T00:00:00Z' })],
      '/self_tests/3/name',
      'duplicate_value',
    ],
    [
      'an instant',
      [...three, test('d', 'no', { at: '2026-02-30T00:00:00Z' })],
      '/self_tests/3/at',
      'invalid_value',
    ],
    [
      'an unknown member',
      [...three, test('d', 'no', { skip: true })],
      '/self_tests/3/skip',
      'unknown_field',
    ],
    [
      'an approval',
      [
        ...three,
        test('d', 'no', { approvals: [{ group: 'g', reviewer: 'r', resolution: 'maybe' }] }),
      ],
      '/self_tests/3/approvals/0/resolution',
      'invalid_value',
    ],
    [
      'an attested path',
      [...three, test('d', 'no', { attested: ['__proto__'] })],
      '/self_tests/3/attested/0',
      'invalid_value',
    ],
    [
      'a context that is none',
      [...three, { ...test('d', 'no'), context: [] }],
      '/self_tests/3/context',
      'invalid_type',
    ],
  ])('%s', (_, tests, pointer, code) => {
    expect(faultsOf(documentWith({ self_tests: tests }))).toContainEqual([pointer, code]);
  });
});

function noUnknown(): JsonObject {
  return { true: 'IT_HOLDS', false: 'IT_FAILS' };
}
