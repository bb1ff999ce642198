import { describe, expect, it } from 'vitest';
import type { Fault } from '../src/fault.ts';
import type { Json } from '../src/json.ts';
import { leavesOf, parseRequirement, type Requirement } from '../src/requirement.ts';

const a: Json = { cond: 'a' };
const b: Json = { cond: 'b' };

describe('parseRequirement', () => {
  it('reads every kind of node', () => {
    const json = { and: [a, { or: [b, { not: a }] }, { group: { min: 1, of: [a, b] } }] };
    expect(parse(json)).toEqual({
      faults: [],
      node: {
        kind: 'and',
        of: [
          { kind: 'condition', leaf: 'a' },
          {
            kind: 'or',
            of: [
              { kind: 'condition', leaf: 'b' },
              { kind: 'not', of: { kind: 'condition', leaf: 'a' } },
            ],
          },
          {
            kind: 'group',
            min: 1,
            of: [
              { kind: 'condition', leaf: 'a' },
              { kind: 'condition', leaf: 'b' },
            ],
          },
        ],
      },
    });
  });

  it.each<[string, Json, string, string]>([
    ['no object', 'a', '', 'invalid_type'],
    ['null', null, '', 'invalid_type'],
    ['no member', {}, '', 'invalid_value'],
    ['two kinds', { cond: 'a', not: a }, '', 'invalid_value'],
    ['a further member', { and: [a], title: 'x' }, '/title', 'unknown_field'],
    ['another kind', { xor: [a, b] }, '/xor', 'unknown_field'],
    ['a name that is no text', { cond: 1 }, '/cond', 'invalid_type'],
    ['a name nobody declared', { cond: 'c' }, '/cond', 'invalid_condition'],
    ['a name every object has', { cond: 'constructor' }, '/cond', 'invalid_condition'],
    ['no child', { and: [] }, '/and', 'out_of_range'],
    ['no child to choose from', { or: [] }, '/or', 'out_of_range'],
    ['33 children', { or: Array(33).fill(a) }, '/or', 'out_of_range'],
    ['children that are no array', { and: { 0: a } }, '/and', 'invalid_type'],
    ['a bad child', { and: [a, { or: [b, 7] }] }, '/and/1/or/1', 'invalid_type'],
    ['not over an array', { not: [a] }, '/not', 'invalid_type'],
    ['a group that is an array', { group: [a] }, '/group', 'invalid_type'],
    ['a group without min', { group: { of: [a] } }, '/group/min', 'required'],
    ['a group without children', { group: { min: 1 } }, '/group/of', 'required'],
    ['a group of none', { group: { min: 1, of: [] } }, '/group/of', 'out_of_range'],
    ['min 0', { group: { min: 0, of: [a, b] } }, '/group/min', 'out_of_range'],
    ['min above the children', { group: { min: 3, of: [a, b] } }, '/group/min', 'out_of_range'],
    ['min as text', { group: { min: '1', of: [a] } }, '/group/min', 'invalid_type'],
    ['min with a fraction', { group: { min: 1.5, of: [a, b] } }, '/group/min', 'invalid_type'],
    ['a further member', { group: { min: 1, of: [a], max: 1 } }, '/group/max', 'unknown_field'],
  ])('refuses %s: %j', (_, json, pointer, code) => {
    const { node, faults } = parse(json);
    expect(node).toBeUndefined();
    expect(faults.map((fault) => [fault.pointer, fault.code])).toContainEqual([pointer, code]);
  });

  it('finds every fault', () => {
    const { faults } = parse({ and: [{ cond: 'c' }, { or: [] }, { not: 1 }] });
    expect(faults.map((fault) => fault.pointer)).toEqual([
      '/and/0/cond',
      '/and/1/or',
      '/and/2/not',
    ]);
  });

  it('counts depth in edges from the root', () => {
    expect(parse(nested(8), 8).faults).toEqual([]);
    expect(parse(nested(9), 8).faults.map((fault) => fault.code)).toEqual(['too_deep']);
  });

  it('has a hard limit that no caller can raise, and survives far deeper trees', () => {
    expect(parse(nested(32), 1_000).faults).toEqual([]);
    expect(parse(nested(33), 1_000).faults.map((fault) => fault.code)).toEqual(['too_deep']);
    expect(parse(nested(5_000), 1_000).faults.map((fault) => fault.code)).toEqual(['too_deep']);
  });

  it('counts 256 nodes and says once that there are more', () => {
    const wide = (leaves: number): Json => ({
      and: Array.from({ length: 8 }, (_, i) => ({
        or: Array(i === 0 ? leaves - 7 * 31 : 31).fill(a),
      })),
    });
    // 1 root, 8 children and the leaves.
    expect(parse(wide(247)).faults).toEqual([]);
    expect(parse(wide(248)).faults.map((fault) => fault.code)).toEqual(['too_complex']);
    expect(parse(wide(249)).faults.map((fault) => fault.code)).toEqual(['too_complex']);
  });
});

describe('leavesOf', () => {
  it('lists each name once, in the order of its first use', () => {
    const { node } = parse({ and: [{ or: [b, a] }, a, b] });
    expect(node && leavesOf(node)).toEqual(['b', 'a']);
  });
});

function parse(
  json: Json,
  depthMax = 8,
): { readonly node: Requirement | undefined; readonly faults: readonly Fault[] } {
  const faults: Fault[] = [];
  const node = parseRequirement(json, '', { names: new Set(['a', 'b']), depthMax, faults });
  return { node, faults };
}

function nested(depth: number): Json {
  let node: Json = a;
  for (let i = 0; i < depth; i += 1) node = { not: node };
  return node;
}
