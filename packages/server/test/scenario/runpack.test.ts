import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '@countersign/proof';
import { parseRegistry, type Trust } from '@countersign/verify';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import quickstart from '../../../../vectors/scenario/runpack/quickstart.json' with { type: 'json' };
import { openKeyring } from '../../src/keys/keyring.ts';
import {
  type Members,
  nextOf,
  openScenarioGate,
  quickstartSpec,
  type ScenarioGate,
  startOf,
} from './harness.ts';
import {
  answered,
  decideQuickstart,
  exportOf,
  hashesBelow,
  readPack,
  verifyOffline,
} from './runpacks.ts';

const gates: ScenarioGate[] = [];
afterEach(async () => {
  for (const gate of gates.splice(0)) await gate.close();
});

async function open(options: Parameters<typeof openScenarioGate>[0] = {}): Promise<ScenarioGate> {
  const gate = await openScenarioGate(options);
  gates.push(gate);
  return gate;
}

/** Exports the run of the walk-through; gives the directory. */
async function exported(gate: ScenarioGate, changes: Members = {}): Promise<string> {
  const directory = mkdtempSync(join(gate.directory, 'pack-'));
  answered(await gate.call('runpack_export', exportOf({ output_dir: directory, ...changes })));
  return directory;
}

function verify(gate: ScenarioGate, directory: string, changes: Members = {}) {
  return gate.call('runpack_verify', {
    runpack_dir: directory,
    manifest_path: 'manifest.json',
    ...changes,
  });
}

const VECTORS = Object.fromEntries(quickstart.files.map(({ path, sha256 }) => [path, sha256]));

/** A gate with the run of the walk-through, for tests that change nothing of it. */
let ready: ScenarioGate;
beforeAll(async () => {
  ready = await openScenarioGate();
  await decideQuickstart(ready);
});
afterAll(() => ready.close());

