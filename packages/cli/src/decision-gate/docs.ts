import { canonical } from '@countersign/server';
import type { Command } from 'commander';
import { type ClientOptions, withClient } from './client-flags.ts';
import { positiveInteger } from './flags.ts';
import { helpText } from './help-ca.ts';
import { addResources, printTool } from './mcp.ts';

/** The documentation that a running server brings along. */
export function addDocs(program: Command): void {
  const docs = program
    .command('docs')
    .description(helpText('Search and read the documentation of a running server'));

  withClient(docs.command('search').description(helpText('Print the sections that fit best')))
    .requiredOption('--query <words>', helpText('what to look for; empty for an overview'))
    .option('--max-sections <n>', helpText('how many at most'), positiveInteger)
    .action(
      (options: ClientOptions & { readonly query: string; readonly maxSections?: number }) => {
        const { query, maxSections } = options;
        const args = { query, ...(maxSections === undefined ? {} : { max_sections: maxSections }) };
        return printTool(program, 'decision_gate_docs_search', { text: canonical(args) }, options);
      },
    );

  addResources(program, docs);
}
