import { writeFileSync } from 'node:fs';
import type { ToolName } from '@countersign/contract';
import { isObject, type Json, type JsonObject, member, scenario } from '@countersign/policy';
import { Verbatim } from '@countersign/proof';
import { canonical } from '@countersign/server';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { callTool, type RpcClient, RpcFailure } from './client.ts';
import { type ClientOptions, withClient, withServer } from './client-flags.ts';
import { helpText } from './help-ca.ts';
import { type JsonSource, jsonOf, readJsonSource } from './input.ts';
import { messagesIn } from './messages.ts';
import type { Messages } from './messages-en.ts';

interface InteropOptions extends ClientOptions {
  readonly spec: string;
  readonly runConfig: string;
  readonly trigger: string;
  readonly startedAtUnixMs?: scenario.Int;
  readonly startedAtLogical?: scenario.Int;
  readonly statusRequestedAtUnixMs?: scenario.Int;
  readonly statusRequestedAtLogical?: scenario.Int;
  readonly issueEntryPackets?: boolean;
  readonly expectStatus?: scenario.RunStatus;
  readonly output?: string;
}

/** One scenario through a server, whoever made the server. */
export function addInterop(program: Command): void {
  const interop = program
    .command('interop')
    .description(helpText('Exercise a running server, whoever made it'));

  withClient(
    interop
      .command('eval')
      .description(
        helpText('Define a scenario, start a run, trigger it and report what came of it'),
      ),
  )
    .requiredOption('--spec <file>', helpText('the scenario'))
    .requiredOption('--run-config <file>', helpText('the run'))
    .requiredOption('--trigger <file>', helpText('the trigger'))
    .addOption(instant('--started-at-unix-ms <n>', 'startedAtLogical'))
    .addOption(instant('--started-at-logical <n>', 'startedAtUnixMs'))
    .addOption(instant('--status-requested-at-unix-ms <n>', 'statusRequestedAtLogical'))
    .addOption(instant('--status-requested-at-logical <n>', 'statusRequestedAtUnixMs'))
    .option('--issue-entry-packets', helpText('let the first stage disclose its packets'))
    .addOption(
      new Option(
        '--expect-status <status>',
        helpText('status that the run must have at the end'),
      ).choices(['active', 'completed', 'failed']),
    )
    .option('--output <file>', helpText('file for the report; standard output without it'))
    .action((options: InteropOptions) => evaluate(options, messagesIn(program)));
}

function instant(flags: string, other: string): Option {
  return new Option(flags, helpText('instant; that of the trigger without it'))
    .argParser(integer)
    .conflicts(other);
}

function integer(text: string): scenario.Int {
  const value = /^-?\d+$/.test(text) ? scenario.readScenarioNumber(text) : undefined;
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  throw new InvalidArgumentError('expected an integer of 64 bits');
}

async function evaluate(options: InteropOptions, say: Messages): Promise<void> {
  const spec = readJsonSource({ input: options.spec }, say);
  const runConfig = readJsonSource({ input: options.runConfig }, say);
  const trigger = readJsonSource({ input: options.trigger }, say);
  const time = textOf(trigger, 'time', options.trigger, say);
  const startedAt = timeOf(options.startedAtUnixMs, options.startedAtLogical) ?? time;
  const askedAt = timeOf(options.statusRequestedAtUnixMs, options.statusRequestedAtLogical) ?? time;
  const scenarioId = textOf(spec, 'scenario_id', options.spec, say);
  const scope = ['tenant_id', 'namespace_id', 'run_id'].map(
    (name) => [name, textOf(runConfig, name, options.runConfig, say)] as const,
  );

  const transcript: Json[] = [];
  const results = await withServer(options, say, async (client) => {
    const call = recordingCalls(client, transcript, say);
    const defined = await call('scenario_define', { spec: new Verbatim(spec.text) });
    await call('scenario_start', {
      scenario_id: scenarioId,
      run_config: new Verbatim(runConfig.text),
      started_at: startedAt,
      issue_entry_packets: options.issueEntryPackets === true,
    });
    const triggerResult = await call('scenario_trigger', {
      scenario_id: scenarioId,
      trigger: new Verbatim(trigger.text),
    });
    const request = { ...Object.fromEntries(scope), requested_at: askedAt };
    const status = await call('scenario_status', { scenario_id: scenarioId, request });
    return { defined, triggerResult, status };
  });

  const { defined, triggerResult, status } = results;
  const report = canonical({
    spec: spec.value,
    spec_hash: membersOf(defined)['spec_hash'],
    run_config: runConfig.value,
    started_at: startedAt,
    trigger: trigger.value,
    status_requested_at: askedAt,
    trigger_result: triggerResult,
    status,
    transcript,
  });
  if (options.output === undefined) process.stdout.write(`${report}\n`);
  else writeFileSync(options.output, report);
  const { expectStatus } = options;
  const reached = membersOf(status)['status'];
  if (expectStatus === undefined || reached === expectStatus) return;
  process.stderr.write(
    `${say.statusDiffers(expectStatus, typeof reached === 'string' ? reached : '?')}\n`,
  );
  process.exitCode = 1;
}

type Call = (tool: ToolName, args: Readonly<Record<string, unknown>>) => Promise<Json>;

/** Calls tools in order and keeps what was asked and answered. A refusal ends the evaluation. */
function recordingCalls(client: RpcClient, transcript: Json[], say: Messages): Call {
  return async (tool, args) => {
    const text = canonical(args);
    const request = jsonOf(text, tool, say);
    try {
      const response = await callTool(client, tool, text, say);
      transcript.push({ method: tool, request, response });
      return response;
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      throw new Error(say.stepRefused(tool, error.message));
    }
  };
}

function timeOf(
  unixMs: scenario.Int | undefined,
  logical: scenario.Int | undefined,
): Json | undefined {
  if (unixMs !== undefined) return { kind: 'unix_millis', value: unixMs };
  return logical === undefined ? undefined : { kind: 'logical', value: logical };
}

function membersOf(value: Json): JsonObject {
  return isObject(value) ? value : {};
}

/** A member that the evaluation itself needs. */
function textOf({ value }: JsonSource, name: string, file: string, say: Messages): Json {
  const found = member(membersOf(value), name);
  if (found === undefined) throw new Error(say.memberMissing(file, name));
  return found;
}
