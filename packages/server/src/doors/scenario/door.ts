import {
  type RpcFault,
  type RpcResult,
  tools as rows,
  rpcErrors,
  rpcFail,
  rpcOk,
  type ToolName,
} from '@countersign/contract';
import { isObject, type Json, member } from '@countersign/policy';
import type { ScenarioSettings } from '../../service/scenario/settings.ts';
import { type Admission, unknownTool } from './admission.ts';
import type { CorrelationIds, Rpc, RpcArrival, RpcBody, RpcReply } from './arrival.ts';
import { type Audit, correlationMembers } from './audit.ts';
import { certificateSubjectOf } from './authenticate.ts';
import type { Entrance } from './entrance.ts';
import { idText, parseRequest, type RpcRequest, renderFault, renderResult } from './envelope.ts';
import type { Observed } from './metrics.ts';
import type { ToolsOf } from './tool.ts';

/** The documents that can be read as resources. */
export interface Resources {
  list(): readonly unknown[];
  /** The contents of one document. */
  read(uri: string): RpcResult<readonly unknown[]>;
}

export interface ScenarioDoorParts {
  readonly settings: ScenarioSettings;
  readonly entrance: Entrance;
  readonly admission: Admission;
  readonly tools: ToolsOf<ToolName>;
  /** Absent: not served. */
  readonly resources?: Resources | undefined;
  readonly audit: Audit;
  /** A clock that only goes forward, in milliseconds. */
  readonly monotonic: () => number;
  readonly observe?: ((request: Observed) => void) | undefined;
  readonly unforeseen: (error: unknown) => void;
}

/** Methods as the audit calls them. */
type MethodLabel =
  | 'ToolsList'
  | 'ToolsCall'
  | 'ResourcesList'
  | 'ResourcesRead'
  | 'Invalid'
  | 'Other';

/** One request that was worked on, with what became of it. */
interface Served {
  readonly method: MethodLabel;
  readonly tool: ToolName | null;
  /** JSON text of the id; absent when the request could not be read. */
  readonly id?: string | undefined;
  readonly result: RpcResult<unknown>;
}

/** The scenario protocol over bytes: one JSON-RPC request in, one response out. */
export function scenarioDoor(parts: ScenarioDoorParts): Rpc {
  const { audit, entrance, monotonic, settings } = parts;
  return async (body, arrival) => {
    const startedAt = monotonic();
    const entered = entrance.enter(body, arrival);
    try {
      const served = await serve(parts, body, arrival, entered.ids, entered.fault);
      const { text, fault } = render(served);
      const { id, method, tool } = served;
      const about = {
        transport: arrival.transport,
        method,
        tool,
        outcome: fault === undefined ? 'Ok' : 'Error',
        error_code: fault === undefined ? null : rpcErrors[fault.kind].code,
        error_kind: fault?.kind ?? null,
        request_bytes: body === 'too_large' ? null : body.length,
        response_bytes: Buffer.byteLength(text),
      } as const;
      parts.observe?.({ ...about, latencyMs: monotonic() - startedAt });
      const { auth } = settings.server;
      audit.write('mcp_request', {
        ...correlationMembers(entered.ids),
        ...about,
        request_id: id ?? null,
        peer_ip: arrival.peerIp,
        client_subject:
          auth.mode === 'mtls' ? (certificateSubjectOf(arrival, settings.server) ?? null) : null,
        reason: fault?.reason ?? null,
        redaction: tool === 'evidence_query' ? 'evidence' : 'full',
      });
      return reply(settings, entered.ids, text, fault);
    } finally {
      entered.leave();
    }
  };
}

async function serve(
  parts: ScenarioDoorParts,
  body: RpcBody,
  arrival: RpcArrival,
  ids: CorrelationIds,
  turnedAway: RpcFault | undefined,
): Promise<Served> {
  const unread = { method: 'Invalid', tool: null } as const;
  if (turnedAway !== undefined) return { ...unread, result: { ok: false, fault: turnedAway } };
  const parsed = parseRequest(body === 'too_large' ? new Uint8Array() : body);
  if (!parsed.ok) return { ...unread, result: parsed };
  const request = parsed.value;
  const id = idText(request.id);
  if (request.version !== '2.0') return { ...unread, id, result: wrongVersion };
  const calling: Calling = { parts, arrival, ids, id, params: request.params };
  const { method, tool } = namedBy(request);
  try {
    return { method, tool, id, result: await answer(calling, method, tool) };
  } catch (error) {
    parts.unforeseen(error);
    return { method, tool, id, result: rpcFail('internal', 'internal error') };
  }
}

const wrongVersion = rpcFail('invalid_request', 'invalid json-rpc version');
const unknownMethod = rpcFail('method_not_found', 'method not found');

