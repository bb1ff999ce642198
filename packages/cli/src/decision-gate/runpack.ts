import { scenario } from '@countersign/policy';
import {
  canonical,
  hasKeys,
  keyDirectoryOf,
  openKeyring,
  type RunpackParts,
  type RunpackTarget,
  runpackFiles,
  SCENARIO_DEPTH_MAX,
  specFault,
  writeRunpack,
} from '@countersign/server';
import { type Command, InvalidArgumentError } from 'commander';
import { helpText } from './help-ca.ts';
import { jsonOf, readJsonFile, readText } from './input.ts';
import { messagesIn } from './messages.ts';
import type { Messages } from './messages-en.ts';
import { addPretty, addVerify } from './runpack-read.ts';
import { openStorage, withStorage } from './runpack-storage.ts';
import { readSettings } from './settings.ts';

/** Largest file that a run is read from, in bytes. */
const STATE_BYTES_MAX = 128 * 1024 * 1024;

/** Runs as bundles of files that anybody can verify offline. */
export function addRunpack(program: Command): void {
  const command = program
    .command('runpack')
    .description(helpText('Write, verify and read runs as bundles of files'));
  addExport(program, command);
  addVerify(program, command);
  addPretty(program, command);
  addKeys(program, command);
}

interface ExportOptions {
  readonly spec: string;
  readonly state: string;
  readonly outputDir: string;
  readonly manifestName: string;
  readonly withVerification?: boolean;
  readonly generatedAtUnixMs?: number;
  readonly storage?: boolean;
  readonly config?: string;
}

function addExport(program: Command, runpacks: Command): void {
  withStorage(
    runpacks
      .command('export')
      .description(helpText('Make a bundle of a scenario and a run that lie in files'))
      .requiredOption('--spec <file>', helpText('the scenario'))
      .requiredOption('--state <file>', helpText('the run, as `store export` writes it'))
      .requiredOption('--output-dir <directory>', helpText('where the bundle goes'))
      .option('--manifest-name <name>', helpText('name of its manifest'), 'runpack.json')
      .option('--with-verification', helpText('verify it, and make the report part of it'))
      .option('--generated-at-unix-ms <n>', helpText('its date; now without it'), unixMillis),
    'also put it into the object store of the configuration',
  ).action(async (options: ExportOptions) => {
    const say = messagesIn(program);
    const parts = readParts(options, say);
    const fault = specFault(parts);
    if (fault !== undefined) throw new Error(fault);
    const opened = await runpackFiles().directory(options.outputDir);
    if (!opened.ok) throw new Error(opened.text);
    const { manifest, report } = await write(opened.target, parts, options);
    const uri = options.storage === true ? await store(parts, options, say) : undefined;
    const exported = { manifest, report, ...(uri === undefined ? {} : { storage_uri: uri }) };
    process.stdout.write(`${canonical(exported)}\n`);
  });
}

function unixMillis(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError('expected a whole number of milliseconds');
  }
  return value;
}

function readParts({ spec, state, generatedAtUnixMs }: ExportOptions, say: Messages): RunpackParts {
  const decodedSpec = scenario.scenarioSpec(readJsonFile(spec, say));
  if (!decodedSpec.ok) throw new Error(say.inputMisfit(spec, textOf(decodedSpec)));
  const decodedState = scenario.runState(
    jsonOf(readText(state, STATE_BYTES_MAX, say), state, say, SCENARIO_DEPTH_MAX),
  );
  if (!decodedState.ok) throw new Error(say.inputMisfit(state, textOf(decodedState)));
  return {
    spec: decodedSpec.value,
    state: decodedState.value,
    generatedAt: { kind: 'unix_millis', value: generatedAtUnixMs ?? Date.now() },
  };
}

function textOf({ pointer, text }: { readonly pointer: string; readonly text: string }): string {
  return `${pointer} ${text}`.trim();
}

async function write(target: RunpackTarget, parts: RunpackParts, options: ExportOptions) {
  const { manifestName, withVerification = false } = options;
  const form = { manifestName, includeVerification: withVerification };
  const written = await writeRunpack(target, parts, form);
  if (!written.ok) throw new Error(written.text);
  return written;
}

/** The same bundle once more, in the configured bucket; gives its address. */
async function store(
  parts: RunpackParts,
  options: ExportOptions,
  say: Messages,
): Promise<string | undefined> {
  const objects = await openStorage(options.config, say);
  try {
    const { state } = parts;
    const opened = objects.at({
      tenant: state.tenant_id,
      namespace: state.namespace_id,
      scenarioId: state.scenario_id,
      runId: state.run_id,
      specHash: state.spec_hash,
    });
    if (!opened.ok) throw new Error(opened.text);
    await write(opened.target, parts, options);
    return opened.target.uri;
  } finally {
    objects.close();
  }
}

function addKeys(program: Command, runpacks: Command): void {
  runpacks
    .command('keys')
    .description(helpText('Print the public keys of a server, for those who verify its bundles'))
    .option('--config <file>', helpText('the configuration; decision-gate.toml without it'))
    .action(({ config }: { readonly config?: string }) => {
      const say = messagesIn(program);
      const { runStateStore } = readSettings(config);
      if (runStateStore.type === 'memory') throw new Error(say.storeInMemory);
      const directory = keyDirectoryOf(runStateStore.path);
      // Opening would make new ones, which nothing was ever signed with.
      if (!hasKeys(directory)) throw new Error(say.keysMissing(directory));
      process.stdout.write(`${canonical(openKeyring(directory, Date.now).registry())}\n`);
    });
}
