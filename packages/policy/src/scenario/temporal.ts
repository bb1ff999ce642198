/** Date, separator, time, fraction, zone: RFC 3339 §5.6, with the separators that its note allows. */
const DATE_TIME =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,40}))?(?:([Zz])|([+-])(\d{2}):(\d{2}))$/;
const DATE = /^(\d{1,4})-(\d{1,2})-(\d{1,2})$/;

/** An instant as seconds since the epoch and the digits of its fraction. */
interface Instant {
  readonly seconds: number;
  readonly fraction: string;
}

/** Order of two date-times by instant, or of two dates; `undefined`: they are not of one kind. */
export function compareTemporal(a: string, b: string): -1 | 0 | 1 | undefined {
  const [instantA, instantB] = [readDateTime(a), readDateTime(b)];
  if (instantA !== undefined && instantB !== undefined) return compareInstants(instantA, instantB);
  const [dayA, dayB] = [readDate(a), readDate(b)];
  return dayA === undefined || dayB === undefined ? undefined : order(dayA, dayB);
}

function compareInstants(a: Instant, b: Instant): -1 | 0 | 1 {
  const seconds = order(a.seconds, b.seconds);
  if (seconds !== 0) return seconds;
  const digits = Math.max(a.fraction.length, b.fraction.length);
  return order(a.fraction.padEnd(digits, '0'), b.fraction.padEnd(digits, '0'));
}

function readDateTime(text: string): Instant | undefined {
  const parts = DATE_TIME.exec(text);
  if (parts === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', , sign, offHour, offMinute] =
    parts;
  const midnight = dayOf(Number(year), Number(month), Number(day));
  if (midnight === undefined) return undefined;
  const [hours, minutes, seconds] = [Number(hour), Number(minute), Number(second)];
  // A leap second is the last of its minute; it is ordered as the second after it.
  if (hours > 23 || minutes > 59 || seconds > 60) return undefined;
  const [offsetHours, offsetMinutes] = [Number(offHour ?? 0), Number(offMinute ?? 0)];
  if (offsetHours > 23 || offsetMinutes > 59) return undefined;
  const offset = (offsetHours * 60 + offsetMinutes) * 60 * (sign === '-' ? -1 : 1);
  return { seconds: midnight * 86_400 + hours * 3600 + minutes * 60 + seconds - offset, fraction };
}

function readDate(text: string): number | undefined {
  const parts = DATE.exec(text);
  return parts === null ? undefined : dayOf(Number(parts[1]), Number(parts[2]), Number(parts[3]));
}

/** Days since the epoch, in the proleptic Gregorian calendar; `undefined`: no such day. */
function dayOf(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  // Counted from March, so that the leap day is the last of its year.
  const y = month <= 2 ? year - 1 : year;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return (
    365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468
  );
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function order<Value extends number | string>(a: Value, b: Value): -1 | 0 | 1 {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** An RFC 3339 date-time as Unix milliseconds, cut towards the epoch; `undefined`: it is none. */
export function readUnixMillis(text: string): bigint | undefined {
  const instant = readDateTime(text);
  if (instant === undefined) return undefined;
  const nanoseconds = BigInt(instant.fraction.slice(0, 9).padEnd(9, '0'));
  return (BigInt(instant.seconds) * 1_000_000_000n + nanoseconds) / 1_000_000n;
}
