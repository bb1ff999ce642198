/**
 * Reads an RFC 3339 date-time as Unix milliseconds; fraction digits beyond the third are dropped.
 *
 * Stricter than the RFC: upper-case `T` and `Z` only, at most 9 fraction digits, no leap second.
 *
 * @returns `undefined` when it is not one, a day that its month does not have included.
 */
export function readInstant(text: string): number | undefined {
  const parts = DATE_TIME.exec(text);
  if (parts === null) return undefined;
  const [, year = '', month = '', day = '', time = '', fraction = '', zone = ''] = parts;
  if (Number(day) > daysIn(Number(year), Number(month))) return undefined;
  return Date.parse(
    `${year}-${month}-${day}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}${zone}`,
  );
}

const DATE_TIME =
  /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d{1,9}))?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
