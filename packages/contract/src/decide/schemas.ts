import Type, { type Static } from 'typebox';
import { EVIDENCE_REFS_MAX } from '../limits.ts';

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
    guardrails: Type.Optional(anyObject),
    internal_trace_ids: Type.Optional(strings),
  },
  { description: 'facts about the proposed action; members beyond these are read by the policy' },
);

export const DecideRequest = Type.Object(
  {
    question: text(2_000, 'one human sentence; hashed, never parsed for meaning'),
    mode: Type.Optional(Type.Literal('single')),
    context: DecideContext,
    policy_id: Type.Optional(text(120)),
    policy_version: Type.Optional(text(80)),
    response_view: Type.Optional(ResponseView),
  },
  closed,
);
export type DecideRequest = Static<typeof DecideRequest>;

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

export const ReplayRequest = Type.Object(
  {
    replay_mode: Type.Optional(Type.Literal('historical')),
  },
  closed,
);

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
    verdict: Type.Union([Type.Literal('yes'), Type.Literal('no'), Type.Literal('review')]),
    action: Type.String(),
    evidence: Type.Array(Type.String()),
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
    execution_limit: Type.Optional(integer(1, 500)),
    outcome_limit: Type.Optional(integer(1, 500)),
    chain_limit: Type.Optional(integer(1, 1000)),
    as_of: Type.Optional(integer(1, Number.MAX_SAFE_INTEGER)),
  },
  closed,
);
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
