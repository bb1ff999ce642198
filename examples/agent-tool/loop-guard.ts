/** How long a `no` answers the same arguments without asking again. */
const REFUSAL_MS = 10 * 60_000;
/** Refused proposals that a run may have; one more suspends it. */
const REFUSALS_MAX = 5;

/** Keeps an agent from trying until something passes. */
export interface LoopGuard {
  /** The decision that refused these arguments a little while ago. */
  refusalOf(tool: string, argumentsHash: string): string | undefined;
  decidedNo(tool: string, argumentsHash: string, decisionId: string): void;
  refused(runId: string): void;
  isSuspended(runId: string): boolean;
}

/** Forgets when its process ends: then the gate is asked again, which answers the same. */
export function loopGuard(now: () => number): LoopGuard {
  const refusals = new Map<string, { readonly at: number; readonly decisionId: string }>();
  const counts = new Map<string, number>();
  const nameOf = (tool: string, hash: string): string => `${tool} ${hash}`;
  return {
    refusalOf(tool, hash) {
      const found = refusals.get(nameOf(tool, hash));
      return found !== undefined && now() - found.at < REFUSAL_MS ? found.decisionId : undefined;
    },
    decidedNo(tool, hash, decisionId) {
      refusals.set(nameOf(tool, hash), { at: now(), decisionId });
    },
    refused(runId) {
      counts.set(runId, (counts.get(runId) ?? 0) + 1);
    },
    isSuspended: (runId) => (counts.get(runId) ?? 0) > REFUSALS_MAX,
  };
}
