import { fail, ok, type Result } from '@countersign/contract';
import { canonicalJson, type Members } from '@countersign/proof';
import { APPEND_FAULTS, type Ports } from './decide.ts';
import type { History } from './history.ts';

/** Notes in the ledger that a decision was judged once more, to look and not to act. */
export async function noteSimulation(
  ports: Ports,
  { record }: History,
  at: string,
  members: Members,
): Promise<Result<void>> {
  const { policy_id: policyId, policy_version: policyVersion } = record.subject;
  const decisionId = record.entry.decisionId;
  const appended = await ports.append({
    scope: record.entry.scope,
    entryType: 'simulation',
    decisionId,
    createdAt: at,
    policyId: String(policyId),
    policyVersion: String(policyVersion),
    head: canonicalJson({
      ...members,
      created_at: at,
      decision_id: decisionId,
      policy_id: policyId,
      policy_version: policyVersion,
      simulation_id: ports.ambient.newId('sim_'),
    }),
    tail: '',
  });
  return appended.ok ? ok(undefined) : fail({ code: APPEND_FAULTS[appended.fault] });
}
