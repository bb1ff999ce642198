import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  billing,
  type Gate,
  KEY,
  openGate,
  temporaryDirectory,
} from '../../server/test/harness.ts';
import { call, connect, REVISIONS, type Revision } from '../../server/test/mcp/clients.ts';
import { quickstartSpec } from '../../server/test/scenario/harness.ts';

// Each test starts programs of its own, which takes a while where many run at once.
vi.setConfig({ testTimeout: 120_000 });

const CLI = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const SOURCE = ['--conditions=source', '--experimental-strip-types', '--no-warnings'];

const clients: Client[] = [];

async function served(
  revision: Revision,
  options: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Client> {
  const client = await connect(
    revision,
    new StdioClientTransport({
      command: process.execPath,
      args: [...SOURCE, CLI, 'mcp', ...options],
      env,
      stderr: 'ignore',
    }),
  );
  clients.push(client);
  return client;
}

afterAll(async () => {
  for (const client of clients) await client.close();
});

describe('`countersign mcp` with a data directory', () => {
  const directory = temporaryDirectory();
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const ids: string[] = [];

  it.each(REVISIONS)('serves the tools of all doors on stdio, revision %s', async (revision) => {
    const client = await served(revision, ['--data', directory]);
    expect(client.getNegotiatedProtocolVersion()).toBe(revision);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['scenario_define', 'precheck', 'decide', 'verify_record']),
    );
    // The key of a first start is kept beside the ledger, so that the next one has it as well.
    const decided = await call(client, 'decide', billing());
    expect(decided).toMatchObject({ refused: false, content: { verdict: 'yes' } });
    for (const id of ids) {
      const found = await call(client, 'get_decision', { decision_id: id });
      expect(found.content).toMatchObject({ lifecycle_state: 'authorized' });
    }
    ids.push(String(decided.content['decision_id']));
    const spec = quickstartSpec({ scenario_id: `stdio-${revision}` });
    const defined = await call(client, 'scenario_define', { spec });
    expect(defined).toMatchObject({ refused: false });
    await client.close();
  });

  it('ends when nobody takes its answers', async () => {
    const args = [...SOURCE, CLI, 'mcp', '--data', directory];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdout.destroy();
    child.stdin.on('error', () => undefined);
    child.stdin.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(0);
  });

  it('refuses the calls of somebody with another key', async () => {
    const key = `decide_test_${'z'.repeat(43)}`;
    const client = await served('2025-11-25', ['--data', directory], { DECIDE_API_KEY: key });
    expect((await call(client, 'decide', billing())).content).toMatchObject({
      code: 'DECIDE_API_UNAUTHORIZED',
    });
  });
});

describe('`countersign mcp` with the address of a server', () => {
  let gate: Gate;
  beforeAll(async () => {
    gate = await openGate();
  });
  afterAll(() => gate.close());

  it.each(REVISIONS)('carries a client on stdio there, revision %s', async (revision) => {
    const client = await served(revision, ['--url', gate.server.url], { DECIDE_API_KEY: KEY });
    expect(client.getNegotiatedProtocolVersion()).toBe(revision);
    const decided = await call(client, 'decide', billing());
    expect(decided.content).toMatchObject({ verdict: 'yes' });
    const id = String(decided.content['decision_id']);
    expect((await gate.get(`/api/decision/${id}`)).status).toBe(200);
    await expect(client.callTool({ name: 'approve', arguments: {} })).rejects.toMatchObject({
      code: -32_602,
    });
  });
});
