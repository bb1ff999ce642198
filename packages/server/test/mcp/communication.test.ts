import type { Client } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACTOR } from '../communication/actor.ts';
import { type Gate, type Members, openGate } from '../harness.ts';
import { call, connectWith, REVISIONS } from './clients.ts';

let gate: Gate;
beforeAll(async () => {
  gate = await openGate({ devActor: ACTOR });
});
afterAll(() => gate.close());

const HEADERS = { 'x-cosy-actor-id': ACTOR.id, 'x-cosy-actor-token': ACTOR.token };
const MESSAGE = {
  source: 'agent',
  participants: [{ role: 'sender', email: 'tom@harbourline.example' }],
  body_excerpt: 'Thanks, see you at lunch',
};

describe.each(REVISIONS)('the communication door over MCP, revision %s', (revision) => {
  let client: Client;
  beforeAll(async () => {
    client = await connectWith(gate.server.url, revision, HEADERS);
  });
  afterAll(() => client.close());

  it('looks at a message without credentials and without recording', async () => {
    const stranger = await connectWith(gate.server.url, revision, {});
    const before = await gate.size();
    const { refused, content } = await call(stranger, 'precheck_message', MESSAGE);
    await stranger.close();
    expect(refused).toBe(false);
    expect(content).toMatchObject({ demo: true, action_gate: { allowed: true } });
    expect(await gate.size()).toBe(before);
  });

  it('decides once per key, and records it', async () => {
    const before = await gate.size();
    const asked = { ...MESSAGE, idempotency_key: `mcp-${revision}` };
    const first = await call(client, 'decide_communication', asked);
    expect(first.content).toMatchObject({ object: 'decision', action_gate: { allowed: true } });
    const again = await call(client, 'decide_communication', asked);
    expect(again.content).toEqual(first.content);
    expect(await gate.size()).toBe(before + 1);
  });

  it('refuses with a closed gate', async () => {
    const wrong = { ...MESSAGE, proposed_acton: {}, idempotency_key: 'x' };
    const { refused, text } = await call(client, 'decide_communication', wrong);
    expect(refused).toBe(true);
    const fault = JSON.parse(text) as Members;
    expect(fault).toMatchObject({
      code: 'validation_error',
      param: '/proposed_acton',
      action_gate: { allowed: false, blocked_reason: 'validation_error' },
    });
  });

  it('needs to know who asks', async () => {
    const stranger = await connectWith(gate.server.url, revision, {});
    const asked = { ...MESSAGE, idempotency_key: 'y' };
    const { refused, text } = await call(stranger, 'decide_communication', asked);
    await stranger.close();
    expect(refused).toBe(true);
    expect(JSON.parse(text)).toMatchObject({ code: 'authentication_required' });
  });
});
