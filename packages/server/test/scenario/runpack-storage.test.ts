import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { scenario } from '@countersign/policy';
import { sha256Hex } from '@countersign/proof';
import S3rver from 's3rver';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import quickstart from '../../../../vectors/scenario/runpack/quickstart.json' with { type: 'json' };
import { writeRunpack } from '../../src/service/scenario/runpack.ts';
import { openObjectStore } from '../../src/store/object-store.ts';
import { type Members, openScenarioGate, type ScenarioGate, startOf } from './harness.ts';
import { answered, decideQuickstart, exportOf, hashesBelow, readPack } from './runpacks.ts';

const FILE_BYTES_MAX = 16_777_216;

describe('runpacks in directories', () => {
  let gate: ScenarioGate;
  let directory: string;
  beforeAll(async () => {
    gate = await openScenarioGate();
    await decideQuickstart(gate);
  });
  afterAll(() => gate.close());
  beforeEach(() => {
    directory = mkdtempSync(join(gate.directory, 'pack-'));
  });

  const exportTo = (changes: Members) =>
    gate.call('runpack_export', exportOf({ output_dir: directory, ...changes }));
  const verify = (manifest_path = 'manifest.json') =>
    gate.call('runpack_verify', { runpack_dir: directory, manifest_path });

  it('S-159 refuses names of manifests and paths of artifacts that lead out of a pack', async () => {
    for (const [name, message] of [
      ['../manifest.json', 'artifact path escapes runpack root'],
      ['a/../../manifest.json', 'artifact path escapes runpack root'],
      ['/tmp/manifest.json', 'absolute artifact path not allowed'],
      ['\\manifest.json', 'absolute artifact path not allowed'],
      ['C:manifest.json', 'absolute artifact path not allowed'],
      ['', 'manifest name missing filename'],
      ['.', 'manifest name missing filename'],
      ['folder/', 'manifest name missing filename'],
      ['m'.repeat(256), 'runpack path component too long'],
      [`${'m/'.repeat(2_100)}m`, 'runpack path exceeds limit'],
      ['artifacts/decisions.json', 'manifest name is that of an artifact'],
    ] as const) {
      const { error } = await exportTo({ manifest_name: name });
      expect([name, error]).toMatchObject([name, { code: -32040, message }]);
    }
    expect(hashesBelow(directory)).not.toHaveProperty('manifest.json');

    answered(await exportTo({}));
    for (const [path, message] of [
      ['../manifest.json', 'artifact path escapes runpack root'],
      [join(directory, 'manifest.json'), 'absolute artifact path not allowed'],
    ] as const) {
      expect((await verify(path)).error).toMatchObject({ code: -32040, message });
    }
    const manifest = readPack(directory, 'manifest.json') as Members;
    for (const [path, reason] of [
      ['../other.json', 'artifact path escapes runpack root'],
      [join(gate.directory, 'other.json'), 'absolute artifact path not allowed'],
    ] as const) {
      writeFileSync(join(gate.directory, 'other.json'), '[]');
      const file_hashes = [{ path, hash: { algorithm: 'sha256', value: sha256Hex('[]') } }];
      const integrity = { ...(manifest['integrity'] as Members), file_hashes };
      writeFileSync(join(directory, 'out.json'), JSON.stringify({ ...manifest, integrity }));
      const { report } = answered(await verify('out.json')).json as { report: Members };
      expect(report).toMatchObject({ status: 'fail', checked_files: 0 });
      expect(report['errors']).toContain(`artifact read failed for ${path}: ${reason}`);
    }
  });

  it('follows no link out of a pack', async () => {
    const outside = mkdtempSync(join(gate.directory, 'outside-'));
    symlinkSync(outside, join(directory, 'artifacts'));
    expect((await exportTo({})).error).toMatchObject({
      code: -32040,
      message: 'artifact path escapes runpack root',
    });
    expect(readdirSync(outside)).toEqual([]);

    rmSync(join(directory, 'artifacts'));
    answered(await exportTo({}));
    const packets = join(directory, 'artifacts', 'packets.json');
    rmSync(packets);
    writeFileSync(join(outside, 'packets.json'), '[]');
    symlinkSync(join(outside, 'packets.json'), packets);
    expect(answered(await verify()).json).toMatchObject({
      report: {
        errors: [
          'artifact read failed for artifacts/packets.json: artifact path escapes runpack root',
        ],
      },
    });
    // A link in place of a file is replaced by the file, and what it led to stays.
    answered(await exportTo({}));
    expect(answered(await verify()).json).toMatchObject({ status: 'pass' });
    expect(readdirSync(outside)).toEqual(['packets.json']);
  });

  it('reads files up to 16 MiB, and nothing that is no file', async () => {
    answered(await exportTo({}));
    const packets = join(directory, 'artifacts', 'packets.json');
    truncateSync(packets, FILE_BYTES_MAX);
    const errorsOf = async (): Promise<unknown> =>
      (answered(await verify()).json as { report: Members }).report['errors'];
    expect(await errorsOf()).toEqual(['hash mismatch for artifacts/packets.json']);
    truncateSync(packets, FILE_BYTES_MAX + 1);
    expect(await errorsOf()).toEqual([
      `artifact read failed for artifacts/packets.json: file exceeds size limit (${FILE_BYTES_MAX + 1} > ${FILE_BYTES_MAX})`,
    ]);
    rmSync(packets);
    execFileSync('mkfifo', [packets]);
    expect(await errorsOf()).toEqual([
      'artifact read failed for artifacts/packets.json: not a file',
    ]);
  });

  it('takes the place of files that are there, and leaves nothing else', async () => {
    mkdirSync(join(directory, 'artifacts'));
    writeFileSync(join(directory, 'artifacts', 'decisions.json'), 'older');
    writeFileSync(join(directory, 'manifest.json'), 'older');
    answered(await exportTo({}));
    expect(Object.keys(hashesBelow(directory)).sort()).toEqual(
      [
        ...quickstart.files.map(({ path }) => path),
        'manifest.json',
        'manifest.json.sig.json',
      ].sort(),
    );
    expect(answered(await verify()).json).toMatchObject({ status: 'pass' });
  });

  it('says what cannot be written', async () => {
    writeFileSync(join(directory, 'artifacts'), 'a file');
    expect((await exportTo({})).error).toMatchObject({
      code: -32040,
      message: 'unable to write artifacts/scenario_spec.json',
    });
    expect((await exportTo({ output_dir: join(directory, 'artifacts') })).error).toMatchObject({
      code: -32040,
      message: 'unable to create output directory',
    });
  });
});

