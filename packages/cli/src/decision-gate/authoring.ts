import { writeFileSync } from 'node:fs';
import { extname } from 'node:path';
import { closedScenarioSchema } from '@countersign/contract';
import { type Json, scenario } from '@countersign/policy';
import { sha256Hex } from '@countersign/proof';
import { canonical } from '@countersign/server';
import { type Command, Option } from 'commander';
import { helpText } from './help-ca.ts';
import { INPUT_BYTES_MAX, jsonOf, placeIn, readText } from './input.ts';
import { lintScenario } from './lint.ts';
import { messagesIn } from './messages.ts';
import type { Messages } from './messages-en.ts';
import { parseRon } from './ron.ts';
import { schemaFault } from './schema-fault.ts';

/** Deepest nesting of a scenario that somebody writes. */
const AUTHORED_DEPTH_MAX = 64;

const FORMATS = ['json', 'ron'] as const;

interface AuthoringOptions {
  readonly input: string;
  readonly format?: (typeof FORMATS)[number];
}

/** Commands for those who write scenarios. No provider is asked: what contracts allow is checked where it is defined. */
export function addAuthoring(program: Command): void {
  const authoring = program
    .command('authoring')
    .description(helpText('Check and normalize scenarios before a server sees them'));

  withInput(
    authoring.command('validate').description(helpText('Say whether a scenario is sound')),
  ).action((options: AuthoringOptions) => {
    const say = messagesIn(program);
    const { summary } = readScenario(options, say);
    process.stdout.write(`${summary}\n`);
  });

  withInput(
    authoring
      .command('normalize')
      .description(helpText('Write the canonical text of a scenario, which its hash is taken of')),
  )
    .option('--output <file>', helpText('file to write; standard output without it'))
    .action((options: AuthoringOptions & { readonly output?: string }) => {
      const { text, summary } = readScenario(options, messagesIn(program));
      if (options.output === undefined) {
        // Without a line end: what is piped on has the hash that the summary names.
        process.stdout.write(text);
        process.stderr.write(`${summary}\n`);
        return;
      }
      writeFileSync(options.output, text);
      process.stdout.write(`${summary}\n`);
    });
}

function withInput(command: Command): Command {
  return command
    .requiredOption('--input <file>', helpText('the scenario, or - for standard input'))
    .addOption(
      new Option(
        '--format <name>',
        helpText('how it is written; by its extension without this'),
      ).choices(FORMATS),
    );
}

interface AuthoredScenario {
  /** Canonical. */
  readonly text: string;
  readonly summary: string;
}

/** Reads, checks and canonicalizes; warnings go to stderr. Throws with the first fault. */
function readScenario({ input, format }: AuthoringOptions, say: Messages): AuthoredScenario {
  const source = readText(input, INPUT_BYTES_MAX, say);
  const ron = (format ?? extname(input).slice(1).toLowerCase()) === 'ron';
  const json = ron ? ronOf(source, input, say) : jsonOf(source, input, say, AUTHORED_DEPTH_MAX);
  const misfit = schemaFault(closedScenarioSchema, json);
  if (misfit !== undefined) throw new Error(say.scenarioMisfit(input, misfit));
  const decoded = scenario.scenarioSpec(json);
  if (!decoded.ok) {
    throw new Error(say.scenarioMisfit(input, `${decoded.pointer} ${decoded.text}`.trim()));
  }
  const spec = decoded.value;
  const unsound = scenario.structuralFault(spec);
  if (unsound !== undefined) throw new Error(say.scenarioUnsound(unsound));
  for (const { pointer, code, subject } of lintScenario(spec)) {
    process.stderr.write(`${say.warning}: ${say.lint[code](subject)} (${code}) ${pointer}\n`);
  }
  const text = canonical(spec);
  return { text, summary: say.scenarioValid(spec.scenario_id, sha256Hex(text)) };
}

function ronOf(source: string, name: string, say: Messages): Json {
  const parsed = parseRon(source, AUTHORED_DEPTH_MAX);
  if (parsed.ok) return parsed.value;
  const { message, offset } = parsed.fault;
  throw new Error(say.inputNotRon(name, placeIn(source, offset), message));
}