describe('runpack_export', () => {
  it('S-153 writes seven files and a manifest with the published hashes', async () => {
    const gate = ready;
    const directory = join(gate.directory, 'made', 'here');
    const answer = answered(await gate.call('runpack_export', exportOf({ output_dir: directory })));
    const files = hashesBelow(directory);
    expect(files).toMatchObject(VECTORS);
    expect(Object.keys(files).sort()).toEqual(
      [...Object.keys(VECTORS), 'manifest.json', 'manifest.json.sig.json'].sort(),
    );
    const { manifest, report, ...rest } = answer.json as Members;
    expect([report, rest]).toEqual([null, {}]);
    expect(readPack(directory, 'manifest.json')).toEqual(manifest);
    expect(manifest).toEqual({
      manifest_version: 'v1',
      generated_at: { kind: 'unix_millis', value: 1710000000000 },
      scenario_id: 'quickstart',
      tenant_id: 1,
      namespace_id: 1,
      run_id: 'run-1',
      spec_hash: { algorithm: 'sha256', value: VECTORS['artifacts/scenario_spec.json'] },
      hash_algorithm: 'sha256',
      verifier_mode: 'offline_strict',
      security: { dev_permissive: true, namespace_authority: 'dg_registry' },
      integrity: {
        file_hashes: quickstart.files.map(({ path, sha256 }) => ({
          path,
          hash: { algorithm: 'sha256', value: sha256 },
        })),
        root_hash: { algorithm: 'sha256', value: quickstart.root_hash },
      },
      artifacts: quickstart.files.map(({ path, sha256 }, at) => ({
        artifact_id: path,
        kind: KINDS[at],
        path,
        content_type: 'application/json',
        hash: { algorithm: 'sha256', value: sha256 },
        required: true,
      })),
    });
  });

  it('S-50 keeps a log of tool calls with the published hashes', async () => {
    const gate = await open();
    await decideQuickstart(gate);
    const scope = { tenant_id: 1, namespace_id: 1, run_id: 'run-1' };
    const time = { kind: 'unix_millis', value: 1710000000001 };
    answered(
      await gate.call('scenario_status', {
        scenario_id: 'quickstart',
        request: { ...scope, requested_at: time, correlation_id: 'c-1' },
      }),
    );
    answered(
      await gate.call('scenario_submit', {
        scenario_id: 'quickstart',
        request: {
          ...scope,
          submission_id: 's-1',
          payload: { kind: 'json', value: {} },
          content_type: 'application/json',
          submitted_at: time,
          correlation_id: null,
        },
      }),
    );
    answered(
      await gate.call('scenario_trigger', {
        scenario_id: 'quickstart',
        trigger: {
          ...scope,
          trigger_id: 'trigger-2',
          kind: 'backend_event',
          time,
          source_id: 'backend',
          payload: null,
          correlation_id: null,
        },
      }),
    );
    const calls = readPack(await exported(gate), 'artifacts/tool_calls.json') as Members[];
    expect(calls.map(({ call_id, method }) => [call_id, method])).toEqual([
      ['call-1', 'scenario.next'],
      ['call-2', 'scenario.status'],
      ['call-3', 'scenario.submit'],
      ['call-4', 'scenario.trigger'],
    ]);
    expect(calls[0]).toMatchObject({
      request_hash: { algorithm: 'sha256', value: quickstart.request_hash },
      response_hash: { algorithm: 'sha256', value: quickstart.response_hash },
      called_at: { kind: 'unix_millis', value: 1710000000000 },
      correlation_id: null,
      error: null,
    });
    expect(calls[1]).toMatchObject({ called_at: time, correlation_id: 'c-1' });
  });

  it('S-154 shows the errors of evidence that held a run', async () => {
    const gate = await open();
    const spec = quickstartSpec({
      conditions: [
        {
          condition_id: 'after',
          query: { provider_id: 'json', check_id: 'path', params: { file: 'missing.json' } },
          comparator: 'equals',
          expected: 'ready',
          policy_tags: [],
        },
      ],
    });
    answered(await gate.call('scenario_define', { spec }));
    answered(await gate.call('scenario_start', startOf()));
    const next = answered(await gate.call('scenario_next', nextOf()));
    expect((next.json as Members)['decision']).toMatchObject({ outcome: { kind: 'hold' } });
    const evals = readPack(await exported(gate), 'artifacts/gate_evals.json');
    expect(evals).toMatchObject([
      {
        evaluation: { gate_id: 'after-time', status: 'Unknown' },
        evidence: [
          {
            condition_id: 'after',
            status: 'Unknown',
            result: {
              value: null,
              evidence_hash: null,
              error: { code: expect.any(String), message: expect.any(String) },
            },
          },
        ],
      },
    ]);
  });

  it('S-155 makes a report of its verification part of the pack', async () => {
    const gate = ready;
    const directory = await exported(gate, { include_verification: true });
    const { path, sha256 } = quickstart.report;
    expect(hashesBelow(directory)).toMatchObject({ ...VECTORS, [path]: sha256 });
    expect(readPack(directory, path)).toEqual({ status: 'pass', checked_files: 7, errors: [] });
    const manifest = readPack(directory, 'manifest.json') as Members;
    expect(manifest['integrity']).toMatchObject({
      root_hash: { value: quickstart.root_hash_with_report },
    });
    expect((manifest['artifacts'] as Members[]).at(-1)).toMatchObject({
      kind: 'verifier_report',
      path,
    });
  });

  it('answers with the report, and names the manifest as it is told', async () => {
    const gate = ready;
    const directory = join(gate.directory, 'pack');
    const answer = answered(
      await gate.call(
        'runpack_export',
        exportOf({
          output_dir: directory,
          manifest_name: 'of/run-1.json',
          include_verification: true,
          generated_at: { kind: 'logical', value: 7 },
        }),
      ),
    );
    expect(answer.json).toMatchObject({ report: { status: 'pass', checked_files: 7, errors: [] } });
    const manifest = readPack(directory, 'of/run-1.json') as Members;
    expect(manifest).toMatchObject({
      generated_at: { kind: 'logical', value: 7 },
      integrity: { root_hash: { value: quickstart.root_hash_with_report } },
    });
    const report = answered(await verify(gate, directory, { manifest_path: 'of/run-1.json' }));
    expect(report.json).toMatchObject({ status: 'pass' });
  });

  it('writes a run that is not over, and leaves it as it was', async () => {
    const gate = await open();
    await decideQuickstart(gate, 1600000000000);
    const once = await exported(gate);
    const before = hashesBelow(once);
    const twice = await exported(gate);
    const after = hashesBelow(twice);
    expect(after['manifest.json']).toBe(before['manifest.json']);
    expect(await verifyOffline(twice, { strict: true, replay: true })).toMatchObject({
      status: 'pass',
    });
  });

  it.each([
    [{ scenario_id: 'other' }, -32004, 'scenario not defined'],
    [{ run_id: 'run-2' }, -32004, 'run not found'],
    [{ output_dir: null }, -32040, 'output_dir is required when runpack storage is not configured'],
    [{ generated_at: 'now' }, -32602, expect.stringContaining('/generated_at')],
  ])('refuses %j', async (changes, code, message) => {
    const args = exportOf({ output_dir: join(ready.directory, 'pack'), ...changes });
    expect((await ready.call('runpack_export', args)).error).toMatchObject({ code, message });
  });

  it('records no export under a name that its files cannot have', async () => {
    const gate = await open();
    await decideQuickstart(gate);
    const directory = join(gate.directory, 'pack');
    const room = 4_096 - `${directory}/`.length;
    const named = (bytes: number): string =>
      'm/'.repeat(Math.floor((bytes - 1) / 2)).padEnd(bytes, 'm');
    const exportsAs = (manifest_name: string) =>
      gate.call('runpack_export', exportOf({ output_dir: directory, manifest_name }));
    for (const [manifest_name, message] of [
      // The manifest would have room, its signature has none.
      ['m'.repeat(247), 'runpack path component too long'],
      [named(room), 'runpack path exceeds limit'],
      [named(room + 1), 'runpack path exceeds limit'],
      ['artifacts', 'manifest name is that of an artifact'],
      ['./artifacts//decisions.json', 'manifest name is that of an artifact'],
      ['artifacts/decisions.json/manifest.json', 'manifest name is that of an artifact'],
      ['Artifacts/Verifier_Report.json', 'manifest name is that of an artifact'],
      ['folder/.', 'manifest name missing filename'],
    ] as const) {
      const { error } = await exportsAs(manifest_name);
      const name = manifest_name.slice(0, 40);
      expect([name, error]).toMatchObject([name, { code: -32040, message }]);
    }
    expect(exportsIn(gate)).toBe(0);
    for (const manifest_name of ['m'.repeat(246), 'artifacts/manifest.json', './of//run.json']) {
      answered(await exportsAs(manifest_name));
      const report = await verify(gate, directory, { manifest_path: manifest_name, strict: true });
      expect(answered(report).json).toMatchObject({ status: 'pass' });
    }
    expect(exportsIn(gate)).toBe(3);
  });

  it('refuses a run that began under another scenario of the same name', async () => {
    const gate = await open();
    const changed = quickstartSpec({
      spec_version: 'v2',
      default_tenant_id: null,
      namespace_id: 2,
    });
    answered(await gate.call('scenario_define', { spec: changed }));
    const scope = { tenant_id: 5, namespace_id: 2 };
    answered(await gate.call('scenario_start', startOf('run-1', {}, scope)));
    // The tenant's own definition takes precedence from here on.
    const own = { ...changed, default_tenant_id: 5 };
    answered(await gate.call('scenario_define', { spec: own }));
    const args = exportOf({ ...scope, output_dir: join(gate.directory, 'pack') });
    expect((await gate.call('runpack_export', args)).error).toMatchObject({
      code: -32040,
      message: 'hashing error: run state spec hash mismatch',
    });
  });

  it('hands nothing out when the ledger does not take it', async () => {
    const gate = await open();
    await decideQuickstart(gate);
    const lock = new Database(join(gate.directory, 'decision-gate.db'));
    lock.exec('BEGIN IMMEDIATE');
    const directory = join(gate.directory, 'pack');
    const refused = await gate.call('runpack_export', exportOf({ output_dir: directory }));
    lock.exec('ROLLBACK');
    lock.close();
    expect(refused.error.code).toBe(-32040);
    expect(Object.keys(hashesBelow(directory))).not.toContain('manifest.json');
    expect(hashesBelow(await exported(gate))).toMatchObject(VECTORS);
  }, 60_000);
});

