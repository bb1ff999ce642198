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
  /** What the entry can be found by. */
  readonly handles?: readonly Handle[] | undefined;
  /** State of a run after this entry, for stores that keep runs beside the ledger. */
  readonly snapshot?: RunSnapshot | undefined;
  /** Entries of a batch with one group are committed together or not at all. */
  readonly group?: number | undefined;
  /** Size of the decision's own history that the writer has seen; absent: it does not matter. */
  readonly seenOfDecision?: number | undefined;
}

/** A run as a whole, in the layout of the original server. */
export interface RunSnapshot {
  readonly tenant: number | bigint;
  readonly namespace: number | bigint;
  readonly runId: string;
  /** Canonical text of the run, and its SHA-256 as lower-case hex. */
  readonly state: string;
  readonly stateHash: string;
  /** Unix milliseconds. */
  readonly savedAt: number;
  /** How many versions of the run are kept; absent: all. */
  readonly maxVersions?: number | undefined;
}

/** Something that people search by, each within its tenant. */
export interface Handle {
  readonly kind: HandleKind;
  readonly value: string;
}

export const HANDLE_KINDS = [
  'request_id',
  'record_hash',
  'receipt_hash',
  'source_record_id',
  'external_ref',
  /** Decisions by the policy that made them. */
  'policy',
  /** Review items by the group they wait for. */
  'review_group',
  /** Registrations of a rulebook, by its hash. */
  'rulebook',
  /** Records that carry on another one, by its id. */
  'parent',
  /** Sign-offs of a launch, by policy. */
  'sign_off',
  /** Runs by the scenario that they follow. */
  'scenario',
] as const;
export type HandleKind = (typeof HANDLE_KINDS)[number];

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
  /**
   * Entries of one decision, oldest first: all of them, or it rejects. That an entry is about a decision stands a
   * second time apart from the entries, and the last checkpoint says how many there are, so a row that was lost is
   * noticed here, at the cost of one more look into an index. Who rewrites all of it is found by `checkLedger`.
   */
  readDecision(scope: string, decisionId: string): Promise<readonly StoredEntry[]>;
  /** The same of several decisions at once, in the order asked for; an unknown one has no entries. */
  readDecisions(
    scope: string,
    decisionIds: readonly string[],
  ): Promise<readonly (readonly StoredEntry[])[]>;
  /** Entries of these types of all tenants, oldest first. Meant for the rare ones: policies, keys. */
  readEntriesOfTypes(types: readonly EntryType[]): Promise<readonly StoredEntry[]>;
  /** Entries of a tenant that a handle names, newest first, below `before`. Rejects when one of them is missing. */
  readByHandle(
    scope: string,
    handle: Handle,
    limit: number,
    before?: number,
  ): Promise<readonly StoredEntry[]>;
  /** Entries of one type of a tenant, newest first, below `before`. */
  readOfType(
    scope: string,
    type: EntryType,
    limit: number,
    before?: number,
  ): Promise<readonly StoredEntry[]>;
  /** Entries of one type of all tenants from `seq` on, oldest first. */
  readTypeFrom(type: EntryType, seq: number, limit: number): Promise<readonly StoredEntry[]>;
  /** Entries of all tenants from `seq` on, oldest first. */
  readEntriesFrom(seq: number, limit: number): Promise<readonly StoredEntry[]>;
  /** Entries of these types of a tenant that were created at or after an instant. */
  countSince(scope: string, types: readonly EntryType[], createdAt: string): Promise<number>;
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
  /** Removes stored inputs for good; gives how many there were. The entries and their hashes stay. */
  eraseInputs(seqs: readonly number[]): Promise<number>;
  /** Forgets the idempotency keys of a tenant. */
  eraseIdempotency(scope: string): Promise<void>;
  /** Places of stored inputs of a tenant whose entries are older than an instant. */
  findInputsBefore(scope: string, createdAt: string, limit: number): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** A named Ed25519 key. */
export interface Signer {
  readonly keyId: string;
  /** 64 bytes over the UTF-8 of `text`. Throws when the key cannot be used. */
  sign(text: string): Uint8Array;
}

/**
 * Signs the hash under an attestation about a rulebook. Throws when the key cannot be used.
 *
 * @returns the signature as base64url without prefix.
 */
