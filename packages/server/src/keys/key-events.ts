import { canonicalJson, renderSignature, sha256Hex } from '@countersign/proof';
import type { Draft } from '../service/ledger-writer.ts';
import type { Idempotency, LedgerReader } from '../service/ports.ts';
import { statusAt } from './key-history.ts';
import type { Keyring } from './keyring.ts';
import { ROTATABLE, type RotatableUse } from './rotation.ts';
import type { SigningKey } from './signing-key.ts';

/** Scope of the entries about keys: they belong to no tenant. */
export const KEY_SCOPE = '_keys';

interface KeyEvent {
  readonly kind: 'announced' | 'rotated' | 'revoked';
  readonly use: RotatableUse;
  /** The key that the event is about. */
  readonly key: SigningKey;
  /** The one before it; of a revocation the revoked key itself. */
  readonly previous: SigningKey;
  /** The one that the event brings; of a revocation the one that signs from then on. */
  readonly next: SigningKey;
  readonly at: string;
}

/**
 * Entries for those steps of the histories that the ledger does not have yet. Each is signed by the key before and
 * the key after it, so the whole history can be walked from any one key that a reader has pinned. Whoever notices a
 * step may append it: its idempotency key lets one entry through.
 */
export async function missingKeyEvents(
  keyring: Pick<Keyring, 'histories'>,
  reader: Pick<LedgerReader, 'recall'>,
  now: number,
): Promise<readonly Draft[]> {
  const drafts: Draft[] = [];
  for (const event of ROTATABLE.flatMap((use) => eventsOf(use, keyring.histories[use], now))) {
    const known = await reader.recall(idempotencyOf(event).key);
    if (known === undefined) drafts.push(draftOf(event, now));
  }
  return drafts;
}

/** Steps of one use: what was announced, then what began, then what ended. */
function eventsOf(use: RotatableUse, keys: readonly SigningKey[], now: number): KeyEvent[] {
  const signing = keys.find((one) => statusAt(one, now) === 'active');
  const events: KeyEvent[] = [];
  for (const [place, key] of keys.entries()) {
    const previous = keys.slice(0, place).findLast((one) => one.notAfter === key.notBefore);
    const status = statusAt(key, now);
    if (previous === undefined || status === 'revoked') continue;
    const step = { use, key, previous, next: key };
    events.push({ ...step, kind: 'announced', at: new Date(now).toISOString() });
    if (status !== 'pending') events.push({ ...step, kind: 'rotated', at: key.notBefore });
  }
  for (const key of keys) {
    if (statusAt(key, now) !== 'revoked' || key.revokedAt === undefined) continue;
    // Nobody vouches for a revocation until the successor signs.
    if (signing === undefined) continue;
    events.push({ kind: 'revoked', use, key, previous: key, next: signing, at: key.revokedAt });
  }
  return events;
}

function idempotencyOf({ kind, key }: KeyEvent): Idempotency {
  const id = `${kind}:${key.keyId}`;
  return { key: sha256Hex(canonicalJson([KEY_SCOPE, id])), fingerprint: sha256Hex(id) };
}

function draftOf(event: KeyEvent, now: number): Draft {
  const { kind, use, key, previous, next, at } = event;
  const subject = {
    kind,
    use,
    key_id: key.keyId,
    public_key: key.publicKeyPem,
    fingerprint: key.fingerprint,
    previous_key_id: previous.keyId,
    previous_fingerprint: previous.fingerprint,
    ...(next === key ? {} : { next_key_id: next.keyId, next_fingerprint: next.fingerprint }),
    not_before: key.notBefore,
    at,
  };
  const text = canonicalJson(subject);
  return {
    scope: KEY_SCOPE,
    entryType: 'key_event',
    decisionId: `key_event:${kind}:${key.keyId}`,
    createdAt: new Date(now).toISOString(),
    head: canonicalJson({
      ...subject,
      signatures: {
        previous: renderSignature(previous.sign(text)),
        next: renderSignature(next.sign(text)),
      },
    }),
    tail: '',
    idempotency: idempotencyOf(event),
  };
}
