import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { FromIsolated, IsolatedTask } from './isolated-thread.ts';
import { Turns } from './turns.ts';

/** Longest time one adapter function may run. */
export const EXECUTION_TIMEOUT_MS = 1_000;

/** Longest time its thread may take to start, which on a busy machine is more than a function needs. */
const START_TIMEOUT_MS = 10_000;

/** Threads at once. Each takes half a core and some 5 MiB to start, and one batch may ask for 256. */
export const THREADS_MAX = 2;
const turns = new Turns(THREADS_MAX);
/** Longest time it may wait for its turn. */
const TURN_TIMEOUT_MS = 30_000;

/** Heap of the thread: 28 MiB and 4 MiB, 32 MiB in all. */
const LIMITS = { maxOldGenerationSizeMb: 28, maxYoungGenerationSizeMb: 4, stackSizeMb: 1 };

export type Isolated =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly fault: IsolationFault };

export type IsolationFault = 'execution_failed' | 'execution_timeout' | 'capability_denied';

/**
 * Runs one function of a module once, in a thread of its own that ends with it: without
 * environment, clock, randomness, network, timers or files, within `LIMITS`.
 *
 * `code` is the text of the module; exactly these bytes run. It must not hold the word `import`,
 * not even in a comment: an import cannot be taken away from a running module as a global can.
 */
export async function runIsolated(
  code: string,
  name: string,
  input: IsolatedTask['input'],
): Promise<Isolated> {
  if (/\bimport\b/.test(code)) return { ok: false, fault: 'capability_denied' };
  if (!(await turns.take(TURN_TIMEOUT_MS))) return { ok: false, fault: 'execution_timeout' };
  try {
    return await runInThread({ module: dataUrl(code), name, input });
  } finally {
    turns.giveBack();
  }
}

async function runInThread(task: IsolatedTask): Promise<Isolated> {
  const worker = new Worker(new URL(THREAD), {
    workerData: task,
    env: {},
    execArgv: [],
    argv: [],
    resourceLimits: LIMITS,
    // Nothing is ever read from these; inherited ones would be a way out.
    stdin: false,
    stdout: true,
    stderr: true,
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Isolated>((settle) => {
      const fail = (fault: IsolationFault) => (): void => settle({ ok: false, fault });
      timer = setTimeout(fail('execution_timeout'), START_TIMEOUT_MS);
      worker.once('error', fail('execution_failed'));
      worker.once('messageerror', fail('execution_failed'));
      worker.once('exit', fail('execution_failed'));
      worker.on('message', (message: FromIsolated) => {
        switch (message.kind) {
          case 'started':
            clearTimeout(timer);
            timer = setTimeout(fail('execution_timeout'), EXECUTION_TIMEOUT_MS);
            return;
          case 'returned':
            settle({ ok: true, value: message.value });
            return;
          case 'threw':
            fail('execution_failed')();
            return;
          case 'denied':
            fail('capability_denied')();
        }
      });
    });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

/**
 * The text of a neighbouring module as the engine runs it: as built, or with its types blanked out
 * where the server itself runs from source.
 */
export function moduleText(name: string): string {
  const fromSource = import.meta.url.endsWith('.ts');
  const file = new URL(`./${name}.${fromSource ? 'ts' : 'js'}`, import.meta.url);
  const text = readFileSync(file, 'utf8');
  return fromSource ? stripTypeScriptTypes(text) : text;
}

function dataUrl(code: string): string {
  return `data:text/javascript;base64,${Buffer.from(code, 'utf8').toString('base64')}`;
}

const THREAD = dataUrl(moduleText('isolated-thread'));
