import { createHash } from 'node:crypto';
import {
  artefactMessage,
  canonicalJson,
  parseSignature,
  sealedHash,
  sortedJson,
  utf8,
  verifyEd25519,
} from '@countersign/proof';
import { describe, expect, it } from 'vitest';
import sealed from '../../../vectors/packet/sealed.json' with { type: 'json' };
import reports from '../../../vectors/reports/hashes.json' with { type: 'json' };
import rulebooks from '../../../vectors/rulebook/attestation.json' with { type: 'json' };
import { areReportsSigned, reportHashes } from '../src/intelligence.ts';
import { KINDS, kindOf } from '../src/kinds.ts';
import { attestationHolds } from '../src/rulebook-record.ts';
import { parsePublicKey, type Trust } from '../src/trust.ts';
import { type Json, OURS } from './example.ts';

/** Not our own hash function: a vector that only agrees with itself would say nothing. */
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const isSigned = (message: string, text: unknown): boolean => {
  const signature = parseSignature(String(text));
  return signature !== undefined && verifyEd25519(OURS.publicKey, utf8(message), signature);
};

function without(members: Json, ...names: readonly string[]): Json {
  return Object.fromEntries(Object.entries(members).filter(([name]) => !names.includes(name)));
}

/** The same with one member replaced, for each member in turn. */
function eachChanged(members: Json): Json[] {
  return Object.keys(members).map((name) => ({ ...members, [name]: 'other' }));
}

describe('artefacts without a published form', () => {
  const WORDS = ['claim', 'sync', 'review', 'review'] as const;

  it.each(sealed.artefacts)('$kind: text, hash, signature', (vector) => {
    const { word, text, hash, message, artefact } = vector;
    const members: Json = artefact;
    const content = without(members, `${word}_hash`, `${word}_key_id`, `${word}_signature`);
    expect(canonicalJson(content)).toBe(text);
    expect(sha256(text)).toBe(hash);
    const kind = kindOf(members);
    if (kind === undefined) throw new Error('no kind');
    expect(kind).toBe(vector.kind);
    const { compute, version, id, signature, hash: hashMember, keyId } = KINDS[kind];
    expect([compute(members), members[hashMember]]).toEqual([hash, hash]);
    const signed = { type: version, id: members[id], hash, key_id: members[keyId] };
    expect(artefactMessage(signed)).toBe(message);
    expect(isSigned(message, members[signature])).toBe(true);
    expect(isSigned(`${message} `, members[signature])).toBe(false);
  });

  it.each(WORDS.map((word, i) => ({ word, i })))('$word $i: each member counts', ({ word, i }) => {
    const { text, hash } = sealed.artefacts[i] ?? { text: '{}', hash: '' };
    const content = JSON.parse(text) as Json;
    expect(sealedHash(content, word)).toBe(hash);
    for (const changed of eachChanged(content)) expect(sealedHash(changed, word)).not.toBe(hash);
    const placed = { ...content, audit_chain: {}, ledger: {}, ledger_proof: {} };
    expect(sealedHash(placed, word)).toBe(hash);
  });
});

describe('bare reports', () => {
  const key = parsePublicKey(OURS.pem);
  if (key === undefined) throw new Error('no key');
  const trust: Trust = { publicKey: key };

  it.each(reports.reports)('$name: text, hash, signature', (vector) => {
    const { name, member, text, hash, message, signature } = vector;
    const report: Json = vector.report;
    expect(sortedJson(without(report, member))).toBe(text);
    expect([sha256(text), report[member]]).toEqual([hash, hash]);
    expect(isSigned(message, signature)).toBe(true);
    const packetOf = (one: Json): Json => ({
      decision_record: { policy_id: 'pricing_exception' },
      policy_intelligence: {
        [name]: one,
        signatures: { [name]: { key_id: OURS.keyId, signature } },
      },
    });
    const at = Date.parse('2026-01-03T00:00:00.000Z');
    expect(reportHashes(packetOf(report))).toMatchObject([{ expected: hash, actual: hash }]);
    expect(areReportsSigned(packetOf(report), trust, at)).toBe(true);
    for (const changed of eachChanged(report)) {
      const [found] = reportHashes(packetOf(changed));
      expect(found?.expected === found?.actual).toBe(false);
    }
  });
});

describe('attestations of rulebooks', () => {
  it.each(rulebooks.cases)('$name: hashes, signature', (vector) => {
    const { rulebook, rulebook_hash, facts, facts_hash, text, bundle_hash, signature } = vector;
    const bundle: Json = vector.bundle;
    expect(sha256(sortedJson(rulebook))).toBe(rulebook_hash);
    expect(bundle['rulebook']['hash']).toBe(rulebook_hash);
    expect(sha256(sortedJson(facts))).toBe(facts_hash);
    expect(bundle['input_hash']).toBe(facts_hash);
    expect(sortedJson(bundle)).toBe(text);
    expect(sha256(text)).toBe(bundle_hash);
    expect(isSigned(bundle_hash, `ed25519:${signature}`)).toBe(true);
    expect(isSigned(facts_hash, `ed25519:${signature}`)).toBe(false);
  });

  it.each(rulebooks.cases)('$name: holds for its record, and for no other', (vector) => {
    const bundle: Json = vector.bundle;
    const { outcome, ...rest } = bundle as { outcome: Json };
    const record = Object.fromEntries(
      Object.entries({ ...outcome, ...rest, rulebook_attestation: attestationOf(vector) }).filter(
        ([, value]) => value !== null,
      ),
    );
    const given = { trust: {}, input: undefined, provenAt: undefined };
    expect(attestationHolds(record, given)).toBe(true);
    // Of the record's `input_hash` the attestation says nothing: its own is that of the facts.
    for (const changed of eachChanged(without(record, 'input_hash'))) {
      expect(attestationHolds(changed, given)).toBe(false);
    }
    const attestation = attestationOf(vector);
    for (const changed of eachChanged(attestation)) {
      expect(attestationHolds({ ...record, rulebook_attestation: changed }, given)).toBe(false);
    }
  });

  function attestationOf(vector: Json): Json {
    return {
      schema_version: 'rulebook_attestation_v1',
      bundle: vector['bundle'],
      bundle_hash: vector['bundle_hash'],
      signature: {
        schema_version: 'rulebook_attestation_signature_v1',
        status: 'signed',
        algorithm: 'Ed25519',
        signed_field: 'bundle_hash',
        key_id: OURS.keyId,
        public_key_pem: OURS.pem,
        signature: vector['signature'],
      },
    };
  }
});
