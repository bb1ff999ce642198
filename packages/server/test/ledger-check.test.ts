import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkLedger, type LedgerReport } from '../src/service/ledger-check.ts';
import { LedgerDamage } from '../src/service/ledger-damage.ts';
import { type Draft, LedgerWriter } from '../src/service/ledger-writer.ts';
import { openMemory } from '../src/store/memory.ts';
import { openSqlite } from '../src/store/sqlite.ts';
import { appendedOf, decision, newKeyring, note } from './drafts.ts';

const SIZE = 40;
const keys = newKeyring();
const trust = { origin: keys.origin, publicKey: keys.checkpoints.publicKey };
const directory = mkdtempSync(join(tmpdir(), 'countersign-check-'));
const sound = join(directory, 'sound.db');
const copy = join(directory, 'copy.db');
afterAll(() => rmSync(directory, { recursive: true }));

/** Two tenants, batches of 1 to 8. */
beforeAll(async () => {
  const writer = new LedgerWriter(() => openSqlite(sound), keys);
  for (let size = 0, count = 1; size < SIZE; size += count) {
    count = Math.min((size % 8) + 1, SIZE - size);
    const drafts = Array.from({ length: count }, (_, place) => draftOf(size + place));
    (await writer.write(drafts)).forEach(appendedOf);
  }
  await writer.close();
});

function draftOf(seq: number): Draft {
  const scope = seq % 3 === 1 ? 'other' : 'acme';
  const createdAt = new Date(Date.UTC(2026, 0, 2, 3, 4, seq)).toISOString();
  return seq % 4 === 3
    ? note('execution', `dec_${seq - 1}`, { scope, createdAt })
    : decision(`dec_${seq}`, { scope, createdAt });
}

/** Changes a copy of the ledger as somebody would who has the file and no respect for triggers. */
function tamper(change: (db: Database.Database) => void): void {
  copyFileSync(sound, copy);
  const db = new Database(copy);
  const triggers = db
    .prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    .pluck();
  for (const name of triggers.all()) db.exec(`DROP TRIGGER ${name}`);
  db.exec('DROP INDEX entries_by_chain');
  change(db);
  db.close();
}

async function checked(file: string): Promise<LedgerReport> {
  const store = openSqlite(file);
  try {
    return await checkLedger(store, trust);
  } finally {
    await store.close();
  }
}

async function openCopy(): Promise<number> {
  const writer = new LedgerWriter(() => openSqlite(copy), keys);
  try {
    return await writer.open();
  } finally {
    await writer.close();
  }
}

describe('checkLedger', () => {
  it('finds nothing in a sound ledger', async () => {
    const report = await checked(sound);
    expect(report.damage).toBeUndefined();
    expect(report.size).toBe(SIZE);
    expect(report.checkpoints).toBeGreaterThan(5);
  });

  it('finds nothing in an empty ledger', async () => {
    expect(await checkLedger(openMemory(), trust)).toEqual({ size: 0, checkpoints: 0 });
  });

  it('finds nothing in an untouched copy without triggers', async () => {
    tamper(() => undefined);
    expect((await checked(copy)).damage).toBeUndefined();
  });

  const columns = [
    'seq',
    'scope',
    'entry_type',
    'decision_id',
    'created_at',
    'chain_position',
    'chain_root',
    'link_hash',
    'entry_hash',
    'subject_hash',
    'completed',
    'subject',
  ] as const;
  it.each(columns)('names the first entry whose %s was changed', async (column) => {
    const changes = fc.record({
      seq: fc.integer({ min: 1, max: SIZE - 2 }),
      later: fc.integer({ min: 0, max: SIZE - 2 }),
      place: fc.nat(10_000),
      by: fc.integer({ min: 1, max: 9 }),
    });
    await fc.assert(
      fc.asyncProperty(changes, async ({ seq, later, place, by }) => {
        tamper((db) => {
          for (const one of new Set([Math.max(seq, later), seq])) alter(db, one, column, place, by);
        });
        expect((await checked(copy)).damage?.seq).toBe(seq);
      }),
      { numRuns: 12 },
    );
  });

  it('names an entry that was taken out', async () => {
    tamper((db) => db.exec('DELETE FROM entries WHERE seq IN (17, 23)'));
    expect((await checked(copy)).damage?.seq).toBe(17);
  });

  it.each(["x''", 'substr(completed, 1, 31)', 'substr(completed, 1, length(completed) - 32)'])(
    'names an entry whose Merkle nodes were cut to %s',
    async (cut) => {
      tamper((db) => db.exec(`UPDATE entries SET completed = ${cut} WHERE seq = 19`));
      expect((await checked(copy)).damage?.seq).toBe(19);
    },
  );

  it.each([
    ['its text', "UPDATE checkpoints SET note = replace(note, '\n', '\n1') WHERE size = :size"],
    ['its size', 'UPDATE checkpoints SET size = size + 1 WHERE size = :size'],
    [
      'an older note',
      'UPDATE checkpoints SET note = (SELECT note FROM checkpoints WHERE size = 1) WHERE size = :size',
    ],
  ])('finds a checkpoint with %s changed', async (_, statement) => {
    tamper((db) => {
      const sizes = db.prepare<[], number>('SELECT size FROM checkpoints ORDER BY size').pluck();
      const all = sizes.all();
      db.prepare(statement).run({ size: all[Math.floor(all.length / 2)] });
    });
    const { damage } = await checked(copy);
    expect(damage?.what).toContain('checkpoint');
    expect(damage?.seq).toBeGreaterThan(0);
    expect(damage?.seq).toBeLessThan(SIZE - 1);
  });

  it('does not take the checkpoints of another key', async () => {
    const store = openSqlite(sound);
    const report = await checkLedger(store, {
      ...trust,
      publicKey: newKeyring().checkpoints.publicKey,
    });
    expect(report.damage).toMatchObject({ seq: 0, what: expect.stringContaining('checkpoint') });
    expect(report.checkpoints).toBe(0);
    await store.close();
  });
});

