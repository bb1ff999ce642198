import {
  assess,
  isObject,
  type Json,
  type JsonObject,
  readInstant,
  runSelfTests,
  why,
} from '@countersign/policy';
import { registered } from '@countersign/server';
import type { Command } from 'commander';
import { diffPolicies, type MemberDiff } from './policy-diff.ts';
import { findingText, readPolicyFile } from './policy-file.ts';
import { type Output, outputTo, readOrExit, table } from './policy-output.ts';
import { addRemote } from './policy-remote.ts';
import { readJson } from './verify.ts';

const EXIT = '\nExit code: 0 sound, 1 not, 2 usage or unreadable file.';

export function addPolicy(program: Command): void {
  const policy = program
    .command('policy')
    .description('Write, test, compare and put in force policies (JSON or YAML)');

  policy
    .command('test')
    .description('Run the self-tests of policy files')
    .argument('<file...>')
    .option('--case <name>', 'only this self-test')
    .option('--json', 'print the results as JSON')
    .addHelpText('after', EXIT)
    .action((files: string[], options: { case?: string; json?: boolean }) =>
      test(files, options.case, outputTo(options.json)),
    );

  policy
    .command('lint')
    .description('Name all faults and warnings with their lines')
    .argument('<file...>')
    .option('--strict', 'let warnings count as faults')
    .option('--json', 'print the findings as JSON')
    .addHelpText('after', EXIT)
    .action((files: string[], { strict, json }: { strict?: boolean; json?: boolean }) => {
      const findings = files.flatMap((file) => readPolicyFile(file).findings);
      const counted = findings.filter(({ severity }) => strict === true || severity === 'fault');
      if (counted.length > 0) process.exitCode = 1;
      outputTo(json).show({ ok: counted.length === 0, findings }, () =>
        findings.length === 0 ? [`${files.length} sound`] : findings.map(findingText),
      );
    });

  policy
    .command('hash')
    .description('Print the hashes that records of this version commit to')
    .argument('<file>')
    .option('--json', 'print the hashes as JSON')
    .action((file: string, { json }: { json?: boolean }) => {
      const out = outputTo(json);
      const document = readOrExit(file, out);
      if (document === undefined) return;
      const { policyHash, bundle } = registered(document);
      const hashes = { policy_hash: policyHash, policy_bundle_hash: bundle.hash };
      out.show({ policy_id: document.policyId, version: document.version, ...hashes }, () =>
        table(Object.entries(hashes)),
      );
    });

  policy
    .command('diff')
    .description('Say how two versions differ, and which cases they answer differently')
    .argument('<before>')
    .argument('<after>')
    .option('--json', 'print the differences as JSON')
    .action((before: string, after: string, { json }: { json?: boolean }) =>
      diff(before, after, outputTo(json)),
    );

  policy
    .command('explain')
    .description('Judge one context, and say why the answer is what it is')
    .argument('<file>')
    .requiredOption('--context <file>', 'a context, or a whole decide request (JSON)')
    .option('--at <instant>', 'the time to judge at; now without it')
    .option('--json', 'print the judgement as JSON')
    .action((file: string, options: { context: string; at?: string; json?: boolean }) =>
      explain(file, options, outputTo(options.json)),
    );

  addRemote(policy, outputTo);
}

