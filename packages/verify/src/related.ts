import type { Members } from '@countersign/proof';
import { textMember } from './member.ts';
import type { Check } from './verification.ts';

/**
 * Whether the records beside the packet's own are the one that it carries on, and those that carry it on: ids and
 * hashes name each other, input and binding are the same. `null` where the record stands alone.
 */
export function areRelated(
  record: Members,
  related: readonly Members[],
  isVerified: (record: Members) => boolean,
): Check {
  const parentId = record['parent_decision_id'];
  if (related.length === 0) return parentId === undefined ? null : false;
  const parents = related.filter((other) => isParentOf(other, record));
  if (parentId !== undefined && parents.length !== 1) return false;
  return related.every(
    (other) =>
      (isParentOf(other, record) || isParentOf(record, other)) &&
      other['input_hash'] === record['input_hash'] &&
      other['action_binding_hash'] === record['action_binding_hash'] &&
      other['policy_hash'] === record['policy_hash'] &&
      isVerified(other),
  );
}

function isParentOf(parent: Members, child: Members): boolean {
  const id = textMember(parent, 'decision_id');
  return (
    id !== undefined &&
    child['parent_decision_id'] === id &&
    child['parent_record_hash'] === parent['record_hash']
  );
}
