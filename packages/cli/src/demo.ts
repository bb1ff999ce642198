import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '@countersign/proof';
import { parseRegistry, summarize, verifyFile } from '@countersign/verify';
import type { Command } from 'commander';
import pc from 'picocolors';
import { withData } from './keys.ts';
import { DEV_KEY_FILE } from './serve.ts';
import { readJson } from './verify.ts';

interface DemoOptions {
  readonly data: string;
  readonly url: string;
  readonly key?: string;
}

type Members = Readonly<Record<string, unknown>>;

export function addDemo(program: Command): void {
  withData(
    program
      .command('demo')
      .description(
        'The life of one billing discount against the running server, to the offline proof',
      ),
  )
    .option('--url <url>', 'the running server', 'http://127.0.0.1:4000')
    .option(
      '--key <key>',
      'API key (default: COUNTERSIGN_DEV_API_KEY, else the one in the data directory)',
    )
    .action(demo);
}

async function demo(options: DemoOptions): Promise<void> {
  const call = caller(options.url, keyOf(options));
  const attempt = `demo_${Date.now().toString(36)}`;
  const customer = `cus_northwind_${attempt}`;
  const subscription = `sub_${attempt}`;

  step(1, 'Ask before the state change', 'POST /api/decide');
  const record = await call('POST', '/api/decide', `${attempt}_decision`, {
    question: 'Approve annual-plan discount exception before billing update?',
    mode: 'single',
    context: {
      workflow: 'billing_discount_gate',
      customer_id: customer,
      invoice_or_subscription_id: subscription,
      requested_action: 'apply_discount',
      discount_percent: 15,
      margin_floor: 'passed',
      owner_rule: 'verified',
      target_system: 'billing',
      mutation: 'discount.create',
    },
  });
  show(record, [
    'verdict',
    'action',
    'evidence',
    'decision_id',
    'policy_id',
    'policy_version',
    'valid_until',
    'record_hash',
    'receipt_hash',
    'verify_url',
  ]);
  const proof = member(record, 'ledger_proof');
  field(
    'proof',
    `entry ${text(member(record, 'ledger'), 'seq')} of ${text(proof, 'tree_size')}, signed:`,
  );
  for (const line of text(proof, 'checkpoint').trimEnd().split('\n')) {
    process.stdout.write(`      ${pc.dim(line)}\n`);
  }

  step(2, 'Do it, and report what was done', 'POST …/execution');
  const before = { subscription, discount_percent: 0 };
  const after = { subscription, discount_percent: 15 };
  const id = text(record, 'decision_id');
  const links = {
    decision_record_hash: text(record, 'record_hash'),
    decision_receipt_hash: text(record, 'receipt_hash'),
  };
  const execution = member(
    await call('POST', `/api/decision/${id}/execution`, `${attempt}_execution`, {
      ...links,
      execution_status: 'executed',
      action_taken: 'apply_discount',
      target_system: 'billing',
      target_object_id: subscription,
      mutation: 'discount.create',
      parameters: { discount_percent: 15 },
      executor: { type: 'service', id: 'demo-billing-worker' },
      state_before_hash: `sha256:${sha256Hex(JSON.stringify(before))}`,
      state_after_hash: `sha256:${sha256Hex(JSON.stringify(after))}`,
    }),
    'execution',
  );
  show(execution, [
    'execution_status',
    'action_binding_match',
    'execution_receipt_id',
    'execution_hash',
  ]);

  step(3, 'Report what came of it', 'POST …/outcome');
  const outcome = member(
    await call('POST', `/api/decision/${id}/outcome`, `${attempt}_outcome`, {
      ...links,
      outcome_status: 'succeeded',
      action_taken: 'apply_discount',
      target_system: 'billing',
      observed_metrics: { margin_after_discount: 0.182 },
    }),
    'outcome',
  );
  show(outcome, ['outcome_status', 'action_executed', 'outcome_id', 'outcome_hash']);

  step(4, 'Replay: the stored policy on the stored input', `GET ${text(record, 'replay_url')}`);
  const replayed = await call('GET', text(record, 'replay_url'));
  show(replayed, ['reproduced', 'summary', 'replay_output_hash']);

  step(5, 'Export for a reviewer', 'GET …/packet and GET …/receipt-keys');
  const packet = await call('GET', `/api/decision/${id}/packet?include_input=true`);
  const registry = await call('GET', '/api/decision/receipt-keys');
  const folder = join(options.data, 'demo');
  mkdirSync(folder, { recursive: true });
  const packetFile = join(folder, `${id}.packet.json`);
  const registryFile = join(folder, 'receipt-keys.json');
  writeFileSync(packetFile, `${JSON.stringify(packet, undefined, 2)}\n`);
  writeFileSync(registryFile, `${JSON.stringify(registry, undefined, 2)}\n`);
  field('packet', packetFile);
  field('keys', registryFile);

  step(6, 'Verify offline', 'no server, no network, nothing but the two files');
  process.stdout.write(
    pc.dim(
      `    countersign verify-packet ${packetFile} --key-registry ${registryFile} --replay\n\n`,
    ),
  );
  const keys = parseRegistry(readJson(registryFile));
  if (!keys.ok) throw new Error('the server published a key registry that is not valid');
  const verified = verifyFile(readFileSync(packetFile), {
    trust: { registry: keys.value },
    replay: true,
  });
  process.stdout.write(`${summarize(verified.result).replace(/^/gm, '    ')}\n\n`);
  process.stdout.write(
    verified.exit === 0 ? pc.green(pc.bold('verified\n')) : pc.red(pc.bold('not verified\n')),
  );
  process.exitCode = verified.exit;
}

function keyOf(options: DemoOptions): string {
  const fixed = options.key ?? process.env['COUNTERSIGN_DEV_API_KEY'];
  if (fixed !== undefined) return fixed;
  const file = join(options.data, DEV_KEY_FILE);
  if (!existsSync(file)) {
    throw new Error(
      `no API key: start the server with \`npm start\`, or pass --key (looked in ${file})`,
    );
  }
  return readFileSync(file, 'utf8').trim();
}

function caller(url: string, key: string) {
  return async (
    method: string,
    path: string,
    idempotencyKey?: string,
    body?: unknown,
  ): Promise<Members> => {
    const response = await fetch(new URL(path, url), {
      method,
      headers: {
        'x-api-key': key,
        'content-type': 'application/json',
        ...(idempotencyKey === undefined ? {} : { 'x-idempotency-key': idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch(() => {
      throw new Error(`nobody answers at ${url}: start the server with \`npm start\``);
    });
    const answer = (await response.json()) as Members;
    if (!response.ok) {
      throw new Error(
        `${method} ${path}: ${response.status} ${text(answer, 'error')}: ${text(answer, 'message')}`,
      );
    }
    return answer;
  };
}

function step(number: number, title: string, how: string): void {
  process.stdout.write(`\n${pc.bold(`${number}. ${title}`)}  ${pc.dim(how)}\n`);
}

function field(name: string, value: string): void {
  process.stdout.write(`    ${pc.dim(name.padEnd(22))}${value}\n`);
}

function show(members: Members, names: readonly string[]): void {
  for (const name of names) {
    const value = text(members, name);
    field(name, name === 'verdict' ? pc.green(pc.bold(value)) : value);
  }
}

function member(members: Members, name: string): Members {
  return (members[name] ?? {}) as Members;
}

function text(members: Members, name: string): string {
  const value = members[name];
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
