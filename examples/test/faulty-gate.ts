import { createServer, type IncomingHttpHeaders, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What is done to one decide request instead of passing it on and its answer back. */
export type Fault =
  /** The gate never sees it. */
  | { readonly status: number; readonly body: string; readonly headers?: Record<string, string> }
  /** The gate answers, and then the connection breaks. */
  | 'reset_after_stored'
  /** The gate's answer arrives changed. */
  | ((text: string) => string);

export interface SeenDecide {
  readonly headers: IncomingHttpHeaders;
  /** What the gate itself answered, where it was asked. */
  readonly answered: string | undefined;
}

/** A real proxy in front of a real gate. Everything but decide requests passes. */
export interface FaultyGate {
  readonly url: string;
  readonly decides: readonly SeenDecide[];
  /** One fault per decide request; after the last one they pass again. */
  play(...faults: readonly Fault[]): void;
  close(): Promise<void>;
}

export async function openFaultyGate(upstream: string): Promise<FaultyGate> {
  const decides: SeenDecide[] = [];
  let faults: Fault[] = [];
  const server = createServer((request, response) => {
    const isDecide = request.method === 'POST' && request.url === '/api/decide';
    const fault = isDecide ? faults.shift() : undefined;
    if (typeof fault === 'object') {
      decides.push({ headers: request.headers, answered: undefined });
      request.resume();
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
      response.end(fault.body);
      return;
    }
    const { host: _, connection: __, ...headers } = request.headers;
    const onward = send(
      new URL(request.url ?? '/', upstream),
      { method: request.method ?? 'GET', headers },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString('utf8');
          if (isDecide) decides.push({ headers: request.headers, answered: text });
          if (fault === 'reset_after_stored') {
            request.socket.resetAndDestroy();
            return;
          }
          const { 'content-length': ___, 'transfer-encoding': ____, ...rest } = answer.headers;
          response.writeHead(answer.statusCode ?? 500, rest);
          response.end(fault === undefined ? text : fault(text));
        });
      },
    );
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    decides,
    play(...next) {
      faults = [...next];
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