function test(files: readonly string[], only: string | undefined, out: Output): void {
  let found = 0;
  const results = files.map((file) => {
    const { document, findings } = readPolicyFile(file);
    const tests = document === undefined ? [] : runSelfTests(document);
    const chosen = tests.filter(({ name }) => only === undefined || name === only);
    found += chosen.length;
    return { file, findings: document === undefined ? findings : [], tests: chosen };
  });
  const faulty = results.some(({ findings }) => findings.length > 0);
  if (only !== undefined && found === 0 && !faulty) {
    throw new Error(`no self-test is named ${only}; run without --case to see the names`);
  }
  const ok = !faulty && results.every(({ tests }) => tests.every(({ passed }) => passed));
  if (!ok) process.exitCode = 1;
  out.show({ ok, files: results }, () =>
    results.flatMap(({ file, findings, tests }) => [
      file,
      ...findings.map(findingText),
      ...table([
        ...(tests.length === 0 ? [] : [['', 'case', 'expected', 'actual', 'evidence']]),
        ...tests.map(({ name, passed, expected, actual }) => [
          passed ? 'pass' : 'FAIL',
          name,
          expected.verdict,
          actual.verdict,
          evidenceCell(actual.evidence, passed ? undefined : expected.evidence),
        ]),
      ]).map((line) => {
        if (line.startsWith('pass')) return `  ${out.good('pass')}${line.slice(4)}`;
        return line.startsWith('FAIL') ? `  ${out.bad('FAIL')}${line.slice(4)}` : `  ${line}`;
      }),
    ]),
  );
}

function evidenceCell(actual: readonly string[], expected: readonly string[] | undefined): string {
  const said = actual.join(' ');
  return expected === undefined || expected.join(' ') === said
    ? said
    : `${said} (expected ${expected.join(' ')})`;
}

function diff(before: string, after: string, out: Output): void {
  const one = readOrExit(before, out);
  const other = one === undefined ? undefined : readOrExit(after, out);
  if (one === undefined || other === undefined) return;
  const found = diffPolicies(one, other);
  const { conditions, requirement, members, answers } = found;
  const change = ({ path, before: from, after: to }: MemberDiff): string =>
    `  ${path}: ${valueText(from)} → ${valueText(to)}`;
  out.show(found, () => {
    const lines = [
      ...conditions.flatMap((condition) => [
        `condition ${condition.name}: ${condition.change}`,
        ...condition.members.map(change),
      ]),
      ...(requirement === undefined
        ? []
        : ['requirement:', `  ${out.bad(requirement.before)}`, `  ${out.good(requirement.after)}`]),
      ...(members.length === 0 ? [] : ['members:', ...members.map(change)]),
      ...(answers.length === 0 ? [] : ['answers:']),
      ...answers.map(
        (one) =>
          `  ${one.test}: ${one.before.verdict} [${one.before.evidence.join(' ')}] → ` +
          `${one.after.verdict} [${one.after.evidence.join(' ')}]`,
      ),
    ];
    return lines.length === 0 ? ['no difference'] : lines;
  });
}

function valueText(value: Json | undefined): string {
  return value === undefined ? '–' : JSON.stringify(value);
}

function explain(
  file: string,
  options: { readonly context: string; readonly at?: string },
  out: Output,
): void {
  const document = readOrExit(file, out);
  if (document === undefined) return;
  const at = options.at === undefined ? Date.now() : readInstant(options.at);
  if (at === undefined) throw new Error('--at is an RFC 3339 date-time');
  const context = contextOf(readJson(options.context), options.context);
  const judged = assess(document, { context, at, standing: 'active' });
  const { verdict, action, evidence, checks, trace } = judged;
  const needed = why(document, trace);
  const sets = verdict === 'yes' ? [] : needed.sets;
  out.show({ verdict, action, evidence, checks, why: { ...needed, sets } }, () => [
    `${verdict === 'yes' ? out.good(verdict) : out.bad(verdict)}: ${action}`,
    ...table(
      checks.map(({ name, state, code, fields, note }) => [
        `  ${state}`,
        name,
        code,
        fields.join(' '),
        note ?? '',
      ]),
    ),
    ...(verdict === 'yes'
      ? []
      : [sets.length === 0 ? 'Nothing would make it a yes.' : 'It would be a yes if']),
    ...sets.map(
      (set) =>
        `  ${set.map(({ name, from, to, by }) => `${name} were ${to}, not ${from} (${by})`).join(' and ')}`,
    ),
  ]);
}

/** A context as it stands, or the one inside a decide request. */
function contextOf(value: unknown, file: string): JsonObject {
  const json = value as Json;
  if (!isObject(json)) throw new Error(`${file} holds no JSON object`);
  const inner = json['context'];
  return isObject(inner) && 'question' in json ? inner : json;
}
