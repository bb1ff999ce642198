import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  at,
  billing,
  executed,
  type Gate,
  listAt,
  openGate,
  outcome,
  pathOf,
} from '../../server/test/harness.ts';

const CLI = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const SOURCE = ['--conditions=source', '--experimental-strip-types', '--no-warnings'];

let gate: Gate;
let folder: string;

/** Makes every way out of the process throw, so that what passes has needed none. */
const NO_NETWORK = `
import net from 'node:net';
import dns from 'node:dns';
const none = () => { throw new Error('there is no network'); };
net.Socket.prototype.connect = none;
dns.lookup = none;
globalThis.fetch = none;
`;

beforeAll(async () => {
  gate = await openGate();
  const record = await gate.decide(billing());
  await gate.post(pathOf(record, '/execution'), executed(record));
  await gate.post(pathOf(record, '/outcome'), outcome(record));
  const packet = await gate.get(pathOf(record, '/packet?include_input=true'));
  const registry = await gate.get('/api/decision/receipt-keys');
  folder = mkdtempSync(join(tmpdir(), 'countersign-offline-'));
  writeFileSync(join(folder, 'no-network.mjs'), NO_NETWORK);
  writeFileSync(join(folder, 'packet.json'), packet.text);
  writeFileSync(join(folder, 'record.json'), JSON.stringify(record));
  writeFileSync(join(folder, 'key.pem'), String(listAt(registry.body, 'keys')[0]?.['public_key']));
  writeFileSync(
    join(folder, 'ledger.key'),
    String(listAt(registry.body, 'ledger_keys')[0]?.['verifier_key']),
  );
  writeFileSync(
    join(folder, 'tampered.json'),
    packet.text.replaceAll('approve_discount', 'approve_refunds_'),
  );
  // Whoever made the files is gone.
  await gate.stop();
});
afterAll(() => gate.close());

interface Ran {
  readonly code: number;
  readonly out: string;
}

function verify(command: string, file: string, ...options: readonly string[]): Ran {
  const args = [
    ...SOURCE,
    '--import',
    join(folder, 'no-network.mjs'),
    CLI,
    command,
    file,
    ...options,
  ];
  try {
    const env = { PATH: process.env['PATH'] ?? '', NO_COLOR: '1' };
    const out = execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8', env });
    return { code: 0, out };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
    return { code: status, out: stdout + stderr };
  }
}

describe('the command line, with a pinned key and nothing else', () => {
  it('D-71 verifies a packet’s answer without network or server, by our rules and by the published ones', () => {
    const ledgerKey = execFileSync('cat', [join(folder, 'ledger.key')], { encoding: 'utf8' });
    const pinned = ['--public-key', 'key.pem', '--ledger-key', ledgerKey];
    const { code, out } = verify('verify-packet', 'packet.json', ...pinned, '--replay', '--json');
    expect([code, out]).toEqual([0, expect.anything()]);
    const result: unknown = JSON.parse(out);
    expect(result).toMatchObject({ verified: true, public_verified: true, failures: [] });
    expect(at(result, 'checks.replay_reproduced')).toBe(true);
    const record = verify('verify', 'record.json', '--public-key', 'key.pem', '--offline');
    expect([record.code, record.out]).toEqual([0, expect.stringContaining('verified')]);
    expect(readdirSync(folder)).toHaveLength(6);
  });

  it('without a trusted key it is not verified, and an edited file is not either', () => {
    expect(verify('verify-packet', 'packet.json').code).toBe(1);
    expect(verify('verify-packet', 'packet.json').out).toContain('integrity only');
    const edited = verify('verify-packet', 'tampered.json', '--public-key', 'key.pem', '--json');
    expect(edited.code).toBe(1);
    expect(at(JSON.parse(edited.out), 'failures')).toContain('packet_hash');
    expect(verify('verify-packet', 'nobody.json').code).toBe(2);
  });
});
