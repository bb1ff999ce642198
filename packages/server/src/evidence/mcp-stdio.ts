import { setTimeout as pause } from 'node:timers/promises';
import { MCP_RESPONSE_BYTES_MAX, type McpSettings, type McpTransport } from './mcp.ts';
import { ProviderCallError } from './provider-call-error.ts';
import { ProviderProcess } from './provider-process.ts';

/** Least time between two starts, by how many there were since the last answer. */
const BACKOFF_MS: readonly number[] = [0, 100, 500, 2_000];

/** A provider in a child process, one request at a time. A process that ended is started again, ever more slowly. */
export async function mcpOverStdio(
  settings: McpSettings,
  log: (line: string) => void,
): Promise<McpTransport> {
  const start = (): Promise<ProviderProcess> =>
    ProviderProcess.start(settings.command, MCP_RESPONSE_BYTES_MAX, log);
  try {
    return new SupervisedProcess(await start(), start, settings.requestTimeoutMs);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`provider ${settings.name}: ${reason}`);
  }
}

class SupervisedProcess implements McpTransport {
  readonly #start: () => Promise<ProviderProcess>;
  readonly #timeoutMs: number;
  readonly #closing = new AbortController();
  #process: ProviderProcess;
  #turn: Promise<unknown> = Promise.resolve();
  #restarts = 0;
  #startedAt = 0;

  constructor(process: ProviderProcess, start: () => Promise<ProviderProcess>, timeoutMs: number) {
    this.#process = process;
    this.#start = start;
    this.#timeoutMs = timeoutMs;
  }

  send(request: string): Promise<string> {
    const mine = this.#turn.then(() => this.#exchange(request));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#process.stop();
    // A process that was being started is stopped by whoever waits for it.
    await this.#turn;
  }

  async #exchange(request: string): Promise<string> {
    if (this.#process.fault !== undefined) await this.#restart();
    if (this.#closing.signal.aborted) throw closed();
    const answer = await this.#process.ask(request, this.#timeoutMs);
    this.#restarts = 0;
    return answer;
  }

  async #restart(): Promise<void> {
    const { signal } = this.#closing;
    const last = BACKOFF_MS.length - 1;
    const wait = this.#startedAt + (BACKOFF_MS[Math.min(this.#restarts, last)] ?? 0) - Date.now();
    try {
      if (wait > 0) await pause(wait, undefined, { signal });
      if (signal.aborted) throw closed();
      this.#restarts += 1;
      this.#startedAt = Date.now();
      this.#process = await this.#start();
    } catch {
      throw closed();
    }
    if (signal.aborted) await this.#process.stop();
  }
}

function closed(): ProviderCallError {
  return new ProviderCallError('mcp connection closed', false);
}
