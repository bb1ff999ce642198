import Type, { type Static } from 'typebox';
import { ATTESTATIONS_MAX, EVIDENCE_REFS_MAX } from '../limits.ts';

const closed = { additionalProperties: false } as const;

/** Text that the published form would not trim: it neither starts nor ends with white space. */
const UNTRIMMED = '^\\S(?:[\\s\\S]*\\S)?$';
const text = (maxLength: number, description?: string) =>
  Type.String({ minLength: 1, maxLength, ...(description === undefined ? {} : { description }) });
const trimmed = (maxLength: number) => Type.String({ minLength: 1, maxLength, pattern: UNTRIMMED });
const hex = Type.String({ pattern: '^[0-9a-f]{64}$' });
const instant = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(?:\\.\\d{1,9})?(?:Z|[+-]\\d{2}:\\d{2})$',
  maxLength: 40,
  description: 'RFC 3339 date-time',
});
const strings = Type.Record(Type.String(), Type.String());
const anyObject = Type.Record(Type.String(), Type.Unknown());

export const ResponseView = Type.Union([
  Type.Literal('minimal'),
  Type.Literal('standard'),
  Type.Literal('full'),
]);
export type ResponseView = Static<typeof ResponseView>;

/** Pointer to a source document or snapshot behind the context. */
export const EvidenceReference = Type.Object(
  {
    id: trimmed(300),
    type: trimmed(120),
    title: Type.Optional(trimmed(300)),
    policy_ref: Type.Optional(trimmed(300)),
    observed_at: Type.Optional(instant),
    snapshot_hash: Type.Optional(trimmed(200)),
    url: Type.Optional(trimmed(800)),
  },
  closed,
);

/** What a registered source says about the resource of the request. One that does not hold lifts nothing. */
const Attestation = Type.Object(
  {
    source_id: trimmed(120),
    key_id: trimmed(120),
    resource: text(300, 'must be the resource that the decision is bound to'),
    claims: Type.Record(Type.String(), Type.Unknown(), {
      minProperties: 1,
      maxProperties: 32,
      description: 'values by the dotted path of the context member that they confirm',
    }),
    observed_at: instant,
    expires_at: instant,
    signature: Type.String({
      pattern: '^ed25519:[A-Za-z0-9_-]{86}$',
      description: 'Ed25519 over the RFC 8785 text of this object without `signature`',
    }),
  },
  closed,
);

/** Context: facts of the caller; these members have a meaning to the door, any other is the policy's. */
export const DecideContext = Type.Object(
  {
    workflow: Type.Optional(text(160, 'selects the policy')),
    source_record_id: Type.Optional(text(300)),
    requested_action: Type.Optional(text(140)),
    customer_id: Type.Optional(text(300)),
    invoice_or_subscription_id: Type.Optional(text(300)),
    actor: Type.Optional(text(300)),
    target_system: Type.Optional(text(300)),
    target_object_id: Type.Optional(text(300)),
    mutation: Type.Optional(text(300)),
    resource_version: Type.Optional(text(300)),
    expires_at: Type.Optional(instant),
    evidence_refs: Type.Optional(Type.Array(EvidenceReference, { maxItems: EVIDENCE_REFS_MAX })),
    attestations: Type.Optional(Type.Array(Attestation, { maxItems: ATTESTATIONS_MAX })),
    guardrails: Type.Optional(anyObject),
    internal_trace_ids: Type.Optional(strings),
  },
  { description: 'facts about the proposed action; members beyond these are read by the policy' },
);

const question = text(2_000, 'one human sentence; hashed, never parsed for meaning');

/** One of several variants of the context, in mode `multi`. */
const Option = Type.Object(
  {
    option_id: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._:-]{0,79}$' }),
    label: Type.Optional(trimmed(300)),
    context_patch: anyObject,
  },
  closed,
);

export const DecideRequest = Type.Object(
  {
    question,
    mode: Type.Optional(Type.Union([Type.Literal('single'), Type.Literal('multi')])),
    context: DecideContext,
    policy_id: Type.Optional(text(120)),
    policy_version: Type.Optional(text(80)),
    response_view: Type.Optional(ResponseView),
    options: Type.Optional(
      Type.Array(Option, {
        minItems: 2,
        maxItems: 8,
        description: 'in mode `multi`, and only there',
      }),
    ),
  },
  closed,
);
export type DecideRequest = Static<typeof DecideRequest>;

