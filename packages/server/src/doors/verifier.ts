import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type Fault, fail, fieldError, type Result } from '@countersign/contract';
import type { Reply } from './call.ts';
import type { VerificationTask } from './verification.ts';

/**
 * Verifies what strangers hold, in a thread of its own: a body of 16 MiB can ask for seconds of work, and nobody who
 * waits for a verdict shall wait for that.
 */
export interface Verifier {
  verify(task: VerificationTask): Promise<Result<Reply, Fault>>;
  close(): Promise<void>;
}

/** Longest time one verification may take. */
const TIMEOUT_MS = 20_000;
/** Verifications that wait for their turn before further ones are refused; each holds its body. */
const WAITING_MAX = 8;
/** Heap of the thread. */
const LIMITS = { maxOldGenerationSizeMb: 768 };

/** Tests run from source; the thread then resolves the other packages to their sources as well. */
const FROM_SOURCE = import.meta.url.endsWith('.ts');
const THREAD_FILE = FROM_SOURCE ? './verifier-main.ts' : './verifier-main.js';
const THREAD_FLAGS = FROM_SOURCE ? ['--conditions=source', '--experimental-strip-types'] : [];

/** The thread starts with the first task, and anew after one that it did not survive. */
export function openVerifier(timeoutMs: number = TIMEOUT_MS): Verifier {
  let worker: Worker | undefined;
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();

  const start = (): Worker => {
    const started = new Worker(new URL(THREAD_FILE, import.meta.url), {
      execArgv: THREAD_FLAGS,
      resourceLimits: LIMITS,
    });
    started.unref();
    // One that was stopped may still say that it ran out of memory; who waits for it listens for itself.
    started.on('error', () => undefined);
    return started;
  };

  const runOne = async (task: VerificationTask): Promise<Result<Reply, Fault>> => {
    worker ??= start();
    const thread = worker;
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), timeoutMs);
    thread.once('exit', () => over.abort());
    let result: Result<Reply, Fault> | undefined;
    try {
      thread.postMessage(task);
      // Rejects as well when the thread fails.
      [result] = (await once(thread, 'message', over)) as [Result<Reply, Fault>];
    } catch (error) {
      if (!over.signal.aborted && codeOf(error) !== 'ERR_WORKER_OUT_OF_MEMORY') throw error;
    } finally {
      clearTimeout(timer);
      thread.removeAllListeners('exit');
      if (result === undefined) {
        worker = undefined;
        await thread.terminate();
      }
    }
    return result ?? tooComplex();
  };

  return {
    async verify(task) {
      if (waiting > WAITING_MAX)
        return fail({ code: 'DECIDE_API_RATE_LIMITED', retryAfterSeconds: 1 });
      waiting += 1;
      const answer = last.then(() => runOne(task));
      last = answer.catch(() => undefined);
      try {
        return await answer;
      } finally {
        waiting -= 1;
      }
    },
    async close() {
      await last;
      await worker?.terminate();
    },
  };
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function tooComplex(): Result<never, Fault> {
  return fail({ code: 'DECIDE_API_INVALID_REQUEST', fields: [fieldError('', 'too_complex')] });
}
