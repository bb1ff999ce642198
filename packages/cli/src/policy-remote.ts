import { createDecideClient, type DecideClient, DecideError } from '@countersign/client';
import { type Command, Option } from 'commander';
import { type Output, readOrExit } from './policy-output.ts';

interface RemoteOptions {
  readonly url: string;
  readonly key?: string;
}

/** A preview reads thousands of decisions. */
const TIMEOUT_MS = 120_000;

/** What the words of an acknowledgement are; only who has read them types the option. */
const ACKNOWLEDGED = 'more decisions will be yes';

/** The commands that talk to a gate. */
export function addRemote(policy: Command, output: (json: boolean | undefined) => Output): void {
  withGate(policy.command('push').description('Register a file as an immutable version'))
    .argument('<file>', 'the policy, JSON or YAML')
    .action(async (file: string, options: RemoteOptions & { json?: boolean }) => {
      const out = output(options.json);
      const document = readOrExit(file, out);
      if (document === undefined) return;
      const { policyId: id, version } = document;
      const answer = await asked(() =>
        clientOf(options).registerPolicy({ id, version }, document.source),
      );
      out.show(answer, () => [
        `${out.good('registered')} ${id} ${version}`,
        `  policy_hash         ${String(answer['policy_hash'])}`,
        `  policy_bundle_hash  ${String(answer['policy_bundle_hash'])}`,
        `Next: countersign policy preview ${id} ${version}`,
      ]);
    });

  withGate(
    policy
      .command('preview')
      .description('Count what a version would have answered to the last days’ requests'),
  )
    .argument('<policy_id>')
    .argument('[version]', 'a registered version')
    .option('--file <file>', 'a policy that is not registered yet, instead of a version')
    .option('--days <n>', 'how far to look back', Number)
    .action(
      async (
        policyId: string,
        version: string | undefined,
        options: RemoteOptions & { json?: boolean; file?: string; days?: number },
      ) => {
        const out = output(options.json);
        if ((version === undefined) === (options.file === undefined)) {
          throw new Error('name either a registered version or a file with --file');
        }
        const document = options.file === undefined ? undefined : readOrExit(options.file, out);
        if (options.file !== undefined && document === undefined) return;
        const answer = await asked(() =>
          clientOf(options).previewPolicy(policyId, {
            ...(version === undefined ? {} : { version }),
            ...(document === undefined ? {} : { document: document.source }),
            ...(options.days === undefined ? {} : { days: options.days }),
          }),
        );
        out.show(answer, () => previewLines(answer));
      },
    );

  withGate(policy.command('activate').description('Put a registered version in force'))
    .argument('<policy_id>')
    .argument('<version>')
    .requiredOption('--expected <version>', 'the version that is active now, or `none`')
    .requiredOption('--approved-by <who>', 'who answers for it; not its author')
    .option('--acknowledge-shift', `type it when the preview says: ${ACKNOWLEDGED}`)
    .option('--not-before <instant>', 'earlier, everything is a review')
    .option('--not-after <instant>', 'later, everything is a review')
    .action(
      async (
        policyId: string,
        version: string,
        options: RemoteOptions & {
          json?: boolean;
          expected: string;
          approvedBy: string;
          acknowledgeShift?: boolean;
          notBefore?: string;
          notAfter?: string;
        },
      ) => {
        const out = output(options.json);
        const body: Parameters<DecideClient['activatePolicy']>[1] = {
          version,
          expected_active: options.expected === 'none' ? null : options.expected,
          approved_by: options.approvedBy,
          ...(options.acknowledgeShift === true ? { acknowledge_shift: ACKNOWLEDGED } : {}),
          ...(options.notBefore === undefined ? {} : { not_before: options.notBefore }),
          ...(options.notAfter === undefined ? {} : { not_after: options.notAfter }),
        };
        const answer = await asked(() => clientOf(options).activatePolicy(policyId, body));
        out.show(answer, () => [
          `${out.good('active')} ${policyId} ${version}, approved by ${options.approvedBy}`,
        ]);
      },
    );

  withGate(
    policy.command('suspend').description('From now on the policy’s answers are all `review`'),
  )
    .argument('<policy_id>')
    .requiredOption('--reason <text>', 'recorded with it')
    .option('--expected <version>', 'only if this version is active')
    .option('--by <who>', 'who asks for it')
    .action(
      async (
        policyId: string,
        options: RemoteOptions & {
          json?: boolean;
          reason: string;
          expected?: string;
          by?: string;
        },
      ) => {
        const out = output(options.json);
        const answer = await asked(() =>
          clientOf(options).suspendPolicy(policyId, {
            reason: options.reason,
            ...(options.expected === undefined ? {} : { expected_active: options.expected }),
            ...(options.by === undefined ? {} : { suspended_by: options.by }),
          }),
        );
        out.show(answer, () => [
          `${out.bad('suspended')} ${policyId} ${String(answer['version'])}`,
          `Back in force: countersign policy activate ${policyId} <version> --expected none --approved-by <who>`,
        ]);
      },
    );
}

