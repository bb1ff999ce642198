export type GeniusErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'not_found_error'
  | 'idempotency_error'
  | 'rate_limit_error'
  | 'service_error';

/** One row of the catalogue. Its sentences are fixed: they never hold what a caller sent. */
export interface GeniusErrorEntry {
  readonly type: GeniusErrorType;
  readonly status:
    | 400
    | 401
    | 403
    | 404
    | 405
    | 406
    | 409
    | 410
    | 413
    | 415
    | 422
    | 429
    | 500
    | 503
    | 504;
  /** Whether the same call may succeed later without being changed. */
  readonly retryable: boolean;
  /** What the caller reads in the answer. */
  readonly message: string;
  readonly meaning: string;
  readonly resolution: string;
}

/** Every fault of the communication door, in the order in which the dictionary lists them. */
export const geniusErrors = {
  genius_version_unsupported: {
    type: 'invalid_request_error',
    status: 400,
    retryable: false,
    message: 'This version of the interface does not exist here.',
    meaning: 'The header `Genius-Version` names a version that this server does not know.',
    resolution: 'Send `Genius-Version: 2026-04-01`, or leave the header out.',
  },
  validation_error: {
    type: 'invalid_request_error',
    status: 400,
    retryable: false,
    message: 'The request does not have the documented form; `details` names each place.',
    meaning:
      'A member, header or query parameter is missing, malformed, too long, unknown or at odds with another one.',
    resolution: 'Compare the places in `details` with `/openapi.json`, and send the request again.',
  },
  invalid_json: {
    type: 'invalid_request_error',
    status: 400,
    retryable: false,
    message: 'The body is not strict JSON.',
    meaning:
      'The body does not parse as JSON, has a member twice, half a surrogate pair or a byte-order mark, or nests deeper than 32 levels.',
    resolution: 'Send strict JSON in UTF-8 as `application/json`.',
  },
  invalid_body: {
    type: 'invalid_request_error',
    status: 400,
    retryable: true,
    message: 'There is no readable body.',
    meaning: 'The body is missing, empty or ended before it was complete.',
    resolution: 'Send the whole body again.',
  },
  authentication_required: {
    type: 'authentication_error',
    status: 401,
    retryable: false,
    message: 'Valid credentials are required.',
    meaning:
      'The two actor headers are not both there, or they do not name an actor that may call. Which of it is not said.',
    resolution: 'Send `X-Cosy-Actor-Id` and `X-Cosy-Actor-Token` of one active actor.',
  },
  idempotency_conflict: {
    type: 'idempotency_error',
    status: 409,
    retryable: false,
    message: 'This idempotency key belongs to another request.',
    meaning: 'The key was used on this route with another body.',
    resolution: 'Repeat the body that the key was used with, or take a new key for a new step.',
  },
  idempotency_key_required: {
    type: 'idempotency_error',
    status: 409,
    retryable: false,
    message: 'This route needs an idempotency key.',
    meaning: 'A request that records something came without the header `Idempotency-Key`.',
    resolution: 'Add a key that is unique to this step.',
  },
  precommit_transaction_not_found: {
    type: 'not_found_error',
    status: 404,
    retryable: false,
    message: 'There is no such transaction.',
    meaning: 'No transaction of your organisation and mode has this id.',
    resolution: 'Check the id, and that the token belongs to the mode in which it was given.',
  },
  proof_packet_not_found: {
    type: 'not_found_error',
    status: 404,
    retryable: false,
    message: 'There is no such proof packet.',
    meaning: 'No proof packet of your organisation and mode has this id.',
    resolution: 'Check the id, and that the token belongs to the mode in which it was given.',
  },
  decision_not_found: {
    type: 'not_found_error',
    status: 404,
    retryable: false,
    message: 'There is no such decision.',
    meaning: 'No decision of your organisation and mode has this id.',
    resolution: 'Check the id, and that the token belongs to the mode in which it was given.',
  },
  route_not_found: {
    type: 'not_found_error',
    status: 404,
    retryable: false,
    message: 'There is no such route.',
    meaning:
      'Nothing is served under this path. Upper and lower case and a slash at the end count.',
    resolution: 'Look the path up in `/openapi.json`.',
  },
  error_code_not_found: {
    type: 'not_found_error',
    status: 404,
    retryable: false,
    message: 'The dictionary has no such code.',
    meaning: 'No error of this interface has this code.',
    resolution: 'List all codes with `GET /v1/errors`.',
  },
  method_not_allowed: {
    type: 'invalid_request_error',
    status: 405,
    retryable: false,
    message: 'This path does not answer to this method.',
    meaning: 'The path exists, the method is another one.',
    resolution: 'Use a method that the header `Allow` names.',
  },
  not_acceptable: {
    type: 'invalid_request_error',
    status: 406,
    retryable: false,
    message: 'The answer does not exist in a media type that you accept.',
    meaning: 'The header `Accept` excludes every media type in which this path answers.',
    resolution: 'Accept `application/json`, or leave the header out.',
  },
  idempotency_in_progress: {
    type: 'idempotency_error',
    status: 409,
    retryable: true,
    message: 'The first request with this idempotency key is still running.',
    meaning: 'A second request came before the first one with the same key had an answer.',
    resolution: 'Wait as long as `Retry-After` says, then repeat the same key and body.',
  },
  idempotency_key_invalid: {
    type: 'idempotency_error',
    status: 400,
    retryable: false,
    message: 'This idempotency key does not have the documented form.',
    meaning:
      'The key is empty, longer than 255 characters, or holds more than visible ASCII characters.',
    resolution: 'Take a key of 1 to 255 visible ASCII characters.',
  },
  decision_expired: {
    type: 'not_found_error',
    status: 410,
    retryable: false,
    message: 'This decision is no longer kept.',
    meaning: 'Its retention has ended. The hash of its ledger entry remains.',
    resolution: 'None: ask for a new decision if the step is still ahead.',
  },
  proof_packet_expired: {
    type: 'not_found_error',
    status: 410,
    retryable: false,
    message: 'This proof packet is no longer kept.',
    meaning: 'Its retention has ended. The hash of its ledger entry remains.',
    resolution: 'None: use the copy that was exported in time.',
  },
  payload_too_large: {
    type: 'invalid_request_error',
    status: 413,
    retryable: false,
    message: 'The body is larger than 2 MiB.',
    meaning: 'The body has more bytes than this interface reads.',
    resolution: 'Shorten the content and set `body_truncated`.',
  },
  unsupported_media_type: {
    type: 'invalid_request_error',
    status: 415,
    retryable: false,
    message: 'The body must be JSON in UTF-8, without a content encoding.',
    meaning: 'The content type is not `application/json`, or the body is compressed.',
    resolution: 'Send `Content-Type: application/json` and the body as it is.',
  },
  after_the_fact_not_supported: {
    type: 'invalid_request_error',
    status: 422,
    retryable: false,
    message: 'The step has already been taken, so there is nothing left to decide.',
    meaning: '`proposed_action.already_performed` is true. Past steps get no record here.',
    resolution: 'Record the past step in the system that it belongs to.',
  },
  permission_denied: {
    type: 'permission_error',
    status: 403,
    retryable: false,
    message: 'This actor lacks the scope that the route needs.',
    meaning: 'The credentials are valid, the scope is missing.',
    resolution: 'Ask an administrator of your organisation for the scope.',
  },
  actor_suspended: {
    type: 'permission_error',
    status: 403,
    retryable: false,
    message: 'The access of this actor is suspended.',
    meaning: 'An administrator has suspended or withdrawn the access.',
    resolution: 'Ask an administrator of your organisation.',
  },
  live_access_not_approved: {
    type: 'permission_error',
    status: 403,
    retryable: false,
    message: 'Live mode is not open to your organisation.',
    meaning: 'The token is a live one, and the operator has not opened live mode for its tenant.',
    resolution: 'Use test mode, or ask the operator for live access.',
  },
  rate_limit_exceeded: {
    type: 'rate_limit_error',
    status: 429,
    retryable: true,
    message: 'Too many calls in this window.',
    meaning: 'All calls of the current window are used up.',
    resolution: 'Wait as many seconds as `Retry-After` says.',
  },
  demo_limit_exceeded: {
    type: 'rate_limit_error',
    status: 429,
    retryable: true,
    message: 'Too many demonstrations from this address.',
    meaning: 'The demonstrations of this minute or this day are used up.',
    resolution: 'Wait as many seconds as `Retry-After` says, or use test mode.',
  },
  policy_unavailable: {
    type: 'service_error',
    status: 503,
    retryable: true,
    message: 'The policy cannot be used, so there is no decision.',
    meaning: 'The policy in force is missing, or its hash is another one than it should be.',
    resolution: 'Keep the gate closed and try later; the operator has to act.',
  },
  ledger_unavailable: {
    type: 'service_error',
    status: 503,
    retryable: true,
    message: 'The decision could not be recorded, so there is no decision.',
    meaning: 'The ledger did not take the entry in time.',
    resolution: 'Keep the gate closed and repeat the same key and body later.',
  },
  dependency_unavailable: {
    type: 'service_error',
    status: 503,
    retryable: true,
    message: 'A part that is needed for the answer does not respond.',
    meaning: 'The store or the limiter cannot be reached.',
    resolution: 'Keep the gate closed and try later.',
  },
  decision_timeout: {
    type: 'service_error',
    status: 504,
    retryable: true,
    message: 'The decision was not ready in time, so there is no decision.',
    meaning: 'The whole budget of 10 seconds was used up before anything was recorded.',
    resolution: 'Keep the gate closed and repeat the same key and body.',
  },
  internal_error: {
    type: 'service_error',
    status: 500,
    retryable: true,
    message: 'Something unforeseen happened, so there is no decision.',
    meaning: 'A fault of this server, or an answer that broke one of its own rules.',
    resolution: 'Keep the gate closed and report the `trace_id` to support.',
  },
} as const satisfies Record<string, GeniusErrorEntry>;

