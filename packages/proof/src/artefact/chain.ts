import { canonicalString } from '../canonical.ts';
import type { EntryType } from '../entry.ts';
import { sha256Hex } from '../hash.ts';
import { shape } from '../shape.ts';

/** The audit chain of one tenant: a rolling root and a link per ledger entry of that tenant. */
export const CHAIN_VERSION = 'decision_chain_v1';
export const CHAIN_STRATEGY = 'rolling_sha256_pair_v1';

/** Where a chain stands. Position 0 is the empty chain, whose hashes are `null`. */
export interface ChainHead {
  readonly position: number;
  readonly merkleRoot: string | null;
  readonly linkHash: string | null;
}

export const EMPTY_CHAIN: ChainHead = { position: 0, merkleRoot: null, linkHash: null };

/** What a link says of the entry it stands for. `null` where the entry has no such value. */
export interface LinkSubject {
  readonly entry_type: EntryType;
  readonly decision_id: string;
  readonly record_hash: string;
  readonly receipt_hash: string | null;
  readonly policy_id: string | null;
  readonly policy_version: string | null;
  readonly created_at: string;
}

/** One link, all members of its hashed payload and the hash. */
export interface ChainLink extends LinkSubject {
  readonly decision_chain_version: typeof CHAIN_VERSION;
  readonly chain_id: string;
  /** One-based. */
  readonly chain_position: number;
  readonly previous_link_hash: string | null;
  readonly previous_merkle_root: string | null;
  readonly leaf_hash: string;
  readonly merkle_root: string;
  readonly merkle_strategy: typeof CHAIN_STRATEGY;
  readonly link_hash: string;
}

const leafShape = shape([
  'decision_chain_version',
  'decision_id',
  'entry_type',
  'receipt_hash',
  'record_hash',
]);
const rootShape = shape(['chain_position', 'leaf_hash', 'previous_merkle_root', 'strategy']);
const linkShape = shape([
  'chain_id',
  'chain_position',
  'created_at',
  'decision_chain_version',
  'decision_id',
  'entry_type',
  'leaf_hash',
  'link_hash',
  'merkle_root',
  'merkle_strategy',
  'policy_id',
  'policy_version',
  'previous_link_hash',
  'previous_merkle_root',
  'receipt_hash',
  'record_hash',
]);

const VERSION_TEXT = canonicalString(CHAIN_VERSION);
const STRATEGY_TEXT = canonicalString(CHAIN_STRATEGY);
const nullable = (value: string | null): string =>
  value === null ? 'null' : canonicalString(value);

/** `chain_` and the first 32 hex digits of SHA-256 of the tenant scope. */
export function chainIdOf(scope: string): string {
  return chainIdFrom(sha256Hex(scope));
}

/** The same from the hash of the scope, which is what a ledger entry holds. */
export function chainIdFrom(scopeHash: string): string {
  return `chain_${scopeHash.slice(0, 32)}`;
}

/** Leaf of the chain: names the entry, not its place. */
export function chainLeafHash(subject: LinkSubject): string {
  return sha256Hex(
    leafShape({
      decision_chain_version: VERSION_TEXT,
      decision_id: canonicalString(subject.decision_id),
      entry_type: canonicalString(subject.entry_type),
      receipt_hash: nullable(subject.receipt_hash),
      record_hash: canonicalString(subject.record_hash),
    }),
  );
}

/** Rolling root after the leaf at `position` (from 1). */
export function chainRoot(previousRoot: string | null, leaf: string, position: number): string {
  if (previousRoot === null) return leaf;
  return sha256Hex(
    rootShape({
      chain_position: String(position),
      leaf_hash: canonicalString(leaf),
      previous_merkle_root: canonicalString(previousRoot),
      strategy: STRATEGY_TEXT,
    }),
  );
}

/** Canonical text of a link; the hashed payload when `link_hash` is left out. */
export function linkText(
  link: Omit<ChainLink, 'link_hash'> & { readonly link_hash?: string },
): string {
  return linkShape({
    chain_id: canonicalString(link.chain_id),
    chain_position: String(link.chain_position),
    created_at: canonicalString(link.created_at),
    decision_chain_version: VERSION_TEXT,
    decision_id: canonicalString(link.decision_id),
    entry_type: canonicalString(link.entry_type),
    leaf_hash: canonicalString(link.leaf_hash),
    link_hash: link.link_hash === undefined ? undefined : canonicalString(link.link_hash),
    merkle_root: canonicalString(link.merkle_root),
    merkle_strategy: STRATEGY_TEXT,
    policy_id: nullable(link.policy_id),
    policy_version: nullable(link.policy_version),
    previous_link_hash: nullable(link.previous_link_hash),
    previous_merkle_root: nullable(link.previous_merkle_root),
    receipt_hash: nullable(link.receipt_hash),
    record_hash: canonicalString(link.record_hash),
  });
}

/** The link that puts `subject` behind `head` in chain `chainId`. */
export function nextLink(chainId: string, head: ChainHead, subject: LinkSubject): ChainLink {
  const position = head.position + 1;
  const leaf = chainLeafHash(subject);
  const payload = {
    chain_id: chainId,
    chain_position: position,
    created_at: subject.created_at,
    decision_chain_version: CHAIN_VERSION,
    decision_id: subject.decision_id,
    entry_type: subject.entry_type,
    leaf_hash: leaf,
    merkle_root: chainRoot(head.merkleRoot, leaf, position),
    merkle_strategy: CHAIN_STRATEGY,
    policy_id: subject.policy_id,
    policy_version: subject.policy_version,
    previous_link_hash: head.linkHash,
    previous_merkle_root: head.merkleRoot,
    receipt_hash: subject.receipt_hash,
    record_hash: subject.record_hash,
  } as const;
  return { ...payload, link_hash: sha256Hex(linkText(payload)) };
}

/** Where the chain stands once `link` is its last. */
export function headAfter(link: ChainLink): ChainHead {
  return { position: link.chain_position, merkleRoot: link.merkle_root, linkHash: link.link_hash };
}
