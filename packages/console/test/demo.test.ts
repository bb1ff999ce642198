import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Browser,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
  type Request,
  type Response,
} from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DELIVERED } from '../../server/src/governance.ts';
import {
  at,
  type Gate,
  type GateOptions,
  listAt,
  type Members,
  openGate,
  temporaryDirectory,
} from '../../server/test/harness.ts';
import { EXAMPLES } from '../src/demo/examples.ts';

const BUILD = fileURLToPath(new URL('../build.mjs', import.meta.url));
const WORKED = JSON.parse(
  readFileSync(
    new URL('../../../vectors/communication/worked-examples.json', import.meta.url),
    'utf8',
  ),
) as readonly { readonly row: string; readonly request: Members; readonly decision: Members }[];

let browser: Browser;
let pagesDirectory: string;
let gate: Gate;
const opened: Page[] = [];
const others: Gate[] = [];
const problems: string[] = [];

beforeAll(async () => {
  pagesDirectory = temporaryDirectory();
  execFileSync(process.execPath, [BUILD, pagesDirectory]);
  gate = await openGate({ pagesDirectory });
  browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
});
afterAll(async () => {
  await browser.close();
  await gate.close();
  rmSync(pagesDirectory, { recursive: true, force: true });
});
afterEach(async () => {
  const seen = problems.splice(0);
  for (const page of opened.splice(0)) await page.context().close();
  for (const other of others.splice(0)) await other.close();
  expect(seen).toEqual([]);
});

/** The page of a server, with everything that its policy of content forbids among the problems. */
async function open(of: Gate = gate, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  opened.push(page);
  await page.exposeFunction('violated', (directive: string) => problems.push(directive));
  await page.addInitScript(
    `document.addEventListener('securitypolicyviolation', (event) => violated(event.violatedDirective))`,
  );
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text());
  });
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(`${of.server.url}/demo`);
  await page.getByRole('heading', { name: 'The decision' }).waitFor();
  return page;
}

async function openOther(options: GateOptions): Promise<Gate> {
  const other = await openGate({ pagesDirectory, ...options });
  others.push(other);
  return other;
}

const result = (page: Page): Locator => page.getByRole('region', { name: 'The decision' });
const verdict = (page: Page): Locator => page.locator('.verdict');
const isDemo = (response: Response): boolean => response.url().endsWith('/api/demo/decisions');
const standing = (page: Page): Promise<string> =>
  page.getByRole('region', { name: 'The proof' }).locator('h3, .notice p').first().innerText();

/** Has what `press` starts decided; gives what was sent and answered. */
async function decided(
  page: Page,
  press: () => Promise<void>,
): Promise<{ request: Request; sent: Members; decision: Members }> {
  const [response] = await Promise.all([page.waitForResponse(isDemo), press()]);
  const request = response.request();
  const decision = (await response.json()) as Members;
  await verdict(page).waitFor();
  await page.getByText(/Verified in this page|Not verified|could not be read/).waitFor();
  return { request, sent: request.postDataJSON() as Members, decision };
}

const check = (page: Page) => (): Promise<void> =>
  page.getByRole('button', { name: 'Check this step' }).click();
const tryExample = (page: Page, name: string) => (): Promise<void> =>
  page.getByRole('button', { name, exact: true }).click();

/** Fills fields by their labels. */
async function fill(page: Page, fields: Readonly<Record<string, string>>): Promise<void> {
  for (const [label, text] of Object.entries(fields)) await page.getByLabel(label).fill(text);
}

/** The passages that are marked on the page, by signal: pointer, start and end in UTF-16 code units. */
async function markedOn(page: Page): Promise<Record<string, unknown>> {
  return page.evaluate(`(() => {
    const found = {};
    for (const block of document.querySelectorAll('[data-pointer]')) {
      let offset = 0;
      for (const node of block.childNodes) {
        const end = offset + node.textContent.length;
        for (const id of (node.dataset?.signals ?? '').split(' ').filter(Boolean)) {
          found[id] ??= { pointer: block.dataset.pointer, start: offset, end: offset };
          if (found[id].end !== offset) throw new Error('a gap in ' + id);
          found[id].end = end;
        }
        offset = end;
      }
    }
    return found;
  })()`);
}

/** The same of a packet. */
function passagesOf(decision: Members): Record<string, unknown> {
  const signals = listAt(decision, 'proof_packet.signals').filter(({ span }) => span !== null);
  return Object.fromEntries(
    signals.map(({ signal_id, pointer, span }) => [signal_id, { pointer, ...(span as object) }]),
  );
}

