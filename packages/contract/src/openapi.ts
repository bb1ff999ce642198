import type { TSchema } from 'typebox';
import { ErrorBody } from './decide/schemas.ts';
import { type ErrorCode, type ErrorEntry, errors } from './errors.ts';
import { COMMON_ERRORS, type Operation, operations } from './operations.ts';

/** The OpenAPI 3.1 document of all operations. */
export function openApi(version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, operation] of Object.entries(operations) as [string, Operation][]) {
    const path = operation.path.replace(':id', '{id}');
    const item = paths[path] ?? {};
    item[operation.method.toLowerCase()] = describe(name, operation);
    paths[path] = item;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Countersign',
      version,
      summary:
        'A decision gate: the answer carries a durable, signed record with its inclusion proof.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      'x-decision-protocol-version': 'decision_protocol_v1',
      'x-decision-record-version': 'decision_record_v1',
      'x-decision-packet-version': 'decision_packet_v1',
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
      schemas: { Error: ErrorBody },
      headers: {
        'x-request-id': { schema: { type: 'string' }, description: 'Id of this request' },
        'retry-after': { schema: { type: 'integer' }, description: 'Seconds to wait' },
        'x-idempotent-replay': { schema: { const: '1' }, description: 'The stored answer' },
      },
    },
  };
}

function describe(name: string, operation: Operation): Record<string, unknown> {
  const codes = [...new Set<ErrorCode>([...operation.errors, ...COMMON_ERRORS])];
  const responses: Record<string, unknown> = {
    [operation.status]: {
      description: operation.summary,
      headers: header('x-request-id', ...(operation.idempotent ? ['x-idempotent-replay'] : [])),
      content: { 'application/json': { schema: operation.response } },
    },
  };
  for (const code of codes) {
    for (const status of statusesOf(code)) {
      const known = responses[status] as { 'x-error-codes'?: string[] } | undefined;
      if (known?.['x-error-codes'] !== undefined) {
        known['x-error-codes'].push(code);
        continue;
      }
      responses[status] = {
        description: 'Refused. The body never holds a verdict.',
        headers: header('x-request-id', ...(errors[code].retryable ? ['retry-after'] : [])),
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
        'x-error-codes': [code],
      };
    }
  }
  return {
    operationId: name,
    summary: operation.summary,
    tags: ['decide'],
    ...(operation.scope === 'none'
      ? { security: [] }
      : { security: [{ apiKey: [] }, { bearer: [] }], 'x-scope': operation.scope }),
    parameters: parameters(operation),
    ...(operation.request === undefined
      ? {}
      : {
          requestBody: {
            required: operation.bodyOptional !== true,
            content: { 'application/json': { schema: operation.request } },
          },
        }),
    responses,
  };
}

/** A known key without the scope is 403 under the same code as an unknown key. */
function statusesOf(code: ErrorCode): number[] {
  const entry: ErrorEntry = errors[code];
  return entry.status === 401 ? [401, 403] : [entry.status];
}

function header(...names: string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

function parameters(operation: Operation): unknown[] {
  const list: unknown[] = [];
  const add = (place: string, name: string, required: boolean, schema: unknown): void => {
    list.push({ in: place, name, required, schema });
  };
  if (operation.path.includes(':id')) {
    add('path', 'id', true, { type: 'string', pattern: '^dec_[A-Za-z0-9_]{4,600}$' });
  }
  if (operation.idempotent) {
    add('header', 'x-idempotency-key', false, { type: 'string', minLength: 1, maxLength: 300 });
  }
  if (operation.view) {
    add('header', 'x-decision-response-view', false, { enum: ['minimal', 'standard', 'full'] });
  }
  const query = operation.query as
    | (TSchema & { properties?: Record<string, TSchema>; required?: string[] })
    | undefined;
  for (const [name, schema] of Object.entries(query?.properties ?? {})) {
    add('query', name, query?.required?.includes(name) ?? false, schema);
  }
  return list;
}
