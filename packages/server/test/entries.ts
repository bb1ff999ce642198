import { grow, leafHash, type NodeAt, sha256Hex, utf8 } from '@countersign/proof';
import { expect } from 'vitest';
import type { Batch, NewEntry } from '../src/service/ports.ts';

/** What a test says of an entry; the rest follows from its place. */
export type EntryMembers = Partial<Omit<NewEntry, 'seq' | 'completed'>>;

/** A batch whose first entry is number `from`. Its hashes are made up, its Merkle nodes are real. */
export function batchAt(from: number, entries: readonly EntryMembers[]): Batch {
  const size = from + entries.length;
  return {
    entries: entries.map((members, place) => entryAt(from + place, members)),
    size,
    checkpoint: `note over ${size}`,
  };
}

function entryAt(seq: number, members: EntryMembers): NewEntry {
  return {
    seq,
    scope: 'acme',
    entryType: 'decision',
    decisionId: `decision:subject_${seq}`,
    createdAt: '2026-01-02T03:04:05.000Z',
    chainPosition: seq + 1,
    chainRoot: sha256Hex(`chain root ${seq}`),
    linkHash: sha256Hex(`link ${seq}`),
    entryHash: sha256Hex(`entry ${seq}`),
    subjectHash: sha256Hex(`subject ${seq}`),
    subject: `{"n":${seq}}`,
    ...members,
    completed: treeOf(seq + 1)[seq] ?? [],
  };
}

/** Per leaf, the hashes that it completes. */
function treeOf(size: number): Uint8Array[][] {
  const leaves = Array.from({ length: size }, (_, seq) => leafHash(utf8(`leaf ${seq}`)));
  return grow([], 0, leaves).completed;
}

/** Every perfect node of the tree of `size` leaves. */
export function nodesOfTree(size: number): NodeAt[] {
  return treeOf(size).flatMap((completed, seq) =>
    completed.map((_, level) => ({ level, index: (seq + 1) / 2 ** level - 1 })),
  );
}

export function nodeHash({ level, index }: NodeAt): Uint8Array {
  const seq = (index + 1) * 2 ** level - 1;
  return treeOf(seq + 1)[seq]?.[level] ?? expect.fail(`no node ${level}:${index}`);
}