export type GeniusErrorCode = keyof typeof geniusErrors;

/** Every code, in the order of the dictionary. */
export const GENIUS_ERROR_CODES = Object.keys(geniusErrors) as readonly GeniusErrorCode[];

/** One entry of the dictionary, as the wire has it. */
export interface DictionaryEntry {
  readonly code: GeniusErrorCode;
  readonly type: GeniusErrorType;
  readonly http_status: number;
  readonly message: string;
  readonly meaning: string;
  readonly resolution: string;
  readonly docs_url: string;
}

/** The entry of a code; `undefined`: the dictionary has none. */
export function dictionaryEntry(code: string): DictionaryEntry | undefined {
  const known = GENIUS_ERROR_CODES.find((one) => one === code);
  if (known === undefined) return undefined;
  const { type, status, message, meaning, resolution } = geniusErrors[known];
  return {
    code: known,
    type,
    http_status: status,
    message,
    meaning,
    resolution,
    docs_url: docsUrl(known),
  };
}

/** What `GET /v1/errors` answers. */
export function errorDictionary(): { readonly errors: readonly DictionaryEntry[] } {
  return { errors: GENIUS_ERROR_CODES.flatMap((code) => dictionaryEntry(code) ?? []) };
}

/** Where a code is explained. */
export function docsUrl(code: GeniusErrorCode): string {
  return `/v1/errors/${code}`;
}
