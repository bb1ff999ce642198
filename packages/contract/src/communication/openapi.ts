import type { TSchema } from 'typebox';
import { Decision } from './decision.ts';
import { DemoDecision } from './demo.ts';
import { Manifest } from './discovery.ts';
import { GeniusErrorBody } from './error-body.ts';
import { type GeniusErrorCode, geniusErrors } from './errors.ts';
import { API_VERSION, ID_PATTERNS } from './forms.ts';
import { ProofPacketFull, ProofPacketMinimal } from './packet.ts';
import { braced, Page } from './pages.ts';
import { QUICKSTART_REQUEST } from './quickstart.ts';
import { TEST_SCENARIOS } from './records.ts';
import { DecisionRequest, DemoRequest } from './request.ts';
import {
  ErrorDictionary,
  ErrorEntry,
  type GeniusRoute,
  type GeniusRouteName,
  geniusRoutes,
} from './routes.ts';
import { CommunicationTransaction, TransactionList } from './transaction.ts';

type Members = Readonly<Record<string, unknown>>;

/** Answers of the server that are shown in its document; none while it can make none. */
export interface GeniusExamples {
  /** What it decides about {@link QUICKSTART_REQUEST}. */
  readonly decision?: Members;
  /** The transaction of the same decision. */
  readonly transaction?: Members;
}

const SCHEMAS = {
  DecisionRequest,
  DemoRequest,
  Decision,
  DemoDecision,
  CommunicationTransaction,
  TransactionList,
  ProofPacketMinimal,
  ProofPacketFull,
  ErrorEntry,
  ErrorDictionary,
  GeniusError: GeniusErrorBody,
  GeniusManifest: Manifest,
  GeniusPage: Page,
} as const satisfies Readonly<Record<string, TSchema>>;

const HEADERS = {
  'Genius-Version': [{ const: API_VERSION }, 'Version that was applied'],
  'X-Cosy-Trace-Id': [{ type: 'string', pattern: ID_PATTERNS.trace }, 'Equals `trace_id`'],
  'Genius-Budget-Mode': [{ enum: ['mock', 'test', 'live'] }, 'Which mode decided'],
  'Genius-Intelligence-Path': [
    { enum: ['low', 'standard', 'full'] },
    'Rules alone, one provider, or more than one',
  ],
  'Genius-Council-Used': [{ enum: ['true', 'false'] }, 'Whether at least two providers answered'],
  'Genius-Research-Used': [{ enum: ['true', 'false'] }, 'Whether anything outside was looked up'],
  'X-RateLimit-Limit': [{ type: 'integer', minimum: 0 }, 'Calls in the current window'],
  'X-RateLimit-Remaining': [{ type: 'integer', minimum: 0 }, 'Calls left in it'],
  'X-RateLimit-Reset': [{ type: 'integer' }, 'End of the window in Unix seconds'],
  'Retry-After': [{ type: 'integer', minimum: 0 }, 'Seconds to wait'],
  'Idempotency-Replayed': [{ const: 'true' }, 'This is the answer of an earlier request'],
  Location: [{ type: 'string' }, 'Path of what was created'],
  ETag: [{ type: 'string' }, 'For `If-None-Match`'],
} as const;
type HeaderName = keyof typeof HEADERS;

const PARAMETERS = {
  GeniusVersion: {
    name: 'Genius-Version',
    in: 'header',
    required: false,
    description: 'Version of the interface; absent: the current one',
    schema: { type: 'string', const: API_VERSION },
  },
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    required: true,
    description: 'Unique to one step; repeat it only with the same body',
    schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
  },
  TransactionId: idParameter(ID_PATTERNS.transaction),
  ProofPacketId: idParameter(ID_PATTERNS.proofPacket),
  DecisionId: idParameter(ID_PATTERNS.decision),
} as const;

function idParameter(pattern: string): Members {
  return { name: 'id', in: 'path', required: true, schema: { type: 'string', pattern } };
}

