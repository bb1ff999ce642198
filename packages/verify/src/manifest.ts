import type { Members } from '@countersign/proof';
import { membersOf } from './member.ts';

/** Components that this package verifies, by their names in the manifest. */
const COMPONENTS = [
  'decision_records',
  'execution_receipts',
  'outcome_records',
  'crm_sync_receipts',
  'claims',
  'reviews',
  'reports',
] as const;
/** Those that every packet's manifest counts; of the others only what is there. */
const ALWAYS: ReadonlySet<string> = new Set([
  'decision_records',
  'execution_receipts',
  'outcome_records',
]);
export type Component = (typeof COMPONENTS)[number];

/** Members that a packet may have. Of others nothing here can say whether they are true. */
const MEMBERS: ReadonlySet<string> = new Set([
  'audit_chain',
  'claims',
  'crm_syncs',
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
  'policy_intelligence',
  'receipt_hash',
  'record_hash',
  'related_records',
  'reviews',
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
  const related = lengthOf(packet['related_records']);
  const lengths: Readonly<Record<Component, number | undefined>> = {
    decision_records:
      related === undefined
        ? undefined
        : related + (packet['decision_record'] === undefined ? 0 : 1),
    execution_receipts: lengthOf(packet['executions']),
    outcome_records: lengthOf(packet['outcomes']),
    crm_sync_receipts: lengthOf(packet['crm_syncs']),
    claims: lengthOf(packet['claims']),
    reviews: lengthOf(packet['reviews']),
    reports: reportsIn(packet).length,
  };
  const components = componentsOf(packet);
  return COMPONENTS.every((name) => {
    const component = components[name];
    if (component === undefined && !ALWAYS.has(name)) return lengths[name] === 0;
    return membersOf(component)['count'] === lengths[name];
  });
}

/** Names of the reports that a packet holds. */
export function reportsIn(packet: Members): string[] {
  return Object.keys(membersOf(packet['policy_intelligence'])).filter(
    (name) => name !== 'signatures',
  );
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
      if (components[name] === undefined && !ALWAYS.has(name)) return true;
      const { count, total } = membersOf(components[name]);
      return typeof count === 'number' && count === total;
    })
  );
}

/** Whether a component has items, or should have. */
export function hasComponent(packet: Members, name: Component, items: readonly unknown[]): boolean {
  if (items.length > 0) return true;
  const component = componentsOf(packet)[name];
  if (component === undefined && !ALWAYS.has(name)) return false;
  return membersOf(component)['total'] !== 0;
}
