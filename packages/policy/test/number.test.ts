import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NUMBER_CHARACTERS_MAX, NUMBER_EXPONENT_MAX } from '../src/limits.ts';
import {
  compareDecimalTexts,
  compareNumbers,
  Decimal,
  type Numeric,
  readDecimalText,
  readNumber,
} from '../src/number.ts';

describe('readNumber', () => {
  it.each<[string, Numeric]>([
    ['0', 0],
    ['-0', 0],
    ['-0.0', 0],
    ['0e7', 0],
    ['15', 15],
    ['1.50', 1.5],
    ['1e3', 1000],
    ['1E+3', 1000],
    ['0.1', 0.1],
    ['123456789012345e-5', 1234567890.12345],
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['-9007199254740993', -9007199254740993n],
    ['1.7976931348623157e308', 1.7976931348623157e308],
    ['5e-324', 5e-324],
    ['0.30000000000000004', 0.30000000000000004],
    ['0.1234567890123456789', new Decimal(1234567890123456789n, -19)],
    ['9007199254740993.0', new Decimal(9007199254740993n, 0)],
    ['1e400', new Decimal(1n, 400)],
    ['-1e-400', new Decimal(-1n, -400)],
  ])('%s', (literal, want) => {
    const read = readNumber(literal);
    expect(read).toEqual(want);
    expect(Object.is(read, -0)).toBe(false);
  });

  it.each([
    '',
    ' 1',
    '1 ',
    '1\n',
    '+1',
    '01',
    '-',
    '.5',
    '1.',
    '1e',
    '1e+',
    '0x10',
    '1_000',
    'NaN',
    'Infinity',
    '-Infinity',
    '١',
    '1n',
    '--1',
  ])('refuses %j', (literal) => {
    expect(readNumber(literal)).toBeUndefined();
  });

  it('refuses what is small as text and huge as a number, just beyond the limit', () => {
    expect(readNumber(`1e${NUMBER_EXPONENT_MAX}`)).toEqual(new Decimal(1n, NUMBER_EXPONENT_MAX));
    expect(readNumber(`1e${NUMBER_EXPONENT_MAX + 1}`)).toBeUndefined();
    expect(readNumber(`1e-${NUMBER_EXPONENT_MAX + 1}`)).toBeUndefined();
    expect(readNumber('0e999999999')).toBeUndefined();
    expect(readNumber('9'.repeat(NUMBER_CHARACTERS_MAX))).toBe(
      BigInt('9'.repeat(NUMBER_CHARACTERS_MAX)),
    );
    expect(readNumber('9'.repeat(NUMBER_CHARACTERS_MAX + 1))).toBeUndefined();
  });

  it('never loses a digit', () => {
    fc.assert(
      fc.property(literal, ({ text, digits, exponent }) => {
        const read = readNumber(text);
        expect(read).toBeDefined();
        expect(equalsExactly(read ?? 0, digits, exponent)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  it('gives every double back from its own text', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (double) => {
        const text = JSON.stringify(double);
        const isLargeInteger = /^-?\d+$/.test(text) && !Number.isSafeInteger(double);
        expect(readNumber(text)).toBe(isLargeInteger ? BigInt(text) : double + 0);
      }),
    );
  });
});

describe('compareNumbers', () => {
  it('orders as whole numbers do once both are scaled up', () => {
    fc.assert(
      fc.property(literal, literal, (a, b) => {
        const [left, right] = [scaled(a.digits, a.exponent), scaled(b.digits, b.exponent)];
        const want = left < right ? -1 : left > right ? 1 : 0;
        expect(compareNumbers(readNumber(a.text) ?? 0, readNumber(b.text) ?? 0)).toBe(want);
      }),
      { numRuns: 3_000 },
    );
  });

  it('is a total order over all three forms', () => {
    const numeric = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
      fc
        .tuple(
          fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
          fc.integer({ min: -40, max: 40 }),
        )
        .map(([digits, exponent]) => new Decimal(digits, exponent)),
    );
    fc.assert(
      fc.property(numeric, numeric, numeric, (a, b, c) => {
        expect(compareNumbers(a, a)).toBe(0);
        expect(compareNumbers(a, b) + compareNumbers(b, a)).toBe(0);
        if (compareNumbers(a, b) <= 0 && compareNumbers(b, c) <= 0) {
          expect(compareNumbers(a, c)).toBeLessThanOrEqual(0);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes a double for its shortest form', () => {
    expect(compareNumbers(0.1, new Decimal(1n, -1))).toBe(0);
    expect(compareNumbers(0.1, new Decimal(1000000000000000055511151231257827n, -34))).toBe(-1);
    expect(compareNumbers(1e21, 10n ** 21n)).toBe(0);
    expect(compareNumbers(9007199254740992, 9007199254740993n)).toBe(-1);
    expect(compareNumbers(5e-324, new Decimal(5n, -324))).toBe(0);
    expect(compareNumbers(-0, 0n)).toBe(0);
  });

  it('calls what is not finite a bug', () => {
    expect(() => compareNumbers(Number.NaN, 1)).toThrow('bug');
  });
});

describe('decimal texts', () => {
  const amount = fc
    .tuple(
      fc.boolean(),
      fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }),
      fc.nat(9),
      fc.nat(999_999_999),
    )
    .map(([minus, whole, places, fraction]) => {
      const digits = String(fraction)
        .padStart(9, '0')
        .slice(9 - places);
      return `${minus ? '-' : ''}${whole}${places === 0 ? '' : `.${digits}`}`;
    });

  it('compare as billionths', () => {
    fc.assert(
      fc.property(amount, amount, (a, b) => {
        const [left, right] = [billionths(a), billionths(b)];
        expect(compareDecimalTexts(a, b)).toBe(left < right ? -1 : left > right ? 1 : 0);
      }),
      { numRuns: 2_000 },
    );
  });

  it('tell neighbours apart that share a double', () => {
    expect(compareDecimalTexts('123456789012345678.000000001', '123456789012345678')).toBe(1);
    expect(compareDecimalTexts('0.10', '0.1')).toBe(0);
  });

  it('are refused beyond 18 and 9 digits', () => {
    expect(readDecimalText('999999999999999999.999999999')).toBeDefined();
    expect(readDecimalText('1999999999999999999')).toBeUndefined();
    expect(readDecimalText('0.0000000001')).toBeUndefined();
    expect(compareDecimalTexts('1', '1e0')).toBeUndefined();
    expect(compareDecimalTexts('1e0', '1')).toBeUndefined();
  });
});

/** A literal beside what it means, built without the code under test. */
const literal = fc
  .tuple(
    fc.boolean(),
    fc.oneof(fc.bigInt({ min: 0n, max: 10n ** 25n }), fc.nat(100_000).map(BigInt)),
    fc.option(fc.stringMatching(/^[0-9]{1,25}$/), { nil: undefined }),
    fc.option(fc.integer({ min: -330, max: 330 }), { nil: undefined }),
  )
  .map(([minus, whole, fraction, power]) => {
    const sign = minus ? '-' : '';
    const point = fraction === undefined ? '' : `.${fraction}`;
    return {
      text: `${sign}${whole}${point}${power === undefined ? '' : `e${power}`}`,
      digits: BigInt(`${sign}${whole}${fraction ?? ''}`),
      exponent: (power ?? 0) - (fraction?.length ?? 0),
    };
  });

/** Multiplied by 10^700, which makes every number of these tests whole. */
function scaled(digits: bigint, exponent: number): bigint {
  return digits * 10n ** BigInt(700 + exponent);
}

function equalsExactly(value: Numeric, digits: bigint, exponent: number): boolean {
  if (value instanceof Decimal) {
    return scaled(value.digits, value.exponent) === scaled(digits, exponent);
  }
  if (typeof value === 'bigint') return scaled(value, 0) === scaled(digits, exponent);
  const [mantissa = '', power = '0'] = value.toExponential().split('e');
  const places = mantissa.split('.')[1]?.length ?? 0;
  const shortest = BigInt(mantissa.replace('.', ''));
  return scaled(shortest, Number(power) - places) === scaled(digits, exponent);
}

function billionths(text: string): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(9, '0'));
}
