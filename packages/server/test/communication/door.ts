import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { tokenDigest } from '../../src/communication.ts';
import { openTenantSecrets } from '../../src/keys/tenant-secrets.ts';
import { dataPaths } from '../../src/main.ts';
import { ACTOR_SCOPES, type ActorToken } from '../../src/service/ports.ts';
import { openActors } from '../../src/store/actors.ts';
import { type Answer, type Gate, type GateOptions, type Members, openGate } from '../harness.ts';
import { ACTOR } from './actor.ts';

export { ACTOR } from './actor.ts';

type RequestHeaders = Readonly<Record<string, string>>;

/** A running server and an actor who may do everything. */
export interface Door {
  readonly gate: Gate;
  /** Sends with the actor's headers; `''` sends a header not at all. */
  get(path: string, headers?: RequestHeaders): Promise<Answer>;
  /** The same with a fresh idempotency key. */
  post(path: string, body: unknown, headers?: RequestHeaders): Promise<Answer>;
  /** A decision that must be made. */
  decide(request: Members, headers?: RequestHeaders): Promise<Members>;
  /** The transaction of a decision. */
  transactionOf(decision: Members): Promise<Members>;
  /** Another actor, or the same one with other rights. */
  addActor(token: Partial<ActorToken> & { readonly token: string }): Promise<RequestHeaders>;
  close(): Promise<void>;
}

const doors: Door[] = [];
afterEach(async () => {
  for (const door of doors.splice(0)) await door.close();
});

export async function openDoor(options: GateOptions = {}): Promise<Door> {
  const live = options.environment === 'live';
  const gate = await openGate({ ...(live ? {} : { devActor: ACTOR }), ...options });
  const door = doorOf(gate);
  doors.push(door);
  return door;
}

/** One server for all tests of a file; what it gives back is there once they run. */
export function sharedDoor(options: GateOptions = {}): Door {
  const shared: { door?: Door } = {};
  beforeAll(async () => {
    shared.door = doorOf(await openGate({ devActor: ACTOR, ...options }));
  });
  afterAll(() => shared.door?.close());
  return new Proxy({} as Door, {
    get: (_, name: keyof Door) => shared.door?.[name],
  });
}

/** A caller of a server that is closed by somebody else. */
export function doorOf(gate: Gate): Door {
  const own = (headers: RequestHeaders): RequestHeaders =>
    Object.fromEntries(
      Object.entries({
        'x-cosy-actor-id': ACTOR.id,
        'x-cosy-actor-token': ACTOR.token,
        ...headers,
      }).filter(([, value]) => value !== ''),
    );
  const door: Door = {
    gate,
    get: (path, headers = {}) => gate.send(path, { headers: own(headers) }),
    post: (path, body, headers = {}) =>
      gate.send(path, {
        method: 'POST',
        headers: own({
          'content-type': 'application/json',
          'idempotency-key': randomUUID(),
          ...headers,
        }),
        body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
      } as RequestInit),
    async decide(request, headers) {
      const answer = await door.post('/v1/decisions', request, headers);
      if (answer.status !== 201) throw new Error(`not decided: ${answer.status} ${answer.text}`);
      return answer.body;
    },
    async transactionOf(decision) {
      const id = String(decision['communication_transaction_id']);
      const { body } = await door.get(`/v1/communication_transactions/${id}`);
      return body;
    },
    async addActor({ token, ...rest }) {
      const paths = dataPaths(gate.directory);
      const store = openActors(paths.database);
      const actorId = rest.actorId ?? ACTOR.id;
      await store.addActorToken({
        id: `atk_${randomUUID()}`,
        tenant: 'dev',
        environment: 'test',
        scopes: ACTOR_SCOPES,
        state: 'active',
        label: '',
        createdAt: new Date().toISOString(),
        ...rest,
        actorId,
        hash: tokenDigest(openTenantSecrets(paths.keys, Date.now), token),
      });
      store.close();
      return { 'x-cosy-actor-id': actorId, 'x-cosy-actor-token': token };
    },
    close: () => gate.close(),
  };
  return door;
}

/** An ordinary message that a reply is about to be written to. */
export function message(body: string, members: Members = {}): Members {
  return {
    source: 'gmail',
    participants: [
      { name: 'Tom Ash', email: 'tom@harbourline.example', role: 'sender' },
      { name: 'James Oak', email: 'james@oakfield.example', role: 'recipient' },
    ],
    body_excerpt: body,
    ...members,
  };
}

export const HARMLESS: Members = message('Thanks, see you at lunch');

/** Asks whether the reader is happy to proceed, with the agreement to be signed later. */
export const QUICKSTART: Members = {
  id: 'demo_email_001',
  source: 'gmail',
  source_surface: 'gmail_thread',
  source_message_id: 'msg_001',
  source_thread_id: 'thr_001',
  participants: [
    { name: 'Tom', email: 'tom@harbourline.example', role: 'sender' },
    { name: 'James', email: 'james@oakfield.example', role: 'recipient' },
  ],
  subject: 'Are you happy to proceed?',
  body_excerpt:
    'Hi James, are you happy to proceed? Please confirm today. The agreement will follow for signature.',
  claims: [],
  asks: [],
  implied_asks: [],
  deadlines: [],
  documents_referenced: [],
  authority_signals: [],
  pressure_signals: [],
  attribution_signals: [],
  possible_commitments: [],
  authority_result: {},
};
