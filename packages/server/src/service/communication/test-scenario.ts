import { communication as governance, type Truth } from '@countersign/policy';

/** What a caller in test mode may ask for, to see how it copes. Each adds strictness or a fault, none takes any away. */
export const TEST_SCENARIOS = [
  'provider_timeout',
  'provider_error',
  'provider_invalid_json',
  'provider_adds_stop',
  'force_grey',
  'force_red',
  'force_amber_blocked',
  'ledger_down',
  'policy_missing',
  'slow',
  'rate_limited',
] as const;
export type TestScenario = (typeof TEST_SCENARIOS)[number];

/** Conditions of a communication in which nothing is but what a scenario is about. */
const FORCED: Partial<Record<TestScenario, readonly [string, Truth]>> = {
  force_grey: ['i.input_usable', 'unknown'],
  force_red: ['g.gate_manipulation', 'true'],
  force_amber_blocked: ['g.commitment_requested', 'true'],
};

/** What a decision is joined with because of a scenario. */
export function forcedEvaluation(
  policy: governance.CommunicationPolicy,
  scenario: TestScenario | undefined,
): governance.Evaluation | undefined {
  const forced = scenario === undefined ? undefined : FORCED[scenario];
  if (forced === undefined) return undefined;
  const harmless = policy.names.map((name): [string, Truth] => [
    name,
    name.startsWith('i.') ? 'true' : 'false',
  ]);
  return governance.evaluateCommunication(policy, new Map([...harmless, forced]));
}
