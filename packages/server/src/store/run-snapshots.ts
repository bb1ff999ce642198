import { type Json, scenario } from '@countersign/policy';
import { parseJson, sha256, toHex } from '@countersign/proof';
import type Database from 'better-sqlite3';
import type { RunSnapshot } from '../service/ports.ts';
import { SCENARIO_DEPTH_MAX } from '../service/scenario/canonical.ts';
import { RunCorruption } from '../service/scenario/entries.ts';
import type { RunSnapshots } from '../service/scenario/ports.ts';
import { connect, type DatabaseOptions } from './database.ts';
import { ensureRunLayout, type IdColumn, idColumn } from './run-layout.ts';

/** Writes snapshots within the transaction that its caller has open. */
export function snapshotWriter(db: Database.Database): (snapshot: RunSnapshot) => void {
  let statements: ReturnType<typeof prepared> | undefined;
  return (snapshot) => {
    statements ??= prepared(db);
    const run = [idColumn(snapshot.tenant), idColumn(snapshot.namespace), snapshot.runId] as const;
    const version = (statements.latest.get(...run) ?? 0) + 1;
    statements.run.run(...run, version);
    const { stateHash, savedAt, maxVersions } = snapshot;
    statements.add.run(...run, version, Buffer.from(snapshot.state), stateHash, savedAt);
    if (maxVersions !== undefined) statements.prune.run(...run, version - maxVersions);
  };
}

function prepared(db: Database.Database) {
  return {
    latest: db
      .prepare<[IdColumn, IdColumn, string], number>(
        'SELECT latest_version FROM runs WHERE tenant_id = ? AND namespace_id = ? AND run_id = ?',
      )
      .pluck(),
    run: db.prepare<[IdColumn, IdColumn, string, number]>(
      `INSERT INTO runs (tenant_id, namespace_id, run_id, latest_version) VALUES (?, ?, ?, ?)
       ON CONFLICT (tenant_id, namespace_id, run_id) DO UPDATE SET latest_version = excluded.latest_version`,
    ),
    add: db.prepare<[IdColumn, IdColumn, string, number, Buffer, string, number]>(
      `INSERT INTO run_state_versions
         (tenant_id, namespace_id, run_id, version, state_json, state_hash, hash_algorithm, saved_at)
       VALUES (?, ?, ?, ?, ?, ?, 'sha256', ?)`,
    ),
    prune: db.prepare<[IdColumn, IdColumn, string, number]>(
      `DELETE FROM run_state_versions
       WHERE tenant_id = ? AND namespace_id = ? AND run_id = ? AND version <= ?`,
    ),
  };
}

/** Reads the snapshots of a file, whose tables it makes where they are missing. */
export function openRunSnapshots(
  file: string,
  options: DatabaseOptions = {},
): RunSnapshots & { close(): void } {
  const db = connect(file, options);
  try {
    ensureRunLayout(db);
  } catch (error) {
    db.close();
    throw error;
  }
  const latest = db.prepare<[IdColumn, IdColumn, string], { state: Buffer; hash: string }>(
    `SELECT CAST(state_json AS BLOB) AS state, state_hash AS hash FROM run_state_versions AS v
     JOIN runs USING (tenant_id, namespace_id, run_id)
     WHERE tenant_id = ? AND namespace_id = ? AND run_id = ? AND v.version = latest_version`,
  );
  const known = db.prepare<[IdColumn, IdColumn, string], number>(
    'SELECT 1 FROM runs WHERE tenant_id = ? AND namespace_id = ? AND run_id = ?',
  );
  return {
    async load(tenant, namespace, runId) {
      const key = [idColumn(tenant), idColumn(namespace), runId] as const;
      const row = latest.get(...key);
      if (row === undefined) {
        if (known.get(...key) === undefined) return undefined;
        throw new RunCorruption(`latest version of run ${runId} is missing`);
      }
      if (toHex(sha256(row.state)) !== row.hash) {
        throw new RunCorruption(`hash mismatch for run ${runId}`);
      }
      return decoded(row.state.toString('utf8'), { tenant, namespace, runId });
    },
    close() {
      db.close();
    },
  };
}

function decoded(
  text: string,
  key: { readonly tenant: scenario.Int; readonly namespace: scenario.Int; readonly runId: string },
): scenario.RunState {
  const parsed = parseJson(text, {
    depthMax: SCENARIO_DEPTH_MAX,
    readNumber: scenario.readScenarioNumber,
  });
  const run = scenario.runState(parsed.ok ? (parsed.value as Json) : undefined);
  if (!run.ok) throw new RunCorruption(`state of run ${key.runId} does not decode: ${run.text}`);
  const { tenant_id, namespace_id, run_id } = run.value;
  const own =
    BigInt(tenant_id) === BigInt(key.tenant) &&
    BigInt(namespace_id) === BigInt(key.namespace) &&
    run_id === key.runId;
  if (!own) throw new RunCorruption(`state of run ${key.runId} is that of another run`);
  return run.value;
}
