import { setImmediate } from 'node:timers/promises';
import { assess, openToOwner, ownersWord, type PendingApproval } from '@countersign/policy';
import { isMembers, type Members } from '@countersign/proof';
import { defined } from './artefact-draft.ts';
import { askedOf } from './asked.ts';
import type { Ports } from './decide.ts';
import { type History, type Kept, lifecycleState, readHistory } from './history.ts';
import type { StoredEntry } from './ports.ts';
import { policyOf, readKept } from './rejudge.ts';
import { isDecisionItem, saidOf } from './review.ts';

export type ReviewStatus = 'open' | 'resolved' | 'expired';

interface QueueQuery {
  readonly scope: string;
  readonly status: ReviewStatus;
  /** Items that wait for this group, be it as their owner or for one of the approvals. */
  readonly group?: string | undefined;
  readonly limit: number;
  /** Only items that were opened before this place in the ledger. */
  readonly before?: number | undefined;
}

interface QueuePage {
  /** Newest first. */
  readonly items: readonly Members[];
  /** Where to go on; absent at the end. A page may be short, or empty, and still have one. */
  readonly next?: number | undefined;
}

/** Items looked at in one call; whoever wants more comes back with the cursor. */
const SCANNED_MAX = 1_000;
const READ_AT_ONCE = 100;
const ITEMS_AT_ONCE = 16;

/** One page of what waits for a person, or of what became of it. */
export async function listReviews(ports: Ports, query: QueueQuery): Promise<QueuePage> {
  const items: Members[] = [];
  let before = query.before;
  for (let scanned = 0; scanned < SCANNED_MAX; ) {
    const entries = await readOpened(ports, query, before);
    for (const entry of entries) {
      // The store answers in this thread: whoever waits for a verdict has a turn.
      if (scanned % ITEMS_AT_ONCE === 0) await setImmediate();
      const item = await readItem(ports, entry, query.status);
      if (item !== undefined) items.push(item);
      before = entry.seq;
      scanned += 1;
      if (items.length === query.limit) return { items, next: before };
    }
    if (entries.length < READ_AT_ONCE) return { items };
  }
  return { items, next: before };
}

function readOpened(
  { reader }: Ports,
  { scope, group }: QueueQuery,
  before: number | undefined,
): Promise<readonly StoredEntry[]> {
  return group === undefined
    ? reader.readOfType(scope, 'review_opened', READ_AT_ONCE, before)
    : reader.readByHandle(scope, { kind: 'review_group', value: group }, READ_AT_ONCE, before);
}

async function readItem(
  ports: Ports,
  { scope, decisionId, seq }: StoredEntry,
  wanted: ReviewStatus,
): Promise<Members | undefined> {
  const history = await readHistory(ports.reader, scope, decisionId);
  const item = history?.reviewsOpened.find(({ entry }) => entry.seq === seq);
  if (history === undefined || item === undefined) return undefined;
  const status = statusOf(history, item, ports.ambient.now());
  if (status !== wanted) return undefined;
  const { subject } = item;
  const checks = history.record.subject['evidence_checks'];
  return {
    ...defined({
      review_id: subject['review_id'],
      kind: subject['kind'],
      decision_id: subject['decision_id'],
      decision_record_hash: subject['decision_record_hash'],
      policy_id: subject['policy_id'],
      policy_version: subject['policy_version'],
      group: subject['group'],
      path: subject['path'],
      escalation: subject['escalation'],
      opened_at: subject['opened_at'],
      due_at: subject['due_at'],
      status,
      reasons: subject['reasons'],
      execution_receipt_id: subject['execution_receipt_id'],
      denied_by: subject['denied_by'],
    }),
    // What kept the answer from being `yes`, with the fields behind it.
    checks: Array.isArray(checks) ? checks.filter(isNotTrue) : [],
    resolutions: resolutionsOf(history, item),
    ...(status === 'open' && isDecisionItem(item) ? await optionsOf(ports, history) : {}),
  };
}

/** Where an item stands. One that waits for a verdict ends with its time, or when something else happened first. */
function statusOf(history: History, item: Kept, now: number): ReviewStatus {
  const id = item.subject['review_id'];
  const last = history.reviewsResolved.findLast(
    ({ subject }) => subject['review_id'] === id && subject['settled'] === true,
  );
  if (last !== undefined) return last.subject['resolution'] === 'expired' ? 'expired' : 'resolved';
  return isDecisionItem(item) && lifecycleState(history, now) !== 'in_review' ? 'expired' : 'open';
}

function isNotTrue(check: unknown): boolean {
  return isMembers(check) && check['state'] !== 'true';
}

function resolutionsOf({ reviewsResolved }: History, item: Kept): readonly Members[] {
  return reviewsResolved
    .filter(({ subject }) => subject['review_id'] === item.subject['review_id'])
    .map(({ subject }) =>
      defined({
        resolution: subject['resolution'],
        reviewer: subject['reviewer'],
        satisfies: subject['satisfies'],
        resolved_at: subject['resolved_at'],
        settled: subject['settled'],
        quorum: subject['quorum'],
        resolved_decision_id: subject['resolved_decision_id'],
      }),
    );
}

/** What reviewers can still do about a record; nothing is known once its input is erased. */
async function optionsOf(ports: Ports, history: History): Promise<Members> {
  const policy = policyOf(ports, history);
  const kept = await readKept(ports, history);
  if (!policy.ok || !kept.ok) return {};
  const { document } = policy.value;
  const { approvals } = ownersWord(saidOf(history), document.review.quorum);
  const asked = await askedOf(ports, history.record.entry.scope, {
    context: kept.value.request.context,
    at: ports.ambient.now(),
    standing: 'active',
    approvals,
  });
  const options = openToOwner(document, assess(document, asked), approvals);
  return {
    approvals: options.approvals.map(({ group, needed, have }: PendingApproval) => ({
      group,
      needed,
      have,
    })),
    waivable: options.waivable,
    overridable: options.overridable,
  };
}