const PATH_PARAMETERS: Partial<Record<GeniusRouteName, unknown>> = {
  getDecision: parameter('DecisionId'),
  getTransaction: parameter('TransactionId'),
  getProofPacket: parameter('ProofPacketId'),
  getError: {
    name: 'code',
    in: 'path',
    required: true,
    schema: { type: 'string', pattern: '^[a-z_]{1,64}$' },
  },
};

/** The communication door in the parts of an OpenAPI document. */
export function geniusOpenApi(examples: GeniusExamples): {
  readonly paths: Readonly<Record<string, Members>>;
  readonly components: Readonly<Record<string, Members>>;
} {
  const paths: Record<string, Members> = {};
  for (const name of Object.keys(geniusRoutes) as GeniusRouteName[]) {
    // The page is described with the other pages of the server.
    if (name === 'demoPage') continue;
    const route: GeniusRoute = geniusRoutes[name];
    const path = braced(route.path);
    paths[path] = {
      ...paths[path],
      [route.method.toLowerCase()]: operation(name, route, examples),
    };
  }
  return {
    paths,
    components: {
      schemas: SCHEMAS,
      headers: Object.fromEntries(
        Object.entries(HEADERS).map(([name, [schema, description]]) => [
          name,
          { schema, description },
        ]),
      ),
      parameters: PARAMETERS,
      responses: {
        GeniusMethodNotAllowed: {
          ...refusal(['method_not_allowed']),
          description: 'Any path of this door under a method that it does not have',
        },
        GeniusRouteNotFound: {
          ...refusal(['route_not_found']),
          description: 'Any path under `/v1` that is not described here',
        },
      },
      securitySchemes: {
        GeniusActorId: { type: 'apiKey', in: 'header', name: 'X-Cosy-Actor-Id' },
        GeniusActorToken: { type: 'apiKey', in: 'header', name: 'X-Cosy-Actor-Token' },
      },
    },
  };
}

function operation(name: GeniusRouteName, route: GeniusRoute, examples: GeniusExamples): Members {
  const { summary, auth, scope, request, status } = route;
  return {
    operationId: `genius${name.charAt(0).toUpperCase()}${name.slice(1)}`,
    summary,
    tags: ['communication'],
    security: auth === 'actor' ? [{ GeniusActorId: [], GeniusActorToken: [] }] : [],
    ...(scope === undefined ? {} : { 'x-scope': scope }),
    parameters: parametersOf(name, route),
    ...(request === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: {
              'application/json': { schema: reference(request), example: QUICKSTART_REQUEST },
            },
          },
        }),
    responses: {
      ...(status === 404 ? {} : { [status]: success(name, route, examples) }),
      ...refusals(route),
    },
  };
}

function parametersOf(name: GeniusRouteName, route: GeniusRoute): unknown[] {
  const own = PATH_PARAMETERS[name];
  const query = route.query as
    | { readonly properties?: Members; readonly required?: readonly string[] }
    | undefined;
  return [
    ...(own === undefined ? [] : [own]),
    ...(isVersioned(route) && route.status !== 404 ? [parameter('GeniusVersion')] : []),
    ...(route.idempotencyKey === 'required' ? [parameter('IdempotencyKey')] : []),
    ...(route.idempotencyKey === 'optional'
      ? [{ ...PARAMETERS.IdempotencyKey, required: false, description: 'Looked at, not kept' }]
      : []),
    ...(route.idempotencyKey === 'required' ? [TEST_SCENARIO, TRACEPARENT] : []),
    ...Object.entries(query?.properties ?? {}).map(([key, schema]) => ({
      name: key,
      in: 'query',
      required: query?.required?.includes(key) ?? false,
      schema,
    })),
  ];
}

