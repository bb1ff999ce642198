import {
  type ErrorCode,
  limits,
  type Operation,
  type OperationName,
  operations,
} from '@countersign/contract';
import helmet from '@fastify/helmet';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { refuse, send } from './answer.ts';
import type { Metrics } from './metrics.ts';
import { observe } from './observe.ts';
import { notFound, shadowedPaths } from './paths.ts';
import { type PipelineOptions, pipeline } from './pipeline.ts';
import { RateLimits } from './rate-limits.ts';

export interface HttpOptions extends PipelineOptions {
  readonly rateLimits: boolean;
  readonly logger: FastifyBaseLogger;
  readonly metrics: Metrics;
  readonly newRequestId: () => string;
  /** Whether an error says that the store did not answer. */
  readonly storeFailed: (error: unknown) => boolean;
  /** Doors that answer for unknown paths of their own; `undefined`: it is none of theirs. */
  readonly unknownPaths: readonly UnknownPath[];
}

export type UnknownPath = (
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<FastifyReply> | undefined;

/** Routes whose bodies may be larger than others. */
const BODY_BYTES: Partial<Record<OperationName, number>> = {
  verifyRecord: limits.VERIFY_BODY_BYTES_MAX,
  decideBatch: limits.BATCH_BODY_BYTES_MAX,
};

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
      bodyLimit: BODY_BYTES[name] ?? limits.BODY_BYTES_MAX,
      handler: async (request, reply) =>
        send(request, reply, operation, await answer(request, reply)),
    });
  }
  for (const { method, url } of shadowedPaths()) app.route({ method, url, handler: notFound });
  app.setNotFoundHandler((request, reply) => {
    for (const answer of options.unknownPaths) {
      const answered = answer(request, reply);
      if (answered !== undefined) return answered;
    }
    return notFound(request, reply);
  });
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
export function endConnectionsOnClose(app: FastifyInstance): void {
  let closing = false;
  app.addHook('preClose', (done) => {
    closing = true;
    done();
  });
  app.addHook('onSend', (request, reply, payload, done) => {
    // HTTP/2 has no such header; there the session says that it ends.
    if (closing && request.raw.httpVersionMajor === 1) reply.header('connection', 'close');
    done(null, payload);
  });
}

const TRANSPORT_FAULTS: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'DECIDE_API_BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'DECIDE_API_INVALID_JSON',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'DECIDE_API_MEDIA_TYPE',
  FST_ERR_CTP_EMPTY_TYPE: 'DECIDE_API_MEDIA_TYPE',
};
