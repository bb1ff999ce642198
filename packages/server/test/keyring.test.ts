import { chmodSync, mkdtempSync, readdirSync, renameSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openKeyring } from '../src/keys/keyring.ts';
import { openGate } from './harness.ts';

describe('keys', () => {
  const newFolder = (): string => mkdtempSync(join(tmpdir(), 'countersign-keys-'));

  it('are made once, for their owner only, and leave no drafts behind', () => {
    const folder = newFolder();
    const first = openKeyring(folder, () => 0);
    const again = openKeyring(folder, () => 1);
    expect(again.receipts.fingerprint).toBe(first.receipts.fingerprint);
    expect(again.origin).toBe(first.origin);
    expect(readdirSync(folder).sort()).toEqual([
      'attestation-key.json',
      'ledger-key.json',
      'origin',
      'receipt-key.json',
    ]);
    expect(statSync(join(folder, 'receipt-key.json')).mode & 0o077).toBe(0);
    expect(statSync(join(folder, 'ledger-key.json')).mode & 0o077).toBe(0);
    expect(openKeyring(newFolder(), () => 0).origin).not.toBe(first.origin);
  });

  it('that others can read are refused', () => {
    const folder = newFolder();
    openKeyring(folder, () => 0);
    chmodSync(join(folder, 'receipt-key.json'), 0o644);
    expect(() => openKeyring(folder, () => 0)).toThrow(/can be read by others/);
  });

  it.each(['receipt-key.json', 'ledger-key.json'])(
    'of a ledger are not replaced in silence when %s is gone',
    async (file) => {
      const gate = await openGate();
      await gate.stop();
      const path = join(gate.directory, 'keys', file);
      renameSync(path, `${path}.away`);
      await expect(openGate({ directory: gate.directory })).rejects.toThrow(/lacks a key/);
      renameSync(`${path}.away`, path);
      const back = await openGate({ directory: gate.directory });
      await back.stop();
    },
  );
});
