import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { TEST_CERTIFICATE, TEST_CERTIFICATE_KEY } from './tls-identity.ts';

export interface Received {
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly atMs: number;
}

/** What a receiver does with a request: answer, or take it and say nothing. */
export type Reply =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | 'hang';

export interface Receiver {
  readonly port: number;
  readonly url: string;
  readonly received: Received[];
  /** Connections accepted, whatever came over them. */
  readonly connections: () => number;
  close(): Promise<void>;
}

interface ReceiverOptions {
  readonly host?: string;
  readonly port?: number;
  readonly tls?: boolean;
}

/** A web server on a real socket that answers its n-th request (from 0) as told. */
export async function startReceiver(
  reply: (index: number, received: Received) => Reply,
  { host = '127.0.0.1', port = 0, tls = false }: ReceiverOptions = {},
): Promise<Receiver> {
  const received: Received[] = [];
  let connections = 0;
  const onRequest: http.RequestListener = (request, response) => {
    const chunks: Uint8Array[] = [];
    request.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    request.on('end', () => {
      const one = {
        headers: request.headers as Record<string, string>,
        body: Buffer.concat(chunks).toString(),
        atMs: performance.now(),
      };
      received.push(one);
      const answer = reply(received.length - 1, one);
      if (answer === 'hang') return;
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body ?? 'thank you');
    });
  };
  const server = tls
    ? https.createServer({ cert: TEST_CERTIFICATE, key: TEST_CERTIFICATE_KEY }, onRequest)
    : http.createServer(onRequest);
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((listening) => server.listen(port, host, listening));
  const bound = (server.address() as AddressInfo).port;
  return {
    port: bound,
    url: `${tls ? 'https' : 'http'}://${host}:${bound}/hook`,
    received,
    connections: () => connections,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
