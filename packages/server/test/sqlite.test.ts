import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, describe, expect, it, vi } from 'vitest';
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

  it('does not open a layout that it does not know', async () => {
    const file = newFile();
    await openSqlite(file).close();
    const db = new Database(file);
    db.pragma('user_version = 99');
    db.close();
    expect(() => openSqlite(file)).toThrow('has layout 99');
  });
});
