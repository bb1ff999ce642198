import { type ChainLink, canonicalJson, canonicalString, shape } from '@countersign/proof';
import type { Appended } from './ledger-writer.ts';

/** An artefact's place: its link in the audit chain, its entry in the ledger, and the proof of it. */
export type Place = Omit<Appended, 'signature'>;

/** Place of an artefact in its tenant's audit chain, as the artefact shows it. */
export function auditChainOf(link: ChainLink): Readonly<Record<string, unknown>> {
  return {
    chain_id: link.chain_id,
    chain_position: link.chain_position,
    decision_chain_version: link.decision_chain_version,
    entry_type: link.entry_type,
    leaf_hash: link.leaf_hash,
    link_hash: link.link_hash,
    merkle_root: link.merkle_root,
    merkle_strategy: link.merkle_strategy,
    previous_link_hash: link.previous_link_hash,
    previous_merkle_root: link.previous_merkle_root,
  };
}

/** Place of an artefact in the ledger. */
export function ledgerOf(place: Place, origin: string): Readonly<Record<string, unknown>> {
  return {
    entry_hash: place.entryHash,
    leaf_index: place.seq,
    origin,
    seq: place.seq,
  };
}

const placeShape = shape(['audit_chain', 'ledger', 'ledger_proof']);
const proofShape = shape(['checkpoint', 'entry', 'proof', 'tree_size']);

/**
 * `audit_chain`, `ledger` and `ledger_proof` as members of one JSON text. What stands in `ledger_proof` can be
 * checked with the ledger's key alone.
 */
export function placeText(place: Place, origin: string): string {
  // A signed note has one kind of non-ASCII character. Escaped, it lets a whole answer be sent as it is in memory.
  const checkpoint = canonicalString(place.checkpoint).replaceAll('—', '\\u2014');
  const members = placeShape({
    audit_chain: canonicalJson(auditChainOf(place.link)),
    ledger: canonicalJson(ledgerOf(place, origin)),
    ledger_proof: proofShape({
      checkpoint,
      entry: place.entryText,
      proof: place.proof.length === 0 ? '[]' : `["${place.proof.join('","')}"]`,
      tree_size: String(place.treeSize),
    }),
  });
  return members.slice(1, -1);
}
