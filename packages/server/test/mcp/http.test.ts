import { TOOL_NAMES } from '@countersign/contract';
import type { Client } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { billing, type Gate, KEY, openGate } from '../harness.ts';
import { call, connectHttp, REVISIONS, type Structured } from './clients.ts';

let gate: Gate;

beforeAll(async () => {
  gate = await openGate();
});
afterAll(() => gate.close());

const DECIDE_TOOLS = [
  'decide',
  'get_decision',
  'claim_decision',
  'report_execution',
  'report_outcome',
  'verify_record',
];

const COMMUNICATION_TOOLS = ['precheck_message', 'decide_communication'];

describe.each(REVISIONS)('a standard client, revision %s', (revision) => {
  let client: Client;
  beforeAll(async () => {
    client = await connectHttp(gate.server.url, revision);
  });
  afterAll(() => client.close());

  it('negotiates its revision', () => {
    expect(client.getNegotiatedProtocolVersion()).toBe(revision);
  });

  it('sees the tools of all doors, with schemas and truthful hints', async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      ...TOOL_NAMES,
      ...DECIDE_TOOLS,
      ...COMMUNICATION_TOOLS,
    ]);
    const hinted = (name: string) => tools.find((tool) => tool.name === name)?.annotations;
    expect(hinted('decide')).toMatchObject({ readOnlyHint: false, destructiveHint: false });
    expect(hinted('get_decision')).toMatchObject({ readOnlyHint: true });
    expect(hinted('scenario_status')).toMatchObject({ readOnlyHint: false });
    for (const { inputSchema, description } of tools) {
      expect(inputSchema.type).toBe('object');
      expect(description?.length).toBeGreaterThan(20);
    }
    const decide = tools.find(({ name }) => name === 'decide');
    expect(decide?.inputSchema.required).toEqual(['question', 'context']);
    expect(decide?.outputSchema).toMatchObject({ type: 'object' });
  });

  it('decides, looks up, claims, reports and verifies', async () => {
    const request = billing({}, { idempotency_key: `${revision}_1` });
    const decided = await call(client, 'decide', request);
    expect(decided).toMatchObject({ refused: false, content: { verdict: 'yes' } });
    expect(JSON.parse(decided.text)).toEqual(decided.content);
    const again = await call(client, 'decide', request);
    expect(again.content['decision_id']).toBe(decided.content['decision_id']);

    const { decision_id: id, record_hash, receipt_hash } = decided.content;
    const about = { decision_id: id };
    const links = { decision_record_hash: record_hash, decision_receipt_hash: receipt_hash };
    const found = await call(client, 'get_decision', about);
    expect(found.content).toMatchObject({ lifecycle_state: 'authorized' });

    const done = {
      action_taken: 'apply_discount',
      target_system: 'billing',
      target_object_id: 'sub_1042',
      mutation: 'discount.create',
    };
    const executor = { type: 'agent', id: 'agent_example_7' };
    const claimed = await call(client, 'claim_decision', {
      ...about,
      ...done,
      parameters: { discount_percent: 15 },
      executor,
    });
    expect(claimed.content).toMatchObject({ proceed: true });
    const executed = await call(client, 'report_execution', {
      ...about,
      ...links,
      execution_status: 'executed',
      ...done,
      executor,
      parameters_hash: (decided.content['action_binding'] as Structured)['parameters_hash'],
      state_before_hash: 'sha256:before',
      state_after_hash: 'sha256:after',
      idempotency_key: `${revision}_1_execution`,
    });
    expect(executed.text).toContain('execution_receipt_id');
    const outcome = await call(client, 'report_outcome', {
      ...about,
      ...links,
      outcome_status: 'succeeded',
    });
    expect(outcome).toMatchObject({ refused: false });
    const { decision_record: record } = (await call(client, 'get_decision', about)).content;
    const verified = await call(client, 'verify_record', { record });
    expect(verified.content).toMatchObject({ verified: true });
  });

  it('reads a refusal as a result with a code, a message and places', async () => {
    const unknown = await call(client, 'decide', { ...billing(), surprise: 1 });
    expect(unknown).toMatchObject({
      refused: true,
      content: {
        code: 'DECIDE_API_INVALID_REQUEST',
        retryable: false,
        status: 422,
        errors: [{ field: 'surprise', code: 'unknown_field' }],
      },
    });
    const missing = await call(client, 'get_decision', {});
    expect(missing.content).toMatchObject({
      code: 'DECIDE_API_INVALID_REQUEST',
      errors: [{ field: 'decision_id', code: 'required' }],
    });
    const elsewhere = await call(client, 'get_decision', { decision_id: '..' });
    expect(elsewhere.content).toMatchObject({ code: 'DECIDE_API_INVALID_REQUEST' });
    const nowhere = await call(client, 'get_decision', { decision_id: 'dec_nowhere' });
    expect(nowhere.content).toMatchObject({ code: 'DECIDE_DECISION_NOT_FOUND', status: 404 });
  });

  it('is told of a tool that does not exist as misuse of the protocol', async () => {
    await expect(client.callTool({ name: 'approve', arguments: {} })).rejects.toMatchObject({
      code: -32_602,
    });
  });

  it('needs a key for what needs one, and none for what does not', async () => {
    const stranger = await connectHttp(gate.server.url, revision, '');
    expect(await call(stranger, 'decide', billing())).toMatchObject({
      refused: true,
      content: { code: 'DECIDE_API_UNAUTHORIZED', status: 401 },
    });
    const record = await gate.decide(billing());
    expect(await call(stranger, 'verify_record', { record })).toMatchObject({
      content: { verified: true },
    });
    await stranger.close();
  });
});

