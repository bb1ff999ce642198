import { describe, expect, it } from 'vitest';
import {
  parseLedgerKey,
  parsePublicKey,
  parseRegistry,
  verifyPacket,
  verifyRecord,
} from '../src/index.ts';
import {
  type Json,
  ledgerKeyEntry,
  ledgerOf,
  OURS,
  registryKey,
  signerOf,
  vectors,
  workedExample,
} from './example.ts';
import { PINNED, REGISTRY, registryTrust } from './trusts.ts';

const { record, execution, outcome, envelope } = workedExample();
const NEXT = signerOf('11'.repeat(32), 'dk_next');

/** The record with the proof that the ledger answers with. */
function proven(): Json {
  const ledger = ledgerOf([
    { kind: 'decision', artefact: record },
    { kind: 'execution', artefact: execution },
    { kind: 'outcome', artefact: outcome },
  ]);
  const [entry] = ledger.entries;
  const [proof] = ledger.proofs;
  const { checkpoint, size } = ledger;
  return { ...record, ledger_proof: { entry, tree_size: size, proof, checkpoint } };
}

describe('pinned keys', () => {
  it('a PEM file wrapped as its writer liked', () => {
    const [head, body, foot] = vectors.key.pem.split('\n');
    const wrapped = `\n${head}\r\n${body?.slice(0, 30)}\r\n${body?.slice(30)}\r\n${foot}\r\n`;
    expect(parsePublicKey(wrapped)).toEqual(parsePublicKey(vectors.key.pem));
    expect(parsePublicKey(wrapped, 'public_key_file')?.source).toBe('public_key_file');
  });

  it.each([
    ['', 'nothing'],
    [vectors.key.pem.replace('MCow', 'MCox'), 'another algorithm'],
    [vectors.key.pem.replace('PUBLIC', 'PRIVATE'), 'a private key'],
    [`${vectors.key.pem}x`, 'something behind it'],
  ])('no key: %#, %s', (pem) => {
    expect(parsePublicKey(pem)).toBeUndefined();
  });

  it('a verifier key', () => {
    const key = parseLedgerKey(`${vectors.ledger.verifier_key}\n`);
    expect(key).toEqual({ origin: vectors.ledger.origin, publicKey: OURS.publicKey });
    const { verifier_key: good } = vectors.ledger;
    for (const bad of [
      '',
      good.slice(0, -4),
      good.replace('+04', '+05'),
      good.replace('e/', 'f/'),
    ]) {
      expect(parseLedgerKey(bad)).toBeUndefined();
    }
  });

  it('another pinned key, another origin', () => {
    const publicKey = parsePublicKey(NEXT.pem);
    const result = verifyPacket({ file: envelope, trust: { ...PINNED, publicKey } });
    expect(result).toMatchObject({ verified: false, key_source: 'record' });
    expect(result.checks).toMatchObject({ packet_signature: false, execution_signatures: false });
    const elsewhere = verifyPacket({ file: envelope, trust: PINNED, origin: 'other.example' });
    expect(elsewhere.failures).toEqual(['ledger_checkpoint_signature']);
  });
});

describe('K4 id, fingerprint and window of a registry key', () => {
  const trusted = (key: Json) =>
    verifyRecord({ record, trust: registryTrust({ ...REGISTRY, keys: [key] }) }).checks[
      'receipt_key_trusted'
    ];
  const at = record['created_at'] as string;
  const later = '2026-01-02T03:04:05.001Z';

  it.each([
    ['as it is', {}, true],
    ['another id', { key_id: 'dk_other' }, false],
    ['another use', { use: 'rulebook_attestation_signature' }, false],
    ['begins at that instant', { not_before: at }, true],
    ['begins later', { not_before: later }, false],
    ['retired later', { status: 'retired', not_after: later }, true],
    ['retired at that instant', { status: 'retired', not_after: at }, false],
  ])('%s', (_, changes, want) => {
    expect(trusted(registryKey(OURS, changes))).toBe(want);
  });

  it('another key under our id', () => {
    expect(trusted(registryKey(NEXT, { key_id: OURS.keyId }))).toBe(false);
  });

  it('a packet of a key retired before its last entry', () => {
    const key = registryKey(OURS, { status: 'retired', not_after: '2026-01-02T12:00:00.000Z' });
    const trust = registryTrust({ ...REGISTRY, keys: [key] });
    const result = verifyPacket({ file: envelope, trust });
    // The outcome came the day after; record and receipt still stand.
    expect(result.failures).toEqual(['packet_signature', 'outcome_signatures']);
    expect(result.record?.verified).toBe(true);
  });
});

