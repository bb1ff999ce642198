import type { Members } from '@countersign/proof';
import type { PacketLedger } from './artefact.ts';
import { KINDS } from './kinds.ts';
import { entryAt } from './ledger.ts';
import { type Lifecycle, receiptOf } from './lifecycle.ts';
import { instantOf } from './member.ts';
import type { Check } from './verification.ts';

/**
 * Whether the ledger has it in an order that can have been: the decision before all that is about it, claims and
 * receipts before what names them, instants never going back, nothing executed before it was decided.
 */
export function areOrdered(
  { record, claims, executions, outcomes }: Lifecycle,
  { artefacts }: PacketLedger,
): Check {
  const entries = artefacts.map(({ entry }) => entry).filter((entry) => entry !== undefined);
  if (entries.length < artefacts.length || entries.length === 0) return false;
  const seqOf = new Map(artefacts.map(({ members, entry }) => [members, entry?.seq ?? -1]));
  const place = (item: Members | undefined): number => (item && seqOf.get(item)) ?? -1;
  const isRising = (items: readonly Members[]): boolean =>
    items.every((item, i) => i === 0 || place(items[i - 1]) < place(item));

  const [decision, ...rest] = artefacts;
  const about = rest.filter(({ related }) => !related);
  const times = entries.toSorted((a, b) => a.seq - b.seq).map(entryAt);
  const decidedAt = instantOf(record['created_at']);
  const claimOf = ({ claim_id: id }: Members): Members | undefined =>
    id === undefined ? undefined : claims.find((claim) => claim['claim_id'] === id);
  return (
    about.every(({ entry }) => (decision?.entry?.seq ?? Infinity) < (entry?.seq ?? -1)) &&
    [claims, executions, outcomes].every(isRising) &&
    executions.every((receipt) => {
      const claim = claimOf(receipt);
      return claim === undefined || place(claim) < place(receipt);
    }) &&
    outcomes.every((outcome) => {
      const receipt = receiptOf(outcome, executions);
      return typeof receipt === 'string' || place(receipt) < place(outcome);
    }) &&
    artefacts.every(({ kind, members, entry }) => members[KINDS[kind].at] === entry?.created_at) &&
    times.every((at, i) => i === 0 || at >= (times[i - 1] ?? Number.NaN)) &&
    executions.every(({ executed_at: at }) => at === undefined || instantOf(at) >= decidedAt)
  );
}
