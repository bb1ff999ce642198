import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseRegistry, verifyFile } from '@countersign/verify';
import type { BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { billing, executed, type Members, outcome, pathOf } from '../../server/test/harness.ts';
import { openSite, type Site } from './site.ts';

let site: Site;
let record: string;
let packet: string;
let registry: string;
/** The packet after somebody rewrote what came of the action. */
let tampered: string;
const pages: Page[] = [];
const errors: string[] = [];

beforeAll(async () => {
  site = await openSite();
  const { gate } = site;
  const decided = await gate.decide(billing());
  await gate.post(pathOf(decided, '/execution'), executed(decided));
  await gate.post(pathOf(decided, '/outcome'), outcome(decided));
  record = JSON.stringify(decided);
  packet = (await gate.get(pathOf(decided, '/packet?include_input=true'))).text;
  registry = (await gate.get('/api/decision/receipt-keys')).text;
  tampered = packet.replace('"outcome_status":"succeeded"', '"outcome_status":"failed"');
  expect(tampered).not.toBe(packet);
});

afterAll(() => site.close());

// A blocked script or style is an error of the console as well, so this holds every page to its policy.
afterEach(async () => {
  const seen = errors.splice(0);
  for (const page of pages.splice(0)) await page.context().close();
  expect(seen).toEqual([]);
});

async function open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await site.browser.newContext(options);
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  pages.push(page);
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  await page.goto(url.startsWith('/') ? site.url + url : url);
  return page;
}

const fileField = (page: Page): Locator => page.getByRole('textbox', { name: 'The file to check' });
const keysField = (page: Page): Locator =>
  page.getByRole('textbox', { name: 'The keys that you trust' });
const main = (page: Page): Locator => page.getByRole('main');

async function verify(page: Page, file: string, keys: string): Promise<void> {
  await fileField(page).fill(file);
  await keysField(page).fill(keys);
  await page.getByRole('button', { name: 'Verify', exact: true }).click();
}

async function headline(page: Page): Promise<string> {
  return page.locator('.verdict h2').innerText();
}

/** How each check of a group is shown, by its name. */
async function checksOf(page: Page, section: string): Promise<Record<string, string>> {
  const rows = page.locator(`section[aria-labelledby=${section}] [data-check]`);
  const shown = await rows.evaluateAll((items: any[]) =>
    items.map((item) => [item.dataset.check, item.querySelector('.mark').textContent]),
  );
  return Object.fromEntries(shown as [string, string][]);
}

/** Every request that leaves from here on. */
function requestsOf(page: Page): string[] {
  const requests: string[] = [];
  page.on('request', (request) => requests.push(`${request.method()} ${request.url()}`));
  return requests;
}

