import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import canonicalize from 'canonicalize';
import { afterEach, describe, expect, it, vi } from 'vitest';
import quickstart from '../../../../vectors/scenario/runpack/quickstart.json' with { type: 'json' };
import type { ScenarioSettings } from '../../src/service/scenario/settings.ts';
import { openDataShapes } from '../../src/store/data-shapes.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import {
  type Members,
  nextOf,
  openScenarioGate,
  quickstartSpec,
  type ScenarioGate,
  type ScenarioGateOptions,
  startOf,
} from './harness.ts';
import { writeOriginalDatabase } from './original-database.ts';
import { registration } from './shapes.ts';

const directories: string[] = [];
const gates: ScenarioGate[] = [];
afterEach(async () => {
  await Promise.all(gates.splice(0).map((gate) => gate.stop()));
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-stores-'));
  directories.push(directory);
  return directory;
}

async function opened(
  directory: string,
  change?: ScenarioGateOptions['change'],
): Promise<ScenarioGate> {
  const gate = await openScenarioGate({ directory, ...(change === undefined ? {} : { change }) });
  gates.push(gate);
  return gate;
}

/** Another server over the same files, once this one has stopped. */
async function restarted(gate: ScenarioGate): Promise<ScenarioGate> {
  await gate.stop();
  gates.splice(gates.indexOf(gate), 1);
  return opened(gate.directory);
}

const runFile = (directory: string): string => join(directory, 'decision-gate.db');
const EARLY = { kind: 'unix_millis', value: 1600000000001 };
const early = (triggerId: string): Members => nextOf(triggerId, { time: EARLY });
const STATUS: Members = {
  scenario_id: 'quickstart',
  request: {
    tenant_id: 1,
    namespace_id: 1,
    run_id: 'run-1',
    requested_at: EARLY,
    correlation_id: null,
  },
};

/** Lets `look` at the file of the runs through a connection of its own. */
function inFile<Found>(directory: string, look: (db: Database.Database) => Found): Found {
  const db = new Database(runFile(directory));
  try {
    return look(db);
  } finally {
    db.close();
  }
}

interface Version {
  readonly version: number;
  readonly state_json: Buffer;
  readonly state_hash: string;
  readonly hash_algorithm: string;
  readonly saved_at: number;
}

function versionsIn(directory: string): readonly Version[] {
  return inFile(directory, (db) =>
    db
      .prepare<[], Version>(
        `SELECT version, state_json, state_hash, hash_algorithm, saved_at FROM run_state_versions
         WHERE tenant_id = 1 AND namespace_id = 1 AND run_id = 'run-1' ORDER BY version`,
      )
      .all(),
  );
}

function latestIn(directory: string): unknown {
  return inFile(directory, (db) =>
    db.prepare("SELECT latest_version FROM runs WHERE run_id = 'run-1'").pluck().get(),
  );
}

const sizeIn = (directory: string): unknown =>
  inFile(directory, (db) => db.prepare('SELECT count(*) FROM entries').pluck().get());

async function started(directory: string, change?: ScenarioGateOptions['change']) {
  const gate = await opened(directory, change);
  await gate.call('scenario_define', { spec: quickstartSpec() });
  const { json } = await gate.call('scenario_start', startOf());
  expect(json).toMatchObject({ status: 'active' });
  return gate;
}

describe('runs in a file', () => {
  it('S-161 a run goes on after a restart, and without the file its id is free again', async () => {
    let gate = await started(newDirectory());
    const held = await gate.call('scenario_next', early('trigger-1'));
    gate = await restarted(gate);
    const defined = await gate.call('scenario_define', { spec: quickstartSpec() });
    expect(defined.json).toMatchObject({ scenario_id: 'quickstart' });
    const taken = await gate.call('scenario_start', startOf());
    expect(taken.error.message).toBe('run already exists: run-1');
    const replayed = await gate.call('scenario_next', early('trigger-1'));
    expect(replayed.json).toEqual(held.json);
    const { json } = await gate.call('scenario_next', nextOf('trigger-2'));
    expect(json).toMatchObject({
      decision: { decision_id: 'decision-2', seq: 2, outcome: { kind: 'complete' } },
      status: 'completed',
    });
    await gate.stop();
    for (const file of readdirSync(gate.directory)) {
      if (file.startsWith('decision-gate.db')) rmSync(join(gate.directory, file));
    }
    gate = await started(gate.directory);
    const first = await gate.call('scenario_next', nextOf('trigger-1'));
    expect(first.json).toMatchObject({ decision: { decision_id: 'decision-1', seq: 1 } });
  });

  it('S-162 a flipped byte in the stored state is a corruption, whoever asks', async () => {
    const directory = newDirectory();
    let gate = await started(directory);
    await gate.call('scenario_next', early('trigger-1'));
    await gate.stop();
    const whole = versionsIn(directory).at(-1) ?? expect.fail('no version');
    const write = (state: Buffer, hash: string): void =>
      inFile(directory, (db) => {
        db.prepare(
          'UPDATE run_state_versions SET state_json = ?, state_hash = ? WHERE version = ?',
        ).run(state, hash, whole.version);
      });
    for (const place of [0, whole.state_json.length - 1]) {
      const flipped = Buffer.from(whole.state_json);
      flipped.writeUInt8(flipped.readUInt8(place) ^ 1, place);
      write(flipped, whole.state_hash);
      gate = await opened(directory);
      for (const [tool, args] of [
        ['scenario_status', STATUS],
        ['scenario_next', nextOf('trigger-2')],
      ] as const) {
        const answer = await gate.call(tool, args);
        expect([answer.status, answer.error.code, answer.error.message]).toEqual([
          200,
          -32030,
          'run state store corruption: hash mismatch for run run-1',
        ]);
      }
      await gate.stop();
    }
    // Whoever also sets the hash right is found out by the ledger.
    const changed = Buffer.from(
      whole.state_json.toString().replace('"status":"active"', '"status":"failed"'),
    );
    const hash = createHash('sha256').update(changed).digest('hex');
    for (const [state, its] of [
      [changed, hash],
      [Buffer.from('{}'), createHash('sha256').update('{}').digest('hex')],
    ] as const) {
      write(state, its);
      gate = await opened(directory);
      const answer = await gate.call('scenario_status', STATUS);
      expect([answer.error.code, answer.error.message]).toEqual([
        -32030,
        expect.stringMatching(/^run state store corruption: ./),
      ]);
      const exported = await gate.call('runpack_export', {
        scenario_id: 'quickstart',
        tenant_id: 1,
        namespace_id: 1,
        run_id: 'run-1',
        generated_at: EARLY,
        include_verification: false,
        output_dir: join(directory, 'runpack'),
      });
      expect(exported.error.message).toMatch(/^run state store corruption: ./);
      expect(existsSync(join(directory, 'runpack', 'manifest.json'))).toBe(false);
      await gate.stop();
    }
    write(whole.state_json, whole.state_hash);
    gate = await opened(directory);
    expect((await gate.call('scenario_status', STATUS)).json).toMatchObject({ status: 'active' });
  });

  it('S-163 only the last versions are kept where a number of them is set', async () => {
    const directories = [newDirectory(), newDirectory()] as const;
    for (const [directory, maxVersions] of [
      [directories[0], 3],
      [directories[1], undefined],
    ] as const) {
      const gate = await started(directory, (settings) => ({
        ...settings,
        runStateStore:
          settings.runStateStore.type === 'sqlite'
            ? { ...settings.runStateStore, maxVersions }
            : settings.runStateStore,
      }));
      for (let n = 1; n <= 5; n += 1) await gate.call('scenario_next', early(`trigger-${n}`));
    }
    const [kept, all] = directories;
    expect(versionsIn(kept).map(({ version }) => version)).toEqual([4, 5, 6]);
    expect(versionsIn(all).map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6]);
    expect([latestIn(kept), latestIn(all)]).toEqual([6, 6]);
    const [latest] = versionsIn(kept).slice(-1);
    expect(JSON.parse(String(latest?.state_json))).toMatchObject({
      decisions: { length: 5 },
      tool_calls: { length: 5 },
    });
  });

  it('S-164 a database of the original server opens and its run goes on', async () => {
    for (const version of [4, 3]) {
      const directory = newDirectory();
      writeOriginalDatabase(runFile(directory), version);
      const before = versionsIn(directory);
      const held = JSON.parse(String(before.at(-1)?.state_json)) as Recorded;
      let gate = await opened(directory, sharingOneFile);
      await gate.call('scenario_define', { spec: quickstartSpec() });
      expect((await gate.call('scenario_start', startOf())).error.message).toBe(
        'run already exists: run-1',
      );
      const replayed = await gate.call('scenario_next', early('early'));
      expect(replayed.json).toMatchObject({ decision: held.decisions[0], status: 'active' });
      const next = await gate.call('scenario_next', nextOf('trigger-2'));
      expect(next.json).toMatchObject({
        decision: { decision_id: 'decision-2', seq: 2, outcome: { kind: 'complete' } },
      });
      const shape = await gate.call('schemas_get', {
        tenant_id: 1,
        namespace_id: 1,
        schema_id: 'report',
        version: 'v1',
      });
      const created_at = { kind: 'logical', value: 7 };
      expect(shape.json).toEqual(registration({ description: null, created_at }));
      const signing = { key_id: 'key-1', signature: 'sig', algorithm: 'ed25519' };
      const signed = registration({ version: 'v2', signing });
      expect((await gate.call('schemas_register', signed)).json).toEqual(signed);

      // What came before stays; what came on top is as the original keeps it.
      const after = versionsIn(directory);
      expect(after.slice(0, 2)).toEqual(before);
      expect(after.map((one) => one.version)).toEqual([1, 2, 3, 4]);
      expect(latestIn(directory)).toBe(4);
      const again = {
        ...held,
        tool_calls: [...held.tool_calls, { ...held.tool_calls[0], call_id: 'call-2' }],
      };
      for (const [at, state] of [again, goneOn(again)].entries()) {
        const { state_json, state_hash, hash_algorithm, saved_at } = after[at + 2] ?? expect.fail();
        expect(state_json.toString()).toBe(canonicalize(state));
        expect(state_hash).toBe(createHash('sha256').update(state_json).digest('hex'));
        expect([hash_algorithm, Number.isInteger(saved_at)]).toEqual(['sha256', true]);
      }
      const [meta] = inFile(directory, (db) => db.prepare('SELECT * FROM store_meta').all());
      expect(meta).toEqual({ version: 4 });

      await gate.stop();
      gate = await opened(directory, sharingOneFile);
      const status = await gate.call('scenario_status', STATUS);
      expect(status.json).toMatchObject({
        status: 'completed',
        last_decision: { decision_id: 'decision-2' },
      });
      await gate.stop();
    }
  });

  /** The logs of a run. */
  type Recorded = Readonly<
    Record<'triggers' | 'gate_evals' | 'decisions' | 'tool_calls', readonly Members[]>
  >;

  /** The held run once the published trigger has completed it. */
  function goneOn(held: Recorded): Members {
    const trigger_id = 'trigger-2';
    const [trigger] = quickstart.state.triggers;
    const [gateEval] = quickstart.state.gate_evals;
    const [decided] = quickstart.state.decisions;
    const [called] = quickstart.state.tool_calls;
    const decision = { ...decided, decision_id: 'decision-2', seq: 2, trigger_id };
    const call = {
      ...called,
      call_id: 'call-3',
      request_hash: hashOf(nextOf(trigger_id)['request']),
      response_hash: hashOf({ decision, packets: [], status: 'completed' }),
    };
    return {
      ...held,
      status: 'completed',
      triggers: [...held.triggers, { seq: 2, event: { ...trigger?.event, trigger_id } }],
      gate_evals: [...held.gate_evals, { ...gateEval, trigger_id }],
      decisions: [...held.decisions, decision],
      tool_calls: [...held.tool_calls, call],
    };
  }

  function hashOf(value: unknown): Members {
    const text = canonicalize(value) ?? expect.fail();
    return { algorithm: 'sha256', value: createHash('sha256').update(text).digest('hex') };
  }

  it('leaves a file of another layout as it is', async () => {
    const directory = newDirectory();
    writeOriginalDatabase(runFile(directory), 5);
    const tables = (): unknown =>
      inFile(directory, (db) => db.prepare('SELECT name, sql FROM sqlite_master').all());
    const before = tables();
    await expect(opened(directory)).rejects.toThrow('unsupported schema version: 5');
    await expect(openDataShapesIn(directory)).rejects.toThrow('unsupported schema version: 5');
    expect(tables()).toEqual(before);
  });

  it('writes entry and version together or not at all', async () => {
    const directory = newDirectory();
    const gate = await started(directory);
    const size = sizeIn(directory);
    const versions = versionsIn(directory);
    inFile(directory, (db) =>
      db.exec(`CREATE TRIGGER full BEFORE INSERT ON run_state_versions
        BEGIN SELECT RAISE(ABORT, 'no room'); END`),
    );
    const refused = await gate.call('scenario_next', nextOf('trigger-1'));
    expect([refused.error.code, refused.error.message]).toEqual([
      -32030,
      expect.stringMatching(/^run state store (?:io )?error: ./),
    ]);
    expect([sizeIn(directory), versionsIn(directory)]).toEqual([size, versions]);
    inFile(directory, (db) => db.exec('DROP TRIGGER full'));
    const { json } = await gate.call('scenario_next', nextOf('trigger-1'));
    expect(json).toMatchObject({ decision: { decision_id: 'decision-1', seq: 1 } });
    expect(versionsIn(directory)).toHaveLength(versions.length + 1);
  });

  it('keeps tenants apart whose ids are beyond the integers of SQLite', async () => {
    const gate = await opened(newDirectory());
    const tenants = ['18446744073709551615', '18446744073709551614', '9223372036854775808', '7'];
    const call = async (tool: string, args: Members, tenant: string) => {
      const request = JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: tool, arguments: args },
      }).replaceAll('"TENANT"', tenant);
      const answer = await gate.rpc(request);
      expect([tenant, answer.body['error']]).toEqual([tenant, undefined]);
      return answer;
    };
    await gate.call('scenario_define', {
      spec: quickstartSpec({ namespace_id: 2, default_tenant_id: null }),
    });
    const scope = { tenant_id: 'TENANT', namespace_id: 2 };
    for (const tenant of tenants) {
      await call('scenario_start', startOf('run-1', {}, scope), tenant);
      await call('schemas_register', registration({ ...scope, description: tenant }), tenant);
    }
    const again = await restarted(gate);
    gates.splice(gates.indexOf(again), 1);
    await again.stop();
    const reopened = await opened(gate.directory);
    for (const tenant of tenants) {
      const body = JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'schemas_list', arguments: scope },
      }).replaceAll('"TENANT"', tenant);
      const { text } = await reopened.rpc(body);
      expect(text.match(/"description":"\d+"/g)).toEqual([`"description":"${tenant}"`]);
      expect(text).toContain(`"tenant_id":${tenant}`);
    }
    const stored = inFile(gate.directory, (db) =>
      db
        .prepare('SELECT CAST(tenant_id AS TEXT) FROM runs ORDER BY length(tenant_id), tenant_id')
        .pluck()
        .all(),
    );
    expect(new Set(stored)).toEqual(new Set(tenants));
  });
});

