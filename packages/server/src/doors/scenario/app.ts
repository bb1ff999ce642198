import type { TLSSocket } from 'node:tls';
import Fastify, { type FastifyInstance } from 'fastify';
import type { ScenarioSettings } from '../../service/scenario/settings.ts';
import { endConnectionsOnClose } from '../http.ts';
import type { Rpc } from './arrival.ts';
import { mountHealth, mountRpc } from './http.ts';
import type { ScenarioMetrics } from './metrics.ts';
import { tlsOptions } from './tls.ts';

export interface ScenarioAppParts {
  readonly rpc: Rpc;
  readonly ready: () => Promise<boolean>;
  /** Absent: not served. */
  readonly metrics?: ScenarioMetrics | undefined;
}

/** An HTTP server that is the scenario door and what its operators need. */
export function scenarioApp(
  { server }: ScenarioSettings,
  { rpc, ready, metrics }: ScenarioAppParts,
): FastifyInstance {
  const app = server.tls === undefined ? Fastify(OPTIONS) : secureApp(server.tls);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setNotFoundHandler((_request, reply) => reply.code(404).send());
  const transport = server.transport === 'sse' ? 'sse' : 'http';
  mountRpc(app, { rpc, transport, maxBodyBytes: server.maxBodyBytes });
  mountHealth(app, ready);
  if (metrics !== undefined) {
    app.get('/metrics', async (_request, reply) =>
      reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
    );
  }
  endConnectionsOnClose(app);
  return app;
}

const OPTIONS = {
  requestTimeout: 30_000,
  keepAliveTimeout: 60_000,
  forceCloseConnections: 'idle',
  return503OnClosing: false,
  trustProxy: false,
} as const;

function secureApp(settings: NonNullable<ScenarioSettings['server']['tls']>): FastifyInstance {
  const app = Fastify({ ...OPTIONS, http2: true, https: tlsOptions(settings) });
  // A certificate is optional where the settings say so; one that is shown and does not hold never is.
  app.server.on('secureConnection', (socket: TLSSocket) => {
    const shown = socket.getPeerX509Certificate() !== undefined;
    if (settings.clientCaPath !== undefined && shown && !socket.authorized) socket.destroy();
  });
  // The types tell the two servers apart; routes see the same requests and replies of either.
  return app as unknown as FastifyInstance;
}
