import type { Members } from '@countersign/proof';
import type { PacketLedger } from './artefact.ts';
import { entryAt } from './ledger.ts';
import { type Lifecycle, receiptOf } from './lifecycle.ts';
import { instantOf } from './member.ts';
import type { Check } from './verification.ts';

/**
 * Whether the ledger has it in an order that can have been: the decision first, receipts before the outcomes that
 * name them, instants never going back, nothing executed before it was decided.
 */
export function areOrdered(
  { record, executions, outcomes }: Lifecycle,
  { artefacts }: PacketLedger,
): Check {
  const entries = artefacts.map(({ entry }) => entry).filter((entry) => entry !== undefined);
  if (entries.length < artefacts.length || entries.length === 0) return false;
  const seqOf = new Map(artefacts.map(({ members, entry }) => [members, entry?.seq ?? -1]));
  const isRising = (items: readonly Members[]): boolean =>
    items.every((item, i) => i === 0 || place(items[i - 1]) < place(item));
  const place = (item: Members | undefined): number => (item && seqOf.get(item)) ?? -1;

  const first = Math.min(...entries.map(({ seq }) => seq));
  const times = entries.toSorted((a, b) => a.seq - b.seq).map(entryAt);
  const decidedAt = instantOf(record['created_at']);
  return (
    artefacts[0]?.entry?.seq === first &&
    isRising(executions) &&
    isRising(outcomes) &&
    outcomes.every((outcome) => {
      const receipt = receiptOf(outcome, executions);
      return typeof receipt === 'string' || place(receipt) < place(outcome);
    }) &&
    artefacts.every(({ kind, members, entry }) => {
      const own = members[kind === 'decision' ? 'created_at' : 'reported_at'];
      return own === entry?.created_at;
    }) &&
    times.every((at, i) => i === 0 || at >= (times[i - 1] ?? Number.NaN)) &&
    executions.every(({ executed_at: at }) => at === undefined || instantOf(at) >= decidedAt)
  );
}
