import type { Json, scenario } from '@countersign/policy';
import { fromUtf8 } from '@countersign/proof';
import type { RunpackFiles } from './files.ts';
import {
  RUNPACK_CONTENT_TYPE,
  RUNPACK_LOGS,
  RUNPACK_REPORT,
  type RunpackManifest,
} from './layout.ts';
import { LOG_MEMBERS, type RunpackContent } from './logs.ts';
import { canonicalText, hashOf, payloadHash, readJson, sameHash } from './text.ts';

/** What a pack says of itself that its hashes alone do not show to be so. Without content only its files are looked at. */
export async function strictErrors(
  files: RunpackFiles,
  manifestBytes: Uint8Array,
  manifest: RunpackManifest,
  content: RunpackContent | undefined,
): Promise<readonly string[]> {
  return [
    ...(isTextOf(manifestBytes, manifest) ? [] : ['manifest is not canonical']),
    ...listErrors(manifest),
    ...(await fileErrors(files, manifest, content)),
    ...(content === undefined ? [] : contentErrors(content)),
  ];
}

/** The manifest's two lists name the files of the format, in its order, and agree about them. */
function listErrors({ artifacts, integrity, spec_hash }: RunpackManifest): readonly string[] {
  const errors: string[] = [];
  const { file_hashes } = integrity;
  const expected =
    file_hashes.length > RUNPACK_LOGS.length ? [...RUNPACK_LOGS, RUNPACK_REPORT] : RUNPACK_LOGS;
  const listed = expected.every(({ path }, at) => file_hashes[at]?.path === path);
  if (!listed || file_hashes.length !== expected.length) {
    errors.push('file hashes do not list the files of a runpack');
  }
  if (artifacts.length !== file_hashes.length) errors.push('artifacts do not match file hashes');
  for (const [at, artifact] of artifacts.entries()) {
    const file = file_hashes[at];
    const known = expected[at];
    const agrees =
      file !== undefined &&
      known !== undefined &&
      artifact.path === file.path &&
      artifact.artifact_id === file.path &&
      artifact.kind === known.kind &&
      artifact.content_type === RUNPACK_CONTENT_TYPE &&
      artifact.required &&
      sameHash(artifact.hash, file.hash);
    if (!agrees) errors.push(`artifact ${artifact.path} does not match file hashes`);
  }
  const spec = file_hashes.find(({ path }) => path === 'artifacts/scenario_spec.json');
  if (spec !== undefined && !sameHash(spec.hash, spec_hash)) errors.push('spec hash mismatch');
  return errors;
}

async function fileErrors(
  files: RunpackFiles,
  { integrity }: RunpackManifest,
  content: RunpackContent | undefined,
): Promise<readonly string[]> {
  const errors: string[] = [];
  // What a log says that its readers do not know is not part of the run, so it must not be there.
  const decoded = new Map<string, unknown>(content === undefined ? [] : decodedFiles(content));
  for (const { path } of integrity.file_hashes) {
    const file = await files.read(path);
    if (!file.ok) continue;
    const value = decoded.get(path) ?? valueIn(file.bytes);
    if (value === undefined || !isTextOf(file.bytes, value)) {
      errors.push(`${path} is not canonical`);
    }
  }
  const report = await files.json(RUNPACK_REPORT.path);
  const listed = integrity.file_hashes.some(({ path }) => path === RUNPACK_REPORT.path);
  if (listed && report.ok) {
    const said = { checked_files: RUNPACK_LOGS.length, errors: [], status: 'pass' };
    const same = canonicalText(report.value) === canonicalText(said);
    if (!same) errors.push('verifier report is not of a pack that passed');
  }
  return errors;
}

function decodedFiles({ spec, logs }: RunpackContent): readonly (readonly [string, unknown])[] {
  return RUNPACK_LOGS.map(({ path }) => [
    path,
    path === 'artifacts/scenario_spec.json' ? spec : logs[LOG_MEMBERS[path]],
  ]);
}

function valueIn(bytes: Uint8Array): Json | undefined {
  const parsed = readJson(bytes);
  return parsed.ok ? parsed.value : undefined;
}

/** Whether bytes are the canonical text of a value. */
function isTextOf(bytes: Uint8Array, value: unknown): boolean {
  return fromUtf8(bytes) === canonicalText(value);
}

function contentErrors(content: RunpackContent): readonly string[] {
  return [...idErrors(content), ...sequenceErrors(content), ...hashErrors(content)];
}

