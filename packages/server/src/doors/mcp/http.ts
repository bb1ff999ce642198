import { isUtf8 } from 'node:buffer';
import type { Readable, Writable } from 'node:stream';
import {
  createMcpHandler,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  validateHostHeader,
  validateOriginHeader,
} from '@modelcontextprotocol/server';
import { type StdioServerHandle, serveStdio } from '@modelcontextprotocol/server/stdio';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Resources } from '../scenario/door.ts';
import { communicationTools } from './communication-tools.ts';
import { parseExact } from './exact-json.ts';
import { BODY_BYTES_MAX, BODY_DEPTH_MAX } from './limits.ts';
import { type AskRoute, operationTools } from './operation-tools.ts';
import { type Arrival, protocolServers } from './protocol.ts';
import { type ScenarioTools, scenarioTools } from './scenario-tools.ts';
import { LineTransport } from './stdio.ts';

export interface McpParts {
  readonly version: string;
  readonly environment: 'test' | 'live';
  readonly scenario: ScenarioTools & { readonly resources: Resources | undefined };
  readonly unforeseen: (error: unknown) => void;
}

/** The tools of all doors for standard MCP clients. */
export interface McpDoor {
  /** Serves one client on a pair of streams; `key` and `actor` are what its calls are made with. */
  serveStdio(streams: McpStreams): StdioServerHandle;
}

export interface McpStreams {
  readonly input: Readable;
  readonly output: Writable;
  readonly key?: string | undefined;
  /** The actor that calls of the communication door are made by. */
  readonly actor?: { readonly id: string; readonly token: string } | undefined;
  /** Told once the input has ended or either stream has failed. */
  readonly onClose?: () => void;
}

const METHODS = ['GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS'];
const HOSTS = localhostAllowedHostnames();
const ORIGINS = localhostAllowedOrigins();

/** Puts the tools on `/mcp`, without sessions: every request stands for itself and may reach another process. */
export function mountMcp(app: FastifyInstance, parts: McpParts): McpDoor {
  const ask = routesOf(app);
  const tools = new Map([
    ...scenarioTools(parts.scenario),
    ...operationTools(ask),
    ...communicationTools(ask),
  ]);
  const { scenario } = parts;
  const { resources } = scenario;
  const documents = resources === undefined ? undefined : { ...scenario, resources };
  const serverFor = protocolServers({ ...parts, tools, documents });
  const arrivals = new WeakMap<Request, Arrival>();
  const handler = createMcpHandler(
    ({ requestInfo }) => {
      const arrival = requestInfo && arrivals.get(requestInfo);
      if (arrival === undefined) throw new Error('a request of unknown origin');
      return serverFor(arrival);
    },
    // What a client does wrong is answered; it is nothing to look into here.
    { maxRequestBodySize: BODY_BYTES_MAX, onerror: () => undefined },
  );
  app.addHook('preClose', () => handler.close());

  app.route({
    method: METHODS,
    url: '/mcp',
    bodyLimit: BODY_BYTES_MAX,
    async handler(request, reply) {
      const refusal = rebound(request, parts.environment);
      if (refusal !== undefined) return refuse(reply, 403, -32_000, refusal);
      const body = request.method === 'POST' ? readBody(request.body) : undefined;
      if (body?.ok === false) return refuse(reply, 400, body.code, body.message);
      const asked = webRequest(request, reply);
      arrivals.set(asked, {
        transport: 'http',
        peerIp: request.ip,
        headers: headersOf(request),
      });
      const response = await handler.fetch(asked, body && { parsedBody: body.value });
      if (response.status === 405) reply.header('allow', 'POST');
      return reply.header('cache-control', 'no-store').send(response);
    },
  });

  return {
    serveStdio({ input, output, key, actor, onClose }) {
      const headers = {
        ...(key === undefined ? {} : { 'x-api-key': key }),
        ...(actor === undefined
          ? {}
          : { 'x-cosy-actor-id': actor.id, 'x-cosy-actor-token': actor.token }),
      };
      const transport = new LineTransport(input, output, onClose);
      return serveStdio(() => serverFor({ transport: 'stdio', peerIp: null, headers }), {
        transport,
        onerror: () => undefined,
      });
    },
  };
}

/** Asks a route of this server without a socket; every check of the route applies. */
function routesOf(app: FastifyInstance): AskRoute {
  return async ({ method, url, headers, body, peerIp }) => {
    const answer = await app.inject({
      method,
      url,
      headers,
      ...(body === undefined ? {} : { payload: body }),
      remoteAddress: peerIp ?? '127.0.0.1',
    });
    return { status: answer.statusCode, headers: answer.headers, text: answer.payload };
  };
}

/**
 * A page in a browser on this machine can be made to send requests here, under a name that its server has let point to
 * this address. Its origin gives it away; in development mode, which is for this machine only, so does the name.
 */
function rebound(request: FastifyRequest, environment: 'test' | 'live'): string | undefined {
  const { host, origin } = request.headers;
  const from = validateOriginHeader(origin, ORIGINS);
  if (!from.ok) return from.message;
  if (environment === 'live') return undefined;
  const to = validateHostHeader(host, HOSTS);
  return to.ok ? undefined : to.message;
}

type Body =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: number; readonly message: string };

/** One strict JSON message. Batches belong to a revision of the protocol that is not spoken here. */
function readBody(bytes: unknown): Body {
  if (!Buffer.isBuffer(bytes) || !isUtf8(bytes)) return unreadable;
  const parsed = parseExact(bytes.toString('utf8'), BODY_DEPTH_MAX);
  if (!parsed.ok) return unreadable;
  return Array.isArray(parsed.value)
    ? { ok: false, code: -32_600, message: 'Batches are not served' }
    : parsed;
}

const unreadable: Body = {
  ok: false,
  code: -32_700,
  message: 'The body is no strict JSON: UTF-8, no member twice',
};

function refuse(reply: FastifyReply, status: number, code: number, message: string): FastifyReply {
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .type('application/json')
    .send(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }));
}

/** The request as the protocol package takes it; its body is handed over parsed. */
function webRequest(request: FastifyRequest, reply: FastifyReply): Request {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return new Request(`http://${request.headers.host ?? 'localhost'}/mcp`, {
    method: request.method,
    headers: Object.entries(headersOf(request)).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, value]],
    ),
    signal: gone.signal,
  });
}

function headersOf({ headers }: FastifyRequest): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : value,
    ]),
  );
}
