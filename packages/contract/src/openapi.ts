import type { TSchema } from 'typebox';
import { type GeniusExamples, geniusOpenApi } from './communication/openapi.ts';
import { ErrorBody } from './decide/schemas.ts';
import { type ErrorCode, type ErrorEntry, errors } from './errors.ts';
import { COMMON_ERRORS, type Operation, operations } from './operations.ts';
import { PARAMETERS } from './path-parameters.ts';
import { serverPaths } from './server-paths.ts';

/** The OpenAPI 3.1 document of all doors; without examples it leaves the communication door out. */
export function openApi(version: string, examples?: GeniusExamples): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, operation] of Object.entries(operations) as [string, Operation][]) {
    const path = operation.path.replace(/:(\w+)/g, '{$1}');
    const item = paths[path] ?? {};
    item[operation.method.toLowerCase()] = describe(name, operation);
    paths[path] = item;
  }
  const genius = examples === undefined ? undefined : geniusOpenApi(examples);
  Object.assign(paths, serverPaths(), genius?.paths);
  const components = genius?.components ?? {};
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
      ...components,
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
        bearer: { type: 'http', scheme: 'bearer' },
        ...components['securitySchemes'],
      },
      schemas: { Error: ErrorBody, ...components['schemas'] },
      headers: {
        ...Object.fromEntries(
          Object.entries(HEADERS).map(([name, [type, description]]) => [
            name,
            { schema: { type }, description },
          ]),
        ),
        ...components['headers'],
      },
    },
  };
}

/** Response headers of the operations, with their type and meaning. */
const HEADERS = {
  'x-request-id': ['string', 'Id of this request'],
  'x-client-request-id': ['string', 'The `x-request-id` that was sent along'],
  'x-decide-record-hash': ['string', 'Record hash of the decision'],
  'x-idempotent-replay': ['string', '`1`: this is the stored answer of an earlier request'],
  'x-api-key-state': ['string', '`retiring`: the key works and will soon stop to'],
  'x-ratelimit-limit': ['integer', 'Calls in a window'],
  'x-ratelimit-remaining': ['integer', 'Calls left in this window'],
  'x-ratelimit-reset': ['integer', 'End of this window in Unix seconds'],
  'x-quota-limit': ['integer', 'Decision Records of this calendar month'],
  'x-quota-used': ['integer', 'How many of them exist'],
  'x-quota-reset': ['integer', 'First second of the next month, Unix seconds'],
  'retry-after': ['integer', 'Seconds to wait'],
  'www-authenticate': ['string', 'How to authenticate'],
  'cache-control': ['string', 'Who may keep the answer, and how long'],
  'access-control-allow-origin': ['string', '`*`: any page may read the answer'],
} as const;
type HeaderName = keyof typeof HEADERS;
const QUOTA = ['x-quota-limit', 'x-quota-used', 'x-quota-reset'] as const;

/** Operations whose answer holds a new Decision Record. */
const RECORDING: ReadonlySet<string> = new Set(['decide', 'playgroundDecide', 'resolveReview']);

/** Headers that every answer of an operation may have. */
function ownHeaders(operation: Operation): HeaderName[] {
  return [
    'x-request-id',
    'x-client-request-id',
    'x-ratelimit-limit',
    'x-ratelimit-remaining',
    'x-ratelimit-reset',
    'cache-control',
    operation.scope === 'none' || operation.scope === 'optional'
      ? 'access-control-allow-origin'
      : 'x-api-key-state',
    ...(operation.scope === 'optional' ? (['x-api-key-state'] as const) : []),
    ...(operation.scope === 'decide' ? QUOTA : []),
    ...(operation.idempotent ? (['x-idempotent-replay'] as const) : []),
  ];
}

function describe(name: string, operation: Operation): Record<string, unknown> {
  const codes = [...new Set<ErrorCode>([...operation.errors, ...COMMON_ERRORS])];
  const responses: Record<string, unknown> = {
    [operation.status]: {
      description: operation.summary,
      headers: header(
        ...ownHeaders(operation),
        ...(RECORDING.has(name) ? (['x-decide-record-hash'] as const) : []),
      ),
      content: {
        'application/json': { schema: operation.response },
        ...(operation.plainText === undefined
          ? {}
          : {
              [operation.textType ?? 'text/plain']: {
                schema: { type: 'string', description: operation.plainText },
              },
            }),
      },
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
        headers: header(
          ...ownHeaders(operation),
          ...(RETRIED.has(status) ? (['retry-after'] as const) : []),
          ...(status === 401 ? (['www-authenticate'] as const) : []),
        ),
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
        'x-error-codes': [code],
      };
    }
  }
  return {
    operationId: name,
    summary: operation.summary,
    tags: [operation.path.startsWith('/playground') ? 'playground' : 'decide'],
    ...(operation.scope === 'none'
      ? { security: [] }
      : operation.scope === 'optional'
        ? { security: [{}, { apiKey: [] }, { bearer: [] }] }
        : { security: [{ apiKey: [] }, { bearer: [] }], 'x-scope': operation.scope }),
    parameters: parameters(operation),
    ...(operation.request === undefined
      ? {}
      : {
          requestBody: {
            required: operation.bodyOptional !== true,
            content: { 'application/json': { schema: requestSchema(operation) } },
          },
        }),
    responses,
  };
}

function requestSchema({ request, rulebookRequest }: Operation): unknown {
  return rulebookRequest === undefined ? request : { oneOf: [request, rulebookRequest] };
}

/** Statuses under which there may be something to wait for. */
const RETRIED: ReadonlySet<number> = new Set([409, 429, 503]);

/** A known key without the scope is 403 under the same code as an unknown key. */
function statusesOf(code: ErrorCode): number[] {
  const entry: ErrorEntry = errors[code];
  return entry.status === 401 ? [401, 403] : [entry.status];
}

function header(...names: HeaderName[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

function parameters(operation: Operation): unknown[] {
  const list: unknown[] = [];
  const add = (place: string, name: string, required: boolean, schema: unknown): void => {
    list.push({ in: place, name, required, schema });
  };
  for (const [, name = ''] of operation.path.matchAll(/:(\w+)/g)) {
    const pattern = PARAMETERS[name as keyof typeof PARAMETERS];
    add('path', name, true, { type: 'string', pattern: pattern.source });
  }
  if (operation.idempotent) {
    add('header', 'x-idempotency-key', false, { type: 'string', minLength: 1, maxLength: 300 });
  }
  if (operation.view) {
    add('header', 'x-decision-response-view', false, { enum: ['minimal', 'standard', 'full'] });
  }
  add('header', 'x-request-id', false, { type: 'string', minLength: 1, maxLength: 160 });
  add('header', 'traceparent', false, { type: 'string', description: 'W3C Trace Context' });
  const query = operation.query as
    | (TSchema & { properties?: Record<string, TSchema>; required?: string[] })
    | undefined;
  for (const [name, schema] of Object.entries(query?.properties ?? {})) {
    add('query', name, query?.required?.includes(name) ?? false, schema);
  }
  return list;
}
