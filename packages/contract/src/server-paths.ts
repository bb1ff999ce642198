/** What every server has beside its operations. */
interface Served {
  readonly name: string;
  readonly type: 'text/plain' | 'text/html' | 'application/json' | '*/*';
  readonly summary: string;
  /** Value of `status` with 200 and with 503, where that is all there is. */
  readonly says?: readonly [string, string?];
  /** What a 503 says, where there may be one. */
  readonly otherwise?: string;
  readonly parameter?: string;
}

const UNBUILT = 'The pages are not built';
const SERVER_PATHS: Readonly<Record<string, Served>> = {
  '/healthz': {
    name: 'healthz',
    type: 'application/json',
    summary: 'The process runs',
    says: ['ok'],
  },
  '/readyz': {
    name: 'readyz',
    type: 'application/json',
    summary: 'The server takes decisions',
    says: ['ready', 'not_ready'],
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
  '/demo': {
    name: 'demoPage',
    type: 'text/html',
    summary: 'Tries a decision on a message in the browser; nothing is stored',
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

function served(entry: Served): Record<string, unknown> {
  const { name, type, summary, says = [], otherwise, parameter } = entry;
  const contentOf = (status: string | undefined): Record<string, unknown> => ({
    [type]: { schema: type === 'application/json' ? statusIs(status) : { type: 'string' } },
  });
  const refusal =
    type === 'application/json'
      ? contentOf(says[1])
      : { 'text/plain': { schema: { type: 'string' } } };
  const parameters = [{ in: 'path', name: parameter, required: true, schema: { type: 'string' } }];
  return {
    operationId: name,
    summary,
    tags: ['server'],
    security: [],
    ...(parameter === undefined ? {} : { parameters }),
    responses: {
      200: { description: summary, content: contentOf(says[0]) },
      ...(otherwise === undefined ? {} : { 503: { description: otherwise, content: refusal } }),
    },
  };
}

function statusIs(word: string | undefined): Record<string, unknown> {
  if (word === undefined) return {};
  return {
    type: 'object',
    properties: { status: { const: word } },
    required: ['status'],
    additionalProperties: false,
  };
}

/** A protocol of its own behind one path: `tools/list` describes there what its messages say, in full. */
interface Protocol {
  readonly name: string;
  readonly tag: string;
  readonly summary: string;
  readonly description: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  /** Media types of an answer with 200. */
  readonly types: readonly string[];
  /** What the statuses beside 200 mean. */
  readonly otherwise: Readonly<Record<number, string>>;
}

const RPC: Protocol = {
  name: 'rpc',
  tag: 'scenario',
  summary: 'Scenarios: one JSON-RPC 2.0 request, one response',
  description:
    'Methods `tools/list`, `tools/call`, `resources/list` and `resources/read`. `tools/list` describes the tools with ' +
    'their schemas: scenario_define, scenario_start, scenario_next and fifteen others. Who may call is a matter of ' +
    'the scenario configuration, not of API keys. Without one it is everybody on the same machine in the environment ' +
    '`test`, and nobody in `live`.',
  security: [{}, { bearer: [] }],
  types: ['application/json'],
  otherwise: {
    400: 'No request of this protocol, or a method, tool or argument that does not exist',
    401: 'Not authenticated; also a page of another origin',
    403: 'Not allowed',
    413: 'Too large',
    429: 'Too many requests of this caller',
    503: 'Too many requests at once',
  },
};

const MCP: Protocol = {
  name: 'mcp',
  tag: 'mcp',
  summary: 'The tools of both doors for MCP clients: Streamable HTTP, without sessions',
  description:
    'Revisions 2025-11-25 and 2026-07-28; one JSON-RPC message. `tools/list` describes the tools. Those of the ' +
    'scenario door ask for what `/rpc` asks for, those of the Decide door for an API key.',
  security: [{}, { apiKey: [] }, { bearer: [] }],
  types: ['application/json', 'text/event-stream'],
  otherwise: {
    202: 'A notification was taken',
    400: 'No message of this protocol',
    403: 'A page of another origin or, in development mode, under another name',
    406: 'Both media types of an answer must be acceptable',
    413: 'Too large',
    415: 'Not `application/json`',
  },
};

function protocol(entry: Protocol): Record<string, unknown> {
  const { name, tag, summary, description, security, types, otherwise } = entry;
  return {
    operationId: name,
    summary,
    description,
    tags: [tag],
    security,
    requestBody: { required: true, content: { 'application/json': { schema: REQUEST } } },
    responses: {
      200: {
        description: 'The response; a fault of a tool is in it',
        content: Object.fromEntries(
          types.map((type) => [
            type,
            { schema: type === 'application/json' ? RESPONSE : { type: 'string' } },
          ]),
        ),
      },
      ...Object.fromEntries(
        Object.entries(otherwise).map(([status, meaning]) => [
          status,
          status === '202'
            ? { description: meaning }
            : { description: meaning, content: { 'application/json': { schema: REFUSAL } } },
        ]),
      ),
    },
  };
}

const REQUEST = {
  type: 'object',
  properties: { jsonrpc: { const: '2.0' }, id: {}, method: { type: 'string' }, params: {} },
  required: ['jsonrpc', 'method'],
} as const;
const RESPONSE = {
  type: 'object',
  properties: { jsonrpc: { const: '2.0' }, id: {}, result: {}, error: { type: 'object' } },
  required: ['jsonrpc', 'id'],
} as const;
/** What a body beyond the limit is refused with at `/mcp` is no JSON-RPC, so little is said here. */
const REFUSAL = { type: 'object' } as const;

/** Without sessions there is no stream to open and none to end. */
function sessionless(name: string): Record<string, unknown> {
  return {
    operationId: name,
    summary: 'Not served: there are no sessions',
    tags: ['mcp'],
    security: [],
    responses: {
      405: {
        description: 'Always; `allow` says `POST`',
        content: { 'application/json': { schema: RESPONSE } },
      },
    },
  };
}

/** The paths beside the operations: pages, documents, health, and the protocols with messages of their own. */
export function serverPaths(): Record<string, Record<string, unknown>> {
  return {
    '/rpc': { post: protocol(RPC) },
    '/mcp': {
      post: protocol(MCP),
      get: sessionless('mcpStream'),
      delete: sessionless('mcpSessionEnd'),
    },
    ...Object.fromEntries(
      Object.entries(SERVER_PATHS).map(([path, entry]) => [path, { get: served(entry) }]),
    ),
  };
}
