import { readInstant } from '@countersign/policy';
import {
  artefactSubject,
  type Checkpoint,
  canonicalJson,
  type EntryType,
  entryHash,
  entryText,
  fromHex,
  isMembers,
  isWellFormed,
  LEDGER_ENTRY_VERSION,
  type LedgerEntry,
  leafHash,
  type Members,
  parseCheckpoint,
  parseNote,
  recordSubject,
  sha256Hex,
  utf8,
  verifyCheckpoint,
  verifyInclusion,
} from '@countersign/proof';
import { type ArtefactKind, kindOf } from './kinds.ts';
import { ledgerKeys, type Trust } from './trust.ts';
import { attempt, type Check, isShallow } from './verification.ts';

export type LedgerProofFault =
  | 'proof_malformed'
  | 'ledger_key_unknown'
  | 'subject_differs'
  | 'not_included'
  | 'checkpoint_not_signed';

export type VerifiedLedgerProof =
  | { readonly ok: true; readonly value: { entry: LedgerEntry; checkpoint: Checkpoint } }
  | { readonly ok: false; readonly fault: LedgerProofFault };

/**
 * Checks that an artefact, in full, is in the ledger: subject hash → entry → leaf → path → root of the checkpoint →
 * its signature by a trusted ledger key. `ledgerProof` is the block of that name, by default the artefact's own.
 */
export function verifyLedgerProof(given: {
  readonly subject: unknown;
  readonly ledgerProof?: unknown;
  readonly trust: Trust;
}): VerifiedLedgerProof {
  const { subject, trust } = given;
  if (!isMembers(subject) || !isShallow(subject)) return { ok: false, fault: 'proof_malformed' };
  return verifyEntryProof({
    ledgerProof: given.ledgerProof ?? subject['ledger_proof'],
    subjectHash: subjectHash(subject),
    entryType: kindOf(subject),
    trust,
  });
}

/** The same of a subject that is known by its hash, `undefined` for one that has none. */
export function verifyEntryProof(given: {
  readonly ledgerProof: unknown;
  readonly subjectHash: string | undefined;
  /** What the entry has to be of; `undefined`: whatever it says. */
  readonly entryType: EntryType | undefined;
  readonly trust: Trust;
}): VerifiedLedgerProof {
  const { ledgerProof: block, entryType, trust } = given;
  const fail = (fault: LedgerProofFault): VerifiedLedgerProof => ({ ok: false, fault });
  if (!isMembers(block)) return fail('proof_malformed');
  const { entry: entryMembers, tree_size: treeSize, proof, checkpoint: note } = block;
  const entry = readEntry(entryMembers);
  const path = readPath(proof);
  const unsigned = readCheckpoint(note);
  if (entry === undefined || path === undefined || unsigned === undefined) {
    return fail('proof_malformed');
  }
  if (ledgerKeys(trust).length === 0) return fail('ledger_key_unknown');
  if (given.subjectHash !== entry.subject_hash) return fail('subject_differs');
  if (entryType !== undefined && entry.entry_type !== entryType) return fail('subject_differs');
  if (treeSize !== unsigned.size || !isIncluded(entry, path, unsigned)) return fail('not_included');
  if (isSigned(String(note), trust) !== true) return fail('checkpoint_not_signed');
  return { ok: true, value: { entry, checkpoint: unsigned } };
}

/** What the ledger's entry of an artefact must name: the hash of the artefact as it stands here. */
export function subjectHash(artefact: Members, kind?: ArtefactKind): string | undefined {
  const subject =
    (kind ?? kindOf(artefact)) === 'decision' ? recordSubject(artefact) : artefactSubject(artefact);
  return attempt(() => sha256Hex(canonicalJson(subject)));
}

/** Reads the text of a checkpoint; who signed it is another question. */
export function readCheckpoint(note: unknown): Checkpoint | undefined {
  if (typeof note !== 'string') return undefined;
  const parsed = parseNote(note);
  return parsed.ok ? parseCheckpoint(parsed.value.text) : undefined;
}

/** Whether a trusted ledger key signed a checkpoint of its ledger; `null`: no such key is known. */
export function isSigned(note: unknown, trust: Trust, origin?: string): Check {
  const keys = ledgerKeys(trust);
  if (keys.length === 0) return null;
  return (
    typeof note === 'string' &&
    keys
      .filter((key) => origin === undefined || key.origin === origin)
      .some((key) => verifyCheckpoint(note, key).ok)
  );
}

export function isIncluded(
  entry: LedgerEntry,
  path: readonly Uint8Array[],
  { size, root }: Checkpoint,
): boolean {
  const leaf = leafHash(utf8(entryText(entry)));
  return verifyInclusion(leaf, entry.seq, size, path, root) === undefined;
}

/** Whether the `ledger` block of an artefact says of its entry what is so. */
export function isPlaceOf(block: unknown, entry: LedgerEntry, origin: string): boolean {
  return (
    isMembers(block) &&
    block['origin'] === origin &&
    block['seq'] === entry.seq &&
    block['leaf_index'] === entry.seq &&
    block['entry_hash'] === entryHash(entry)
  );
}

/** Instant of an entry, Unix milliseconds. */
export function entryAt(entry: LedgerEntry): number {
  return readInstant(entry.created_at) ?? Number.NaN;
}

/** Reads one entry: all its members, nothing else. `undefined`: it is none. */
export function readEntry(value: unknown): LedgerEntry | undefined {
  if (!isMembers(value) || Object.keys(value).length !== ENTRY_MEMBERS) return undefined;
  if (value['ledger_entry_version'] !== LEDGER_ENTRY_VERSION) return undefined;
  const { seq, entry_type: type, created_at: createdAt } = value;
  if (!Number.isSafeInteger(seq) || Number(seq) < 0) return undefined;
  if (typeof type !== 'string' || !/^[a-z_]{1,20}$/.test(type)) return undefined;
  if (typeof createdAt !== 'string' || !isWellFormed(createdAt)) return undefined;
  if (readInstant(createdAt) === undefined) return undefined;
  if (!ENTRY_HASHES.every((name) => HEX.test(String(value[name])))) return undefined;
  return { ...value, seq, entry_type: type as EntryType } as LedgerEntry;
}

const ENTRY_HASHES = ['link_hash', 'prev_entry_hash', 'scope_hash', 'subject_hash'] as const;
/** Those, and version, position, type and time. */
const ENTRY_MEMBERS = ENTRY_HASHES.length + 4;
const HEX = /^[0-9a-f]{64}$/;

/** Reads a Merkle path: hashes in hex, from the leaf's sibling upwards. */
export function readPath(value: unknown): Uint8Array[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const path: Uint8Array[] = [];
  for (const item of value) {
    const hash = typeof item === 'string' && HEX.test(item) ? fromHex(item) : undefined;
    if (hash === undefined) return undefined;
    path.push(hash);
  }
  return path;
}
