import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  COMMON_ERRORS,
  communication,
  errors,
  type Operation,
  operations,
} from '@countersign/contract';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import OAS_SCHEMA from '../../../../vectors/openapi/oas-3.1.schema.json' with { type: 'json' };
import { dataPaths } from '../../src/main.ts';
import { changeTenantSettings } from '../../src/service/tenants.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import {
  type Answer,
  at,
  billing,
  executed,
  type Gate,
  KEY,
  listAt,
  type Members,
  openGate,
  pathOf,
  reviewed,
  TENANT,
  temporaryDirectory,
} from '../harness.ts';

let gate: Gate;
let document: Members;
let ajv: Ajv2020;
let pagesDirectory: string;

beforeAll(async () => {
  pagesDirectory = builtPages();
  gate = await openGate({ pagesDirectory });
  document = (await gate.send('/openapi.json', {})).body;
  ajv = new Ajv2020({ strict: true, allErrors: true });
  const schemas = at(document, 'components.schemas') as Record<string, object>;
  for (const [name, schema] of Object.entries(schemas)) ajv.addSchema(schema, name);
});
afterAll(async () => {
  await gate.close();
  rmSync(pagesDirectory, { recursive: true });
});

/** What a build of the pages leaves, so that the routes of the pages are there. */
function builtPages(): string {
  const directory = temporaryDirectory();
  for (const name of ['index', 'verify', 'playground', 'demo', 'countersign-verifier']) {
    writeFileSync(join(directory, `${name}.html`), '<!doctype html>');
  }
  mkdirSync(join(directory, 'assets'));
  writeFileSync(join(directory, 'assets', 'page-0.js'), '0');
  return directory;
}

const TABLE = Object.entries(operations) as [string, Operation][];

function described(operation: Operation): Members {
  const paths = document['paths'] as Members;
  const item = paths[braced(operation.path)] as Members;
  return item[operation.method.toLowerCase()] as Members;
}

function braced(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}');
}

function compiled(schema: unknown): ValidateFunction {
  const local = JSON.stringify(schema).replaceAll('"#/components/schemas/', '"');
  return ajv.compile(JSON.parse(local) as object);
}

/** Headers of our own making, and those that tell a caller what to do next. */
const TOLD =
  /^(?:x-(?:request-id|client-request-id|decide|idempotent|api-key|ratelimit|quota)|retry-after|www-authenticate|cache-control|access-control-allow-origin)/;

/** Whether the document speaks of this answer: its status, its type, its body, its error code and its headers. */
function expectDescribed(operation: Operation, answer: Answer): void {
  const where = `${operation.method} ${operation.path} ${answer.status} ${answer.text}`;
  const response = at(described(operation), `responses.${answer.status}`) as Members;
  expect(response, where).toBeDefined();
  const type = answer.headers.get('content-type')?.split(';')[0] ?? '';
  const content = (response['content'] as Record<string, Members>)[type];
  expect(content, `${where} ${type}`).toBeDefined();
  if (type === 'application/json') {
    const check = compiled(content?.['schema']);
    expect(check(answer.body), `${where} ${JSON.stringify(check.errors)}`).toBe(true);
  }
  if (answer.body['ok'] === false && typeof answer.body['error'] === 'string') {
    expect(response['x-error-codes'], where).toContain(answer.body['error']);
  }
  const headers = Object.keys(response['headers'] as Members);
  for (const name of answer.headers.keys()) {
    if (TOLD.test(name)) expect(headers, where).toContain(name);
  }
}

/** Sends a value as JSON, a text as a JSON text. */
function ask(to: Gate, { method }: Operation, address: string, value?: unknown): Promise<Answer> {
  return to.send(address, {
    method,
    headers: {
      'x-api-key': KEY,
      'content-type': 'application/json',
      'x-idempotency-key': `generated_${randomUUID()}`,
    },
    body: value === undefined ? null : JSON.stringify(value),
  });
}

