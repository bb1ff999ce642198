import {
  createDecideClient,
  type DecideClient,
  type RulebookFixture,
  runDecideConformance,
  runRulebookConformance,
} from '@countersign/client';
import { isMembers } from '@countersign/proof';
import type { Command } from 'commander';
import { readJson } from './verify.ts';

interface ConformanceOptions {
  readonly url: string;
  readonly key?: string;
  readonly json?: boolean;
}

/** What a run says of one case. */
interface CaseResult {
  readonly name: string;
  readonly ok: boolean;
  readonly detail?: string | undefined;
}

export function addConformance(program: Command): void {
  program
    .command('conformance')
    .description(
      'Ask a server for decisions of its templates, and check answers, replay and packet',
    )
    .requiredOption('--url <url>', 'of the server')
    .option('--key <key>', 'API key that may decide, read and export packets')
    .option('--json', 'print the results as JSON')
    .addHelpText('after', '\nExit code: 0 all as expected, 1 not all, 2 usage or no server.')
    .action(async (options: ConformanceOptions) => {
      print(await runDecideConformance(clientOf(options)), options);
    });
  addRulebookConformance(program);
}

function addRulebookConformance(program: Command): void {
  program
    .command('rulebook-conformance')
    .description('Ask a server each rulebook fixture twice and compare the answers')
    .argument(
      '<file>',
      'fixtures: a list of {name, request, expect: {status, body}}, or - for standard input',
    )
    .requiredOption('--url <url>', 'of the server')
    .option('--key <key>', 'API key that may use rulebooks nobody registered')
    .option('--json', 'print the results as JSON')
    .addHelpText('after', '\nExit code: 0 all as expected, 1 not all, 2 usage or unreadable file.')
    .action(async (file: string, options: ConformanceOptions) => {
      const fixtures = readFixtures(file);
      const results = await runRulebookConformance(clientOf(options), fixtures);
      print(results, options);
    });
}

function clientOf({ url, key }: ConformanceOptions): DecideClient {
  return createDecideClient({ baseUrl: url, ...(key === undefined ? {} : { apiKey: key }) });
}

function print(results: readonly CaseResult[], { json }: ConformanceOptions): void {
  const passed = results.filter(({ ok }) => ok).length;
  const lines = results.map(
    ({ name, ok, detail }) =>
      `${ok ? 'ok  ' : 'FAIL'} ${name}${detail === undefined ? '' : `: ${detail}`}`,
  );
  const whole = { ok: passed === results.length, passed, total: results.length, results };
  const text = [...lines, `${passed} of ${results.length}`].join('\n');
  process.stdout.write(`${json === true ? JSON.stringify(whole, undefined, 2) : text}\n`);
  process.exitCode = whole.ok ? 0 : 1;
}

function readFixtures(file: string): readonly RulebookFixture[] {
  const json = readJson(file);
  const list = isMembers(json) ? json['fixtures'] : json;
  if (!Array.isArray(list) || list.length === 0 || !list.every(isFixture)) {
    throw new Error(`${file} holds no fixtures`);
  }
  return list;
}

function isFixture(value: unknown): value is RulebookFixture {
  if (!isMembers(value) || typeof value['name'] !== 'string' || !isMembers(value['request'])) {
    return false;
  }
  const { expect } = value;
  return isMembers(expect) && typeof expect['status'] === 'number' && isMembers(expect['body']);
}