const KINDS = [
  'scenario_spec',
  'trigger_log',
  'gate_eval_log',
  'decision_log',
  'packet_log',
  'submission_log',
  'tool_transcript',
];

/** How many exports the ledger holds. */
function exportsIn(gate: ScenarioGate): unknown {
  const db = new Database(join(gate.directory, 'decision-gate.db'), { readonly: true });
  try {
    return db
      .prepare("SELECT count(*) FROM entries WHERE entry_type = 'runpack_export'")
      .pluck()
      .get();
  } finally {
    db.close();
  }
}

describe('runpack_verify', () => {
  it('S-156 passes a pack that nobody touched', async () => {
    const gate = ready;
    const directory = await exported(gate, { include_verification: true });
    const report = { status: 'pass', checked_files: 8, errors: [] };
    expect(answered(await verify(gate, directory)).json).toEqual({ report, status: 'pass' });
    const all = answered(await verify(gate, directory, { strict: true, replay: true }));
    expect(all.json).toEqual({ report, status: 'pass' });
  });

  it('S-157 names what was tampered with, and looks closer when it is asked to', async () => {
    const gate = await open({
      change: (settings) => ({
        ...settings,
        anchors: {
          providers: [
            {
              provider_id: 'json',
              requirement: {
                anchor_type: 'file_path_rooted',
                required_fields: ['path', 'root_id'],
              },
            },
          ],
        },
      }),
    });
    writeFileSync(join(gate.evidence, 'state.json'), '{"state":"ready"}');
    const spec = quickstartSpec({
      conditions: [
        {
          condition_id: 'after',
          query: {
            provider_id: 'json',
            check_id: 'path',
            params: { file: 'state.json', jsonpath: '$.state' },
          },
          comparator: 'equals',
          expected: 'ready',
          policy_tags: [],
        },
      ],
    });
    answered(await gate.call('scenario_define', { spec }));
    answered(await gate.call('scenario_start', startOf()));
    answered(await gate.call('scenario_next', nextOf()));
    const sound = await exported(gate, { include_verification: true });
    expect(readPack(sound, 'manifest.json')).toHaveProperty('anchor_policy');
    expect(answered(await verify(gate, sound)).json).toMatchObject({ status: 'pass' });

    for (const [at, { name, tamper, errors = [], strict }] of TAMPERING.entries()) {
      const directory = join(gate.directory, `tampered-${at}`);
      cpSync(sound, directory, { recursive: true });
      tamper(directory);
      const found = answered(await verify(gate, directory)).json as Members;
      expect([name, found['status']]).toEqual([name, errors.length === 0 ? 'pass' : 'fail']);
      expect([name, found['report']]).toMatchObject([name, { errors }]);
      if (strict === undefined) continue;
      const closer = answered(await verify(gate, directory, { strict: true })).json as Members;
      expect([name, closer['status']]).toEqual([name, 'fail']);
      expect([name, (closer['report'] as Members)['errors']]).toEqual([
        name,
        expect.arrayContaining([strict]),
      ]);
    }
  });

  it('asks for its own signature and its own ledger when it is strict', async () => {
    const other = await open();
    await decideQuickstart(other);
    const directory = await exported(ready);
    const errorsOf = async (gate: ScenarioGate, strict: boolean): Promise<unknown> => {
      const found = answered(await verify(gate, directory, { strict })).json;
      return (found as { report: Members }).report['errors'];
    };
    expect(await errorsOf(ready, true)).toEqual([]);
    expect(await errorsOf(other, true)).toEqual([
      'manifest signature does not hold',
      'ledger proof of the export does not hold',
      'logs are not what the ledger holds of the run',
    ]);
    rmSync(join(directory, 'manifest.json.sig.json'));
    expect(await errorsOf(ready, true)).toEqual(['manifest signature read failed: file not found']);
    expect(await errorsOf(ready, false)).toEqual([]);
  });

  it.each([
    ['is not there', () => undefined, 'unable to read manifest: file not found'],
    ['is no JSON', (file: string) => writeFileSync(file, 'manifest'), 'invalid manifest'],
    ['lacks members', (file: string) => writeFileSync(file, '{}'), 'invalid manifest'],
  ])('refuses a manifest that %s', async (_name, write, message) => {
    const directory = mkdtempSync(join(ready.directory, 'pack-'));
    write(join(directory, 'manifest.json'));
    const { error } = await verify(ready, directory);
    expect(error).toMatchObject({ code: -32040, message });
  });
});

