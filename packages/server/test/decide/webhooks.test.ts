import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { canonicalJson } from '@countersign/proof';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it } from 'vitest';
import { addEndpoint } from '../../src/events/endpoints.ts';
import { KEY_SCOPE } from '../../src/keys/key-events.ts';
import { openKeyring } from '../../src/keys/keyring.ts';
import { dataPaths } from '../../src/main.ts';
import { LedgerWriter } from '../../src/service/ledger-writer.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { openWebhooks } from '../../src/store/webhook-database.ts';
import { type Receiver, startReceiver } from '../events/receiver.ts';
import {
  addPolicies,
  at,
  billing,
  executed,
  type Gate,
  type Members,
  openGate,
  outcome,
  pathOf,
  TENANT,
  temporaryDirectory,
  trialPolicy,
} from '../harness.ts';

/** Of the policy that answers {@link billing}. */
const OUTCOME_DUE_MS = 7 * 86_400_000;
const open: (() => unknown)[] = [];
/** Milliseconds by which the server's clock is ahead. */
let ahead = 0;
afterEach(async () => {
  ahead = 0;
  for (const close of open.splice(0).reverse()) await close();
});

async function start(directory: string = temporaryDirectory()): Promise<Gate> {
  const gate = await openGate({ directory, now: () => Date.now() + ahead, sweepMs: 50 });
  let running = true;
  const stop = async (): Promise<void> => {
    if (running) await gate.stop();
    running = false;
  };
  open.push(stop);
  return { ...gate, stop };
}

async function receiver(port = 0): Promise<Receiver> {
  const one = await startReceiver(() => ({ status: 204 }), { port });
  open.push(() => one.close());
  return one;
}

/** Adds an endpoint beside the running server, as the command line does. */
function add(directory: string, url: string, ledgerSize: number, types: string[] = []): string {
  const store = openWebhooks(dataPaths(directory).database);
  const added = addEndpoint(
    store,
    { scope: TENANT, url, types, ledgerSize },
    { now: Date.now, newId: (prefix) => `${prefix}${Math.random().toString(36).slice(2)}` },
    { allowLoopback: true },
  );
  store.close();
  if (!added.ok) throw new Error(added.fault);
  return added.value.secret;
}

const typesAt = ({ received }: Receiver): unknown[] =>
  received.map(({ body }) => (JSON.parse(body) as Members)['type']);

const eventAt = ({ received }: Receiver, place: number): Members =>
  JSON.parse(received[place]?.body ?? '{}') as Members;

const deny = (record: Members): Members => ({
  resolution: 'deny',
  reviewer: { id: 'ada', group: String(at(record, 'route.group')) },
  reason: 'Not this time.',
  decision_record_hash: record['record_hash'],
});

describe('events of a running server', () => {
  it('reach a receiver in order, signed, with nothing that could be acted on', async () => {
    const gate = await start();
    const to = await receiver();
    const secret = add(gate.directory, to.url, await gate.size());

    const parent = await gate.decide(billing({ margin_floor: undefined }));
    await gate.post(pathOf(parent, '/review'), deny(parent));
    const yes = await gate.decide(billing());
    await gate.post(pathOf(yes, '/execution'), executed(yes, { target_system: 'erp' }));
    // The mismatch opens a review item as well, in the same breath.
    const wanted = ['review.opened', 'review.resolved', 'execution.mismatch', 'review.opened'];
    await expect.poll(() => typesAt(to), { timeout: 20_000 }).toEqual(wanted);

    for (const { headers, body } of to.received) {
      expect(() => new Webhook(secret).verify(body, headers)).not.toThrow();
      expect(Object.keys(JSON.parse(body) as Members).sort()).toEqual([
        ...['created_at', 'event_id', 'subject_hash', 'subject_id', 'type'],
      ]);
      expect(() => new Webhook(`whsec_${'A'.repeat(44)}`).verify(body, headers)).toThrow();
    }
    expect([0, 1, 2, 3].map((place) => eventAt(to, place)['subject_id'])).toEqual([
      ...[parent['decision_id'], parent['decision_id'], yes['decision_id'], yes['decision_id']],
    ]);
  });

  it('of one voice among several there is none: the review is still open', async () => {
    const directory = temporaryDirectory();
    await (await openGate({ directory })).stop();
    await addPolicies(directory, [twoVoices]);
    const gate = await start(directory);
    const to = await receiver();
    add(directory, to.url, await gate.size(), ['review.resolved']);
    const record = await gate.decide({
      question: 'May it?',
      context: { workflow: 'trial', source_record_id: 'src_1', requested_action: 'act', ok: 'yes' },
    });
    const say = (id: string) =>
      gate.post(pathOf(record, '/review'), {
        ...deny(record),
        resolution: 'approve',
        reviewer: { id, group: 'owners' },
      });
    expect((await say('ada')).status).toBe(201);
    expect((await say('ben')).status).toBe(201);
    await expect.poll(() => to.received.length, { timeout: 20_000 }).toBe(1);
    const entry = (await gate.get(pathOf(record))).body;
    const last = (at(entry, 'review.resolutions') as Members[]).at(-1);
    expect(eventAt(to, 0)).toMatchObject({ subject_id: last?.['decision_id'] });
  });

  it('tell of what was not done in time, once, also after a restart', async () => {
    const gate = await start();
    const to = await receiver();
    add(gate.directory, to.url, await gate.size(), ['review.expired', 'outcome.overdue']);
    const parent = await gate.decide(billing({ margin_floor: undefined }));
    const silent = await gate.decide(billing());
    await gate.post(pathOf(silent, '/execution'), executed(silent));
    const told = await gate.decide(billing());
    await gate.post(pathOf(told, '/execution'), executed(told));
    expect((await gate.post(pathOf(told, '/outcome'), outcome(told))).status).toBe(201);
    expect((await gate.decide(billing()))['verdict']).toBe('yes');
    await new Promise((done) => setTimeout(done, 200));
    expect(to.received).toEqual([]);

    ahead = OUTCOME_DUE_MS + 60_000;
    const both = [
      ['review.expired', parent['decision_id']],
      ['outcome.overdue', silent['decision_id']],
    ];
    const heard = (): unknown[] =>
      to.received.map((_, place) => [eventAt(to, place)['type'], eventAt(to, place)['subject_id']]);
    await expect.poll(heard, { timeout: 20_000 }).toEqual(expect.arrayContaining(both));
    await gate.stop();
    await start(gate.directory);
    await new Promise((done) => setTimeout(done, 400));
    expect(heard()).toEqual(expect.arrayContaining(both));
    expect(to.received).toHaveLength(2);
  });
});

