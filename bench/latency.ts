// Latency at a fixed rate: calls arrive at their times whether or not earlier ones are answered, and each is measured
// from the time at which it was due. All kinds of call are interleaved in one run, so what disturbs the machine
// disturbs all of them.
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const args = process.argv.slice(2);
const option = (name: string, fallback: number): number => {
  const at = args.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(args[at + 1]);
};
const PER_SECOND = option('rate', 100);
const SECONDS = option('seconds', 30);
const KEY = `decide_test_${'b'.repeat(43)}`;

const context = {
  workflow: 'billing_discount_gate',
  customer_id: 'cus_northwind_1042',
  invoice_or_subscription_id: 'sub_1042',
  requested_action: 'apply_discount',
  discount_percent: 15,
  margin_floor: 'passed',
  owner_rule: 'verified',
  target_system: 'billing',
  mutation: 'discount.create',
};
const question = 'Approve annual-plan discount exception before billing update?';

interface Kind {
  readonly name: string;
  readonly path: string;
  readonly body: unknown;
}

const KINDS: readonly Kind[] = [
  { name: 'echo', path: '/bench/echo', body: { question, context } },
  { name: 'decide, yes', path: '/api/decide', body: { question, context } },
  {
    name: 'decide, review with its item',
    path: '/api/decide',
    body: { question, context: { ...context, margin_floor: undefined } },
  },
  {
    name: 'decide, personal field kept as a commitment',
    path: '/api/decide',
    body: { question, context: { ...context, contact_email: 'ada@example.test' } },
  },
  {
    name: 'decide by a rulebook',
    path: '/api/decide',
    body: {
      mode: 'rulebook',
      rulebook: {
        schema_version: 'rulebook_v1',
        rulebook_id: 'bench_rules',
        version: '1.0.0',
        rules: [
          {
            rule_id: 'small',
            priority: 10,
            condition: { field: 'amount', operator: 'lte', value: 100 },
            outcome: {
              decision: 'yes',
              verdict: 'APPROVE',
              action: 'approve',
              reason_code: 'SMALL_AMOUNT',
            },
          },
        ],
        default_outcome: {
          decision: 'review',
          verdict: 'REVIEW',
          action: 'ask_owner',
          reason_code: 'DEFAULT_REVIEW',
        },
      },
      context: { source_record_id: 'deal_1', inputs: { amount: 50 } },
    },
  },
];

const folder = mkdtempSync(join(tmpdir(), 'countersign-latency-'));
const answerFile = join(folder, 'answer.json');
writeFileSync(answerFile, '{}');
const child = spawn(
  process.execPath,
  [
    '--max-semi-space-size=8',
    '--no-warnings',
    '--experimental-strip-types',
    fileURLToPath(new URL('./server.ts', import.meta.url)),
    answerFile,
  ],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      COUNTERSIGN_PORT: '0',
      COUNTERSIGN_DATA: join(folder, 'data'),
      COUNTERSIGN_DEV_API_KEY: KEY,
      COUNTERSIGN_RATE_LIMITS: 'off',
      COUNTERSIGN_LOG_LEVEL: 'warn',
    },
  },
);
const url = await new Promise<string>((resolve, reject) => {
  child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
  child.once('exit', () => reject(new Error('the server did not start')));
});

let calls = 0;
async function call({ name, path, body }: Kind): Promise<void> {
  calls += 1;
  const response = await fetch(url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-api-key': KEY,
      'x-idempotency-key': `latency_${calls}`,
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${name}: ${response.status} ${text}`);
}

/** Calls of all kinds, in turn, each due at its time. */
async function run(seconds: number): Promise<Map<string, number[]>> {
  const took = new Map<string, number[]>(KINDS.map(({ name }) => [name, []]));
  const started = performance.now();
  const running: Promise<void>[] = [];
  for (let n = 0; n < seconds * PER_SECOND; n += 1) {
    const due = started + (n * 1000) / PER_SECOND;
    const wait = due - performance.now();
    if (wait > 0) await new Promise((later) => setTimeout(later, wait));
    const kind = KINDS[n % KINDS.length];
    if (kind === undefined) continue;
    running.push(call(kind).then(() => void took.get(kind.name)?.push(performance.now() - due)));
  }
  await Promise.all(running);
  return took;
}

const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ??
  Number.NaN;

try {
  await run(3);
  const took = await run(SECONDS);
  const base = took.get('decide, yes') ?? [];
  console.log(`\n${PER_SECOND} calls a second for ${SECONDS} s, all kinds in turn\n`);
  console.log('| call | p50 ms | p95 ms | p99 ms | p50 ÷ simple decide | p95 ÷ simple decide |');
  console.log('|---|---|---|---|---|---|');
  for (const [name, values] of took) {
    const at = (q: number): string => quantile(values, q).toFixed(2);
    const ratio = (q: number): string => (quantile(values, q) / quantile(base, q)).toFixed(2);
    console.log(
      `| ${name} | ${at(0.5)} | ${at(0.95)} | ${at(0.99)} | ${ratio(0.5)} | ${ratio(0.95)} |`,
    );
  }
} finally {
  child.kill('SIGTERM');
  await new Promise((done) => child.once('exit', done));
}
