import { halvesAt } from './cut.ts';
import { isMembers, type Members } from './members.ts';
import {
  bindingHash,
  manifestHash,
  PROTOCOL_VERSION,
  RECORD_VERSION,
  receiptHash,
  recordContentHash,
  recordHash,
} from './record.ts';
import type { SealedRecord, SealKey } from './seal.ts';
import { receiptMessage } from './signature.ts';

/**
 * Hashes a record of whatever members and lays out its text. It says what `sealRecord` says, member names of all
 * kinds included, and takes its time over it: for records off the path of most decisions.
 */
export function sealMembers(content: Members, key: SealKey): SealedRecord {
  const runtime = content['runtime_binding'];
  const binding = {
    ...(isMembers(runtime) ? runtime : {}),
    content_canonicalization: 'rfc8785',
  };
  const versioned: Members = {
    ...content,
    decision_protocol_version: PROTOCOL_VERSION,
    decision_record_version: RECORD_VERSION,
    runtime_binding: binding,
  };
  const contentHash = recordContentHash(versioned);
  const record: Members = {
    ...versioned,
    runtime_binding: { ...binding, content_hash: contentHash },
  };
  const hash = recordHash(record);
  const receipt = receiptHash(record, hash);
  const sealed: Members = {
    ...record,
    integrity: integrityOf(record, { contentHash, hash, receipt }, key),
    receipt_hash: receipt,
    receipt_key_id: key.keyId,
    receipt_public_key: key.publicKeyPem,
    receipt_public_key_fingerprint: key.fingerprint,
    receipt_signature_algorithm: 'ed25519',
    record_hash: hash,
  };
  return {
    contentHash,
    recordHash: hash,
    receiptHash: receipt,
    message: receiptMessage({
      decision_id: String(record['decision_id']),
      key_id: key.keyId,
      receipt_hash: receipt,
      record_hash: hash,
    }),
    ...halvesAt(sealed, 'receipt_signature'),
  };
}

function integrityOf(
  record: Members,
  hashes: { readonly contentHash: string; readonly hash: string; readonly receipt: string },
  key: SealKey,
): Members {
  return {
    action_binding_hash: bindingHash(record),
    canonicalization: 'json.sort_deep.v1',
    content_hash: hashes.contentHash,
    decision_protocol_version: PROTOCOL_VERSION,
    evidence_manifest_hash: manifestHash(record),
    hash_algorithm: 'sha256',
    input_hash: record['input_hash'],
    output_hash: record['output_hash'],
    policy_bundle_hash: record['policy_bundle_hash'],
    policy_hash: record['policy_hash'],
    receipt_hash: hashes.receipt,
    record_hash: hashes.hash,
    replay_url: record['replay_url'],
    signature: {
      algorithm: 'ed25519',
      key_id: key.keyId,
      public_key_fingerprint: key.fingerprint,
    },
    verify_url: record['verify_url'],
  };
}