describe('connections', () => {
  const synchronousOf = (open: () => unknown): readonly unknown[] => {
    const pragma = vi.spyOn(Database.prototype, 'pragma');
    open();
    const connections = new Set(pragma.mock.contexts as Database.Database[]);
    pragma.mockRestore();
    return [...connections].map((db) => {
      const said = [db.pragma('synchronous', { simple: true }), journalOf(db)];
      db.close();
      return said;
    });
  };
  const journalOf = (db: Database.Database): unknown => db.pragma('journal_mode', { simple: true });

  it('sync a ledger whatever is configured, and a registry as configured', () => {
    const file = (name: string): string => join(newDirectory(), name);
    const FULL = 2;
    const EXTRA = 3;
    const NORMAL = 1;
    expect(synchronousOf(() => openSqlite(file('a'), { syncMode: 'normal' }))).toEqual([
      [FULL, 'wal'],
    ]);
    expect(synchronousOf(() => openSqlite(file('b'), { journalMode: 'delete' }))).toEqual([
      [EXTRA, 'delete'],
    ]);
    const registry = (syncMode: 'full' | 'normal') =>
      synchronousOf(() =>
        openDataShapes({
          store: {
            type: 'sqlite',
            path: file('c'),
            busyTimeoutMs: 9,
            journalMode: 'wal',
            syncMode,
          },
          maxSchemaBytes: 1,
          acl: ACL,
        }),
      );
    expect([registry('full'), registry('normal')]).toEqual([[[FULL, 'wal']], [[NORMAL, 'wal']]]);
  });

  it('work without a write-ahead log, and files belong to their owner', async () => {
    const directory = newDirectory();
    const gate = await started(directory, (settings) => withJournal(settings, 'delete'));
    const { json } = await gate.call('scenario_next', nextOf());
    expect(json).toMatchObject({ status: 'completed' });
    await gate.call('schemas_register', registration());
    for (const name of ['decision-gate.db', 'decision-gate-registry.db']) {
      expect(existsSync(join(directory, `${name}-wal`))).toBe(false);
      expect(statSync(join(directory, name)).mode & 0o077).toBe(0);
    }
    expect(inFile(directory, journalOf)).toBe('delete');
  });

  it('of a registry answer whether they work', async () => {
    const directory = newDirectory();
    const memory = openDataShapes({ store: { type: 'memory' }, maxSchemaBytes: 1, acl: ACL });
    expect(await memory.ready()).toBe(true);
    const shapes = await openDataShapesIn(directory);
    expect(await shapes.ready()).toBe(true);
    inFile(directory, (db) => db.exec('DROP TABLE data_shapes'));
    expect(await shapes.ready()).toBe(false);
    await shapes.close();
  });
});

