import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { isObject, type Json, member, scenario } from '@countersign/policy';
import { canonicalJson, parseJson, Verbatim } from '@countersign/proof';
import { SCENARIO_DEPTH_MAX } from '@countersign/server';
import { readFrames, writeFrame } from './frames.ts';
import type { Messages } from './messages-en.ts';

/** Where a server is, and as whom it is asked. */
export interface ServerAddress {
  readonly transport: 'http' | 'sse' | 'stdio';
  /** For `http` and `sse`. */
  readonly endpoint: string;
  /** For `stdio`: the program and its words. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly bearerToken?: string | undefined;
  readonly clientSubject?: string | undefined;
}

/** A connection to a server that speaks the scenario protocol. */
export interface RpcClient {
  /** The result of a method; `params` is a JSON text. Rejects with an {@link RpcFailure} when the server refuses. */
  request(method: string, params: string): Promise<Json>;
  close(): Promise<void>;
}

/** The server's refusal, as it worded it. */
export class RpcFailure extends Error {
  readonly code: number;
  readonly kind: string;

  constructor(code: number, kind: string, message: string) {
    super(`${message} (${kind}, ${code})`);
    this.code = code;
    this.kind = kind;
  }
}

export function openClient(address: ServerAddress, say: Messages): RpcClient {
  return address.transport === 'stdio' ? overPipes(address, say) : overHttp(address, say);
}

/** What a tool gives for arguments that are a JSON text. */
export async function callTool(
  client: RpcClient,
  tool: string,
  argumentsText: string,
  say: Messages,
): Promise<Json> {
  // The text goes on as it was written: it has been parsed, but `1.0` would not come out of that as it went in.
  const params = { name: tool, arguments: new Verbatim(argumentsText) };
  const result = await client.request('tools/call', canonicalJson(params));
  const content = isObject(result) ? member(result, 'content') : undefined;
  const first = Array.isArray(content) ? (content[0] as Json | undefined) : undefined;
  const json = isObject(first) ? member(first, 'json') : undefined;
  if (json === undefined) throw new Error(say.answerMalformed);
  return json;
}

function requestText(id: number, method: string, params: string): string {
  return canonicalJson({ jsonrpc: '2.0', id, method, params: new Verbatim(params) });
}

/** One request, one exchange; the answer is a JSON body or the one event of a stream. */
function overHttp(address: ServerAddress, say: Messages): RpcClient {
  const { bearerToken, clientSubject, transport, timeoutMs } = address;
  const url = new URL(address.endpoint);
  if (url.pathname === '/') url.pathname = '/rpc';
  const headers = {
    'content-type': 'application/json',
    accept: transport === 'sse' ? 'text/event-stream' : 'application/json',
    ...(bearerToken === undefined ? {} : { authorization: `Bearer ${bearerToken}` }),
    ...(clientSubject === undefined ? {} : { 'x-decision-gate-client-subject': clientSubject }),
  };
  let id = 0;
  return {
    async request(method, params) {
      id += 1;
      const asked = id;
      const body = requestText(asked, method, params);
      const signal = AbortSignal.timeout(timeoutMs);
      let text: string;
      try {
        const response = await fetch(url, { method: 'POST', headers, body, signal });
        text = eventData(await response.text());
      } catch (error) {
        if (signal.aborted) throw new Error(say.serverSlow(timeoutMs));
        throw new Error(say.serverUnreachable(url.href, causeOf(error)));
      }
      return resultOf(text, asked, say);
    },
    close: async () => undefined,
  };
}

function causeOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  const inner = cause instanceof Error ? cause : error;
  return inner instanceof Error ? inner.message : String(inner);
}

/** The data of the event, where the body is a stream of events. */
function eventData(text: string): string {
  if (!text.startsWith('data:')) return text;
  return text
    .split('\n')
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice('data:'.length).trimStart())
    .join('\n');
}

/** Frames over the pipes of a child, which ends with the connection. */
function overPipes(address: ServerAddress, say: Messages): RpcClient {
  const { command, environment, timeoutMs } = address;
  const [program, ...words] = command;
  if (program === undefined) throw new Error(say.stdioCommandMissing);
  const child = spawn(program, words, {
    env: { ...process.env, ...environment },
    // What the server has to say beside the protocol is for the one who started it.
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const failed = new Promise<never>((_, fail) => {
    child.once('error', (error) => fail(new Error(say.stdioFailed(program, error.message))));
  });
  failed.catch(() => undefined);
  child.stdin.on('error', () => undefined);
  const frames = readFrames(child.stdout);
  let id = 0;

  const exchange = async (method: string, params: string): Promise<Json> => {
    id += 1;
    const asked = id;
    await writeFrame(child.stdin, requestText(asked, method, params));
    const next = await frames.next();
    if (next.done === true) throw new Error(say.stdioClosed);
    return resultOf(next.value, asked, say);
  };
  return {
    request: (method, params) =>
      Promise.race([exchange(method, params), failed, late(timeoutMs, say)]),
    close: () => end(child, timeoutMs),
  };
}

/** Rejects after a while, without keeping the process alive for it. */
function late(timeoutMs: number, say: Messages): Promise<never> {
  return new Promise((_, fail) => {
    setTimeout(() => fail(new Error(say.serverSlow(timeoutMs))), timeoutMs).unref();
  });
}

/** Closes its input; what does not end by that is told to, and then made to. */
async function end(child: ChildProcess, patienceMs: number): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.stdin?.end();
  const timers = (['SIGTERM', 'SIGKILL'] as const).map((signal, at) =>
    setTimeout(() => child.kill(signal), patienceMs * (at + 1)),
  );
  await exited;
  timers.forEach(clearTimeout);
  child.stdout?.destroy();
}

/** The result in the answer to request `id`. A refusal of what the server could not read has no id. */
function resultOf(text: string, id: number, say: Messages): Json {
  const parsed = parseJson(text, {
    depthMax: SCENARIO_DEPTH_MAX,
    readNumber: scenario.readScenarioNumber,
  });
  const response = parsed.ok ? (parsed.value as Json) : undefined;
  if (!isObject(response)) throw new Error(say.answerMalformed);
  const error = member(response, 'error');
  const answers = member(response, 'id');
  if (answers !== id && !(answers === null && isObject(error))) {
    throw new Error(say.answerMalformed);
  }
  if (isObject(error)) {
    const data = member(error, 'data');
    const kind = isObject(data) ? member(data, 'kind') : undefined;
    throw new RpcFailure(
      Number(member(error, 'code')),
      textOr(kind, 'error'),
      textOr(member(error, 'message'), say.answerMalformed),
    );
  }
  const result = member(response, 'result');
  if (result === undefined) throw new Error(say.answerMalformed);
  return result;
}

function textOr(value: Json | undefined, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}
