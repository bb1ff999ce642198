import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gateOf, jsonCondition, type Stage, specOf, stage } from './evidence-files.ts';
import { type Members, openScenarioGate, quickstartSpec, type ScenarioGate } from './harness.ts';

let gate: ScenarioGate;
beforeAll(async () => {
  gate = await openScenarioGate();
});
afterAll(() => gate.close());

const define = (spec: Members) => gate.call('scenario_define', { spec });

describe('structure', () => {
  const packet: Members = {
    packet_id: 'p',
    schema_id: 's',
    content_type: 'text/plain',
    visibility_labels: [],
    policy_tags: [],
    expiry: null,
    payload: { kind: 'json', value: null },
  };
  const condition = jsonCondition('c', 'equals', true);
  const rows: readonly (readonly [string, readonly Stage[], readonly Members[]])[] = [
    ['scenario spec must define at least one stage', [], []],
    ['duplicate stage identifier: s', [stage('s'), stage('s')], []],
    [
      'duplicate gate identifier: g',
      [
        stage('a', { gates: [gateOf('g', { And: [] })] }),
        stage('b', { gates: [gateOf('g', { And: [] })] }),
      ],
      [],
    ],
    [
      'duplicate packet identifier: p',
      [stage('a', { entry_packets: [packet] }), stage('b', { entry_packets: [packet] })],
      [],
    ],
    ['duplicate condition id: c', [stage('a')], [condition, condition]],
    [
      'gate references undefined condition: nobody',
      [stage('a', { gates: [gateOf('g', { Not: { Condition: 'nobody' } })] })],
      [],
    ],
    [
      'branch target refers to unknown stage: z',
      [stage('a', { advance_to: { kind: 'fixed', stage_id: 'z' } })],
      [],
    ],
    [
      'branch target refers to unknown stage: x',
      [
        stage('a', {
          gates: [gateOf('g', { And: [] })],
          advance_to: {
            kind: 'branch',
            branches: [{ gate_id: 'g', outcome: 'true', next_stage_id: 'x' }],
            default: null,
          },
        }),
      ],
      [],
    ],
    [
      'branch target refers to unknown stage: y',
      [stage('a', { advance_to: { kind: 'branch', branches: [], default: 'y' } })],
      [],
    ],
  ];
  it.each(rows)('S-39 %s', async (text, stages, conditions) => {
    const answer = await define(specOf('structure', stages, conditions));
    expect(answer.error).toMatchObject({ code: -32030, message: `invalid scenario spec: ${text}` });
    const list = await gate.call('scenarios_list', { tenant_id: 1, namespace_id: 1 });
    expect(list.json).toEqual({ items: [], next_token: null });
  });
});

