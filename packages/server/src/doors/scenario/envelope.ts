import { type RpcFault, type RpcResult, rpcErrors, rpcFail, rpcOk } from '@countersign/contract';
import { Decimal, isList, isObject, type Json, member, scenario } from '@countersign/policy';
import { parseJson } from '@countersign/proof';
import { canonical } from '../../service/scenario/canonical.ts';

/** What a JSON-RPC request says. */
export interface RpcRequest {
  readonly version: string;
  readonly id: Json;
  readonly method: string;
  readonly params: Json | undefined;
}

/** Deepest request body. */
const BODY_DEPTH_MAX = 127;

/**
 * Reads one request. Batches and notifications are none. What readers of JSON disagree about is refused wherever it
 * stands: a member twice, half a surrogate pair, a member `__proto__`.
 */
export function parseRequest(body: Uint8Array): RpcResult<RpcRequest> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return notARequest;
  }
  const parsed = parseJson(text, {
    depthMax: BODY_DEPTH_MAX,
    readNumber: scenario.readScenarioNumber,
  });
  if (!parsed.ok) return notARequest;
  const request = parsed.value as Json;
  if (!isObject(request) || hidesPrototype(request)) return notARequest;
  const version = member(request, 'jsonrpc');
  const id = member(request, 'id');
  const method = member(request, 'method');
  if (typeof version !== 'string' || id === undefined || typeof method !== 'string') {
    return notARequest;
  }
  return rpcOk({ version, id, method, params: member(request, 'params') });
}

const notARequest = rpcFail('invalid_request', 'invalid json-rpc request');

function hidesPrototype(value: Json): boolean {
  if (isList(value)) return value.some(hidesPrototype);
  if (!isObject(value)) return false;
  return Object.keys(value).some(
    (name) => name === '__proto__' || hidesPrototype(value[name] ?? null),
  );
}

/** JSON text of an id, in the form in which it came: a double that is whole keeps its point. */
export function idText(id: Json): string {
  const text = canonical(id);
  return id instanceof Decimal && /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** Text of the response to a result; a result that has no JSON text is a fault of its own. */
export function renderResult(id: string, result: unknown): RpcResult<string> {
  try {
    return rpcOk(`{"jsonrpc":"2.0","id":${id},"result":${canonical(result)}}`);
  } catch {
    return rpcFail('serialization', 'serialization failed');
  }
}

/** Text of the response to a fault; `id` is absent when the request could not be read. */
export function renderFault(id: string | undefined, fault: RpcFault): string {
  const { code, retryable } = rpcErrors[fault.kind];
  const data = {
    kind: fault.kind,
    retryable,
    request_id: id ?? null,
    ...(fault.retryAfterMs === undefined ? {} : { retry_after_ms: fault.retryAfterMs }),
  };
  const error = canonical({ code, message: fault.message, data });
  return `{"jsonrpc":"2.0","id":${id ?? 'null'},"error":${error}}`;
}
