import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { FrameReader } from './frames.ts';
import { ProviderCallError } from './provider-call-error.ts';

/** How long a process may take to end when it is asked to. */
const STOP_MS = 1_000;
/** Longest line of a provider's own that is passed on, in characters. */
const LOG_LINE_MAX = 8_192;

interface Waiting {
  readonly resolve: (text: string) => void;
  readonly reject: (error: ProviderCallError) => void;
}

/**
 * One process of a provider, from its start to its end. It answers one question at a time, and since its answers do not
 * tell which question they are for, one that may be out of step is ended: nothing it says later reaches anyone.
 */
export class ProviderProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #log: (line: string) => void;
  readonly #closed: Promise<void>;
  #waiting: Waiting | undefined;
  #fault: string | undefined;

  /** Starts a command; rejects when there is none such. */
  static start(
    [program = '', ...args]: readonly string[],
    answerBytesMax: number,
    log: (line: string) => void,
  ): Promise<ProviderProcess> {
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, {
        stdio: ['pipe', 'pipe', 'pipe'],
        // A group of its own, so that what a wrapper starts ends with it.
        detached: process.platform !== 'win32',
      });
      child.on('error', reject);
      const started = new ProviderProcess(child, answerBytesMax, log);
      child.once('spawn', () => resolve(started));
    });
  }

  private constructor(
    child: ChildProcessWithoutNullStreams,
    answerBytesMax: number,
    log: (line: string) => void,
  ) {
    this.#child = child;
    this.#log = log;
    this.#closed = new Promise((resolve) => child.once('close', () => resolve()));
    const frames = new FrameReader(answerBytesMax);
    child.stdout.on('data', (chunk: Buffer) => {
      for (const frame of frames.push(chunk)) {
        if (!frame.ok) this.#end(frame.fault);
        else if (this.#waiting === undefined) this.#end('mcp response without request');
        else this.#take()?.resolve(frame.text);
      }
    });
    child.stdout.once('end', () => this.#end('mcp connection closed', true));
    child.stdout.on('error', () => this.#end('mcp read failed', true));
    child.stdin.on('error', () => this.#end('mcp write failed', true));
    passOn(child.stderr, log);
    child.once('exit', (code, signal) => log(`mcp process exited: ${code ?? signal}`));
  }

  /** Why nothing can be asked any more; `undefined`: it can. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** One question and its answer. Rejects with a `ProviderCallError`. */
  ask(request: string, timeoutMs: number): Promise<string> {
    return new Promise<string>((resolve, reject) => {
      if (this.#fault !== undefined) {
        reject(new ProviderCallError(this.#fault, true));
        return;
      }
      const late = setTimeout(() => this.#end('mcp request timed out'), timeoutMs);
      this.#waiting = {
        resolve: (text) => {
          clearTimeout(late);
          resolve(text);
        },
        reject: (error) => {
          clearTimeout(late);
          reject(error);
        },
      };
      this.#child.stdin.write(`Content-Length: ${Buffer.byteLength(request)}\r\n\r\n${request}`);
    });
  }

  /** Ends it in peace if that is soon. */
  async stop(): Promise<void> {
    this.#giveUp('mcp connection closed', false);
    this.#child.stdin.end();
    this.#signal('SIGTERM');
    const late = setTimeout(() => this.#destroy(), STOP_MS);
    await this.#closed;
    clearTimeout(late);
  }

  #end(fault: string, transient = false): void {
    if (this.#fault !== undefined) return;
    this.#log(fault);
    this.#giveUp(fault, transient);
    this.#destroy();
  }

  #giveUp(fault: string, transient: boolean): void {
    this.#fault ??= fault;
    this.#take()?.reject(new ProviderCallError(fault, transient));
  }

  #take(): Waiting | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }

  /** Also closes its streams, which something it started may hold open. */
  #destroy(): void {
    this.#signal('SIGKILL');
    const { stdin, stdout, stderr } = this.#child;
    for (const stream of [stdin, stdout, stderr]) stream.destroy();
  }

  #signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined) return;
    // The number of a group without its first process may be given to another one.
    if (exitCode !== null || signalCode !== null) return;
    try {
      process.kill(process.platform === 'win32' ? pid : -pid, signal);
    } catch {
      // It ended in between.
    }
  }
}

/** Passes on what a process writes about itself, line by line; a line without end comes in pieces. */
function passOn(stream: Readable, log: (line: string) => void): void {
  let rest = '';
  const flush = (text: string): void => {
    if (text !== '') log(text.slice(0, LOG_LINE_MAX));
  };
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = `${rest}${text}`.split(/\r?\n/);
    rest = lines.pop() ?? '';
    for (const line of lines) flush(line);
    if (rest.length <= LOG_LINE_MAX) return;
    flush(rest);
    rest = '';
  });
  stream.on('end', () => flush(rest));
  stream.on('error', () => undefined);
}
