import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import S3rver from 's3rver';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import quickstart from '../../../vectors/scenario/runpack/quickstart.json' with { type: 'json' };
import { temporaryDirectory } from '../../server/test/harness.ts';
import { openScenarioGate, type ScenarioGate } from '../../server/test/scenario/harness.ts';
import {
  answered,
  decideQuickstart,
  exportOf,
  hashesBelow,
} from '../../server/test/scenario/runpacks.ts';
import { indented } from '../src/decision-gate/indented.ts';
import { command, decisionGate, fileIn, type Ran } from './decision-gate-cli.ts';

let folder: string;
let spec: string;
let state: string;

beforeAll(() => {
  folder = temporaryDirectory();
  spec = fileIn(folder, 'spec.json', quickstart.spec);
  state = fileIn(folder, 'state.json', quickstart.state);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function runpack(words: readonly string[]): Promise<Ran> {
  return command('runpack', ...words);
}

/** A bundle in a directory of its own, with `runpack.json` as its manifest. */
async function bundle(...words: readonly string[]): Promise<string> {
  const directory = mkdtempSync(join(folder, 'pack-'));
  const ran = await runpack([
    ...['export', '--spec', spec, '--state', state, '--output-dir', directory],
    ...words,
  ]);
  if (ran.code !== 0) throw new Error(ran.err);
  return directory;
}

describe('decision-gate runpack', () => {
  it('S-175 exports, verifies with exit code 1 for what does not verify, and prints for people', async () => {
    const directory = await bundle(
      '--with-verification',
      '--generated-at-unix-ms',
      '1710000000000',
    );
    const { path, sha256 } = quickstart.report;
    expect(hashesBelow(directory)).toMatchObject({
      ...Object.fromEntries(quickstart.files.map((file) => [file.path, file.sha256])),
      [path]: sha256,
    });
    const manifest = join(directory, 'runpack.json');
    const read = JSON.parse(readFileSync(manifest, 'utf8')) as Record<string, unknown>;
    expect(read).toMatchObject({
      generated_at: { kind: 'unix_millis', value: 1710000000000 },
      integrity: { root_hash: { value: quickstart.root_hash_with_report } },
    });
    expect(Object.keys(read)).not.toContain('security');
    expect(Object.keys(read)).not.toContain('anchor_policy');

    const passed = await runpack(['verify', '--manifest', manifest, '--strict', '--replay']);
    expect(passed).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(passed.out)).toEqual({ status: 'pass', checked_files: 8, errors: [] });

    const copies = join(folder, 'copies');
    const pretty = await runpack(['pretty', '--manifest', manifest, '--output-dir', copies]);
    expect(pretty.code).toBe(0);
    expect(Object.keys(hashesBelow(copies)).sort()).toEqual(
      Object.keys(hashesBelow(directory)).sort(),
    );
    const copy = readFileSync(join(copies, 'artifacts', 'decisions.json'), 'utf8');
    expect(copy).toBe(`${JSON.stringify(JSON.parse(copy), null, 2)}\n`);
    expect(JSON.parse(copy)).toEqual(quickstart.state.decisions);
    const unverifiable = await runpack(['verify', '--manifest', join(copies, 'runpack.json')]);
    expect(unverifiable.code).toBe(1);

    writeFileSync(join(directory, 'artifacts', 'packets.json'), '[0]');
    const failed = await decisionGate(['runpack', 'verify', '--manifest', manifest]);
    expect(failed).toMatchObject({ code: 1, err: '' });
    expect(JSON.parse(failed.out)).toEqual({
      status: 'fail',
      checked_files: 8,
      errors: ['hash mismatch for artifacts/packets.json'],
    });
    const markdown = await runpack(['verify', '--manifest', manifest, '--format', 'markdown']);
    expect(markdown).toMatchObject({ code: 1 });
    expect(markdown.out).toBe(
      [
        '# Runpack verification',
        '',
        '- Status: fail',
        '- Checked files: 8',
        '- Errors: 1',
        '',
        '- hash mismatch for artifacts/packets.json',
        '',
      ].join('\n'),
    );
  });

  it('names the manifest as it is told, and finds its files from elsewhere', async () => {
    const directory = await bundle('--manifest-name', 'of/run.json');
    const words = ['--manifest', join(directory, 'of', 'run.json'), '--runpack-dir', directory];
    expect(await runpack(['verify', ...words])).toMatchObject({ code: 0 });
    expect(await runpack(['verify', ...words.slice(0, 2)])).toMatchObject({ code: 1 });
  });

  it('refuses what is no run, no manifest, or not of one kind', async () => {
    const words = ['--state', state, '--output-dir', folder];
    const other = fileIn(folder, 'other.json', { ...quickstart.spec, spec_version: 'v2' });
    const mismatch = await runpack(['export', '--spec', other, ...words]);
    expect(mismatch.code).toBe(1);
    expect(mismatch.err).toContain('hashing error: run state spec hash mismatch');
    expect(await runpack(['export', '--spec', state, ...words])).toMatchObject({ code: 1 });
    expect(await runpack(['verify', '--manifest', state])).toMatchObject({ code: 1, out: '' });
    expect(await runpack(['verify', '--manifest', join(folder, 'none')])).toMatchObject({
      code: 1,
    });
    expect(await runpack(['verify'])).toMatchObject({ code: 2 });
    expect(await runpack(['verify', '--manifest', state, '--format', 'xml'])).toMatchObject({
      code: 2,
    });
    const dated = ['--generated-at-unix-ms', '-1'];
    expect(await runpack(['export', '--spec', spec, ...words, ...dated])).toMatchObject({
      code: 2,
    });
  });
});

interface PublishedKeys {
  readonly keys: readonly { readonly use: string; readonly public_key_pem: string }[];
  readonly ledger_keys: readonly { readonly verifier_key: string }[];
}

describe('decision-gate runpack and the keys of a server', () => {
  let gate: ScenarioGate;
  let manifest: string;
  let config: string;
  beforeAll(async () => {
    gate = await openScenarioGate();
    await decideQuickstart(gate);
    const directory = join(gate.directory, 'pack');
    answered(await gate.call('runpack_export', exportOf({ output_dir: directory })));
    manifest = join(directory, 'manifest.json');
    config = join(gate.directory, 'decision-gate.toml');
    writeFileSync(
      config,
      `[run_state_store]\ntype = "sqlite"\npath = "${gate.directory}/decision-gate.db"\n`,
    );
    await gate.stop();
  });
  afterAll(() => gate.close());

  it('prints the keys, under which the signature holds, and under others does not', async () => {
    const keys = await runpack(['keys', '--config', config]);
    expect(keys).toMatchObject({ code: 0, err: '' });
    expect(keys.out).not.toContain('PRIVATE');
    const registry = fileIn(folder, 'keys.json', keys.out);
    const words = ['verify', '--manifest', manifest, '--strict', '--key-registry'];
    expect(await runpack([...words, registry])).toMatchObject({ code: 0, err: '' });
    const edited = fileIn(
      folder,
      'manifest.txt',
      readFileSync(manifest, 'utf8').replace('"dev_permissive":true', '"dev_permissive":false'),
    );
    writeFileSync(manifest, readFileSync(edited));
    const failed = await runpack([...words, registry]);
    expect(failed.code).toBe(1);
    expect((JSON.parse(failed.out) as { errors: unknown }).errors).toEqual([
      'manifest signature is of another manifest',
      'manifest signature does not hold',
    ]);
    expect(await runpack(['verify', '--manifest', manifest])).toMatchObject({ code: 0 });

    // Any key by itself asks for the signature.
    const published = JSON.parse(keys.out) as PublishedKeys;
    const receiptKey = published.keys.find(({ use }) => use === 'receipt_signature');
    const ANOTHER = 'manifest signature is of another manifest';
    for (const [option, value, errors] of [
      ['--key-registry', registry, [ANOTHER, 'manifest signature does not hold']],
      [
        '--public-key',
        fileIn(folder, 'key.pem', receiptKey?.public_key_pem ?? ''),
        [ANOTHER, 'manifest signature does not hold'],
      ],
      ['--ledger-key', published.ledger_keys[0]?.verifier_key ?? '', [ANOTHER]],
    ] as const) {
      const asked = await runpack(['verify', '--manifest', manifest, option, value]);
      expect([option, asked.code, asked.err]).toEqual([option, 1, '']);
      expect([option, JSON.parse(asked.out)]).toMatchObject([option, { errors }]);
    }
  });

  it('makes no keys where there are none', async () => {
    const none = join(folder, 'none.toml');
    writeFileSync(none, `[run_state_store]\ntype = "sqlite"\npath = "${folder}/none/gate.db"\n`);
    const keys = await runpack(['keys', '--config', none]);
    expect(keys).toMatchObject({ code: 1, out: '' });
    expect(keys.err).toContain('there are no keys in');
  });
});

describe('decision-gate runpack and an object store', () => {
  it('puts a bundle there and verifies it from there', async () => {
    const directory = mkdtempSync(join(folder, 's3-'));
    const server = new S3rver({
      address: '127.0.0.1',
      port: 0,
      silent: true,
      directory,
      configureBuckets: [{ name: 'packs' }],
    });
    const { port } = await server.run();
    const config = join(folder, 's3.toml');
    writeFileSync(
      config,
      `[runpack_storage]
type = "object_store"
provider = "s3"
bucket = "packs"
region = "us-east-1"
endpoint = "http://127.0.0.1:${port}"
prefix = "cli"
force_path_style = true
allow_http = true
`,
    );
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'S3RVER');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'S3RVER');
    const storage = ['--storage', '--config', config];
    const local = mkdtempSync(join(folder, 'pack-'));
    const written = await runpack([
      'export',
      '--spec',
      spec,
      '--state',
      state,
      '--output-dir',
      local,
      ...storage,
    ]);
    expect(written).toMatchObject({ code: 0, err: '' });
    const { storage_uri } = JSON.parse(written.out) as { storage_uri: string };
    const hash = quickstart.state.spec_hash.value;
    expect(storage_uri).toBe(
      `s3://packs/cli/tenant/1/namespace/1/scenario/quickstart/run/run-1/spec/sha256/${hash}/`,
    );
    const stored = hashesBelow(join(directory, 'packs'));
    const place = storage_uri.slice('s3://packs/'.length);
    for (const { path, sha256 } of quickstart.files) {
      expect(stored).toHaveProperty([`${place}${path}._S3rver_object`], sha256);
    }
    const words = ['verify', '--manifest', `${storage_uri}runpack.json`, ...storage];
    const verified = await runpack(words);
    expect(verified).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(verified.out)).toEqual({ status: 'pass', checked_files: 7, errors: [] });
    const none = await runpack(['verify', '--manifest', `${storage_uri}none.json`, ...storage]);
    expect(none.code).toBe(1);
    vi.unstubAllEnvs();
    await server.close();
  });
});

describe('indented copies', () => {
  it('keep every digit, every escape and the order of members', () => {
    const json = '{"b":9007199254740993,"a":[1.50,-0,"\\"[{,:\\\\",{}],"e":[ ],"t":true}';
    expect(indented(json)).toBe(
      [
        '{',
        '  "b": 9007199254740993,',
        '  "a": [',
        '    1.50,',
        '    -0,',
        '    "\\"[{,:\\\\",',
        '    {}',
        '  ],',
        '  "e": [],',
        '  "t": true',
        '}',
        '',
      ].join('\n'),
    );
  });
});
