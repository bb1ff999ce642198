import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that is asked about namespaces, for tests. */
export interface Authority {
  readonly url: string;
  /** What it was asked, oldest first. */
  readonly asked: readonly IncomingMessage[];
  /** Resolves at the next question. */
  next(): Promise<void>;
  close(): Promise<void>;
}

export async function openAuthority(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Authority> {
  const asked: IncomingMessage[] = [];
  let waiting: (() => void)[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
    for (const wake of waiting) wake();
    waiting = [];
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    next: () => new Promise((resolve) => waiting.push(resolve)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
