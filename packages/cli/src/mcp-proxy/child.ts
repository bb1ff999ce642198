import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { drained, writeLine } from './lines.ts';
import { Unsent, type Upstream } from './relay.ts';

export interface ChildServer extends Upstream {
  readonly output: Readable;
  /** Resolves once more can be sent without piling up. */
  ready(): Promise<void>;
  /** Resolves with the exit code once the process has ended; 128 and the like for a signal. */
  readonly ended: Promise<number>;
  /** Closes its input, as a client would; if it does not end in time, it is ended. */
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** How long a server may take to end by itself once its input is closed, in milliseconds. */
const GRACE_MS = 5_000;
/** Of the environment what a server behind the gate must not have: the key to the gate. */
const WITHHELD = ['DECIDE_API_KEY'];

/** Starts the server behind as a process of its own. Its error stream is the proxy's. */
export async function startChild(command: string, args: readonly string[]): Promise<ChildServer> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !WITHHELD.includes(name)),
  );
  const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<number>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
  });
  await started(child);
  // Writing to a process that has ended is told to whoever wrote.
  child.stdin.on('error', () => undefined);
  return {
    output: child.stdout,
    ended,
    kill: (signal) => void child.kill(signal),
    async ready() {
      if (child.stdin.writableNeedDrain) await Promise.race([drained(child.stdin), ended]);
    },
    async send(line) {
      try {
        await writeLine(child.stdin, line);
      } catch (error) {
        throw new Unsent('it has ended', { cause: error });
      }
    },
    async stop() {
      child.stdin.end();
      const timers = (['SIGTERM', 'SIGKILL'] as const).map((signal, at) =>
        setTimeout(() => child.kill(signal), GRACE_MS * (at + 1)),
      );
      await ended;
      timers.forEach(clearTimeout);
    },
  };
}

function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
}
