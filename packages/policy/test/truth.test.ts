import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import group from '../../../vectors/truth/group.json' with { type: 'json' };
import tables from '../../../vectors/truth/tables.json' with { type: 'json' };
import { evaluateRequirement, type Requirement } from '../src/requirement.ts';
import { and, atLeast, not, or, type Truth } from '../src/truth.ts';

const TRUTHS = ['true', 'unknown', 'false'] as const;
const truth = fc.constantFrom<Truth>(...TRUTHS);
const truths = fc.array(truth, { minLength: 1, maxLength: 12 });

describe('D-32 Kleene tables', () => {
  it.each(tables.not)('not $value is $want', ({ value, want }) => {
    expect(not(value as Truth)).toBe(want);
  });
  it.each(tables.and)('$left and $right is $want', ({ left, right, want }) => {
    expect(and([left, right] as Truth[])).toBe(want);
  });
  it.each(tables.or)('$left or $right is $want', ({ left, right, want }) => {
    expect(or([left, right] as Truth[])).toBe(want);
  });
  it('the tables leave out no pair', () => {
    expect([tables.not.length, tables.and.length, tables.or.length]).toEqual([3, 9, 9]);
  });
});

describe('D-33 RequireGroup', () => {
  it('the table holds all counts with 1 ≤ min ≤ children ≤ 5', () => {
    const expected = new Set<string>();
    for (let size = 1; size <= 5; size += 1) {
      for (let min = 1; min <= size; min += 1) {
        for (let trues = 0; trues <= size; trues += 1) {
          for (let open = 0; open <= size - trues; open += 1) {
            expected.add(`${min} ${trues} ${open} ${size - trues - open}`);
          }
        }
      }
    }
    expect(new Set(group.cases.map((c) => `${c.min} ${c.true} ${c.unknown} ${c.false}`))).toEqual(
      expected,
    );
  });

  it('every assignment of up to five children answers as the table', () => {
    const want = new Map(group.cases.map((c) => [`${c.min} ${c.true} ${c.unknown}/${size(c)}`, c]));
    let seen = 0;
    for (let count = 1; count <= 5; count += 1) {
      for (let code = 0; code < 3 ** count; code += 1) {
        const values = Array.from(
          { length: count },
          (_, i) => TRUTHS[Math.floor(code / 3 ** i) % 3] as Truth,
        );
        const trues = values.filter((value) => value === 'true').length;
        const open = values.filter((value) => value === 'unknown').length;
        for (let min = 1; min <= count; min += 1) {
          expect(groupOf(min, values)).toBe(want.get(`${min} ${trues} ${open}/${count}`)?.want);
          seen += 1;
        }
      }
    }
    // Σ n · 3^n for n from 1 to 5.
    expect(seen).toBe(1_641);
  });
});

describe('laws', () => {
  it('D-32 random trees equal the reference: minimum, maximum, complement, k-th largest', () => {
    fc.assert(
      fc.property(tree, assignment, (node, values) => {
        expect(evaluate(node, values)).toBe(TRUTHS[2 - reference(node, values)]);
      }),
      { numRuns: 3_000 },
    );
  });

  it('D-32 monotonicity: settling an unknown never turns a settled tree, in 10 000 trees', () => {
    let settled = 0;
    fc.assert(
      fc.property(tree, assignment, assignment, (node, values, filling) => {
        const before = evaluate(node, values);
        if (before === 'unknown') return;
        settled += 1;
        const filled = values.map((value, i) => (value === 'unknown' ? filling[i] : value));
        expect(evaluate(node, filled as Truth[])).toBe(before);
      }),
      { numRuns: 30_000 },
    );
    // Trees that were open to begin with show nothing, so they do not count.
    expect(settled).toBeGreaterThanOrEqual(10_000);
  });

  it('De Morgan', () => {
    fc.assert(
      fc.property(truths, (values) => {
        expect(not(and(values))).toBe(or(values.map(not)));
        expect(not(or(values))).toBe(and(values.map(not)));
      }),
    );
  });

  it('a group of one is or, a group of all is and, and more is harder', () => {
    fc.assert(
      fc.property(truths, fc.nat(12), (values, count) => {
        expect(atLeast(1, values)).toBe(or(values));
        expect(atLeast(values.length, values)).toBe(and(values));
        expect(atLeast(0, values)).toBe('true');
        expect(atLeast(values.length + 1, values)).toBe('false');
        expect(rank(atLeast(count + 1, values))).toBeLessThanOrEqual(rank(atLeast(count, values)));
      }),
    );
  });

  it('the order of the children does not matter', () => {
    const shuffled = truths.chain((values) =>
      fc.tuple(fc.constant(values), fc.shuffledSubarray(values, { minLength: values.length })),
    );
    fc.assert(
      fc.property(shuffled, fc.nat(12), ([values, other], count) => {
        expect(atLeast(count, other)).toBe(atLeast(count, values));
      }),
    );
  });
});

const LEAVES = 6;
const assignment = fc.array(truth, { minLength: LEAVES, maxLength: LEAVES });
const { tree } = fc.letrec<{ tree: Requirement<number> }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.nat(LEAVES - 1).map((leaf) => ({ kind: 'condition' as const, leaf })),
    tie('tree').map((of) => ({ kind: 'not' as const, of })),
    fc
      .tuple(
        fc.constantFrom('and', 'or', 'group'),
        fc.array(tie('tree'), { minLength: 1, maxLength: 4 }),
        fc.nat(3),
      )
      .map(([kind, of, min]): Requirement<number> => {
        if (kind === 'group') return { kind, of, min: 1 + (min % of.length) };
        return { kind: kind === 'and' ? 'and' : 'or', of };
      }),
  ),
}));

function evaluate(node: Requirement<number>, values: readonly Truth[]): Truth {
  return evaluateRequirement(
    node,
    values.map((value) => ({ truth: value })),
  );
}

function groupOf(min: number, values: readonly Truth[]): Truth {
  const of = values.map((_, leaf): Requirement<number> => ({ kind: 'condition', leaf }));
  return evaluate({ kind: 'group', min, of }, values);
}

/** The same logic told with numbers: false 0, unknown 1, true 2. */
function reference(node: Requirement<number>, values: readonly Truth[]): number {
  if (node.kind === 'condition') return rank(values[node.leaf] ?? 'unknown');
  if (node.kind === 'not') return 2 - reference(node.of, values);
  const children = node.of.map((child) => reference(child, values)).sort((a, b) => b - a);
  if (node.kind === 'group') return children[node.min - 1] ?? 0;
  return node.kind === 'and' ? Math.min(...children) : Math.max(...children);
}

function rank(value: Truth): number {
  return 2 - TRUTHS.indexOf(value);
}

function size(counts: { true: number; unknown: number; false: number }): number {
  return counts.true + counts.unknown + counts.false;
}
