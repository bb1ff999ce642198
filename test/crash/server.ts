import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const CLI: string = fileURLToPath(
  new URL('../../packages/cli/lib/main.js', import.meta.url),
);
const API_KEY = 'decide_test_crash_0123456789abcdef';
const READY_MS_MAX = 30_000;
export const CALLERS = 32;

export interface Reply {
  readonly status: number;
  /** Whether the server says that this answer was recorded before. */
  readonly replayed: boolean;
  readonly body: Buffer;
}

export interface Call {
  readonly path: string;
  /** Idempotency key and body of a POST; a GET without them. */
  readonly key?: string;
  readonly body?: string;
}

/** The real server as a process of its own. */
export class ServerProcess {
  #printed = '';
  readonly #process: ChildProcess;
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CALLERS });
  readonly #exited: Promise<unknown>;

  private constructor(port: number, child: ChildProcess) {
    this.#port = port;
    this.#process = child;
    this.#exited = once(child, 'exit');
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#printed += chunk.toString();
    });
  }

  /** Starts it and does not wait. */
  static async spawn(dataDirectory: string): Promise<ServerProcess> {
    const port = await freePort();
    const child = spawn(process.execPath, ['--no-warnings', CLI, 'serve'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        COUNTERSIGN_PORT: String(port),
        COUNTERSIGN_DATA: dataDirectory,
        COUNTERSIGN_DEV_API_KEY: API_KEY,
        COUNTERSIGN_RATE_LIMITS: 'off',
        COUNTERSIGN_LOG_LEVEL: 'error',
      },
    });
    return new ServerProcess(port, child);
  }

  /** All that it printed to its standard error but its audit trail: nothing, if it has no complaint. */
  get complaint(): string {
    const lines = this.#printed.split('\n');
    return lines.filter((line) => !line.startsWith('{"event":"security_audit"')).join('\n');
  }

  /** Whether it came to accept decisions. */
  async ready(): Promise<boolean> {
    for (const end = Date.now() + READY_MS_MAX; Date.now() < end && this.#runs; await pause(10)) {
      if ((await this.call({ path: '/readyz' }))?.status === 200) return true;
    }
    return false;
  }

  /** Kills it in the middle of whatever it does. What it gave to the kernel survives; a power cut is harsher. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exited;
    this.#agent.destroy();
  }

  /** Ends it as an operator would. Gives its exit code. */
  async stop(): Promise<number | null> {
    this.#process.kill('SIGTERM');
    await this.#exited;
    this.#agent.destroy();
    return this.#process.exitCode;
  }

  /** The whole answer, or `undefined` when the connection ended before it was there. */
  call({ path, key, body }: Call): Promise<Reply | undefined> {
    return new Promise((done) => {
      const headers = {
        'x-api-key': API_KEY,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { 'x-idempotency-key': key }),
      };
      const sent = request(
        {
          host: '127.0.0.1',
          port: this.#port,
          agent: this.#agent,
          method: body === undefined ? 'GET' : 'POST',
          path,
          headers,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', () => done(undefined));
          response.on('close', () => {
            const { statusCode: status = 0, complete } = response;
            const replayed = response.headers['x-idempotent-replay'] === '1';
            done(complete ? { status, replayed, body: Buffer.concat(chunks) } : undefined);
          });
        },
      );
      sent.on('error', () => done(undefined));
      sent.end(body);
    });
  }

  get #runs(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
