import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  artefactMessage,
  canonicalJson,
  parseSignature,
  publicKeyFromPem,
  sha256Hex,
  utf8,
  verifyEd25519,
} from '@countersign/proof';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { dataPaths } from '../../src/main.ts';
import {
  at,
  billing,
  type Gate,
  listAt,
  type Members,
  once,
  openGate,
  tamper,
} from '../harness.ts';

let gate: Gate;
beforeAll(async () => {
  gate = await openGate();
  await gate.decide(billing());
});
afterAll(() => gate.close());

const status = async (query = ''): Promise<Members> =>
  (await gate.get(`/api/decision/status${query}`)).body;

const keyFile = (name: string): string => join(dataPaths(gate.directory).keys, name);
const move = (from: string, to: string) => (): void => renameSync(keyFile(from), keyFile(to));

/** A dependency that breaks, how it is mended, and the checks that say so. */
const BREAKAGES: readonly [string, () => void, () => void, readonly string[]][] = [
  [
    'the receipts key is gone',
    move('receipt-key.json', 'away'),
    move('away', 'receipt-key.json'),
    ['signer'],
  ],
  [
    'the ledger key is gone',
    move('ledger-key.json', 'away'),
    move('away', 'ledger-key.json'),
    ['signer'],
  ],
  [
    'a key can be read by others',
    () => chmodSync(keyFile('attestation-key.json'), 0o644),
    () => chmodSync(keyFile('attestation-key.json'), 0o600),
    ['signer'],
  ],
  [
    'the key history is damaged',
    () => {
      const text = readFileSync(keyFile('receipt-key.json'), 'utf8');
      writeFileSync(keyFile('away'), text, { mode: 0o600 });
      writeFileSync(keyFile('receipt-key.json'), text.slice(0, -9), { mode: 0o600 });
    },
    move('away', 'receipt-key.json'),
    ['key_registry'],
  ],
  [
    'the entries cannot be read',
    () => tamper(gate.directory, 'ALTER TABLE entries RENAME TO elsewhere'),
    () => tamper(gate.directory, 'ALTER TABLE elsewhere RENAME TO entries'),
    ['storage', 'idempotency_store', 'policy_registry', 'checkpoint_age_s'],
  ],
  [
    'the idempotency keys cannot be read',
    () => tamper(gate.directory, 'ALTER TABLE idempotency RENAME TO elsewhere'),
    () => tamper(gate.directory, 'ALTER TABLE elsewhere RENAME TO idempotency'),
    ['idempotency_store'],
  ],
  [
    'the newest entry has no checkpoint',
    () => tamper(gate.directory, 'ALTER TABLE checkpoints RENAME TO elsewhere'),
    () => tamper(gate.directory, 'ALTER TABLE elsewhere RENAME TO checkpoints'),
    ['checkpoint_age_s', 'storage'],
  ],
];

describe('the status', () => {
  it.each(BREAKAGES)(
    'D-107 stops accepting decisions when %s',
    async (_, breaks, mends, failed) => {
      expect(await status()).toMatchObject({ accepting_decisions: true, status: 'ready' });
      breaks();
      const during = await status();
      const ready = await gate.get('/readyz');
      const refused = await gate.post('/api/decide', billing(), once(`broken-${failed[0] ?? ''}`));
      mends();
      expect(during['accepting_decisions']).toBe(false);
      expect(during['ok']).toBe(false);
      const checks = Object.entries(during['checks'] as Members);
      const bad = checks.filter(([, state]) => state !== 'ok').map(([name]) => name);
      expect(bad).toEqual(expect.arrayContaining([...failed]));
      expect(ready.status).toBe(503);
      // What the status says is what a caller meets.
      expect(refused.status).toBe(503);
      expect(refused.body).not.toHaveProperty('verdict');
      await vi.waitFor(async () => expect(await status()).toMatchObject({ status: 'ready' }), {
        timeout: 7_000,
        interval: 200,
      });
      expect((await gate.post('/api/decide', billing())).status).toBe(200);
    },
  );

  it('D-107 stops accepting decisions when the clock is behind the ledger', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const early = await openGate();
    await early.decide(billing());
    vi.setSystemTime(Date.now() - 60_000);
    const during = await early.get('/api/decision/status');
    const refused = await early.post('/api/decide', billing());
    vi.setSystemTime(Date.now() + 61_000);
    const after = await early.get('/api/decision/status');
    vi.useRealTimers();
    await early.close();
    expect(during.body).toMatchObject({ accepting_decisions: false, checks: { clock: 'failed' } });
    expect([refused.status, refused.body['error']]).toEqual([503, 'DECIDE_CLOCK_UNTRUSTED']);
    expect(after.body).toMatchObject({ accepting_decisions: true });
  });

  it('names its limits, its ledger and its maintenance', async () => {
    const record = await gate.decide(billing());
    expect(await status()).toMatchObject({
      limits: {
        body_bytes: 262_144,
        calls_per_minute: { decide: 120, lifecycle: 240, read: 120, report: 30, packet: 20 },
        records_per_month: { starter: 10_000, team: 50_000, enterprise: 200_000 },
      },
      ledger: {
        origin: gate.server.keyring.origin,
        tree_size: Number(at(record, 'ledger.seq')) + 1,
        last_checkpoint_at: record['created_at'],
      },
      maintenance: { windows: [], message: null },
    });
  });

  it('D-107 exported, it is signed by a key of the registry, and a changed copy is not', async () => {
    const exported = await status('?export=true');
    const packet = exported['status_packet'] as Members;
    const keys = listAt((await gate.get('/api/decision/receipt-keys')).body, 'keys');
    const pem = keys.find((key) => key['key_id'] === packet['status_key_id'])?.['public_key'];
    const publicKey = publicKeyFromPem(String(pem)) ?? expect.fail('no key');
    const isGenuine = (copy: Members): boolean => {
      const { status_hash: _, status_key_id: keyId, status_signature: text, ...rest } = copy;
      const message = artefactMessage({
        type: 'decide_status_v1',
        id: String(copy['status_id']),
        hash: sha256Hex(canonicalJson(rest)),
        key_id: String(keyId),
      });
      const signature = parseSignature(String(text)) ?? expect.fail('no signature');
      return verifyEd25519(publicKey, utf8(message), signature);
    };
    expect(packet).toMatchObject({
      status_packet_version: 'decide_status_v1',
      accepting_decisions: true,
      checks: exported['checks'],
      ledger: exported['ledger'],
    });
    expect(isGenuine(packet)).toBe(true);
    expect(isGenuine({ ...packet, accepting_decisions: false })).toBe(false);
    expect(isGenuine({ ...packet, status_id: 'sts_other' })).toBe(false);
    expect(await status()).not.toHaveProperty('status_packet');
  });

  it('cannot be exported without a key, and says so', async () => {
    move('receipt-key.json', 'away')();
    const exported = await status('?export=true');
    move('away', 'receipt-key.json')();
    expect(exported).toMatchObject({ accepting_decisions: false, status_packet: null });
  });
});
