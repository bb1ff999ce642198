import { setImmediate } from 'node:timers/promises';
import { type ChainHead, completedBy, EMPTY_CHAIN, type EntryType } from '@countersign/proof';
import Database from 'better-sqlite3';
import { LedgerDamage } from '../service/ledger-damage.ts';
import type {
  ApiKey,
  Batch,
  CommitRefusal,
  KeyRestriction,
  KeyScope,
  KeyStore,
  LedgerStore,
  NewEntry,
  StoredEntry,
} from '../service/ports.ts';
import { type DatabaseOptions, openDatabase } from './database.ts';
import { refusedOf } from './refused.ts';
import { snapshotWriter } from './run-snapshots.ts';

const HASH_BYTES = 32;
/** Rows looked at before whoever waits has a turn, where there can be many. */
const ROWS_AT_ONCE = 500;
/** Kind of the handles that say which entries a decision has, beside those that callers search by. */
const OF_DECISION = 'decision';

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

interface KeyRow extends Omit<ApiKey, 'scopes' | 'createdAt' | 'expiresAt' | 'restriction'> {
  readonly scopes: string;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly restriction: KeyRestriction | null;
}

const ENTRY_COLUMNS = `SELECT entries.seq AS seq, scopes.scope AS scope, entry_type, decision_id, created_at,
  chain_position, chain_root, link_hash, entry_hash, subject_hash, subject`;
const ENTRY = `${ENTRY_COLUMNS} FROM entries JOIN scopes ON scopes.id = entries.scope`;

export type SqliteStore = LedgerStore & KeyStore;

/** Whether an error is SQLite's: the file did not answer. */
export function isSqliteError(error: unknown): boolean {
  return error instanceof Database.SqliteError;
}

/**
 * Opens the ledger in a SQLite file and creates it where there is none. A commit is one transaction that is synced:
 * when it returns, it is on disk.
 */
