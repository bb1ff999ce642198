import type { ToolName } from '@countersign/contract';
import type { Json } from '@countersign/policy';
import { canonical } from '@countersign/server';
import type { Command } from 'commander';
import { type ClientOptions, withClient } from './client-flags.ts';
import { positiveInteger, scopeId } from './flags.ts';
import { helpText } from './help-ca.ts';
import { printTool, refuseMisfit, runTool, type ToolOptions, withToolInput } from './mcp.ts';
import { messagesIn } from './messages.ts';

interface ScopeOptions extends ClientOptions {
  readonly tenantId: bigint;
  readonly namespaceId: bigint;
}

/** The registry of data shapes of a running server. */
export function addSchema(program: Command): void {
  const schema = program
    .command('schema')
    .description(helpText('Register and look up data shapes on a running server'));

  withToolInput(
    schema
      .command('register')
      .description(helpText('Register a version of a data shape, for good')),
  ).action((options: ToolOptions) => runTool(program, 'schemas_register', options));

  withScope(schema.command('list').description(helpText('Print registered data shapes')))
    .option('--cursor <text>', helpText('next_token of the page before'))
    .option('--limit <n>', helpText('how many at most'), positiveInteger)
    .action((options: ScopeOptions & { readonly cursor?: string; readonly limit?: number }) =>
      ask(program, 'schemas_list', options, { cursor: options.cursor, limit: options.limit }),
    );

  withScope(schema.command('get').description(helpText('Print one version of a data shape')))
    .requiredOption('--schema-id <id>', helpText('id of the data shape'))
    .requiredOption('--schema-version <version>', helpText('its version'))
    .action(
      (options: ScopeOptions & { readonly schemaId: string; readonly schemaVersion: string }) =>
        ask(program, 'schemas_get', options, {
          schema_id: options.schemaId,
          version: options.schemaVersion,
        }),
    );
}

function withScope(command: Command): Command {
  return withClient(command)
    .requiredOption('--tenant-id <n>', helpText('tenant'), scopeId)
    .requiredOption('--namespace-id <n>', helpText('namespace'), scopeId);
}

async function ask(
  program: Command,
  tool: ToolName,
  options: ScopeOptions,
  members: Readonly<Record<string, string | number | undefined>>,
): Promise<void> {
  const given = Object.entries(members).filter(([, value]) => value !== undefined);
  const args = {
    tenant_id: options.tenantId,
    namespace_id: options.namespaceId,
    ...Object.fromEntries(given),
  } as Json;
  refuseMisfit(tool, args, messagesIn(program));
  await printTool(program, tool, { text: canonical(args) }, options);
}
