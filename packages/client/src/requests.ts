import type { decide } from '@countersign/contract';

/** A decide request. Facts beyond the named ones stand in `context`, for the policy to read. */
export type DecideInput = Open<decide.DecideRequest> | Open<decide.RulebookDecideRequest>;

type Open<Request extends { context?: unknown }> = Omit<Request, 'context'> & {
  context: NonNullable<Request['context']> & Readonly<Record<string, unknown>>;
};

export interface BatchItem {
  readonly request: DecideInput;
  readonly idempotency_key?: string;
}

export interface WriteOptions {
  /** Makes the call repeatable: 1–300 visible ASCII characters, stable for one operation. */
  readonly idempotencyKey?: string;
}

export interface ViewOptions {
  readonly responseView?: decide.ResponseView;
}

export interface DecideOptions extends WriteOptions, ViewOptions {}

/** What an exported artefact is verified with by the gate; to trust nobody, verify it here instead. */
export interface VerifyInput {
  readonly record?: unknown;
  /** A packet or its whole envelope. */
  readonly packet?: unknown;
  readonly input?: unknown;
  /** PEM; it helps to diagnose, and is never trusted by the gate. */
  readonly publicKey?: string;
  readonly checkpoint?: string;
}

export interface ListOptions {
  readonly limit?: number;
  readonly cursor?: string;
}

export interface ReviewListOptions extends ListOptions {
  readonly status?: 'open' | 'resolved' | 'expired';
  readonly group?: string;
}

export interface PacketOptions {
  readonly includeInput?: boolean;
  readonly includeChain?: boolean;
  readonly includePolicy?: boolean;
  readonly includeIntelligence?: boolean;
  readonly executionLimit?: number;
  readonly outcomeLimit?: number;
  readonly policyLimit?: number;
  readonly chainLimit?: number;
  readonly minSample?: number;
  readonly threshold?: number;
  readonly maxAnomalies?: number;
  /** Ledger size as of which to export. */
  readonly asOf?: number;
}

export interface ReportOptions {
  readonly policyVersion?: string;
  readonly limit?: number;
  readonly minSample?: number;
}

export interface AnomalyOptions extends ReportOptions {
  readonly threshold?: number;
  readonly maxItems?: number;
}

export interface ConfidenceOptions extends ReportOptions {
  readonly verdict?: 'yes' | 'no' | 'review';
  readonly action?: string;
}

export interface BenchmarkOptions extends Omit<ReportOptions, 'minSample'> {
  readonly minCohortScopes?: number;
  readonly minCohortDecisions?: number;
}

/** Exactly one handle, and bounds. */
export interface SearchOptions {
  readonly requestId?: string;
  readonly decisionId?: string;
  readonly recordHash?: string;
  readonly receiptHash?: string;
  readonly sourceRecordId?: string;
  readonly externalRef?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: number;
}

export type RulebookHandle =
  | { readonly hash: string }
  | { readonly rulebookId: string; readonly version: string };

/** A version of a policy, or of a rulebook. */
export interface VersionName {
  readonly id: string;
  readonly version: string;
}
