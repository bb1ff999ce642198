import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Assessment, assess } from '../../src/decide-v1/assess.ts';
import { type Comparison, compareAssessments } from '../../src/decide-v1/compare.ts';
import type { PolicyDocument } from '../../src/decide-v1/compile.ts';
import type { Asked } from '../../src/decide-v1/facts.ts';
import { unboundWorkflow } from '../../src/decide-v1/unbound.ts';
import type { Json, JsonObject } from '../../src/json.ts';
import { evaluateRequirement } from '../../src/requirement.ts';
import type { Truth } from '../../src/truth.ts';
import { AT, documentWith, parsed, request } from './support.ts';

const all = policy(['a', 'b', 'c'], { and: ['a', 'b', 'c'].map((cond) => ({ cond })) });
const any = policy(['a', 'b', 'c'], { or: ['a', 'b', 'c'].map((cond) => ({ cond })) });

describe('two answers of one policy', () => {
  it('differ by the conditions that changed', () => {
    const before = ask(all, { a: 'ok', b: 'bad' });
    const after = ask(all, { a: 'ok', b: 'ok', c: 'ok' });
    expect(compareAssessments(before, after, all)).toEqual({
      conditions: [
        {
          name: 'a',
          before: { state: 'true', code: 'A_OK' },
          after: { state: 'true', code: 'A_OK' },
          change: 'none',
        },
        {
          name: 'b',
          before: { state: 'false', code: 'B_BAD' },
          after: { state: 'true', code: 'B_OK' },
          change: 'state',
        },
        {
          name: 'c',
          before: { state: 'unknown', code: 'C_OPEN' },
          after: { state: 'true', code: 'C_OK' },
          change: 'state',
        },
      ],
      explainedBy: ['b', 'c'],
      smallest: true,
    });
  });

  it('are explained by as few changes as possible', () => {
    const good = ask(all, { a: 'ok', b: 'ok', c: 'ok' });
    const bad = ask(all, { b: 'odd', c: 'bad' });
    // One that fails is enough for a no, whatever else is open.
    expect(compareAssessments(good, bad, all).explainedBy).toEqual(['c']);
    expect(compareAssessments(good, ask(all, { c: 'odd' }), all).explainedBy).toEqual(['a']);
    expect(compareAssessments(ask(any, { a: 'bad', b: 'bad', c: 'bad' }), good, any)).toMatchObject(
      { explainedBy: ['a'], smallest: true },
    );
  });

  it('with one verdict have nothing to explain', () => {
    const one = ask(any, { a: 'ok' });
    const other = ask(any, { b: 'ok' });
    const comparison = compareAssessments(one, other, any);
    expect(comparison.explainedBy).toEqual([]);
    expect(changes(comparison)).toEqual({ a: 'state', b: 'state', c: 'none' });
    expect(compareAssessments(one, one, any).conditions.map(({ change }) => change)).toEqual([
      'none',
      'none',
      'none',
    ]);
  });

  it('name a built-in condition where it is not silent', () => {
    const context = { a: 'ok', b: 'ok', c: 'ok' };
    const comparison = compareAssessments(
      ask(all, { ...context, source_record_id: null }),
      ask(all, context),
      all,
    );
    expect(comparison.conditions[0]).toEqual({
      name: 'builtin.binding_complete',
      before: { state: 'unknown', code: 'BINDING_INCOMPLETE' },
      after: { state: 'true' },
      change: 'state',
    });
    expect(comparison.conditions).toHaveLength(4);
    expect(comparison.explainedBy).toEqual(['builtin.binding_complete']);
  });

  it('show an owner’s word as what changed', () => {
    const context = { a: 'ok', b: 'ok' };
    const denied = { denied: true, waived: [], overridden: [] };
    const comparison = compareAssessments(
      ask(all, context),
      ask(all, context, { resolution: denied }),
      all,
    );
    expect(comparison.explainedBy).toEqual(['builtin.owner_denied']);
    expect(comparison.conditions.at(-1)).toEqual({
      name: 'builtin.owner_denied',
      before: { state: 'false' },
      after: { state: 'true', code: 'OWNER_DENIED' },
      change: 'state',
    });
    const waivable = policy(['a'], { cond: 'a' }, { waivable: true });
    const waived = { denied: false, waived: ['a'], overridden: [] };
    expect(
      compareAssessments(ask(waivable, {}), ask(waivable, {}, { resolution: waived }), waivable),
    ).toMatchObject({
      conditions: [{ before: { state: 'unknown', code: 'A_OPEN' }, after: { code: 'A_OPEN' } }],
      explainedBy: ['a'],
    });
  });
});

