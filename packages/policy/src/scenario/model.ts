import type { Json } from '../json.ts';

/*
 * The scenario protocol's own types, in its own member names: their canonical text is what hashes are taken over, so
 * nothing is renamed on the way. A member that may be absent is `null` unless it is marked optional here; an optional
 * one is left out when absent, and that difference is part of every hash.
 */

/** An integer of 64 bits: a `number` where it is safe, else a `bigint`. JavaScript compares the two freely. */
export type Int = number | bigint;

export type TriState = 'True' | 'False' | 'Unknown';

export type Timestamp =
  | { readonly kind: 'unix_millis'; readonly value: Int }
  | { readonly kind: 'logical'; readonly value: Int };

/** Lower-case hex. */
export type HashDigest = { readonly algorithm: 'sha256'; readonly value: string };

export type TrustLane = 'verified' | 'asserted';
export type TrustRequirement = { readonly min_lane: TrustLane };

/** In the order in which contracts list them. */
export const SCENARIO_COMPARATORS = [
  'equals',
  'not_equals',
  'greater_than',
  'greater_than_or_equal',
  'less_than',
  'less_than_or_equal',
  'lex_greater_than',
  'lex_greater_than_or_equal',
  'lex_less_than',
  'lex_less_than_or_equal',
  'contains',
  'in_set',
  'deep_equals',
  'deep_not_equals',
  'exists',
  'not_exists',
] as const;
export type ScenarioComparator = (typeof SCENARIO_COMPARATORS)[number];

export type EvidenceQuery = {
  readonly provider_id: string;
  readonly check_id: string;
  readonly params?: Json;
};

export type ConditionSpec = {
  readonly condition_id: string;
  readonly query: EvidenceQuery;
  readonly comparator: ScenarioComparator;
  /** `null`: absent. */
  readonly expected: Json;
  readonly policy_tags: readonly string[];
  readonly trust?: TrustRequirement;
};

/** A tree over conditions as it stands in the protocol: exactly one member per node. */
export type RequirementNode =
  | { readonly And: readonly RequirementNode[] }
  | { readonly Or: readonly RequirementNode[] }
  | { readonly Not: RequirementNode }
  | {
      readonly RequireGroup: { readonly min: number; readonly reqs: readonly RequirementNode[] };
    }
  | { readonly Condition: string };

export type GateSpec = {
  readonly gate_id: string;
  readonly requirement: RequirementNode;
  readonly trust?: TrustRequirement;
};

export type PacketPayload =
  | { readonly kind: 'json'; readonly value: Json }
  | { readonly kind: 'bytes'; readonly bytes: readonly number[] }
  | {
      readonly kind: 'external';
      readonly content_ref: {
        readonly uri: string;
        readonly content_hash: HashDigest;
        readonly encryption: string | null;
      };
    };

export type PacketSpec = {
  readonly packet_id: string;
  readonly schema_id: string;
  readonly content_type: string;
  readonly visibility_labels: readonly string[];
  readonly policy_tags: readonly string[];
  readonly expiry: Timestamp | null;
  readonly payload: PacketPayload;
};

export type BranchRule = {
  readonly gate_id: string;
  readonly outcome: 'true' | 'false' | 'unknown';
  readonly next_stage_id: string;
};

export type AdvanceTo =
  | { readonly kind: 'linear' }
  | { readonly kind: 'fixed'; readonly stage_id: string }
  | {
      readonly kind: 'branch';
      readonly branches: readonly BranchRule[];
      readonly default: string | null;
    }
  | { readonly kind: 'terminal' };

export type StageSpec = {
  readonly stage_id: string;
  readonly entry_packets: readonly PacketSpec[];
  readonly gates: readonly GateSpec[];
  readonly advance_to: AdvanceTo;
  readonly timeout: { readonly timeout_ms: Int; readonly policy_tags: readonly string[] } | null;
  readonly on_timeout: 'fail' | 'advance_with_flag' | 'alternate_branch';
};

export type ScenarioSpec = {
  readonly scenario_id: string;
  readonly namespace_id: Int;
  readonly spec_version: string;
  readonly stages: readonly StageSpec[];
  readonly conditions: readonly ConditionSpec[];
  readonly policies: readonly {
    readonly policy_id: string;
    readonly description: string | null;
  }[];
  readonly schemas: readonly {
    readonly schema_id: string;
    readonly version: string | null;
    readonly uri: string | null;
  }[];
  readonly default_tenant_id: Int | null;
};

