import { describe, expect, it } from 'vitest';
import vectors from '../../../vectors/merkle/trees.json' with { type: 'json' };
import { equalBytes, fromHex, toHex, utf8 } from '../src/bytes.ts';
import { consistencyNodes, proveConsistency, verifyConsistency } from '../src/consistency.ts';
import { inclusionNodes, proveInclusion, verifyInclusion } from '../src/inclusion.ts';
import {
  completedBy,
  type Frontier,
  frontierNodes,
  grow,
  leafHash,
  type NodeAt,
  nodeHash,
  rootOf,
} from '../src/merkle.ts';
import { naiveConsistency, naiveInclusion, naiveRoot } from './naive-merkle.ts';

const bytes = (hex: string): Uint8Array => fromHex(hex) ?? expect.unreachable(hex);
const LEAVES = Array.from({ length: 300 }, (_, i) => leafHash(utf8(`entry ${i}`)));

/** The nodes of a tree as a store keeps them: what each appended leaf completes. */
function grown(leaves: readonly Uint8Array[]): {
  completed: Uint8Array[][];
  read: (node: NodeAt) => Uint8Array;
  rootAt: (size: number) => Uint8Array;
} {
  const { completed } = grow([], 0, leaves);
  const read = (node: NodeAt): Uint8Array =>
    completed[completedBy(node)]?.[node.level] ?? expect.unreachable(JSON.stringify(node));
  return { completed, read, rootAt: (size) => rootOf(frontierNodes(size).map(read)) };
}

describe('known trees', () => {
  const leaves = vectors.leaves.map(bytes);
  const { read, rootAt } = grown(leaves);
  const wantRoot = (size: number): Uint8Array => bytes(vectors.roots[size]?.root ?? '');

  it('leaf hashes', () => {
    expect(vectors.entries.map((entry) => toHex(leafHash(bytes(entry))))).toEqual(vectors.leaves);
  });

  it.each(vectors.roots)('root of size $size', ({ size, root }) => {
    expect(toHex(rootAt(size))).toBe(root);
  });

  it.each(vectors.inclusion)('leaf $index in size $size', ({ index, size, path }) => {
    const proof = proveInclusion(index, size, read);
    expect(proof.map(toHex)).toEqual(path);
    const leaf = leaves[index] ?? expect.unreachable();
    expect(verifyInclusion(leaf, index, size, proof, wantRoot(size))).toBeUndefined();
  });

  it.each(vectors.consistency)('size $first begins size $second', ({ first, second, path }) => {
    const proof = proveConsistency(first, second, read);
    expect(proof.map(toHex)).toEqual(path);
    expect(
      verifyConsistency(first, second, wantRoot(first), wantRoot(second), proof),
    ).toBeUndefined();
  });

  it('three entries of a ledger', () => {
    const { entry, leaves: hashes, node01, root } = vectors.ledger;
    const tree = grown(hashes.map(bytes));
    expect(toHex(leafHash(utf8(entry)))).toBe(hashes[0]);
    expect(toHex(tree.read({ level: 1, index: 0 }))).toBe(node01);
    expect(toHex(tree.rootAt(3))).toBe(root);
    expect(proveInclusion(0, 3, tree.read).map(toHex)).toEqual(hashes.slice(1));
  });
});

describe('against the definition', () => {
  const { read, rootAt } = grown(LEAVES);

  it('the root of every size from 0 to 300, however the tree grew there', () => {
    let frontier: Frontier = [];
    for (let size = 0; size <= 300; size++) {
      const want = toHex(naiveRoot(LEAVES, 0, size));
      expect(toHex(rootAt(size))).toBe(want);
      expect(toHex(rootOf(frontier))).toBe(want);
      const next = LEAVES[size];
      if (next !== undefined) ({ frontier } = grow(frontier, size, [next]));
    }
    // In batches of 7, with the same result and the same nodes.
    let tree: { frontier: Frontier; size: number } = { frontier: [], size: 0 };
    const completed: Uint8Array[][] = [];
    for (let from = 0; from < 300; from += 7) {
      const step = grow(tree.frontier, tree.size, LEAVES.slice(from, from + 7));
      completed.push(...step.completed);
      tree = step;
    }
    expect(tree.size).toBe(300);
    expect(tree.frontier).toEqual(frontier);
    expect(completed).toEqual(grow([], 0, LEAVES).completed);
  });

  it('D-89 inclusion: every leaf of every tree from 1 to 300', () => {
    for (let size = 1; size <= 300; size++) {
      const root = rootAt(size);
      for (let index = 0; index < size; index++) {
        const path = proveInclusion(index, size, read);
        const leaf = LEAVES[index] ?? expect.unreachable();
        const fault = verifyInclusion(leaf, index, size, path, root);
        if (fault !== undefined) expect.unreachable(`leaf ${index} of ${size}: ${fault}`);
        const want = naiveInclusion(LEAVES, index, 0, size);
        if (!samePaths(path, want)) expect.unreachable(`path of leaf ${index} of ${size}`);
      }
    }
  });

  it('D-89 consistency: every pair of sizes from 0 to 300', () => {
    for (let second = 0; second <= 300; second++) {
      for (let first = 0; first <= second; first++) {
        const path = proveConsistency(first, second, read);
        const fault = verifyConsistency(first, second, rootAt(first), rootAt(second), path);
        if (fault !== undefined) expect.unreachable(`${first} to ${second}: ${fault}`);
        const want = first === 0 ? [] : naiveConsistency(LEAVES, first, 0, second, true);
        if (!samePaths(path, want)) expect.unreachable(`path from ${first} to ${second}`);
      }
    }
  });

  it('reads the nodes it names, in that order, and no others', () => {
    const [index, size, first] = [117, 299, 150];
    const asked: NodeAt[] = [];
    const spy = (node: NodeAt): Uint8Array => {
      asked.push(node);
      return read(node);
    };
    proveInclusion(index, size, spy);
    expect(asked).toEqual(inclusionNodes(index, size));
    asked.length = 0;
    proveConsistency(first, size, spy);
    expect(asked).toEqual(consistencyNodes(first, size));
  });
});

