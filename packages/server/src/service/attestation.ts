import { fail, ok, type Result } from '@countersign/contract';
import { type Members, sha256Hex, sortedJson } from '@countersign/proof';
import type { Attest } from './ports.ts';

/** Where the keys of attestations are published. */
export const ATTESTATION_KEYS_PATH = '/.well-known/rulebook-attestation-keys.json';

/** A signed statement about a rulebook: the hash (text S) of a bundle and the signature over its 64 digits. */
export interface Attestation {
  readonly bundle_hash: string;
  readonly signature: Members;
}

/** Signs what a bundle says. Nothing about rulebooks is ever said unsigned. */
export function attestBundle(attest: Attest, bundle: Members): Result<Attestation> {
  const bundleHash = sha256Hex(sortedJson(bundle));
  let signed: ReturnType<Attest>;
  try {
    signed = attest(bundleHash);
  } catch {
    return fail({ code: 'RULEBOOK_ATTESTATION_SIGNATURE_REQUIRED' });
  }
  return ok({
    bundle_hash: bundleHash,
    signature: {
      schema_version: 'rulebook_attestation_signature_v1',
      status: 'signed',
      algorithm: 'Ed25519',
      signed_field: 'bundle_hash',
      key_id: signed.keyId,
      public_key_url: ATTESTATION_KEYS_PATH,
      public_key_pem: signed.publicKeyPem,
      signature: signed.signature,
    },
  });
}
