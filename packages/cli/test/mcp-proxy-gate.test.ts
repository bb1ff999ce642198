import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { KEY, linksTo, type Members } from '../../server/test/harness.ts';
import type { ToolCall } from '../src/mcp-proxy/message.ts';
import { gateChild } from '../src/mcp-proxy/over-stdio.ts';
import type { Admission, ToolGate } from '../src/mcp-proxy/tool-gate.ts';
import { hashOf, Lab, PATIENCE_MS, quote, TELLTALE, Wire } from './mcp-lab.ts';

vi.setConfig({ testTimeout: PATIENCE_MS, hookTimeout: PATIENCE_MS });

/** A little longer than a claim lives. */
const LAPSE_MS = 61_000;

let aheadMs = 0;
const now = (): number => Date.now() + aheadMs;
let lab: Lab;

beforeAll(async () => {
  lab = await Lab.open({ now });
});
afterAll(() => lab.close());

const callOf = (tool: string, args: Members): ToolCall => ({
  id: 1,
  tool,
  arguments: args,
  argumentsHash: hashOf(args).slice('sha256:'.length),
  saysResultType: false,
});

const reasonOf = (admission: Admission): string =>
  admission.ok ? 'ADMITTED' : admission.refusal.reason;

/** A call that its owner has approved. */
async function approved(gate: ToolGate): Promise<ToolCall> {
  const call = callOf('issue_refund', quote());
  const held = await gate.admit(call);
  if (held.ok) throw new Error('it needs no approval');
  await lab.resolve(held.refusal.decision_id, 'approve');
  return call;
}

describe('an approval', () => {
  it('is for one call, however long that takes, in this proxy and in any other', async () => {
    const gate = lab.toolGate({ now });
    const call = await approved(gate);
    expect(reasonOf(await gate.admit(call))).toBe('ADMITTED');
    // The call is still running, and the gate has let its claim lapse.
    aheadMs += LAPSE_MS;
    expect(reasonOf(await lab.toolGate({ now }).admit(call))).toBe('REVIEW_PENDING');
    expect(reasonOf(await gate.admit(call))).toBe('REVIEW_PENDING');
  });

  it('is not used where somebody has reported an outcome of it', async () => {
    const gate = lab.toolGate({ now });
    const call = await approved(gate);
    const { decision_id: id } = (await lab.decisionOn(call.tool, call.arguments)) ?? {};
    const { body } = await lab.gate.get(`/api/decision/${String(id)}`);
    const reported = await lab.gate.post(`/api/decision/${String(id)}/outcome`, {
      outcome_status: 'pending',
      ...linksTo(body['decision_record'] as Members),
    });
    expect(reported.status).toBe(201);
    expect(reasonOf(await gate.admit(call))).toBe('REVIEW_PENDING');
  });

  it('is used up by a call that was cancelled after it was sent', async () => {
    const wire = new Wire().listen();
    const gate = lab.toolGate({ now });
    const call = await approved(gate);
    const ended = gateChild(TELLTALE, { gate, allowUnmapped: new Set() }, wire.surroundings);
    wire.call('first', call.tool, call.arguments);
    await wire.seen({ id: 'first' });
    const { decision_id: id } = (await lab.decisionOn(call.tool, call.arguments)) ?? {};
    wire.send({ method: 'notifications/cancelled', params: { requestId: 'first' } });
    await wire.seen({ method: 'notifications/cancelled' });
    await vi.waitFor(async () => {
      const { body } = await lab.gate.get(`/api/decision/${String(id)}/outcome`);
      expect(body['items']).toMatchObject([{ outcome_status: 'pending' }]);
    });

    aheadMs += LAPSE_MS;
    wire.call('second', call.tool, call.arguments);
    expect(await wire.answerTo('second')).toMatchObject({
      result: { structuredContent: { reason: 'REVIEW_PENDING' } },
    });
    wire.input.end();
    expect(await ended).toBe(0);
    expect(wire.said.filter(({ method }) => method === 'seen')).toHaveLength(2);
  });
});

