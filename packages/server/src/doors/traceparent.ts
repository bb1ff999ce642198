/** W3C Trace Context, version 00 and later ones that look alike: ids of zeros are not valid. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** A caller's `traceparent`, if it sent a valid one. */
export function readTraceparent(
  header: string | readonly string[] | undefined,
): string | undefined {
  return typeof header === 'string' && TRACEPARENT.test(header) ? header : undefined;
}
