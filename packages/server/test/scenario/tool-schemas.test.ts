import {
  closedScenarioSchema,
  type Schema,
  scenarioSchema,
  selfContained,
  TOOL_NAMES,
  type ToolName,
  tools,
} from '@countersign/contract';
import { type Json, scenario } from '@countersign/policy';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';

type Members = Readonly<Record<string, unknown>>;

const NOW = { kind: 'unix_millis', value: 1_710_000_000_000 };
const SCOPE = { tenant_id: 1, namespace_id: 1 };
const HASH = { algorithm: 'sha256', value: '0'.repeat(64) };

/** A scenario with every kind of thing in it. */
const SPEC = {
  scenario_id: 'all',
  namespace_id: 2,
  spec_version: 'v1',
  stages: [
    {
      stage_id: 'first',
      entry_packets: [
        {
          packet_id: 'p',
          schema_id: 's',
          content_type: 'application/json',
          visibility_labels: ['public'],
          policy_tags: [],
          expiry: { kind: 'logical', value: 3 },
          payload: { kind: 'bytes', bytes: [0, 255] },
        },
        {
          packet_id: 'q',
          schema_id: 's',
          content_type: 'text/plain',
          visibility_labels: [],
          policy_tags: [],
          expiry: null,
          payload: {
            kind: 'external',
            content_ref: { uri: 'file:a', content_hash: HASH, encryption: null },
          },
        },
      ],
      gates: [
        {
          gate_id: 'g',
          requirement: {
            And: [
              { Condition: 'c' },
              { Or: [{ Not: { Condition: 'c' } }] },
              { RequireGroup: { min: 1, reqs: [{ Condition: 'c' }] } },
            ],
          },
          trust: { min_lane: 'asserted' },
        },
      ],
      advance_to: {
        kind: 'branch',
        branches: [{ gate_id: 'g', outcome: 'unknown', next_stage_id: 'last' }],
        default: 'last',
      },
      timeout: { timeout_ms: 5, policy_tags: [] },
      on_timeout: 'alternate_branch',
    },
    {
      stage_id: 'middle',
      entry_packets: [],
      gates: [],
      advance_to: { kind: 'fixed', stage_id: 'last' },
      timeout: null,
      on_timeout: 'fail',
    },
    {
      stage_id: 'last',
      entry_packets: [],
      gates: [],
      advance_to: { kind: 'terminal' },
      on_timeout: 'fail',
    },
  ],
  conditions: [
    {
      condition_id: 'c',
      query: { provider_id: 'json', check_id: 'path', params: { file: 'a.json' } },
      comparator: 'equals',
      expected: { any: ['thing'] },
      policy_tags: [],
      trust: { min_lane: 'verified' },
    },
  ],
  policies: [{ policy_id: 'p', description: null }],
  schemas: [{ schema_id: 's', version: null, uri: null }],
  default_tenant_id: 1,
};

const RUN = {
  ...SCOPE,
  run_id: 'r',
  scenario_id: 'all',
  dispatch_targets: [
    { kind: 'agent', agent_id: 'a' },
    { kind: 'session', session_id: 's' },
    { kind: 'external', system: 's', target: 't' },
    { kind: 'channel', channel: 'c' },
  ],
  policy_tags: [],
};
const TRIGGER = {
  trigger_id: 't',
  ...SCOPE,
  run_id: 'r',
  kind: 'tick',
  time: NOW,
  source_id: 's',
  payload: { kind: 'json', value: null },
  correlation_id: null,
};
const QUERY = { provider_id: 'time', check_id: 'after', params: { timestamp: 1 } };
const CONTEXT = {
  ...SCOPE,
  run_id: 'r',
  scenario_id: 'all',
  stage_id: 'first',
  trigger_id: 't',
  trigger_time: NOW,
  correlation_id: null,
};
const RECORD = {
  ...SCOPE,
  schema_id: 's',
  version: 'v1',
  schema: { type: 'object' },
  description: null,
  created_at: NOW,
  signing: { key_id: 'k', signature: 's', algorithm: 'a' },
};