describe('answers of two policies', () => {
  it('show what was added, removed and renamed', () => {
    const next = parsed(
      documentWith({
        conditions: {
          b: { ...state('b'), codes: { true: 'B_FINE', false: 'B_BAD', unknown: 'B_OPEN' } },
          d: state('d'),
        },
        requirement: { and: [{ cond: 'd' }, { cond: 'b' }] },
      }),
    );
    const context = { a: 'ok', b: 'ok', c: 'ok' };
    const comparison = compareAssessments(ask(all, context), ask(next, context), next);
    expect(comparison.conditions.map(({ name, change }) => [name, change])).toEqual([
      ['d', 'added'],
      ['b', 'code'],
      ['a', 'removed'],
      ['c', 'removed'],
    ]);
    expect(comparison.conditions[0]).not.toHaveProperty('before');
    expect(comparison.conditions[2]).not.toHaveProperty('after');
  });

  it('are explained by no condition where the policy alone made the difference', () => {
    const context = { a: 'ok', b: 'ok' };
    const [before, after] = [ask(any, context), ask(all, context)];
    expect([before.verdict, after.verdict]).toEqual(['yes', 'review']);
    expect(compareAssessments(before, after, all)).toMatchObject({
      explainedBy: [],
      smallest: true,
    });
  });

  it('are explained by the conditions where the later policy would have answered as before', () => {
    const before = ask(any, { a: 'ok', b: 'ok', c: 'ok' });
    const after = ask(all, { a: 'ok', b: 'ok', c: 'bad' });
    expect(compareAssessments(before, after, all).explainedBy).toEqual(['c']);
  });

  it('one of which had no policy', () => {
    const before = assess(unboundWorkflow, { context: {}, at: AT, standing: 'unbound' });
    const after = ask(any, { a: 'ok' });
    const comparison = compareAssessments(before, after, any);
    expect(changes(comparison)).toMatchObject({ 'builtin.policy_bound': 'state', a: 'added' });
    expect(comparison.explainedBy).toEqual(['builtin.policy_bound']);
    const undone = compareAssessments(after, before, unboundWorkflow);
    expect(changes(undone)).toMatchObject({ 'builtin.policy_bound': 'state', a: 'removed' });
    expect(undone.explainedBy).toEqual(['builtin.policy_bound']);
  });
});

describe('the explanation of a difference', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const leaf = fc.constantFrom(...names).map((cond): Json => ({ cond }));
  const lists = (of: fc.Arbitrary<Json>): fc.Arbitrary<Json[]> =>
    fc.array(of, { minLength: 1, maxLength: 4, size: 'max' });
  const level = (of: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
    fc.oneof(
      of,
      of.map((node): Json => ({ not: node })),
      lists(of).map((and): Json => ({ and })),
      lists(of).map((or): Json => ({ or })),
      fc
        .tuple(lists(of), fc.nat())
        .map(([list, n]): Json => ({ group: { min: 1 + (n % list.length), of: list } })),
    );
  // Every condition is used, and nothing is said to an empty context.
  const policies = level(level(leaf)).map((tree) =>
    policy(names, { and: [{ or: [...names.map((cond) => ({ cond }))] }, tree] }),
  );
  const word = fc.constantFrom('ok', 'bad', 'odd');
  const contexts = fc.record({ a: word, b: word, c: word, d: word, e: word });

  it('leads to the later verdict, and nothing smaller does', () => {
    let several = 0;
    fc.assert(
      fc.property(policies, policies, contexts, contexts, (first, second, one, other) => {
        const [before, after] = [ask(first, one), ask(second, other)];
        const { explainedBy, smallest } = compareAssessments(before, after, second);
        expect(smallest).toBe(true);
        const earlier = new Map(before.trace.map(({ name, truth }) => [name, truth]));
        const changed = after.trace
          .filter(({ name, truth }) => earlier.get(name) !== truth)
          .map(({ name }) => name);
        const reaches = (set: readonly string[]): boolean =>
          truthWith(second, after, earlier, set) === after.state;
        if (before.verdict === after.verdict) {
          expect(explainedBy).toEqual([]);
          return;
        }
        if (explainedBy.length > 1) several += 1;
        expect(reaches(explainedBy)).toBe(true);
        expect(changed).toEqual(expect.arrayContaining([...explainedBy]));
        for (const set of subsets(changed)) {
          if (set.length < explainedBy.length) expect(reaches(set)).toBe(false);
        }
      }),
      { numRuns: 600 },
    );
    expect(several).toBeGreaterThan(10);
  });
});

/** The later policy where the conditions outside `set` stand as they did before. */
function truthWith(
  document: PolicyDocument,
  after: Assessment,
  earlier: ReadonlyMap<string, Truth>,
  set: readonly string[],
): Truth {
  return evaluateRequirement(
    document.kernel.requirement,
    after.trace.map(({ name, truth }) => ({
      truth: set.includes(name) ? truth : (earlier.get(name) ?? truth),
    })),
  );
}

function subsets(names: readonly string[]): readonly (readonly string[])[] {
  return names.reduce<readonly (readonly string[])[]>(
    (sets, name) => [...sets, ...sets.map((set) => [...set, name])],
    [[]],
  );
}

function changes({ conditions }: Comparison): Readonly<Record<string, string>> {
  return Object.fromEntries(conditions.map(({ name, change }) => [name, change]));
}

function ask(
  document: PolicyDocument,
  context: JsonObject,
  asked: Partial<Asked> = {},
): Assessment {
  return assess(document, { context: request(context), at: AT, standing: 'active', ...asked });
}

function policy(
  names: readonly string[],
  requirement: Json,
  flags: JsonObject = {},
): PolicyDocument {
  const conditions = Object.fromEntries(names.map((name) => [name, { ...state(name), ...flags }]));
  return parsed(documentWith({ conditions, requirement }));
}

function state(field: string): JsonObject {
  const upper = field.toUpperCase();
  const codes = { true: `${upper}_OK`, false: `${upper}_BAD`, unknown: `${upper}_OPEN` };
  return { field, op: 'state', true: ['ok'], false: ['bad'], codes };
}
