import { selfContained, TOOL_NAMES, type ToolName, tools } from '@countersign/contract';
import type { Json } from '@countersign/policy';
import { canonical } from '@countersign/server';
import { type Command, Option } from 'commander';
import { callTool } from './client.ts';
import { type ClientOptions, withClient, withServer } from './client-flags.ts';
import { helpText } from './help-ca.ts';
import { type JsonSource, type JsonSourceOptions, readJsonSource } from './input.ts';
import { messagesIn } from './messages.ts';
import type { Messages } from './messages-en.ts';
import { schemaFault } from './schema-fault.ts';

export type ToolOptions = ClientOptions & JsonSourceOptions & { readonly validate: boolean };

/** The whole protocol from a shell: each tool by its name, and the resources. */
export function addMcp(program: Command): void {
  const mcp = program
    .command('mcp')
    .description(helpText('Call the tools and read the resources of a running server'));

  const listed = mcp.command('tools').description(helpText('List and call tools by name'));
  withClient(
    listed.command('list').description(helpText('Print the tools with their schemas')),
  ).action((options: ClientOptions) => printResult(program, options, 'tools/list', {}));
  withToolInput(listed.command('call').description(helpText('Call a tool')))
    .addOption(
      new Option('--tool <name>', helpText('name of the tool'))
        .choices(TOOL_NAMES)
        .makeOptionMandatory(),
    )
    .action((options: ToolOptions & { readonly tool: ToolName }) =>
      runTool(program, options.tool, options),
    );

  const each = mcp.command('tool').description(helpText('Call a tool by its own sub-command'));
  for (const name of TOOL_NAMES) {
    withToolInput(
      each.command(name.replaceAll('_', '-')).description(tools[name].description),
    ).action((options: ToolOptions) => runTool(program, name, options));
  }

  const resources = mcp.command('resources').description(helpText('List and read resources'));
  addResources(program, resources);
}

/** `list` and `read`, which are also commands of `docs`. */
export function addResources(program: Command, parent: Command): void {
  withClient(
    parent.command('list').description(helpText('Print the resources of the server')),
  ).action((options: ClientOptions) => printResult(program, options, 'resources/list', {}));
  withClient(parent.command('read').description(helpText('Print one resource')))
    .requiredOption('--uri <uri>', helpText('URI of the resource'))
    .action((options: ClientOptions & { readonly uri: string }) =>
      printResult(program, options, 'resources/read', { uri: options.uri }),
    );
}

export function withToolInput(command: Command): Command {
  return withClient(command)
    .option('--json <text>', helpText('arguments of the tool, as JSON'))
    .option('--input <file>', helpText('file with them, or - for standard input'))
    .option('--no-validate', helpText('send them without a look at the published schema'));
}

/** Calls a tool with the arguments of the command line and prints what it gives. */
export async function runTool(
  program: Command,
  tool: ToolName,
  options: ToolOptions,
): Promise<void> {
  const say = messagesIn(program);
  const source = readJsonSource(options, say, tool === 'providers_list');
  if (options.validate) refuseMisfit(tool, source.value, say);
  await printTool(program, tool, source, options);
}

/** Calls a tool and prints what it gives, as canonical JSON. */
export async function printTool(
  program: Command,
  tool: ToolName,
  { text }: Pick<JsonSource, 'text'>,
  options: ClientOptions,
): Promise<void> {
  const say = messagesIn(program);
  const json = await withServer(options, say, (client) => callTool(client, tool, text, say));
  process.stdout.write(`${canonical(json)}\n`);
}

/** Throws when arguments do not follow the published schema of their tool. */
export function refuseMisfit(tool: ToolName, value: Json, say: Messages): void {
  const misfit = schemaFault(selfContained(tools[tool].inputSchema), value);
  if (misfit !== undefined) throw new Error(say.argumentsMisfit(tool, misfit));
}

async function printResult(
  program: Command,
  options: ClientOptions,
  method: string,
  params: unknown,
): Promise<void> {
  const say = messagesIn(program);
  const text = canonical(params);
  const result = await withServer(options, say, (client) => client.request(method, text));
  process.stdout.write(`${canonical(result)}\n`);
}