const RulebookContext = Type.Object(
  { ...DecideContext.properties, inputs: Type.Optional(anyObject) },
  {
    description:
      'facts about the proposed action; those that the rulebook judges stand in `inputs`',
  },
);

/** A request that brings its rules along; they are checked by their own parser. */
export const RulebookDecideRequest = Type.Object(
  {
    question: Type.Optional(question),
    mode: Type.Optional(Type.Literal('rulebook')),
    context: Type.Optional(RulebookContext),
    response_view: Type.Optional(ResponseView),
    rulebook: Type.Unknown({ description: 'a rulebook_v1 document' }),
    adapter: Type.Optional(Type.Unknown({ description: 'reference to a registered adapter' })),
    binding_mode: Type.Optional(Type.String({ maxLength: 80 })),
  },
  closed,
);
export type RulebookDecideRequest = Static<typeof RulebookDecideRequest>;

/** Items of one batch. */
export const BATCH_ITEMS_MAX = 256;

/** Each item is judged by itself, so its request is looked at by itself as well. */
export const BatchRequest = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        {
          request: Type.Unknown({ description: 'a decide request' }),
          idempotency_key: Type.Optional(Type.String({ pattern: '^[\\x21-\\x7e]{1,300}$' })),
        },
        closed,
      ),
      { minItems: 1, maxItems: BATCH_ITEMS_MAX },
    ),
  },
  closed,
);
export type BatchRequest = Static<typeof BatchRequest>;

const Executor = Type.Object(
  {
    type: Type.Union([
      Type.Literal('service'),
      Type.Literal('worker'),
      Type.Literal('agent'),
      Type.Literal('human'),
    ]),
    id: trimmed(300),
  },
  closed,
);

const reference = Type.Object({ id: trimmed(300), type: trimmed(120), hash: trimmed(200) }, closed);
/** The server's own reference is added by the server. */
const references = Type.Optional(Type.Array(reference, { maxItems: EVIDENCE_REFS_MAX }));

/** What the published client sends along and the server fills in: compared where it matters, else ignored. */
const echoed = {
  decision_protocol_version: Type.Optional(Type.Literal('decision_protocol_v1')),
  decision_id: Type.Optional(Type.String({ maxLength: 640 })),
  decision_verdict: Type.Optional(Type.String({ maxLength: 20 })),
  decision_action: Type.Optional(Type.String({ maxLength: 140 })),
  policy_id: Type.Optional(Type.String({ maxLength: 120 })),
  policy_version: Type.Optional(Type.String({ maxLength: 80 })),
  policy_bundle_hash: Type.Optional(Type.String({ maxLength: 64 })),
  action_binding: Type.Optional(anyObject),
};

export const EXECUTION_STATUSES = ['executed', 'skipped', 'failed', 'blocked', 'reverted'] as const;

export const ExecutionRequest = Type.Object(
  {
    ...echoed,
    decision_execution_version: Type.Optional(Type.Literal('decision_execution_v1')),
    execution_status: Type.Enum(EXECUTION_STATUSES),
    execution_result: Type.Optional(
      Type.Object(
        { code: Type.Optional(trimmed(500)), message: Type.Optional(trimmed(500)) },
        closed,
      ),
    ),
    action_taken: trimmed(140),
    target_system: Type.Optional(trimmed(300)),
    target_object_id: Type.Optional(trimmed(300)),
    mutation: Type.Optional(trimmed(300)),
    parameters: Type.Optional(anyObject),
    parameters_hash: Type.Optional(hex),
    executor: Type.Optional(Executor),
    external_ref: Type.Optional(trimmed(300)),
    execution_id: Type.Optional(trimmed(300)),
    decision_record_hash: Type.Optional(Type.String({ maxLength: 200 })),
    decision_receipt_hash: Type.Optional(Type.String({ maxLength: 200 })),
    state_before_hash: Type.Optional(trimmed(200)),
    state_after_hash: Type.Optional(trimmed(200)),
    state_before_ref: Type.Optional(trimmed(300)),
    state_after_ref: Type.Optional(trimmed(300)),
    evidence_refs: references,
    executed_at: Type.Optional(instant),
    reverts_execution_receipt_id: Type.Optional(trimmed(120)),
    claim_id: Type.Optional(trimmed(120)),
  },
  closed,
);
export type ExecutionRequest = Static<typeof ExecutionRequest>;

export const OUTCOME_STATUSES = ['succeeded', 'failed', 'reverted', 'review', 'pending'] as const;

