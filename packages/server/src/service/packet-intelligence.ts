import { artefactMessage, type Members, renderSignature } from '@countersign/proof';
import type { PacketPorts } from './packet.ts';
import { readPopulation } from './policy-population.ts';
import { type PolicyReport, signedOf } from './policy-report.ts';
import { anomalies } from './reports/anomalies.ts';
import { confidence } from './reports/confidence.ts';
import { effectiveness } from './reports/effectiveness.ts';

/** How the reports of a packet are made. */
export interface IntelligenceParameters {
  readonly policyLimit: number;
  readonly minSample: number;
  readonly threshold: number;
  readonly anomaliesMax: number;
}

/** As the manifest counts them: they are three, whatever they say. */
export const REPORTS_OF_A_PACKET = { count: 3, total: 3 } as const;

/**
 * The bare reports about the policy of a record, as of a ledger size, with their signatures beside them. Benchmarks
 * are left out: they depend on who is opted in on the day, and a packet of one ledger size is the same on every day.
 */
export async function readIntelligence(
  ports: PacketPorts,
  about: { readonly scope: string; readonly record: Members; readonly before: number },
  { policyLimit, minSample, threshold, anomaliesMax }: IntelligenceParameters,
): Promise<Record<string, unknown>> {
  const { scope, record, before } = about;
  const policyId = String(record['policy_id']);
  const population = await readPopulation(ports, { scope, policyId, limit: policyLimit, before });
  const verdict = record['verdict'];
  const reports = {
    effectiveness: effectiveness(population, { min_sample: minSample }),
    anomalies: anomalies(population, { min_sample: minSample, threshold, max_items: anomaliesMax }),
    confidence: confidence(population, {
      // Advice has no verdict; what is asked then is how acting turned out.
      verdict: verdict === 'no' || verdict === 'review' ? verdict : 'yes',
      min_sample: minSample,
    }),
  };
  const { receipts } = ports.keyring;
  const signature = (report: PolicyReport): Record<string, string> => {
    const message = artefactMessage({ ...signedOf(report), key_id: receipts.keyId });
    return { key_id: receipts.keyId, signature: renderSignature(receipts.sign(message)) };
  };
  return {
    ...reports,
    signatures: Object.fromEntries(
      Object.entries(reports).map(([name, report]) => [name, signature(report)]),
    ),
  };
}