const METHODS: Readonly<Record<string, MethodLabel>> = {
  'tools/list': 'ToolsList',
  'tools/call': 'ToolsCall',
  'resources/list': 'ResourcesList',
  'resources/read': 'ResourcesRead',
};

/** The method, and the tool if a known one is called. */
function namedBy({ method, params }: RpcRequest): Pick<Served, 'method' | 'tool'> {
  const label = Object.hasOwn(METHODS, method) ? (METHODS[method] ?? 'Other') : 'Other';
  const name = label === 'ToolsCall' && isObject(params) ? member(params, 'name') : undefined;
  const known = typeof name === 'string' && Object.hasOwn(rows, name);
  return { method: label, tool: known ? (name as ToolName) : null };
}

interface Calling {
  readonly parts: ScenarioDoorParts;
  readonly arrival: RpcArrival;
  readonly ids: CorrelationIds;
  readonly id: string;
  readonly params: Json | undefined;
}

async function answer(
  calling: Calling,
  method: MethodLabel,
  tool: ToolName | null,
): Promise<RpcResult<unknown>> {
  switch (method) {
    case 'ToolsList':
      return listTools(calling);
    case 'ToolsCall':
      return callTool(calling, tool);
    case 'ResourcesList':
      return listResources(calling);
    case 'ResourcesRead':
      return readResource(calling);
    case 'Invalid':
    case 'Other':
      return unknownMethod;
  }
}

function listTools(calling: Calling): RpcResult<unknown> {
  const { admission } = calling.parts;
  const caller = admission.admit('tools/list', calling.arrival, nameOf(calling));
  if (!caller.ok) return caller;
  const tools = admission.listed.map((name) => ({
    name,
    description: rows[name].description,
    input_schema: rows[name].inputSchema,
  }));
  return rpcOk({ tools });
}

/** A tool that does not exist is named as such before anybody is asked who they are. */
async function callTool(calling: Calling, tool: ToolName | null): Promise<RpcResult<unknown>> {
  const { params, parts } = calling;
  const called = isObject(params) ? member(params, 'name') : undefined;
  const args = isObject(params) ? member(params, 'arguments') : undefined;
  if (typeof called !== 'string' || args === undefined) {
    return rpcFail('invalid_params', 'invalid tool params');
  }
  if (tool === null) return unknownTool;
  const caller = parts.admission.admit(tool, calling.arrival, nameOf(calling));
  if (!caller.ok) return caller;
  const result = await parts.tools[tool](args, caller.value);
  return result.ok ? rpcOk({ content: [{ type: 'json', json: result.value }] }) : result;
}

function listResources(calling: Calling): RpcResult<unknown> {
  const { admission, resources } = calling.parts;
  if (resources === undefined) return unknownMethod;
  const caller = admission.admit('tools/list', calling.arrival, nameOf(calling));
  return caller.ok ? rpcOk({ resources: resources.list() }) : caller;
}

function readResource(calling: Calling): RpcResult<unknown> {
  const { admission, resources } = calling.parts;
  if (resources === undefined) return unknownMethod;
  const caller = admission.admit('tools/list', calling.arrival, nameOf(calling));
  if (!caller.ok) return caller;
  const uri = uriIn(calling.params) ?? uriIn(argumentsIn(calling.params));
  if (uri === undefined) return rpcFail('invalid_params', 'resources.read requires uri');
  const contents = resources.read(uri);
  return contents.ok ? rpcOk({ contents: contents.value }) : contents;
}

function argumentsIn(params: Json | undefined): Json | undefined {
  return isObject(params) ? member(params, 'arguments') : undefined;
}

function uriIn(params: Json | undefined): string | undefined {
  const uri = isObject(params) ? member(params, 'uri') : undefined;
  return typeof uri === 'string' ? uri : undefined;
}

function nameOf({ ids, id }: Calling): CorrelationIds & { readonly requestId: string } {
  return { ...ids, requestId: id };
}

function render({ id, result }: Served): { readonly text: string; readonly fault?: RpcFault } {
  if (!result.ok) return { text: renderFault(id, result.fault), fault: result.fault };
  const rendered = renderResult(id ?? 'null', result.value);
  return rendered.ok
    ? { text: rendered.value }
    : { text: renderFault(id, rendered.fault), fault: rendered.fault };
}

function reply(
  { server }: ScenarioSettings,
  ids: CorrelationIds,
  text: string,
  fault: RpcFault | undefined,
): RpcReply {
  const challenged = fault?.kind === 'unauthenticated' && server.auth.mode === 'bearer_token';
  return {
    status: fault === undefined ? 200 : (fault.status ?? rpcErrors[fault.kind].status),
    headers: {
      'x-server-correlation-id': ids.serverCorrelationId,
      ...(ids.correlationId === null ? {} : { 'x-correlation-id': ids.correlationId }),
      ...(challenged ? { 'www-authenticate': 'Bearer realm="decision-gate"' } : {}),
    },
    text,
  };
}