export const OutcomeRequest = Type.Object(
  {
    ...echoed,
    decision_outcome_version: Type.Optional(Type.Literal('decision_outcome_v1')),
    outcome_status: Type.Enum(OUTCOME_STATUSES),
    action_executed: Type.Optional(Type.Boolean()),
    action_taken: Type.Optional(trimmed(140)),
    target_system: Type.Optional(trimmed(300)),
    target_object_id: Type.Optional(trimmed(300)),
    mutation: Type.Optional(trimmed(300)),
    external_ref: Type.Optional(trimmed(300)),
    execution_receipt_id: Type.Optional(trimmed(120)),
    execution_hash: Type.Optional(hex),
    decision_record_hash: Type.Optional(Type.String({ maxLength: 200 })),
    decision_receipt_hash: Type.Optional(Type.String({ maxLength: 200 })),
    observed_metrics: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z][a-z0-9_]{0,63}$' }), Type.Number(), {
        additionalProperties: false,
        minProperties: 1,
        maxProperties: 32,
      }),
    ),
    evidence_refs: references,
    executed_at: Type.Optional(instant),
  },
  closed,
);
export type OutcomeRequest = Static<typeof OutcomeRequest>;

/** What a claim says that it will do; compared with the binding before anything happens. */
export const ClaimRequest = Type.Object(
  {
    action_taken: trimmed(140),
    target_system: trimmed(300),
    target_object_id: trimmed(300),
    mutation: trimmed(300),
    parameters: anyObject,
    executor: Executor,
    state_before_hash: Type.Optional(trimmed(200)),
  },
  closed,
);
export type ClaimRequest = Static<typeof ClaimRequest>;

export const CRM_SYNC_STATUSES = ['written', 'skipped', 'failed', 'pending'] as const;

export const CrmSyncRequest = Type.Object(
  {
    decision_protocol_version: Type.Optional(Type.Literal('decision_protocol_v1')),
    decision_crm_sync_version: Type.Optional(Type.Literal('decision_crm_sync_v1')),
    decision_id: Type.Optional(Type.String({ maxLength: 640 })),
    sync_status: Type.Enum(CRM_SYNC_STATUSES),
    sync_direction: Type.Optional(
      Type.Union([Type.Literal('writeback'), Type.Literal('readback')]),
    ),
    crm_provider: trimmed(120),
    crm_object_type: trimmed(120),
    crm_object_id: trimmed(300),
    crm_record_url: Type.Optional(trimmed(800)),
    decision_record_hash: Type.Optional(Type.String({ maxLength: 200 })),
    decision_receipt_hash: Type.Optional(Type.String({ maxLength: 200 })),
    decision_verdict: Type.Optional(Type.String({ maxLength: 20 })),
    decision_action: Type.Optional(Type.String({ maxLength: 140 })),
    policy_id: Type.Optional(Type.String({ maxLength: 120 })),
    policy_version: Type.Optional(Type.String({ maxLength: 80 })),
    policy_bundle_hash: Type.Optional(Type.String({ maxLength: 64 })),
    field_mapping: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[a-z][a-z0-9_.]{0,119}$' }),
        Type.String({ minLength: 1, maxLength: 160 }),
        { additionalProperties: false, minProperties: 1, maxProperties: 64 },
      ),
    ),
    written_values_hash: Type.Optional(hex),
    external_ref: Type.Optional(trimmed(300)),
  },
  closed,
);
export type CrmSyncRequest = Static<typeof CrmSyncRequest>;

export const ReviewRequest = Type.Object(
  {
    resolution: Type.Union([
      Type.Literal('approve'),
      Type.Literal('deny'),
      Type.Literal('acknowledge'),
      Type.Literal('revert_required'),
    ]),
    reviewer: Type.Object({ id: trimmed(300), group: trimmed(160) }, closed),
    reason: trimmed(2_000),
    satisfies: Type.Optional(Type.Array(trimmed(160), { maxItems: 32, uniqueItems: true })),
    evidence_refs: Type.Optional(Type.Array(EvidenceReference, { maxItems: EVIDENCE_REFS_MAX })),
    decision_record_hash: hex,
    reviewer_assertion: Type.Optional(
      Type.Object({ key_id: trimmed(120), signature: trimmed(240) }, closed),
    ),
    response_view: Type.Optional(ResponseView),
  },
  closed,
);
export type ReviewRequest = Static<typeof ReviewRequest>;

export const EmptyRequest = Type.Object({}, closed);

