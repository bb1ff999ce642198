import { equalBytes, verifyConsistency } from '@countersign/proof';
import { isSigned, readCheckpoint, readPath } from './ledger.ts';
import type { Trust } from './trust.ts';
import type { Check } from './verification.ts';

/** How a checkpoint that somebody kept goes with a later one. */
export interface Consistency {
  /** Whether the later ledger begins with the earlier one; `null` where there is no proof or no key to tell. */
  readonly consistent: Check;
  /** The ledger signed two histories of one length: it does not tell everybody the same. */
  readonly splitView: boolean;
}

/**
 * Holds two signed checkpoints of one ledger against each other. Equal sizes need no proof, only equal roots; else
 * `path` is the consistency proof in hex, as RFC 9162 §2.1.4 has it.
 */
export function compareCheckpoints(given: {
  readonly older: unknown;
  readonly newer: unknown;
  readonly path?: unknown;
  readonly trust: Trust;
  readonly origin?: string | undefined;
}): Consistency {
  const { trust, origin } = given;
  const older = readCheckpoint(given.older);
  const newer = readCheckpoint(given.newer);
  const answer = (consistent: Check, splitView = false): Consistency => ({ consistent, splitView });
  const signed = [isSigned(given.older, trust, origin), isSigned(given.newer, trust, origin)];
  if (signed.includes(null)) return answer(null);
  if (signed.includes(false) || older === undefined || newer === undefined) return answer(false);
  if (older.origin !== newer.origin || newer.size < older.size) return answer(false);
  if (older.size === newer.size) {
    const same = equalBytes(older.root, newer.root);
    return answer(same, !same);
  }
  if (given.path === undefined) return answer(null);
  const path = readPath(given.path);
  return answer(
    path !== undefined &&
      verifyConsistency(older.size, newer.size, older.root, newer.root, path) === undefined,
  );
}
