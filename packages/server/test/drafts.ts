import { generateKeyPairSync } from 'node:crypto';
import {
  canonicalJson,
  chainIdOf,
  type EntryType,
  fromHex,
  type InclusionFault,
  leafHash,
  parseSignature,
  receiptMessage,
  sha256Hex,
  utf8,
  verifyCheckpoint,
  verifyEd25519,
  verifyInclusion,
} from '@countersign/proof';
import { expect } from 'vitest';
import { type SigningKey, signingKey } from '../src/keys/signing-key.ts';
import type { Appended, AppendResult, Draft, LedgerKeys } from '../src/service/ledger-writer.ts';

/** Keys of a writer; `receipts` is the one that drafts name. */
export interface WriterKeys extends LedgerKeys {
  readonly receipts: SigningKey;
}

export function newKeyring(): WriterKeys {
  const newKey = (keyId: string) =>
    signingKey(keyId, '2026-01-01T00:00:00.000Z', generateKeyPairSync('ed25519').privateKey);
  const receipts = newKey('dk_test');
  return {
    receipts,
    signer: (keyId) => (keyId === receipts.keyId ? receipts : undefined),
    checkpoints: newKey('lk_test'),
    origin: 'ledger.test/1',
  };
}

/** A signed decision that is small, but of the form that a ledger is checked against. */
export function decision(id: string, members: Partial<Draft> = {}): Draft {
  const recordHash = sha256Hex(`record of ${id}`);
  const receiptHash = sha256Hex(`receipt of ${id}`);
  const record = {
    decision_id: id,
    policy_id: 'plan_gate',
    policy_version: 'v1',
    receipt_hash: receiptHash,
    record_hash: recordHash,
  };
  return {
    scope: 'acme',
    entryType: 'decision',
    decisionId: id,
    createdAt: '2026-01-02T03:04:05.000Z',
    recordHash,
    receiptHash,
    policyId: 'plan_gate',
    policyVersion: 'v1',
    head: `${canonicalJson(record).slice(0, -1)},"signature":"`,
    message: receiptMessage({
      decision_id: id,
      key_id: 'dk_test',
      receipt_hash: receiptHash,
      record_hash: recordHash,
    }),
    tail: '"}',
    ...members,
  };
}

/** An entry without a signature. */
export function note(
  entryType: EntryType,
  decisionId: string,
  members: Partial<Draft> = {},
): Draft {
  return {
    scope: 'acme',
    entryType,
    decisionId,
    createdAt: '2026-01-02T03:04:06.000Z',
    head: canonicalJson({ about: decisionId }),
    tail: '',
    ...members,
  };
}

function subjectOf(draft: Draft, appended: Appended): string {
  return draft.head + (appended.signature ?? '') + draft.tail;
}

/** The answer of a draft that was appended. */
export function appendedOf(result: AppendResult | undefined): Appended {
  if (result?.ok !== true) return expect.fail(`not appended: ${JSON.stringify(result)}`);
  return result.value;
}

/** Checks all that an answer says, with nothing but public keys. */
export function expectProven(draft: Draft, appended: Appended, keys: WriterKeys): void {
  const entry = JSON.parse(appended.entryText) as Record<string, unknown>;
  expect(entry).toMatchObject({
    seq: appended.seq,
    entry_type: draft.entryType,
    subject_hash: sha256Hex(subjectOf(draft, appended)),
    link_hash: appended.link.link_hash,
    scope_hash: sha256Hex(draft.scope),
    created_at: draft.createdAt,
  });
  expect(appended.link.chain_id).toBe(chainIdOf(draft.scope));
  expect(appended.entryHash).toBe(sha256Hex(appended.entryText));
  expect(inclusionFault(appended, appended.entryText, keys)).toBeUndefined();
  const other = JSON.stringify({ ...entry, subject_hash: sha256Hex('another subject') });
  expect(inclusionFault(appended, other, keys)).toBe('root_differs');

  if (draft.message === undefined) return expect(appended.signature).toBeUndefined();
  const signature = parseSignature(appended.signature ?? '') ?? expect.fail('no signature');
  expect(verifyEd25519(keys.receipts.publicKey, utf8(draft.message), signature)).toBe(true);
}

/** Whether the checkpoint of an answer is signed and covers this entry text; `undefined`: it does. */
function inclusionFault(
  { checkpoint, treeSize, seq, proof }: Appended,
  entryText: string,
  { origin, checkpoints }: WriterKeys,
): InclusionFault | undefined {
  const checked = verifyCheckpoint(checkpoint, { origin, publicKey: checkpoints.publicKey });
  if (!checked.ok) return expect.fail(checked.fault);
  expect(checked.value.size).toBe(treeSize);
  const path = proof.map((hash) => fromHex(hash) ?? expect.fail('not hex'));
  return verifyInclusion(leafHash(utf8(entryText)), seq, treeSize, path, checked.value.root);
}
