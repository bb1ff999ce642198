import { Worker } from 'node:worker_threads';
import type { Draft } from '../service/ledger-writer.ts';
import type { PlacedResult } from '../service/placed.ts';
import type { DatabaseOptions } from './database.ts';

/** What the writer's thread is told at its start. */
export interface ThreadOptions {
  readonly databaseFile: string;
  readonly keyDirectory: string;
  readonly database?: DatabaseOptions | undefined;
  /** Milliseconds added after each commit: makes a fast disk behave like a slow one in measurements. */
  readonly commitDelayMs?: number | undefined;
}

export type ToThread =
  | { readonly kind: 'write'; readonly id: number; readonly drafts: readonly Draft[] }
  | { readonly kind: 'close' };
export type FromThread =
  | { readonly kind: 'open'; readonly size: number }
  | { readonly kind: 'damaged'; readonly what: string }
  | { readonly kind: 'written'; readonly id: number; readonly results: readonly PlacedResult[] };

/** The writer in its own thread: signing, hashing and committing use another core than the requests do. */
export interface WriterThread {
  /** Entries in the ledger when it was opened. */
  readonly sizeAtOpen: number;
  write(drafts: readonly Draft[]): Promise<readonly PlacedResult[]>;
  close(): Promise<void>;
}

/** Tests run from source; the thread then resolves the other packages to their sources as well. */
const FROM_SOURCE = import.meta.url.endsWith('.ts');
const THREAD_FILE = FROM_SOURCE ? './thread-main.ts' : './thread-main.js';
const THREAD_FLAGS = FROM_SOURCE ? ['--conditions=source', '--experimental-strip-types'] : [];

/**
 * Starts the thread; resolves once it has opened and checked the ledger, rejects when that is damaged. One that ends by
 * itself (it ran out of memory, or a mistake of ours) is replaced by the next write, through the same check.
 */
export async function startWriterThread(options: ThreadOptions): Promise<WriterThread> {
  let running = await startOnce(options);
  let closed = false;
  return {
    sizeAtOpen: running.sizeAtOpen,
    async write(drafts) {
      if (closed) return [];
      // There is one write at a time, so there is one replacement at a time.
      if (running.hasEnded()) running = await startOnce(options);
      return running.write(drafts);
    },
    close() {
      closed = true;
      return running.close();
    },
  };
}

interface OneThread extends WriterThread {
  readonly hasEnded: () => boolean;
}

async function startOnce(options: ThreadOptions): Promise<OneThread> {
  const worker = new Worker(new URL(THREAD_FILE, import.meta.url), {
    workerData: options,
    execArgv: THREAD_FLAGS,
    // A batch is short-lived: a small young generation keeps the thread's memory where it is.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  });
  const waiting = new Map<number, (results: readonly PlacedResult[]) => void>();
  let ended = false;
  const exited = new Promise<void>((done) => {
    worker.once('exit', () => {
      ended = true;
      // Whoever waits is told «no answer»: an empty result is «unavailable» for every draft.
      for (const answer of waiting.values()) answer([]);
      waiting.clear();
      done();
    });
  });
  const sizeAtOpen = await new Promise<number>((open, refuse) => {
    worker.once('error', refuse);
    worker.once('exit', (code) => refuse(new Error(`the writer stopped with code ${code}`)));
    worker.on('message', (message: FromThread) => {
      if (message.kind === 'open') open(message.size);
      else if (message.kind === 'damaged') refuse(new Error(message.what));
      else {
        waiting.get(message.id)?.(message.results);
        waiting.delete(message.id);
      }
    });
  }).catch(async (error: unknown) => {
    // One that found damage would wait for drafts, and keep the process.
    await worker.terminate();
    throw error;
  });
  let next = 0;
  return {
    sizeAtOpen,
    hasEnded: () => ended,
    write(drafts) {
      if (ended) return Promise.resolve([]);
      const id = next;
      next += 1;
      return new Promise((answer) => {
        waiting.set(id, answer);
        worker.postMessage({ kind: 'write', id, drafts } satisfies ToThread);
      });
    },
    async close() {
      if (!ended) worker.postMessage({ kind: 'close' } satisfies ToThread);
      await exited;
    },
  };
}
