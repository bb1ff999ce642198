import { communication, type Json, type Truth } from '@countersign/policy';
import { describe, expect, it } from 'vitest';
import { conditions, parsed, policy, source, truths } from './policy.ts';

const { composeDecision, evaluateCommunication, invariantFault, safeReply } = communication;

type Decision = Readonly<Record<string, unknown>>;

/** The members that the promises speak of. */
function decided(
  by: communication.CommunicationPolicy,
  given: ReadonlyMap<string, Truth>,
  bounded: boolean,
): Decision {
  const evaluation = evaluateCommunication(by, given);
  const composed = composeDecision(by, evaluation);
  const { light } = composed;
  return {
    status: 'completed',
    traffic_light: { state: light },
    signal: { type: 'decision_dot', state: light },
    summary: composed.summary,
    safest_move: { move_type: composed.moveType, rationale: composed.rationale },
    safe_reply: safeReply(by, evaluation, composed, {
      bounded,
      clean: true,
      demonstration: false,
      language: 'en',
    }),
    action_gate: {
      action_type: 'reply',
      allowed: composed.allowed,
      requires_human_review: composed.requiresHumanReview,
      approval_required: composed.approvalRequired,
      blocked_reason: composed.blockedReason,
      recommended_action: composed.recommendedAction,
      signal: { state: light },
    },
  };
}

/** The promises as they are published, read off a decision anew. */
function broken(decision: Decision): string | undefined {
  const {
    signal,
    safe_reply: reply,
    action_gate: gate,
  } = decision as {
    readonly signal: { readonly state: string };
    readonly safe_reply: { readonly allowed_to_insert: boolean; readonly draft: string };
    readonly action_gate: {
      readonly allowed: boolean;
      readonly requires_human_review: boolean;
      readonly approval_required: boolean;
      readonly blocked_reason: string;
    };
  };
  const { state } = signal;
  const { allowed, requires_human_review: review, approval_required: approval } = gate;
  if (allowed && !['green', 'amber'].includes(state)) return 'V2';
  if (['red', 'grey'].includes(state) && allowed) return 'V3';
  if (state === 'green' && (!allowed || review || approval)) return 'V4';
  if (!allowed && (reply.allowed_to_insert || reply.draft !== '')) return 'V5';
  if (!allowed && (gate.blocked_reason === '' || !review)) return 'V5';
  if (allowed && gate.blocked_reason !== '') return 'empty when allowed';
  if (reply.allowed_to_insert !== (reply.draft !== '')) return 'V6';
  return approval && allowed ? 'V7' : undefined;
}

/** The first promise that any of the decisions breaks, with the conditions. */
function firstBroken(
  by: communication.CommunicationPolicy,
  maps: Iterable<ReadonlyMap<string, Truth>>,
): { readonly count: number; readonly lights: ReadonlySet<string>; readonly fault?: unknown } {
  let count = 0;
  const lights = new Set<string>();
  for (const given of maps) {
    count += 1;
    const decision = decided(by, given, count % 2 === 0);
    const fault = broken(decision) ?? invariantFault(decision, by);
    if (fault !== undefined) return { count, lights, fault: { fault, given: [...given] } };
    const { state } = decision['signal'] as { state: string };
    const { allowed } = decision['action_gate'] as { allowed: boolean };
    lights.add(`${state} ${allowed ? 'open' : 'closed'}`);
  }
  return { count, lights };
}

/** A rule of each kind over as few conditions as possible. */
function reduced(): communication.CommunicationPolicy {
  const rules = source['rules'] as readonly Record<string, Json>[];
  const kept = ['R01', 'R10', 'R15', 'R17'];
  return parsed({
    ...source,
    conditions: [
      'i.input_usable',
      'g.gate_manipulation',
      'g.concession_promised',
      'g.concession_requested',
      'a.concedes',
      'c.concession_authority',
      'c.bounded_outbound',
      'g.authority_claim',
      'c.authority_verified',
      'g.deadline_pressure',
    ],
    integrity: ['i.input_usable'],
    evidence: {},
    guard_thresholds: {},
    insertable: ['R10', 'R17'],
    rules: rules
      .filter((rule) => kept.some((id) => id === rule['rule_id']))
      .map((rule) =>
        rule['rule_id'] === 'R15' ? { ...rule, stop_if: { cond: 'g.deadline_pressure' } } : rule,
      ),
  });
}

function* everyMap(names: readonly string[]): Iterable<ReadonlyMap<string, Truth>> {
  const total = 3 ** names.length;
  for (let number = 0; number < total; number += 1) {
    let rest = number;
    yield new Map(
      names.map((name) => {
        const truth = truths[rest % 3] ?? 'unknown';
        rest = Math.floor(rest / 3);
        return [name, truth];
      }),
    );
  }
}