/** Rewrites a file of a pack and makes all hashes of the manifest anew, as a forger would. */
function forge(path: string, change: (value: Members[]) => unknown): (directory: string) => void {
  return (directory) => {
    const value = readPack(directory, path) as Members[];
    const text = JSON.stringify(change(value) ?? value);
    writeFileSync(join(directory, path), text);
    editManifest((manifest) => {
      const integrity = manifest['integrity'] as { file_hashes: FileHash[]; root_hash: Hash };
      for (const list of [integrity.file_hashes, manifest['artifacts'] as FileHash[]]) {
        for (const file of list) if (file.path === path) file.hash.value = sha256Hex(text);
      }
      const listed = integrity.file_hashes.map((file) => ({ hash: file.hash, path: file.path }));
      integrity.root_hash.value = sha256Hex(JSON.stringify(listed));
    })(directory);
  };
}

interface Hash {
  value: string;
}
interface FileHash {
  path: string;
  hash: Hash;
}

function editManifest(
  change: (manifest: Record<string, unknown>) => void,
): (directory: string) => void {
  return (directory) => {
    const manifest = readPack(directory, 'manifest.json') as Record<string, unknown>;
    change(manifest);
    writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest));
  };
}

const edit = (path: string, text: string) => (directory: string) =>
  writeFileSync(join(directory, path), text);

