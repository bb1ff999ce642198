// Calls of one tool on stdio: to a server directly, through the proxy without asking, and through the proxy with a
// decision, a claim and a receipt for each. The three take turns within each round.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { median, type Sample } from './load.ts';

const CALLS = 300;
const CLI = fileURLToPath(new URL('../packages/cli/lib/main.js', import.meta.url));

/** A server that answers every call at once: all that is measured beside it is the way to it. */
const SERVER = `
const { createInterface } = require('node:readline');
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id } = JSON.parse(line);
  const result = { content: [{ type: 'text', text: 'done' }], structuredContent: { done: true } };
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
});`;

const MAP = {
  policy_map_version: 'mcp_policy_map_v1',
  agent: 'agent_bench',
  defaults: {
    workflow: 'agent_action_gate',
    target_system: 'crm_sandbox',
    context: {
      proposer: 'per_example_tove',
      risk_level: 'low',
      reversible: true,
      budget_remaining_minor: 1,
    },
  },
  tools: { send_quote: {} },
};

interface Line {
  call(tool: string): Promise<void>;
  end(): void;
}

/** Speaks to a process line by line, many calls at a time if need be. */
function speakTo(child: ChildProcess): Line {
  const waiting = new Map<number, (line: string) => void>();
  let rest = '';
  let last = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) waiting.get((JSON.parse(line) as { id: number }).id)?.(line);
  });
  return {
    async call(tool) {
      last += 1;
      const id = last;
      const answer = await new Promise<string>((resolve) => {
        waiting.set(id, resolve);
        const params = { name: tool, arguments: { quote_id: `quote_${id}_${Date.now()}` } };
        child.stdin?.write(
          `${JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params })}\n`,
        );
      });
      waiting.delete(id);
      if (answer.includes('isError')) throw new Error(answer);
    },
    end: () => child.stdin?.end(),
  };
}

async function sample(line: Line, tool: string, atATime: number): Promise<Sample> {
  const took: number[] = [];
  let left = CALLS;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: atATime }, async () => {
      while (left > 0) {
        left -= 1;
        const from = performance.now();
        await line.call(tool);
        took.push(performance.now() - from);
      }
    }),
  );
  const total = performance.now() - begun;
  took.sort((a, b) => a - b);
  const at = (share: number): number => took[Math.floor(took.length * share)] ?? Number.NaN;
  return { perSecond: (CALLS / total) * 1_000, p50Ms: at(0.5), p99Ms: at(0.99) };
}

/** Rows of a table; `url` and `key` are of a running gate. */
export async function measureProxy(
  url: string,
  key: string,
  rounds: number,
): Promise<readonly string[]> {
  const map = join(mkdtempSync(join(tmpdir(), 'countersign-bench-proxy-')), 'map.json');
  writeFileSync(map, JSON.stringify(MAP));
  const server = [process.execPath, '-e', SERVER];
  const proxy = ['--no-warnings', CLI, 'mcp-proxy', '--policy-map', map, '--url', url];
  const run = (words: readonly string[]): Line =>
    speakTo(
      spawn(process.execPath, words, {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { ...process.env, DECIDE_API_KEY: key },
      }),
    );
  const gated = run([...proxy, '--allow-unmapped', 'list_quotes', '--', ...server]);
  const ways: readonly (readonly [string, Line, string])[] = [
    ['direct', run(['-e', SERVER]), 'send_quote'],
    ['through the proxy, not asked', gated, 'list_quotes'],
    ['through the proxy, decided, claimed and receipted', gated, 'send_quote'],
  ];
  const rows: string[] = [];
  for (const atATime of [1, 16]) {
    for (const [, line, tool] of ways) await sample(line, tool, atATime);
    const samples = ways.map((): Sample[] => []);
    for (let round = 0; round < rounds; round += 1) {
      for (const [at, [, line, tool]] of ways.entries()) {
        samples[at]?.push(await sample(line, tool, atATime));
      }
    }
    for (const [at, [name]] of ways.entries()) {
      const own = samples[at] ?? [];
      const ratio = median(
        own.map((one, round) => one.perSecond / (samples[0]?.[round]?.perSecond ?? Number.NaN)),
      );
      const middle = (what: keyof Sample): number => median(own.map((one) => one[what]));
      rows.push(
        `| ${name} | ${atATime} | ${ratio.toFixed(3)} | ${middle('perSecond').toFixed(0)} | ` +
          `${middle('p50Ms').toFixed(2)} | ${middle('p99Ms').toFixed(2)} |`,
      );
    }
  }
  for (const [, line] of ways) line.end();
  return rows;
}
