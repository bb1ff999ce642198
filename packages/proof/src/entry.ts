import { canonicalString } from './canonical.ts';
import { sha256Hex } from './hash.ts';
import { shape } from './shape.ts';

/** What a ledger entry speaks of. One entry has one subject: the artefact whose hash it carries. */
export type EntryType =
  | 'decision'
  | 'advisory'
  | 'simulation'
  | 'review_opened'
  | 'review_resolved'
  | 'claim'
  | 'execution'
  | 'outcome'
  | 'crm_sync'
  | 'policy_version'
  | 'policy_state'
  | 'rulebook'
  | 'key_event'
  | 'packet_export'
  | 'report'
  | 'erasure'
  | 'scenario'
  | 'run'
  | 'runpack_export'
  | 'communication'
  | 'packet_read';

export const LEDGER_ENTRY_VERSION = 'ledger_entry_v1';

/** `prev_entry_hash` of entry 0. */
export const NO_ENTRY_HASH: string = '0'.repeat(64);

/**
 * One item of the ledger. It holds hashes only, so a proof about one tenant shows nothing of another.
 * All hashes are lower-case hex SHA-256; `created_at` is RFC 3339 in UTC with milliseconds.
 */
export interface LedgerEntry {
  readonly ledger_entry_version: typeof LEDGER_ENTRY_VERSION;
  /** Zero-based position in the ledger. */
  readonly seq: number;
  /** Entry hash of entry `seq − 1`, or 64 zeros. */
  readonly prev_entry_hash: string;
  readonly entry_type: EntryType;
  /** Hash of the artefact as it is stored, its own hashes and signature included. */
  readonly subject_hash: string;
  /** Link of the tenant's audit chain that belongs to this entry. */
  readonly link_hash: string;
  /** SHA-256 of the tenant scope. */
  readonly scope_hash: string;
  readonly created_at: string;
}

const entryShape = shape([
  'created_at',
  'entry_type',
  'ledger_entry_version',
  'link_hash',
  'prev_entry_hash',
  'scope_hash',
  'seq',
  'subject_hash',
]);

/** The canonical text (RFC 8785) of an entry: what its hash and its Merkle leaf are taken over. */
export function entryText(entry: LedgerEntry): string {
  return entryShape({
    created_at: canonicalString(entry.created_at),
    entry_type: canonicalString(entry.entry_type),
    ledger_entry_version: canonicalString(entry.ledger_entry_version),
    link_hash: canonicalString(entry.link_hash),
    prev_entry_hash: canonicalString(entry.prev_entry_hash),
    scope_hash: canonicalString(entry.scope_hash),
    seq: String(entry.seq),
    subject_hash: canonicalString(entry.subject_hash),
  });
}

/** Hash that the following entry names as `prev_entry_hash`. */
export function entryHash(entry: LedgerEntry): string {
  return sha256Hex(entryText(entry));
}
