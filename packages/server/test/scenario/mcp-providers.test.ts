import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FrameReader } from '../../src/evidence/frames.ts';
import type { ProviderSettings, ScenarioSettings } from '../../src/service/scenario/settings.ts';
import {
  AT,
  exported,
  gateOf,
  next,
  specOf,
  stage,
  startRun,
  transitionOf,
} from './evidence-files.ts';
import { type Members, openScenarioGate, type ScenarioGate } from './harness.ts';

const PROVIDER = fileURLToPath(new URL('./fixtures/evidence-provider.mjs', import.meta.url));
type McpProvider = Extract<ProviderSettings, { readonly type: 'mcp' }>;

function contractOf(changes: Members = {}, check: Members = {}): Members {
  return {
    provider_id: 'tickets',
    name: 'Tickets',
    description: 'Whether a ticket is approved.',
    transport: 'mcp',
    config_schema: {},
    checks: [
      {
        check_id: 'approved',
        description: 'Whether it is.',
        determinism: 'external',
        params_required: false,
        params_schema: { type: 'object' },
        result_schema: { type: 'boolean' },
        allowed_comparators: ['equals', 'not_equals', 'exists', 'not_exists'],
        anchor_types: [],
        content_types: [],
        examples: [],
        ...check,
      },
    ],
    notes: [],
    ...changes,
  };
}

/** A door with one external provider. */
function openWith(
  provider: Partial<McpProvider>,
  options: {
    readonly contract?: unknown;
    readonly settings?: (settings: ScenarioSettings) => Partial<ScenarioSettings>;
  } = {},
): Promise<ScenarioGate> {
  return openScenarioGate({
    change: (settings, directory) => {
      const capabilitiesPath = join(directory, 'tickets.json');
      writeFileSync(capabilitiesPath, JSON.stringify(options.contract ?? contractOf()));
      return {
        ...settings,
        runStateStore: { type: 'memory' },
        schemaRegistry: { ...settings.schemaRegistry, store: { type: 'memory' } },
        dev: { ...settings.dev, permissive: false },
        evidence: { allowRawValues: true, requireProviderOptIn: false },
        providers: [
          ...settings.providers,
          {
            name: 'tickets',
            type: 'mcp',
            command: [],
            allowInsecureHttp: true,
            capabilitiesPath,
            connectTimeoutMs: 2_000,
            requestTimeoutMs: 10_000,
            laneMax: 'verified',
            allowRaw: false,
            ...provider,
          },
        ],
        ...options.settings?.(settings),
      };
    },
  });
}

const running = (behaviour: string, ...more: string[]): Partial<McpProvider> => ({
  command: [process.execPath, PROVIDER, behaviour, ...more],
});

async function evidenceOf(gate: ScenarioGate, name?: string, correlation: string | null = null) {
  const answer = await gate.call('evidence_query', {
    query: {
      provider_id: 'tickets',
      check_id: 'approved',
      ...(name === undefined ? {} : { params: { name } }),
    },
    context: {
      tenant_id: 1,
      namespace_id: 1,
      run_id: 'r',
      scenario_id: 's',
      stage_id: 'main',
      trigger_id: 't',
      trigger_time: AT,
      correlation_id: correlation,
    },
  });
  return (answer.json as { result: Members & { error: Members | null } }).result;
}

/** The status of one gate over the provider's answer, and what is recorded of it. */
async function decided(gate: ScenarioGate): Promise<{ status: unknown; result: Members }> {
  const spec = specOf(
    'tickets',
    [stage('main', { gates: [gateOf('g', { Condition: 'c' })] })],
    [
      {
        condition_id: 'c',
        query: { provider_id: 'tickets', check_id: 'approved' },
        comparator: 'equals',
        expected: true,
        policy_tags: [],
      },
    ],
  );
  await gate.call('scenario_define', { spec });
  await startRun(gate, 'tickets', 'r');
  const { feedback } = transitionOf(await next(gate, 'tickets', 'r', 't'));
  const [record] = (await exported(gate, 'tickets', 'r', 'gate_evals')) as unknown as {
    evidence: { result: Members }[];
  }[];
  return {
    status: feedback?.gate_evaluations[0]?.['status'],
    result: record?.evidence[0]?.result ?? {},
  };
}

