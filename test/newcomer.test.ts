import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const CLI = join(ROOT, 'packages/cli/lib/main.js');

/** The built command line, as a newcomer runs it. */
function countersign(
  args: readonly string[],
  env: Record<string, string>,
): { code: number; out: string } {
  try {
    const out = execFileSync(process.execPath, [CLI, ...args], {
      encoding: 'utf8',
      env: { ...process.env, ...env, NO_COLOR: '1' },
    });
    return { code: 0, out };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
    return { code: status, out: stdout + stderr };
  }
}

describe('a newcomer', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-newcomer-'));
  const env = { COUNTERSIGN_DATA: join(folder, 'data'), COUNTERSIGN_PORT: '0' };
  let server: ReturnType<typeof spawn>;
  let url = '';
  let printed = '';

  beforeAll(async () => {
    if (!existsSync(CLI)) throw new Error('packages/cli/lib is missing: run `npm run build`');
    server = spawn(process.execPath, [CLI, 'serve'], {
      env: { ...process.env, ...env, NO_COLOR: '1', COUNTERSIGN_LOG_LEVEL: 'error' },
    });
    url = await new Promise<string>((resolve, reject) => {
      server.stdout?.on('data', (chunk: Buffer) => {
        printed += chunk.toString();
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(printed);
        if (found !== null && printed.includes('npm run demo')) resolve(found[0]);
      });
      server.once('exit', (code) => reject(new Error(`serve ended with ${code}`)));
    });
  });
  afterAll(() => {
    server.kill('SIGKILL');
  });

  it('is shown the key once, and it is stored as a hash only', () => {
    const key = /decide_test_[\w-]{43}/.exec(printed)?.[0] ?? '';
    expect(key).not.toBe('');
    expect(readFileSync(join(folder, 'data/ledger.db')).includes(key)).toBe(false);
    expect(readFileSync(join(folder, 'data/ledger.db-wal')).includes(key)).toBe(false);
  });

  it('D-1 pastes the curl of the README and gets a yes with its proof', () => {
    const command = /```sh\n(curl -s [\s\S]*?)\n```/.exec(
      readFileSync(join(ROOT, 'README.md'), 'utf8'),
    );
    expect(command).not.toBeNull();
    const out = execFileSync(
      'sh',
      ['-c', (command?.[1] ?? '').replace('http://127.0.0.1:4000', url)],
      {
        cwd: folder,
        encoding: 'utf8',
      },
    );
    const record = JSON.parse(out) as Record<string, unknown>;
    expect(record).toMatchObject({
      verdict: 'yes',
      evidence: ['MARGIN_FLOOR_OK', 'OWNER_RULE_VERIFIED'],
      action: 'approve_discount',
      policy_id: 'pricing_exception',
      policy_version: 'v3',
      ledger_proof: {
        tree_size: expect.any(Number),
        checkpoint: expect.stringContaining('\n\n— '),
      },
    });
  });

  it('runs the demo to `verified`', () => {
    const demo = countersign(['demo', '--url', url], env);
    expect(demo.out.trimEnd().endsWith('verified')).toBe(true);
    expect(demo.out).not.toContain('not verified');
    expect(demo.code).toBe(0);
  });

  it('verifies a packet on the command line: 0, 1 for a changed one, 2 for what is no file', () => {
    countersign(['demo', '--url', url], env);
    const demo = join(folder, 'data/demo');
    const packet = execFileSync('sh', ['-c', `ls ${demo}/*.packet.json | tail -1`], {
      encoding: 'utf8',
    }).trim();
    const keys = ['--key-registry', join(demo, 'receipt-keys.json')];
    expect(countersign(['verify-packet', packet, ...keys], env).code).toBe(0);
    expect(countersign(['verify-packet', packet], env)).toMatchObject({ code: 1 });
    const json = countersign(['verify', packet, ...keys, '--json', '--replay'], env);
    expect(JSON.parse(json.out)).toMatchObject({ verified: true, public_verified: true });
    const changed = execFileSync(
      process.execPath,
      [
        '-e',
        `process.stdout.write(require('fs').readFileSync(${JSON.stringify(packet)}, 'utf8').replace('"succeeded"', '"failed"'))`,
      ],
      { encoding: 'utf8' },
    );
    expect(verifyText(changed, keys)).toBe(1);
    expect(verifyText('{"a":1,"a":2}', keys)).toBe(2);
    expect(countersign(['verify', join(folder, 'nothing.json')], env).code).toBe(2);
    expect(countersign(['verify'], env).code).toBe(2);
  });

  function verifyText(text: string, keys: readonly string[]): number {
    try {
      execFileSync(process.execPath, [CLI, 'verify', '-', ...keys], {
        input: text,
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      return 0;
    } catch (error) {
      return (error as { status: number }).status;
    }
  }

  it('finds help everywhere', () => {
    for (const args of [
      [],
      ['serve'],
      ['demo'],
      ['verify'],
      ['verify-packet'],
      ['keys'],
      ['keys', 'create'],
      ['ledger'],
      ['ledger', 'check'],
    ]) {
      const help = countersign([...args, '--help'], env);
      expect(help).toMatchObject({ code: 0, out: expect.stringContaining('Usage: countersign') });
    }
  });

  it('makes, lists and revokes a key beside the running server, which obeys at once', async () => {
    const key = countersign(
      ['keys', 'create', '--tenant', 'dev', '--scopes', 'read', '--label', 'reader'],
      env,
    ).out.trim();
    const ask = async (): Promise<number> =>
      (
        await fetch(`${url}/api/decision/dec_00000000000000000000000000`, {
          headers: { 'x-api-key': key },
        })
      ).status;
    expect(await ask()).toBe(404);
    const line = countersign(['keys', 'list'], env)
      .out.split('\n')
      .find((one) => one.includes('reader'));
    const id = line?.split(' ')[0] ?? '';
    expect(countersign(['keys', 'revoke', id], env).code).toBe(0);
    expect(await ask()).toBe(401);
    expect(countersign(['keys', 'revoke', 'key_nobody'], env).code).toBe(2);
    expect(
      countersign(['keys', 'create', '--tenant', 'dev', '--scopes', 'everything'], env).code,
    ).toBe(2);
  });

  it('finds the ledger sound beside the running server', () => {
    expect(countersign(['ledger', 'check'], env)).toMatchObject({
      code: 0,
      out: expect.stringContaining('sound'),
    });
  });

  it('is told what is wrong with a setting', () => {
    expect(countersign(['serve'], { ...env, COUNTERSIGN_PROT: '1' })).toMatchObject({
      code: 2,
      out: expect.stringContaining('COUNTERSIGN_PROT is not a setting'),
    });
    expect(countersign(['serve', '--host', '0.0.0.0'], env)).toMatchObject({
      code: 2,
      out: expect.stringContaining('loopback'),
    });
  });
});
