import { isMembers, type Members } from '@countersign/proof';
import type { ToolCall } from './message.ts';

/** Why a call was not made, or why nobody knows what became of it. */
export type RefusalReason =
  | 'DENIED'
  | 'DENIED_BY_OWNER'
  | 'REVIEW_PENDING'
  | 'TOOL_UNMAPPED'
  | 'TARGET_MISSING'
  | 'GATE_UNAVAILABLE'
  | 'GATE_REFUSED'
  | 'NOT_AUTHORIZED'
  | 'CLAIM_REFUSED'
  | 'RESULT_UNKNOWN';

/** What an agent had better do next. */
export type RetryAdvice =
  /** The answer to this call will not change. */
  | 'never'
  /** Another call, with other arguments say, may be allowed; it is another decision. */
  | 'with_another_call'
  /** The same call, once the owner has resolved the review. */
  | 'same_call_after_review'
  /** The same call, a little later. */
  | 'same_call_later'
  /** Find out first what the earlier attempt did. */
  | 'after_looking';

export interface Refusal {
  readonly reason: RefusalReason;
  /** `none`: nothing was decided. */
  readonly verdict: 'no' | 'review' | 'yes' | 'none';
  readonly retry: { readonly advice: RetryAdvice; readonly after_ms?: number };
  readonly message: string;
  readonly decision_id?: string | undefined;
  readonly decision_url?: string | undefined;
  readonly reason_codes?: readonly string[] | undefined;
  /** Alternatives: what would all have to change for a `yes`, and who could change it. */
  readonly missing?: readonly (readonly Members[])[] | undefined;
  readonly review?: Members | undefined;
  /** Code of the gate's own catalogue, or why a record is no permission. */
  readonly detail?: string | undefined;
}

/** The refusal as the tool's result: structured for programs, the same as text for models. */
export function refusalResult(refusal: Refusal, call: ToolCall): Members {
  const content = {
    gate: 'countersign',
    refused: true,
    tool: call.tool,
    arguments_hash: `sha256:${call.argumentsHash}`,
    ...refusal,
  };
  return {
    ...(call.saysResultType ? { resultType: 'complete' } : {}),
    content: [{ type: 'text', text: `${refusal.message}\n${JSON.stringify(content)}` }],
    structuredContent: JSON.parse(JSON.stringify(content)) as Members,
    isError: true,
  };
}

/**
 * What a record says about its own refusal. Of the facts that a condition looks at, `fromAgent` come with the call; the
 * others are the operator's, and no call changes them.
 */
export function saidOf(
  record: Members,
  fromAgent: ReadonlySet<string>,
): Pick<Refusal, 'decision_id' | 'reason_codes' | 'missing'> {
  const fields = new Map(
    listOf(record['evidence_checks']).map(({ name, fields: read }) => [name, read]),
  );
  const changeable = (name: unknown): boolean => {
    const read = fields.get(name);
    return Array.isArray(read) && read.some((field) => fromAgent.has(String(field)));
  };
  const why = isMembers(record['why']) ? record['why']['sets'] : undefined;
  const missing = (Array.isArray(why) ? (why as unknown[]) : []).map((set) =>
    listOf(set).map(({ name, code, by, from, to }) => ({
      condition: name,
      code,
      by: by !== 'caller' ? by : changeable(name) ? 'agent' : 'operator',
      from,
      to,
    })),
  );
  return {
    decision_id: String(record['decision_id']),
    reason_codes: Array.isArray(record['evidence'])
      ? (record['evidence'] as unknown[]).map(String)
      : [],
    ...(missing.length === 0 ? {} : { missing }),
  };
}

function listOf(value: unknown): readonly Members[] {
  return Array.isArray(value) ? (value as unknown[]).filter(isMembers) : [];
}

/** Whether another call could be allowed without anybody else doing anything. */
export function agentCould({ missing }: Pick<Refusal, 'missing'>): boolean {
  return missing?.some((set) => set.every(({ by }) => by === 'agent')) === true;
}
