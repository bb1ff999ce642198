import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { scenarioApp } from './doors/scenario/app.ts';
import { type Audit, openAudit } from './doors/scenario/audit.ts';
import { scenarioMetrics } from './doors/scenario/metrics.ts';
import { type StdioStreams, serveStdio } from './doors/scenario/stdio.ts';
import { type Ending, endAll } from './endings.ts';
import { newId } from './keys/ids.ts';
import { openKeyring } from './keys/keyring.ts';
import { type OpenScenario, openScenario } from './scenario.ts';
import { TrustedClock } from './service/clock.ts';
import { LedgerWriter } from './service/ledger-writer.ts';
import { placedResult } from './service/placed.ts';
import type { LedgerStore } from './service/ports.ts';
import type { RunSnapshots, ScenarioPorts } from './service/scenario/ports.ts';
import type { ScenarioSettings } from './service/scenario/settings.ts';
import { Sequencer, type WriteBatch } from './service/sequencer.ts';
import { openMemory } from './store/memory.ts';
import { openRunSnapshots } from './store/run-snapshots.ts';
import { openSqlite } from './store/sqlite.ts';
import { startWriterThread } from './store/thread.ts';

/** A server that is the scenario door and nothing else, as `decision-gate serve` runs it. */
export interface RunningDecisionGate {
  readonly scenario: OpenScenario;
  /** Absent for the transport `stdio`, like `url`. */
  readonly app?: FastifyInstance | undefined;
  /** `http://host:port`, or `https://…` where TLS ends here. */
  readonly url?: string | undefined;
  /**
   * Settles once everything is closed, be it by `close` or because the input of `stdio` has ended. Rejects when that
   * input cannot be followed.
   */
  readonly ended: Promise<void>;
  /** Answers what is running, refuses what is new, then closes. */
  close(): Promise<void>;
}

export interface DecisionGateOptions {
  /** In place of the audit that the settings ask for. */
  readonly audit?: Audit;
  /** The streams of the transport `stdio`; without them the process's own. */
  readonly stdio?: StdioStreams;
  readonly unforeseen?: (error: unknown) => void;
  /** Told of what was left out at the start, and of what providers' processes write. */
  readonly warn?: (text: string) => void;
}

