import type { Client } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gate, openGate } from '../harness.ts';
import { nextOf, quickstartSpec, startOf } from '../scenario/harness.ts';
import { call, connectHttp, REVISIONS } from './clients.ts';

let gate: Gate;

beforeAll(async () => {
  gate = await openGate();
});
afterAll(() => gate.close());

describe.each(REVISIONS)('the scenario tools for a standard client, revision %s', (revision) => {
  const id = { scenario_id: `walk-${revision}` };
  let client: Client;
  beforeAll(async () => {
    client = await connectHttp(gate.server.url, revision, '');
  });
  afterAll(() => client.close());

  it('walk a run through its stage', async () => {
    const defined = await call(client, 'scenario_define', { spec: quickstartSpec(id) });
    expect(defined).toMatchObject({
      refused: false,
      content: { ...id, spec_hash: { algorithm: 'sha256' } },
    });
    const started = await call(client, 'scenario_start', startOf(`run-${revision}`, id, id));
    expect(started.content).toMatchObject({ status: 'active', current_stage_id: 'main' });
    const next = await call(
      client,
      'scenario_next',
      nextOf('trigger-1', { run_id: `run-${revision}` }, id),
    );
    expect(next.content).toMatchObject({
      status: 'completed',
      decision: { outcome: { kind: 'complete', stage_id: 'main' } },
    });
    expect(JSON.parse(next.text)).toEqual(next.content);
  });

  it('come with their documents as resources', async () => {
    const { resources } = await client.listResources();
    expect(resources).toHaveLength(13);
    const [first] = resources;
    expect(first?.uri).toMatch(/^decision-gate:\/\/docs\//);
    const { contents } = await client.readResource({ uri: String(first?.uri) });
    expect(contents).toMatchObject([{ mimeType: 'text/markdown', uri: first?.uri }]);
    await expect(
      client.readResource({ uri: 'decision-gate://docs/nothing' }),
    ).rejects.toMatchObject({ code: -32_602 });
  });

  it('refuse with a code, the code of the other protocol, and the place', async () => {
    const unfinished = quickstartSpec({ scenario_id: 'unfinished', stages: undefined });
    const refused = await call(client, 'scenario_define', { spec: unfinished });
    expect(refused).toMatchObject({
      refused: true,
      content: { code: 'invalid_params', rpc_code: -32_602, retryable: false },
    });
    expect(refused.content['place']).toMatch(/^\/spec/);
    const elsewhere = quickstartSpec({ scenario_id: 'elsewhere', default_tenant_id: 2 });
    expect((await call(client, 'scenario_define', { spec: elsewhere })).content).toMatchObject({
      code: 'unauthorized',
      rpc_code: -32_003,
    });
  });
});

it('keeps every digit of an id on the way in and out', async () => {
  const largest = '18446744073709551615';
  const record = `{"tenant_id":${largest},"namespace_id":2,"schema_id":"s","version":"v1","schema":{"const":1.0},"created_at":{"kind":"logical","value":1}}`;
  const { text } = await gate.send('/mcp', {
    method: 'POST',
    headers: {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
    },
    body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"schemas_register","arguments":{"record":${record}}}}`,
  });
  expect(text).not.toContain('isError');
  // Once as text within text, once as structured content.
  expect(text).toContain(`\\"tenant_id\\":${largest}`);
  expect(text).toContain(`"tenant_id":${largest}`);
});
