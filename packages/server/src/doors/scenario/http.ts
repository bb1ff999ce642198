import type { TLSSocket } from 'node:tls';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Rpc, RpcArrival, RpcBody } from './arrival.ts';
import { subjectText } from './subject.ts';

export interface RpcRoute {
  readonly rpc: Rpc;
  /** How an answer is carried: as a body, or as the only event of a stream. */
  readonly transport: 'http' | 'sse';
  readonly maxBodyBytes: number;
}

/** Puts the scenario door on `POST /rpc`. Every answer of that route is a JSON-RPC response, whatever went wrong. */
export function mountRpc(app: FastifyInstance, { rpc, transport, maxBodyBytes }: RpcRoute): void {
  const answer = async (
    request: FastifyRequest,
    reply: FastifyReply,
    body: RpcBody,
  ): Promise<FastifyReply> => {
    const { status, headers, text } = await rpc(body, arrivalOf(request, transport));
    reply.code(status).headers(headers).header('cache-control', 'no-store');
    // Set where a body was too large; a connection of HTTP/2 goes on, and has no such header.
    if (request.raw.httpVersionMajor > 1) reply.removeHeader('connection');
    return transport === 'sse'
      ? reply.type('text/event-stream').send(`data: ${text}\n\n`)
      : reply.type('application/json').send(text);
  };
  app.route({
    method: 'POST',
    url: '/rpc',
    bodyLimit: maxBodyBytes,
    // What a body says of its own type decides nothing here, not even whether it is read.
    onRequest: (request, _reply, done) => {
      request.raw.headers['content-type'] = 'application/octet-stream';
      done();
    },
    handler: (request, reply) =>
      answer(request, reply, request.body instanceof Uint8Array ? request.body : new Uint8Array()),
    errorHandler: (error, request, reply) => {
      const body = UNREAD[error.code];
      if (body === undefined) throw error;
      void answer(request, reply, body);
    },
  });
  refuseOthers(app, '/rpc', ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'], 'POST');
}

/** What the door is told of a body that the transport gave up on. */
const UNREAD: Readonly<Record<string, RpcBody>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too_large',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: new Uint8Array(),
};

/** The two questions that a supervisor asks. Neither credentials nor limits apply to them. */
export function mountHealth(app: FastifyInstance, ready: () => Promise<boolean>): void {
  app.get('/healthz', (_request, reply) => reply.send({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) =>
    (await ready())
      ? reply.send({ status: 'ready' })
      : reply.code(503).send({ status: 'not_ready' }),
  );
  for (const path of ['/healthz', '/readyz']) {
    refuseOthers(app, path, ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'], 'GET, HEAD');
  }
}

function refuseOthers(
  app: FastifyInstance,
  url: string,
  method: readonly string[],
  allow: string,
): void {
  app.route({
    method: [...method],
    url,
    handler: (_request, reply) => reply.code(405).header('allow', allow).send(),
  });
}

function arrivalOf(request: FastifyRequest, transport: 'http' | 'sse'): RpcArrival {
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return {
    transport,
    peerIp: request.ip,
    headers,
    verifiedSubject: verifiedSubjectOf(request.raw.socket as Partial<TLSSocket>),
  };
}

/** The subject of a certificate that the TLS layer has accepted. */
function verifiedSubjectOf(socket: Partial<TLSSocket>): string | undefined {
  if (socket.authorized !== true) return undefined;
  const certificate = socket.getPeerX509Certificate?.();
  return certificate === undefined ? undefined : subjectText(certificate.subject);
}