describe('K7 revocation', () => {
  const revokedAt = (instant: string, keys: Json[] = [registryKey(NEXT)]) =>
    registryTrust({
      ...REGISTRY,
      keys,
      revoked_keys: [registryKey(OURS, { status: 'revoked', revoked_at: instant })],
    });

  it('what the ledger held before stays good', () => {
    const trust = revokedAt('2026-02-01T00:00:00.000Z');
    const result = verifyRecord({ record: proven(), trust });
    expect(result).toMatchObject({ verified: true, public_verified: true });
    expect(result.checks).toMatchObject({ not_revoked: true, ledger_proof: true });
  });

  it('what is not proven to be older does not', () => {
    const result = verifyRecord({ record, trust: revokedAt('2026-02-01T00:00:00.000Z') });
    expect(result.failures).toEqual(['not_revoked']);
    expect(result.verified).toBe(false);
  });

  it('what the ledger held only later does not', () => {
    const trust = revokedAt(record['created_at'] as string);
    expect(verifyRecord({ record: proven(), trust }).failures).toEqual(['not_revoked']);
  });

  it('a proof that does not hold proves nothing', () => {
    const damaged = proven();
    damaged['ledger_proof']['proof'].pop();
    const trust = revokedAt('2026-02-01T00:00:00.000Z');
    expect(verifyRecord({ record: damaged, trust }).failures).toEqual([
      'not_revoked',
      'ledger_proof',
    ]);
  });

  it('in a packet the parts are proven, the packet itself is not', () => {
    const result = verifyPacket({ file: envelope, trust: revokedAt('2026-02-01T00:00:00.000Z') });
    expect(result.failures).toEqual(['packet_signature']);
    const between = revokedAt('2026-01-02T12:00:00.000Z');
    expect(verifyPacket({ file: envelope, trust: between }).failures).toEqual([
      'packet_signature',
      'outcome_signatures',
    ]);
  });

  it('the revocation of another key changes nothing', () => {
    const revoked = registryKey(NEXT, { status: 'revoked', revoked_at: record['created_at'] });
    const trust = registryTrust({ ...REGISTRY, revoked_keys: [revoked] });
    expect(verifyRecord({ record, trust })).toMatchObject({
      verified: true,
      checks: { not_revoked: true },
    });
  });

  it('a pinned key that the registry revoked is refused as well', () => {
    const trust = { ...PINNED, ...revokedAt('2026-02-01T00:00:00.000Z') };
    expect(verifyRecord({ record, trust }).failures).toEqual(['not_revoked']);
  });
});

describe('K8 one fault refuses the whole registry', () => {
  const retired = { status: 'retired', not_after: '2026-03-01T00:00:00.000Z' };
  const fault = (changes: Json): unknown => {
    const parsed = parseRegistry({ ...REGISTRY, ...changes });
    return parsed.ok ? undefined : parsed.fault;
  };

  it('a history of all kinds of keys is read', () => {
    expect(
      fault({
        keys: [
          registryKey(signerOf('22'.repeat(32), 'dk_old'), retired),
          registryKey(OURS, { not_before: retired.not_after }),
          registryKey(NEXT, { status: 'pending', not_before: '2026-09-01T00:00:00.000Z' }),
        ],
        revoked_keys: [
          registryKey(signerOf('33'.repeat(32), 'dk_bad'), {
            status: 'revoked',
            revoked_at: '2026-01-02T00:00:00.000Z',
          }),
        ],
      }),
    ).toBeUndefined();
  });

  it.each([
    ['key_duplicate', '/keys/1', [registryKey(OURS), registryKey(NEXT, { key_id: OURS.keyId })]],
    ['key_duplicate', '/keys/1', [registryKey(OURS), registryKey(OURS, { key_id: 'dk_2' })]],
    ['key_fingerprint_differs', '/keys/0', [{ ...registryKey(OURS), public_key_fingerprint: 'x' }]],
    ['key_fingerprint_differs', '/keys/0', [{ ...registryKey(OURS), public_key_spki_sha256: 'x' }]],
    ['key_pem_invalid', '/keys/0', [{ ...registryKey(OURS), public_key: 'no PEM' }]],
    ['keys_overlap', '/keys/1', [registryKey(OURS), registryKey(NEXT)]],
    ['keys_overlap', '/keys/1', [registryKey(OURS), registryKey(NEXT, retired)]],
    ['key_dates_missing', '/keys/0', [registryKey(OURS, { not_before: undefined })]],
    ['key_dates_missing', '/keys/0', [registryKey(OURS, { not_before: 'yesterday' })]],
    ['key_dates_missing', '/keys/0', [registryKey(OURS, { status: 'retired' })]],
    ['key_malformed', '/keys/0', [registryKey(OURS, { not_after: retired.not_after })]],
    ['key_malformed', '/keys/0', [registryKey(OURS, { algorithm: 'RSA' })]],
    ['key_malformed', '/keys/0', [registryKey(OURS, { status: 'unknown' })]],
    ['key_malformed', '/keys/0', [{ ...registryKey(OURS), key_id: 7 }]],
    [
      'key_malformed',
      '/keys/0',
      [registryKey(OURS, { status: 'revoked', revoked_at: retired.not_after })],
    ],
    ['key_malformed', '/keys/0', [null]],
    ['registry_malformed', '/keys', undefined],
    ['registry_malformed', '/keys', {}],
  ])('%s at %s, %#', (code, pointer, keys) => {
    expect(fault({ keys })).toEqual({ code, pointer });
  });

  it.each([
    ['key_dates_missing', '/revoked_keys/0', { revoked_keys: [registryKey(NEXT)] }],
    ['key_malformed', '/ledger_keys/0', { ledger_keys: [ledgerKeyEntry(OURS, { origin: '' })] }],
    [
      'key_duplicate',
      '/ledger_keys/0',
      { ledger_keys: [ledgerKeyEntry(OURS, { key_id: OURS.keyId })] },
    ],
    ['keys_overlap', '/ledger_keys/1', { ledger_keys: [ledgerKeyEntry(), ledgerKeyEntry(NEXT)] }],
  ])('%s at %s', (code, pointer, changes) => {
    expect(fault(changes)).toEqual({ code, pointer });
  });

  it.each([null, [], 'keys', 7])('no registry at all: %j', (json) => {
    expect(parseRegistry(json).ok).toBe(false);
  });

  it('a revoked ledger key signs nothing', () => {
    const revoked = { status: 'revoked', revoked_at: '2026-02-01T00:00:00.000Z' };
    const trust = registryTrust({ ...REGISTRY, ledger_keys: [ledgerKeyEntry(OURS, revoked)] });
    expect(verifyPacket({ file: envelope, trust }).failures).toEqual([
      'ledger_checkpoint_signature',
    ]);
  });
});
