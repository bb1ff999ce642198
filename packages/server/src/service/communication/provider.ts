import type { Analysis, Communication, Signal } from '@countersign/signals';

/** What came of asking a model, without a word of what it was told or said. */
export interface ProviderOutcome {
  readonly used: boolean;
  readonly outcome: 'not_used' | 'ok' | 'timeout' | 'error' | 'invalid_output';
  readonly endpoint_id: string | null;
  readonly model_id: string | null;
  /** Hex SHA-256 of what was sent, and of what came back. */
  readonly request_digest: string | null;
  readonly response_digest: string | null;
  readonly accepted: number;
  /** How many findings were not taken, by reason. */
  readonly discarded: Readonly<Record<string, number>>;
}

export const NOT_USED: ProviderOutcome = {
  used: false,
  outcome: 'not_used',
  endpoint_id: null,
  model_id: null,
  request_digest: null,
  response_digest: null,
  accepted: 0,
  discarded: {},
};

/**
 * A second reader of communications. It may only add findings whose words are really there, and always answers: what
 * goes wrong stands in the outcome.
 */
export interface Provider {
  /** Signals of source `provider`, for `analysis` of this communication. */
  find(
    communication: Communication,
    analysis: Analysis,
  ): Promise<{ readonly signals: readonly Signal[]; readonly outcome: ProviderOutcome }>;
}
