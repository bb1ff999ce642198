import { LATE_MEMBERS, SEAL_MEMBERS } from '@countersign/proof';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePublicKey, verifyPacket, verifyRecord } from '../src/index.ts';
import {
  bundleOf,
  contentWith,
  inputOf,
  type Json,
  OURS,
  policyOf,
  recordContentOf,
  refusal,
  sealRecordOf,
  withMirror,
  workedExample,
} from './example.ts';
import { PINNED, REGISTRY, registryTrust } from './trusts.ts';

const { record: RECORD, envelope: ENVELOPE } = workedExample();

describe('D-74 integrity is not authenticity', () => {
  it('a record whose only key is the one it embeds', () => {
    const result = verifyRecord({ record: RECORD, trust: {} });
    expect(result).toMatchObject({
      ok: false,
      verified: false,
      integrity_valid: true,
      authenticity_valid: false,
      public_verified: false,
      key_source: 'record',
    });
    expect(result.checks).toMatchObject({ receipt_signature: true, receipt_key_trusted: false });
    expect(result.failures).toEqual(['receipt_key_trusted']);
  });

  it('a packet likewise', () => {
    const result = verifyPacket({ file: ENVELOPE, trust: {} });
    expect(result).toMatchObject({ verified: false, integrity_valid: true });
    expect(result.authenticity_valid).toBe(false);
    expect(result.checks['packet_signature']).toBeNull();
  });

  it('a key from the body of the request helps to diagnose, no more', () => {
    const publicKey = parsePublicKey(OURS.pem, 'request_body');
    const { receipt_public_key: _, ...bare } = RECORD;
    const result = verifyRecord({ record: bare, trust: { publicKey } });
    expect(result).toMatchObject({
      verified: false,
      public_verified: false,
      key_source: 'request_body',
    });
    expect(result.checks).toMatchObject({ receipt_signature: true, receipt_key_trusted: false });
    const beside = registryTrust(REGISTRY);
    expect(verifyRecord({ record: RECORD, trust: { ...beside, publicKey } })).toMatchObject({
      verified: true,
      key_source: 'key_registry',
    });
  });

  it('a record without any key', () => {
    const { receipt_public_key: _, ...bare } = RECORD;
    const result = verifyRecord({ record: bare, trust: {} });
    expect(result).toMatchObject({ key_source: 'none', integrity_valid: false });
  });

  it('a packet needs the ledger key, a record does not', () => {
    const { publicKey } = PINNED;
    expect(verifyRecord({ record: RECORD, trust: { publicKey } }).verified).toBe(true);
    const packet = verifyPacket({ file: ENVELOPE, trust: { publicKey } });
    expect(packet.verified).toBe(false);
    expect(packet.checks['ledger_checkpoint_signature']).toBeNull();
    expect(packet.failures).toEqual(['ledger_checkpoint_signature']);
  });
});

describe('D-120 content_hash covers every member outside seal and late members', () => {
  const outside: ReadonlySet<string> = new Set([...SEAL_MEMBERS, ...LATE_MEMBERS]);
  const inside = Object.keys(RECORD).filter((name) => !outside.has(name));
  const contentHash = (record: Json) =>
    verifyRecord({ record, trust: PINNED }).checks['content_hash'];

  it('covers more than thirty members', () => {
    expect(inside.length).toBeGreaterThan(30);
    expect(contentHash(RECORD)).toBe(true);
  });

  it.each(inside)('%s changed or removed', (name) => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 2 }), (value) => {
        fc.pre(JSON.stringify(value) !== JSON.stringify(RECORD[name]));
        const changed = { ...structuredClone(RECORD), [name]: value };
        expect(contentHash(changed)).not.toBe(true);
      }),
      { numRuns: 2 },
    );
    const { [name]: _, ...removed } = RECORD;
    expect(contentHash(removed)).not.toBe(true);
  });

  it('any member added', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.jsonValue({ maxDepth: 2 }), (name, value) => {
        fc.pre(!(name in RECORD) && !outside.has(name));
        const added = JSON.parse(
          `{${JSON.stringify(name)}:${JSON.stringify(value)},${JSON.stringify(RECORD).slice(1)}`,
        ) as Json;
        expect(contentHash(added)).toBe(false);
      }),
      { numRuns: 25 },
    );
  });

  it.each(LATE_MEMBERS)('late member %s is not part of it', (name) => {
    expect(contentHash({ ...RECORD, [name]: 'full' })).toBe(true);
  });
});

