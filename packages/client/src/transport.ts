import { fromUtf8, isMembers, type Members, parseJson } from '@countersign/proof';
import { DecideError, DecideUnavailable } from './failure.ts';
import type { Exchanged } from './retry.ts';

/** One HTTP request, ready to be sent as often as need be. */
export interface Outgoing {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Transport {
  readonly fetch: typeof globalThis.fetch;
  /** From the start of the request to the last byte of its answer. */
  readonly timeoutMs: number;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Deepest nesting of an answer: a packet in its envelope, and some room. */
const ANSWER_DEPTH_MAX = 128;

/**
 * Sends a request once. What comes back is the parsed answer, or the reason why there is none: an answer that was
 * cut off, is no JSON object, or that readers of JSON would understand differently is none. Redirects are not
 * followed, since they would carry the key and the request to somebody else.
 */
export async function exchange(
  { url, ...request }: Outgoing,
  { fetch, timeoutMs, now }: Transport,
): Promise<Exchanged<Members>> {
  const signal = AbortSignal.timeout(timeoutMs);
  const lost = (cause: unknown, status?: number): Exchanged<Members> => {
    const reason = signal.aborted ? 'timeout' : 'network';
    const given = status === undefined ? { cause } : { cause, status };
    return { ok: false, failure: new DecideUnavailable(reason, given) };
  };
  let response: Response;
  try {
    response = await fetch(url, { ...request, redirect: 'manual', signal });
  } catch (cause) {
    return lost(cause);
  }
  const { ok, status, headers } = response;
  let body: Members | undefined;
  try {
    body = readObject(new Uint8Array(await response.arrayBuffer()));
  } catch (cause) {
    // A refusal stays one, whatever became of its text.
    if (ok) return lost(cause, status);
  }
  if (!ok) {
    const wait = readRetryAfter(headers.get('retry-after'), now());
    return { ok: false, failure: new DecideError(status, body, wait) };
  }
  if (body === undefined) {
    return { ok: false, failure: new DecideUnavailable('unreadable', { status }) };
  }
  return { ok: true, value: body };
}

function readObject(bytes: Uint8Array): Members | undefined {
  const text = fromUtf8(bytes);
  const parsed = text === undefined ? undefined : parseJson(text, { depthMax: ANSWER_DEPTH_MAX });
  return parsed?.ok === true && isMembers(parsed.value) ? parsed.value : undefined;
}

/** Seconds or an HTTP date, as milliseconds from now. */
function readRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
