import { describe, expect, it } from 'vitest';
import { readClientMessage, readServerAnswer } from '../src/mcp-proxy/message.ts';
import { found, policyMapOf } from '../src/mcp-proxy/policy-map.ts';
import { SseReader } from '../src/mcp-proxy/sse.ts';

const MAP = {
  policy_map_version: 'mcp_policy_map_v1',
  agent: 'agent_example_7',
  defaults: { workflow: 'w', target_system: 's', context: { a: 1, b: 1 } },
  tools: { one: { context: { b: 2 }, from_arguments: { amount: '/amount' } }, two: null },
};

describe('a policy map', () => {
  it('puts an entry over its defaults', () => {
    const { agent, rules } = policyMapOf(MAP);
    expect(agent).toBe('agent_example_7');
    expect(rules.get('one')).toMatchObject({
      workflow: 'w',
      requestedAction: 'tool_call',
      mutation: 'tool.call',
      context: { a: 1, b: 2 },
      fromArguments: { amount: '/amount' },
      bindParameters: ['tool', 'arguments_hash'],
    });
    expect(rules.get('two')).toMatchObject({ context: { a: 1, b: 1 } });
    expect(rules.get('one')?.hash).not.toBe(rules.get('two')?.hash);
  });

  it.each([
    [{ policy_map_version: 'v0' }, '/policy_map_version'],
    [{ agent: '' }, '/agent'],
    [{ tool: {} }, '/tool is not known'],
    [{ defaults: { workflow: 'w' } }, '/tools/one/target_system'],
    [{ tools: { one: { contxt: {} } } }, '/tools/one/contxt is not known'],
    [{ tools: { one: { context: { actor: 'x' } } } }, 'sets `actor`'],
    [{ tools: { one: { from_arguments: { tool: '/x' } } } }, 'sets `tool`'],
    [{ tools: { one: { target_object_id: 'quote_id' } } }, 'JSON Pointer'],
    [{ tools: { one: { bind_parameters: 'tool' } } }, '/tools/one/bind_parameters'],
    [{ tools: [] }, '/tools must be an object'],
  ])('with %j is refused, with the place', (change, said) => {
    expect(() => policyMapOf({ ...MAP, ...change })).toThrow(said);
  });
});

it('follows a JSON Pointer, and only to what is really there', () => {
  const value = { 'a/b': [{ '~': 1 }], constructor: { own: true } };
  expect(found(value, '/a~1b/0/~0')).toBe(1);
  expect(found(value, '/constructor/own')).toBe(true);
  expect(found(value, '/toString')).toBeUndefined();
  expect(found(value, '/a~1b/length')).toBeUndefined();
});

describe('a stream of events', () => {
  const TEXT =
    'retry: 7\n: nothing\n\nid: 1\nevent: message\ndata: {"a":\r\ndata: 1}\r\n\r\nevent: other\ndata: x\n\ndata:é\n\n';
  const WANT = [
    { data: '{"a":\n1}', id: '1' },
    { data: 'é', id: '1' },
  ];

  it.each([1, 2, 3, 7, 1_000])('reads the same in pieces of %i bytes', (size) => {
    const waits: number[] = [];
    const reader = new SseReader((ms) => waits.push(ms));
    const bytes = Buffer.from(TEXT);
    const events = [];
    for (let at = 0; at < bytes.length; at += size) {
      events.push(...reader.read(bytes.subarray(at, at + size)));
    }
    expect(events).toEqual(WANT);
    expect(waits).toEqual([7]);
  });
});

describe('messages', () => {
  const call = (params: object) =>
    readClientMessage(
      Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })),
    );
  const hashOf = (params: object): unknown => {
    const message = call(params);
    return message.kind === 'call' ? message.call.argumentsHash : message;
  };

  it('hash arguments whatever their order, and apart from everything else of the call', () => {
    const hash = hashOf({ name: 't', arguments: { a: 1, b: 2 } });
    expect(hashOf({ arguments: { b: 2, a: 1 }, name: 't', _meta: { progressToken: 1 } })).toBe(
      hash,
    );
    expect(hashOf({ name: 't', arguments: { a: 1, b: 3 } })).not.toBe(hash);
    expect(hashOf({ name: 't', arguments: {} })).toBe(hashOf({ name: 't' }));
  });

  it('hash whatever else stands in the request, and take none of it for arguments', () => {
    const args = { a: 1 };
    const others = [
      {},
      { inputResponses: { sure: true } },
      { inputResponses: { sure: true }, requestState: 'x' },
      { inputResponses: { sure: true }, requestState: 'y' },
      { task: {} },
      { task: { ttl: 1 } },
    ];
    const hashes = others.map((members) => hashOf({ name: 't', arguments: args, ...members }));
    const posed = [
      { arguments: args, input_responses: { sure: true } },
      { arguments: args, inputResponses: { sure: true } },
      { 0: args, 1: { inputResponses: { sure: true } } },
    ].map((given) => hashOf({ name: 't', arguments: given }));
    expect(new Set([...hashes, ...posed]).size).toBe(others.length + posed.length);
  });

  it.each(['1e999', '-1e999', '9007199254740993', '0.1234567890123456789'])(
    'with the number %s are no call, and are answered',
    (number) => {
      const text = `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"t","arguments":{"n":${number}}}}`;
      expect(readClientMessage(Buffer.from(text))).toMatchObject({
        kind: 'refused',
        id: 7,
        code: -32_602,
      });
    },
  );

  it('of the server tell what became of a call', () => {
    const outcome = (members: object) =>
      readServerAnswer(JSON.stringify({ jsonrpc: '2.0', id: 1, ...members }))?.outcome;
    expect(outcome({ result: { content: [] } })).toBe('result');
    expect(outcome({ result: { content: [], isError: true } })).toBe('tool_error');
    expect(outcome({ result: { resultType: 'input_required' } })).toBe('input_required');
    expect(outcome({ result: { resultType: 'complete', content: [] } })).toBe('result');
    expect(outcome({ result: { task: { taskId: 't', status: 'working' } } })).toBe('unfinished');
    expect(outcome({ result: { resultType: 'task', taskId: 't' } })).toBe('unfinished');
    expect(outcome({ error: { code: -32_602, message: 'no' } })).toBe('rpc_error');
    expect(outcome({})).toBe('rpc_error');
    expect(readServerAnswer('{"method":"ping","id":1}')).toBeUndefined();
    expect(readServerAnswer('no JSON')).toBeUndefined();
    // An answer that the strict reader does not take is one all the same.
    expect(readServerAnswer('{"id":1,"result":{"n":12345678901234567890}}')?.outcome).toBe(
      'result',
    );
  });
});
