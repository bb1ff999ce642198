import { isHollow, isMembers, type Members } from '@countersign/proof';

/** What an application must hold of a rulebook decision before it hands the action on. */
const MATERIALS = [
  'rulebook_contract',
  'runtime_binding',
  'verdict',
  'application_verdict',
  'action',
  'reason_code',
  'matched_rule_id',
  'rulebook.hash',
  'input_hash',
  'rulebook_attestation.bundle_hash',
] as const;

export type ApplicationMaterial = (typeof MATERIALS)[number];

export interface ApplicationBinding {
  readonly verified: boolean;
  readonly missing: readonly ApplicationMaterial[];
}

/**
 * Whether a rulebook decision holds all ten materials; it says nothing of whether they are true, which is what
 * verifying the record is for. A decision by the rulebook's default matched no rule: its attestation then says so.
 */
export function verifyApplicationBinding(record: unknown): ApplicationBinding {
  const missing = MATERIALS.filter((path) => {
    if (!isHollow(at(record, path))) return false;
    const attested = at(record, 'rulebook_attestation.bundle.outcome');
    const byDefault = isMembers(attested) && attested['matched_rule_id'] === null;
    return !(path === 'matched_rule_id' && byDefault);
  });
  return { verified: missing.length === 0, missing };
}

function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((here, name) => (isMembers(here) ? own(here, name) : undefined), value);
}

function own(members: Members, name: string): unknown {
  return Object.hasOwn(members, name) ? members[name] : undefined;
}
