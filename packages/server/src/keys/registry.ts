import { createHash } from 'node:crypto';
import { noteKeyId, publicKeySpki, toBase64, toHex } from '@countersign/proof';
import { type KeyUse, statusAt } from './key-history.ts';
import type { KeyHistories } from './keyring.ts';
import type { SigningKey } from './signing-key.ts';

/** The public registry: what `receipt-keys` answers and what an offline verifier takes as a pinned snapshot. */
export function renderRegistry(
  histories: KeyHistories,
  origin: string,
  now: number,
): Record<string, unknown> {
  const signing = (['receipt_signature', 'rulebook_attestation_signature'] as const).flatMap(
    (use) => histories[use].map((key) => ({ key, use })),
  );
  const good = signing.filter(({ key }) => statusAt(key, now) !== 'revoked');
  const active = good.find(
    ({ key, use }) => use === 'receipt_signature' && statusAt(key, now) === 'active',
  );
  return {
    ok: true,
    active_key_id: active?.key.keyId ?? null,
    key_history_count: signing.length,
    // Readers who look at neither date nor status take every key of this list for a good one.
    keys: good.map(({ key, use }) => publicKeyOf(key, use, now)),
    revoked_keys: signing
      .filter(({ key }) => statusAt(key, now) === 'revoked')
      .map(({ key, use }) => publicKeyOf(key, use, now)),
    ledger_keys: histories.ledger_checkpoint.map((key) => ({
      ...publicKeyOf(key, 'ledger_checkpoint', now),
      origin,
      verifier_key: verifierKey(origin, key.publicKey),
    })),
  };
}

/** Verifier key in the text form of C2SP signed notes: name, key id, algorithm and key. */
export function verifierKey(origin: string, publicKey: Uint8Array): string {
  const typed = new Uint8Array([1, ...publicKey]);
  return `${origin}+${toHex(noteKeyId(origin, publicKey))}+${toBase64(typed)}`;
}

function publicKeyOf(key: SigningKey, use: KeyUse, now: number): Record<string, unknown> {
  const status = statusAt(key, now);
  return {
    key_id: key.keyId,
    public_key: key.publicKeyPem,
    public_key_pem: key.publicKeyPem,
    public_key_fingerprint: key.fingerprint,
    public_key_spki_sha256: createHash('sha256').update(publicKeySpki(key.publicKey)).digest('hex'),
    algorithm: 'Ed25519',
    use,
    status,
    not_before: key.notBefore,
    // A key that signs has no end yet, even where its successor is announced.
    ...(key.notAfter === undefined || status === 'active' ? {} : { not_after: key.notAfter }),
    ...(status === 'revoked' ? { revoked_at: key.revokedAt } : {}),
  };
}