describe('the verifier page', () => {
  it('D-77 shows pass, fail and not checked of a pasted packet, offline, and nothing leaves', async () => {
    const page = await open('/verify', { permissions: ['clipboard-read', 'clipboard-write'] });
    const requests = requestsOf(page);
    const paste = async (field: Locator, text: string): Promise<void> => {
      await page.evaluate(`navigator.clipboard.writeText(${JSON.stringify(text)})`);
      await field.focus();
      await page.keyboard.press('Control+A');
      await page.keyboard.press('Control+V');
    };
    const press = (): Promise<void> =>
      page.getByRole('button', { name: 'Verify', exact: true }).click();

    await paste(fileField(page), tampered);
    await paste(keysField(page), registry);
    await press();
    expect(await headline(page)).toBe('Not verified');
    expect(await checksOf(page, 'checks')).toMatchObject({
      ledger_inclusion: 'Fail',
      ledger_checkpoint_signature: 'Pass',
      ledger_consistency: 'Not checked',
    });

    await page.context().setOffline(true);
    expect(await page.evaluate('navigator.onLine')).toBe(false);
    await paste(fileField(page), packet);
    await press();
    expect(await headline(page)).toBe('Verified');
    const shown = Object.values(await checksOf(page, 'checks'));
    expect(shown).toContain('Pass');
    expect(shown).toContain('Not checked');
    expect(shown).not.toContain('Fail');
    expect(requests).toEqual([]);
  });

  it('names every check that stands in the way, with what was expected', async () => {
    const page = await open('/verify');
    await verify(page, tampered, registry);
    const keys = parseRegistry(JSON.parse(registry));
    if (!keys.ok) throw new Error(keys.fault.code);
    const { result } = verifyFile(tampered, { trust: { registry: keys.value } });
    if ('kind' in result) throw new Error('not readable');
    expect(result.failures.length).toBeGreaterThan(2);
    expect(Object.keys(await checksOf(page, 'obstacles'))).toEqual(result.failures);

    const hash = page.locator('section[aria-labelledby=obstacles] [data-check=packet_hash]');
    await expect(hash.locator('dd').allInnerTexts()).resolves.toEqual([
      result.expected['packet_hash'],
      result.actual['packet_hash'],
    ]);
    await verify(page, packet, registry);
    expect(await headline(page)).toBe('Verified');
    expect(await checksOf(page, 'obstacles')).toEqual({});
  });

  it('calls integrity without a trusted key by its name, and shows both answers', async () => {
    const page = await open('/verify');
    await verify(page, packet, '');
    expect(await headline(page)).toBe('Integrity only');
    expect(await page.locator('.pair dd .mark').allInnerTexts()).toEqual([
      'false',
      'false',
      'true',
      'false',
    ]);
    expect(await main(page).innerText()).toContain('What the file claims');
    await verify(page, packet, registry);
    expect(await page.locator('.pair dt').allInnerTexts()).toEqual([
      'verified',
      'public_verified',
      'integrity_valid',
      'authenticity_valid',
    ]);
    expect(new Set(await page.locator('.pair dd .mark').allInnerTexts())).toEqual(
      new Set(['true']),
    );
    expect(await main(page).innerText()).toContain('Key source: key_registry');
  });

  it('tells the decision in plain words, and replays it if asked', async () => {
    const page = await open('/verify');
    await page.getByText('More to check against').click();
    await page.getByLabel('Also decide again').check();
    await verify(page, packet, registry);
    const told = await page.locator('section[aria-labelledby=decision]').innerText();
    for (const words of [
      'What was decided',
      'May a 15 percent discount be applied?',
      'at most once',
      'OWNER_RULE_VERIFIED',
      'executed',
      'billing-worker-3',
      'succeeded',
      '0.182',
    ]) {
      expect(told).toContain(words);
    }
    expect(await checksOf(page, 'checks')).toMatchObject({ replay_reproduced: 'Pass' });
  });

  it('compares with an older checkpoint and with the request', async () => {
    const page = await open('/verify');
    const older = JSON.parse(record).ledger_proof.checkpoint as string;
    const sizes = [older, JSON.parse(packet).packet.ledger.checkpoint as string].map(
      (note) => note.split('\n')[1],
    );
    const query = `?first=${sizes[0]}&second=${sizes[1]}`;
    const proof = await site.gate.get(`/api/decision/ledger/consistency${query}`);
    expect(proof.status).toBe(200);
    await page.getByText('More to check against').click();
    await page.getByRole('textbox', { name: 'An older checkpoint' }).fill(older);
    await page.getByRole('textbox', { name: 'Proof between' }).fill(proof.text);
    await page.getByRole('textbox', { name: 'The request' }).fill(JSON.stringify(billing()));
    await verify(page, packet, registry);
    expect(await headline(page)).toBe('Verified');
    expect(await checksOf(page, 'checks')).toMatchObject({ ledger_consistency: 'Pass' });

    const other = JSON.stringify(billing({ discount_percent: 99 }));
    await page.getByRole('textbox', { name: 'The request' }).fill(other);
    await verify(page, packet, registry);
    expect(await checksOf(page, 'obstacles')).toMatchObject({
      'decision_record.input_hash': 'Fail',
    });
  });

  it('asks the server for its registry when told to, once', async () => {
    const page = await open('/verify');
    const requests = requestsOf(page);
    await fileField(page).fill(packet);
    await page.getByRole('button', { name: 'Use this server’s registry' }).click();
    await page.getByText('so you are trusting this server').waitFor();
    await page.getByRole('button', { name: 'Verify', exact: true }).click();
    expect(await headline(page)).toBe('Verified');
    expect(requests).toEqual([`GET ${site.url}/api/decision/receipt-keys`]);
  });

  it('takes a result away when what it is about changes', async () => {
    const page = await open('/verify');
    await verify(page, packet, registry);
    await keysField(page).fill('');
    expect(await page.locator('.verdict').count()).toBe(0);
  });

  it('takes dropped files byte by byte', async () => {
    const page = await open('/verify');
    const drop = async (bytes: readonly number[]): Promise<string> => {
      const dataTransfer = await page.evaluateHandle(`(() => {
        const transfer = new DataTransfer();
        const bytes = new Uint8Array(${JSON.stringify(bytes)});
        transfer.items.add(new File([bytes], 'dropped.json'));
        return transfer;
      })()`);
      await page.locator('.drop').first().dispatchEvent('drop', { dataTransfer });
      await page.getByText('dropped.json').waitFor();
      await page.getByRole('button', { name: 'Verify', exact: true }).click();
      const said = await page.locator('.verdict').innerText();
      await page.getByRole('button', { name: 'Remove' }).click();
      return said;
    };
    expect(await drop([...Buffer.from(record)])).toContain('Integrity only');
    expect(await drop([...Buffer.from('{"a": "'), 0xff])).toContain('The file is not UTF-8 text.');
    expect(await drop([...Buffer.from('{}')])).toContain('neither a Decision Record nor');
  });

  it('refuses a file with a member twice, and says where', async () => {
    const page = await open('/verify');
    const twice = packet.replace('{"ok":true,', '{"ok":true,\n"ok":true,');
    await verify(page, twice, registry);
    expect(await headline(page)).toBe('Not readable');
    const said = await page.locator('.verdict').innerText();
    expect(said).toContain('Line 2, column 1: the member /ok stands here twice');
    expect(await page.locator('[data-check]').count()).toBe(0);
  });

  it('reports HMAC receipts as not publicly verifiable, and others not', async () => {
    const page = await open('/verify');
    const hmac = { ...JSON.parse(record), receipt_signature: `hmac-sha256:${'0'.repeat(64)}` };
    await verify(page, JSON.stringify(hmac), registry);
    expect(await headline(page)).toBe('Not verified');
    expect(await main(page).innerText()).toContain('not publicly verifiable');
    await verify(page, record, registry);
    expect(await headline(page)).toBe('Verified');
    expect(await main(page).innerText()).not.toContain('not publicly verifiable');
  });

  it('works with the keyboard alone, and shows where it is', async () => {
    const page = await open('/verify');
    const focused = (): Promise<string> =>
      page.evaluate(`(() => {
        const at = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(at);
        const label = at.labels?.[0]?.textContent;
        const ring = at.type === 'file' ? 'on its label' : outlineStyle + ' ' + outlineWidth;
        return (label ?? at.textContent).trim() + ' | ' + ring;
      })()`);
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to content | solid 3px');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('The file to check | solid 3px');
    await page.keyboard.insertText(packet);
    const seen: string[] = [];
    for (let i = 0; i < 8 && !seen.at(-1)?.startsWith('Verify'); i++) {
      await page.keyboard.press('Tab');
      seen.push(await focused());
      if (seen.at(-1)?.startsWith('The keys')) await page.keyboard.insertText(registry);
    }
    expect(seen).toEqual([
      'Choose a file | on its label',
      'The keys that you trust | solid 3px',
      'Choose a file | on its label',
      'Use this server’s registry | solid 3px',
      'More to check against (optional) | solid 3px',
      'Verify | solid 3px',
    ]);
    await page.keyboard.press('Enter');
    expect(await headline(page)).toBe('Verified');
  });
});

