import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScenarioSettings } from '../../src/service/scenario/settings.ts';
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
import { type Members, openScenarioGate, quickstartSpec, type ScenarioGate } from './harness.ts';

let gate: ScenarioGate;
let site: Server;
let url: string;

const raw = (settings: ScenarioSettings): ScenarioSettings => ({
  ...settings,
  evidence: { allowRawValues: true, requireProviderOptIn: false },
  providers: settings.providers.map((one) =>
    one.type === 'builtin' && one.config.kind === 'http'
      ? {
          ...one,
          config: { ...one.config, allowHttp: true, allowPrivate: true, maxResponseBytes: 64 },
        }
      : one.type === 'builtin' && one.config.kind === 'json'
        ? { ...one, config: { ...one.config, maxBytes: 512 } }
        : one,
  ),
});

beforeAll(async () => {
  site = createServer((request, response) => {
    if (request.url === '/moved') response.writeHead(302, { location: '/ok' });
    response.end(request.url === '/large' ? 'x'.repeat(100) : 'hello');
  });
  await new Promise<void>((listening) => site.listen(0, '127.0.0.1', listening));
  url = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  gate = await openScenarioGate({ change: raw });
  const put = (name: string, text: string): void => writeFileSync(join(gate.evidence, name), text);
  mkdirSync(join(gate.evidence, 'deep'));
  put('report.json', '{"summary":{"failed":0,"note":null},"checks":[{"s":"a"},{"s":"b"}]}');
  put('deep/report.yaml', 'summary:\n  failed: 2\n  ratio: 1.0\n');
  put('broken.json', '{"a":1');
  put('broken.yml', 'a: [1');
  put('large.json', JSON.stringify('x'.repeat(600)));
  writeFileSync(join(gate.directory, 'outside.json'), '1');
  symlinkSync(join(gate.directory, 'outside.json'), join(gate.evidence, 'link.json'));
});
afterAll(async () => {
  await gate.close();
  await new Promise((closed) => site.close(closed));
});

const context = {
  tenant_id: 1,
  namespace_id: 1,
  run_id: 'r',
  scenario_id: 's',
  stage_id: 'main',
  trigger_id: 't',
  trigger_time: AT,
  correlation_id: null,
};

interface Result {
  readonly value: { readonly kind: string; readonly value: unknown } | null;
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details: unknown;
  } | null;
  readonly evidence_hash: Members | null;
  readonly evidence_ref: Members | null;
  readonly evidence_anchor: Members | null;
  readonly content_type: string | null;
  readonly lane: string;
}

async function ask(
  provider_id: string,
  check_id: string,
  params: Members,
  from = gate,
): Promise<Result> {
  const answer = await from.call('evidence_query', {
    query: { provider_id, check_id, params },
    context,
  });
  if (answer.error !== undefined) throw new Error(answer.error.message);
  return (answer.json as { result: Result }).result;
}
const path = (params: Members): Promise<Result> => ask('json', 'path', params);

describe('json', () => {
  it('S-122 a value, several, a whole document, and YAML', async () => {
    const one = await path({ file: 'report.json', jsonpath: '$.summary.failed' });
    expect(one).toMatchObject({ value: { kind: 'json', value: 0 }, lane: 'verified', error: null });
    expect((await path({ file: 'report.json', jsonpath: '$.checks[*].s' })).value?.value).toEqual([
      'a',
      'b',
    ]);
    expect((await path({ file: 'report.json', jsonpath: '$.summary.note' })).value).toEqual({
      kind: 'json',
      value: null,
    });
    expect((await path({ file: 'report.json' })).value?.value).toHaveProperty('checks');
    const yaml = await path({ file: 'deep/report.yaml', jsonpath: "$['summary']['failed']" });
    expect(yaml).toMatchObject({ value: { value: 2 }, content_type: 'application/yaml' });
    const filter = '$.checks[?@.s == "b"].s';
    expect((await path({ file: 'report.json', jsonpath: filter })).value?.value).toBe('b');
  });

  it.each([
    ['/etc/hostname', 'absolute_path_forbidden'],
    ['../outside.json', 'path_outside_root'],
    ['link.json', 'path_outside_root'],
    ['nothing.json', 'file_not_found'],
    ['', 'path_missing'],
    ['.', 'path_invalid'],
  ])('S-123 the path %j is %s', async (file, code) => {
    const { error, evidence_anchor, evidence_ref, value } = await path({ file });
    expect(error?.code).toBe(code);
    expect([value, evidence_anchor, evidence_ref]).toEqual([null, null, null]);
  });

  it('S-124 a file beyond the limit says how large it may be', async () => {
    expect((await path({ file: 'large.json' })).error).toEqual({
      code: 'size_limit_exceeded',
      message: 'json file exceeds size limit',
      details: { file: 'large.json', max_bytes: 512, actual_bytes: 513 },
    });
  });

  it.each([
    [{ file: 'broken.json' }, 'invalid_json', 'invalid json'],
    [{ file: 'broken.yml' }, 'invalid_yaml', 'invalid yaml'],
    [{ file: 'report.json', jsonpath: '$[' }, 'invalid_jsonpath', 'invalid jsonpath'],
    [{ file: 'report.json', jsonpath: 'summary' }, 'invalid_jsonpath', 'invalid jsonpath'],
    [
      { file: 'report.json', jsonpath: '$.gone' },
      'jsonpath_not_found',
      'jsonpath not found: $.gone',
    ],
  ])('S-125 %j is %s, with its place', async (params, code, message) => {
    const { error, evidence_anchor } = await path(params);
    expect(error).toMatchObject({ code, message });
    expect(evidence_anchor).not.toBeNull();
  });

  it('S-125 anchor and reference name the file below its root', async () => {
    const found = await path({ file: './deep/../deep/report.yaml' });
    expect(found.evidence_ref).toEqual({ uri: 'dg+file://evidence-root/deep/report.yaml' });
    expect(found.evidence_anchor).toEqual({
      anchor_type: 'file_path_rooted',
      anchor_value: '{"path":"deep/report.yaml","root_id":"evidence-root"}',
    });
  });
});

