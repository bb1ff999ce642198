import { setImmediate as nextTurn } from 'node:timers/promises';
import { canonicalJson } from '@countersign/proof';
import type { StoredEntry } from '../service/ports.ts';
import type { NewDelivery, WebhookEndpoint, WebhookStore } from '../store/webhook-store.ts';
import { attemptDelivery } from './delivery.ts';
import { eventAbout, eventOf, type WebhookEvent, type WebhookEventType } from './event.ts';
import type { FetchRules } from './guarded-fetch.ts';

/** The end of the ledger, as far as events need it. */
export interface LedgerTail {
  /** Up to `limit` entries of all tenants from `seq` on, in ledger order, without gaps. */
  readEntriesFrom(seq: number, limit: number): Promise<readonly StoredEntry[]>;
}

export interface WebhookOptions {
  readonly store: WebhookStore;
  readonly ledger: LedgerTail;
  /** Name of the ledger: part of every event's id. */
  readonly origin: string;
  /** Scope of entries that concern every tenant, such as those about the ledger's keys. */
  readonly sharedScope?: string | undefined;
  readonly rules: FetchRules;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Told of what went wrong on our side; deliveries go on later. */
  readonly onError: (error: unknown) => void;
  /** Waits after the first, second, … failed attempt; after the last one comes one more attempt. */
  readonly retryDelaysMs?: readonly number[];
  readonly timeoutMs?: number;
  /** Longest time between two looks at the ledger. */
  readonly pollMs?: number;
}

export interface Webhooks {
  /** Something was appended. Cheap, returns at once. */
  wake(): void;
  /** Queues an event that no entry stands for, about an entry, as of `createdAt`; only the first time it is told. */
  announce(entry: StoredEntry, type: WebhookEventType, createdAt: string): void;
  /** Cuts running deliveries, which will be made again at the next start, and waits until all is still. */
  close(): Promise<void>;
}

/** Waits between the five attempts. */
const RETRY_DELAYS_MS = [5_000, 30_000, 120_000, 600_000];
/** A wait is up to this part longer or shorter, so that receivers that failed together are not asked together. */
const JITTER = 0.25;
const TIMEOUT_MS = 10_000;
const POLL_MS = 15_000;
/** Shortest time between two looks: one look serves everything that was appended meanwhile. */
const LOOK_GAP_MS = 25;
const ENTRIES_PER_LOOK = 256;
/** How far a cursor may run ahead in memory while there is no event to write it with. */
const CURSOR_LAG_MAX = 4_096;
const PARALLEL_ENDPOINTS_MAX = 8;
/** Deliveries to one endpoint before others that wait get its place. */
const DELIVERIES_PER_TURN = 64;

/**
 * Delivers the ledger's events at least once and, per endpoint, in order: an event waits for the one before it until
 * that is delivered or given up. One loop looks for new entries and starts what is due; a turn of one endpoint works
 * through its queue. All that must survive is in the store.
 */
