import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Engine, openPostgres, openSqliteTables } from './tables.ts';

/** The 19 columns, and whether each may be empty. */
const COLUMNS: readonly (readonly [string, 'null' | 'not null'])[] = [
  ['id', 'not null'],
  ['source_system', 'not null'],
  ['source_record_id', 'not null'],
  ['requested_action', 'not null'],
  ['decision_verdict', 'not null'],
  ['decide_request_id', 'not null'],
  ['decide_decision_id', 'not null'],
  ['decide_record_hash', 'null'],
  ['decide_receipt_hash', 'null'],
  ['decide_execution_id', 'null'],
  ['decide_execution_hash', 'null'],
  ['decide_outcome_id', 'null'],
  ['decide_outcome_hash', 'null'],
  ['decide_packet_hash', 'null'],
  ['decide_verify_url', 'null'],
  ['decide_replay_url', 'null'],
  ['evidence_json', 'null'],
  ['action_status', 'not null'],
  ['created_at', 'not null'],
];

const HEX = 'a'.repeat(64);

/** An executed row, whole. */
const WHOLE: Readonly<Record<string, string | null>> = {
  source_system: 'billing',
  source_record_id: 'sub_1',
  requested_action: 'apply_discount',
  decision_verdict: 'yes',
  decide_request_id: 'req_1',
  decide_decision_id: 'dec_1',
  decide_record_hash: HEX,
  decide_receipt_hash: HEX,
  decide_execution_id: 'exr_1',
  decide_execution_hash: HEX,
  decide_outcome_id: 'out_1',
  decide_outcome_hash: HEX,
  decide_packet_hash: HEX,
  decide_verify_url: '/api/decision/dec_1/verify',
  decide_replay_url: '/api/decision/dec_1/replay',
  evidence_json: '["MARGIN_FLOOR_OK"]',
  action_status: 'executed',
  created_at: '2031-01-01T00:00:00.000Z',
};

/** Every step that is allowed; all others are refused. */
const NEXT: Readonly<Record<string, readonly string[]>> = {
  deciding: [
    ...['allowed', 'blocked', 'pending_owner_review', 'held_capacity', 'held_unavailable'],
    ...['held_local', 'error_auth', 'error_conflict', 'error_invalid'],
  ],
  allowed: ['claimed', 'executing', 'expired', 'held_local'],
  claimed: ['executed', 'executed_unreceipted', 'execution_failed', 'mismatch', 'unknown_result'],
  executing: ['executed', 'executed_unreceipted', 'execution_failed', 'mismatch', 'unknown_result'],
  executed_unreceipted: ['executed', 'execution_failed', 'mismatch'],
  unknown_result: ['executed', 'execution_failed', 'mismatch'],
  executed: ['outcome_pending', 'reverted', 'closed'],
  outcome_pending: ['closed', 'reverted'],
  pending_owner_review: ['allowed', 'blocked', 'expired'],
  held_capacity: ['deciding', 'pending_owner_review'],
  held_unavailable: ['deciding', 'pending_owner_review'],
  held_local: ['deciding', 'pending_owner_review'],
  error_auth: ['deciding', 'pending_owner_review'],
  error_conflict: ['deciding', 'pending_owner_review'],
  error_invalid: ['deciding', 'pending_owner_review'],
  blocked: [],
  expired: [],
  mismatch: ['closed'],
  reverted: [],
  closed: [],
  execution_failed: [],
};

