import { readFileSync } from 'node:fs';
import Database from 'better-sqlite3';

const FILE = new URL('./fixtures/original-4.sql', import.meta.url);
const SIGNING = ['signing_key_id', 'signing_signature', 'signing_algorithm'];

/**
 * Writes a database as the original server leaves it: the walk-through's run, started and then held, and one data
 * shape. Before version 4 data shapes had no signatures.
 */
export function writeOriginalDatabase(file: string, version: number): void {
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.exec(readFileSync(FILE, 'utf8'));
  db.prepare('UPDATE store_meta SET version = ?').run(version);
  if (version < 4) {
    for (const column of SIGNING) db.exec(`ALTER TABLE data_shapes DROP COLUMN ${column}`);
  }
  db.close();
}
