import type { Members } from '../harness.ts';

/** A rulebook over plain facts: a blocked sender comes before everything else. */
export const PARCELS: Members = {
  schema_version: 'rulebook_v1',
  rulebook_id: 'parcel_release',
  version: '3',
  input_schema: {
    required: ['weight_grams'],
    properties: { weight_grams: { type: 'number' }, 'sender.blocked': { type: 'boolean' } },
  },
  rules: [
    {
      rule_id: 'small_parcel',
      priority: 10,
      condition: { field: 'weight_grams', operator: 'lte', value: 2000 },
      outcome: {
        decision: 'yes',
        verdict: 'RELEASE',
        action: 'release_parcel',
        reason_code: 'SMALL_PARCEL',
      },
    },
    {
      rule_id: 'blocked_sender',
      priority: 100,
      condition: { field: 'sender.blocked', operator: 'eq', value: true },
      outcome: {
        decision: 'no',
        verdict: 'HOLD',
        action: 'hold_parcel',
        reason_code: 'SENDER_BLOCKED',
      },
    },
  ],
  default_outcome: {
    decision: 'review',
    verdict: 'LOOK',
    action: 'ask_dispatcher',
    reason_code: 'NO_RULE_MATCHED',
  },
};

/** The facts under which a parcel may go. */
export const SMALL: Members = { weight_grams: 500, sender: { blocked: false } };

export const SOLANA: Members = {
  adapter_id: 'solana_execution_gate',
  version: '1.0.0',
  manifest_hash: 'fd95907fb68ecc45be3ad9608410e2e3ea29a52b0e33b756086c21c6f520e967',
  input: {
    sol_amount: 18,
    risk_level: 'low',
    evidence_level: 'strong',
    quorum_signed: true,
    budget_within_policy: true,
    recipient_verified: true,
  },
};

const READINESS: Members = {
  adapter_id: 'krafthaus_workflow_readiness',
  version: '1.0.0',
  manifest_hash: 'fbdced2047dc68944b5d620586ebd8ae1b1166b1448cbaa68490fadb00f69d9b',
  input: {
    owner_present: true,
    automation_boundary_defined: true,
    rollback_path_defined: true,
    repeat_frequency: 'daily',
    evidence_sources: 3.4,
    integration_touchpoints: 1,
    exception_paths: 0,
    action_risk: 'low',
    value_at_stake: 'high',
  },
};

const threshold = (
  id: string,
  field: string,
  value: number | boolean,
  words: Members,
): Members => ({
  schema_version: 'rulebook_v1',
  rulebook_id: id,
  version: '2026.1',
  rules: [
    {
      rule_id: 'strong_enough',
      priority: 1,
      condition: { all: [{ field, operator: typeof value === 'number' ? 'gte' : 'eq', value }] },
      outcome: { decision: 'yes', ...words },
    },
  ],
  default_outcome: {
    decision: 'no',
    verdict: 'STOP',
    action: 'stop',
    reason_code: 'NOT_STRONG_ENOUGH',
  },
});

export const TREASURY: Members = threshold('treasury_transfer', 'decision_score', 57, {
  verdict: 'EXECUTE',
  action: 'execute_transfer',
  reason_code: 'SCORE_REACHED',
});
const WORKFLOW: Members = threshold('workflow_automation', 'ready_to_bind', true, {
  verdict: 'BIND',
  action: 'bind_workflow',
  reason_code: 'WORKFLOW_READY',
});

/** A request as the published runner sends it, and what its answer holds. */
export interface Fixture {
  readonly name: string;
  readonly request: Members;
  readonly expect: { readonly status: number; readonly body: Members };
}

const CONTRACT = {
  schema_version: 'rulebook_v1',
  schema_url: 'https://api.decide.fyi/schemas/rulebook-v1.schema.json',
  schema_hash: 'bbf6d40dc8318e4943c6a3955d1ee10c64b63e8a6fdfd53ce33a498d826dfa5c',
  evaluator_version: 'decide_rulebook_v1',
};

const answered = (body: Members): Fixture['expect'] => ({
  status: 200,
  body: { engine: 'decide_rulebook_v1', rulebook_contract: CONTRACT, ...body },
});
const refused = (error: string, body: Members): Fixture['expect'] => ({
  status: 422,
  body: { ok: false, error, retryable: false, ...body },
});

