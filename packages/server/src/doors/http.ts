import { createHmac, randomBytes } from 'node:crypto';
import {
  type ErrorCode,
  type ErrorEntry,
  errors,
  type Fault,
  fail,
  fieldError,
  limits,
  type Operation,
  type OperationName,
  ok,
  operations,
  parser,
  type Result,
} from '@countersign/contract';
import helmet from '@fastify/helmet';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { KeyStore, Principal } from '../service/ports.ts';
import { forbiddenNames, readBody } from './body.ts';
import type { Call, Handler, Reply } from './call.ts';
import { authenticate, authorize } from './credentials.ts';
import type { Metrics } from './metrics.ts';
import { queryReader } from './query.ts';
import { type Counted, RateLimits } from './rate-limits.ts';

export interface HttpOptions {
  readonly keys: KeyStore;
  readonly environment: 'test' | 'live';
  readonly rateLimits: boolean;
  readonly logger: FastifyBaseLogger;
  readonly metrics: Metrics;
  readonly now: () => number;
  readonly newRequestId: () => string;
  readonly handlers: Record<OperationName, Handler>;
  /** Refuses a request before its schema is looked at; for what a door forbids by name. */
  readonly screen: (operation: OperationName, body: unknown) => Fault | undefined;
  /** Whether an error says that the store did not answer. */
  readonly storeFailed: (error: unknown) => boolean;
}

const DECISION_ID = /^dec_[A-Za-z0-9_]{4,600}$/;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,300}$/;
const TOO_LONG_KEY = /^[\x21-\x7e]{301,}$/;
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;
const CLIENT_REQUEST_ID = /^[\x21-\x7e]{1,160}$/;
const DOCS_URL = '/openapi.json';

/** The HTTP server around all operations; `listen` and `inject` are fastify's. */
export function httpServer(options: HttpOptions): FastifyInstance {
  const app = Fastify({
    loggerInstance: options.logger,
    // One line per request is written where it ends, see `observe`.
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: 'request_id',
    }),
    genReqId: options.newRequestId,
    bodyLimit: limits.BODY_BYTES_MAX,
    routerOptions: { maxParamLength: 700, caseSensitive: true },
    requestTimeout: 30_000,
    keepAliveTimeout: 60_000,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    trustProxy: false,
    // A path that the router cannot read names nothing that is here.
    frameworkErrors: (error, request, reply) => {
      const code =
        error.code === 'FST_ERR_MAX_PARAM_LENGTH'
          ? 'DECIDE_DECISION_NOT_FOUND'
          : 'DECIDE_API_ROUTE_NOT_FOUND';
      refuse(request, reply, { code });
    },
  });
  app.removeAllContentTypeParsers();
  // Bodies stay bytes until method, size, media type, key and limits are settled.
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  void app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
  });
  const rateLimits = options.rateLimits ? new RateLimits() : undefined;
  for (const [name, operation] of Object.entries(operations) as [OperationName, Operation][]) {
    const answer = pipeline(name, operation, options, rateLimits);
    app.route({
      method: operation.method,
      url: operation.path,
      bodyLimit: name === 'verifyRecord' ? limits.VERIFY_BODY_BYTES_MAX : limits.BODY_BYTES_MAX,
      handler: async (request, reply) =>
        send(request, reply, operation, await answer(request, reply)),
    });
  }
  for (const { method, url } of shadowedPaths()) app.route({ method, url, handler: notFound });
  app.setNotFoundHandler((request, reply) => notFound(request, reply));
  app.setErrorHandler((error: { code?: string; statusCode?: number }, request, reply) => {
    const transport = TRANSPORT_FAULTS[error.code ?? ''];
    if (transport !== undefined) return refuse(request, reply, { code: transport });
    request.log.error({ err: error }, 'unforeseen');
    return refuse(request, reply, {
      code: options.storeFailed(error) ? 'DECIDE_STORAGE_UNAVAILABLE' : 'DECIDE_INTERNAL',
    });
  });
  endConnectionsOnClose(app);
  observe(app, options);
  return app;
}

/** While the server stops, a connection ends with the answer that it waits for: nobody keeps it from stopping. */
function endConnectionsOnClose(app: FastifyInstance): void {
  let closing = false;
  app.addHook('preClose', (done) => {
    closing = true;
    done();
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (closing) reply.header('connection', 'close');
    done(null, payload);
  });
}

const TRANSPORT_FAULTS: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'DECIDE_API_BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'DECIDE_API_INVALID_JSON',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'DECIDE_API_MEDIA_TYPE',
  FST_ERR_CTP_EMPTY_TYPE: 'DECIDE_API_MEDIA_TYPE',
};

/** The steps before a handler, in the order that the contract fixes; the first fault is the answer. */
function pipeline(
  name: OperationName,
  operation: Operation,
  options: HttpOptions,
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

interface Attributed extends FastifyRequest {
  /** Handle of the key that asked, for the log. */
  keyId?: string;
}

function hasBody(request: FastifyRequest): boolean {
  return Buffer.isBuffer(request.body) && request.body.length > 0;
}

type CallHeaders = Pick<Call, 'idempotencyKey' | 'view' | 'traceparent'>;

function readHeaders(request: FastifyRequest, operation: Operation): Result<CallHeaders> {
  const key = operation.idempotent ? request.headers['x-idempotency-key'] : undefined;
  const view = operation.view ? request.headers['x-decision-response-view'] : undefined;
  const traceparent = request.headers['traceparent'];
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
    traceparent:
      typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? traceparent : undefined,
  });
}

