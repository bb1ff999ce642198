import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openGate } from '../../server/test/harness.ts';
import { call, REVISIONS } from '../../server/test/mcp/clients.ts';
import { AGENT, hashOf, Lab, PATIENCE_MS, quote, resourceOf } from './mcp-lab.ts';

vi.setConfig({ testTimeout: PATIENCE_MS, hookTimeout: PATIENCE_MS });

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.open();
});
afterAll(() => lab.close());

describe.each(REVISIONS)('between a client and a server, revision %s', (revision) => {
  it('lets a permitted call through and records its result', async () => {
    const client = await lab.shared(revision);
    const args = quote();
    const result = await client.callTool({ name: 'send_quote', arguments: args });
    expect(result.isError).toBeUndefined();
    expect(result.structuredContent).toEqual({ done: true, amount_minor: 500 });
    expect(lab.reached(args)).toEqual(['send_quote']);

    const { content, structuredContent } = result;
    expect(await lab.decisionOn('send_quote', args)).toMatchObject({
      verdict: 'yes',
      lifecycle_state: 'executed',
    });
    const receipt = await lab.receiptOn('send_quote', args);
    expect(receipt).toMatchObject({
      execution_status: 'executed',
      action_binding_match: true,
      state_before_hash: hashOf(args),
      evidence_refs: [{ type: 'mcp_tool_result', hash: receipt['state_after_hash'] }],
    });
    // The newer revision has members in a result that the client keeps to itself.
    if (revision === '2025-11-25') {
      expect(receipt['state_after_hash']).toBe(hashOf({ content, structuredContent }));
    }
  });

  it('refuses what the policy denies, in words for programs', async () => {
    const client = await lab.shared(revision);
    const args = quote();
    const refused = await call(client, 'drop_database', args);
    expect(refused).toMatchObject({
      refused: true,
      content: {
        gate: 'countersign',
        refused: true,
        reason: 'DENIED',
        verdict: 'no',
        tool: 'drop_database',
        arguments_hash: hashOf(args),
        retry: { advice: 'with_another_call' },
      },
    });
    expect(refused.content['reason_codes']).toContain('TOOL_FORBIDDEN');
    expect(refused.content['missing']).toContainEqual([
      expect.objectContaining({ condition: 'tool_allowed', by: 'agent', to: 'true' }),
    ]);
    expect(refused.text).toContain('The policy denies this call');
    const decision = await lab.decisionOn('drop_database', args);
    expect(refused.content['decision_id']).toBe(decision?.['decision_id']);
    expect(lab.reached(args)).toEqual([]);
  });

  it('holds a call for its owner, and makes it once after the approval', async () => {
    const client = await lab.shared(revision);
    const args = quote();
    const first = await call(client, 'issue_refund', args);
    expect(first.content).toMatchObject({
      reason: 'REVIEW_PENDING',
      verdict: 'review',
      review: { group: 'agent_owners', path: 'agents/actions' },
      retry: { advice: 'same_call_after_review' },
    });
    const id = first.content['decision_id'];
    // Asking again opens no second review.
    expect((await call(client, 'issue_refund', args)).content['decision_id']).toBe(id);
    expect(lab.reached(args)).toEqual([]);

    await lab.resolve(id, 'approve');
    // The approval is for these arguments.
    const other = await call(client, 'issue_refund', { ...args, amount_minor: 501 });
    expect(other.content).toMatchObject({ reason: 'REVIEW_PENDING' });
    expect(other.content['decision_id']).not.toBe(id);
    expect(lab.reached(args)).toEqual([]);

    expect(await call(client, 'issue_refund', args)).toMatchObject({ refused: false });
    expect(lab.reached(args)).toEqual(['issue_refund']);
    const again = await call(client, 'issue_refund', args);
    expect(again.content).toMatchObject({ reason: 'REVIEW_PENDING' });
    expect(again.content['decision_id']).not.toBe(id);
    expect(lab.reached(args)).toEqual(['issue_refund']);
  });

  it('passes everything else on', async () => {
    const direct = await lab.connected(revision, lab.transport(lab.behind()));
    const client = await lab.shared(revision);
    expect(client.getServerVersion()).toEqual(direct.getServerVersion());
    expect(await client.listTools()).toEqual(await direct.listTools());
    expect(await client.listResources()).toEqual(await direct.listResources());
    expect(await client.readResource({ uri: 'memo://note' })).toEqual(
      await direct.readResource({ uri: 'memo://note' }),
    );
    expect(await client.getPrompt({ name: 'greet', arguments: { name: 'Tove' } })).toEqual(
      await direct.getPrompt({ name: 'greet', arguments: { name: 'Tove' } }),
    );
    const steps: number[] = [];
    await client.callTool(
      { name: 'grant_access', arguments: quote() },
      { onprogress: ({ progress }) => steps.push(progress) },
    );
    expect(steps).toEqual([1, 2]);
  });
});

