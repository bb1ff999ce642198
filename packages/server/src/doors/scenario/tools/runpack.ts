import { rpcOk } from '@countersign/contract';
import { scenario } from '@countersign/policy';
import { exportRunpack, verifyStored } from '../../../service/scenario/runpack-export.ts';
import { readArguments } from '../arguments.ts';
import type { ToolsOf } from '../tool.ts';
import type { ToolParts } from '../tool-parts.ts';

/** Runs as bundles of files: written, and verified where they lie. */
export function runpackTools(parts: ToolParts): ToolsOf<'runpack_export' | 'runpack_verify'> {
  return {
    async runpack_export(args, caller) {
      const command = readArguments(args, (given) => ({
        scenarioId: given.text('scenario_id'),
        tenant: given.id('tenant_id'),
        namespace: given.id('namespace_id'),
        runId: given.text('run_id'),
        generatedAt: given.decoded('generated_at', scenario.timestamp),
        includeVerification: given.flag('include_verification'),
        outputDirectory: given.textOrNull('output_dir'),
        manifestName: given.textOrNull('manifest_name') ?? 'manifest.json',
      }));
      if (!command.ok) return command;
      const { tenant, namespace } = command.value;
      const admitted = await parts.guard(caller, tenant, namespace);
      return admitted.ok ? exportRunpack(parts, command.value) : admitted;
    },

    async runpack_verify(args) {
      const command = readArguments(args, (given) => ({
        directory: given.text('runpack_dir'),
        manifestPath: given.text('manifest_path'),
        strict: given.flagOrAbsent('strict') ?? false,
        replay: given.flagOrAbsent('replay') ?? false,
      }));
      if (!command.ok) return command;
      const report = await verifyStored(parts.ports, command.value);
      return report.ok ? rpcOk({ report: report.value, status: report.value.status }) : report;
    },
  };
}