const TAMPERING: readonly {
  readonly name: string;
  readonly tamper: (directory: string) => void;
  /** By default; none: it passes. */
  readonly errors?: readonly string[];
  /** One of those that the strict checks give. */
  readonly strict?: string;
}[] = [
  {
    name: 'edited',
    tamper: edit('artifacts/gate_evals.json', '[]'),
    errors: ['hash mismatch for artifacts/gate_evals.json'],
  },
  {
    name: 'truncated',
    tamper: edit('artifacts/tool_calls.json', ''),
    errors: ['hash mismatch for artifacts/tool_calls.json'],
  },
  {
    name: 'longer',
    tamper: (directory) => appendFileSync(join(directory, 'artifacts/packets.json'), ' '),
    errors: ['hash mismatch for artifacts/packets.json'],
  },
  {
    name: 'deleted',
    tamper: (directory) => rmSync(join(directory, 'artifacts/triggers.json')),
    errors: ['artifact read failed for artifacts/triggers.json: file not found'],
  },
  {
    name: 'file hashes edited',
    tamper: editManifest((manifest) => {
      const { file_hashes } = manifest['integrity'] as { file_hashes: FileHash[] };
      const [first] = file_hashes;
      if (first !== undefined) first.hash.value = '0'.repeat(64);
    }),
    errors: ['hash mismatch for artifacts/scenario_spec.json', 'root hash mismatch'],
  },
  {
    name: 'file hashes reordered',
    tamper: editManifest((manifest) => {
      (manifest['integrity'] as { file_hashes: FileHash[] }).file_hashes.reverse();
    }),
    errors: ['root hash mismatch'],
  },
  {
    name: 'entry of file hashes removed',
    tamper: editManifest((manifest) => {
      (manifest['integrity'] as { file_hashes: FileHash[] }).file_hashes.pop();
    }),
    errors: ['root hash mismatch'],
  },
  {
    name: 'decision repeated',
    tamper: forge('artifacts/decisions.json', (decisions) => [...decisions, ...decisions]),
    errors: ['duplicate decision for trigger trigger-1'],
  },
  {
    name: 'anchor stripped',
    tamper: forge('artifacts/gate_evals.json', (evals) => {
      const [{ evidence }] = evals as unknown as [
        { evidence: { result: Record<string, unknown> }[] },
      ];
      for (const { result } of evidence) result['evidence_anchor'] = null;
    }),
    errors: [
      'anchor invalid for condition after (trigger trigger-1, stage main): missing evidence_anchor',
    ],
  },
  {
    name: 'unknown version',
    tamper: editManifest((manifest) => {
      manifest['manifest_version'] = 'v9';
    }),
    errors: ['unsupported manifest version: v9'],
  },
  {
    name: 'run id in the header',
    tamper: editManifest((manifest) => {
      manifest['run_id'] = 'run-9';
    }),
    strict: "trigger trigger-1 is not of the manifest's run",
  },
  {
    name: 'date in the header',
    tamper: editManifest((manifest) => {
      manifest['generated_at'] = { kind: 'unix_millis', value: 1 };
    }),
    strict: 'manifest signature is of another manifest',
  },
  {
    name: 'security in the header',
    tamper: editManifest((manifest) => {
      manifest['security'] = { dev_permissive: false, namespace_authority: 'dg_registry' };
    }),
    strict: 'manifest signature is of another manifest',
  },
  {
    name: 'anchor policy removed',
    tamper: editManifest((manifest) => {
      delete manifest['anchor_policy'];
    }),
    strict: 'manifest signature is of another manifest',
  },
  {
    name: 'artifacts edited',
    tamper: editManifest((manifest) => {
      (manifest['artifacts'] as FileHash[]).pop();
    }),
    strict: 'artifacts do not match file hashes',
  },
  {
    name: 'whole pack made anew',
    tamper: forge('artifacts/decisions.json', ([decision]) => [
      { ...decision, correlation_id: 'forged' },
    ]),
    strict: 'manifest signature is of another manifest',
  },
  {
    name: 'spec hash of another scenario',
    tamper: editManifest((manifest) => {
      manifest['spec_hash'] = { algorithm: 'sha256', value: '0'.repeat(64) };
    }),
    strict: 'spec hash mismatch',
  },
];

