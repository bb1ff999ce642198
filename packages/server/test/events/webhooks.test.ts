import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { addEndpoint, listEndpoints, rotateSecret } from '../../src/events/endpoints.ts';
import { startWebhooks, type WebhookOptions, type Webhooks } from '../../src/events/webhooks.ts';
import { WEBHOOK_SCHEMA, type WebhookStore, webhookStore } from '../../src/store/webhook-store.ts';
import { ArrayLedger, EVENTFUL, entryOf } from './ledger.ts';
import { type Received, type Receiver, type Reply, startReceiver } from './receiver.ts';

const ORIGIN = 'ledger.example.com';
const RULES = { allowLoopback: true };
const OK: Reply = { status: 200 };
const REVIEW = { entryType: 'review_opened', subject: '{}' } as const;
const DECISION = { entryType: 'decision', subject: '{"verdict":"yes"}' } as const;
const directory = mkdtempSync(join(tmpdir(), 'countersign-webhooks-'));
let count = 0;
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});
process.once('exit', () => rmSync(directory, { recursive: true }));

function newFile(): string {
  count += 1;
  const file = join(directory, `${count}.db`);
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.exec(WEBHOOK_SCHEMA);
  db.close();
  return file;
}

function storeOf(file = newFile()): WebhookStore {
  const db = new Database(file);
  open.push(() => db.close());
  return webhookStore(db);
}

function start(
  store: WebhookStore,
  ledger: ArrayLedger,
  more: Partial<WebhookOptions> = {},
): Webhooks {
  const webhooks = startWebhooks({
    store,
    ledger,
    origin: ORIGIN,
    rules: RULES,
    now: Date.now,
    random: () => 0.5,
    onError: (error) => expect.fail(String(error)),
    retryDelaysMs: [5, 5, 5, 5],
    pollMs: 50,
    ...more,
  });
  open.push(() => webhooks.close());
  return webhooks;
}

async function receiver(reply: (index: number, received: Received) => Reply): Promise<Receiver> {
  const one = await startReceiver(reply);
  open.push(() => one.close());
  return one;
}

function add(
  store: WebhookStore,
  url: string,
  more: { scope?: string; types?: string[]; ledgerSize?: number } = {},
): { id: string; secret: string } {
  count += 1;
  const result = addEndpoint(
    store,
    { scope: 'acme', types: [], ledgerSize: 0, ...more, url },
    { now: () => Date.parse('2026-01-01T00:00:00Z'), newId: (prefix) => prefix + count },
    RULES,
  );
  if (!result.ok) return expect.fail(result.fault);
  return { id: result.value.endpoint.id, secret: result.value.secret };
}

const bodies = (received: readonly Received[]): Record<string, string>[] =>
  received.map(({ body }) => JSON.parse(body) as Record<string, string>);
const subjects = (received: readonly Received[]): (string | undefined)[] =>
  bodies(received).map((body) => body['subject_id']);
const soon = (check: () => void): Promise<void> =>
  vi.waitFor(check, { timeout: 10_000, interval: 5 });
const has = (one: Receiver, size: number): Promise<void> =>
  soon(() => expect(one.received.length).toBeGreaterThanOrEqual(size));
const pending = (store: WebhookStore): number => store.heads().length;
const delivered = (store: WebhookStore): Promise<void> =>
  soon(() => expect(pending(store)).toBe(0));
const quiet = (): Promise<void> => new Promise((done) => setTimeout(done, 120));

