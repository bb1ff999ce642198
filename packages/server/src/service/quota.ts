import type { LedgerReader } from './ports.ts';
import type { TenantSettings } from './tenants.ts';

/** Decision Records per calendar month (UTC), by plan. */
export const PLAN_CAPS = { starter: 10_000, team: 50_000, enterprise: 200_000 } as const;
export type Plan = keyof typeof PLAN_CAPS;

/** What one tenant may still record this month. */
export interface QuotaState {
  readonly limit: number;
  readonly used: number;
  /** Unix milliseconds at which the next month begins. */
  readonly resetAt: number;
}

interface Counter {
  /** Records of the month, those before the start of this process included. */
  used: number;
  /** Admitted calls that have not ended. */
  running: number;
}

/**
 * Records of each tenant in this month, counted from the ledger once and kept in memory after that. Each process
 * counts what it records itself: several of them may together pass a cap by what the others recorded since they
 * started.
 */
export class Quota {
  readonly #reader: Pick<LedgerReader, 'countSince'>;
  readonly #environment: 'test' | 'live';
  readonly #counters = new Map<
    string,
    { readonly month: number; readonly counter: Promise<Counter> }
  >();

  constructor(reader: Pick<LedgerReader, 'countSince'>, environment: 'test' | 'live') {
    this.#reader = reader;
    this.#environment = environment;
  }

  /** Admits one call if a record is left, `undefined` where there is no cap; `release` must follow. */
  async admit(
    tenant: string,
    settings: TenantSettings,
    now: number,
  ): Promise<(QuotaState & { readonly admitted: boolean }) | undefined> {
    const limit = this.#limitOf(settings);
    if (limit === undefined) return undefined;
    const counter = await this.#counter(tenant, now);
    const admitted = counter.used + counter.running < limit;
    if (admitted) counter.running += 1;
    return { admitted, limit, used: counter.used, resetAt: monthAfter(now) };
  }

  /** Ends an admitted call; gives how many records there are by then. */
  async release(tenant: string, now: number): Promise<number> {
    const counter = await this.#counter(tenant, now);
    if (counter.running > 0) counter.running -= 1;
    return counter.used;
  }

  /** Takes note of a record that is on disk. */
  recorded(tenant: string): void {
    void this.#counters.get(tenant)?.counter.then((counter) => {
      counter.used += 1;
    });
  }

  #limitOf({ plan, monthlyCap }: TenantSettings): number | undefined {
    if (monthlyCap !== undefined) return monthlyCap;
    const named = plan ?? (this.#environment === 'live' ? 'starter' : undefined);
    return named === undefined ? undefined : PLAN_CAPS[named];
  }

  #counter(tenant: string, now: number): Promise<Counter> {
    const month = monthOf(now);
    const known = this.#counters.get(tenant);
    if (known?.month === month) return known.counter;
    const counter = this.#reader
      .countSince(tenant, ['decision', 'advisory'], new Date(month).toISOString())
      .then((used): Counter => ({ used, running: 0 }));
    this.#counters.set(tenant, { month, counter });
    // A count that failed is asked for again by the next call.
    counter.catch(() => this.#counters.delete(tenant));
    return counter;
  }
}

/** Start of the month of an instant, UTC, in Unix milliseconds. */
export function monthOf(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
}

function monthAfter(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}