describe('the document', () => {
  it('D-116 is a whole OpenAPI 3.1 document over every route, error and header of the server', () => {
    expect(document).toMatchObject({
      openapi: '3.1.0',
      info: {
        title: expect.any(String) as unknown,
        version: expect.any(String) as unknown,
        'x-decision-protocol-version': 'decision_protocol_v1',
        'x-decision-record-version': 'decision_record_v1',
        'x-decision-packet-version': 'decision_packet_v1',
      },
    });
    const isDocument = new Ajv2020({ strict: false, validateFormats: false }).compile(OAS_SCHEMA);
    expect(isDocument(document), JSON.stringify(isDocument.errors)).toBe(true);
    expect(isDocument({ ...document, paths: { 'no-slash': {} } })).toBe(false);

    // Every route that the router knows is described, and nothing else.
    const routes = routesOf(gate.server.app.printRoutes({ commonPrefix: false }));
    const told = Object.entries(document['paths'] as Record<string, Members>).flatMap(
      ([path, item]) => Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    // Reserved: told of, and not there.
    const reserved = 'POST /v1/action_gates';
    expect(told).toContain(reserved);
    expect(told.filter((one) => one !== reserved).sort()).toEqual(routes);

    const ids = new Set<unknown>();
    for (const [name, operation] of TABLE) {
      const one = described(operation);
      ids.add(one['operationId']);
      expect(one).toMatchObject({ operationId: name, summary: operation.summary });
      const codes = new Set([...operation.errors, ...COMMON_ERRORS]);
      for (const code of codes) {
        const response = at(one, `responses.${errors[code].status}`);
        expect(at(response, 'x-error-codes'), `${name} ${code}`).toContain(code);
        expect(at(response, 'content.application/json.schema.$ref')).toBe(
          '#/components/schemas/Error',
        );
      }
      const claimed = Object.values(one['responses'] as Record<string, Members>).flatMap(
        (response) => (response['x-error-codes'] as string[] | undefined) ?? [],
      );
      expect([...new Set(claimed)].sort()).toEqual([...codes].sort());
      for (const response of Object.values(one['responses'] as Record<string, Members>)) {
        expect(typeof response['description']).toBe('string');
        for (const content of Object.values(
          (response['content'] ?? {}) as Record<string, Members>,
        )) {
          compiled(content['schema']);
        }
      }
      if (operation.request !== undefined) {
        compiled(at(one, 'requestBody.content.application/json.schema'));
      }
      const parameters = listAt(one, 'parameters');
      for (const parameter of parameters) compiled(parameter['schema']);
      const named = parameters.map(
        (parameter) => `${String(parameter['in'])} ${String(parameter['name'])}`,
      );
      expect(new Set(named).size).toBe(named.length);
      expect(named.filter((one) => one.startsWith('path '))).toEqual(
        [...operation.path.matchAll(/:(\w+)/g)].map(([, parameter]) => `path ${parameter}`),
      );
      expect(named.includes('header x-idempotency-key')).toBe(operation.idempotent);
      const keyed = [{ apiKey: [] }, { bearer: [] }];
      expect(one['security']).toEqual(
        operation.scope === 'none' ? [] : operation.scope === 'optional' ? [{}, ...keyed] : keyed,
      );
    }
    expect(ids.size).toBe(TABLE.length);
    for (const reference of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const target = (reference[1] ?? '').split('/').reduce<unknown>((here, name) => {
        return typeof here === 'object' && here !== null ? (here as Members)[name] : undefined;
      }, document);
      expect(target, reference[1]).toBeDefined();
    }
  });

  it('D-116 what the server answers to requests made from the document is described in it', {
    timeout: 120_000,
  }, async () => {
    const record = await gate.decide(billing());
    await gate.post(pathOf(record, '/execution'), executed(record));
    const open = await gate.decide(billing({ margin_floor: undefined }));
    const denied = await gate.post(pathOf(open, '/review'), reviewed(open));
    expect([denied.status, denied.headers.has('x-decide-record-hash')]).toEqual([201, true]);
    expectDescribed(operations.resolveReview, denied);
    expectDescribed(operations.playgroundDecide, await gate.post('/playground/decide', billing()));
    for (const [name, operation] of TABLE) {
      const address = addressOf(operation, record);
      const schema = at(described(operation), 'requestBody.content.application/json.schema') as
        | Members
        | undefined;
      if (schema === undefined) {
        for (const query of queriesOf(operation)) {
          const answer = await gate.get(address + query);
          expect([name, query, answer.status < 500]).toEqual([name, query, true]);
          expectDescribed(operation, answer);
        }
        continue;
      }
      const fits = compiled(schema);
      await fc.assert(
        fc.asyncProperty(valuesOf(schema), async (request) => {
          expect(fits(request), JSON.stringify(fits.errors)).toBe(true);
          const answer = await ask(gate, operation, address, request);
          expectDescribed(operation, answer);
          // What fits the schema may be refused for what it means, never for its form.
          if (answer.body['error'] !== 'DECIDE_API_INVALID_REQUEST') return;
          const form = ['unknown_field', 'invalid_type', 'too_long'];
          for (const { code, field } of listAt(answer.body, 'errors')) {
            // Whether these two may be there depends on the members beside them.
            if (field === 'options' || field === 'document') continue;
            expect(form, answer.text).not.toContain(code);
          }
        }),
        { numRuns: 25 },
      );
      const sample = fc.sample(valuesOf(schema), { numRuns: 4, seed: 7 });
      for (const request of sample.flatMap((one) => spoilt(schema, one))) {
        if (fits(request)) continue;
        const answer = await ask(gate, operation, address, request);
        expect([name, answer.status], JSON.stringify(request)).toEqual([name, 422]);
        expectDescribed(operation, answer);
      }
    }
  });

  it('D-116 what the server has beside its operations is described, and is of the type that is told', async () => {
    const actorsOnly = Object.values(communication.geniusRoutes).filter(
      ({ auth }) => auth === 'actor',
    );
    const names = new Set<string>(
      [...TABLE.map(([, row]) => row), ...actorsOnly].map(({ path }) => braced(path)),
    );
    const beside = Object.entries(document['paths'] as Record<string, Members>).filter(
      ([path, item]) => !names.has(path) && at(item, 'get.responses.200') !== undefined,
    );
    expect(beside.length).toBeGreaterThan(8);
    const unbuilt = await openGate({ pagesDirectory: temporaryDirectory() });
    for (const [path, item] of beside) {
      const address = path.replace('{file}', 'page-0.js').replace('{code}', 'validation_error');
      const found = await gate.get(address);
      expect([path, found.status]).toEqual([path, 200]);
      expect(typesOf(item, found), path).toContain(true);
      const schema = at(item, 'get.responses.200.content.application/json.schema');
      if (schema !== undefined) {
        const { body } = await gate.get(address, { accept: 'application/json' });
        expect(compiled(schema)(body), path).toBe(true);
      }
      const without = await unbuilt.get(path);
      if (without.status === 503) expect(typesOf(item, without), path).toContain(true);
    }
    await unbuilt.close();
  });

  it('D-116 what the two protocols with messages of their own answer is described', async () => {
    const list = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
    const json = { 'content-type': 'application/json' };
    const both = { ...json, accept: 'application/json, text/event-stream' };
    const elsewhere = { ...both, origin: 'https://pages.example' };
    const large = JSON.stringify('x'.repeat(1024 * 1024));
    const asked: readonly [string, string, Record<string, string>, string | null][] = [
      ...['/rpc', '/mcp'].flatMap((path): [string, string, Record<string, string>, string][] => [
        [path, 'POST', both, list],
        [path, 'POST', both, '{'],
        [path, 'POST', elsewhere, list],
        [path, 'POST', both, large],
      ]),
      [
        '/mcp',
        'POST',
        both,
        JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }),
      ],
      ['/mcp', 'POST', json, list],
      ['/mcp', 'POST', { ...both, 'content-type': 'text/plain' }, list],
      ['/mcp', 'GET', both, null],
      ['/mcp', 'DELETE', both, null],
    ];
    const seen = new Set<string>();
    for (const [path, method, headers, body] of asked) {
      const answer = await gate.send(path, { method, headers, body });
      const where = `${method} ${path} ${answer.status}`;
      seen.add(where);
      const item = at(document, 'paths') as Record<string, Members>;
      const response = at(item[path], `${method.toLowerCase()}.responses.${answer.status}`);
      expect(response, where).toBeDefined();
      const type = answer.headers.get('content-type')?.split(';')[0];
      if (type === undefined) {
        expect([where, answer.text]).toEqual(['POST /mcp 202', '']);
        continue;
      }
      const content = at(response, 'content') as Record<string, Members>;
      expect(Object.keys(content), where).toContain(type);
      if (type !== 'application/json') continue;
      const check = compiled(content[type]?.['schema']);
      expect(check(answer.body), `${where} ${JSON.stringify(check.errors)}`).toBe(true);
    }
    expect([...seen].sort()).toEqual([
      ...['DELETE /mcp 405', 'GET /mcp 405', 'POST /mcp 200', 'POST /mcp 202', 'POST /mcp 400'],
      ...['POST /mcp 403', 'POST /mcp 406', 'POST /mcp 413', 'POST /mcp 415', 'POST /rpc 200'],
      ...['POST /rpc 400', 'POST /rpc 401', 'POST /rpc 413'],
    ]);
  });

  it('D-116 refusals before the body is read are described as well', async () => {
    const directory = temporaryDirectory();
    const store = openSqlite(dataPaths(directory).database);
    await changeTenantSettings(store, TENANT, { monthly_cap: 3 });
    await store.close();
    const limited = await openGate({ directory, rateLimits: true, pagesDirectory });
    const record = await limited.decide(billing());
    const seen = new Set<number>();
    const told = new Set<string>();
    const json = { 'content-type': 'application/json', 'x-request-id': 'mine' };
    const refused = async (
      operation: Operation,
      to: string,
      headers: Readonly<Record<string, string>>,
    ): Promise<void> => {
      const { method } = operation;
      const body = method === 'GET' ? null : '{"open"';
      const answer = await limited.send(to, { method, headers, body });
      seen.add(answer.status);
      for (const name of answer.headers.keys()) told.add(name);
      expectDescribed(operation, answer);
    };
    for (const [, operation] of TABLE) {
      const to = addressOf(operation, record);
      const key = { 'x-api-key': KEY };
      await refused(operation, to, { ...json, ...key });
      await refused(operation, `${to}?surprise=1`, { ...json, ...key });
      await refused(operation, operation.path.replaceAll(':', '%20'), { ...json, ...key });
      if (operation.method !== 'GET') {
        await refused(operation, to, { ...key, 'content-type': 'text/plain' });
      }
    }
    // Last, since an address that fails too often is not listened to.
    for (const [, operation] of TABLE) await refused(operation, addressOf(operation, record), json);
    expect([...seen]).toEqual(expect.arrayContaining([200, 400, 401, 404, 415, 429]));
    expect([...told]).toEqual(
      expect.arrayContaining([
        ...['x-quota-limit', 'x-quota-used', 'x-quota-reset', 'x-ratelimit-remaining'],
        ...['retry-after', 'www-authenticate', 'x-client-request-id'],
      ]),
    );
    await limited.close();
  });
});

