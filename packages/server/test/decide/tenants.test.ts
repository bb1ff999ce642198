import { type Operation, operations } from '@countersign/contract';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type Answer,
  at,
  billing,
  type Gate,
  KEY,
  type Members,
  OTHER_KEY,
  openGate,
} from '../harness.ts';
import { without } from '../independent.ts';
import { PARCELS } from './rulebook-fixtures.ts';

let gate: Gate;

beforeAll(async () => {
  gate = await openGate();
});
afterAll(() => gate.close());

/** Bodies that fit the routes whose path names something else than a decision. */
const BODIES: Readonly<Record<string, Members>> = {
  recordSignOff: { role: 'engineering', person: 'Ada Example', artefact_hash: '0'.repeat(64) },
  previewPolicy: { version: 'v1' },
  activatePolicy: { version: 'v1', expected_active: null, approved_by: 'ada@example.test' },
  suspendPolicy: { reason: 'an incident' },
};

/** Reports that were made for the owner are entries of the ledger. */
const REPORTS = 4;

function put(path: string, body: unknown): Promise<Answer> {
  return gate.send(path, {
    method: 'PUT',
    headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

it('D-65 policies, chains and rulebooks of another tenant are not told from unknown ones', async () => {
  const { body: v3 } = await gate.get('/api/decision/policies/pricing_exception/versions/v3');
  const document = {
    ...(v3['document'] as Members),
    policy_id: 'private_gate',
    version: 'v1',
    workflows: ['private'],
  };
  expect((await put('/api/decision/policies/private_gate/versions/v1', document)).status).toBe(201);
  const registered = await put('/api/decision/rulebooks/parcel_release/versions/3', {
    rulebook: PARCELS,
    approved_by: 'Ada Owner',
  });
  expect(registered.status).toBe(201);
  const chain = at(await gate.decide(billing()), 'audit_chain.chain_id');

  const theirs: Readonly<Record<string, unknown>> = {
    policy_id: 'private_gate',
    version: 'v1',
    chain_id: chain,
  };
  const nobodys: Readonly<Record<string, unknown>> = {
    policy_id: 'unheard_gate',
    version: 'v1',
    chain_id: `chain_${'0'.repeat(32)}`,
  };
  const filled = (path: string, ids: Readonly<Record<string, unknown>>): string =>
    path.replace(/:(\w+)/g, (_, name: string) => String(ids[name]));
  const routes = (Object.entries(operations) as [string, Operation][])
    .filter(([, { method, path }]) => /:(?!id\b)/.test(path) && method !== 'PUT')
    .map(([name, { method, path }]) => ({
      method,
      body: method === 'GET' ? null : JSON.stringify(BODIES[name]),
      foreign: filled(path, theirs),
      unknown: filled(path, nobodys),
    }));
  const metadata = (query: string) => `/api/decision/rulebooks?${query}`;
  const hash = String(at(registered.body, 'rulebook.hash'));
  const asked = [
    ...routes,
    {
      method: 'GET',
      body: null,
      foreign: metadata(`hash=${hash}`),
      unknown: metadata(`hash=${'0'.repeat(64)}`),
    },
    {
      method: 'GET',
      body: null,
      foreign: metadata('rulebook_id=parcel_release&version=3'),
      unknown: metadata('rulebook_id=unheard&version=3'),
    },
  ];
  expect(asked.length).toBe(14);
  const before = await gate.size();
  for (const { method, body, foreign, unknown } of asked) {
    const ask = (path: string, key: string) =>
      gate.send(path, {
        method,
        headers: { 'x-api-key': key, ...(body && { 'content-type': 'application/json' }) },
        body,
      });
    const [one, other] = [await ask(foreign, OTHER_KEY), await ask(unknown, OTHER_KEY)];
    expect([method, foreign, one.status]).toEqual([method, foreign, 404]);
    expect(without(one.body, 'request_id')).toEqual(without(other.body, 'request_id'));
    expect([...one.headers.keys()].sort()).toEqual([...other.headers.keys()].sort());
    // The owner is told something else.
    if (method === 'GET') expect((await ask(foreign, KEY)).status, foreign).toBe(200);
  }
  expect(await gate.size()).toBe(before + REPORTS);
});

it('D-65 what is listed, searched or queued is one tenant’s own', async () => {
  const record = await gate.decide(billing({ margin_floor: undefined }));
  for (const [path, list] of [
    ['/api/decision/reviews', 'items'],
    [`/api/decision/search?record_hash=${String(record['record_hash'])}`, 'items'],
    ['/api/decision/policies', 'policies'],
    ['/api/decision/policy-bundles', 'bundles'],
  ] as const) {
    const mine = JSON.stringify((await gate.get(path)).body[list]);
    const theirs = JSON.stringify((await gate.get(path, { 'x-api-key': OTHER_KEY })).body[list]);
    const handle = list === 'items' ? String(record['decision_id']) : 'private_gate';
    expect([path, mine.includes(handle), theirs.includes(handle)]).toEqual([path, true, false]);
  }
});