export type Attest = (text: string) => {
  readonly keyId: string;
  readonly publicKeyPem: string;
  readonly signature: string;
};

/** A key that signs here, with its public half. */
export interface SealingKey extends Signer {
  /** Raw Ed25519 key, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly publicKeyPem: string;
  /** Hex SHA-256 of the PEM text. */
  readonly fingerprint: string;
}

/** Why the keys do not serve: a history that contradicts itself, or a key that cannot be used. */
export type KeyFault = 'history' | 'unreadable';

/** The signing keys of one environment. Which one signs is a matter of its dates, so it changes with time. */
export interface KeyRing {
  /** Name of the ledger in its checkpoints. */
  readonly origin: string;
  /** Signs records, receipts, outcomes and packets now. */
  readonly receipts: SealingKey;
  /** Signs rulebook attestations now. */
  readonly attestation: SealingKey;
  /** Signs checkpoints. */
  readonly checkpoints: SealingKey;
  /** The key of what is created at an instant, Unix milliseconds. */
  receiptsAt(at: number): SealingKey;
  /** The public registry, see `renderRegistry`. */
  registry(): Record<string, unknown>;
  /** Looks at the files, signs and verifies once with each key; `undefined`: all is well. */
  fault(): KeyFault | undefined;
  /** Whether the last look found a fault: then nothing is to be signed. */
  readonly broken: boolean;
}

export const KEY_SCOPES = [
  'decide',
  'lifecycle',
  'read',
  'packet',
  'review',
  'policy',
  'report',
  'rulebook_register',
  'rulebook_adhoc',
] as const;
export type KeyScope = (typeof KEY_SCOPES)[number];

export const KEY_RESTRICTIONS = ['executor_only', 'requester_only'] as const;
export type KeyRestriction = (typeof KEY_RESTRICTIONS)[number];

/** A credential as it is stored: the key itself is not. */
export interface ApiKey {
  /** Lower-case hex SHA-256 of the key text. */
  readonly hash: string;
  /** Public handle for people and logs. */
  readonly id: string;
  readonly tenant: string;
  readonly environment: 'test' | 'live';
  readonly scopes: readonly KeyScope[];
  /** `executor_only`: never decides. `requester_only`: never reports what was executed. */
  readonly restriction?: KeyRestriction | undefined;
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
  /** Settings of a tenant, as JSON text; absent: the defaults. */
  readTenant(tenant: string): Promise<string | undefined>;
  writeTenant(tenant: string, settings: string): Promise<void>;
}

export const ACTOR_SCOPES = [
  'decision:create',
  'decision:read',
  'proof:read',
  'proof:full',
] as const;
export type ActorScope = (typeof ACTOR_SCOPES)[number];

/** A credential of the communication door as it is stored: the token itself is not. */
export interface ActorToken {
  /** Digest of the token under a key of this server, lower-case hex. */
  readonly hash: string;
  /** Public handle for people and logs. */
  readonly id: string;
  /** Whom it speaks for; one actor may have two tokens while they are exchanged. */
  readonly actorId: string;
  readonly tenant: string;
  readonly environment: 'test' | 'live';
  readonly scopes: readonly ActorScope[];
  readonly state: 'active' | 'suspended' | 'revoked';
  readonly label: string;
  readonly createdAt: string;
  readonly expiresAt?: string | undefined;
  /** When it was last presented, to the minute. */
  readonly usedAt?: string | undefined;
}

/** Credentials of the communication door. */
export interface ActorStore {
  findActorToken(hash: string): Promise<ActorToken | undefined>;
  listActorTokens(): Promise<readonly ActorToken[]>;
  /** Adds a token; does nothing when its hash is there. */
  addActorToken(token: ActorToken): Promise<void>;
  /** Whether there was such a token. */
  setActorState(id: string, state: ActorToken['state']): Promise<boolean>;
  noteActorUse(id: string, usedAt: string): Promise<void>;
}

/** Who asks, proven by an actor's token. */
export interface Actor {
  readonly tenant: string;
  readonly actorId: string;
  readonly tokenId: string;
  /** Of the token, for packets: says which one it was and nothing else. */
  readonly tokenFingerprint: string;
  readonly scopes: readonly ActorScope[];
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