describe('a false proof is refused', () => {
  const { read, rootAt } = grown(LEAVES);
  const INCLUSIONS = [
    [0, 1],
    [0, 2],
    [2, 3],
    [4, 7],
    [5, 8],
    [6, 11],
    [12, 13],
  ] as const;
  const CONSISTENCIES = [
    [1, 2],
    [2, 3],
    [3, 7],
    [4, 7],
    [6, 8],
    [4, 8],
    [7, 12],
  ] as const;

  it.each(INCLUSIONS)('inclusion of leaf %i in size %i', (index, size) => {
    const leaf = LEAVES[index] ?? expect.unreachable();
    const root = rootAt(size);
    const path = proveInclusion(index, size, read);
    const check = (changed: {
      leaf?: Uint8Array;
      index?: number;
      size?: number;
      path?: Uint8Array[];
      root?: Uint8Array;
    }): string | undefined => {
      const c = { leaf, index, size, path, root, ...changed };
      return verifyInclusion(c.leaf, c.index, c.size, c.path, c.root);
    };
    expect(check({})).toBeUndefined();
    for (const twin of twinsOf(path)) expect(check({ path: twin })).toBeDefined();
    for (const twin of bitFlips(leaf)) expect(check({ leaf: twin })).toBe('root_differs');
    for (const twin of bitFlips(root)) expect(check({ root: twin })).toBe('root_differs');
    for (let other = 0; other < 20; other++) {
      if (other !== index) expect(check({ index: other }), `index ${other}`).toBeDefined();
    }
    for (const other of [-1, 0.5, Number.NaN, size, 2 ** 53]) {
      expect(check({ index: other })).toBe('index_outside_tree');
    }
    expect(check({ size: 0 })).toBe('index_outside_tree');
    expect(check({ size: 2 ** 53 })).toBe('index_outside_tree');
    expect(check({ path: [...path, leaf] })).toBe('path_too_long');
    if (path.length > 0) expect(check({ path: path.slice(0, -1) })).toBe('path_too_short');
    expect(check({ leaf: leaf.slice(1) })).toBe('hash_malformed');
    expect(check({ root: root.slice(1) })).toBe('hash_malformed');
  });

  it('a wrong size is refused, unless the same path leads to the same root there', () => {
    // The size is not hashed into a root: RFC 9162 binds the two by signing both. What can be said
    // is that the path has to have the length and the turns that the claimed size gives it.
    const [index, size] = [3, 6];
    const leaf = LEAVES[index] ?? expect.unreachable();
    const path = proveInclusion(index, size, read);
    for (const other of [4, 9, 16, 17, 300]) {
      expect(
        verifyInclusion(leaf, index, other, path, rootAt(size)),
        `size ${other}`,
      ).toBeDefined();
      expect(
        verifyInclusion(leaf, index, size, path, rootAt(other)),
        `root ${other}`,
      ).toBeDefined();
    }
  });

  it.each(CONSISTENCIES)('size %i begins size %i', (first, second) => {
    const [firstRoot, secondRoot] = [rootAt(first), rootAt(second)];
    const path = proveConsistency(first, second, read);
    expect(verifyConsistency(first, second, firstRoot, secondRoot, path)).toBeUndefined();
    for (const twin of twinsOf(path)) {
      expect(verifyConsistency(first, second, firstRoot, secondRoot, twin)).toBeDefined();
    }
    for (const twin of bitFlips(firstRoot)) {
      expect(verifyConsistency(first, second, twin, secondRoot, path)).toBeDefined();
    }
    for (const twin of bitFlips(secondRoot)) {
      expect(verifyConsistency(first, second, firstRoot, twin, path)).toBe('second_root_differs');
    }
    expect(verifyConsistency(second, first, secondRoot, firstRoot, path)).toBe(
      'sizes_not_in_order',
    );
    expect(verifyConsistency(second, second, firstRoot, secondRoot, [])).toBe('first_root_differs');
    expect(verifyConsistency(second, second, secondRoot, secondRoot, path)).toBe('path_too_long');
    expect(verifyConsistency(0, second, firstRoot, secondRoot, [])).toBe('first_root_differs');
    expect(verifyConsistency(0, second, rootOf([]), secondRoot, path)).toBe('path_too_long');
    for (const [twin, fault] of [
      [[], 'path_too_short'],
      [path.slice(0, -1), 'path_too_short'],
      [[...path, firstRoot], 'path_too_long'],
    ] as const) {
      expect(verifyConsistency(first, second, firstRoot, secondRoot, twin)).toBe(fault);
    }
    expect(verifyConsistency(-1, second, firstRoot, secondRoot, path)).toBe('sizes_not_in_order');
    expect(verifyConsistency(first, second, firstRoot.slice(1), secondRoot, path)).toBe(
      'hash_malformed',
    );
  });

  it('a ledger that was rewritten does not extend the one before', () => {
    const other = grown(LEAVES.map((leaf, i) => (i === 2 ? nodeHash(leaf, leaf) : leaf)));
    const path = proveConsistency(5, 9, other.read);
    expect(verifyConsistency(5, 9, rootAt(5), other.rootAt(9), path)).toBe('first_root_differs');
  });
});

