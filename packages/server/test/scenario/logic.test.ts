import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  exported,
  gateOf,
  jsonCondition,
  next,
  specOf,
  stage,
  startRun,
  type Transition,
  transitionOf,
  writeEvidence,
} from './evidence-files.ts';
import { type Members, openScenarioGate, type ScenarioGate } from './harness.ts';

let gate: ScenarioGate;
let counter = 0;
beforeAll(async () => {
  gate = await openScenarioGate({
    change: (settings) => ({
      ...settings,
      validation: { strict: true, enableLexicographic: true, enableDeepEquals: true },
    }),
  });
});
afterAll(() => gate.close());

/** Conditions that find these JSON texts, one gate over them, and what one trigger comes to. */
async function evaluate(
  conditions: readonly (readonly [Members, string | undefined])[],
  requirement: (ids: readonly string[]) => unknown,
): Promise<Transition> {
  counter += 1;
  const id = `logic-${counter}`;
  for (const [condition, text] of conditions) {
    if (text !== undefined) writeEvidence(gate, condition['condition_id'] as string, text);
  }
  const ids = conditions.map(([condition]) => condition['condition_id'] as string);
  const spec = specOf(
    id,
    [stage('main', { gates: [gateOf('gate', requirement(ids))] })],
    conditions.map(([condition]) => condition),
  );
  const defined = await gate.call('scenario_define', { spec });
  if (defined.error !== undefined) throw new Error(defined.error.message);
  await startRun(gate, id, `run-${id}`);
  return transitionOf(await next(gate, id, `run-${id}`, 't'));
}

function gateStatus(transition: Transition): unknown {
  return transition.feedback?.gate_evaluations[0]?.['status'];
}

/** The status of one comparison of a JSON text with an expectation. */
async function compare(comparator: string, text: string | undefined, expected: unknown) {
  counter += 1;
  const condition = jsonCondition(`c${counter}`, comparator, expected);
  return gateStatus(await evaluate([[condition, text]], ([id]) => ({ Condition: id })));
}

/** A condition whose status is fixed: true, false or, without a file, unknown. */
function fixed(status: 'True' | 'False' | 'Unknown'): readonly [Members, string | undefined] {
  counter += 1;
  const condition = jsonCondition(`fixed${counter}`, 'equals', true);
  return [condition, status === 'Unknown' ? undefined : String(status === 'True')];
}

const leaves = (ids: readonly string[]): readonly Members[] => ids.map((id) => ({ Condition: id }));

describe('requirement trees', () => {
  it('S-78 a leaf names its condition', async () => {
    const transition = await evaluate([fixed('True')], ([id]) => ({ Condition: id }));
    expect(transition.decision.outcome['kind']).toBe('complete');
  });

  const PAIRS = [
    ['True', 'True', 'True', 'True'],
    ['True', 'False', 'False', 'True'],
    ['True', 'Unknown', 'Unknown', 'True'],
    ['False', 'True', 'False', 'True'],
    ['False', 'False', 'False', 'False'],
    ['False', 'Unknown', 'False', 'Unknown'],
    ['Unknown', 'True', 'Unknown', 'True'],
    ['Unknown', 'False', 'False', 'Unknown'],
    ['Unknown', 'Unknown', 'Unknown', 'Unknown'],
  ] as const;
  it.each(PAIRS)('S-79 %s with %s: And %s, Or %s', async (a, b, both, either) => {
    const pair = (): readonly (readonly [Members, string | undefined])[] => [fixed(a), fixed(b)];
    expect(gateStatus(await evaluate(pair(), (ids) => ({ And: leaves(ids) })))).toBe(both);
    expect(gateStatus(await evaluate(pair(), (ids) => ({ Or: leaves(ids) })))).toBe(either);
  });

  it.each([
    ['True', 'False'],
    ['False', 'True'],
    ['Unknown', 'Unknown'],
  ] as const)('S-79 Not of %s is %s', async (inner, outer) => {
    const transition = await evaluate([fixed(inner)], ([id]) => ({ Not: { Condition: id } }));
    expect(gateStatus(transition)).toBe(outer);
  });

  it.each([
    [0, ['False', 'Unknown'], 'True'],
    [3, ['True', 'True'], 'False'],
    [2, ['True', 'True', 'Unknown'], 'True'],
    [2, ['True', 'False', 'Unknown'], 'Unknown'],
    [2, ['False', 'False', 'Unknown'], 'False'],
  ] as const)('S-80 %i of %s is %s', async (min, statuses, wanted) => {
    const transition = await evaluate(statuses.map(fixed), (ids) => ({
      RequireGroup: { min, reqs: leaves(ids) },
    }));
    expect(gateStatus(transition)).toBe(wanted);
  });

  it('S-81 every leaf is traced in the order of the visit, whatever settled the answer', async () => {
    const conditions = [fixed('False'), fixed('True'), fixed('Unknown')];
    const transition = await evaluate(conditions, ([a, b, c]) => ({
      And: [{ Condition: a }, { Or: [{ Condition: b }, { Condition: c }] }, { Condition: b }],
    }));
    const [a, b, c] = conditions.map(([condition]) => condition['condition_id']);
    expect(transition.feedback?.gate_evaluations[0]?.['trace']).toEqual([
      { condition_id: a, status: 'False' },
      { condition_id: b, status: 'True' },
      { condition_id: c, status: 'Unknown' },
      { condition_id: b, status: 'True' },
    ]);
  });

  it.each([
    [32, 'True'],
    [33, 'Unknown'],
  ] as const)('S-82 a leaf at depth %i is %s', async (depth, wanted) => {
    const transition = await evaluate([fixed('True')], ([id]) => {
      let tree: unknown = { Condition: id };
      for (let i = 0; i < depth; i += 1) tree = { And: [tree] };
      return tree;
    });
    expect(gateStatus(transition)).toBe(wanted);
  });
});