export function startWebhooks(options: WebhookOptions): Webhooks {
  const { store, ledger, origin, now } = options;
  const retryDelaysMs = options.retryDelaysMs ?? RETRY_DELAYS_MS;
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const pollMs = options.pollMs ?? POLL_MS;
  const closing = new AbortController();
  const { signal } = closing;
  const turns = new Map<string, Promise<void>>();
  /** Where the look has got to, by endpoint; at or ahead of the stored cursor. */
  const looked = new Map<string, number>();
  const pause = pauser(signal);

  const positionOf = ({ id, nextSeq }: WebhookEndpoint): number =>
    Math.max(nextSeq, looked.get(id) ?? 0);
  const wants = (endpoint: WebhookEndpoint, scope: string, type: WebhookEventType): boolean =>
    (endpoint.scope === scope || scope === options.sharedScope) &&
    (endpoint.types.length === 0 || endpoint.types.includes(type));
  const active = (): WebhookEndpoint[] =>
    store.listEndpoints().filter(({ state }) => state === 'active');

  /** Queues the events of all entries that nobody has looked at yet. */
  const look = async (): Promise<void> => {
    while (!signal.aborted) {
      const endpoints = active();
      if (endpoints.length === 0) return;
      const from = Math.min(...endpoints.map(positionOf));
      const entries = await ledger.readEntriesFrom(from, ENTRIES_PER_LOOK);
      const last = entries.at(-1);
      if (last === undefined) return;
      const found = entries.flatMap((entry) => {
        const event = eventOf(origin, entry);
        return event === undefined ? [] : [{ entry, event }];
      });
      const nextSeq = last.seq + 1;
      for (const endpoint of endpoints) {
        const deliveries = found
          .filter(({ entry }) => entry.seq >= positionOf(endpoint))
          .filter(({ entry, event }) => wants(endpoint, entry.scope, event.type))
          .map(({ entry, event }) => deliveryOf(endpoint, entry, event));
        // A cursor that lags costs a second look after a crash, not a second event: none lies in between.
        if (deliveries.length > 0 || nextSeq - endpoint.nextSeq > CURSOR_LAG_MAX) {
          store.advance(endpoint.id, nextSeq, deliveries, now());
        }
        looked.set(endpoint.id, Math.max(positionOf(endpoint), nextSeq));
      }
      await nextTurn();
    }
  };

  /** Starts what is due. Milliseconds until something else will be. */
  const startDue = (): number => {
    let waitMs = pollMs;
    for (const { endpoint, nextAttemptAt } of store.heads()) {
      if (turns.has(endpoint)) continue;
      const dueInMs = nextAttemptAt - now();
      if (dueInMs > 0) waitMs = Math.min(waitMs, dueInMs);
      else if (turns.size < PARALLEL_ENDPOINTS_MAX) turns.set(endpoint, turnOf(endpoint));
    }
    return waitMs;
  };

  const turnOf = async (endpointId: string): Promise<void> => {
    try {
      // A turn begins after `startDue` has written down that it did.
      await nextTurn();
      for (let count = 0; count < DELIVERIES_PER_TURN; count += 1) {
        if (!(await deliverHead(endpointId))) break;
      }
    } catch (error) {
      options.onError(error);
      // The receiver may have the event although we could not write that down: no hurry to send it again.
      await pauser(signal)(pollMs);
    }
    turns.delete(endpointId);
    pause.wake();
  };

  /** Sends the first event in an endpoint's queue. Whether the next one may follow at once. */
  const deliverHead = async (endpointId: string): Promise<boolean> => {
    const delivery = store.head(endpointId);
    const endpoint = store.findEndpoint(endpointId);
    if (delivery === undefined || endpoint === undefined || delivery.nextAttemptAt > now()) {
      return false;
    }
    const attempt = await attemptDelivery(endpoint, delivery, {
      rules: options.rules,
      timeoutMs,
      now: now(),
      signal,
    });
    switch (attempt.result) {
      case 'delivered':
        store.delivered(delivery.id);
        return true;
      case 'gone':
        store.disableEndpoint(endpointId, 'status 410');
        return false;
      case 'failed': {
        const delayMs = retryDelaysMs[delivery.attempts];
        const factor = 1 - JITTER + 2 * JITTER * options.random();
        store.failed(
          delivery.id,
          attempt.error,
          delayMs === undefined ? undefined : now() + Math.round(delayMs * factor),
        );
        return delayMs === undefined;
      }
      case 'aborted':
        return false;
    }
  };

  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      let waitMs = pollMs;
      try {
        await look();
        waitMs = startDue();
      } catch (error) {
        options.onError(error);
        await pauser(signal)(pollMs);
      }
      await pause(waitMs);
      await pauser(signal)(LOOK_GAP_MS);
    }
  };
  const looping = loop();

  return {
    wake: pause.wake,
    announce(entry, type, createdAt) {
      const event = eventAbout(origin, entry, type, createdAt);
      // An endpoint hears of nothing that was so before it was there.
      const endpoints = active().filter(
        (endpoint) => wants(endpoint, entry.scope, type) && endpoint.createdAt <= createdAt,
      );
      store.announce(
        endpoints.map((endpoint) => deliveryOf(endpoint, entry, event)),
        now(),
      );
      pause.wake();
    },
    async close() {
      closing.abort();
      await looping;
      await Promise.all(turns.values());
    },
  };
}

function deliveryOf(
  endpoint: WebhookEndpoint,
  entry: StoredEntry,
  event: WebhookEvent,
): NewDelivery {
  return {
    endpoint: endpoint.id,
    eventId: event.event_id,
    seq: entry.seq,
    body: canonicalJson(event),
  };
}

interface Pause {
  /** Waits, at most this long. */
  (ms: number): Promise<void>;
  /** Ends the wait, or the next one if there is none. */
  readonly wake: () => void;
}

/** A wait that can be ended early, and ends when `signal` fires. */
function pauser(signal: AbortSignal): Pause {
  let woken = false;
  let end: (() => void) | undefined;
  const wake = (): void => {
    woken = true;
    end?.();
  };
  const pause = async (ms: number): Promise<void> => {
    if (!woken && !signal.aborted) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((done) => {
        end = done;
        timer = setTimeout(done, ms);
        signal.addEventListener('abort', wake, { once: true });
      });
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
    }
    end = undefined;
    woken = false;
  };
  return Object.assign(pause, { wake });
}
