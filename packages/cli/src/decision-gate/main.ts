import { VERSION } from '@countersign/server';
import { Command } from 'commander';
import { addAuthoring } from './authoring.ts';
import { addBroker } from './broker.ts';
import { addConfig } from './config.ts';
import { addDocs } from './docs.ts';
import { helpText } from './help-ca.ts';
import { addInterop } from './interop.ts';
import { addMcp } from './mcp.ts';
import { type Language, languageOf, localize } from './messages.ts';
import { addProvider } from './provider.ts';
import { addRunpack } from './runpack.ts';
import { addSchema } from './schema.ts';
import { addServe } from './serve.ts';
import { addStore } from './store.ts';

const WRONG_USAGE = 2;

const words = process.argv.slice(2);
const program = new Command('decision-gate')
  .description(
    helpText('A decision gate for scenarios: stages, gates and evidence, over JSON-RPC.'),
  )
  .version(`decision-gate ${VERSION}`, '-V, --version')
  .option('--lang <language>', helpText('language of help and messages: en or ca'))
  .showHelpAfterError()
  .showSuggestionAfterError()
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : WRONG_USAGE);
  });
addServe(program);
addConfig(program);
addAuthoring(program);
addProvider(program);
addStore(program);
addRunpack(program);
addMcp(program);
addSchema(program);
addDocs(program);
addInterop(program);
addBroker(program);
program.commands.forEach(inherit);
localize(program, spokenLanguage());

try {
  const { operands, unknown } = program.parseOptions(words);
  if (operands.length + unknown.length === 0) program.outputHelp();
  else await program.parseAsync();
} catch (error) {
  process.stderr.write(
    `decision-gate: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = 1;
}

function spokenLanguage(): Language {
  try {
    return languageOf(words, process.env);
  } catch (error) {
    return program.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Sub-commands answer wrong usage as the program does. */
function inherit(command: Command): void {
  command.copyInheritedSettings(program);
  command.commands.forEach(inherit);
}
