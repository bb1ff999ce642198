import { type ChainLink, chainIdFrom, type Members } from '@countersign/proof';
import type { Artefact, PacketLedger } from './artefact.ts';
import { isSound, namesLeafOf, readLink } from './chain.ts';
import { membersOf } from './member.ts';
import type { Check } from './verification.ts';

/** What the audit chain of a packet says. */
export interface PacketChain {
  /** Whether each artefact's chain block names its leaf and the link of its ledger entry. */
  readonly leaves: Check;
  readonly links: Check;
  readonly head: Check;
  /** Whether a link speaks of something of this decision that is not in the packet. */
  readonly hasStrayLinks: boolean;
}

/** Entry types that belong to a decision and are no component of its packet. */
const ASIDE: ReadonlySet<string> = new Set(['simulation', 'packet_export', 'report', 'erasure']);

/** Holds a packet's window of the audit chain against its artefacts and their ledger entries. */
export function readChain(packet: Members, { artefacts }: PacketLedger): PacketChain {
  const leaves = checkLeaves(artefacts);
  if (packet['audit_chain'] === undefined) {
    return { leaves, links: null, head: null, hasStrayLinks: false };
  }
  const chain = membersOf(packet['audit_chain']);
  const items: unknown = chain['retained_links'];
  const read = Array.isArray(items) ? items.map(readLink) : [];
  const links = read.filter((link) => link !== undefined);
  const linkOf = new Map(links.map((link) => [`${link.entry_type} ${link.record_hash}`, link]));
  const isWhole =
    links.length > 0 && links.length === read.length && chain['chain_id'] === links[0]?.chain_id;
  const agrees = artefacts.every(({ kind, linkHash, entry }) => {
    if (entry === undefined) return true;
    const link = linkOf.get(`${kind} ${linkHash}`);
    const ownChain = chainIdFrom(entry.scope_hash) === chain['chain_id'];
    return ownChain && (link === undefined || link.link_hash === entry.link_hash);
  });
  const last = links.at(-1);
  const known = new Set(artefacts.map(({ kind, linkHash }) => `${kind} ${linkHash}`));
  const isStray = ({ entry_type: type, decision_id: id, record_hash: hash }: ChainLink): boolean =>
    id === packet['decision_id'] && !ASIDE.has(type) && !known.has(`${type} ${hash}`);
  return {
    leaves,
    links: isWhole && agrees && isSound(links),
    head:
      last !== undefined &&
      chain['chain_size'] === last.chain_position &&
      chain['merkle_root'] === last.merkle_root &&
      chain['head_link_hash'] === last.link_hash,
    hasStrayLinks: links.some(isStray),
  };
}

/** The record must have a chain block; whatever else is there may. */
function checkLeaves(artefacts: readonly Artefact[]): Check {
  let checked: Check = null;
  for (const { kind, members, linkHash, related, entry } of artefacts) {
    const decisionId = members['decision_id'];
    if (members['audit_chain'] === undefined) {
      if (kind === 'decision' && !related) return null;
      continue;
    }
    const block = membersOf(members['audit_chain']);
    const receiptHash = kind === 'decision' ? members['receipt_hash'] : null;
    const holds =
      namesLeafOf(block, { type: kind, decisionId, hash: linkHash, receiptHash }) &&
      (entry === undefined || block['link_hash'] === entry.link_hash);
    checked = holds && checked !== false;
  }
  return checked;
}
