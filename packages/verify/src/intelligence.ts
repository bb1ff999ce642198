import { isMembers, type Members, sha256Hex, sortedJson, without } from '@countersign/proof';
import { isSignedBy } from './artefact-signature.ts';
import { membersOf, textMember } from './member.ts';
import { knowsReceiptKeys, type Trust } from './trust.ts';
import { attempt, type Check } from './verification.ts';

/** Reports that a packet may hold about the policy of its record, by their names in `policy_intelligence`. */
const REPORTS = {
  effectiveness: {
    check: 'policy_effectiveness_hash',
    hash: 'effectiveness_hash',
    version: 'decision_effectiveness_version',
    type: 'decision_effectiveness_v1',
  },
  anomalies: {
    check: 'anomaly_report_hash',
    hash: 'anomaly_hash',
    version: 'decision_anomaly_report_version',
    type: 'decision_anomaly_report_v1',
  },
  confidence: {
    check: 'confidence_hash',
    hash: 'confidence_hash',
    version: 'decision_confidence_version',
    type: 'decision_confidence_v1',
  },
  benchmarks: {
    check: 'benchmark_hash',
    hash: 'benchmark_hash',
    version: 'decision_benchmark_version',
    type: 'decision_benchmark_v1',
  },
} as const;

type ReportName = keyof typeof REPORTS;
export type ReportCheck = (typeof REPORTS)[ReportName]['check'];

const REPORT_NAMES: readonly ReportName[] = Object.keys(REPORTS) as ReportName[];

/** A report's own hash, computed anew and as it stands there; `expected` is `undefined` where it has none. */
export interface ReportHash {
  readonly check: ReportCheck;
  readonly expected: string | undefined;
  readonly actual: unknown;
}

/** The hashes of the reports that a packet holds, text S over the bare report without its own hash member. */
export function reportHashes(packet: Members): readonly ReportHash[] {
  const reports = membersOf(packet['policy_intelligence']);
  return REPORT_NAMES.filter((name) => reports[name] !== undefined).map((name) => {
    const report = membersOf(reports[name]);
    const { check, hash } = REPORTS[name];
    return { check, expected: hashOf(report, hash), actual: report[hash] };
  });
}

/** The four checks of report hashes; `null` where a packet does not hold the report. */
export function reportChecks(packet: Members): Readonly<Record<ReportCheck, Check>> {
  const checks: Record<ReportCheck, Check> = {
    policy_effectiveness_hash: null,
    anomaly_report_hash: null,
    confidence_hash: null,
    benchmark_hash: null,
  };
  for (const { check, expected, actual } of reportHashes(packet)) {
    checks[check] = expected !== undefined && expected === actual;
  }
  return checks;
}

/**
 * Whether a trusted key signed each report of a packet, for the policy of the packet's record; `null` without reports
 * or without a trusted key. What a report of another name says, nobody here can tell: then it is `false`.
 *
 * @param from Unix milliseconds after which the reports were signed: when the packet's last entry was made.
 */
export function areReportsSigned(packet: Members, trust: Trust, from: number): Check {
  const reports = packet['policy_intelligence'];
  if (reports === undefined || !knowsReceiptKeys(trust)) return null;
  if (!isMembers(reports)) return false;
  const { signatures, ...named } = reports;
  const policyId = textMember(membersOf(packet['decision_record']), 'policy_id');
  return Object.entries(named).every(([name, value]) => {
    if (!Object.hasOwn(REPORTS, name)) return false;
    const { hash, version, type } = REPORTS[name as ReportName];
    const report = membersOf(value);
    const signed = membersOf(membersOf(signatures)[name]);
    return (
      report[version] === type &&
      report['policy_id'] === policyId &&
      isSignedBy(trust, {
        signature: signed['signature'],
        claim: { keyId: signed['key_id'], from, until: Infinity },
        type,
        id: policyId,
        hash: hashOf(report, hash),
        // A report in a packet has no entry of its own, so a revoked key has no proof of its age.
        provenAt: undefined,
      })
    );
  });
}

function hashOf(report: Members, member: string): string | undefined {
  return attempt(() => sha256Hex(sortedJson(without(report, new Set([member])))));
}
