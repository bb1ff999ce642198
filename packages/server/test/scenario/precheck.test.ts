import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { readScenarioConfig } from '../../src/scenario-config/file.ts';
import type { ScenarioSettings } from '../../src/service/scenario/settings.ts';
import { type Members, openScenarioGate, type RpcAnswer, type ScenarioGate } from './harness.ts';
import {
  auditLines,
  openAudited,
  quickAnswer,
  registration,
  reportCondition,
  reportSpec,
} from './shapes.ts';

const gates: ScenarioGate[] = [];
afterEach(async () => {
  await Promise.all(gates.splice(0).map((gate) => gate.close()));
});

async function opened(
  change?: (settings: ScenarioSettings, directory: string) => ScenarioSettings,
): Promise<ScenarioGate> {
  const gate = await openAudited(change);
  gates.push(gate);
  return gate;
}

/** With the scenario and the data shape of the quick answer. */
async function prepared(
  change?: (settings: ScenarioSettings, directory: string) => ScenarioSettings,
): Promise<ScenarioGate> {
  const gate = await opened(change);
  await gate.call('schemas_register', registration());
  await gate.call('scenario_define', { spec: reportSpec() });
  return gate;
}

const evaluation = (status: string): Members => ({
  gate_id: 'clean',
  status,
  trace: [{ condition_id: 'report_ok', status }],
});

function faultOf({ error }: RpcAnswer): readonly [number, string] {
  return [error.code, error.message];
}

const twoConditions = {
  stages: [
    {
      stage_id: 'main',
      entry_packets: [],
      gates: [
        {
          gate_id: 'clean',
          requirement: { And: [{ Condition: 'report_ok' }, { Condition: 'approved' }] },
        },
      ],
      advance_to: { kind: 'terminal' },
      timeout: null,
      on_timeout: 'fail',
    },
  ],
  conditions: [
    reportCondition(),
    reportCondition({ condition_id: 'approved', comparator: 'equals', expected: true }),
  ],
};