describe('a root that runpacks stay below', () => {
  let gate: ScenarioGate;
  let root: string;
  beforeAll(async () => {
    gate = await openScenarioGate({
      change(settings, directory) {
        root = join(directory, 'root');
        mkdirSync(root);
        return { ...settings, runpackRoot: root };
      },
    });
    await decideQuickstart(gate);
  });
  afterAll(() => gate.close());

  const refusal = {
    code: -32040,
    message: 'runpack directory is outside of the configured root',
  };

  it('is where relative directories begin, and absolute ones have to be', async () => {
    for (const output_dir of ['a/b', join(root, 'c')]) {
      answered(await gate.call('runpack_export', exportOf({ output_dir })));
      const report = await gate.call('runpack_verify', {
        runpack_dir: output_dir,
        manifest_path: 'manifest.json',
      });
      expect(answered(report).json).toMatchObject({ status: 'pass' });
    }
    expect(hashesBelow(root)).toHaveProperty(['a/b/manifest.json']);
    expect(hashesBelow(root)).toHaveProperty(['c/manifest.json']);
  });

  it.each([
    ['up', () => '../elsewhere'],
    ['somewhere else', () => join(gate.directory, 'elsewhere')],
    ['beside it, under a longer name', () => `${root}-elsewhere`],
    ['behind a link', () => 'link/pack'],
  ])('does not let out: %s', async (_name, path) => {
    const outside = mkdtempSync(join(gate.directory, 'outside-'));
    rmSync(join(root, 'link'), { force: true });
    symlinkSync(outside, join(root, 'link'));
    const output_dir = path();
    expect((await gate.call('runpack_export', exportOf({ output_dir }))).error).toMatchObject(
      refusal,
    );
    expect(readdirSync(outside)).toEqual([]);
  });

  it('does not let in what lies outside', async () => {
    const outside = mkdtempSync(join(gate.directory, 'outside-'));
    rmSync(join(root, 'link'), { force: true });
    symlinkSync(outside, join(root, 'link'));
    for (const runpack_dir of [outside, 'link', '..']) {
      const { error } = await gate.call('runpack_verify', {
        runpack_dir,
        manifest_path: 'manifest.json',
      });
      expect(error).toMatchObject(refusal);
    }
  });
});

