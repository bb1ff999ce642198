import { communication } from '@countersign/contract';
import { isMembers, type Members } from '@countersign/proof';
import type { ToolAnnotations } from '@modelcontextprotocol/server';
import { parseExact } from './exact-json.ts';
import type { AskRoute, RouteAnswer } from './operation-tools.ts';
import type { McpArrival, McpTool, Schema, ToolAnswer, ToolFault } from './tool.ts';

/** A route that agents may use, and what they are told of it. */
interface Row {
  readonly route: communication.GeniusRouteName;
  readonly title: string;
  readonly description: string;
  readonly annotations: ToolAnnotations;
}

/** Routes of the communication door as tools. */
export const COMMUNICATION_TOOLS = {
  precheck_message: {
    route: 'createDemoDecision',
    title: 'Look at a message before answering it',
    description:
      'Says what a short message contains and whether a step on it may be prepared, without recording anything and without credentials. Read `action_gate.allowed` first: anything but the literal `true` means stop. Nothing may be done on the strength of it: for a recorded answer call `decide_communication`.',
    annotations: { readOnlyHint: true, openWorldHint: false },
  },
  decide_communication: {
    route: 'createDecision',
    title: 'Ask before replying, approving or acting on a message',
    description:
      'Decides whether a step on a communication may be prepared, and records the answer with its proof. Read `action_gate.allowed` first: anything but the literal `true` means stop and hand over to a person. `true` lets the step be prepared under a person who answers for it; it is never permission to send. `idempotency_key` is required: a fresh one for every step, the same one to repeat a call.',
    annotations: {
      readOnlyHint: false,
      destructiveHint: false,
      idempotentHint: true,
      openWorldHint: false,
    },
  },
} as const satisfies Record<string, Row>;

/** The tools of the communication door. Each call is one request to the route itself, so all of its checks apply. */
export function communicationTools(ask: AskRoute): ReadonlyMap<string, McpTool> {
  const rows: readonly [string, Row][] = Object.entries(COMMUNICATION_TOOLS);
  return new Map(rows.map(([name, row]) => [name, routeTool(row, ask)]));
}

const IDEMPOTENCY_KEY: Schema = {
  type: 'string',
  pattern: '^[\\x21-\\x7e]{1,255}$',
  description: 'fresh for every step; the same to repeat a call',
};
/** Deepest arguments that are taken apart; what the routes accept is less deep. */
const DEPTH_MAX = 128;
/** Headers by which a route knows who asks. */
const PASSED_ON = ['x-cosy-actor-id', 'x-cosy-actor-token', 'traceparent'];

function routeTool({ route: name, ...told }: Row, ask: AskRoute): McpTool {
  const route: communication.GeniusRoute = communication.geniusRoutes[name];
  const needsKey = route.idempotencyKey === 'required';
  return {
    ...told,
    inputSchema: inputSchemaOf(route, needsKey),
    outputSchema: plain(route.response ?? {}),
    async call(argumentsText, arrival) {
      const parsed = parseExact(argumentsText, DEPTH_MAX);
      const members = parsed.ok && isMembers(parsed.value) ? parsed.value : {};
      const { idempotency_key: key, ...body } = members;
      const answer = await ask({
        method: route.method,
        url: route.path,
        headers: {
          ...passedOn(arrival),
          'content-type': 'application/json',
          ...(needsKey && typeof key === 'string' ? { 'idempotency-key': key } : {}),
        },
        body: JSON.stringify(needsKey ? body : members),
        peerIp: arrival.peerIp,
      });
      return answerOf(answer);
    },
  };
}

function inputSchemaOf({ request }: communication.GeniusRoute, needsKey: boolean): Schema {
  const form = plain(request ?? {}) as {
    readonly properties?: Readonly<Record<string, Schema>>;
    readonly required?: readonly string[];
  };
  return {
    type: 'object',
    properties: {
      ...form.properties,
      ...(needsKey ? { idempotency_key: IDEMPOTENCY_KEY } : {}),
    },
    required: [...(form.required ?? []), ...(needsKey ? ['idempotency_key'] : [])],
    additionalProperties: false,
  };
}

/** A schema of the contract without what only its own library reads. */
function plain(schema: object): Schema {
  return JSON.parse(JSON.stringify(schema)) as Schema;
}

function passedOn({ headers }: McpArrival): Record<string, string> {
  return Object.fromEntries(
    PASSED_ON.flatMap((name) => {
      const value = headers[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function answerOf({ status, headers, text }: RouteAnswer): ToolAnswer {
  if (status < 400) return { ok: true, text };
  const parsed = parseExact(text, DEPTH_MAX);
  const body = parsed.ok && isMembers(parsed.value) ? parsed.value : {};
  const { code, message, retryable, ...error }: Members = isMembers(body['error'])
    ? body['error']
    : {};
  const wait = Number(headers['retry-after']);
  const more: Members = {
    ...error,
    // Whoever reads nothing but this stops.
    action_gate: body['action_gate'],
    status,
    ...(Number.isFinite(wait) ? { retry_after_ms: wait * 1000 } : {}),
  };
  const fault: ToolFault = {
    ...more,
    code: String(code),
    message: String(message),
    retryable: retryable === true,
  };
  return { ok: false, fault };
}
