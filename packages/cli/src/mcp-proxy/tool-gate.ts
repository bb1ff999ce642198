import {
  type DecideClient,
  DecideError,
  DecideUnavailable,
  type GateOptions,
  gate,
} from '@countersign/client';
import { canonicalJson, isMembers, type Members, sha256Hex } from '@countersign/proof';
import { type GatedCall, gatedCall } from './gated-call.ts';
import type { ServerAnswer, ToolCall } from './message.ts';
import type { PolicyMap } from './policy-map.ts';
import { agentCould, type Refusal, saidOf } from './refusal.ts';
import { type Permit, report, type Settlement } from './report.ts';

export type GateClient = Pick<
  DecideClient,
  | 'decide'
  | 'lookupDecision'
  | 'searchDecisions'
  | 'listOutcomes'
  | 'claim'
  | 'recordExecution'
  | 'recordOutcome'
>;

export interface ToolGateParts {
  readonly client: GateClient;
  readonly map: PolicyMap;
  /** Where the gate is, for links. */
  readonly gateUrl: string;
  readonly environment: GateOptions['environment'];
  readonly trust?: GateOptions['trust'];
  /** Unix milliseconds. */
  readonly now: () => number;
  /** A name that no other call has. */
  readonly newId: () => string;
  /** Tells the operator what nobody else is told. */
  readonly alert: (text: string) => void;
}

export type Admission =
  | { readonly ok: true; readonly permit: Permit }
  | { readonly ok: false; readonly refusal: Refusal };

/** How long the owner's `no` to a call answers the same call without asking again. */
const DENIAL_MS = 10 * 60_000;

/** Asks about each tool call before it is made, and reports what became of it. */
export class ToolGate {
  readonly #parts: ToolGateParts;

  constructor(parts: ToolGateParts) {
    this.#parts = parts;
  }

  isMapped(tool: string): boolean {
    return this.#parts.map.rules.has(tool);
  }

