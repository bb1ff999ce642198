import { createHash } from 'node:crypto';

/**
 * RFC 9162 §2.1 as it stands there: recursive over lists of leaves, sharing nothing with the code
 * under test. Ranges are `[from, to)` of the leaf hashes given.
 */
export function naiveRoot(leaves: readonly Uint8Array[], from: number, to: number): Uint8Array {
  const n = to - from;
  if (n === 0) return new Uint8Array(createHash('sha256').digest());
  if (n === 1) return leaves[from] as Uint8Array;
  const known = roots.get(leaves) ?? new Map<string, Uint8Array>();
  roots.set(leaves, known);
  const found = known.get(`${from}-${to}`);
  if (found !== undefined) return found;
  const k = from + split(n);
  const hash = createHash('sha256').update(Uint8Array.of(1));
  hash.update(naiveRoot(leaves, from, k)).update(naiveRoot(leaves, k, to));
  const root = new Uint8Array(hash.digest());
  known.set(`${from}-${to}`, root);
  return root;
}

/** Roots worked out before, by range: the proofs of all leaves and sizes ask for the same ones. */
const roots = new WeakMap<readonly Uint8Array[], Map<string, Uint8Array>>();

/** PATH(m, D[from:to]), §2.1.3.1; `m` counts from `from`. */
export function naiveInclusion(
  leaves: readonly Uint8Array[],
  m: number,
  from: number,
  to: number,
): Uint8Array[] {
  const n = to - from;
  if (n === 1) return [];
  const k = split(n);
  return m < k
    ? [...naiveInclusion(leaves, m, from, from + k), naiveRoot(leaves, from + k, to)]
    : [...naiveInclusion(leaves, m - k, from + k, to), naiveRoot(leaves, from, from + k)];
}

/** SUBPROOF(m, D[from:to], b), §2.1.4.1; `m` counts from `from`. */
export function naiveConsistency(
  leaves: readonly Uint8Array[],
  m: number,
  from: number,
  to: number,
  b: boolean,
): Uint8Array[] {
  const n = to - from;
  if (m === n) return b ? [] : [naiveRoot(leaves, from, to)];
  const k = split(n);
  return m <= k
    ? [...naiveConsistency(leaves, m, from, from + k, b), naiveRoot(leaves, from + k, to)]
    : [...naiveConsistency(leaves, m - k, from + k, to, false), naiveRoot(leaves, from, from + k)];
}

/** The largest power of two smaller than n. */
function split(n: number): number {
  return 2 ** (Math.ceil(Math.log2(n)) - 1);
}
