import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALTERNATIVES_MAX, type Change, leastChanges, type Options } from '../src/changes.ts';
import { evaluateRequirement, leavesOf, type Requirement } from '../src/requirement.ts';
import type { Truth } from '../src/truth.ts';

const TRUTHS = ['true', 'false', 'unknown'] as const;
type Tree = Requirement<number>;

/** Trees over `leaves` conditions, which occur several times and under `not`. */
function trees(leaves: number, children: number, depth = 3): fc.Arbitrary<Tree> {
  const single: fc.Arbitrary<Tree> = fc.nat(leaves - 1).map(leaf);
  if (depth === 0) return single;
  const list = fc.array(trees(leaves, children, depth - 1), {
    minLength: 1,
    maxLength: children,
    size: 'max',
  });
  return fc.oneof(
    single,
    trees(leaves, children, depth - 1).map((of): Tree => ({ kind: 'not', of })),
    ...(['and', 'or'] as const).map((kind) => list.map((of): Tree => ({ kind, of }))),
    fc.tuple(list, fc.nat()).map(
      ([of, n]): Tree => ({
        kind: 'group',
        min: 1 + (n % of.length),
        of,
      }),
    ),
  );
}

const truths = (count: number): fc.Arbitrary<Truth[]> =>
  fc.array(fc.constantFrom(...TRUTHS), { minLength: count, maxLength: count });

/** Every condition may become true or false. */
const free = (now: readonly Truth[]): readonly Options[] =>
  now.map((truth) => [
    { truth: 'true', changes: truth !== 'true' },
    { truth: 'false', changes: truth !== 'false' },
  ]);

/** Every condition may go from one truth to another. */
const between = (from: readonly Truth[], to: readonly Truth[]): readonly Options[] =>
  from.map((truth, i) => {
    const next = to[i] ?? truth;
    const stays = { truth, changes: false };
    return next === truth ? [stays] : [stays, { truth: next, changes: true }];
  });

function applied(now: readonly Truth[], set: readonly Change[]): readonly { truth: Truth }[] {
  return now.map((truth, i) => ({ truth: set.find(({ leaf }) => leaf === i)?.truth ?? truth }));
}

/** All inclusion-minimal sets, found by trying every assignment. */
function tried(
  tree: Tree,
  wanted: Truth,
  now: readonly Truth[],
  options: readonly Options[],
): Set<string> {
  const used = [...leavesOf(tree)].sort((a, b) => a - b);
  const trace = now.map((truth) => ({ truth }));
  const sets: Change[][] = [];
  const visit = (at: number, set: readonly Change[]): void => {
    const leaf = used[at];
    if (leaf === undefined) {
      if (evaluateRequirement(tree, trace) === wanted) sets.push([...set]);
      return;
    }
    const current = now[leaf] ?? 'unknown';
    visit(at + 1, set);
    for (const option of options[leaf] ?? []) {
      if (option?.changes !== true) continue;
      trace[leaf] = { truth: option.truth };
      visit(at + 1, [...set, { leaf, truth: option.truth }]);
      trace[leaf] = { truth: current };
    }
  };
  visit(0, []);
  const minimal: (readonly Change[])[] = [];
  for (const set of sets.sort((a, b) => a.length - b.length)) {
    const contains = (other: readonly Change[]): boolean =>
      other.every((one) => set.some((two) => one.leaf === two.leaf && one.truth === two.truth));
    if (!minimal.some(contains)) minimal.push(set);
  }
  return new Set(minimal.map((set) => JSON.stringify(set)));
}