/** Everything in the logs is of the run, the tenant and the scenario that the manifest names. */
function idErrors({ manifest, spec, logs }: RunpackContent): readonly string[] {
  const errors: string[] = [];
  const { run_id, scenario_id, tenant_id, namespace_id } = manifest;
  const foreign = (what: string): number => errors.push(`${what} is not of the manifest's run`);
  if (spec.scenario_id !== scenario_id) foreign('scenario spec');
  if (!sameId(spec.namespace_id, namespace_id)) foreign('namespace of the scenario spec');
  for (const { event } of logs.triggers) {
    const own =
      event.run_id === run_id &&
      sameId(event.tenant_id, tenant_id) &&
      sameId(event.namespace_id, namespace_id);
    if (!own) foreign(`trigger ${event.trigger_id}`);
  }
  for (const { envelope } of logs.packets) {
    const own = envelope.run_id === run_id && envelope.scenario_id === scenario_id;
    if (!own) foreign(`packet ${envelope.packet_id}`);
  }
  for (const submission of logs.submissions) {
    if (submission.run_id !== run_id) foreign(`submission ${submission.submission_id}`);
  }
  return errors;
}

function sameId(a: scenario.Int, b: scenario.Int): boolean {
  return BigInt(a) === BigInt(b);
}

/** Logs count from 1 without a gap, and triggers and decisions answer each other. */
function sequenceErrors({ logs }: RunpackContent): readonly string[] {
  const errors: string[] = [];
  const { triggers, decisions, gate_evals, packets, tool_calls } = logs;
  if (triggers.some(({ seq }, at) => seq !== at + 1)) errors.push('trigger log is not numbered');
  const numbered = decisions.every(
    ({ seq, decision_id }, at) => seq === at + 1 && decision_id === `decision-${at + 1}`,
  );
  if (!numbered) errors.push('decision log is not numbered');
  if (tool_calls.some(({ call_id }, at) => call_id !== `call-${at + 1}`)) {
    errors.push('tool transcript is not numbered');
  }
  const known = new Set(triggers.map(({ event }) => event.trigger_id));
  if (known.size < triggers.length) errors.push('trigger log repeats a trigger');
  const decided = new Set(decisions.map(({ trigger_id }) => trigger_id));
  for (const { decision_id, trigger_id } of decisions) {
    if (!known.has(trigger_id)) errors.push(`decision ${decision_id} has no trigger`);
  }
  for (const trigger of known) {
    if (!decided.has(trigger)) errors.push(`trigger ${trigger} has no decision`);
  }
  for (const { evaluation, trigger_id } of gate_evals) {
    if (!decided.has(trigger_id))
      errors.push(`evaluation of gate ${evaluation.gate_id} has no decision`);
  }
  const ids = new Set(decisions.map(({ decision_id }) => decision_id));
  for (const { envelope, decision_id } of packets) {
    if (!ids.has(decision_id)) errors.push(`packet ${envelope.packet_id} has no decision`);
  }
  return errors;
}

/** Hashes of evidence, packets and submissions are those of what stands beside them. */
function hashErrors({ logs }: RunpackContent): readonly string[] {
  const errors: string[] = [];
  for (const { evidence, trigger_id } of logs.gate_evals) {
    for (const { condition_id, result } of evidence) {
      if (!evidenceHolds(result)) {
        errors.push(`evidence hash mismatch for condition ${condition_id} (trigger ${trigger_id})`);
      }
    }
  }
  for (const { envelope, payload, receipts } of logs.packets) {
    if (!isHashOf(envelope.content_hash, payload)) {
      errors.push(`content hash mismatch for packet ${envelope.packet_id}`);
    }
    const receipt = hashOf(canonicalText(envelope));
    if (receipts.some(({ receipt_hash }) => !sameHash(receipt_hash, receipt))) {
      errors.push(`receipt hash mismatch for packet ${envelope.packet_id}`);
    }
  }
  for (const { submission_id, payload, content_hash } of logs.submissions) {
    if (!isHashOf(content_hash, payload)) {
      errors.push(`content hash mismatch for submission ${submission_id}`);
    }
  }
  return errors;
}

function isHashOf(hash: scenario.HashDigest, payload: scenario.PacketPayload): boolean {
  const made = payloadHash(payload);
  return made.ok && sameHash(made.value, hash);
}

/** Evidence with a value has its hash; an error that came later leaves both, one that came first leaves neither. */
function evidenceHolds({ value, evidence_hash, error }: scenario.EvidenceResult): boolean {
  if (value === null) return evidence_hash === null || error === null;
  if (evidence_hash === null) return false;
  const content =
    value.kind === 'bytes' ? Uint8Array.from(value.value) : canonicalText(value.value);
  return sameHash(hashOf(content), evidence_hash);
}
