/** One row of the catalogue: what a fault looks like on the wire, whoever raises it. */
export interface RpcErrorEntry {
  readonly code: number;
  /** Status of the HTTP answer; most faults of tools travel in a 200. */
  readonly status: 200 | 400 | 401 | 403 | 413 | 429 | 503;
  readonly retryable: boolean;
}

/** Every kind of fault of the scenario protocol. */
export const rpcErrors = {
  invalid_request: { code: -32600, status: 400, retryable: false },
  method_not_found: { code: -32601, status: 400, retryable: false },
  invalid_params: { code: -32602, status: 400, retryable: false },
  unauthenticated: { code: -32001, status: 401, retryable: false },
  unauthorized: { code: -32003, status: 403, retryable: false },
  not_found: { code: -32004, status: 200, retryable: false },
  conflict: { code: -32009, status: 200, retryable: false },
  evidence: { code: -32020, status: 200, retryable: false },
  control_plane: { code: -32030, status: 200, retryable: false },
  runpack: { code: -32040, status: 200, retryable: false },
  internal: { code: -32050, status: 200, retryable: false },
  serialization: { code: -32060, status: 200, retryable: false },
  request_too_large: { code: -32070, status: 413, retryable: false },
  rate_limited: { code: -32071, status: 429, retryable: true },
  inflight_limit: { code: -32072, status: 503, retryable: true },
  invalid_correlation_id: { code: -32073, status: 400, retryable: false },
} as const satisfies Record<string, RpcErrorEntry>;

export type RpcErrorKind = keyof typeof rpcErrors;

/** A fault as a value; `message` is what the wire says. */
export interface RpcFault {
  readonly kind: RpcErrorKind;
  readonly message: string;
  readonly retryAfterMs?: number;
  /** Where the status differs from the catalogue's. */
  readonly status?: RpcErrorEntry['status'];
  /** Why, for the audit only: an unauthorized caller never reads it. */
  readonly reason?: string;
}

export type RpcResult<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly fault: RpcFault };

export const rpcOk = <Value>(value: Value): RpcResult<Value> => ({ ok: true, value });

export function rpcFail(
  kind: RpcErrorKind,
  message: string,
  more: Pick<RpcFault, 'retryAfterMs' | 'status' | 'reason'> = {},
): { readonly ok: false; readonly fault: RpcFault } {
  return { ok: false, fault: { kind, message, ...more } };
}

/** What every refused caller reads; the reason goes to the audit. */
export function unauthorized(reason: string): { readonly ok: false; readonly fault: RpcFault } {
  return rpcFail('unauthorized', 'unauthorized', { reason });
}
