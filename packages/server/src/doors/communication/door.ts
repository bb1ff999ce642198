import { communication } from '@countersign/contract';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type CommunicationResult, refuse as fault } from '../../service/communication/faults.ts';
import type { TestScenario } from '../../service/communication/test-scenario.ts';
import type { Actor, ActorScope } from '../../service/ports.ts';
import type { Attributed } from '../observe.ts';
import { readTraceparent } from '../traceparent.ts';
import type { Known } from './actors.ts';
import { type Answer, open, refuse, send, showCounted } from './answer.ts';
import type { CommunicationLimits, Subject } from './limits.ts';
import {
  ACTOR_HEADERS,
  BODY_BYTES_MAX,
  OTHER_HEADERS,
  readAccept,
  readBody,
  readIdempotencyKey,
  readSingleHeaders,
  readTestScenario,
  readVersion,
} from './request.ts';

const { geniusRoutes } = communication;

/** Routes that answer about decisions; the others are documents. */
export type DecisionRoute =
  | 'createDecision'
  | 'getDecision'
  | 'createTransaction'
  | 'getTransaction'
  | 'listTransactions'
  | 'getProofPacket'
  | 'createDemoDecision';

/** A call in which everything that can be seen without deciding is right. */
export interface Call {
  /** Absent for demonstrations. */
  readonly actor: Actor | undefined;
  readonly traceId: string;
  readonly clientTrace: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly testScenario: TestScenario | undefined;
  readonly id: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

export type Handler = (call: Call) => Promise<CommunicationResult<Answer>>;

export interface CommunicationDoor {
  readonly handlers: Readonly<Record<DecisionRoute, Handler>>;
  readonly authenticate: (headers: FastifyRequest['headers']) => Promise<Known | undefined>;
  /** Whether a tenant may be served in this server's mode; `undefined`: it may. */
  readonly tenantFault: (
    tenant: string,
  ) => Promise<'actor_suspended' | 'live_access_not_approved' | undefined>;
  readonly limits: CommunicationLimits;
  readonly environment: 'test' | 'live';
  readonly now: () => number;
  readonly newTraceId: () => string;
  /** Whether an error says that a store did not answer. */
  readonly storeFailed: (error: unknown) => boolean;
  readonly countFault: (code: communication.GeniusErrorCode) => void;
}

type Steps = CommunicationResult<Answer>;

/** Puts the communication door on its routes. Every answer of them is JSON with a trace id, whatever went wrong. */
export function mountCommunication(app: FastifyInstance, door: CommunicationDoor): void {
  for (const name of Object.keys(door.handlers) as DecisionRoute[]) {
    const route: communication.GeniusRoute = geniusRoutes[name];
    const steps = stepsOf(name, route, door);
    app.route({
      method: route.method,
      url: route.path,
      bodyLimit: BODY_BYTES_MAX,
      handler: (request, reply) =>
        answer(door, request, reply, (trace) => steps(request, reply, trace)),
      errorHandler: (error, request, reply) => {
        const code = UNREAD[error.code];
        if (code === undefined) throw error;
        void answer(door, request, reply, async () => {
          showCounted(reply, await door.limits.look(addressOf(request, route)), door.now());
          return fault(code);
        });
      },
    });
  }
}

/** What the transport gives up on. */
const UNREAD: Readonly<Record<string, communication.GeniusErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload_too_large',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid_body',
};

/** Sends what the steps give; what they did not foresee is answered as such. */
async function answer(
  door: Pick<CommunicationDoor, 'newTraceId' | 'storeFailed' | 'countFault'>,
  request: FastifyRequest,
  reply: FastifyReply,
  steps: (traceId: string) => Promise<Steps>,
): Promise<FastifyReply> {
  const traceId = door.newTraceId();
  open(reply, traceId);
  const result = await steps(traceId).catch((error: unknown): Steps => {
    request.log.error({ err: error, trace_id: traceId }, 'unforeseen');
    return fault(door.storeFailed(error) ? 'dependency_unavailable' : 'internal_error');
  });
  if (result.ok) return send(reply, result.value);
  door.countFault(result.fault.code);
  return refuse(reply, result.fault, traceId);
}

/** The steps before a handler, in the order that the contract fixes; the first fault is the answer. */
function stepsOf(
  name: DecisionRoute,
  route: communication.GeniusRoute,
  door: CommunicationDoor,
): (request: FastifyRequest, reply: FastifyReply, traceId: string) => Promise<Steps> {
  const mode = route.auth === 'none' ? 'demo' : door.environment;
  const named = route.path.includes('/:');
  return async (request, reply, traceId) => {
    const admitted = await admit(door, route, request, reply);
    if (!admitted.ok) return admitted;
    for (const check of [
      readSingleHeaders(request, OTHER_HEADERS),
      readVersion(request),
      readAccept(request),
    ]) {
      if (!check.ok) return check;
    }
    const key = readIdempotencyKey(request, route.idempotencyKey);
    if (!key.ok) return key;
    const scenario = readTestScenario(request, mode);
    if (!scenario.ok) return scenario;
    if (scenario.value === 'rate_limited') {
      return fault(exceeded(route), { retryAfterSeconds: 1 });
    }
    const { id = '' } = request.params as Readonly<Record<string, string>>;
    if (named && id === '') return fault('route_not_found');
    const query = communication.readQuery(
      route.query,
      request.query as Readonly<Record<string, unknown>>,
    );
    if (!query.ok) return fault('validation_error', { problems: query.problems });
    const body = route.request === undefined ? undefined : readBody(request);
    if (body?.ok === false) return body;
    return door.handlers[name]({
      actor: admitted.value,
      traceId,
      clientTrace: readTraceparent(request.headers['traceparent']),
      idempotencyKey: key.value,
      testScenario: scenario.value,
      id,
      query: query.value,
      body: body?.value,
    });
  };
}

