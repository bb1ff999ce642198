import { readInstant } from '@countersign/policy';
import {
  isMembers,
  type Members,
  publicKeyFromPem,
  publicKeySpki,
  sha256,
  sha256Hex,
  toHex,
} from '@countersign/proof';
import type { LedgerKey } from './ledger-key.ts';

/** A key of the published history. Instants are Unix milliseconds. */
export interface RegistryKey {
  readonly keyId: string;
  /** Raw Ed25519 key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Hex SHA-256 of its PEM text. */
  readonly fingerprint: string;
  readonly use: string;
  readonly status: 'active' | 'retired' | 'pending' | 'revoked';
  readonly notBefore: number;
  /** First instant at which it no longer signs. */
  readonly notAfter?: number;
  readonly revokedAt?: number;
}

/** A snapshot of the key registry, pinned or fetched from a configured origin, whose faults were all looked for. */
export interface Registry {
  /** The revoked ones included. */
  readonly receiptKeys: readonly RegistryKey[];
  /** Without revoked ones. */
  readonly ledgerKeys: readonly LedgerKey[];
}

export interface RegistryFault {
  readonly code:
    | 'registry_malformed'
    | 'key_malformed'
    | 'key_pem_invalid'
    | 'key_fingerprint_differs'
    | 'key_dates_missing'
    | 'key_duplicate'
    | 'keys_overlap';
  /** JSON Pointer of the list or key at fault. */
  readonly pointer: string;
}

export type ParsedRegistry =
  | { readonly ok: true; readonly value: Registry }
  | { readonly ok: false; readonly fault: RegistryFault };

/**
 * Reads the answer of the key registry. One fault anywhere refuses the whole of it: a history with a hole is not a
 * history, and whoever could damage one key may have damaged the others.
 */
export function parseRegistry(json: unknown): ParsedRegistry {
  if (!isMembers(json)) return refuse('registry_malformed', '');
  const keys: RegistryKey[] = [];
  const ledger: (RegistryKey & LedgerKey)[] = [];
  for (const list of LISTS) {
    const items = json[list] ?? [];
    if (!Array.isArray(items)) return refuse('registry_malformed', `/${list}`);
    for (const [i, item] of items.entries()) {
      const pointer = `/${list}/${i}`;
      if (!isMembers(item)) return refuse('key_malformed', pointer);
      const read = readKey(item, list === 'revoked_keys');
      if (typeof read === 'string') return refuse(read, pointer);
      // Readers who look at no status take every key of this list for a good one.
      if (list === 'keys' && read.status === 'revoked') return refuse('key_malformed', pointer);
      if ([...keys, ...ledger].some((key) => key.keyId === read.keyId)) {
        return refuse('key_duplicate', pointer);
      }
      const peers = list === 'ledger_keys' ? ledger : keys;
      if (peers.some((key) => key.fingerprint === read.fingerprint)) {
        return refuse('key_duplicate', pointer);
      }
      if (list !== 'ledger_keys') {
        if (keys.some((key) => overlap(key, read))) return refuse('keys_overlap', pointer);
        keys.push(read);
        continue;
      }
      const origin = item['origin'];
      if (typeof origin !== 'string' || origin === '') return refuse('key_malformed', pointer);
      if (ledger.some((key) => key.origin === origin && overlap(key, read))) {
        return refuse('keys_overlap', pointer);
      }
      ledger.push({ ...read, origin });
    }
  }
  if (!Array.isArray(json['keys'])) return refuse('registry_malformed', '/keys');
  return {
    ok: true,
    value: {
      receiptKeys: keys,
      ledgerKeys: ledger.filter((key) => key.status !== 'revoked'),
    },
  };
}

const LISTS = ['keys', 'revoked_keys', 'ledger_keys'] as const;

function readKey(item: Members, revoked: boolean): RegistryKey | RegistryFault['code'] {
  const { key_id: keyId, public_key: pem, use, algorithm } = item;
  const status = revoked ? 'revoked' : statusOf(item['status']);
  if (typeof keyId !== 'string' || keyId === '' || typeof use !== 'string') return 'key_malformed';
  if (status === undefined || algorithm !== 'Ed25519') return 'key_malformed';
  if (typeof pem !== 'string') return 'key_pem_invalid';
  const publicKey = publicKeyFromPem(pem);
  if (publicKey === undefined) return 'key_pem_invalid';
  const fingerprint = sha256Hex(pem);
  const spki = item['public_key_spki_sha256'];
  if (
    item['public_key_fingerprint'] !== fingerprint ||
    (item['public_key_pem'] !== undefined && item['public_key_pem'] !== pem) ||
    (spki !== undefined && spki !== toHex(sha256(publicKeySpki(publicKey))))
  ) {
    return 'key_fingerprint_differs';
  }

  const notBefore = instantOf(item['not_before']);
  const notAfter = instantOf(item['not_after']);
  const revokedAt = instantOf(item['revoked_at']);
  const ended = item['not_after'] !== undefined;
  if (notBefore === undefined || (ended && notAfter === undefined)) return 'key_dates_missing';
  if (status === 'retired' && !ended) return 'key_dates_missing';
  if ((status === 'revoked') !== (revokedAt !== undefined)) return 'key_dates_missing';
  // A key that still signs has no end yet.
  if (status === 'active' && ended) return 'key_malformed';
  return {
    keyId,
    publicKey,
    fingerprint,
    use,
    status,
    notBefore,
    ...(notAfter !== undefined && { notAfter }),
    ...(revokedAt !== undefined && { revokedAt }),
  };
}

function statusOf(value: unknown): RegistryKey['status'] | undefined {
  return value === 'active' || value === 'retired' || value === 'pending' || value === 'revoked'
    ? value
    : undefined;
}

function instantOf(value: unknown): number | undefined {
  return typeof value === 'string' ? readInstant(value) : undefined;
}

/** Whether two keys of one use signed at the same time. Pending ones do not sign yet, revoked ones never count. */
function overlap(a: RegistryKey, b: RegistryKey): boolean {
  const signs = ({ status }: RegistryKey): boolean => status === 'active' || status === 'retired';
  if (a.use !== b.use || !signs(a) || !signs(b)) return false;
  return a.notBefore < (b.notAfter ?? Infinity) && b.notBefore < (a.notAfter ?? Infinity);
}

function refuse(code: RegistryFault['code'], pointer: string): ParsedRegistry {
  return { ok: false, fault: { code, pointer } };
}
