import {
  type Checkpoint,
  executionHash,
  type LedgerEntry,
  type Members,
  outcomeHash,
  recordHash,
} from '@countersign/proof';
import {
  type ArtefactKind,
  isIncluded,
  isPlaceOf,
  readCheckpoint,
  readEntry,
  readPath,
  subjectHash,
} from './ledger.ts';
import { listOf, membersOf } from './member.ts';
import { attempt, type Check } from './verification.ts';

/** Something in a packet that the ledger must hold: the record, a receipt or an outcome. */
export interface Artefact {
  readonly kind: ArtefactKind;
  readonly members: Members;
  /** The published hash that chain links know it by, recomputed. */
  readonly ownHash: string | undefined;
  /** The entry of the packet that names it, if there is one. */
  readonly entry?: LedgerEntry;
  /** Whether that entry's path leads to the root of the packet's checkpoint. */
  readonly included: boolean;
}

/** A packet's ledger block, held against the artefacts of the packet. */
export interface PacketLedger {
  readonly checkpoint: Checkpoint | undefined;
  /** Record, receipts, outcomes, each in the order of the packet. */
  readonly artefacts: readonly Artefact[];
  /** Whether something is among the entries that is no entry, or that speaks of nothing in the packet. */
  readonly hasStrayEntries: boolean;
}

/** Finds each artefact's entry, which is the one with the hash of the artefact as it stands in the packet. */
export function readLedger(packet: Members): PacketLedger {
  const block = membersOf(packet['ledger']);
  const checkpoint = readCheckpoint(block['checkpoint']);
  const entries = listOf(block['entries']).map(readEntry);
  const proofs = new Map<unknown, Members>();
  for (const proof of listOf(block['inclusion'])) {
    // Of two proofs of one entry neither is taken.
    proofs.set(proof['seq'], proofs.has(proof['seq']) ? {} : proof);
  }
  const bySubject = new Map<string, LedgerEntry>();
  for (const entry of entries) if (entry !== undefined) bySubject.set(entry.subject_hash, entry);

  const used = new Set<LedgerEntry>();
  const place = (kind: ArtefactKind, members: Members, ownHash: string | undefined): Artefact => {
    const subject = subjectHash(members, kind);
    const entry = subject === undefined ? undefined : bySubject.get(subject);
    // An entry is of one artefact: a second copy of the same one has none.
    if (entry === undefined || entry.entry_type !== kind || used.has(entry)) {
      return { kind, members, ownHash, included: false };
    }
    used.add(entry);
    const proof = proofs.get(entry.seq);
    const path = readPath(proof?.['proof']);
    const included =
      checkpoint !== undefined &&
      path !== undefined &&
      proof?.['leaf_index'] === entry.seq &&
      isIncluded(entry, path, checkpoint);
    return { kind, members, ownHash, entry, included };
  };
  const record = membersOf(packet['decision_record']);
  const artefacts = [
    place(
      'decision',
      record,
      attempt(() => recordHash(record)),
    ),
    ...listOf(packet['executions']).map((receipt) =>
      place(
        'execution',
        receipt,
        attempt(() => executionHash(receipt)),
      ),
    ),
    ...listOf(packet['outcomes']).map((outcome) =>
      place(
        'outcome',
        outcome,
        attempt(() => outcomeHash(outcome)),
      ),
    ),
  ];
  const strays = entries.some((entry) => entry === undefined || !used.has(entry));
  return { checkpoint, artefacts, hasStrayEntries: strays };
}

/** Whether the checkpoint covers each artefact of the packet, where the artefact says it is. */
export function areIncluded(packet: Members, { checkpoint, artefacts }: PacketLedger): Check {
  if (packet['ledger'] === undefined) return null;
  const size = membersOf(packet['packet_manifest'])['as_of_size'];
  if (checkpoint === undefined || (size !== undefined && size !== checkpoint.size)) return false;
  const scopes = new Set(artefacts.map(({ entry }) => entry?.scope_hash));
  return (
    scopes.size === 1 &&
    artefacts.every(({ entry, included, members }) => {
      const block = members['ledger'];
      return (
        included &&
        entry !== undefined &&
        (block === undefined || isPlaceOf(block, entry, checkpoint.origin))
      );
    })
  );
}