/** Who asks, counted, and with the right to ask; `undefined` where nobody has to say who they are. */
async function admit(
  door: CommunicationDoor,
  route: communication.GeniusRoute,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<CommunicationResult<Actor | undefined>> {
  if (route.auth === 'none') {
    const counted = await count(door, reply, route, addressOf(request, route));
    return counted ?? { ok: true, value: undefined };
  }
  const failures: Subject = { kind: 'failure', address: request.ip };
  const tries = await door.limits.look(failures);
  showCounted(reply, tries, door.now());
  if (!tries.allowed) return fault('rate_limit_exceeded', { retryAfterSeconds: waitOf(tries) });
  const single = readSingleHeaders(request, ACTOR_HEADERS);
  if (!single.ok) return single;
  const actor = await door.authenticate(request.headers);
  if (actor === undefined) {
    showCounted(reply, await door.limits.count(failures), door.now());
    return fault('authentication_required');
  }
  (request as Attributed).keyId = actor.tokenId;
  const subject: Subject = { kind: 'actor', id: JSON.stringify([actor.tenant, actor.actorId]) };
  const counted = await count(door, reply, route, subject);
  if (counted !== undefined) return counted;
  if (actor.suspended) return fault('actor_suspended');
  const closed = await door.tenantFault(actor.tenant);
  if (closed !== undefined) return fault(closed);
  return mayAsk(actor, route, request) ? { ok: true, value: actor } : fault('permission_denied');
}

function mayAsk(
  { scopes }: Actor,
  { scope }: communication.GeniusRoute,
  { query }: FastifyRequest,
): boolean {
  const { view, include } = query as Readonly<Record<string, unknown>>;
  const needed: (ActorScope | undefined)[] = [scope];
  if (scope === 'proof:read' && (view === 'full' || include !== undefined)) {
    needed.push('proof:full');
  }
  return needed.every((one) => one === undefined || scopes.includes(one));
}

/** Counts a call and shows where its counter stands; a fault where it is used up. */
async function count(
  { limits, now }: CommunicationDoor,
  reply: FastifyReply,
  route: communication.GeniusRoute,
  subject: Subject,
): Promise<ReturnType<typeof fault> | undefined> {
  const counted = await limits.count(subject);
  showCounted(reply, counted, now());
  return counted.allowed
    ? undefined
    : fault(exceeded(route), { retryAfterSeconds: waitOf(counted) });
}

function exceeded({ limit }: communication.GeniusRoute): communication.GeniusErrorCode {
  return limit === 'demo' ? 'demo_limit_exceeded' : 'rate_limit_exceeded';
}

function waitOf({ resetMs }: { readonly resetMs: number }): number {
  return Math.max(1, Math.ceil(resetMs / 1000));
}

function addressOf(request: FastifyRequest, route: communication.GeniusRoute): Subject {
  return { kind: route.limit === 'demo' ? 'demo' : 'public', address: request.ip };
}

/** Documents of the whole server: a wrong method is answered as elsewhere on it. */
const SHARED: ReadonlySet<string> = new Set([geniusRoutes.openApi.path, geniusRoutes.llms.path]);

/**
 * Answers for paths of this door under another method, and for those below `/v1` that nobody knows; `undefined`: the
 * path is no concern of this door.
 */
export function unknownPaths(
  door: Pick<CommunicationDoor, 'limits' | 'now' | 'newTraceId' | 'storeFailed' | 'countFault'>,
): (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply> | undefined {
  const routes: readonly communication.GeniusRoute[] = Object.values(geniusRoutes);
  return (request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    const served = routes
      .filter((row) => row.status !== 404 && !SHARED.has(row.path) && matches(row.path, path))
      .map(({ method }) => method);
    if (served.length === 0 && !/^\/v1(?:\/|$)/.test(path)) return undefined;
    return answer(door, request, reply, async () => {
      const subject: Subject = { kind: 'public', address: request.ip };
      const counted = await door.limits.count(subject);
      showCounted(reply, counted, door.now());
      if (!counted.allowed) {
        return fault('rate_limit_exceeded', { retryAfterSeconds: waitOf(counted) });
      }
      if (served.length === 0) return fault('route_not_found');
      const allow = served.flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : [one]));
      reply.header('allow', allow.join(', '));
      return fault('method_not_allowed');
    });
  };
}

function matches(pattern: string, path: string): boolean {
  const want = pattern.split('/');
  const have = path.split('/');
  const fits = (part: string, at: number): boolean =>
    part.startsWith(':') ? have[at] !== '' : part === have[at];
  return want.length === have.length && want.every(fits);
}
