import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createDecideClient, type DecideClient, type DecideClientOptions } from '../src/index.ts';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What happens to one request. */
export type Step = (response: ServerResponse) => void;

/** A real server that does one step per request, the last one over and over. */
export interface Scripted {
  readonly url: string;
  readonly seen: readonly Seen[];
  play(...steps: readonly Step[]): void;
  close(): Promise<void>;
}

export async function openScripted(): Promise<Scripted> {
  let steps: readonly Step[] = [];
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => {
      body += part.toString();
    });
    request.on('end', () => {
      seen.push({
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body,
      });
      const step = steps[Math.min(seen.length, steps.length) - 1];
      if (step === undefined) response.destroy();
      else step(response);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    play(...next) {
      steps = next;
      seen.length = 0;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** Answers in JSON. */
export const answer =
  (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Step =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };

/** Refuses as the gate does. */
export const refuse = (
  status: number,
  error: string,
  retryable: boolean,
  headers: Readonly<Record<string, string>> = {},
): Step =>
  answer(
    status,
    { ok: false, error, message: `Refused: ${error}.`, request_id: 'req_1', retryable },
    headers,
  );

/** Ends the connection without an answer. */
export const reset: Step = (response) => {
  response.socket?.resetAndDestroy();
};

/** Promises more than it sends. */
export const truncated: Step = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' });
  response.write('{"verdict":"yes","decision_record_version":"decision_record_v1"');
  setTimeout(() => response.destroy(), 20);
};

/** Never answers. */
export const silent: Step = () => {};

export interface Waited {
  readonly client: DecideClient;
  /** How long it would have waited, in milliseconds. */
  readonly waits: readonly number[];
}

/** A client whose waits are noted instead of waited. */
export function impatient(
  baseUrl: string,
  options: Partial<DecideClientOptions> = {},
  random: () => number = () => 0.5,
): Waited {
  const waits: number[] = [];
  const sleep = async (ms: number): Promise<void> => {
    waits.push(ms);
  };
  const client = createDecideClient({
    baseUrl,
    apiKey: `decide_test_${'a'.repeat(43)}`,
    ...options,
    retry: { sleep, random, now: () => Date.UTC(2026, 0, 1), ...options.retry },
  });
  return { client, waits };
}