async function within<Value>(
  opening: Promise<ScenarioGate>,
  act: (gate: ScenarioGate) => Promise<Value>,
): Promise<Value> {
  const gate = await opening;
  try {
    return await act(gate);
  } finally {
    await gate.close();
  }
}

const TRUE_HASH = 'b5bea41b6c623f7c09f1bf24dcae58ebab3c0cdd90ad966bc43a45b44867e12b';
const failed = (text: string): Members => ({
  code: 'provider_error',
  message: `evidence provider error: ${text}`,
  details: null,
});

describe('over standard streams', () => {
  it('S-134 a child process is asked in frames and its answer opens a gate', () =>
    within(openWith(running('answer')), async (gate) => {
      expect(await decided(gate)).toMatchObject({ status: 'True' });
    }));

  it.each([
    ['error', 'no such ticket'],
    ['text', 'unexpected text response: hi'],
    ['huge', 'mcp response too large'],
    ['empty', 'empty tool result'],
    ['crash', 'mcp process exited: 3'],
  ])('S-136 one that answers with %s shows nothing', (behaviour, text) =>
    within(openWith(running(behaviour)), async (gate) => {
      expect(await decided(gate)).toMatchObject({
        status: 'Unknown',
        result: { value: null, error: failed(text) },
      });
    }),
  );

  it('S-138 one that hangs is given up, and the next question is answered', () =>
    within(openWith({ ...running('hang-once'), requestTimeoutMs: 500 }), async (gate) => {
      expect((await evidenceOf(gate, 'hang')).error).toMatchObject(failed('mcp request timed out'));
      expect((await evidenceOf(gate, 'other')).error).toBeNull();
    }));

  it('S-138 one that ends is started again', () =>
    within(openScenarioGate(), async ({ directory }) => {
      const starts = join(directory, 'starts');
      await within(openWith(running('crash-once', starts)), async (gate) => {
        expect((await evidenceOf(gate, 'crash')).error).not.toBeNull();
        expect((await evidenceOf(gate, 'other')).error).toBeNull();
        expect(readFileSync(starts, 'utf8').length).toBeGreaterThan(1);
      });
    }));

  it('S-141 a hash that is not that of the value is replaced', () =>
    within(openWith(running('wrong-hash')), async (gate) => {
      const { result, status } = await decided(gate);
      expect(status).toBe('True');
      expect(result['evidence_hash']).toEqual({ algorithm: 'sha256', value: TRUE_HASH });
    }));

  it('S-97 evidence that a provider only asserts is not taken, and its value stays for the reader', () =>
    within(openWith(running('asserted')), async (gate) => {
      expect(await decided(gate)).toMatchObject({
        status: 'Unknown',
        result: {
          value: { kind: 'json', value: true },
          error: {
            code: 'trust_lane',
            message: 'evidence lane Asserted does not satisfy Verified',
            details: null,
          },
        },
      });
    }));
});

