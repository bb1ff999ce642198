import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { type ChainHead, completedBy, EMPTY_CHAIN, type EntryType } from '@countersign/proof';
import Database from 'better-sqlite3';
import { LedgerDamage } from '../service/ledger-damage.ts';
import type {
  ApiKey,
  Batch,
  CommitRefusal,
  KeyScope,
  KeyStore,
  LedgerStore,
  NewEntry,
  StoredEntry,
} from '../service/ports.ts';
import { refusedOf } from './refused.ts';
import { SCHEMA, SCHEMA_VERSION } from './schema.ts';

/** Milliseconds to wait for another process that writes the same file. */
const BUSY_TIMEOUT_MS = 5_000;
/** Pages of 4 KiB in the write-ahead log before SQLite copies them into the database. */
const WAL_PAGES = 4_000;
const HASH_BYTES = 32;
/** Node-API of the driver's ready-made binaries, first in Node 22.14. An older Node would crash in them. */
const NAPI_MIN = 10;

interface EntryRow {
  readonly seq: number;
  readonly scope: string;
  readonly entry_type: EntryType;
  readonly decision_id: string;
  readonly created_at: string;
  readonly chain_position: number;
  readonly chain_root: string;
  readonly link_hash: string;
  readonly entry_hash: string;
  readonly subject_hash: string;
  readonly subject: string;
}

interface KeyRow extends Omit<ApiKey, 'scopes' | 'createdAt' | 'expiresAt'> {
  readonly scopes: string;
  readonly created_at: string;
  readonly expires_at: string | null;
}

const ENTRY = `SELECT seq, scopes.scope AS scope, entry_type, decision_id, created_at, chain_position,
  chain_root, link_hash, entry_hash, subject_hash, subject FROM entries JOIN scopes ON scopes.id = entries.scope`;

export type SqliteStore = LedgerStore & KeyStore;

/** Whether an error is SQLite's: the file did not answer. */
export function isSqliteError(error: unknown): boolean {
  return error instanceof Database.SqliteError;
}

/**
 * Opens the ledger in a SQLite file and creates it where there is none. A commit is one transaction with
 * `synchronous=FULL`: when it returns, the write-ahead log is on disk.
 */
