import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  canonicalJson,
  parseSignature,
  publicKeyFromPem,
  sha256Hex,
  utf8,
  verifyEd25519,
} from '@countersign/proof';
import { parseRegistry, type Trust, verifyPacket, verifyRecord } from '@countersign/verify';
import { afterEach, describe, expect, it } from 'vitest';
import { isPubliclyVerified, publishedRecordChecks } from '../../../verify/src/published.ts';
import { missingKeyEvents } from '../../src/keys/key-events.ts';
import { openKeyring } from '../../src/keys/keyring.ts';
import { activateKey, announceKey, NOTICE_MS, revokeKey } from '../../src/keys/rotation.ts';
import { dataPaths } from '../../src/main.ts';
import { LedgerWriter } from '../../src/service/ledger-writer.ts';
import type { ApiKey } from '../../src/service/ports.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import {
  addKey,
  at,
  billing,
  executed,
  type Gate,
  listAt,
  type Members,
  openGate,
  pathOf,
  temporaryDirectory,
} from '../harness.ts';

/** Time from writing a rotation down to the switch: running servers look at the files every second. */
const SOON_MS = 1_500;

let gate: Gate;
afterEach(() => gate.close());

const keyFolder = (): string => dataPaths(gate.directory).keys;

async function registryOf(one: Gate = gate): Promise<Members> {
  return (await one.get('/api/decision/receipt-keys')).body;
}

async function trustNow(): Promise<Trust> {
  const registry = parseRegistry(await registryOf());
  if (!registry.ok) throw new Error(JSON.stringify(registry.fault));
  return { registry: registry.value, environment: 'test' };
}

/** Waits until the registry says so. */
async function until(holds: (registry: Members) => boolean): Promise<Members> {
  for (let tries = 0; tries < 100; tries += 1) {
    const registry = await registryOf();
    if (holds(registry)) return registry;
    await new Promise((later) => setTimeout(later, 50));
  }
  throw new Error('the registry never said so');
}

const statusOf = (registry: Members, keyId: unknown): unknown =>
  [...listAt(registry, 'keys'), ...listAt(registry, 'revoked_keys')].find(
    (key) => key['key_id'] === keyId,
  )?.['status'];

/** Subjects of the ledger's entries about keys, oldest first. */
async function keyEvents(count: number): Promise<Members[]> {
  const store = openSqlite(dataPaths(gate.directory).database);
  try {
    for (let tries = 0; ; tries += 1) {
      const entries = await store.readEntriesOfTypes(['key_event']);
      if (entries.length >= count || tries === 100) {
        expect(entries.map(({ scope }) => scope)).toEqual(entries.map(() => '_keys'));
        return entries.map(({ subject }) => JSON.parse(subject) as Members);
      }
      await new Promise((later) => setTimeout(later, 50));
    }
  } finally {
    await store.close();
  }
}

/** Whether both keys that a registry knows by these ids signed an event as it stands. */
function isCrossSigned(event: Members, registry: Members): boolean {
  const { signatures, ...subject } = event;
  const keys = [...listAt(registry, 'keys'), ...listAt(registry, 'revoked_keys')];
  const ids = {
    previous: event['previous_key_id'],
    next: event['next_key_id'] ?? event['key_id'],
  };
  return (['previous', 'next'] as const).every((name) => {
    const pem = keys.find((key) => key['key_id'] === ids[name])?.['public_key'];
    const publicKey = publicKeyFromPem(String(pem));
    const signature = parseSignature(String(at(signatures, name)));
    return (
      publicKey !== undefined &&
      signature !== undefined &&
      verifyEd25519(publicKey, utf8(canonicalJson(subject)), signature)
    );
  });
}