export const ReplayRequest = Type.Object(
  {
    replay_mode: Type.Optional(Type.Union([Type.Literal('historical'), Type.Literal('current')])),
  },
  closed,
);
export type ReplayRequest = Static<typeof ReplayRequest>;

export const CounterfactualRequest = Type.Object(
  {
    response_view: Type.Optional(ResponseView),
    scenarios: Type.Array(
      Type.Object(
        {
          scenario_id: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._:-]{0,79}$' }),
          label: trimmed(300),
          context_patch: anyObject,
        },
        closed,
      ),
      { minItems: 1, maxItems: 10 },
    ),
  },
  closed,
);
export type CounterfactualRequest = Static<typeof CounterfactualRequest>;

/** A policy document; its own parser says what is wrong with it, and where. */
export const PolicyDocument = Type.Unknown({ description: 'a decide_policy_v1 document' });

const version = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._:+-]{0,79}$' });
const person = trimmed(300);

export const ActivateRequest = Type.Object(
  {
    version,
    expected_active: Type.Union([version, Type.Null()]),
    approved_by: person,
    acknowledge_shift: Type.Optional(
      Type.Literal('more decisions will be yes', {
        description: 'demanded when the preview shows earlier decisions that would become `yes`',
      }),
    ),
    not_before: Type.Optional(instant),
    not_after: Type.Optional(instant),
  },
  closed,
);
export type ActivateRequest = Static<typeof ActivateRequest>;

export const SuspendRequest = Type.Object(
  {
    reason: trimmed(2_000),
    expected_active: Type.Optional(version),
    suspended_by: Type.Optional(person),
  },
  closed,
);
export type SuspendRequest = Static<typeof SuspendRequest>;

export const PreviewRequest = Type.Object(
  {
    version: Type.Optional(version),
    document: Type.Optional(Type.Unknown()),
    days: Type.Optional(Type.Integer({ minimum: 1, maximum: 365 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 5_000 })),
  },
  closed,
);
export type PreviewRequest = Static<typeof PreviewRequest>;

export const SIGN_OFF_ROLES = ['workflow_owner', 'engineering', 'operations', 'reviewer'] as const;

export const SignOffRequest = Type.Object(
  {
    role: Type.Enum(SIGN_OFF_ROLES),
    person,
    artefact_hash: hex,
    note: Type.Optional(trimmed(2_000)),
  },
  closed,
);
export type SignOffRequest = Static<typeof SignOffRequest>;

export const RulebookRequest = Type.Object(
  {
    rulebook: Type.Unknown({ description: 'a rulebook_v1 document' }),
    approved_by: person,
    trusted_adapter: Type.Optional(
      Type.Object({ adapter_id: trimmed(120), version: trimmed(80), manifest_hash: hex }, closed),
    ),
  },
  closed,
);
export type RulebookRequest = Static<typeof RulebookRequest>;

export const VerifyRequest = Type.Object(
  {
    record: Type.Optional(anyObject),
    packet: Type.Optional(anyObject),
    input: Type.Optional(Type.Unknown()),
    public_key: Type.Optional(Type.String({ maxLength: 12_000 })),
    checkpoint: Type.Optional(Type.String({ maxLength: 4_000 })),
    ok: Type.Optional(Type.Boolean()),
    packet_signature: Type.Optional(Type.String({ maxLength: 240 })),
    packet_signature_algorithm: Type.Optional(Type.String({ maxLength: 40 })),
    packet_key_id: Type.Optional(Type.String({ maxLength: 120 })),
  },
  closed,
);

/** Inclusion proof and checkpoint; what a reader needs beside the artefact is the ledger's public key alone. */
export const LedgerProof = Type.Object({
  entry: anyObject,
  tree_size: Type.Integer({ minimum: 1 }),
  proof: Type.Array(hex),
  checkpoint: Type.String({ description: 'C2SP signed note' }),
});