function limited(counted: Counted): Result<never> {
  return fail({
    code: 'DECIDE_API_RATE_LIMITED',
    retryAfterSeconds: Math.max(1, Math.ceil(counted.resetMs / 1000)),
  });
}

function send(
  request: FastifyRequest,
  reply: FastifyReply,
  operation: Operation,
  result: Result<Reply>,
): FastifyReply {
  if (operation.scope === 'none') reply.header('access-control-allow-origin', '*');
  if (!result.ok) return refuse(request, reply, result.fault);
  const { status, headers, text, contentType } = result.value;
  reply.code(status ?? operation.status);
  if (operation.scope !== 'none') reply.header('cache-control', 'no-store');
  reply.header('content-type', contentType ?? 'application/json; charset=utf-8');
  if (headers !== undefined) reply.headers(headers);
  return reply.send(text);
}

/** Answers a fault with the catalogue's status and message. Nothing of what the caller sent is repeated. */
function refuse(request: FastifyRequest, reply: FastifyReply, fault: Fault): FastifyReply {
  const entry: ErrorEntry = errors[fault.code];
  const status = fault.status ?? entry.status;
  reply.code(status);
  reply.header('cache-control', 'no-store');
  reply.header('content-type', 'application/json; charset=utf-8');
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="decide-api"');
  const soon = entry.retryable && (status === 503 || status === 409);
  const wait = fault.retryAfterSeconds ?? (soon ? 1 : undefined);
  if (wait !== undefined) reply.header('retry-after', wait);
  if (fault.headers !== undefined) reply.headers(fault.headers);
  return reply.send(
    JSON.stringify({
      ok: false,
      error: fault.code,
      message: entry.means,
      request_id: request.id,
      retryable: entry.retryable,
      ...(fault.fields === undefined ? {} : { errors: fault.fields }),
      docs_url: DOCS_URL,
      ...fault.more,
    }),
  );
}

/** An unknown path, or a known one with another method. */
function notFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = request.url.split('?')[0] ?? '';
  const there = (Object.values(operations) as Operation[]).filter((operation) =>
    matches(operation.path, path),
  );
  if (there.length === 0) {
    if (!request.server.hasRoute({ url: path, method: 'GET' })) {
      return refuse(request, reply, { code: 'DECIDE_API_ROUTE_NOT_FOUND' });
    }
    reply.header('allow', 'GET, HEAD');
    return refuse(request, reply, { code: 'DECIDE_API_METHOD_NOT_ALLOWED' });
  }
  // A static path wins over `:id`, so only the most literal rows count.
  const literal = there.filter((operation) => !operation.path.includes(':id'));
  const rows = literal.length > 0 ? literal : there;
  const methods = new Set(rows.map((operation) => operation.method));
  reply.header(
    'allow',
    [...methods].flatMap((m) => (m === 'GET' ? ['GET', 'HEAD'] : [m])).join(', '),
  );
  if (request.method === 'OPTIONS' && rows.every((operation) => operation.scope === 'none')) {
    reply.headers({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': [...methods].join(', '),
      'access-control-allow-headers': 'content-type',
    });
    return reply.code(204).send();
  }
  return refuse(request, reply, { code: 'DECIDE_API_METHOD_NOT_ALLOWED' });
}

/**
 * Literal paths that would be taken for an id under another method, since the router looks at one method at a time:
 * `GET /api/decision/verify` is no decision.
 */
function shadowedPaths(): { readonly method: Operation['method']; readonly url: string }[] {
  const rows: readonly Operation[] = Object.values(operations);
  return rows
    .filter(({ path }) => !path.includes(':id'))
    .flatMap(({ path: url }) =>
      rows
        .filter((row) => row.path !== url && matches(row.path, url))
        .filter(({ method }) => !rows.some((row) => row.path === url && row.method === method))
        .map(({ method }) => ({ method, url })),
    );
}

function matches(pattern: string, path: string): boolean {
  const want = pattern.split('/');
  const have = path.split('/');
  return (
    want.length === have.length && want.every((part, at) => part === ':id' || part === have[at])
  );
}

/** Request ids, one log line and one observation per request. Neither bodies nor keys nor addresses are logged. */
function observe(app: FastifyInstance, { metrics, environment }: HttpOptions): void {
  const salt = randomBytes(16);
  const addresses = new Map<string, string>();
  const hashed = (address: string): string => {
    const known = addresses.get(address);
    if (known !== undefined) return known;
    if (addresses.size > 10_000) addresses.clear();
    const hash = createHmac('sha256', salt).update(address).digest('hex').slice(0, 16);
    addresses.set(address, hash);
    return hash;
  };
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    const own = request.headers['x-request-id'];
    if (typeof own === 'string' && CLIENT_REQUEST_ID.test(own)) {
      reply.header('x-client-request-id', own);
    }
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unknown';
    metrics.requests.observe(
      { method: request.method, route, status: String(reply.statusCode) },
      reply.elapsedTime / 1000,
    );
    const traceparent = request.headers['traceparent'];
    request.log.info(
      {
        method: request.method,
        route,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 1000) / 1000,
        key: (request as Attributed).keyId,
        address: hashed(request.ip),
        environment,
        ...(typeof traceparent === 'string' && TRACEPARENT.test(traceparent)
          ? { trace_id: traceparent.slice(3, 35) }
          : {}),
      },
      'request',
    );
    done();
  });
}
