import { communication } from '@countersign/contract';
import { communication as governance } from '@countersign/policy';
import { canonicalJson, sha256Hex } from '@countersign/proof';
import {
  type Analysis,
  type Communication,
  type Family,
  type Signal,
  signalsBehind,
  type Thresholds,
} from '@countersign/signals';
import type { Actor } from '../ports.ts';
import { commitmentsOf, idDigest, signalDigest } from './binding.ts';
import type { EvidenceReport } from './evidence.ts';
import type { Judged, Variant } from './judge.ts';
import type { ProviderOutcome } from './provider.ts';

const { API_VERSION } = communication;
const PACKET_VERSION = '1';
const LABELS = {
  green: 'clear',
  amber: 'caution',
  red: 'unsafe',
  grey: 'undetermined',
} as const satisfies Record<governance.Light, string>;

/** In whose name, and under which rules, a decision is made. */
export interface DecisionFacts {
  /** The part that the ids of decision, transaction and packet have in common. */
  readonly ulid: string;
  readonly traceId: string;
  readonly clientTrace: string | undefined;
  readonly mode: 'demo' | 'test' | 'live';
  /** Unix milliseconds; the only clock value of the evaluation. */
  readonly evaluatedAt: number;
  readonly contentBinding: string;
  readonly policy: {
    readonly id: string;
    readonly version: string;
    readonly hash: string;
    readonly overlayHash: string | null;
    readonly catalogueHash: string;
  };
  readonly analyser: Readonly<Record<string, string>>;
  readonly validMinutes: number;
  /** A stage failed: what was judged is that nothing is known. */
  readonly failedClosed: boolean;
  readonly testScenario: string | undefined;
}

type Members = Readonly<Record<string, unknown>>;

/** The decision as callers get it, member by member in the order of the public examples. */
export function decisionOf(
  request: Communication & { readonly id?: string },
  { composed, reply }: Pick<Judged, 'composed' | 'reply'>,
  facts: DecisionFacts,
): Members {
  const { light } = composed;
  const move = { move_type: composed.moveType, rationale: composed.rationale };
  const ids = idsOf(facts);
  return {
    object: 'decision',
    id: ids.decision,
    status: facts.failedClosed ? 'failed_closed' : 'completed',
    traffic_light: { state: light, label: LABELS[light] },
    signal: { type: 'decision_dot', state: light },
    summary: composed.summary,
    safest_move: move,
    safest_next_move: move,
    safe_reply: reply,
    action_gate: {
      action_type: request.proposed_action.action_type,
      allowed: composed.allowed,
      requires_human_review: composed.requiresHumanReview,
      approval_required: composed.approvalRequired,
      blocked_reason: composed.blockedReason,
      recommended_action: composed.recommendedAction,
      signal: { state: light },
    },
    proof_packet_id: ids.packet,
    trace_id: facts.traceId,
    reasons: composed.reasons,
    policy: { id: facts.policy.id, version: facts.policy.version, hash: facts.policy.hash },
    api_version: API_VERSION,
    mode: facts.mode,
    communication_transaction_id: facts.mode === 'demo' ? null : ids.transaction,
    content_binding: facts.contentBinding,
    client_reference: request.id ?? null,
    created_at: instant(facts.evaluatedAt),
    valid_until: instant(facts.evaluatedAt + facts.validMinutes * 60_000),
  };
}

/** Ids of what belongs to one decision. */
export function idsOf({ ulid, mode }: Pick<DecisionFacts, 'ulid' | 'mode'>): {
  readonly decision: string;
  readonly packet: string;
  readonly transaction: string;
} {
  const infix = mode === 'demo' ? 'demo_' : '';
  return {
    decision: `dec_${infix}${ulid}`,
    packet: `ppk_${infix}${ulid}`,
    transaction: `txn_${infix}${ulid}`,
  };
}

/** What was found and how it was weighed: in no member of it stands anything that was submitted. */
export interface Particulars {
  readonly communication: Members;
  readonly commitments: readonly Members[];
  readonly signals: readonly Members[];
  readonly conditions: readonly Members[];
  readonly rules: readonly Members[];
  readonly coverage: Members;
  readonly variants: Members;
  readonly evidence: readonly EvidenceReport[];
  readonly provider: ProviderOutcome;
  readonly actor: Members | null;
}

