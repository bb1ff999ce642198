import { type Operation, operations } from '@countersign/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { refuse } from './answer.ts';

/** An unknown path, or a known one with another method. */
export function notFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
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
  // A literal part wins over a parameter, so only the most literal rows count.
  const fewest = Math.min(...there.map(parametersIn));
  const rows = there.filter((operation) => parametersIn(operation) === fewest);
  const methods = new Set(rows.map((operation) => operation.method));
  reply.header(
    'allow',
    [...methods].flatMap((m) => (m === 'GET' ? ['GET', 'HEAD'] : [m])).join(', '),
  );
  if (
    request.method === 'OPTIONS' &&
    rows.every((operation) => operation.scope === 'none' || operation.scope === 'optional')
  ) {
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
export function shadowedPaths(): { readonly method: Operation['method']; readonly url: string }[] {
  const rows: readonly Operation[] = Object.values(operations);
  return rows
    .filter((row) => parametersIn(row) === 0)
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
    want.length === have.length &&
    want.every((part, at) => part.startsWith(':') || part === have[at])
  );
}

function parametersIn({ path }: Operation): number {
  return path.split(':').length - 1;
}
