import { describe, expect, it } from 'vitest';
import { decisionFacts } from '../../src/service/reports/population.ts';
import { tally } from '../../src/service/reports/tally.ts';
import { decision, population } from './populations.ts';

const parent = {
  decision_id: 'dec_parent',
  created_at: '2026-01-02T03:04:05.000Z',
  verdict: 'review',
  action: 'route_to_owner',
  policy_version: 'v3',
  route: { to: 'owner', group: 'revops', due_at: '2026-01-03T03:04:05.000Z' },
};
const child = {
  decision_id: 'dec_child',
  parent_decision_id: 'dec_parent',
  created_at: '2026-01-02T04:00:00.000Z',
  verdict: 'yes',
  action: 'approve_discount',
  policy_version: 'v3',
};
const receipt = {
  decision_id: 'dec_child',
  execution_status: 'executed',
  action_binding_match: true,
  executed_at: '2026-01-02T04:01:00.000Z',
  reported_at: '2026-01-02T04:01:01.000Z',
  state_before_hash: 'sha256:a',
  state_after_hash: 'sha256:b',
};
const report = {
  decision_id: 'dec_child',
  outcome_status: 'succeeded',
  observed_metrics: { margin_after_discount: 0.182, constructor: 3 },
  reported_at: '2026-01-03T00:00:00.000Z',
  correction_of: 'out_0001',
};

describe('decisionFacts', () => {
  it('of one record that nobody reported on', () => {
    expect(
      decisionFacts({ records: [parent], executions: [], outcomes: [], reviewOpen: true }),
    ).toEqual({
      decisionId: 'dec_parent',
      createdAt: '2026-01-02T03:04:05.000Z',
      verdict: 'review',
      firstVerdict: 'review',
      action: 'route_to_owner',
      policyVersion: 'v3',
      reviewDueAt: '2026-01-03T03:04:05.000Z',
      reviewOpen: true,
      executions: [],
      outcomes: [],
    });
  });

  it('of a review chain: the newest record, the first verdict, the reports of both', () => {
    const early = {
      ...receipt,
      decision_id: 'dec_parent',
      action_binding_match: false,
      binding_mismatch_reasons: ['NOT_AUTHORIZED'],
      executed_at: '2026-01-02T03:30:00.000Z',
    };
    const facts = decisionFacts({
      records: [parent, child],
      executions: [early, receipt],
      outcomes: [report],
      reviewOpen: false,
    });
    expect(facts).toMatchObject({
      decisionId: 'dec_child',
      verdict: 'yes',
      firstVerdict: 'review',
      reviewDueAt: undefined,
      executions: [
        { match: false, reasons: ['NOT_AUTHORIZED'], decisionAt: parent.created_at },
        { match: true, reasons: [], decisionAt: child.created_at, stateAfterHash: 'sha256:b' },
      ],
    });
    expect(facts.outcomes).toEqual([
      {
        status: 'succeeded',
        observedMetrics: new Map([
          ['margin_after_discount', 0.182],
          ['constructor', 3],
        ]),
        reportedAt: report.reported_at,
        correctionOf: 'out_0001',
      },
    ]);
    expect(tally(population([facts]))).toMatchObject({ executedWithoutYes: 1, mismatched: 1 });
  });

  it('refuses a receipt of another decision', () => {
    const material = { records: [parent] as const, outcomes: [], reviewOpen: true };
    expect(() => decisionFacts({ ...material, executions: [receipt] })).toThrow();
  });
});

it('the limit keeps the newest, and of one instant those with the higher id', () => {
  const [first, second, third] = [decision(1), decision(2), decision(3)];
  const twin = decision(4, { createdAt: third.createdAt });
  for (const read of [
    [second, twin, first, third],
    [third, first, twin, second],
  ]) {
    expect(tally(population(read, { limit: 3 })).decisions).toEqual([twin, third, second]);
  }
});
