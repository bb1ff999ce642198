import { createHmac, randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Metrics } from './metrics.ts';
import { readTraceparent } from './traceparent.ts';

const CLIENT_REQUEST_ID = /^[\x21-\x7e]{1,160}$/;

export interface Attributed extends FastifyRequest {
  /** Handle of the key that asked, for the log. */
  keyId?: string;
}

/** Request ids, one log line and one observation per request. Neither bodies nor keys nor addresses are logged. */
export function observe(
  app: FastifyInstance,
  { metrics, environment }: { readonly metrics: Metrics; readonly environment: 'test' | 'live' },
): void {
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
    const traceparent = readTraceparent(request.headers['traceparent']);
    request.log.info(
      {
        method: request.method,
        route,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 1000) / 1000,
        key: (request as Attributed).keyId,
        address: hashed(request.ip),
        environment,
        ...(traceparent === undefined ? {} : { trace_id: traceparent.slice(3, 35) }),
      },
      'request',
    );
    done();
  });
}