export function particularsOf(
  request: communication.DecisionRequest,
  judged: Judged,
  rest: {
    readonly salt: string;
    readonly actor: Actor | undefined;
    readonly evidence: readonly EvidenceReport[];
    readonly provider: ProviderOutcome;
    readonly thresholds: Thresholds;
  },
): Particulars {
  const { analysis } = judged.provided;
  const { salt, evidence, provider, actor } = rest;
  return {
    communication: describe(request, analysis, salt),
    commitments: commitmentsOf(request, salt).map((one) => ({ ...one })),
    signals: analysis.signals.map((signal, at) => signalMembers(signal, at, request, salt)),
    conditions: conditionsMembers(judged.provided, rest.thresholds, evidence),
    rules: judged.evaluation.rules.map(ruleMembers),
    coverage: coverageMembers(analysis),
    variants: {
      deterministic: outcomeOf(judged.deterministic.evaluation),
      with_hints: outcomeOf(judged.hinted.evaluation),
      with_provider: outcomeOf(judged.provided.evaluation),
      joined: outcomeOf(judged.evaluation),
    },
    evidence,
    provider,
    actor:
      actor === undefined
        ? null
        : {
            actor_id: actor.actorId,
            key_fingerprint: actor.tokenFingerprint,
            scopes: actor.scopes,
          },
  };
}

function describe(
  request: communication.DecisionRequest,
  analysis: Analysis,
  salt: string,
): Members {
  const digest = (value: string | undefined): string | null =>
    value === undefined ? null : idDigest(value, salt);
  const counts: Record<string, number> = {};
  for (const { kind } of analysis.segments) counts[kind] = (counts[kind] ?? 0) + 1;
  return {
    source: communication.SOURCES.find((one) => one === request.source) ?? 'other',
    source_surface: request.source_surface ?? null,
    source_message_id_digest: digest(request.source_message_id),
    source_thread_id_digest: digest(request.source_thread_id),
    participant_count: request.participants.length,
    roles: [...new Set(request.participants.map(({ role }) => role))].sort(),
    languages: analysis.languages,
    segment_counts: counts,
    truncated: request.body_truncated === true,
  };
}

function signalMembers(signal: Signal, at: number, request: object, salt: string): Members {
  return {
    signal_id: signalId(at),
    family: signal.family,
    code: signal.code,
    severity: signal.severity,
    polarity: signal.polarity,
    direction: signal.direction,
    source: signal.source,
    pointer: signal.pointer,
    span: signal.span,
    segment: signal.segment,
    view: signal.view,
    digest: signalDigest(request, signal, salt),
    detector: signal.detector,
    detector_version: signal.detectorVersion,
    attributes: signal.attributes,
  };
}

function signalId(at: number): string {
  return `sig_${String(at + 1).padStart(4, '0')}`;
}

function conditionsMembers(
  { conditions, analysis }: Variant,
  thresholds: Thresholds,
  evidence: readonly EvidenceReport[],
): readonly Members[] {
  return [...conditions]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({
      name,
      value,
      evidence: [
        ...signalsBehind(name, analysis, thresholds).map(signalId),
        ...evidence.filter(({ control }) => control === name).map(({ evidence_id: id }) => id),
      ],
    }));
}

function ruleMembers(outcome: governance.RuleOutcome): Members {
  const { rule, class: ruleClass, guard, control, value, contribution, blocking } = outcome;
  return {
    rule_id: rule.ruleId,
    class: ruleClass,
    guard,
    control,
    value,
    contribution,
    blocking,
    escalated_by: outcome.escalatedBy,
  };
}

function coverageMembers({ coverage }: Analysis): Members {
  return Object.fromEntries(
    (Object.keys(coverage) as Family[]).map((family) => {
      const { inbound, outbound } = coverage[family];
      const reasons = [...new Set([...inbound.reasons, ...outbound.reasons])].sort();
      const state = inbound.complete && outbound.complete ? 'complete' : 'partial';
      return [family, { state, reasons }];
    }),
  );
}