const TEST_SCENARIO = {
  name: 'Genius-Test-Scenario',
  in: 'header',
  required: false,
  description: 'Test mode only: adds strictness or a fault, to see how a caller copes',
  schema: { enum: TEST_SCENARIOS },
};
const TRACEPARENT = {
  name: 'traceparent',
  in: 'header',
  required: false,
  description: 'W3C Trace Context; recorded',
  schema: { type: 'string' },
};

/** What is below `/v1`, and demonstrations. */
function isVersioned({ path, limit }: GeniusRoute): boolean {
  return path.startsWith('/v1') || limit === 'demo';
}

function success(name: GeniusRouteName, route: GeniusRoute, examples: GeniusExamples): Members {
  const json = { schema: schemaOf(name, route), ...exampleOf(route, examples) };
  return {
    description: route.summary,
    headers: headers(
      ...commonHeaders(route),
      ...(route.status === 201 ? (['Location'] as const) : []),
      ...(route.idempotencyKey === 'required' ? (['Idempotency-Replayed'] as const) : []),
      ...(route.request === undefined ? [] : DECISION_HEADERS),
    ),
    content: Object.fromEntries(
      route.types.map((type) => [
        type,
        type === 'application/json' ? json : { schema: { type: 'string' } },
      ]),
    ),
  };
}

const DECISION_HEADERS = [
  'Genius-Budget-Mode',
  'Genius-Intelligence-Path',
  'Genius-Council-Used',
  'Genius-Research-Used',
] as const satisfies readonly HeaderName[];

function commonHeaders(route: GeniusRoute): readonly HeaderName[] {
  const counted = ['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset'] as const;
  return isVersioned(route)
    ? ['Genius-Version', 'X-Cosy-Trace-Id', ...counted]
    : [...counted, 'ETag'];
}

function schemaOf(name: GeniusRouteName, { response, types }: GeniusRoute): unknown {
  if (name === 'getProofPacket') {
    return { oneOf: [reference(ProofPacketMinimal), reference(ProofPacketFull)] };
  }
  if (name === 'manifest') return reference(Manifest);
  if (response !== undefined) return reference(response);
  return types.length > 1 ? reference(Page) : { type: 'object' };
}

function exampleOf({ response }: GeniusRoute, examples: GeniusExamples): Members {
  const { decision, transaction } = examples;
  const example =
    response === Decision
      ? decision
      : response === CommunicationTransaction
        ? transaction
        : undefined;
  return example === undefined ? {} : { example };
}

/** By status, what may be refused and under which codes. */
function refusals(route: GeniusRoute): Members {
  const statuses = new Set(route.errors.map((code) => geniusErrors[code].status));
  return Object.fromEntries(
    [...statuses].map((status) => [
      status,
      {
        ...refusal(route.errors.filter((code) => geniusErrors[code].status === status)),
        headers: headers(
          'Genius-Version',
          'X-Cosy-Trace-Id',
          ...commonHeaders(route).filter((name) => name.startsWith('X-RateLimit')),
          ...(RETRIED.has(status) ? (['Retry-After'] as const) : []),
        ),
      },
    ]),
  );
}

/** Statuses under which there may be something to wait for. */
const RETRIED: ReadonlySet<number> = new Set([409, 429, 503, 504]);

function refusal(codes: readonly GeniusErrorCode[]): Members {
  return {
    description: codes.map((code) => `\`${code}\`: ${geniusErrors[code].meaning}`).join(' '),
    content: { 'application/json': { schema: reference(GeniusErrorBody) } },
    'x-error-codes': codes,
  };
}

function reference(schema: TSchema): Members {
  const name = Object.entries(SCHEMAS).find(([, one]) => one === schema)?.[0];
  return name === undefined ? (schema as Members) : { $ref: `#/components/schemas/${name}` };
}

function parameter(name: keyof typeof PARAMETERS): Members {
  return { $ref: `#/components/parameters/${name}` };
}

function headers(...names: readonly HeaderName[]): Members {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