/** Hashes of all files below a directory. */
function filesIn(directory: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [file, createHash('sha256').update(readFileSync(file)).digest('hex')]),
  );
}

interface MarkLooks {
  readonly tone: string;
  readonly line: string;
  readonly number: string | null;
}

/** How each mark looks: its tone, its line, and the number before it where a passage begins. */
const MARKS = `[...document.querySelectorAll('mark.found')].map((mark) => {
  const link = mark.querySelector('a');
  return {
    tone: mark.classList[1],
    line: getComputedStyle(mark).borderBottomStyle,
    number: link && getComputedStyle(link, '::before').content,
  };
})`;

const widthOf = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth');

describe('the demo page', () => {
  it('C-25 shows a placeholder before the first run and a real decision after it, without credentials', async () => {
    const page = await open();
    const placeholder = JSON.parse(await result(page).locator('pre').innerText()) as Members;
    expect(placeholder).toMatchObject({ object: 'decision', status: 'ready' });
    expect(String(placeholder['note'])).not.toBe('');
    expect(await verdict(page).count()).toBe(0);

    const { request, sent, decision } = await decided(page, check(page));
    const headers = Object.keys(await request.allHeaders());
    expect(headers.filter((name) => /cookie|authorization|api-key|actor|token/.test(name))).toEqual(
      [],
    );
    expect(sent).toHaveProperty('body_excerpt');
    expect(decision).toMatchObject({ object: 'decision', status: 'completed', demo: true });
    expect(await result(page).locator('pre').count()).toBe(0);
    const text = await result(page).innerText();
    for (const path of ['summary', 'safest_move.rationale', 'action_gate.recommended_action']) {
      expect(text).toContain(at(decision, path));
    }
    await page.getByText('The whole answer as JSON').click();
    const shown = JSON.parse(await page.locator('details[open] pre').innerText()) as Members;
    expect(shown).toEqual(decision);
  });

  it('says what demo mode keeps', async () => {
    const page = await open();
    expect(await page.getByRole('main').innerText()).toContain(
      'Demo mode stores nothing: neither the text nor the decision.',
    );
  });

  it('is served in live operation too', async () => {
    const live = await openOther({ environment: 'live' });
    const { status, headers } = await live.send('/demo', {});
    expect(status).toBe(200);
    expect(headers.get('content-security-policy')).toContain("script-src 'self'");
  });
});

describe('the examples', () => {
  it.each([
    ['Bank details', 'C-16'],
    ['Urgent payment', 'C-17'],
    ['Happy to proceed?', 'C-15'],
    ['AI writes outside', 'C-19'],
    ['Refund', 'C-20'],
    ['New supplier', 'C-21'],
    ['Harmless', 'C-3'],
  ])(
    '%s gives the light and the gate of %s, with marks where the packet has them',
    async (name, row) => {
      const worked = WORKED.find((one) => one.row === row);
      const page = await open();
      const { sent, decision } = await decided(page, tryExample(page, name));
      for (const path of ['subject', 'body_excerpt', 'proposed_action.draft', 'context']) {
        expect(at(sent, path)).toEqual(at(worked?.request, path));
      }
      expect(at(sent, 'proposed_action.action_type')).toBe(
        at(worked?.decision, 'action_gate.action_type'),
      );
      for (const path of ['traffic_light', 'action_gate.allowed', 'safest_move']) {
        expect(at(decision, path)).toEqual(at(worked?.decision, path));
      }

      const allowed = at(worked?.decision, 'action_gate.allowed') === true;
      expect(await verdict(page).locator('h2').innerText()).toBe(
        allowed ? 'The gate is open' : 'The gate is closed',
      );
      const light = at(worked?.decision, 'traffic_light') as Record<'state' | 'label', string>;
      expect((await verdict(page).locator('.mark').innerText()).toLowerCase()).toBe(
        `${light.state}, ${light.label}`,
      );
      expect(await markedOn(page)).toEqual(passagesOf(decision));
      expect(await page.locator('[data-signal]').count()).toBe(
        listAt(decision, 'proof_packet.signals').length,
      );
      expect(await standing(page)).toBe('Verified in this page');
    },
  );

  it('are all of them', async () => {
    const page = await open();
    const names = await page.locator('.examples button').allInnerTexts();
    expect(names).toEqual(EXAMPLES.map(({ name }) => name));
    expect(names).toHaveLength(7);
  });
});

