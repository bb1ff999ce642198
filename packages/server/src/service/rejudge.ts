import { fail, ok, type Result } from '@countersign/contract';
import {
  type Assessment,
  assess,
  isList,
  type Json,
  type JsonObject,
  type PolicyDocument,
  standingOf,
} from '@countersign/policy';
import type { Members } from '@countersign/proof';
import { wordBehind } from './approvals.ts';
import { askedOf } from './asked.ts';
import type { Ports } from './decide.ts';
import { type History, readInputValue } from './history.ts';
import {
  EVALUATOR_VERSION,
  type PolicyBundle,
  type RegisteredPolicy,
  type Standing,
} from './policies.ts';

/** A decision judged once more. */
export interface Rejudged {
  /** The judgement in the members of a record that say it. */
  readonly members: Members;
  readonly bundle: PolicyBundle;
  /** Where a stored policy judged. */
  readonly by?: { readonly document: PolicyDocument; readonly assessment: Assessment };
}

/** What a decision was judged from: its kept request, and the text that it was kept as. */
export interface KeptInput {
  readonly request: { readonly context: JsonObject };
  readonly text: string;
}

/** Reads the kept input of a decision; erased ones are gone. */
export async function readKept(
  ports: Ports,
  { record, erased }: History,
): Promise<Result<KeptInput>> {
  if (erased) return fail({ code: 'DECIDE_INPUT_EXPIRED' });
  const { seq } = record.entry;
  const text = await ports.reader.readInput(seq);
  if (text === undefined) return fail({ code: 'DECIDE_INPUT_EXPIRED' });
  const request = (await readInputValue(ports.reader, seq)) as KeptInput['request'];
  return ok({ request, text });
}

/** The policy version that a record names, and nothing else in its place. */
export function policyOf(ports: Ports, { record }: History): Result<RegisteredPolicy> {
  const { policy_id: id, policy_version: version, policy_hash: hash } = record.subject;
  const policy = ports.policies.version(record.entry.scope, String(id), String(version));
  return policy === undefined || policy.policyHash !== hash
    ? fail({ code: 'DECIDE_STORAGE_UNAVAILABLE' })
    : ok(policy);
}

/**
 * The policy whose demands hold for what is done under a record; none for one of a rulebook, which may have the name
 * of a policy and nothing else in common with it.
 */
export function governing(ports: Ports, history: History): Result<RegisteredPolicy | undefined> {
  return history.record.subject['mode'] === 'rulebook' ? ok(undefined) : policyOf(ports, history);
}

/** Judges by the recorded policy, at the recorded time, with what owners had said until then. */
export async function judgedAsRecorded(
  ports: Ports,
  history: History,
  context: JsonObject,
): Promise<Result<Rejudged>> {
  const policy = policyOf(ports, history);
  if (!policy.ok) return policy;
  const record = history.record.subject;
  const evidence = (record['evidence'] ?? []) as Json;
  const word = await wordBehind(ports.reader, history, policy.value.document.review.quorum);
  const asked = await askedOf(ports, history.record.entry.scope, {
    context,
    at: Date.parse(String(record['created_at'])),
    standing: standingOf(isList(evidence) ? evidence : []),
    ...word,
  });
  const assessment = assess(policy.value.document, asked);
  return ok(rejudged(policy.value, assessment));
}

/**
 * Judges by the policy that answers for the workflow now, at the recorded time. What owners said belonged to another
 * version, so it does not count.
 */
export async function judgedAsOfNow(
  ports: Ports,
  history: History,
  context: JsonObject,
): Promise<Rejudged> {
  const { record } = history;
  const workflow = context['workflow'];
  const found: Standing = ports.policies.find(
    record.entry.scope,
    typeof workflow === 'string' ? workflow : undefined,
    ports.ambient.now(),
  );
  const asked = await askedOf(ports, record.entry.scope, {
    context,
    at: Date.parse(String(record.subject['created_at'])),
    standing: found.standing,
  });
  const assessment = assess(found.policy.document, asked);
  return rejudged(found.policy, assessment);
}

function rejudged(policy: RegisteredPolicy, assessment: Assessment): Rejudged {
  return {
    members: {
      verdict: assessment.verdict,
      action: assessment.action,
      evidence: assessment.evidence,
      evidence_checks: assessment.checks,
      requirement_state: assessment.state,
      policy_version: policy.document.version,
      policy_hash: policy.policyHash,
      policy_bundle_hash: policy.bundle.hash,
      evaluator_version: EVALUATOR_VERSION,
    },
    bundle: policy.bundle,
    by: { document: policy.document, assessment },
  };
}
