import {
  assess,
  assessRulebook,
  isList,
  isObject,
  type Json,
  ownersWord,
  type PolicyDocument,
  parsePolicyDocument,
  parseRulebook,
  standingOf,
  unboundWorkflow,
} from '@countersign/policy';
import {
  canonicalJson,
  compareNames,
  type Members,
  outputHash,
  sha256Hex,
  sortedJson,
} from '@countersign/proof';
import { attestedClaims, type SourceKey } from './attested.ts';
import { instantOf, membersOf } from './member.ts';
import { RULEBOOK_EVALUATOR } from './rulebook-record.ts';
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
  /** What reviewers said of the record that this one carries on, oldest first. */
  readonly reviews?: readonly Members[] | undefined;
  /** Keys of the sources that signed something in the input. */
  readonly sourceKeys: readonly SourceKey[];
}

/**
 * Judges the input anew, by the policy, at the instant of the record, and says whether the output hash is the same.
 * `null` where that cannot be done: material is missing, is not what the record names, or is of another evaluator.
 */
export function replay(material: ReplayMaterial): Check {
  const { record, input, policy, policyBundle, reviews, sourceKeys } = material;
  const at = instantOf(record['created_at']);
  if (Number.isNaN(at)) return null;
  const inputHash = attempt(() => sha256Hex(sortedJson(input)));
  const named = [record['input_hash'], record['stored_input_hash']];
  if (inputHash === undefined || !named.includes(inputHash)) return null;
  if (record['evaluator_version'] === RULEBOOK_EVALUATOR) {
    return replayRulebook(record, membersOf(input), at);
  }
  if (record['evaluator_version'] !== EVALUATOR) return null;
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
  const said = saidBehind(record, reviews ?? []);
  if (said === undefined) return null;
  const word = said.length === 0 ? {} : ownersWord(said, document.review.quorum);
  const attested = attestedClaims(context, at, sourceKeys);
  const assessment = assess(document, { context, at, standing, attested, ...word });
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

/** What was said until the record was made; `undefined` where it carries on another one and that is not here. */
function saidBehind(record: Members, reviews: readonly Members[]): readonly Json[] | undefined {
  const parentId = record['parent_decision_id'];
  if (parentId === undefined) return [];
  const said = reviews.filter(
    (review) => review['decision_id'] === parentId && 'resolution' in review,
  );
  const own = said.findIndex((review) => review['resolved_decision_id'] === record['decision_id']);
  return own < 0 ? undefined : (said.slice(0, own + 1) as readonly Json[]);
}

/**
 * A rulebook came with its request. The facts of an adapter are taken as the record has them: running it is the
 * server's part.
 */
function replayRulebook(record: Members, input: Members, at: number): Check {
  const sent = input['rulebook'] as Json | undefined;
  const parsed = sent === undefined ? undefined : parseRulebook(sent, compareNames);
  if (parsed?.ok !== true) return null;
  const { source, rulebookId, version } = parsed.value;
  const hash = sha256Hex(sortedJson(source));
  if (hash !== record['policy_hash']) return null;
  const recorded = record['adapter_facts'];
  const stated = recorded ?? membersOf(input['context'])['inputs'] ?? {};
  const facts = stated as Json;
  if (!isObject(facts)) return null;

  const factsAt = recorded === undefined ? 'context.inputs' : 'adapter_facts';
  const assessment = assessRulebook(parsed.value, { facts, factsAt, at });
  const { matchedRuleId } = assessment;
  const id = `${rulebookId}_bundle`;
  const output = {
    verdict: assessment.verdict,
    action: assessment.action,
    evidence: [assessment.reasonCode],
    evidence_checks: assessment.checks,
    requirement_state: assessment.state,
    application_verdict: assessment.applicationVerdict,
    reason_code: assessment.reasonCode,
    ...(matchedRuleId !== undefined && { matched_rule_id: matchedRuleId }),
    policy_hash: hash,
    policy_bundle_hash: sha256Hex(
      canonicalJson({
        bundle_version: 'decide_policy_bundle_v1',
        canonicalization: 'rfc8785',
        evaluator_version: RULEBOOK_EVALUATOR,
        hash_algorithm: 'sha256',
        id,
        policies: [{ policy_hash: hash, policy_id: rulebookId, version }],
        version,
      }),
    ),
    evaluator_version: RULEBOOK_EVALUATOR,
  };
  return outputHash(output) === record['output_hash'];
}

/** The policy that answers for workflows without one is no stored document, but it is a known one. */
function readPolicy(policy: Json, hash: string): PolicyDocument | undefined {
  if (hash === sha256Hex(canonicalJson(unboundWorkflow.source))) return unboundWorkflow;
  const parsed = parsePolicyDocument(policy);
  return parsed.ok ? parsed.value : undefined;
}
