import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Members, openGate } from '../../server/test/harness.ts';
import { call, REVISIONS } from '../../server/test/mcp/clients.ts';
import { Lab, PATIENCE_MS, quote } from './mcp-lab.ts';

vi.setConfig({ testTimeout: PATIENCE_MS, hookTimeout: PATIENCE_MS });

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.open();
});
afterAll(() => lab.close());

/** A server that notes the bytes it reads, and answers nothing. */
const NOTES = `process.stdin.on('data', (b) => require('fs').appendFileSync(process.argv[1], b))`;

/** How many files of that kind there are. */
let files = 0;

/** Runs a proxy over lines as bytes until the last of them, a `ping`, has reached the server; gives both sides. */
async function raw(
  lines: readonly (string | Buffer)[],
  { url, until }: { readonly url?: string; readonly until?: () => Promise<unknown> } = {},
): Promise<{ readonly answers: readonly Members[]; readonly seen: string }> {
  files += 1;
  const file = `${lab.journal}.${files}`;
  const child = lab.spawn(lab.words(['--', process.execPath, '-e', NOTES, file], url));
  let said = '';
  child.stdout.on('data', (text: Buffer) => (said += text.toString()));
  const last = '{"jsonrpc":"2.0","method":"ping"}\n';
  for (const line of lines) child.stdin.write(Buffer.concat([Buffer.from(line), Buffer.of(10)]));
  child.stdin.write(last);
  const seen = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  while (!seen().endsWith(last)) await sleep(50);
  await until?.();
  child.stdin.end();
  await new Promise((done) => child.once('close', done));
  const answers = said.split('\n').filter((line) => line !== '');
  return {
    answers: answers.map((line) => JSON.parse(line) as Members),
    seen: seen().slice(0, -last.length),
  };
}

describe('bytes', () => {
  it('of other messages reach the server as they are', async () => {
    const line =
      '{ "method":"x/y", "jsonrpc":"2.0","id" : 1,"params":{"n":12345678901234567890.10}}';
    expect(await raw([line])).toEqual({ answers: [], seen: `${line}\n` });
  });

  it('that the server could read as another message, or as no decided call, do not', async () => {
    const call = `"jsonrpc":"2.0","id":1,"method":"tools/call"`;
    const lines = [
      `[{${call},"params":{"name":"send_quote"}}]`,
      `{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}`,
      `{"jsonrpc":"2.0","id":1,"method":"ping","m\\u0065thod":"tools/call"}`,
      `{"params":\r{${call},"params":{"name":"send_quote"}}\r,"method":"ping"}`,
      Buffer.from([0x7b, 0xff, 0x7d]),
      '{"method":',
      `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"send_quote"}}`,
      `{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"send_quote"}}`,
      `{"jsonrpc":"2.0","id":1,"method":["tools/call"],"params":{"name":"send_quote"}}`,
      `{${call},"params":{}}`,
      `{${call},"params":{"name":"send_quote","arguments":[]}}`,
      `{${call},"params":{"name":"send_quote","arguments":{"quote_id":"q","amount_minor":9007199254740993}}}`,
    ];
    const { answers, seen } = await raw(lines);
    expect(seen).toBe('');
    expect(answers).toHaveLength(lines.length);
    for (const { error } of answers) expect(error).toBeDefined();
  });

  it('of a call that was cancelled while it was decided do not', async () => {
    const slow = await openGate({ commitDelayMs: 300 });
    const args = quote();
    const messages = [
      { id: 'c', method: 'tools/call', params: { name: 'send_quote', arguments: args } },
      { method: 'notifications/cancelled', params: { requestId: 'c' } },
    ];
    const lines = messages.map((message) => JSON.stringify({ jsonrpc: '2.0', ...message }));
    const settled = async (): Promise<unknown> => {
      for (;;) {
        const decision = await lab.decisionOn('send_quote', args, slow);
        if (decision?.['lifecycle_state'] === 'not_executed') return decision;
        await sleep(50);
      }
    };
    const { answers, seen } = await raw(lines, { url: slow.server.url, until: settled });
    expect({ answers, seen }).toEqual({ answers: [], seen: '' });
    expect(await lab.receiptOn('send_quote', args, slow)).toMatchObject({
      execution_status: 'skipped',
      execution_result: { code: 'CANCELLED' },
    });
    await slow.close();
  });
});

describe('a server over HTTP', () => {
  let url: string;
  beforeAll(async () => {
    const child = lab.spawn(lab.behind('http'));
    url = await new Promise<string>((resolve) => {
      child.stdout.once('data', (text: Buffer) => resolve(`${text.toString().trim()}/mcp`));
    });
  });

  it.each(REVISIONS)('is gated for a client on stdio, revision %s', async (revision) => {
    const client = await lab.connected(revision, lab.transport(lab.words(['--upstream-url', url])));
    expect((await client.listTools()).tools).toHaveLength(7);
    const args = quote();
    expect(await call(client, 'send_quote', args)).toMatchObject({ refused: false });
    expect(await call(client, 'issue_refund', args)).toMatchObject({ refused: true });
    expect(lab.reached(args)).toEqual(['send_quote']);
    expect(await lab.decisionOn('send_quote', args)).toMatchObject({
      lifecycle_state: 'executed',
    });
  });

  it('is gated for clients over HTTP, both revisions', async () => {
    const child = lab.spawn(lab.words(['--upstream-url', url, '--listen', '0']));
    const at = await new Promise<string>((resolve) => {
      child.stderr.on('data', (text: Buffer) => {
        const found = /listening on (\S+)/.exec(text.toString())?.[1];
        if (found !== undefined) resolve(found);
      });
    });
    for (const revision of REVISIONS) {
      const client = await lab.connected(revision, new StreamableHTTPClientTransport(new URL(at)));
      expect((await client.listTools()).tools).toHaveLength(7);
      const args = quote();
      const steps: number[] = [];
      await client.callTool(
        { name: 'grant_access', arguments: args },
        { onprogress: ({ progress }) => steps.push(progress) },
      );
      expect(steps).toEqual([1, 2]);
      expect(await call(client, 'issue_refund', args)).toMatchObject({
        refused: true,
        content: { reason: 'REVIEW_PENDING' },
      });
      expect(lab.reached(args)).toEqual(['grant_access']);
      expect(await lab.decisionOn('grant_access', args)).toMatchObject({
        lifecycle_state: 'executed',
      });
    }
    const page = await fetch(at, {
      method: 'POST',
      headers: { origin: 'https://pages.example', 'content-type': 'application/json' },
      body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
    });
    expect(page.status).toBe(403);
  });
});