describe('what is delivered', () => {
  it('every event of the tenant, in ledger order, in the Standard Webhooks format', async () => {
    const one = await receiver(() => OK);
    const store = storeOf();
    const { secret } = add(store, one.url);
    const ledger = new ArrayLedger();
    ledger.append(DECISION, ...EVENTFUL.flatMap((entry) => [entry, DECISION]));
    start(store, ledger);
    await has(one, EVENTFUL.length);
    expect(bodies(one.received).map((body) => body['type'])).toEqual([
      'review.opened',
      'review.resolved',
      'review.expired',
      'execution.mismatch',
      'policy.activated',
      'policy.suspended',
      'key.rotated',
    ]);
    for (const { headers, body } of one.received) {
      const event = new Webhook(secret).verify(body, headers) as Record<string, unknown>;
      expect(headers['webhook-id']).toBe(event['event_id']);
      expect(headers['content-type']).toBe('application/json');
      expect(() => new Webhook(secret).verify(`${body} `, headers)).toThrow();
      expect(() => new Webhook(`whsec_${btoa('another secret')}`).verify(body, headers)).toThrow();
    }
  });

  it('holds references only, never a verdict', async () => {
    const one = await receiver(() => OK);
    const store = storeOf();
    add(store, one.url);
    const ledger = new ArrayLedger();
    ledger.append(...EVENTFUL);
    const webhooks = start(store, ledger);
    webhooks.announce(entryOf(0, DECISION), 'outcome.overdue', '2026-02-01T00:00:00.000Z');
    await has(one, EVENTFUL.length + 1);
    for (const body of bodies(one.received)) {
      expect(Object.keys(body)).toEqual([
        'created_at',
        'event_id',
        'subject_hash',
        'subject_id',
        'type',
      ]);
      expect(JSON.stringify(body)).not.toMatch(/verdict|"(yes|no|review|approve|deny)"/);
    }
  });

  it('only what comes after the endpoint was added, and is woken by appends', async () => {
    const one = await receiver(() => OK);
    const store = storeOf();
    const ledger = new ArrayLedger();
    ledger.append(REVIEW, REVIEW);
    add(store, one.url, { ledgerSize: 2 });
    const webhooks = start(store, ledger, { pollMs: 60_000 });
    await quiet();
    expect(one.received).toEqual([]);
    ledger.append(REVIEW);
    webhooks.wake();
    await has(one, 1);
    await quiet();
    expect(subjects(one.received)).toEqual(['decision:subject_2']);
  });

  it('finds entries without being woken', async () => {
    const one = await receiver(() => OK);
    const store = storeOf();
    add(store, one.url);
    const ledger = new ArrayLedger();
    start(store, ledger);
    await quiet();
    ledger.append(REVIEW);
    await has(one, 1);
  });

  it('to each endpoint the types it named, and nothing of another tenant', async () => {
    const store = storeOf();
    const [named, other, shared] = [
      await receiver(() => OK),
      await receiver(() => OK),
      await receiver(() => OK),
    ];
    add(store, named.url, { types: ['policy.activated', 'review.opened'] });
    add(store, other.url, { scope: 'globex' });
    add(store, shared.url, { scope: 'globex', types: ['key.rotated'] });
    const ledger = new ArrayLedger();
    ledger.append(...EVENTFUL, { ...REVIEW, scope: 'globex' });
    ledger.append({ entryType: 'key_event', subject: '{"kind":"rotated"}', scope: 'everyone' });
    start(store, ledger, { sharedScope: 'everyone' });
    await Promise.all([has(named, 2), has(other, 2), has(shared, 1)]);
    await quiet();
    const types = (one: Receiver) => bodies(one.received).map((body) => body['type']);
    expect(types(named)).toEqual(['review.opened', 'policy.activated']);
    expect(types(other)).toEqual(['review.opened', 'key.rotated']);
    expect(types(shared)).toEqual(['key.rotated']);
  });

  it('a long ledger without events is read in slices and not twice', async () => {
    const one = await receiver(() => OK);
    const store = storeOf();
    const { id } = add(store, one.url);
    const ledger = new ArrayLedger();
    // The same entry many times: only its place matters here.
    for (let seq = 0; seq < 6_000; seq += 1) ledger.entries.push({ ...entryOf(0, DECISION), seq });
    ledger.entries.push({ ...entryOf(0, REVIEW), seq: 6_000 });
    start(store, ledger, { pollMs: 60_000 });
    await has(one, 1);
    expect(ledger.reads).toBeLessThanOrEqual(Math.ceil(6_001 / 256) + 1);
    expect(store.findEndpoint(id)?.nextSeq).toBe(6_001);
  });
});