describe('consistency of a record of ours', () => {
  const failuresOf = (content: Json) =>
    verifyRecord({ record: sealRecordOf(content), trust: PINNED }).failures;

  it.each([
    ['a yes without end', () => without(recordContentOf(), 'valid_until', true)],
    ['a yes with a route', () => ({ ...recordContentOf(), route: { to: 'requester' } })],
    ['a no with an end', () => ({ ...refusal(), valid_until: '2026-01-02T03:19:05.000Z' })],
    ['a no without a route', () => without(refusal(), 'route')],
    ['a yes that nothing requires', () => contentWith({ requirement_state: 'unknown' })],
  ])('%s', (_, content) => {
    expect(failuresOf(content())).toContain('verdict_consistency');
  });

  it('codes that no check has', () => {
    const checks = [{ name: 'margin_floor_ok', state: 'true', code: 'MARGIN_FLOOR_OK' }];
    expect(failuresOf(contentWith({ evidence_checks: checks }))).toEqual(['evidence_consistency']);
    const manifest = { codes: ['MARGIN_FLOOR_OK'], sources: [] };
    expect(failuresOf(contentWith({ evidence_manifest: manifest }))).toEqual([
      'evidence_consistency',
    ]);
  });

  it.each(['c', 'v', 'decision', 'source_hash', 'evaluated_at', 'replay', 'evidence_sources'])(
    'alias %s of something else',
    (name) => {
      expect(failuresOf({ ...recordContentOf(), [name]: 'other' })).toEqual(['alias_consistency']);
    },
  );

  it('a note hidden in the mirror, which no hash covers', () => {
    const record = structuredClone(RECORD);
    record['integrity']['note'] = 'may be used twice';
    expect(verifyRecord({ record, trust: PINNED }).failures).toEqual(['alias_consistency']);
  });

  it('the algorithm may be spelled either way, and be no other', () => {
    const named = (receipt_signature_algorithm: string) =>
      verifyRecord({
        record: withMirror({ ...RECORD, receipt_signature_algorithm }),
        trust: PINNED,
      });
    expect(named('Ed25519').failures).toEqual([]);
    expect(named('hmac-sha256').failures).toEqual(['receipt_signature', 'receipt_key_trusted']);
  });

  it('a mode whose members are not known here', () => {
    expect(failuresOf(contentWith({ mode: 'runtime' }))).toEqual(['record_complete']);
    expect(failuresOf(contentWith({ mode: 'rulebook' }))).toEqual([
      'record_complete',
      'alias_consistency',
      'rulebook_attestation',
    ]);
  });

  it('input, policy and bundle of something else', () => {
    const good = { record: RECORD, trust: PINNED };
    const input = { ...inputOf(), question: 'Apply 25% discount?' };
    expect(verifyRecord({ ...good, input }).failures).toEqual(['input_hash']);
    const policy = { ...policyOf(), title: 'Another' };
    expect(verifyRecord({ ...good, policy }).failures).toEqual(['policy_hash']);
    const policyBundle = { ...bundleOf(), version: 'v4' };
    expect(verifyRecord({ ...good, policyBundle }).failures).toEqual(['policy_bundle_match']);
  });

  it('a redacted input hashes to what the record names for it', () => {
    const content = contentWith({ stored_input_hash: recordContentOf()['input_hash'] });
    const record = sealRecordOf({ ...content, input_hash: '0'.repeat(64) });
    const checks = verifyRecord({ record, input: inputOf(), trust: PINNED }).checks;
    expect(checks['input_hash']).toBe(true);
  });
});

function without(content: Json, name: string, inRuntime = false): Json {
  const { [name]: _, ...rest } = content;
  if (!inRuntime) return rest;
  const { [name]: __, ...runtime } = content['runtime_binding'];
  return { ...rest, runtime_binding: runtime };
}
