import { lookup } from 'node:dns/promises';
import http, {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { ok, type Result } from '@countersign/contract';
import { hostOf, isAllowed, parseGuardedUrl, type UrlFault, type UrlRules } from './guarded-url.ts';

/** Where calls may go and how names become addresses. */
export interface FetchRules extends UrlRules {
  /** Addresses of a host name. Rejects when there are none. Absent: the system's resolver. */
  readonly resolve?: Resolve | undefined;
  /** PEM certificates to trust instead of the usual ones. */
  readonly ca?: string | undefined;
}

export type Resolve = (host: string) => Promise<readonly string[]>;

export interface GuardedRequest {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** For everything together: resolving, connecting, sending, receiving. */
  readonly timeoutMs: number;
  /** Longest body accepted. Absent: the body is not read. */
  readonly bodyBytesMax?: number | undefined;
  /** Ends the call early. */
  readonly signal?: AbortSignal | undefined;
}

/** An answer with any status. A redirect is an answer like the others: it is never followed. */
export interface GuardedResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

export interface FetchFault {
  readonly code:
    | UrlFault
    | 'dns_failed'
    | 'timeout'
    | 'aborted'
    /** The connection was refused, cut, or its certificate is not the host's. */
    | 'connection_failed'
    /** The connection ended within the body. */
    | 'body_cut'
    | 'body_too_large';
  /** Code of the system or of TLS, such as `ECONNREFUSED`. */
  readonly detail?: string | undefined;
}

type Answer = Result<GuardedResponse, FetchFault>;

const HEADER_BYTES_MAX = 16 * 1024;

/**
 * Calls a URL that somebody else named, and nothing but that: no address inside our own network, no redirect, no
 * proxy, no cookie. The name is resolved once, every address it has must be allowed, and the connection is made to
 * those addresses: a second answer of the name's owner changes nothing.
 */
export async function guardedFetch(request: GuardedRequest, rules: FetchRules): Promise<Answer> {
  const parsed = parseGuardedUrl(request.url, rules);
  if (!parsed.ok) return refuse(parsed.fault);
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort('timeout'), request.timeoutMs);
  const abort = (): void => stop.abort('aborted');
  if (request.signal?.aborted === true) abort();
  request.signal?.addEventListener('abort', abort);
  try {
    const addresses = await checkedAddresses(parsed.value, rules, stop.signal);
    if (!addresses.ok) return addresses;
    return await exchange(parsed.value, addresses.value, { request, rules, signal: stop.signal });
  } finally {
    clearTimeout(timer);
    request.signal?.removeEventListener('abort', abort);
  }
}

/** The addresses of a URL's host, all of them allowed. */
async function checkedAddresses(
  url: URL,
  rules: FetchRules,
  signal: AbortSignal,
): Promise<Result<readonly string[], FetchFault>> {
  const host = hostOf(url);
  let addresses: readonly string[];
  try {
    addresses =
      isIP(host) === 0 ? await unlessAborted((rules.resolve ?? resolve)(host), signal) : [host];
  } catch (error) {
    return signal.aborted ? refuse(stopped(signal)) : refuse('dns_failed', codeOf(error));
  }
  if (addresses.length === 0) return refuse('dns_failed');
  const allowed = addresses.every((address) => isAllowed(address, url, rules));
  return allowed ? ok(addresses) : refuse('address_refused');
}

async function resolve(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** A resolver cannot be stopped, but it need not be waited for. */
function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((give, giveUp) => {
    promise.then(give, giveUp);
    if (signal.aborted) giveUp(signal.reason);
    signal.addEventListener('abort', () => giveUp(signal.reason));
  });
}

interface Exchange {
  readonly request: GuardedRequest;
  readonly rules: FetchRules;
  readonly signal: AbortSignal;
}

/** One request over one connection of its own. The host's name remains what the certificate must be for. */
function exchange(url: URL, addresses: readonly string[], how: Exchange): Promise<Answer> {
  const { request, rules, signal } = how;
  return new Promise((answer) => {
    const failed = (error: unknown, code: FetchFault['code'] = 'connection_failed'): void =>
      answer(signal.aborted ? refuse(stopped(signal)) : refuse(code, codeOf(error)));
    const outgoing: ClientRequest = (url.protocol === 'https:' ? https : http).request(url, {
      method: request.method,
      headers: { 'accept-encoding': 'identity', ...request.headers },
      agent: false,
      lookup: pinnedTo(addresses),
      maxHeaderSize: HEADER_BYTES_MAX,
      signal,
      rejectUnauthorized: true,
      ...(rules.ca === undefined ? {} : { ca: rules.ca }),
    });
    outgoing.on('error', (error) => failed(error));
    outgoing.on('response', (response) => {
      response.on('error', (error) => failed(error, 'body_cut'));
      receive(response, request.bodyBytesMax, answer);
    });
    // An answer that switches protocols ends in neither of the two above.
    outgoing.on('upgrade', (_response, socket) => {
      socket.destroy();
      failed(undefined);
    });
    outgoing.end(request.body);
  });
}

function receive(
  response: IncomingMessage,
  bodyBytesMax: number | undefined,
  answer: (answer: Answer) => void,
): void {
  const head = { status: response.statusCode ?? 0, headers: response.headers };
  if (bodyBytesMax === undefined) {
    answer(ok({ ...head, body: new Uint8Array() }));
    response.destroy();
    return;
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  response.on('data', (chunk: Uint8Array) => {
    bytes += chunk.length;
    chunks.push(chunk);
    if (bytes <= bodyBytesMax) return;
    answer(refuse('body_too_large'));
    response.destroy();
  });
  response.on('end', () => answer(ok({ ...head, body: Buffer.concat(chunks) })));
}

/** Answers the socket's question for addresses with those that were checked. */
function pinnedTo(addresses: readonly string[]): LookupFunction {
  const known = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, callback) => {
    const [first] = known;
    if (options.all === true || first === undefined) callback(null, known);
    else callback(null, first.address, first.family);
  };
}

function stopped(signal: AbortSignal): 'timeout' | 'aborted' {
  return signal.reason === 'timeout' ? 'timeout' : 'aborted';
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

function refuse(
  code: FetchFault['code'],
  detail?: string,
): { readonly ok: false; readonly fault: FetchFault } {
  return { ok: false, fault: { code, detail } };
}
