import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { LedgerDamage } from '../src/service/ledger-damage.ts';
import { openSqlite } from '../src/store/sqlite.ts';
import { batchAt } from './entries.ts';
import { storeSuite } from './store-suite.ts';

const directory = mkdtempSync(join(tmpdir(), 'countersign-sqlite-'));
afterAll(() => rmSync(directory, { recursive: true }));
let files = 0;
const newFile = (): string => {
  files += 1;
  return join(directory, String(files), 'ledger.db');
};

storeSuite(
  'sqlite',
  () => {
    const file = newFile();
    return () => openSqlite(file);
  },
  { keeps: true },
);

describe('sqlite', () => {
  it('makes a commit durable before it answers: WAL, synchronous FULL', async () => {
    // `synchronous` is a setting of the connection, so the one that writes has to be asked.
    const pragma = vi.spyOn(Database.prototype, 'pragma');
    const file = newFile();
    const store = openSqlite(file);
    const connections = new Set(pragma.mock.contexts as Database.Database[]);
    pragma.mockRestore();
    const [connection, ...others] = connections;
    expect(others).toEqual([]);
    expect(connection?.name).toBe(file);
    expect(connection?.pragma('synchronous', { simple: true })).toBe(2);
    expect(connection?.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(connection?.pragma('foreign_keys', { simple: true })).toBe(1);
    await store.close();
    // The same question about a connection that nobody set up shows that it can be answered otherwise.
    const plain = new Database(file);
    expect(plain.pragma('synchronous', { simple: true })).not.toBe(2);
    plain.close();
  });

  it('finds rare entries by their index: no read of them walks the ledger', async () => {
    const file = newFile();
    const store = openSqlite(file);
    await store.commit(0, batchAt(0, [{}, {}]));
    const prepare = vi.spyOn(Database.prototype, 'prepare');
    await store.readTypeFrom('policy_state', 0, 10);
    await store.readOfType('acme', 'review_opened', 10);
    await store.readEntriesOfTypes(['policy_version', 'policy_state']);
    const statements = prepare.mock.calls.map(([sql]) => sql);
    prepare.mockRestore();
    expect(statements).toHaveLength(3);
    const db = new Database(file);
    for (const sql of statements) {
      const given = [...sql.matchAll(/\?/g)].map(() => 1);
      const plan = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`);
      const steps = plan.all(...given).map(({ detail }) => detail);
      expect([sql, steps.filter((step) => step.includes('entries_by_type'))]).toEqual([
        sql,
        [expect.stringContaining('SEARCH entries')],
      ]);
    }
    db.close();
    await store.close();
  });

  describe.each(['entries', 'checkpoints'])('D-88 %s only grows', (table) => {
    it.each([
      ['UPDATE', `UPDATE ${table} SET ${table === 'entries' ? "subject = 'x'" : "note = 'x'"}`],
      ['UPDATE of the number', `UPDATE ${table} SET rowid = rowid + 1000`],
      ['DELETE', `DELETE FROM ${table}`],
      ['INSERT OR REPLACE', `INSERT OR REPLACE INTO ${table} SELECT * FROM ${table}`],
    ])('refuses %s', async (_, statement) => {
      const file = newFile();
      const store = openSqlite(file);
      await store.commit(0, batchAt(0, [{}, {}]));
      await store.close();
      const db = new Database(file);
      const rows = db.prepare(`SELECT rowid, * FROM ${table}`).all();
      expect(rows.length).toBeGreaterThan(0);
      expect(() => db.exec(statement)).toThrow('the ledger only grows');
      expect(db.prepare(`SELECT rowid, * FROM ${table}`).all()).toEqual(rows);
      db.close();
    });
  });

  it('lets two connections to one file commit at a size only once', async () => {
    const file = newFile();
    const [one, other] = [openSqlite(file), openSqlite(file)];
    expect(await one.commit(0, batchAt(0, [{ scope: 'one' }]))).toBeUndefined();
    expect(await other.commit(0, batchAt(0, [{ scope: 'other' }]))).toEqual({ because: 'size' });
    expect(await other.commit(1, batchAt(1, [{ scope: 'other' }]))).toBeUndefined();
    expect(await one.commit(2, batchAt(2, [{ scope: 'other', chainPosition: 3 }]))).toBeUndefined();
    expect((await one.readChain('other', 9, 9)).map(({ seq }) => seq)).toEqual([1, 2]);
    await Promise.all([one.close(), other.close()]);
  });

  it('leaves nothing of a batch that breaks half-way, its new tenant neither', async () => {
    const store = openSqlite(newFile());
    const twice = { scope: 'new', chainPosition: 1, idempotency: { key: 'k', fingerprint: 'f' } };
    const { idempotency: _, ...again } = twice;
    await expect(store.commit(0, batchAt(0, [twice, again]))).rejects.toThrow(
      'the ledger only grows',
    );
    expect(await store.readHead()).toEqual({ size: 0 });
    expect(await store.recall('k')).toBeUndefined();
    expect(await store.commit(0, batchAt(0, [twice]))).toBeUndefined();
    expect((await store.readEntry(0))?.scope).toBe('new');
    await store.close();
  });

  it('rejects a decision of which a row is lost, and no other', async () => {
    const file = newFile();
    const store = openSqlite(file);
    const of = (decisionId: string) => ({ decisionId, entryType: 'execution' }) as const;
    await store.commit(0, batchAt(0, [{ decisionId: 'dec_1' }, of('dec_1'), of('dec_2'), {}]));
    expect(await store.readDecision('acme', 'dec_1')).toHaveLength(2);
    const db = new Database(file);
    db.exec('DROP TRIGGER entries_stay; DELETE FROM entries WHERE seq = 1');
    await expect(store.readDecision('acme', 'dec_1')).rejects.toThrow(LedgerDamage);
    await expect(store.readDecisions('acme', ['dec_2', 'dec_1'])).rejects.toThrow(LedgerDamage);
    expect(await store.readDecision('acme', 'dec_2')).toHaveLength(1);
    expect(await store.readDecisions('acme', ['dec_2'])).toHaveLength(1);
    // Whose row the last one was cannot be known any more.
    db.exec('DELETE FROM entries WHERE seq = 3');
    await expect(store.readDecision('acme', 'dec_2')).rejects.toThrow(LedgerDamage);
    db.close();
    await store.close();
  });

  it('rejects a search by a handle whose row is lost, and no other', async () => {
    const file = newFile();
    const store = openSqlite(file);
    const find = (value: string) => store.readByHandle('acme', { kind: 'external_ref', value }, 10);
    const named = (value: string) => ({ handles: [{ kind: 'external_ref', value }] as const });
    await store.commit(0, batchAt(0, [named('a'), named('b'), named('a'), {}]));
    expect(await find('a')).toHaveLength(2);
    const db = new Database(file);
    db.exec('DROP TRIGGER entries_stay; DELETE FROM entries WHERE seq = 0');
    db.close();
    await expect(find('a')).rejects.toThrow(LedgerDamage);
    expect(await find('b')).toHaveLength(1);
    await store.close();
  });

  it('does not open a layout that it does not know', async () => {
    const file = newFile();
    await openSqlite(file).close();
    const db = new Database(file);
    db.pragma('user_version = 99');
    db.close();
    expect(() => openSqlite(file)).toThrow('has layout 99');
  });
});
