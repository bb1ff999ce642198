import {
  artefactMessage,
  type Members,
  PACKET_VERSION,
  parseSignature,
  readPacket,
  utf8,
  verifyEd25519,
} from '@countersign/proof';
import type { Artefact, PacketLedger } from './artefact.ts';
import { KINDS } from './kinds.ts';
import { entryAt } from './ledger.ts';
import { instantOf, membersOf } from './member.ts';
import {
  type KeyClaim,
  knowsReceiptKeys,
  revokedAt,
  survivesRevocation,
  type Trust,
  trustedKeys,
} from './trust.ts';
import { attempt, type Check } from './verification.ts';

/** A packet is signed after its last entry was made; how long after, nothing in it says. */
export function checkPacketSignature(
  { file, trust }: { readonly file: unknown; readonly trust: Trust },
  given: {
    readonly packet: Members;
    readonly hash: string | undefined;
    readonly ledger: PacketLedger;
  },
): Check {
  const { packet, hash, ledger } = given;
  const envelope = membersOf(file);
  const signature = readPacket(file)?.signature;
  if (signature === undefined || !knowsReceiptKeys(trust)) return null;
  if (envelope['packet_signature_algorithm'] !== 'ed25519') return false;
  const from = Math.max(
    ...ledger.artefacts.map(({ entry }) => (entry === undefined ? Number.NaN : entryAt(entry))),
  );
  return isSignedBy(trust, {
    signature: signature.text,
    claim: { keyId: signature.keyId, from, until: Infinity },
    type: PACKET_VERSION,
    id: packet['decision_id'],
    hash,
    // No entry of this packet holds the packet, so a revoked key has no proof of its age.
    provenAt: undefined,
  });
}

/** Whether a trusted key signed an artefact; `provenAt`: when the ledger is known to have held it. */
export function isArtefactSigned(
  { kind, members, ownHash }: Artefact,
  trust: Trust,
  provenAt: number | undefined,
): boolean {
  const { version, id, signature, keyId, at } = KINDS[kind];
  const instant = instantOf(members[at]);
  return isSignedBy(trust, {
    signature: members[signature],
    claim: { keyId: members[keyId], from: instant, until: instant },
    type: version,
    id: members[id],
    hash: ownHash,
    provenAt,
  });
}

/** Whether a trusted key signed an artefact whose hash was recomputed. */
export function isSignedBy(
  trust: Trust,
  given: {
    readonly signature: unknown;
    readonly claim: KeyClaim;
    readonly type: string;
    readonly id: unknown;
    readonly hash: string | undefined;
    readonly provenAt: number | undefined;
  },
): boolean {
  const { claim, type, id, hash, provenAt } = given;
  const signature =
    typeof given.signature === 'string' ? parseSignature(given.signature) : undefined;
  const keyId = claim.keyId;
  if (signature === undefined || hash === undefined) return false;
  if (typeof id !== 'string' || typeof keyId !== 'string') return false;
  const message = attempt(() => artefactMessage({ type, id, hash, key_id: keyId }));
  if (message === undefined) return false;
  return trustedKeys(trust, claim).some(
    (key) =>
      survivesRevocation(revokedAt(trust, key.fingerprint), provenAt) &&
      verifyEd25519(key.publicKey, utf8(message), signature),
  );
}
