import { createHash } from 'node:crypto';
import {
  canonicalJson,
  chainIdOf,
  entryHash,
  entryText,
  manifestHash,
  nodeHash,
  noteKeyId,
  outputHash,
  publicKeySpki,
  publicSubset,
  receiptMessage,
  recordContentHash,
  sortedJson,
  toHex,
} from '@countersign/proof';
import { describe, expect, it } from 'vitest';
import envelopeFile from '../../../vectors/packet/worked-example.envelope.json' with {
  type: 'json',
};
import { verifyFile, verifyPacket, verifyRecord } from '../src/index.ts';
import {
  bundleOf,
  inputOf,
  ledgerOf,
  OURS,
  policyOf,
  recordContentOf,
  textOf,
  vectors,
  workedExample,
} from './example.ts';
import { PINNED } from './trusts.ts';

/** Not our own hash function: a vector that only agrees with itself would say nothing. */
const sha256 = (text: string | Uint8Array): string =>
  createHash('sha256').update(text).digest('hex');
const bytesOf = (text: string): number => Buffer.byteLength(text);

describe('D-72 every value of the worked example', () => {
  const { record, execution, outcome, packet, envelope } = workedExample();
  const ledger = ledgerOf([
    { kind: 'decision', artefact: record },
    { kind: 'execution', artefact: execution },
    { kind: 'outcome', artefact: outcome },
  ]);

  it.each(vectors.texts)('$name: text, length and hash', ({ form, text, bytes, hash }) => {
    const value: unknown = JSON.parse(text);
    expect(form === 'sorted' ? sortedJson(value) : canonicalJson(value)).toBe(text);
    expect(bytesOf(text)).toBe(bytes);
    expect(sha256(text)).toBe(hash);
  });

  it('the two canonical texts of one value', () => {
    const { value, canonical, canonical_hash, sorted, sorted_hash } = vectors.two_texts;
    expect(canonicalJson(value)).toBe(canonical);
    expect(sha256(canonical)).toBe(canonical_hash);
    expect(sortedJson(value)).toBe(sorted);
    expect(sha256(sorted)).toBe(sorted_hash);
  });

  it('key', () => {
    expect(toHex(OURS.publicKey)).toBe(vectors.key.public_key);
    expect(OURS.pem).toBe(vectors.key.pem);
    expect(sha256(OURS.pem)).toBe(vectors.key.fingerprint);
    expect(sha256(publicKeySpki(OURS.publicKey))).toBe(vectors.key.spki_sha256);
  });

  it('hashes inside the record content are those of the texts beside it', () => {
    const hashOf = (name: string) => vectors.texts.find((text) => text.name === name)?.hash;
    const content = recordContentOf();
    expect(content['input_hash']).toBe(hashOf('input_hash'));
    expect(content['action_binding']['parameters_hash']).toBe(hashOf('parameters_hash'));
    expect(content['action_binding_hash']).toBe(hashOf('action_binding_hash'));
    expect(content['policy_hash']).toBe(hashOf('policy_hash'));
    expect(content['policy_bundle_hash']).toBe(hashOf('policy_bundle_hash'));
    expect(manifestHash(content)).toBe(hashOf('evidence_manifest_hash'));
    expect(recordContentHash(content)).toBe(hashOf('record content_hash'));
  });

  it('output', () => {
    const { action, evaluator_version, evidence, evidence_checks } = record;
    const { policy_bundle_hash, policy_hash, requirement_state, verdict } = record;
    const core = { action, evaluator_version, evidence, evidence_checks, policy_bundle_hash };
    const text = canonicalJson({ ...core, policy_hash, requirement_state, verdict });
    expect(bytesOf(text)).toBe(vectors.output.bytes);
    expect(sha256(text)).toBe(vectors.output.hash);
    expect(outputHash(record)).toBe(vectors.output.hash);
    expect(record['output_hash']).toBe(vectors.output.hash);
  });

  it('record', () => {
    const subset = sortedJson(publicSubset(record));
    expect(bytesOf(subset)).toBe(vectors.record.public_subset_bytes);
    expect(sha256(subset)).toBe(vectors.record.record_hash);
    expect(record['record_hash']).toBe(vectors.record.record_hash);
    expect(record['receipt_hash']).toBe(vectors.record.receipt_hash);
    const { decision_id, receipt_hash, record_hash } = record as Record<string, string>;
    const message = receiptMessage({
      decision_id: decision_id ?? '',
      key_id: vectors.key.key_id,
      receipt_hash: receipt_hash ?? '',
      record_hash: record_hash ?? '',
    });
    expect(message).toBe(vectors.record.message);
    expect(record['receipt_signature']).toBe(vectors.record.receipt_signature);
  });

  it('receipt and outcome', () => {
    const { content_hash } = execution['execution_result'] as { content_hash: string };
    expect(content_hash).toBe(vectors.texts.find(({ name }) => name.startsWith('receipt'))?.hash);
    expect(execution['execution_hash']).toBe(vectors.execution.execution_hash);
    expect(execution['execution_signature']).toBe(vectors.execution.execution_signature);
    expect(outcome['evidence_refs']).toEqual([
      {
        id: 'out_0001',
        type: 'content_hash',
        hash: vectors.texts.find(({ name }) => name.startsWith('outcome'))?.hash,
      },
    ]);
    expect(outcome['outcome_hash']).toBe(vectors.outcome.outcome_hash);
    expect(outcome['outcome_signature']).toBe(vectors.outcome.outcome_signature);
    // The published subsets, by the lengths of their texts.
    const { parameters_hash: _, ...published } = textOf('receipt content_hash');
    const executionSubset = { ...published, execution_result: { content_hash } };
    expect(bytesOf(sortedJson(executionSubset))).toBe(vectors.execution.public_subset_bytes);
    const { execution_hash, execution_receipt_id, ...rest } = textOf('outcome content_hash');
    expect([execution_hash, execution_receipt_id]).not.toContain(undefined);
    const outcomeSubset = { ...rest, evidence_refs: outcome['evidence_refs'] };
    expect(bytesOf(sortedJson(outcomeSubset))).toBe(vectors.outcome.public_subset_bytes);
  });

  it('chain', () => {
    expect(sha256(vectors.chain.scope)).toBe(vectors.chain.scope_hash);
    expect(chainIdOf(vectors.chain.scope)).toBe(vectors.chain.chain_id);
    expect(
      ledger.links.map(({ leaf_hash, merkle_root, link_hash }) => {
        return { leaf_hash, merkle_root, link_hash };
      }),
    ).toEqual(vectors.chain.links);
  });

  it('ledger', () => {
    const want = vectors.ledger;
    expect(ledger.entries.map((entry) => entry.subject_hash)).toEqual(want.subject_hashes);
    expect(ledger.entries.map(entryHash)).toEqual(want.entry_hashes);
    expect(ledger.entries.map(entryText)[0]).toBe(
      vectors.texts.find(({ name }) => name === 'entry 0')?.text,
    );
    expect(ledger.leaves.map(toHex)).toEqual(want.leaves);
    const [first, second] = ledger.leaves;
    if (first === undefined || second === undefined) throw new Error('two leaves at least');
    expect(toHex(nodeHash(first, second))).toBe(want.node_0_1);
    expect(toHex(ledger.root)).toBe(want.root);
    expect(ledger.proofs[0]).toEqual(want.inclusion_of_0);
    expect(toHex(noteKeyId(want.origin, OURS.publicKey))).toBe(want.note_key_id);
    expect(ledger.checkpoint).toBe(want.checkpoint);
  });

  it('packet, whose first link keeps its empty members', () => {
    const { packet_hash, ...hashed } = packet;
    expect(bytesOf(sortedJson(hashed))).toBe(vectors.packet.bytes);
    expect(packet_hash).toBe(vectors.packet.packet_hash);
    expect(envelope['packet_signature']).toBe(vectors.packet.packet_signature);
    expect(packet['decision_record']['audit_chain']['previous_link_hash']).toBeNull();
    expect(envelope).toEqual(envelopeFile);
  });

  it('is verified, by ours and by the published rules', () => {
    const whole = verifyPacket({ file: envelopeFile, trust: PINNED });
    expect(whole).toMatchObject({ verified: true, public_verified: true, failures: [] });
    const alone = verifyRecord({
      record,
      input: inputOf(),
      policy: policyOf(),
      policyBundle: bundleOf(),
      trust: PINNED,
    });
    expect(alone).toMatchObject({ verified: true, public_verified: true, failures: [] });
    expect(alone.checks).toMatchObject({
      input_hash: true,
      policy_hash: true,
      policy_bundle_match: true,
    });
    const text = JSON.stringify(envelopeFile);
    expect(verifyFile(text, { trust: PINNED }).exit).toBe(0);
  });

  /** Packet hashes computed anew, so that an inner check has to notice. */
  it.each([
    ['executions', 'state_after_hash', 'sha256:other', 'execution_hashes'],
    ['outcomes', 'outcome_status', 'failed', 'outcome_hashes'],
  ])('is refused with another %s.%s', (list, member, value, check) => {
    const file = structuredClone(envelopeFile) as any;
    file.packet[list][0][member] = value;
    const { verified, public_verified, checks } = verifyPacket({ file, trust: PINNED });
    expect([verified, public_verified, checks[check]]).toEqual([false, false, false]);
  });
});
