import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { publicKeyPem, sha256Hex, utf8, verifyEd25519 } from '@countersign/proof';
import type { SealingKey } from '../service/ports.ts';

/** Raw Ed25519 public key and the private key that belongs to it. */
export interface SigningKey extends SealingKey {
  readonly notBefore: string;
  /** First instant at which another key signs in its place. */
  readonly notAfter?: string | undefined;
  readonly revokedAt?: string | undefined;
}

/** A key that signs in this process. */
export function signingKey(keyId: string, notBefore: string, privateKey: KeyObject): SigningKey {
  const publicObject = createPublicKey(privateKey);
  const pem = pemOf(publicObject);
  const key: SigningKey = {
    keyId,
    notBefore,
    publicKey: rawOf(publicObject),
    publicKeyPem: pem,
    fingerprint: sha256Hex(pem),
    // The KeyObject is kept: parsing a PEM at each call costs more than the signature.
    sign: (text) => sign(null, Buffer.from(text, 'utf8'), privateKey),
  };
  selfCheck(key);
  return key;
}

/** Signs and verifies once. Throws when private and public half do not belong together. */
export function selfCheck(key: SealingKey): void {
  const text = `self-check of ${key.keyId}`;
  if (!verifyEd25519(key.publicKey, utf8(text), key.sign(text))) {
    throw new Error(`key ${key.keyId} does not verify what it signs`);
  }
}

/** PEM text of a public key, as records embed it. */
export function pemOf(key: KeyObject): string {
  return publicKeyPem(rawOf(key));
}

function rawOf(key: KeyObject): Uint8Array {
  const { x } = key.export({ format: 'jwk' });
  return new Uint8Array(Buffer.from(x ?? '', 'base64url'));
}
