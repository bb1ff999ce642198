import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { FrameReader } from './frames.ts';
import {
  MCP_RESPONSE_BYTES_MAX,
  type McpSettings,
  type McpTransport,
  ProviderCallError,
} from './mcp.ts';

/** Waits between two starts of a process that keeps ending. */
const BACKOFF_MS = [0, 100, 500, 2_000, 5_000];
/** How long a process may take to end when it is asked to. */
const STOP_MS = 1_000;

interface Waiting {
  readonly resolve: (text: string) => void;
  readonly reject: (error: ProviderCallError) => void;
}

/**
 * A provider in a child process, one request at a time. A process that ends is started again, ever more slowly; one
 * that does not answer in time is ended, because its late answer would be taken for that of the next request.
 */
export async function mcpOverStdio(
  settings: McpSettings,
  log: (line: string) => void,
): Promise<McpTransport> {
  const supervised = new SupervisedProcess(settings, log);
  await supervised.start();
  return supervised;
}

class SupervisedProcess implements McpTransport {
  readonly #settings: McpSettings;
  readonly #log: (line: string) => void;
  #child: ChildProcessWithoutNullStreams | undefined;
  #waiting: Waiting | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #failures = 0;
  #mayStartAt = 0;
  #closed = false;

  constructor(settings: McpSettings, log: (line: string) => void) {
    this.#settings = settings;
    this.#log = log;
  }

  /** Starts the process; rejects when there is no such command. */
  start(): Promise<void> {
    const [program = '', ...args] = this.#settings.command;
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    const frames = new FrameReader(MCP_RESPONSE_BYTES_MAX);
    child.stdout.on('data', (chunk: Buffer) => {
      for (const frame of frames.push(chunk)) {
        if (frame.ok) this.#answer(frame.text);
        else this.#fail(frame.fault, false);
      }
    });
    createInterface({ input: child.stderr }).on('line', (line) => this.#log(line));
    child.stdin.on('error', () => this.#settle('mcp write failed'));
    child.once('exit', (code, signal) => {
      if (this.#child === child) this.#child = undefined;
      this.#settle(`mcp process exited: ${code ?? signal ?? 'unknown'}`);
      this.#failures += 1;
      const wait = BACKOFF_MS[Math.min(this.#failures, BACKOFF_MS.length - 1)] ?? 0;
      this.#mayStartAt = Date.now() + wait;
    });
    return new Promise((resolve, reject) => {
      child.once('spawn', () => resolve());
      child.once('error', (error) => {
        this.#child = undefined;
        this.#settle('mcp connection closed');
        reject(new Error(`provider ${this.#settings.name}: ${error.message}`));
      });
    });
  }

  send(request: string): Promise<string> {
    const mine = this.#turn.then(() => this.#exchange(request));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const child = this.#child;
    if (child === undefined) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      child.once('exit', () => {
        clearTimeout(late);
        resolve();
      });
      child.stdin.end();
      child.kill('SIGTERM');
    });
  }

  async #exchange(request: string): Promise<string> {
    const child = await this.#running();
    return new Promise<string>((resolve, reject) => {
      const late = setTimeout(
        () => this.#fail('mcp request timed out', false),
        this.#settings.requestTimeoutMs,
      );
      this.#waiting = {
        resolve: (text) => {
          clearTimeout(late);
          this.#failures = 0;
          resolve(text);
        },
        reject: (error) => {
          clearTimeout(late);
          reject(error);
        },
      };
      child.stdin.write(`Content-Length: ${Buffer.byteLength(request)}\r\n\r\n${request}`);
    });
  }

  async #running(): Promise<ChildProcessWithoutNullStreams> {
    if (this.#closed) throw new ProviderCallError('mcp connection closed', false);
    if (this.#child === undefined) {
      const wait = this.#mayStartAt - Date.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      await this.start().catch(() => undefined);
    }
    if (this.#child === undefined) throw new ProviderCallError('mcp connection closed', true);
    return this.#child;
  }

  #answer(text: string): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(text);
  }

  /** Ends the process: what it would still say belongs to no request. */
  #fail(message: string, transient: boolean): void {
    const child = this.#child;
    this.#child = undefined;
    child?.kill('SIGKILL');
    this.#settle(message, transient);
  }

  #settle(message: string, transient = true): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(new ProviderCallError(message, transient));
  }
}
