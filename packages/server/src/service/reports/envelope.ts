import { emptied, PROTOCOL_VERSION, sha256Hex, sortedJson } from '@countersign/proof';
import type { Population } from './population.ts';

/** Members that stand in every report, but for the version and the hash, whose names differ. */
export interface ReportHead<Status extends string, Recommendation extends string> {
  readonly decision_protocol_version: typeof PROTOCOL_VERSION;
  readonly policy_id: string;
  readonly policy_version?: string | undefined;
  readonly scope: 'caller' | 'cohort';
  readonly status: Status;
  readonly recommendation: Recommendation;
  readonly as_of_size: number;
  readonly checkpoint_origin: string;
}

/** Beside the parameters of its own kind each report repeats these two. */
export interface PopulationParameters {
  readonly policy_version?: string | undefined;
  readonly limit: number;
}

/** The head's members that the population gives. */
export function headOf(population: Population) {
  return {
    decision_protocol_version: PROTOCOL_VERSION,
    policy_id: population.policyId,
    policy_version: population.policyVersion,
    as_of_size: population.asOfSize,
    checkpoint_origin: population.origin,
  } as const;
}

export function parametersOf(population: Population): PopulationParameters {
  return { policy_version: population.policyVersion, limit: population.limit };
}

/**
 * The report with its own hash, text S over all its other members. Members without a value (`undefined`, an empty
 * object or list) leave at every depth: in an artefact they are absent. `always` are members that stand all the same.
 */
export function sealed<Report extends object, Name extends string>(
  report: Report,
  hashMember: Name,
  always: Partial<Report> = {},
): Report & { readonly [Member in Name]: string } {
  const bare = { ...always, ...(emptied(report) as Report) };
  const hash = { [hashMember]: sha256Hex(sortedJson(bare)) } as { [Member in Name]: string };
  return { ...bare, ...hash };
}
