/** One row of the catalogue. `means` is the fixed message: it never holds what a caller sent. */
export interface ErrorEntry {
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 410 | 413 | 415 | 422 | 429 | 500 | 503;
  /** Whether the same call may succeed later without being changed. */
  readonly retryable: boolean;
  readonly means: string;
}

/** Every fault that a door may answer, with the status and the message it has everywhere. */
export const errors = {
  DECIDE_API_UNAUTHORIZED: {
    status: 401,
    retryable: false,
    means: 'The API key is missing, unknown, not active, or lacks the scope that this route needs.',
  },
  DECIDE_EXECUTION_UNAUTHORIZED: {
    status: 401,
    retryable: false,
    means: 'The API key may not read or write execution receipts.',
  },
  DECIDE_OUTCOME_UNAUTHORIZED: {
    status: 401,
    retryable: false,
    means: 'The API key may not read or write Outcome Records.',
  },
  DECIDE_CRM_SYNC_UNAUTHORIZED: {
    status: 401,
    retryable: false,
    means: 'The API key may not read or write CRM sync receipts.',
  },
  DECIDE_CHAIN_UNAUTHORIZED: {
    status: 401,
    retryable: false,
    means: 'The API key may not read audit chains.',
  },
  DECIDE_REPORT_UNAUTHORIZED: {
    status: 401,
    retryable: false,
    means: 'The API key may not read reports.',
  },
  DECIDE_API_BROWSER_ORIGIN_FORBIDDEN: {
    status: 403,
    retryable: false,
    means: 'Live keys are for servers: a request that a browser sent is refused.',
  },
  DECIDE_API_RATE_LIMITED: {
    status: 429,
    retryable: true,
    means: 'Too many requests in this window; wait as long as `retry-after` says.',
  },
  DECIDE_API_MONTHLY_CAP_EXCEEDED: {
    status: 429,
    retryable: true,
    means: 'The decision records of this calendar month are used up; see `x-quota-reset`.',
  },
  DECIDE_API_IDEMPOTENCY_CONFLICT: {
    status: 409,
    retryable: false,
    means: 'This idempotency key was used with another payload; use a new key for a new attempt.',
  },
  DECIDE_API_IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    retryable: true,
    means: 'The first request with this idempotency key is still running.',
  },
  DECIDE_EXECUTION_IDEMPOTENCY_CONFLICT: {
    status: 409,
    retryable: false,
    means: 'This idempotency key was used with another execution receipt.',
  },
  DECIDE_OUTCOME_IDEMPOTENCY_CONFLICT: {
    status: 409,
    retryable: false,
    means: 'This idempotency key was used with another Outcome Record.',
  },
  DECIDE_CRM_SYNC_IDEMPOTENCY_CONFLICT: {
    status: 409,
    retryable: false,
    means: 'This idempotency key was used with another CRM sync receipt.',
  },
  DECIDE_API_IDEMPOTENCY_KEY_REQUIRED: {
    status: 422,
    retryable: false,
    means: 'The policy of this workflow demands the header `x-idempotency-key`.',
  },
  DECIDE_API_INVALID_JSON: {
    status: 400,
    retryable: false,
    means:
      'The body is not strict JSON: malformed, a doubled member, a lone surrogate, or nested too deep.',
  },
  DECIDE_API_BODY_TOO_LARGE: {
    status: 413,
    retryable: false,
    means: 'The body is larger than this route accepts.',
  },
  DECIDE_API_MEDIA_TYPE: {
    status: 415,
    retryable: false,
    means: 'The body must be `application/json` in UTF-8.',
  },
  DECIDE_API_INVALID_REQUEST: {
    status: 422,
    retryable: false,
    means: 'The request does not have the form that this route documents; see `errors`.',
  },
  DECIDE_API_INVALID_HEADER: {
    status: 400,
    retryable: false,
    means: 'A header has a form that this route does not accept; see `errors`.',
  },
  DECIDE_API_INVALID_QUERY: {
    status: 400,
    retryable: false,
    means: 'A query parameter is unknown or out of range; see `errors`.',
  },
  DECIDE_API_NUMBER_INEXACT: {
    status: 422,
    retryable: false,
    means: 'A number cannot be kept exactly; send it as a decimal string.',
  },
  DECIDE_API_MODE_UNSUPPORTED: {
    status: 422,
    retryable: false,
    means: 'This mode is not offered here.',
  },
  DECIDE_CONTEXT_SECRET_FORBIDDEN: {
    status: 422,
    retryable: false,
    means:
      'The context holds a member that is named like a credential; leave it out. See `errors`.',
  },
  DECIDE_POLICY_PIN_STALE: {
    status: 409,
    retryable: false,
    means: 'The pinned policy version is not the one that is active for this workflow.',
  },
  DECIDE_POLICY_NOT_FOUND: {
    status: 404,
    retryable: false,
    means: 'There is no such policy or policy version.',
  },
  DECIDE_POLICY_INVALID: {
    status: 422,
    retryable: false,
    means: 'The policy document breaks a rule of its form; see `errors`.',
  },
  DECIDE_POLICY_VERSION_IMMUTABLE: {
    status: 409,
    retryable: false,
    means: 'This id and version are bound to other content for ever; use a new version.',
  },
  DECIDE_POLICY_SELFTEST_FAILED: {
    status: 422,
    retryable: false,
    means: 'The policy does not answer its own self-tests as they say; see `failed_self_tests`.',
  },
  DECIDE_POLICY_ACTIVATION_STALE: {
    status: 409,
    retryable: false,
    means: 'Another version is active than `expected_active` says; see `active_version`.',
  },
  DECIDE_POLICY_APPROVAL_REQUIRED: {
    status: 403,
    retryable: false,
    means: 'The approver must be somebody else than the author of this version.',
  },
  DECIDE_POLICY_WORKFLOW_TAKEN: {
    status: 409,
    retryable: false,
    means: 'Another active policy answers for one of these workflows; see `taken_workflows`.',
  },
  DECIDE_POLICY_SHIFT_UNACKNOWLEDGED: {
    status: 409,
    retryable: false,
    means:
      'Under this version earlier decisions would become `yes`; acknowledge that with `acknowledge_shift`.',
  },
  DECIDE_POLICY_STATE_INVALID: {
    status: 409,
    retryable: false,
    means: 'The state of this policy does not allow that.',
  },
  RULEBOOK_INVALID: {
    status: 422,
    retryable: false,
    means: 'The rulebook breaks a rule of its form or a limit; see `errors`.',
  },
  RULEBOOK_BINDING_MODE_UNSUPPORTED: {
    status: 422,
    retryable: false,
    means: 'This binding mode is not offered here; see `supported_binding_modes`.',
  },
  RULEBOOK_BINDING_MODE_CONFLICT: {
    status: 422,
    retryable: false,
    means: 'The binding mode contradicts what was sent along; see `inferred_binding_mode`.',
  },
  RULEBOOK_ATTESTATION_SIGNATURE_REQUIRED: {
    status: 503,
    retryable: true,
    means: 'The attestation could not be signed, so there is no decision.',
  },
  TRUSTED_ADAPTER_INPUT_CONFLICT: {
    status: 422,
    retryable: false,
    means: 'Facts come from the adapter or from `context.inputs`, never from both.',
  },
  TRUSTED_ADAPTER_INVALID: {
    status: 422,
    retryable: false,
    means: 'The adapter reference does not have the documented form; see `errors`.',
  },
  TRUSTED_ADAPTER_INPUT_INVALID: {
    status: 422,
    retryable: false,
    means: 'The adapter does not accept this input; see `errors`.',
  },
  TRUSTED_ADAPTER_NOT_REGISTERED: {
    status: 422,
    retryable: false,
    means: 'There is no adapter with this id and version.',
  },
  TRUSTED_ADAPTER_MANIFEST_MISMATCH: {
    status: 422,
    retryable: false,
    means: 'The adapter has another manifest hash than the one that was sent.',
  },
  TRUSTED_ADAPTER_EXECUTION_FAILED: {
    status: 503,
    retryable: false,
    means: 'The adapter failed, so there is no decision.',
  },
  TRUSTED_ADAPTER_EXECUTION_TIMEOUT: {
    status: 503,
    retryable: false,
    means: 'The adapter took too long, so there is no decision.',
  },
  TRUSTED_ADAPTER_OUTPUT_INVALID: {
    status: 503,
    retryable: false,
    means: 'The adapter gave facts outside its schema, so there is no decision.',
  },
  TRUSTED_ADAPTER_CAPABILITY_DENIED: {
    status: 503,
    retryable: false,
    means: 'The adapter reached for something it may not have, so there is no decision.',
  },
  DECIDE_RULEBOOK_NOT_REGISTERED: {
    status: 403,
    retryable: false,
    means: 'This key may not use a rulebook that nobody registered.',
  },
  DECIDE_RULEBOOK_NOT_FOUND: {
    status: 404,
    retryable: false,
    means: 'There is no such rulebook.',
  },
  RULEBOOK_OUTPUT_MATERIAL_FORBIDDEN: {
    status: 422,
    retryable: false,
    means: 'The request holds members that only an answer may have; see `forbidden_fields`.',
  },
  DECIDE_SIGNING_UNAVAILABLE: {
    status: 503,
    retryable: true,
    means: 'The record could not be signed, so there is no decision.',
  },
  DECIDE_STORAGE_UNAVAILABLE: {
    status: 503,
    retryable: true,
    means: 'The store does not answer.',
  },
  DECIDE_LEDGER_UNAVAILABLE: {
    status: 503,
    retryable: true,
    means: 'The ledger could not be written, so nothing was decided or recorded.',
  },
  DECIDE_CLOCK_UNTRUSTED: {
    status: 503,
    retryable: true,
    means: 'The clock of this server is behind its own ledger, so it does not decide.',
  },
  DECIDE_KEY_HISTORY_INVALID: {
    status: 503,
    retryable: true,
    means: 'The key registry is damaged and is therefore not published in part.',
  },
  DECIDE_DECISION_NOT_FOUND: {
    status: 404,
    retryable: false,
    means: 'There is no such decision.',
  },
  DECIDE_EXECUTION_LINK_MISMATCH: {
    status: 409,
    retryable: false,
    means: 'The hashes in the receipt do not name this decision.',
  },
  DECIDE_EXECUTION_NOT_AUTHORIZED: {
    status: 409,
    retryable: false,
    means: 'This record is advice: nothing may be claimed or executed under it.',
  },
  DECIDE_CLAIM_REFUSED: {
    status: 409,
    retryable: false,
    means: 'The action must not be attempted now; see `reason`.',
  },
  DECIDE_CRM_SYNC_LINK_MISMATCH: {
    status: 409,
    retryable: false,
    means: 'The CRM sync receipt does not say what the decision says.',
  },
  DECIDE_REVIEW_NOT_OPEN: {
    status: 409,
    retryable: false,
    means: 'There is no open review of this decision, or its time has passed.',
  },
  DECIDE_REVIEW_REVIEWER_FORBIDDEN: {
    status: 403,
    retryable: false,
    means: 'This reviewer may not resolve this review.',
  },
  DECIDE_REVIEW_NOT_WAIVABLE: {
    status: 422,
    retryable: false,
    means: 'The policy lets nobody set aside one of the named conditions.',
  },
  DECIDE_REVIEW_POLICY_CHANGED: {
    status: 409,
    retryable: false,
    means: 'The policy version of this decision is no longer active; decide anew.',
  },
  DECIDE_OUTCOME_LINK_MISMATCH: {
    status: 409,
    retryable: false,
    means: 'The hashes in the outcome do not name this decision.',
  },
  DECIDE_EXECUTION_BINDING_MISMATCH: {
    status: 409,
    retryable: false,
    means:
      'What was executed is not what the decision authorised. It is recorded: stop and go to the owner.',
  },
  DECIDE_OUTCOME_UNSUPPORTED_SUCCESS: {
    status: 422,
    retryable: false,
    means:
      'Success needs a bound `executed` receipt; report `pending` or `review` until there is one.',
  },
  DECIDE_LIFECYCLE_TRANSITION_INVALID: {
    status: 409,
    retryable: false,
    means: 'The state of this decision does not allow this report.',
  },
  DECIDE_LIFECYCLE_BUSY: {
    status: 409,
    retryable: true,
    means: 'Other reports about this decision are being written; send the same request again.',
  },
  DECIDE_REPLAY_OVERRIDE_FORBIDDEN: {
    status: 422,
    retryable: false,
    means: 'A historical replay runs on what was recorded and takes nothing else.',
  },
  DECIDE_REPLAY_MODE_UNSUPPORTED: {
    status: 422,
    retryable: false,
    means: 'This replay mode is not offered here.',
  },
  DECIDE_REPLAY_EVALUATOR_UNAVAILABLE: {
    status: 409,
    retryable: false,
    means:
      'The evaluator that made this decision is not part of this build, and no other takes its place.',
  },
  DECIDE_INPUT_EXPIRED: {
    status: 410,
    retryable: false,
    means: 'The stored input of this decision is past its retention.',
  },
  DECIDE_VERIFY_VIEW_INCOMPLETE: {
    status: 422,
    retryable: false,
    means: 'Only the full view of a record can be verified.',
  },
  DECIDE_CHAIN_NOT_FOUND: {
    status: 404,
    retryable: false,
    means: 'There is no such chain.',
  },
  DECIDE_PLAYGROUND_CLOSED: {
    status: 404,
    retryable: false,
    means: 'This server has no playground.',
  },
  DECIDE_CHECKPOINT_NOT_FOUND: {
    status: 404,
    retryable: false,
    means: 'The ledger has no checkpoint or entry there.',
  },
  DECIDE_API_ROUTE_NOT_FOUND: {
    status: 404,
    retryable: false,
    means: 'There is no such route.',
  },
  DECIDE_API_METHOD_NOT_ALLOWED: {
    status: 405,
    retryable: false,
    means: 'The route exists, but not with this method; see `allow`.',
  },
  DECIDE_INTERNAL: {
    status: 500,
    retryable: true,
    means: 'Something unforeseen happened; nothing was decided.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errors;

/** What is wrong with one place of a request. */
export interface FieldError {
  /** Dots and `[index]`, from the body's own member: `context.evidence_refs[0].type`. */
  readonly field: string;
  readonly code:
    | 'unknown_field'
    | 'required'
    | 'invalid_type'
    | 'invalid_value'
    | 'out_of_range'
    | 'too_long'
    | 'too_deep'
    | 'too_complex'
    | 'duplicate_value'
    | 'unsupported_operator'
    | 'unsupported_version'
    | 'invalid_condition'
    | 'schema_violation'
    | 'name_forbidden';
  readonly message: string;
  /** The same place as RFC 6901 JSON Pointer. */
  readonly pointer: string;
}

/** An expected failure on its way to a door. */
export interface Fault {
  readonly code: ErrorCode;
  /** Where the status differs from the catalogue's: a known key out of scope is 403. */
  readonly status?: 403;
  readonly fields?: readonly FieldError[];
  /** Further members of the error body; never verdict-like. */
  readonly more?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly retryAfterSeconds?: number;
}

export type Result<Value, Problem = Fault> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly fault: Problem };

export function ok<Value>(value: Value): { readonly ok: true; readonly value: Value } {
  return { ok: true, value };
}

export function fail(fault: Fault): { readonly ok: false; readonly fault: Fault } {
  return { ok: false, fault };
}
