import type Database from 'better-sqlite3';
import type { Action, Mutation } from './action.ts';

/** What this side knows of one attempt beside the row of `decision_actions`. */
export interface Work {
  readonly actionId: string;
  /** From 1; another attempt asks under another key. */
  readonly attempt: number;
  readonly idempotencyKey: string;
  readonly action: Action;
  /** Set once somebody may act. */
  readonly released?: Released;
}

export interface Released {
  /** As it was compared with the record, last thing before acting. */
  readonly mutation: Mutation;
  readonly executor: Executor;
  readonly claimId?: string;
  /** Unix milliseconds. */
  readonly at: number;
  /** Unix milliseconds; from then on this permission starts nothing new. */
  readonly until: number;
}

export interface Executor {
  readonly type: 'service' | 'worker' | 'agent';
  /** The same after a restart, another for every process that runs beside it. */
  readonly id: string;
}

/** A report that is still to be accepted by the gate. */
export interface Letter {
  readonly id: number;
  readonly actionId: string;
  readonly kind: 'execution' | 'outcome' | 'crm_sync';
  readonly idempotencyKey: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Unix milliseconds. */
  readonly queuedAt: number;
}

/** Attempts and unsent reports, in the database of the action rows, so that one transaction covers both. */
export interface Journal {
  add(work: Work): void;
  read(actionId: string): Work | undefined;
  /** The latest attempt at the action with this key. */
  latest(key: string): Work | undefined;
  release(actionId: string, released: Released): void;
  /** Queues a report; one that is there already stays as it is. */
  post(letter: Omit<Letter, 'id'>): void;
  /** Unsent reports of one action, or of all, in the order in which they have to be sent. */
  unsent(actionId?: string): readonly Letter[];
  sent(id: number): void;
  /** Runs all of it or nothing. */
  together<Value>(what: () => Value): Value;
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS action_work (
  action_id       text PRIMARY KEY NOT NULL REFERENCES decision_actions (id),
  action_key      text NOT NULL,
  attempt         integer NOT NULL,
  idempotency_key text NOT NULL UNIQUE,
  action_json     text NOT NULL,
  released_json   text,
  UNIQUE (action_key, attempt)
) STRICT;
CREATE TABLE IF NOT EXISTS action_outbox (
  id              integer PRIMARY KEY,
  action_id       text NOT NULL REFERENCES decision_actions (id),
  kind            text NOT NULL CHECK (kind IN ('execution', 'outcome', 'crm_sync')),
  idempotency_key text NOT NULL UNIQUE,
  body_json       text NOT NULL,
  queued_at       integer NOT NULL,
  sent            integer NOT NULL DEFAULT 0
) STRICT;`;

interface WorkRow {
  readonly action_id: string;
  readonly attempt: number;
  readonly idempotency_key: string;
  readonly action_json: string;
  readonly released_json: string | null;
}

interface LetterRow {
  readonly id: number;
  readonly action_id: string;
  readonly kind: Letter['kind'];
  readonly idempotency_key: string;
  readonly body_json: string;
  readonly queued_at: number;
}

export function openJournal(db: Database.Database): Journal {
  db.exec(SCHEMA);
  const sql = {
    add: db.prepare('INSERT INTO action_work VALUES (?, ?, ?, ?, ?, NULL)'),
    read: db.prepare<[string], WorkRow>('SELECT * FROM action_work WHERE action_id = ?'),
    latest: db.prepare<[string], WorkRow>(
      'SELECT * FROM action_work WHERE action_key = ? ORDER BY attempt DESC LIMIT 1',
    ),
    release: db.prepare('UPDATE action_work SET released_json = ? WHERE action_id = ?'),
    post: db.prepare(
      `INSERT INTO action_outbox (action_id, kind, idempotency_key, body_json, queued_at)
       VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    ),
    unsent: db.prepare<[{ id: string | null }], LetterRow>(
      'SELECT * FROM action_outbox WHERE sent = 0 AND action_id = ifnull(@id, action_id) ORDER BY id',
    ),
    sent: db.prepare('UPDATE action_outbox SET sent = 1 WHERE id = ?'),
  };
  return {
    add({ actionId, attempt, idempotencyKey, action }) {
      sql.add.run(actionId, action.key, attempt, idempotencyKey, JSON.stringify(action));
    },
    read: (actionId) => workOf(sql.read.get(actionId)),
    latest: (key) => workOf(sql.latest.get(key)),
    release(actionId, released) {
      sql.release.run(JSON.stringify(released), actionId);
    },
    post({ actionId, kind, idempotencyKey, body, queuedAt }) {
      sql.post.run(actionId, kind, idempotencyKey, JSON.stringify(body), queuedAt);
    },
    unsent: (actionId) =>
      sql.unsent.all({ id: actionId ?? null }).map((row) => ({
        id: row.id,
        actionId: row.action_id,
        kind: row.kind,
        idempotencyKey: row.idempotency_key,
        body: JSON.parse(row.body_json) as Letter['body'],
        queuedAt: row.queued_at,
      })),
    sent(id) {
      sql.sent.run(id);
    },
    // Immediate: two processes that start on the same rows stand in line instead of failing half-way.
    together: (what) => db.transaction(what).immediate(),
  };
}

/** What this file wrote itself, as JSON of its own; nothing of it came from outside unread. */
function workOf(row: WorkRow | undefined): Work | undefined {
  if (row === undefined) return undefined;
  return {
    actionId: row.action_id,
    attempt: row.attempt,
    idempotencyKey: row.idempotency_key,
    action: JSON.parse(row.action_json) as Action,
    ...(row.released_json !== null && { released: JSON.parse(row.released_json) as Released }),
  };
}
