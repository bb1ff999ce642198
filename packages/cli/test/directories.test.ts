import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Gate, openGate, temporaryDirectory } from '../../server/test/harness.ts';

const PROGRAM = fileURLToPath(new URL('../src/main.ts', import.meta.url));
/** A program that has not ended by then never would. */
const PATIENCE_MS = 15_000;

let gate: Gate;
let folder: string;

beforeAll(async () => {
  gate = await openGate();
  folder = temporaryDirectory();
});
afterAll(async () => {
  await gate.close();
  rmSync(folder, { recursive: true });
});

interface Ended {
  /** `null` when it had to be killed. */
  readonly code: number | null;
  readonly said: string;
}

function countersign(...words: readonly string[]): Promise<Ended> {
  const flags = ['--conditions=source', '--experimental-strip-types', '--no-warnings'];
  const child = spawn(process.execPath, [...flags, PROGRAM, ...words], { timeout: PATIENCE_MS });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
  return new Promise((end) => child.on('close', (code) => end({ code, said })));
}

it('a server that cannot listen says so and ends', async () => {
  const { port } = new URL(gate.server.url);
  const ended = await countersign('serve', '--port', port, '--data', join(folder, 'second'));
  expect(ended.said).toContain('EADDRINUSE');
  expect(ended.code).toBe(2);
});

it('a server that finds its ledger damaged says so and ends', async () => {
  const data = join(folder, 'damaged');
  await (await openGate({ directory: data })).stop();
  const db = new Database(join(data, 'ledger.db'));
  db.exec('DROP TRIGGER checkpoints_are_final; UPDATE checkpoints SET note = size');
  db.close();
  const ended = await countersign('serve', '--port', '0', '--data', data);
  expect(ended.said).toMatch(/^countersign: the checkpoint /m);
  expect(ended.code).toBe(2);
});

it.each([
  ['keys', 'list'],
  ['keys', 'revoke', 'key_1'],
  ['keys', 'registry'],
  ['keys', 'ledger'],
  ['ledger', 'check'],
  ['webhooks', 'list'],
  ['webhooks', 'add', '--tenant', 'acme', '--url', 'https://hooks.example.com/'],
  ['reviewers', 'list', '--tenant', 'acme'],
])('%s %s where nothing is makes nothing there', async (...words) => {
  const data = join(folder, 'nothing');
  const ended = await countersign(...words, '--data', data);
  expect(ended.said).toMatch(/^countersign: there (?:is no ledger|are no keys of a ledger) in /m);
  expect(ended.code).toBe(2);
  expect(existsSync(data)).toBe(false);
});

it('a ledger that was copied without its keys is given no others', async () => {
  const data = join(folder, 'copy');
  mkdirSync(data);
  const db = new Database(join(gate.directory, 'ledger.db'));
  await db.backup(join(data, 'ledger.db'));
  db.close();
  const ended = await countersign('ledger', 'check', '--data', data);
  expect(ended).toEqual({
    code: 2,
    said: `countersign: there are no keys of a ledger in ${join(data, 'keys')}\n`,
  });
  expect(existsSync(join(data, 'keys'))).toBe(false);
});

it('what is in a data directory can be read by its owner only, whoever made the directory', async () => {
  const data = join(folder, 'open');
  mkdirSync(data, { mode: 0o755 });
  const open = await openGate({ directory: data });
  await open.decide({
    question: 'May it?',
    context: { workflow: 'billing_discount_gate', customer_id: 'c', email: 'a@example.com' },
  });
  const files = ['ledger.db', 'ledger.db-wal', 'ledger.db-shm', 'keys'];
  const modes = files.map((file) => statSync(join(data, file)).mode & 0o077);
  await open.stop();
  expect(modes).toEqual([0, 0, 0, 0]);
});
