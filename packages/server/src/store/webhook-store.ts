import type Database from 'better-sqlite3';

/**
 * Tables of event delivery. They hold no events, only what is not yet delivered: an event is derived from its ledger
 * entry when the endpoint's cursor (`next_seq`) passes it. `webhook_announced` remembers the events that no entry
 * stands for. Secrets are kept as they are, since every delivery is signed with them.
 */
export const WEBHOOK_SCHEMA = `
CREATE TABLE webhook_endpoints (
  id              TEXT PRIMARY KEY,
  scope           TEXT NOT NULL,
  url             TEXT NOT NULL,
  secret          TEXT NOT NULL,
  previous_secret TEXT,
  previous_until  INTEGER,
  types           TEXT NOT NULL,
  state           TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
  created_at      TEXT NOT NULL,
  next_seq        INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE webhook_deliveries (
  id              INTEGER PRIMARY KEY,
  endpoint        TEXT NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
  event_id        TEXT NOT NULL,
  seq             INTEGER NOT NULL,
  body            TEXT NOT NULL,
  state           TEXT NOT NULL CHECK (state IN ('waiting', 'dead')),
  attempts        INTEGER NOT NULL,
  next_attempt_at INTEGER NOT NULL,
  last_error      TEXT,
  UNIQUE (endpoint, event_id)
);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (endpoint, id) WHERE state = 'waiting';
CREATE TABLE webhook_announced (
  endpoint TEXT NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
  event_id TEXT NOT NULL,
  PRIMARY KEY (endpoint, event_id)
) WITHOUT ROWID;
`;

export interface WebhookEndpoint {
  readonly id: string;
  /** Tenant scope whose events it gets. */
  readonly scope: string;
  readonly url: string;
  /** `whsec_…`. */
  readonly secret: string;
  /** The secret before the last rotation, which deliveries also carry a signature of until then (Unix ms). */
  readonly previous?: { readonly secret: string; readonly until: number } | undefined;
  /** Event types it wants; none named means all. */
  readonly types: readonly string[];
  readonly state: 'active' | 'disabled';
  readonly createdAt: string;
  /** First ledger entry that has not been looked at for it. */
  readonly nextSeq: number;
}

/** One event on its way to one endpoint, or given up. */
export interface WebhookDelivery {
  readonly id: number;
  readonly endpoint: string;
  readonly eventId: string;
  /** Ledger entry that the event is about. */
  readonly seq: number;
  readonly body: string;
  readonly state: 'waiting' | 'dead';
  /** Attempts that failed. */
  readonly attempts: number;
  /** Unix milliseconds. */
  readonly nextAttemptAt: number;
  readonly lastError?: string | undefined;
}

export type NewDelivery = Pick<WebhookDelivery, 'endpoint' | 'eventId' | 'seq' | 'body'>;

/** Statements over the tables of {@link WEBHOOK_SCHEMA}. Each call is one transaction, on disk when it returns. */
export interface WebhookStore {
  addEndpoint(endpoint: WebhookEndpoint): void;
  findEndpoint(id: string): WebhookEndpoint | undefined;
  /** Oldest first. */
  listEndpoints(): readonly WebhookEndpoint[];
  /** Forgets an endpoint with its deliveries and dead letters. Whether there was one. */
  removeEndpoint(id: string): boolean;
  /** Stops deliveries; those that wait become dead letters with this error. Whether there was such an endpoint. */
  disableEndpoint(id: string, error: string): boolean;
  replaceSecret(id: string, secret: string, previousUntil: number): boolean;
  /**
   * Puts deliveries in an endpoint's queue and moves its cursor to `nextSeq`, both or neither. What lies before the
   * stored cursor is there already and left out.
   */
  advance(endpoint: string, nextSeq: number, deliveries: readonly NewDelivery[], now: number): void;
  /** Puts deliveries in the queue of which no ledger entry reminds us; each only the first time. */
  announce(deliveries: readonly NewDelivery[], now: number): void;
  /** The first waiting delivery of every active endpoint, the longest due first. */
  heads(): readonly WebhookDelivery[];
  /** The first waiting delivery of an endpoint, if that is active. */
  head(endpoint: string): WebhookDelivery | undefined;
  delivered(id: number): void;
  /** Counts a failed attempt; without an instant for the next one the delivery is a dead letter. */
  failed(id: number, error: string, nextAttemptAt: number | undefined): void;
  /** In the order of delivery. */
  deadLetters(endpoint: string): readonly WebhookDelivery[];
  /** Puts a dead letter back in the queue with all its attempts. Whether there was one of an active endpoint. */
  retry(id: number, now: number): boolean;
}

