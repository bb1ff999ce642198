import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { discovery } from '@countersign/contract';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** Where the built pages are. */
export const PAGES_DIRECTORY: string = fileURLToPath(new URL('../../pages/', import.meta.url));

/** Pages load what this server serves, and nothing else; the verifier needs no connection at all. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Assets carry a hash of their content in their name. */
const ASSET_AGE_MS = 365 * 24 * 3600 * 1000;
const OFFLINE_VERIFIER = 'countersign-verifier.html';

export interface PagesOptions {
  /** Of the built pages. */
  readonly directory: string;
  readonly version: string;
  /** Name of the ledger. */
  readonly origin: string;
  readonly playground: boolean;
}

/** The pages for people, and the documents for programs that look around. */
export function pages(app: FastifyInstance, options: PagesOptions): void {
  const { directory, version, origin } = options;
  const open = (reply: FastifyReply): FastifyReply =>
    reply.header('access-control-allow-origin', '*').header('cache-control', 'public, max-age=60');
  const document = JSON.stringify(discovery(version, origin));
  app.get('/.well-known/decide.json', (_request, reply) =>
    open(reply).type('application/json; charset=utf-8').send(document),
  );

  const built = existsSync(join(directory, 'index.html'));
  const page = (url: string, file: string): void => {
    app.get(url, (_request, reply) => {
      if (!built) {
        return reply
          .code(503)
          .type('text/plain; charset=utf-8')
          .send('The pages are not built. Run `npm run build`, then start the server again.\n');
      }
      return reply
        .header('content-security-policy', PAGE_POLICY)
        .header('cache-control', 'no-cache')
        .sendFile(file);
    });
  };
  if (built) {
    void app.register(fastifyStatic, { root: directory, serve: false, cacheControl: false });
    void app.register(fastifyStatic, {
      root: join(directory, 'assets'),
      prefix: '/assets/',
      index: false,
      maxAge: ASSET_AGE_MS,
      immutable: true,
      decorateReply: false,
    });
  }
  page('/', 'index.html');
  page('/verify', 'verify.html');
  page('/demo', 'demo.html');
  if (options.playground) page('/playground', 'playground.html');
  app.get(`/${OFFLINE_VERIFIER}`, (_request, reply) =>
    built
      ? reply
          .header('content-disposition', `attachment; filename="${OFFLINE_VERIFIER}"`)
          .header('cache-control', 'no-cache')
          .sendFile(OFFLINE_VERIFIER)
      : reply.code(503).type('text/plain; charset=utf-8').send('The pages are not built.\n'),
  );
}
