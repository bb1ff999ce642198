import type { scenario } from '@countersign/policy';
import { NO_EVIDENCE } from '../service/scenario/evidence.ts';
import type { Provided, ProviderFault } from '../service/scenario/ports.ts';

/** What answers a query, whatever it is made of. Never rejects. */
export type Ask = (
  query: scenario.EvidenceQuery,
  context: scenario.EvidenceContext,
) => Promise<Provided>;

/** A call that came to nothing: the text is recorded. */
export function refused(message: string): ProviderFault {
  return { ok: false, message };
}

/** Evidence of a provider of ours: verified, unsigned, hashed later. */
export function provided(members: Partial<scenario.EvidenceResult>): Provided {
  return { ok: true, result: { ...NO_EVIDENCE, ...members } };
}

/** An error that is part of the evidence. */
export function coded(
  code: string,
  message: string,
  details: scenario.EvidenceError['details'] = null,
  members: Partial<scenario.EvidenceResult> = {},
): Provided {
  return provided({ ...members, error: { code, message, details } });
}
