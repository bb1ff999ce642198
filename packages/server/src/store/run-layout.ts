import type Database from 'better-sqlite3';

/** Version of the layout that runs and data shapes are kept in, in the table `store_meta`. */
const LAYOUT_VERSION = 4;

/** Tables of the original layout; the ledger's stand beside them in the same file. */
const TABLES = `
CREATE TABLE IF NOT EXISTS runs (
  tenant_id INTEGER NOT NULL,
  namespace_id INTEGER NOT NULL,
  run_id TEXT NOT NULL,
  latest_version INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, namespace_id, run_id)
);
CREATE TABLE IF NOT EXISTS run_state_versions (
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
CREATE TABLE IF NOT EXISTS data_shapes (
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

/** Version 3 lacks these. */
const SIGNING = ['signing_key_id', 'signing_signature', 'signing_algorithm'];

/** Makes the tables where they are missing and brings version 3 to this one. Throws for any other version. */
export function ensureRunLayout(db: Database.Database): void {
  db.transaction(() => {
    db.exec('CREATE TABLE IF NOT EXISTS store_meta (version INTEGER NOT NULL)');
    const version = db.prepare<[], number>('SELECT version FROM store_meta LIMIT 1').pluck().get();
    if (version !== undefined && version !== 3 && version !== LAYOUT_VERSION) {
      throw new Error(`unsupported schema version: ${version}`);
    }
    db.exec(TABLES);
    if (version === 3) {
      const columns = new Set(
        db.prepare<[], string>("SELECT name FROM pragma_table_info('data_shapes')").pluck().all(),
      );
      for (const name of SIGNING) {
        if (!columns.has(name)) db.exec(`ALTER TABLE data_shapes ADD COLUMN ${name} TEXT`);
      }
      db.prepare('UPDATE store_meta SET version = ?').run(LAYOUT_VERSION);
    }
    if (version === undefined) {
      db.prepare('INSERT INTO store_meta (version) VALUES (?)').run(LAYOUT_VERSION);
    }
  }).immediate();
}

const I64_MAX = 2n ** 63n - 1n;

/** An id as a column keeps it. */
export type IdColumn = bigint | Buffer;

/**
 * An id as a column keeps it: as an integer, or as the bytes of its digits where SQLite's integers end. Digits as text
 * would be rounded to a double there, and two tenants be one.
 */
export function idColumn(id: number | bigint): IdColumn {
  const value = BigInt(id);
  return value > I64_MAX ? Buffer.from(value.toString()) : value;
}