describe.each([
  ['SQLite', openSqliteTables],
  ['PostgreSQL', openPostgres],
] as const)('decision_actions on %s', (_, open) => {
  let db: Engine;
  let serial = 0;

  beforeAll(async () => {
    db = await open();
  });
  afterAll(() => db.close());

  /** Adds a row of its own; gives its id, or the refusal. */
  const add = (changes: Readonly<Record<string, string | null>> = {}): string => {
    serial += 1;
    const id = `act_${serial}`;
    db.insert({ id, ...WHOLE, decide_decision_id: `dec_${serial}`, ...changes });
    return id;
  };
  const set = (id: string, column: string, value: string | null): void =>
    db.update(id, column, value);

  it('D-110 has the 19 columns in their order, each as empty as it may be', () => {
    expect(db.columns()).toEqual(COLUMNS);
    add();
    for (const [column, nullable] of COLUMNS) {
      const changes =
        nullable === 'null' ? { [column]: null, action_status: 'allowed' } : { [column]: null };
      if (nullable === 'null') expect(() => add(changes), column).not.toThrow();
      else expect(() => add(changes), column).toThrow();
    }
  });

  it('D-110 nothing is executed without a yes, its record and its receipt', () => {
    add();
    for (const verdict of ['no', 'review', 'none']) {
      expect(() => add({ decision_verdict: verdict }), verdict).toThrow();
    }
    for (const column of ['decide_execution_id', 'decide_execution_hash', 'decide_record_hash']) {
      expect(() => add({ [column]: null }), column).toThrow();
    }
    const id = add({ decision_verdict: 'review', action_status: 'claimed' });
    expect(() => set(id, 'action_status', 'executed')).toThrow();
    expect(() => set(add({ action_status: 'claimed' }), 'action_status', 'executed')).not.toThrow();
  });

  it('D-110 nothing is closed without an outcome', () => {
    add({ action_status: 'closed' });
    for (const column of ['decide_outcome_id', 'decide_outcome_hash']) {
      expect(() => add({ action_status: 'closed', [column]: null }), column).toThrow();
      expect(() => set(add({ [column]: null }), 'action_status', 'closed'), column).toThrow();
    }
  });

  it('D-110 verdicts, statuses, hashes and evidence have their form', () => {
    for (const [column, bad] of [
      ['decision_verdict', ['YES', 'Yes', '', 'approved']],
      ['action_status', ['done', '', 'EXECUTED']],
      ['decide_record_hash', ['', 'A'.repeat(64), 'a'.repeat(63), 'a'.repeat(65), `${HEX}\n`]],
      ['decide_receipt_hash', ['g'.repeat(64)]],
      ['decide_execution_hash', ['sha256:a']],
      ['decide_outcome_hash', ['']],
      ['decide_packet_hash', ['a']],
      ['evidence_json', ['', '{}', '"A"', '["A"', 'null', 'A']],
    ] as const) {
      for (const value of bad) {
        expect(() => add({ [column]: value }), `${column} ${value}`).toThrow();
      }
    }
    add({ evidence_json: '[]' });
  });

  it('D-110 a decision governs one action of one object once', () => {
    const one = { decide_decision_id: 'dec_same' };
    add(one);
    expect(() => add(one)).toThrow();
    for (const column of ['source_system', 'source_record_id', 'requested_action']) {
      expect(() => add({ ...one, [column]: 'another' }), column).not.toThrow();
    }
  });

  it('D-110 what was written stays, and what was empty is filled once', () => {
    const empty = {
      decision_verdict: 'none',
      action_status: 'deciding',
      ...Object.fromEntries(
        COLUMNS.filter(([, nullable]) => nullable === 'null').map(([name]) => [name, null]),
      ),
    };
    serial += 1;
    const id = `act_${serial}`;
    const placeholder = `unanswered:${id}`;
    db.insert({
      id,
      ...WHOLE,
      ...empty,
      decide_request_id: placeholder,
      decide_decision_id: placeholder,
    });
    for (const [column] of COLUMNS) {
      const value = WHOLE[column];
      if (column === 'action_status' || value === undefined || value === null) continue;
      const fixed = ['source_system', 'source_record_id', 'requested_action', 'created_at'];
      const other = column.endsWith('_hash')
        ? 'b'.repeat(64)
        : ({
            evidence_json: '["B"]',
            decision_verdict: 'no',
            created_at: '2031-01-02T00:00:00.000Z',
          }[column] ?? 'another');
      if (!fixed.includes(column)) {
        const first = column.endsWith('_id') ? `${value}_first` : value;
        expect(() => set(id, column, first), column).not.toThrow();
        expect(() => set(id, column, first), `${column} again`).not.toThrow();
      }
      expect(() => set(id, column, other), `${column} changed`).toThrow('what was written stays');
      if (column !== 'decision_verdict') {
        expect(() => set(id, column, null), `${column} emptied`).toThrow();
      }
    }
    expect(() => set(id, 'id', 'act_other')).toThrow('what was written stays');
  });

  it('D-110 a status follows another only where the machine says so', () => {
    const statuses = Object.keys(NEXT);
    expect(statuses).toHaveLength(21);
    const steps = statuses.flatMap((from) =>
      statuses.filter((to) => to !== from).map((to) => ({ from, to })),
    );
    const rows = steps.map(({ from }, at) => ({
      id: `step_${at}`,
      ...WHOLE,
      decide_decision_id: `dec_step_${at}`,
      action_status: from,
    }));
    const said = db.steps(
      rows,
      steps.map(({ to }) => to),
    );
    expect(said).toHaveLength(420);
    for (const [at, { from, to }] of steps.entries()) {
      const want = NEXT[from]?.includes(to) ? 'ok' : 'this status does not follow that one';
      expect(said[at], `${from} → ${to}`).toContain(want);
    }
  });

  it('a record is kept as it was', () => {
    db.keep('dec_kept', '{}');
    expect(() => db.keep('dec_kept', '{}')).toThrow();
    expect(() => db.rewrite('dec_kept', '{"verdict":"yes"}')).toThrow('a record is never changed');
  });
});
