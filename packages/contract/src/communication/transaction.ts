import Type, { type Static } from 'typebox';
import { Decision } from './decision.ts';
import {
  API_VERSION,
  closed,
  decisionId,
  hex64,
  instant,
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
} from './records.ts';
import { ACTION_TYPES, PARTICIPANT_ROLES, SOURCE_SURFACES, SOURCES } from './request.ts';

const count = Type.Integer({ minimum: 0 });
const name = text(128, { minLength: 1 });

/** The full record of one analysed communication: no names, no addresses, no text. */
export const CommunicationTransaction = Type.Object(
  {
    object: Type.Literal('communication_transaction'),
    id: transactionId,
    status: Type.Enum(['completed', 'failed_closed']),
    decision: Decision,
    decision_id: decisionId,
    proof_packet_id: proofPacketId,
    trace_id: traceId,
    communication: Type.Object(
      {
        source: Type.Enum(SOURCES),
        source_surface: Type.Union([Type.Enum(SOURCE_SURFACES), Type.Null()]),
        source_message_id_digest: Type.Union([hex64, Type.Null()]),
        source_thread_id_digest: Type.Union([hex64, Type.Null()]),
        participant_count: count,
        roles: Type.Array(Type.Enum(PARTICIPANT_ROLES)),
        languages: Type.Array(name),
        segment_counts: Type.Record(Type.String({ pattern: '^[a-z_]{1,32}$' }), count),
        truncated: Type.Boolean(),
      },
      closed,
    ),
    signals: Type.Array(SignalRecord),
    conditions: Type.Array(ConditionRecord),
    rules: Type.Array(RuleRecord),
    coverage: CoverageRecord,
    provider: Type.Object(
      {
        used: Type.Boolean(),
        outcome: Type.Enum(PROVIDER_OUTCOMES),
        accepted: count,
        discarded: count,
      },
      closed,
    ),
    policy: PolicyRef,
    mode: Type.Enum(MODES),
    api_version: Type.Literal(API_VERSION),
    created_at: instant,
  },
  closed,
);
export type CommunicationTransaction = Static<typeof CommunicationTransaction>;

const TransactionSummary = Type.Object(
  {
    id: transactionId,
    decision_id: decisionId,
    proof_packet_id: proofPacketId,
    state: Type.Enum(LIGHT_STATES),
    allowed: Type.Boolean(),
    action_type: Type.Enum(ACTION_TYPES),
    created_at: instant,
  },
  closed,
);
export type TransactionSummary = Static<typeof TransactionSummary>;

/** Transactions of one tenant and mode, newest first. */
export const TransactionList = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(TransactionSummary),
    has_more: Type.Boolean(),
    next_cursor: Type.Union([text(512, { minLength: 1 }), Type.Null()]),
  },
  closed,
);
export type TransactionList = Static<typeof TransactionList>;

export const TRANSACTION_LIMIT_DEFAULT = 20;
export const TransactionQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, default: TRANSACTION_LIMIT_DEFAULT }),
    ),
    cursor: Type.Optional(text(512, { minLength: 1, description: '`next_cursor` of a page' })),
    state: Type.Optional(Type.Enum(LIGHT_STATES)),
    allowed: Type.Optional(Type.Boolean()),
    created_after: Type.Optional(instant),
    created_before: Type.Optional(instant),
    action_type: Type.Optional(Type.Enum(ACTION_TYPES)),
  },
  closed,
);
export type TransactionQuery = Static<typeof TransactionQuery>;
