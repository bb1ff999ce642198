import type { Members } from '@countersign/proof';
import { membersOf } from './member.ts';

/** Components that this package verifies, by their names in the manifest. */
const COMPONENTS = ['decision_records', 'execution_receipts', 'outcome_records'] as const;

/** Members that a packet may have. Of others nothing here can say whether they are true. */
const MEMBERS: ReadonlySet<string> = new Set([
  'audit_chain',
  'decision_id',
  'decision_packet_version',
  'decision_protocol_version',
  'decision_record',
  'executions',
  'input',
  'keys',
  'ledger',
  'outcomes',
  'packet_hash',
  'packet_manifest',
  'policies',
  'policy_bundle_manifest',
  'receipt_hash',
  'record_hash',
  'stored_input',
  'verification_hints',
]);

/** Whether this package knows what the packet holds. What it does not know it cannot vouch for. */
export function isKnown(packet: Members): boolean {
  const components = componentsOf(packet);
  return (
    Object.keys(packet).every((name) => MEMBERS.has(name)) &&
    Object.keys(components).every((name) => COMPONENTS.some((known) => known === name))
  );
}

function componentsOf(packet: Members): Members {
  return membersOf(membersOf(packet['packet_manifest'])['components']);
}

/** Whether the manifest counts what is there. */
export function isCounted(packet: Members): boolean {
  const lengths = {
    decision_records: packet['decision_record'] === undefined ? 0 : 1,
    execution_receipts: lengthOf(packet['executions']),
    outcome_records: lengthOf(packet['outcomes']),
  } as const satisfies Record<(typeof COMPONENTS)[number], number | undefined>;
  const components = componentsOf(packet);
  return COMPONENTS.every((name) => membersOf(components[name])['count'] === lengths[name]);
}

/** A packet without the list has none of its items. */
function lengthOf(list: unknown): number | undefined {
  if (list === undefined) return 0;
  return Array.isArray(list) ? list.length : undefined;
}

/** Whether the manifest says that nothing was left out. */
export function isComplete(packet: Members): boolean {
  const components = componentsOf(packet);
  return (
    membersOf(packet['packet_manifest'])['complete'] === true &&
    COMPONENTS.every((name) => {
      const { count, total } = membersOf(components[name]);
      return typeof count === 'number' && count === total;
    })
  );
}

/** Whether a component has items, or should have. */
export function hasComponent(
  packet: Members,
  name: (typeof COMPONENTS)[number],
  items: readonly unknown[],
): boolean {
  return items.length > 0 || membersOf(componentsOf(packet)[name])['total'] !== 0;
}