describe('a decision on the page', () => {
  it('is read from the gate on, and only true opens it', async () => {
    const page = await open();
    let changed: (decision: Members) => Members = (decision) => decision;
    await page.route('**/api/demo/decisions', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: changed((await response.json()) as Members) });
    });
    const gateSays = async (allowed: unknown): Promise<string> => {
      changed = (decision) => ({
        ...decision,
        action_gate: { ...(decision['action_gate'] as Members), allowed },
      });
      await decided(page, tryExample(page, 'Harmless'));
      return verdict(page).locator('h2').innerText();
    };
    for (const allowed of ['true', 1, null, {}, undefined, false]) {
      expect(await gateSays(allowed)).toBe('The gate is closed');
    }
    expect(await gateSays(true)).toBe('The gate is open');
  });

  it('has a word for each light, and for a gate that is open under review', async () => {
    const page = await open();
    const said = async (body: string, draft = ''): Promise<string[]> => {
      await fill(page, { Message: body, 'Your draft': draft });
      if (draft !== '') await page.getByLabel('Written by').selectOption('ai_generated');
      await decided(page, check(page));
      return [
        await verdict(page).locator('h2').innerText(),
        await verdict(page).locator('.mark').innerText(),
      ];
    };
    await page.getByLabel('The step you are about to take').selectOption('reply');
    await fill(page, { Subject: '' });
    expect(await said('Thanks, see you at lunch')).toEqual(['The gate is open', 'Green, clear']);
    expect(await said('Thanks, see you at lunch', 'See you there.')).toEqual([
      'The gate is open, under review',
      'Amber, caution',
    ]);
    const grey = WORKED.find(({ row }) => row === 'C-72')?.request['body_excerpt'] as string;
    expect(await said(grey)).toEqual(['The gate is closed', 'Grey, undetermined']);
  });

  it('marks nothing by colour alone', async () => {
    const page = await open();
    const marks: MarkLooks[] = [];
    for (const name of ['Bank details', 'Happy to proceed?']) {
      await decided(page, tryExample(page, name));
      marks.push(...((await page.evaluate(MARKS)) as MarkLooks[]));
    }
    const lines = new Map(marks.map(({ tone, line }) => [tone, line]));
    expect(Object.fromEntries(lines)).toEqual({ none: 'dotted', caution: 'dashed', fail: 'solid' });
    for (const { number } of marks) expect(number ?? '"1"').toMatch(/^"\d+(?:, \d+)*"$/);
    for (const icon of await page.locator('main .mark').all()) {
      expect(await icon.innerText()).not.toBe('');
      expect(await icon.locator('svg').count()).toBe(1);
    }
  });

  it('describes its marks to those who do not see them', async () => {
    const page = await open();
    const { decision } = await decided(page, tryExample(page, 'Bank details'));
    const client = await page.context().newCDPSession(page);
    const { root } = await client.send('DOM.getDocument', { depth: -1 });
    const described: unknown[] = [];
    const { nodeIds } = await client.send('DOM.querySelectorAll', {
      nodeId: root.nodeId,
      selector: 'mark a',
    });
    for (const nodeId of nodeIds) {
      const { nodes } = await client.send('Accessibility.getPartialAXTree', {
        nodeId,
        fetchRelatives: false,
      });
      expect(nodes[0]?.role?.value).toBe('link');
      described.push(nodes[0]?.description?.value);
    }
    const told = described.join('\n');
    expect(told).toContain(
      'Change of payment details: bank details changed Critical payment.bank_details_changed',
    );
    for (const { code, span } of listAt(decision, 'proof_packet.signals')) {
      if (span !== null) expect(told).toContain(code);
    }
    const live = page.locator('[aria-live=polite]', { has: verdict(page) });
    expect(await live.count()).toBe(1);
  });

  it('leads from the list to the mark and back', async () => {
    const page = await open();
    await decided(page, tryExample(page, 'Urgent payment'));
    // Marks may overlap; the first begins no later than any other, so its first piece belongs to it.
    const item = page.locator('[data-signal=sig_0001]', { has: page.getByRole('link') });
    await item.getByRole('link', { name: 'Show in the text' }).click();
    const focused = page.locator(':focus');
    expect(await focused.innerText()).toBe('please pay the attached ');
    await focused.press('Enter');
    expect(await focused.getAttribute('data-signal')).toBe(await item.getAttribute('data-signal'));
  });

  it('goes away when what it is about changes', async () => {
    const page = await open();
    await decided(page, check(page));
    await fill(page, { Subject: 'Something else' });
    expect(await verdict(page).count()).toBe(0);
    expect(await result(page).locator('pre').innerText()).toContain('"status": "ready"');
  });

  it('is not shown when what it is about changed while it was made', async () => {
    const page = await open();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route('**/api/demo/decisions', async (route) => {
      await held;
      await route.continue();
    });
    const answered = page.waitForResponse(isDemo);
    await check(page)();
    await page.getByText('Checking…').waitFor();
    await fill(page, { Message: 'Something else' });
    release();
    await (await answered).finished();
    await page.evaluate('new Promise((done) => setTimeout(done, 200))');
    expect(await verdict(page).count()).toBe(0);
    expect(await result(page).innerText()).not.toContain('Checking');
  });
});