describe('the signature beside a manifest', () => {
  /** What an operator gives to those who verify. */
  function trustIn(directory: string): Trust {
    const keyring = openKeyring(join(directory, 'decision-gate-keys'), Date.now);
    const registry = parseRegistry(JSON.parse(JSON.stringify(keyring.registry())));
    if (!registry.ok) throw new Error(registry.fault.code);
    return { registry: registry.value };
  }

  async function signed(
    size = '9007199254740993',
  ): Promise<{ directory: string; trust: Trust; gate: ScenarioGate }> {
    const gate = await open();
    await decideQuickstart(gate);
    const request = {
      tenant_id: 1,
      namespace_id: 1,
      run_id: 'run-1',
      submission_id: 's-1',
      payload: { kind: 'json', value: { size: 'SIZE', ratio: 1.5 } },
      content_type: 'application/json',
      submitted_at: { kind: 'logical', value: 1 },
      correlation_id: null,
    };
    const params = {
      name: 'scenario_submit',
      arguments: { scenario_id: 'quickstart', request },
    };
    const text = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    // An integer that a double cannot hold has to come through all of it.
    answered(await gate.rpc(text.replace('"SIZE"', size)));
    const directory = await exported(gate, { include_verification: true });
    return { gate, directory, trust: trustIn(gate.directory) };
  }

  it('holds under the keys of the server, and the ledger holds the export and the run', async () => {
    const { directory, trust } = await signed();
    expect(await verifyOffline(directory, { strict: true, replay: true, trust })).toEqual({
      status: 'pass',
      checked_files: 8,
      errors: [],
    });
    const file = readPack(directory, 'manifest.json.sig.json') as Members;
    expect(file['run_entries']).toHaveLength(3);
  });

  it('is missed when it is not there, and refused under the keys of somebody else', async () => {
    const { directory, trust } = await signed();
    const other = trustIn((await signed()).gate.directory);
    expect((await verifyOffline(directory, { strict: true, trust: other })).errors).toEqual([
      'manifest signature does not hold',
      'ledger proof of the export does not hold',
      'logs are not what the ledger holds of the run',
    ]);
    rmSync(join(directory, 'manifest.json.sig.json'));
    expect((await verifyOffline(directory, { strict: true })).errors).toEqual([]);
    expect((await verifyOffline(directory, { strict: true, trust })).errors).toEqual([
      'manifest signature read failed: file not found',
    ]);
  });

  it('is asked for by every key by itself, also where nothing else is', async () => {
    const { directory, trust } = await signed();
    const [receiptKey] = trust.registry?.receiptKeys ?? [];
    const [ledgerKey] = trust.registry?.ledgerKeys ?? [];
    if (receiptKey === undefined) throw new Error('a server has receipt keys');
    const publicKey = { ...receiptKey, source: 'public_key' } as const;
    rmSync(join(directory, 'manifest.json.sig.json'));
    for (const keys of [trust, { publicKey }, { ledgerKey }]) {
      expect((await verifyOffline(directory, { trust: keys })).errors).toEqual([
        'manifest signature read failed: file not found',
      ]);
    }
    expect((await verifyOffline(directory, { trust: {} })).errors).toEqual([]);
  });

  it('tells logs from those of the ledger, also when the manifest is made to fit', async () => {
    const { directory, trust } = await signed();
    forge('artifacts/tool_calls.json', (calls) => calls.slice(0, 1))(directory);
    const { errors } = await verifyOffline(directory, { strict: true, trust });
    expect(errors).toEqual([
      'manifest signature is of another manifest',
      'manifest signature does not hold',
      'logs are not what the ledger holds of the run',
    ]);
  });

  /** An entry of the run with the length of each log, in its state if it is the start. */
  type RunEntry = { recorded: Record<string, unknown> & { state?: Record<string, unknown> } };
  const countsIn = ({ recorded }: RunEntry) => recorded.state ?? recorded;

  /** Rewrites what the signature file says of the run's entries: its start, a decision, a submission. */
  function editEntries(directory: string, change: (entries: RunEntry[]) => RunEntry[]): void {
    const path = join(directory, 'manifest.json.sig.json');
    // The integer that a double cannot hold stands in a log, not here.
    const file = JSON.parse(readFileSync(path, 'utf8')) as { run_entries: RunEntry[] };
    writeFileSync(path, JSON.stringify({ ...file, run_entries: change(file.run_entries) }));
  }

  const NOT_THE_RUN = 'logs are not what the ledger holds of the run';

  it.each<[string, (entries: RunEntry[]) => RunEntry[]]>([
    ['one left out', ([start, , submission]) => [start, submission] as RunEntry[]],
    ['the last left out', (entries) => entries.slice(0, -1)],
    [
      'a move before the start',
      ([start, decision, ...rest]) => [decision, start, ...rest] as never,
    ],
    [
      'parts of records',
      (entries) => {
        for (const [at, count] of [0, 1.5, 0.5].entries()) {
          countsIn(entries[at] as RunEntry)['tool_calls'] = count;
        }
        return entries;
      },
    ],
    [
      'fewer records than none',
      (entries) => {
        for (const [at, count] of [-1, 2, 0].entries()) {
          countsIn(entries[at] as RunEntry)['triggers'] = count;
        }
        return entries;
      },
    ],
    [
      'more records than there are',
      (entries) => {
        for (const [at, count] of [0, 5, -4].entries()) {
          countsIn(entries[at] as RunEntry)['triggers'] = count;
        }
        return entries;
      },
    ],
  ])('names the entries of the run: not %s', async (_name, change) => {
    const { directory, trust } = await signed();
    editEntries(directory, change);
    expect((await verifyOffline(directory, { trust })).errors).toEqual([NOT_THE_RUN]);
  });

  it.each<[string, (directory: string) => void]>([
    [
      'records beside the exported logs',
      (directory) => {
        const logs = Object.entries(LOG_FILES).map(([name, path]) => {
          const records = readPack(directory, path) as unknown[];
          forge(path, () => [])(directory);
          return [name, records] as const;
        });
        editEntries(directory, (entries) => {
          for (const entry of entries) {
            const counts = countsIn(entry);
            for (const [name, records] of logs) {
              counts[name] = records.splice(0, Number(counts[name]));
            }
          }
          return entries;
        });
      },
    ],
    [
      'the start over and over',
      (directory) => {
        forge(LOG_FILES.submissions, () => [])(directory);
        forge(LOG_FILES.tool_calls, ([decided]) => [decided])(directory);
        editEntries(directory, ([start, decision]) => [start, start, decision] as RunEntry[]);
      },
    ],
    [
      'moves in another order',
      (directory) => {
        forge(LOG_FILES.tool_calls, (calls) => calls.reverse())(directory);
        editEntries(
          directory,
          ([start, decision, submission]) => [start, submission, decision] as RunEntry[],
        );
      },
    ],
    [
      'another scenario',
      (directory) => {
        const path = 'artifacts/scenario_spec.json';
        forge(path, (spec) => Object.assign(spec, { spec_version: 'v2' }))(directory);
        const value = hashesBelow(directory)[path];
        editManifest((manifest) => {
          manifest['spec_hash'] = { algorithm: 'sha256', value };
        })(directory);
      },
    ],
    [
      'a record as deep as a file may be',
      forge(LOG_FILES.submissions, ([submission]) => {
        const value: unknown = JSON.parse(`${'['.repeat(156)}${']'.repeat(156)}`);
        return [{ ...submission, payload: { kind: 'json', value } }];
      }),
    ],
  ])('takes nothing else for the run: %s', async (_name, tamper) => {
    const { directory, trust } = await signed('1');
    tamper(directory);
    expect((await verifyOffline(directory, { trust })).errors).toEqual([
      'manifest signature is of another manifest',
      'manifest signature does not hold',
      NOT_THE_RUN,
    ]);
  });
});

