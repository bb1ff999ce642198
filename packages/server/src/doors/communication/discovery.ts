import { createHash } from 'node:crypto';
import { communication, llmsText, openApi } from '@countersign/contract';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Negotiator from 'negotiator';
import { refuse as fault } from '../../service/communication/faults.ts';
import { open, refuse, showCounted } from './answer.ts';
import { GENIUS_PAGE_POLICY, renderPage } from './html.ts';
import type { CommunicationLimits } from './limits.ts';
import { OTHER_HEADERS, readSingleHeaders, readVersion } from './request.ts';

const { geniusRoutes } = communication;

/** Routes that answer with documents, the same for everybody. */
type DocumentRoute =
  | 'listErrors'
  | 'getError'
  | 'overviewPage'
  | 'guidePage'
  | 'quickstartPage'
  | 'errorsPage'
  | 'manifest'
  | 'openApi'
  | 'llms'
  | 'keys';

export interface DiscoveryOptions {
  /** Of this software. */
  readonly version: string;
  /** Address under which callers reach this server, without a slash at the end. */
  readonly baseUrl: () => string;
  readonly contact: communication.Contact;
  /** What this server decides about the request of the quickstart. */
  readonly examples: () => communication.GeniusExamples;
  /** Public keys of the ledgers in which decisions and demonstrations are proven. */
  readonly keys: () => Readonly<Record<string, unknown>>;
  readonly limits: CommunicationLimits;
  readonly now: () => number;
  readonly newTraceId: () => string;
  readonly countFault: (code: communication.GeniusErrorCode) => void;
}

/** A document in one media type. */
interface Representation {
  readonly text: string;
  readonly etag: string;
}
type MediaType = communication.GeniusRoute['types'][number];
type Document = Readonly<Partial<Record<MediaType, Representation>>>;
/** Finds the document that is asked for, made when it is first asked for; `undefined`: there is none. */
type Find = (code: string) => Document | undefined;

/** Puts what tells of the communication door on its routes: pages, the manifest, OpenAPI and the dictionary. */
export function mountDiscovery(app: FastifyInstance, options: DiscoveryOptions): void {
  for (const [name, find] of Object.entries(documents(options)) as [DocumentRoute, Find][]) {
    const { path: url } = geniusRoutes[name];
    app.get(url, (request, reply) => serve(options, name, find, request, reply));
  }
}

function documents(options: DiscoveryOptions): Readonly<Record<DocumentRoute, Find>> {
  const { version, contact } = options;
  const examples = once(options.examples);
  const facts = once(() => ({ baseUrl: options.baseUrl(), decision: examples().decision }));
  const page = (of: () => communication.Page, { path }: communication.GeniusRoute): Find =>
    always(() => ({ 'text/html': html(of(), path), 'application/json': json(of()) }));
  const dictionary = communication.errorDictionary();
  const entries = new Map(
    dictionary.errors.map((entry) => [
      entry.code as string,
      {
        'text/html': html(communication.errorPage(entry), entry.docs_url),
        'application/json': json(entry),
      },
    ]),
  );
  return {
    listErrors: always(() => ({ 'application/json': json(dictionary) })),
    getError: (code) => entries.get(code),
    overviewPage: page(() => communication.overviewPage(facts()), geniusRoutes.overviewPage),
    guidePage: page(() => communication.guidePage(), geniusRoutes.guidePage),
    quickstartPage: page(() => communication.quickstartPage(facts()), geniusRoutes.quickstartPage),
    errorsPage: always(() => ({
      'text/html': html(communication.errorsPage(), geniusRoutes.errorsPage.path),
      'application/json': json(dictionary),
    })),
    manifest: always(() => ({ 'application/json': json(communication.geniusManifest(contact)) })),
    openApi: always(() => ({ 'application/json': json(openApi(version, examples())) })),
    llms: always(() => ({ 'text/plain': represented(llmsText(version)) })),
    // Keys change while the server runs.
    keys: () => ({ 'application/json': json(options.keys()) }),
  };
}

function always(make: () => Document): Find {
  return once(make);
}

/** Makes something when it is first asked for, and keeps it. */
function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function json(value: unknown): Representation {
  return represented(JSON.stringify(value));
}

function html(page: communication.Page, path: string): Representation {
  return represented(renderPage(page, path));
}

function represented(text: string): Representation {
  return { text, etag: `"${createHash('sha256').update(text).digest('base64url')}"` };
}

async function serve(
  options: DiscoveryOptions,
  name: DocumentRoute,
  find: Find,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const route = geniusRoutes[name];
  const counted = await options.limits
    .count({ kind: 'public', address: request.ip })
    .catch(() => undefined);
  const isDocument = !route.path.startsWith('/v1/');
  if (isDocument) reply.header('access-control-allow-origin', '*');
  if (counted === undefined) return decline(options, reply, fault('dependency_unavailable').fault);
  showCounted(reply, counted, options.now());
  if (!counted.allowed) {
    const retryAfterSeconds = Math.max(1, Math.ceil(counted.resetMs / 1000));
    return decline(options, reply, { code: 'rate_limit_exceeded', retryAfterSeconds });
  }
  if (!isDocument) {
    for (const check of [readSingleHeaders(request, OTHER_HEADERS), readVersion(request)]) {
      if (!check.ok) return decline(options, reply, check.fault);
    }
  }
  const query = communication.readQuery(undefined, request.query as Record<string, unknown>);
  if (!query.ok) {
    return decline(options, reply, { code: 'validation_error', problems: query.problems });
  }
  const { code = '' } = request.params as { readonly code?: string };
  const document = find(code);
  if (document === undefined) return decline(options, reply, fault('error_code_not_found').fault);
  const type = preferred(request.headers.accept, route.types);
  const found = type === undefined ? undefined : document[type];
  if (type === undefined || found === undefined) {
    return decline(options, reply, fault('not_acceptable').fault);
  }
  if (isDocument) {
    reply.headers({ 'cache-control': 'public, max-age=300', etag: found.etag });
  } else {
    open(reply, options.newTraceId());
  }
  if (route.types.length > 1) reply.header('vary', 'accept');
  if (type === 'text/html') reply.header('content-security-policy', GENIUS_PAGE_POLICY);
  if (isDocument && isKnown(request.headers['if-none-match'], found.etag)) {
    return reply.code(304).send();
  }
  return reply.type(`${type}; charset=utf-8`).send(found.text);
}

/** The media type that a caller likes best; `undefined`: none of these will do. */
function preferred(accept: string | undefined, types: readonly MediaType[]): MediaType | undefined {
  if (accept === undefined || accept.trim() === '') return types[0];
  const best = new Negotiator({ headers: { accept } }).mediaType([...types]);
  return types.find((type) => type === best);
}

/** Whether the caller has this representation already, RFC 9110 §13.1.2. */
function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}

function decline(
  { newTraceId, countFault }: DiscoveryOptions,
  reply: FastifyReply,
  declined: communication.GeniusFault,
): FastifyReply {
  const traceId = newTraceId();
  open(reply, traceId);
  countFault(declined.code);
  return refuse(reply, declined, traceId);
}
