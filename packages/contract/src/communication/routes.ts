import Type, { type TSchema } from 'typebox';
import { Decision } from './decision.ts';
import { DemoDecision } from './demo.ts';
import { GENIUS_ERROR_CODES, type GeniusErrorCode, geniusErrors } from './errors.ts';
import { closed, text } from './forms.ts';
import { ProofPacketFull, ProofPacketMinimal, ProofPacketQuery } from './packet.ts';
import { DecisionRequest, DemoRequest } from './request.ts';
import { CommunicationTransaction, TransactionList, TransactionQuery } from './transaction.ts';

export const GENIUS_SCOPES = [
  'decision:create',
  'decision:read',
  'proof:read',
  'proof:full',
] as const;
export type GeniusScope = (typeof GENIUS_SCOPES)[number];

/** Which counter a call uses up: one per actor and mode, or one per address. */
export type GeniusLimit = 'actor' | 'public' | 'demo';

/** One route of the communication door. */
export interface GeniusRoute {
  readonly method: 'GET' | 'POST';
  /** With `:id` or `:code` for what is asked for. */
  readonly path: string;
  readonly summary: string;
  readonly auth: 'actor' | 'none';
  /** What an actor needs; absent where there is no actor. */
  readonly scope?: GeniusScope;
  readonly idempotencyKey: 'required' | 'optional' | 'none';
  readonly limit: GeniusLimit;
  readonly request?: TSchema;
  readonly query?: TSchema;
  /** Body with the status of success, where that is JSON. */
  readonly response?: TSchema;
  /** Media types of the answer, the default first. */
  readonly types: readonly ('application/json' | 'text/html' | 'text/plain')[];
  readonly status: 200 | 201 | 404;
  readonly errors: readonly GeniusErrorCode[];
}

const ACTOR_ERRORS = [
  'genius_version_unsupported',
  'validation_error',
  'authentication_required',
  'not_acceptable',
  'permission_denied',
  'actor_suspended',
  'live_access_not_approved',
  'rate_limit_exceeded',
  'dependency_unavailable',
  'internal_error',
] as const satisfies readonly GeniusErrorCode[];
const BODY_ERRORS = [
  'invalid_json',
  'invalid_body',
  'idempotency_key_invalid',
  'payload_too_large',
  'unsupported_media_type',
  'after_the_fact_not_supported',
  'policy_unavailable',
  'decision_timeout',
] as const satisfies readonly GeniusErrorCode[];
const CREATE_ERRORS = [
  ...ACTOR_ERRORS,
  ...BODY_ERRORS,
  'idempotency_conflict',
  'idempotency_key_required',
  'idempotency_in_progress',
  'ledger_unavailable',
] as const satisfies readonly GeniusErrorCode[];
const PUBLIC_ERRORS = [
  'validation_error',
  'not_acceptable',
  'rate_limit_exceeded',
  'dependency_unavailable',
  'internal_error',
] as const satisfies readonly GeniusErrorCode[];

const JSON_ONLY = ['application/json'] as const;
const PAGE = ['text/html', 'application/json'] as const;

const create = {
  method: 'POST',
  auth: 'actor',
  scope: 'decision:create',
  idempotencyKey: 'required',
  limit: 'actor',
  request: DecisionRequest,
  types: JSON_ONLY,
  status: 201,
  errors: CREATE_ERRORS,
} as const;
const read = {
  method: 'GET',
  auth: 'actor',
  scope: 'decision:read',
  idempotencyKey: 'none',
  limit: 'actor',
  types: JSON_ONLY,
  status: 200,
} as const;
const open = {
  method: 'GET',
  auth: 'none',
  idempotencyKey: 'none',
  limit: 'public',
  types: JSON_ONLY,
  status: 200,
  errors: PUBLIC_ERRORS,
} as const;
const page = { ...open, types: PAGE } as const;

const sentence = text(800, { minLength: 1 });
export const ErrorEntry = Type.Object(
  {
    code: Type.Enum(GENIUS_ERROR_CODES),
    type: Type.Enum([...new Set(Object.values(geniusErrors).map(({ type }) => type))]),
    http_status: Type.Integer({ minimum: 400, maximum: 599 }),
    message: sentence,
    meaning: sentence,
    resolution: sentence,
    docs_url: Type.String({ pattern: '^/v1/errors/[a-z_]+$' }),
  },
  closed,
);
export const ErrorDictionary = Type.Object({ errors: Type.Array(ErrorEntry) }, closed);

