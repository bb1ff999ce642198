import { setTimeout as sleep } from 'node:timers/promises';
import { isMembers, type Members } from '@countersign/proof';
import { errorMessage, readServerAnswer } from './message.ts';
import { Cancelled, Unsent, type Upstream } from './relay.ts';
import { eventsOf } from './sse.ts';

export interface HttpUpstreamOptions {
  readonly url: string;
  /** Sent with every request; credentials for the server behind. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the server sends, message by message. */
  readonly onMessage: (line: Buffer) => Promise<void>;
  readonly alert: (text: string) => void;
}

export interface HttpUpstream extends Upstream {
  /** Ends everything that is under way, and then the session. */
  stop(): Promise<void>;
}

/** Codes of failures in which no byte of the request can have been read. */
const NOT_CONNECTED: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';
/** Where the name is that a request is about. */
const NAMES: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};
/** Before a broken stream is taken up again, unless the server says otherwise. */
const RETRY_MS = 1_000;
/** Times that a stream is taken up again without an event in between. */
const RETRIES_MAX = 5;
/** For the server to take note that the session is over, in milliseconds. */
const FAREWELL_MS = 2_000;

/** Why `fetch` failed, if it was before anything was sent: then the request certainly did not arrive. */
export function notConnected(error: unknown): string | undefined {
  const code = (error as { cause?: { code?: unknown } }).cause?.code;
  return NOT_CONNECTED.has(code) ? String(code) : undefined;
}