describe('rotation', () => {
  it('D-84 records before, during and after it verify, and its steps are signed by both keys', async () => {
    gate = await openGate();
    const before = await gate.decide(billing());
    const first = before['receipt_key_id'];
    const now = Date.now();
    const { key_id: second } = announceKey(keyFolder(), 'receipt_signature', now, now + SOON_MS);
    const pending = await until((registry) => statusOf(registry, second) === 'pending');
    expect(statusOf(pending, first)).toBe('active');
    expect(parseRegistry(pending).ok).toBe(true);

    // Decisions go on while the keys change hands.
    const during: Members[] = [];
    while (Date.now() < now + SOON_MS + 300) {
      during.push(...(await Promise.all([1, 2, 3].map(() => gate.decide(billing())))));
      await new Promise((later) => setTimeout(later, 40));
    }
    const receipt = await gate.post(pathOf(before, '/execution'), executed(before));
    expect(receipt.status).toBe(201);
    expect(at(receipt.body, 'execution.execution_key_id')).toBe(second);
    const after = await gate.decide(billing());
    expect(after['receipt_key_id']).toBe(second);
    expect(new Set(during.map((record) => record['receipt_key_id']))).toEqual(
      new Set([first, second]),
    );

    const registry = await registryOf();
    expect(registry).toMatchObject({ active_key_id: second, key_history_count: 3 });
    expect(statusOf(registry, first)).toBe('retired');
    expect(statusOf(registry, second)).toBe('active');
    const trust = await trustNow();
    for (const record of [before, ...during, after]) {
      expect(verifyRecord({ record, trust })).toMatchObject({
        verified: true,
        public_verified: true,
        key_source: 'key_registry',
      });
    }
    // A record by the one key, its receipt by the other, in a packet signed by the other.
    const packet = await gate.get(pathOf(before, '/packet'));
    expect(verifyPacket({ file: packet.body, trust })).toMatchObject({ verified: true });
    // A record that the retired key would sign today is not believed.
    const late = { ...before, created_at: after['created_at'] };
    expect(verifyRecord({ record: late, trust }).checks['receipt_key_trusted']).toBe(false);

    const events = await keyEvents(2);
    expect(events.map(({ kind, key_id: id }) => [kind, id])).toEqual([
      ['announced', second],
      ['rotated', second],
    ]);
    for (const event of events) {
      expect(event).toMatchObject({ use: 'receipt_signature', previous_key_id: first });
      expect(isCrossSigned(event, registry)).toBe(true);
      expect(isCrossSigned({ ...event, at: '2031-01-01T00:00:00.000Z' }, registry)).toBe(false);
    }
  });

  it('waits a day, unless somebody activates the key', async () => {
    gate = await openGate();
    const now = Date.now();
    const next = announceKey(keyFolder(), 'receipt_signature', now, now + NOTICE_MS);
    expect(Date.parse(next.not_before) - now).toBeGreaterThanOrEqual(24 * 60 * 60 * 1000);
    await until((registry) => statusOf(registry, next.key_id) === 'pending');
    expect(() => announceKey(keyFolder(), 'receipt_signature', now, now)).toThrow(/announced/);
    expect((await gate.decide(billing()))['receipt_key_id']).not.toBe(next.key_id);
    activateKey(keyFolder(), 'receipt_signature', Date.now(), Date.now() + SOON_MS);
    await until((registry) => statusOf(registry, next.key_id) === 'active');
    expect((await gate.decide(billing()))['receipt_key_id']).toBe(next.key_id);
  });

  it('is recorded once, whoever notices it, and also by a server that starts later', async () => {
    gate = await openGate();
    await gate.stop();
    const paths = dataPaths(gate.directory);
    const now = Date.now();
    announceKey(paths.keys, 'rulebook_attestation_signature', now, now);
    const keyring = openKeyring(paths.keys, Date.now);
    const store = openSqlite(paths.database);
    const drafts = await missingKeyEvents(keyring, store, Date.now());
    expect(drafts).toHaveLength(2);
    const writer = new LedgerWriter(() => openSqlite(paths.database), keyring);
    const [first] = drafts.slice(0, 1);
    if (first === undefined) throw new Error('no draft');
    expect(await writer.write([first])).toMatchObject([{ ok: true }]);
    expect(await writer.write([first])).toEqual([{ ok: false, fault: 'duplicate_key' }]);
    await writer.close();
    await store.close();
    gate = await openGate({ directory: gate.directory });
    const events = await keyEvents(2);
    expect(events.map(({ kind }) => kind)).toEqual(['announced', 'rotated']);
    expect(isCrossSigned(events[1] ?? {}, await registryOf())).toBe(true);
  });
});

