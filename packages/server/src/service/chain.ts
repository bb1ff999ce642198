import { type ChainHead, type ChainLink, EMPTY_CHAIN, sha256Hex } from '@countersign/proof';
import type { LedgerReader, StoredEntry } from './ports.ts';
import { headOf, linksOf } from './recorded.ts';

/** The end of a tenant's audit chain: its head, and the last links as one unbroken run that ends there. */
export interface ChainWindow {
  readonly head: ChainHead;
  /** Oldest first; computed anew from the subjects of the entries. */
  readonly links: readonly ChainLink[];
  /** The entries behind the links. */
  readonly entries: readonly StoredEntry[];
}

/** Reads at most `limit` links as of a ledger size. */
export async function readChainWindow(
  reader: LedgerReader,
  scope: string,
  size: number,
  limit: number,
): Promise<ChainWindow> {
  const head = await reader.readChainHead(scope, size);
  const run: readonly StoredEntry[] = await reader.readChain(scope, head.position, limit + 1);
  const [before, ...rest] = run.length > limit ? run : [undefined, ...run];
  const entries = rest.filter((entry) => entry !== undefined);
  const links = linksOf(before === undefined ? EMPTY_CHAIN : headOf(before), entries);
  return { head, links, entries };
}

export interface ChainVerification {
  readonly checked_links: number;
  readonly valid: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean }[];
}

/** Whether the links that the subjects give are those that were appended, without a gap, up to the head. */
export function verifyWindow({ head, links, entries }: ChainWindow): ChainVerification {
  const every = (holds: (entry: StoredEntry, link: ChainLink) => boolean): boolean =>
    entries.every((entry, at) => {
      const link = links[at];
      return link !== undefined && holds(entry, link);
    });
  const last = links.at(-1);
  const checks = [
    { name: 'subjects', ok: every((entry) => sha256Hex(entry.subject) === entry.subjectHash) },
    {
      name: 'positions',
      ok: every((entry, link) => entry.chainPosition === link.chain_position),
    },
    { name: 'merkle_roots', ok: every((entry, link) => entry.chainRoot === link.merkle_root) },
    { name: 'link_hashes', ok: every((entry, link) => entry.linkHash === link.link_hash) },
    {
      name: 'head',
      ok: last?.link_hash === head.linkHash && last?.chain_position === head.position,
    },
  ];
  return { checked_links: links.length, valid: checks.every(({ ok }) => ok), checks };
}