describe('over http', () => {
  let site: Server;
  let url: string;
  const seen: IncomingHttpHeaders[] = [];
  let reply: (json: unknown) => unknown = (json) => json;
  let status = 200;
  let slow = false;
  beforeAll(async () => {
    site = createServer((request, response) => {
      seen.push(request.headers);
      request.resume();
      request.on('end', () => {
        if (slow) return;
        const json = reply({ value: { kind: 'json', value: true } });
        response.statusCode = status;
        response.end(
          JSON.stringify({ jsonrpc: '2.0', id: 1, result: { content: [{ type: 'json', json }] } }),
        );
      });
    });
    await new Promise<void>((listening) => site.listen(0, '127.0.0.1', listening));
    url = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;
  });
  afterAll(async () => {
    site.closeAllConnections();
    await new Promise((closed) => site.close(closed));
  });

  it('S-135 token and correlation id are sent, and one that is slow shows nothing', async () => {
    await within(openWith({ url, bearerToken: 'secret' }), async (gate) => {
      expect((await evidenceOf(gate, 'x', 'corr-7')).error).toBeNull();
      expect(seen.at(-1)).toMatchObject({
        authorization: 'Bearer secret',
        'x-correlation-id': 'corr-7',
      });
      expect(await decided(gate)).toMatchObject({ status: 'True' });
    });
    slow = true;
    await within(openWith({ url, requestTimeoutMs: 500 }), async (gate) => {
      expect(await decided(gate)).toMatchObject({
        status: 'Unknown',
        result: { error: failed('http request timed out') },
      });
    });
    slow = false;
  });

  it('S-136 a status that is no success shows nothing', async () => {
    status = 500;
    await within(openWith({ url }), async (gate) => {
      expect((await evidenceOf(gate)).error).toMatchObject(
        failed('http request failed with status 500'),
      );
    });
    status = 200;
  });

  it('S-139 a signature policy passes what is signed by a listed key and names what is not', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const rawKey = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    const keys: string[] = [];
    const gate = await openWith({ url });
    keys.push(join(gate.directory, 'raw.key'), join(gate.directory, 'base64.key'));
    writeFileSync(keys[0] ?? '', rawKey);
    writeFileSync(keys[1] ?? '', `${rawKey.toString('base64')}\n`);
    const message = (hash: string): Buffer =>
      Buffer.from(`{"algorithm":"sha256","value":"${hash}"}`);
    const signed = (keyId: string, changes: Members = {}, hash = TRUE_HASH): Members => ({
      value: { kind: 'json', value: true },
      signature: {
        scheme: 'ed25519',
        key_id: keyId,
        signature: [...sign(null, message(hash), privateKey)],
      },
      ...changes,
    });
    const [first = '', second = ''] = keys;
    const ed = signed(first)['signature'] as Members;
    const rows: readonly (readonly [unknown, string | null])[] = [
      [signed(first), null],
      [signed(second), null],
      [{ value: { kind: 'json', value: true } }, 'missing evidence signature'],
      [signed(first, { signature: { ...ed, scheme: 'rsa' } }), 'unsupported signature scheme'],
      [signed('other.key'), 'signature key not authorized'],
      [signed(first, { value: null }), 'missing evidence hash for signature verification'],
      [
        signed(first, { evidence_hash: { algorithm: 'sha256', value: '00' } }),
        'evidence hash mismatch',
      ],
      [signed(first, { signature: { ...ed, signature: [1] } }), 'invalid signature bytes'],
      [signed(first, {}, '00'), 'signature verification failed'],
    ];
    await within(
      openWith({ url, trust: { kind: 'require_signature', keys } }),
      async (requiring) => {
        for (const [json, text] of rows) {
          reply = () => json;
          const { error } = await evidenceOf(requiring);
          expect(error === null ? null : error['message']).toBe(
            text === null ? null : `evidence provider error: ${text}`,
          );
        }
      },
    );
    reply = (json) => json;
    await gate.close();
  });

  it('S-140 an anchor policy names what an anchor lacks', async () => {
    const anchored = (anchor_value: unknown, anchor_type = 'ticket'): Members => ({
      value: { kind: 'json', value: true },
      evidence_anchor: { anchor_type, anchor_value },
    });
    const rows: readonly (readonly [unknown, string | null])[] = [
      [anchored('{"id":"T-1","n":1}'), null],
      [{ value: { kind: 'json', value: true } }, 'missing evidence_anchor'],
      [anchored('{}', 'file'), 'anchor_type mismatch: expected ticket got file'],
      [anchored('{'), 'anchor_value must be canonical JSON'],
      [anchored('[]'), 'anchor_value must be a JSON object'],
      [anchored('{"n":1}'), 'anchor field id missing'],
      [anchored('{"id":null,"n":1}'), 'anchor field id must be set'],
      [anchored('{"id":true,"n":1}'), 'anchor field id must be string or number'],
      [anchored('{"id":[],"n":1}'), 'anchor field id must be scalar'],
    ];
    for (const [json, text] of rows) {
      reply = () => json;
      await within(
        openWith(
          { url },
          {
            settings: () => ({
              anchors: {
                providers: [
                  {
                    provider_id: 'tickets',
                    requirement: { anchor_type: 'ticket', required_fields: ['id', 'n'] },
                  },
                ],
              },
            }),
          },
        ),
        async (gate) => {
          const { result, status: truth } = await decided(gate);
          const error = result['error'] as Members | null;
          expect([truth, error?.['code'] ?? null, error?.['message'] ?? null]).toEqual(
            text === null ? ['True', null, null] : ['Unknown', 'anchor_invalid', text],
          );
        },
      );
    }
    reply = (json) => json;
  });

  it('S-142 evidence above a mebibyte is an engine error, and the run stays as it was', async () => {
    await within(
      openScenarioGate({
        change: (settings) => ({
          ...settings,
          providers: settings.providers.map((one) =>
            one.type === 'builtin' && one.config.kind === 'json'
              ? { ...one, config: { ...one.config, maxBytes: 4_000_000 } }
              : one,
          ),
        }),
      }),
      async (gate) => {
        // Two quotes belong to the canonical text.
        writeFileSync(join(gate.evidence, 'wide.json'), JSON.stringify('x'.repeat(1_048_575)));
        const spec = specOf(
          'wide',
          [stage('main', { gates: [gateOf('g', { Condition: 'c' })] })],
          [
            {
              condition_id: 'c',
              query: { provider_id: 'json', check_id: 'path', params: { file: 'wide.json' } },
              comparator: 'exists',
              policy_tags: [],
            },
          ],
        );
        await gate.call('scenario_define', { spec });
        await startRun(gate, 'wide', 'wide');
        expect((await next(gate, 'wide', 'wide', 't')).error).toMatchObject({
          code: -32030,
          message: 'evidence payload exceeds size limit (1048577 > 1048576)',
        });
        expect(await exported(gate, 'wide', 'wide', 'triggers')).toEqual([]);
        expect(await exported(gate, 'wide', 'wide', 'tool_calls')).toEqual([]);
      },
    );
  });
});

