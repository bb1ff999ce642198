import Type, { type Static } from 'typebox';
import {
  API_VERSION,
  closed,
  decisionId,
  hex64,
  instant,
  jsonPointer,
  proofPacketId,
  text,
  traceId,
  transactionId,
} from './forms.ts';
import {
  ConditionRecord,
  CoverageRecord,
  LIGHT_STATES,
  MODES,
  PolicyRef,
  PROVIDER_OUTCOMES,
  RuleRecord,
  SignalRecord,
  TEST_SCENARIOS,
} from './records.ts';
import { ACTION_TYPES } from './request.ts';

const count = Type.Integer({ minimum: 0 });
const name = text(128, { minLength: 1 });
const orNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

const Ledger = Type.Object(
  {
    entry_index: count,
    leaf_hash: hex64,
    prev: hex64,
    signature: text(512, { minLength: 1 }),
    key_id: name,
    tree_size: Type.Integer({ minimum: 1 }),
    root: hex64,
    inclusion_proof: Type.Array(hex64, { maxItems: 64 }),
    tree_head_signature: text(1_024, { minLength: 1 }),
    origin: text(256, { minLength: 1 }),
    entry_body: Type.Object({}, { description: 'what was signed' }),
    entry: Type.Object({}, { description: 'what the leaf hash is of' }),
    checkpoint: text(4_096, { minLength: 1, description: 'C2SP tlog-checkpoint' }),
  },
  closed,
);

const minimal = {
  object: Type.Literal('proof_packet'),
  id: proofPacketId,
  version: Type.Literal('1'),
  decision_id: decisionId,
  communication_transaction_id: orNull(transactionId),
  trace_id: traceId,
  client_trace: orNull(text(128)),
  mode: Type.Enum(MODES),
  api_version: Type.Literal(API_VERSION),
  created_at: instant,
  evaluated_at: instant,
  summary: text(800, { minLength: 1 }),
  state: Type.Enum(LIGHT_STATES),
  allowed: Type.Boolean(),
  action_type: Type.Enum(ACTION_TYPES),
  decision_digest: hex64,
  policy: Type.Object(
    { ...PolicyRef.properties, overlay_hash: orNull(hex64), catalogue_hash: hex64 },
    closed,
  ),
  analyser: Type.Object(
    {
      version: name,
      ruleset_hash: hex64,
      unicode_version: name,
      suffix_list_hash: hex64,
    },
    closed,
  ),
  content_binding: hex64,
  test_scenario: Type.Optional(Type.Enum(TEST_SCENARIOS)),
  decision_salt: Type.Optional(hex64),
  ledger: Ledger,
  retention: Type.Object(
    {
      class: Type.Enum(MODES),
      expires_at: orNull(instant),
      legal_hold: Type.Boolean(),
    },
    closed,
  ),
  redaction: Type.Object(
    {
      profile: Type.Enum(['minimal', 'masked']),
      raw_content_stored: Type.Boolean(),
      raw_provider_output_stored: Type.Boolean(),
    },
    closed,
  ),
  verification: Type.Object(
    {
      key_document: Type.Literal('/.well-known/genius-keys.json'),
      algorithms: Type.Object(
        {
          canonical_form: Type.Literal('RFC 8785'),
          digest: Type.Literal('SHA-256'),
          commitment: Type.Literal('HMAC-SHA-256'),
          signature: Type.Literal('Ed25519'),
        },
        closed,
      ),
      steps: Type.Array(text(300, { minLength: 1 }), { minItems: 8, maxItems: 8 }),
    },
    closed,
  ),
};

const Variant = Type.Object({ state: Type.Enum(LIGHT_STATES), allowed: Type.Boolean() }, closed);

/** Why a piece of evidence counts, or does not. */
const EVIDENCE_VERDICTS = [
  'accepted',
  'unsigned',
  'unknown_key',
  'bad_signature',
  'self_attested',
  'clock_untrusted',
  'not_yet_performed',
  'expired',
  'not_covered',
  'not_separate',
  'contradicted',
] as const;

const Evidence = Type.Object(
  {
    evidence_id: name,
    control: name,
    outcome: Type.Enum(['satisfied', 'not_satisfied']),
    lane: Type.Enum(['attested', 'declared']),
    key_id: orNull(name),
    method: orNull(text(200)),
    age_seconds: orNull(Type.Integer()),
    verdict: Type.Enum(EVIDENCE_VERDICTS),
    reason: orNull(Type.Literal('evidence_invalid')),
    attestation_digest: orNull(hex64),
  },
  closed,
);

const full = {
  ...minimal,
  input_commitments: Type.Array(
    Type.Object({ pointer: jsonPointer, length: count, commitment: hex64 }, closed),
  ),
  signals: Type.Array(SignalRecord),
  coverage: CoverageRecord,
  conditions: Type.Array(ConditionRecord),
  rules: Type.Array(RuleRecord),
  variants: Type.Object(
    { deterministic: Variant, with_hints: Variant, with_provider: Variant, joined: Variant },
    closed,
  ),
  evidence: Type.Array(Evidence),
  provider: Type.Object(
    {
      used: Type.Boolean(),
      outcome: Type.Enum(PROVIDER_OUTCOMES),
      endpoint_id: orNull(name),
      model_id: orNull(name),
      request_digest: orNull(hex64),
      response_digest: orNull(hex64),
      accepted: count,
      discarded: Type.Record(Type.String({ pattern: '^[a-z][a-z0-9_]{0,63}$' }), count),
    },
    closed,
  ),
  actor: orNull(
    Type.Object({ actor_id: name, key_fingerprint: name, scopes: Type.Array(name) }, closed),
  ),
};

/** What the proof of a decision holds for everybody who may read it. */
export const ProofPacketMinimal = Type.Object(minimal, closed);
export type ProofPacketMinimal = Static<typeof ProofPacketMinimal>;

/** All of it; still without text, names and addresses. */
export const ProofPacketFull = Type.Object(full, closed);
export type ProofPacketFull = Static<typeof ProofPacketFull>;

export const PACKET_VIEWS = ['minimal', 'full'] as const;
export const ProofPacketQuery = Type.Object(
  {
    view: Type.Optional(
      Type.Enum(PACKET_VIEWS, { default: 'minimal', description: '`full` needs `proof:full`' }),
    ),
    include: Type.Optional(
      Type.Literal('salt', {
        description: 'the decision salt along with the full view, needs `proof:full`; is recorded',
      }),
    ),
  },
  closed,
);
export type ProofPacketQuery = Static<typeof ProofPacketQuery>;