export function openSqlite(file: string): SqliteStore {
  if (Number(process.versions['napi']) < NAPI_MIN) {
    throw new Error(
      `Node ${process.versions.node} is too old for the SQLite driver; 22.14 will do`,
    );
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const db = new Database(file, { timeout: BUSY_TIMEOUT_MS });
  db.pragma('journal_mode = WAL');
  // The build's own default in WAL mode is NORMAL, which syncs only when the log is copied.
  db.pragma('synchronous = FULL');
  db.pragma(`wal_autocheckpoint = ${WAL_PAGES}`);
  db.pragma('foreign_keys = ON');
  db.pragma('secure_delete = ON');
  db.pragma('cache_size = -4000');
  migrate(db, file);
  return storeOver(db);
}

function migrate(db: Database.Database, file: string): void {
  db.transaction(() => {
    const version = db.pragma('user_version', { simple: true });
    if (version === SCHEMA_VERSION) return;
    if (version !== 0) {
      throw new Error(`${file} has layout ${String(version)}; this build reads ${SCHEMA_VERSION}`);
    }
    db.exec(SCHEMA);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
  }).immediate();
}

function storeOver(db: Database.Database): SqliteStore {
  const sql = {
    size: db.prepare<[], number>('SELECT coalesce(max(seq) + 1, 0) FROM entries').pluck(),
    lastCheckpoint: db.prepare<[], { size: number; note: string }>(
      'SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1',
    ),
    checkpoint: db.prepare<[number], { size: number; note: string }>(
      'SELECT size, note FROM checkpoints WHERE size >= ? ORDER BY size LIMIT 1',
    ),
    entry: db.prepare<[number], EntryRow>(`${ENTRY} WHERE seq = ?`),
    decision: db.prepare<[string, string], EntryRow>(
      `${ENTRY} WHERE scopes.scope = ? AND decision_id = ? ORDER BY seq`,
    ),
    decisionSize: db
      .prepare<[string, string], number>(
        'SELECT count(*) FROM entries JOIN scopes ON scopes.id = entries.scope WHERE scopes.scope = ? AND decision_id = ?',
      )
      .pluck(),
    chain: db.prepare<[string, number, number], EntryRow>(
      `${ENTRY} WHERE scopes.scope = ? AND chain_position <= ? ORDER BY chain_position DESC LIMIT ?`,
    ),
    chainHead: db.prepare<[string, number], EntryRow>(
      `${ENTRY} WHERE scopes.scope = ? AND seq < ? ORDER BY chain_position DESC LIMIT 1`,
    ),
    input: db.prepare<[number], string>('SELECT input FROM inputs WHERE seq = ?').pluck(),
    completed: db
      .prepare<[number, number], Buffer>(
        `SELECT substr(completed, ?, ${HASH_BYTES}) FROM entries WHERE seq = ?`,
      )
      .pluck(),
    recall: db.prepare<[string], { seq: number; fingerprint: string }>(
      'SELECT seq, fingerprint FROM idempotency WHERE key = ?',
    ),
    scopeId: db.prepare<[string], number>('SELECT id FROM scopes WHERE scope = ?').pluck(),
    addScope: db.prepare<[string]>('INSERT INTO scopes (scope) VALUES (?)'),
    addEntry: db.prepare('INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    addInput: db.prepare<[number, string]>('INSERT INTO inputs VALUES (?, ?)'),
    addKey: db.prepare<[string, string, number]>('INSERT INTO idempotency VALUES (?, ?, ?)'),
    addCheckpoint: db.prepare<[number, string]>('INSERT INTO checkpoints VALUES (?, ?)'),
    apiKey: db.prepare<[string], KeyRow>('SELECT * FROM api_keys WHERE hash = ?'),
    apiKeys: db.prepare<[], KeyRow>('SELECT * FROM api_keys ORDER BY created_at, id'),
    addApiKey: db.prepare('INSERT OR IGNORE INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    revokeApiKey: db.prepare<[string]>("UPDATE api_keys SET state = 'revoked' WHERE id = ?"),
  };
  const scopeIds = new Map<string, number>();

  const insert = (entry: NewEntry): void => {
    let scope = scopeIds.get(entry.scope) ?? sql.scopeId.get(entry.scope);
    scope ??= Number(sql.addScope.run(entry.scope).lastInsertRowid);
    sql.addEntry.run(
      entry.seq,
      scope,
      entry.entryType,
      entry.decisionId,
      entry.createdAt,
      entry.chainPosition,
      entry.chainRoot,
      entry.linkHash,
      entry.entryHash,
      entry.subjectHash,
      Buffer.concat(entry.completed),
      entry.subject,
    );
    if (entry.input !== undefined) sql.addInput.run(entry.seq, entry.input);
    if (entry.idempotency !== undefined) {
      sql.addKey.run(entry.idempotency.key, entry.idempotency.fingerprint, entry.seq);
    }
    scopeIds.set(entry.scope, scope);
  };

  const commit = db.transaction((expectedSize: number, batch: Batch): CommitRefusal | undefined => {
    if (sql.size.get() !== expectedSize) return { because: 'size' };
    const refused = refusedOf(batch.entries, {
      taken: (key) => sql.recall.get(key) !== undefined,
      decisionSize: (scope, id) => sql.decisionSize.get(scope, id) ?? 0,
    });
    if (refused.length > 0) return { because: 'entries', refused };
    for (const entry of batch.entries) insert(entry);
    sql.addCheckpoint.run(batch.size, batch.checkpoint);
    return undefined;
  });

  return {
    async readHead() {
      const size = sql.size.get() ?? 0;
      const last = size === 0 ? undefined : sql.entry.get(size - 1);
      return {
        size,
        checkpoint: sql.lastCheckpoint.get()?.note,
        lastEntry: last === undefined ? undefined : entryOf(last),
      };
    },
    async readEntry(seq) {
      const row = sql.entry.get(seq);
      return row === undefined ? undefined : entryOf(row);
    },
    async readDecision(scope, decisionId) {
      return sql.decision.all(scope, decisionId).map(entryOf);
    },
    async readEntriesOfTypes(types) {
      const places = types.map(() => '?').join(', ');
      return db
        .prepare<string[], EntryRow>(`${ENTRY} WHERE entry_type IN (${places}) ORDER BY seq`)
        .all(...types)
        .map(entryOf);
    },
    async readChain(scope, last, limit) {
      return sql.chain.all(scope, last, limit).map(entryOf).reverse();
    },
    async readChainHead(scope, size) {
      const row = sql.chainHead.get(scope, size ?? Number.MAX_SAFE_INTEGER);
      return row === undefined ? EMPTY_CHAIN : chainHeadOf(row);
    },
    async readInput(seq) {
      return sql.input.get(seq);
    },
    async readCheckpoint(size) {
      return sql.checkpoint.get(size);
    },
    async readNodes(nodes) {
      return nodes.map((node) => {
        const hash = sql.completed.get(node.level * HASH_BYTES + 1, completedBy(node));
        if (hash?.length !== HASH_BYTES) {
          throw new LedgerDamage(
            `its Merkle node of level ${node.level} is missing`,
            completedBy(node),
          );
        }
        return hash;
      });
    },
    async recall(key) {
      return sql.recall.get(key);
    },
    async commit(expectedSize, batch) {
      try {
        return commit.immediate(expectedSize, batch);
      } catch (error) {
        // A scope that was numbered inside the transaction is gone with it.
        scopeIds.clear();
        throw error;
      }
    },
    async findApiKey(hash) {
      const row = sql.apiKey.get(hash);
      return row === undefined ? undefined : apiKeyOf(row);
    },
    async listApiKeys() {
      return sql.apiKeys.all().map(apiKeyOf);
    },
    async addApiKey(key) {
      sql.addApiKey.run(
        key.hash,
        key.id,
        key.tenant,
        key.environment,
        key.scopes.join(' '),
        key.state,
        key.label,
        key.createdAt,
        key.expiresAt ?? null,
      );
    },
    async revokeApiKey(id) {
      return sql.revokeApiKey.run(id).changes > 0;
    },
    async close() {
      db.close();
    },
  };
}

function entryOf(row: EntryRow): StoredEntry {
  return {
    seq: row.seq,
    scope: row.scope,
    entryType: row.entry_type,
    decisionId: row.decision_id,
    createdAt: row.created_at,
    chainPosition: row.chain_position,
    chainRoot: row.chain_root,
    linkHash: row.link_hash,
    entryHash: row.entry_hash,
    subjectHash: row.subject_hash,
    subject: row.subject,
  };
}

function chainHeadOf(row: EntryRow): ChainHead {
  return { position: row.chain_position, merkleRoot: row.chain_root, linkHash: row.link_hash };
}

function apiKeyOf(row: KeyRow): ApiKey {
  return {
    hash: row.hash,
    id: row.id,
    tenant: row.tenant,
    environment: row.environment,
    scopes: row.scopes.split(' ').filter((scope) => scope !== '') as KeyScope[],
    state: row.state,
    label: row.label,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
  };
}