describe('contract files', () => {
  it.each([
    ['another id', contractOf({ provider_id: 'other' }), /contract_invalid/],
    ['another transport', contractOf({ transport: 'builtin' }), /contract_invalid/],
    [
      'comparators out of order',
      contractOf({}, { allowed_comparators: ['not_equals', 'equals'] }),
      /contract_invalid/,
    ],
    ['no comparators', contractOf({}, { allowed_comparators: [] }), /contract_invalid/],
    ['a missing member', { ...contractOf(), notes: undefined }, /contract_parse_failed/],
    ['a schema that is none', contractOf({}, { result_schema: 7 }), /schema_compile_failed/],
  ])('S-137 %s stops the start', async (_what, contract, code) => {
    await expect(openWith(running('answer'), { contract })).rejects.toThrow(code);
  });

  it('S-137 so does a command that is not there', async () => {
    await expect(openWith({ command: ['/nowhere/provider'] })).rejects.toThrow(/tickets/);
  });
});

describe('frames', () => {
  const frame = (text: string): Buffer =>
    Buffer.from(`Content-Length: ${text.length}\r\n\r\n${text}`);

  it('may come in any pieces', () => {
    const bytes = Buffer.concat([frame('one'), frame('two')]);
    for (let size = 1; size <= bytes.length; size += 1) {
      const reader = new FrameReader(100);
      const texts: unknown[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        texts.push(...reader.push(bytes.subarray(at, at + size)));
      }
      expect(texts).toEqual([
        { ok: true, text: 'one' },
        { ok: true, text: 'two' },
      ]);
    }
  });

  it.each([
    ['X: 1\r\n\r\n', 'missing content length header'],
    ['Content-Length: x\r\n\r\n', 'invalid content length'],
    ['Content-Length: 101\r\n\r\n', 'mcp response too large'],
  ])('%j ends the stream', (text, fault) => {
    const reader = new FrameReader(100);
    expect(reader.push(Buffer.from(text))).toEqual([{ ok: false, fault }]);
    expect(reader.push(frame('late'))).toEqual([]);
  });
});
