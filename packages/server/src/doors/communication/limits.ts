import { RateLimiterMemory } from 'rate-limiter-flexible';
import { type Counted, consume } from '../rate-limits.ts';

/** Calls of one actor in a minute, by mode. */
export const ACTOR_CALLS_PER_MINUTE = { test: 60, live: 600 } as const;
/** Calls of one address in a minute to what needs no credentials. */
export const PUBLIC_CALLS_PER_MINUTE = 120;
/** Demonstrations of one address. */
export const DEMOS_PER_MINUTE = 10;
export const DEMOS_PER_DAY = 100;
/** Failed authentications of one address in a minute, after which credentials are not looked at. */
export const FAILURES_PER_MINUTE = 20;

const MINUTE_S = 60;
const DAY_S = 24 * 60 * 60;

/** Who is counted, and how. */
export type Subject =
  | { readonly kind: 'actor'; readonly id: string }
  | { readonly kind: 'public' | 'demo' | 'failure'; readonly address: string };

export interface CommunicationLimits {
  /** Counts one call. Rejects where it cannot be counted: then nobody may go on. */
  count(subject: Subject): Promise<Counted>;
  /** Where somebody stands, without counting. */
  look(subject: Subject): Promise<Counted>;
}

/** Counters of this process, in fixed windows; with `on` false everybody always has all calls left. */
export function communicationLimits(
  environment: 'test' | 'live',
  on: boolean,
): CommunicationLimits {
  const points = {
    actor: ACTOR_CALLS_PER_MINUTE[environment],
    public: PUBLIC_CALLS_PER_MINUTE,
    demo: DEMOS_PER_MINUTE,
    failure: FAILURES_PER_MINUTE,
  };
  const limiter = (kind: Subject['kind']): RateLimiterMemory =>
    new RateLimiterMemory({ points: points[kind], duration: MINUTE_S, keyPrefix: kind });
  const minutes = {
    actor: limiter('actor'),
    public: limiter('public'),
    demo: limiter('demo'),
    failure: limiter('failure'),
  };
  const days = new RateLimiterMemory({ points: DEMOS_PER_DAY, duration: DAY_S, keyPrefix: 'day' });
  const untouched = (kind: Subject['kind']): Counted => ({
    allowed: true,
    limit: points[kind],
    remaining: points[kind],
    resetMs: MINUTE_S * 1000,
  });
  const nameOf = (subject: Subject): string =>
    subject.kind === 'actor' ? subject.id : subject.address;
  return {
    async count(subject) {
      const { kind } = subject;
      if (!on) return untouched(kind);
      if (kind === 'demo') {
        const day = await consume(days, nameOf(subject), DEMOS_PER_DAY);
        if (!day.allowed) return day;
      }
      return consume(minutes[kind], nameOf(subject), points[kind]);
    },
    async look(subject) {
      const { kind } = subject;
      const state = on ? await minutes[kind].get(nameOf(subject)) : null;
      if (state === null) return untouched(kind);
      const left = points[kind] - state.consumedPoints;
      return {
        allowed: left > 0,
        limit: points[kind],
        remaining: Math.max(0, left),
        resetMs: state.msBeforeNext,
      };
    },
  };
}