describe('http', () => {
  it('S-126 status and body hash, without following anything, up to a size', async () => {
    expect((await ask('http', 'status', { url: `${url}/moved` })).value?.value).toBe(302);
    const hashed = await ask('http', 'body_hash', { url });
    expect(hashed.value?.value).toEqual({
      algorithm: 'sha256',
      value: createHash('sha256').update('hello').digest('hex'),
    });
    expect(hashed.evidence_anchor).toEqual({ anchor_type: 'url', anchor_value: `${url}/` });
    expect((await ask('http', 'body_hash', { url: `${url}/large` })).error?.message).toBe(
      'evidence provider error: http response exceeds size limit',
    );
  });

  it('S-126, S-127 by default plain http and addresses of our own network are refused', async () => {
    const plain = await openScenarioGate();
    try {
      const errorOf = async (target: string): Promise<string | undefined> =>
        (await ask('http', 'status', { url: target }, plain)).error?.message;
      expect(await errorOf(url)).toBe('evidence provider error: unsupported url scheme');
      for (const target of [
        'https://127.0.0.1/',
        'https://localhost/',
        'https://10.0.0.1/',
        'https://172.16.0.1/',
        'https://192.168.1.1/',
        'https://169.254.169.254/latest/meta-data/',
        'https://[::1]/',
        'https://[fe80::1]/',
        'https://[fc00::1]/',
        'https://[::ffff:127.0.0.1]/',
        'https://0.0.0.0/',
        'https://2130706433/',
        'https://0x7f.1/',
        'https://224.0.0.1/',
      ]) {
        expect(`${target} ${await errorOf(target)}`).toBe(
          `${target} evidence provider error: url host not allowed`,
        );
      }
    } finally {
      await plain.close();
    }
  });
});

