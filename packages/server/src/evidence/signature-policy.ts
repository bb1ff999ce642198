import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { scenario } from '@countersign/policy';
import { canonical, digest, digestOf } from '../service/scenario/canonical.ts';
import type { SignaturePolicy } from '../service/scenario/settings.ts';

/** Why a result is not signed as it must be; `undefined`: it is, or need not be. */
export type SignatureCheck = (result: scenario.EvidenceResult) => string | undefined;

/** SPKI header of an Ed25519 key, RFC 8410 §4. */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** Reads the keys of a policy. Throws when one cannot be used. */
export function signatureCheck(policy: SignaturePolicy): SignatureCheck {
  if (policy.kind === 'audit') return () => undefined;
  const keys = new Map(policy.keys.map((path) => [path, readKey(path)]));
  return (result) => {
    const { signature, value } = result;
    if (signature === null) return 'missing evidence signature';
    if (signature.scheme !== 'ed25519') return 'unsupported signature scheme';
    const key = keys.get(signature.key_id);
    if (key === undefined) return 'signature key not authorized';
    if (value === null) return 'missing evidence hash for signature verification';
    const computed =
      value.kind === 'json' ? digest(value.value) : digestOf(Uint8Array.from(value.value));
    if (result.evidence_hash !== null && result.evidence_hash.value !== computed.value) {
      return 'evidence hash mismatch';
    }
    if (signature.signature.length !== SIGNATURE_BYTES) return 'invalid signature bytes';
    const message = Buffer.from(canonical(computed));
    return verify(null, message, key, Uint8Array.from(signature.signature))
      ? undefined
      : 'signature verification failed';
  };
}

/** 32 raw bytes, or their base64. */
function readKey(path: string): KeyObject {
  const file = readFileSync(path);
  const text = file.toString('latin1').trim();
  const raw = file.length === KEY_BYTES ? file : Buffer.from(text, 'base64');
  // The decoder skips what it cannot read, so a key that is none might become another one.
  const isKey = raw === file || raw.toString('base64') === text;
  if (raw.length !== KEY_BYTES || !isKey)
    throw new Error(`${path} is no Ed25519 public key of 32 bytes`);
  return createPublicKey({ key: Buffer.concat([SPKI, raw]), format: 'der', type: 'spki' });
}