export function openSqlite(file: string, options: DatabaseOptions = {}): SqliteStore {
  return storeOver(openDatabase(file, options));
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
    // The second parameter is a list of ids, as JSON.
    decisions: db.prepare<[string, string], EntryRow>(
      `${ENTRY} WHERE scopes.scope = ? AND decision_id IN (SELECT value FROM json_each(?)) ORDER BY seq`,
    ),
    ofDecisions: db
      .prepare<[string, string], number>(
        `SELECT seq FROM handles JOIN scopes ON scopes.id = handles.scope
          WHERE scopes.scope = ? AND kind = '${OF_DECISION}'
            AND value IN (SELECT value FROM json_each(?))`,
      )
      .pluck(),
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
    byHandle: db.prepare<
      [string, string, string, number, number],
      EntryRow | { readonly seq: null }
    >(
      `${ENTRY_COLUMNS} FROM handles JOIN scopes ON scopes.id = handles.scope
        LEFT JOIN entries ON entries.seq = handles.seq
        WHERE scopes.scope = ? AND kind = ? AND value = ? AND handles.seq < ?
        ORDER BY handles.seq DESC LIMIT ?`,
    ),
    from: db.prepare<[number, number], EntryRow>(`${ENTRY} WHERE seq >= ? ORDER BY seq LIMIT ?`),
    newest: db.prepare<
      [string, number, number],
      Pick<EntryRow, 'entry_type' | 'created_at' | 'chain_position'>
    >(
      `SELECT entry_type, created_at, chain_position FROM entries
        JOIN scopes ON scopes.id = entries.scope
        WHERE scopes.scope = ? AND chain_position < ? ORDER BY chain_position DESC LIMIT ?`,
    ),
    inputs: db.prepare<[number, number], Pick<EntryRow, 'seq' | 'scope' | 'created_at'>>(
      `SELECT inputs.seq AS seq, scopes.scope AS scope, created_at FROM inputs
        JOIN entries ON entries.seq = inputs.seq JOIN scopes ON scopes.id = entries.scope
        WHERE inputs.seq > ? ORDER BY inputs.seq LIMIT ?`,
    ),
    eraseIdempotency: db.prepare<[string]>(
      `DELETE FROM idempotency WHERE seq IN (SELECT seq FROM entries
        JOIN scopes ON scopes.id = entries.scope WHERE scopes.scope = ?)`,
    ),
    eraseInput: db.prepare<[number]>('DELETE FROM inputs WHERE seq = ?'),
    addHandle: db.prepare<[number, string, string, number]>(
      'INSERT INTO handles VALUES (?, ?, ?, ?)',
    ),
    tenant: db.prepare<[string], string>('SELECT settings FROM tenants WHERE tenant = ?').pluck(),
    setTenant: db.prepare<[string, string]>('INSERT OR REPLACE INTO tenants VALUES (?, ?)'),
    addEntry: db.prepare('INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    addInput: db.prepare<[number, string]>('INSERT INTO inputs VALUES (?, ?)'),
    addKey: db.prepare<[string, string, number]>('INSERT INTO idempotency VALUES (?, ?, ?)'),
    addCheckpoint: db.prepare<[number, string]>('INSERT INTO checkpoints VALUES (?, ?)'),
    apiKey: db.prepare<[string], KeyRow>('SELECT * FROM api_keys WHERE hash = ?'),
    apiKeys: db.prepare<[], KeyRow>('SELECT * FROM api_keys ORDER BY created_at, id'),
    addApiKey: db.prepare('INSERT OR IGNORE INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    revokeApiKey: db.prepare<[string]>("UPDATE api_keys SET state = 'revoked' WHERE id = ?"),
  };
  const writeSnapshot = snapshotWriter(db);
  const scopeIds = new Map<string, number>();
  const typeFrom = new Map<EntryType, Database.Statement<[number, number], EntryRow>>();

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
    if (entry.entryType !== 'decision' && entry.entryType !== 'advisory') {
      sql.addHandle.run(scope, OF_DECISION, entry.decisionId, entry.seq);
    }
    for (const { kind, value } of entry.handles ?? []) {
      sql.addHandle.run(scope, kind, value, entry.seq);
    }
    if (entry.input !== undefined) sql.addInput.run(entry.seq, entry.input);
    if (entry.idempotency !== undefined) {
      sql.addKey.run(entry.idempotency.key, entry.idempotency.fingerprint, entry.seq);
    }
    if (entry.snapshot !== undefined) writeSnapshot(entry.snapshot);
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

  /** Entries of these decisions, oldest first: all of them, or it throws. */
  const ofDecisions = (scope: string, decisionIds: readonly string[]): StoredEntry[] => {
    const ids = JSON.stringify(decisionIds);
    // What must be there is read first, and nothing ever leaves: a commit in between adds, and is no loss.
    const size = sql.lastCheckpoint.get()?.size ?? 0;
    const named = sql.ofDecisions.all(scope, ids);
    const entries = sql.decisions.all(scope, ids).map(entryOf);
    const there = new Set(entries.map(({ seq }) => seq));
    const lost = named.find((seq) => !there.has(seq));
    if (lost !== undefined) throw new LedgerDamage('an entry of a decision is missing', lost);
    if ((sql.size.get() ?? 0) < size) throw new LedgerDamage('the last entries are missing');
    return entries;
  };

  const eraseInputs = db.transaction((seqs: readonly number[]): number =>
    seqs.reduce((erased, seq) => erased + sql.eraseInput.run(seq).changes, 0),
  );

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
      return ofDecisions(scope, [decisionId]);
    },
    async readDecisions(scope, decisionIds) {
      const found = new Map<string, StoredEntry[]>(decisionIds.map((id) => [id, []]));
      for (const entry of ofDecisions(scope, decisionIds)) found.get(entry.decisionId)?.push(entry);
      return decisionIds.map((id) => found.get(id) ?? []);
    },
    async readEntriesOfTypes(types) {
      if (types.length === 0) return [];
      const named = types.map((type) => `entry_type = '${type}'`).join(' OR ');
      return db.prepare<[], EntryRow>(`${ENTRY} WHERE (${named}) ORDER BY seq`).all().map(entryOf);
    },
    async readByHandle(scope, { kind, value }, limit, before = Number.MAX_SAFE_INTEGER) {
      return sql.byHandle.all(scope, kind, value, before, limit).map((row) => {
        if (row.seq === null) throw new LedgerDamage('an entry that a handle names is missing');
        return entryOf(row);
      });
    },
    async readOfType(scope, type, limit, before = Number.MAX_SAFE_INTEGER) {
      // The type stands in the statement: a partial index is of no use to a parameter.
      return db
        .prepare<[string, number, number], EntryRow>(
          `${ENTRY} WHERE entry_type = '${type}' AND scopes.scope = ? AND seq < ? ORDER BY seq DESC LIMIT ?`,
        )
        .all(scope, before, limit)
        .map(entryOf);
    },
    async readTypeFrom(type, seq, limit) {
      // As above: the type stands in the statement. Each decision asks for changes of policies, so it is kept.
      const statement =
        typeFrom.get(type) ??
        db.prepare<[number, number], EntryRow>(
          `${ENTRY} WHERE entry_type = '${type}' AND seq >= ? ORDER BY seq LIMIT ?`,
        );
      typeFrom.set(type, statement);
      return statement.all(seq, limit).map(entryOf);
    },
    async readEntriesFrom(seq, limit) {
      return sql.from.all(seq, limit).map(entryOf);
    },
    async countSince(scope, types, createdAt) {
      let count = 0;
      let before = Number.MAX_SAFE_INTEGER;
      for (;;) {
        const page = sql.newest.all(scope, before, ROWS_AT_ONCE);
        for (const row of page) {
          if (row.created_at < createdAt) return count;
          if (types.includes(row.entry_type)) count += 1;
        }
        if (page.length < ROWS_AT_ONCE) return count;
        before = page.at(-1)?.chain_position ?? 0;
        await setImmediate();
      }
    },
    async findInputsBefore(scope, createdAt, limit) {
      const found: number[] = [];
      let after = -1;
      for (;;) {
        const page = sql.inputs.all(after, ROWS_AT_ONCE);
        for (const row of page) {
          // The ledger is in order of time, so the rest of it is not looked at.
          if (row.created_at >= createdAt || found.length === limit) return found;
          if (row.scope === scope) found.push(row.seq);
        }
        if (page.length < ROWS_AT_ONCE) return found;
        after = page.at(-1)?.seq ?? after;
        await setImmediate();
      }
    },
    async eraseInputs(seqs) {
      const erased = eraseInputs.immediate(seqs);
      // The write-ahead log holds older copies of the pages until it is emptied.
      db.pragma('wal_checkpoint(TRUNCATE)');
      return erased;
    },
    async eraseIdempotency(scope) {
      sql.eraseIdempotency.run(scope);
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
        key.restriction ?? null,
      );
    },
    async revokeApiKey(id) {
      return sql.revokeApiKey.run(id).changes > 0;
    },
    async readTenant(tenant) {
      return sql.tenant.get(tenant);
    },
    async writeTenant(tenant, settings) {
      sql.setTenant.run(tenant, settings);
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
    restriction: row.restriction ?? undefined,
  };
}
