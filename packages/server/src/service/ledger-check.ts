import {
  type ChainHead,
  chainIdOf,
  EMPTY_CHAIN,
  entryText,
  equalBytes,
  type Frontier,
  frontierNodes,
  grow,
  headAfter,
  LEDGER_ENTRY_VERSION,
  leafHash,
  NO_ENTRY_HASH,
  nextLink,
  rootOf,
  sha256Hex,
  utf8,
  verifyCheckpoint,
} from '@countersign/proof';
import { LedgerDamage } from './ledger-damage.ts';
import { linkSubjectOf } from './link-subject.ts';
import type { Head, LedgerReader, StoredEntry } from './ports.ts';

/** Whose checkpoints a ledger must carry. */
export interface LedgerTrust {
  readonly origin: string;
  /** Raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
}

/**
 * Checks the end of a ledger against its Merkle tree and its signed checkpoint; cost grows with the logarithm of
 * the size. What lies further back is covered by the root and checked by `checkLedger`.
 */
export async function checkHead(
  store: LedgerReader,
  trust: LedgerTrust,
): Promise<{ readonly head: Head; readonly frontier: Frontier }> {
  const head = await store.readHead();
  if (head.size === 0) {
    if (head.checkpoint !== undefined) throw new LedgerDamage('a checkpoint over no entries');
    return { head, frontier: [] };
  }
  const last = head.lastEntry;
  if (last === undefined || last.seq !== head.size - 1) {
    throw new LedgerDamage(`the ledger should hold ${head.size} entries, but its last is missing`);
  }
  const frontier = await store.readNodes(frontierNodes(head.size));
  checkNote(head.checkpoint, head.size, frontier, trust);

  const before = head.size === 1 ? undefined : await store.readEntry(head.size - 2);
  if (head.size > 1 && before === undefined) throw new LedgerDamage('missing', head.size - 2);
  const text = storedEntryText(last, before?.entryHash ?? NO_ENTRY_HASH);
  const [leaf] = await store.readNodes([{ level: 0, index: last.seq }]);
  if (leaf === undefined || !equalBytes(leaf, leafHash(utf8(text)))) {
    throw new LedgerDamage('its Merkle leaf is not the hash of the entry', last.seq);
  }
  return { head, frontier };
}

function checkNote(
  note: string | undefined,
  size: number,
  frontier: Frontier,
  trust: LedgerTrust,
): void {
  if (note === undefined) throw new LedgerDamage('there is no checkpoint over the last entry');
  const checked = verifyCheckpoint(note, trust);
  if (!checked.ok) throw new LedgerDamage(`the checkpoint does not verify (${checked.fault})`);
  if (checked.value.size !== size) {
    throw new LedgerDamage(`the checkpoint is over ${checked.value.size} entries, not ${size}`);
  }
  if (!equalBytes(checked.value.root, rootOf(frontier))) {
    throw new LedgerDamage('the Merkle nodes do not lead to the root of the checkpoint');
  }
}

/** Text of an entry rebuilt from what is stored. Throws when subject or entry hash are not theirs. */
function storedEntryText(stored: StoredEntry, previousHash: string): string {
  if (sha256Hex(stored.subject) !== stored.subjectHash) {
    throw new LedgerDamage('its subject was changed', stored.seq);
  }
  const text = entryText({
    ledger_entry_version: LEDGER_ENTRY_VERSION,
    seq: stored.seq,
    prev_entry_hash: previousHash,
    entry_type: stored.entryType,
    subject_hash: stored.subjectHash,
    link_hash: stored.linkHash,
    scope_hash: sha256Hex(stored.scope),
    created_at: stored.createdAt,
  });
  if (sha256Hex(text) !== stored.entryHash) {
    throw new LedgerDamage('its hash does not fit its members or the entry before', stored.seq);
  }
  return text;
}

/** Result of reading a whole ledger. */
export interface LedgerReport {
  readonly size: number;
  /** Checkpoints whose signature and root were checked. */
  readonly checkpoints: number;
  readonly damage?: { readonly seq?: number | undefined; readonly what: string };
}

/**
 * Rebuilds everything from the subjects up: subject hashes, audit chains, entries, Merkle nodes, and each checkpoint
 * against the root at its size. Stops at the first damage and says where it is.
 */
export async function checkLedger(
  store: LedgerReader,
  trust: LedgerTrust,
  progress: (checked: number, size: number) => void = () => undefined,
): Promise<LedgerReport> {
  const head = await store.readHead();
  let checkpoints = 0;
  let seq = 0;
  try {
    const chains = new Map<string, ChainHead>();
    let frontier: Frontier = [];
    let previousHash = NO_ENTRY_HASH;
    let next = await store.readCheckpoint(1);
    for (; seq < head.size; seq += 1) {
      const stored = await store.readEntry(seq);
      if (stored === undefined) throw new LedgerDamage('missing', seq);
      const text = storedEntryText(stored, previousHash);
      previousHash = stored.entryHash;
      const chain = chains.get(stored.scope) ?? EMPTY_CHAIN;
      const link = nextLink(chainIdOf(stored.scope), chain, linkSubjectOf(stored));
      if (
        link.link_hash !== stored.linkHash ||
        link.merkle_root !== stored.chainRoot ||
        link.chain_position !== stored.chainPosition
      ) {
        throw new LedgerDamage('its link does not continue the audit chain of its tenant', seq);
      }
      chains.set(stored.scope, headAfter(link));
      const grown = grow(frontier, seq, [leafHash(utf8(text))]);
      frontier = grown.frontier;
      const nodes = (grown.completed[0] ?? []).map((hash, level) => ({ level, hash }));
      const kept = await store.readNodes(
        nodes.map(({ level }) => ({ level, index: (seq + 1) / 2 ** level - 1 })),
      );
      for (const { level, hash } of nodes) {
        const stored = kept[level];
        if (stored === undefined || !equalBytes(stored, hash)) {
          throw new LedgerDamage(`its Merkle node of level ${level} was changed`, seq);
        }
      }
      if (next?.size === seq + 1) {
        checkNote(next.note, seq + 1, frontier, trust);
        checkpoints += 1;
        next = await store.readCheckpoint(seq + 2);
      }
      if (seq % 1000 === 999) progress(seq + 1, head.size);
    }
    if (head.size > 0 && next === undefined && head.checkpoint === undefined) {
      throw new LedgerDamage('there is no checkpoint over the last entry');
    }
    await checkHead(store, trust);
    return { size: head.size, checkpoints };
  } catch (error) {
    if (!(error instanceof LedgerDamage)) throw error;
    return {
      size: head.size,
      checkpoints,
      damage: { seq: error.seq ?? (seq < head.size ? seq : undefined), what: error.message },
    };
  }
}
