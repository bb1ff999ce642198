import type { JsonObject } from '@countersign/policy';
import { sha256Hex, sortedJson } from '@countersign/proof';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import vectors from '../../../../vectors/rulebook/adapters.json' with { type: 'json' };
import { moduleText } from '../../src/adapters/isolate.ts';
import { faultsOf, functions } from '../../src/adapters/registered.ts';
import { ADAPTERS, functionName, type RegisteredAdapter } from '../../src/adapters/registry.ts';
import { ADAPTER_CODE_HASH, readFacts, runAdapter } from '../../src/adapters/run-adapter.ts';

type Refused = { name: string; input: JsonObject; remove?: string[]; want: string[][] };

const sets = vectors.adapters.map((set) => ({
  adapter: adapterNamed(set.adapter_id, set.version),
  base: set.base as JsonObject,
  cases: set.cases as unknown as { name: string; input: JsonObject; facts: JsonObject }[],
  refused: set.refused as unknown as Refused[],
}));

describe.each(sets)('$adapter.adapter_id', ({ adapter, base, cases, refused }) => {
  const { run, input: shape } = functions[functionName(adapter)] ?? never();

  it.each(cases)('$name', ({ input, facts }) => {
    const given = { ...base, ...input };
    expect(faultsOf(shape, given)).toEqual([]);
    const found = run(given);
    expect(found).toEqual({ ...given, ...facts });
    expect(readFacts(functionName(adapter), found)).toEqual(found);
    // Negative zero would be another fact than the one its record holds.
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
  });

  it.each(refused)('refuses $name', async ({ input, remove, want }) => {
    const given: Record<string, unknown> = { ...base, ...input };
    for (const name of remove ?? []) delete given[name];
    expect(await runAdapter({ adapter, input: given as JsonObject })).toEqual({
      ok: false,
      fault: {
        code: 'input_invalid',
        fields: want.map(([name, code]) => ({ pointer: `/input/${name}`, code })),
      },
    });
  });

  it('gives facts of their shape for every input of its shape', () => {
    fc.assert(
      fc.property(inputs(shape), (given) => {
        expect(readFacts(functionName(adapter), run(given))).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });

  it('gives the same facts in its thread, in the same order, with the hashes of both sides', async () => {
    const first = await runAdapter({ adapter, input: base });
    const again = await runAdapter({ adapter, input: base });
    const facts = run(base) as JsonObject;
    expect(first).toEqual({
      ok: true,
      value: {
        facts,
        trustedAdapter: {
          ...adapter,
          input_hash: sha256Hex(sortedJson(base)),
          output_hash: sha256Hex(sortedJson(facts)),
        },
      },
    });
    expect(JSON.stringify(first)).toBe(JSON.stringify(again));
    expect(first.ok && JSON.stringify(first.value.facts)).toBe(JSON.stringify(facts));
  });

  it('takes facts for facts only where each has its shape', () => {
    const name = functionName(adapter);
    const facts = run(base) as JsonObject;
    expect(readFacts(name, facts)).toEqual(facts);
    for (const member of Object.keys(facts)) {
      expect(readFacts(name, { ...facts, [member]: -1e6 })).toBeUndefined();
      const { [member]: _, ...rest } = facts;
      expect(readFacts(name, rest)).toBeUndefined();
    }
    expect(readFacts(name, { ...facts, verdict: 'yes' })).toBeUndefined();
    expect(readFacts(name, undefined)).toBeUndefined();
    expect(readFacts(name, [facts])).toBeUndefined();
  });

  it.each([null, 'text', [], 7])('refuses %j as input', async (input) => {
    expect(await runAdapter({ adapter, input })).toEqual({
      ok: false,
      fault: { code: 'input_invalid', fields: [{ pointer: '/input', code: 'invalid_type' }] },
    });
  });
});

describe('the code that runs', () => {
  it('has the hash of its bytes', () => {
    expect(ADAPTER_CODE_HASH).toBe(sha256Hex(moduleText('registered')));
  });

  it('holds a function for every registered adapter, and no other', () => {
    expect(ADAPTERS.map(functionName)).toEqual(Object.keys(functions));
  });
});

function inputs(shape: NonNullable<(typeof functions)[string]>['input']) {
  return fc.record(
    Object.fromEntries(
      Object.entries(shape).map(([name, rule]) => {
        if (rule.kind === 'flag') return [name, fc.boolean() as fc.Arbitrary<unknown>];
        if (rule.kind === 'word') return [name, fc.constantFrom(...rule.words)];
        const min = ('above' in rule ? rule.above : undefined) ?? rule.min ?? 0;
        const minExcluded = 'above' in rule;
        const wide = fc.double({ min, minExcluded, max: rule.max, noNaN: true });
        return [name, fc.oneof(wide, fc.integer({ min: Math.max(min, 1), max: 30 }))];
      }),
    ),
  );
}

function adapterNamed(id: string, version: string): RegisteredAdapter {
  return ADAPTERS.find((one) => one.adapter_id === id && one.version === version) ?? never();
}

function never(): never {
  throw new Error('the vectors name an adapter that is not registered');
}