it('counts in sizes beyond 32 bits', () => {
  const size = 2 ** 40 + 3;
  expect(frontierNodes(size)).toEqual([
    { level: 40, index: 0 },
    { level: 1, index: 2 ** 39 },
    { level: 0, index: 2 ** 40 + 2 },
  ]);
  // All nodes alike by level: enough to walk a proof through a tree that nobody could store.
  const read = ({ level }: NodeAt): Uint8Array => {
    let hash = leafHash(utf8('same'));
    for (let i = 0; i < level; i++) hash = nodeHash(hash, hash);
    return hash;
  };
  const root = rootOf(frontierNodes(size).map(read));
  const leaf = read({ level: 0, index: 0 });
  for (const index of [0, 2 ** 33 + 5, 2 ** 40 + 1, 2 ** 40 + 2]) {
    const path = proveInclusion(index, size, read);
    expect(verifyInclusion(leaf, index, size, path, root)).toBeUndefined();
    expect(verifyInclusion(leaf, index, size, path.slice(1), root)).toBeDefined();
  }
  const first = 2 ** 35 + 1;
  const firstRoot = rootOf(frontierNodes(first).map(read));
  const proof = proveConsistency(first, size, read);
  expect(verifyConsistency(first, size, firstRoot, root, proof)).toBeUndefined();
  expect(verifyConsistency(first, size, root, firstRoot, proof)).toBeDefined();
  expect(completedBy({ level: 40, index: 7 })).toBe(2 ** 43 - 1);

  const almost = frontierNodes(2 ** 40 - 1).map(read);
  const full = grow(almost, 2 ** 40 - 1, [leaf]);
  expect(full.size).toBe(2 ** 40);
  expect(full.frontier).toEqual([read({ level: 40, index: 0 })]);
  expect(full.completed[0]).toHaveLength(41);
});

it('our own mistakes stop the program', () => {
  expect(() => grow([], 1, [])).toThrow('not a frontier');
  expect(() => proveInclusion(3, 3, () => new Uint8Array())).toThrow('no leaf 3');
  expect(() => proveConsistency(3, 2, () => new Uint8Array())).toThrow('no consistency');
  expect(() => frontierNodes(-1)).toThrow('no range');
});

function samePaths(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((hash, i) => equalBytes(hash, b[i] ?? hash.slice(1)));
}

function* bitFlips(hash: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < hash.length * 8; bit++) {
    const twin = hash.slice();
    twin[bit >> 3] = (twin[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    yield twin;
  }
}

/** Each bit flipped, each element dropped, one added at each place, neighbours swapped, one cut. */
function* twinsOf(path: readonly Uint8Array[]): Generator<Uint8Array[]> {
  for (const [i, hash] of path.entries()) {
    for (const twin of bitFlips(hash)) yield path.with(i, twin);
    yield path.toSpliced(i, 1);
    yield path.with(i, hash.slice(1));
    const next = path[i + 1];
    if (next !== undefined) yield path.with(i, next).with(i + 1, hash);
  }
  for (let i = 0; i <= path.length; i++)
    yield path.toSpliced(i, 0, LEAVES[299] ?? new Uint8Array());
}