/** For each type that the document tells of this status: whether the answer has it. */
function typesOf(item: Members, answer: Answer): boolean[] {
  const content = at(item, `get.responses.${answer.status}.content`) as object | undefined;
  const type = answer.headers.get('content-type')?.split(';')[0];
  return Object.keys(content ?? {}).map((one) => one === '*/*' || one === type);
}

/** `GET /path` of each line of the router's own list; `HEAD` comes with `GET`. */
function routesOf(printed: string): string[] {
  const found: string[] = [];
  const path: string[] = [];
  for (const line of printed.split('\n')) {
    const match = /^([\s│]*)[├└]── (\S*)(?: \((.+)\))?$/u.exec(line);
    if (match === null) continue;
    const depth = (match[1] ?? '').length / 4;
    path.length = depth;
    path.push(match[2] ?? '');
    for (const method of (match[3] ?? '').split(', ')) {
      if (method === '' || method === 'HEAD') continue;
      found.push(`${method} ${braced(path.join(''))}`);
    }
  }
  // A literal path that would be taken for an id is only there to be refused, and so are methods of the protocols.
  const refused = [
    'GET /api/decision/verify',
    ...['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((method) => `${method} /rpc`),
    ...['PUT', 'PATCH', 'OPTIONS'].map((method) => `${method} /mcp`),
  ];
  // The router prints a wildcard without what stands before it.
  const routes = found.map((route) => (route === 'GET /*' ? 'GET /assets/{file}' : route));
  return [...new Set(routes)].filter((route) => !refused.includes(route)).sort();
}

/** The path of an operation about what is there: the decision and its chain, a policy in force, a new version. */
function addressOf(operation: Operation, record: Members): string {
  const parameters: Readonly<Record<string, unknown>> = {
    id: record['decision_id'],
    chain_id: at(record, 'audit_chain.chain_id'),
    policy_id: 'pricing_exception',
    version: 'v3',
    rulebook_id: 'parcels',
  };
  return operation.path.replace(/:(\w+)/g, (_, name: string) => String(parameters[name]));
}

/** Query strings that the parameters allow, and some that they do not. */
function queriesOf(operation: Operation): string[] {
  const parameters = listAt(described(operation), 'parameters').filter(
    (parameter) => parameter['in'] === 'query',
  );
  const [valid] = fc.sample(
    fc.record(
      Object.fromEntries(
        parameters.map((parameter) => [
          String(parameter['name']),
          valuesOf(parameter['schema'] as Members).map(String),
        ]),
      ),
    ),
    { numRuns: 1, seed: 7 },
  );
  const query = `?${new URLSearchParams(valid).toString()}`;
  return ['', query, ...parameters.map(({ name }) => `?${String(name)}=%00`)];
}

/** Values that fit a schema of the kinds that the document uses. */
function valuesOf(schema: Members): fc.Arbitrary<unknown> {
  if ('const' in schema) return fc.constant(schema['const']);
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]));
  const branches = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(branches)) return fc.oneof(...(branches as Members[]).map(valuesOf));
  switch (schema['type']) {
    case 'string':
      return textsOf(schema);
    case 'integer':
      return fc.integer({
        min: Number(schema['minimum'] ?? 0),
        max: Math.min(Number(schema['maximum'] ?? 1_000), 1_000_000),
      });
    case 'number':
      return fc.integer({ min: -1_000, max: 1_000 }).map((value) => value / 8);
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(valuesOf(schema['items'] as Members), {
        minLength: Number(schema['minItems'] ?? 0),
        maxLength: Math.min(Number(schema['maxItems'] ?? 3), 3),
      });
    case 'null':
      return fc.constant(null);
    case 'object':
      return objectsOf(schema);
    default:
      return fc.constantFrom<unknown>('text', 1, true, null);
  }
}

