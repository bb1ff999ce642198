import type { LimitClass } from '@countersign/contract';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';

/** Calls per minute, by class. */
export const CALLS_PER_MINUTE = {
  decide: 120,
  lifecycle: 240,
  read: 120,
  report: 30,
  packet: 20,
  public: 60,
  playground: 10,
} as const satisfies Record<LimitClass, number>;
/** Decide calls of one live key within one second. */
export const DECIDE_BURST_PER_SECOND = 30;
/** Unauthenticated failures of one address per minute, after which keys are not looked at. */
export const FAILURES_PER_MINUTE = 20;

/** What a counter says after one call. */
export interface Counted {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds until the window ends. */
  readonly resetMs: number;
}

/** Counters of this process: fixed windows of a minute, and a burst window of a second. */
export class RateLimits {
  readonly #minutes: Record<LimitClass, RateLimiterMemory>;
  readonly #burst = new RateLimiterMemory({ points: DECIDE_BURST_PER_SECOND, duration: 1 });
  readonly #failures = new RateLimiterMemory({ points: FAILURES_PER_MINUTE, duration: 60 });

  constructor() {
    const minute = (name: LimitClass): RateLimiterMemory =>
      new RateLimiterMemory({ points: CALLS_PER_MINUTE[name], duration: 60, keyPrefix: name });
    this.#minutes = {
      decide: minute('decide'),
      lifecycle: minute('lifecycle'),
      read: minute('read'),
      report: minute('report'),
      packet: minute('packet'),
      public: minute('public'),
      playground: minute('playground'),
    };
  }

  /** Counts one call of `subject` (a key or an address). `burst`: the second's window counts too. */
  async count(subject: string, limit: LimitClass, burst: boolean): Promise<Counted> {
    if (burst) {
      const second = await consume(this.#burst, subject, DECIDE_BURST_PER_SECOND);
      if (!second.allowed) return second;
    }
    return consume(this.#minutes[limit], subject, CALLS_PER_MINUTE[limit]);
  }

  /** Whether an address has failed too often to be listened to. */
  async mayTry(address: string): Promise<Counted> {
    const state = await this.#failures.get(address);
    const used = state?.consumedPoints ?? 0;
    return {
      allowed: used < FAILURES_PER_MINUTE,
      limit: FAILURES_PER_MINUTE,
      remaining: Math.max(0, FAILURES_PER_MINUTE - used),
      resetMs: state?.msBeforeNext ?? 60_000,
    };
  }

  async countFailure(address: string): Promise<void> {
    await consume(this.#failures, address, FAILURES_PER_MINUTE);
  }
}

/** Counts one call with a counter of `limit` calls. Rejects where it cannot count. */
export async function consume(
  limiter: RateLimiterMemory,
  subject: string,
  limit: number,
): Promise<Counted> {
  const counted = (result: RateLimiterRes, allowed: boolean): Counted => ({
    allowed,
    limit,
    remaining: Math.max(0, result.remainingPoints),
    resetMs: result.msBeforeNext,
  });
  try {
    return counted(await limiter.consume(subject), true);
  } catch (refused) {
    // The library rejects with the counter's state when it is used up, and with an Error when it cannot count.
    if (refused instanceof Error) throw refused;
    return counted(refused as RateLimiterRes, false);
  }
}
