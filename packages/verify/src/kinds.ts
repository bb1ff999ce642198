import {
  CLAIM_VERSION,
  CRM_SYNC_VERSION,
  EXECUTION_VERSION,
  executionHash,
  type Members,
  OUTCOME_VERSION,
  outcomeHash,
  RECORD_VERSION,
  REVIEW_VERSION,
  recordHash,
  sealedHash,
} from '@countersign/proof';

/** Artefacts that this package knows, by the entry type under which the ledger holds them. */
export type ArtefactKind =
  | 'decision'
  | 'claim'
  | 'execution'
  | 'outcome'
  | 'crm_sync'
  | 'review_opened'
  | 'review_resolved';

/** Where an artefact of a kind says what. */
export interface KindOf {
  readonly versionMember: string;
  readonly version: string;
  readonly id: string;
  readonly hash: string;
  readonly signature: string;
  readonly keyId: string;
  /** When it was made. */
  readonly at: string;
  /** Its own hash, recomputed. */
  readonly compute: (artefact: Members) => string;
  /** Whether chain links know it by that hash; else by the hash of the whole subject. */
  readonly published: boolean;
}

const review = {
  versionMember: 'decision_review_version',
  version: REVIEW_VERSION,
  id: 'review_id',
  hash: 'review_hash',
  signature: 'review_signature',
  keyId: 'review_key_id',
  compute: (artefact: Members) => sealedHash(artefact, 'review'),
  published: false,
} as const;

export const KINDS: Readonly<Record<ArtefactKind, KindOf>> = {
  decision: {
    versionMember: 'decision_record_version',
    version: RECORD_VERSION,
    id: 'decision_id',
    hash: 'record_hash',
    signature: 'receipt_signature',
    keyId: 'receipt_key_id',
    at: 'created_at',
    compute: recordHash,
    published: true,
  },
  claim: {
    versionMember: 'decision_claim_version',
    version: CLAIM_VERSION,
    id: 'claim_id',
    hash: 'claim_hash',
    signature: 'claim_signature',
    keyId: 'claim_key_id',
    at: 'claimed_at',
    compute: (artefact) => sealedHash(artefact, 'claim'),
    published: false,
  },
  execution: {
    versionMember: 'decision_execution_version',
    version: EXECUTION_VERSION,
    id: 'execution_receipt_id',
    hash: 'execution_hash',
    signature: 'execution_signature',
    keyId: 'execution_key_id',
    at: 'reported_at',
    compute: executionHash,
    published: true,
  },
  outcome: {
    versionMember: 'decision_outcome_version',
    version: OUTCOME_VERSION,
    id: 'outcome_id',
    hash: 'outcome_hash',
    signature: 'outcome_signature',
    keyId: 'outcome_key_id',
    at: 'reported_at',
    compute: outcomeHash,
    published: true,
  },
  crm_sync: {
    versionMember: 'decision_crm_sync_version',
    version: CRM_SYNC_VERSION,
    id: 'sync_id',
    hash: 'sync_hash',
    signature: 'sync_signature',
    keyId: 'sync_key_id',
    at: 'reported_at',
    compute: (artefact) => sealedHash(artefact, 'sync'),
    published: false,
  },
  review_opened: { ...review, at: 'opened_at' },
  review_resolved: { ...review, at: 'resolved_at' },
};

/** The kind of an artefact by what it says it is; `undefined`: none that is known here. */
export function kindOf(artefact: Members): ArtefactKind | undefined {
  const found = (Object.keys(KINDS) as ArtefactKind[]).find((kind) => {
    const { versionMember, version, at } = KINDS[kind];
    return (
      artefact[versionMember] === version &&
      (versionMember !== review.versionMember || at in artefact)
    );
  });
  return found;
}
