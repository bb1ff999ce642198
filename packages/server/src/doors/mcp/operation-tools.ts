import {
  fieldError,
  type Operation,
  type OperationName,
  operations,
  PARAMETERS,
} from '@countersign/contract';
import { isMembers, type Members } from '@countersign/proof';
import type { ToolAnnotations } from '@modelcontextprotocol/server';
import { errorText } from '../answer.ts';
import { parseExact } from './exact-json.ts';
import type { McpArrival, McpTool, Schema, ToolAnswer, ToolFault } from './tool.ts';

/** An operation that agents may use, and what they are told of it. Everything else is computed from its row. */
interface Row {
  readonly operation: OperationName;
  readonly title: string;
  readonly description: string;
  readonly annotations: ToolAnnotations;
}

/** Adds an entry to the ledger, takes nothing away, and twice is twice. */
const appends: ToolAnnotations = {
  readOnlyHint: false,
  destructiveHint: false,
  idempotentHint: false,
  openWorldHint: false,
};
const reads: ToolAnnotations = { readOnlyHint: true, openWorldHint: false };

/** Operations as tools. None of them approves: reviews are for people. */
export const OPERATION_TOOLS = {
  decide: {
    operation: 'decide',
    title: 'Ask before acting',
    description:
      'Asks whether one proposed action may be done. The answer is a signed, recorded decision: only `verdict` `yes` is permission, for exactly the action in `action_binding` and until `valid_until`. `no` is final for this request; `review` waits for the owner in `route`. With `idempotency_key`, asking again gives the recorded answer.',
    annotations: appends,
  },
  get_decision: {
    operation: 'lookupDecision',
    title: 'Look a decision up',
    description:
      'Returns a recorded decision with its lifecycle state, its review if it waits for one, and the ids of the decisions that followed from it.',
    annotations: reads,
  },
  claim_decision: {
    operation: 'claimDecision',
    title: 'Take the permission to act, once',
    description:
      'Takes the exclusive, short-lived permission to attempt exactly what a decision allows. Policies that demand a claim count an execution only under one.',
    annotations: appends,
  },
  report_execution: {
    operation: 'recordExecution',
    title: 'Report what was done',
    description:
      'Records what was attempted under a decision; the answer is a signed receipt. Report what really happened: an action outside the binding is recorded as a mismatch.',
    annotations: appends,
  },
  report_outcome: {
    operation: 'recordOutcome',
    title: 'Report what came of it',
    description: 'Records what came of an action under a decision, as far as it is known.',
    annotations: appends,
  },
  verify_record: {
    operation: 'verifyRecord',
    title: 'Verify a record',
    description:
      'Checks an exported record or packet: hashes, links, proofs, signatures. No key is needed. What is larger than a message of this protocol may be is verified at `POST /api/decision/verify` or offline.',
    annotations: reads,
  },
} as const satisfies Record<string, Row>;

/** One request to a route of this server, as if it had come over HTTP. */
export interface RouteRequest {
  readonly method: Operation['method'];
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly peerIp: string | null;
}

export interface RouteAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export type AskRoute = (request: RouteRequest) => Promise<RouteAnswer>;

/**
 * The tools over the operations. Each call is one request to the operation's own route, so that keys, limits, caps,
 * forms and verdicts are decided in one place whichever way a caller comes.
 */
export function operationTools(ask: AskRoute): ReadonlyMap<string, McpTool> {
  const rows: readonly [string, Row][] = Object.entries(OPERATION_TOOLS);
  return new Map(rows.map(([name, row]) => [name, operationTool(row, ask)]));
}

function operationTool({ operation: name, ...told }: Row, ask: AskRoute): McpTool {
  const operation: Operation = operations[name];
  return {
    ...told,
    inputSchema: inputSchemaOf(operation),
    outputSchema: plainSchema(operation.response),
    async call(argumentsText, arrival) {
      const request = requestOf(operation, argumentsText, arrival);
      return 'fault' in request
        ? { ok: false, fault: request.fault }
        : answerOf(await ask(request));
    },
  };
}

/** Names of path parameters in arguments; the body of a report has an optional `decision_id` that means the same. */
const PARAMETER_NAMES: Readonly<Record<string, string>> = { id: 'decision_id' };
const IDEMPOTENCY_KEY: Schema = {
  type: 'string',
  pattern: '^[\\x21-\\x7e]{1,300}$',
  description: 'makes the call repeatable; stable for one operation',
};
const RESPONSE_VIEW: Schema = {
  enum: ['minimal', 'standard', 'full'],
  description: 'how much of the record is returned; only `full` can be verified from the answer',
};