/** A Decision Record v1 in its full view; the other views hold fewer members. */
export const DecisionRecord = Type.Object(
  {
    decision_record_version: Type.Literal('decision_record_v1'),
    decision_id: Type.String(),
    request_id: Type.String(),
    verdict: Type.Optional(
      Type.Union([Type.Literal('yes'), Type.Literal('no'), Type.Literal('review')], {
        description: 'absent in mode `multi`, which advises and does not decide',
      }),
    ),
    action: Type.Optional(Type.String()),
    evidence: Type.Optional(Type.Array(Type.String())),
    options: Type.Optional(Type.Array(anyObject)),
    record_hash: hex,
    receipt_hash: hex,
    verify_url: Type.String(),
    replay_url: Type.String(),
    decision_contract: anyObject,
    ledger_proof: LedgerProof,
    record_view: ResponseView,
    valid_until: Type.Optional(Type.String()),
    policy_id: Type.Optional(Type.String()),
    policy_version: Type.Optional(Type.String()),
    policy_bundle_hash: Type.Optional(hex),
    action_binding: Type.Optional(anyObject),
    evidence_checks: Type.Optional(Type.Array(anyObject)),
    receipt_signature: Type.Optional(Type.String()),
    audit_chain: Type.Optional(anyObject),
    ledger: Type.Optional(anyObject),
  },
  { description: 'Decision Record v1' },
);

export const ErrorBody = Type.Object({
  ok: Type.Literal(false),
  error: Type.String(),
  message: Type.String(),
  request_id: Type.String(),
  retryable: Type.Boolean(),
  errors: Type.Optional(
    Type.Array(
      Type.Object({
        field: Type.String(),
        code: Type.String(),
        message: Type.String(),
        pointer: Type.String(),
      }),
    ),
  ),
  docs_url: Type.String(),
});

const okWith = (members: Record<string, ReturnType<typeof Type.Unknown>>) =>
  Type.Object({ ok: Type.Boolean(), ...members });

export const BatchAnswer = okWith({ results: Type.Unknown() });
export const ClaimAnswer = okWith({
  proceed: Type.Unknown(),
  claim_id: Type.Unknown(),
  claim_expires_at: Type.Unknown(),
});
export const CrmSyncAnswer = okWith({ crm_sync: Type.Unknown() });
export const ReviewAnswer = okWith({ review: Type.Unknown() });
export const ReviewList = okWith({ items: Type.Unknown(), count: Type.Unknown() });
export const SearchAnswer = okWith({ items: Type.Unknown(), count: Type.Unknown() });
export const ChainAnswer = okWith({ chain_id: Type.Unknown(), retained_links: Type.Unknown() });
export const CounterfactualAnswer = Type.Object({
  simulation_only: Type.Literal(true),
  decision_id: Type.String(),
  scenarios: Type.Array(anyObject),
  counterfactual_hash: hex,
});
export const BundleRegistry = okWith({ bundles: Type.Unknown() });
export const Report = okWith({
  policy_id: Type.Unknown(),
  status: Type.Unknown(),
  recommendation: Type.Unknown(),
});
export const Readiness = okWith({ expand: Type.Unknown(), items: Type.Unknown() });
export const SignOffAnswer = okWith({ sign_off: Type.Unknown() });
export const PolicyList = okWith({ policies: Type.Unknown() });
export const PolicyAnswer = okWith({ policy_id: Type.Unknown() });
export const PreviewAnswer = okWith({ shifts: Type.Unknown() });
export const RulebookAnswer = okWith({ rulebook: Type.Unknown() });
export const Lookup = okWith({ decision_record: Type.Unknown(), lifecycle_state: Type.Unknown() });
export const VerificationResult = okWith({
  verified: Type.Unknown(),
  public_verified: Type.Unknown(),
  checks: Type.Unknown(),
});
export const ReplayReport = okWith({ reproduced: Type.Unknown(), replay_hash: Type.Unknown() });
export const ExecutionAnswer = okWith({ execution: Type.Unknown() });
export const OutcomeAnswer = okWith({ outcome: Type.Unknown() });
export const ListAnswer = okWith({ items: Type.Unknown(), count: Type.Unknown() });
export const PacketEnvelope = okWith({
  packet: Type.Unknown(),
  packet_signature: Type.Unknown(),
  packet_key_id: Type.Unknown(),
});
export const KeyRegistry = okWith({ keys: Type.Unknown(), ledger_keys: Type.Unknown() });
export const Status = Type.Object({ status: Type.String(), accepting_decisions: Type.Boolean() });
export const PatternRegistry = okWith({ patterns: Type.Unknown(), count: Type.Unknown() });
export const CheckpointAnswer = okWith({ checkpoint: Type.Unknown() });
export const ProofAnswer = okWith({ proof: Type.Unknown() });

const integer = (minimum: number, maximum: number) => Type.Integer({ minimum, maximum });
const number = (minimum: number, maximum: number) => Type.Number({ minimum, maximum });

