/**
 * The registered adapters: pure functions from stated input to facts, with the shape of both.
 * Nothing is taken from another module, so that the bytes of this one are all that runs.
 */
export const functions: Readonly<Record<string, AdapterFunction>> = {
  'solana_execution_gate@1.0.0': {
    input: {
      sol_amount: { kind: 'number', above: 0, max: 1_000_000_000 },
      risk_level: { kind: 'word', words: ['low', 'medium', 'high'] },
      evidence_level: { kind: 'word', words: ['thin', 'usable', 'strong'] },
      quorum_signed: { kind: 'flag' },
      budget_within_policy: { kind: 'flag' },
      recipient_verified: { kind: 'flag' },
    },
    added: {
      decision_score: { kind: 'integer', min: 0, max: 100 },
      decision_edge_points: { kind: 'integer', min: -57, max: 43 },
      confidence_pct: { kind: 'integer', min: 38, max: 94 },
    },
    run: (input) => solanaExecution(input as SolanaInput),
  },
  'krafthaus_workflow_readiness@1.0.0': {
    input: {
      owner_present: { kind: 'flag' },
      automation_boundary_defined: { kind: 'flag' },
      rollback_path_defined: { kind: 'flag' },
      repeat_frequency: { kind: 'word', words: ['rare', 'weekly', 'daily'] },
      evidence_sources: { kind: 'number', min: -1_000, max: 1_000 },
      integration_touchpoints: { kind: 'number', min: -1_000, max: 1_000 },
      exception_paths: { kind: 'number', min: -1_000, max: 1_000 },
      action_risk: { kind: 'word', words: ['low', 'medium', 'high'] },
      value_at_stake: { kind: 'word', words: ['low', 'medium', 'high'] },
    },
    added: {
      evidence_sources: { kind: 'integer', min: 0, max: 12 },
      integration_touchpoints: { kind: 'integer', min: 0, max: 12 },
      exception_paths: { kind: 'integer', min: 0, max: 20 },
      recurring_workflow: { kind: 'flag' },
      handoff_risk: { kind: 'word', words: ['low', 'medium', 'high'] },
      workflow_score: { kind: 'integer', min: 0, max: 100 },
      ready_to_bind: { kind: 'flag' },
      workflow_band: { kind: 'word', words: ['blocked', 'route_review', 'bind_ready'] },
    },
    run: (input) => workflowReadiness(input as WorkflowInput),
  },
};

/** A closed object: exactly these members. */
export type Shape = Readonly<Record<string, Rule>>;

export type Rule =
  | { readonly kind: 'flag' }
  | { readonly kind: 'word'; readonly words: readonly string[] }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | {
      readonly kind: 'number';
      readonly min?: number;
      readonly above?: number;
      readonly max: number;
    };

export type Members = Readonly<Record<string, unknown>>;

export type AdapterFunction = {
  readonly input: Shape;
  /** What the facts hold beside the members of the input, or in place of those. */
  readonly added: Shape;
  /** Of an input that has its shape. */
  readonly run: (input: Members) => Members;
};

/** One member that is not as its shape asks. */
export type MemberFault = {
  readonly name: string;
  readonly code: 'unknown_field' | 'required' | 'invalid_type' | 'invalid_value' | 'out_of_range';
};

/** All faults of a value: its members in their order, then the missing ones. */
export function faultsOf(shape: Shape, value: Members): readonly MemberFault[] {
  const faults: MemberFault[] = [];
  for (const [name, item] of Object.entries(value)) {
    const rule = Object.hasOwn(shape, name) ? shape[name] : undefined;
    const code = rule === undefined ? 'unknown_field' : faultOf(rule, item);
    if (code !== undefined) faults.push({ name, code });
  }
  for (const name of Object.keys(shape)) {
    if (!Object.hasOwn(value, name)) faults.push({ name, code: 'required' });
  }
  return faults;
}

function faultOf(rule: Rule, value: unknown): MemberFault['code'] | undefined {
  if (rule.kind === 'flag') return typeof value === 'boolean' ? undefined : 'invalid_type';
  if (rule.kind === 'word') {
    if (typeof value !== 'string') return 'invalid_type';
    return rule.words.includes(value) ? undefined : 'invalid_value';
  }
  if (typeof value !== 'number' || !Number.isFinite(value)) return 'invalid_type';
  if (rule.kind === 'integer' && !Number.isInteger(value)) return 'invalid_type';
  const low = rule.min !== undefined && value < rule.min;
  const notAbove = rule.kind === 'number' && rule.above !== undefined && value <= rule.above;
  return low || notAbove || value > rule.max ? 'out_of_range' : undefined;
}