describe('the verifier as one file', () => {
  const address = (): string => pathToFileURL(join(site.folder, 'countersign-verifier.html')).href;

  it('verifies chosen files from a folder, without any network', async () => {
    const files = { packet: packet, tampered: tampered, keys: registry };
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(site.folder, `${name}.json`), text);
    }
    const page = await open('about:blank', { offline: true });
    const requests = requestsOf(page);
    await page.goto(address());
    const choose = (label: string, name: string): Promise<void> =>
      page.getByLabel(`${label}: choose a file`).setInputFiles(join(site.folder, `${name}.json`));
    const press = (): Promise<void> =>
      page.getByRole('button', { name: 'Verify', exact: true }).click();

    await choose('The file to check', 'packet');
    await choose('The keys that you trust', 'keys');
    await press();
    expect(await headline(page)).toBe('Verified');
    await choose('The file to check', 'tampered');
    await press();
    expect(await headline(page)).toBe('Not verified');
    expect(requests).toEqual([`GET ${address()}`]);
    expect(await page.getByRole('button', { name: /registry/ }).count()).toBe(0);
    expect(await page.getByRole('link', { name: 'Playground' }).count()).toBe(0);
  });

  it('forbids itself to connect, and holds nothing that would', async () => {
    const page = await open(address());
    const attempt = await page.evaluate(
      `fetch(${JSON.stringify(site.url)}).then(() => 'connected', () => 'refused')`,
    );
    expect(attempt).toBe('refused');
    expect(errors.splice(0).join()).toContain('Content Security Policy');
    const html = readFileSync(join(site.folder, 'countersign-verifier.html'), 'utf8');
    expect(html).toContain("connect-src 'none'");
    expect(html).not.toMatch(/\bfetch\(|XMLHttpRequest|WebSocket|\bimport\(|sendBeacon/);
    expect(html).not.toMatch(/<(?:script|link|img)[^>]+(?:src|href)="(?!data:)/);
  });
});

describe('the start page', () => {
  it('says what runs here and leads to everything', async () => {
    const page = await open('/');
    const { body } = await site.gate.get('/api/decision/status');
    await page.getByText('Ready').waitFor();
    const status = body as { versions: Members; ledger: Members };
    const text = await main(page).innerText();
    expect(text).toContain('Ready: it takes decisions');
    expect(text).toContain(`Countersign ${String(status.versions['build'])}`);
    expect(text).toContain(String(status.ledger['origin']));
    expect(text).toContain(`${String(status.ledger['tree_size'])} entries`);
    expect(text).toContain(`curl -sS ${site.url}/api/decide`);
    const links = await page
      .getByRole('main')
      .getByRole('link')
      .evaluateAll((items: any[]) => items.map((item) => item.getAttribute('href')));
    expect(links).toEqual([
      '/playground',
      '/demo',
      '/verify',
      '/countersign-verifier.html',
      '/openapi.json',
      '/llms.txt',
      '/.well-known/decide.json',
    ]);
    const download = page.waitForEvent('download');
    await page.getByText('Verifier to keep').click();
    expect((await download).suggestedFilename()).toBe('countersign-verifier.html');
  });

  it('shows a command that makes a decision', async () => {
    const page = await open('/');
    const command = await page.locator('pre').innerText();
    const body = /--data '([^']+)'/.exec(command)?.[1] ?? '';
    expect(await site.gate.decide(JSON.parse(body))).toMatchObject({ verdict: 'yes' });
  });

  it('does not call a silent server ready', async () => {
    const page = await open('about:blank');
    await page.route('**/api/**', (route) => route.abort());
    await page.goto(`${site.url}/`);
    await page.getByText('Take no answer as a yes').waitFor();
    expect(await main(page).innerText()).not.toContain('Ready');
    expect(errors.splice(0).join()).toContain('ERR_FAILED');
  });
});

