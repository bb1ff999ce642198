import { concatBytes } from './bytes.ts';
import { sha256 } from './hash.ts';
import { bug } from './result.ts';

/** Leaf hash, RFC 9162 §2.1.1: SHA-256(0x00 ‖ entry). The prefix keeps a leaf from posing as a node. */
export function leafHash(data: Uint8Array): Uint8Array {
  return sha256(concatBytes(LEAF_PREFIX, data));
}

/** Node hash, RFC 9162 §2.1.1: SHA-256(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concatBytes(NODE_PREFIX, left, right));
}

/**
 * A perfect subtree: level 0 is a leaf, and the node covers the leaves from `index · 2^level` up to,
 * not including, `(index + 1) · 2^level`. Once all of them exist, its hash never changes.
 */
export interface NodeAt {
  readonly level: number;
  readonly index: number;
}

/** Roots of the perfect subtrees that make up a tree, the largest (oldest) first. */
export type Frontier = readonly Uint8Array[];

/** Root of the tree with this frontier; with none, the hash of the empty tree: SHA-256 of nothing. */
export function rootOf(frontier: Frontier): Uint8Array {
  let root = frontier.at(-1);
  if (root === undefined) return sha256(new Uint8Array());
  for (let i = frontier.length - 2; i >= 0; i--) root = nodeHash(frontier[i] as Uint8Array, root);
  return root;
}

/**
 * Appends leaf hashes to the tree of `size` leaves with this `frontier`.
 *
 * `completed[i]` are the hashes that the i-th of them completes: itself, then its parent if that has
 * all its leaves now, and so on. So a node's hash appears exactly once over the life of a tree, at
 * position `level` of what leaf {@link completedBy} completes.
 */
export function grow(
  frontier: Frontier,
  size: number,
  leaves: readonly Uint8Array[],
): { frontier: Frontier; size: number; completed: Uint8Array[][] } {
  if (frontierNodes(size).length !== frontier.length) bug(`not a frontier of ${size} leaves`);
  const roots = [...frontier];
  const completed = leaves.map((leaf, i) => {
    const hashes = [leaf];
    let node = leaf;
    // Each low one bit of the size is a perfect subtree as large as the node in hand: its sibling.
    for (let n = size + i; n % 2 === 1; n = Math.floor(n / 2)) {
      node = nodeHash(roots.pop() ?? bug('the frontier is too short'), node);
      hashes.push(node);
    }
    roots.push(node);
    return hashes;
  });
  return { frontier: roots, size: size + leaves.length, completed };
}

/** Index of the leaf whose arrival completes the node. */
export function completedBy(node: NodeAt): number {
  return (node.index + 1) * 2 ** node.level - 1;
}

/** The perfect subtrees that make up a tree of `size` leaves, the largest (oldest) first. */
export function frontierNodes(size: number): NodeAt[] {
  return nodesOf({ from: 0, to: size });
}

/** The leaves from `from` up to, not including, `to`. */
export interface LeafRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The perfect subtrees that make up a range, the largest (first) first. The range must be one that
 * RFC 9162 forms: it starts at a multiple of the largest power of two within its length.
 */
export function nodesOf({ from, to }: LeafRange): NodeAt[] {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 0 || to < from) {
    bug(`no range of leaves: ${from} to ${to}`);
  }
  const nodes: NodeAt[] = [];
  for (let start = from; start < to; ) {
    let level = 0;
    while (2 ** (level + 1) <= to - start) level++;
    nodes.push({ level, index: start / 2 ** level });
    start += 2 ** level;
  }
  return nodes;
}

/** Root of such a range: MTH of RFC 9162 §2.1.1. */
export function rangeRoot(range: LeafRange, read: (node: NodeAt) => Uint8Array): Uint8Array {
  return rootOf(nodesOf(range).map(read));
}

/** The split of RFC 9162 §2.1.1: the largest power of two smaller than `n`, for `n` > 1. */
export function splitOf(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

const LEAF_PREFIX = Uint8Array.of(0);
const NODE_PREFIX = Uint8Array.of(1);

/** Length of every hash of a tree, in bytes. */
export const HASH_BYTES = 32;
