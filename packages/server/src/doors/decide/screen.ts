import type { Fault, OperationName } from '@countersign/contract';
import { isMembers } from '@countersign/proof';
import { screenDecide } from './output-material.ts';

/** Faults that have a code of their own and are looked for before the request's schema is. */
export function screen(operation: OperationName, body: unknown): Fault | undefined {
  if (!isMembers(body)) return undefined;
  if (operation === 'decide') return screenDecide(body);
  if (operation === 'replayDecision') return screenReplay(body);
  return undefined;
}

/** A historical replay runs on what was recorded: every member but its mode would put something in its place. */
function screenReplay(body: Readonly<Record<string, unknown>>): Fault | undefined {
  const { replay_mode: mode, ...overrides } = body;
  if (typeof mode === 'string' && mode !== 'historical') {
    return { code: 'DECIDE_REPLAY_MODE_UNSUPPORTED' };
  }
  return Object.keys(overrides).length === 0
    ? undefined
    : { code: 'DECIDE_REPLAY_OVERRIDE_FORBIDDEN' };
}
