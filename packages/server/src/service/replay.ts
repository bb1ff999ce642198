import { fail, ok, type Result } from '@countersign/contract';
import { compareAssessments } from '@countersign/policy';
import { canonicalJson, type Members, outputHash, sha256Hex } from '@countersign/proof';
import type { Ports } from './decide.ts';
import { type History, readHistory } from './history.ts';
import { EVALUATOR_VERSION } from './policies.ts';
import type { Principal } from './ports.ts';
import {
  judgedAsOfNow,
  judgedAsRecorded,
  type KeptInput,
  type Rejudged,
  readKept,
} from './rejudge.ts';
import { judgedByOwnRulebook } from './rulebook-replay.ts';
import { RULEBOOK_EVALUATOR } from './rulebooks.ts';
import { noteSimulation } from './simulation.ts';

export type ReplayReport = Readonly<Record<string, unknown>>;
export type ReplayMode = 'historical' | 'current';

/** Members compared between the record and the replay, in the order in which they are reported. */
const COMPARED = [
  'verdict',
  'action',
  'evidence',
  'requirement_state',
  'policy_version',
  'policy_bundle_hash',
  'evaluator_version',
  'application_verdict',
  'reason_code',
  'matched_rule_id',
] as const;
/** Those that only say which rules were asked, not what they answered. */
const LINEAGE: ReadonlySet<string> = new Set([
  'policy_version',
  'policy_bundle_hash',
  'evaluator_version',
]);

/**
 * Judges the stored input anew: by the recorded policy, and says whether the answer is the same; or by the one that
 * answers now, and says how it differs. It authorises nothing; that it was done is an entry of the ledger.
 */
export async function replay(
  ports: Ports,
  principal: Principal,
  decisionId: string,
  mode: ReplayMode,
): Promise<Result<ReplayReport>> {
  const history = await readHistory(ports.reader, principal.tenant, decisionId);
  if (history === undefined || history.record.entry.entryType !== 'decision') {
    return fail({ code: 'DECIDE_DECISION_NOT_FOUND' });
  }
  await ports.policies.follow(ports.reader);
  const record = history.record.subject;
  const kept = await readKept(ports, history);
  if (!kept.ok) return kept;
  const before = await asRecorded(ports, history, kept.value);
  if (!before.ok) return before;
  const after =
    mode === 'current' ? await asOfNow(ports, history, kept.value, before.value) : before.value;

  const report = reportOf(record, kept.value, { mode, before: before.value, after });
  const at = new Date(ports.ambient.now()).toISOString();
  const stamped: Record<string, unknown> = { ...report, replayed_at: at };
  stamped['replay_hash'] = sha256Hex(canonicalJson(stamped));
  if (report['reproduced'] === false && mode === 'historical') {
    ports.incident('replay_not_reproduced', decisionId);
  }
  const noted = await noteSimulation(ports, history, at, {
    original_output_hash: record['output_hash'],
    replay_hash: stamped['replay_hash'],
    replay_mode: mode,
    replay_output_hash: report['replay_output_hash'],
  });
  return noted.ok ? ok(stamped) : noted;
}

function asRecorded(
  ports: Ports,
  history: History,
  kept: KeptInput,
): Promise<Result<Rejudged>> | Result<Rejudged> {
  switch (history.record.subject['evaluator_version']) {
    case EVALUATOR_VERSION:
      return judgedAsRecorded(ports, history, kept.request.context);
    case RULEBOOK_EVALUATOR:
      return judgedByOwnRulebook(history, kept.request);
    default:
      // An answer of another evaluator is not judged by a substitute.
      return fail({ code: 'DECIDE_REPLAY_EVALUATOR_UNAVAILABLE' });
  }
}

/** A rulebook came with its request, so it is today's as it was then; a stored policy may have changed. */
async function asOfNow(
  ports: Ports,
  history: History,
  kept: KeptInput,
  before: Rejudged,
): Promise<Rejudged> {
  return before.by === undefined ? before : judgedAsOfNow(ports, history, kept.request.context);
}

function reportOf(
  record: Members,
  kept: KeptInput,
  {
    mode,
    before,
    after,
  }: { readonly mode: ReplayMode; readonly before: Rejudged; readonly after: Rejudged },
): Members {
  const changed = COMPARED.filter((name) => text(record[name]) !== text(after.members[name]));
  const semantic = changed.filter((name) => !LINEAGE.has(name));
  const inputHash = sha256Hex(kept.text);
  const known = [record['input_hash'], record['stored_input_hash']].includes(inputHash);
  const outputOfAfter = outputHash(after.members);
  return {
    decision_id: record['decision_id'],
    replay_mode: mode,
    original_record_hash: record['record_hash'],
    original_receipt_hash: record['receipt_hash'],
    original_policy_bundle_hash: record['policy_bundle_hash'],
    original_verdict: record['verdict'],
    current_verdict: after.members['verdict'],
    current_action: after.members['action'],
    replay_input_hash: inputHash,
    replay_output_hash: outputOfAfter,
    replay_policy_bundle: after.bundle,
    ...(mode === 'current' ? { current_policy_bundle: after.bundle } : {}),
    reproduced: known && outputHash(before.members) === record['output_hash'],
    drift: semantic.length > 0 || changed.includes('policy_bundle_hash'),
    semantic_drift: semantic.length > 0,
    changed_fields: changed,
    summary: summaryOf(record['verdict'], after.members['verdict'], mode, changed.length > 0),
    ...(mode === 'current' ? differences(before, after) : {}),
    ...(mode === 'current' && record['parent_decision_id'] !== undefined
      ? { approvals_ignored: true }
      : {}),
  };
}

/** How the conditions differ, and which of them make the difference of the verdict. */
function differences(before: Rejudged, after: Rejudged): Members {
  if (before.by === undefined || after.by === undefined) return {};
  const compared = compareAssessments(before.by.assessment, after.by.assessment, after.by.document);
  return {
    conditions: compared.conditions,
    explained_by: compared.explainedBy,
  };
}

function summaryOf(from: unknown, to: unknown, mode: ReplayMode, changed: boolean): string {
  const under = mode === 'current' ? 'newer bundle' : 'the recorded bundle';
  if (!changed) return `${String(to)}, as recorded`;
  return from === to
    ? `${String(to)}, unchanged under ${under}`
    : `${String(from)} → ${String(to)} under ${under}`;
}

function text(value: unknown): string {
  return canonicalJson(value ?? null);
}