describe('the least changes', () => {
  it.each([
    ['few conditions, many times', 4, 4, 500, 3],
    ['twelve conditions', 12, 5, 250, 8],
  ])('are those that trying everything finds: %s', (_, leaves, children, numRuns, many) => {
    let complete = 0;
    let large = 0;
    let several = 0;
    fc.assert(
      fc.property(trees(leaves, children), truths(leaves), (tree, now) => {
        const found = leastChanges(tree, 'true', free(now));
        for (const set of found.sets) {
          expect(evaluateRequirement(tree, applied(now, set))).toBe('true');
        }
        if (!found.complete) return;
        complete += 1;
        if (found.sets.length > 1) several += 1;
        if (leavesOf(tree).length >= many) large += 1;
        const keys = found.sets.map((set) => JSON.stringify(set));
        expect(new Set(keys).size).toBe(keys.length);
        expect(new Set(keys)).toEqual(tried(tree, 'true', now, free(now)));
      }),
      { numRuns },
    );
    expect(complete).toBeGreaterThan(numRuns * 0.95);
    expect(several).toBeGreaterThan(numRuns * 0.05);
    expect(large).toBeGreaterThan(numRuns * 0.05);
  });

  it('towards each truth, from one set of states to another', () => {
    fc.assert(
      fc.property(trees(6, 4), truths(6), truths(6), (tree, from, to) => {
        const wanted = evaluateRequirement(
          tree,
          to.map((truth) => ({ truth })),
        );
        const found = leastChanges(tree, wanted, between(from, to));
        expect(found.complete).toBe(true);
        expect(found.sets).not.toHaveLength(0);
        expect(new Set(found.sets.map((set) => JSON.stringify(set)))).toEqual(
          tried(tree, wanted, from, between(from, to)),
        );
      }),
      { numRuns: 400 },
    );
  });

  it('are none at all where the requirement already comes out so', () => {
    const tree: Tree = { kind: 'or', of: [leaf(0), leaf(1)] };
    expect(leastChanges(tree, 'true', free(['true', 'false']))).toEqual({
      sets: [[]],
      complete: true,
    });
  });

  it('do not exist where two places need one condition to be both', () => {
    const tree: Tree = { kind: 'and', of: [leaf(0), { kind: 'not', of: leaf(0) }] };
    expect(leastChanges(tree, 'true', free(['unknown']))).toEqual({ sets: [], complete: true });
    const either: Tree = { kind: 'or', of: tree.of };
    expect(leastChanges(either, 'true', free(['unknown'])).sets).toEqual([
      [{ leaf: 0, truth: 'true' }],
      [{ leaf: 0, truth: 'false' }],
    ]);
  });

  it('never rely on what they change elsewhere', () => {
    // Open the second with `not 0`, and the first with 0 staying as it is: only one can be.
    const tree: Tree = {
      kind: 'and',
      of: [
        { kind: 'or', of: [leaf(0), leaf(1)] },
        { kind: 'or', of: [{ kind: 'not', of: leaf(0) }, leaf(2)] },
      ],
    };
    expect(leastChanges(tree, 'true', free(['true', 'false', 'false'])).sets).toEqual([
      [{ leaf: 2, truth: 'true' }],
      [
        { leaf: 0, truth: 'false' },
        { leaf: 1, truth: 'true' },
      ],
    ]);
  });

  it('stay out of what cannot change', () => {
    const tree: Tree = { kind: 'or', of: [leaf(0), leaf(1)] };
    const [, second = []] = free(['false', 'false']);
    expect(leastChanges(tree, 'true', [[], second]).sets).toEqual([[{ leaf: 1, truth: 'true' }]]);
    expect(leastChanges(tree, 'true', [[], []]).sets).toEqual([]);
  });

  it('say that they are not all where there are too many, and each still works', () => {
    const of = Array.from({ length: 32 }, (_, i) => leaf(i));
    const now = of.map((): Truth => 'unknown');
    const halves: Tree = { kind: 'group', min: 16, of };
    const mixed: Tree = {
      kind: 'and',
      of: Array.from({ length: 7 }, (_, i) => ({
        kind: 'group' as const,
        min: 4 + i,
        of: of.map((one, k) => ((k * (i + 3)) % 7 < 3 ? { kind: 'not' as const, of: one } : one)),
      })),
    };
    for (const tree of [halves, mixed]) {
      const startedAt = performance.now();
      const found = leastChanges(tree, 'true', free(now));
      expect(performance.now() - startedAt).toBeLessThan(1_000);
      expect(found.complete).toBe(false);
      expect(found.sets.length).toBeLessThanOrEqual(ALTERNATIVES_MAX);
      for (const set of found.sets) {
        expect(evaluateRequirement(tree, applied(now, set))).toBe('true');
      }
    }
    expect(leastChanges(halves, 'true', free(now)).sets[0]).toHaveLength(16);
  });

  it('know the bound of alternatives: 55 pairs are all, 66 are cut', () => {
    const pairs = (count: number): ReturnType<typeof leastChanges> => {
      const of = Array.from({ length: count }, (_, i) => leaf(i));
      return leastChanges({ kind: 'group', min: 2, of }, 'true', free(of.map(() => 'false')));
    };
    expect([pairs(11).sets.length, pairs(11).complete]).toEqual([55, true]);
    expect([pairs(12).sets.length, pairs(12).complete]).toEqual([ALTERNATIVES_MAX, false]);
  });

  it('know the bound of work: a hundred times the same question is not answered in full', () => {
    const now = Array.from({ length: 6 }, (): Truth => 'unknown');
    const half: Tree = { kind: 'group', min: 3, of: now.map((_, i) => leaf(i)) };
    const times = (count: number): ReturnType<typeof leastChanges> => {
      const tree: Tree = { kind: 'and', of: Array.from({ length: count }, () => half) };
      const found = leastChanges(tree, 'true', free(now));
      for (const set of found.sets) {
        expect(evaluateRequirement(tree, applied(now, set))).toBe('true');
      }
      return found;
    };
    expect([times(2).sets.length, times(2).complete]).toEqual([20, true]);
    expect(times(100).sets.length).toBeGreaterThan(0);
    expect(times(100).complete).toBe(false);
  });

  it('takes the 32nd condition, whose bit is the sign, and no 33rd', () => {
    const now = Array.from({ length: 32 }, (): Truth => 'true');
    const last: Tree = { kind: 'and', of: [leaf(0), { kind: 'not', of: leaf(31) }] };
    expect(leastChanges(last, 'true', free(now)).sets).toEqual([[{ leaf: 31, truth: 'false' }]]);
    expect(() => leastChanges(last, 'true', free([...now, 'true']))).toThrow('33 conditions');
  });
});

function leaf(index: number): Tree {
  return { kind: 'condition', leaf: index };
}