interface EndpointRow {
  readonly id: string;
  readonly scope: string;
  readonly url: string;
  readonly secret: string;
  readonly previous_secret: string | null;
  readonly previous_until: number | null;
  readonly types: string;
  readonly state: 'active' | 'disabled';
  readonly created_at: string;
  readonly next_seq: number;
}

interface DeliveryRow {
  readonly id: number;
  readonly endpoint: string;
  readonly event_id: string;
  readonly seq: number;
  readonly body: string;
  readonly state: 'waiting' | 'dead';
  readonly attempts: number;
  readonly next_attempt_at: number;
  readonly last_error: string | null;
}

const HEAD = `SELECT d.* FROM webhook_endpoints e JOIN webhook_deliveries d ON d.id =
  (SELECT min(id) FROM webhook_deliveries WHERE endpoint = e.id AND state = 'waiting')
  WHERE e.state = 'active'`;

export function webhookStore(db: Database.Database): WebhookStore {
  const sql = {
    addEndpoint: db.prepare(
      'INSERT INTO webhook_endpoints VALUES (?, ?, ?, ?, NULL, NULL, ?, ?, ?, ?)',
    ),
    endpoint: db.prepare<[string], EndpointRow>('SELECT * FROM webhook_endpoints WHERE id = ?'),
    endpoints: db.prepare<[], EndpointRow>(
      'SELECT * FROM webhook_endpoints ORDER BY created_at, id',
    ),
    removeEndpoint: db.prepare<[string]>('DELETE FROM webhook_endpoints WHERE id = ?'),
    disable: db.prepare<[string]>("UPDATE webhook_endpoints SET state = 'disabled' WHERE id = ?"),
    bury: db.prepare<[string, string]>(
      "UPDATE webhook_deliveries SET state = 'dead', last_error = ? WHERE endpoint = ? AND state = 'waiting'",
    ),
    replaceSecret: db.prepare<[number, string, string]>(
      'UPDATE webhook_endpoints SET previous_secret = secret, previous_until = ?, secret = ? WHERE id = ?',
    ),
    nextSeq: db
      .prepare<[string], number>('SELECT next_seq FROM webhook_endpoints WHERE id = ?')
      .pluck(),
    moveCursor: db.prepare<[number, string]>(
      'UPDATE webhook_endpoints SET next_seq = ? WHERE id = ?',
    ),
    enqueue: db.prepare<[string, string, number, string, number]>(
      "INSERT OR IGNORE INTO webhook_deliveries VALUES (NULL, ?, ?, ?, ?, 'waiting', 0, ?, NULL)",
    ),
    announced: db.prepare<[string, string], unknown>(
      'SELECT 1 FROM webhook_announced WHERE endpoint = ? AND event_id = ?',
    ),
    addAnnounced: db.prepare<[string, string]>('INSERT INTO webhook_announced VALUES (?, ?)'),
    heads: db.prepare<[], DeliveryRow>(`${HEAD} ORDER BY d.next_attempt_at, d.id`),
    head: db.prepare<[string], DeliveryRow>(`${HEAD} AND e.id = ?`),
    delivered: db.prepare<[number]>('DELETE FROM webhook_deliveries WHERE id = ?'),
    failed: db.prepare<['waiting' | 'dead', string, number, number]>(
      `UPDATE webhook_deliveries SET attempts = attempts + 1, state = ?, last_error = ?, next_attempt_at = ?
       WHERE id = ? AND state = 'waiting'`,
    ),
    deadLetters: db.prepare<[string], DeliveryRow>(
      "SELECT * FROM webhook_deliveries WHERE endpoint = ? AND state = 'dead' ORDER BY id",
    ),
    retry: db.prepare<[number, number]>(
      `UPDATE webhook_deliveries SET state = 'waiting', attempts = 0, next_attempt_at = ?
       WHERE id = ? AND state = 'dead'
         AND endpoint IN (SELECT id FROM webhook_endpoints WHERE state = 'active')`,
    ),
  };
  const enqueue = (one: NewDelivery, now: number): void => {
    sql.enqueue.run(one.endpoint, one.eventId, one.seq, one.body, now);
  };

  const disable = db.transaction((id: string, error: string): boolean => {
    sql.bury.run(error, id);
    return sql.disable.run(id).changes > 0;
  });
  const advance = db.transaction<WebhookStore['advance']>((endpoint, nextSeq, deliveries, now) => {
    // Read here, not taken from the caller: another process may have been here in the meantime.
    const stored = sql.nextSeq.get(endpoint);
    if (stored === undefined || stored >= nextSeq) return;
    for (const one of deliveries) if (one.seq >= stored) enqueue(one, now);
    sql.moveCursor.run(nextSeq, endpoint);
  });
  const announce = db.transaction<WebhookStore['announce']>((deliveries, now) => {
    for (const one of deliveries) {
      if (sql.announced.get(one.endpoint, one.eventId) !== undefined) continue;
      sql.addAnnounced.run(one.endpoint, one.eventId);
      enqueue(one, now);
    }
  });

  return {
    addEndpoint(endpoint) {
      const { id, scope, url, secret, types, state, createdAt, nextSeq } = endpoint;
      sql.addEndpoint.run(id, scope, url, secret, types.join(' '), state, createdAt, nextSeq);
    },
    findEndpoint(id) {
      const row = sql.endpoint.get(id);
      return row === undefined ? undefined : endpointOf(row);
    },
    listEndpoints: () => sql.endpoints.all().map(endpointOf),
    removeEndpoint: (id) => sql.removeEndpoint.run(id).changes > 0,
    disableEndpoint: (id, error) => disable.immediate(id, error),
    replaceSecret: (id, secret, until) => sql.replaceSecret.run(until, secret, id).changes > 0,
    advance: (...of) => advance.immediate(...of),
    announce(deliveries, now) {
      // Mostly all are known, and then there is nothing to lock the file for.
      const fresh = deliveries.filter(
        (one) => sql.announced.get(one.endpoint, one.eventId) === undefined,
      );
      if (fresh.length > 0) announce.immediate(fresh, now);
    },
    heads: () => sql.heads.all().map(deliveryOf),
    head(endpoint) {
      const row = sql.head.get(endpoint);
      return row === undefined ? undefined : deliveryOf(row);
    },
    delivered(id) {
      sql.delivered.run(id);
    },
    failed(id, error, nextAttemptAt) {
      const state = nextAttemptAt === undefined ? 'dead' : 'waiting';
      sql.failed.run(state, error, nextAttemptAt ?? 0, id);
    },
    deadLetters: (endpoint) => sql.deadLetters.all(endpoint).map(deliveryOf),
    retry: (id, now) => sql.retry.run(now, id).changes > 0,
  };
}

function endpointOf(row: EndpointRow): WebhookEndpoint {
  const { previous_secret: secret, previous_until: until } = row;
  return {
    id: row.id,
    scope: row.scope,
    url: row.url,
    secret: row.secret,
    previous: secret === null || until === null ? undefined : { secret, until },
    types: row.types.split(' ').filter((type) => type !== ''),
    state: row.state,
    createdAt: row.created_at,
    nextSeq: row.next_seq,
  };
}

function deliveryOf(row: DeliveryRow): WebhookDelivery {
  return {
    id: row.id,
    endpoint: row.endpoint,
    eventId: row.event_id,
    seq: row.seq,
    body: row.body,
    state: row.state,
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
    lastError: row.last_error ?? undefined,
  };
}
