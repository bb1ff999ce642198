import { type KeptKey, type KeyUse, makeKey, readHistory, writeHistory } from './key-history.ts';

/** Least time between the announcement of a key and its first signature. */
export const NOTICE_MS = 24 * 60 * 60 * 1000;
/** The same where somebody cannot wait: running servers look at the files every second. */
export const URGENT_NOTICE_MS = 3_000;

/** Uses whose keys can be replaced; a ledger keeps its checkpoint key. */
export const ROTATABLE = ['receipt_signature', 'rulebook_attestation_signature'] as const;
export type RotatableUse = (typeof ROTATABLE)[number];

/** Announces a new key of a use. From `at` (Unix milliseconds) on it signs, and the one before it does not. */
export function announceKey(
  directory: string,
  use: RotatableUse,
  now: number,
  at: number,
): KeptKey {
  const keys = readHistory(directory, use, now);
  if (pendingOf(keys, now) !== undefined) {
    throw new Error(`a key for ${use} is announced already; activate or revoke it first`);
  }
  const next = makeKey(use, iso(at), now);
  writeHistory(directory, use, [...endedAt(keys, iso(at)), next]);
  return next;
}

/** Moves the announced key's first signature to `at`. */
export function activateKey(
  directory: string,
  use: RotatableUse,
  now: number,
  at: number,
): KeptKey {
  const keys = readHistory(directory, use, now);
  const pending = pendingOf(keys, now);
  if (pending === undefined) throw new Error(`no key for ${use} is announced`);
  const moved = { ...pending, not_before: iso(at) };
  const others = keys.filter((key) => key !== pending);
  writeHistory(directory, use, [...endedAt(others, iso(at)), moved]);
  return moved;
}

/**
 * Revokes a key. One that signs is given a successor first, and without `from` its revocation begins where that one
 * takes over, so that nothing honest is lost; an earlier `from` is for a key that somebody else may have used.
 */
export function revokeKey(
  directory: string,
  keyId: string,
  now: number,
  from: number | undefined,
): { readonly use: KeyUse; readonly revokedAt: string; readonly successor?: string } {
  const use = ROTATABLE.find((one) =>
    readHistory(directory, one, now).some((key) => key.key_id === keyId),
  );
  if (use === undefined) throw new Error(`there is no signing key ${keyId}`);
  if (from !== undefined && from > now) throw new Error('a revocation begins now or earlier');
  const before = readHistory(directory, use, now);
  const key = keyOf(before, keyId);
  if (key.revoked_at !== undefined) throw new Error(`${keyId} is revoked already`);

  const takeOver = now + URGENT_NOTICE_MS;
  const signs = Date.parse(key.not_before) <= now && Date.parse(key.not_after ?? '9999') > now;
  const replace = pendingOf(before, now) === undefined ? announceKey : activateKey;
  const successor = signs ? replace(directory, use, now, takeOver) : undefined;
  const revokedAt = iso(from ?? (signs ? takeOver : now));
  const keys = readHistory(directory, use, now).map((one) =>
    one.key_id === keyId ? { ...one, revoked_at: revokedAt } : one,
  );
  const wasPending = Date.parse(key.not_before) > now;
  writeHistory(directory, use, wasPending ? withoutEnd(keys, key.not_before) : keys);
  return {
    use,
    revokedAt,
    ...(successor === undefined ? {} : { successor: successor.key_id }),
  };
}

function keyOf(keys: readonly KeptKey[], keyId: string): KeptKey {
  const key = keys.find((one) => one.key_id === keyId);
  if (key === undefined) throw new Error(`there is no signing key ${keyId}`);
  return key;
}

function pendingOf(keys: readonly KeptKey[], now: number): KeptKey | undefined {
  return keys.find((key) => key.revoked_at === undefined && Date.parse(key.not_before) > now);
}

/** The same keys; the one that has no end, or one that is still to come, ends at `at`. */
function endedAt(keys: readonly KeptKey[], at: string): KeptKey[] {
  return keys.map((key) =>
    key.revoked_at === undefined && (key.not_after === undefined || key.not_after > at)
      ? { ...key, not_after: at }
      : key,
  );
}

/** The same keys; the one that was to end when an announced key began goes on. */
function withoutEnd(keys: readonly KeptKey[], at: string): KeptKey[] {
  return keys.map((key) => {
    if (key.not_after !== at) return key;
    const { not_after: _, ...rest } = key;
    return rest;
  });
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
