import { canonicalJson } from '../canonical.ts';
import { sortedJson } from '../sorted.ts';

/** What a signature under an artefact other than a record covers. */
export interface SignedArtefact {
  /** Version constant of the artefact, for example `decision_execution_v1`. */
  readonly type: string;
  readonly id: string;
  /** The artefact's own hash, lower-case hex. */
  readonly hash: string;
  readonly key_id: string;
}

/** Message under execution receipts, outcomes, packets and reports: RFC 8785 text, to be signed as UTF-8. */
export function artefactMessage(signed: SignedArtefact): string {
  return canonicalJson({
    hash: signed.hash,
    id: signed.id,
    key_id: signed.key_id,
    type: signed.type,
  });
}

/** Message under a Decision Record's receipt: `json.sort_deep.v1` text, to be signed as UTF-8. */
export function receiptMessage(signed: {
  readonly decision_id: string;
  readonly key_id: string;
  readonly receipt_hash: string;
  readonly record_hash: string;
}): string {
  return sortedJson({
    decision_id: signed.decision_id,
    key_id: signed.key_id,
    receipt_hash: signed.receipt_hash,
    record_hash: signed.record_hash,
  });
}
