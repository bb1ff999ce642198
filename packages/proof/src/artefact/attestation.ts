import { utf8 } from '../bytes.ts';
import { canonicalJson } from '../canonical.ts';
import { parseSignature, verifyEd25519 } from '../ed25519.ts';
import { isMembers, type Members, without } from './members.ts';

/** What a source says about one resource, and signs: an item of `context.attestations`. */
export interface Attestation extends Members {
  readonly source_id: string;
  readonly key_id: string;
  readonly resource: string;
  /** Values by the dotted path of the context member that they are about. */
  readonly claims: Members;
  /** RFC 3339; read by whoever judges. */
  readonly observed_at: string;
  readonly expires_at: string;
  /** `ed25519:` and base64url, see {@link attestationText}. */
  readonly signature: string;
}

const TEXTS = [
  'source_id',
  'key_id',
  'resource',
  'observed_at',
  'expires_at',
  'signature',
] as const;

/** A value that has the members of an attestation and no others; what they say is not looked at. */
export function readAttestation(value: unknown): Attestation | undefined {
  if (!isMembers(value) || !isMembers(value['claims'])) return undefined;
  if (Object.keys(value).length !== TEXTS.length + 1) return undefined;
  return TEXTS.every((name) => typeof value[name] === 'string')
    ? (value as Attestation)
    : undefined;
}

/** What a source signs, as UTF-8: the RFC 8785 text of the attestation without `signature`. */
export function attestationText(attestation: Members): string {
  return canonicalJson(without(attestation, SIGNATURE));
}

/** Whether the holder of `publicKey` (raw Ed25519, 32 bytes) signed the attestation as it stands. */
export function isAttestedBy(attestation: Attestation, publicKey: Uint8Array): boolean {
  const signature = parseSignature(attestation.signature);
  return (
    signature !== undefined &&
    verifyEd25519(publicKey, utf8(attestationText(attestation)), signature)
  );
}

const SIGNATURE: ReadonlySet<string> = new Set(['signature']);