const LOG_FILES = {
  triggers: 'artifacts/triggers.json',
  gate_evals: 'artifacts/gate_evals.json',
  decisions: 'artifacts/decisions.json',
  packets: 'artifacts/packets.json',
  submissions: 'artifacts/submissions.json',
  tool_calls: 'artifacts/tool_calls.json',
} as const;

describe('the replay of a longer run', () => {
  const at = (offset: number) => ({ kind: 'unix_millis', value: 1_710_000_000_000 + offset });
  const packet = (packet_id: string, payload: Members): Members => ({
    packet_id,
    schema_id: 'note',
    content_type: 'application/json',
    visibility_labels: ['public'],
    policy_tags: [],
    expiry: null,
    payload,
  });
  const later = (condition_id: string, offset: number): Members => ({
    condition_id,
    query: { provider_id: 'time', check_id: 'after', params: { timestamp: at(offset).value } },
    comparator: 'equals',
    expected: true,
    policy_tags: [],
  });
  const stage = (stage_id: string, changes: Members): Members => ({
    stage_id,
    entry_packets: [],
    gates: [],
    timeout: null,
    on_timeout: 'fail',
    ...changes,
  });
  const spec = quickstartSpec({
    stages: [
      stage('first', {
        entry_packets: [packet('hello', { kind: 'json', value: { hello: 'world' } })],
        gates: [{ gate_id: 'opens', requirement: { Condition: 'soon' } }],
        advance_to: { kind: 'linear' },
      }),
      stage('second', {
        entry_packets: [packet('bytes', { kind: 'bytes', bytes: [1, 2, 3] })],
        gates: [
          {
            gate_id: 'never',
            requirement: { And: [{ Condition: 'soon' }, { Condition: 'late' }] },
          },
        ],
        advance_to: {
          kind: 'branch',
          branches: [{ gate_id: 'never', outcome: 'unknown', next_stage_id: 'third' }],
          default: null,
        },
        timeout: { timeout_ms: 1_000, policy_tags: [] },
        on_timeout: 'alternate_branch',
      }),
      stage('third', { advance_to: { kind: 'terminal' } }),
    ],
    conditions: [later('soon', 0), later('late', 1_000_000)],
  });

  /** Held once, advanced, held by a tick, timed out, completed. */
  async function ran(): Promise<string> {
    const gate = await open();
    answered(await gate.call('scenario_define', { spec }));
    const dispatch_targets = [
      { kind: 'agent', agent_id: 'agent-1' },
      { kind: 'channel', channel: 'general' },
    ];
    const started = { issue_entry_packets: true, started_at: at(0) };
    answered(await gate.call('scenario_start', startOf('run-1', started, { dispatch_targets })));
    const kinds: unknown[] = [];
    for (const [trigger_id, offset, kind] of [
      ['t-1', 0, 'agent_request_next'],
      ['t-2', 1, 'backend_event'],
      ['t-3', 500, 'tick'],
      ['t-4', 1_001, 'tick'],
      ['t-5', 1_002, 'external_event'],
    ] as const) {
      const answer = answered(
        await gate.call('scenario_trigger', {
          scenario_id: 'quickstart',
          trigger: {
            trigger_id,
            tenant_id: 1,
            namespace_id: 1,
            run_id: 'run-1',
            kind,
            time: at(offset),
            source_id: 'test',
            payload: null,
            correlation_id: null,
          },
        }),
      );
      kinds.push(((answer.json as Members)['decision'] as { outcome: Members }).outcome['kind']);
    }
    expect(kinds).toEqual(['hold', 'advance', 'hold', 'advance', 'complete']);
    return exported(gate);
  }

  it('comes to the same, and sees what was made up though all hashes fit', async () => {
    const sound = await ran();
    expect(await verifyOffline(sound, { strict: true, replay: true })).toMatchObject({
      errors: [],
    });
    for (const [at, [path, change, error]] of (
      [
        [
          'artifacts/decisions.json',
          (decisions) => {
            const { outcome } = decisions[4] as { outcome: Record<string, unknown> };
            outcome['timeout'] = false;
          },
          'replay: outcome recorded advance, replayed advance (trigger t-4)',
        ],
        [
          'artifacts/triggers.json',
          (triggers) => {
            const { event } = triggers[4] as { event: { time: { value: number } } };
            event.time.value -= 1;
          },
          'replay: gates recorded [], replayed [never] (trigger t-4)',
        ],
        [
          'artifacts/gate_evals.json',
          (evals) => {
            const { evaluation } = evals[0] as { evaluation: Record<string, unknown> };
            evaluation['status'] = 'True';
          },
          'replay: gate opens recorded True, replayed False (trigger t-1)',
        ],
        [
          'artifacts/packets.json',
          (packets) => packets.slice(1),
          'replay: packets of decision-1 are not those of the stage entered (trigger init)',
        ],
        [
          'artifacts/packets.json',
          (packets) => {
            const { payload } = packets[1] as { payload: { bytes: number[] } };
            payload.bytes.reverse();
          },
          'replay: packets of decision-3 are not those of the stage entered (trigger t-2)',
        ],
      ] as [string, (value: Members[]) => unknown, string][]
    ).entries()) {
      const directory = `${sound}-${at}`;
      cpSync(sound, directory, { recursive: true });
      forge(path, change)(directory);
      expect(await verifyOffline(directory)).toMatchObject({ status: 'pass' });
      const { errors } = await verifyOffline(directory, { replay: true });
      expect([at, errors]).toEqual([at, expect.arrayContaining([error])]);
    }
  });
});
