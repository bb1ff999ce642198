import type { Readable, Writable } from 'node:stream';
import { type ChildServer, startChild } from './child.ts';
import { httpUpstream } from './http-upstream.ts';
import { drained, linesOf, writeLine } from './lines.ts';
import { Relay, type RelayParts } from './relay.ts';

/** The client's side: what it writes, and what it reads. */
export interface ClientStreams {
  readonly input: Readable;
  readonly output: Writable;
}

/** Whoever starts and stops the proxy. */
export interface Surroundings extends ClientStreams {
  /** Resolves when the proxy is told to stop. */
  readonly stopped: Promise<NodeJS.Signals>;
  readonly alert: (text: string) => void;
}

/** Those of this process: its streams, until it is interrupted or told to end. */
export function ofThisProcess(alert: (text: string) => void): Surroundings {
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  return { input: process.stdin, output: process.stdout, stopped, alert };
}

type Gated = Pick<RelayParts, 'gate' | 'allowUnmapped'>;

/** Gates a server that is started as a process; resolves with the exit code of the proxy. */
export async function gateChild(
  [command = '', ...args]: readonly string[],
  gated: Gated,
  { input, output, stopped, alert }: Surroundings,
): Promise<number> {
  const child = await startChild(command, args);
  const relay = new Relay({ ...gated, upstream: child, toClient: lineWriter(output) });
  const server = fromServer(relay, child, { output, alert });
  let code: number | undefined;
  try {
    const ended = await Promise.race([
      child.ended,
      fromClient(relay, input, () => child.ready()),
      stopped.then((signal) => child.kill(signal)),
    ]);
    code = ended ?? undefined;
  } finally {
    if (code === undefined) relay.clientGone();
    await child.stop();
    await server;
    await relay.serverLost();
  }
  return code ?? 0;
}

/** Gates a server that is asked over HTTP. */
export async function gateHttp(
  upstream: { readonly url: string; readonly headers: Readonly<Record<string, string>> },
  gated: Gated,
  { input, output, stopped, alert }: Surroundings,
): Promise<number> {
  const http = httpUpstream({ ...upstream, alert, onMessage: (line) => relay.fromServer(line) });
  const relay: Relay = new Relay({ ...gated, upstream: http, toClient: lineWriter(output) });
  try {
    await Promise.race([fromClient(relay, input), stopped]);
    return 0;
  } finally {
    relay.clientGone();
    await http.stop();
    await relay.serverLost();
  }
}

/** Hands what the server writes to the relay, until the server ends. */
async function fromServer(
  relay: Pick<Relay, 'fromServer'>,
  { output: lines, ended }: ChildServer,
  { output, alert }: Pick<Surroundings, 'output' | 'alert'>,
): Promise<void> {
  try {
    for await (const line of linesOf(lines)) {
      if (line === undefined) alert('a message of the server is too long and was left out');
      else relay.fromServer(line).catch(() => undefined);
      if (output.writableNeedDrain) await Promise.race([drained(output), ended]);
    }
  } catch (error) {
    alert(`the server cannot be read: ${String(error)}`);
  }
}

/** Hands what the client writes to the relay, until the client ends, or its stream breaks, which is the same. */
async function fromClient(
  relay: Pick<Relay, 'fromClient'>,
  input: Readable,
  ready: () => Promise<void> = async () => undefined,
): Promise<void> {
  try {
    for await (const line of linesOf(input)) {
      if (line?.length === 0) continue;
      // Not awaited: a call that waits for its decision holds nobody else up. Messages are handed on in order.
      relay.fromClient(line).catch(() => undefined);
      await ready();
    }
  } catch {
    // There is nobody to tell.
  }
}

function lineWriter(output: Writable): RelayParts['toClient'] {
  // A client that has gone reads nothing; that it is gone is seen where it stops writing.
  output.on('error', () => undefined);
  return (line) => writeLine(output, line).catch(() => undefined);
}

/** Carries a client's messages to a server that is asked over HTTP, and back, with nobody asked in between. */
export function bridge(
  upstream: { readonly url: string; readonly headers: Readonly<Record<string, string>> },
  surroundings: Surroundings,
): Promise<number> {
  return gateHttp(upstream, { gate: NO_GATE, allowUnmapped: EVERYTHING }, surroundings);
}

/** Never asked, since every tool is let through. */
const NO_GATE: RelayParts['gate'] = {
  isMapped: () => false,
  admit: () => Promise.reject(new Error('there is no gate here')),
  answered: async () => undefined,
  settle: async () => undefined,
};

const EVERYTHING: Pick<ReadonlySet<string>, 'has'> = { has: () => true };