/** Starts it; resolves once it listens. When it rejects, nothing of it is left running. */
export async function startDecisionGate(
  settings: ScenarioSettings,
  options: DecisionGateOptions = {},
): Promise<RunningDecisionGate> {
  const endings: Ending[] = [];
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= endAll(endings);
    return closed;
  };
  try {
    return await start(settings, options, endings, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(
  settings: ScenarioSettings,
  options: DecisionGateOptions,
  endings: Ending[],
  close: () => Promise<void>,
): Promise<RunningDecisionGate> {
  const { transport, bind, audit: auditSettings, maxBodyBytes } = settings.server;
  const closed = new Promise<void>((resolve) => {
    endings.push(() => resolve());
  });
  const unforeseen = options.unforeseen ?? (() => undefined);
  const audit = options.audit ?? openedAudit(auditSettings, endings);
  const ledger = await openLedger(settings.runStateStore, endings);
  const head = await ledger.store.readHead();
  const clock = new TrustedClock(
    Date.now,
    head.lastEntry === undefined ? 0 : Date.parse(head.lastEntry.createdAt),
  );
  const sequencer = new Sequencer(ledger.write);
  endings.push(() => sequencer.close());
  const metrics = settings.server.metrics ? scenarioMetrics() : undefined;
  const scenario = await openScenario(
    settings,
    {
      reader: ledger.store,
      append: (draft) => sequencer.append(draft),
      ambient: { now: clock.now, newId: (prefix) => newId(prefix, Date.now()) },
      origin: ledger.origin,
      snapshots: ledger.snapshots,
      sealKeyAt: ledger.sealKeyAt,
      keyring: ledger.keyring,
      unforeseen,
    },
    { audit, observe: (request) => metrics?.observe(request), warn: options.warn },
  );
  endings.push(() => scenario.close());
  if (transport === 'stdio') {
    const streams = options.stdio ?? { input: process.stdin, output: process.stdout };
    const served = serveStdio(scenario.rpc, streams, maxBodyBytes);
    return { scenario, ...endingWith(served, streams, endings, close) };
  }
  if (bind === undefined) throw new Error('http/sse transport requires bind address');
  const app = scenarioApp(settings, { rpc: scenario.rpc, ready: () => scenario.ready(), metrics });
  endings.push(() => app.close());
  const url = await app.listen({ host: bind.host, port: bind.port });
  return { scenario, app, url, ended: closed, close };
}

function openedAudit(settings: ScenarioSettings['server']['audit'], endings: Ending[]): Audit {
  const audit = openAudit(settings, { now: Date.now, errorStream: process.stderr });
  endings.push(() => audit.close());
  return audit;
}

/** Closes when the input ends, and lets go of the input when it closes; what is being answered is still answered. */
function endingWith(
  served: Promise<void>,
  { input }: StdioStreams,
  endings: Ending[],
  close: () => Promise<void>,
): Pick<RunningDecisionGate, 'ended' | 'close'> {
  let closing = false;
  endings.push(async () => {
    closing = true;
    input.destroy();
    await served.catch(() => undefined);
  });
  const untilClosed = async (): Promise<void> => {
    try {
      await served;
    } catch (error) {
      if (!closing) throw error;
    } finally {
      await close();
    }
  };
  return { ended: untilClosed(), close };
}

/** Where the keys lie that sign what a run store's database holds. */
export function keyDirectoryOf(databaseFile: string): string {
  return join(dirname(resolve(databaseFile)), 'decision-gate-keys');
}

interface OpenedLedger {
  readonly store: LedgerStore;
  readonly write: WriteBatch;
  readonly origin: string;
  readonly sealKeyAt: ScenarioPorts['sealKeyAt'];
  readonly keyring: ScenarioPorts['keyring'];
  readonly snapshots?: RunSnapshots | undefined;
}

/** The ledger of a configuration: in the run store's own file, or in memory with keys that nobody else has. */
async function openLedger(
  store: ScenarioSettings['runStateStore'],
  endings: Ending[],
): Promise<OpenedLedger> {
  if (store.type === 'memory') {
    const keyDirectory = mkdtempSync(join(tmpdir(), 'decision-gate-'));
    endings.push(() => rmSync(keyDirectory, { recursive: true, force: true }));
    const keyring = openKeyring(keyDirectory, Date.now);
    const memory = openMemory();
    const writer = new LedgerWriter(() => memory, keyring);
    await writer.open();
    return {
      store: memory,
      write: async (drafts) =>
        (await writer.write(drafts)).map((result) => placedResult(result, keyring.origin)),
      origin: keyring.origin,
      sealKeyAt: (at) => keyring.receiptsAt(at),
      keyring,
    };
  }
  const databaseFile = resolve(store.path);
  const keyDirectory = keyDirectoryOf(databaseFile);
  // The file is the ledger's as well, so `sync_mode` does not apply to it.
  const database = { busyTimeoutMs: store.busyTimeoutMs, journalMode: store.journalMode };
  // First, so that a file of a layout that is not read is left as it is.
  const snapshots = openRunSnapshots(databaseFile, database);
  endings.push(() => snapshots.close());
  const reading = openSqlite(databaseFile, database);
  endings.push(() => reading.close());
  const keyring = openKeyring(keyDirectory, Date.now);
  const thread = await startWriterThread({ databaseFile, keyDirectory, database });
  endings.push(() => thread.close());
  return {
    store: reading,
    write: (drafts) => thread.write(drafts),
    origin: keyring.origin,
    sealKeyAt: (at) => keyring.receiptsAt(at),
    keyring,
    snapshots,
  };
}