describe('the playground', () => {
  const decide = (page: Page): Promise<void> =>
    page.getByRole('button', { name: 'Decide', exact: true }).click();

  it('decides every template', async () => {
    const page = await open('/playground');
    await page.getByLabel('Template policy').waitFor();
    const names = await page.getByLabel('Template policy').locator('option').allInnerTexts();
    expect(names.length).toBeGreaterThanOrEqual(6);
    for (const name of names) {
      await page.getByLabel('Template policy').selectOption({ label: name });
      expect(await page.locator('.verdict').count()).toBe(0);
      await decide(page);
      expect(await headline(page)).toBe(name === 'Payout' ? 'Review' : 'Yes');
    }
  });

  it('decides a template, and shows what is missing and what is wrong', async () => {
    const page = await open('/playground');
    await page.getByLabel('Template policy').selectOption({ label: 'Pricing exception' });
    await decide(page);
    expect(await headline(page)).toBe('Yes');

    const missing = page.getByRole('button', { name: 'margin floor is missing' });
    await missing.click();
    expect(await missing.getAttribute('aria-pressed')).toBe('true');
    await decide(page);
    expect(await headline(page)).toBe('Review');
    expect(await main(page).innerText()).toContain('MARGIN_FLOOR_UNKNOWN');

    await missing.click();
    expect(await missing.getAttribute('aria-pressed')).toBe('false');
    await page.getByRole('button', { name: 'margin floor is failed' }).click();
    await decide(page);
    expect(await headline(page)).toBe('No');
  });

  it('reads the request strictly, and says where it is wrong', async () => {
    const page = await open('/playground');
    const editor = page.getByLabel('Request');
    await editor.fill('{"question": "May it?",\n "mode": "single",\n "mode": "single"}');
    expect(await main(page).innerText()).toContain('Line 3, column 2: the member /mode');
    expect(await page.getByRole('button', { name: 'Decide', exact: true }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Go to the place' }).click();
    expect(await page.evaluate('document.activeElement.selectionStart')).toBe(44);

    await editor.fill('{"question": "May it?"}');
    await decide(page);
    expect(await headlineOfRefusal(page)).toBe('No decision');
    expect(await main(page).innerText()).toContain('/context');
    expect(errors.splice(0).join()).toContain('422');
  });

  it('hands an answer to the verifier within the browser', async () => {
    const page = await open('/playground');
    await page.getByRole('button', { name: 'grant days is missing' }).click();
    await decide(page);
    expect(await headline(page)).toBe('Review');
    const requests: string[] = [];
    page.on('request', (request) => requests.push(`${request.method()} ${request.postData()}`));
    await page.getByRole('button', { name: 'Open this answer' }).click();
    await page.waitForURL('**/verify');
    expect(await headline(page)).toBe('Integrity only');
    expect(new Set(requests)).toEqual(new Set(['GET null']));
    await keysField(page).fill(registry);
    await page.getByRole('button', { name: 'Verify', exact: true }).click();
    expect(await headline(page)).toBe('Verified');
    expect(await main(page).innerText()).toContain('Would become yes if');
    await page.reload();
    expect(await fileField(page).inputValue()).toBe('');
  });

  it('shows what would make it a yes, and of a yes nothing', async () => {
    const page = await open('/playground');
    await page.getByLabel('Template policy').selectOption({ label: 'Payout' });
    await decide(page);
    expect(await headline(page)).toBe('Review');
    const text = await main(page).innerText();
    expect(text).toContain('Would become yes if');
    expect(text).toMatch(
      /or .*treasury approval is met instead of unknown \([A-Z_]+, up to a reviewer\)/,
    );
    await page.getByLabel('Template policy').selectOption({ label: 'Pricing exception' });
    await decide(page);
    expect(await headline(page)).toBe('Yes');
    expect(await main(page).innerText()).not.toContain('Would become yes if');
  });

  it('is kind when there were too many requests', async () => {
    const page = await open('/playground');
    await page.route('**/playground/decide', (route) =>
      route.fulfill({ status: 429, headers: { 'retry-after': '17' }, json: { ok: false } }),
    );
    await decide(page);
    expect(await headlineOfRefusal(page)).toBe('One moment');
    expect(await main(page).innerText()).toContain('press Decide again in 17 seconds');
    expect(errors.splice(0).join()).toContain('429');
  });

  const headlineOfRefusal = (page: Page): Promise<string> => page.locator('.notice h2').innerText();
});

describe('every page', () => {
  /** Pages with as much on them as there can be. */
  const STATES: readonly (readonly [string, (page: Page) => Promise<void>])[] = [
    ['/', (page) => page.getByText('Ready').waitFor()],
    ['/verify', (page) => verify(page, tampered, registry)],
    [
      '/playground',
      async (page) => {
        await page
          .getByRole('button', { name: /is missing/ })
          .first()
          .click();
        await page.getByRole('button', { name: 'Decide', exact: true }).click();
        await page.locator('.verdict').waitFor();
      },
    ],
    [
      '/demo',
      async (page) => {
        await page.getByRole('button', { name: 'Urgent payment' }).click();
        await page.locator('.found').first().waitFor();
      },
    ],
  ];

  it.each(STATES)('%s fits a narrow screen, has landmarks, and can be read', async (path, fill) => {
    const page = await open(path, { viewport: { width: 360, height: 700 } });
    await fill(page);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    for (const role of ['banner', 'navigation', 'main', 'contentinfo'] as const) {
      expect(await page.getByRole(role).count()).toBe(1);
    }
    expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
    expect(await page.evaluate(UNLABELLED)).toEqual([]);

    for (const [colorScheme, paper] of [
      ['light', 'rgb(250, 249, 246)'],
      ['dark', 'rgb(18, 22, 24)'],
    ] as const) {
      // Colours that are still changing are neither of the two.
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(paper);
      const { faint, texts } = (await page.evaluate(FAINT_TEXTS)) as { faint: []; texts: number };
      expect(texts).toBeGreaterThan(20);
      expect(faint).toEqual([]);
    }
  });
});

const UNLABELLED = `[...document.querySelectorAll('input, textarea, select, button')]
  .filter((field) => !field.labels?.length && !field.ariaLabel && !field.textContent.trim())
  .map((field) => field.outerHTML)`;

/** Texts with a contrast below 4.5 to what is behind them (WCAG 2.2, 1.4.3); disabled ones are exempt. */
const FAINT_TEXTS = `(() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const luminance = (parts) => {
    const [r, g, b] = parts.map((part) => {
      const c = part / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const color = rgb(getComputedStyle(element).backgroundColor);
    return color[3] === 0 ? behind(element.parentElement) : color;
  };
  const faint = [];
  let texts = 0;
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || element.closest(':disabled, script')) continue;
    texts += 1;
    const both = [rgb(getComputedStyle(element).color), behind(element)].map((color) =>
      luminance(color.slice(0, 3)),
    );
    const ratio = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
    if (ratio < 4.5) faint.push(element.textContent + ' ' + ratio.toFixed(2));
  }
  return { faint, texts };
})()`;