function textsOf(schema: Members): fc.Arbitrary<string> {
  const { pattern, minLength, maxLength } = schema;
  const fits = (text: string): boolean => {
    const { length } = text;
    return length >= Number(minLength ?? 0) && length <= Number(maxLength ?? 100);
  };
  if (typeof pattern === 'string' && pattern.includes('\\d{4}-')) {
    return fc
      .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
      .map((date) => date.toISOString());
  }
  if (typeof pattern === 'string' && pattern.includes('\\S(?:')) {
    return fc.stringMatching(/^\w[\w ]{0,20}\w$/).filter(fits);
  }
  if (typeof pattern === 'string') return fc.stringMatching(new RegExp(pattern)).filter(fits);
  return fc.stringMatching(/^\w{1,20}$/).filter(fits);
}

function objectsOf(schema: Members): fc.Arbitrary<unknown> {
  const properties = (schema['properties'] ?? {}) as Record<string, Members>;
  const required = (schema['required'] ?? []) as string[];
  const patterns = Object.entries((schema['patternProperties'] ?? {}) as Record<string, Members>);
  const [pattern, inner] = patterns[0] ?? [];
  if (pattern !== undefined) {
    const name = pattern === '^.*$' ? /^[a-z_]{1,8}$/ : new RegExp(pattern);
    return fc.dictionary(
      fc.stringMatching(name).filter((one) => one.length > 0 && one !== 'action'),
      valuesOf(inner ?? {}),
      { minKeys: Number(schema['minProperties'] ?? 0), maxKeys: 3 },
    );
  }
  return fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, valuesOf(one)])),
    { requiredKeys: required },
  );
}

/** The same request with one thing wrong, each time another. */
function spoilt(schema: Members, value: unknown): Members[] {
  const branches = (schema['oneOf'] as Members[] | undefined) ?? [];
  if (branches.length > 0) return branches.flatMap((branch) => spoilt(branch, value));
  if (schema['type'] !== 'object') return [];
  const request = value as Members;
  const required = (schema['required'] ?? []) as string[];
  return [
    { ...request, a_member_of_nobody: 1 },
    ...required.map((missing) =>
      Object.fromEntries(Object.entries(request).filter(([name]) => name !== missing)),
    ),
    ...Object.keys((schema['properties'] ?? {}) as object)
      .filter((name) => name !== 'input')
      .map((name) => ({ ...request, [name]: [[]] })),
  ];
}
