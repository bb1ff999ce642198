import Type, { type Static } from 'typebox';
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
import { LIGHT_STATES, MODES, PolicyRef } from './records.ts';
import { ACTION_TYPES } from './request.ts';

/** What each light is called. */
export const LIGHT_LABELS = {
  green: 'clear',
  amber: 'caution',
  red: 'unsafe',
  grey: 'undetermined',
} as const satisfies Record<(typeof LIGHT_STATES)[number], string>;

const state = Type.Enum(LIGHT_STATES);
const sentence = text(800);

const Move = Type.Object(
  {
    move_type: Type.String({
      pattern: '^[a-z][a-z0-9_]{0,63}$',
      description: 'treat a value that you do not know as: stop and ask',
    }),
    rationale: text(800, { minLength: 1 }),
  },
  closed,
);

const Reason = Type.Object(
  {
    rule_id: Type.String({ pattern: '^[A-Z][A-Za-z0-9_.-]{0,31}$' }),
    code: Type.String({ pattern: '^[a-z][a-z0-9_]{0,63}$' }),
    contribution: state,
    blocking: Type.Boolean(),
  },
  closed,
);

/** What every decision holds. */
export const DECISION_MEMBERS = {
  object: Type.Literal('decision'),
  id: decisionId,
  status: Type.Enum(['completed', 'failed_closed'], {
    description: '`failed_closed`: a stage failed, and the light is grey',
  }),
  traffic_light: Type.Object({ state, label: Type.Enum(Object.values(LIGHT_LABELS)) }, closed),
  signal: Type.Object({ type: Type.Literal('decision_dot'), state }, closed),
  summary: text(800, { minLength: 1 }),
  safest_move: Move,
  safest_next_move: Move,
  safe_reply: Type.Object(
    {
      allowed_to_insert: Type.Boolean(),
      draft: text(400),
      template_id: Type.Union([text(32, { minLength: 1 }), Type.Null()]),
    },
    closed,
  ),
  action_gate: Type.Object(
    {
      action_type: Type.Enum(ACTION_TYPES),
      allowed: Type.Boolean({
        description:
          'read this first: only the literal `true` lets the step be prepared, under a person who answers for it',
      }),
      requires_human_review: Type.Boolean(),
      approval_required: Type.Boolean(),
      blocked_reason: sentence,
      recommended_action: sentence,
      signal: Type.Object({ state }, closed),
    },
    closed,
  ),
  proof_packet_id: proofPacketId,
  trace_id: traceId,
  reasons: Type.Array(Reason),
  policy: PolicyRef,
  api_version: Type.Literal(API_VERSION),
  mode: Type.Enum(MODES),
  communication_transaction_id: Type.Union([transactionId, Type.Null()]),
  content_binding: hex64,
  client_reference: Type.Union([text(128), Type.Null()]),
  created_at: instant,
  valid_until: instant,
};

/** The governed answer. */
export const Decision = Type.Object(DECISION_MEMBERS, closed);
export type Decision = Static<typeof Decision>;