describe('the proof on the page', () => {
  it('names packet, trace and place in the ledger, and checks what can be checked', async () => {
    const page = await open();
    const { decision } = await decided(page, check(page));
    const proof = page.getByRole('region', { name: 'The proof' });
    const text = await proof.innerText();
    for (const path of [
      'proof_packet_id',
      'trace_id',
      'content_binding',
      'proof_packet.ledger.root',
      'proof_packet.ledger.origin',
    ]) {
      expect(text).toContain(at(decision, path));
    }
    expect(text).toMatch(/Ledger index\s+0\s+Ledger size\s+1\s/);
    const checks = await proof
      .locator('[data-check]')
      .evaluateAll((items: any[]) =>
        items.map((item) => [item.dataset.check, item.querySelector('.mark').textContent]),
      );
    expect(Object.fromEntries(checks as [string, string][])).toEqual({
      decision_digest: 'Pass',
      packet_digest: 'Pass',
      entry: 'Pass',
      inclusion: 'Pass',
      consistency: 'Not checked',
      commitments: 'Not checked',
    });
  });

  it('does not hold when an answer was changed on the way', async () => {
    const page = await open();
    await page.route('**/api/demo/decisions', async (route) => {
      const response = await route.fetch();
      const text = await response.text();
      await route.fulfill({ response, body: text.replace('"R03"', '"R19"') });
    });
    await decided(page, check(page));
    expect(await standing(page)).toBe('Not verified');
    const failed = page.locator('[data-check]', { hasText: 'Fail' });
    expect(
      await failed.evaluateAll((items: any[]) => items.map((one) => one.dataset.check)),
    ).toEqual(['decision_digest']);
  });

  it('claims nothing without keys', async () => {
    const page = await open();
    await page.route('**/.well-known/genius-keys.json', (route) => route.abort());
    await decided(page, check(page));
    expect(await standing(page)).toContain('nothing was verified');
    expect(problems.splice(0).join()).toContain('ERR_FAILED');
  });
});