export const ListQuery = Type.Object(
  { limit: Type.Optional(integer(1, 200)), cursor: Type.Optional(text(40)) },
  closed,
);
export const LookupQuery = Type.Object({ include_input: Type.Optional(Type.Boolean()) }, closed);
export const PacketQuery = Type.Object(
  {
    include_input: Type.Optional(Type.Boolean()),
    include_chain: Type.Optional(Type.Boolean()),
    include_policy: Type.Optional(Type.Boolean()),
    include_intelligence: Type.Optional(Type.Boolean()),
    policy_limit: Type.Optional(integer(1, 5_000)),
    min_sample: Type.Optional(integer(1, 1_000)),
    threshold: Type.Optional(number(0, 1)),
    max_anomalies: Type.Optional(integer(1, 100)),
    execution_limit: Type.Optional(integer(1, 500)),
    outcome_limit: Type.Optional(integer(1, 500)),
    chain_limit: Type.Optional(integer(1, 1000)),
    as_of: Type.Optional(integer(1, Number.MAX_SAFE_INTEGER)),
  },
  closed,
);
const policyVersion = Type.Optional(text(80));
const population = { policy_version: policyVersion, limit: Type.Optional(integer(1, 5_000)) };

export const EffectivenessQuery = Type.Object(
  { ...population, min_sample: Type.Optional(integer(1, 1_000)) },
  closed,
);
export const ConfidenceQuery = Type.Object(
  {
    ...population,
    min_sample: Type.Optional(integer(1, 1_000)),
    verdict: Type.Optional(Type.Enum(['yes', 'no', 'review'] as const)),
    action: Type.Optional(text(140)),
  },
  closed,
);
export const AnomalyQuery = Type.Object(
  {
    ...population,
    min_sample: Type.Optional(integer(1, 1_000)),
    threshold: Type.Optional(number(0, 1)),
    max_items: Type.Optional(integer(1, 100)),
  },
  closed,
);
export const BenchmarkQuery = Type.Object(
  {
    ...population,
    min_cohort_scopes: Type.Optional(integer(1, 1_000)),
    min_cohort_decisions: Type.Optional(integer(1, 1_000_000)),
  },
  closed,
);
export const BundleQuery = Type.Object(
  { hash: Type.Optional(hex), bundle_id: Type.Optional(text(127)) },
  closed,
);
export const RulebookQuery = Type.Object(
  {
    hash: Type.Optional(hex),
    rulebook_id: Type.Optional(text(80)),
    version: Type.Optional(text(80)),
  },
  closed,
);
export type RulebookQuery = Static<typeof RulebookQuery>;
export const ReviewQuery = Type.Object(
  {
    status: Type.Optional(Type.Enum(['open', 'resolved', 'expired'] as const)),
    group: Type.Optional(text(160)),
    limit: Type.Optional(integer(1, 200)),
    cursor: Type.Optional(text(40)),
  },
  closed,
);
export const SearchQuery = Type.Object(
  {
    request_id: Type.Optional(text(300)),
    decision_id: Type.Optional(text(640)),
    record_hash: Type.Optional(text(200)),
    receipt_hash: Type.Optional(text(200)),
    source_record_id: Type.Optional(text(300)),
    external_ref: Type.Optional(text(300)),
    from: Type.Optional(instant),
    to: Type.Optional(instant),
    limit: Type.Optional(integer(1, 200)),
    format: Type.Optional(Type.Enum(['json', 'csv'] as const)),
  },
  closed,
);
export const ChainQuery = Type.Object({ limit: Type.Optional(integer(1, 1_000)) }, closed);
export const StatusQuery = Type.Object({ export: Type.Optional(Type.Boolean()) }, closed);
export const PatternQuery = Type.Object(
  { pattern_id: Type.Optional(text(120)), tag: Type.Optional(text(80)) },
  closed,
);
export const CheckpointQuery = Type.Object(
  { size: Type.Optional(integer(1, Number.MAX_SAFE_INTEGER)) },
  closed,
);
export const InclusionQuery = Type.Object(
  {
    seq: integer(0, Number.MAX_SAFE_INTEGER),
    size: Type.Optional(integer(1, Number.MAX_SAFE_INTEGER)),
    format: Type.Optional(Type.Union([Type.Literal('json'), Type.Literal('tlog-proof')])),
  },
  closed,
);
export const ConsistencyQuery = Type.Object(
  {
    first: integer(1, Number.MAX_SAFE_INTEGER),
    second: integer(1, Number.MAX_SAFE_INTEGER),
  },
  closed,
);