describe('the registry', () => {
  it('D-83 gives active and retired keys with their windows, and the published rules find each by its id', async () => {
    gate = await openGate();
    const before = await gate.decide(billing());
    const now = Date.now();
    announceKey(keyFolder(), 'receipt_signature', now, now + SOON_MS);
    const registry = await until((one) => statusOf(one, before['receipt_key_id']) === 'retired');
    const after = await gate.decide(billing());
    const keys = listAt(registry, 'keys');
    const receipts = keys.filter(({ use }) => use === 'receipt_signature');
    expect(receipts.map(({ status }) => status)).toEqual(['retired', 'active']);
    expect(receipts[0]?.['not_after']).toBe(receipts[1]?.['not_before']);
    expect(receipts[1]).not.toHaveProperty('not_after');
    expect(keys.map(({ use }) => use)).toContain('rulebook_attestation_signature');
    for (const key of keys) {
      expect(key['public_key_fingerprint']).toBe(sha256Hex(String(key['public_key'])));
      expect(key['public_key_pem']).toBe(key['public_key']);
    }
    const trust = await trustNow();
    for (const record of [before, after]) {
      expect(keys.filter((key) => key['key_id'] === record['receipt_key_id'])).toHaveLength(1);
      expect(isPubliclyVerified(publishedRecordChecks(record, { trust }))).toBe(true);
    }

    // The keys of another environment are another's.
    const live = await openGate({ environment: 'live' });
    const theirs = await registryOf(live);
    await live.close();
    const idsOf = (one: Members): unknown[] =>
      listAt(one, 'keys').flatMap((key) => [key['key_id'], key['public_key_fingerprint']]);
    expect(idsOf(registry).filter((id) => idsOf(theirs).includes(id))).toEqual([]);
  });

  it.each([
    ['no JSON', () => '{'],
    [
      'a key twice',
      (text: string) =>
        JSON.stringify({
          keys: [JSON.parse(text), JSON.parse(text)].flatMap(
            (one: { keys: unknown[] }) => one.keys,
          ),
        }),
    ],
    ['a key without a date', (text: string) => text.replace('"not_before"', '"not_before_"')],
    ['a private key that is none', (text: string) => text.replace('MC4CAQAw', 'MC4CAQAx')],
  ])('D-83 a malformed history is refused as a whole: %s', async (_, change) => {
    gate = await openGate();
    const file = join(keyFolder(), 'receipt-key.json');
    const text = readFileSync(file, 'utf8');
    expect(change(text)).not.toBe(text);
    writeFileSync(file, change(text), { mode: 0o600 });
    const answer = await gate.get('/api/decision/receipt-keys');
    expect([answer.status, answer.body['error']]).toEqual([503, 'DECIDE_KEY_HISTORY_INVALID']);
    expect(answer.body).not.toHaveProperty('keys');
    expect((await gate.get('/api/decision/status')).body).toMatchObject({
      accepting_decisions: false,
      checks: { key_registry: 'failed' },
    });
    const refused = await gate.post('/api/decide', billing());
    expect([refused.status, refused.body['error']]).toEqual([503, 'DECIDE_SIGNING_UNAVAILABLE']);
    writeFileSync(file, text, { mode: 0o600 });
    expect((await gate.get('/api/decision/receipt-keys')).status).toBe(200);
    expect((await gate.post('/api/decide', billing())).status).toBe(200);
  });
});

describe('revocation', () => {
  it('D-85 what was proven before it verifies, what was not does not, and the published rules say no to both', async () => {
    gate = await openGate();
    const record = await gate.decide(billing());
    const revoked = record['receipt_key_id'];
    const earlier = await trustNow();
    expect(verifyRecord({ record, trust: earlier }).verified).toBe(true);
    const { successor } = revokeKey(keyFolder(), String(revoked), Date.now(), undefined);
    const registry = await until((one) => statusOf(one, revoked) === 'revoked');
    expect(listAt(registry, 'keys').map((key) => key['key_id'])).not.toContain(revoked);
    expect(listAt(registry, 'revoked_keys')).toMatchObject([
      { key_id: revoked, status: 'revoked', revoked_at: expect.any(String) as string },
    ]);
    expect(registry['active_key_id']).toBe(successor);

    const trust = await trustNow();
    const { ledger_proof: _, ...unproven } = record;
    const proven = verifyRecord({ record, trust });
    expect(proven).toMatchObject({ verified: true, checks: { not_revoked: true } });
    const bare = verifyRecord({ record: unproven, trust });
    expect(bare).toMatchObject({ verified: false, checks: { not_revoked: false } });
    // Published readers look for a key by themselves and find none, proof or no proof. Our `public_verified` speaks of
    // the key that our own search found, so that it never says less than `verified`.
    const publicly = (one: Members): boolean =>
      isPubliclyVerified(publishedRecordChecks(one, { trust }));
    expect([publicly(record), publicly(unproven)]).toEqual([false, false]);
    expect(proven.public_verified).toBe(true);
    const { body: stored } = await gate.get(pathOf(record, '/verify'));
    expect(stored).toMatchObject({ verified: true });
    const packet = await gate.get(pathOf(record, '/packet'));
    expect(verifyPacket({ file: packet.body, trust })).toMatchObject({ verified: true });

    const after = await gate.decide(billing());
    expect(after['receipt_key_id']).toBe(successor);
    expect(verifyRecord({ record: after, trust })).toMatchObject({
      verified: true,
      public_verified: true,
    });
    expect(publicly(after)).toBe(true);
    const events = await keyEvents(3);
    const last = events.at(-1) ?? {};
    expect(last).toMatchObject({ kind: 'revoked', key_id: revoked, next_key_id: successor });
    expect(events.every((event) => isCrossSigned(event, registry))).toBe(true);
  });

  it('that reaches back makes what was signed since then worthless, and nothing is signed meanwhile', async () => {
    gate = await openGate();
    const old = await gate.decide(billing());
    await new Promise((later) => setTimeout(later, 20));
    const from = Date.now();
    await new Promise((later) => setTimeout(later, 20));
    const doubtful = await gate.decide(billing());
    revokeKey(keyFolder(), String(old['receipt_key_id']), Date.now(), from);
    await until((one) => statusOf(one, old['receipt_key_id']) === 'revoked');
    const refused = await gate.post('/api/decide', billing());
    expect([refused.status, refused.body['error']]).toEqual([503, 'DECIDE_SIGNING_UNAVAILABLE']);
    const trust = await trustNow();
    expect(verifyRecord({ record: old, trust }).verified).toBe(true);
    const judged = verifyRecord({ record: doubtful, trust });
    expect(judged).toMatchObject({ verified: false, checks: { not_revoked: false } });
    await until((one) => one['active_key_id'] !== null);
    expect((await gate.post('/api/decide', billing())).status).toBe(200);
  });

  it('of an announced key lets the one before it go on', async () => {
    gate = await openGate();
    const now = Date.now();
    const next = announceKey(keyFolder(), 'receipt_signature', now, now + NOTICE_MS);
    revokeKey(keyFolder(), next.key_id, Date.now(), undefined);
    const registry = await until((one) => statusOf(one, next.key_id) === 'revoked');
    expect(listAt(registry, 'keys').map(({ status }) => status)).toEqual(['active', 'active']);
    expect(() => revokeKey(keyFolder(), next.key_id, Date.now(), undefined)).toThrow(/already/);
    expect(() => revokeKey(keyFolder(), 'dk_none', Date.now(), undefined)).toThrow(/no signing/);
  });
});