/** Maps from calm to wild, the same in every run; some names are missing. */
function* someMaps(count: number): Iterable<ReadonlyMap<string, Truth>> {
  let state = 1;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  for (let i = 0; i < count; i += 1) {
    const given = new Map(conditions({}));
    const changes = draw(2) === 0 ? draw(5) : draw(policy.names.length * 2);
    for (let n = 0; n < changes; n += 1) {
      const name = policy.names[draw(policy.names.length)] ?? '';
      const truth = truths[draw(4)];
      if (truth === undefined) given.delete(name);
      else given.set(name, truth);
    }
    yield given;
  }
}

const FIVE = ['amber closed', 'amber open', 'green open', 'grey closed', 'red closed'];

describe('the promises of a decision', () => {
  it('C-54 hold for every set of conditions of a reduced policy', () => {
    const by = reduced();
    const { count, lights, fault } = firstBroken(by, everyMap(by.names));
    expect(fault).toBeUndefined();
    expect(count).toBe(3 ** 10);
    expect([...lights].sort()).toEqual(FIVE);
  }, 120_000);

  it('C-54 hold for a hundred thousand sets of the delivered one', () => {
    const { count, lights, fault } = firstBroken(policy, someMaps(100_000));
    expect(fault).toBeUndefined();
    expect(count).toBe(100_000);
    expect([...lights].sort()).toEqual(FIVE);
  }, 120_000);

  const open = decided(
    policy,
    conditions({ 'g.commitment_requested': 'true', 'c.bounded_outbound': 'true' }),
    true,
  );
  const closed = decided(policy, conditions({ 'g.credential_request': 'true' }), true);
  const green = decided(policy, conditions({}), false);
  const gate = (of: Decision, change: object): Decision => ({
    ...of,
    action_gate: { ...(of['action_gate'] as object), ...change },
  });
  const reply = (of: Decision, change: object): Decision => ({
    ...of,
    safe_reply: { ...(of['safe_reply'] as object), ...change },
  });
  const inState = (of: Decision, state: string): Decision =>
    gate({ ...of, traffic_light: { state }, signal: { state } }, { signal: { state } });

  const faults: readonly (readonly [string, string, Decision])[] = [
    ['V1', 'another light', { ...open, traffic_light: { state: 'green' } }],
    ['V1', 'another light of the gate', gate(open, { signal: { state: 'red' } })],
    ['V2', 'open under grey', inState(open, 'grey')],
    ['V2', 'open under red', inState(open, 'red')],
    ['V4', 'green and closed', gate(green, { allowed: false })],
    ['V4', 'green and reviewed', gate(green, { requires_human_review: true })],
    ['V4', 'green and to be approved', gate(green, { approval_required: true })],
    ['V5', 'closed with a draft', reply(closed, { draft: 'Yes.' })],
    ['V5', 'closed and insertable', reply(closed, { allowed_to_insert: true })],
    ['V5', 'closed without a reason', gate(closed, { blocked_reason: '' })],
    ['V5', 'closed without review', gate(closed, { requires_human_review: false })],
    ['V6', 'insertable without a draft', reply(open, { draft: '' })],
    ['V6', 'insertable without a template', reply(open, { template_id: null })],
    ['V6', 'insertable for another action', gate(open, { action_type: 'send' })],
    ['V7', 'open and to be approved', gate(open, { approval_required: true })],
    ['V8', 'failed and not grey', { ...closed, status: 'failed_closed' }],
    ['V9', 'a summary of its own', { ...closed, summary: 'All is well.' }],
    [
      'V9',
      'a label twice',
      {
        ...closed,
        summary: `${String(closed['summary'])} Also found: legal threat or notice, legal threat or notice.`,
      },
    ],
    ['V9', 'words in a summary', { ...closed, summary: `${String(closed['summary'])} Call us.` }],
    [
      'V9',
      'a move of its own',
      { ...closed, safest_move: { move_type: 'pay', rationale: 'Pay.' } },
    ],
    ['V9', 'a reason of its own', gate(closed, { blocked_reason: 'No.' })],
    ['V9', 'an action of its own', gate(closed, { recommended_action: 'Pay.' })],
    ['V9', 'a draft of its own', reply(open, { draft: 'We agree.' })],
  ];

  it.each(faults)('C-54 %s is found broken by %s', (name, _what, decision) => {
    expect(invariantFault(decision, policy)).toBe(name);
  });

  it('C-54 are found whole in what they were read off', () => {
    for (const decision of [open, closed, green]) {
      expect(invariantFault(decision, policy)).toBeUndefined();
    }
  });
});