describe('comparators', () => {
  const ROWS: readonly (readonly [string, string, string | undefined, unknown, string])[] = [
    ['S-83', 'equals', 'true', true, 'True'],
    ['S-83', 'equals', '"true"', true, 'False'],
    ['S-83', 'equals', '{"b":1,"a":[2]}', { a: [2], b: 1 }, 'True'],
    ['S-83', 'equals', '"Straße"', 'Strasse', 'False'],
    ['S-84', 'not_equals', '"1"', 1, 'True'],
    ['S-84', 'not_equals', '1', 1, 'False'],
    ['S-85', 'equals', '1.0', 1, 'True'],
    ['S-85', 'equals', '1e0', 1, 'True'],
    ['S-85', 'equals', '0.10', 0.1, 'True'],
    ['S-86', 'greater_than', '2', 2, 'False'],
    ['S-86', 'greater_than', '2.5', 2, 'True'],
    ['S-86', 'greater_than_or_equal', '2', 2, 'True'],
    ['S-86', 'less_than', '2', 2, 'False'],
    ['S-86', 'less_than_or_equal', '2', 2, 'True'],
    ['S-86', 'greater_than', '"2"', 1, 'Unknown'],
    ['S-87', 'equals', '"2026-01-01T00:00:00Z"', '2026-01-01T00:00:00Z', 'True'],
    ['S-87', 'less_than', '"2026-01-01T00:30:00+01:00"', '2026-01-01T00:00:00Z', 'True'],
    [
      'S-87',
      'greater_than_or_equal',
      '"2026-01-01T01:00:00+01:00"',
      '2026-01-01T00:00:00Z',
      'True',
    ],
    ['S-87', 'greater_than', '"2026-01-01T00:00:00.0000000002Z"', '2026-01-01T00:00:00Z', 'True'],
    ['S-87', 'less_than', '"2026-02-28"', '2026-03-01', 'True'],
    ['S-87', 'less_than', '"2026-02-28"', '2026-03-01T00:00:00Z', 'Unknown'],
    ['S-87', 'less_than', '"2026-02-30"', '2026-03-01', 'Unknown'],
    ['S-88', 'lex_less_than', '"a"', 'b', 'True'],
    ['S-88', 'lex_greater_than', '"\\ud83d\\ude00"', '\ue000', 'True'],
    ['S-88', 'lex_less_than_or_equal', '"a"', 'a', 'True'],
    ['S-88', 'lex_greater_than_or_equal', '1', 'a', 'Unknown'],
    ['S-89', 'contains', '"decision gate"', 'gate', 'True'],
    ['S-89', 'contains', '"decision gate"', '', 'True'],
    ['S-89', 'contains', '["a","b","c"]', ['c', 'a', 'a'], 'True'],
    ['S-89', 'contains', '["a"]', ['b'], 'False'],
    ['S-89', 'contains', '[1.0]', [1], 'False'],
    ['S-89', 'contains', '{"a":1}', ['a'], 'Unknown'],
    ['S-90', 'in_set', '2', [1, 2], 'True'],
    ['S-90', 'in_set', '2.0', [1, 2], 'False'],
    ['S-90', 'in_set', 'null', [null], 'True'],
    ['S-90', 'in_set', '[1]', [[1]], 'Unknown'],
    ['S-91', 'deep_equals', '{"a":{"b":[1,2]},"c":3}', { c: 3, a: { b: [1, 2] } }, 'True'],
    ['S-91', 'deep_not_equals', '[1,2]', [2, 1], 'True'],
    ['S-91', 'deep_equals', '1', 1, 'Unknown'],
    ['S-92', 'exists', 'null', undefined, 'True'],
    ['S-92', 'not_exists', '0', undefined, 'False'],
    ['S-92', 'exists', undefined, undefined, 'Unknown'],
    ['S-92', 'not_exists', undefined, undefined, 'Unknown'],
    ['S-94', 'equals', undefined, 1, 'Unknown'],
    ['S-94', 'not_equals', undefined, 1, 'Unknown'],
  ];
  it.each(ROWS)('%s %s: %s against %j is %s', async (_row, comparator, text, expected, wanted) => {
    expect(await compare(comparator, text, expected)).toBe(wanted);
  });

  it('S-85 integers beyond doubles keep every digit', async () => {
    counter += 1;
    const id = `big-${counter}`;
    writeEvidence(gate, id, '9007199254740993');
    const spec = JSON.stringify(
      specOf(
        id,
        [stage('main', { gates: [gateOf('g', { Condition: id })] })],
        [jsonCondition(id, 'equals', 0)],
      ),
    ).replace('"expected":0', '"expected":9007199254740992');
    await gate.rpc(
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"scenario_define","arguments":{"spec":${spec}}}}`,
    );
    await startRun(gate, id, id);
    expect(gateStatus(transitionOf(await next(gate, id, id, 't')))).toBe('False');
  });

  it('S-88 lexicographic order needs the flag of the configuration', async () => {
    const strict = await openScenarioGate();
    try {
      const spec = specOf(
        'lex',
        [stage('main', { gates: [gateOf('g', { Condition: 'c' })] })],
        [jsonCondition('c', 'lex_less_than', 'b')],
      );
      const refused = await strict.call('scenario_define', { spec });
      expect(refused.error).toMatchObject({
        code: -32602,
        message: 'condition c comparator lex_less_than is disabled by config',
      });
    } finally {
      await strict.close();
    }
  });
});

describe('evidence of a gate', () => {
  it('S-95 evidence stands in the order of condition ids, wherever it was asked for', async () => {
    const recorded = async (name: string, ids: readonly string[]): Promise<string> => {
      for (const id of ids) writeEvidence(gate, id, 'true');
      const conditions = ids.map((id) => jsonCondition(id, 'equals', true));
      const main = stage('main', { gates: [gateOf('g', { And: leaves(ids) })] });
      await gate.call('scenario_define', { spec: specOf(name, [main], conditions) });
      await startRun(gate, name, name);
      await next(gate, name, name, 't');
      const [record] = await exportedGates(name, name);
      expect(record?.evidence.map((one) => one['condition_id'])).toEqual(['alpha', 'mid', 'zeta']);
      return JSON.stringify(record?.evidence);
    };
    const backwards = await recorded('order', ['zeta', 'mid', 'alpha']);
    expect(await recorded('order-too', ['mid', 'alpha', 'zeta'])).toBe(backwards);
  });

  it('S-97 asserted evidence under a verified gate is Unknown, and its value stays for the reader', async () => {
    // Prechecked data is asserted; a gate that asks for verified evidence does not take it.
    await gate.call('schemas_register', {
      record: {
        tenant_id: 1,
        namespace_id: 1,
        schema_id: 'flag',
        version: 'v1',
        schema: { type: 'object', properties: { ok: { type: 'boolean' } } },
        description: null,
        created_at: { kind: 'logical', value: 1 },
      },
    });
    const of = (trust: Members): Members =>
      specOf(
        'lanes',
        [stage('main', { gates: [gateOf('g', { Condition: 'ok' }, trust)] })],
        [jsonCondition('ok', 'equals', true)],
      );
    const check = async (trust: Members): Promise<unknown> => {
      const answer = await gate.call('precheck', {
        tenant_id: 1,
        namespace_id: 1,
        data_shape: { schema_id: 'flag', version: 'v1' },
        payload: { ok: true },
        spec: of(trust),
      });
      const { gate_evaluations } = answer.json as { gate_evaluations: readonly Members[] };
      return gate_evaluations[0]?.['status'];
    };
    expect(await check({})).toBe('True');
    expect(await check({ trust: { min_lane: 'verified' } })).toBe('Unknown');
  });

  it('S-98 a gate cannot lower what the server asks for', async () => {
    const strict = await openScenarioGate({
      change: (settings) => ({ ...settings, dev: { ...settings.dev, permissive: false } }),
    });
    try {
      await strict.call('schemas_register', {
        record: {
          tenant_id: 1,
          namespace_id: 1,
          schema_id: 'flag',
          version: 'v1',
          schema: { type: 'object', properties: { ok: { type: 'boolean' } } },
          description: null,
          created_at: { kind: 'logical', value: 1 },
        },
      });
      const answer = await strict.call('precheck', {
        tenant_id: 1,
        namespace_id: 1,
        data_shape: { schema_id: 'flag', version: 'v1' },
        payload: { ok: true },
        spec: specOf(
          'lanes',
          [
            stage('main', {
              gates: [gateOf('g', { Condition: 'ok' }, { trust: { min_lane: 'asserted' } })],
            }),
          ],
          [jsonCondition('ok', 'equals', true, { trust: { min_lane: 'asserted' } })],
        ),
      });
      expect(answer.json).toMatchObject({ gate_evaluations: [{ status: 'Unknown' }] });
    } finally {
      await strict.close();
    }
  });
});

interface ExportedGate {
  readonly evaluation: Members;
  readonly evidence: readonly Members[];
}

async function exportedGates(scenarioId: string, runId: string): Promise<readonly ExportedGate[]> {
  return (await exported(gate, scenarioId, runId, 'gate_evals')) as unknown as ExportedGate[];
}
