import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '@countersign/proof';
import { runpack, type Trust } from '@countersign/verify';
import {
  type Members,
  nextOf,
  quickstartSpec,
  type RpcAnswer,
  type ScenarioGate,
  startOf,
} from './harness.ts';

/** Arguments of `runpack_export` for the run of the walk-through. */
export function exportOf(changes: Members = {}): Members {
  return {
    scenario_id: 'quickstart',
    tenant_id: 1,
    namespace_id: 1,
    run_id: 'run-1',
    generated_at: { kind: 'unix_millis', value: 1710000000000 },
    include_verification: false,
    ...changes,
  };
}

/** The walk-through up to its decision. */
export async function decideQuickstart(gate: ScenarioGate, time?: number): Promise<RpcAnswer> {
  answered(await gate.call('scenario_define', { spec: quickstartSpec() }));
  answered(await gate.call('scenario_start', startOf()));
  const at = time === undefined ? {} : { time: { kind: 'unix_millis', value: time } };
  return answered(await gate.call('scenario_next', nextOf('trigger-1', at)));
}

/** An answer without error. */
export function answered(answer: RpcAnswer): RpcAnswer {
  if (answer.error !== undefined) throw new Error(`${answer.error.code} ${answer.error.message}`);
  return answer;
}

/** Files below a directory by their paths, with the hashes of their bytes. */
export function hashesBelow(directory: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [file.slice(directory.length + 1), sha256Hex(readFileSync(file, 'utf8'))]),
  );
}

export function readPack(directory: string, path: string): unknown {
  return JSON.parse(readFileSync(join(directory, path), 'utf8'));
}

/** Verifies an exported pack without the server. */
export async function verifyOffline(
  directory: string,
  options: runpack.RunpackOptions & { readonly trust?: Trust } = {},
): Promise<runpack.RunpackReport> {
  const verified = await runpack.verifyRunpack({
    manifest: readFileSync(join(directory, 'manifest.json')),
    manifestPath: 'manifest.json',
    async read(path) {
      try {
        return { ok: true, bytes: readFileSync(join(directory, path)) };
      } catch {
        return { ok: false, reason: 'file not found' };
      }
    },
    ...options,
  });
  if (!verified.ok) throw new Error(verified.text);
  return verified.report;
}
