import { openObjectStore } from '@countersign/server';
import type { Command } from 'commander';
import { type HelpText, helpText } from './help-ca.ts';
import type { Messages } from './messages-en.ts';
import { readSettings } from './settings.ts';

/** The object store that a configuration names. Throws when it names none. */
export function openStorage(
  config: string | undefined,
  say: Messages,
): ReturnType<typeof openObjectStore> {
  const { runpackStorage } = readSettings(config);
  if (runpackStorage === undefined) throw new Error(say.runpackStorageMissing);
  return openObjectStore(runpackStorage);
}

export function withStorage(command: Command, description: HelpText): Command {
  return command
    .option('--storage', helpText(description))
    .option('--config <file>', helpText('the configuration; decision-gate.toml without it'));
}
