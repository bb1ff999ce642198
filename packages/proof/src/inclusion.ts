import { equalBytes } from './bytes.ts';
import {
  HASH_BYTES,
  type LeafRange,
  type NodeAt,
  nodeHash,
  nodesOf,
  rangeRoot,
  splitOf,
} from './merkle.ts';
import { bug } from './result.ts';

export type InclusionFault =
  | 'index_outside_tree'
  | 'hash_malformed'
  | 'path_too_long'
  | 'path_too_short'
  | 'root_differs';

/**
 * Checks that `leaf` is leaf `index` of the tree whose first `size` leaves hash to `root`.
 *
 * `path` runs from the leaf's sibling upwards and is refused when it is one hash too long or too
 * short, so each leaf has exactly one acceptable proof.
 *
 * @returns `undefined` when the proof holds, otherwise why it does not.
 * @see RFC 9162 §2.1.3.2, whose variable names `fn`, `sn`, `p` and `r` are kept.
 */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
  root: Uint8Array,
): InclusionFault | undefined {
  if (!isLeafOf(index, size)) return 'index_outside_tree';
  if ([leaf, ...path, root].some((hash) => hash.length !== HASH_BYTES)) return 'hash_malformed';

  let fn = index;
  let sn = size - 1;
  let r = leaf;
  for (const p of path) {
    if (sn === 0) return 'path_too_long';
    if (fn % 2 === 1 || fn === sn) {
      r = nodeHash(p, r);
      // A right border: levels at which the node has no sibling are passed over.
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = Math.floor(sn / 2);
      }
    } else {
      r = nodeHash(r, p);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  if (sn !== 0) return 'path_too_short';
  return equalBytes(r, root) ? undefined : 'root_differs';
}

/**
 * The inclusion path of leaf `index` in the tree of `size` leaves, from the leaf's sibling upwards.
 *
 * @param read gives the hash of a perfect node; it is asked for {@link inclusionNodes}, no other.
 * @see RFC 9162 §2.1.3.1
 */
export function proveInclusion(
  index: number,
  size: number,
  read: (node: NodeAt) => Uint8Array,
): Uint8Array[] {
  return siblings(index, size).map((range) => rangeRoot(range, read));
}

/** The perfect nodes whose hashes {@link proveInclusion} needs, in the order in which it reads them. */
export function inclusionNodes(index: number, size: number): NodeAt[] {
  return siblings(index, size).flatMap(nodesOf);
}

/** The ranges whose roots are the path: from the root down, the half without the leaf; reversed. */
function siblings(index: number, size: number): LeafRange[] {
  if (!isLeafOf(index, size)) bug(`no leaf ${index} in a tree of ${size}`);
  const ranges: LeafRange[] = [];
  let from = 0;
  let to = size;
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
    }
  }
  return ranges.reverse();
}

function isLeafOf(index: number, size: number): boolean {
  return Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size;
}
