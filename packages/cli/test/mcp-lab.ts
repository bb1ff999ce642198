import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createDecideClient } from '@countersign/client';
import { sha256Hex } from '@countersign/proof';
import type { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import canonicalize from 'canonicalize';
import { vi } from 'vitest';
import {
  type Gate,
  type GateOptions,
  KEY,
  type Members,
  openGate,
  temporaryDirectory,
} from '../../server/test/harness.ts';
import { connect, type Revision } from '../../server/test/mcp/clients.ts';
import type { Surroundings } from '../src/mcp-proxy/over-stdio.ts';
import { policyMapOf } from '../src/mcp-proxy/policy-map.ts';
import { ToolGate } from '../src/mcp-proxy/tool-gate.ts';

const CLI = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const UPSTREAM = fileURLToPath(new URL('../../server/test/mcp/upstream.ts', import.meta.url));
const SOURCE = ['--conditions=source', '--experimental-strip-types', '--no-warnings'];

/** Every test of a proxy starts programs of its own, which takes a while where many run at once. */
export const PATIENCE_MS = 120_000;

export const AGENT = 'agent_example_7';
const MAP = {
  policy_map_version: 'mcp_policy_map_v1',
  agent: AGENT,
  defaults: {
    workflow: 'agent_action_gate',
    target_system: 'crm_sandbox',
    target_object_id: '/quote_id',
    context: {
      proposer: 'per_example_tove',
      risk_level: 'low',
      reversible: true,
      budget_remaining_minor: 120_000,
    },
  },
  tools: {
    send_quote: {},
    update_ticket: {},
    route_item: {},
    grant_access: {},
    drop_database: {},
    issue_refund: { context: { risk_level: 'high' } },
  },
};

export const hashOf = (args: unknown): string => `sha256:${sha256Hex(String(canonicalize(args)))}`;

/** Another quote for each test, so that no test meets the calls and decisions of another. */
let quotes = 0;
export const quote = (): Members => {
  quotes += 1;
  return { quote_id: `quote_${quotes}`, amount_minor: 500 };
};

/** A gate, and proxies before a server that notes what reaches it. */
export class Lab {
  readonly gate: Gate;
  readonly #directory = temporaryDirectory();
  readonly #mapFile = join(this.#directory, 'map.yaml');
  readonly journal = join(this.#directory, 'journal');
  readonly #clients: Client[] = [];
  readonly #children: ChildProcessWithoutNullStreams[] = [];
  readonly #shared = new Map<Revision, Promise<Client>>();

  private constructor(gate: Gate) {
    this.gate = gate;
    writeFileSync(this.#mapFile, JSON.stringify(MAP));
  }

  static async open(options: GateOptions = {}): Promise<Lab> {
    return new Lab(await openGate(options));
  }

  async close(): Promise<void> {
    for (const client of this.#clients) await client.close().catch(() => undefined);
    for (const child of this.#children) child.kill();
    await this.gate.close();
    rmSync(this.#directory, { recursive: true });
  }

  /** What a proxy asks about each call, in this process. */
  toolGate({
    url = this.gate.server.url,
    now = Date.now,
    alert = () => undefined,
  }: {
    readonly url?: string;
    readonly now?: () => number;
    readonly alert?: (text: string) => void;
  } = {}): ToolGate {
    return new ToolGate({
      client: createDecideClient({ baseUrl: url, apiKey: KEY, retry: { retriesMax: 1 } }),
      map: policyMapOf(MAP),
      gateUrl: url,
      environment: 'test',
      now,
      newId: randomUUID,
      alert,
    });
  }

  /** What the command line of a proxy is, from its own options on. */
  words(options: readonly string[], url = this.gate.server.url): string[] {
    return [...SOURCE, CLI, 'mcp-proxy', '--policy-map', this.#mapFile, '--url', url, ...options];
  }

  behind(mode: 'stdio' | 'http' = 'stdio'): string[] {
    return [...SOURCE, UPSTREAM, mode, this.journal];
  }

  transport(args: readonly string[], key = KEY): StdioClientTransport {
    return new StdioClientTransport({
      command: process.execPath,
      args: [...args],
      env: { DECIDE_API_KEY: key },
      stderr: 'ignore',
    });
  }

  async connected(revision: Revision, transport: Parameters<typeof connect>[1]): Promise<Client> {
    const client = await connect(revision, transport);
    this.#clients.push(client);
    return client;
  }

  /** A client behind a proxy of its own. */
  gated(
    options: readonly string[] = [],
    { revision = '2025-11-25', url, key }: { revision?: Revision; url?: string; key?: string } = {},
  ): Promise<Client> {
    const words = this.words([...options, '--', process.execPath, ...this.behind()], url);
    return this.connected(revision, this.transport(words, key));
  }

  /** A client behind a proxy that tests share. */
  shared(revision: Revision = '2025-11-25'): Promise<Client> {
    const known = this.#shared.get(revision) ?? this.gated([], { revision });
    this.#shared.set(revision, known);
    return known;
  }

  /** A program with pipes; ended at the end. */
  spawn(args: readonly string[]): ChildProcessWithoutNullStreams {
    const child = spawn(process.execPath, args, {
      env: { ...process.env, DECIDE_API_KEY: KEY },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#children.push(child);
    return child;
  }

  /** The tools that the server behind was really asked to run on a quote. */
  reached({ quote_id: id }: Members): readonly string[] {
    if (!existsSync(this.journal)) return [];
    return readFileSync(this.journal, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { tool: string; args: Members })
      .filter(({ args }) => args['quote_id'] === id)
      .map(({ tool }) => tool);
  }

  /** The latest decision about a call. */
  async decisionOn(
    tool: string,
    args: unknown,
    gate: Pick<Gate, 'get'> = this.gate,
  ): Promise<Members | undefined> {
    const resource = encodeURIComponent(resourceOf(tool, args));
    const { body } = await gate.get(`/api/decision/search?source_record_id=${resource}`);
    return (body['items'] as readonly Members[])[0];
  }

  /** The receipt of the latest decision about a call. */
  async receiptOn(
    tool: string,
    args: unknown,
    gate: Pick<Gate, 'get'> = this.gate,
  ): Promise<Members> {
    const { decision_id: id } = (await this.decisionOn(tool, args, gate)) ?? {};
    const { body } = await gate.get(`/api/decision/${String(id)}/execution`);
    return (body['items'] as readonly Members[])[0] ?? {};
  }

  /** Speaks for the owner. */
  async resolve(decisionId: unknown, resolution: 'approve' | 'deny'): Promise<void> {
    const path = `/api/decision/${String(decisionId)}`;
    const { body } = await this.gate.get(path);
    const { status } = await this.gate.post(`${path}/review`, {
      resolution,
      reviewer: { id: 'per_example_ymir', group: 'agent_owners' },
      reason: 'looked at it',
      decision_record_hash: (body['decision_record'] as Members)['record_hash'],
    });
    if (status !== 201) throw new Error(`the review was answered with ${status}`);
  }
}

/** What the decisions about a call are found by. */
export function resourceOf(tool: string, args: unknown): string {
  return `mcp:${AGENT}:${tool}:${hashOf(args).slice('sha256:'.length)}`;
}

/** The client's side of a proxy in this process, message by message. */
export class Wire {
  readonly input = new PassThrough();
  readonly output = new PassThrough();
  /** What the client was sent. */
  readonly said: Members[] = [];
  readonly surroundings: Surroundings = {
    input: this.input,
    output: this.output,
    stopped: new Promise(() => undefined),
    alert: () => undefined,
  };

  /** Listens to what comes; without this nobody takes it. */
  listen(): this {
    let rest = '';
    this.output.on('data', (chunk: Buffer) => {
      const lines = `${rest}${chunk.toString()}`.split('\n');
      rest = lines.pop() ?? '';
      this.said.push(...lines.map((line) => JSON.parse(line) as Members));
    });
    return this;
  }

  send(message: Members): void {
    this.input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  call(id: string | number, tool: string, args: Members): void {
    this.send({ id, method: 'tools/call', params: { name: tool, arguments: args } });
  }

  /** The answer to a request, once it is there. */
  answerTo(id: string | number): Promise<Members> {
    return this.#first((message) => message['id'] === id && message['method'] === undefined);
  }

  /** A message that has reached a server that tells of each, see {@link TELLTALE}. */
  seen(part: Members): Promise<Members> {
    return this.#first(
      ({ method, params }) =>
        method === 'seen' &&
        Object.entries(part).every(([name, value]) => (params as Members)[name] === value),
    );
  }

  #first(fits: (message: Members) => boolean): Promise<Members> {
    return vi.waitFor(
      () => {
        const found = this.said.find(fits);
        if (found === undefined) throw new Error(`not among ${JSON.stringify(this.said)}`);
        return found;
      },
      { timeout: 20_000 },
    );
  }
}

/** A server that answers nothing, and tells the client of every message that reaches it. */
export const TELLTALE = [
  process.execPath,
  '-e',
  `require('readline').createInterface({ input: process.stdin }).on('line', (line) => console.log(
    JSON.stringify({ jsonrpc: '2.0', method: 'seen', params: JSON.parse(line) })))`,
];
