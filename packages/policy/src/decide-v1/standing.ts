import { BUILTIN_CODES } from './builtin.ts';
import type { Standing } from './facts.ts';

/** How the policy came to answer, read back from the evidence codes of a recorded answer. */
export function standingOf(codes: readonly unknown[]): Standing {
  if (codes.includes(BUILTIN_CODES['builtin.policy_bound'])) return 'unbound';
  if (codes.includes(BUILTIN_CODES['builtin.policy_unambiguous'])) return 'ambiguous';
  if (codes.includes(BUILTIN_CODES['builtin.policy_active'])) return 'suspended';
  return 'active';
}
