import type { scenario } from '@countersign/policy';

/** What every runpack holds, in the order in which a manifest lists it. */
export const RUNPACK_LOGS = [
  { path: 'artifacts/scenario_spec.json', kind: 'scenario_spec' },
  { path: 'artifacts/triggers.json', kind: 'trigger_log' },
  { path: 'artifacts/gate_evals.json', kind: 'gate_eval_log' },
  { path: 'artifacts/decisions.json', kind: 'decision_log' },
  { path: 'artifacts/packets.json', kind: 'packet_log' },
  { path: 'artifacts/submissions.json', kind: 'submission_log' },
  { path: 'artifacts/tool_calls.json', kind: 'tool_transcript' },
] as const;

/** The report of a pack that was verified before it was handed out; it comes last. */
export const RUNPACK_REPORT = {
  path: 'artifacts/verifier_report.json',
  kind: 'verifier_report',
} as const;

/** Kinds that a manifest may name; the last three are reserved. */
export const ARTIFACT_KINDS = [
  'scenario_spec',
  'trigger_log',
  'gate_eval_log',
  'decision_log',
  'packet_log',
  'submission_log',
  'tool_transcript',
  'verifier_report',
  'dispatch_log',
  'evidence_log',
  'custom',
] as const;
export type ArtifactKind = (typeof ARTIFACT_KINDS)[number];

export const RUNPACK_CONTENT_TYPE = 'application/json';
export const MANIFEST_VERSION = 'v1';

/** Largest file of a runpack, in bytes. */
export const RUNPACK_FILE_BYTES_MAX: number = 16 * 1024 * 1024;

/** The file beside a manifest that holds its signature and its place in the ledger. */
export function signaturePathOf(manifestPath: string): string {
  return `${manifestPath}.sig.json`;
}

export type FileHash = { readonly path: string; readonly hash: scenario.HashDigest };

export type RunpackArtifact = {
  readonly artifact_id: string;
  readonly kind: ArtifactKind;
  readonly path: string;
  readonly content_type: string | null;
  readonly hash: scenario.HashDigest;
  readonly required: boolean;
};

export type RunpackSecurity = {
  readonly dev_permissive: boolean;
  readonly namespace_authority: 'dg_registry' | 'assetcore_catalog';
};

/** The list of a runpack's files with their hashes, and what run it is of. */
export type RunpackManifest = {
  readonly manifest_version: string;
  readonly generated_at: scenario.Timestamp;
  readonly scenario_id: string;
  readonly tenant_id: scenario.Int;
  readonly namespace_id: scenario.Int;
  readonly run_id: string;
  readonly spec_hash: scenario.HashDigest;
  readonly hash_algorithm: string;
  readonly verifier_mode: 'offline_strict' | 'offline_with_fetch';
  readonly anchor_policy?: scenario.AnchorPolicy;
  readonly security?: RunpackSecurity;
  readonly integrity: {
    readonly file_hashes: readonly FileHash[];
    readonly root_hash: scenario.HashDigest;
  };
  readonly artifacts: readonly RunpackArtifact[];
};

/** Passed exactly when there are no errors. */
export type RunpackReport = {
  readonly status: 'pass' | 'fail';
  /** Files whose bytes were read and hashed. */
  readonly checked_files: number;
  readonly errors: readonly string[];
};
