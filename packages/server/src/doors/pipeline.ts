import {
  type Fault,
  fail,
  fieldError,
  limits,
  type Operation,
  type OperationName,
  ok,
  parser,
  type Result,
} from '@countersign/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { KeyStore, Principal } from '../service/ports.ts';
import { forbiddenNames, readBody } from './body.ts';
import type { Call, Handler, Reply } from './call.ts';
import { authenticate, authorize } from './credentials.ts';
import type { Attributed } from './observe.ts';
import { queryReader } from './query.ts';
import type { Counted, RateLimits } from './rate-limits.ts';
import { readTraceparent } from './traceparent.ts';

export interface PipelineOptions {
  readonly keys: KeyStore;
  readonly environment: 'test' | 'live';
  readonly now: () => number;
  readonly handlers: Record<OperationName, Handler>;
  /** Refuses a request before its schema is looked at; for what a door forbids by name. */
  readonly screen: (operation: OperationName, body: unknown) => Fault | undefined;
}

const DECISION_ID = /^dec_[A-Za-z0-9_]{4,600}$/;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,300}$/;
const TOO_LONG_KEY = /^[\x21-\x7e]{301,}$/;
const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/** The steps before a handler, in the order that the contract fixes; the first fault is the answer. */
export function pipeline(
  name: OperationName,
  operation: Operation,
  options: PipelineOptions,
  rateLimits: RateLimits | undefined,
): (request: FastifyRequest, reply: FastifyReply) => Promise<Result<Reply>> {
  const readQuery = queryReader(operation);
  const parseRequest = operation.request === undefined ? undefined : parser(operation.request);
  const handler = options.handlers[name];
  const unauthorized =
    operation.errors.find((code) => code.endsWith('_UNAUTHORIZED')) ?? 'DECIDE_API_UNAUTHORIZED';
  const depthMax = name === 'verifyRecord' ? limits.VERIFY_BODY_DEPTH_MAX : limits.BODY_DEPTH_MAX;

  const identify = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<Result<Principal | undefined>> => {
    if (operation.scope === 'none') return ok(undefined);
    const tries = await rateLimits?.mayTry(request.ip);
    if (tries?.allowed === false) return limited(tries);
    const known = await authenticate(
      options.keys,
      request.headers,
      options.environment,
      options.now(),
    );
    if (known === undefined) await rateLimits?.countFailure(request.ip);
    const allowed = authorize(known, operation.scope, unauthorized);
    if (!allowed.ok) return allowed;
    if (known?.retiring === true) reply.header('x-api-key-state', 'retiring');
    const { origin, 'sec-fetch-site': site } = request.headers;
    if (options.environment === 'live' && (origin !== undefined || site !== undefined)) {
      return fail({ code: 'DECIDE_API_BROWSER_ORIGIN_FORBIDDEN' });
    }
    return allowed;
  };

  const admit = async (
    request: FastifyRequest,
    reply: FastifyReply,
    principal: Principal | undefined,
  ): Promise<Result<void>> => {
    if (rateLimits === undefined) return ok(undefined);
    const burst = operation.limit === 'decide' && options.environment === 'live';
    const counted = await rateLimits.count(principal?.keyId ?? request.ip, operation.limit, burst);
    reply.header('x-ratelimit-limit', counted.limit);
    reply.header('x-ratelimit-remaining', counted.remaining);
    reply.header('x-ratelimit-reset', Math.ceil((options.now() + counted.resetMs) / 1000));
    return counted.allowed ? ok(undefined) : limited(counted);
  };

  const read = (request: FastifyRequest): Result<unknown> => {
    if (parseRequest === undefined) return ok(undefined);
    const bytes = request.body;
    if (!Buffer.isBuffer(bytes) || bytes.length === 0) {
      return operation.bodyOptional === true
        ? ok(undefined)
        : fail({ code: 'DECIDE_API_INVALID_JSON' });
    }
    const body = readBody(bytes, depthMax);
    if (!body.ok) return body;
    const forbidden = name === 'verifyRecord' ? [] : forbiddenNames(body.value);
    if (forbidden.length > 0)
      return fail({ code: 'DECIDE_API_INVALID_REQUEST', fields: forbidden });
    const screened = options.screen(name, body.value);
    if (screened !== undefined) return fail(screened);
    const parsed = parseRequest(body.value);
    return parsed.ok ? body : fail({ code: 'DECIDE_API_INVALID_REQUEST', fields: parsed.fields });
  };

  return async (request, reply) => {
    if (hasBody(request) && !JSON_TYPE.test(request.headers['content-type'] ?? '')) {
      return fail({ code: 'DECIDE_API_MEDIA_TYPE' });
    }
    const principal = await identify(request, reply);
    if (!principal.ok) return principal;
    if (principal.value !== undefined) {
      (request as Attributed).keyId = principal.value.keyId;
    }
    const admitted = await admit(request, reply, principal.value);
    if (!admitted.ok) return admitted;
    const query = readQuery(request.query);
    if (!query.ok) return query;
    const id = (request.params as { readonly id?: string }).id ?? '';
    if (operation.path.includes(':id') && !DECISION_ID.test(id)) {
      return fail({ code: 'DECIDE_DECISION_NOT_FOUND' });
    }
    const headers = readHeaders(request, operation);
    if (!headers.ok) return headers;
    const body = read(request);
    if (!body.ok) return body;
    const call: Call = {
      operation: name,
      requestId: request.id,
      id,
      query: query.value,
      body: body.value,
      principal: principal.value,
      ...headers.value,
    };
    return handler(call);
  };
}

function hasBody(request: FastifyRequest): boolean {
  return Buffer.isBuffer(request.body) && request.body.length > 0;
}

type CallHeaders = Pick<Call, 'idempotencyKey' | 'view' | 'traceparent'>;

function readHeaders(request: FastifyRequest, operation: Operation): Result<CallHeaders> {
  const key = operation.idempotent ? request.headers['x-idempotency-key'] : undefined;
  const view = operation.view ? request.headers['x-decision-response-view'] : undefined;
  const wrong = (name: string): Result<CallHeaders> =>
    fail({
      code: 'DECIDE_API_INVALID_HEADER',
      fields: [fieldError(`/${name}`, 'invalid_value')],
    });
  if (typeof key === 'string' && TOO_LONG_KEY.test(key)) {
    return fail({
      code: 'DECIDE_API_INVALID_REQUEST',
      fields: [fieldError('/x-idempotency-key', 'too_long')],
    });
  }
  if (key !== undefined) {
    // Node joins a repeated header with a comma and a space, and a space is not allowed in a key.
    if (typeof key !== 'string' || !IDEMPOTENCY_KEY.test(key)) return wrong('x-idempotency-key');
  }
  if (view !== undefined && view !== 'minimal' && view !== 'standard' && view !== 'full') {
    return wrong('x-decision-response-view');
  }
  return ok({
    idempotencyKey: key,
    view,
    traceparent: readTraceparent(request.headers['traceparent']),
  });
}

function limited(counted: Counted): Result<never> {
  return fail({
    code: 'DECIDE_API_RATE_LIMITED',
    retryAfterSeconds: Math.max(1, Math.ceil(counted.resetMs / 1000)),
  });
}
