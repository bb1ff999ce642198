import { communication } from '@countersign/contract';
import type { FastifyReply } from 'fastify';
import type { Counted } from '../rate-limits.ts';

/** What a handler gives its door. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Of the request that the answer goes back to, where that is an earlier one. */
  readonly traceId?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const VERSION_HEADER = 'genius-version';
export const TRACE_HEADER = 'x-cosy-trace-id';

/** Headers that every answer of this door has. */
export function open(reply: FastifyReply, traceId: string): void {
  reply.headers({
    [VERSION_HEADER]: communication.API_VERSION,
    [TRACE_HEADER]: traceId,
    'cache-control': 'no-store',
    'content-type': 'application/json; charset=utf-8',
  });
}

/** What a counter says, on every answer that follows it. */
export function showCounted(reply: FastifyReply, counted: Counted, now: number): void {
  reply.headers({
    'x-ratelimit-limit': counted.limit,
    'x-ratelimit-remaining': counted.remaining,
    'x-ratelimit-reset': Math.ceil((now + counted.resetMs) / 1000),
  });
}

export function send(
  reply: FastifyReply,
  { status, text, headers, traceId }: Answer,
): FastifyReply {
  reply.code(status);
  if (traceId !== undefined) reply.header(TRACE_HEADER, traceId);
  if (headers !== undefined) reply.headers(headers);
  return reply.send(text);
}

/** Answers a fault in the catalogue's words, with the gate closed. */
export function refuse(
  reply: FastifyReply,
  fault: communication.GeniusFault,
  traceId: string,
): FastifyReply {
  const { status, retryable } = communication.geniusErrors[fault.code];
  const wait = fault.retryAfterSeconds ?? (retryable && status === 503 ? 1 : undefined);
  if (wait !== undefined) reply.header('retry-after', wait);
  reply.code(status);
  return reply.send(JSON.stringify(communication.geniusErrorBody(fault, traceId)));
}
