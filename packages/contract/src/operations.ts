import type { TSchema } from 'typebox';
import * as decide from './decide/schemas.ts';
import type { ErrorCode } from './errors.ts';

/** What a key may do. `none`: the route is public and ignores a key. */
export type Scope = 'none' | 'decide' | 'lifecycle' | 'read' | 'packet';

/** Which counter a call uses up. */
export type LimitClass = 'decide' | 'lifecycle' | 'read' | 'packet' | 'public';

/** One operation of the wire. Routes, OpenAPI and the error tests are computed from these rows. */
export interface Operation {
  readonly method: 'GET' | 'POST';
  /** With `:id` for the decision id. */
  readonly path: string;
  readonly summary: string;
  readonly scope: Scope;
  readonly limit: LimitClass;
  /** Whether `x-idempotency-key` is read. */
  readonly idempotent: boolean;
  /** Whether `x-decision-response-view` is read. */
  readonly view: boolean;
  readonly request?: TSchema;
  /** Whether a request body may be missing. */
  readonly bodyOptional?: boolean;
  readonly query?: TSchema;
  readonly response: TSchema;
  /** What the answer is when it is asked for as plain text. */
  readonly plainText?: string;
  readonly status: 200 | 201;
  readonly errors: readonly ErrorCode[];
}

const BODY_ERRORS = [
  'DECIDE_API_INVALID_JSON',
  'DECIDE_API_BODY_TOO_LARGE',
  'DECIDE_API_MEDIA_TYPE',
  'DECIDE_API_INVALID_REQUEST',
  'DECIDE_API_NUMBER_INEXACT',
] as const satisfies readonly ErrorCode[];
const KEY_ERRORS = [
  'DECIDE_API_UNAUTHORIZED',
  'DECIDE_API_BROWSER_ORIGIN_FORBIDDEN',
] as const satisfies readonly ErrorCode[];
const WRITE_ERRORS = [
  'DECIDE_API_INVALID_HEADER',
  'DECIDE_API_IDEMPOTENCY_IN_PROGRESS',
  'DECIDE_LEDGER_UNAVAILABLE',
  'DECIDE_SIGNING_UNAVAILABLE',
  'DECIDE_CLOCK_UNTRUSTED',
] as const satisfies readonly ErrorCode[];

/** Of every route. */
export const COMMON_ERRORS = [
  'DECIDE_API_RATE_LIMITED',
  'DECIDE_API_INVALID_QUERY',
  'DECIDE_STORAGE_UNAVAILABLE',
  'DECIDE_INTERNAL',
] as const satisfies readonly ErrorCode[];

const read = {
  method: 'GET',
  scope: 'read',
  limit: 'read',
  idempotent: false,
  view: false,
  status: 200,
} as const;
const open = { ...read, scope: 'none', limit: 'public' } as const;

