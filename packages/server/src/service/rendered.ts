import { type ChainLink, canonicalJson, canonicalString } from '@countersign/proof';
import type { Recorded } from './recorded.ts';

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
export function ledgerOf(recorded: Recorded, origin: string): Readonly<Record<string, unknown>> {
  return {
    entry_hash: recorded.entryHash,
    leaf_index: recorded.seq,
    origin,
    seq: recorded.seq,
  };
}

/** Entry, inclusion path and checkpoint as canonical text: what a reader checks with the ledger's key alone. */
export function ledgerProofText(recorded: Recorded): string {
  const path = recorded.proof.map((hash) => `"${hash}"`).join(',');
  return (
    `{"checkpoint":${canonicalString(recorded.checkpoint)},"entry":${recorded.entryText},` +
    `"proof":[${path}],"tree_size":${recorded.treeSize}}`
  );
}

/** The artefact with its place in chain and ledger and the proof of it. */
export function artefactText(recorded: Recorded, origin: string): string {
  return (
    `${recorded.subject.slice(0, -1)},"audit_chain":${canonicalJson(auditChainOf(recorded.link))},` +
    `"ledger":${canonicalJson(ledgerOf(recorded, origin))},"ledger_proof":${ledgerProofText(recorded)}}`
  );
}
