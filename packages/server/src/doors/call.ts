import type { decide, Fault, OperationName, Result } from '@countersign/contract';
import type { Principal } from '../service/ports.ts';

/** One authenticated, parsed request, as a door's handler sees it. */
export interface Call {
  readonly operation: OperationName;
  readonly requestId: string;
  /** Value of `:id`; `''` on routes without one. */
  readonly id: string;
  /** All parameters of the path, `id` included. */
  readonly params: Readonly<Record<string, string>>;
  /** Parsed query parameters, of the types that the operation's schema names. */
  readonly query: Readonly<Record<string, unknown>>;
  /** Parsed, strict JSON that fits the operation's request schema, or its bytes; `undefined` without a body. */
  readonly body: unknown;
  /** Who asks; on public routes nobody. */
  readonly principal: Principal | undefined;
  readonly idempotencyKey: string | undefined;
  readonly view: decide.ResponseView | undefined;
  /** W3C trace context, if the caller sent a valid one. */
  readonly traceparent: string | undefined;
}

/** What goes back: JSON text, or plain text where `contentType` says so. */
export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text: string;
  readonly contentType?: string;
}

export type Handler = (call: Call) => Promise<Result<Reply, Fault>>;

/** Handlers of some of the operations. */
export type HandlersOf<Name extends OperationName> = Readonly<Record<Name, Handler>>;

/** Who asks, on a route that needs a key. */
export function principalOf(call: Call): Principal {
  if (call.principal === undefined) throw new Error(`${call.operation} without a principal`);
  return call.principal;
}

/** A JSON answer. */
export function json(value: unknown, status?: number): Reply {
  return { text: JSON.stringify(value), ...(status === undefined ? {} : { status }) };
}
