import { createHmac, timingSafeEqual } from 'node:crypto';

/** How far the clock of a tool may be off, either way, in milliseconds. */
const WINDOW_MS = 300_000;

export interface Signed {
  /** Unix seconds, as sent. */
  readonly timestamp: string;
  /** `sha256=` and hex. */
  readonly signature: string;
}

/** What a tool puts into the headers of a call. */
export function signInbound(secret: string, path: string, body: string, now: number): Signed {
  const timestamp = String(Math.floor(now / 1_000));
  return { timestamp, signature: `sha256=${macOf(secret, timestamp, path, body)}` };
}

/** Whether a call is from who holds the secret, and from within the last five minutes. */
export function isInbound(
  secret: string,
  path: string,
  body: string,
  { timestamp, signature }: Signed,
  now: number,
): boolean {
  if (!/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now - Number(timestamp) * 1_000) > WINDOW_MS) return false;
  const expected = Buffer.from(`sha256=${macOf(secret, timestamp, path, body)}`);
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** The path is signed too: what was signed for one automation is nothing for another. */
function macOf(secret: string, timestamp: string, path: string, body: string): string {
  return createHmac('sha256', secret).update(`${timestamp}\n${path}\n${body}`).digest('hex');
}
