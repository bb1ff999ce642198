import { canonicalJson } from '../canonical.ts';
import { sha256Hex } from '../hash.ts';
import { type Members, without } from './members.ts';

export const CLAIM_VERSION = 'decision_claim_v1';
export const CRM_SYNC_VERSION = 'decision_crm_sync_v1';
export const REVIEW_VERSION = 'decision_review_v1';

/** First words of the hash, signature and key id members of an artefact that has no published form. */
export type SealName = 'claim' | 'sync' | 'review' | 'report';

/** RFC 8785 hash of a whole artefact but for its seal and its place in the ledger. */
export function sealedHash(artefact: Members, name: SealName): string {
  return sha256Hex(
    canonicalJson(
      without(
        artefact,
        new Set([
          `${name}_hash`,
          `${name}_key_id`,
          `${name}_signature`,
          'audit_chain',
          'ledger',
          'ledger_proof',
        ]),
      ),
    ),
  );
}
