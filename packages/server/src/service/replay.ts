import { fail, ok, type Result } from '@countersign/contract';
import { assess, isList, type Json, type JsonObject, standingOf } from '@countersign/policy';
import { canonicalJson, type Members, outputHash, sha256Hex } from '@countersign/proof';
import { APPEND_FAULTS, type Ports } from './decide.ts';
import { readHistory, readInputValue } from './history.ts';
import { EVALUATOR_VERSION } from './policies.ts';
import type { Principal } from './ports.ts';

export type ReplayReport = Readonly<Record<string, unknown>>;

/** Members compared between the record and the replay, in the order in which they are reported. */
const COMPARED = [
  'verdict',
  'action',
  'evidence',
  'requirement_state',
  'policy_version',
  'policy_bundle_hash',
  'evaluator_version',
] as const;

/**
 * Judges the stored input anew by the stored policy at the recorded time, and says whether the answer is the same.
 * It authorises nothing; that it was done is an entry of the ledger.
 */
export async function replay(
  ports: Ports,
  principal: Principal,
  decisionId: string,
): Promise<Result<ReplayReport>> {
  const history = await readHistory(ports.reader, principal.tenant, decisionId);
  if (history === undefined) return fail({ code: 'DECIDE_DECISION_NOT_FOUND' });
  const record: Members = history.record.subject;
  if (record['evaluator_version'] !== EVALUATOR_VERSION) {
    return fail({ code: 'DECIDE_REPLAY_EVALUATOR_UNAVAILABLE' });
  }
  const { seq } = history.record.entry;
  const input = await ports.reader.readInput(seq);
  if (input === undefined) return fail({ code: 'DECIDE_INPUT_EXPIRED' });
  const policy = ports.policies.version(
    principal.tenant,
    String(record['policy_id']),
    String(record['policy_version']),
  );
  if (policy === undefined || policy.policyHash !== record['policy_hash']) {
    return fail({ code: 'DECIDE_STORAGE_UNAVAILABLE' });
  }

  const request = (await readInputValue(ports.reader, seq)) as { readonly context: JsonObject };
  const at = Date.parse(String(record['created_at']));
  const evidence = (record['evidence'] ?? []) as Json;
  const assessment = assess(policy.document, {
    context: request.context,
    at,
    standing: standingOf(isList(evidence) ? evidence : []),
  });
  const replayed: Members = {
    verdict: assessment.verdict,
    action: assessment.action,
    evidence: assessment.evidence,
    evidence_checks: assessment.checks,
    requirement_state: assessment.state,
    policy_version: policy.document.version,
    policy_hash: policy.policyHash,
    policy_bundle_hash: policy.bundle.hash,
    evaluator_version: EVALUATOR_VERSION,
  };
  const changed = COMPARED.filter(
    (name) => canonicalJson(record[name] ?? null) !== canonicalJson(replayed[name] ?? null),
  );
  const replayOutputHash = outputHash(replayed);
  const inputHash = sha256Hex(input);
  const reproduced =
    replayOutputHash === record['output_hash'] && inputHash === record['input_hash'];
  const replayedAt = new Date(ports.ambient.now()).toISOString();
  const report: Record<string, unknown> = {
    decision_id: decisionId,
    replay_mode: 'historical',
    replayed_at: replayedAt,
    original_record_hash: record['record_hash'],
    original_receipt_hash: record['receipt_hash'],
    original_policy_bundle_hash: record['policy_bundle_hash'],
    original_verdict: record['verdict'],
    current_verdict: assessment.verdict,
    replay_input_hash: inputHash,
    replay_output_hash: replayOutputHash,
    replay_policy_bundle: policy.bundle,
    reproduced,
    drift: changed.length > 0,
    changed_fields: changed,
    summary:
      changed.length === 0
        ? `${assessment.verdict}, as recorded`
        : `${String(record['verdict'])} → ${assessment.verdict} under the recorded policy`,
  };
  report['replay_hash'] = sha256Hex(canonicalJson(report));

  const simulationId = ports.ambient.newId('sim_');
  const appended = await ports.append({
    scope: principal.tenant,
    entryType: 'simulation',
    decisionId,
    createdAt: replayedAt,
    policyId: policy.document.policyId,
    policyVersion: policy.document.version,
    head: canonicalJson({
      created_at: replayedAt,
      decision_id: decisionId,
      original_output_hash: record['output_hash'],
      policy_id: policy.document.policyId,
      policy_version: policy.document.version,
      replay_hash: report['replay_hash'],
      replay_mode: 'historical',
      replay_output_hash: replayOutputHash,
      simulation_id: simulationId,
    }),
    tail: '',
  });
  if (!appended.ok) return fail({ code: APPEND_FAULTS[appended.fault] });
  return ok(report);
}
