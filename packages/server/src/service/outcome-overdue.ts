import { Deadlines } from './deadlines.ts';
import { boundExecutions, readHistory, subjectOf } from './history.ts';
import type { PolicyRegistry } from './policies.ts';
import type { LedgerReader, StoredEntry } from './ports.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** When an outcome is due after the last execution, where the policy does not say. */
const DUE_MS = 7 * DAY_MS;
/** What was due so long ago is no news any more: nobody was told because nobody was there to tell. */
const LATE_MAX_MS = 30 * DAY_MS;

/**
 * Gives the sweep that finds executed actions of which nobody has said in time what came of them. `announce` hears of
 * each at least once, and again after a restart.
 */
export function outcomeOverdue(
  reader: LedgerReader,
  policies: PolicyRegistry,
  announce: (execution: StoredEntry, dueAt: number) => void,
): (now: number) => Promise<void> {
  const deadlines = new Deadlines(reader, 'execution', (entry) => dueOf(policies, entry));
  return (now) =>
    deadlines.passed(now, async ({ entry: { scope, decisionId, seq }, at }) => {
      if (now - at > LATE_MAX_MS) return;
      const history = await readHistory(reader, scope, decisionId);
      if (history === undefined || history.outcomes.length > 0) return;
      const last = boundExecutions(history).at(-1);
      if (last?.entry.seq === seq) announce(last.entry, at);
    });
}

function dueOf(policies: PolicyRegistry, entry: StoredEntry): number | undefined {
  const subject = subjectOf(entry);
  if (subject['execution_status'] !== 'executed' || subject['action_binding_match'] !== true) {
    return undefined;
  }
  const policy = policies.version(
    entry.scope,
    String(subject['policy_id']),
    String(subject['policy_version']),
  );
  // A rulebook may have the name of a stored policy; the bundle tells them apart.
  const own = policy?.bundle.hash === subject['policy_bundle_hash'] ? policy : undefined;
  const seconds = own?.document.outcome?.dueSeconds;
  return Date.parse(entry.createdAt) + (seconds === undefined ? DUE_MS : seconds * 1000);
}
