import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gate, openGate, temporaryDirectory } from '../../server/test/harness.ts';

const BUILD = fileURLToPath(new URL('../build.mjs', import.meta.url));

let browser: Browser;
let gate: Gate;
let pages: string;

beforeAll(async () => {
  pages = temporaryDirectory();
  execFileSync(process.execPath, [BUILD, pages]);
  gate = await openGate({ pagesDirectory: pages });
  browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
});
afterAll(async () => {
  await browser.close();
  await gate.close();
});

describe('the pages as this server serves them', () => {
  it('a visitor decides in the playground and verifies the answer, with the server’s own policy of content', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.goto(`${gate.server.url}/`);
    await page
      .getByRole('main')
      .getByRole('link', { name: /playground/i })
      .first()
      .click();
    await page.waitForURL('**/playground');
    await page.getByRole('button', { name: 'Decide', exact: true }).click();
    await page.getByText('IDENTITY_VERIFIED').first().waitFor();
    await page.getByRole('button', { name: 'Open this answer' }).click();
    await page.waitForURL('**/verify*');
    await page.getByRole('button', { name: 'Use this server’s registry' }).click();
    await page.getByRole('button', { name: 'Verify', exact: true }).click();
    await page.locator('.verdict').waitFor();
    expect(await page.locator('.verdict h2').innerText()).toMatch(/^verified/i);
    expect(problems).toEqual([]);
    await context.close();
  });

  it('each has a strict policy, and only what it needs is cached for long', async () => {
    for (const path of ['/', '/verify', '/playground', '/demo']) {
      const { status, headers, text } = await gate.send(path, {});
      expect([path, status]).toEqual([path, 200]);
      expect(headers.get('content-type')).toMatch(/^text\/html/);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toContain('unsafe');
      const asset = /\/assets\/[^"]+\.js/.exec(text)?.[0] ?? '';
      const script = await gate.send(asset, {});
      expect(script.status).toBe(200);
      expect(script.headers.get('cache-control')).toContain('immutable');
    }
    expect((await gate.send('/assets/nobody.js', {})).status).toBe(404);
    expect((await gate.send('/assets/%2e%2e/%2e%2e/package.json', {})).status).not.toBe(200);
    expect((await gate.send('/verify', { method: 'POST' })).status).toBe(405);
  });

  it('the verifier is there to be kept as one file', async () => {
    const { status, headers, text } = await gate.send('/countersign-verifier.html', {});
    expect(status).toBe(200);
    expect(headers.get('content-disposition')).toContain('countersign-verifier.html');
    expect(text).not.toMatch(/src="\/|href="\/assets/);
  });

  it('programs find their way', async () => {
    const llms = await gate.send('/llms.txt', {});
    expect(llms.status).toBe(200);
    expect(llms.text).toContain('POST /api/decide');
    const found = await gate.send('/.well-known/decide.json', {});
    expect(found.body).toMatchObject({
      openapi_url: '/openapi.json',
      playground_url: '/playground',
    });
  });

  it('a server whose pages are not built says so', async () => {
    const bare = await openGate({ pagesDirectory: temporaryDirectory() });
    const { status, text } = await bare.send('/', {});
    expect(status).toBe(503);
    expect(text).toContain('npm run build');
    await bare.close();
    expect(existsSync(pages)).toBe(true);
  });
});