describe('runpacks in an object store', () => {
  let server: S3rver;
  let client: S3Client;
  let directory: string;
  let endpoint: string;
  beforeAll(async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'S3RVER');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'S3RVER');
    directory = mkdtempSync(join(tmpdir(), 'countersign-s3-'));
    server = new S3rver({
      address: '127.0.0.1',
      port: 0,
      silent: true,
      directory,
      configureBuckets: [{ name: 'packs' }],
    });
    endpoint = `http://127.0.0.1:${(await server.run()).port}`;
    client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true });
  });
  afterAll(async () => {
    client.destroy();
    await server.close();
    rmSync(directory, { recursive: true, force: true });
    vi.unstubAllEnvs();
  });

  const gates: ScenarioGate[] = [];
  afterEach(async () => {
    for (const gate of gates.splice(0)) await gate.close();
  });

  const storage = (changes: Members = {}) => ({
    bucket: 'packs',
    region: 'us-east-1',
    endpoint,
    forcePathStyle: true,
    allowHttp: true,
    ...changes,
  });

  async function open(changes: Members = {}): Promise<ScenarioGate> {
    const gate = await openScenarioGate({
      change: (settings) => ({ ...settings, runpackStorage: storage(changes) }),
    });
    gates.push(gate);
    await decideQuickstart(gate);
    return gate;
  }

  async function keys(prefix: string): Promise<readonly string[]> {
    const listed = await client.send(new ListObjectsV2Command({ Bucket: 'packs', Prefix: prefix }));
    return (listed.Contents ?? []).map(({ Key }) => String(Key)).sort();
  }

  const [spec] = quickstart.files;
  const FOLDER = `tenant/1/namespace/1/scenario/quickstart/run/run-1/spec/sha256/${spec?.sha256}/`;

  it('S-160 writes under keys made of the ids, and answers with the address', async () => {
    const gate = await open({ prefix: 'of/gate' });
    const unused = join(gate.directory, 'unused');
    const answer = answered(
      await gate.call(
        'runpack_export',
        exportOf({ output_dir: unused, include_verification: true }),
      ),
    );
    expect(answer.json).toMatchObject({
      report: { status: 'pass', checked_files: 7 },
      storage_uri: `s3://packs/of/gate/${FOLDER}`,
    });
    expect(() => readdirSync(unused)).toThrow();
    const expected = [
      ...quickstart.files.map(({ path }) => path),
      quickstart.report.path,
      'manifest.json',
      'manifest.json.sig.json',
    ];
    expect(await keys('of/gate/')).toEqual(
      expected.map((path) => `of/gate/${FOLDER}${path}`).sort(),
    );
    for (const { path, sha256 } of [...quickstart.files, quickstart.report]) {
      const found = await client.send(
        new GetObjectCommand({ Bucket: 'packs', Key: `of/gate/${FOLDER}${path}` }),
      );
      expect(found.ContentType).toBe('application/json');
      expect(sha256Hex((await found.Body?.transformToString()) ?? '')).toBe(sha256);
    }

    // What is too large is neither written nor read.
    const objects = await openObjectStore(storage({ prefix: 'large' }));
    const opened = objects.at({
      tenant: 1,
      namespace: 1,
      scenarioId: 'quickstart',
      runId: 'run-1',
      specHash: { algorithm: 'sha256', value: String(spec?.sha256) },
    });
    if (!opened.ok) throw new Error(opened.text);
    const { target } = opened;
    const state = scenario.runState(quickstart.state as never);
    const decoded = scenario.scenarioSpec(quickstart.spec as never);
    if (!state.ok || !decoded.ok) throw new Error('the example does not decode');
    const [trigger] = state.value.triggers;
    if (trigger === undefined) throw new Error('the example has a trigger');
    const value = 'x'.repeat(FILE_BYTES_MAX);
    const event = { ...trigger.event, payload: { kind: 'json', value } } as const;
    const written = await writeRunpack(
      target,
      {
        spec: decoded.value,
        state: { ...state.value, triggers: [{ ...trigger, event }] },
        generatedAt: { kind: 'logical', value: 1 },
      },
      { manifestName: 'manifest.json', includeVerification: false },
    );
    expect(written).toMatchObject({
      ok: false,
      text: expect.stringMatching(/^artifact artifacts\/triggers\.json exceeds size limit/),
    });
    expect(await keys('large/')).toEqual([`large/${FOLDER}artifacts/scenario_spec.json`]);
    await client.send(
      new PutObjectCommand({
        Bucket: 'packs',
        Key: `large/${FOLDER}large.json`,
        Body: new Uint8Array(FILE_BYTES_MAX + 1),
      }),
    );
    expect(await target.read('large.json')).toEqual({
      ok: false,
      reason: `file exceeds size limit (${FILE_BYTES_MAX + 1} > ${FILE_BYTES_MAX})`,
    });
    objects.close();
  });

  it('works without a prefix, and reads back by the address', async () => {
    const gate = await open();
    const answer = answered(await gate.call('runpack_export', exportOf()));
    const uri = String((answer.json as Members)['storage_uri']);
    expect(uri).toBe(`s3://packs/${FOLDER}`);
    const objects = await openObjectStore(storage());
    const opened = objects.from(uri);
    if (!opened.ok) throw new Error(opened.text);
    expect(await opened.target.read('manifest.json')).toMatchObject({ ok: true });
    expect(await opened.target.read('none.json')).toEqual({ ok: false, reason: 'file not found' });
    expect(objects.from('s3://others/pack/')).toMatchObject({ ok: false });
    objects.close();
  });

  it('makes no key of an id that is no segment of a path', async () => {
    const gate = await open();
    for (const run_id of ['a/b', 'a\\b', '..', 'r'.repeat(256)]) {
      answered(await gate.call('scenario_start', startOf(run_id)));
      const { error } = await gate.call('runpack_export', exportOf({ run_id }));
      expect(error).toMatchObject({ code: -32040, message: `id is no path segment: ${run_id}` });
    }
  });

  it('writes nothing when a manifest or its signature would have too long a key', async () => {
    const gate = await open({ prefix: 'long' });
    const room = 4_096 - `long/${FOLDER}`.length;
    for (const bytes of [room, room + 1]) {
      const manifest_name = 'm/'.repeat(1_900).padEnd(bytes, 'm');
      const { error } = await gate.call('runpack_export', exportOf({ manifest_name }));
      expect(error).toMatchObject({ code: -32040, message: 'runpack path exceeds limit' });
    }
    expect(await keys('long/')).toEqual([]);
  });

  it('says when the bucket does not take it', async () => {
    const gate = await open({ bucket: 'none' });
    expect((await gate.call('runpack_export', exportOf())).error).toMatchObject({
      code: -32040,
      message: 'unable to store artifacts/scenario_spec.json: NoSuchBucket',
    });
  });

  it.each(['../up', '/root', 'a//b', 'a\\b', 'a/./b'])(
    'does not open with the prefix %s',
    async (prefix) => {
      await expect(openObjectStore(storage({ prefix }))).rejects.toThrow('prefix');
    },
  );

  it('asks for TLS unless it is told otherwise', async () => {
    await expect(openObjectStore(storage({ allowHttp: false }))).rejects.toThrow('allow_http');
  });
});
