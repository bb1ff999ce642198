import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Listener, listen } from '../src/mcp-proxy/listener.ts';
import { bridge, gateChild } from '../src/mcp-proxy/over-stdio.ts';
import { Lab, PATIENCE_MS, quote, TELLTALE, Wire } from './mcp-lab.ts';

vi.setConfig({ testTimeout: PATIENCE_MS, hookTimeout: PATIENCE_MS });

let lab: Lab;
const servers: Server[] = [];
const listeners: Listener[] = [];

beforeAll(async () => {
  lab = await Lab.open();
});
afterEach(async () => {
  for (const listener of listeners.splice(0)) await listener.close();
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});
afterAll(() => lab.close());

/** Runs a program as the server behind a proxy in this process; `ended` is the proxy's exit code. */
function before(words: readonly string[], wire: Wire): Promise<number> {
  return gateChild(words, { gate: lab.toolGate(), allowUnmapped: new Set() }, wire.surroundings);
}

const node = (script: string): readonly string[] => [process.execPath, '-e', script];

/** An HTTP server; gives its address. */
async function serve(
  answer: (asked: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<string> {
  const server = createServer((asked, response) => {
    answer(asked, response).catch(() => response.destroy());
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function bodyOf(message: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of message as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString();
}

/** A proxy for clients over HTTP; gives its address. */
async function listening(upstreamUrl: string): Promise<string> {
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    upstreamUrl,
    upstreamHeaders: {},
    gate: lab.toolGate(),
    allowUnmapped: new Set(),
  });
  listeners.push(listener);
  return listener.url;
}

const messageOf = (id: number, method: string, params: object = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params });

describe('an id', () => {
  it('of a call under way is not given to another request', async () => {
    const wire = new Wire().listen();
    const ended = before(TELLTALE, wire);
    wire.call(1, 'send_quote', quote());
    await wire.seen({ id: 1 });
    wire.send({ id: 1, method: 'tools/list' });
    expect(await wire.answerTo(1)).toMatchObject({ error: { code: -32_600 } });
    wire.input.end();
    await ended;
    expect(wire.said.filter(({ method }) => method === 'seen')).toHaveLength(1);
  });

  it('of a request under way is not given to a call, and free once that is answered', async () => {
    const wire = new Wire().listen();
    const script = `const lines = require('readline').createInterface({ input: process.stdin });
      const held = [];
      lines.on('line', (line) => {
        const { id, method } = JSON.parse(line);
        if (method === 'ping') held.push(id);
        else for (const one of [...held.splice(0), id]) if (one !== undefined)
          console.log(JSON.stringify({ jsonrpc: '2.0', id: one, result: { content: [], to: method } }));
      })`;
    const ended = before(node(script), wire);
    const args = quote();
    wire.send({ id: 1, method: 'ping' });
    wire.call(1, 'send_quote', args);
    expect(await wire.answerTo(1)).toMatchObject({ error: { code: -32_600 } });
    expect(await lab.decisionOn('send_quote', args)).toBeUndefined();

    wire.send({ method: 'notifications/release' });
    await vi.waitFor(() => expect(wire.said).toHaveLength(2));
    wire.call(1, 'send_quote', args);
    await vi.waitFor(() => expect(wire.said).toHaveLength(3), { timeout: 20_000 });
    expect(wire.said[2]).toMatchObject({ id: 1, result: { to: 'tools/call' } });
    expect(await lab.receiptOn('send_quote', args)).toMatchObject({ execution_status: 'executed' });
    wire.input.end();
    await ended;
  });
});

describe('a stream that breaks', () => {
  it('towards the server leaves the proxy to tell of it, and to end with the server', async () => {
    const wire = new Wire().listen();
    const script = `require('fs').closeSync(0); setTimeout(() => process.exit(7), 1500)`;
    const ended = before(node(script), wire);
    // More than a pipe takes at once, so that the proxy waits for room in it.
    const text = 'x'.repeat(1024 * 1024);
    wire.send({ id: 1, method: 'ping', params: { text } });
    wire.send({ id: 2, method: 'ping', params: { text } });
    expect(await wire.answerTo(1)).toMatchObject({ error: { code: -32_603 } });
    expect(await wire.answerTo(2)).toMatchObject({ error: { code: -32_603 } });
    expect(await ended).toBe(7);
  });

  it('towards the client leaves the server to be ended with the client', async () => {
    const wire = new Wire();
    const flood = `setInterval(() => console.log(JSON.stringify({ jsonrpc: '2.0', method: 'x',
      params: { text: 'x'.repeat(100_000) } })), 5); process.stdin.resume().on('end', () => process.exit(3))`;
    const ended = before(node(flood), wire);
    // Nobody reads, so the proxy waits for room.
    await vi.waitFor(() => expect(wire.output.writableNeedDrain).toBe(true), { timeout: 20_000 });
    wire.output.destroy(new Error('EPIPE'));
    wire.input.end();
    expect(await ended).toBe(0);
  });

  it('from the client is the end of the client', async () => {
    const wire = new Wire().listen();
    const ended = before(TELLTALE, wire);
    wire.send({ method: 'notifications/x' });
    await wire.seen({ method: 'notifications/x' });
    wire.input.destroy(new Error('ECONNRESET'));
    expect(await ended).toBe(0);
  });
});

describe('towards a server over HTTP', () => {
  it('the version is learnt from an answer within a stream as well', async () => {
    const versions: unknown[] = [];
    const url = await serve(async (asked, response) => {
      const { id, method } = JSON.parse(await bodyOf(asked)) as { id: number; method: string };
      versions.push([method, asked.headers['mcp-protocol-version']]);
      const result = method === 'initialize' ? { protocolVersion: '2025-11-25' } : {};
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`);
    });
    const wire = new Wire().listen();
    const ended = bridge({ url, headers: {} }, wire.surroundings);
    wire.send({ id: 1, method: 'initialize', params: {} });
    await wire.answerTo(1);
    wire.send({ id: 2, method: 'tools/list' });
    await wire.answerTo(2);
    wire.input.end();
    await ended;
    expect(versions).toEqual([
      ['initialize', undefined],
      ['tools/list', '2025-11-25'],
    ]);
  });

  it('the end hangs up on what is under way, then ends the session, and waits for neither', async () => {
    const events: unknown[] = [];
    const url = await serve(async (asked, response) => {
      if (asked.method === 'DELETE') {
        events.push(['DELETE', asked.headers['mcp-session-id']]);
        return;
      }
      const { id, method } = JSON.parse(await bodyOf(asked)) as { id: number; method: string };
      if (method === 'initialize') {
        response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 's1' });
        response.end(JSON.stringify({ jsonrpc: '2.0', id, result: {} }));
        return;
      }
      events.push(method);
      response.once('close', () => events.push(`${method} hung up`));
    });
    const wire = new Wire().listen();
    const ended = bridge({ url, headers: {} }, wire.surroundings);
    wire.send({ id: 1, method: 'initialize', params: {} });
    await wire.answerTo(1);
    wire.send({ id: 2, method: 'tools/call', params: { name: 'slow' } });
    await vi.waitFor(() => expect(events).toEqual(['tools/call']));
    wire.input.end();
    expect(await ended).toBe(0);
    expect(events).toEqual(['tools/call', 'tools/call hung up', ['DELETE', 's1']]);
  });
});

describe('for clients over HTTP', () => {
  it('a request that waits for leave to send its body is passed on', async () => {
    const seen: unknown[] = [];
    const url = await listening(
      await serve(async (asked, response) => {
        seen.push([asked.headers['expect'], await bodyOf(asked)]);
        response.end('{}');
      }),
    );
    const status = await new Promise((resolve, reject) => {
      const asking = request(url, { method: 'POST', headers: { expect: '100-continue' } });
      asking.once('continue', () => asking.end(messageOf(1, 'ping')));
      asking.once('response', (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asking.once('error', reject);
      asking.flushHeaders();
    });
    expect(status).toBe(200);
    expect(seen).toEqual([[undefined, messageOf(1, 'ping')]]);
  });

  it('several cookies of the server stay several', async () => {
    const cookies = ['a=1; Path=/', 'b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT'];
    const url = await listening(
      await serve(async (_, response) => {
        response.writeHead(200, { 'set-cookie': cookies, 'x-one': '1' });
        response.end('{}');
      }),
    );
    const { headers } = await fetch(url, { method: 'POST', body: messageOf(1, 'ping') });
    expect(headers.getSetCookie()).toEqual(cookies);
    expect(headers.get('x-one')).toBe('1');
  });

  it('a long answer leaves nothing behind for each time that it waited', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    const bytes = 8 * 1024 * 1024;
    const url = await listening(
      await serve(async (_, response) => void response.end(Buffer.alloc(bytes, 'x'))),
    );
    const answer = await fetch(url, { method: 'POST', body: messageOf(1, 'ping') });
    expect((await answer.arrayBuffer()).byteLength).toBe(bytes);
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  it('an answer in a stream is found however its type is written', async () => {
    const url = await listening(
      await serve(async (asked, response) => {
        const { id } = JSON.parse(await bodyOf(asked)) as { id: number };
        response.writeHead(200, { 'content-type': 'Text/Event-Stream; charset=utf-8' });
        response.end(
          `data: ${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } })}\n\n`,
        );
      }),
    );
    const args = quote();
    const body = messageOf(1, 'tools/call', { name: 'send_quote', arguments: args });
    expect(await (await fetch(url, { method: 'POST', body })).text()).toContain('"content"');
    expect(await lab.receiptOn('send_quote', args)).toMatchObject({ execution_status: 'executed' });
  });

  it('a call to a server whose name nobody knows was certainly not made', async () => {
    const url = await listening('http://server.invalid/mcp');
    const args = quote();
    const body = messageOf(1, 'tools/call', { name: 'send_quote', arguments: args });
    expect((await fetch(url, { method: 'POST', body })).status).toBe(502);
    expect(await lab.receiptOn('send_quote', args)).toMatchObject({
      execution_status: 'failed',
      execution_result: { code: 'UPSTREAM_UNREACHABLE' },
    });
  });
});
