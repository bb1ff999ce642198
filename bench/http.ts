// Durable decide over HTTP against the same server's bare echo and its parse-validate-answer route. All three are
// measured in turn within each round, so what disturbs the machine disturbs all of them; only ratios are reported as
// results. Needs wrk (Debian package `wrk`).
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureWrk, KEY, median, type Sample, startServer, wrk } from './load.ts';

const args = process.argv.slice(2);
const option = (name: string, fallback: number): number => {
  const at = args.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(args[at + 1]);
};
const ROUNDS = option('rounds', 5);
const SECONDS = option('seconds', 3);
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

function load(url: string, connections: number): Sample {
  const seed = String(Date.now() * 1000 + Math.floor(Math.random() * 1000));
  return wrk(url, { script, connections, seconds: SECONDS }, seed);
}

function rssMb(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

async function measure(connections: number, commitDelayMs: number): Promise<void> {
  const { child, url, stop } = await startServer(folder, answerFile, {
    stderr: 'inherit',
    env: commitDelayMs === 0 ? {} : { COUNTERSIGN_COMMIT_DELAY_MS: String(commitDelayMs) },
  });
  try {
    const first = await fetch(`${url}/api/decide`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': KEY },
      body: BODY,
    });
    if (first.status !== 200) throw new Error(`decide answered ${first.status}`);
    for (const route of ROUTES) load(url + route, connections);
    const samples: Record<Route, Sample[]> = {
      '/bench/echo': [],
      '/bench/answer': [],
      '/api/decide': [],
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const route of ROUTES) samples[route].push(load(url + route, connections));
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
    await stop();
  }
}

ensureWrk();
// An answer to serialise in the comparison route: one real decide answer.
writeFileSync(answerFile, '{}');
{
  const { url, stop } = await startServer(folder, answerFile, { stderr: 'inherit' });
  const response = await fetch(`${url}/api/decide`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': KEY },
    body: BODY,
  });
  writeFileSync(answerFile, await response.text());
  await stop();
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
