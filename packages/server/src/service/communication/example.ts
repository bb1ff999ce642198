import { communication } from '@countersign/contract';
import { contentBinding } from './binding.ts';
import type { GovernanceInForce } from './decide.ts';
import { judgeCommunication } from './judge.ts';
import { NOT_USED } from './provider.ts';
import { type DecisionFacts, decisionOf, particularsOf, transactionOf } from './record.ts';

/** Ids and times of an example say that it is one, and are the same wherever it is shown. */
const ULID = '01KN3EXAMP0000000000000000';
const TRACE_ID = `trace_${'0'.repeat(32)}`;
const SALT = '0'.repeat(64);
const EVALUATED_AT = Date.parse('2026-04-01T09:00:00.000Z');

/** What test mode answers to the request of the quickstart: judged as any other, recorded nowhere. */
export function exampleAnswers({
  policy,
  ruleset,
  hashes,
  analyser,
}: GovernanceInForce): communication.GeniusExamples {
  const request = communication.QUICKSTART_REQUEST;
  const communicated = communication.toCommunication(request);
  const judged = judgeCommunication(
    communicated,
    { policy, ruleset },
    { controls: new Map(), demonstration: false },
  );
  const facts: DecisionFacts = {
    ulid: ULID,
    traceId: TRACE_ID,
    clientTrace: undefined,
    mode: 'test',
    evaluatedAt: EVALUATED_AT,
    contentBinding: contentBinding(request),
    policy: {
      id: policy.id,
      version: policy.version,
      hash: hashes.policy,
      overlayHash: hashes.overlay,
      catalogueHash: hashes.catalogue,
    },
    analyser,
    validMinutes: policy.validMinutes,
    failedClosed: false,
    testScenario: undefined,
  };
  const decision = decisionOf(communicated, judged, facts);
  const particulars = particularsOf(request, judged, {
    salt: SALT,
    actor: undefined,
    evidence: [],
    provider: NOT_USED,
    thresholds: policy.guardThresholds,
  });
  return { decision, transaction: transactionOf(decision, particulars) };
}