describe('a claim', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.close();
    server?.closeAllConnections();
  });

  /** The address of something that hands requests on to the gate, and answers claims in its own way. */
  async function through(change: (claim: Members) => unknown): Promise<string> {
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const parts: Buffer[] = [];
      for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
      const path = request.url ?? '';
      const key = request.headers['x-idempotency-key'];
      const given = await lab.gate.send(path, {
        method: request.method ?? 'GET',
        headers: {
          'x-api-key': KEY,
          'content-type': 'application/json',
          ...(key === undefined ? {} : { 'x-idempotency-key': String(key) }),
        },
        ...(parts.length === 0 ? {} : { body: Buffer.concat(parts).toString() }),
      });
      response.writeHead(given.status, { 'content-type': 'application/json' });
      response.end(path.endsWith('/claim') ? JSON.stringify(change(given.body)) : given.text);
    };
    const between = createServer((request, response) => {
      answer(request, response).catch(() => response.destroy());
    });
    server = between;
    await new Promise<void>((done) => between.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(between.address() as AddressInfo).port}`;
  }

  it('comes through as it is', async () => {
    const gate = lab.toolGate({ now, url: await through((claim) => claim) });
    expect(reasonOf(await gate.admit(callOf('send_quote', quote())))).toBe('ADMITTED');
  });

  it.each<[string, (claim: Members) => unknown]>([
    ['is empty', () => ({})],
    ['is of another kind', () => ({ ok: true, status: 'queued' })],
    ['says not to proceed', (claim) => ({ ...claim, proceed: false })],
    ['says so in text', (claim) => ({ ...claim, proceed: 'true' })],
    ['has no name', (claim) => ({ ...claim, claim_id: undefined })],
    ['has a number for a name', (claim) => ({ ...claim, claim_id: 7 })],
    ['is not shown', (claim) => ({ ...claim, claim: undefined })],
  ])('that %s is none', async (_, change) => {
    const gate = lab.toolGate({ now, url: await through(change) });
    const admission = await gate.admit(callOf('send_quote', quote()));
    expect(reasonOf(admission)).toBe('GATE_UNAVAILABLE');
  });

  it('that cannot be reported about keeps nobody from the answer', async () => {
    const alerts: string[] = [];
    // No header can carry this name, so the client of the gate sends nothing.
    const url = await through((claim) => ({ ...claim, claim_id: 'clm_ø' }));
    const gate = lab.toolGate({ now, url, alert: (text) => alerts.push(text) });
    const admission = await gate.admit(callOf('send_quote', quote()));
    if (!admission.ok) throw new Error('it is allowed');
    await gate.answered(admission.permit, { id: 1, outcome: 'result', digest: '00' });
    expect(alerts).toEqual([expect.stringContaining('has no receipt')]);
  });
});

describe('a task', () => {
  it('that a server has begun is an open outcome, and no execution', async () => {
    const gate = lab.toolGate({ now });
    const call = callOf('send_quote', quote());
    const wire = new Wire().listen();
    const script = `require('readline').createInterface({ input: process.stdin }).on('line', (line) =>
      console.log(JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(line).id, result: {
        task: { taskId: 't', status: 'working' } } })))`;
    const server = [process.execPath, '-e', script];
    const ended = gateChild(server, { gate, allowUnmapped: new Set() }, wire.surroundings);
    wire.call(1, call.tool, call.arguments);
    expect(await wire.answerTo(1)).toMatchObject({ result: { task: { taskId: 't' } } });
    const { decision_id: id } = (await lab.decisionOn(call.tool, call.arguments)) ?? {};
    expect(await lab.receiptOn(call.tool, call.arguments)).toEqual({});
    const { body } = await lab.gate.get(`/api/decision/${String(id)}/outcome`);
    expect(body['items']).toMatchObject([
      { outcome_status: 'pending', evidence_refs: [{ type: 'mcp_tool_result' }, {}] },
    ]);
    wire.input.end();
    expect(await ended).toBe(0);
  });
});
