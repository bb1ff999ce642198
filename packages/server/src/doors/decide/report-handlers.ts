import { type decide, fail, ok, type Result } from '@countersign/contract';
import { verifyPacket } from '@countersign/verify';
import { readCohort } from '../../service/cohort-snapshot.ts';
import { ownTrust } from '../../service/own-trust.ts';
import { readPopulation } from '../../service/policy-population.ts';
import { readReadiness } from '../../service/policy-readiness.ts';
import { type PolicyReport, recordReport } from '../../service/policy-report.ts';
import { artefactText } from '../../service/recorded.ts';
import { anomalies } from '../../service/reports/anomalies.ts';
import { benchmarks } from '../../service/reports/benchmarks.ts';
import { confidence } from '../../service/reports/confidence.ts';
import { effectiveness } from '../../service/reports/effectiveness.ts';
import { DEFAULTS } from '../../service/reports/parameters.ts';
import type { Population } from '../../service/reports/population.ts';
import { recordSignOff } from '../../service/sign-off.ts';
import { type Call, type HandlersOf, json, principalOf, type Reply } from '../call.ts';
import { replayHeader } from './answers.ts';
import type { DoorPorts } from './ports.ts';

/** Reports about the decisions of a policy, and whether it may grow. */
export function reportHandlers(
  ports: DoorPorts,
): HandlersOf<
  | 'policyEffectiveness'
  | 'policyConfidence'
  | 'policyAnomalies'
  | 'policyBenchmarks'
  | 'policyReadiness'
  | 'recordSignOff'
> {
  return {
    policyEffectiveness: (call) =>
      answered(call, DEFAULTS.effectiveness, async (population, parameters) =>
        ok(effectiveness(population, parameters)),
      ),

    policyConfidence: (call) =>
      answered(call, DEFAULTS.confidence, async (population, parameters) =>
        ok(confidence(population, parameters)),
      ),

    policyAnomalies: (call) =>
      answered(call, DEFAULTS.anomalies, async (population, parameters) =>
        ok(anomalies(population, parameters)),
      ),

    policyBenchmarks: (call) =>
      answered(call, DEFAULTS.benchmarks, async (population, parameters) => {
        const cohort = await readCohort(ports, principalOf(call).tenant, population);
        return cohort.ok ? ok(benchmarks(population, parameters, cohort.value)) : cohort;
      }),

    policyReadiness: async (call) => {
      const trust = ownTrust(ports.keyring, ports.environment);
      const isVerified = (file: unknown): boolean => verifyPacket({ file, trust }).verified;
      const policyId = policyOf(call);
      const found = await readReadiness(ports, principalOf(call).tenant, policyId, isVerified);
      return found.ok ? ok(json({ ok: true, ...found.value })) : found;
    },

    recordSignOff: async (call) => {
      const result = await recordSignOff(ports, {
        principal: principalOf(call),
        policyId: policyOf(call),
        request: call.body as decide.SignOffRequest,
        idempotencyKey: call.idempotencyKey,
      });
      if (!result.ok) return result;
      return ok({
        text: `{"ok":true,"sign_off":${artefactText(result.value.recorded)}}`,
        headers: replayHeader(result.value),
      });
    },
  };

  /** Reads the population that a query asks for and answers the report of it: recorded, signed, at the top level. */
  async function answered<Parameters extends { readonly limit: number }>(
    call: Call,
    defaults: Parameters,
    report: (population: Population, parameters: Parameters) => Promise<Result<PolicyReport>>,
  ): Promise<Result<Reply>> {
    const scope = principalOf(call).tenant;
    const policyId = policyOf(call);
    if (ports.policies.history(scope, policyId).versions.length === 0) {
      return fail({ code: 'DECIDE_POLICY_NOT_FOUND' });
    }
    // The query's schema names the same members with the same types.
    const parameters = { ...defaults, ...call.query };
    const { policy_version: version } = call.query as { readonly policy_version?: string };
    const { limit } = parameters;
    const query = { scope, policyId, policyVersion: version, limit };
    const made = await report(await readPopulation(ports, query), parameters);
    if (!made.ok) return made;
    const text = await recordReport(ports, scope, made.value);
    return text.ok ? ok({ text: `{"ok":true,${text.value.slice(1)}` }) : text;
  }
}

function policyOf(call: Call): string {
  return call.params['policy_id'] ?? '';
}