/** Every route of the door, in the order of its documentation. */
export const geniusRoutes = {
  createDecision: {
    ...create,
    path: '/v1/decisions',
    summary: 'Decides about one step on one communication',
    response: Decision,
  },
  getDecision: {
    ...read,
    path: '/v1/decisions/:id',
    summary: 'A decision, byte for byte as it was given',
    response: Decision,
    errors: [...ACTOR_ERRORS, 'decision_not_found', 'decision_expired'],
  },
  createTransaction: {
    ...create,
    path: '/v1/communication_transactions',
    summary: 'Decides, and answers with the full record of what was found',
    response: CommunicationTransaction,
  },
  getTransaction: {
    ...read,
    path: '/v1/communication_transactions/:id',
    summary: 'The full record of one communication, without its text',
    response: CommunicationTransaction,
    errors: [...ACTOR_ERRORS, 'precommit_transaction_not_found', 'decision_expired'],
  },
  listTransactions: {
    ...read,
    path: '/v1/communication_transactions',
    summary: 'The transactions of the organisation in this mode, newest first',
    query: TransactionQuery,
    response: TransactionList,
    errors: ACTOR_ERRORS,
  },
  getProofPacket: {
    ...read,
    path: '/v1/proof_packets/:id',
    summary: 'The proof of a decision, for audit and later review',
    scope: 'proof:read',
    query: ProofPacketQuery,
    response: Type.Union([ProofPacketMinimal, ProofPacketFull]),
    errors: [...ACTOR_ERRORS, 'proof_packet_not_found', 'proof_packet_expired'],
  },
  listErrors: {
    ...open,
    path: '/v1/errors',
    summary: 'The dictionary of errors',
    response: ErrorDictionary,
    errors: [...PUBLIC_ERRORS, 'genius_version_unsupported'],
  },
  getError: {
    ...page,
    path: '/v1/errors/:code',
    summary: 'One entry of the dictionary',
    response: ErrorEntry,
    errors: [...PUBLIC_ERRORS, 'genius_version_unsupported', 'error_code_not_found'],
  },
  overviewPage: { ...page, path: '/api', summary: 'What this interface is, with an example' },
  guidePage: { ...page, path: '/api/genius', summary: 'The shortest explanation for agents' },
  quickstartPage: { ...page, path: '/api/quickstart', summary: 'One call, from request to gate' },
  errorsPage: {
    ...page,
    path: '/api/errors',
    summary: 'The dictionary of errors, to be read',
    response: ErrorDictionary,
  },
  manifest: {
    ...open,
    path: '/.well-known/genius.json',
    summary: 'What agents need to know, as data',
  },
  openApi: { ...open, path: '/openapi.json', summary: 'This document' },
  llms: {
    ...open,
    path: '/llms.txt',
    summary: 'The whole server in words, for agents',
    types: ['text/plain'],
  },
  createDemoDecision: {
    method: 'POST',
    auth: 'none',
    idempotencyKey: 'optional',
    limit: 'demo',
    path: '/api/demo/decisions',
    summary: 'Decides for demonstration: nothing is stored',
    request: DemoRequest,
    response: DemoDecision,
    types: JSON_ONLY,
    status: 200,
    errors: [
      'genius_version_unsupported',
      'validation_error',
      'not_acceptable',
      ...BODY_ERRORS,
      'demo_limit_exceeded',
      'dependency_unavailable',
      'internal_error',
    ],
  },
  demoPage: {
    ...open,
    path: '/demo',
    summary: 'Tries a decision in the browser; nothing is stored',
    types: ['text/html'],
  },
  keys: {
    ...open,
    path: '/.well-known/genius-keys.json',
    summary: 'The public keys of ledgers and demonstrations',
  },
  createActionGate: {
    method: 'POST',
    auth: 'none',
    idempotencyKey: 'none',
    limit: 'public',
    path: '/v1/action_gates',
    summary: 'Reserved: not served yet',
    types: JSON_ONLY,
    status: 404,
    errors: ['route_not_found', 'rate_limit_exceeded', 'dependency_unavailable', 'internal_error'],
  },
} as const satisfies Record<string, GeniusRoute>;

export type GeniusRouteName = keyof typeof geniusRoutes;
