import { canonicalJson, sha256Hex, utf8 } from '@countersign/proof';
import quickstart from '../../../vectors/scenario/runpack/quickstart.json' with { type: 'json' };
import { runpack } from '../src/index.ts';

export type Json = Record<string, unknown>;

/** What a runpack is made of, as values that tests may change. */
export interface Content {
  spec: Json;
  triggers: Json[];
  gate_evals: Json[];
  decisions: Json[];
  packets: Json[];
  submissions: Json[];
  tool_calls: Json[];
}

/** Files of a pack by their paths, and its manifest as a value. */
export interface Pack {
  readonly files: Map<string, string>;
  readonly manifest: Json;
}

export const PATHS = {
  spec: 'artifacts/scenario_spec.json',
  triggers: 'artifacts/triggers.json',
  gate_evals: 'artifacts/gate_evals.json',
  decisions: 'artifacts/decisions.json',
  packets: 'artifacts/packets.json',
  submissions: 'artifacts/submissions.json',
  tool_calls: 'artifacts/tool_calls.json',
} as const satisfies Record<keyof Content, string>;

const KINDS = [
  'scenario_spec',
  'trigger_log',
  'gate_eval_log',
  'decision_log',
  'packet_log',
  'submission_log',
  'tool_transcript',
  'verifier_report',
];
const REPORT = 'artifacts/verifier_report.json';

export { quickstart };

/** The contents of the published example. */
export function quickstartContent(): Content {
  const { spec, state } = structuredClone(quickstart) as unknown as { spec: Json; state: Content };
  const { triggers, gate_evals, decisions, packets, submissions, tool_calls } = state;
  return { spec, triggers, gate_evals, decisions, packets, submissions, tool_calls };
}

export function hash(text: string): Json {
  return { algorithm: 'sha256', value: sha256Hex(text) };
}

/** A pack of these contents whose hashes are right, whatever the contents are. */
export function packOf(content: Content, header: Json = {}, withReport = true): Pack {
  const files = new Map<string, string>();
  for (const [name, path] of Object.entries(PATHS)) {
    files.set(path, canonicalJson(content[name as keyof Content], 200));
  }
  if (withReport) {
    files.set(REPORT, canonicalJson({ status: 'pass', checked_files: 7, errors: [] }));
  }
  const pack = { files, manifest: {} };
  return { files, manifest: { ...manifestOf(pack, content), ...header } };
}

function manifestOf({ files }: Pack, { spec }: Content): Json {
  const hashes = [...files].map(([path, text]) => ({ path, hash: hash(text) }));
  return {
    manifest_version: 'v1',
    generated_at: { kind: 'unix_millis', value: 1710000000000 },
    scenario_id: spec['scenario_id'],
    tenant_id: 1,
    namespace_id: 1,
    run_id: 'run-1',
    spec_hash: hash(files.get(PATHS.spec) ?? ''),
    hash_algorithm: 'sha256',
    verifier_mode: 'offline_strict',
    security: { dev_permissive: true, namespace_authority: 'dg_registry' },
    integrity: { file_hashes: hashes, root_hash: hash(canonicalJson(hashes)) },
    artifacts: hashes.map((file, at) => ({
      artifact_id: file.path,
      kind: KINDS[at],
      path: file.path,
      content_type: 'application/json',
      hash: file.hash,
      required: true,
    })),
  };
}

/** Verifies a pack that is held in memory. */
export async function reportOf(
  { files, manifest }: Pack,
  options: runpack.RunpackOptions = {},
): Promise<runpack.RunpackReport> {
  const verified = await runpack.verifyRunpack({
    manifest: utf8(canonicalJson(manifest)),
    manifestPath: 'manifest.json',
    async read(path) {
      const text = files.get(path);
      return text === undefined
        ? { ok: false, reason: 'file not found' }
        : { ok: true, bytes: utf8(text) };
    },
    ...options,
  });
  if (!verified.ok) throw new Error(verified.text);
  return verified.report;
}
