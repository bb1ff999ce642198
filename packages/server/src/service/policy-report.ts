import { fail, ok, type Result } from '@countersign/contract';
import { cutAt } from '@countersign/proof';
import { APPEND_FAULTS, type Ports } from './decide.ts';
import type { AnomalyReport } from './reports/anomalies.ts';
import type { BenchmarkReport } from './reports/benchmarks.ts';
import type { ConfidenceReport } from './reports/confidence.ts';
import type { EffectivenessReport } from './reports/effectiveness.ts';

export type PolicyReport = EffectivenessReport | ConfidenceReport | AnomalyReport | BenchmarkReport;

/**
 * Records a report and gives its text as the ledger holds it, signed. A report that says what was recorded before is
 * that one: its entry is found by the report's hash, so reading again and again adds nothing to the ledger.
 */
export async function recordReport(
  ports: Ports,
  scope: string,
  report: PolicyReport,
): Promise<Result<string>> {
  const signed = signedOf(report);
  const decisionId = `report:${signed.hash}`;
  const readKnown = async (): Promise<string | undefined> =>
    (await ports.reader.readDecision(scope, decisionId))[0]?.subject;
  const known = await readKnown();
  if (known !== undefined) return ok(known);

  const at = ports.ambient.now();
  const keyId = ports.sealKeyAt(at).keyId;
  const text = cutAt({ ...report, report_key_id: keyId }, 'report_signature', {
    ...signed,
    key_id: keyId,
  });
  const appended = await ports.append({
    scope,
    entryType: 'report',
    decisionId,
    createdAt: new Date(at).toISOString(),
    policyId: report.policy_id,
    policyVersion: report.policy_version,
    ...text,
    seenOfDecision: 0,
  });
  if (appended.ok) return ok(text.head + (appended.value.signature ?? '') + text.tail);
  if (appended.fault !== 'stale') return fail({ code: APPEND_FAULTS[appended.fault] });
  // Somebody else asked the same at the same time.
  const meanwhile = await readKnown();
  if (meanwhile === undefined) throw new Error('a report is refused for one that is not there');
  return ok(meanwhile);
}

/** What a report's signature is made over, its key apart. */
export function signedOf(report: PolicyReport): {
  readonly type: string;
  readonly id: string;
  readonly hash: string;
} {
  const id = report.policy_id;
  if ('effectiveness_hash' in report) {
    return { type: report.decision_effectiveness_version, id, hash: report.effectiveness_hash };
  }
  if ('confidence_hash' in report) {
    return { type: report.decision_confidence_version, id, hash: report.confidence_hash };
  }
  if ('anomaly_hash' in report) {
    return { type: report.decision_anomaly_report_version, id, hash: report.anomaly_hash };
  }
  return { type: report.decision_benchmark_version, id, hash: report.benchmark_hash };
}
