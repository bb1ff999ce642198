import type { Fault, OperationName } from '@countersign/contract';
import { isMembers } from '@countersign/proof';
import { screenDecide } from './output-material.ts';

/** Faults that have a code of their own and are looked for before the request's schema is. */
export function screen(operation: OperationName, body: unknown): Fault | undefined {
  if (!isMembers(body)) return undefined;
  if (operation === 'decide' || operation === 'playgroundDecide') return screenDecide(body);
  if (operation === 'replayDecision') return screenReplay(body);
  return undefined;
}

/** Modes of replay. */
const REPLAY_MODES: readonly unknown[] = [undefined, 'historical', 'current'];

/** A replay runs on what was recorded: every member but its mode would put something in its place. */
function screenReplay(body: Readonly<Record<string, unknown>>): Fault | undefined {
  const { replay_mode: mode, ...overrides } = body;
  if (typeof mode === 'string' && !REPLAY_MODES.includes(mode)) {
    return { code: 'DECIDE_REPLAY_MODE_UNSUPPORTED' };
  }
  return Object.keys(overrides).length === 0 || mode === 'current'
    ? undefined
    : { code: 'DECIDE_REPLAY_OVERRIDE_FORBIDDEN' };
}
