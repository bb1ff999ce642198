import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isMembers, parseJson, sha256Hex } from '@countersign/proof';
import { readOwned, writeOwned } from './owned-file.ts';
import { pemOf, type SigningKey, signingKey } from './signing-key.ts';

/** What a key signs, with the file of its history and the first letters of its key ids. */
export const USES = {
  receipt_signature: { file: 'receipt-key.json', prefix: 'dk' },
  rulebook_attestation_signature: { file: 'attestation-key.json', prefix: 'ak' },
  ledger_checkpoint: { file: 'ledger-key.json', prefix: 'lk' },
} as const;
export type KeyUse = keyof typeof USES;

/** A key as its file holds it. Times are RFC 3339. */
export interface KeptKey {
  readonly key_id: string;
  readonly not_before: string;
  readonly not_after?: string;
  readonly revoked_at?: string;
  readonly made_at?: string;
  /** PKCS #8 in PEM. */
  readonly private_key: string;
}

/** A history that cannot be one: nothing of it is used. */
export class KeyHistoryInvalid extends Error {}

export function historyFile(directory: string, use: KeyUse): string {
  return join(directory, USES[use].file);
}

/** All keys of one use, oldest first; the first one is made where there is none. */
export function readHistory(directory: string, use: KeyUse, now: number): readonly KeptKey[] {
  const file = historyFile(directory, use);
  if (!existsSync(file)) {
    writeHistory(directory, use, [makeKey(use, new Date(now).toISOString(), now)]);
  }
  const parsed = parseJson(readOwned(file), { depthMax: 4 });
  const json: unknown = parsed.ok ? parsed.value : undefined;
  // A file of one key is a history as well.
  const keys: unknown = isMembers(json) && 'keys' in json ? json['keys'] : [json];
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isKeptKey)) {
    throw new KeyHistoryInvalid(`${file} is not a history of keys`);
  }
  if (new Set(keys.map(({ key_id: id }) => id)).size !== keys.length) {
    throw new KeyHistoryInvalid(`${file} names a key twice`);
  }
  return keys;
}

export function writeHistory(directory: string, use: KeyUse, keys: readonly KeptKey[]): void {
  writeOwned(historyFile(directory, use), `${JSON.stringify({ keys }, undefined, 2)}\n`);
}

export function makeKey(use: KeyUse, notBefore: string, now: number): KeptKey {
  const pair = generateKeyPairSync('ed25519');
  return {
    key_id: `${USES[use].prefix}_${sha256Hex(pemOf(pair.publicKey)).slice(0, 16)}`,
    not_before: notBefore,
    made_at: new Date(now).toISOString(),
    private_key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** The key that signs with what a file holds. */
export function opened(kept: KeptKey): SigningKey {
  try {
    return {
      ...signingKey(kept.key_id, kept.not_before, createPrivateKey(kept.private_key)),
      notAfter: kept.not_after,
      revokedAt: kept.revoked_at,
    };
  } catch (cause) {
    throw new KeyHistoryInvalid(`key ${kept.key_id} cannot be opened`, { cause });
  }
}

export type KeyStatus = 'pending' | 'active' | 'retired' | 'revoked';

/** Where a key stands at an instant, Unix milliseconds: its dates say it, so every process agrees without a word. */
export function statusAt(
  { notBefore, notAfter, revokedAt }: Pick<SigningKey, 'notBefore' | 'notAfter' | 'revokedAt'>,
  at: number,
): KeyStatus {
  if (revokedAt !== undefined && Date.parse(revokedAt) <= at) return 'revoked';
  if (Date.parse(notBefore) > at) return 'pending';
  return notAfter !== undefined && Date.parse(notAfter) <= at ? 'retired' : 'active';
}

function isKeptKey(value: unknown): value is KeptKey {
  if (!isMembers(value)) return false;
  const isInstant = (text: unknown): boolean =>
    typeof text === 'string' && !Number.isNaN(Date.parse(text));
  return (
    typeof value['key_id'] === 'string' &&
    typeof value['private_key'] === 'string' &&
    isInstant(value['not_before']) &&
    ['not_after', 'revoked_at', 'made_at'].every(
      (name) => !(name in value) || isInstant(value[name]),
    )
  );
}
