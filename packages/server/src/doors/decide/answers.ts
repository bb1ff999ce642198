import { type decide, type Fault, fail, fieldError, ok, type Result } from '@countersign/contract';
import type { Answer } from '@countersign/policy';
import type { Answered, Made } from '../../service/decide.ts';
import { type History, type Kept, readHistory } from '../../service/history.ts';
import type { LedgerReader } from '../../service/ports.ts';
import { artefactText, readRecorded } from '../../service/recorded.ts';
import { type Call, json, principalOf, type Reply } from '../call.ts';

const DEFAULT_LIST_LIMIT = 50;

/** One page of a list of stored artefacts of a decision, oldest first. */
export async function listAnswer(
  { reader, origin }: { readonly reader: LedgerReader; readonly origin: string },
  call: Call,
  pick: (history: History) => readonly Kept[],
): Promise<Result<Reply>> {
  const history = await readHistory(reader, principalOf(call).tenant, call.id);
  if (history === undefined) return fail({ code: 'DECIDE_DECISION_NOT_FOUND' });
  const after = cursorOf(call);
  if (!after.ok) return after;
  const limit = Number(call.query['limit'] ?? DEFAULT_LIST_LIMIT);
  const rest = pick(history).filter(({ entry }) => entry.seq > (after.value ?? -1));
  const page = rest.slice(0, limit);
  const items = await Promise.all(
    page.map(
      async ({ entry }): Promise<unknown> =>
        JSON.parse(artefactText(await readRecorded(reader, entry, origin))),
    ),
  );
  const last = page.at(-1);
  return ok(
    json({
      ok: true,
      decision_id: call.id,
      count: items.length,
      items,
      ...(rest.length > page.length && last !== undefined
        ? { next_cursor: String(last.entry.seq) }
        : {}),
    }),
  );
}

/** The place in the ledger that a list goes on from; a cursor is that number and nothing else. */
export function cursorOf(call: Call): Result<number | undefined> {
  const { cursor } = call.query;
  if (cursor === undefined) return ok(undefined);
  if (typeof cursor === 'string' && /^\d{1,15}$/.test(cursor)) return ok(Number(cursor));
  return fail({
    code: 'DECIDE_API_INVALID_QUERY',
    fields: [fieldError('/cursor', 'invalid_value')],
  });
}

export function agreedView(
  header: decide.ResponseView | undefined,
  member: decide.ResponseView | undefined,
): Result<decide.ResponseView, Fault> {
  if (header !== undefined && member !== undefined && header !== member) {
    return fail({
      code: 'DECIDE_API_INVALID_REQUEST',
      fields: [fieldError('/response_view', 'invalid_value')],
    });
  }
  return ok(header ?? member ?? 'full');
}

/** Verdict and hash of an answered record: one just made is known, one that was there before is read. */
export function madeOf({ made, recorded }: Answered): Made {
  if (made !== undefined) return made;
  const record = JSON.parse(recorded.subject) as {
    readonly verdict: Answer;
    readonly record_hash: string;
    readonly request_id: string;
    readonly decision_contract: { readonly production_verdict: boolean };
  };
  return {
    verdict: record.verdict,
    advisory: !record.decision_contract.production_verdict,
    recordHash: record.record_hash,
    requestId: record.request_id,
  };
}

/** Says of a repeated request that its answer is the stored one. */
export function replayHeader({ replayed }: Answered): Record<string, string> {
  return replayed ? { 'x-idempotent-replay': '1' } : {};
}
