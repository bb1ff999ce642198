import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { SCHEMA, SCHEMA_VERSION, STEPS } from './schema.ts';

/** How a connection to a SQLite file behaves, where the defaults are not to hold. */
export interface DatabaseOptions {
  /** Milliseconds to wait for another process that writes the same file. */
  readonly busyTimeoutMs?: number | undefined;
  readonly journalMode?: 'wal' | 'delete' | undefined;
  /**
   * `normal`: with a write-ahead log, a commit may be lost with the power. Not for a ledger: what it has answered for
   * must be on disk.
   */
  readonly syncMode?: 'full' | 'normal' | undefined;
}

const BUSY_TIMEOUT_MS = 5_000;
/** Pages of 4 KiB in the write-ahead log before SQLite copies them into the database. */
const WAL_PAGES = 4_000;
/** Node-API of the driver's ready-made binaries, first in Node 22.14. An older Node would crash in them. */
const NAPI_MIN = 10;

/** A connection to a ledger's file, with its tables in place. */
export function openDatabase(
  file: string,
  { busyTimeoutMs, journalMode }: DatabaseOptions = {},
): Database.Database {
  const db = connect(file, { busyTimeoutMs, journalMode });
  try {
    migrate(db, file);
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

/** A connection to a file, which is made where there is none; nothing is said of its tables. */
export function connect(file: string, options: DatabaseOptions = {}): Database.Database {
  if (Number(process.versions['napi']) < NAPI_MIN) {
    throw new Error(
      `Node ${process.versions.node} is too old for the SQLite driver; 22.14 will do`,
    );
  }
  const { busyTimeoutMs = BUSY_TIMEOUT_MS, journalMode = 'wal', syncMode = 'full' } = options;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  makeOwned(file);
  const db = new Database(file, { timeout: busyTimeoutMs });
  try {
    db.pragma(`journal_mode = ${journalMode}`);
    db.pragma(`synchronous = ${synchronousOf(journalMode, syncMode)}`);
    db.pragma(`wal_autocheckpoint = ${WAL_PAGES}`);
    db.pragma('foreign_keys = ON');
    db.pragma('secure_delete = ON');
    db.pragma('cache_size = -4000');
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

/**
 * The build's own default in WAL mode is NORMAL, which syncs only when the log is copied. Without a write-ahead log,
 * FULL leaves out the directory: a journal whose removal is lost would undo the commit.
 */
function synchronousOf(
  journalMode: 'wal' | 'delete',
  syncMode: 'full' | 'normal',
): 'FULL' | 'EXTRA' | 'NORMAL' {
  if (syncMode === 'normal') return 'NORMAL';
  return journalMode === 'wal' ? 'FULL' : 'EXTRA';
}

function migrate(db: Database.Database, file: string): void {
  db.transaction(() => {
    const version = Number(db.pragma('user_version', { simple: true }));
    if (version === SCHEMA_VERSION) return;
    if (version === 0) {
      db.exec(SCHEMA);
    } else {
      for (let from = version; from !== SCHEMA_VERSION; from += 1) {
        const step = STEPS[from];
        if (step === undefined) {
          throw new Error(`${file} has layout ${version}; this build reads ${SCHEMA_VERSION}`);
        }
        db.exec(step);
      }
    }
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
  }).immediate();
}

/**
 * Makes an empty file that only its owner can read, as SQLite then makes those beside it. One that is there is not
 * touched: to close it would take away the locks that this process holds on it.
 */
function makeOwned(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
