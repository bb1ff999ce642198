import { fail, ok, type Result } from '@countersign/contract';
import { boundExecutions, type History, unsettledReviews } from './history.ts';
import { buildPacket, type PacketEnvelope, type PacketPorts } from './packet.ts';
import { readPopulation } from './policy-population.ts';
import { RANGES } from './reports/parameters.ts';
import { DAYS_30_MS, type Readiness, readiness } from './reports/readiness.ts';
import { readSignOffs } from './sign-off.ts';

/**
 * Whether the next boundary of a policy may start, item by item. Of the packets one is enough: that of the newest
 * decision with a bound execution and an outcome is made here, shown to `isVerified` and thrown away.
 */
export async function readReadiness(
  ports: PacketPorts,
  scope: string,
  policyId: string,
  isVerified: (envelope: PacketEnvelope) => boolean,
): Promise<Result<Readiness>> {
  if (ports.policies.history(scope, policyId).versions.length === 0) {
    return fail({ code: 'DECIDE_POLICY_NOT_FOUND' });
  }
  const now = ports.ambient.now();
  let openMismatches = 0;
  /** The newest decision of these days with all that a launch has to show. */
  let finished: string | undefined;
  const query = { scope, policyId, limit: RANGES.limit.max };
  const population = await readPopulation(ports, query, (chain) => {
    for (const history of chain) {
      const mismatches = unsettledReviews(history).filter(
        ({ subject }) => subject['kind'] === 'mismatch',
      );
      openMismatches += mismatches.length;
      const { createdAt, decisionId } = history.record.entry;
      const recent = Date.parse(createdAt) >= now - DAYS_30_MS;
      if (recent && hasOutcome(history)) finished ??= decisionId;
    }
  });
  const packet =
    finished === undefined ? undefined : await buildPacket(ports, scope, finished, PARAMETERS);
  return ok(
    readiness({
      population,
      at: new Date(now).toISOString(),
      verifiedPackets: packet?.ok === true && isVerified(packet.value.envelope) ? 1 : 0,
      openMismatches,
      signOffs: await readSignOffs(ports.reader, scope, policyId),
    }),
  );
}

/** Reports and inputs are left out: neither is what a packet is verified by. */
const PARAMETERS = {
  includeInput: false,
  includeChain: true,
  includePolicy: true,
  executionLimit: 500,
  outcomeLimit: 500,
  chainLimit: 1,
} as const;

/** Whether something was done under a record as it allowed, and is known how it ended. */
function hasOutcome(history: History): boolean {
  return boundExecutions(history).length > 0 && history.outcomes.length > 0;
}
