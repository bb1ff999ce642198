import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DecideClient } from '@countersign/client';
import type Database from 'better-sqlite3';
import { addKey, type Gate, listAt } from '../../packages/server/test/harness.ts';
import type { ActionRow } from '../decision-actions/store.ts';
import { openDatabase } from '../decision-actions/store.ts';
import type { Anchor } from '../gated-action/ask.ts';
import { type FakeSystem, openFakeSystem } from '../gated-action/fake-system.ts';
import { clientsOf, type Settings } from '../gated-action/settings.ts';
import type { ChildOrder } from './child.ts';
import { type FaultyGate, openFaultyGate } from './faulty-gate.ts';
import type { Rig, RigKind, Work } from './rigs.ts';

/** One integration between a gate that can be disturbed and a target that can be disturbed. */
export interface Lab {
  readonly rig: Rig;
  readonly db: Database.Database;
  readonly system: FakeSystem;
  readonly gate: FaultyGate;
  readonly anchor: Anchor;
  readonly keyFile: string;
  /** Waits that the client asked for, in milliseconds; none is waited. */
  readonly waits: readonly number[];
  readonly alerts: readonly string[];
  readonly log: readonly string[];
  /** A client straight to the gate, with the key of this moment. */
  readonly client: () => DecideClient;
  /** Moves this side's clock. */
  setOffset(ms: number): void;
  row(work: Work): ActionRow;
  /** How often the side effect was asked for, and made. */
  effects(): { readonly asked: number; readonly made: number };
  isUntouched(work: Work): boolean;
  /** Delivers in a process of its own. */
  child(work: Work, executorId: string): ChildProcess;
  close(): Promise<void>;
}

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));

export async function openLab(
  kind: RigKind,
  gate: Gate,
  options: { readonly timeoutMs?: number } = {},
): Promise<Lab> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-example-'));
  const keyFile = join(directory, 'key');
  writeFileSync(keyFile, await addKey(gate.directory, { environment: 'test' }));
  const faulty = await openFaultyGate(gate.server.url);
  const system = await openFakeSystem('credential-of-the-target');
  const api = { url: system.url, credential: system.credential, timeoutMs: 5_000, ...options };
  const anchor = await anchorOf(gate);
  const waits: number[] = [];
  const alerts: string[] = [];
  const log: string[] = [];
  let offset = 0;
  const now = (): number => Date.now() + offset;
  const db = openDatabase(join(directory, 'actions.db'));
  const settings: Settings = {
    directory,
    db,
    anchor,
    now,
    connect: clientsOf(faulty.url, keyFile, {
      retry: { sleep: async (ms) => void waits.push(ms), random: () => 0.5 },
    }),
    executor: { type: 'worker', id: 'worker-a' },
    claims: true,
    alert: (text) => void alerts.push(text),
  };
  const rig = await kind.open(settings, api, (line) => void log.push(line));
  const isEffect = ({ set }: { readonly set: object }): boolean => kind.member in set;
  return {
    rig,
    db,
    system,
    gate: faulty,
    anchor,
    keyFile,
    waits,
    alerts,
    log,
    client: () => clientsOf(gate.server.url, keyFile)(),
    setOffset(ms) {
      offset = ms;
    },
    row(work) {
      const row = rig.engine.current(rig.actionOf(work).key);
      if (row === undefined) throw new Error('there is no row');
      return row;
    },
    effects: () => ({
      asked: system.asked.filter(isEffect).length,
      made: system.made.filter(isEffect).length,
    }),
    isUntouched: ({ id }) =>
      system.asked.length === 0 &&
      system.version(id) === 1 &&
      JSON.stringify(system.state(id)) === JSON.stringify(kind.before),
    child(work, executorId) {
      const order: ChildOrder = {
        rig: kind.name,
        gateUrl: faulty.url,
        keyFile,
        directory,
        anchor,
        system: api,
        executorId,
        work,
      };
      const child = spawn(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', '--conditions=source', CHILD],
        { stdio: ['pipe', 'ignore', 'inherit'] },
      );
      child.stdin.end(JSON.stringify(order));
      return child;
    },
    async close() {
      await rig.close();
      await faulty.close();
      await system.close();
      db.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The keys of a gate, pinned as they stand now. */
export async function anchorOf(gate: Gate): Promise<Anchor> {
  const { body } = await gate.get('/api/decision/receipt-keys');
  return {
    publicKey: String(listAt(body, 'keys')[0]?.['public_key']),
    ledgerKey: String(listAt(body, 'ledger_keys')[0]?.['verifier_key']),
    environment: 'test',
  };
}

export function exited(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code));
  });
}
