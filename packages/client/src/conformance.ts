import type { Members } from '@countersign/proof';
import type { DecisionRecord, Verdict } from './answers.ts';
import { readTrust, verifyDecisionPacket } from './artefacts.ts';
import type { DecideClient } from './client.ts';
import { DecideError } from './failure.ts';
import { gate } from './gate.ts';
import type { DecideInput } from './requests.ts';

/** One observation. `detail` says what was seen instead. */
export interface ConformanceResult {
  readonly name: string;
  readonly ok: boolean;
  readonly detail?: string;
}

/**
 * Asks a running gate the template questions and looks whether its promises hold. It writes a handful of decisions, so
 * it belongs in a test environment; of the tenant's policies it needs `pricing_exception` in force.
 *
 * @param runId Makes the idempotency keys of this run its own.
 * @param now Unix milliseconds.
 */
export async function runDecideConformance(
  client: DecideClient,
  {
    runId = crypto.randomUUID(),
    now = Date.now,
    environment = 'test',
  }: {
    readonly runId?: string;
    readonly now?: () => number;
    readonly environment?: 'live' | 'test';
  } = {},
): Promise<readonly ConformanceResult[]> {
  const results: ConformanceResult[] = [];
  const check = async <Value>(
    name: string,
    observe: () => Promise<Value>,
    holds: (value: Value) => boolean,
  ): Promise<Value | undefined> => {
    try {
      const value = await observe();
      const ok = holds(value);
      results.push({ name, ok, ...(!ok && { detail: 'another answer than promised' }) });
      return value;
    } catch (error) {
      results.push({ name, ok: false, detail: String(error) });
      return undefined;
    }
  };
  const ask = (context: Members, key: string): Promise<DecisionRecord> =>
    client.decide(billing(context), { idempotencyKey: `conformance:${runId}:${key}` });
  const answers = (verdict: Verdict) => (record: DecisionRecord) => record.verdict === verdict;

  await check(
    'status: accepts decisions',
    () => client.status(),
    (status) => status.accepting_decisions,
  );
  const yes = await check('decide: yes', () => ask({}, 'yes'), answers('yes'));
  await check('decide: no', () => ask({ margin_floor: 'failed' }, 'no'), answers('no'));
  await check(
    'decide: review without evidence',
    () => ask({ margin_floor: undefined }, 'review'),
    answers('review'),
  );
  if (yes === undefined) return results;
  const { decision_id: id } = yes;

  await check(
    'idempotency: the same question is answered by the same decision',
    () => ask({}, 'yes'),
    (again) => again.decision_id === id && again.record_hash === yes.record_hash,
  );
  await check(
    'idempotency: another question under the same key is refused',
    () => refusal(() => ask({ margin_floor: 'failed' }, 'yes')),
    (refused) => refused?.status === 409,
  );
  await check(
    'gate: permits what was asked, and nothing else',
    async () => ({ trust: readTrust({ registry: await client.receiptKeys() }), at: now() }),
    ({ trust, at }) => {
      const options = { now: at, environment, trust };
      const other = { ...INTENT, mutation: 'discount.delete' };
      return gate(yes, INTENT, options).proceed && !gate(yes, other, options).proceed;
    },
  );
  await check(
    'replay: reproduces the decision',
    () => client.replayDecision(id),
    (report) => report.reproduced === true,
  );
  await check(
    'packet: verifies with the published keys',
    async () =>
      verifyDecisionPacket({
        packet: await client.decisionPacket(id),
        registry: await client.receiptKeys(),
        environment,
      }),
    (found) => found.verified,
  );
  return results;
}

async function refusal(call: () => Promise<unknown>): Promise<DecideError | undefined> {
  try {
    await call();
    return undefined;
  } catch (error) {
    if (error instanceof DecideError) return error;
    throw error;
  }
}

function billing(context: Members): DecideInput {
  return {
    question: 'May a 15 percent discount be applied?',
    mode: 'single',
    context: {
      workflow: 'billing_discount_gate',
      customer_id: 'cus_conformance',
      invoice_or_subscription_id: 'sub_conformance',
      requested_action: 'apply_discount',
      discount_percent: 15,
      margin_floor: 'passed',
      owner_rule: 'verified',
      target_system: 'billing',
      mutation: 'discount.create',
      ...context,
    },
  };
}

const INTENT = {
  proposed_action: 'apply_discount',
  system: 'billing_discount_gate',
  resource: 'sub_conformance',
  target_system: 'billing',
  target_object_id: 'sub_conformance',
  mutation: 'discount.create',
  parameters: { discount_percent: 15 },
} as const;