describe('retries', () => {
  it('asks again after a failure, with the same id and body, and keeps the order', async () => {
    const one = await receiver((index) => (index < 3 ? { status: 500 } : OK));
    const store = storeOf();
    add(store, one.url);
    const ledger = new ArrayLedger();
    ledger.append(REVIEW, REVIEW);
    start(store, ledger);
    await has(one, 5);
    await delivered(store);
    const [first, second] = ['decision:subject_0', 'decision:subject_1'];
    expect(subjects(one.received)).toEqual([first, first, first, first, second]);
    expect(new Set(one.received.slice(0, 4).map(({ headers }) => headers['webhook-id'])).size).toBe(
      1,
    );
    expect(new Set(one.received.slice(0, 4).map(({ body }) => body)).size).toBe(1);
  });

  it('waits longer each time', async () => {
    const one = await receiver((index) => (index < 4 ? { status: 503 } : OK));
    const store = storeOf();
    add(store, one.url);
    const ledger = new ArrayLedger();
    ledger.append(REVIEW);
    start(store, ledger, { retryDelaysMs: [40, 80, 160, 320], pollMs: 60_000 });
    await has(one, 5);
    const gaps = one.received
      .slice(1)
      .map(({ atMs }, place) => atMs - (one.received[place]?.atMs ?? 0));
    for (const [place, least] of [40, 80, 160, 320].entries()) {
      // Clocks of milliseconds: one may be lost to rounding.
      expect(gaps[place]).toBeGreaterThanOrEqual(least - 2);
    }
  });

  it.each([
    [0, 0.75],
    [0.5, 1],
    [0.999_999_999, 1.25],
  ])('spreads them: at random %d a wait is %d times as long', async (random, factor) => {
    const one = await receiver(() => ({ status: 500 }));
    const store = storeOf();
    add(store, one.url);
    const ledger = new ArrayLedger();
    ledger.append(REVIEW);
    start(store, ledger, { now: () => 1_000_000, random: () => random, retryDelaysMs: [60_000] });
    await soon(() => expect(store.heads()[0]?.attempts).toBe(1));
    expect(store.heads()[0]?.nextAttemptAt).toBe(1_000_000 + 60_000 * factor);
  });

  it.each<[string, Reply, string]>([
    ['status 500', { status: 500 }, 'status 500'],
    ['status 404', { status: 404 }, 'status 404'],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:9/' } }, 'status 302'],
    ['silence', 'hang', 'timeout'],
  ])('gives up after five attempts: %s', async (_, reply, error) => {
    const one = await receiver((_index, { body }) => (body.includes('subject_0') ? reply : OK));
    const store = storeOf();
    const { id } = add(store, one.url);
    const ledger = new ArrayLedger();
    ledger.append(REVIEW, REVIEW);
    start(store, ledger, { timeoutMs: reply === 'hang' ? 300 : 10_000 });
    await has(one, 6);
    await quiet();
    expect(subjects(one.received)).toEqual([
      ...Array.from({ length: 5 }, () => 'decision:subject_0'),
      'decision:subject_1',
    ]);
    expect(store.deadLetters(id)).toMatchObject([{ seq: 0, attempts: 5, lastError: error }]);
    expect(pending(store)).toBe(0);
  });

  it('a dead letter can be sent again, with five new attempts and the same id', async () => {
    let broken = true;
    const one = await receiver(() => (broken ? { status: 500 } : OK));
    const store = storeOf();
    const { id } = add(store, one.url);
    const ledger = new ArrayLedger();
    ledger.append(REVIEW);
    const webhooks = start(store, ledger);
    await soon(() => expect(store.deadLetters(id).length).toBe(1));
    const [dead] = store.deadLetters(id);
    broken = false;
    expect(store.retry(dead!.id, Date.now())).toBe(true);
    expect(store.retry(dead!.id, Date.now())).toBe(false);
    webhooks.wake();
    await has(one, 6);
    await delivered(store);
    expect(new Set(one.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(store.deadLetters(id)).toEqual([]);
  });

  it('an answer of 410 disables the endpoint and keeps what waited', async () => {
    const one = await receiver((index) => (index === 0 ? OK : { status: 410 }));
    const store = storeOf();
    const { id } = add(store, one.url);
    const ledger = new ArrayLedger();
    ledger.append(REVIEW, REVIEW, REVIEW);
    start(store, ledger);
    await soon(() => expect(store.findEndpoint(id)?.state).toBe('disabled'));
    ledger.append(REVIEW);
    await quiet();
    expect(one.received.length).toBe(2);
    expect(store.deadLetters(id)).toMatchObject([
      { seq: 1, lastError: 'status 410' },
      { seq: 2, lastError: 'status 410' },
    ]);
    expect(store.retry(store.deadLetters(id)[0]!.id, Date.now())).toBe(false);
  });

  it('a name that leads inside is an attempt that failed, and is not connected to', async () => {
    const one = await receiver(() => OK);
    const store = storeOf();
    const { id } = add(store, `https://hooks.example.test:${one.port}/`);
    const ledger = new ArrayLedger();
    ledger.append(REVIEW);
    const rules = { allowLoopback: false, resolve: async () => ['127.0.0.1'] };
    start(store, ledger, { rules });
    await soon(() => expect(store.deadLetters(id).length).toBe(1));
    expect(store.deadLetters(id)[0]?.lastError).toBe('address_refused');
    expect(one.connections()).toBe(0);
  });
});

describe('several endpoints', () => {
  it('a silent one does not hold up another', async () => {
    const [silent, prompt] = [await receiver(() => 'hang'), await receiver(() => OK)];
    const store = storeOf();
    add(store, silent.url);
    add(store, prompt.url);
    const ledger = new ArrayLedger();
    ledger.append(REVIEW, REVIEW, REVIEW);
    start(store, ledger, { timeoutMs: 20_000 });
    await has(prompt, 3);
    expect(silent.received.length).toBe(1);
  });

  it('at most eight are served at a time, and each by one call at a time', async () => {
    const silent = await Promise.all(Array.from({ length: 10 }, () => receiver(() => 'hang')));
    const store = storeOf();
    for (const { url } of silent) add(store, url);
    const ledger = new ArrayLedger();
    ledger.append(REVIEW, REVIEW);
    const calls = (): number => silent.reduce((sum, one) => sum + one.received.length, 0);
    start(store, ledger, { timeoutMs: 2_000, retryDelaysMs: [60_000] });
    await soon(() => expect(calls()).toBe(8));
    await quiet();
    expect(calls()).toBe(8);
    expect(Math.max(...silent.map((one) => one.received.length))).toBe(1);
    // When those have had their time, the last two are served.
    await soon(() => expect(calls()).toBe(10));
  });

  it('one that comes and one that goes while events are delivered', async () => {
    const [first, second] = [await receiver(() => OK), await receiver(() => OK)];
    const store = storeOf();
    const { id } = add(store, first.url);
    const ledger = new ArrayLedger();
    ledger.append(REVIEW);
    start(store, ledger);
    await has(first, 1);
    expect(store.removeEndpoint(id)).toBe(true);
    expect(store.removeEndpoint(id)).toBe(false);
    add(store, second.url, { ledgerSize: 1 });
    ledger.append(REVIEW);
    await has(second, 1);
    await quiet();
    expect(subjects(first.received)).toEqual(['decision:subject_0']);
    expect(subjects(second.received)).toEqual(['decision:subject_1']);
  });
});

describe('nothing is lost', () => {
  it('closed in the middle, the next process goes on with the same event', async () => {
    const file = newFile();
    let answering = false;
    const one = await receiver((index) => (index === 0 || answering ? OK : 'hang'));
    const before = storeOf(file);
    const { id } = add(before, one.url);
    const ledger = new ArrayLedger();
    ledger.append(REVIEW, REVIEW, REVIEW);
    const first = start(before, ledger);
    await has(one, 2);
    await first.close();
    // A call that we cut is not an attempt.
    expect(before.head(id)).toMatchObject({ seq: 1, attempts: 0 });
    answering = true;
    ledger.append(REVIEW);
    start(storeOf(file), ledger);
    await has(one, 5);
    await quiet();
    expect(subjects(one.received)).toEqual([0, 1, 1, 2, 3].map((seq) => `decision:subject_${seq}`));
  });

  it('killed in the middle, the next process goes on with the same event', async () => {
    const file = newFile();
    let answering = false;
    const one = await receiver((index) => (index === 0 || answering ? OK : 'hang'));
    const store = storeOf(file);
    add(store, one.url);
    const program = fileURLToPath(new URL('./crash-main.ts', import.meta.url));
    const child = spawn(
      process.execPath,
      ['--conditions=source', '--experimental-strip-types', program, file],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    const ended = new Promise((done) => child.once('exit', (_code, signal) => done(signal)));
    await has(one, 2);
    child.kill('SIGKILL');
    expect(await ended).toBe('SIGKILL');
    answering = true;
    const ledger = new ArrayLedger();
    ledger.append(REVIEW, REVIEW, REVIEW);
    start(store, ledger);
    await has(one, 4);
    await quiet();
    expect(subjects(one.received)).toEqual([0, 1, 1, 2].map((seq) => `decision:subject_${seq}`));
    expect(one.received[1]?.body).toBe(one.received[2]?.body);
    expect(pending(store)).toBe(0);
  });

  it('cursor and queue move together, and only once', () => {
    const store = storeOf();
    const { id } = add(store, 'http://127.0.0.1:9/');
    const delivery = (seq: number) => ({ endpoint: id, eventId: `evt_${seq}`, seq, body: '{}' });
    store.advance(id, 2, [delivery(1)], 0);
    store.delivered(store.head(id)!.id);
    // Another process that had looked at the same entries: nothing is queued again, the cursor stays.
    store.advance(id, 2, [delivery(1)], 0);
    store.advance(id, 1, [delivery(0)], 0);
    expect(store.head(id)).toBeUndefined();
    store.advance(id, 4, [delivery(1), delivery(3)], 0);
    expect([store.head(id)?.seq, store.findEndpoint(id)?.nextSeq]).toEqual([3, 4]);
    // A row that cannot be written takes the cursor's move with it.
    const foreign = { ...delivery(5), endpoint: 'nobody' };
    expect(() => store.advance(id, 6, [foreign], 0)).toThrow();
    expect(store.findEndpoint(id)?.nextSeq).toBe(4);
  });

  it('a ledger that does not answer is asked again later', async () => {
    const one = await receiver(() => OK);
    const store = storeOf();
    add(store, one.url);
    const errors: unknown[] = [];
    class Failing extends ArrayLedger {
      override async readEntriesFrom(seq: number, limit: number) {
        if (errors.length < 2) throw new Error('the disk is away');
        return super.readEntriesFrom(seq, limit);
      }
    }
    const ledger = new Failing();
    ledger.append(REVIEW);
    start(store, ledger, { onError: (error) => errors.push(error) });
    await has(one, 1);
    expect(errors.map(String)).toEqual(Array(2).fill('Error: the disk is away'));
  });

  it('a delivery that could not be written down is not repeated in haste', async () => {
    const one = await receiver(() => OK);
    const store = storeOf();
    add(store, one.url);
    const ledger = new ArrayLedger();
    ledger.append(REVIEW);
    const errors: unknown[] = [];
    const full: WebhookStore = {
      ...store,
      delivered() {
        throw new Error('the disk is full');
      },
    };
    start(full, ledger, { onError: (error) => errors.push(error), pollMs: 300 });
    await has(one, 1);
    await quiet();
    expect([one.received.length, errors.length]).toEqual([1, 1]);
    await has(one, 2);
  });
});

describe('events that no entry stands for', () => {
  const DUE = '2026-02-01T00:00:00.000Z';

  it('are sent once, however often they are told and whoever tells them', async () => {
    const file = newFile();
    const one = await receiver(() => OK);
    const store = storeOf(file);
    const { id } = add(store, one.url);
    const ledger = new ArrayLedger();
    ledger.append(DECISION, DECISION);
    const first = start(store, ledger);
    first.announce(ledger.entries[0]!, 'outcome.overdue', DUE);
    first.announce(ledger.entries[0]!, 'outcome.overdue', DUE);
    await has(one, 1);
    await delivered(store);
    await first.close();
    const second = start(storeOf(file), ledger);
    second.announce(ledger.entries[0]!, 'outcome.overdue', DUE);
    second.announce(ledger.entries[1]!, 'outcome.overdue', DUE);
    await has(one, 2);
    await quiet();
    expect(bodies(one.received)).toMatchObject([
      { type: 'outcome.overdue', subject_id: 'subject_0', created_at: DUE },
      { type: 'outcome.overdue', subject_id: 'subject_1', created_at: DUE },
    ]);
    expect(store.removeEndpoint(id)).toBe(true);
  });

  it('pass endpoints that came later, of other tenants, or of other interests', async () => {
    const one = await receiver(() => OK);
    const store = storeOf();
    add(store, one.url, { types: ['review.opened'] });
    add(store, one.url, { scope: 'globex' });
    const { id } = add(store, one.url);
    const webhooks = start(store, new ArrayLedger());
    webhooks.announce(entryOf(0, DECISION), 'outcome.overdue', '2025-12-31T23:59:59.999Z');
    await quiet();
    expect(one.received).toEqual([]);
    webhooks.announce(entryOf(0, DECISION), 'outcome.overdue', DUE);
    await has(one, 1);
    await quiet();
    expect(one.received.length).toBe(1);
    expect(store.findEndpoint(id)?.state).toBe('active');
  });
});

describe('endpoints', () => {
  const ambient = { now: () => 0, newId: (prefix: string) => `${prefix}1` };
  const request = { scope: 'acme', url: 'https://hooks.example.com/', types: [], ledgerSize: 7 };

  it('show their secret once, when they are added', () => {
    const store = storeOf();
    const added = addEndpoint(store, request, ambient, { allowLoopback: false });
    if (!added.ok) return expect.fail(added.fault);
    const { secret } = added.value;
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(store.findEndpoint('whe_1')?.secret).toBe(secret);
    const shown = listEndpoints(store);
    expect(shown).toEqual([added.value.endpoint]);
    expect(shown).toEqual([
      {
        id: 'whe_1',
        scope: 'acme',
        url: 'https://hooks.example.com/',
        types: [],
        state: 'active',
        createdAt: '1970-01-01T00:00:00.000Z',
        nextSeq: 7,
      },
    ]);
    expect(listEndpoints(store, 'acme').length).toBe(1);
    expect(listEndpoints(store, 'globex')).toEqual([]);
  });

  it.each([
    ['http://hooks.example.com/', [], 'scheme_refused'],
    ['https://127.0.0.1/', [], 'address_refused'],
    ['https://hooks.example.com/', ['review.opened', 'decision.made'], 'event_type_unknown'],
  ])('%s %j is refused: %s', (url, types, fault) => {
    const store = storeOf();
    const result = addEndpoint(store, { ...request, url, types }, ambient, {
      allowLoopback: false,
    });
    expect(result).toEqual({ ok: false, fault });
    expect(store.listEndpoints()).toEqual([]);
  });

  it('take either secret for a day after a rotation, then the new one alone', async () => {
    const one = await receiver(() => OK);
    const store = storeOf();
    const { id, secret: old } = add(store, one.url);
    const now = Date.now();
    const fresh = rotateSecret(store, id, now);
    expect(rotateSecret(store, 'nobody', now)).toBeUndefined();
    if (fresh === undefined) return expect.fail('no new secret');
    const ledger = new ArrayLedger();
    ledger.append(REVIEW);
    const first = start(store, ledger);
    await has(one, 1);
    await delivered(store);
    await first.close();
    const [during] = one.received;
    expect(new Webhook(fresh).verify(during!.body, during!.headers)).toBeDefined();
    expect(new Webhook(old).verify(during!.body, during!.headers)).toBeDefined();

    rotateSecret(store, id, now - 24 * 60 * 60 * 1000);
    ledger.append(REVIEW);
    start(store, ledger);
    await has(one, 2);
    const after = one.received[1]!;
    const current = store.findEndpoint(id)!.secret;
    expect(new Webhook(current).verify(after.body, after.headers)).toBeDefined();
    expect(() => new Webhook(fresh).verify(after.body, after.headers)).toThrow();
  });

  it('that are disabled keep what waited as dead letters and get nothing more', async () => {
    const one = await receiver(() => ({ status: 500 }));
    const store = storeOf();
    const { id } = add(store, one.url);
    const ledger = new ArrayLedger();
    ledger.append(REVIEW);
    const webhooks = start(store, ledger, { retryDelaysMs: [60_000] });
    await has(one, 1);
    expect(store.disableEndpoint(id, 'disabled by an operator')).toBe(true);
    expect(store.disableEndpoint('nobody', 'x')).toBe(false);
    ledger.append(REVIEW);
    webhooks.wake();
    await quiet();
    expect(one.received.length).toBe(1);
    expect(store.deadLetters(id)).toMatchObject([{ seq: 0, lastError: 'disabled by an operator' }]);
  });
});