describe('across a restart', () => {
  it('what was appended while nobody delivered is delivered afterwards', async () => {
    const directory = temporaryDirectory();
    const first = await openGate({ directory });
    const size = await first.size();
    await first.stop();
    const to = await receiver();
    add(directory, to.url, size, ['policy.activated', 'policy.suspended', 'key.rotated']);
    await addPolicies(directory, [twoVoices]);
    await addPolicies(directory, [{ ...twoVoices, version: 'v2' }], 'suspended');
    await addKeyEvent(directory);
    await start(directory);
    const wanted = ['policy.activated', 'policy.suspended', 'key.rotated'];
    await expect.poll(() => typesAt(to), { timeout: 20_000 }).toEqual(wanted);
    expect(eventAt(to, 0)['subject_id']).toBe('trial_gate');
  });

  it('what a receiver could not take before is sent again to it', async () => {
    const gate = await start();
    const port = await freePort();
    add(gate.directory, `http://127.0.0.1:${port}/hook`, await gate.size());
    const parent = await gate.decide(billing({ margin_floor: undefined }));
    const store = openWebhooks(dataPaths(gate.directory).database);
    open.push(() => store.close());
    const head = () => store.heads().at(0);
    await expect.poll(() => head()?.attempts, { timeout: 20_000 }).toBe(1);
    await gate.stop();

    const to = await receiver(port);
    await start(gate.directory);
    await expect.poll(() => typesAt(to), { timeout: 20_000 }).toEqual(['review.opened']);
    expect(eventAt(to, 0)['subject_id']).toBe(parent['decision_id']);
    await expect.poll(() => head()).toBeUndefined();
  });
});

it('a live server never calls its own machine', async () => {
  const directory = temporaryDirectory();
  const first = await openGate({ directory });
  const size = await first.size();
  await first.stop();
  const to = await receiver();
  add(directory, to.url, size);
  await addPolicies(directory, [twoVoices]);
  const live = await openGate({ directory, environment: 'live' });
  open.push(() => live.close());
  const store = openWebhooks(dataPaths(directory).database);
  open.push(() => store.close());
  await expect
    .poll(() => store.heads().at(0)?.lastError, { timeout: 20_000 })
    .toBe('scheme_refused');
  expect(to.connections()).toBe(0);
});

const CODES = { true: 'IT_HOLDS', false: 'IT_FAILS', unknown: 'IT_IS_OPEN' };
const ASKED = { source_record_id: 'src_1', requested_action: 'act' };
const twoVoices = trialPolicy(
  {
    ok: { field: 'ok', op: 'equals', value: 'yes', codes: CODES },
    voices: {
      op: 'approval',
      quorum: 2,
      codes: { true: 'SIGNED', false: 'OWNER_DENIED', unknown: 'PENDING' },
    },
  },
  { and: [{ cond: 'ok' }, { cond: 'voices' }] },
  {
    self_tests: [
      {
        name: 'yes',
        context: { ...ASKED, ok: 'yes' },
        approvals: ['ada', 'ben'].map((reviewer) => ({
          group: 'owners',
          reviewer,
          resolution: 'approve',
        })),
        expect: { verdict: 'yes' },
      },
      { name: 'no', context: { ...ASKED, ok: 'no' }, expect: { verdict: 'no' } },
      { name: 'review', context: ASKED, expect: { verdict: 'review' } },
    ],
  },
);

/** An entry about a key of the ledger, which is of no tenant and of all. */
async function addKeyEvent(directory: string): Promise<void> {
  const paths = dataPaths(directory);
  const writer = new LedgerWriter(
    () => openSqlite(paths.database),
    openKeyring(paths.keys, Date.now),
  );
  const [result] = await writer.write([
    {
      scope: KEY_SCOPE,
      entryType: 'key_event',
      decisionId: 'key_event:example',
      createdAt: new Date().toISOString(),
      head: canonicalJson({ kind: 'rotated' }),
      tail: '',
    },
  ]);
  await writer.close();
  if (result?.ok !== true) throw new Error('the key event could not be recorded');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