describe('what goes wrong', () => {
  const refusal = (page: Page): Locator => result(page).locator('.notice');

  it('names every place of a request that is not right, and leads there', async () => {
    const page = await open();
    await fill(page, { Message: 'x'.repeat(4001), Subject: 's'.repeat(2001) });
    await page.getByText('Your side').click();
    await fill(page, { 'Your organisation’s domains': 'd'.repeat(254) });
    await page.getByText('Your side').click();
    await check(page)();
    await refusal(page).waitFor();
    const text = await refusal(page).innerText();
    expect(text).toContain('No decision');
    expect(text).toContain('The gate stays closed');
    expect(text).toMatch(/Message must not be longer than 4000 /);
    expect(text).toMatch(/Subject must not be longer than 2000 /);
    expect(text).toContain('validation_error, status 400, trace trace_');
    const atFault = page.locator('[aria-invalid=true]');
    expect(await atFault.evaluateAll((fields: any[]) => fields.map(({ id }) => id))).toEqual([
      'subject',
      'body',
      'ownDomains',
    ]);
    const domains = refusal(page).getByRole('listitem').filter({ hasText: 'domains' });
    await domains.getByRole('button', { name: 'Go to the field' }).click();
    expect(await page.locator(':focus').getAttribute('id')).toBe('ownDomains');
    expect(await page.locator('#ownDomains').isVisible()).toBe(true);
    expect(problems.splice(0).join()).toContain('400');
  });

  it('asks for a message where there is none', async () => {
    const page = await open();
    await fill(page, { Message: '' });
    await check(page)();
    await refusal(page).waitFor();
    expect(await refusal(page).innerText()).toContain('Message is required');
    expect(problems.splice(0).join()).toContain('400');
  });

  it('says how long to wait after too many requests', async () => {
    const limited = await openOther({ rateLimits: true });
    const page = await open(limited);
    for (let i = 0; i < 10; i++) await decided(page, tryExample(page, 'Harmless'));
    await check(page)();
    await refusal(page).waitFor();
    const text = await refusal(page).innerText();
    expect(text).toContain('One moment');
    expect(text).toMatch(/Wait \d+ seconds?, then check again\./);
    expect(text).toContain('The gate stays closed');
    expect(problems.splice(0).join()).toContain('429');
  });

  it('keeps the gate closed when the server is not there', async () => {
    const page = await open();
    await page.context().setOffline(true);
    await check(page)();
    await refusal(page).waitFor();
    const text = await refusal(page).innerText();
    expect(text).toContain('The server could not be reached');
    expect(text).toContain('The gate stays closed');
    expect(problems.splice(0).join()).toContain('ERR_INTERNET_DISCONNECTED');
  });

  it('keeps the gate closed when there is no policy to decide by', async () => {
    const governance = { ...DELIVERED, policyFile: new URL('nowhere.json', DELIVERED.policyFile) };
    const page = await open(await openOther({ governance }));
    await check(page)();
    await refusal(page).waitFor();
    const text = await refusal(page).innerText();
    expect(text).toContain('policy_unavailable');
    expect(text).toContain('The gate stays closed');
    expect(problems.splice(0).join()).toContain('503');
  });

  it.each([
    ['a page of somebody in between', 200, '<h1>Sign in</h1>'],
    ['another object', 200, '{"object":"list"}'],
    ['no text at all', 502, ''],
  ])('takes %s for no decision', async (_what, status, body) => {
    const page = await open();
    await page.route('**/api/demo/decisions', (route) => route.fulfill({ status, body }));
    await check(page)();
    await refusal(page).waitFor();
    expect(await refusal(page).innerText()).toContain('The gate stays closed');
    expect(await verdict(page).count()).toBe(0);
    problems.splice(0);
  });
});