function outcomeOf({ light, open }: governance.Evaluation): Members {
  return { state: light, allowed: open };
}

/** The transaction: the decision with how it came about. */
export function transactionOf(decision: Members, particulars: Particulars): Members {
  const { signals, conditions, rules, coverage, provider } = particulars;
  const { used, outcome, accepted, discarded } = provider;
  return {
    object: 'communication_transaction',
    id: decision['communication_transaction_id'],
    status: decision['status'],
    decision,
    decision_id: decision['id'],
    proof_packet_id: decision['proof_packet_id'],
    trace_id: decision['trace_id'],
    communication: particulars.communication,
    signals,
    conditions,
    rules,
    coverage,
    provider: { used, outcome, accepted, discarded: total(discarded) },
    policy: decision['policy'],
    mode: decision['mode'],
    api_version: decision['api_version'],
    created_at: decision['created_at'],
  };
}

function total(discarded: Readonly<Record<string, number>>): number {
  return Object.values(discarded).reduce((sum, count) => sum + count, 0);
}

/** Everything that a packet says and its hash covers: the full view without its place in the ledger. */
export function packetBody(
  decision: Members,
  particulars: Particulars,
  facts: DecisionFacts,
): Members {
  const gate = decision['action_gate'] as Members;
  const { policy } = facts;
  const { evidence, provider, actor } = particulars;
  return {
    object: 'proof_packet',
    id: decision['proof_packet_id'],
    version: PACKET_VERSION,
    decision_id: decision['id'],
    communication_transaction_id: decision['communication_transaction_id'],
    trace_id: decision['trace_id'],
    client_trace: facts.clientTrace ?? null,
    mode: decision['mode'],
    api_version: API_VERSION,
    created_at: decision['created_at'],
    evaluated_at: instant(facts.evaluatedAt),
    summary: decision['summary'],
    state: (decision['signal'] as Members)['state'],
    allowed: gate['allowed'],
    action_type: gate['action_type'],
    decision_digest: digestOf(decision),
    policy: {
      id: policy.id,
      version: policy.version,
      hash: policy.hash,
      overlay_hash: policy.overlayHash,
      catalogue_hash: policy.catalogueHash,
    },
    analyser: facts.analyser,
    content_binding: facts.contentBinding,
    ...(facts.testScenario === undefined ? {} : { test_scenario: facts.testScenario }),
    input_commitments: particulars.commitments,
    signals: particulars.signals,
    coverage: particulars.coverage,
    conditions: particulars.conditions,
    rules: particulars.rules,
    variants: particulars.variants,
    evidence,
    provider,
    actor,
    redaction: {
      profile: 'minimal',
      raw_content_stored: false,
      raw_provider_output_stored: false,
    },
  };
}

/** Members that are left out of the minimal view of a packet. */
export const FULL_ONLY: readonly string[] = [
  'input_commitments',
  'signals',
  'coverage',
  'conditions',
  'rules',
  'variants',
  'evidence',
  'provider',
  'actor',
];

/** What the ledger says of a decision: hashes and what a list shows, nothing of the content. */
export function entryBody(
  decision: Members,
  packet: Members,
  facts: DecisionFacts,
  rulesetHash: string,
): Members {
  return {
    type: 'communication_decision',
    mode: facts.mode,
    decision_id: decision['id'],
    proof_packet_id: decision['proof_packet_id'],
    state: packet['state'],
    allowed: packet['allowed'],
    action_type: packet['action_type'],
    decision_digest: packet['decision_digest'],
    packet_digest: digestOf(packet),
    policy_hash: facts.policy.hash,
    ruleset_hash: rulesetHash,
    content_binding: facts.contentBinding,
    evaluated_at: instant(facts.evaluatedAt),
  };
}

/** Hex SHA-256 of the RFC 8785 form. */
export function digestOf(value: Members): string {
  return sha256Hex(canonicalJson(value));
}

export function instant(at: number): string {
  return new Date(at).toISOString();
}
