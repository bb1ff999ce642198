import { type RpcFault, rpcFail } from '@countersign/contract';
import type { RateLimitSettings } from '../../service/scenario/settings.ts';

/** How many requests may be worked on at once. Nobody waits: who finds no slot is told so. */
export class InflightLimit {
  readonly #max: number;
  #taken = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Takes a slot; call what it gives, once, to give the slot back. */
  take(): (() => void) | undefined {
    if (this.#taken >= this.#max) return undefined;
    this.#taken += 1;
    return () => {
      this.#taken -= 1;
    };
  }
}

interface Window {
  readonly startedAt: number;
  readonly count: number;
  readonly seenAt: number;
}

/** At most so many requests per key in windows of fixed length, each begun by the first request after the last. */
export class RateLimit {
  readonly #settings: RateLimitSettings;
  readonly #now: () => number;
  /** In the order in which they were last seen. */
  readonly #windows = new Map<string, Window>();

  constructor(settings: RateLimitSettings, now: () => number) {
    this.#settings = settings;
    this.#now = now;
  }

  /** Counts one request; the fault says why it may not pass. */
  count(key: string): RpcFault | undefined {
    const { maxRequests, windowMs, maxEntries } = this.#settings;
    const now = this.#now();
    const last = this.#windows.get(key);
    const open = last !== undefined && now - last.startedAt < windowMs;
    const startedAt = open ? last.startedAt : now;
    const before = open ? last.count : 0;
    this.#windows.delete(key);
    if (last === undefined && this.#windows.size >= maxEntries) {
      this.#forgetBefore(now - 2 * windowMs);
      if (this.#windows.size >= maxEntries) return overloaded;
    }
    const passes = before < maxRequests;
    this.#windows.set(key, { startedAt, count: passes ? before + 1 : before, seenAt: now });
    if (passes) return undefined;
    const retryAfterMs = Math.max(1, Math.ceil(startedAt + windowMs - now));
    return rpcFail('rate_limited', 'rate limit exceeded', { retryAfterMs }).fault;
  }

  #forgetBefore(instant: number): void {
    for (const [key, { seenAt }] of this.#windows) {
      if (seenAt > instant) return;
      this.#windows.delete(key);
    }
  }
}

const overloaded = rpcFail('inflight_limit', 'rate limiter overloaded').fault;