describe('opening a ledger', () => {
  it('accepts a sound one', async () => {
    tamper(() => undefined);
    expect(await openCopy()).toBe(SIZE);
  });

  it.each([
    [
      'its last subject',
      "UPDATE entries SET subject = '{}' WHERE seq = 39",
      'entry 39: its subject',
    ],
    [
      'its last time',
      "UPDATE entries SET created_at = '2026-01-01T00:00:00.000Z' WHERE seq = 39",
      'entry 39: its hash',
    ],
    [
      'the hash before',
      "UPDATE entries SET entry_hash = '00' WHERE seq = 38",
      'entry 39: its hash',
    ],
    ['no last Merkle node', "UPDATE entries SET completed = x'' WHERE seq = 39", 'Merkle'],
    ['no Merkle node of the root', "UPDATE entries SET completed = x'' WHERE seq = 31", 'Merkle'],
    [
      'another Merkle node',
      'UPDATE entries SET completed = zeroblob(192) WHERE seq = 31',
      'Merkle',
    ],
    [
      'no last entry',
      'DELETE FROM entries WHERE seq = 39',
      'checkpoint is over 40 entries, not 39',
    ],
    ['no second last entry', 'DELETE FROM entries WHERE seq = 38', 'entry 38: missing'],
    ['no entries', 'DELETE FROM entries', 'checkpoint over no entries'],
    ['no last checkpoint', 'DELETE FROM checkpoints WHERE size = 40', 'not 40'],
    ['no checkpoints', 'DELETE FROM checkpoints', 'no checkpoint'],
    [
      'an unsigned checkpoint',
      "UPDATE checkpoints SET note = replace(note, '— ', '— x') WHERE size = 40",
      'checkpoint does not verify',
    ],
  ])('with %s changed throws and says where', async (_, statement, where) => {
    tamper((db) => db.exec(statement));
    const failure = await openCopy().then(
      (size) => expect.fail(`opened with ${size} entries`),
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(LedgerDamage);
    expect(String(failure)).toContain(where);
  });
});

/** Changes one cell to another value of its type. */
function alter(
  db: Database.Database,
  seq: number,
  column: string,
  place: number,
  by: number,
): void {
  const set = (value: unknown): void => {
    db.prepare(`UPDATE entries SET ${column} = ? WHERE seq = ?`).run(value, seq);
  };
  if (column === 'scope') {
    db.prepare('INSERT OR IGNORE INTO scopes VALUES (100 + ?, ?)').run(by, `tenant ${by}`);
    return set(100 + by);
  }
  const value = db.prepare(`SELECT ${column} FROM entries WHERE seq = ?`).pluck().get(seq);
  if (typeof value === 'number') return set(value + 100 * by);
  if (Buffer.isBuffer(value)) {
    const changed = Buffer.from(value);
    const at = place % changed.length;
    changed[at] = (changed[at] ?? 0) ^ (1 << (by % 8));
    return set(changed);
  }
  const text = String(value);
  const at = place % text.length;
  const other = text[at] === String(by) ? '0' : String(by);
  return set(text.slice(0, at) + other + text.slice(at + 1));
}
