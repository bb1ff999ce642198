import { createHash } from 'node:crypto';
import Database from 'better-sqlite3';
import type { Members } from './harness.ts';

/** Tables as the original server lays them out in version 4. */
const TABLES = `
CREATE TABLE store_meta (version INTEGER NOT NULL);
CREATE TABLE runs (
  tenant_id INTEGER NOT NULL,
  namespace_id INTEGER NOT NULL,
  run_id TEXT NOT NULL,
  latest_version INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, namespace_id, run_id)
);
CREATE TABLE run_state_versions (
  tenant_id INTEGER NOT NULL,
  namespace_id INTEGER NOT NULL,
  run_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  state_json BLOB NOT NULL,
  state_hash TEXT NOT NULL,
  hash_algorithm TEXT NOT NULL,
  saved_at INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, namespace_id, run_id, version),
  FOREIGN KEY (tenant_id, namespace_id, run_id)
    REFERENCES runs (tenant_id, namespace_id, run_id) ON DELETE CASCADE
);
CREATE TABLE data_shapes (
  tenant_id INTEGER NOT NULL,
  namespace_id INTEGER NOT NULL,
  schema_id TEXT NOT NULL,
  version TEXT NOT NULL,
  schema_json BLOB NOT NULL,
  schema_hash TEXT NOT NULL,
  hash_algorithm TEXT NOT NULL,
  description TEXT,
  signing_key_id TEXT,
  signing_signature TEXT,
  signing_algorithm TEXT,
  created_at_json TEXT NOT NULL,
  PRIMARY KEY (tenant_id, namespace_id, schema_id, version)
);`;
const SIGNING = ['signing_key_id', 'signing_signature', 'signing_algorithm'];

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Writes a database as the original server leaves it: one run after some saves, and one data shape. */
export function writeOriginalDatabase(
  file: string,
  version: number,
  { states, shape }: { readonly states: readonly Members[]; readonly shape: Members },
): void {
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.exec(TABLES);
  db.prepare('INSERT INTO store_meta VALUES (?)').run(version);
  const addRun = db.prepare('INSERT INTO runs VALUES (1, 1, ?, ?)');
  const addVersion = db.prepare(
    "INSERT INTO run_state_versions VALUES (1, 1, ?, ?, ?, ?, 'sha256', 1710000000000)",
  );
  const [first] = states;
  if (first !== undefined) addRun.run(first['run_id'], states.length);
  for (const [i, state] of states.entries()) {
    const text = JSON.stringify(state);
    addVersion.run(state['run_id'], i + 1, Buffer.from(text), sha256(text));
  }
  const schema = JSON.stringify(shape);
  db.prepare(
    `INSERT INTO data_shapes (tenant_id, namespace_id, schema_id, version, schema_json, schema_hash,
       hash_algorithm, description, created_at_json)
     VALUES (1, 1, 'report', 'v1', ?, ?, 'sha256', NULL, '{"kind":"logical","value":7}')`,
  ).run(Buffer.from(schema), sha256(schema));
  if (version < 4) {
    for (const column of SIGNING) db.exec(`ALTER TABLE data_shapes DROP COLUMN ${column}`);
  }
  db.close();
}

/** `spec_hash` of the walk-through's scenario. */
export const QUICKSTART_HASH = {
  algorithm: 'sha256',
  value: '88e6964fa7e21ee423e7a141616e55e8f015a48b0fe454c1a57cc0fe208d2393',
};

/** The walk-through's run right after its start. */
export const startedState: Members = {
  tenant_id: 1,
  namespace_id: 1,
  run_id: 'run-1',
  scenario_id: 'quickstart',
  spec_hash: QUICKSTART_HASH,
  current_stage_id: 'main',
  stage_entered_at: { kind: 'unix_millis', value: 1600000000000 },
  status: 'active',
  dispatch_targets: [],
  triggers: [],
  gate_evals: [],
  decisions: [],
  packets: [],
  submissions: [],
  tool_calls: [],
};

const time = { kind: 'unix_millis', value: 1600000000001 };
const digest = { algorithm: 'sha256', value: sha256('something') };

export const heldDecision: Members = {
  decision_id: 'decision-1',
  seq: 1,
  trigger_id: 'early',
  stage_id: 'main',
  decided_at: time,
  outcome: {
    kind: 'hold',
    summary: {
      status: 'hold',
      unmet_gates: ['after-time'],
      retry_hint: 'await_evidence',
      policy_tags: [],
    },
  },
  correlation_id: null,
};

/** The same run after a trigger that came too early. */
export const heldState: Members = {
  ...startedState,
  triggers: [
    {
      seq: 1,
      event: {
        trigger_id: 'early',
        tenant_id: 1,
        namespace_id: 1,
        run_id: 'run-1',
        kind: 'agent_request_next',
        time,
        source_id: 'agent-1',
        payload: null,
        correlation_id: null,
      },
    },
  ],
  gate_evals: [
    {
      trigger_id: 'early',
      stage_id: 'main',
      evaluation: {
        gate_id: 'after-time',
        status: 'False',
        trace: [{ condition_id: 'after', status: 'False' }],
      },
      evidence: [
        {
          condition_id: 'after',
          status: 'False',
          result: {
            value: { kind: 'json', value: false },
            lane: 'verified',
            error: null,
            evidence_hash: { algorithm: 'sha256', value: sha256('false') },
            evidence_ref: null,
            evidence_anchor: {
              anchor_type: 'trigger_time_unix_millis',
              anchor_value: '1600000000001',
            },
            signature: null,
            content_type: 'application/json',
          },
        },
      ],
    },
  ],
  decisions: [heldDecision],
  tool_calls: [
    {
      call_id: 'call-1',
      method: 'scenario.next',
      request_hash: digest,
      response_hash: digest,
      called_at: time,
      correlation_id: null,
      error: null,
    },
  ],
};
