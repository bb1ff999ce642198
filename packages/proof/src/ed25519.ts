import { hashes, Point } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import {
  concatBytes,
  equalBytes,
  fromBase64,
  fromBase64Url,
  fromHex,
  toBase64,
  toBase64Url,
} from './bytes.ts';
import { bug } from './result.ts';

// noble leaves the hash function to its user; without this its synchronous half throws.
hashes.sha512 = sha512;

/**
 * Whether `signature` is an Ed25519 signature of `message` under `publicKey`. Never throws.
 *
 * The strictest reading of RFC 8032 §5.1.7: wrong lengths, encodings of A and R with y ≥ p or with
 * a sign on x = 0, S ≥ L, and points of small order are refused, and the equation is checked without
 * the cofactor, S·B = R + k·A. What this accepts, every conforming verifier accepts, so a key holder
 * cannot make a signature on which two readers disagree. (noble's own `verify` multiplies by the
 * cofactor even in its strict mode, and lets R be of small order.)
 */
export function verifyEd25519(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  const s = littleEndian(signature.subarray(32));
  if (s >= GROUP_ORDER) return false;
  const a = point(publicKey);
  const r = point(signature.subarray(0, 32));
  if (a === undefined || r === undefined) return false;

  const challenge = sha512(concatBytes(signature.subarray(0, 32), publicKey, message));
  const k = littleEndian(challenge) % GROUP_ORDER;
  // Everything here is public, so the faster arithmetic that is not in constant time may be used.
  return Point.BASE.multiply(s, false).equals(r.add(a.multiply(k, false)));
}

/** The text form: `ed25519:` and 64 bytes as base64url without padding, 94 characters in all. */
export function renderSignature(signature: Uint8Array): string {
  if (signature.length !== SIGNATURE_BYTES) bug('an Ed25519 signature has 64 bytes');
  return SIGNATURE_PREFIX + toBase64Url(signature);
}

/** The 64 bytes; undefined for every text that {@link renderSignature} would not have written. */
export function parseSignature(text: string): Uint8Array | undefined {
  if (!text.startsWith(SIGNATURE_PREFIX)) return undefined;
  const signature = fromBase64Url(text.slice(SIGNATURE_PREFIX.length));
  return signature?.length === SIGNATURE_BYTES ? signature : undefined;
}

/** SubjectPublicKeyInfo in DER, 44 bytes (RFC 8410 §4). */
export function publicKeySpki(raw: Uint8Array): Uint8Array {
  if (raw.length !== PUBLIC_KEY_BYTES) bug('an Ed25519 public key has 32 bytes');
  return concatBytes(SPKI_HEAD, raw);
}

/** The same as PEM, lines parted by LF and no final line end: 112 bytes, the form that is hashed. */
export function publicKeyPem(raw: Uint8Array): string {
  return `${PEM_HEAD}${toBase64(publicKeySpki(raw))}${PEM_TAIL}`;
}

/**
 * The raw 32 bytes of a PEM public key. One final LF is allowed, since every tool that writes key
 * files adds it; any other deviation from {@link publicKeyPem} is refused.
 */
export function publicKeyFromPem(pem: string): Uint8Array | undefined {
  const text = pem.endsWith('\n') ? pem.slice(0, -1) : pem;
  if (!text.startsWith(PEM_HEAD) || !text.endsWith(PEM_TAIL)) return undefined;
  const spki = fromBase64(text.slice(PEM_HEAD.length, -PEM_TAIL.length));
  if (spki?.length !== SPKI_HEAD.length + PUBLIC_KEY_BYTES) return undefined;
  const raw = spki.slice(SPKI_HEAD.length);
  return equalBytes(publicKeySpki(raw), spki) ? raw : undefined;
}

const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const SIGNATURE_PREFIX = 'ed25519:';
const PEM_HEAD = '-----BEGIN PUBLIC KEY-----\n';
const PEM_TAIL = '\n-----END PUBLIC KEY-----';

/** Everything in a SubjectPublicKeyInfo of algorithm id-Ed25519 that stands before the key. */
const SPKI_HEAD = fromHex('302a300506032b6570032100') ?? bug('the head is not hex');

/** L, the prime order of the base point. */
const GROUP_ORDER = Point.CURVE().n;

/** The point that 32 bytes encode, unless the encoding is not the canonical one or the order small. */
function point(bytes: Uint8Array): Point | undefined {
  try {
    const decoded = Point.fromBytes(bytes, false);
    return decoded.isSmallOrder() ? undefined : decoded;
  } catch {
    return undefined;
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  return value;
}
