import { scenario } from '@countersign/policy';
import { parseJson } from '@countersign/proof';
import type { Trust } from '../trust.ts';
import { RunpackFiles, type RunpackReader } from './files.ts';
import type { RunpackManifest, RunpackReport } from './layout.ts';
import { type Loaded, loadContent, loadLog, loadSpec, type RunLogs } from './logs.ts';
import { readManifest } from './manifest.ts';
import { replayDifferences } from './replay.ts';
import { namesSigners, signatureErrors } from './signature.ts';
import { strictErrors } from './strict.ts';
import { canonicalText, hashOf, sameHash } from './text.ts';

export interface RunpackOptions {
  /** Looks at everything that a pack says about itself, not only at what its hashes cover. */
  readonly strict?: boolean;
  /** Evaluates every gate and every decision anew from the recorded evidence. */
  readonly replay?: boolean;
  /** Whose signature and whose ledger are asked for, strict or not; without keys nobody's. */
  readonly trust?: Trust;
}

export interface RunpackSource extends RunpackOptions {
  /** Bytes of the manifest, and its path below the runpack's directory. */
  readonly manifest: Uint8Array;
  readonly manifestPath: string;
  readonly read: RunpackReader;
}

export type RunpackVerification =
  | { readonly ok: true; readonly report: RunpackReport }
  /** These bytes are no manifest. */
  | { readonly ok: false; readonly text: string };

/**
 * Verifies a runpack offline. Without options the report, its texts and their order are those that every verifier of
 * this format gives; the options only ever add errors behind them.
 */
export async function verifyRunpack(source: RunpackSource): Promise<RunpackVerification> {
  const parsed = readManifest(source.manifest);
  if (!parsed.ok && 'text' in parsed) return parsed;
  if (!parsed.ok) {
    const errors = [`unsupported manifest version: ${parsed.version}`];
    return { ok: true, report: { status: 'fail', checked_files: 0, errors } };
  }
  const { manifest } = parsed;
  const files = new RunpackFiles(source.read);
  const { checked, errors } = await checkHashes(files, manifest);
  const decisions = await loadLog(files, 'artifacts/decisions.json');
  errors.push(...repeatedDecisions(decisions), ...(await checkAnchors(files, manifest)));
  const known = new Set(errors);
  const further = await furtherErrors(files, manifest, source);
  errors.push(...further.filter((error) => !known.has(error)));
  const status = errors.length === 0 ? 'pass' : 'fail';
  return { ok: true, report: { status, checked_files: checked, errors } };
}

async function checkHashes(
  files: RunpackFiles,
  manifest: RunpackManifest,
): Promise<{ readonly checked: number; readonly errors: string[] }> {
  const { file_hashes, root_hash } = manifest.integrity;
  const errors: string[] = [];
  if (manifest.hash_algorithm !== 'sha256') errors.push('hash algorithm mismatch');
  let checked = 0;
  for (const { path, hash } of file_hashes) {
    const file = await files.read(path);
    if (!file.ok) {
      errors.push(`artifact read failed for ${path}: ${file.reason}`);
      continue;
    }
    checked += 1;
    if (!sameHash(hashOf(file.bytes), hash)) errors.push(`hash mismatch for ${path}`);
  }
  if (!sameHash(hashOf(canonicalText(file_hashes)), root_hash)) errors.push('root hash mismatch');
  return { checked, errors };
}

function repeatedDecisions(decisions: Loaded<RunLogs['decisions']>): readonly string[] {
  if (!decisions.ok) return [decisions.error];
  const seen = new Set<string>();
  return decisions.value.flatMap(({ trigger_id }) => {
    if (seen.has(trigger_id)) return [`duplicate decision for trigger ${trigger_id}`];
    seen.add(trigger_id);
    return [];
  });
}

/** Evidence must carry the anchors that the manifest's policy asks of its provider. */
async function checkAnchors(
  files: RunpackFiles,
  { anchor_policy }: RunpackManifest,
): Promise<readonly string[]> {
  if (anchor_policy === undefined) return [];
  const spec = await loadSpec(files);
  const gateEvals = await loadLog(files, 'artifacts/gate_evals.json');
  if (!spec.ok || !gateEvals.ok) {
    return [spec, gateEvals].flatMap((one) => (one.ok ? [] : [one.error]));
  }
  const providers = new Map(
    spec.value.conditions.map(({ condition_id, query }) => [condition_id, query.provider_id]),
  );
  const errors: string[] = [];
  for (const { trigger_id, stage_id, evidence } of gateEvals.value) {
    for (const { condition_id, result } of evidence) {
      if (result.error !== null) continue;
      const place = `(trigger ${trigger_id}, stage ${stage_id})`;
      const provider = providers.get(condition_id);
      if (provider === undefined) {
        errors.push(`condition ${condition_id} missing from scenario spec ${place}`);
        continue;
      }
      const why = scenario.anchorFault(anchor_policy, provider, result, parseJson);
      if (why !== undefined) {
        errors.push(`anchor invalid for condition ${condition_id} ${place}: ${why}`);
      }
    }
  }
  return errors;
}

/** What the options ask for beyond the format's own checks. */
async function furtherErrors(
  files: RunpackFiles,
  manifest: RunpackManifest,
  source: RunpackSource,
): Promise<readonly string[]> {
  const { strict = false, replay = false, trust = {} } = source;
  const loaded = strict || replay ? await loadContent(files, manifest) : undefined;
  const errors: string[] = [];
  if (strict) {
    const content = loaded?.ok === true ? loaded.content : undefined;
    errors.push(...(await strictErrors(files, source.manifest, manifest, content)));
  }
  if (strict || namesSigners(trust)) {
    errors.push(...(await signatureErrors(files, source, manifest)));
  }
  if (loaded === undefined) return errors;
  if (!loaded.ok) return [...errors, ...loaded.errors];
  if (replay) errors.push(...replayDifferences(loaded.content));
  return errors;
}
