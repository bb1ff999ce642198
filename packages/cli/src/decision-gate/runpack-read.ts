import { dirname, relative, resolve } from 'node:path';
import { fromUtf8, utf8 } from '@countersign/proof';
import { canonical, runpackFiles, SCENARIO_DEPTH_MAX } from '@countersign/server';
import {
  parseLedgerKey,
  parsePublicKey,
  parseRegistry,
  runpack,
  type Trust,
} from '@countersign/verify';
import type { Command } from 'commander';
import { formats } from './flags.ts';
import { helpText } from './help-ca.ts';
import { indented } from './indented.ts';
import { INPUT_BYTES_MAX, jsonOf, readBytes, readText } from './input.ts';
import { messagesIn } from './messages.ts';
import type { Messages } from './messages-en.ts';
import { openStorage, withStorage } from './runpack-storage.ts';

interface SourceOptions {
  readonly manifest: string;
  readonly runpackDir?: string;
}

interface StorageOptions {
  readonly storage?: boolean;
  readonly config?: string;
}

interface TrustOptions {
  readonly publicKey?: string;
  readonly ledgerKey?: string;
  readonly keyRegistry?: string;
}

type VerifyOptions = SourceOptions &
  StorageOptions &
  TrustOptions & {
    readonly format: 'json' | 'markdown';
    readonly strict?: boolean;
    readonly replay?: boolean;
  };

export function addVerify(program: Command, runpacks: Command): void {
  const command = withSource(
    runpacks
      .command('verify')
      .description(helpText('Verify a bundle offline; the exit code is 1 when it fails')),
  )
    .addOption(formats('json', 'markdown'))
    .option('--strict', helpText('check all that it says of itself, and its signature'))
    .option('--replay', helpText('evaluate gates and decisions anew from the evidence'))
    .option('--public-key <file>', helpText('trusted receipt key (PEM)'))
    .option('--ledger-key <key>', helpText('trusted ledger key'))
    .option('--key-registry <file>', helpText('trusted keys, as a server publishes them'));
  withStorage(command, 'read it from the object store; --manifest is its s3:// address').action(
    async (options: VerifyOptions) => {
      const say = messagesIn(program);
      const { manifest, strict = false, replay = false, format } = options;
      const trust = trustOf(options, say);
      const report = await withBundle(options, say, async (bundle) => {
        const verified = await runpack.verifyRunpack({ ...bundle, strict, replay, trust });
        if (!verified.ok) throw new Error(say.manifestInvalid(manifest, verified.text));
        return verified.report;
      });
      const text = format === 'json' ? canonical(report) : markdownOf(report, say);
      process.stdout.write(`${text}\n`);
      if (report.status === 'fail') process.exitCode = 1;
    },
  );
}

function withSource(command: Command): Command {
  return command
    .requiredOption('--manifest <file>', helpText('manifest of the bundle'))
    .option(
      '--runpack-dir <directory>',
      helpText('its directory; that of the manifest without it'),
    );
}

type Bundle = Pick<runpack.RunpackSource, 'manifest' | 'manifestPath' | 'read'>;

/** Lets `act` read a bundle from a directory or, where the options say so, from the object store. */
async function withBundle<Value>(
  options: SourceOptions & StorageOptions,
  say: Messages,
  act: (bundle: Bundle) => Promise<Value>,
): Promise<Value> {
  const { manifest, runpackDir = dirname(manifest) } = options;
  if (options.storage !== true) {
    const opened = await runpackFiles().reader(runpackDir);
    if (!opened.ok) throw new Error(opened.text);
    return act({
      manifest: readBytes(manifest, INPUT_BYTES_MAX, say),
      manifestPath: relative(resolve(runpackDir), resolve(manifest)),
      read: opened.read,
    });
  }
  const objects = await openStorage(options.config, say);
  try {
    const opened = objects.from(runpackDir);
    if (!opened.ok) throw new Error(opened.text);
    const { read } = opened.target;
    const manifestPath = relative(runpackDir, manifest);
    const found = await read(manifestPath);
    if (!found.ok) throw new Error(say.manifestInvalid(manifest, found.reason));
    return await act({ manifest: found.bytes, manifestPath, read });
  } finally {
    objects.close();
  }
}

function trustOf({ publicKey, ledgerKey, keyRegistry }: TrustOptions, say: Messages): Trust {
  const read = <Value>(value: Value | undefined, name: string): Value => {
    if (value === undefined) throw new Error(say.keyMalformed(name));
    return value;
  };
  const registry = (file: string) => {
    const parsed = parseRegistry(jsonOf(textOf(file, say), file, say));
    return parsed.ok ? parsed.value : undefined;
  };
  return {
    ...(publicKey === undefined
      ? {}
      : { publicKey: read(parsePublicKey(textOf(publicKey, say), 'public_key_file'), publicKey) }),
    ...(ledgerKey === undefined
      ? {}
      : { ledgerKey: read(parseLedgerKey(ledgerKey), '--ledger-key') }),
    ...(keyRegistry === undefined ? {} : { registry: read(registry(keyRegistry), keyRegistry) }),
  };
}

function textOf(file: string, say: Messages): string {
  return readText(file, INPUT_BYTES_MAX, say);
}

function markdownOf(
  { status, checked_files, errors }: runpack.RunpackReport,
  say: Messages,
): string {
  return [
    `# ${say.runpackReport.title}`,
    '',
    `- ${say.runpackReport.status}: ${status}`,
    `- ${say.runpackReport.checkedFiles}: ${checked_files}`,
    `- ${say.runpackReport.errors}: ${errors.length}`,
    ...(errors.length === 0 ? [] : ['', ...errors.map((error) => `- ${error}`)]),
  ].join('\n');
}

type PrettyOptions = SourceOptions & { readonly outputDir: string };

export function addPretty(program: Command, runpacks: Command): void {
  withSource(
    runpacks
      .command('pretty')
      .description(helpText('Write indented copies for people; they do not verify any more')),
  )
    .requiredOption('--output-dir <directory>', helpText('where the copies go'))
    .action(async (options: PrettyOptions) => {
      const say = messagesIn(program);
      const count = await withBundle(options, say, (bundle) => copyIndented(bundle, options, say));
      process.stdout.write(`${say.runpackCopied(count, options.outputDir)}\n`);
    });
}

async function copyIndented(
  { manifest, manifestPath, read }: Bundle,
  { manifest: named, outputDir }: PrettyOptions,
  say: Messages,
): Promise<number> {
  const parsed = runpack.readManifest(manifest);
  if (!parsed.ok) {
    throw new Error(say.manifestInvalid(named, 'text' in parsed ? parsed.text : parsed.version));
  }
  const opened = await runpackFiles().directory(outputDir);
  if (!opened.ok) throw new Error(opened.text);
  const copy = async (path: string, bytes: Uint8Array): Promise<void> => {
    const text = fromUtf8(bytes);
    if (text === undefined) throw new Error(say.inputNotText(path));
    // Read only to refuse what is no JSON: the copy keeps every digit as it stands.
    jsonOf(text, path, say, SCENARIO_DEPTH_MAX);
    const written = await opened.target.write(path, utf8(indented(text)));
    if (!written.ok) throw new Error(written.text);
  };
  const { file_hashes } = parsed.manifest.integrity;
  for (const { path } of file_hashes) {
    const file = await read(path);
    if (!file.ok) throw new Error(`${path}: ${file.reason}`);
    await copy(path, file.bytes);
  }
  await copy(manifestPath, manifest);
  return file_hashes.length + 1;
}