function withGate(command: Command): Command {
  return command
    .addOption(
      new Option('--url <address>', 'where the gate is')
        .env('DECIDE_API_URL')
        .default('http://127.0.0.1:4000'),
    )
    .addOption(new Option('--key <key>', 'an API key with the scope policy').env('DECIDE_API_KEY'))
    .option('--json', 'print the answer as JSON');
}

function clientOf({ url, key }: RemoteOptions): DecideClient {
  if (key === undefined || key === '') {
    throw new Error('an API key is needed: pass --key or set DECIDE_API_KEY');
  }
  return createDecideClient({ baseUrl: url, apiKey: key, timeoutMs: TIMEOUT_MS });
}

/** Asks, and turns a refusal into what it says and what to do about it. */
async function asked<Value>(call: () => Promise<Value>): Promise<Value> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof DecideError)) throw error;
    const lines = [`${error.message} (${error.code ?? error.status})`, ...detailsOf(error)];
    throw new Error(lines.join('\n'), { cause: error });
  }
}

/** What the answer of a refusal adds, and the next step. */
function detailsOf({ code, body = {} }: DecideError): readonly string[] {
  const list = (name: string): readonly Readonly<Record<string, unknown>>[] =>
    Array.isArray(body[name]) ? (body[name] as Readonly<Record<string, unknown>>[]) : [];
  const next = NEXT[code ?? ''];
  return [
    ...list('errors').map((one) => `  ${String(one['pointer'])}: ${String(one['message'])}`),
    ...list('failed_self_tests').map((one) => `  ${String(one['name'])}: ${JSON.stringify(one)}`),
    ...(code === 'DECIDE_POLICY_SHIFT_UNACKNOWLEDGED' ? previewLines(body) : []),
    ...(code === 'DECIDE_POLICY_WORKFLOW_TAKEN'
      ? [`  ${JSON.stringify(body['taken_workflows'])}`]
      : []),
    ...(code === 'DECIDE_POLICY_ACTIVATION_STALE'
      ? [
          `Next: look at what is active, then say --expected ${textOf(body['active_version']) ?? 'none'}`,
        ]
      : []),
    ...(next === undefined ? [] : [`Next: ${next}`]),
  ];
}

const NEXT: Readonly<Record<string, string>> = {
  DECIDE_API_UNAUTHORIZED: 'use a key of this gate that has the scope policy',
  DECIDE_POLICY_NOT_FOUND: 'register the version with `countersign policy push <file>`',
  DECIDE_POLICY_INVALID: 'correct the file; `countersign policy lint <file>` names lines',
  DECIDE_POLICY_SELFTEST_FAILED: 'run `countersign policy test <file>`',
  DECIDE_POLICY_VERSION_IMMUTABLE: 'give the changed document a new `version`',
  DECIDE_POLICY_APPROVAL_REQUIRED: 'let somebody else than the author approve',
  DECIDE_POLICY_SHIFT_UNACKNOWLEDGED:
    'if all of these may become yes, repeat with --acknowledge-shift',
  DECIDE_POLICY_WORKFLOW_TAKEN: 'take the workflow out of one of the two policies',
};

function previewLines(answer: Readonly<Record<string, unknown>>): readonly string[] {
  const shifts = Object.entries((answer['shifts'] ?? {}) as Readonly<Record<string, number>>);
  return [
    `${String(answer['decisions'])} decisions from ${String(answer['from'])} to ${String(answer['to'])}`,
    ...shifts
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `  ${name.replaceAll('_', ' ').padEnd(16)}${count}`),
  ];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
