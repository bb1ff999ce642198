import { fromBase64, noteKeyId, toHex } from '@countersign/proof';

/** A key that signs checkpoints, and the ledger whose checkpoints it signs. */
export interface LedgerKey {
  readonly origin: string;
  /** Raw Ed25519 key, 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** Reads a verifier key, `<origin>+<key id>+<base64 of 0x01 and the key>`. See C2SP signed-note. */
export function parseLedgerKey(verifierKey: string): LedgerKey | undefined {
  const [, origin, keyId, base64] = VERIFIER_KEY.exec(verifierKey.trim()) ?? [];
  if (origin === undefined || base64 === undefined) return undefined;
  const typed = fromBase64(base64);
  if (typed?.length !== 33 || typed[0] !== 1) return undefined;
  const publicKey = typed.slice(1);
  return toHex(noteKeyId(origin, publicKey)) === keyId ? { origin, publicKey } : undefined;
}

const VERIFIER_KEY = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]{1,80})$/;
