import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { billing, type Gate, KEY, type Members, openGate } from '../harness.ts';

const SERVER = fileURLToPath(new URL('../../src/index.ts', import.meta.url));

/** Requests on their way at a time; their connections serve the next ones. */
const AT_ONCE = 50;

/** Modules that a policy decision has no use for: whoever reaches out gets an error, and says so. */
const NO_NETWORK = `
  import dgram from 'node:dgram';
  import dns from 'node:dns';
  import net from 'node:net';
  const refuse = (what) => () => {
    process.stderr.write('reached out by ' + what + '\\n');
    throw new Error('the network is disabled');
  };
  net.Socket.prototype.connect = refuse('connect');
  dgram.Socket.prototype.send = refuse('send');
  const lookup = dns.lookup;
  // A server looks up the literal address that it listens on, which asks nobody.
  dns.lookup = (host, ...rest) => (net.isIP(host) ? lookup : refuse('lookup'))(host, ...rest);
  try {
    await fetch('http://127.0.0.1:59999/');
  } catch {
    process.stderr.write('disabled\\n');
  }
`;

interface Other {
  readonly url: string;
  /** What it wrote to standard error. */
  readonly said: () => string;
}

let gate: Gate | undefined;
let child: ChildProcess | undefined;
let folder: string | undefined;

afterEach(async () => {
  await gate?.close();
  const running = child;
  if (running !== undefined && running.exitCode === null) {
    await new Promise((done) => {
      running.once('exit', done);
      running.kill();
    });
  }
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  gate = undefined;
  child = undefined;
  folder = undefined;
});

/** A server in a process, with a ledger and keys, of its own; with a module that runs before it. */
async function startOther(preload: string): Promise<Other> {
  folder = mkdtempSync(join(tmpdir(), 'countersign-'));
  const before = join(folder, 'before.mjs');
  const main = join(folder, 'main.mjs');
  writeFileSync(before, preload);
  const config = {
    host: '127.0.0.1',
    port: 0,
    dataDirectory: join(folder, 'data'),
    environment: 'test',
    rateLimits: false,
    logLevel: 'silent',
    devApiKey: KEY,
  };
  writeFileSync(
    main,
    `import { startServer } from ${JSON.stringify(SERVER)};
     const { url } = await startServer(${JSON.stringify(config)});
     process.stdout.write(url + '\\n');`,
  );
  const started = spawn(process.execPath, ['--conditions=source', '--import', before, main], {
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = started;
  let said = '';
  started.stderr.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  const url = await new Promise<string>((done, fail) => {
    started.stdout.once('data', (bytes: Buffer) => done(bytes.toString().trim()));
    started.once('exit', (code) => fail(new Error(`the other server ended with ${code}: ${said}`)));
  });
  return { url, said: () => said };
}

async function decideAt(url: string, request: Members): Promise<Members> {
  const response = await fetch(`${url}/api/decide`, {
    method: 'POST',
    headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  return (await response.json()) as Members;
}

describe('determinism', () => {
  it('D-40 a thousand evaluations have the same output hash on two machines', async () => {
    gate = await openGate();
    const { url } = await startOther('');
    const margins = ['passed', 'failed', 'breached', 'review_required', undefined];
    const owners = ['verified', 'rejected', undefined, { status: 'verified', group: 'revops' }];
    const requests = Array.from({ length: 1_000 }, (_, place) =>
      billing({
        margin_floor: margins[place % 5],
        owner_rule: owners[Math.floor(place / 5) % 4],
        discount_percent: place % 7 === 0 ? String(place) : place / 8,
        requested_action: place % 11 === 0 ? 'cancel_contract' : 'apply_discount',
        note: `Ünïcode ${place}`,
      }),
    );
    const here = gate.server.url;
    const pairs: (readonly [Members, Members])[] = [];
    for (let done = 0; done < requests.length; done += AT_ONCE) {
      const some = requests.slice(done, done + AT_ONCE);
      const both = some.map((one) => Promise.all([decideAt(here, one), decideAt(url, one)]));
      pairs.push(...(await Promise.all(both)));
    }
    expect(pairs).toHaveLength(1_000);
    for (const [mine, theirs] of pairs) {
      expect(mine['output_hash']).toMatch(/^[0-9a-f]{64}$/);
      expect(theirs['output_hash']).toBe(mine['output_hash']);
      expect(theirs['input_hash']).toBe(mine['input_hash']);
      expect(theirs['decision_id']).not.toBe(mine['decision_id']);
      expect(theirs['receipt_key_id']).not.toBe(mine['receipt_key_id']);
    }
    expect(new Set(pairs.map(([mine]) => mine['verdict']))).toEqual(
      new Set(['yes', 'no', 'review']),
    );
    expect(new Set(pairs.map(([mine]) => mine['output_hash'])).size).toBeGreaterThan(20);
  });

  it('D-41 a server whose network is disabled decides', async () => {
    const { url, said } = await startOther(NO_NETWORK);
    for (const [margin, verdict] of [
      ['passed', 'yes'],
      ['failed', 'no'],
      ['unclear', 'review'],
    ]) {
      expect(await decideAt(url, billing({ margin_floor: margin }))).toMatchObject({ verdict });
    }
    // The first attempt is the block's own test of itself; there is no second one.
    expect(said().match(/reached out/g)).toHaveLength(1);
    expect(said()).toContain('disabled\n');
  });
});
