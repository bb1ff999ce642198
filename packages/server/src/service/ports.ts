import type { ChainHead, EntryType, NodeAt } from '@countersign/proof';

/** One entry of the ledger with its subject, as a store keeps it. Hashes are lower-case hex. */
export interface StoredEntry {
  readonly seq: number;
  /** Tenant scope the entry belongs to. */
  readonly scope: string;
  readonly entryType: EntryType;
  /** Id of the decision it belongs to; `<entry type>:<own id>` where it belongs to none. */
  readonly decisionId: string;
  readonly createdAt: string;
  /** Place in the tenant's audit chain, from 1, and where the chain stands after it. */
  readonly chainPosition: number;
  readonly chainRoot: string;
  readonly linkHash: string;
  readonly entryHash: string;
  readonly subjectHash: string;
  /** Canonical text of the subject. */
  readonly subject: string;
}

/** What a writer hands over for one entry. */
export interface NewEntry extends StoredEntry {
  /** Merkle hashes that this entry completes: its leaf, then each perfect subtree it fills; 32 bytes each. */
  readonly completed: readonly Uint8Array[];
  /** Canonical text of the input that was judged; kept apart so that it can be erased. */
  readonly input?: string | undefined;
  readonly idempotency?: Idempotency | undefined;
  /** Size of the decision's own history that the writer has seen; absent: it does not matter. */
  readonly seenOfDecision?: number | undefined;
}

export interface Idempotency {
  /** Hash of tenant, route family and the caller's key. */
  readonly key: string;
  /** Hash of the canonical payload. */
  readonly fingerprint: string;
}

/** Everything that one group commit makes durable at once. */
export interface Batch {
  readonly entries: readonly NewEntry[];
  /** Size of the ledger after it, and the signed note over that size. */
  readonly size: number;
  readonly checkpoint: string;
}

/** Why a commit left nothing behind. */
export type CommitRefusal =
  /** Another writer was faster: the size is no longer the expected one. */
  | { readonly because: 'size' }
  /** These entries (places in the batch) can never be committed. */
  | { readonly because: 'entries'; readonly refused: readonly RefusedEntry[] };

export interface RefusedEntry {
  readonly place: number;
  readonly because: 'duplicate_key' | 'stale';
}

/** Where the ledger stands. */
export interface Head {
  readonly size: number;
  /** Signed note over `size`; absent in an empty ledger. */
  readonly checkpoint?: string | undefined;
  readonly lastEntry?: StoredEntry | undefined;
}

/** Reads of the ledger. A promise that rejects means: the store does not answer. */
export interface LedgerReader {
  readHead(): Promise<Head>;
  readEntry(seq: number): Promise<StoredEntry | undefined>;
  /** Entries of one decision, oldest first. */
  readDecision(scope: string, decisionId: string): Promise<readonly StoredEntry[]>;
  /** Entries of these types of all tenants, oldest first. Meant for the rare ones: policies, keys. */
  readEntriesOfTypes(types: readonly EntryType[]): Promise<readonly StoredEntry[]>;
  /** Up to `limit` entries of a tenant that end at chain position `last`, oldest first. */
  readChain(scope: string, last: number, limit: number): Promise<readonly StoredEntry[]>;
  /** Where a tenant's chain stands at a ledger size; the current head without one. */
  readChainHead(scope: string, size?: number): Promise<ChainHead>;
  /** The stored input of an entry; absent once erased. */
  readInput(seq: number): Promise<string | undefined>;
  /** The first checkpoint whose size is at least `size`. */
  readCheckpoint(
    size: number,
  ): Promise<{ readonly size: number; readonly note: string } | undefined>;
  /** Merkle hashes, in the order asked for. Rejects when one is missing. */
  readNodes(nodes: readonly NodeAt[]): Promise<readonly Uint8Array[]>;
  recall(key: string): Promise<{ readonly seq: number; readonly fingerprint: string } | undefined>;
}

/** The ledger's store. */
export interface LedgerStore extends LedgerReader {
  /**
   * Compare-and-set on the size. Resolves to `undefined` after everything in `batch` is on disk; to a refusal
   * when nothing is. Rejects when it cannot be known which of the two: the caller must look again.
   */
  commit(expectedSize: number, batch: Batch): Promise<CommitRefusal | undefined>;
  close(): Promise<void>;
}

/** A named Ed25519 key. */
export interface Signer {
  readonly keyId: string;
  /** 64 bytes over the UTF-8 of `text`. Throws when the key cannot be used. */
  sign(text: string): Uint8Array;
}

export type KeyScope = 'decide' | 'lifecycle' | 'read' | 'packet';

/** A credential as it is stored: the key itself is not. */
export interface ApiKey {
  /** Lower-case hex SHA-256 of the key text. */
  readonly hash: string;
  /** Public handle for people and logs. */
  readonly id: string;
  readonly tenant: string;
  readonly environment: 'test' | 'live';
  readonly scopes: readonly KeyScope[];
  readonly state: 'active' | 'retiring' | 'revoked';
  readonly label: string;
  readonly createdAt: string;
  readonly expiresAt?: string | undefined;
}

/** Credentials. */
export interface KeyStore {
  findApiKey(hash: string): Promise<ApiKey | undefined>;
  listApiKeys(): Promise<readonly ApiKey[]>;
  /** Adds a key; does nothing when its hash is there. */
  addApiKey(key: ApiKey): Promise<void>;
  /** Whether there was such a key. */
  revokeApiKey(id: string): Promise<boolean>;
}

/** Who asks, proven by a key. */
export interface Principal {
  readonly tenant: string;
  readonly keyId: string;
  readonly scopes: readonly KeyScope[];
}

/** Sources of what is not a function of the request. */
export interface Ambient {
  /** Unix milliseconds. */
  readonly now: () => number;
  /** A new id with this prefix: 26 lower-case base32 characters, growing with time. */
  readonly newId: (prefix: string) => string;
}
