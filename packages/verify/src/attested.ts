import {
  type AttestedClaim,
  boundResource,
  CLOCK_SKEW_MS,
  isList,
  type Json,
  type JsonObject,
  member,
  sameJson,
} from '@countersign/policy';
import {
  type Attestation,
  isAttestedBy,
  type Members,
  publicKeyFromPem,
  readAttestation,
} from '@countersign/proof';
import { instantOf, listOf } from './member.ts';
import { attempt } from './verification.ts';

/** A key of a source. It is never taken away, only ended, so that every instant keeps its answer. */
export interface SourceKey {
  readonly sourceId: string;
  readonly keyId: string;
  /** Raw Ed25519 key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Unix milliseconds: the first instant at which it counts, and the first at which it no longer does. */
  readonly notBefore: number;
  readonly endedAt?: number | undefined;
}

/** What a source key stands under among the `keys` of a packet. */
export const SOURCE_KEY_USE = 'source_attestation';

/** More of them are not looked at, wherever they come from: each may cost a signature check. */
const ATTESTATIONS_MAX = 16;

/** The attestations in a context, as far as they have the members of one. */
export function attestationsIn(context: JsonObject): readonly Attestation[] {
  const items = member(context, 'attestations');
  if (!isList(items) || items.length > ATTESTATIONS_MAX) return [];
  return items.flatMap((item) => readAttestation(item) ?? []);
}

/**
 * The claims in a context that hold at an instant, by the path that they are about: signed by a key that counts then,
 * about the resource of the decision, observed and not yet expired. Where two that hold contradict each other, neither
 * counts. What does not hold is as if it were not there.
 *
 * @param at Unix milliseconds: the `created_at` of the record.
 */
export function attestedClaims(
  context: JsonObject,
  at: number,
  keys: readonly SourceKey[],
): ReadonlyMap<string, AttestedClaim> {
  const resource = boundResource(context);
  const claims = new Map<string, AttestedClaim>();
  const contradicted = new Set<string>();
  for (const attestation of attestationsIn(context)) {
    const observedAt = instantOf(attestation.observed_at);
    // Comparisons with an instant that cannot be read are false, so each is one that has to hold.
    if (attestation.resource !== resource) continue;
    if (!(observedAt <= at + CLOCK_SKEW_MS && at <= instantOf(attestation.expires_at))) continue;
    const key = keys.find(
      ({ sourceId, keyId }) => sourceId === attestation.source_id && keyId === attestation.key_id,
    );
    if (key === undefined || at < key.notBefore || at >= (key.endedAt ?? Infinity)) continue;
    if (attempt(() => isAttestedBy(attestation, key.publicKey)) !== true) continue;
    for (const [path, said] of Object.entries(attestation.claims)) {
      // What has a canonical text, which was signed, is JSON.
      const value = said as Json;
      const other = claims.get(path);
      if (other !== undefined && !sameJson(other.value, value)) contradicted.add(path);
      // Of two that say the same the newer one says more.
      if (other === undefined || observedAt > other.observedAt) {
        claims.set(path, { value, observedAt });
      }
    }
  }
  for (const path of contradicted) claims.delete(path);
  return claims;
}

/**
 * The source keys that a packet carries. They are the issuer's word: with them a reader sees that the answer follows
 * from what was registered, and not that a source of this name said so.
 */
export function sourceKeysIn(packet: Members): readonly SourceKey[] {
  return listOf(packet['keys']).flatMap((item) => {
    const { use, source_id: sourceId, key_id: keyId, public_key: pem, ended_at: ended } = item;
    const publicKey = typeof pem === 'string' ? publicKeyFromPem(pem) : undefined;
    const notBefore = instantOf(item['not_before']);
    const endedAt = ended === undefined ? undefined : instantOf(ended);
    if (use !== SOURCE_KEY_USE || typeof sourceId !== 'string' || typeof keyId !== 'string') {
      return [];
    }
    if (publicKey === undefined || Number.isNaN(notBefore) || Number.isNaN(endedAt)) return [];
    return [{ sourceId, keyId, publicKey, notBefore, endedAt }];
  });
}
