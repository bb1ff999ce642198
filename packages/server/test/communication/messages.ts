import type { Communication, ProposedAction } from '@countersign/signals';
import { loadGovernance } from '../../src/governance.ts';

/** The policy and rules that are delivered. */
export const governance = loadGovernance();

/** An ordinary message with the step that is about to be taken. */
export function mail(
  body: string,
  action: ProposedAction = { action_type: 'reply' },
  more: Partial<Communication> = {},
): Communication {
  return {
    source: 'gmail',
    participants: [
      { name: 'Tom Ash', email: 'tom@harbourline.example', role: 'sender' },
      { name: 'James Oak', email: 'james@oakfield.example', role: 'recipient' },
    ],
    body_excerpt: body,
    proposed_action: action,
    ...more,
  };
}

export const BANK_CHANGE =
  'Our bank details have changed. Please use the new account GB33BUKB20201555555555 for all future invoices.';
export const HARMLESS = 'Thanks, see you at lunch.';
