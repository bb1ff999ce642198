import {
  anything,
  described,
  evidenceQuery,
  flag,
  id,
  kinds,
  members,
  orNull,
  packetPayload,
  SCENARIO_SCHEMA_ID,
  type Schema,
  text,
  texts,
  timestamp,
} from './spec-schema.ts';

const tenant: Schema = described(id, 'whose: a label, not a credential');
const namespace: Schema = described(id, 'namespace 1 is for the tenants that the server lists');
const scope = { tenant_id: tenant, namespace_id: namespace };
const run: Schema = described(text, 'name of the run, unique within tenant and namespace');
const scenarioId: Schema = described(text, 'a scenario that is defined');
const correlation = { correlation_id: orNull(text) };
const spec: Schema = { $ref: SCENARIO_SCHEMA_ID };

const page = {
  cursor: described(orNull(text), '`next_token` of the page before'),
  limit: described(orNull({ type: 'integer', minimum: 1, maximum: 1000 }), 'default 50'),
};

const dispatchTarget: Schema = kinds({
  agent: members({ agent_id: text }),
  session: members({ session_id: text }),
  external: members({ system: text, target: text }),
  channel: members({ channel: text }),
});

const runConfig: Schema = members({
  ...scope,
  run_id: run,
  scenario_id: scenarioId,
  dispatch_targets: described(
    { type: 'array', items: dispatchTarget },
    'who receives the packets of the stages',
  ),
  policy_tags: texts,
});

const trigger: Schema = members(
  {
    trigger_id: described(text, 'one decision per id: asking again gives the recorded one'),
    ...scope,
    run_id: run,
    kind: described(
      { enum: ['agent_request_next', 'tick', 'external_event', 'backend_event'] },
      'only `tick` lets time run out',
    ),
    time: timestamp,
    source_id: described(text, 'who or what caused it'),
  },
  { payload: described(orNull(packetPayload), 'kept, never evaluated'), ...correlation },
);

const evidenceContext: Schema = members(
  {
    ...scope,
    run_id: text,
    scenario_id: text,
    stage_id: text,
    trigger_id: text,
    trigger_time: timestamp,
  },
  correlation,
);

const dataShape: Schema = members(
  {
    ...scope,
    schema_id: text,
    version: text,
    schema: described(anything, 'a JSON Schema (draft 2020-12) that refers to nothing outside'),
    created_at: timestamp,
  },
  {
    description: orNull(text),
    signing: orNull(members({ key_id: text, signature: text }, { algorithm: orNull(text) })),
  },
);

/** What each tool reads, as wide as its decoder. */
export const inputSchemas = {
  scenario_define: members({ spec }),
  scenario_start: members({
    scenario_id: scenarioId,
    run_config: runConfig,
    started_at: timestamp,
    issue_entry_packets: described(flag, 'whether the first stage discloses its packets at once'),
  }),
  scenario_status: members({
    scenario_id: scenarioId,
    request: members({ ...scope, run_id: run, requested_at: timestamp }, correlation),
  }),
  scenario_next: members(
    {
      scenario_id: scenarioId,
      request: members(
        {
          ...scope,
          run_id: run,
          trigger_id: described(text, 'one decision per id: asking again gives the recorded one'),
          agent_id: described(text, 'who asks to go on'),
          time: timestamp,
        },
        correlation,
      ),
    },
    {
      feedback: described(
        orNull({ enum: ['summary', 'trace', 'evidence'] }),
        'how much is told beside the decision, as far as the server allows',
      ),
    },
  ),
  scenario_submit: members({
    scenario_id: scenarioId,
    request: members(
      {
        ...scope,
        run_id: run,
        submission_id: described(text, 'the same id with the same content is kept once'),
        payload: packetPayload,
        content_type: text,
        submitted_at: timestamp,
      },
      correlation,
    ),
  }),
  scenario_trigger: members({ scenario_id: scenarioId, trigger }),
  evidence_query: members({ query: evidenceQuery, context: evidenceContext }),
  runpack_export: members(
    {
      scenario_id: scenarioId,
      ...scope,
      run_id: run,
      generated_at: timestamp,
      include_verification: described(flag, 'whether a report of its verification is part of it'),
    },
    {
      output_dir: described(orNull(text), 'directory on the server; not needed with a store'),
      manifest_name: described(orNull(text), 'default `manifest.json`'),
    },
  ),
  runpack_verify: members(
    {
      runpack_dir: described(text, 'directory on the server'),
      manifest_path: described(text, 'relative to that directory'),
    },
    {
      strict: described(
        orNull(flag),
        'whether all is checked that a pack says of itself, and that it is of this server',
      ),
      replay: described(orNull(flag), 'whether gates and decisions are evaluated anew'),
    },
  ),
  providers_list: members({}),
  provider_contract_get: members({ provider_id: text }),
  provider_check_schema_get: members({ provider_id: text, check_id: text }),
  schemas_register: members({ record: dataShape }),
  schemas_list: members(scope, page),
  schemas_get: members({ ...scope, schema_id: text, version: text }),
  scenarios_list: members(scope, page),
  precheck: members(
    {
      ...scope,
      data_shape: described(
        members({ schema_id: text, version: text }),
        'the registered schema that the payload follows',
      ),
      payload: described(anything, 'evidence as the caller asserts it, by condition id'),
    },
    {
      scenario_id: described(orNull(text), 'a scenario that is defined'),
      spec: described(orNull(spec), 'or one that is sent along'),
      stage_id: described(orNull(text), 'default: the first stage'),
    },
  ),
  decision_gate_docs_search: members(
    { query: described(text, 'words; empty: an overview') },
    {
      max_sections: described(
        orNull({ type: 'integer', minimum: 0 }),
        'default 3, at most what the server allows',
      ),
    },
  ),
} as const satisfies Readonly<Record<string, Schema>>;
