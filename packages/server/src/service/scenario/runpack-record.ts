import type { scenario } from '@countersign/policy';
import { halvesAt } from '@countersign/proof';
import { runpack } from '@countersign/verify';
import type { Draft } from '../ledger-writer.ts';
import type { Placed } from '../placed.ts';
import { artefactText, recordedFrom } from '../recorded.ts';
import { canonical, digestOf } from './canonical.ts';
import { type RunKey, scopeOf } from './entries.ts';
import type { ScenarioPorts } from './ports.ts';
import type { Sealed } from './runpack.ts';
import { fault } from './runpack-storage.ts';

/** A run as the ledger holds it. */
export interface RecordedRun {
  readonly key: RunKey;
  readonly state: scenario.RunState;
  /** Its entries, oldest first, and where each of them stands; absent: too many to prove one by one. */
  readonly proven:
    | { readonly entries: readonly scenario.RunEntry[]; readonly places: readonly Placed[] }
    | undefined;
}

/**
 * Signs a manifest and records the export, before anybody is handed the pack.
 *
 * @returns the text of the file beside the manifest: the recorded export with its proof, and the proofs of the run's
 *   own entries, whose subjects can be put together again from the exported logs.
 */
export async function recordExport(
  ports: ScenarioPorts,
  run: RecordedRun,
  manifest: runpack.RunpackManifest,
  manifestText: string,
  manifestName: string,
): Promise<Sealed> {
  const draft = exportDraft(ports, run, manifest, manifestText, manifestName);
  const appended = await ports.append(draft);
  if (!appended.ok) return fault('runpack export not recorded: the ledger is not available');
  const exported = artefactText(recordedFrom(draft, appended.value));
  const { entries: moves = [], places = [] } = run.proven ?? {};
  const entries = moves.map((entry, at) => entryText(entry, places[at]));
  const version = canonical(runpack.RUNPACK_SIGNATURE_VERSION);
  const text = `{"export":${exported},"run_entries":[${entries.join(',')}],"runpack_signature_version":${version}}`;
  return { ok: true, text };
}

function exportDraft(
  { ambient, sealKeyAt }: ScenarioPorts,
  { key, proven }: RecordedRun,
  manifest: runpack.RunpackManifest,
  manifestText: string,
  manifestName: string,
): Draft {
  const now = ambient.now();
  const { keyId } = sealKeyAt(now);
  const subject = {
    runpack_export_version: runpack.RUNPACK_EXPORT_VERSION,
    tenant_id: manifest.tenant_id,
    namespace_id: manifest.namespace_id,
    scenario_id: manifest.scenario_id,
    run_id: manifest.run_id,
    spec_hash: manifest.spec_hash,
    generated_at: manifest.generated_at,
    root_hash: manifest.integrity.root_hash,
    manifest_hash: digestOf(manifestText),
    manifest_name: manifestName,
    manifest_signature_key_id: keyId,
    run_entries: proven?.entries.length ?? null,
  };
  return {
    scope: scopeOf(key.tenant, key.namespace),
    entryType: 'runpack_export',
    decisionId: `runpack_export:${key.runId}`,
    createdAt: new Date(now).toISOString(),
    ...halvesAt(subject, 'manifest_signature'),
    message: manifestText,
    // A manifest has no room for the name of a key.
    keyId,
  };
}

/** One entry of the run as it is proven: its place, and what it said beside the records in the logs. */
function entryText(entry: scenario.RunEntry, placed: Placed | undefined): string {
  if (placed === undefined) throw new Error('bug in service: an entry of a run without its place');
  const recorded =
    entry.kind === 'started'
      ? { ...entry, state: runpack.withoutLogs(entry.state) }
      : runpack.withoutLogs(entry);
  return `{${placed.place},"recorded":${canonical(recorded)}}`;
}