/** A server behind the proxy that speaks Streamable HTTP. Bodies are the client's own bytes. */
export function httpUpstream(options: HttpUpstreamOptions): HttpUpstream {
  const { url, alert } = options;
  const stopped = new AbortController();
  let session: string | undefined;
  let version: string | undefined;
  let retryMs = RETRY_MS;
  /** Requests under way that are cancelled by hanging up, by the text of their ids. */
  const hangUps = new Map<string, AbortController>();

  /** On a stream a message is a line; what ends one within JSON text is white space. */
  const onMessage = (text: string): Promise<void> =>
    options.onMessage(Buffer.from(text.replaceAll(/[\r\n]/g, ' ')));
  const headersFor = (message: Members | undefined): Record<string, string> => ({
    ...options.headers,
    ...(session === undefined ? {} : { 'mcp-session-id': session }),
    ...(version === undefined ? {} : { 'mcp-protocol-version': version }),
    ...namedBy(message),
  });
  const request = async (init: RequestInit): Promise<Response> => {
    const { signal } = stopped;
    try {
      return await fetch(url, { redirect: 'manual', signal, ...init });
    } catch (error) {
      const code = notConnected(error);
      if (code !== undefined) throw new Unsent(code, { cause: error });
      throw error;
    }
  };

  /** Passes the events of a stream on, and takes it up again where it breaks, until the answer to `asked` has come. */
  async function follow(
    first: Response,
    asked: Members | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    const id = asked?.['id'];
    let response: Response | undefined = first;
    let last: string | undefined;
    for (let retries = 0; retries <= RETRIES_MAX && !signal.aborted; retries += 1) {
      try {
        const body = response?.body ?? undefined;
        for await (const event of body === undefined ? [] : eventsOf(body, waitFor)) {
          if (event.id !== undefined) last = event.id;
          retries = 0;
          if (event.data === '') continue;
          const answered = id !== undefined && isAnswerTo(id, event.data);
          if (answered && asked?.['method'] === 'initialize') version = negotiatedIn(event.data);
          await onMessage(event.data);
          if (answered) return true;
        }
      } catch {
        // The stream broke: the same as an end before the answer.
      }
      // The answer to a request can be asked for again only where the server numbers its events.
      if (last === undefined && id !== undefined) return false;
      try {
        await sleep(retryMs, undefined, { signal });
        response = await request({
          signal,
          headers: {
            ...headersFor(undefined),
            accept: 'text/event-stream',
            ...(last === undefined ? {} : { 'last-event-id': last }),
          },
        });
        if (!response.ok) return false;
      } catch {
        response = undefined;
      }
    }
    return false;
  }

  function waitFor(ms: number): void {
    retryMs = ms;
  }

  /** Messages that the server sends by itself, if it has a stream for them. */
  async function listen(): Promise<void> {
    const response = await request({
      headers: { ...headersFor(undefined), accept: 'text/event-stream' },
    });
    if (response.ok) await follow(response, undefined, stopped.signal);
    else await response.body?.cancel();
  }

  async function receive(response: Response, message: Members, signal: AbortSignal): Promise<void> {
    const asked = message['method'] === undefined ? undefined : message;
    const id = asked?.['id'];
    const type = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
    if (response.ok && type === 'text/event-stream') {
      if (!(await follow(response, asked, signal)) && id !== undefined) throw new Lost();
      return;
    }
    const text = await response.text();
    if (id === undefined) return;
    if (isAnswerTo(id, text)) {
      if (message['method'] === 'initialize') version = negotiatedIn(text);
      return onMessage(text);
    }
    if (response.ok || (typeof id !== 'string' && typeof id !== 'number')) throw new Lost();
    const said = `The server behind answered with status ${response.status}`;
    await onMessage(errorMessage(id, -32_603, said));
  }

  async function exchange(line: Buffer, message: Members): Promise<void> {
    const isHandshake = message['method'] === 'initialize';
    if (isHandshake) session = undefined;
    const key = JSON.stringify(message['id']);
    const named = namedBy(message);
    const hangUp = new AbortController();
    // The older revision cancels with a message, and takes hanging up for an accident.
    if (key !== undefined && named['mcp-method'] !== undefined) hangUps.set(key, hangUp);
    const signal = AbortSignal.any([stopped.signal, hangUp.signal]);
    try {
      const response = await request({
        method: 'POST',
        headers: {
          ...headersFor(message),
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: line as Uint8Array<ArrayBuffer>,
        signal,
      });
      if (isHandshake && response.ok) session = response.headers.get('mcp-session-id') ?? undefined;
      await receive(response, message, signal);
    } catch (error) {
      throw hangUp.signal.aborted ? new Cancelled() : error;
    } finally {
      if (key !== undefined && hangUps.get(key) === hangUp) hangUps.delete(key);
    }
  }

  return {
    async send(line, message) {
      const method = message['method'];
      if (method === 'notifications/cancelled') {
        const params = message['params'];
        const key = isMembers(params) ? JSON.stringify(params['requestId']) : undefined;
        const hangUp = key === undefined ? undefined : hangUps.get(key);
        if (hangUp !== undefined) return hangUp.abort();
      }
      await exchange(line, message);
      if (method === 'notifications/initialized') {
        listen().catch((error: unknown) => {
          if (!stopped.signal.aborted) alert(`no stream of messages: ${String(error)}`);
        });
      }
    },
    async stop() {
      stopped.abort();
      if (session === undefined) return;
      try {
        const signal = AbortSignal.timeout(FAREWELL_MS);
        const response = await request({
          method: 'DELETE',
          headers: headersFor(undefined),
          signal,
        });
        await response.body?.cancel();
      } catch {
        // The server may keep sessions as it likes; this one is over here.
      }
    },
  };
}

/** The revision that the server agreed to. */
function negotiatedIn(text: string): string | undefined {
  const { result } = JSON.parse(text) as { result?: { protocolVersion?: unknown } };
  return typeof result?.protocolVersion === 'string' ? result.protocolVersion : undefined;
}

/** The request arrived, and its answer did not. */
class Lost extends Error {
  constructor() {
    super('the answer was cut off');
  }
}

function isAnswerTo(id: unknown, text: string): boolean {
  const answer = readServerAnswer(text);
  return answer !== undefined && JSON.stringify(answer.id) === JSON.stringify(id);
}

/** What the newer revision says of a request in headers as well. */
function namedBy(message: Members | undefined): Record<string, string> {
  const { method, params } = message ?? {};
  const meta = isMembers(params) ? params['_meta'] : undefined;
  const version = isMembers(meta) ? meta[VERSION_KEY] : undefined;
  if (typeof version !== 'string' || typeof method !== 'string' || !isMembers(params)) return {};
  const source = NAMES[method];
  const name = source === undefined ? undefined : params[source];
  return {
    'mcp-protocol-version': version,
    'mcp-method': method,
    ...(typeof name === 'string' ? { 'mcp-name': headerText(name) } : {}),
  };
}

/** Text as a header can carry it: as it stands, or marked and in Base64. */
function headerText(text: string): string {
  return /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !text.startsWith('=?')
    ? text
    : `=?base64?${Buffer.from(text).toString('base64')}?=`;
}
