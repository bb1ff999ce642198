import type { TSchema } from 'typebox';
import { ErrorBody } from './decide/schemas.ts';
import { type ErrorCode, type ErrorEntry, errors } from './errors.ts';
import { COMMON_ERRORS, type Operation, operations } from './operations.ts';
import { PARAMETERS } from './path-parameters.ts';

/** The OpenAPI 3.1 document of all operations. */
export function openApi(version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, operation] of Object.entries(operations) as [string, Operation][]) {
    const path = operation.path.replace(/:(\w+)/g, '{$1}');
    const item = paths[path] ?? {};
    item[operation.method.toLowerCase()] = describe(name, operation);
    paths[path] = item;
  }
  for (const [path, entry] of Object.entries(SERVER_PATHS)) paths[path] = { get: served(entry) };
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
      headers: Object.fromEntries(
        Object.entries(HEADERS).map(([name, [type, description]]) => [
          name,
          { schema: { type }, description },
        ]),
      ),
    },
  };
}

/** What every server has beside its operations. */
interface Served {
  readonly name: string;
  readonly type: 'text/plain' | 'text/html' | 'application/json' | '*/*';
  readonly summary: string;
  /** What a 503 says, where there may be one. */
  readonly otherwise?: string;
  readonly parameter?: string;
}

const UNBUILT = 'The pages are not built';
const SERVER_PATHS: Readonly<Record<string, Served>> = {
  '/healthz': { name: 'healthz', type: 'text/plain', summary: 'The process runs' },
  '/readyz': {
    name: 'readyz',
    type: 'text/plain',
    summary: 'The server takes decisions',
    otherwise: 'It does not',
  },
  '/metrics': {
    name: 'metrics',
    type: 'text/plain',
    summary: 'Metrics in the Prometheus text format',
  },
  '/openapi.json': { name: 'openapi', type: 'application/json', summary: 'This document' },
  '/llms.txt': { name: 'llms', type: 'text/plain', summary: 'The interface in words, for agents' },
  '/.well-known/decide.json': {
    name: 'discovery',
    type: 'application/json',
    summary: 'Where everything is',
  },
  '/.well-known/rulebook-attestation-keys.json': {
    name: 'rulebookAttestationKeys',
    type: 'application/json',
    summary: 'The key registry in the form that rulebook attestations name',
    otherwise: 'The key registry is damaged and is therefore not published in part',
  },
  '/': {
    name: 'startPage',
    type: 'text/html',
    summary: 'What runs here, and where to go',
    otherwise: UNBUILT,
  },
  '/verify': {
    name: 'verifierPage',
    type: 'text/html',
    summary: 'Verifies records and packets in the browser',
    otherwise: UNBUILT,
  },
  '/playground': {
    name: 'playgroundPage',
    type: 'text/html',
    summary: 'Tries the template policies; test environment only',
    otherwise: UNBUILT,
  },
  '/countersign-verifier.html': {
    name: 'offlineVerifier',
    type: 'text/html',
    summary: 'The verifier as one file, to be kept and opened without a network',
    otherwise: UNBUILT,
  },
  '/assets/{file}': {
    name: 'pageAsset',
    type: '*/*',
    summary: 'Scripts and styles of the pages; their names hold a hash of their content',
    parameter: 'file',
  },
};

function served({ name, type, summary, otherwise, parameter }: Served): Record<string, unknown> {
  const content = { [type]: { schema: type === 'application/json' ? {} : { type: 'string' } } };
  const refusal =
    type === 'application/json' ? content : { 'text/plain': { schema: { type: 'string' } } };
  const parameters = [{ in: 'path', name: parameter, required: true, schema: { type: 'string' } }];
  return {
    operationId: name,
    summary,
    tags: ['server'],
    security: [],
    ...(parameter === undefined ? {} : { parameters }),
    responses: {
      200: { description: summary, content },
      ...(otherwise === undefined ? {} : { 503: { description: otherwise, content: refusal } }),
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
