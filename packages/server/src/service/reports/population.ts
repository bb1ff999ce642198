import type { decide } from '@countersign/contract';
import { isMembers, type Members } from '@countersign/proof';

export type Verdict = 'yes' | 'no' | 'review';
export type ExecutionStatus = decide.ExecutionRequest['execution_status'];
export type OutcomeStatus = decide.OutcomeRequest['outcome_status'];

/**
 * What a report is made from: nothing else enters it, so the same population and parameters give the same bytes.
 * Instants are texts of the form `2026-01-02T03:04:05.000Z`, whose order is the order of time.
 */
export interface Population {
  readonly policyId: string;
  /** When the caller asked for one version: the decisions are of that version only. */
  readonly policyVersion?: string | undefined;
  /** Ledger size that the facts were read at: nothing from later entries is in them. */
  readonly asOfSize: number;
  /** Origin line of the ledger's checkpoints. */
  readonly origin: string;
  /** Binding decisions of the scope. A review chain is one decision. More than `limit` may be given. */
  readonly decisions: readonly DecisionFacts[];
  /** How many decisions are looked at, the newest first. */
  readonly limit: number;
  /** Time of the scope's last ledger entry, which takes the place of a clock. Absent: nothing is overdue. */
  readonly lastEntryAt?: string | undefined;
  readonly policy: PolicyFacts;
}

/** What the policy declares about outcomes. */
export interface PolicyFacts {
  readonly metrics: readonly MetricFacts[];
  /** After how many seconds an execution without an outcome is overdue. */
  readonly dueSeconds: number;
}

export interface MetricFacts {
  readonly name: string;
  /** Both ends belong to the range. */
  readonly range?: { readonly min?: number | undefined; readonly max?: number | undefined };
}

/** `dueSeconds` of a policy that names none: seven days. */
export const OUTCOME_DUE_SECONDS_DEFAULT = 604_800;

/** One decision with all that was reported of it. For a review chain: the newest record, and the reports of all. */
export interface DecisionFacts {
  readonly decisionId: string;
  readonly createdAt: string;
  readonly verdict: Verdict;
  /** Verdict of the chain's first record: what the policy said before an owner did. */
  readonly firstVerdict: Verdict;
  readonly action: string;
  readonly policyVersion: string;
  /** Deadline of the review item, where the newest record has one. */
  readonly reviewDueAt?: string | undefined;
  /** Whether nobody has resolved the review. An item past its deadline is still open in this sense. */
  readonly reviewOpen: boolean;
  /** In ledger order. */
  readonly executions: readonly ExecutionFacts[];
  /** In ledger order; the last one counts. */
  readonly outcomes: readonly OutcomeFacts[];
}

export interface ExecutionFacts {
  readonly status: ExecutionStatus;
  /** `action_binding_match`. */
  readonly match: boolean;
  /** `binding_mismatch_reasons`. */
  readonly reasons: readonly string[];
  /** `created_at` of the record that the receipt names. */
  readonly decisionAt: string;
  readonly executedAt?: string | undefined;
  readonly reportedAt: string;
  readonly stateBeforeHash?: string | undefined;
  readonly stateAfterHash?: string | undefined;
}

export interface OutcomeFacts {
  readonly status: OutcomeStatus;
  readonly observedMetrics: ReadonlyMap<string, number>;
  readonly reportedAt: string;
  readonly correctionOf?: string | undefined;
}

/** Parsed subjects of one decision, as the ledger holds them. */
export interface DecisionMaterial {
  /** The records of a review chain, oldest first; usually one. */
  readonly records: readonly [Members, ...Members[]];
  /** Receipts that name any of these records, in ledger order. */
  readonly executions: readonly Members[];
  /** Outcome Records that name any of them, in ledger order. */
  readonly outcomes: readonly Members[];
  readonly reviewOpen: boolean;
}

/**
 * Facts of one decision. The subjects come from our own ledger.
 *
 * @throws when a receipt names none of the records: then the caller put together what does not belong together.
 */
export function decisionFacts(material: DecisionMaterial): DecisionFacts {
  const [first] = material.records;
  const newest = material.records.at(-1) ?? first;
  const route = newest['route'];
  const createdAt = new Map(
    material.records.map((record) => [record['decision_id'], String(record['created_at'])]),
  );
  return {
    decisionId: String(newest['decision_id']),
    createdAt: String(newest['created_at']),
    verdict: newest['verdict'] as Verdict,
    firstVerdict: first['verdict'] as Verdict,
    action: String(newest['action']),
    policyVersion: String(newest['policy_version']),
    reviewDueAt: isMembers(route) ? textOf(route['due_at']) : undefined,
    reviewOpen: material.reviewOpen,
    executions: material.executions.map((receipt) => {
      const decisionAt = createdAt.get(receipt['decision_id']);
      if (decisionAt === undefined) throw new Error('a receipt of another decision');
      return executionFacts(receipt, decisionAt);
    }),
    outcomes: material.outcomes.map(outcomeFacts),
  };
}

function executionFacts(receipt: Members, decisionAt: string): ExecutionFacts {
  const reasons = receipt['binding_mismatch_reasons'];
  return {
    status: receipt['execution_status'] as ExecutionStatus,
    match: receipt['action_binding_match'] === true,
    reasons: Array.isArray(reasons) ? reasons.map(String) : [],
    decisionAt,
    executedAt: textOf(receipt['executed_at']),
    reportedAt: String(receipt['reported_at']),
    stateBeforeHash: textOf(receipt['state_before_hash']),
    stateAfterHash: textOf(receipt['state_after_hash']),
  };
}

function outcomeFacts(outcome: Members): OutcomeFacts {
  const observed = outcome['observed_metrics'];
  return {
    status: outcome['outcome_status'] as OutcomeStatus,
    observedMetrics: new Map(
      isMembers(observed)
        ? Object.entries(observed).map(([name, value]) => [name, Number(value)])
        : [],
    ),
    reportedAt: String(outcome['reported_at']),
    correctionOf: textOf(outcome['correction_of']),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
