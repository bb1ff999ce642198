import { type RpcResult, rpcFail, rpcOk } from '@countersign/contract';
import { scenario } from '@countersign/policy';
import { runpack } from '@countersign/verify';
import { ownTrust } from '../own-trust.ts';
import type { Engine } from './engine.ts';
import { RunCorruption, type RunKey, runEntriesOf, runEntryOf, scopeOf } from './entries.ts';
import type { ScenarioPorts } from './ports.ts';
import { specFault, writeRunpack } from './runpack.ts';
import { type RecordedRun, recordExport } from './runpack-record.ts';
import { fault, type OpenedTarget, splitRunpackPath } from './runpack-storage.ts';
import type { ScenarioSettings } from './settings.ts';

export interface ExportCommand {
  readonly scenarioId: string;
  readonly tenant: scenario.Int;
  readonly namespace: scenario.Int;
  readonly runId: string;
  readonly generatedAt: scenario.Timestamp;
  readonly includeVerification: boolean;
  readonly outputDirectory: string | null;
  readonly manifestName: string;
}

export interface ExportedRunpack {
  readonly manifest: runpack.RunpackManifest;
  readonly report: runpack.RunpackReport | null;
  readonly storage_uri?: string;
}

/** Writes a run, active or over, as files that can be verified without this server. The run does not change by it. */
export async function exportRunpack(
  engine: Engine,
  command: ExportCommand,
): Promise<RpcResult<ExportedRunpack>> {
  const { ports, registry } = engine;
  const { tenant, namespace, scenarioId, runId, generatedAt } = command;
  const defined = registry.find(tenant, namespace, scenarioId);
  if (defined === undefined) return rpcFail('not_found', 'scenario not defined');
  const run = await readRun(engine, { tenant, namespace, runId });
  if (typeof run === 'string') return rpcFail('runpack', run);
  if (run === undefined) return rpcFail('not_found', 'run not found');
  const { state } = run;
  const { spec } = defined;
  const other = specFault({ spec, state });
  if (other !== undefined) return rpcFail('runpack', other);
  const opened = await openTarget(ports, command, state);
  if (!opened.ok) return rpcFail('runpack', opened.text);
  const { target } = opened;
  const { settings } = ports;
  const { manifestName, includeVerification } = command;
  const written = await writeRunpack(
    target,
    { spec, state, generatedAt, anchors: anchorsOf(settings), security: securityOf(settings) },
    {
      manifestName,
      includeVerification,
      seal: (manifest, text) => recordExport(ports, run, manifest, text, manifestName),
    },
  );
  if (!written.ok) return rpcFail('runpack', written.text);
  const { manifest, report } = written;
  const { uri } = target;
  return rpcOk({ manifest, report, ...(uri === undefined ? {} : { storage_uri: uri }) });
}

/** Most entries of a run that a pack proves one by one: the proofs stay well below the largest file. */
const RUN_ENTRIES_PROVEN_MAX = 2_000;

/** The run with its entries, all of one moment; or the text that says why it cannot be read. */
async function readRun(
  { ports, runs }: Engine,
  key: RunKey,
): Promise<RecordedRun | string | undefined> {
  try {
    // First, because it also finds what was changed outside of the ledger.
    const state = await runs.read(key);
    if (state === undefined) return undefined;
    const stored = await ports.reader.readDecision(
      scopeOf(key.tenant, key.namespace),
      runEntriesOf(key.runId),
    );
    const entries = stored.map(runEntryOf);
    const folded = entries.reduce<scenario.RunState | undefined>(scenario.foldRun, undefined);
    const proven =
      entries.length > RUN_ENTRIES_PROVEN_MAX
        ? undefined
        : { entries, places: (await runs.places(key)).slice(0, entries.length) };
    return { key, state: folded ?? state, proven };
  } catch (error) {
    if (error instanceof RunCorruption) return `run state store corruption: ${error.message}`;
    throw error;
  }
}

/** The object store wherever there is one; else the directory that the caller names. */
async function openTarget(
  { runpacks }: ScenarioPorts,
  { outputDirectory, tenant, namespace, runId }: ExportCommand,
  { scenario_id, spec_hash }: scenario.RunState,
): Promise<OpenedTarget> {
  if (runpacks.objects !== undefined) {
    const place = { tenant, namespace, runId, scenarioId: scenario_id, specHash: spec_hash };
    return runpacks.objects(place);
  }
  return outputDirectory === null
    ? fault('output_dir is required when runpack storage is not configured')
    : runpacks.directory(outputDirectory);
}

function anchorsOf({ anchors }: ScenarioSettings): scenario.AnchorPolicy | undefined {
  return (anchors.providers ?? []).length === 0 ? undefined : anchors;
}

function securityOf({ dev, namespace }: ScenarioSettings): runpack.RunpackSecurity {
  return {
    dev_permissive: dev.permissive,
    namespace_authority: namespace.assetCore === undefined ? 'dg_registry' : 'assetcore_catalog',
  };
}

export interface VerifyCommand {
  readonly directory: string;
  /** Below that directory. */
  readonly manifestPath: string;
  readonly strict: boolean;
  readonly replay: boolean;
}

/**
 * Verifies a runpack that lies in a directory of this machine. What is wrong with it is a report, not a fault. Strict
 * asks for this server's own signature and ledger.
 */
export async function verifyStored(
  { runpacks, keyring }: Pick<ScenarioPorts, 'runpacks' | 'keyring'>,
  { directory, manifestPath, strict, replay }: VerifyCommand,
): Promise<RpcResult<runpack.RunpackReport>> {
  const opened = await runpacks.reader(directory);
  if (!opened.ok) return rpcFail('runpack', opened.text);
  const { read } = opened;
  const path = splitRunpackPath(manifestPath);
  if (!path.ok) return rpcFail('runpack', path.text);
  const manifest = await read(manifestPath);
  if (!manifest.ok) return rpcFail('runpack', `unable to read manifest: ${manifest.reason}`);
  const { bytes } = manifest;
  const verified = await runpack.verifyRunpack({
    manifest: bytes,
    manifestPath,
    read,
    strict,
    replay,
    ...(strict ? { trust: ownTrust(keyring) } : {}),
  });
  return verified.ok ? rpcOk(verified.report) : rpcFail('runpack', 'invalid manifest');
}
