import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isMembers, type Members, parseJson } from '@countersign/proof';

/** A little system with objects, versions and idempotency keys, standing for the one that would be changed. */
export interface FakeSystem {
  readonly url: string;
  /** What callers must show. */
  readonly credential: string;
  /** Puts an object there, at version 1. */
  put(id: string, state: Members): void;
  state(id: string): Members;
  version(id: string): number;
  /** Every request that asked for a change, also those that were refused or repeated. */
  readonly asked: readonly Change[];
  /** Every change that was made. */
  readonly made: readonly Change[];
  /** What happens to the next requests for a change, and to reads, until it is taken back. */
  inject(fault: Fault | undefined): void;
  close(): Promise<void>;
}

export interface Change {
  readonly key: string;
  readonly id: string;
  readonly set: Members;
}

export interface Fault {
  /** A change is refused, made without an answer, or neither made nor answered. */
  readonly changes?: 'refuse' | 'make_and_hang' | 'hang';
  /** Only changes that set this member meet it. */
  readonly member?: string;
  /** A read gets no answer. */
  readonly reads?: 'hang';
  /** Called once a change was made, before it is answered. */
  readonly made?: (change: Change) => void;
}

interface Held {
  readonly version: number;
  readonly state: Members;
}

interface Operation {
  readonly key: string;
  readonly at: string;
  readonly before: Held;
  readonly after: Held;
}

/** Serves on a free port of this machine. */
export async function openFakeSystem(credential: string): Promise<FakeSystem> {
  const objects = new Map<string, Held>();
  const operations = new Map<string, Operation>();
  const asked: Change[] = [];
  const made: Change[] = [];
  let fault: Fault | undefined;

  const change = (request: IncomingMessage, response: ServerResponse, id: string, set: Members) => {
    const key = String(request.headers['idempotency-key'] ?? '');
    const one: Change = { key, id, set };
    asked.push(one);
    const met = fault?.member === undefined || fault.member in set ? fault : undefined;
    if (met?.changes === 'hang') return;
    const before = objects.get(id);
    if (before === undefined) return answer(response, 404, { error: 'no such object' });
    const earlier = operations.get(key);
    if (earlier !== undefined) return answer(response, 200, earlier);
    const condition = request.headers['if-match'];
    if (condition !== undefined && condition !== String(before.version)) {
      return answer(response, 412, { error: 'another version' });
    }
    if (met?.changes === 'refuse') return answer(response, 422, { error: 'refused' });
    const after = { version: before.version + 1, state: { ...before.state, ...set } };
    const operation = { key, at: new Date().toISOString(), before, after };
    objects.set(id, after);
    operations.set(key, operation);
    made.push(one);
    met?.made?.(one);
    if (met?.changes !== 'make_and_hang') answer(response, 200, operation);
  };

  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (part: Buffer) => {
      text += part.toString();
    });
    request.on('end', () => {
      if (request.headers.authorization !== `Bearer ${credential}`) {
        return answer(response, 401, { error: 'no credential' });
      }
      const [, kind, name = ''] = (request.url ?? '').split('/').map(decodeURIComponent);
      if (request.method === 'PATCH' && kind === 'objects') {
        const parsed = parseJson(text, { depthMax: 32 });
        if (!parsed.ok || !isMembers(parsed.value)) return answer(response, 400, {});
        return change(request, response, name, parsed.value);
      }
      if (fault?.reads === 'hang') return;
      const found = kind === 'objects' ? objects.get(name) : operations.get(name);
      if (request.method === 'GET' && kind === 'objects' && name === '') {
        const all = [...objects].map(([id, held]) => ({ id, ...held }));
        return answer(response, 200, { objects: all });
      }
      return answer(response, found === undefined ? 404 : 200, found ?? { error: 'not found' });
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const held = (id: string): Held => {
    const one = objects.get(id);
    if (one === undefined) throw new Error(`there is no object ${id}`);
    return one;
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credential,
    put: (id, state) => void objects.set(id, { version: 1, state }),
    state: (id) => held(id).state,
    version: (id) => held(id).version,
    asked,
    made,
    inject(next) {
      fault = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