describe('a key file', () => {
  it('that others can read stops the server from signing until it is private again', async () => {
    gate = await openGate();
    const file = join(keyFolder(), 'receipt-key.json');
    chmodSync(file, 0o644);
    const { body } = await gate.get('/api/decision/status');
    expect(body).toMatchObject({ status: 'not_ready', checks: { signer: 'failed' } });
    expect((await gate.post('/api/decide', billing())).status).toBe(503);
    chmodSync(file, 0o600);
    expect((await gate.get('/api/decision/status')).body).toMatchObject({ status: 'ready' });
    expect((await gate.post('/api/decide', billing())).status).toBe(200);
  });

  it('of one key, as earlier builds wrote it, is a history of one', async () => {
    gate = await openGate();
    const record = await gate.decide(billing());
    await gate.stop();
    const file = join(keyFolder(), 'receipt-key.json');
    const { keys } = JSON.parse(readFileSync(file, 'utf8')) as { keys: unknown[] };
    writeFileSync(file, JSON.stringify(keys[0]), { mode: 0o600 });
    gate = await openGate({ directory: gate.directory });
    expect(verifyRecord({ record, trust: await trustNow() }).verified).toBe(true);
  });
});

describe('an API key', () => {
  const restricted = async (
    changes: Partial<ApiKey>,
    environment: 'test' | 'live' = 'test',
  ): Promise<(path: string, body?: unknown) => Promise<number>> => {
    const key = await addKey(gate.directory, { environment, ...changes });
    const headers = { 'x-api-key': key };
    return async (path, body) =>
      body === undefined
        ? (await gate.get(path, headers)).status
        : (await gate.post(path, body, headers)).status;
  };

  it('that is for executors never decides, one that is for requesters never reports', async () => {
    gate = await openGate();
    const record = await gate.decide(billing());
    const report = pathOf(record, '/execution');
    const executor = await restricted({ restriction: 'executor_only' });
    expect(await executor('/api/decide', billing())).toBe(403);
    expect(await executor(pathOf(record))).toBe(200);
    const requester = await restricted({ restriction: 'requester_only' });
    expect(await requester(report, executed(record))).toBe(403);
    expect(await requester('/api/decide', billing())).toBe(200);
    expect(await executor(report, executed(record))).toBe(201);
  });

  it.each([['policy'], ['review']] as const)(
    'that decides in live is not accepted with the scope %s',
    async (scope) => {
      gate = await openGate({ environment: 'live', directory: temporaryDirectory() });
      const both = await restricted({ scopes: ['decide', 'read', scope] }, 'live');
      expect(await both('/api/decide', billing())).toBe(401);
      const alone = await restricted({ scopes: ['read', scope] }, 'live');
      expect(await alone('/api/decision/dec_nobody_made')).toBe(404);
    },
  );
});
