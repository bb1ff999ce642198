import type { ServerAnswer } from './message.ts';
import type { ToolGateParts } from './tool-gate.ts';

/** A claimed permission to make one call. */
export interface Permit {
  readonly decisionId: string;
  readonly recordHash: string;
  readonly receiptHash: string;
  readonly claimId: string;
  /** When the permission was taken, by the clock of the gate; the call is made at once. */
  readonly claimedAt: string;
  /** What is done under it, as it was claimed. */
  readonly done: {
    readonly action_taken: string;
    readonly target_system: string;
    readonly target_object_id: string;
    readonly mutation: string;
    readonly parameters: Readonly<Record<string, unknown>>;
    readonly executor: { readonly type: 'service'; readonly id: string };
  };
  readonly argumentsHash: string;
}

/** What became of a permitted call. */
export type Settlement =
  | { readonly kind: 'answered'; readonly answer: ServerAnswer }
  /** It never reached the server behind. */
  | { readonly kind: 'unsent'; readonly code: 'CANCELLED' | 'UPSTREAM_UNREACHABLE' }
  /** It was sent, and nobody knows more. */
  | { readonly kind: 'lost' };

/**
 * Writes the execution receipt. A call that was sent and never answered is no failure, since it may have done its
 * work: its outcome is reported as pending, and somebody has to look. So is that of a call which the server has only
 * begun. What cannot be reported is told to the operator, and holds nobody's answer up.
 */
export async function report(
  { client, alert }: Pick<ToolGateParts, 'client' | 'alert'>,
  permit: Permit,
  settlement: Settlement,
): Promise<void> {
  const { decisionId: id, claimId, done } = permit;
  const links = {
    decision_record_hash: permit.recordHash,
    decision_receipt_hash: permit.receiptHash,
  };
  const options = { idempotencyKey: `mcp-proxy:${claimId}` };
  try {
    const status = statusOf(permit, settlement);
    if (status === 'pending') {
      const body = { ...links, outcome_status: status, evidence_refs: evidenceOf(settlement) };
      await client.recordOutcome(id, body, options);
    } else {
      const body = { ...done, ...links, claim_id: claimId, ...status };
      await client.recordExecution(id, body, options);
    }
  } catch (error) {
    alert(
      `decision ${id} has no receipt: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

type Executed = Parameters<ToolGateParts['client']['recordExecution']>[1];
type Status = Pick<
  Executed,
  | 'execution_status'
  | 'execution_result'
  | 'executed_at'
  | 'state_before_hash'
  | 'state_after_hash'
  | 'evidence_refs'
>;

function statusOf(
  { argumentsHash, claimedAt }: Permit,
  settlement: Settlement,
): Status | 'pending' {
  if (settlement.kind === 'lost') return 'pending';
  if (settlement.kind === 'unsent') {
    return {
      execution_status: settlement.code === 'CANCELLED' ? 'skipped' : 'failed',
      execution_result: { code: settlement.code },
    };
  }
  const { outcome, errorCode, digest } = settlement.answer;
  const evidence_refs = evidenceOf(settlement);
  switch (outcome) {
    case 'unfinished':
      return 'pending';
    case 'result':
      return {
        execution_status: 'executed',
        execution_result: { code: 'OK' },
        executed_at: claimedAt,
        // Of the object itself the proxy sees nothing: what went in and what came out stand for it.
        state_before_hash: `sha256:${argumentsHash}`,
        state_after_hash: `sha256:${digest}`,
        evidence_refs,
      };
    case 'input_required':
      return {
        execution_status: 'skipped',
        execution_result: { code: 'INPUT_REQUIRED' },
        evidence_refs,
      };
    case 'tool_error':
      return {
        execution_status: 'failed',
        execution_result: { code: 'TOOL_ERROR' },
        evidence_refs,
      };
    case 'rpc_error':
      return {
        execution_status: 'failed',
        execution_result: { code: `RPC_ERROR ${errorCode ?? ''}`.trim() },
        evidence_refs,
      };
  }
}

/** The answer of the server, if there is one. */
function evidenceOf(settlement: Settlement): { id: string; type: string; hash: string }[] {
  if (settlement.kind !== 'answered') return [];
  const hash = `sha256:${settlement.answer.digest}`;
  return [{ id: 'mcp_result', type: 'mcp_tool_result', hash }];
}