describe('the page and those who use it', () => {
  it('works with the keyboard alone, and shows where it is', async () => {
    const page = await open();
    const focused = (): Promise<string> =>
      page.evaluate(`(() => {
        const at = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(at);
        const name = at.labels?.[0]?.textContent ?? at.textContent;
        return name.trim() + ' | ' + outlineStyle + ' ' + outlineWidth;
      })()`);
    const tabTo = async (name: string): Promise<void> => {
      for (let i = 0; i < 40; i++) {
        await page.keyboard.press('Tab');
        const here = await focused();
        expect(here).toMatch(/ \| solid 3px$/);
        if (here.startsWith(name)) return;
      }
      throw new Error(`no way to ${name}`);
    };
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to content | solid 3px');
    await page.keyboard.press('Enter');
    await tabTo('Harmless');
    await decided(page, () => page.keyboard.press('Enter'));
    expect(await verdict(page).innerText()).toContain('The gate is open');
    expect(await focused()).toContain('Harmless');

    await tabTo('Message');
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText('Are you happy to proceed? Please confirm today.');
    await tabTo('The step you are about to take');
    await page.keyboard.press('ArrowDown');
    await tabTo('Check this step');
    const { sent } = await decided(page, () => page.keyboard.press('Enter'));
    expect(at(sent, 'proposed_action.action_type')).toBe('send');
    expect(await verdict(page).innerText()).toContain('The gate is closed');

    await tabTo('Are you happy to proceed');
    await page.keyboard.press('Enter');
    expect(await focused()).toMatch(/^\d+Commitment or acceptance/);
    await tabTo('Show in the text');
    await page.keyboard.press('Enter');
    expect(await focused()).toMatch(/ \| solid 3px$/);
    expect(await page.locator('mark a:focus').count()).toBe(1);
    await tabTo('The whole answer as JSON');
  });

  it('fits a phone in every state', async () => {
    const page = await open(gate, { viewport: { width: 360, height: 700 } });
    expect(await widthOf(page)).toBe(360);
    for (const name of ['Bank details', 'Urgent payment']) {
      await decided(page, tryExample(page, name));
      expect(await widthOf(page)).toBe(360);
      const { y, height } = (await verdict(page).boundingBox()) ?? { y: -1, height: 0 };
      expect(y).toBeGreaterThanOrEqual(0);
      expect(y + height).toBeLessThanOrEqual(700);
    }
    const long = `${'w'.repeat(600)} our bank details have changed `;
    await fill(page, { 'Sender’s name': 'n'.repeat(200), Subject: long, Message: long });
    await fill(page, { 'Your draft': long });
    await page.getByText('Your side').click();
    await decided(page, check(page));
    await page.evaluate(
      `for (const details of document.querySelectorAll('details')) details.open = true`,
    );
    expect(await widthOf(page)).toBe(360);
    await fill(page, { Message: 'x'.repeat(4001) });
    await check(page)();
    await result(page).locator('.notice').waitFor();
    expect(await widthOf(page)).toBe(360);
    expect(problems.splice(0).join()).toContain('400');
  });

  it('moves nothing for those who want that', async () => {
    const page = await open(gate, { reducedMotion: 'reduce' });
    const moving = await page.evaluate(`[...document.querySelectorAll('*')].filter((element) => {
      const { transitionDuration, animationName, scrollBehavior } = getComputedStyle(element);
      return transitionDuration !== '0s' || animationName !== 'none' || scrollBehavior === 'smooth';
    }).length`);
    expect(moving).toBe(0);
  });

  it('runs no script and no style but its own', async () => {
    const page = await open();
    await decided(page, check(page));
    expect(problems).toEqual([]);
    await page.evaluate(`(() => {
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      document.body.append(script);
      document.body.setAttribute('style', 'color: red');
    })()`);
    expect(await page.evaluate('window.ran')).toBeUndefined();
    await expect.poll(() => problems.join()).toContain('script-src');
    await expect.poll(() => problems.join()).toContain('style-src');
    problems.splice(0);
  });

  it('shows hostile text as text', async () => {
    const page = await open();
    const hostile = [
      `<img src=x onerror="window.ran = 1"><script>window.ran = 2</script>`,
      `</textarea></div><svg onload="window.ran = 3"><a href="javascript:window.ran = 4">click</a>`,
      `<style>* { display: none }</style> our bank details have changed &lt;b&gt; &#60;b&#62; \${ran} {{ran}}`,
      `\u202ereversed\u202c a\u200bb \u{e0041}\u{e0042} \u0000\u0007 "'\`\\`,
    ].join('\n');
    await page.getByText('Your side').click();
    await fill(page, {
      'Sender’s name': hostile.split('\n')[0] ?? '',
      'Sender’s address': `"><img src=x onerror=alert(1)>@evil.example`,
      Subject: hostile.replaceAll('\n', ' '),
      Message: hostile,
      'Your draft': hostile,
      'Names that others might pose as': '<img src=x onerror=alert(2)>',
    });
    const { sent, decision } = await decided(page, check(page));
    await page.getByText('The whole answer as JSON').click();
    await page.getByText('The request as JSON').click();
    expect(await page.evaluate('window.ran')).toBeUndefined();
    expect(await page.locator('main :is(img, script, style, [onerror], [onload])').count()).toBe(0);
    expect(await page.locator('main a[href^="javascript"]').count()).toBe(0);
    for (const path of ['/body_excerpt', '/subject', '/proposed_action/draft']) {
      const shown = await page
        .locator(`[data-pointer="${path}"]`)
        .evaluate((block: any) => block.textContent);
      expect(shown).toBe(at(sent, path.slice(1).replaceAll('/', '.')));
    }
    expect(Object.keys(passagesOf(decision)).length).toBeGreaterThan(0);
    expect(await markedOn(page)).toEqual(passagesOf(decision));
    expect(await standing(page)).toBe('Verified in this page');
  });

  it('C-26 leaves nothing in the browser and nothing on the server', async () => {
    const page = await open();
    await decided(page, check(page));
    const before = filesIn(gate.directory);
    expect(Object.keys(before).length).toBeGreaterThan(3);
    for (const { name } of EXAMPLES) await decided(page, tryExample(page, name));
    expect(filesIn(gate.directory)).toEqual(before);

    expect(await page.context().cookies()).toEqual([]);
    const kept = await page.evaluate(`(async () => ({
      local: localStorage.length,
      session: sessionStorage.length,
      databases: (await indexedDB.databases()).length,
      caches: (await caches.keys()).length,
      workers: (await navigator.serviceWorker.getRegistrations()).length,
      cookie: document.cookie,
      name: window.name,
      search: location.search,
    }))()`);
    expect(kept).toEqual({
      local: 0,
      session: 0,
      databases: 0,
      caches: 0,
      workers: 0,
      cookie: '',
      name: '',
      search: '',
    });
    await page.reload();
    expect(await result(page).locator('pre').innerText()).toContain('"status": "ready"');
  });
});