describe('asking and showing', () => {
  it('S-128, S-129 a query needs no run, and shows hash and anchor but no value', async () => {
    const shy = await openScenarioGate();
    try {
      const result = await ask('time', 'after', { timestamp: 1 }, shy);
      expect(result).toEqual({
        value: null,
        lane: 'verified',
        error: null,
        evidence_hash: {
          algorithm: 'sha256',
          value: 'b5bea41b6c623f7c09f1bf24dcae58ebab3c0cdd90ad966bc43a45b44867e12b',
        },
        evidence_ref: null,
        evidence_anchor: {
          anchor_type: 'trigger_time_unix_millis',
          anchor_value: '1710000000000',
        },
        signature: null,
        content_type: null,
      });
    } finally {
      await shy.close();
    }
  });

  it('S-130 a raw value needs both switches', async () => {
    for (const [allowRawValues, allowRaw, shown] of [
      [true, true, true],
      [true, false, false],
      [false, true, false],
    ] as const) {
      const own = await openScenarioGate({
        change: (settings) => ({
          ...settings,
          evidence: { allowRawValues, requireProviderOptIn: true },
          providers: settings.providers.map((one) => ({ ...one, allowRaw })),
        }),
      });
      try {
        const { value } = await ask('time', 'now', {}, own);
        expect(value !== null).toBe(shown);
      } finally {
        await own.close();
      }
    }
  });

  it('S-131 providers are listed by id with their checks', async () => {
    const { json } = await gate.call('providers_list', {});
    expect(json).toEqual({
      providers: [
        { provider_id: 'env', transport: 'builtin', checks: ['get'] },
        { provider_id: 'http', transport: 'builtin', checks: ['body_hash', 'status'] },
        { provider_id: 'json', transport: 'builtin', checks: ['path'] },
        { provider_id: 'time', transport: 'builtin', checks: ['after', 'before', 'now'] },
      ],
    });
  });

  it('S-132 a contract comes with its hash, unless the provider is hidden', async () => {
    const once = await gate.call('provider_contract_get', { provider_id: 'time' });
    const twice = await gate.call('provider_contract_get', { provider_id: 'time' });
    expect(once.json).toEqual(twice.json);
    expect(once.json).toMatchObject({ provider_id: 'time', source: 'builtin', version: null });
    const unknown = await gate.call('provider_contract_get', { provider_id: 'nobody' });
    expect(unknown.error.message).toMatch(/^provider_missing: /);
    const blank = await gate.call('provider_contract_get', { provider_id: ' ' });
    expect(blank.error).toMatchObject({ code: -32602, message: 'provider_id must be non-empty' });
    const hiding = await openScenarioGate({
      change: (settings) => ({
        ...settings,
        providerDiscovery: { ...settings.providerDiscovery, denylist: ['env'] },
      }),
    });
    try {
      const hidden = await hiding.call('provider_contract_get', { provider_id: 'env' });
      expect(hidden).toMatchObject({ status: 403, error: { code: -32003 } });
    } finally {
      await hiding.close();
    }
  });

  it('S-133 a check shows its schemas', async () => {
    const args = { provider_id: 'time', check_id: 'after' };
    const { json } = await gate.call('provider_check_schema_get', args);
    expect(Object.keys(json as Members).sort()).toEqual([
      'allowed_comparators',
      'anchor_types',
      'check_id',
      'content_types',
      'contract_hash',
      'determinism',
      'examples',
      'params_required',
      'params_schema',
      'provider_id',
      'result_schema',
    ]);
    const unknown = await gate.call('provider_check_schema_get', { ...args, check_id: 'soon' });
    expect(unknown.error.message).toMatch(/^check_missing: /);
  });

  it('S-143 a correlation id that no header could carry makes every condition unknown', async () => {
    const id = 'correlated';
    await gate.call('scenario_define', { spec: quickstartSpec({ scenario_id: id }) });
    await startRun(gate, id, id);
    const held = transitionOf(await next(gate, id, id, 't', { correlation_id: 'has space' }));
    expect(held.feedback?.gate_evaluations[0]?.['status']).toBe('Unknown');
    const [record] = await exported(gate, id, id, 'gate_evals');
    expect(JSON.stringify(record)).toContain('evidence provider error: invalid correlation id');
  });
});

describe('contracts at definition', () => {
  const define = async (change: Members, from = gate): Promise<string | undefined> => {
    const spec = quickstartSpec() as { conditions: Members[] } & Members;
    const conditions = [{ ...spec.conditions[0], ...change }];
    const answer = await from.call('scenario_define', {
      spec: { ...spec, scenario_id: 'contract', conditions },
    });
    if (answer.error !== undefined) expect(answer.error.code).toBe(-32602);
    return answer.error?.message;
  };

  it('S-99 parameters have the form that the check declares', async () => {
    const query = { provider_id: 'time', check_id: 'after' };
    expect(await define({ query: { ...query, params: { timestamp: 1, zone: 'x' } } })).toMatch(
      /^params_invalid: /,
    );
    expect(await define({ query })).toMatch(/^params_missing: /);
    expect(await define({ query: { ...query, check_id: 'soon' } })).toMatch(/^check_missing: /);
    expect(await define({ query: { ...query, provider_id: 'x' } })).toMatch(/^provider_missing: /);
  });

  it('S-100 what is expected fits what the check answers', async () => {
    expect(await define({ expected: 'true' })).toMatch(/^expected_invalid: /);
    expect(await define({ comparator: 'exists', expected: true })).toMatch(/^expected_invalid: /);
    expect(await define({ comparator: 'in_set', expected: true })).toMatch(/^expected_invalid: /);
    expect(await define({ expected: null })).toMatch(/^expected_invalid: /);
  });

  it('S-101 a comparator that the contract does not list is refused', async () => {
    const query = {
      provider_id: 'http',
      check_id: 'body_hash',
      params: { url: 'https://files.example.com/' },
    };
    const expected = { algorithm: 'sha256', value: 'x' };
    expect(await define({ query, expected })).toBe(
      'comparator_not_allowed: comparator not allowed for http.body_hash: equals',
    );
  });

  it('S-103 without the strict layer only the contract counts', async () => {
    const spec = specOf(
      'permissive',
      [stage('main', { gates: [gateOf('g', { Condition: 'c' })] })],
      [
        {
          condition_id: 'c',
          query: { provider_id: 'json', check_id: 'path', params: { file: 'report.json' } },
          comparator: 'lex_less_than',
          expected: 'b',
          policy_tags: [],
        },
      ],
    );
    const strict = await gate.call('scenario_define', { spec });
    expect(strict.error.message).toContain('is disabled by config');
    const permissive = await openScenarioGate({
      change: (settings) => ({
        ...settings,
        validation: { ...settings.validation, strict: false },
      }),
    });
    try {
      expect((await permissive.call('scenario_define', { spec })).error).toBeUndefined();
      expect(await define({ expected: 'true' }, permissive)).toMatch(/^expected_invalid: /);
    } finally {
      await permissive.close();
    }
  });
});
