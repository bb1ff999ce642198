import {
  type ErrorEntry,
  errors,
  type Fault,
  type Operation,
  type Result,
} from '@countersign/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Reply } from './call.ts';

const DOCS_URL = '/openapi.json';

/** Sends what a handler gave, or the fault that came before it. */
export function send(
  request: FastifyRequest,
  reply: FastifyReply,
  operation: Operation,
  result: Result<Reply>,
): FastifyReply {
  if (isPublic(operation)) reply.header('access-control-allow-origin', '*');
  if (!result.ok) return refuse(request, reply, result.fault);
  const { status, headers, text, contentType } = result.value;
  reply.code(status ?? operation.status);
  if (!isPublic(operation)) reply.header('cache-control', 'no-store');
  reply.header('content-type', contentType ?? 'application/json; charset=utf-8');
  if (headers !== undefined) reply.headers(headers);
  return reply.send(text);
}

/** Answers a fault with the catalogue's status and message. Nothing of what the caller sent is repeated. */
export function refuse(request: FastifyRequest, reply: FastifyReply, fault: Fault): FastifyReply {
  const entry: ErrorEntry = errors[fault.code];
  const status = statusOf(fault);
  reply.code(status);
  reply.header('cache-control', 'no-store');
  reply.header('content-type', 'application/json; charset=utf-8');
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="decide-api"');
  const soon = entry.retryable && (status === 503 || status === 409);
  const wait = fault.retryAfterSeconds ?? (soon ? 1 : undefined);
  if (wait !== undefined) reply.header('retry-after', wait);
  if (fault.headers !== undefined) reply.headers(fault.headers);
  return reply.send(errorText(fault, request.id));
}

/** The body of a refusal, with the catalogue's message. */
export function errorText(fault: Fault, requestId: string): string {
  const entry: ErrorEntry = errors[fault.code];
  return JSON.stringify({
    ok: false,
    error: fault.code,
    message: entry.means,
    request_id: requestId,
    retryable: entry.retryable,
    ...(fault.fields === undefined ? {} : { errors: fault.fields }),
    docs_url: DOCS_URL,
    ...fault.more,
  });
}

/** The status that a fault is answered with. */
export function statusOf(fault: Fault): number {
  return fault.status ?? errors[fault.code].status;
}

/** Whether anybody may read the answer, pages of other origins included. */
function isPublic({ scope }: Operation): boolean {
  return scope === 'none' || scope === 'optional';
}
