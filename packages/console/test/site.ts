import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { type Gate, KEY, openGate } from '../../server/test/harness.ts';

/** The built pages behind the policy that the server sends with them, a real server behind those, and a browser. */
export interface Site {
  readonly gate: Gate;
  readonly url: string;
  /** Folder with the built pages. */
  readonly folder: string;
  readonly browser: Browser;
  close(): Promise<void>;
}

const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const PAGES: Readonly<Record<string, string>> = {
  '/': 'index.html',
  '/verify': 'verify.html',
  '/playground': 'playground.html',
  '/demo': 'demo.html',
};
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
};

/** Builds the pages with the script that builds them, and opens everything else. */
export async function openSite(): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-pages-'));
  const script = fileURLToPath(new URL('../build.mjs', import.meta.url));
  execFileSync(process.execPath, [script, folder]);
  const gate = await openGate();
  const server = createServer((request, response) => {
    answer(request, response, folder, gate).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  return {
    gate,
    folder,
    browser,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      await browser.close();
      server.close();
      server.closeAllConnections();
      await gate.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  folder: string,
  gate: Gate,
): Promise<void> {
  const path = request.url ?? '/';
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (path === '/api/demo/decisions') {
    const init = {
      method: 'POST',
      body: Buffer.concat(chunks).toString(),
      headers: { 'content-type': 'application/json' },
    };
    return pass(await gate.send(path, init), response);
  }
  if (path.startsWith('/api/') || path.startsWith('/.well-known/')) {
    return pass(await gate.send(path, {}), response);
  }
  if (path === '/playground/decide') {
    const headers = {
      'x-api-key': KEY,
      'content-type': 'application/json',
      'x-idempotency-key': String(request.headers['x-idempotency-key']),
    };
    const init = { method: 'POST', body: Buffer.concat(chunks).toString(), headers };
    return pass(await gate.send('/api/decide', init), response);
  }
  const file = PAGES[path] ?? path.slice(1);
  const body = readFileSync(join(folder, file));
  response.writeHead(200, {
    'content-type': TYPES[extname(file)] ?? 'text/plain',
    'content-security-policy': CSP,
  });
  response.end(body);
}

function pass(answered: Awaited<ReturnType<Gate['send']>>, response: ServerResponse): void {
  response.writeHead(answered.status, { 'content-type': 'application/json' });
  response.end(answered.text);
}
