import type Database from 'better-sqlite3';

/** One piece of work. `carried` is what a message says of its decision: a hint, never permission. */
export interface Job {
  readonly jobId: string;
  readonly queue: string;
  readonly action: string;
  readonly sourceRecordId: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly carried?: Carried;
  readonly failures: number;
}

/** The six members that travel with a message, or with the result of a job. */
export interface Carried {
  readonly job_id: string;
  readonly decide_request_id: string;
  readonly decide_decision_id: string;
  readonly decision_verdict: string;
  readonly decision_evidence: readonly string[];
  readonly source_record_id: string;
}

export type JobState = 'ready' | 'done' | 'blocked' | 'pending_owner_review' | 'parked';

/** A durable queue. Delivery is at least once: who does not acknowledge in time is delivered to again. */
export interface Queue {
  put(job: Omit<Job, 'failures'>): void;
  /** The next job that is due, leased to `worker`. */
  receive(queue: string, worker: string, now: number): Job | undefined;
  /** Writes the handles of the decision into the message. */
  carry(jobId: string, carried: Carried): void;
  /** Takes the job out of delivery; last thing of all. */
  finish(jobId: string, state: Exclude<JobState, 'ready'>, result: unknown): void;
  /** Gives it back for a later delivery. A failed one is the owner's until then; gives how many there were. */
  retry(jobId: string, at: number, failed: boolean): number;
  read(jobId: string): (Job & { readonly state: JobState; readonly result: unknown }) | undefined;
}

const LEASE_MS = 30_000;

/** A job without a due time is out of delivery. */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS jobs (
  job_id           text PRIMARY KEY NOT NULL,
  queue            text NOT NULL,
  action           text NOT NULL,
  source_record_id text NOT NULL,
  payload_json     text NOT NULL,
  carried_json     text,
  state            text NOT NULL DEFAULT 'ready',
  due_at           integer DEFAULT 0,
  leased_by        text,
  failures         integer NOT NULL DEFAULT 0,
  result_json      text
) STRICT;`;

interface Row {
  readonly job_id: string;
  readonly queue: string;
  readonly action: string;
  readonly source_record_id: string;
  readonly payload_json: string;
  readonly carried_json: string | null;
  readonly state: JobState;
  readonly failures: number;
  readonly result_json: string | null;
}

export function openQueue(db: Database.Database): Queue {
  db.exec(SCHEMA);
  const sql = {
    put: db.prepare(
      `INSERT INTO jobs (job_id, queue, action, source_record_id, payload_json, carried_json)
       VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    ),
    // A lease is a due time in the future: when it passes without a word, the job is due again.
    receive: db.prepare<unknown[], Row>(
      `UPDATE jobs SET leased_by = ?, due_at = ? WHERE job_id = (
         SELECT job_id FROM jobs WHERE queue = ? AND due_at <= ?
         ORDER BY due_at, job_id LIMIT 1)
       RETURNING *`,
    ),
    carry: db.prepare('UPDATE jobs SET carried_json = ? WHERE job_id = ?'),
    finish: db.prepare(
      'UPDATE jobs SET state = ?, result_json = ?, due_at = NULL WHERE job_id = ?',
    ),
    retry: db
      .prepare<unknown[], number>(
        `UPDATE jobs SET due_at = @at, failures = failures + @failed,
           state = iif(@failed, 'pending_owner_review', state)
         WHERE job_id = @id RETURNING failures`,
      )
      .pluck(),
    read: db.prepare<[string], Row>('SELECT * FROM jobs WHERE job_id = ?'),
  };
  return {
    put({ jobId, queue, action, sourceRecordId, payload, carried }) {
      const hints = carried === undefined ? null : JSON.stringify(carried);
      sql.put.run(jobId, queue, action, sourceRecordId, JSON.stringify(payload), hints);
    },
    receive(queue, worker, now) {
      const row = sql.receive.get(worker, now + LEASE_MS, queue, now);
      return row && jobOf(row);
    },
    carry(jobId, carried) {
      sql.carry.run(JSON.stringify(carried), jobId);
    },
    finish(jobId, state, result) {
      sql.finish.run(state, JSON.stringify(result), jobId);
    },
    retry: (id, at, failed) => sql.retry.get({ id, at, failed: failed ? 1 : 0 }) ?? 0,
    read(jobId) {
      const row = sql.read.get(jobId);
      if (row === undefined) return undefined;
      return { ...jobOf(row), state: row.state, result: JSON.parse(row.result_json ?? 'null') };
    },
  };
}

function jobOf(row: Row): Job {
  return {
    jobId: row.job_id,
    queue: row.queue,
    action: row.action,
    sourceRecordId: row.source_record_id,
    payload: JSON.parse(row.payload_json) as Job['payload'],
    failures: row.failures,
    ...(row.carried_json !== null && { carried: JSON.parse(row.carried_json) as Carried }),
  };
}
