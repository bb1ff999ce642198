import type { Command } from 'commander';
import { helpText } from './help-ca.ts';
import { readConfiguration } from './settings.ts';

export function addConfig(program: Command): void {
  program
    .command('config')
    .description(helpText('Look at configurations'))
    .command('validate')
    .description(helpText('Say whether a configuration can be used'))
    .option('--config <file>', helpText('the configuration; decision-gate.toml without it'))
    .action((options: { readonly config?: string }) => {
      readConfiguration(options.config);
      process.stdout.write('Config valid.\n');
    });
}
