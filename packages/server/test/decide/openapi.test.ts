import { randomUUID } from 'node:crypto';
import { COMMON_ERRORS, errors, type Operation, operations } from '@countersign/contract';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
} from '../harness.ts';

let gate: Gate;
let document: Members;
let ajv: Ajv2020;

beforeAll(async () => {
  gate = await openGate();
  document = (await gate.send('/openapi.json', {})).body;
  ajv = new Ajv2020({ strict: true, allErrors: true });
  const schemas = at(document, 'components.schemas') as Record<string, object>;
  for (const [name, schema] of Object.entries(schemas)) ajv.addSchema(schema, name);
});
afterAll(() => gate.close());

const TABLE = Object.entries(operations) as [string, Operation][];

function described(operation: Operation): Members {
  const paths = document['paths'] as Members;
  const item = paths[operation.path.replace(':id', '{id}')] as Members;
  return item[operation.method.toLowerCase()] as Members;
}

function compiled(schema: unknown): ValidateFunction {
  const local = JSON.stringify(schema).replaceAll('"#/components/schemas/', '"');
  return ajv.compile(JSON.parse(local) as object);
}

/** Headers of our own making, and those that tell a caller what to do next. */
const TOLD =
  /^(?:x-(?:request-id|client-request-id|decide|idempotent|api-key|ratelimit|quota)|retry-after|www-authenticate|cache-control|access-control-allow-origin)/;

/** Whether the document speaks of this answer: its status, its body, its error code and its headers. */
function expectDescribed(operation: Operation, answer: Answer): void {
  const where = `${operation.method} ${operation.path} ${answer.status} ${answer.text}`;
  const response = at(described(operation), `responses.${answer.status}`) as Members;
  expect(response, where).toBeDefined();
  const check = compiled(at(response, 'content.application/json.schema'));
  expect(check(answer.body), `${where} ${JSON.stringify(check.errors)}`).toBe(true);
  if (answer.body['ok'] === false && typeof answer.body['error'] === 'string') {
    expect(response['x-error-codes'], where).toContain(answer.body['error']);
  }
  const headers = Object.keys(response['headers'] as Members);
  for (const name of answer.headers.keys()) {
    if (TOLD.test(name)) expect(headers, where).toContain(name);
  }
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
    // Every route that the router knows is described, and nothing else.
    const routes = routesOf(gate.server.app.printRoutes({ commonPrefix: false }));
    const told = Object.entries(document['paths'] as Record<string, Members>).flatMap(
      ([path, item]) => Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(told.sort()).toEqual(routes);

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
      expect(named.includes('path id')).toBe(operation.path.includes(':id'));
      expect(named.includes('header x-idempotency-key')).toBe(operation.idempotent);
      expect(one['security']).toEqual(
        operation.scope === 'none' ? [] : [{ apiKey: [] }, { bearer: [] }],
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

  it('D-116 what the server answers to requests made from the document is described in it', async () => {
    const record = await gate.decide(billing());
    await gate.post(pathOf(record, '/execution'), executed(record));
    for (const [name, operation] of TABLE) {
      const schema = at(described(operation), 'requestBody.content.application/json.schema') as
        | Members
        | undefined;
      if (schema === undefined) {
        for (const query of queriesOf(operation)) {
          const answer = await gate.get(addressOf(operation, record) + query);
          if (answer.headers.get('content-type')?.startsWith('application/json') !== true) continue;
          expect([name, query, answer.status < 500]).toEqual([name, query, true]);
          expectDescribed(operation, answer);
        }
        continue;
      }
      const fits = compiled(schema);
      await fc.assert(
        fc.asyncProperty(valuesOf(schema), async (request) => {
          expect(fits(request), JSON.stringify(fits.errors)).toBe(true);
          const answer = await gate.post(addressOf(operation, record), request, keyHeader());
          expectDescribed(operation, answer);
          const faults = (answer.body['errors'] ?? []) as readonly Members[];
          // What fits the schema may be refused for what it means, never for its form.
          const form = ['unknown_field', 'invalid_type', 'too_long'];
          for (const fault of faults) expect(form, answer.text).not.toContain(fault['code']);
        }),
        { numRuns: 25 },
      );
      const sample = fc.sample(valuesOf(schema), { numRuns: 5, seed: 7 }) as Members[];
      for (const request of sample.flatMap((one) => spoilt(schema, one))) {
        expect(fits(request)).toBe(false);
        const answer = await gate.post(addressOf(operation, record), request, keyHeader());
        expect([name, answer.status], JSON.stringify(request)).toEqual([name, 422]);
        expectDescribed(operation, answer);
      }
    }
  });

  it('D-116 refusals before the body is read are described as well', async () => {
    const limited = await openGate({ rateLimits: true });
    const record = await limited.decide(billing());
    for (const [, operation] of TABLE) {
      const { method } = operation;
      const body = method === 'POST' ? '{"open"' : null;
      const json = { 'content-type': 'application/json', 'x-request-id': 'mine' };
      const to = addressOf(operation, record);
      const key = { 'x-api-key': KEY };
      const wrong: readonly (readonly [string, RequestInit])[] = [
        [to, { method, headers: json, body }],
        [to, { method, headers: { ...json, ...key }, body }],
        [`${to}?surprise=1`, { method, headers: { ...json, ...key }, body }],
        ...(method === 'POST'
          ? [[to, { method, headers: { ...key, 'content-type': 'text/plain' }, body }] as const]
          : []),
      ];
      for (const [path, init] of wrong) {
        const answer = await limited.send(path, init);
        if (answer.headers.get('content-type')?.startsWith('application/json') !== true) continue;
        expectDescribed(operation, answer);
      }
    }
    await limited.close();
  });
});

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
      found.push(`${method} ${path.join('').replace(':id', '{id}')}`);
    }
  }
  // A literal path that would be taken for an id is only there to be refused.
  const refused = ['GET /api/decision/verify'];
  return [...new Set(found)].filter((route) => !refused.includes(route)).sort();
}

function addressOf(operation: Operation, record: Members): string {
  return operation.path.replace(':id', String(record['decision_id']));
}

function keyHeader(): Record<string, string> {
  return { 'x-idempotency-key': `generated_${randomUUID()}` };
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
  if (Array.isArray(schema['anyOf'])) {
    return fc.oneof(...(schema['anyOf'] as Members[]).map(valuesOf));
  }
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
        maxLength: Math.min(Number(schema['maxItems'] ?? 3), 3),
      });
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
function spoilt(schema: Members, request: Members): Members[] {
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
