import type { TSchema } from 'typebox';
import * as decide from './decide/schemas.ts';
import type { ErrorCode } from './errors.ts';

/** What a key may do. `none`: the route is public and ignores a key; `optional`: a key shows more of it. */
export type Scope =
  | 'none'
  | 'optional'
  | 'decide'
  | 'lifecycle'
  | 'read'
  | 'packet'
  | 'review'
  | 'policy'
  | 'rulebook_register';

/** Which counter a call uses up. */
export type LimitClass =
  | 'decide'
  | 'lifecycle'
  | 'read'
  | 'report'
  | 'packet'
  | 'public'
  | 'playground';

/** One operation of the wire. Routes, OpenAPI and the error tests are computed from these rows. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** With `:id` for the decision id, and further parameters by their names. */
  readonly path: string;
  readonly summary: string;
  readonly scope: Scope;
  /** A second scope that opens the route as well. */
  readonly orScope?: Scope;
  readonly limit: LimitClass;
  /** Whether `x-idempotency-key` is read. */
  readonly idempotent: boolean;
  /** Whether `x-decision-response-view` is read. */
  readonly view: boolean;
  readonly request?: TSchema;
  /** Form of a request that brings a rulebook along, where that is another one. */
  readonly rulebookRequest?: TSchema;
  /** Whether a request body may be missing. */
  readonly bodyOptional?: boolean;
  readonly query?: TSchema;
  readonly response: TSchema;
  /** What the answer is when it is asked for as plain text. */
  readonly plainText?: string;
  /** Media type of that; absent: `text/plain`. */
  readonly textType?: 'text/csv';
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
const write = {
  method: 'POST',
  scope: 'lifecycle',
  limit: 'lifecycle',
  idempotent: true,
  view: false,
  status: 201,
} as const;
const report = { ...read, limit: 'report' } as const;
const policy = { ...write, scope: 'policy', status: 200 } as const;
const REPORT_ERRORS = [
  'DECIDE_REPORT_UNAUTHORIZED',
  'DECIDE_API_BROWSER_ORIGIN_FORBIDDEN',
  'DECIDE_API_INVALID_REQUEST',
  'DECIDE_POLICY_NOT_FOUND',
  'DECIDE_LEDGER_UNAVAILABLE',
  'DECIDE_SIGNING_UNAVAILABLE',
  'DECIDE_CLOCK_UNTRUSTED',
] as const satisfies readonly ErrorCode[];
const POLICY_ERRORS = [
  ...KEY_ERRORS,
  ...BODY_ERRORS,
  ...WRITE_ERRORS,
  'DECIDE_API_IDEMPOTENCY_CONFLICT',
  'DECIDE_LIFECYCLE_BUSY',
] as const satisfies readonly ErrorCode[];
/** Whatever can be wrong with one decide request. */
const DECIDE_ERRORS = [
  'DECIDE_API_MODE_UNSUPPORTED',
  'DECIDE_API_MONTHLY_CAP_EXCEEDED',
  'DECIDE_API_IDEMPOTENCY_CONFLICT',
  'DECIDE_API_IDEMPOTENCY_KEY_REQUIRED',
  'DECIDE_CONTEXT_SECRET_FORBIDDEN',
  'DECIDE_POLICY_PIN_STALE',
  'DECIDE_RULEBOOK_NOT_REGISTERED',
  'RULEBOOK_ATTESTATION_SIGNATURE_REQUIRED',
  'RULEBOOK_BINDING_MODE_CONFLICT',
  'RULEBOOK_BINDING_MODE_UNSUPPORTED',
  'RULEBOOK_INVALID',
  'RULEBOOK_OUTPUT_MATERIAL_FORBIDDEN',
  'TRUSTED_ADAPTER_CAPABILITY_DENIED',
  'TRUSTED_ADAPTER_EXECUTION_FAILED',
  'TRUSTED_ADAPTER_EXECUTION_TIMEOUT',
  'TRUSTED_ADAPTER_INPUT_CONFLICT',
  'TRUSTED_ADAPTER_INPUT_INVALID',
  'TRUSTED_ADAPTER_INVALID',
  'TRUSTED_ADAPTER_MANIFEST_MISMATCH',
  'TRUSTED_ADAPTER_NOT_REGISTERED',
  'TRUSTED_ADAPTER_OUTPUT_INVALID',
] as const satisfies readonly ErrorCode[];
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
    rulebookRequest: decide.RulebookDecideRequest,
    response: decide.DecisionRecord,
    status: 200,
    errors: [...KEY_ERRORS, ...BODY_ERRORS, ...WRITE_ERRORS, ...DECIDE_ERRORS],
  },
  decideBatch: {
    ...write,
    path: '/api/decide/batch',
    summary: 'Up to 256 decisions at once, each its own record, answered in order',
    scope: 'decide',
    limit: 'decide',
    idempotent: false,
    request: decide.BatchRequest,
    response: decide.BatchAnswer,
    status: 200,
    errors: [...KEY_ERRORS, ...BODY_ERRORS, 'DECIDE_API_MONTHLY_CAP_EXCEEDED'],
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
    summary: 'Replay: historical, or by the policy that is active now',
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
  diffDecision: {
    ...read,
    method: 'POST',
    path: '/api/decision/:id/diff',
    summary: 'What the active policy would say of the stored input, condition by condition',
    request: decide.EmptyRequest,
    bodyOptional: true,
    response: decide.ReplayReport,
    errors: [
      ...KEY_ERRORS,
      ...BODY_ERRORS,
      'DECIDE_DECISION_NOT_FOUND',
      'DECIDE_INPUT_EXPIRED',
      'DECIDE_REPLAY_EVALUATOR_UNAVAILABLE',
      'DECIDE_LEDGER_UNAVAILABLE',
    ],
  },
  counterfactuals: {
    ...read,
    method: 'POST',
    path: '/api/decision/:id/counterfactuals',
    summary: 'What the same policy would say of a changed context; simulation only',
    view: true,
    request: decide.CounterfactualRequest,
    response: decide.CounterfactualAnswer,
    errors: [
      ...KEY_ERRORS,
      ...BODY_ERRORS,
      'DECIDE_API_INVALID_HEADER',
      'DECIDE_CONTEXT_SECRET_FORBIDDEN',
      'DECIDE_DECISION_NOT_FOUND',
      'DECIDE_INPUT_EXPIRED',
      'DECIDE_REPLAY_EVALUATOR_UNAVAILABLE',
      'DECIDE_LEDGER_UNAVAILABLE',
    ],
  },
  claimDecision: {
    ...write,
    path: '/api/decision/:id/claim',
    summary: 'Exclusive, short-lived permission to attempt exactly what was authorised',
    request: decide.ClaimRequest,
    response: decide.ClaimAnswer,
    status: 200,
    errors: [
      ...KEY_ERRORS,
      ...BODY_ERRORS,
      ...WRITE_ERRORS,
      'DECIDE_API_IDEMPOTENCY_CONFLICT',
      'DECIDE_DECISION_NOT_FOUND',
      'DECIDE_CLAIM_REFUSED',
      'DECIDE_EXECUTION_NOT_AUTHORIZED',
      'DECIDE_LIFECYCLE_BUSY',
    ],
  },
  resolveReview: {
    ...write,
    path: '/api/decision/:id/review',
    summary: 'Approve or deny what a person has to decide; the answer is a new linked record',
    scope: 'review',
    view: true,
    request: decide.ReviewRequest,
    response: decide.ReviewAnswer,
    errors: [
      ...KEY_ERRORS,
      ...BODY_ERRORS,
      ...WRITE_ERRORS,
      'DECIDE_API_IDEMPOTENCY_CONFLICT',
      'DECIDE_DECISION_NOT_FOUND',
      'DECIDE_REVIEW_NOT_OPEN',
      'DECIDE_REVIEW_REVIEWER_FORBIDDEN',
      'DECIDE_REVIEW_NOT_WAIVABLE',
      'DECIDE_REVIEW_POLICY_CHANGED',
      'DECIDE_INPUT_EXPIRED',
      'DECIDE_LIFECYCLE_BUSY',
    ],
  },
  listReviews: {
    ...read,
    path: '/api/decision/reviews',
    summary: 'The owner queue: what waits for a person, what was resolved, what ran out of time',
    scope: 'review',
    query: decide.ReviewQuery,
    response: decide.ReviewList,
    errors: KEY_ERRORS,
  },
  search: {
    ...read,
    path: '/api/decision/search',
    summary: 'Find decisions by one handle; as JSON or, for evidence export, as CSV',
    query: decide.SearchQuery,
    response: decide.SearchAnswer,
    plainText: 'CSV, with `format=csv`',
    textType: 'text/csv',
    errors: KEY_ERRORS,
  },
  decisionChain: {
    ...read,
    path: '/api/decision/chains/:chain_id',
    summary: 'Head and last links of the audit chain of this tenant',
    query: decide.ChainQuery,
    response: decide.ChainAnswer,
    errors: [
      'DECIDE_CHAIN_UNAUTHORIZED',
      'DECIDE_API_BROWSER_ORIGIN_FORBIDDEN',
      'DECIDE_CHAIN_NOT_FOUND',
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
      'DECIDE_EXECUTION_NOT_AUTHORIZED',
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
      'DECIDE_EXECUTION_NOT_AUTHORIZED',
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
  recordCrmSync: {
    ...write,
    path: '/api/decision/:id/crm-sync',
    summary: 'Report what was written to or read from a CRM about a decision',
    request: decide.CrmSyncRequest,
    response: decide.CrmSyncAnswer,
    errors: [
      'DECIDE_CRM_SYNC_UNAUTHORIZED',
      'DECIDE_API_BROWSER_ORIGIN_FORBIDDEN',
      ...BODY_ERRORS,
      ...WRITE_ERRORS,
      'DECIDE_DECISION_NOT_FOUND',
      'DECIDE_CRM_SYNC_IDEMPOTENCY_CONFLICT',
      'DECIDE_CRM_SYNC_LINK_MISMATCH',
      'DECIDE_EXECUTION_NOT_AUTHORIZED',
      'DECIDE_CONTEXT_SECRET_FORBIDDEN',
      'DECIDE_LIFECYCLE_BUSY',
    ],
  },
  listCrmSyncs: {
    ...read,
    path: '/api/decision/:id/crm-sync',
    summary: 'CRM sync receipts of a decision, oldest first',
    query: decide.ListQuery,
    response: decide.ListAnswer,
    errors: [
      'DECIDE_CRM_SYNC_UNAUTHORIZED',
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
    query: decide.StatusQuery,
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
  policyBundles: {
    ...open,
    scope: 'optional',
    path: '/api/decision/policy-bundles',
    summary: 'Bundles that records commit to: first-party ones, and with a key those of the tenant',
    query: decide.BundleQuery,
    response: decide.BundleRegistry,
    errors: KEY_ERRORS,
  },
  policyEffectiveness: {
    ...report,
    path: '/api/decision/policies/:policy_id/effectiveness',
    summary: 'What became of the decisions of a policy',
    query: decide.EffectivenessQuery,
    response: decide.Report,
    errors: REPORT_ERRORS,
  },
  policyConfidence: {
    ...report,
    path: '/api/decision/policies/:policy_id/confidence',
    summary: 'How often decisions like these turned out well',
    query: decide.ConfidenceQuery,
    response: decide.Report,
    errors: REPORT_ERRORS,
  },
  policyAnomalies: {
    ...report,
    path: '/api/decision/policies/:policy_id/anomalies',
    summary: 'Decisions that stand out, with the reasons in numbers',
    query: decide.AnomalyQuery,
    response: decide.Report,
    errors: REPORT_ERRORS,
  },
  policyBenchmarks: {
    ...report,
    path: '/api/decision/policies/:policy_id/benchmarks',
    summary: 'The same rates among tenants that opted in, never fewer than five',
    query: decide.BenchmarkQuery,
    response: decide.Report,
    errors: REPORT_ERRORS,
  },
  policyReadiness: {
    ...report,
    path: '/api/decision/policies/:policy_id/readiness',
    summary: 'Whether the next boundary may start, item by item',
    response: decide.Readiness,
    errors: REPORT_ERRORS,
  },
  recordSignOff: {
    ...policy,
    path: '/api/decision/policies/:policy_id/sign-offs',
    summary: 'Record that one of the four roles signs off the launch of a policy',
    request: decide.SignOffRequest,
    response: decide.SignOffAnswer,
    status: 201,
    errors: [...POLICY_ERRORS, 'DECIDE_POLICY_NOT_FOUND'],
  },
  listPolicies: {
    ...read,
    path: '/api/decision/policies',
    summary: 'Policies of this tenant with their states',
    orScope: 'policy',
    response: decide.PolicyList,
    errors: KEY_ERRORS,
  },
  readPolicy: {
    ...read,
    path: '/api/decision/policies/:policy_id',
    summary: 'One policy: its versions, state and activation history',
    orScope: 'policy',
    response: decide.PolicyAnswer,
    errors: [...KEY_ERRORS, 'DECIDE_POLICY_NOT_FOUND'],
  },
  readPolicyVersion: {
    ...read,
    path: '/api/decision/policies/:policy_id/versions/:version',
    summary: 'One policy document with its hash',
    orScope: 'policy',
    response: decide.PolicyAnswer,
    errors: [...KEY_ERRORS, 'DECIDE_POLICY_NOT_FOUND'],
  },
  registerPolicy: {
    ...policy,
    method: 'PUT',
    path: '/api/decision/policies/:policy_id/versions/:version',
    summary: 'Register an immutable policy version; its self-tests run first',
    request: decide.PolicyDocument,
    response: decide.PolicyAnswer,
    status: 201,
    errors: [
      ...POLICY_ERRORS,
      'DECIDE_API_ROUTE_NOT_FOUND',
      'DECIDE_POLICY_INVALID',
      'DECIDE_POLICY_SELFTEST_FAILED',
      'DECIDE_POLICY_VERSION_IMMUTABLE',
    ],
  },
  previewPolicy: {
    ...policy,
    path: '/api/decision/policies/:policy_id/preview',
    summary: 'What this version would have said of the decisions of the last 30 days',
    idempotent: false,
    request: decide.PreviewRequest,
    response: decide.PreviewAnswer,
    errors: [...KEY_ERRORS, ...BODY_ERRORS, 'DECIDE_POLICY_NOT_FOUND', 'DECIDE_POLICY_INVALID'],
  },
  activatePolicy: {
    ...policy,
    path: '/api/decision/policies/:policy_id/activate',
    summary: 'Put a version in force, if the expected one is in force now',
    request: decide.ActivateRequest,
    response: decide.PolicyAnswer,
    errors: [
      ...POLICY_ERRORS,
      'DECIDE_POLICY_NOT_FOUND',
      'DECIDE_POLICY_SELFTEST_FAILED',
      'DECIDE_POLICY_ACTIVATION_STALE',
      'DECIDE_POLICY_APPROVAL_REQUIRED',
      'DECIDE_POLICY_WORKFLOW_TAKEN',
      'DECIDE_POLICY_SHIFT_UNACKNOWLEDGED',
      'DECIDE_POLICY_STATE_INVALID',
    ],
  },
  suspendPolicy: {
    ...policy,
    path: '/api/decision/policies/:policy_id/suspend',
    summary: 'From now on this policy answers `review`, and its open permissions cannot be claimed',
    request: decide.SuspendRequest,
    response: decide.PolicyAnswer,
    errors: [
      ...POLICY_ERRORS,
      'DECIDE_POLICY_NOT_FOUND',
      'DECIDE_POLICY_ACTIVATION_STALE',
      'DECIDE_POLICY_STATE_INVALID',
    ],
  },
  rulebookMetadata: {
    ...read,
    path: '/api/decision/rulebooks',
    summary:
      'What is registered under a hash, or under an id and version; never the rulebook itself',
    query: decide.RulebookQuery,
    response: decide.RulebookAnswer,
    errors: [...KEY_ERRORS, 'DECIDE_RULEBOOK_NOT_FOUND'],
  },
  registerRulebook: {
    ...policy,
    method: 'PUT',
    path: '/api/decision/rulebooks/:rulebook_id/versions/:version',
    summary: 'Register and approve an immutable rulebook, so that its answers are binding',
    scope: 'rulebook_register',
    request: decide.RulebookRequest,
    response: decide.RulebookAnswer,
    status: 201,
    errors: [
      ...POLICY_ERRORS,
      'DECIDE_API_ROUTE_NOT_FOUND',
      'RULEBOOK_INVALID',
      'TRUSTED_ADAPTER_NOT_REGISTERED',
      'TRUSTED_ADAPTER_MANIFEST_MISMATCH',
      'DECIDE_POLICY_VERSION_IMMUTABLE',
      'DECIDE_POLICY_APPROVAL_REQUIRED',
    ],
  },
  playgroundDecide: {
    ...open,
    method: 'POST',
    path: '/playground/decide',
    limit: 'playground',
    idempotent: true,
    view: true,
    summary: 'Try the template policies without a key; test environment only, kept for a day',
    request: decide.DecideRequest,
    response: decide.DecisionRecord,
    errors: [
      ...BODY_ERRORS,
      ...WRITE_ERRORS,
      'DECIDE_API_IDEMPOTENCY_CONFLICT',
      'DECIDE_API_IDEMPOTENCY_KEY_REQUIRED',
      'DECIDE_API_MODE_UNSUPPORTED',
      'DECIDE_CONTEXT_SECRET_FORBIDDEN',
      'DECIDE_POLICY_PIN_STALE',
      'RULEBOOK_OUTPUT_MATERIAL_FORBIDDEN',
      'DECIDE_PLAYGROUND_CLOSED',
    ],
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
