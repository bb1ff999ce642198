import type { Checkpoint, LedgerEntry, Members } from '@countersign/proof';
import { type ArtefactKind, KINDS, kindOf } from './kinds.ts';
import {
  isIncluded,
  isPlaceOf,
  readCheckpoint,
  readEntry,
  readPath,
  subjectHash,
} from './ledger.ts';
import { listOf, membersOf } from './member.ts';
import { attempt, type Check } from './verification.ts';

/** Something in a packet that the ledger must hold. */
export interface Artefact {
  readonly kind: ArtefactKind;
  readonly members: Members;
  /** Its own hash, recomputed. */
  readonly ownHash: string | undefined;
  /** The hash that chain links know it by, recomputed. */
  readonly linkHash: string | undefined;
  /** Whether it is about another decision than the packet: a record that this one carries on, or is carried on by. */
  readonly related: boolean;
  /** The entry of the packet that names it, if there is one. */
  readonly entry?: LedgerEntry;
  /** Whether that entry's path leads to the root of the packet's checkpoint. */
  readonly included: boolean;
}

/** A packet's ledger block, held against the artefacts of the packet. */
export interface PacketLedger {
  readonly checkpoint: Checkpoint | undefined;
  /** The record first; each list in the order of the packet. */
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
  const place = (members: Members, kind: ArtefactKind, related = false): Artefact => {
    const subject = subjectHash(members, kind);
    const { compute, published } = KINDS[kind];
    const ownHash = attempt(() => compute(members));
    const found = { kind, members, ownHash, linkHash: published ? ownHash : subject, related };
    const entry = subject === undefined ? undefined : bySubject.get(subject);
    // An entry is of one artefact: a second copy of the same one has none.
    if (entry === undefined || entry.entry_type !== kind || used.has(entry)) {
      return { ...found, included: false };
    }
    used.add(entry);
    const proof = proofs.get(entry.seq);
    const path = readPath(proof?.['proof']);
    const included =
      checkpoint !== undefined &&
      path !== undefined &&
      proof?.['leaf_index'] === entry.seq &&
      isIncluded(entry, path, checkpoint);
    return { ...found, entry, included };
  };
  const record = membersOf(packet['decision_record']);
  const id = record['decision_id'];
  const all = (list: string, kind: ArtefactKind): Artefact[] =>
    listOf(packet[list]).map((members) => place(members, kind));
  const artefacts = [
    place(record, 'decision'),
    ...all('executions', 'execution'),
    ...all('outcomes', 'outcome'),
    ...all('claims', 'claim'),
    ...all('crm_syncs', 'crm_sync'),
    ...listOf(packet['reviews']).map((members) =>
      place(members, kindOf(members) ?? 'review_opened', members['decision_id'] !== id),
    ),
    ...listOf(packet['related_records']).map((members) => place(members, 'decision', true)),
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
