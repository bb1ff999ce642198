import { describe, expect, it } from 'vitest';
import vectors from '../../../../vectors/rulebook/parsing.json' with { type: 'json' };
import type { Json, JsonObject } from '../../src/json.ts';
import { faultsOf, outcome, parsed, rulebookOf } from './support.ts';

type Case = { name: string; set: Record<string, unknown>; remove?: string[]; want: string[][] };

describe('parseRulebook', () => {
  it.each(vectors.cases as Case[])('$name', ({ set, remove, want }) => {
    expect(faultsOf(changed(vectors.base, set, remove))).toEqual(want);
  });

  it('puts rules in the order of their turn', () => {
    const rule = (rule_id: string, priority: number) => ruleOf({ rule_id, priority });
    const rules = [rule('b', 1), rule('a', -5), rule('a_2', 1), rule('a1', 1), rule('Z', 7)];
    const read = parsed(rulebookOf(rules, outcome('no')));
    expect(read.rules.map((one) => one.ruleId)).toEqual(['Z', 'a_2', 'a1', 'b', 'a']);
  });

  it('refuses a rule id that was used before, with equal and with other content', () => {
    const rules = [ruleOf({}), ruleOf({ priority: 2 }), ruleOf({})];
    expect(faultsOf(rulebookOf(rules, outcome('no')))).toEqual([
      ['/rules/1/rule_id', 'duplicate_value'],
      ['/rules/2/rule_id', 'duplicate_value'],
      ['/rules/2', 'duplicate_value'],
    ]);
  });

  it.each([
    ['action', 140],
    ['verdict', 80],
    ['reason_code', 80],
  ])('an outcome has `%s` of at most %i characters', (name, max) => {
    const book = (size: number) =>
      rulebookOf([ruleOf({})], { ...outcome('no'), [name]: 'A'.repeat(size) });
    expect(faultsOf(book(max))).toEqual([]);
    expect(faultsOf(book(max + 1))).toEqual([[`/default_outcome/${name}`, 'too_long']]);
  });

  it.each(['rulebook_id', 'version'])('`%s` has at most 80 characters', (name) => {
    const book = (size: number) => ({
      ...rulebookOf([ruleOf({})], outcome('no')),
      [name]: 'a'.repeat(size),
    });
    expect(faultsOf(book(80))).toEqual([]);
    expect(faultsOf(book(81))).toEqual([[`/${name}`, 'too_long']]);
  });

  it('a rule id has at most 80 characters', () => {
    const book = (size: number) =>
      rulebookOf([ruleOf({ rule_id: 'a'.repeat(size) })], outcome('no'));
    expect(faultsOf(book(80))).toEqual([]);
    expect(faultsOf(book(81))).toEqual([['/rules/0/rule_id', 'too_long']]);
  });

  it('reads 100 rules and not 101', () => {
    const rules = Array.from({ length: 101 }, (_, i) => ruleOf({ rule_id: `r${i}` }));
    expect(faultsOf(rulebookOf(rules.slice(1), outcome('no')))).toEqual([]);
    expect(faultsOf(rulebookOf(rules, outcome('no')))).toEqual([['/rules', 'out_of_range']]);
  });

  it('reads 32 conditions beside each other and not 33', () => {
    const of = (count: number) =>
      ruleOf({ condition: { any: Array.from({ length: count }, () => LEAF) } });
    expect(faultsOf(rulebookOf([of(32)], outcome('no')))).toEqual([]);
    expect(faultsOf(rulebookOf([of(33)], outcome('no')))).toEqual([
      ['/rules/0/condition/any', 'out_of_range'],
    ]);
  });

  it('reads eight combinators within each other and not nine', () => {
    expect(faultsOf(rulebookOf([ruleOf({ condition: nested(8) })], outcome('no')))).toEqual([]);
    expect(faultsOf(rulebookOf([ruleOf({ condition: nested(9) })], outcome('no')))).toEqual([
      [`/rules/0/condition${'/not'.repeat(9)}`, 'too_deep'],
    ]);
  });

  it('counts nodes over all rules: 256 and not 257', () => {
    const wide = (rule_id: string, count: number) =>
      ruleOf({ rule_id, condition: { all: Array.from({ length: count }, () => LEAF) } });
    const seven = Array.from({ length: 7 }, (_, i) => wide(`r${i}`, 32));
    // 7 × 33 = 231 nodes, then 1 + 24 and 1 + 25.
    expect(faultsOf(rulebookOf([...seven, wide('last', 24)], outcome('no')))).toEqual([]);
    expect(faultsOf(rulebookOf([...seven, wide('last', 27)], outcome('no')))).toEqual([
      ['/rules/7/condition/all/24', 'too_complex'],
    ]);
  });
});

const LEAF: JsonObject = { field: 'weight', operator: 'gt', value: 1 };

function ruleOf(changes: JsonObject): JsonObject {
  return { rule_id: 'r', priority: 1, condition: LEAF, outcome: outcome('yes'), ...changes };
}

function nested(depth: number): Json {
  return depth === 0 ? LEAF : { not: nested(depth - 1) };
}

function changed(base: unknown, set: Record<string, unknown>, remove: string[] = []): Json {
  if ('' in set) return set[''] as Json;
  const copy = structuredClone(base) as Record<string, unknown>;
  for (const [pointer, value] of Object.entries(set)) {
    const [holder, name] = holderOf(copy, pointer);
    holder[name] = value;
  }
  for (const pointer of remove) {
    const [holder, name] = holderOf(copy, pointer);
    delete holder[name];
  }
  return copy as JsonObject;
}

function holderOf(root: Record<string, unknown>, pointer: string) {
  const steps = pointer.split('/').slice(1);
  const name = steps.pop() ?? '';
  const holder = steps.reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], root);
  return [holder as Record<string, unknown>, name] as const;
}
