import { type Json, type OwnersWord, ownersWord } from '@countersign/policy';
import { type History, readHistory } from './history.ts';
import type { LedgerReader } from './ports.ts';

/** What was said behind a record that carries another one on; `undefined` where nobody was asked. */
export async function wordBehind(
  reader: LedgerReader,
  { record }: History,
  quorum: number,
): Promise<OwnersWord | undefined> {
  const parentId = record.subject['parent_decision_id'];
  if (typeof parentId !== 'string') return undefined;
  const parent = await readHistory(reader, record.entry.scope, parentId);
  if (parent === undefined) throw new Error('a record carries on another one that is not there');
  return ownersWord(saidUntil(parent, record.subject['decision_id']), quorum);
}

/** What the reviewers of a record had said when it was carried on by another one. */
export function saidUntil(parent: History, childId: unknown): readonly Json[] {
  const said = parent.reviewsResolved.map(({ subject }) => subject as Json);
  const own = parent.reviewsResolved.findIndex(
    ({ subject }) => subject['resolved_decision_id'] === childId,
  );
  if (own < 0) throw new Error('a record carries on another one that knows nothing of it');
  return said.slice(0, own + 1);
}
