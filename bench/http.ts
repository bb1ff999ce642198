// Durable decide over HTTP against the same server's bare echo and its parse-validate-answer route. All three are
// measured in turn within each round, so what disturbs the machine disturbs all of them; only ratios are reported as
// results. Needs wrk (Debian package `wrk`).
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const args = process.argv.slice(2);
const option = (name: string, fallback: number): number => {
  const at = args.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(args[at + 1]);
};
const ROUNDS = option('rounds', 5);
const SECONDS = option('seconds', 3);
const KEY = `decide_test_${'b'.repeat(43)}`;
const ROUTES = ['/bench/echo', '/bench/answer', '/api/decide'] as const;
type Route = (typeof ROUTES)[number];

const BODY = JSON.stringify({
  question: 'Approve annual-plan discount exception before billing update?',
  mode: 'single',
  context: {
    workflow: 'billing_discount_gate',
    customer_id: 'cus_northwind_1042',
    invoice_or_subscription_id: 'sub_1042',
    requested_action: 'apply_discount',
    discount_percent: 15,
    margin_floor: 'passed',
    owner_rule: 'verified',
    target_system: 'billing',
    mutation: 'discount.create',
    plan: 'annual',
    segment: 'mid_market',
  },
});

interface Sample {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
const script = join(folder, 'post.lua');
const answerFile = join(folder, 'answer.json');

/** Each request of a run has its own idempotency key, as a careful caller's would. */
writeFileSync(
  script,
  `local thread = tostring(math.random(1, 1000000000)) .. tostring(os.time())
local n = 0
local body = ${JSON.stringify(BODY)}
request = function()
  n = n + 1
  return wrk.format("POST", nil, {
    ["content-type"] = "application/json",
    ["x-api-key"] = "${KEY}",
    ["x-idempotency-key"] = "bench_" .. thread .. "_" .. n
  }, body)
end
init = function(args) math.randomseed(tonumber(args[1])) thread = args[1] end
`,
);

function wrk(url: string, connections: number): Sample {
  const seed = String(Date.now() * 1000 + Math.floor(Math.random() * 1000));
  const out = execFileSync(
    'wrk',
    [
      '-t1',
      `-c${connections}`,
      `-d${SECONDS}s`,
      '--latency',
      '--timeout',
      '20s',
      '-s',
      script,
      url,
      '--',
      seed,
    ],
    { encoding: 'utf8' },
  );
  if (/Non-2xx|Socket errors/.test(out))
    throw new Error(`${url}: not every answer was 200\n${out}`);
  const ms = (percent: number): number => {
    const found = new RegExp(`\\s${percent}%\\s+([\\d.]+)(us|ms|s)`).exec(out);
    const unit = { us: 0.001, ms: 1, s: 1000 }[found?.[2] ?? ''] ?? Number.NaN;
    return Number(found?.[1]) * unit;
  };
  return {
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)?.[1]),
    p50Ms: ms(50),
    p99Ms: ms(99),
  };
}

async function start(commitDelayMs: number): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(
    process.execPath,
    [
      '--max-semi-space-size=8',
      '--max-old-space-size=1024',
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
        COUNTERSIGN_DATA: mkdtempSync(join(folder, 'data-')),
        COUNTERSIGN_DEV_API_KEY: KEY,
        COUNTERSIGN_RATE_LIMITS: 'off',
        COUNTERSIGN_LOG_LEVEL: 'warn',
        ...(commitDelayMs === 0 ? {} : { COUNTERSIGN_COMMIT_DELAY_MS: String(commitDelayMs) }),
      },
    },
  );
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
    child.once('exit', () => reject(new Error('the server did not start')));
  });
  return { child, url };
}

function rssMb(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

async function measure(connections: number, commitDelayMs: number): Promise<void> {
  const { child, url } = await start(commitDelayMs);
  try {
    const first = await fetch(`${url}/api/decide`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': KEY },
      body: BODY,
    });
    if (first.status !== 200) throw new Error(`decide answered ${first.status}`);
    for (const route of ROUTES) wrk(url + route, connections);
    const samples: Record<Route, Sample[]> = {
      '/bench/echo': [],
      '/bench/answer': [],
      '/api/decide': [],
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const route of ROUTES) samples[route].push(wrk(url + route, connections));
    }
    const of = (route: Route, what: keyof Sample): number =>
      median(samples[route].map((one) => one[what]));
    const ratio = (to: Route): number =>
      median(
        samples['/api/decide'].map(
          (one, at) => one.perSecond / (samples[to][at]?.perSecond ?? Number.NaN),
        ),
      );
    const p50 = of('/api/decide', 'p50Ms');
    const p99 = of('/api/decide', 'p99Ms');
    console.log(
      `| ${connections} | ${commitDelayMs} | ${ratio('/bench/answer').toFixed(2)} | ${ratio('/bench/echo').toFixed(2)} | ` +
        `${of('/api/decide', 'perSecond').toFixed(0)} | ${of('/bench/answer', 'perSecond').toFixed(0)} | ` +
        `${of('/bench/echo', 'perSecond').toFixed(0)} | ${p50.toFixed(2)} | ${p99.toFixed(2)} | ` +
        `${(p99 / p50).toFixed(1)} | ${rssMb(child)} |`,
    );
  } finally {
    child.kill('SIGTERM');
    await new Promise((done) => child.once('exit', done));
  }
}

try {
  execFileSync('wrk', ['--version'], { stdio: 'ignore' });
} catch (error) {
  // wrk prints its version with exit code 1; only a missing program is a reason to stop.
  if ((error as { code?: string }).code === 'ENOENT') {
    console.error('wrk is missing: apt-get install wrk');
    process.exit(2);
  }
}
// An answer to serialise in the comparison route: one real decide answer.
writeFileSync(answerFile, '{}');
{
  const { child, url } = await start(0);
  const response = await fetch(`${url}/api/decide`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': KEY },
    body: BODY,
  });
  writeFileSync(answerFile, await response.text());
  child.kill('SIGTERM');
  await new Promise((done) => child.once('exit', done));
}
console.log(
  `node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model ?? '?'}, ${ROUNDS} rounds of ${SECONDS} s per route, medians`,
);
console.log(
  '| connections | added ms per commit | decide ÷ answer | decide ÷ echo | decide/s | answer/s | echo/s | p50 ms | p99 ms | p99 ÷ p50 | RSS MB |',
);
console.log('|---|---|---|---|---|---|---|---|---|---|---|');
const list = (name: string, fallback: readonly number[]): readonly number[] => {
  const at = args.indexOf(`--${name}`);
  return at < 0 ? fallback : (args[at + 1] ?? '').split(',').map(Number);
};
for (const delay of list('delays', [0, 1, 5])) {
  for (const connections of list('connections', [1, 16, 64, 256])) {
    await measure(connections, delay);
  }
}
