import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyFault, KeyRing, Signer } from '../service/ports.ts';
import {
  historyFile,
  KeyHistoryInvalid,
  type KeyUse,
  opened,
  readHistory,
  statusAt,
  USES,
} from './key-history.ts';
import { writeOwned } from './owned-file.ts';
import { renderRegistry } from './registry.ts';
import { type SigningKey, selfCheck } from './signing-key.ts';

/** All keys of all uses, each list oldest first. */
export type KeyHistories = Readonly<Record<KeyUse, readonly SigningKey[]>>;

/** The keys of one environment. */
export interface Keyring extends KeyRing {
  readonly receipts: SigningKey;
  readonly attestation: SigningKey;
  readonly checkpoints: SigningKey;
  readonly histories: KeyHistories;
  /** The key with this id, to sign what names it; a revoked one signs nothing. Looks at the files if need be. */
  signer(keyId: string): Signer | undefined;
  /** Reads the files again if they changed; says whether they did. */
  refresh(): boolean;
}

const USE_NAMES = Object.keys(USES) as KeyUse[];

/** Whether both keys are there. A ledger without the keys that signed it must not be given new ones in silence. */
export function hasKeys(directory: string): boolean {
  return (['receipt_signature', 'ledger_checkpoint'] as const).every((use) =>
    existsSync(historyFile(directory, use)),
  );
}

/**
 * Loads the keys below `directory` and makes those that are missing. Private keys are readable by their owner only.
 * Which key signs is a matter of its dates, so a rotation that was written down beforehand takes place in every
 * process at the same instant.
 */
export function openKeyring(directory: string, now: () => number): Keyring {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  let histories = load(directory, now());
  let seen = stampOf(directory);
  let fault: KeyFault | undefined;
  const originFile = join(directory, 'origin');
  if (!existsSync(originFile)) {
    // Two ledgers must never share a name; the key's fingerprint makes this one's its own.
    const { fingerprint } = activeAt(histories.ledger_checkpoint, now());
    writeOwned(originFile, `countersign.localhost/${fingerprint.slice(0, 16)}\n`);
  }
  const origin = readFileSync(originFile, 'utf8').trim();

  const refresh = (): boolean => {
    const stamp = stampOf(directory);
    if (stamp === seen) return false;
    seen = stamp;
    try {
      if (stamp === undefined) throw new Error('a key file is gone');
      histories = load(directory, now());
      fault = undefined;
    } catch (error) {
      // What was loaded stays in memory to verify with, and signs nothing any more.
      fault = error instanceof KeyHistoryInvalid ? 'history' : 'unreadable';
    }
    return true;
  };
  const find = (keyId: string): SigningKey | undefined =>
    USE_NAMES.flatMap((use) => histories[use]).find((key) => key.keyId === keyId);

  return {
    origin,
    get histories() {
      return histories;
    },
    get receipts() {
      return activeAt(histories.receipt_signature, now());
    },
    get attestation() {
      return activeAt(histories.rulebook_attestation_signature, now());
    },
    get checkpoints() {
      return activeAt(histories.ledger_checkpoint, now());
    },
    receiptsAt: (at) => activeAt(histories.receipt_signature, at),
    registry: () => renderRegistry(histories, origin, now()),
    refresh,
    signer(keyId) {
      if (find(keyId) === undefined) refresh();
      const key = find(keyId);
      return key === undefined || statusAt(key, now()) === 'revoked' ? undefined : key;
    },
    fault() {
      refresh();
      if (fault !== undefined) return fault;
      try {
        for (const use of USE_NAMES) {
          const key = activeAt(histories[use], now());
          if (statusAt(key, now()) !== 'active') return 'unreadable';
          selfCheck(key);
        }
        return undefined;
      } catch {
        return 'unreadable';
      }
    },
    get broken() {
      return fault !== undefined || statusAt(this.receipts, now()) !== 'active';
    },
  };
}

function load(directory: string, now: number): KeyHistories {
  const read = (use: KeyUse): readonly SigningKey[] => readHistory(directory, use, now).map(opened);
  return {
    receipt_signature: read('receipt_signature'),
    rulebook_attestation_signature: read('rulebook_attestation_signature'),
    ledger_checkpoint: read('ledger_checkpoint'),
  };
}

/** The key whose time it is. Should that one be revoked, it still is no other's time: nobody signs. */
function activeAt(keys: readonly SigningKey[], at: number): SigningKey {
  const key = keys.findLast(
    (one) => Date.parse(one.notBefore) <= at && statusAt(one, at) !== 'retired',
  );
  const found = key ?? keys[0];
  if (found === undefined) throw new Error('a use without a key');
  return found;
}

/** What changes when somebody touches a key file; `undefined` while one is missing. */
function stampOf(directory: string): string | undefined {
  try {
    return USE_NAMES.map((use) => {
      const { ctimeMs, size, ino } = statSync(historyFile(directory, use));
      return `${ctimeMs}:${size}:${ino}`;
    }).join();
  } catch {
    return undefined;
  }
}
