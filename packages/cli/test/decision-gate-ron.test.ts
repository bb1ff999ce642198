import { scenario } from '@countersign/policy';
import { parseJson } from '@countersign/proof';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRon } from '../src/decision-gate/ron.ts';

describe('RON', () => {
  const value = (text: string): unknown => {
    const parsed = parseRon(text, 4);
    return parsed.ok ? parsed.value : `${parsed.fault.offset}: ${parsed.fault.message}`;
  };

  it.each([
    ['()', null],
    ['None', null],
    ['Some(Some(3))', 3],
    ['[1, 2,]', [1, 2]],
    ['(a: 1, b: "x",)', { a: 1, b: 'x' }],
    ['{"a b": [()]}', { 'a b': [null] }],
    ['"\\u{1F600}\\n\\x41\\""', '😀\nA"'],
    ['r##"a"#b"##', 'a"#b'],
    ['-1_000', -1000],
    ['+5', 5],
    ['0xFF', 255],
    ['0b101', 5],
    ['.5', 0.5],
    ['2.5e-1', 0.25],
    ['18446744073709551615', 18446744073709551615n],
    ['/* a /* b */ c */ true // end', true],
  ])('reads %s', (text, expected) => {
    expect(value(text)).toEqual(expected);
  });

  it.each([
    ['', '0: expected a value'],
    ['[1 2]', '3: expected `,` or `]`'],
    ['{a: 1}', '1: expected a string as key'],
    ['{"a": 1, "a": 2}', '9: `a` stands twice'],
    ['"abc', '0: a string without end'],
    ['"\\q"', '1: an escape that RON does not have'],
    ['"\\u{D800}"', '9: no such character'],
    ['Scenario(id: 1)', '0: `Scenario` has no value here: write strings and string-keyed maps'],
    ['equals', '0: `equals` has no value here: write strings and string-keyed maps'],
    ['inf', '0: `inf` has no value here: write strings and string-keyed maps'],
    ['1e400', '5: a number beyond 64 bits'],
    ['1 1', '2: there is more after the end'],
    ['/* a', '0: a comment without end'],
    ['[[[[[]]]]]', '4: nested deeper than 4'],
    ['Some(Some(Some(Some(Some(1)))))', '25: nested deeper than 4'],
  ])('refuses %s', (text, expected) => {
    expect(value(text)).toBe(expected);
  });

  it('a JSON text whose nulls are () means the same', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (json) => {
        // Strings have to escape otherwise what JSON escapes as \uXXXX, \b, \f and \/.
        const ron = (inner: unknown): string => {
          if (inner === null) return '()';
          if (typeof inner === 'string') return text(inner);
          if (Array.isArray(inner)) return `[${inner.map(ron).join(',')}]`;
          if (typeof inner !== 'object') return JSON.stringify(inner);
          const members = Object.entries(inner).map(([name, one]) => `${text(name)}:${ron(one)}`);
          return `{${members.join(',')}}`;
        };
        const text = (plain: string): string =>
          `"${Array.from(plain, (one) => `\\u{${one.codePointAt(0)?.toString(16)}}`).join('')}"`;
        const limits = { depthMax: 64, readNumber: scenario.readScenarioNumber };
        expect(parseRon(ron(json), 64)).toEqual(parseJson(JSON.stringify(json), limits));
      }),
    );
  });
});