const unknown = (field: string): Members => ({ field, code: 'unknown_field' });
const [small, blocked] = PARCELS['rules'] as readonly [Members, Members];

/** Three that are answered and four that are refused. */
export const FIXTURES: readonly Fixture[] = [
  {
    name: 'facts of the request',
    request: { mode: 'rulebook', rulebook: PARCELS, context: { inputs: SMALL } },
    expect: answered({
      verdict: 'yes',
      application_verdict: 'RELEASE',
      action: 'release_parcel',
      reason_code: 'SMALL_PARCEL',
      matched_rule_id: 'small_parcel',
      rulebook: { schema_version: 'rulebook_v1', id: 'parcel_release', version: '3' },
    }),
  },
  {
    name: 'facts of the execution adapter',
    request: { rulebook: TREASURY, adapter: SOLANA },
    expect: answered({
      verdict: 'yes',
      application_verdict: 'EXECUTE',
      matched_rule_id: 'strong_enough',
      adapter_facts: { decision_score: 99, decision_edge_points: 42, confidence_pct: 94 },
    }),
  },
  {
    name: 'facts of the readiness adapter',
    request: { mode: 'rulebook', rulebook: WORKFLOW, adapter: READINESS, context: {} },
    expect: answered({
      verdict: 'yes',
      application_verdict: 'BIND',
      matched_rule_id: 'strong_enough',
      adapter_facts: { evidence_sources: 3, ready_to_bind: true, workflow_band: 'bind_ready' },
    }),
  },
  {
    name: 'code in a rulebook',
    request: {
      mode: 'rulebook',
      context: { inputs: SMALL },
      rulebook: {
        code: 'return true',
        handler: 'release',
        ...PARCELS,
        rules: [
          { ...small, condition: { ...(small['condition'] as Members), function: 'x => true' } },
          blocked,
        ],
        default_outcome: { ...(PARCELS['default_outcome'] as Members), javascript: 'yes()' },
      },
    },
    expect: refused('RULEBOOK_INVALID', {
      errors: [
        unknown('rulebook.code'),
        unknown('rulebook.handler'),
        unknown('rulebook.rules[0].condition.function'),
        unknown('rulebook.default_outcome.javascript'),
      ],
    }),
  },
  {
    name: 'output material at the top',
    request: {
      mode: 'rulebook',
      rulebook: PARCELS,
      context: { inputs: { ...SMALL, verdict: 'yes' } },
      action: 'release_parcel',
      application_verdict: 'RELEASE',
      decision_contract: { authority: 'binding' },
      rulebook_attestation: { status: 'signed' },
      adapter_facts: {},
      runtime_binding: {},
    },
    expect: refused('RULEBOOK_OUTPUT_MATERIAL_FORBIDDEN', {
      forbidden_fields: [
        'runtime_binding',
        'adapter_facts',
        'rulebook_attestation',
        'decision_contract',
        'application_verdict',
        'action',
      ],
    }),
  },
  {
    name: 'output material among the facts',
    request: {
      mode: 'rulebook',
      rulebook: PARCELS,
      context: {
        inputs: {
          ...SMALL,
          verdict: 'yes',
          runtime_binding: { decision_id: 'dec_1', engine: 'mine' },
          deep: [{ record_hash: 'a' }],
        },
      },
    },
    expect: refused('RULEBOOK_OUTPUT_MATERIAL_FORBIDDEN', {
      forbidden_fields: [
        'context.inputs.deep[0].record_hash',
        'context.inputs.runtime_binding',
        'context.inputs.runtime_binding.decision_id',
        'context.inputs.runtime_binding.engine',
        'context.inputs.verdict',
      ],
    }),
  },
  {
    name: 'an executable rulebook',
    request: {
      mode: 'rulebook',
      binding_mode: 'customer_executable_rulebook',
      rulebook: { ...PARCELS, code: 'return true' },
      context: { inputs: { verdict: 'yes' } },
    },
    expect: refused('RULEBOOK_BINDING_MODE_UNSUPPORTED', {
      binding_mode: 'customer_executable_rulebook',
      supported_binding_modes: [
        'direct_declarative_rulebook',
        'trusted_adapter_facts_then_declarative_rulebook',
      ],
    }),
  },
];
