import { describe, expect, it } from 'vitest';
import {
  type ReadinessInput,
  readiness,
  SIGN_OFF_ROLES,
} from '../../src/service/reports/readiness.ts';
import { decision, executed, minute, outcome, population } from './populations.ts';

const AT = minute(30 * 24 * 60);

const carriedOut = (i: number, reported = true) =>
  decision(i, {
    executions: [executed(i)],
    outcomes: reported ? [outcome('succeeded')] : [],
  });

const twenty = Array.from({ length: 20 }, (_, i) => carriedOut(i, i > 1));

const ready: ReadinessInput = {
  population: population(twenty),
  at: AT,
  verifiedPackets: 1,
  openMismatches: 0,
  signOffs: SIGN_OFF_ROLES,
};

it('lists every item with the number behind it', () => {
  expect(readiness(ready)).toEqual({
    policy_id: 'pricing_exception',
    as_of_size: 240,
    checkpoint_origin: 'ledger.example/countersign',
    expand: true,
    items: [
      { name: 'verified_packets', met: true, value: 1 },
      { name: 'decisions', met: true, value: 20 },
      { name: 'outcome_coverage', met: true, value: 0.9 },
      { name: 'open_mismatches', met: true, value: 0 },
      { name: 'executions_without_yes', met: true, value: 0 },
      { name: 'overdue_reviews', met: true, value: 0 },
      { name: 'launch_sign_offs', met: true, value: 4 },
    ],
  });
});

describe('one item that is not met closes the gate', () => {
  const review = (reviewDueAt: string, reviewOpen = true) =>
    decision(50, { verdict: 'review', reviewDueAt, reviewOpen });
  const without = decision(50, {
    verdict: 'no',
    executions: [executed(50, { reasons: ['NOT_AUTHORIZED'] })],
  });
  it.each<[string, Partial<ReadinessInput>]>([
    ['verified_packets', { verifiedPackets: 0 }],
    ['decisions', { population: population(twenty.slice(1)) }],
    ['outcome_coverage', { population: population([...twenty, carriedOut(50, false)]) }],
    ['open_mismatches', { openMismatches: 1 }],
    ['executions_without_yes', { population: population([...twenty, without]) }],
    ['overdue_reviews', { population: population([...twenty, review(minute(60))]) }],
    [
      'launch_sign_offs',
      { signOffs: ['workflow_owner', 'engineering', 'engineering', 'reviewer'] },
    ],
  ])('%s', (name, change) => {
    const { expand, items } = readiness({ ...ready, ...change });
    expect(expand).toBe(false);
    expect(items.filter(({ met }) => !met).map((item) => item.name)).toEqual([name]);
  });

  it('but not a review that is resolved or younger than its deadline', () => {
    const reviews = [review(AT), { ...review(minute(60), false), decisionId: 'dec_resolved' }];
    expect(readiness({ ...ready, population: population([...twenty, ...reviews]) }).expand).toBe(
      true,
    );
  });
});

it('without an execution there is no coverage, and it is not met', () => {
  const asked = Array.from({ length: 20 }, (_, i) => decision(i));
  const { items } = readiness({ ...ready, population: population(asked) });
  expect(items[2]).toEqual({ name: 'outcome_coverage', met: false });
});

it('decisions older than 30 days do not count, those of the first instant do', () => {
  const value = (at: string) => readiness({ ...ready, at }).items[1]?.value;
  expect(value(AT)).toBe(20);
  expect(value(minute(30 * 24 * 60 + 1))).toBe(19);
});

it('the limit of the population hides nothing', () => {
  expect(readiness({ ...ready, population: population(twenty, { limit: 1 }) }).expand).toBe(true);
});
