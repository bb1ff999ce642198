import {
  type ChainHead,
  type ChainLink,
  chainIdOf,
  completedBy,
  EMPTY_CHAIN,
  entryText,
  inclusionNodes,
  LEDGER_ENTRY_VERSION,
  NO_ENTRY_HASH,
  type NodeAt,
  nextLink,
  proveInclusion,
  sha256Hex,
  toHex,
} from '@countersign/proof';
import type { Draft } from './ledger-writer.ts';
import { linkSubjectOf } from './link-subject.ts';
import type { Placed } from './placed.ts';
import type { LedgerReader, StoredEntry } from './ports.ts';
import { type Place, placeText } from './rendered.ts';

/** An artefact that is in the ledger. Texts are canonical JSON. */
export interface Recorded {
  /** The artefact as the ledger hashes it. */
  readonly subject: string;
  /** Its place as members of a JSON text, see `placeText`. */
  readonly place: string;
}

/** What appending a draft gives back, as a whole. */
export function recordedFrom(draft: Draft, placed: Placed): Recorded {
  return { subject: draft.head + (placed.signature ?? '') + draft.tail, place: placed.place };
}

/** The artefact with its place in chain and ledger and the proof of it. */
export function artefactText({ subject, place }: Recorded): string {
  return `${subject.slice(0, -1)},${place}}`;
}

/** Reads an entry of the store as it was answered, see `readPlace`. */
export async function readRecorded(
  reader: LedgerReader,
  stored: StoredEntry,
  origin: string,
  size?: number,
): Promise<Recorded> {
  const place = placeText(await readPlace(reader, stored, size), origin);
  return { subject: stored.subject, place };
}

/**
 * Place of an entry that is in the store. `size` names the checkpoint by the least number of entries that it
 * covers: the entry's own (default) gives back the proof that the first answer carried.
 */
export async function readPlace(
  reader: LedgerReader,
  stored: StoredEntry,
  size: number = stored.seq + 1,
): Promise<Place> {
  const checkpoint = await reader.readCheckpoint(size);
  if (checkpoint === undefined) throw new Error('the ledger has no checkpoint over an entry');
  return {
    seq: stored.seq,
    link: await readLink(reader, stored),
    entryHash: stored.entryHash,
    entryText: await readEntryText(reader, stored),
    proof: await readInclusion(reader, stored.seq, checkpoint.size),
    treeSize: checkpoint.size,
    checkpoint: checkpoint.note,
  };
}

/** Inclusion path, hex, of entry `index` in the tree of `size` leaves. */
export async function readInclusion(
  reader: LedgerReader,
  index: number,
  size: number,
): Promise<string[]> {
  const read = await prefetch(reader, inclusionNodes(index, size));
  return proveInclusion(index, size, read).map(toHex);
}

/** Reads nodes at once and serves them one by one. */
export async function prefetch(
  reader: LedgerReader,
  nodes: readonly NodeAt[],
): Promise<(node: NodeAt) => Uint8Array> {
  const hashes = await reader.readNodes(nodes);
  const byPlace = new Map(nodes.map((node, at) => [placeOf(node), hashes[at]]));
  return (node) => {
    const hash = byPlace.get(placeOf(node));
    if (hash === undefined) throw new Error('a Merkle node was not prefetched');
    return hash;
  };
}

function placeOf(node: NodeAt): string {
  return `${node.level}:${completedBy(node)}`;
}

/** The canonical text of a stored entry. */
export async function readEntryText(reader: LedgerReader, stored: StoredEntry): Promise<string> {
  const before = stored.seq === 0 ? undefined : await reader.readEntry(stored.seq - 1);
  return entryText({
    ledger_entry_version: LEDGER_ENTRY_VERSION,
    seq: stored.seq,
    prev_entry_hash: before?.entryHash ?? NO_ENTRY_HASH,
    entry_type: stored.entryType,
    subject_hash: stored.subjectHash,
    link_hash: stored.linkHash,
    scope_hash: sha256Hex(stored.scope),
    created_at: stored.createdAt,
  });
}

/** The links of consecutive entries of one tenant, oldest first. */
export function linksOf(before: ChainHead, entries: readonly StoredEntry[]): ChainLink[] {
  let head = before;
  return entries.map((entry) => {
    const link = nextLink(chainIdOf(entry.scope), head, linkSubjectOf(entry));
    head = headOf(entry);
    return link;
  });
}

async function readLink(reader: LedgerReader, stored: StoredEntry): Promise<ChainLink> {
  const before =
    stored.chainPosition === 1
      ? []
      : await reader.readChain(stored.scope, stored.chainPosition - 1, 1);
  const last = before.at(-1);
  const [link] = linksOf(last === undefined ? EMPTY_CHAIN : headOf(last), [stored]);
  if (link === undefined) throw new Error('no link');
  return link;
}

/** Where a tenant's chain stands after an entry. */
export function headOf(entry: StoredEntry): ChainHead {
  return {
    position: entry.chainPosition,
    merkleRoot: entry.chainRoot,
    linkHash: entry.linkHash,
  };
}