type Level = 'low' | 'medium' | 'high';

type SolanaInput = {
  readonly sol_amount: number;
  readonly risk_level: Level;
  readonly evidence_level: 'thin' | 'usable' | 'strong';
  readonly quorum_signed: boolean;
  readonly budget_within_policy: boolean;
  readonly recipient_verified: boolean;
};

function solanaExecution(input: SolanaInput): Members {
  const { sol_amount, risk_level, evidence_level } = input;
  const { quorum_signed, budget_within_policy, recipient_verified } = input;
  const points =
    48 +
    { thin: 28, usable: 52, strong: 74 }[evidence_level] +
    (quorum_signed ? 13 : -24) +
    (budget_within_policy ? 13 : -24) +
    (recipient_verified ? 12 : -28) -
    { low: 6, medium: 16, high: 32 }[risk_level] -
    Math.min(18, round(sol_amount / 18));
  const score = clamp(round(points / 1.55), 0, 100);
  return {
    sol_amount,
    risk_level,
    evidence_level,
    quorum_signed,
    budget_within_policy,
    recipient_verified,
    decision_score: score,
    decision_edge_points: score - 57,
    confidence_pct: clamp(score + (evidence_level === 'strong' ? 4 : -2), 38, 94),
  };
}

type WorkflowInput = {
  readonly owner_present: boolean;
  readonly automation_boundary_defined: boolean;
  readonly rollback_path_defined: boolean;
  readonly repeat_frequency: 'rare' | 'weekly' | 'daily';
  readonly evidence_sources: number;
  readonly integration_touchpoints: number;
  readonly exception_paths: number;
  readonly action_risk: Level;
  readonly value_at_stake: Level;
};

function workflowReadiness(input: WorkflowInput): Members {
  const { owner_present, automation_boundary_defined, rollback_path_defined } = input;
  const { repeat_frequency, action_risk, value_at_stake } = input;
  const evidence_sources = clamp(round(input.evidence_sources), 0, 12);
  const integration_touchpoints = clamp(round(input.integration_touchpoints), 0, 12);
  const exception_paths = clamp(round(input.exception_paths), 0, 20);

  const recurring_workflow = repeat_frequency !== 'rare';
  const busiest = Math.max(exception_paths, integration_touchpoints);
  const handoff_risk = handoffRisk(action_risk, busiest);
  const workflow_score = clamp(
    (owner_present ? 18 : 0) +
      (recurring_workflow ? 12 : 0) +
      5 * Math.min(evidence_sources, 4) +
      (automation_boundary_defined ? 18 : 0) +
      (rollback_path_defined ? 14 : 0) +
      { low: 2, medium: 5, high: 10 }[value_at_stake] -
      { low: 0, medium: 8, high: 22 }[action_risk] -
      5 * Math.max(0, integration_touchpoints - 1) -
      4 * exception_paths,
    0,
    100,
  );
  const ready_to_bind =
    owner_present &&
    recurring_workflow &&
    evidence_sources >= 2 &&
    automation_boundary_defined &&
    rollback_path_defined &&
    handoff_risk !== 'high' &&
    workflow_score >= 78;
  const blocked = !owner_present || evidence_sources === 0 || handoff_risk === 'high';
  return {
    owner_present,
    automation_boundary_defined,
    rollback_path_defined,
    repeat_frequency,
    evidence_sources,
    integration_touchpoints,
    exception_paths,
    action_risk,
    value_at_stake,
    recurring_workflow,
    handoff_risk,
    workflow_score,
    ready_to_bind,
    workflow_band: blocked ? 'blocked' : ready_to_bind ? 'bind_ready' : 'route_review',
  };
}

/** `busiest`: the greater of the counts of exceptions and of touchpoints. */
function handoffRisk(risk: Level, busiest: number): Level {
  if (risk === 'high' || busiest >= 4) return 'high';
  return risk === 'medium' || busiest >= 2 ? 'medium' : 'low';
}

/** Half up, also below zero. Adding 0 keeps negative zero out of the facts. */
function round(value: number): number {
  return Math.round(value) + 0;
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
