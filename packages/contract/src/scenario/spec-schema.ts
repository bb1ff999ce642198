/** A JSON Schema (draft 2020-12). */
export type Schema = Readonly<Record<string, unknown>>;

/** The name under which the schema of scenarios is referred to. */
export const SCENARIO_SCHEMA_ID = 'decision-gate://contract/schemas/scenario.schema.json';

export const text: Schema = { type: 'string' };
export const texts: Schema = { type: 'array', items: text };
export const flag: Schema = { type: 'boolean' };
export const anything: Schema = {};

/** An id of 64 bits; the decoder refuses what is written with a fraction or an exponent. */
export const id: Schema = { type: 'integer', minimum: 1 };

export function described(schema: Schema, description: string): Schema {
  return { ...schema, description };
}

/** An object with these members. Others are ignored by the decoder, so the schema lets them pass. */
export function members(required: Readonly<Record<string, Schema>>, optional = {}): Schema {
  return {
    type: 'object',
    required: Object.keys(required),
    properties: { ...required, ...optional },
  };
}

/** A member that may be `null`, which means the same as leaving it out. */
export function orNull(schema: Schema): Schema {
  return { anyOf: [schema, { type: 'null' }] };
}

/** One of several objects that their member `kind` tells apart. */
export function kinds(variants: Readonly<Record<string, Schema>>): Schema {
  return {
    oneOf: Object.entries(variants).map(([kind, schema]) => {
      const { required, properties } = schema as { required: string[]; properties: object };
      return {
        type: 'object',
        required: ['kind', ...required],
        properties: { kind: { const: kind }, ...properties },
      };
    }),
  };
}

export const timestamp: Schema = {
  ...kinds({
    unix_millis: members({ value: { type: 'integer' } }),
    logical: members({ value: { type: 'integer', minimum: 0 } }),
  }),
  description: 'An instant that the caller states; the server reads no clock of its own.',
};

export const hashDigest: Schema = members({
  algorithm: { const: 'sha256' },
  value: described(text, 'lower-case hex'),
});

const bytes: Schema = { type: 'array', items: { type: 'integer', minimum: 0, maximum: 255 } };

export const packetPayload: Schema = kinds({
  json: members({ value: anything }),
  bytes: members({ bytes }),
  external: members({
    content_ref: members({ uri: text, content_hash: hashDigest }, { encryption: orNull(text) }),
  }),
});

export const evidenceQuery: Schema = members(
  {
    provider_id: described(text, 'who is asked'),
    check_id: described(text, 'for what; `providers_list` names the checks'),
  },
  { params: described(anything, "as the check's parameter schema asks") },
);

const trust: Schema = orNull(members({ min_lane: { enum: ['verified', 'asserted'] } }));

/** A node of the tree: exactly one member, whose name says what it is. */
function node(name: string, schema: Schema): Schema {
  return {
    type: 'object',
    required: [name],
    properties: { [name]: schema },
    additionalProperties: false,
  };
}

const REQUIREMENT = 'requirement';
const requirement: Schema = { $ref: `#/$defs/${REQUIREMENT}` };
const requirements: Schema = { type: 'array', items: requirement };

const requirementNode: Schema = {
  oneOf: [
    node('And', requirements),
    node('Or', requirements),
    node('Not', requirement),
    node(
      'RequireGroup',
      members({ min: { type: 'integer', minimum: 0, maximum: 255 }, reqs: requirements }),
    ),
    node('Condition', described(text, 'id of a condition')),
  ],
};

const COMPARATORS = [
  'equals',
  'not_equals',
  'greater_than',
  'greater_than_or_equal',
  'less_than',
  'less_than_or_equal',
  'lex_greater_than',
  'lex_greater_than_or_equal',
  'lex_less_than',
  'lex_less_than_or_equal',
  'contains',
  'in_set',
  'deep_equals',
  'deep_not_equals',
  'exists',
  'not_exists',
];

const condition: Schema = members(
  {
    condition_id: text,
    query: evidenceQuery,
    comparator: { enum: COMPARATORS },
    policy_tags: texts,
  },
  {
    expected: described(anything, 'what the evidence is compared with; `null`: nothing'),
    trust: described(trust, 'the least lane of evidence that counts'),
  },
);

const packet: Schema = members(
  {
    packet_id: text,
    schema_id: text,
    content_type: text,
    visibility_labels: texts,
    policy_tags: texts,
    payload: packetPayload,
  },
  { expiry: orNull(timestamp) },
);

const advance: Schema = kinds({
  linear: members({}),
  fixed: members({ stage_id: text }),
  branch: members(
    {
      branches: {
        type: 'array',
        items: members({
          gate_id: text,
          outcome: { enum: ['true', 'false', 'unknown'] },
          next_stage_id: text,
        }),
      },
    },
    { default: orNull(text) },
  ),
  terminal: members({}),
});

const stage: Schema = members(
  {
    stage_id: text,
    entry_packets: { type: 'array', items: packet },
    gates: { type: 'array', items: members({ gate_id: text, requirement }, { trust }) },
    advance_to: advance,
    on_timeout: { enum: ['fail', 'advance_with_flag', 'alternate_branch'] },
  },
  {
    timeout: orNull(members({ timeout_ms: { type: 'integer', minimum: 0 }, policy_tags: texts })),
  },
);

/** What a scenario looks like, as wide as the server reads it: members that nobody knows are ignored. */
export const scenarioSchema: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: SCENARIO_SCHEMA_ID,
  title: 'Scenario',
  description: 'An immutable definition: stages with gates over conditions, and where each leads.',
  ...members(
    {
      scenario_id: text,
      namespace_id: id,
      spec_version: text,
      stages: { type: 'array', items: stage },
      conditions: { type: 'array', items: condition },
      policies: {
        type: 'array',
        items: members({ policy_id: text }, { description: orNull(text) }),
      },
      schemas: {
        type: 'array',
        items: members({ schema_id: text }, { version: orNull(text), uri: orNull(text) }),
      },
    },
    { default_tenant_id: orNull(id) },
  ),
  $defs: { [REQUIREMENT]: requirementNode },
};

/** The same for authors, whose misspelt member should not pass for an optional one left out. */
export const closedScenarioSchema: Schema = closed(scenarioSchema);

function closed(schema: Schema): Schema {
  const inner = Object.entries(schema).map(([name, value]) => [name, closedWithin(value)] as const);
  const form = Object.fromEntries(inner);
  return 'required' in schema && 'properties' in schema
    ? { ...form, additionalProperties: false }
    : form;
}

function closedWithin(value: unknown): unknown {
  if (Array.isArray(value)) return (value as unknown[]).map(closedWithin);
  return typeof value === 'object' && value !== null ? closed(value as Schema) : value;
}

const SCENARIO = 'scenario';

/** A schema that refers to nothing outside itself: what it says of scenarios stands in its own `$defs`. */
export function selfContained(schema: Schema): Schema {
  let referred = false;
  const inline = (value: unknown): unknown => {
    if (Array.isArray(value)) return (value as unknown[]).map(inline);
    if (typeof value !== 'object' || value === null) return value;
    const form = Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, inline(inner)]),
    );
    if (form['$ref'] !== SCENARIO_SCHEMA_ID) return form;
    referred = true;
    return { ...form, $ref: `#/$defs/${SCENARIO}` };
  };
  const form = inline(schema) as Schema;
  if (!referred) return form;
  const { $schema: _, $id: __, $defs, ...scenario } = scenarioSchema;
  return { ...form, $defs: { ...($defs as Schema), [SCENARIO]: scenario } };
}
