import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gateOf, next, specOf, stage, startRun, transitionOf } from './evidence-files.ts';
import { type Members, openScenarioGate, type ScenarioGate } from './harness.ts';

/** What was asked, in order. */
const asked: string[] = [];
let provider: Server;
let gate: ScenarioGate;

const COMPARATORS = ['equals', 'not_equals', 'contains', 'in_set', 'exists', 'not_exists'];
const CONTRACT = {
  provider_id: 'blob',
  name: 'Blob',
  description: 'Three bytes, whatever is asked.',
  transport: 'mcp',
  config_schema: {},
  checks: [
    {
      check_id: 'bytes',
      description: 'The bytes.',
      determinism: 'deterministic',
      params_required: false,
      params_schema: { type: 'object' },
      result_schema: { 'x-decision-gate': { dynamic_type: true } },
      allowed_comparators: COMPARATORS,
      anchor_types: [],
      content_types: [],
      examples: [],
    },
  ],
  notes: [],
};

beforeAll(async () => {
  provider = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { id, params } = JSON.parse(Buffer.concat(chunks).toString());
      asked.push(params.arguments.query.params?.name ?? '');
      const json = { value: { kind: 'bytes', value: [1, 2, 255] } };
      const result = { content: [{ type: 'json', json }] };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    });
  });
  await new Promise<void>((listening) => provider.listen(0, '127.0.0.1', listening));
  const { port } = provider.address() as AddressInfo;
  gate = await openScenarioGate({
    change: (settings, directory) => {
      const capabilitiesPath = join(directory, 'blob.json');
      writeFileSync(capabilitiesPath, JSON.stringify(CONTRACT));
      return {
        ...settings,
        providers: [
          ...settings.providers,
          {
            name: 'blob',
            type: 'mcp',
            command: [],
            url: `http://127.0.0.1:${port}/`,
            allowInsecureHttp: true,
            capabilitiesPath,
            connectTimeoutMs: 2_000,
            requestTimeoutMs: 5_000,
            laneMax: 'verified',
            allowRaw: false,
          },
        ],
      };
    },
  });
});
afterAll(async () => {
  await gate.close();
  await new Promise((closed) => provider.close(closed));
});

function condition(id: string, comparator: string, expected: unknown): Members {
  return {
    condition_id: id,
    query: { provider_id: 'blob', check_id: 'bytes', params: { name: id } },
    comparator,
    ...(expected === undefined ? {} : { expected }),
    policy_tags: [],
  };
}

describe('bytes', () => {
  it.each([
    ['equals', [1, 2, 255], 'True'],
    ['equals', [1, 2], 'False'],
    ['not_equals', [1, 2], 'True'],
    ['equals', [1, 2, 256], 'Unknown'],
    ['equals', 'AQL/', 'Unknown'],
    ['contains', [1], 'Unknown'],
    ['exists', undefined, 'True'],
  ])('S-93 %s %j is %s', async (comparator, expected, wanted) => {
    const id = `bytes-${comparator}-${JSON.stringify(expected)}`;
    const spec = specOf(
      id,
      [stage('main', { gates: [gateOf('g', { Condition: 'c' })] })],
      [condition('c', comparator, expected)],
    );
    const defined = await gate.call('scenario_define', { spec });
    expect(defined.error).toBeUndefined();
    await startRun(gate, id, id);
    const { feedback } = transitionOf(await next(gate, id, id, 't'));
    expect(feedback?.gate_evaluations[0]?.['status']).toBe(wanted);
  });
});

describe('asking', () => {
  it('S-96 a condition that several gates use is asked for once per trigger, in the order of first use', async () => {
    const id = 'shared';
    const spec = specOf(
      id,
      [
        stage('main', {
          gates: [
            gateOf('one', { And: [{ Condition: 'b' }, { Not: { Condition: 'a' } }] }),
            gateOf('two', { Or: [{ Condition: 'a' }, { Condition: 'b' }] }),
          ],
        }),
      ],
      [condition('a', 'exists', undefined), condition('b', 'exists', undefined)],
    );
    await gate.call('scenario_define', { spec });
    await startRun(gate, id, id);
    asked.length = 0;
    await next(gate, id, id, 't-1');
    expect(asked).toEqual(['b', 'a']);
    await next(gate, id, id, 't-1');
    expect(asked).toHaveLength(2);
    await next(gate, id, id, 't-2');
    expect(asked).toHaveLength(4);
  });
});