describe('approvals', () => {
  it('outlive the proxy that asked for them, and are used by one of two', async () => {
    const args = quote();
    const { content } = await call(await lab.shared(), 'issue_refund', args);
    await lab.resolve(content['decision_id'], 'approve');
    const both = [await lab.gated(), await lab.gated()];
    const answers = await Promise.all(both.map((client) => call(client, 'issue_refund', args)));
    expect(answers.filter(({ refused }) => !refused)).toHaveLength(1);
    expect(lab.reached(args)).toEqual(['issue_refund']);
  });

  it('may be refused, and then the same call is not asked about again for a while', async () => {
    const args = quote();
    const client = await lab.shared();
    const { content } = await call(client, 'issue_refund', args);
    await lab.resolve(content['decision_id'], 'deny');
    const denied = await call(client, 'issue_refund', args);
    expect(denied.content).toMatchObject({ reason: 'DENIED_BY_OWNER', verdict: 'no' });
    const size = await lab.gate.size();
    const again = await call(client, 'issue_refund', args);
    expect(again.content['decision_id']).toBe(denied.content['decision_id']);
    expect(await lab.gate.size()).toBe(size);
    expect(lab.reached(args)).toEqual([]);
  });

  it('count only for the facts that they were given for', async () => {
    const args = quote();
    // The agent has a key of its own, and asks about the same call with kinder facts.
    const context = {
      workflow: 'agent_action_gate',
      source_record_id: resourceOf('issue_refund', args),
      requested_action: 'tool_call',
      actor: AGENT,
      proposer: 'per_example_tove',
      tool: 'issue_refund',
      arguments_hash: hashOf(args),
      target_system: 'crm_sandbox',
      target_object_id: args['quote_id'],
      mutation: 'tool.call',
      risk_level: 'low',
      reversible: true,
      budget_remaining_minor: 1,
      evidence_refs: [{ id: 'own', type: 'tool_catalogue', snapshot_hash: 'sha256:00' }],
    };
    const own = await lab.gate.decide({ question: 'May I?', mode: 'single', context });
    expect(own['verdict']).toBe('yes');
    const held = await call(await lab.shared(), 'issue_refund', args);
    expect(held.content).toMatchObject({ reason: 'REVIEW_PENDING' });
    expect(lab.reached(args)).toEqual([]);
  });
});

describe('a tool that the map does not name', () => {
  it('is not called', async () => {
    const args = quote();
    const size = await lab.gate.size();
    expect(await call(await lab.shared(), 'list_quotes', args)).toMatchObject({
      refused: true,
      content: { reason: 'TOOL_UNMAPPED', verdict: 'review', retry: { advice: 'never' } },
    });
    expect(lab.reached(args)).toEqual([]);
    expect(await lab.gate.size()).toBe(size);
  });

  it('is called where it is named to be, unless it is mapped as well', async () => {
    const allowed = ['--allow-unmapped', 'list_quotes', '--allow-unmapped', 'drop_database'];
    const client = await lab.gated(allowed);
    const args = quote();
    expect(await call(client, 'list_quotes', args)).toMatchObject({ refused: false });
    expect(lab.reached(args)).toEqual(['list_quotes']);
    expect(await lab.decisionOn('list_quotes', args)).toBeUndefined();
    expect((await call(client, 'drop_database', quote())).content['reason']).toBe('DENIED');
  });
});

describe('what goes wrong', () => {
  it('in the tool is a failed execution', async () => {
    const client = await lab.shared();
    const args = quote();
    expect((await client.callTool({ name: 'update_ticket', arguments: args })).isError).toBe(true);
    expect(await lab.receiptOn('update_ticket', args)).toMatchObject({
      execution_status: 'failed',
      execution_result: { code: 'TOOL_ERROR' },
    });
  });

  it('when the server is gone after it was asked is a result that nobody knows', async () => {
    const client = await lab.gated();
    const args = quote();
    const lost = await call(client, 'route_item', args);
    expect(lost).toMatchObject({
      refused: true,
      content: { reason: 'RESULT_UNKNOWN', retry: { advice: 'after_looking' } },
    });
    const id = String(lost.content['decision_id']);
    expect(await lab.receiptOn('route_item', args)).toEqual({});
    const { body } = await lab.gate.get(`/api/decision/${id}/outcome`);
    expect(body['items']).toMatchObject([{ outcome_status: 'pending' }]);
  });

  it('in the arguments leaves the call unmade', async () => {
    const refused = await call(await lab.shared(), 'send_quote', { amount_minor: 1 });
    expect(refused.content).toMatchObject({ reason: 'TARGET_MISSING', verdict: 'review' });
  });

  it('at the gate leaves the call unmade', async () => {
    const elsewhere = await openGate();
    const client = await lab.gated([], { url: elsewhere.server.url });
    await elsewhere.close();
    const args = quote();
    expect((await call(client, 'send_quote', args)).content).toMatchObject({
      reason: 'GATE_UNAVAILABLE',
      verdict: 'none',
      retry: { advice: 'same_call_later' },
    });
    expect((await client.listTools()).tools).toHaveLength(7);
    expect(lab.reached(args)).toEqual([]);
  });

  it('with the key leaves the call unmade', async () => {
    const client = await lab.gated([], { key: `decide_test_${'z'.repeat(43)}` });
    const args = quote();
    expect((await call(client, 'send_quote', args)).content).toMatchObject({
      reason: 'GATE_REFUSED',
      detail: 'DECIDE_API_UNAUTHORIZED',
    });
    expect(lab.reached(args)).toEqual([]);
  });
});

it('keeps the key of the gate from the server behind', async () => {
  expect((await call(await lab.shared(), 'grant_access', quote())).text).toBe('no key');
});
