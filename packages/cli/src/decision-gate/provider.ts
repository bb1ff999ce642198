import type { Json } from '@countersign/policy';
import { canonical, openDiscovery, type ProviderDiscovery } from '@countersign/server';
import { type Command, Option } from 'commander';
import { outputTo, table } from '../policy-output.ts';
import { formats, positiveInteger } from './flags.ts';
import { helpText } from './help-ca.ts';
import { readJsonFile } from './input.ts';
import { messagesIn } from './messages.ts';
import type { Messages } from './messages-en.ts';
import { type ConformanceRow, checkProvider, contractOf } from './provider-conformance.ts';
import { scaffoldProvider } from './provider-new.ts';
import { readSettings } from './settings.ts';

/** Largest contract that a server reads, in bytes. */
const CONTRACT_BYTES_MAX = 1_048_576;

const TIMEOUT_MS = 5_000;

interface ConfigOptions {
  readonly config?: string;
}

/** What `providers_list` answers. */
interface ListedProviders {
  readonly providers: readonly {
    readonly provider_id: string;
    readonly transport: string;
    readonly checks: readonly string[];
  }[];
}

interface CheckOptions {
  readonly command?: readonly string[];
  readonly capabilities: string;
  readonly timeoutMs: number;
  readonly format: 'text' | 'json';
}

/** The providers of a configuration, and the kit for making one. */
export function addProvider(program: Command): void {
  const provider = addProviderKit(program);

  withConfig(provider.command('list').description(helpText('Print the providers and their checks')))
    .addOption(formats('json', 'text'))
    .action(async (options: ConfigOptions & { readonly format: 'json' | 'text' }) => {
      const answer = await ask(options, 'providers_list', {});
      if (options.format === 'json') return print(canonical(answer));
      const { providers } = answer as ListedProviders;
      const rows = providers.map((one) => [one.provider_id, one.transport, one.checks.join(' ')]);
      print(table(rows).join('\n'));
    });

  const contract = provider.command('contract').description(helpText('What a provider promises'));
  withConfig(contract.command('get').description(helpText('Print the contract of a provider')))
    .requiredOption('--provider <id>', helpText('the provider'))
    .action(async (options: ConfigOptions & { readonly provider: string }) => {
      const args = { provider_id: options.provider };
      print(canonical(await ask(options, 'provider_contract_get', args)));
    });

  const schema = provider
    .command('check-schema')
    .description(helpText('What a check takes and gives'));
  withConfig(schema.command('get').description(helpText('Print the schemas of one check')))
    .requiredOption('--provider <id>', helpText('the provider'))
    .requiredOption('--check-id <id>', helpText('the check'))
    .action(
      async (options: ConfigOptions & { readonly provider: string; readonly checkId: string }) => {
        const args = { provider_id: options.provider, check_id: options.checkId };
        print(canonical(await ask(options, 'provider_check_schema_get', args)));
      },
    );
}

/** The part of it that needs no configuration. */
export function addProviderKit(program: Command): Command {
  const provider = program
    .command('provider')
    .description(helpText('Look at providers of evidence, make one, and check one'));

  provider
    .command('new')
    .description(helpText('Write a provider that works, to build on'))
    .argument('<name>', helpText('id of the provider'))
    .option('--dir <directory>', helpText('where to; a directory of its name without this'))
    .action((name: string, options: { readonly dir?: string }) => {
      const say = messagesIn(program);
      const directory = scaffoldProvider(name, options.dir ?? name, say);
      print(say.providerCreated(directory));
      print(say.providerNext(directory));
    });

  provider
    .command('check')
    .description(helpText('Ask a provider what a server would ask, and say where it fails'))
    .argument('[word...]', helpText('words of the command, after --'))
    .requiredOption('--capabilities <file>', helpText('contract of the provider'))
    .option('--command <word...>', helpText('program to start, and its words'))
    .option(
      '--timeout-ms <n>',
      helpText('how long an answer may take'),
      positiveInteger,
      TIMEOUT_MS,
    )
    .addOption(formats('text', 'json'))
    .action(async (words: readonly string[], options: CheckOptions) => {
      const command = [...(options.command ?? []), ...words];
      await check(command, options, messagesIn(program));
    });
  return provider;
}

async function check(
  command: readonly string[],
  options: CheckOptions,
  say: Messages,
): Promise<void> {
  if (command.length === 0) throw new Error(say.providerCommandMissing);
  const out = outputTo(options.format === 'json');
  const contract = contractOf(readJsonFile(options.capabilities, say, CONTRACT_BYTES_MAX));
  const fault = typeof contract === 'string' ? contract : undefined;
  const rows: ConformanceRow[] = [
    {
      name: say.conformance.contract,
      state: fault === undefined ? 'pass' : 'fail',
      detail: fault ?? '',
    },
  ];
  if (typeof contract !== 'string') {
    const { timeoutMs } = options;
    for await (const row of checkProvider({ command, contract, timeoutMs }, say)) rows.push(row);
  }
  const ok = rows.every(({ state }) => state !== 'fail');
  if (!ok) process.exitCode = 1;
  const mark = { pass: out.good('pass'), fail: out.bad('FAIL'), skip: out.dim('skip') };
  out.show({ ok, rows }, () => {
    const lines = table(rows.map(({ name, detail }) => [name, detail]));
    return rows.map(({ state }, at) => `${mark[state]}  ${lines[at] ?? ''}`);
  });
}

function withConfig(command: Command): Command {
  return command.addOption(new Option('--config <file>', helpText('configuration of the server')));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Lets a tool of discovery answer for a configuration. Throws what it refuses. */
async function ask(
  { config }: ConfigOptions,
  tool: Parameters<ProviderDiscovery['call']>[0],
  args: Json,
): Promise<unknown> {
  const discovery = await openDiscovery(readSettings(config));
  try {
    const answer = await discovery.call(tool, args);
    if (answer.ok) return answer.value;
    throw new Error(answer.fault.message);
  } finally {
    await discovery.close();
  }
}
