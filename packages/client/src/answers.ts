/**
 * Answers as the gate sends them: the members named here are where they are said to be, further ones may stand
 * beside them, and nothing is renamed, filled in or left out.
 */
export interface Answer {
  readonly [member: string]: unknown;
}

export type Verdict = 'yes' | 'no' | 'review';

/** A Decision Record v1, which is itself the answer. Mode `multi` advises: it has no verdict and no action. */
export interface DecisionRecord extends Answer {
  readonly decision_record_version: string;
  readonly decision_id: string;
  readonly request_id: string;
  readonly verdict?: Verdict;
  readonly c?: Verdict;
  readonly v?: 'approved' | 'denied' | 'review';
  readonly decision?: Verdict;
  readonly action?: string;
  readonly evidence?: readonly string[];
  readonly record_hash: string;
  readonly receipt_hash: string;
  readonly verify_url: string;
  readonly replay_url: string;
  readonly valid_until?: string;
  readonly policy_id?: string;
  readonly policy_version?: string;
  readonly action_binding?: Answer;
  readonly audit_chain?: Answer & { readonly chain_id: string };
  readonly application_verdict?: string;
  readonly reason_code?: string;
  readonly matched_rule_id?: string;
}

/** One item of a batch: a record where `status` is 200, else the body of an error. */
export interface BatchAnswer extends Answer {
  readonly results: readonly { readonly status: number; readonly body: Answer }[];
}

export interface VerificationAnswer extends Answer {
  readonly verified: boolean;
  readonly public_verified: boolean;
  readonly checks: Readonly<Record<string, boolean | null>>;
}

export interface LookupAnswer extends Answer {
  readonly decision_record: DecisionRecord;
  readonly lifecycle_state: string;
}

export interface ReplayAnswer extends Answer {
  readonly reproduced: boolean;
  readonly replay_hash: string;
}

export interface CounterfactualAnswer extends Answer {
  readonly simulation_only: true;
  readonly scenarios: readonly (Answer & {
    readonly scenario_id: string;
    readonly verdict: Verdict;
    readonly action: string;
    readonly changed: boolean;
    readonly recommendation: string;
  })[];
}

/** Permission to attempt once, until `claim_expires_at`. Any doubt is an error instead. */
export interface ClaimAnswer extends Answer {
  readonly proceed: true;
  readonly claim_id: string;
  readonly claim_expires_at: string;
}

export interface ExecutionAnswer extends Answer {
  readonly execution: Answer & {
    readonly execution_receipt_id: string;
    readonly execution_hash: string;
    readonly action_binding_match: boolean;
  };
}

export interface OutcomeAnswer extends Answer {
  readonly outcome: Answer & {
    readonly outcome_id: string;
    readonly outcome_hash: string;
    readonly outcome_status: string;
  };
}

export interface CrmSyncAnswer extends Answer {
  readonly crm_sync: Answer & {
    readonly sync_id: string;
    readonly sync_status: string;
    readonly sync_hash: string;
    readonly mapped_fields: readonly unknown[];
  };
}

export interface ListAnswer extends Answer {
  readonly count: number;
  readonly items: readonly Answer[];
  readonly next_cursor?: string;
}

export interface ReviewAnswer extends Answer {
  readonly review: Answer;
  /** The new, linked record of an approval or a denial. */
  readonly decision_record?: DecisionRecord;
}

export interface ChainAnswer extends Answer {
  readonly chain_id: string;
  readonly chain_size: number;
  readonly merkle_root: string;
  readonly head_link_hash: string;
  readonly verification: Answer;
}

/** The envelope of a Decision Packet v1: stored whole, it is what verifiers read. */
export interface PacketAnswer extends Answer {
  readonly packet: Answer;
  readonly packet_signature: string;
  readonly packet_key_id: string;
}

export interface KeysAnswer extends Answer {
  readonly keys: readonly (Answer & {
    readonly key_id: string;
    readonly public_key_fingerprint: string;
    readonly public_key: string;
  })[];
}

export interface PatternsAnswer extends Answer {
  readonly count: number;
  readonly patterns: readonly Pattern[];
  readonly policy_pattern?: Pattern;
}

export interface Pattern extends Answer {
  readonly pattern_id: string;
  readonly pattern_hash: string;
  /** A request that works as it stands. */
  readonly decision_request_template: Answer & { readonly context: Answer };
}

export interface StatusAnswer extends Answer {
  readonly status: string;
  readonly accepting_decisions: boolean;
}
