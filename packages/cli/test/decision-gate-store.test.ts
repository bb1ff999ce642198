import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../server/test/harness.ts';
import {
  nextOf,
  openScenarioGate,
  quickstartSpec,
  type ScenarioGate,
  startOf,
} from '../../server/test/scenario/harness.ts';
import { command, decisionGate, fileIn, type Ran } from './decision-gate-cli.ts';

const RUN_1 = ['--tenant-id', '1', '--namespace-id', '1', '--run-id', 'run-1'];

let folder: string;
let gate: ScenarioGate;
let database: string;

beforeAll(async () => {
  folder = temporaryDirectory();
  gate = await openScenarioGate();
  database = join(gate.directory, 'decision-gate.db');
  await gate.call('scenario_define', { spec: quickstartSpec() });
  await gate.call('scenario_start', startOf('run-1'));
  await gate.call('scenario_start', startOf('run-2'));
  await gate.call('scenario_next', nextOf('trigger-1', { run_id: 'run-2' }));
  await gate.call('scenario_next', nextOf('trigger-1'));
  await gate.stop();
});
afterAll(async () => {
  await gate.close();
  rmSync(folder, { recursive: true, force: true });
});

const store = (...words: readonly string[]): Promise<Ran> =>
  command('store', ...words, '--store-path', database);

const jsonOf = ({ out }: Ran): unknown => JSON.parse(out);

function copyOfDatabase(name: string): string {
  const copy = join(folder, name);
  const db = new Database(database);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
  writeFileSync(copy, readFileSync(database));
  return copy;
}

