import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isMembers, type Members, parseJson } from '@countersign/proof';
import Database from 'better-sqlite3';
import type { ActionStatus } from './status.ts';

/** A row of `decision_actions`, all 19 columns. */
export interface ActionRow {
  readonly id: string;
  readonly source_system: string;
  readonly source_record_id: string;
  readonly requested_action: string;
  readonly decision_verdict: 'yes' | 'no' | 'review' | 'none';
  readonly decide_request_id: string;
  readonly decide_decision_id: string;
  readonly decide_record_hash: string | null;
  readonly decide_receipt_hash: string | null;
  readonly decide_execution_id: string | null;
  readonly decide_execution_hash: string | null;
  readonly decide_outcome_id: string | null;
  readonly decide_outcome_hash: string | null;
  readonly decide_packet_hash: string | null;
  readonly decide_verify_url: string | null;
  readonly decide_replay_url: string | null;
  readonly evidence_json: string | null;
  readonly action_status: ActionStatus;
  readonly created_at: string;
}

/** Columns that are filled in later, once. */
export type Later = Partial<
  Pick<
    ActionRow,
    | 'decide_execution_id'
    | 'decide_execution_hash'
    | 'decide_outcome_id'
    | 'decide_outcome_hash'
    | 'decide_packet_hash'
  >
>;

export interface ActionStore {
  /** Adds a row without an answer; its status is `deciding`. */
  begin(
    row: Pick<ActionRow, 'source_system' | 'source_record_id' | 'requested_action'>,
    at: number,
  ): ActionRow;
  read(id: string): ActionRow | undefined;
  /** Rows in any of these states, oldest first. */
  list(...statuses: readonly ActionStatus[]): readonly ActionRow[];
  /** Keeps the whole record beside the row, and its handles in it; both or neither. */
  answer(id: string, record: Members, input: Members, at: number): void;
  /** Changes the status if it is still `from`; says whether it was. */
  move(id: string, from: ActionStatus, to: ActionStatus): boolean;
  fill(id: string, columns: Later): void;
  /** The stored record of a decision; `undefined` where there is none that can be read. */
  record(decisionId: string): Members | undefined;
}

/** Opens the database file of an integration, with the tables of this folder in it. */
export function openDatabase(file: string): Database.Database {
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  // What is stored here says that something irreversible was permitted or done.
  db.pragma('synchronous = FULL');
  db.exec(readFileSync(new URL('./schema.sqlite.sql', import.meta.url), 'utf8'));
  return db;
}

export function actionStore(db: Database.Database): ActionStore {
  const sql = {
    insert: db.prepare(
      `INSERT INTO decision_actions (id, source_system, source_record_id, requested_action,
         decision_verdict, decide_request_id, decide_decision_id, action_status, created_at)
       VALUES (@id, @source_system, @source_record_id, @requested_action,
         'none', 'unanswered:' || @id, 'unanswered:' || @id, 'deciding', @created_at)`,
    ),
    read: db.prepare<[string], ActionRow>('SELECT * FROM decision_actions WHERE id = ?'),
    list: db.prepare<[string], ActionRow>(
      `SELECT * FROM decision_actions
       WHERE action_status IN (SELECT value FROM json_each(?)) ORDER BY created_at, id`,
    ),
    answer: db.prepare(
      `UPDATE decision_actions SET decision_verdict = @verdict, decide_request_id = @request,
         decide_decision_id = @decision, decide_record_hash = @recordHash,
         decide_receipt_hash = @receiptHash, decide_verify_url = @verify,
         decide_replay_url = @replay, evidence_json = @evidence
       WHERE id = @id`,
    ),
    keep: db.prepare(
      'INSERT INTO decision_records VALUES (@decision, @text, @input, @at) ON CONFLICT DO NOTHING',
    ),
    move: db.prepare(
      'UPDATE decision_actions SET action_status = ? WHERE id = ? AND action_status = ?',
    ),
    record: db
      .prepare<[string], string>(
        'SELECT record_json FROM decision_records WHERE decide_decision_id = ?',
      )
      .pluck(),
  };
  const record = (decisionId: string): Members | undefined => {
    const parsed = parseJson(sql.record.get(decisionId) ?? '', { depthMax: 64 });
    return parsed.ok && isMembers(parsed.value) ? parsed.value : undefined;
  };
  return {
    begin(row, at) {
      const id = `act_${randomUUID()}`;
      sql.insert.run({ ...row, id, created_at: instant(at) });
      return sql.read.get(id) as ActionRow;
    },
    read: (id) => sql.read.get(id),
    list: (...statuses) => sql.list.all(JSON.stringify(statuses)),
    answer: db.transaction((id: string, given: Members, input: Members, at: number) => {
      const decision = String(given['decision_id']);
      sql.keep.run({
        decision,
        text: JSON.stringify(given),
        input: JSON.stringify(redacted(input)),
        at: instant(at),
      });
      sql.answer.run({
        id,
        decision,
        verdict: given['verdict'],
        request: given['request_id'],
        recordHash: given['record_hash'],
        receiptHash: given['receipt_hash'],
        verify: given['verify_url'],
        replay: given['replay_url'],
        evidence: JSON.stringify(given['evidence']),
      });
    }),
    move: (id, from, to) => sql.move.run(to, id, from).changes === 1,
    fill(id, columns) {
      const names = Object.keys(columns);
      const set = names.map((name) => `${name} = @${name}`).join(', ');
      db.prepare(`UPDATE decision_actions SET ${set} WHERE id = @id`).run({ ...columns, id });
    },
    record,
  };
}

const instant = (at: number): string => new Date(at).toISOString();

/** Members that name or reach a person, or open a door. */
const PERSONAL = /email|phone|ssn|iban|address|card|credit|secret|token|passw|api_?key|cookie/i;

/** A request as it may be kept: what a personal member held is taken out, its name stays. */
function redacted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redacted);
  if (!isMembers(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      PERSONAL.test(name) && typeof inner !== 'boolean' ? '[redacted]' : redacted(inner),
    ]),
  );
}
