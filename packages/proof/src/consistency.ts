import { equalBytes } from './bytes.ts';
import {
  HASH_BYTES,
  type LeafRange,
  type NodeAt,
  nodeHash,
  nodesOf,
  rangeRoot,
  rootOf,
  splitOf,
} from './merkle.ts';
import { bug } from './result.ts';

export type ConsistencyFault =
  | 'sizes_not_in_order'
  | 'hash_malformed'
  | 'path_too_long'
  | 'path_too_short'
  | 'first_root_differs'
  | 'second_root_differs';

/**
 * Checks that the tree of `second` leaves with `secondRoot` begins with the tree of `first` leaves
 * with `firstRoot`: nothing was changed, removed or inserted in between.
 *
 * Equal sizes need equal roots and an empty path; the empty tree is the beginning of every tree,
 * with an empty path. RFC 9162 leaves both cases to the reader.
 *
 * @returns `undefined` when the proof holds, otherwise why it does not.
 * @see RFC 9162 §2.1.4.2, whose variable names `fn`, `sn`, `fr`, `sr` and `c` are kept.
 */
export function verifyConsistency(
  first: number,
  second: number,
  firstRoot: Uint8Array,
  secondRoot: Uint8Array,
  path: readonly Uint8Array[],
): ConsistencyFault | undefined {
  if (!areSizesInOrder(first, second)) return 'sizes_not_in_order';
  const hashes = [firstRoot, secondRoot, ...path];
  if (hashes.some((hash) => hash.length !== HASH_BYTES)) return 'hash_malformed';
  if (first === 0 || first === second) {
    if (path.length > 0) return 'path_too_long';
    const wanted = first === second ? secondRoot : rootOf([]);
    return equalBytes(firstRoot, wanted) ? undefined : 'first_root_differs';
  }

  if (path.length === 0) return 'path_too_short';
  let fn = first - 1;
  let sn = second - 1;
  while (fn % 2 === 1) {
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  // `fn` is 0 here just when `first` is a power of two: its root is a node of the second tree, and
  // the path starts above it.
  const [start, ...rest] = fn === 0 ? [firstRoot, ...path] : path;
  if (start === undefined) return 'path_too_short';
  let fr = start;
  let sr = start;
  for (const c of rest) {
    if (sn === 0) return 'path_too_long';
    if (fn % 2 === 1 || fn === sn) {
      fr = nodeHash(c, fr);
      sr = nodeHash(c, sr);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = Math.floor(sn / 2);
      }
    } else {
      sr = nodeHash(sr, c);
    }
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  if (sn !== 0) return 'path_too_short';
  if (!equalBytes(fr, firstRoot)) return 'first_root_differs';
  return equalBytes(sr, secondRoot) ? undefined : 'second_root_differs';
}

/**
 * The consistency path between the trees of `first` and of `second` leaves.
 *
 * @param read gives the hash of a perfect node; it is asked for {@link consistencyNodes}, no other.
 * @see RFC 9162 §2.1.4.1
 */
export function proveConsistency(
  first: number,
  second: number,
  read: (node: NodeAt) => Uint8Array,
): Uint8Array[] {
  return subproof(first, second).map((range) => rangeRoot(range, read));
}

/** The perfect nodes whose hashes {@link proveConsistency} needs, in the order of reading. */
export function consistencyNodes(first: number, second: number): NodeAt[] {
  return subproof(first, second).flatMap(nodesOf);
}

/** SUBPROOF of RFC 9162 §2.1.4.1 as a loop: the ranges whose roots are the path. */
function subproof(first: number, second: number): LeafRange[] {
  if (!areSizesInOrder(first, second)) bug(`no consistency between sizes ${first} and ${second}`);
  if (first === 0 || first === second) return [];
  const ranges: LeafRange[] = [];
  let from = 0;
  let to = second;
  while (to !== first) {
    const middle = from + splitOf(to - from);
    if (first <= middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
    }
  }
  // Unless the range left over is the whole first tree, whose root the reader has.
  if (from > 0) ranges.push({ from, to });
  return ranges.reverse();
}

function areSizesInOrder(first: number, second: number): boolean {
  return (
    Number.isSafeInteger(first) && Number.isSafeInteger(second) && first >= 0 && first <= second
  );
}