  /** Decides, and takes the permission to make exactly this call once. Whatever goes wrong is a refusal. */
  async admit(call: ToolCall): Promise<Admission> {
    const rule = this.#parts.map.rules.get(call.tool);
    if (rule === undefined) return refuse(unmapped(call.tool));
    const action = gatedCall(this.#parts.map.agent, rule, call);
    if (action === undefined) return refuse(targetMissing);
    try {
      const earlier = await this.#earlier(action);
      if (earlier?.kind === 'refused') return refuse(earlier.refusal);
      if (earlier?.kind === 'permitted') {
        const claimed = await this.#take(earlier.record, action);
        if (claimed.ok) return claimed;
        // Somebody else was faster, or it is over: this call is decided by itself.
      }
      return await this.#decide(action);
    } catch (error) {
      return refuse(this.#failed(error));
    }
  }

  /** Reports what became of a permitted call. Resolves once that is on record, or nobody can be told. */
  settle(permit: Permit, settlement: Settlement): Promise<void> {
    return report(this.#parts, permit, settlement);
  }

  /** The same with the answer of the server behind. */
  answered(permit: Permit, answer: ServerAnswer): Promise<void> {
    return this.settle(permit, { kind: 'answered', answer });
  }

  /**
   * What was decided about the same call before, if that still counts: a permission that nobody has used, a review
   * that is open, a denial by the owner a short while ago. Looked up at the gate, so it outlives this process. A
   * permission counts only if it was given for the very facts that are asked with now, since whoever else has a key may
   * have asked about the same call with others, and only if nobody has reported anything of it: where an outcome is
   * open, the call may have been made.
   */
  async #earlier(action: GatedCall): Promise<Earlier | undefined> {
    const { client, now } = this.#parts;
    const { intent, request } = action;
    const { items } = await client.searchDecisions({
      sourceRecordId: intent.resource,
      limit: 1,
    });
    const [last] = items;
    if (last === undefined || last['resource'] !== intent.resource) return undefined;
    const id = String(last['decision_id']);
    switch (last['lifecycle_state']) {
      case 'in_review':
        return { kind: 'refused', refusal: await this.#pending(id, action) };
      case 'authorized': {
        const { decision_record: record } = await client.lookupDecision(id);
        if (record['input_hash'] !== sha256Hex(canonicalJson(request))) return undefined;
        const { items: outcomes } = await client.listOutcomes(id, { limit: 1 });
        return outcomes.length === 0 ? { kind: 'permitted', record } : undefined;
      }
      case 'blocked': {
        if (now() - Date.parse(String(last['created_at'])) > DENIAL_MS) return undefined;
        const { decision_record: record } = await client.lookupDecision(id);
        return record['parent_decision_id'] === undefined
          ? undefined
          : { kind: 'refused', refusal: this.#denied(record, action) };
      }
      default:
        return undefined;
    }
  }

  async #decide(action: GatedCall): Promise<Admission> {
    const { client, newId } = this.#parts;
    const record = await client.decide(action.request, { idempotencyKey: `mcp-proxy:${newId()}` });
    if (record.verdict === 'review') return refuse(await this.#pending(record.decision_id, action));
    if (record.verdict === 'no') return refuse(this.#denied(record, action));
    return this.#take(record, action);
  }

  /**
   * Compares a record with the call once more and claims it. The gate lets a claim lapse after a minute, and a call may
   * take longer, or never be answered; so every claim of a decision has the same idempotency key and an executor of its
   * own. The gate takes one such claim, ever, and whoever comes second has a conflict.
   */
  async #take(record: Members, { call, intent, fromAgent }: GatedCall): Promise<Admission> {
    const { client, environment, trust, now, newId } = this.#parts;
    const said = { ...saidOf(record, fromAgent), decision_url: this.#url(record['decision_id']) };
    const answer = gate(record, intent, { now: now(), environment, trust });
    if (!answer.proceed) {
      return refuse({
        ...said,
        reason: 'NOT_AUTHORIZED',
        verdict: 'none',
        detail: answer.reason,
        retry: { advice: 'never' },
        message: 'The record of the gate is no permission for this call.',
      });
    }
    const binding = isMembers(record['action_binding']) ? record['action_binding'] : {};
    const done = {
      action_taken: intent.proposed_action,
      target_system: String(intent.target_system),
      target_object_id: String(intent.target_object_id),
      mutation: String(intent.mutation),
      // A policy that binds no parameters is told of none.
      parameters: binding['parameters_hash'] === undefined ? {} : { ...intent.parameters },
      executor: { type: 'service', id: `countersign mcp-proxy ${newId()}` } as const,
    };
    const id = String(record['decision_id']);
    try {
      const { proceed, claim_id, claim }: Members = await client.claim(id, done, {
        idempotencyKey: `mcp-proxy:${id}`,
      });
      if (proceed !== true || typeof claim_id !== 'string' || !isMembers(claim)) {
        throw new DecideUnavailable('unreadable');
      }
      const permit: Permit = {
        decisionId: id,
        recordHash: String(record['record_hash']),
        receiptHash: String(record['receipt_hash']),
        claimId: claim_id,
        claimedAt: String(claim['claimed_at']),
        done,
        argumentsHash: call.argumentsHash,
      };
      return { ok: true, permit };
    } catch (error) {
      const detail = whyUnclaimed(error);
      if (detail === undefined) throw error;
      return refuse({
        ...said,
        reason: 'CLAIM_REFUSED',
        verdict: 'none',
        detail,
        retry: { advice: 'same_call_later' },
        message: 'The permission for this call cannot be used now.',
      });
    }
  }

  /** A review that waits for its owner, with where it is. */
  async #pending(id: string, { fromAgent }: GatedCall): Promise<Refusal> {
    const { decision_record: record, review } = await this.#parts.client.lookupDecision(id);
    const { review_id, group, path, due_at } = isMembers(review) ? review : {};
    return {
      ...saidOf(record, fromAgent),
      reason: 'REVIEW_PENDING',
      verdict: 'review',
      decision_url: this.#url(id),
      review: { review_id, group, path, due_at, url: this.#url(id, '/review') },
      retry: { advice: 'same_call_after_review' },
      message: 'A person has to decide about this call first. It was not made.',
    };
  }

  #denied(record: Members, { fromAgent }: GatedCall): Refusal {
    const said = saidOf(record, fromAgent);
    const byOwner = record['parent_decision_id'] !== undefined;
    return {
      ...said,
      reason: byOwner ? 'DENIED_BY_OWNER' : 'DENIED',
      verdict: 'no',
      decision_url: this.#url(record['decision_id']),
      retry: { advice: !byOwner && agentCould(said) ? 'with_another_call' : 'never' },
      message: byOwner
        ? 'The owner denied this call. It was not made.'
        : 'The policy denies this call. It was not made.',
    };
  }

  #failed(error: unknown): Refusal {
    const { alert } = this.#parts;
    if (error instanceof DecideError) {
      alert(`the gate refused: ${error.message} (${error.code ?? error.status})`);
      return {
        reason: error.retryable ? 'GATE_UNAVAILABLE' : 'GATE_REFUSED',
        verdict: 'none',
        detail: error.code,
        retry: error.retryable
          ? {
              advice: 'same_call_later',
              ...(error.retryAfterMs === undefined ? {} : { after_ms: error.retryAfterMs }),
            }
          : { advice: 'never' },
        message: 'The gate gave no decision about this call. It was not made.',
      };
    }
    if (!(error instanceof DecideUnavailable)) {
      alert(`unforeseen: ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
    }
    return {
      reason: 'GATE_UNAVAILABLE',
      verdict: 'none',
      detail: error instanceof DecideUnavailable ? error.reason : undefined,
      retry: { advice: 'same_call_later' },
      message: 'The gate cannot be asked about this call. It was not made.',
    };
  }

  #url(id: unknown, rest = ''): string {
    return `${this.#parts.gateUrl}/api/decision/${String(id)}${rest}`;
  }
}

/** Why a claim was refused; `undefined` where the gate did not say anything about the claim. */
function whyUnclaimed(error: unknown): string | undefined {
  if (!(error instanceof DecideError)) return undefined;
  if (error.code === 'DECIDE_API_IDEMPOTENCY_CONFLICT') return 'ALREADY_CLAIMED';
  return error.body?.['proceed'] === false ? String(error.body['reason']) : undefined;
}

type Earlier =
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'permitted'; readonly record: Members };

function refuse(refusal: Refusal): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal };
}

function unmapped(tool: string): Refusal {
  return {
    reason: 'TOOL_UNMAPPED',
    verdict: 'review',
    retry: { advice: 'never' },
    reason_codes: ['TOOL_UNMAPPED'],
    missing: [[{ condition: 'policy_map', code: 'TOOL_UNMAPPED', by: 'operator' }]],
    message: `No policy is named for the tool ${tool}: its operator has to. It was not called.`,
  };
}

const targetMissing: Refusal = {
  reason: 'TARGET_MISSING',
  verdict: 'review',
  retry: { advice: 'with_another_call' },
  reason_codes: ['TARGET_MISSING'],
  missing: [[{ condition: 'target_object_id', code: 'TARGET_MISSING', by: 'agent' }]],
  message: 'The arguments do not name the object of the action. The tool was not called.',
};