const ACL = {
  mode: 'builtin',
  default: 'deny',
  allowLocalOnly: true,
  requireSigning: false,
  rules: [],
} as const;

const SQLITE = {
  type: 'sqlite',
  busyTimeoutMs: 5_000,
  journalMode: 'wal',
  syncMode: 'full',
} as const;

async function openDataShapesIn(directory: string) {
  return openDataShapes({
    store: { ...SQLITE, path: runFile(directory) },
    maxSchemaBytes: 1_000,
    acl: ACL,
  });
}

/** Runs and data shapes in one database. */
function sharingOneFile(settings: ScenarioSettings, directory: string): ScenarioSettings {
  const store = { ...SQLITE, path: runFile(directory) };
  return { ...settings, schemaRegistry: { ...settings.schemaRegistry, store } };
}

function withJournal(settings: ScenarioSettings, journalMode: 'wal' | 'delete'): ScenarioSettings {
  const { runStateStore, schemaRegistry } = settings;
  const { store } = schemaRegistry;
  return {
    ...settings,
    runStateStore:
      runStateStore.type === 'memory' ? runStateStore : { ...runStateStore, journalMode },
    schemaRegistry: {
      ...schemaRegistry,
      store: store.type === 'memory' ? store : { ...store, journalMode },
    },
  };
}
