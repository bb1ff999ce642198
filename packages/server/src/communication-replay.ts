import { communication } from '@countersign/contract';
import type { Truth } from '@countersign/policy';
import type { Communication } from '@countersign/signals';
import { loadGovernance } from './governance.ts';
import { judgeCommunication } from './service/communication/judge.ts';

/** What this build says of a request, by its own rules and what the caller found, without evidence and model. */
export interface Rejudged {
  readonly policy_hash: string;
  readonly ruleset_hash: string;
  readonly with_hints: { readonly state: string; readonly allowed: boolean };
}

/**
 * Judges a request again, from what was sent and what evidence said of the controls at the time. Throws where it is no
 * request. Accounts that money had been sent to before are not known here: then more is found, never less.
 */
export function rejudged(request: unknown, controls: ReadonlyMap<string, Truth>): Rejudged {
  const read = communication.readDecisionRequest(request);
  if (!read.ok) throw new Error(`the request is not one: ${JSON.stringify(read.problems)}`);
  const governance = loadGovernance();
  const { hinted } = judgeCommunication(
    communication.toCommunication(read.value) as Communication,
    governance,
    { controls, demonstration: false },
  );
  return {
    policy_hash: governance.hashes.policy,
    ruleset_hash: governance.hashes.ruleset,
    with_hints: { state: hinted.evaluation.light, allowed: hinted.evaluation.open },
  };
}
