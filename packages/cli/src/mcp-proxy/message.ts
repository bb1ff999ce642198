import { isUtf8 } from 'node:buffer';
import { canonicalJson, isMembers, type Members, parseJson, sha256Hex } from '@countersign/proof';

/** A request to run a tool. */
export interface ToolCall {
  readonly id: string | number;
  readonly tool: string;
  readonly arguments: Members;
  /**
   * Hex SHA-256 of the canonical arguments. Where the request says more than its name and arguments, `_meta` apart, it
   * is that of the list of the arguments and those other members: answers to a question of the server and the state
   * that goes back with them, the wish for a task.
   */
  readonly argumentsHash: string;
  /** Whether the request belongs to a revision in which every result says what kind it is. */
  readonly saysResultType: boolean;
}

/** One message of a client, as far as the gate looks at it. Only `pass` may go on without being asked about. */
export type ClientMessage =
  | { readonly kind: 'pass'; readonly method: string | undefined; readonly value: Members }
  | { readonly kind: 'call'; readonly call: ToolCall; readonly value: Members }
  | { readonly kind: 'cancel'; readonly id: unknown; readonly value: Members }
  | {
      readonly kind: 'refused';
      readonly id: string | number | null;
      readonly code: number;
      readonly text: string;
    };

/** Deepest message. */
const DEPTH_MAX = 256;
const PROTOCOL_VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';

/**
 * Reads what a client sends. Whatever the gate and the server behind it could understand differently is refused: a
 * member that stands there twice, bytes that are no text.
 */
export function readClientMessage(bytes: Buffer): ClientMessage {
  if (!isUtf8(bytes)) return refuse(null, -32_700, 'The message is no UTF-8');
  const text = bytes.toString('utf8');
  const parsed = parseJson(text, { depthMax: DEPTH_MAX });
  if (parsed.ok) return messageOf(parsed.value, 'exact');
  if (parsed.fault.code !== 'json_number_inexact') {
    return refuse(null, -32_700, `The message is no strict JSON: ${parsed.fault.code}`);
  }
  // Such a number is no reason to stop a message that nobody decides about.
  const loose = parseJson(text, { depthMax: DEPTH_MAX, readNumber: Number });
  return loose.ok
    ? messageOf(loose.value, 'inexact')
    : refuse(null, -32_700, 'The message is no JSON');
}

function messageOf(value: unknown, numbers: 'exact' | 'inexact'): ClientMessage {
  if (Array.isArray(value)) return refuse(null, -32_600, 'Batches are not forwarded');
  if (!isMembers(value)) return refuse(null, -32_600, 'The message is no object');
  const { id, method, params } = value;
  if (method !== undefined && typeof method !== 'string') {
    return refuse(null, -32_600, 'The method of the message is no text');
  }
  if (method === 'notifications/cancelled') {
    return { kind: 'cancel', id: isMembers(params) ? params['requestId'] : undefined, value };
  }
  if (method !== 'tools/call') return { kind: 'pass', method, value };
  if (typeof id !== 'string' && typeof id !== 'number') {
    return refuse(null, -32_600, 'A tool call needs an id');
  }
  if (numbers === 'inexact') {
    return refuse(id, -32_602, 'A number of the call is not exact: send it as text');
  }
  const call = callOf(id, params);
  return call === undefined
    ? refuse(id, -32_602, 'A tool call needs a name and arguments')
    : { kind: 'call', call, value };
}

function callOf(id: string | number, params: unknown): ToolCall | undefined {
  if (!isMembers(params)) return undefined;
  const { name, arguments: args = {}, _meta: meta, ...others } = params;
  if (typeof name !== 'string' || name === '' || !isMembers(args)) return undefined;
  return {
    id,
    tool: name,
    arguments: args,
    argumentsHash: sha256Hex(
      // Arguments are an object, so that no list of them and something else is taken for arguments.
      canonicalJson(Object.keys(others).length === 0 ? args : [args, others], DEPTH_MAX),
    ),
    saysResultType: isMembers(meta) && typeof meta[PROTOCOL_VERSION_KEY] === 'string',
  };
}

function refuse(id: string | number | null, code: number, text: string): ClientMessage {
  return { kind: 'refused', id, code, text };
}

/** What became of a call, as the server behind answered. */
export interface ServerAnswer {
  readonly id: unknown;
  /** `unfinished`: the server has begun, and says what came of it elsewhere and later, as with a task. */
  readonly outcome: 'result' | 'tool_error' | 'input_required' | 'unfinished' | 'rpc_error';
  /** Of a JSON-RPC error. */
  readonly errorCode?: number | undefined;
  /** Hex SHA-256 of the canonical result or error; of the message's bytes where it has no canonical text. */
  readonly digest: string;
}

/** Reads a message of the server, if it is an answer; `undefined` for anything else. */
export function readServerAnswer(text: string): ServerAnswer | undefined {
  const parsed = parseJson(text, { depthMax: DEPTH_MAX });
  const value = parsed.ok ? parsed.value : looselyParsed(text);
  if (!isMembers(value) || value['method'] !== undefined || value['id'] === undefined) {
    return undefined;
  }
  const { id, result, error } = value;
  const said = error ?? result;
  const digest =
    parsed.ok && said !== undefined ? sha256Hex(canonicalJson(said, DEPTH_MAX)) : sha256Hex(text);
  if (error !== undefined) {
    const errorCode = isMembers(error) ? Number(error['code']) : Number.NaN;
    return { id, outcome: 'rpc_error', errorCode, digest };
  }
  if (!isMembers(result)) return { id, outcome: 'rpc_error', digest };
  const type = result['resultType'] ?? 'complete';
  if (type === 'input_required') return { id, outcome: 'input_required', digest };
  if (type !== 'complete' || isMembers(result['task'])) {
    return { id, outcome: 'unfinished', digest };
  }
  return { id, outcome: result['isError'] === true ? 'tool_error' : 'result', digest };
}

function looselyParsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** A JSON-RPC error as a message. */
export function errorMessage(id: string | number | null, code: number, message: string): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } });
}
