/** A time to wait in the largest unit that says it well; `undefined` where none is named. */
export function waitOf(retryAfter: string | null): string | undefined {
  const seconds = Number(retryAfter);
  if (retryAfter === null || !(seconds > 0)) return undefined;
  const [count, unit] =
    seconds < 100
      ? [seconds, 'second']
      : seconds < 6000
        ? [Math.ceil(seconds / 60), 'minute']
        : [Math.ceil(seconds / 3600), 'hour'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
