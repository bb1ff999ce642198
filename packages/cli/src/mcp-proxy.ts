import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createDecideClient, readTrust } from '@countersign/client';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { listen } from './mcp-proxy/listener.ts';
import { gateChild, gateHttp, ofThisProcess } from './mcp-proxy/over-stdio.ts';
import { readPolicyMap } from './mcp-proxy/policy-map.ts';
import { ToolGate } from './mcp-proxy/tool-gate.ts';

interface ProxyOptions {
  readonly policyMap: string;
  readonly url: string;
  readonly key?: string;
  readonly keyRegistry?: string;
  readonly allowUnmapped: readonly string[];
  readonly upstreamUrl?: string;
  readonly upstreamHeader: Readonly<Record<string, string>>;
  readonly listen?: number;
}

/** For one attempt at the gate, in milliseconds. A client waits a minute for a tool. */
const GATE_TIMEOUT_MS = 5_000;
/** A question is repeated once; whoever waits for the tool had better be told. */
const GATE_RETRIES = 1;

export function addMcpProxy(program: Command): void {
  program
    .command('mcp-proxy')
    .description('Stand before an MCP server and ask the gate before each tool call')
    .argument('[command...]', 'the server to start, after `--`')
    .requiredOption('--policy-map <file>', 'what each tool means to the gate, YAML or JSON')
    .addOption(
      new Option('--url <address>', 'where the gate is')
        .env('DECIDE_API_URL')
        .default('http://127.0.0.1:4000'),
    )
    .addOption(
      new Option('--key <key>', 'an API key with the scopes decide, lifecycle and read').env(
        'DECIDE_API_KEY',
      ),
    )
    .option('--key-registry <file>', 'verify every record with the keys of this registry')
    .option('--allow-unmapped <tool>', 'call this tool without asking; repeatable', collect, [])
    .option('--upstream-url <address>', 'a server over Streamable HTTP, instead of a command')
    .option(
      '--upstream-header <header>',
      '`Name: value` for the server behind; `${NAME}` is read from the environment',
      header,
      {},
    )
    .option('--listen <port>', 'serve clients over HTTP on this port of 127.0.0.1', port)
    .addHelpText('after', HELP)
    .action(async (command: readonly string[], options: ProxyOptions) => {
      process.exitCode = await proxy(command, options);
    });
}

const HELP = `
A tool that the map does not name is not called. When the gate cannot be reached, nothing is called.
Refusals reach the agent as tool results with \`isError\` and a reason in \`structuredContent\`.

Example:
  countersign mcp-proxy --policy-map tools.yaml -- node server.js`;

async function proxy(command: readonly string[], options: ProxyOptions): Promise<number> {
  const { url, key, upstreamUrl, upstreamHeader: headers } = options;
  if ((command.length === 0) === (upstreamUrl === undefined)) {
    throw new Error('name either a command after `--`, or a server with --upstream-url');
  }
  if (options.listen !== undefined && upstreamUrl === undefined) {
    throw new Error('--listen needs a server over HTTP, --upstream-url');
  }
  if (key === undefined || key === '') {
    throw new Error('an API key is needed: set DECIDE_API_KEY or pass --key');
  }
  const alert = (text: string): void => void process.stderr.write(`mcp-proxy: ${text}\n`);
  const environment = key.startsWith('decide_live_') ? 'live' : 'test';
  const gate = new ToolGate({
    client: createDecideClient({
      baseUrl: url,
      apiKey: key,
      timeoutMs: GATE_TIMEOUT_MS,
      retry: { retriesMax: GATE_RETRIES },
    }),
    map: readPolicyMap(options.policyMap),
    gateUrl: url.replace(/\/+$/, ''),
    environment,
    trust: options.keyRegistry === undefined ? undefined : pinned(options.keyRegistry, environment),
    now: Date.now,
    newId: randomUUID,
    alert,
  });
  const gated = { gate, allowUnmapped: new Set(options.allowUnmapped) };
  const surroundings = ofThisProcess(alert);
  try {
    if (upstreamUrl === undefined) return await gateChild(command, gated, surroundings);
    if (options.listen === undefined) {
      return await gateHttp({ url: upstreamUrl, headers }, gated, surroundings);
    }
    const listener = await listen({
      host: '127.0.0.1',
      port: options.listen,
      upstreamUrl,
      upstreamHeaders: headers,
      ...gated,
    });
    alert(`listening on ${listener.url}`);
    await surroundings.stopped;
    await listener.close();
    return 0;
  } finally {
    // The client may keep its end open; there is nothing more to read.
    process.stdin.destroy();
  }
}

function pinned(file: string, environment: 'live' | 'test'): ReturnType<typeof readTrust> {
  return readTrust({ registry: JSON.parse(readFileSync(file, 'utf8')) as unknown, environment });
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function header(
  text: string,
  before: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const [, name, value] = /^([\w-]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError('It must look like `Name: value`.');
  }
  const filled = value.replaceAll(/\$\{(\w+)\}/g, (_, variable: string) => {
    const found = process.env[variable];
    if (found === undefined) throw new InvalidArgumentError(`${variable} is not set.`);
    return found;
  });
  return { ...before, [name.toLowerCase()]: filled };
}

function port(text: string): number {
  const value = Number(text);
  if (!/^\d{1,5}$/.test(text) || value > 65_535) throw new InvalidArgumentError('It is no port.');
  return value;
}
