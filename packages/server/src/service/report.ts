import { type ErrorCode, fail, ok, type Result } from '@countersign/contract';
import { type Answered, APPEND_FAULTS, appendAll, once, type Ports } from './decide.ts';
import { type History, readHistory } from './history.ts';
import type { Draft } from './ledger-writer.ts';
import type { Idempotency } from './ports.ts';
import { recordedFrom } from './recorded.ts';

/** Something reported about a decision: judged against what the ledger holds of it, then appended. */
export interface Report {
  readonly scope: string;
  readonly decisionId: string;
  readonly idempotency: Idempotency | undefined;
  readonly conflict: ErrorCode;
  /** The entries to append together, for a decision with this history; the first one is the answer. */
  readonly drafts: (
    history: History,
  ) => Result<readonly [Draft, ...Draft[]]> | Promise<Result<readonly [Draft, ...Draft[]]>>;
}

/** Times a report is judged anew because another one about the same decision came first. */
const REPORT_ATTEMPTS_MAX = 8;

/**
 * Appends a report. The draft names how much of the decision's history it has seen; when that has grown meanwhile,
 * the store refuses it and the report is judged again, so two reports never both count as the first.
 */
export async function report(ports: Ports, asked: Report): Promise<Result<Answered>> {
  const { scope, decisionId, idempotency, conflict } = asked;
  const known = await readHistory(ports.reader, scope, decisionId);
  if (known === undefined) return fail({ code: 'DECIDE_DECISION_NOT_FOUND' });

  const first = async (): Promise<Result<Answered>> => {
    for (let attempt = 0; attempt < REPORT_ATTEMPTS_MAX; attempt += 1) {
      await ports.policies.follow(ports.reader);
      const history = await readHistory(ports.reader, scope, decisionId);
      if (history === undefined) return fail({ code: 'DECIDE_DECISION_NOT_FOUND' });
      const drafts = await asked.drafts(history);
      if (!drafts.ok) return drafts;
      const appended = await appendAll(ports, drafts.value);
      if (appended.ok) {
        const [place] = appended.value;
        if (place === undefined) throw new Error('an appended report has no place');
        return ok({ recorded: recordedFrom(drafts.value[0], place), replayed: false });
      }
      if (appended.fault !== 'stale') return fail({ code: APPEND_FAULTS[appended.fault] });
    }
    return fail({ code: APPEND_FAULTS.stale, retryAfterSeconds: 1 });
  };
  return idempotency === undefined ? first() : once(ports, idempotency, conflict, first);
}