describe('store', () => {
  it('S-177 list names the runs, the newest first, from the database or the configuration', async () => {
    const config = fileIn(
      folder,
      'store.toml',
      `[run_state_store]\ntype = "sqlite"\npath = ${JSON.stringify(database)}\n`,
    );
    const [listed, configured, other, text] = await Promise.all([
      decisionGate(['store', 'list', '--store-path', database]),
      command('store', 'list', '--config', config, '--tenant-id', '1'),
      store('list', '--namespace-id', '2'),
      store('list', '--format', 'text'),
    ]);
    const run = (id: string): unknown => ({
      tenant_id: 1,
      namespace_id: 1,
      run_id: id,
      latest_version: 2,
      saved_at: expect.any(Number),
    });
    expect(jsonOf(listed)).toEqual({ runs: [run('run-1'), run('run-2')] });
    expect(configured.out).toBe(listed.out);
    expect(jsonOf(other)).toEqual({ runs: [] });
    expect(text.out).toMatch(/^1 +1 +run-1 +2 +\d+\n1 +1 +run-2 +2 +\d+\n$/);
  });

  it('S-177 get prints what is stored, a version or the latest', async () => {
    const [latest, first] = await Promise.all([
      store('get', ...RUN_1),
      store('get', ...RUN_1, '--version', '1'),
    ]);
    expect(jsonOf(latest)).toMatchObject({ run_id: 'run-1', status: 'completed' });
    expect(jsonOf(first)).toMatchObject({ run_id: 'run-1', status: 'active', decisions: [] });
    const missing = await store('get', ...RUN_1, '--version', '3');
    expect([missing.code, missing.out]).toEqual([1, '']);
    expect(missing.err).toContain('run not found: run-1');
  });

  it('S-177 export writes the same bytes, with a hash and a signature that others can check', async () => {
    const at = (name: string): string => join(folder, name);
    const key = randomBytes(32);
    writeFileSync(at('raw.key'), key);
    writeFileSync(at('text.key'), `${key.toString('base64')}\n`);
    const output = at('run.json');
    const sign = (name: string): Promise<Ran> =>
      store(
        ...['export', ...RUN_1, '--output', output, '--hash-out', at('hash')],
        ...['--signature-out', at(`${name}.sig`), '--signing-key', at(`${name}.key`)],
      );
    expect(await sign('raw')).toMatchObject({ code: 0, out: '', err: '' });
    expect(await sign('text')).toMatchObject({ code: 0 });

    const bytes = readFileSync(output);
    const { out } = await store('get', ...RUN_1);
    expect(bytes.toString()).toBe(out);
    const hash = { algorithm: 'sha256', value: createHash('sha256').update(bytes).digest('hex') };
    expect(JSON.parse(readFileSync(at('hash'), 'utf8'))).toEqual(hash);
    const signature = JSON.parse(readFileSync(at('raw.sig'), 'utf8')) as Record<string, string>;
    expect(signature).toMatchObject({ scheme: 'ed25519', hash });
    expect(JSON.parse(readFileSync(at('text.sig'), 'utf8'))).toEqual(signature);
    const publicKey = createPublicKey({
      key: {
        kty: 'OKP',
        crv: 'Ed25519',
        x: Buffer.from(signature['key_id'] ?? '', 'base64').toString('base64url'),
      },
      format: 'jwk',
    });
    const signed = Buffer.from(signature['signature'] ?? '', 'base64');
    expect(verify(null, bytes, publicKey, signed)).toBe(true);

    const half = await store(
      'export',
      ...RUN_1,
      '--output',
      output,
      '--signing-key',
      at('raw.key'),
    );
    expect([half.code, half.err]).toEqual([1, expect.stringContaining('--signature-out')]);
    writeFileSync(at('short.key'), 'short');
    const short = await sign('short');
    expect([short.code, short.err]).toEqual([1, expect.stringContaining('32 bytes')]);
  });

  it('S-177 verify passes what is sound, and fails what was changed, with exit code 1', async () => {
    const sound = await store('verify', ...RUN_1);
    const state = (await store('get', ...RUN_1)).out;
    const hash = createHash('sha256').update(state).digest('hex');
    expect(sound.code).toBe(0);
    expect(jsonOf(sound)).toEqual({
      tenant_id: 1,
      namespace_id: 1,
      run_id: 'run-1',
      version: 2,
      status: 'pass',
      stored_hash: hash,
      computed_hash: hash,
      state_bytes: Buffer.byteLength(state),
      saved_at: expect.any(Number),
    });

    const changed = copyOfDatabase('changed.db');
    const db = new Database(changed);
    const update = db.prepare(
      `UPDATE run_state_versions SET state_json = ?, state_hash = ? WHERE run_id = 'run-1' AND version = 2`,
    );
    const tampered = state.replace('completed', 'active');
    const verifyChanged = (): Promise<Ran> =>
      command('store', 'verify', ...RUN_1, '--store-path', changed);
    update.run(Buffer.from(tampered), hash);
    const edited = await verifyChanged();
    expect([edited.code, edited.err]).toEqual([1, 'hash mismatch for run run-1\n']);
    expect(jsonOf(edited)).toMatchObject({ status: 'fail', stored_hash: hash });
    const handedOn = await command('store', 'get', ...RUN_1, '--store-path', changed);
    expect([handedOn.code, handedOn.out]).toEqual([1, '']);

    // Who can write the file can write the hash too, but not make one run pass for another.
    const other = state.replaceAll('run-1', 'run-2');
    update.run(Buffer.from(other), createHash('sha256').update(other).digest('hex'));
    db.close();
    const swapped = await verifyChanged();
    expect([swapped.code, jsonOf(swapped)]).toEqual([
      1,
      expect.objectContaining({ status: 'fail' }),
    ]);
    expect(swapped.err).toContain('another run');
  });

  it('S-177 prune deletes all but the latest versions, and nothing in a dry run', async () => {
    const copy = copyOfDatabase('pruned.db');
    const prune = (...words: readonly string[]): Promise<Ran> =>
      command('store', 'prune', ...RUN_1, '--store-path', copy, ...words);
    const report = { tenant_id: 1, namespace_id: 1, run_id: 'run-1', keep: 1, pruned: 1 };
    const first = ['store', 'get', ...RUN_1, '--version', '1', '--store-path', copy];

    expect(jsonOf(await prune('--keep', '1', '--dry-run'))).toEqual({ ...report, dry_run: true });
    expect(await command(...first)).toMatchObject({ code: 0 });
    expect(jsonOf(await prune('--keep', '1'))).toEqual({ ...report, dry_run: false });
    expect(await command(...first)).toMatchObject({ code: 1 });
    expect(jsonOf(await prune('--keep', '1'))).toEqual({ ...report, pruned: 0, dry_run: false });
    const left = await command('store', 'verify', ...RUN_1, '--store-path', copy);
    expect(jsonOf(left)).toMatchObject({ version: 2, status: 'pass' });
    expect(await prune('--keep', '0')).toMatchObject({ code: 2, out: '' });
  });

  it('reads a database whose ids are beyond doubles, and refuses what is none', async () => {
    const file = join(folder, 'foreign.db');
    const db = new Database(file);
    db.exec(`
      CREATE TABLE store_meta (version INTEGER NOT NULL);
      INSERT INTO store_meta VALUES (3);
      CREATE TABLE runs (tenant_id, namespace_id, run_id TEXT, latest_version INTEGER,
        PRIMARY KEY (tenant_id, namespace_id, run_id));
      CREATE TABLE run_state_versions (tenant_id, namespace_id, run_id TEXT,
        version INTEGER, state_json BLOB, state_hash TEXT, hash_algorithm TEXT, saved_at INTEGER);
      INSERT INTO runs VALUES (CAST('18446744073709551615' AS BLOB), 2, 'r', 1), ('7', '2', 'r', 1);
      INSERT INTO run_state_versions VALUES
        (CAST('18446744073709551615' AS BLOB), 2, 'r', 1, x'7b7d', 'no', 'sha256', 5),
        ('7', '2', 'r', 1, x'7b7d', 'no', 'sha256', 4);
    `);
    const list = ['store', 'list', '--store-path', file];
    expect((await command(...list)).out).toBe(
      '{"runs":[{"latest_version":1,"namespace_id":2,"run_id":"r","saved_at":5,"tenant_id":18446744073709551615},' +
        '{"latest_version":1,"namespace_id":2,"run_id":"r","saved_at":4,"tenant_id":7}]}\n',
    );
    db.exec('UPDATE store_meta SET version = 9');
    db.close();
    const newer = await command(...list);
    expect([newer.code, newer.err]).toEqual([
      1,
      expect.stringContaining('unsupported schema version: 9'),
    ]);
    const nowhere = await command('store', 'list', '--store-path', join(folder, 'no.db'));
    expect([nowhere.code, nowhere.err]).toEqual([1, expect.stringContaining('no.db')]);
    const memory = fileIn(folder, 'memory.toml', '');
    const inMemory = await command('store', 'list', '--config', memory);
    expect([inMemory.code, inMemory.err]).toEqual([1, expect.stringContaining('memory')]);
  });
});
