import { DecideError, type DecideUnavailable } from './failure.ts';

export type Exchanged<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly failure: DecideError | DecideUnavailable };

/** What waiting needs; tests bring their own. */
export interface Waiting {
  readonly sleep: (ms: number) => Promise<void>;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  /** Retries after the first attempt; more than {@link RETRIES_MAX} are not made. */
  readonly retriesMax: number;
}

/** How often a call is repeated, at most. */
export const RETRIES_MAX = 4;
/** Milliseconds before each retry, give or take a fifth. */
const BACKOFF_MS = [500, 1_000, 2_000, 4_000] as const;
const JITTER = 0.2;
/** The longest wait that a gate can ask for: one window of its rate limits. Longer ones are left to the caller. */
export const RETRY_AFTER_MAX_MS = 60_000;

/**
 * Makes an attempt and repeats it while that may help. Only what is safe to repeat may come here with `repeatable`:
 * reads, and writes under an idempotency key, which every attempt sends again.
 */
export async function withRetries<Value>(
  attempt: () => Promise<Exchanged<Value>>,
  repeatable: boolean,
  waiting: Waiting,
): Promise<Value> {
  const retriesMax = repeatable ? Math.min(waiting.retriesMax, RETRIES_MAX) : 0;
  for (let retry = 0; ; retry++) {
    const result = await attempt();
    if (result.ok) return result.value;
    const wait = retry < retriesMax ? waitMs(result.failure, retry, waiting.random) : undefined;
    if (wait === undefined) throw result.failure;
    await waiting.sleep(wait);
  }
}

/** How long to wait before retry number `retry`, from 0; `undefined` where repeating cannot help. */
function waitMs(
  failure: DecideError | DecideUnavailable,
  retry: number,
  random: () => number,
): number | undefined {
  const backoff = BACKOFF_MS[retry];
  if (!failure.retryable || backoff === undefined) return undefined;
  if (failure instanceof DecideError) {
    // 409 says so of itself only while another attempt is being written: the answer will be that one's.
    if (![409, 429, 503].includes(failure.status)) return undefined;
    if (failure.retryAfterMs !== undefined) {
      return failure.retryAfterMs <= RETRY_AFTER_MAX_MS ? failure.retryAfterMs : undefined;
    }
  }
  return backoff * (1 + JITTER * (2 * random() - 1));
}
