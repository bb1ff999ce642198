import {
  fail,
  fieldError,
  limits,
  type Operation,
  type OperationName,
  ok,
  PARAMETERS,
  type Result,
} from '@countersign/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { KEY_SCOPES, type KeyStore, type Principal } from '../service/ports.ts';
import { forbiddenNames, readBody } from './body.ts';
import { bodyCheck, type Screen } from './body-check.ts';
import type { Call, Handler, Reply } from './call.ts';
import { authenticate, authorize } from './credentials.ts';
import { type CapOptions, isCapped, withinCap } from './monthly-cap.ts';
import type { Attributed } from './observe.ts';
import { queryReader } from './query.ts';
import type { Counted, RateLimits } from './rate-limits.ts';
import { readTraceparent } from './traceparent.ts';

export interface PipelineOptions extends CapOptions {
  readonly keys: KeyStore;
  readonly environment: 'test' | 'live';
  readonly handlers: Record<OperationName, Handler>;
  readonly screen: Screen;
}

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,300}$/;
const TOO_LONG_KEY = /^[\x21-\x7e]{301,}$/;
const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

/** Routes whose handlers get the bytes of the body: they are read and checked in another thread. */
const RAW: ReadonlySet<OperationName> = new Set(['verifyRecord']);

/** Routes whose bodies may nest deeper than others. */
const BODY_DEPTHS: Partial<Record<OperationName, number>> = {
  decideBatch: limits.BATCH_BODY_DEPTH_MAX,
};

/** The steps before a handler, in the order that the contract fixes; the first fault is the answer. */
export function pipeline(
  name: OperationName,
  operation: Operation,
  options: PipelineOptions,
  rateLimits: RateLimits | undefined,
): (request: FastifyRequest, reply: FastifyReply) => Promise<Result<Reply>> {
  const readQuery = queryReader(operation);
  const faultOf = bodyCheck(name, operation, options.screen);
  const { scope, orScope } = operation;
  const scopes = KEY_SCOPES.filter((one) => one === scope || one === orScope);
  const parameters = [...operation.path.matchAll(/:(\w+)/g)].map(([, parameter]) => parameter);
  const missing =
    operation.errors.find((code) => code.endsWith('_NOT_FOUND')) ?? 'DECIDE_API_ROUTE_NOT_FOUND';
  const handler = options.handlers[name];
  const unauthorized =
    operation.errors.find((code) => code.endsWith('_UNAUTHORIZED')) ?? 'DECIDE_API_UNAUTHORIZED';
  const depthMax = BODY_DEPTHS[name] ?? limits.BODY_DEPTH_MAX;

  const identify = async (
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<Result<Principal | undefined>> => {
    if (scope === 'none') return ok(undefined);
    if (scope === 'optional' && !presentsKey(request.headers)) return ok(undefined);
    const tries = await rateLimits?.mayTry(request.ip);
    if (tries?.allowed === false) return limited(tries);
    const known = await authenticate(
      options.keys,
      request.headers,
      options.environment,
      options.now(),
    );
    if (known === undefined) await rateLimits?.countFailure(request.ip);
    const allowed = authorize(known, scope === 'optional' ? KEY_SCOPES : scopes, unauthorized);
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
    if (operation.request === undefined) return ok(undefined);
    const bytes = request.body;
    if (!Buffer.isBuffer(bytes) || bytes.length === 0) {
      return operation.bodyOptional === true
        ? ok(undefined)
        : fail({ code: 'DECIDE_API_INVALID_JSON' });
    }
    if (RAW.has(name)) return ok(bytes);
    const body = readBody(bytes, depthMax);
    if (!body.ok) return body;
    const forbidden = forbiddenNames(body.value);
    if (forbidden.length > 0)
      return fail({ code: 'DECIDE_API_INVALID_REQUEST', fields: forbidden });
    const fault = faultOf(body.value);
    return fault === undefined ? body : fail(fault);
  };

  const capped = isCapped(operation);

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
    const run = (): Promise<Result<Reply>> => answer(request, principal.value);
    return capped && principal.value !== undefined
      ? withinCap(options, { principal: principal.value, reply }, run)
      : run();
  };

  async function answer(
    request: FastifyRequest,
    principal: Principal | undefined,
  ): Promise<Result<Reply>> {
    const query = readQuery(request.query);
    if (!query.ok) return query;
    const params = request.params as Readonly<Record<string, string>>;
    for (const parameter of parameters) {
      const form = PARAMETERS[parameter as keyof typeof PARAMETERS];
      if (!form.test(params[parameter ?? ''] ?? '')) return fail({ code: missing });
    }
    const headers = readHeaders(request, operation);
    if (!headers.ok) return headers;
    const body = read(request);
    if (!body.ok) return body;
    const call: Call = {
      operation: name,
      requestId: request.id,
      id: params['id'] ?? '',
      params,
      query: query.value,
      body: body.value,
      principal,
      ...headers.value,
    };
    return handler(call);
  }
}

function presentsKey(headers: FastifyRequest['headers']): boolean {
  return headers['x-api-key'] !== undefined || headers['authorization'] !== undefined;
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
