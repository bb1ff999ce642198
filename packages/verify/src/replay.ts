import {
  assess,
  isList,
  isObject,
  type Json,
  type PolicyDocument,
  parsePolicyDocument,
  standingOf,
  unboundWorkflow,
} from '@countersign/policy';
import { canonicalJson, type Members, outputHash, sha256Hex, sortedJson } from '@countersign/proof';
import { instantOf, membersOf } from './member.ts';
import { attempt, type Check } from './verification.ts';

/** The evaluator that this package is. Answers of another one are not replayed by a substitute. */
const EVALUATOR = 'decide_core_v1';

/** What a decision is judged from again. All of it must be what the record names, by hash. */
export interface ReplayMaterial {
  readonly record: Members;
  /** The full or the stored request. */
  readonly input: unknown;
  readonly policy: unknown;
  readonly policyBundle: unknown;
}

/**
 * Judges the input anew, by the policy, at the instant of the record, and says whether the output hash is the same.
 * `null` where that cannot be done: material is missing, is not what the record names, or is of another evaluator.
 */
export function replay({ record, input, policy, policyBundle }: ReplayMaterial): Check {
  const at = instantOf(record['created_at']);
  if (record['evaluator_version'] !== EVALUATOR || Number.isNaN(at)) return null;
  const inputHash = attempt(() => sha256Hex(sortedJson(input)));
  const named = [record['input_hash'], record['stored_input_hash']];
  if (inputHash === undefined || !named.includes(inputHash)) return null;
  const policyHash = attempt(() => sha256Hex(canonicalJson(policy)));
  const bundleHash = attempt(() => sha256Hex(canonicalJson(policyBundle)));
  if (policyHash === undefined || policyHash !== record['policy_hash']) return null;
  if (bundleHash === undefined || bundleHash !== record['policy_bundle_hash']) return null;
  // What has a canonical text is JSON.
  const document = readPolicy(policy as Json, policyHash);
  const context = membersOf(input)['context'] as Json | undefined;
  if (document === undefined || !isObject(context)) return null;

  const codes = record['evidence'] as Json | undefined;
  const standing = standingOf(isList(codes) ? codes : []);
  const assessment = assess(document, { context, at, standing });
  const output = {
    verdict: assessment.verdict,
    action: assessment.action,
    evidence: assessment.evidence,
    evidence_checks: assessment.checks,
    requirement_state: assessment.state,
    policy_hash: policyHash,
    policy_bundle_hash: bundleHash,
    evaluator_version: EVALUATOR,
  };
  return outputHash(output) === record['output_hash'];
}

/** The policy that answers for workflows without one is no stored document, but it is a known one. */
function readPolicy(policy: Json, hash: string): PolicyDocument | undefined {
  if (hash === sha256Hex(canonicalJson(unboundWorkflow.source))) return unboundWorkflow;
  const parsed = parsePolicyDocument(policy);
  return parsed.ok ? parsed.value : undefined;
}
