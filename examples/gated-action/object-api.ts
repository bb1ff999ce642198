import { isMembers, type Members, parseJson } from '@countersign/proof';
import { type Applied, type Attempted, type Found, stateHash } from './target.ts';

/** Where a fake system is, and what opens it. */
export interface ObjectApiOptions {
  readonly url: string;
  readonly credential: string;
  /** For one request, to the last byte of its answer. */
  readonly timeoutMs: number;
}

export interface HeldObject {
  readonly id: string;
  readonly version: number;
  readonly state: Members;
}

export type Changed = Attempted & { readonly version?: number };

/** Calls of a system with objects; what cannot be known is said to be unknown, never guessed. */
export interface ObjectApi {
  /** `undefined`: it could not be read. */
  read(id: string): Promise<HeldObject | undefined>;
  list(): Promise<readonly HeldObject[] | undefined>;
  change(
    id: string,
    set: Members,
    options: { readonly key: string; readonly version?: number },
  ): Promise<Changed>;
  find(key: string): Promise<Found>;
}

export function objectApi({ url, credential, timeoutMs }: ObjectApiOptions): ObjectApi {
  const call = async (
    method: string,
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: Members,
  ): Promise<{ readonly status: number; readonly body: Members } | undefined> => {
    try {
      const response = await fetch(url + path, {
        method,
        headers: { authorization: `Bearer ${credential}`, ...headers },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const parsed = parseJson(await response.text(), { depthMax: 64 });
      if (!parsed.ok || !isMembers(parsed.value)) return undefined;
      return { status: response.status, body: parsed.value };
    } catch {
      // Lost on the way there or on the way back: nobody here can tell which.
      return undefined;
    }
  };
  return {
    async read(id) {
      const answer = await call('GET', `/objects/${encodeURIComponent(id)}`);
      return answer?.status === 200 ? ({ id, ...answer.body } as unknown as HeldObject) : undefined;
    },
    async list() {
      const answer = await call('GET', '/objects/');
      if (answer?.status !== 200) return undefined;
      return answer.body['objects'] as unknown as readonly HeldObject[];
    },
    async change(id, set, { key, version }) {
      const answer = await call(
        'PATCH',
        `/objects/${encodeURIComponent(id)}`,
        { 'idempotency-key': key, ...(version !== undefined && { 'if-match': String(version) }) },
        set,
      );
      if (answer?.status === 200) {
        const after = answer.body['after'] as HeldObject;
        return { ok: true, value: appliedOf(answer.body), version: after.version };
      }
      const refused = answer !== undefined && answer.status >= 400 && answer.status < 500;
      return { ok: false, fault: refused ? 'refused' : 'unknown' };
    },
    async find(key) {
      const answer = await call('GET', `/operations/${encodeURIComponent(key)}`);
      if (answer?.status === 200) return { ok: true, value: appliedOf(answer.body) };
      if (answer?.status === 404) return { ok: true, value: undefined };
      return { ok: false, fault: 'unknown' };
    },
  };
}

function appliedOf(operation: Members): Applied {
  return {
    at: String(operation['at']),
    stateBeforeHash: stateHash(operation['before']),
    stateAfterHash: stateHash(operation['after']),
  };
}