const ACCEPT = {
  accept: 'application/json, text/event-stream',
  'content-type': 'application/json',
};

/** One request of the older revision, as bytes. */
function post(body: string, headers: Readonly<Record<string, string>> = {}) {
  return gate.send('/mcp', {
    method: 'POST',
    headers: { ...ACCEPT, 'x-api-key': KEY, ...headers },
    body,
  });
}

const asked = (args: string): string =>
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"decide","arguments":${args}}}`;

describe('what the endpoint refuses', () => {
  it('a number that a double would change, where the Decide door does', async () => {
    const text = JSON.stringify(billing({ discount_percent: 0 })).replace(
      '"discount_percent":0',
      '"discount_percent":0.12345678901234567890',
    );
    expect((await post(asked(text))).text).toContain('DECIDE_API_NUMBER_INEXACT');
  });

  it('a member that stands there twice', async () => {
    const answer = await post(asked('{"question":"a","question":"b","context":{}}'));
    expect(answer).toMatchObject({ status: 400, body: { error: { code: -32_700 } } });
  });

  it('a batch', async () => {
    const answer = await post(`[${asked('{}')}]`);
    expect(answer).toMatchObject({ status: 400, body: { error: { code: -32_600 } } });
  });

  it('a request of a page that is not on this machine', async () => {
    const answer = await post(asked('{}'), { origin: 'https://pages.example' });
    expect(answer).toMatchObject({ status: 403, body: { error: { code: -32_000 } } });
  });

  it('a body beyond the limit', async () => {
    expect((await post(asked(`{"a":"${'x'.repeat(1_100_000)}"}`))).status).toBe(413);
  });

  it('other methods, since there are no sessions', async () => {
    for (const method of ['GET', 'DELETE', 'PUT']) {
      const answer = await gate.send('/mcp', { method, headers: { accept: 'text/event-stream' } });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
    }
  });

  it('a revision that it does not speak', async () => {
    const answer = await post(asked('{}'), { 'mcp-protocol-version': '2020-01-01' });
    expect(answer.status).toBe(400);
  });
});