/** Arguments that each tool reads. */
const ARGUMENTS: Readonly<Record<ToolName, Members>> = {
  scenario_define: { spec: SPEC },
  scenario_start: {
    scenario_id: 'all',
    run_config: RUN,
    started_at: NOW,
    issue_entry_packets: true,
  },
  scenario_status: {
    scenario_id: 'all',
    request: { ...SCOPE, run_id: 'r', requested_at: NOW, correlation_id: null },
  },
  scenario_next: {
    scenario_id: 'all',
    request: {
      ...SCOPE,
      run_id: 'r',
      trigger_id: 't',
      agent_id: 'a',
      time: NOW,
      correlation_id: 'c',
    },
    feedback: 'trace',
  },
  scenario_submit: {
    scenario_id: 'all',
    request: {
      ...SCOPE,
      run_id: 'r',
      submission_id: 's',
      payload: { kind: 'json', value: 1 },
      content_type: 'application/json',
      submitted_at: NOW,
      correlation_id: null,
    },
  },
  scenario_trigger: { scenario_id: 'all', trigger: TRIGGER },
  evidence_query: { query: QUERY, context: CONTEXT },
  runpack_export: {
    scenario_id: 'all',
    ...SCOPE,
    run_id: 'r',
    generated_at: NOW,
    include_verification: false,
    output_dir: '/tmp/x',
    manifest_name: null,
  },
  runpack_verify: { runpack_dir: '/tmp/x', manifest_path: 'manifest.json' },
  providers_list: {},
  provider_contract_get: { provider_id: 'time' },
  provider_check_schema_get: { provider_id: 'time', check_id: 'now' },
  schemas_register: { record: RECORD },
  schemas_list: { ...SCOPE, cursor: null, limit: 5 },
  schemas_get: { ...SCOPE, schema_id: 's', version: 'v1' },
  scenarios_list: SCOPE,
  precheck: {
    ...SCOPE,
    data_shape: { schema_id: 's', version: 'v1' },
    payload: null,
    scenario_id: null,
    spec: SPEC,
    stage_id: 'first',
  },
  decision_gate_docs_search: { query: '', max_sections: null },
};

function compiled(schema: Schema, known: readonly Schema[] = []): (value: unknown) => boolean {
  const ajv = new Ajv2020({ strict: true, schemas: [...known] });
  const validate = ajv.compile(schema);
  return (value) => validate(value);
}

/** The value, then the value with one thing changed, for every place in it. */
function* altered(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    for (const [at, item] of (value as unknown[]).entries()) {
      for (const other of altered(item)) yield value.with(at, other);
    }
    yield null;
    yield {};
  } else if (typeof value === 'object' && value !== null) {
    const members = value as Members;
    for (const name of Object.keys(members)) {
      const { [name]: _, ...rest } = members;
      yield rest;
      for (const other of altered(members[name])) yield { ...members, [name]: other };
    }
    yield { ...members, unheard_of: 1 };
    yield null;
    yield [];
  } else {
    yield* [null, 'text', -1, 0, 7, 1.5, 256, true, [], {}];
  }
}

describe('input schemas', () => {
  it.each(TOOL_NAMES)(
    'of %s describe what it reads, with and without their surroundings',
    (tool) => {
      const { inputSchema } = tools[tool];
      const standalone = selfContained(inputSchema);
      expect(JSON.stringify(standalone)).not.toContain('decision-gate://');
      for (const takes of [compiled(inputSchema, [scenarioSchema]), compiled(standalone)]) {
        expect(takes(ARGUMENTS[tool])).toBe(true);
        expect(takes({ ...ARGUMENTS[tool], unheard_of: 1 })).toBe(true);
        const required = (inputSchema['required'] ?? []) as string[];
        for (const name of required) {
          const { [name]: _, ...rest } = ARGUMENTS[tool];
          expect(takes(rest), `without ${name}`).toBe(false);
        }
        expect(takes([])).toBe(false);
      }
    },
  );

  it.each([
    ['a scenario', SPEC, scenarioSchema, scenario.scenarioSpec],
    ['a run', RUN, within('scenario_start', 'run_config'), scenario.runConfig],
    ['a trigger', TRIGGER, within('scenario_trigger', 'trigger'), scenario.triggerEvent],
    ['a query', QUERY, within('evidence_query', 'query'), scenario.evidenceQuery],
    ['a context', CONTEXT, within('evidence_query', 'context'), scenario.evidenceContext],
    ['a data shape', RECORD, within('schemas_register', 'record'), scenario.dataShapeRecord],
  ] as const)(
    'of %s take what the decoder takes, and nothing else',
    (_what, sample, schema, decode) => {
      const takes = compiled(schema);
      expect(takes(sample)).toBe(true);
      let seen = 0;
      for (const other of altered(sample)) {
        seen += 1;
        const decoded = decode(other as Json).ok;
        if (takes(other) !== decoded) {
          expect.fail(`decoder ${decoded}, schema ${!decoded}: ${JSON.stringify(other)}`);
        }
      }
      expect(seen).toBeGreaterThan(20);
    },
  );

  it('of scenarios have a form that knows every member', () => {
    const takes = compiled(closedScenarioSchema);
    expect(takes(SPEC)).toBe(true);
    for (const other of [
      { ...SPEC, unheard_of: 1 },
      { ...SPEC, stages: [{ ...SPEC.stages[2], time_out: 5 }] },
      { ...SPEC, policies: [{ policy_id: 'p', text: '' }] },
    ]) {
      expect(takes(other)).toBe(false);
    }
    // What is compared with is the author's own.
    const [condition] = SPEC.conditions;
    const conditions = [{ ...condition, expected: { required: ['a'], properties: {} } }];
    expect(takes({ ...SPEC, conditions })).toBe(true);
  });
});

function within(tool: ToolName, member: string): Schema {
  const properties = tools[tool].inputSchema['properties'] as Readonly<Record<string, Schema>>;
  return properties[member] ?? {};
}