describe('decoding', () => {
  it('S-40 a missing list is refused with its place, an absent optional member is not', async () => {
    const spec = quickstartSpec() as { conditions: Members[]; stages: Members[] } & Members;
    const { policy_tags: _tags, ...untagged } = spec.conditions[0] ?? {};
    const refused = await define({ ...spec, conditions: [untagged] });
    expect(refused.error.code).toBe(-32602);
    expect(refused.error.message).toContain('/spec/conditions/0/policy_tags');
    const { timeout: _timeout, ...untimed } = spec.stages[0] ?? {};
    const { default_tenant_id: _tenant, ...open } = spec;
    const accepted = await define({ ...open, namespace_id: 3, stages: [untimed] });
    expect(accepted.error).toBeUndefined();
  });

  it.each([
    ['a fraction as id', { namespace_id: 1.5 }],
    ['zero as id', { namespace_id: 0 }],
    ['a text as id', { namespace_id: '1' }],
    ['no stages', { stages: undefined }],
    ['an unknown comparator', { conditions: [jsonCondition('c', 'about', 1)] }],
    [
      'two kinds in one requirement',
      { stages: [stage('a', { gates: [gateOf('g', { And: [], Or: [] })] })] },
    ],
    [
      'a quorum beyond a byte',
      { stages: [stage('a', { gates: [gateOf('g', { RequireGroup: { min: 256, reqs: [] } })] })] },
    ],
  ])('S-40 %s is refused', async (_what, change) => {
    expect((await define({ ...quickstartSpec(), ...change })).error.code).toBe(-32602);
  });

  it('S-40 1.0 is no id', async () => {
    const spec = JSON.stringify(quickstartSpec()).replace('"namespace_id":1', '"namespace_id":1.0');
    const answer = await gate.rpc(
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"scenario_define","arguments":{"spec":${spec}}}}`,
    );
    expect(answer.error.code).toBe(-32602);
  });

  it('S-41 members that nobody knows change no hash', async () => {
    const plain = await define(quickstartSpec({ scenario_id: 'same', namespace_id: 4 }));
    const spec = quickstartSpec({ scenario_id: 'same', namespace_id: 5 }) as { stages: Members[] };
    const extra = await define({
      ...spec,
      remark: 'draft',
      stages: spec.stages.map((one) => ({ ...one, colour: 'blue' })),
    });
    const other = await define(quickstartSpec({ scenario_id: 'same2', namespace_id: 5 }));
    const hash = (answer: typeof plain): unknown =>
      (answer.json as { spec_hash: Members }).spec_hash['value'];
    expect(extra.error).toBeUndefined();
    expect(hash(extra)).not.toBe(hash(other));
    const again = await define(quickstartSpec({ scenario_id: 'same', namespace_id: 5 }));
    expect(again.error.message).toBe('scenario already defined');
    const list = await gate.call('scenarios_list', { tenant_id: 1, namespace_id: 5 });
    const [listed] = (list.json as { items: Members[] }).items;
    // The same definition without the extra members, in a server of its own, has this very hash.
    const own = await openScenarioGate();
    try {
      const alone = await own.call('scenario_define', { spec });
      expect(alone.json).toMatchObject({ spec_hash: listed?.['spec_hash'] });
    } finally {
      await own.close();
    }
  });
});

const GROUPS = {
  equality: ['equals', 'not_equals'],
  order: ['greater_than', 'greater_than_or_equal', 'less_than', 'less_than_or_equal'],
  lexical: [
    'lex_greater_than',
    'lex_greater_than_or_equal',
    'lex_less_than',
    'lex_less_than_or_equal',
  ],
  contains: ['contains'],
  in_set: ['in_set'],
  deep: ['deep_equals', 'deep_not_equals'],
  presence: ['exists', 'not_exists'],
} as const;

/** A schema of each class with a value of it, and what it takes: `yes`, or `opt` when it is asked for. */
const CLASSES: readonly (readonly [string, Members, unknown, Readonly<Record<string, string>>])[] =
  [
    [
      'dynamic',
      { 'x-decision-gate': { dynamic_type: true } },
      1,
      {
        equality: 'yes',
        order: 'yes',
        lexical: 'yes',
        contains: 'yes',
        in_set: 'yes',
        deep: 'yes',
      },
    ],
    ['boolean', { type: 'boolean' }, true, { equality: 'yes', in_set: 'yes' }],
    ['integer', { type: 'integer' }, 1, { equality: 'yes', order: 'yes', in_set: 'yes' }],
    ['number', { type: 'number' }, 1.5, { equality: 'yes', order: 'yes', in_set: 'yes' }],
    [
      'string',
      { type: 'string' },
      'a',
      { equality: 'yes', lexical: 'opt', contains: 'yes', in_set: 'yes' },
    ],
    [
      'date',
      { type: 'string', format: 'date' },
      '2026-01-01',
      { equality: 'yes', order: 'yes', in_set: 'yes' },
    ],
    ['uuid', { type: 'string', format: 'uuid' }, 'u', { equality: 'yes', in_set: 'yes' }],
    ['enum', { enum: ['a', 'b'] }, 'a', { equality: 'yes', in_set: 'yes' }],
    [
      'array of scalars',
      { type: 'array', items: { type: 'string' } },
      ['a'],
      { contains: 'yes', deep: 'opt' },
    ],
    ['array', { type: 'array' }, ['a'], { deep: 'opt' }],
    ['object', { type: 'object' }, { a: 1 }, { deep: 'opt' }],
    ['null', { type: 'null' }, null, { equality: 'yes' }],
  ];

describe('strict validation', () => {
  let open: ScenarioGate;
  let shapes = 0;
  beforeAll(async () => {
    open = await openScenarioGate({
      change: (settings) => ({
        ...settings,
        validation: { strict: true, enableLexicographic: true, enableDeepEquals: true },
      }),
    });
  });
  afterAll(() => open.close());

  /** What a precheck says of a comparator on a shape: the text of its refusal, or that there is none. */
  async function admitted(schema: Members, comparator: string, value: unknown): Promise<string> {
    shapes += 1;
    const schema_id = `shape-${shapes}`;
    await open.call('schemas_register', {
      record: {
        tenant_id: 1,
        namespace_id: 1,
        schema_id,
        version: 'v1',
        schema: { type: 'object', properties: { c: schema } },
        description: null,
        created_at: { kind: 'logical', value: 1 },
      },
    });
    const expected = comparator.endsWith('exists')
      ? undefined
      : comparator === 'in_set'
        ? [value]
        : value;
    const answer = await open.call('precheck', {
      tenant_id: 1,
      namespace_id: 1,
      data_shape: { schema_id, version: 'v1' },
      payload: {},
      spec: specOf(
        'strict',
        [stage('main', { gates: [gateOf('g', { Condition: 'c' })] })],
        [jsonCondition('c', comparator, expected)],
      ),
    });
    return answer.error?.message ?? 'admitted';
  }

  it.each(CLASSES)(
    'S-102 %s takes what its row says and nothing else',
    async (name, schema, value, row) => {
      // An expectation of null is an absent one, so the class of null can only be looked at with presence.
      const groups =
        name === 'null'
          ? (['order', 'contains', 'presence'] as const)
          : (Object.keys(GROUPS) as (keyof typeof GROUPS)[]);
      for (const group of groups) {
        const admission = group === 'presence' ? 'yes' : (row[group] ?? 'no');
        for (const comparator of GROUPS[group]) {
          const usable = name === 'null' && group !== 'presence' ? 1 : value;
          const plain = await admitted(schema, comparator, usable);
          const wanted = {
            yes: 'admitted',
            opt: `condition c comparator ${comparator} requires explicit opt-in`,
            no: `condition c comparator ${comparator} not allowed for schema type`,
          }[admission];
          expect(`${name} ${comparator}: ${plain}`).toBe(
            `${name} ${comparator}: ${String(wanted)}`,
          );
          if (admission !== 'opt') continue;
          const asking = { ...schema, 'x-decision-gate': { allowed_comparators: [comparator] } };
          expect(`${name} ${comparator}: ${await admitted(asking, comparator, value)}`).toBe(
            `${name} ${comparator}: admitted`,
          );
        }
      }
    },
  );

  it.each([
    [
      { type: 'string', 'x-decision-gate': { allowed_comparators: [] } },
      'condition c allowed_comparators must be a non-empty list',
    ],
    [
      { type: 'boolean', 'x-decision-gate': { allowed_comparators: ['less_than'] } },
      'condition c allowed_comparators includes less_than, which is not allowed for schema type',
    ],
    [
      { type: 'string', 'x-decision-gate': { allowed_comparators: ['contains'] } },
      'condition c comparator equals not in allowed_comparators',
    ],
    [{}, 'condition c schema invalid: schema missing type declaration'],
    [{ enum: ['a', 1] }, 'condition c schema invalid: enum mixes scalar types'],
  ])('S-102 %j is refused', async (schema, text) => {
    expect(await admitted(schema, 'equals', 'a')).toBe(text);
  });

  it('S-102 a union takes what all of its variants take', async () => {
    const union = { oneOf: [{ type: 'integer' }, { type: 'string' }, { type: 'null' }] };
    expect(await admitted(union, 'equals', 1)).toBe('admitted');
    expect(await admitted(union, 'less_than', 1)).toContain('not allowed for schema type');
    expect(await admitted({ type: ['integer', 'null'] }, 'less_than', 1)).toBe('admitted');
  });
});