export type DispatchTarget =
  | { readonly kind: 'agent'; readonly agent_id: string }
  | { readonly kind: 'session'; readonly session_id: string }
  | { readonly kind: 'external'; readonly system: string; readonly target: string }
  | { readonly kind: 'channel'; readonly channel: string };

export type RunConfig = {
  readonly tenant_id: Int;
  readonly namespace_id: Int;
  readonly run_id: string;
  readonly scenario_id: string;
  readonly dispatch_targets: readonly DispatchTarget[];
  readonly policy_tags: readonly string[];
};

export const TRIGGER_KINDS = [
  'agent_request_next',
  'tick',
  'external_event',
  'backend_event',
] as const;

export type TriggerEvent = {
  readonly trigger_id: string;
  readonly tenant_id: Int;
  readonly namespace_id: Int;
  readonly run_id: string;
  readonly kind: (typeof TRIGGER_KINDS)[number];
  readonly time: Timestamp;
  readonly source_id: string;
  readonly payload: PacketPayload | null;
  readonly correlation_id: string | null;
};

export type EvidenceValue =
  | { readonly kind: 'json'; readonly value: Json }
  | { readonly kind: 'bytes'; readonly value: readonly number[] };

export type EvidenceError = {
  readonly code: string;
  readonly message: string;
  readonly details: Json;
};

export type EvidenceResult = {
  readonly value: EvidenceValue | null;
  readonly lane: TrustLane;
  readonly error: EvidenceError | null;
  readonly evidence_hash: HashDigest | null;
  readonly evidence_ref: { readonly uri: string } | null;
  readonly evidence_anchor: { readonly anchor_type: string; readonly anchor_value: string } | null;
  readonly signature: {
    readonly scheme: string;
    readonly key_id: string;
    readonly signature: readonly number[];
  } | null;
  readonly content_type: string | null;
};

export type EvidenceContext = {
  readonly tenant_id: Int;
  readonly namespace_id: Int;
  readonly run_id: string;
  readonly scenario_id: string;
  readonly stage_id: string;
  readonly trigger_id: string;
  readonly trigger_time: Timestamp;
  readonly correlation_id: string | null;
};

export type EvidenceRecord = {
  readonly condition_id: string;
  readonly status: TriState;
  readonly result: EvidenceResult;
};

export type GateEvaluation = {
  readonly gate_id: string;
  readonly status: TriState;
  /** Leaves in the order of the visit; a condition used twice stands twice. */
  readonly trace: readonly { readonly condition_id: string; readonly status: TriState }[];
};

export type GateEvalRecord = {
  readonly trigger_id: string;
  readonly stage_id: string;
  readonly evaluation: GateEvaluation;
  /** Sorted by the UTF-8 bytes of `condition_id`. */
  readonly evidence: readonly EvidenceRecord[];
};

export type SafeSummary = {
  readonly status: 'hold';
  readonly unmet_gates: readonly string[];
  readonly retry_hint: 'await_evidence' | null;
  readonly policy_tags: readonly string[];
};

export type DecisionOutcome =
  | { readonly kind: 'start'; readonly stage_id: string }
  | { readonly kind: 'complete'; readonly stage_id: string }
  | {
      readonly kind: 'advance';
      readonly from_stage: string;
      readonly to_stage: string;
      readonly timeout: boolean;
    }
  | { readonly kind: 'hold'; readonly summary: SafeSummary }
  | { readonly kind: 'fail'; readonly reason: string };

export type DecisionRecord = {
  readonly decision_id: string;
  readonly seq: number;
  readonly trigger_id: string;
  /** The stage in which it was taken: of an advance the one that was left. */
  readonly stage_id: string;
  readonly decided_at: Timestamp;
  readonly outcome: DecisionOutcome;
  readonly correlation_id: string | null;
};

export type PacketEnvelope = {
  readonly scenario_id: string;
  readonly run_id: string;
  readonly stage_id: string;
  readonly packet_id: string;
  readonly schema_id: string;
  readonly content_type: string;
  readonly content_hash: HashDigest;
  readonly visibility: {
    readonly labels: readonly string[];
    readonly policy_tags: readonly string[];
  };
  readonly expiry: Timestamp | null;
  readonly correlation_id: string | null;
  readonly issued_at: Timestamp;
};