/** Parameters of the path, of the query and of the body side by side. */
function inputSchemaOf(operation: Operation): Schema {
  const parameters = parametersOf(operation);
  const query = membersOf(operation.query);
  const body = membersOf(operation.request);
  return {
    type: 'object',
    properties: {
      ...Object.fromEntries(
        parameters.map(({ argument, parameter }) => [argument, parameterSchema(parameter)]),
      ),
      ...query.properties,
      ...Object.fromEntries(
        Object.entries(body.properties).filter(
          ([name]) => !parameters.some(({ argument }) => argument === name),
        ),
      ),
      ...(operation.idempotent ? { idempotency_key: IDEMPOTENCY_KEY } : {}),
      ...(operation.view ? { response_view: RESPONSE_VIEW } : {}),
    },
    required: [
      ...parameters.map(({ argument }) => argument),
      ...query.required,
      ...(operation.bodyOptional === true ? [] : body.required),
    ],
    additionalProperties: false,
  };
}

function parametersOf({
  path,
}: Operation): { readonly argument: string; readonly parameter: string }[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, parameter = '']) => ({
    argument: PARAMETER_NAMES[parameter] ?? parameter,
    parameter,
  }));
}

function parameterSchema(parameter: string): Schema {
  const form: RegExp | undefined = PARAMETERS[parameter as keyof typeof PARAMETERS];
  return { type: 'string', ...(form === undefined ? {} : { pattern: form.source }) };
}

/** Members of an object schema, as plain JSON. */
function membersOf(schema: object | undefined): {
  readonly properties: Readonly<Record<string, Schema>>;
  readonly required: readonly string[];
} {
  const { properties = {}, required = [] } = plainSchema(schema ?? {}) as {
    readonly properties?: Readonly<Record<string, Schema>>;
    readonly required?: readonly string[];
  };
  return { properties, required };
}

/** A schema of the contract without what only its own library reads. */
function plainSchema(schema: object): Schema {
  return JSON.parse(JSON.stringify(schema)) as Schema;
}

/** Deepest arguments that are taken apart; what the routes accept is less deep. */
const DEPTH_MAX = 128;

/** Takes the arguments apart into path, query, headers and body; what belongs nowhere is left for the route to refuse. */
function requestOf(
  operation: Operation,
  argumentsText: string,
  { headers, peerIp, requestId }: McpArrival,
): RouteRequest | { readonly fault: ToolFault } {
  const parsed = parseExact(argumentsText, DEPTH_MAX);
  if (!parsed.ok || !isMembers(parsed.value)) return { fault: malformed(requestId) };
  const rest: Record<string, unknown> = { ...parsed.value };
  const take = (name: string): unknown => {
    const value = rest[name];
    delete rest[name];
    return value;
  };
  const missing: string[] = [];
  const path = operation.path.replaceAll(/:(\w+)/g, (_, parameter: string) => {
    const argument = PARAMETER_NAMES[parameter] ?? parameter;
    const value = take(argument);
    // Addresses are normalised: a step `..` would lead to another route.
    if (typeof value === 'string' && !/^\.{0,2}$/.test(value)) return encodeURIComponent(value);
    missing.push(argument);
    return '';
  });
  if (missing.length > 0) return { fault: malformed(requestId, missing) };
  const key = operation.idempotent ? take('idempotency_key') : undefined;
  const view =
    operation.view && operation.request === undefined ? take('response_view') : undefined;
  const hasBody = operation.request !== undefined;
  const query = hasBody ? new URLSearchParams() : new URLSearchParams(texts(rest));
  return {
    method: operation.method,
    url: query.size === 0 ? path : `${path}?${query.toString()}`,
    headers: {
      ...passedOn(headers),
      ...(key === undefined ? {} : { 'x-idempotency-key': textOf(key) }),
      ...(view === undefined ? {} : { 'x-decision-response-view': textOf(view) }),
      ...(hasBody ? { 'content-type': 'application/json' } : {}),
    },
    body: hasBody ? JSON.stringify(rest) : undefined,
    peerIp,
  };
}

/** Headers by which a route knows who asks, and from where. */
const PASSED_ON = ['x-api-key', 'authorization', 'origin', 'sec-fetch-site', 'traceparent'];

function passedOn(headers: McpArrival['headers']): Record<string, string> {
  return Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = headers[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function texts(members: Members): Record<string, string> {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, textOf(value)]));
}

/** A parameter as text. What is no text and no number has a form that every route refuses. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function malformed(requestId: string, missing: readonly string[] = []): ToolFault {
  const fields = missing.map((name) => fieldError(`/${name}`, 'required'));
  const text = errorText({ code: 'DECIDE_API_INVALID_REQUEST', fields }, requestId);
  return faultOf(JSON.parse(text) as Members);
}

function answerOf({ status, headers, text }: RouteAnswer): ToolAnswer {
  if (status < 400) return { ok: true, text };
  const parsed = parseExact(text, DEPTH_MAX);
  const body = parsed.ok && isMembers(parsed.value) ? parsed.value : {};
  const wait = Number(headers['retry-after']);
  return {
    ok: false,
    fault: faultOf({
      ...body,
      status,
      ...(Number.isFinite(wait) ? { retry_after_ms: wait * 1000 } : {}),
    }),
  };
}

/** The body of a refusal, with the catalogue's code under the name that all tools use. */
function faultOf({ error, message, retryable, ...more }: Members): ToolFault {
  return {
    ...more,
    code: String(error),
    message: String(message),
    retryable: retryable === true,
  };
}
