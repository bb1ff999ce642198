import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../src/canonical.ts';
import { shape } from '../src/shape.ts';

describe('shape', () => {
  it('writes members in canonical order and leaves out what is undefined', () => {
    const write = shape(['b', 'a', 'B', 'a_', 'a1']);
    expect(write({ a: '1', b: '"x"', B: '[]', a_: '{}', a1: 'null' })).toBe(
      '{"B":[],"a":1,"a1":null,"a_":{},"b":"x"}',
    );
    expect(write({ b: '2', a: undefined })).toBe('{"b":2}');
    expect(write({})).toBe('{}');
    expect(shape([])({})).toBe('{}');
  });

  it('writes what the general serializer writes', () => {
    const name = fc
      .string({ unit: 'grapheme', maxLength: 6 })
      .filter((text) => !(text in Object.prototype));
    fc.assert(
      fc.property(
        fc.dictionary(name, fc.option(fc.jsonValue({ maxDepth: 1 }), { nil: undefined })),
        (members) => {
          const texts: Record<string, string | undefined> = {};
          const present: Record<string, unknown> = {};
          for (const [key, value] of Object.entries(members)) {
            if (value !== undefined) present[key] = value;
            texts[key] = value === undefined ? undefined : canonicalJson(value);
          }
          expect(shape(Object.keys(members))(texts)).toBe(canonicalJson(present));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('refuses a name twice, and names that every object has', () => {
    expect(() => shape(['a', 'b', 'a'])).toThrow('`a` stands twice');
    expect(() => shape(['constructor'])).toThrow('`constructor`');
    expect(() => shape(['__proto__'])).toThrow('`__proto__`');
  });
});