export const operations = {
  decide: {
    method: 'POST',
    path: '/api/decide',
    summary: 'Decide one proposed action; the answer is a signed Decision Record v1 with its proof',
    scope: 'decide',
    limit: 'decide',
    idempotent: true,
    view: true,
    request: decide.DecideRequest,
    response: decide.DecisionRecord,
    status: 200,
    errors: [
      ...KEY_ERRORS,
      ...BODY_ERRORS,
      ...WRITE_ERRORS,
      'DECIDE_API_MODE_UNSUPPORTED',
      'DECIDE_API_IDEMPOTENCY_CONFLICT',
      'DECIDE_API_IDEMPOTENCY_KEY_REQUIRED',
      'DECIDE_POLICY_PIN_STALE',
      'RULEBOOK_OUTPUT_MATERIAL_FORBIDDEN',
    ],
  },
  lookupDecision: {
    ...read,
    path: '/api/decision/:id',
    summary: 'The stored record, its lifecycle state and links',
    view: true,
    query: decide.LookupQuery,
    response: decide.Lookup,
    errors: [...KEY_ERRORS, 'DECIDE_DECISION_NOT_FOUND', 'DECIDE_API_INVALID_HEADER'],
  },
  verifyDecision: {
    ...read,
    path: '/api/decision/:id/verify',
    summary: 'Verify the stored record',
    response: decide.VerificationResult,
    errors: [...KEY_ERRORS, 'DECIDE_DECISION_NOT_FOUND'],
  },
  openReplay: {
    ...read,
    path: '/api/decision/:id/replay',
    summary: 'Historical replay: the stored policy on the stored input',
    response: decide.ReplayReport,
    errors: [
      ...KEY_ERRORS,
      'DECIDE_DECISION_NOT_FOUND',
      'DECIDE_INPUT_EXPIRED',
      'DECIDE_REPLAY_EVALUATOR_UNAVAILABLE',
      'DECIDE_LEDGER_UNAVAILABLE',
    ],
  },
  replayDecision: {
    ...read,
    method: 'POST',
    path: '/api/decision/:id/replay',
    summary: 'Historical replay',
    request: decide.ReplayRequest,
    bodyOptional: true,
    response: decide.ReplayReport,
    errors: [
      ...KEY_ERRORS,
      ...BODY_ERRORS,
      'DECIDE_DECISION_NOT_FOUND',
      'DECIDE_INPUT_EXPIRED',
      'DECIDE_REPLAY_OVERRIDE_FORBIDDEN',
      'DECIDE_REPLAY_MODE_UNSUPPORTED',
      'DECIDE_REPLAY_EVALUATOR_UNAVAILABLE',
      'DECIDE_LEDGER_UNAVAILABLE',
    ],
  },
  recordExecution: {
    method: 'POST',
    path: '/api/decision/:id/execution',
    summary:
      'Report what was attempted; the answer is an Action Execution Receipt v1 with its proof',
    scope: 'lifecycle',
    limit: 'lifecycle',
    idempotent: true,
    view: false,
    request: decide.ExecutionRequest,
    response: decide.ExecutionAnswer,
    status: 201,
    errors: [
      'DECIDE_EXECUTION_UNAUTHORIZED',
      'DECIDE_API_BROWSER_ORIGIN_FORBIDDEN',
      ...BODY_ERRORS,
      ...WRITE_ERRORS,
      'DECIDE_DECISION_NOT_FOUND',
      'DECIDE_EXECUTION_IDEMPOTENCY_CONFLICT',
      'DECIDE_EXECUTION_LINK_MISMATCH',
      'DECIDE_EXECUTION_BINDING_MISMATCH',
      'DECIDE_LIFECYCLE_TRANSITION_INVALID',
      'DECIDE_LIFECYCLE_BUSY',
    ],
  },
  listExecutions: {
    ...read,
    path: '/api/decision/:id/execution',
    summary: 'Execution receipts of a decision, oldest first',
    query: decide.ListQuery,
    response: decide.ListAnswer,
    errors: [
      'DECIDE_EXECUTION_UNAUTHORIZED',
      'DECIDE_API_BROWSER_ORIGIN_FORBIDDEN',
      'DECIDE_DECISION_NOT_FOUND',
    ],
  },
  recordOutcome: {
    method: 'POST',
    path: '/api/decision/:id/outcome',
    summary: 'Report what came of it; the answer is an Outcome Record v1 with its proof',
    scope: 'lifecycle',
    limit: 'lifecycle',
    idempotent: true,
    view: false,
    request: decide.OutcomeRequest,
    response: decide.OutcomeAnswer,
    status: 201,
    errors: [
      'DECIDE_OUTCOME_UNAUTHORIZED',
      'DECIDE_API_BROWSER_ORIGIN_FORBIDDEN',
      ...BODY_ERRORS,
      ...WRITE_ERRORS,
      'DECIDE_DECISION_NOT_FOUND',
      'DECIDE_OUTCOME_IDEMPOTENCY_CONFLICT',
      'DECIDE_OUTCOME_LINK_MISMATCH',
      'DECIDE_OUTCOME_UNSUPPORTED_SUCCESS',
      'DECIDE_LIFECYCLE_TRANSITION_INVALID',
      'DECIDE_LIFECYCLE_BUSY',
    ],
  },
  listOutcomes: {
    ...read,
    path: '/api/decision/:id/outcome',
    summary: 'Outcome Records of a decision, oldest first',
    query: decide.ListQuery,
    response: decide.ListAnswer,
    errors: [
      'DECIDE_OUTCOME_UNAUTHORIZED',
      'DECIDE_API_BROWSER_ORIGIN_FORBIDDEN',
      'DECIDE_DECISION_NOT_FOUND',
    ],
  },
  decisionPacket: {
    ...read,
    path: '/api/decision/:id/packet',
    summary: 'Export the signed Decision Packet v1 that anyone can verify offline',
    scope: 'packet',
    limit: 'packet',
    query: decide.PacketQuery,
    response: decide.PacketEnvelope,
    errors: [...KEY_ERRORS, 'DECIDE_DECISION_NOT_FOUND', 'DECIDE_LEDGER_UNAVAILABLE'],
  },
  verifyRecord: {
    ...open,
    method: 'POST',
    path: '/api/decision/verify',
    summary: 'Verify an exported record or packet',
    request: decide.VerifyRequest,
    response: decide.VerificationResult,
    errors: [...BODY_ERRORS, 'DECIDE_VERIFY_VIEW_INCOMPLETE'],
  },
  receiptKeys: {
    ...open,
    path: '/api/decision/receipt-keys',
    summary: 'Public key registry of this environment',
    response: decide.KeyRegistry,
    errors: ['DECIDE_KEY_HISTORY_INVALID'],
  },
  status: {
    ...open,
    path: '/api/decision/status',
    summary: 'Readiness, versions, limits and ledger of this server',
    response: decide.Status,
    errors: [],
  },
  policyPatterns: {
    ...open,
    path: '/api/decision/policy-patterns',
    summary: 'First-party policy templates with a request that works as it stands',
    query: decide.PatternQuery,
    response: decide.PatternRegistry,
    errors: [],
  },
  ledgerCheckpoint: {
    ...open,
    path: '/api/decision/ledger/checkpoint',
    summary: 'The latest signed checkpoint, or the one of a size',
    query: decide.CheckpointQuery,
    response: decide.CheckpointAnswer,
    errors: ['DECIDE_CHECKPOINT_NOT_FOUND'],
  },
  ledgerInclusion: {
    ...open,
    path: '/api/decision/ledger/inclusion',
    summary: 'Proof that an entry is in the ledger (RFC 9162 §2.1.3)',
    query: decide.InclusionQuery,
    response: decide.ProofAnswer,
    plainText: 'C2SP tlog-proof, with `format=tlog-proof`',
    errors: ['DECIDE_CHECKPOINT_NOT_FOUND'],
  },
  ledgerConsistency: {
    ...open,
    path: '/api/decision/ledger/consistency',
    summary: 'Proof that one checkpoint extends another (RFC 9162 §2.1.4)',
    query: decide.ConsistencyQuery,
    response: decide.ProofAnswer,
    errors: ['DECIDE_CHECKPOINT_NOT_FOUND'],
  },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof operations;
