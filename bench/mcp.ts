// Tool calls of the scenario door over `/rpc` and `/mcp`, each against the bare echo of the same server, in turn within
// each round; then calls through `countersign mcp-proxy` against the same calls to the server behind it. Only ratios are
// reported as results. Needs wrk (Debian package `wrk`).
import { mkdtempSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchServer, ensureWrk, KEY, median, type Sample, startServer, wrk } from './load.ts';
import { measureProxy } from './mcp-proxy.ts';

const args = process.argv.slice(2);
const option = (name: string, fallback: number): number => {
  const at = args.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(args[at + 1]);
};
const ROUNDS = option('rounds', 5);
const SECONDS = option('seconds', 3);
/** Runs that the calls go to in turn, so that no run's own order is what is measured. */
const RUNS = option('runs', 2_000);

const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-mcp-'));
const answerFile = join(folder, 'answer.json');
writeFileSync(answerFile, '{}');

const of = { tenant_id: 1, namespace_id: 1 };
const time = { kind: 'unix_millis', value: 1_710_000_000_000 };
const SPEC = {
  scenario_id: 'bench',
  namespace_id: 1,
  spec_version: 'v1',
  stages: [
    {
      stage_id: 'main',
      entry_packets: [],
      gates: [{ gate_id: 'later', requirement: { Condition: 'later' } }],
      advance_to: { kind: 'terminal' },
      timeout: null,
      on_timeout: 'fail',
    },
  ],
  conditions: [
    {
      condition_id: 'later',
      // Not yet: the run holds, and every call is evaluated and recorded.
      query: { provider_id: 'time', check_id: 'after', params: { timestamp: 4_000_000_000_000 } },
      comparator: 'equals',
      expected: true,
      policy_tags: [],
    },
  ],
  policies: [],
  schemas: [],
  default_tenant_id: 1,
};

const called = (name: string, given: unknown, more: object = {}): string =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name, arguments: given, ...more },
  });
const next = (more: object = {}): string =>
  called(
    'scenario_next',
    {
      scenario_id: 'bench',
      request: { ...of, run_id: 'RUN', trigger_id: 'TRIGGER', agent_id: 'bench', time },
      feedback: 'summary',
    },
    more,
  );
const ENVELOPE = {
  _meta: {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  },
};
const ACCEPT = { accept: 'application/json, text/event-stream' };

/** What is measured, and with which requests. */
const WAYS = {
  '/bench/echo': { path: '/bench/echo', body: next(), headers: {} },
  '/rpc': { path: '/rpc', body: next(), headers: {} },
  '/mcp 2025-11-25': {
    path: '/mcp',
    body: next(),
    headers: { ...ACCEPT, 'mcp-protocol-version': '2025-11-25' },
  },
  '/mcp 2026-07-28': {
    path: '/mcp',
    body: next(ENVELOPE),
    headers: {
      ...ACCEPT,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'scenario_next',
    },
  },
} as const;
type Way = keyof typeof WAYS;
const NAMES = Object.keys(WAYS) as Way[];

/** One run of wrk; every request has a trigger of its own. */
function load(url: string, way: Way, connections: number): Sample {
  const { path, body, headers } = WAYS[way];
  const script = join(folder, 'post.lua');
  const sent = { 'content-type': 'application/json', ...headers };
  const table = Object.entries(sent).map(([name, value]) => `["${name}"] = "${value}"`);
  writeFileSync(
    script,
    `local n = 0
local seed = "${Date.now()}-${Math.random()}"
local head, middle, tail = ${JSON.stringify(body.split(/RUN|TRIGGER/)).slice(1, -1)}
local headers = { ${table.join(', ')} }
request = function()
  n = n + 1
  return wrk.format("POST", nil, headers, head .. "run-" .. (n % ${RUNS}) .. middle .. seed .. "-" .. n .. tail)
end
`,
  );
  return wrk(url + path, { script, connections, seconds: SECONDS });
}

/** The audit of the scenario door goes to the error stream, and is written like in earnest. */
const start = (): Promise<BenchServer> => startServer(folder, answerFile, { stderr: 'ignore' });

async function rpc(url: string, name: string, given: unknown): Promise<void> {
  const response = await fetch(`${url}/rpc`, { method: 'POST', body: called(name, given) });
  if (response.status !== 200) throw new Error(`${name}: ${await response.text()}`);
}

async function startRuns(url: string): Promise<void> {
  await rpc(url, 'scenario_define', { spec: SPEC });
  for (let run = 0; run < RUNS; run += 50) {
    const some = Array.from({ length: Math.min(50, RUNS - run) }, (_, at) => run + at);
    await Promise.all(
      some.map((number) =>
        rpc(url, 'scenario_start', {
          scenario_id: 'bench',
          run_config: {
            ...of,
            run_id: `run-${number}`,
            scenario_id: 'bench',
            dispatch_targets: [],
            policy_tags: [],
          },
          started_at: time,
          issue_entry_packets: false,
        }),
      ),
    );
  }
}

async function measure(connections: number): Promise<void> {
  const { url, stop } = await start();
  try {
    await startRuns(url);
    for (const way of NAMES) load(url, way, connections);
    const samples = new Map(NAMES.map((way): [Way, Sample[]] => [way, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const way of NAMES) samples.get(way)?.push(load(url, way, connections));
    }
    const echo = samples.get('/bench/echo') ?? [];
    for (const way of NAMES) {
      const own = samples.get(way) ?? [];
      const ratio = median(
        own.map(({ perSecond }, at) => perSecond / (echo[at]?.perSecond ?? Number.NaN)),
      );
      const middle = (what: keyof Sample): number => median(own.map((one) => one[what]));
      console.log(
        `| ${way} | ${connections} | ${ratio.toFixed(3)} | ${middle('perSecond').toFixed(0)} | ` +
          `${middle('p50Ms').toFixed(2)} | ${middle('p99Ms').toFixed(2)} |`,
      );
    }
  } finally {
    await stop();
  }
}

ensureWrk();
console.log(
  `node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model ?? '?'}, ${ROUNDS} rounds of ${SECONDS} s per way, medians; scenario_next with one time condition over ${RUNS} runs`,
);
console.log('| way | connections | ÷ echo | calls/s | p50 ms | p99 ms |');
console.log('|---|---|---|---|---|---|');
for (const connections of [1, 64]) await measure(connections);
{
  const { url, stop } = await start();
  try {
    console.log('\n| tools/call on stdio | at a time | ÷ direct | calls/s | p50 ms | p99 ms |');
    console.log('|---|---|---|---|---|---|');
    for (const line of await measureProxy(url, KEY, ROUNDS)) console.log(line);
  } finally {
    await stop();
  }
}
