import { existsSync } from 'node:fs';
import { type Json, scenario } from '@countersign/policy';
import { parseJson } from '@countersign/proof';
import {
  canonical,
  openRunAdmin,
  type RunAdmin,
  type RunName,
  SCENARIO_DEPTH_MAX,
  type StoredRunVersion,
} from '@countersign/server';
import { type Command, Option } from 'commander';
import { table } from '../policy-output.ts';
import { type AttestedOptions, withAttestedOutput, writeAttested } from './attested-output.ts';
import { formats, positiveInteger, scopeId } from './flags.ts';
import { helpText } from './help-ca.ts';
import { messagesIn } from './messages.ts';
import type { Messages } from './messages-en.ts';
import { readSettings } from './settings.ts';

interface StoreOptions {
  readonly config?: string;
  readonly storePath?: string;
}

interface RunOptions extends StoreOptions, AttestedOptions {
  readonly tenantId: bigint;
  readonly namespaceId: bigint;
  readonly runId: string;
  readonly version?: number;
}

/** The database in which a server keeps its runs; the server need not be running. */
export function addStore(program: Command): void {
  const store = program
    .command('store')
    .description(helpText('Look after the database in which runs are kept'));

  withLocation(store.command('list').description(helpText('Print the runs, the newest first')))
    .option('--tenant-id <n>', helpText('tenant'), scopeId)
    .option('--namespace-id <n>', helpText('namespace'), scopeId)
    .addOption(formats('json', 'text'))
    .action(
      (
        options: StoreOptions & {
          readonly tenantId?: bigint;
          readonly namespaceId?: bigint;
          readonly format: 'json' | 'text';
        },
      ) => {
        const { tenantId: tenant, namespaceId: namespace, format } = options;
        const listed = withStore(options, messagesIn(program), (admin) =>
          admin.list({ tenant, namespace }),
        );
        const runs = listed.map((run) => ({
          ...membersOf(run),
          latest_version: run.latestVersion,
          saved_at: run.savedAt,
        }));
        if (format === 'json') print(canonical({ runs }));
        else runs.forEach((run) => print(table([Object.values(run).map(String)]).join('\n')));
      },
    );

  withAttestedOutput(
    withRun(store.command('get').description(helpText('Print a run as it is stored'))),
  ).action((options: RunOptions) => {
    const say = messagesIn(program);
    writeAttested(soundState(options, say), options, say);
  });

  withAttestedOutput(
    withRun(store.command('export').description(helpText('Write a run as it is stored to a file'))),
  )
    .requiredOption('--output <file>', helpText('file to write'))
    .action((options: RunOptions & { readonly output: string }) => {
      const say = messagesIn(program);
      writeAttested(soundState(options, say), options, say, options.output);
    });

  withAttestedOutput(
    withRun(store.command('verify').description(helpText('Compare a run with the hash beside it'))),
  ).action((options: RunOptions) => {
    const say = messagesIn(program);
    const found = readRun(options, say);
    const fault = faultOf(options, found, say);
    const report = {
      ...membersOf(runOf(options)),
      version: found.version,
      status: fault === undefined ? 'pass' : 'fail',
      stored_hash: found.storedHash,
      computed_hash: found.computedHash,
      state_bytes: found.stateBytes,
      saved_at: found.savedAt,
    };
    writeAttested(canonical(report), options, say);
    if (fault === undefined) return;
    process.stderr.write(`${fault}\n`);
    process.exitCode = 1;
  });

  withAttestedOutput(
    withRun(store.command('prune').description(helpText('Delete all but the latest versions'))),
  )
    .requiredOption('--keep <n>', helpText('how many versions stay'), positiveInteger)
    .option('--dry-run', helpText('only say how many versions it would be'))
    .action((options: RunOptions & { readonly keep: number; readonly dryRun?: boolean }) => {
      const say = messagesIn(program);
      const { keep, dryRun = false } = options;
      const pruned = withStore(options, say, (admin) => admin.prune(runOf(options), keep, dryRun));
      if (pruned === undefined) throw new Error(say.runNotFound(options.runId));
      const report = { ...membersOf(runOf(options)), keep, pruned, dry_run: dryRun };
      writeAttested(canonical(report), options, say);
    });
}

function withLocation(command: Command): Command {
  return command
    .addOption(
      new Option('--config <file>', helpText('configuration that names the database')).conflicts(
        'storePath',
      ),
    )
    .option('--store-path <file>', helpText('the database itself'));
}

function withRun(command: Command): Command {
  return withLocation(command)
    .requiredOption('--tenant-id <n>', helpText('tenant'), scopeId)
    .requiredOption('--namespace-id <n>', helpText('namespace'), scopeId)
    .requiredOption('--run-id <id>', helpText('run'))
    .option('--version <n>', helpText('a version; the latest without it'), positiveInteger);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function runOf(options: RunOptions): RunName {
  return { tenant: options.tenantId, namespace: options.namespaceId, runId: options.runId };
}

function membersOf({ tenant, namespace, runId }: RunName): Readonly<Record<string, unknown>> {
  return { tenant_id: tenant, namespace_id: namespace, run_id: runId };
}

function withStore<Value>(
  { config, storePath }: StoreOptions,
  say: Messages,
  act: (admin: RunAdmin) => Value,
): Value {
  const file = storePath ?? configuredStore(config, say);
  if (!existsSync(file)) throw new Error(say.storeMissing(file));
  const admin = openRunAdmin(file);
  try {
    return act(admin);
  } finally {
    admin.close();
  }
}

function configuredStore(config: string | undefined, say: Messages): string {
  const { runStateStore } = readSettings(config);
  if (runStateStore.type !== 'sqlite') throw new Error(say.storeInMemory);
  return runStateStore.path;
}

function readRun(options: RunOptions, say: Messages): StoredRunVersion {
  const found = withStore(options, say, (admin) => admin.read(runOf(options), options.version));
  if (found === undefined) throw new Error(say.runNotFound(options.runId));
  return found;
}

/** The text of a run that is what was stored. Throws otherwise: damage is shown by `verify`, not handed on. */
function soundState(options: RunOptions, say: Messages): string {
  const found = readRun(options, say);
  const fault = faultOf(options, found, say);
  if (fault !== undefined) throw new Error(fault);
  return found.state;
}

/** Why a version is not the run that its row says it is. */
function faultOf(options: RunOptions, found: StoredRunVersion, say: Messages): string | undefined {
  if (found.computedHash !== found.storedHash) return say.runDamaged(options.runId);
  const parsed = parseJson(found.state, {
    depthMax: SCENARIO_DEPTH_MAX,
    readNumber: scenario.readScenarioNumber,
  });
  const decoded = scenario.runState(parsed.ok ? (parsed.value as Json) : undefined);
  if (!decoded.ok) return say.runUndecodable(options.runId, decoded.text);
  const { tenant_id, namespace_id, run_id } = decoded.value;
  const same =
    BigInt(tenant_id) === options.tenantId &&
    BigInt(namespace_id) === options.namespaceId &&
    run_id === options.runId;
  return same ? undefined : say.runMisplaced(options.runId);
}
