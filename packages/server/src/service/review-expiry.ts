import { Deadlines } from './deadlines.ts';
import { appendAll, type Ports } from './decide.ts';
import { readHistory, subjectOf, unsettledReviews } from './history.ts';
import type { StoredEntry } from './ports.ts';
import { isDecisionItem, resolvedDraft } from './review.ts';

/**
 * Gives the sweep that notes which reviews nobody answered in time. The note lets nobody do anything: a late word is
 * refused by the clock, with or without it. What went wrong stays open until somebody has dealt with it.
 */
export function reviewExpiry(ports: Ports): () => Promise<void> {
  const deadlines = new Deadlines(ports.reader, 'review_opened', dueOf);
  return () =>
    deadlines.passed(ports.ambient.now(), async ({ entry: { scope, decisionId, seq } }) => {
      const history = await readHistory(ports.reader, scope, decisionId);
      if (history === undefined) return;
      const item = unsettledReviews(history).find(({ entry }) => entry.seq === seq);
      if (item === undefined) return;
      const draft = resolvedDraft(ports, history, item, {
        resolution: 'expired',
        resolved_at: new Date(ports.ambient.now()).toISOString(),
        settled: true,
      });
      const appended = await appendAll(ports, [draft]);
      // It stays held and is tried again: the next look shows whether somebody else was here.
      if (!appended.ok) throw new Error(`a review could not expire: ${appended.fault}`);
    });
}

function dueOf(entry: StoredEntry): number | undefined {
  const subject = subjectOf(entry);
  return isDecisionItem({ entry, subject }) ? Date.parse(String(subject['due_at'])) : undefined;
}
