import type { scenario } from '@countersign/policy';
import { utf8 } from '@countersign/proof';
import { runpack } from '@countersign/verify';
import { canonical, digest, digestOf } from './canonical.ts';
import {
  ARTIFACT_BYTES_MAX,
  fault,
  type RunpackFault,
  type RunpackTarget,
  splitRunpackPath,
} from './runpack-storage.ts';

/** What a runpack is made of: a run, the scenario it follows, and what the manifest says of both. */
export interface RunpackParts {
  readonly spec: scenario.ScenarioSpec;
  readonly state: scenario.RunState;
  readonly generatedAt: scenario.Timestamp;
  /** Absent: the maker asks for no anchors. */
  readonly anchors?: scenario.AnchorPolicy | undefined;
  /** Absent: no server made it. */
  readonly security?: runpack.RunpackSecurity | undefined;
}

/** The text of the file beside a manifest, or why the manifest is not handed out. */
export type Sealed = { readonly ok: true; readonly text: string } | RunpackFault;

export interface RunpackForm {
  readonly manifestName: string;
  readonly includeVerification: boolean;
  /** Signs and records a manifest before it is written. */
  readonly seal?: (manifest: runpack.RunpackManifest, text: string) => Promise<Sealed>;
}

export type WrittenRunpack =
  | {
      readonly ok: true;
      readonly manifest: runpack.RunpackManifest;
      readonly report: runpack.RunpackReport | null;
    }
  | RunpackFault;

/** Why a scenario is not the one that a run began under; `undefined`: it is. */
export function specFault({
  spec,
  state,
}: Pick<RunpackParts, 'spec' | 'state'>): string | undefined {
  return digest(spec).value === state.spec_hash.value
    ? undefined
    : 'hashing error: run state spec hash mismatch';
}

/**
 * Writes a runpack. The manifest comes last: whatever goes wrong before leaves files that nothing vouches for.
 */
export async function writeRunpack(
  target: RunpackTarget,
  parts: RunpackParts,
  { manifestName, includeVerification, seal }: RunpackForm,
): Promise<WrittenRunpack> {
  const named = nameFault(target, manifestName, seal !== undefined);
  if (named !== undefined) return named;
  const files = logFiles(parts);
  for (const { path, bytes } of files) {
    const written = await writeBounded(target, path, bytes);
    if (!written.ok) return written;
  }
  let manifest = manifestOf(parts, files);
  let report: runpack.RunpackReport | null = null;
  if (includeVerification) {
    const verified = await runpack.verifyRunpack({
      manifest: utf8(canonical(manifest)),
      manifestPath: manifestName,
      read: target.read,
    });
    if (!verified.ok) throw new Error(`bug in service: a manifest that is none: ${verified.text}`);
    report = verified.report;
    const { path, kind } = runpack.RUNPACK_REPORT;
    const file = runpackFile(path, kind, report);
    const written = await writeBounded(target, path, file.bytes);
    if (!written.ok) return written;
    manifest = manifestOf(parts, [...files, file]);
  }
  const text = canonical(manifest);
  const sealed = await seal?.(manifest, text);
  if (sealed?.ok === false) return sealed;
  if (sealed !== undefined) {
    const path = runpack.signaturePathOf(manifestName);
    const written = await writeBounded(target, path, utf8(sealed.text));
    if (!written.ok) return written;
  }
  const written = await writeBounded(target, manifestName, utf8(text));
  return written.ok ? { ok: true, manifest, report } : written;
}

/**
 * Why a manifest, and the signature that goes beside it if it is sealed, cannot have this name: it leads nowhere, or
 * one of the artifacts has it already, lies in a folder of that name, or would have to be a folder itself.
 */
function nameFault(
  target: RunpackTarget,
  manifestName: string,
  isSealed: boolean,
): RunpackFault | undefined {
  const split = splitRunpackPath(manifestName);
  if (!split.ok) return split;
  if (/(^|\/)\.?$/.test(manifestName)) return fault('manifest name missing filename');
  const signature = isSealed ? [runpack.signaturePathOf(manifestName)] : [];
  const unplaced = [manifestName, ...signature]
    .map((path) => target.pathFault(path))
    .find((why) => why !== undefined);
  if (unplaced !== undefined) return unplaced;
  // In lower case, as the artifacts are: some file systems do not tell case.
  const folder = `${split.components.join('/')}/`.toLowerCase();
  const taken = [...runpack.RUNPACK_LOGS, runpack.RUNPACK_REPORT].some(
    ({ path }) => `${path}/`.startsWith(folder) || folder.startsWith(`${path}/`),
  );
  return taken ? fault('manifest name is that of an artifact') : undefined;
}

async function writeBounded(
  target: RunpackTarget,
  path: string,
  bytes: Uint8Array,
): Promise<{ readonly ok: true } | RunpackFault> {
  return bytes.length > ARTIFACT_BYTES_MAX
    ? fault(`artifact ${path} exceeds size limit (${bytes.length} > ${ARTIFACT_BYTES_MAX})`)
    : target.write(path, bytes);
}

interface RunpackFile {
  readonly path: string;
  readonly kind: runpack.RunpackArtifact['kind'];
  readonly bytes: Uint8Array;
  readonly hash: scenario.HashDigest;
}

function logFiles({ spec, state }: RunpackParts): readonly RunpackFile[] {
  const content = {
    scenario_spec: spec,
    trigger_log: state.triggers,
    gate_eval_log: state.gate_evals,
    decision_log: state.decisions,
    packet_log: state.packets,
    submission_log: state.submissions,
    tool_transcript: state.tool_calls,
  };
  return runpack.RUNPACK_LOGS.map(({ path, kind }) => runpackFile(path, kind, content[kind]));
}

function runpackFile(path: string, kind: RunpackFile['kind'], value: unknown): RunpackFile {
  const bytes = utf8(canonical(value));
  return { path, kind, bytes, hash: digestOf(bytes) };
}

function manifestOf(
  { spec, state, generatedAt, anchors, security }: RunpackParts,
  files: readonly RunpackFile[],
): runpack.RunpackManifest {
  const fileHashes = files.map(({ path, hash }) => ({ path, hash }));
  return {
    manifest_version: runpack.MANIFEST_VERSION,
    generated_at: generatedAt,
    scenario_id: spec.scenario_id,
    tenant_id: state.tenant_id,
    namespace_id: state.namespace_id,
    run_id: state.run_id,
    spec_hash: state.spec_hash,
    hash_algorithm: 'sha256',
    verifier_mode: 'offline_strict',
    ...(anchors === undefined ? {} : { anchor_policy: anchors }),
    ...(security === undefined ? {} : { security }),
    integrity: { file_hashes: fileHashes, root_hash: digestOf(canonical(fileHashes)) },
    artifacts: files.map(({ path, kind, hash }) => ({
      artifact_id: path,
      kind,
      path,
      content_type: runpack.RUNPACK_CONTENT_TYPE,
      hash,
      required: true,
    })),
  };
}