export type DispatchReceipt = {
  readonly dispatch_id: string;
  readonly target: DispatchTarget;
  readonly receipt_hash: HashDigest;
  readonly dispatched_at: Timestamp;
  readonly dispatcher: string;
};

export type PacketRecord = {
  readonly envelope: PacketEnvelope;
  readonly payload: PacketPayload;
  readonly receipts: readonly DispatchReceipt[];
  readonly decision_id: string;
};

export type SubmissionRecord = {
  readonly submission_id: string;
  readonly run_id: string;
  readonly payload: PacketPayload;
  readonly content_type: string;
  readonly content_hash: HashDigest;
  readonly submitted_at: Timestamp;
  readonly correlation_id: string | null;
};

export type ToolCallError = {
  readonly code: string;
  readonly message: string;
  readonly details:
    | {
        readonly kind: 'provider_missing';
        readonly missing_providers: readonly string[];
        readonly required_capabilities: readonly string[];
        readonly blocked_by_policy: boolean;
      }
    | { readonly kind: 'message'; readonly info: string }
    | null;
};

export type ToolCallRecord = {
  /** `call-<n>`, n from 1. */
  readonly call_id: string;
  readonly method: 'scenario.status' | 'scenario.next' | 'scenario.submit' | 'scenario.trigger';
  readonly request_hash: HashDigest;
  readonly response_hash: HashDigest;
  readonly called_at: Timestamp;
  readonly correlation_id: string | null;
  readonly error: ToolCallError | null;
};

export type TriggerRecord = { readonly seq: number; readonly event: TriggerEvent };

export type RunStatus = 'active' | 'completed' | 'failed';

export type RunState = {
  readonly tenant_id: Int;
  readonly namespace_id: Int;
  readonly run_id: string;
  readonly scenario_id: string;
  readonly spec_hash: HashDigest;
  readonly current_stage_id: string;
  readonly stage_entered_at: Timestamp;
  readonly status: RunStatus;
  readonly dispatch_targets: readonly DispatchTarget[];
  readonly triggers: readonly TriggerRecord[];
  readonly gate_evals: readonly GateEvalRecord[];
  readonly decisions: readonly DecisionRecord[];
  readonly packets: readonly PacketRecord[];
  readonly submissions: readonly SubmissionRecord[];
  readonly tool_calls: readonly ToolCallRecord[];
};

/** What `scenario_next` and `scenario_trigger` answer, before feedback is added. */
export type TransitionResult = {
  readonly decision: DecisionRecord;
  readonly packets: readonly PacketRecord[];
  readonly status: RunStatus;
};

export type ScenarioStatus = {
  readonly run_id: string;
  readonly scenario_id: string;
  readonly current_stage_id: string;
  readonly status: RunStatus;
  readonly last_decision: DecisionRecord | null;
  readonly issued_packet_ids: readonly string[];
  readonly safe_summary: SafeSummary | null;
};

export type DataShapeRecord = {
  readonly tenant_id: Int;
  readonly namespace_id: Int;
  readonly schema_id: string;
  readonly version: string;
  readonly schema: Json;
  readonly description: string | null;
  readonly created_at: Timestamp;
  readonly signing?: {
    readonly key_id: string;
    readonly signature: string;
    readonly algorithm?: string;
  };
};

export type CheckContract = {
  readonly check_id: string;
  readonly description: string;
  readonly determinism: 'deterministic' | 'time_dependent' | 'external';
  readonly params_required: boolean;
  readonly params_schema: Json;
  readonly result_schema: Json;
  readonly allowed_comparators: readonly ScenarioComparator[];
  readonly anchor_types: readonly string[];
  readonly content_types: readonly string[];
  readonly examples: readonly {
    readonly description: string;
    readonly params: Json;
    readonly result: Json;
  }[];
};

export type ProviderContract = {
  readonly provider_id: string;
  readonly name: string;
  readonly description: string;
  readonly transport: 'builtin' | 'mcp';
  readonly config_schema: Json;
  readonly checks: readonly CheckContract[];
  readonly notes: readonly string[];
};

/** Which anchors evidence of a provider must carry. */
export type AnchorPolicy = {
  readonly providers?: readonly {
    readonly provider_id: string;
    readonly requirement: {
      readonly anchor_type: string;
      readonly required_fields: readonly string[];
    };
  }[];
};
