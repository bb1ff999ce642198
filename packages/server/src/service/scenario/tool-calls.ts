import type { scenario } from '@countersign/policy';
import { digest } from './canonical.ts';

/** One call as a run's log keeps it: hashes of what was asked and answered, not the texts. */
export function recordedCall(
  state: scenario.RunState,
  call: {
    readonly method: scenario.ToolCallRecord['method'];
    readonly request: unknown;
    readonly response: unknown;
    readonly calledAt: scenario.Timestamp;
    readonly correlationId: string | null;
    readonly error: scenario.ToolCallError | null;
  },
): scenario.ToolCallRecord {
  return {
    call_id: `call-${state.tool_calls.length + 1}`,
    method: call.method,
    request_hash: digest(call.request),
    response_hash: digest(call.response),
    called_at: call.calledAt,
    correlation_id: call.correlationId,
    error: call.error,
  };
}
