import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { notConnected } from './http-upstream.ts';
import { drained, LINE_BYTES_MAX } from './lines.ts';
import {
  errorMessage,
  readClientMessage,
  readServerAnswer,
  type ServerAnswer,
  type ToolCall,
} from './message.ts';
import { Receipts } from './receipts.ts';
import { refusalResult } from './refusal.ts';
import type { Permit } from './report.ts';
import { SseReader } from './sse.ts';
import type { ToolGate } from './tool-gate.ts';

export interface ListenerOptions {
  /** A loopback address. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly upstreamUrl: string;
  /** Sent to the server behind with every request, in place of the client's own of the same name. */
  readonly upstreamHeaders: Readonly<Record<string, string>>;
  readonly gate: Pick<ToolGate, 'admit' | 'answered' | 'isMapped' | 'settle'>;
  readonly allowUnmapped: ReadonlySet<string>;
}

export interface Listener {
  readonly url: string;
  close(): Promise<void>;
}

/** Headers of one connection, which the next has of its own (RFC 9110 §7.6.1), and of the form of a body within it. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** A permitted call on its way, and what becomes of it. */
interface Permitted {
  readonly call: ToolCall;
  readonly permit: Permit;
  settled: boolean;
}

/**
 * Stands in front of a server that speaks Streamable HTTP: requests and answers pass with their bytes and headers, a
 * tool call once it is permitted, and its answer once it is on record.
 */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const { gate, allowUnmapped, upstreamUrl, upstreamHeaders } = options;
  const receipts = new Receipts();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const stranger = strangerTo(request);
    if (stranger !== undefined) return reply(response, 403, errorMessage(null, -32_000, stranger));
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    if (request.method !== 'POST') return pass(request, response, undefined, gone.signal);
    const body = await readBody(request);
    if (body === undefined) {
      return reply(response, 413, errorMessage(null, -32_600, 'The message is too long'));
    }
    const message = readClientMessage(body);
    if (message.kind === 'refused') {
      return reply(response, 400, errorMessage(message.id, message.code, message.text));
    }
    if (message.kind !== 'call') return pass(request, response, body, gone.signal);
    const { call } = message;
    if (allowUnmapped.has(call.tool) && !gate.isMapped(call.tool)) {
      return pass(request, response, body, gone.signal);
    }
    const admission = await gate.admit(call);
    if (!admission.ok) {
      const result = refusalResult(admission.refusal, call);
      return reply(response, 200, JSON.stringify({ jsonrpc: '2.0', id: call.id, result }));
    }
    const { permit } = admission;
    if (gone.signal.aborted) {
      return receipts.wait(gate.settle(permit, { kind: 'unsent', code: 'CANCELLED' }));
    }
    const permitted: Permitted = { call, permit, settled: false };
    try {
      await pass(request, response, body, gone.signal, permitted);
    } finally {
      if (!permitted.settled) await settle(permitted, { kind: 'lost' });
    }
  }

  function settle(
    permitted: Permitted,
    settlement: Parameters<ToolGate['settle']>[1],
  ): Promise<void> {
    permitted.settled = true;
    return receipts.wait(gate.settle(permitted.permit, settlement));
  }

  async function pass(
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer | undefined,
    signal: AbortSignal,
    permitted?: Permitted,
  ): Promise<void> {
    let answered: Response;
    try {
      answered = await fetch(upstreamUrl, {
        method: request.method ?? 'GET',
        headers: {
          ...headersOf(request),
          // As the body was read here, so it is to be read there.
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...upstreamHeaders,
          'accept-encoding': 'identity',
        },
        ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
        redirect: 'manual',
        signal,
      });
    } catch (error) {
      if (signal.aborted) return;
      if (permitted !== undefined && notConnected(error) !== undefined) {
        await settle(permitted, { kind: 'unsent', code: 'UPSTREAM_UNREACHABLE' });
      }
      const text = 'The server behind cannot be reached';
      return reply(response, 502, errorMessage(permitted?.call.id ?? null, -32_603, text));
    }
    // Pairs rather than an object: a server may set several cookies.
    const headers = [...answered.headers].filter(([name]) => !HOP_BY_HOP.has(name));
    response.writeHead(answered.status, headers.flat());
    response.flushHeaders();
    const observe = observer(permitted, answered.headers.get('content-type') ?? '');
    for await (const chunk of answered.body ?? []) {
      const found = observe(chunk);
      if (found !== undefined && permitted?.settled === false) {
        await settle(permitted, { kind: 'answered', answer: found });
      }
      if (!response.write(chunk)) await drained(response, signal);
    }
    response.end();
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await receipts.settled();
    },
  };
}

/** Watches the bytes of a response for the answer to a call. The piece that completes it is told before it goes on. */
function observer(
  permitted: Permitted | undefined,
  contentType: string,
): (chunk: Uint8Array) => ServerAnswer | undefined {
  if (permitted === undefined) return () => undefined;
  const id = JSON.stringify(permitted.call.id);
  const answerIn = (text: string): ServerAnswer | undefined => {
    const answer = readServerAnswer(text);
    return answer !== undefined && JSON.stringify(answer.id) === id ? answer : undefined;
  };
  if (contentType.toLowerCase().startsWith('text/event-stream')) {
    const reader = new SseReader();
    return (chunk) =>
      reader
        .read(chunk)
        .map(({ data }) => answerIn(data))
        .find((answer) => answer !== undefined);
  }
  const decoder = new TextDecoder();
  let text = '';
  return (chunk) => {
    text += decoder.decode(chunk, { stream: true });
    return text.trimEnd().endsWith('}') ? answerIn(text) : undefined;
  };
}

/** Why a request is none of a program on this machine: a page can be made to send one under a foreign name. */
function strangerTo({ headers: { host, origin } }: IncomingMessage): string | undefined {
  if (!LOOPBACK_NAMES.has(URL.parse(`http://${host}`)?.hostname ?? '')) return 'Invalid Host';
  if (origin === undefined) return undefined;
  return LOOPBACK_NAMES.has(URL.parse(origin)?.hostname ?? '') ? undefined : 'Invalid Origin';
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]): [string, string][] =>
      value === undefined || HOP_BY_HOP.has(name)
        ? []
        : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > LINE_BYTES_MAX) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function reply(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(text);
}