describe('precheck', () => {
  it('S-112 asserted evidence that meets the gate completes the stage', async () => {
    const gate = await prepared();
    const passed = await gate.call('precheck', quickAnswer());
    expect(passed.json).toEqual({
      decision: { kind: 'complete', stage_id: 'main' },
      gate_evaluations: [evaluation('True')],
    });
    const failing = await gate.call('precheck', quickAnswer({ payload: { report_ok: 3 } }));
    expect(failing.json).toEqual({
      decision: {
        kind: 'hold',
        summary: {
          status: 'hold',
          unmet_gates: ['clean'],
          retry_hint: 'await_evidence',
          policy_tags: [],
        },
      },
      gate_evaluations: [evaluation('False')],
    });
  });

  it('S-113 where evidence must be verified, what a caller asserts holds', async () => {
    const preset = fileURLToPath(
      new URL('../../../../configs/presets/default-recommended.toml', import.meta.url),
    );
    const { settings: recommended } = readScenarioConfig(preset, {});
    const gate = await openScenarioGate({
      change: (own) => ({
        ...recommended,
        server: { ...recommended.server, bind: own.server.bind },
        providers: own.providers,
        runStateStore: own.runStateStore,
        schemaRegistry: { ...recommended.schemaRegistry, store: own.schemaRegistry.store },
      }),
    });
    gates.push(gate);
    const registered = await gate.call('schemas_register', registration());
    expect(registered.json).toEqual(registration());
    await gate.call('scenario_define', { spec: reportSpec() });
    const held = await gate.call('precheck', quickAnswer());
    expect(held.json).toEqual({
      decision: expect.objectContaining({ kind: 'hold' }),
      gate_evaluations: [evaluation('Unknown')],
    });
  });

  it('asks providers that are exempt for verified evidence, of inline scenarios too', async () => {
    const gate = await prepared((settings) => ({
      ...settings,
      dev: { ...settings.dev, permissiveExemptProviders: ['json'] },
    }));
    for (const changes of [{}, { scenario_id: null, spec: reportSpec() }]) {
      const { json } = await gate.call('precheck', quickAnswer(changes));
      expect(json).toMatchObject({ gate_evaluations: [evaluation('Unknown')] });
    }
  });

  it('evaluates the stage that is named, and says where a run would go on', async () => {
    const gate = await opened();
    await gate.call('schemas_register', registration());
    const [main] = reportSpec()['stages'] as readonly [Members];
    const gateOf = (gate_id: string) => [{ gate_id, requirement: { Condition: 'report_ok' } }];
    const stages = [
      { ...main, advance_to: { kind: 'linear' } },
      { ...main, stage_id: 'empty', gates: [], advance_to: { kind: 'fixed', stage_id: 'main' } },
      {
        ...main,
        stage_id: 'fork',
        gates: gateOf('other'),
        advance_to: {
          kind: 'branch',
          branches: [{ gate_id: 'other', outcome: 'false', next_stage_id: 'main' }],
          default: null,
        },
      },
    ];
    await gate.call('scenario_define', { spec: reportSpec({ stages }) });
    const decided = async (changes: Members): Promise<unknown> =>
      ((await gate.call('precheck', quickAnswer(changes))).json as Members)['decision'];
    expect(await decided({})).toEqual({
      kind: 'advance',
      from_stage: 'main',
      to_stage: 'empty',
      timeout: false,
    });
    expect(await decided({ stage_id: 'empty' })).toMatchObject({ to_stage: 'main' });
    const forked = await gate.call('precheck', quickAnswer({ stage_id: 'fork' }));
    expect(faultOf(forked)).toEqual([-32030, 'gate resolution failed: no branch matched']);
    const nowhere = await gate.call('precheck', quickAnswer({ stage_id: 'nowhere' }));
    expect(faultOf(nowhere)).toEqual([-32030, 'unknown stage identifier: nowhere']);
  });

  it('S-114 a payload or a shape that does not fit is named', async () => {
    const gate = await prepared();
    const answered = async (changes: Members): Promise<readonly [number, string]> =>
      faultOf(await gate.call('precheck', quickAnswer(changes)));
    expect(await answered({ data_shape: { schema_id: 'report', version: 'v2' } })).toEqual([
      -32004,
      'schema not found',
    ]);
    const [code, message] = await answered({ payload: { report_ok: 'none', extra: 1 } });
    expect(code).toBe(-32602);
    expect(message).toMatch(/^payload does not match schema: [^;]+; [^;]+$/);
    const missing = { ...quickAnswer() };
    delete missing['payload'];
    expect((await gate.call('precheck', missing)).error.code).toBe(-32602);

    let shapes = 0;
    const shaped = async (schema: unknown, changes: Members = {}): Promise<RpcAnswer> => {
      shapes += 1;
      const version = `shape-${shapes}`;
      const registered = await gate.call('schemas_register', registration({ version, schema }));
      expect(registered.error).toBeUndefined();
      const data_shape = { schema_id: 'report', version };
      return gate.call('precheck', quickAnswer({ data_shape, ...changes }));
    };
    const refusedShapes: readonly (readonly [unknown, string, Members?])[] = [
      [
        { type: 'object', properties: { other: { type: 'number' } } },
        'condition report_ok missing from data shape schema',
      ],
      [
        { type: 'object', additionalProperties: true },
        'schema allows untyped additionalProperties for condition report_ok',
      ],
      [
        { oneOf: [{ type: 'object' }], anyOf: [{ type: 'object' }] },
        'data shape schema must not use both oneOf and anyOf',
      ],
      [
        {
          anyOf: [
            { type: 'object', properties: { report_ok: { type: 'number' } } },
            { type: 'object', properties: { b: {} } },
          ],
        },
        'condition report_ok missing from data shape schema',
      ],
      [
        { type: 'object', properties: { report_ok: { type: 'object' } } },
        'condition report_ok comparator equals not allowed for schema type',
        { payload: {} },
      ],
      [
        { type: ['number', 'null'] },
        'non-object data shape requires exactly one condition',
        { payload: 0, scenario_id: null, spec: reportSpec(twoConditions) },
      ],
      [
        {
          oneOf: [
            {
              type: 'object',
              properties: { report_ok: { type: 'number' }, approved: { type: 'boolean' } },
            },
            { type: 'null' },
          ],
        },
        'payload must be an object keyed by condition ids',
        { payload: null, scenario_id: null, spec: reportSpec(twoConditions) },
      ],
    ];
    for (const [schema, text, changes] of refusedShapes) {
      expect(faultOf(await shaped(schema, changes))).toEqual([-32602, text]);
    }
    const expected = await shaped(
      { type: 'object', properties: { report_ok: { type: 'number', minimum: 1 } } },
      { payload: {} },
    );
    expect(faultOf(expected)).toEqual([
      -32602,
      expect.stringMatching(/^condition report_ok expected value invalid: ./),
    ]);

    // A schema that asks to be answered later is answered now: it must not pass for want of an answer.
    const later = await shaped(
      { $async: true, type: 'object', required: ['report_ok'] },
      { payload: {} },
    );
    expect(faultOf(later)).toEqual([
      -32602,
      expect.stringMatching(/^payload does not match schema: ./),
    ]);

    const complete = { decision: { kind: 'complete' } };
    const counted = {
      type: 'object',
      properties: { report_ok: { type: 'number', allOf: [{ $ref: '#/$defs/few' }] } },
      $defs: { few: { maximum: 5 } },
    };
    expect((await shaped(counted)).json).toMatchObject(complete);
    const typed = { type: 'object', additionalProperties: { type: 'number' } };
    expect((await shaped(typed)).json).toMatchObject(complete);
    const scalar = { type: 'number' };
    expect((await shaped(scalar, { payload: 0 })).json).toMatchObject(complete);
    const nullable = { oneOf: [scalar, { type: 'null' }] };
    expect((await shaped(nullable, { payload: null })).json).toMatchObject({
      gate_evaluations: [evaluation('False')],
    });
    const open = { type: 'object', properties: { report_ok: { type: 'number' } } };
    expect((await shaped(open, { payload: { other: 0 } })).json).toMatchObject({
      gate_evaluations: [evaluation('Unknown')],
    });
  });

  it('S-115 a scenario can be sent along, and must agree with the rest', async () => {
    const gate = await opened();
    await gate.call('schemas_register', registration());
    const inline = (spec: Members, changes: Members = {}): Promise<RpcAnswer> =>
      gate.call('precheck', quickAnswer({ scenario_id: null, spec, ...changes }));
    expect((await inline(reportSpec())).json).toMatchObject({ decision: { kind: 'complete' } });
    const both = await inline(reportSpec(), { scenario_id: 'report-gate' });
    expect(both.json).toMatchObject({ decision: { kind: 'complete' } });

    const refused: readonly (readonly [Members, Members, number, string])[] = [
      [reportSpec(), { scenario_id: 'other' }, -32602, 'scenario_id does not match spec'],
      [reportSpec({ namespace_id: 2 }), {}, -32602, 'namespace_id does not match spec'],
      [reportSpec({ stages: [] }), {}, -32030, 'invalid scenario spec: '],
      [reportSpec({ default_tenant_id: 2 }), {}, -32003, 'unauthorized'],
    ];
    for (const [spec, changes, code, text] of refused) {
      const answer = await inline(spec, changes);
      expect(faultOf(answer)).toEqual([code, expect.stringMatching(`^${text}`)]);
    }
    const unknownCheck = reportCondition({
      query: { provider_id: 'json', check_id: 'nothing', params: {} },
    });
    const contract = await inline(reportSpec({ conditions: [unknownCheck] }));
    expect(faultOf(contract)).toEqual([-32602, expect.stringMatching(/^check_missing: /)]);

    const neither = await gate.call('precheck', quickAnswer({ scenario_id: null }));
    expect(faultOf(neither)).toEqual([-32602, 'scenario_id or spec is required']);
    const unknown = await gate.call('precheck', quickAnswer());
    expect(faultOf(unknown)).toEqual([-32004, 'scenario not defined']);
    await gate.call('scenario_define', {
      spec: reportSpec({ namespace_id: 2, default_tenant_id: null }),
    });
    const elsewhere = await gate.call('precheck', quickAnswer());
    expect(faultOf(elsewhere)).toEqual([-32004, 'scenario not in namespace']);
  });

  it('S-116 nothing is stored and no provider is asked', async () => {
    let asked = 0;
    const provider = createServer((_request, response) => {
      asked += 1;
      response.end();
    });
    await new Promise<void>((listening) => provider.listen(0, '127.0.0.1', listening));
    try {
      const { port } = provider.address() as AddressInfo;
      const gate = await opened((settings) => ({
        ...settings,
        providers: settings.providers.map((one) =>
          one.type === 'builtin' && one.config.kind === 'http'
            ? { ...one, config: { ...one.config, allowHttp: true, allowPrivate: true } }
            : one,
        ),
      }));
      await gate.call('schemas_register', registration());
      const query = {
        provider_id: 'http',
        check_id: 'status',
        params: { url: `http://127.0.0.1:${port}/` },
      };
      const spec = reportSpec({ conditions: [reportCondition({ query })] });
      expect((await gate.call('scenario_define', { spec })).error).toBeUndefined();
      const before = storedIn(gate);
      for (const payload of [{ report_ok: 0 }, { report_ok: 1 }]) {
        for (const changes of [{}, { spec }]) {
          const answer = await gate.call('precheck', quickAnswer({ payload, ...changes }));
          expect(answer.json).toMatchObject({ gate_evaluations: [{ gate_id: 'clean' }] });
        }
      }
      expect(storedIn(gate)).toEqual(before);
      expect(asked).toBe(0);
    } finally {
      provider.close();
    }
  });

  it('S-33 the audit has hashes of a precheck, and its content only when told to', async () => {
    const request = (failed: string) =>
      `{"data_shape":{"schema_id":"report","version":"v1"},"namespace_id":1,"payload":{"report_ok":${failed}},"scenario_id":"report-gate","tenant_id":1}`;
    const response = (outcome: string, status: string) =>
      `{"decision":{${outcome}},"gate_evaluations":[{"gate_id":"clean","status":"${status}","trace":[{"condition_id":"report_ok","status":"${status}"}]}]}`;
    const held =
      '"kind":"hold","summary":{"policy_tags":[],"retry_hint":"await_evidence","status":"hold","unmet_gates":["clean"]}';
    const line = (asked: string, answered: string): Members => ({
      event: 'precheck_audit',
      tenant_id: '1',
      namespace_id: '1',
      scenario_id: 'report-gate',
      stage_id: 'main',
      schema_id: 'report',
      schema_version: 'v1',
      request_hash: sha256(asked),
      response_hash: sha256(answered),
    });
    const discreet = await prepared();
    await discreet.call('precheck', quickAnswer({ payload: { report_ok: 41.5 } }));
    await discreet.call('precheck', quickAnswer({ payload: { report_ok: 'no number' } }));
    const lines = auditLines(discreet, 'precheck_audit');
    expect(lines).toEqual([
      expect.objectContaining({
        ...line(request('41.5'), response(held, 'False')),
        request: null,
        response: null,
        redaction: 'hash_only',
      }),
    ]);
    expect(JSON.stringify(lines)).not.toContain('41.5');

    const open = await prepared((settings) => ({
      ...settings,
      server: {
        ...settings.server,
        audit: { ...settings.server.audit, logPrecheckPayloads: true },
      },
    }));
    await open.call('precheck', quickAnswer());
    const asked = request('0');
    const answered = response('"kind":"complete","stage_id":"main"', 'True');
    expect(auditLines(open, 'precheck_audit')).toEqual([
      expect.objectContaining({
        ...line(asked, answered),
        request: JSON.parse(asked) as unknown,
        response: JSON.parse(answered) as unknown,
        redaction: 'payload',
      }),
    ]);
  });
});

/** Of the bytes of a canonical text, as written here by hand. */
function sha256(text: string): Members {
  return { algorithm: 'sha256', value: createHash('sha256').update(text).digest('hex') };
}

/** How much the run store's file holds. */
function storedIn(gate: ScenarioGate): unknown {
  const db = new Database(join(gate.directory, 'decision-gate.db'), { readonly: true });
  try {
    return ['entries', 'inputs', 'handles', 'runs', 'run_state_versions'].map((table) =>
      db.prepare(`SELECT '${table}' AS name, count(*) AS count FROM ${table}`).get(),
    );
  } finally {
    db.close();
  }
}
