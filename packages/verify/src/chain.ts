import {
  CHAIN_STRATEGY,
  CHAIN_VERSION,
  type ChainLink,
  chainLeafHash,
  chainRoot,
  type EntryType,
  isMembers,
  isWellFormed,
  linkText,
  type Members,
  sha256Hex,
} from '@countersign/proof';

/** Whether each link names the leaf that its own members make, and the links are one unbroken run, oldest first. */
export function isSound(links: readonly ChainLink[]): boolean {
  return links.every((link) => chainLeafHash(link) === link.leaf_hash) && isUnbroken(links);
}

/** Whether roots and hashes follow from one link to the next. What was before the first is taken as it says. */
export function isUnbroken(links: readonly ChainLink[]): boolean {
  return links.every((link, i) => {
    const before = links[i - 1];
    if (before === undefined) {
      const begins = link.chain_position === 1;
      if (begins !== (link.previous_link_hash === null)) return false;
      if (begins !== (link.previous_merkle_root === null)) return false;
    } else {
      if (link.chain_id !== before.chain_id) return false;
      if (link.chain_position !== before.chain_position + 1) return false;
      if (link.previous_link_hash !== before.link_hash) return false;
      if (link.previous_merkle_root !== before.merkle_root) return false;
    }
    const root = chainRoot(link.previous_merkle_root, link.leaf_hash, link.chain_position);
    const { link_hash: hash, ...payload } = link;
    return link.merkle_root === root && hash === sha256Hex(linkText(payload));
  });
}

/** Reads one link: all members of its payload and its hash, nothing else. `undefined`: it is none. */
export function readLink(value: unknown): ChainLink | undefined {
  if (!isMembers(value) || Object.keys(value).length !== LINK_MEMBERS) return undefined;
  if (value['decision_chain_version'] !== CHAIN_VERSION) return undefined;
  if (value['merkle_strategy'] !== CHAIN_STRATEGY) return undefined;
  const position = value['chain_position'];
  if (!Number.isSafeInteger(position) || Number(position) < 1) return undefined;
  if (![...TEXTS, ...HASHES].every((name) => typeof value[name] === 'string')) return undefined;
  if (!HASHES.every((name) => HEX.test(String(value[name])))) return undefined;
  for (const name of NULLABLE) {
    if (value[name] !== null && typeof value[name] !== 'string') return undefined;
  }
  const texts = Object.values(value).filter((text) => typeof text === 'string');
  if (!texts.every(isWellFormed)) return undefined;
  // Every member was looked at; which entry types there are is for those who know what they mean.
  return value as unknown as ChainLink;
}

const TEXTS = ['chain_id', 'created_at', 'decision_id', 'entry_type'] as const;
const HASHES = ['leaf_hash', 'link_hash', 'merkle_root', 'record_hash'] as const;
const NULLABLE = [
  'policy_id',
  'policy_version',
  'previous_link_hash',
  'previous_merkle_root',
  'receipt_hash',
] as const;
/** Those above, two constants and the position. */
const LINK_MEMBERS = TEXTS.length + HASHES.length + NULLABLE.length + 3;
const HEX = /^[0-9a-f]{64}$/;

/** Whether the chain block of a Decision Record names the leaf that the record makes. */
export function namesItsLeaf(block: Members, record: Members): boolean {
  return namesLeafOf(block, {
    type: block['entry_type'],
    decisionId: record['decision_id'],
    hash: record['record_hash'],
    receiptHash: record['receipt_hash'] ?? null,
  });
}

/** Whether a chain block names the leaf of an artefact with this hash of its own. */
export function namesLeafOf(
  block: Members,
  artefact: {
    readonly type: unknown;
    readonly decisionId: unknown;
    readonly hash: unknown;
    readonly receiptHash: unknown;
  },
): boolean {
  const { type, decisionId, hash, receiptHash } = artefact;
  if (typeof type !== 'string' || block['entry_type'] !== type) return false;
  if (block['decision_chain_version'] !== CHAIN_VERSION) return false;
  if (typeof decisionId !== 'string' || typeof hash !== 'string') return false;
  if (receiptHash !== null && typeof receiptHash !== 'string') return false;
  if (![type, decisionId, hash, receiptHash ?? ''].every(isWellFormed)) return false;
  // The leaf is taken over the first four; a link holds the others besides.
  const leaf = chainLeafHash({
    entry_type: type as EntryType,
    decision_id: decisionId,
    record_hash: hash,
    receipt_hash: receiptHash,
    policy_id: null,
    policy_version: null,
    created_at: '',
  });
  return leaf === block['leaf_hash'];
}
