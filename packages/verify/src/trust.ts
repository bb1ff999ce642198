import { publicKeyFromPem, publicKeyPem, sha256Hex } from '@countersign/proof';
import type { LedgerKey } from './ledger-key.ts';
import type { Registry } from './registry.ts';

/** Where the key that checked a record came from. Only the first four are anchors of trust. */
export type KeySource =
  | 'public_key'
  | 'public_key_file'
  | 'key_registry'
  | 'environment'
  | 'request_body'
  | 'record'
  | 'none';

/** A receipt key handed over by itself. One from a request body helps to diagnose and is never trusted. */
export interface PinnedKey {
  /** Raw Ed25519 key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Hex SHA-256 of its PEM text. */
  readonly fingerprint: string;
  readonly source: Exclude<KeySource, 'key_registry' | 'record' | 'none'>;
}

/**
 * Whom the reader believes. Nothing that stands in a record or a packet ever adds to it.
 *
 * A pinned receipt key is enough for a record. A packet is verified only if its checkpoint is, so that needs a
 * ledger key as well: pinned, or from the registry.
 */
export interface Trust {
  readonly publicKey?: PinnedKey | undefined;
  readonly registry?: Registry | undefined;
  readonly ledgerKey?: LedgerKey | undefined;
  /**
   * Secret of records that are signed by HMAC. Who can check such a signature can also make it, so it counts under the
   * published rules only.
   */
  readonly hmacSecret?: string | undefined;
  /** Environment whose keys these are. Given, records that claim another one are not trusted. */
  readonly environment?: 'live' | 'test' | undefined;
}

/** A receipt key that the reader trusts for the instant in question. */
export interface TrustedKey {
  readonly publicKey: Uint8Array;
  readonly fingerprint: string;
  readonly source: Exclude<KeySource, 'request_body' | 'record' | 'none'>;
}

/** What a signed artefact says of its key, and when it was signed; an instant that cannot be read is `NaN`. */
export interface KeyClaim {
  readonly keyId: unknown;
  /** Only records name one. Named, the key has to have it. */
  readonly fingerprint?: unknown;
  /** Unix milliseconds between which the signature was made. */
  readonly from: number;
  readonly until: number;
}

/** The trusted keys that a claim may mean: the pinned one first, then those of the registry. */
export function trustedKeys(trust: Trust, claim: KeyClaim): TrustedKey[] {
  const keys: TrustedKey[] = [];
  const named = (fingerprint: string): boolean =>
    claim.fingerprint === undefined || claim.fingerprint === fingerprint;
  const pinned = trust.publicKey;
  if (pinned !== undefined && pinned.source !== 'request_body' && named(pinned.fingerprint)) {
    keys.push({ ...pinned, source: pinned.source });
  }
  for (const key of trust.registry?.receiptKeys ?? []) {
    if (key.use !== 'receipt_signature' || key.keyId !== claim.keyId) continue;
    if (!named(key.fingerprint)) continue;
    const began = key.notBefore <= claim.until;
    const ended = key.notAfter !== undefined && !(claim.from < key.notAfter);
    if (began && !ended) keys.push({ ...key, source: 'key_registry' });
  }
  return keys;
}

/** When the registry's history says the key was revoked, in Unix milliseconds. */
export function revokedAt(trust: Trust, fingerprint: string): number | undefined {
  return trust.registry?.receiptKeys.find((key) => key.fingerprint === fingerprint)?.revokedAt;
}

/**
 * Whether a revocation leaves a signature standing. Its maker's word on the time is worth nothing, so the artefact
 * must be proven to be in the ledger, by an entry older than the revocation: every entry is committed together with
 * the checkpoint that covers it, hence that checkpoint is older as well.
 */
export function survivesRevocation(
  revoked: number | undefined,
  provenAt: number | undefined,
): boolean {
  return revoked === undefined || (provenAt !== undefined && provenAt < revoked);
}

/** Whether there is any trusted source of receipt keys. */
export function knowsReceiptKeys(trust: Trust): boolean {
  const pinned = trust.publicKey;
  return trust.registry !== undefined || (pinned !== undefined && pinned.source !== 'request_body');
}

/** The keys that may sign checkpoints: the pinned one alone, or else those of the registry. */
export function ledgerKeys({ ledgerKey, registry }: Trust): readonly LedgerKey[] {
  return ledgerKey === undefined ? (registry?.ledgerKeys ?? []) : [ledgerKey];
}

/** Reads a public key file: PEM, with line breaks wherever its writer put them. */
export function parsePublicKey(
  pem: string,
  source: PinnedKey['source'] = 'public_key',
): PinnedKey | undefined {
  const body = PEM.exec(pem)?.[1]?.replace(/\s/g, '');
  const publicKey = publicKeyFromPem(
    `-----BEGIN PUBLIC KEY-----\n${body ?? ''}\n-----END PUBLIC KEY-----`,
  );
  if (publicKey === undefined) return undefined;
  return { publicKey, fingerprint: sha256Hex(publicKeyPem(publicKey)), source };
}

const PEM = /^\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]{1,200})-----END PUBLIC KEY-----\s*$/;
