import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { quickstartSettings } from '../../src/scenario-config.ts';
import type { ScenarioSettings } from '../../src/service/scenario/settings.ts';

const PROGRAM = fileURLToPath(new URL('./serve-child.ts', import.meta.url));

/** A scenario door in a process of its own. */
export interface Child {
  readonly process: ChildProcessWithoutNullStreams;
  /** What it has written so far. */
  output(): Buffer;
  errors(): string;
  /** Resolves once `holds` does. */
  until(holds: () => boolean): Promise<void>;
  /** Its exit code. */
  readonly exit: Promise<number | null>;
  remove(): void;
}

/** Starts it in Quickstart-Dev form, with stores in memory. */
export function startChild(server: Partial<ScenarioSettings['server']>): Child {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-child-'));
  const base = quickstartSettings(directory);
  const settings: ScenarioSettings = {
    ...base,
    server: { ...base.server, bind: { host: '127.0.0.1', port: 0 }, ...server },
  };
  const child = spawn(process.execPath, [
    '--conditions=source',
    '--disable-warning=ExperimentalWarning',
    PROGRAM,
    JSON.stringify(settings),
  ]);
  const written = { output: [] as Buffer[], errors: [] as Buffer[] };
  child.stdout.on('data', (bytes: Buffer) => written.output.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => written.errors.push(bytes));
  const output = (): Buffer => Buffer.concat(written.output);
  const errors = (): string => Buffer.concat(written.errors).toString();
  const exit = once(child, 'close').then(([code]) => code as number | null);
  let gone = false;
  void exit.then(() => {
    gone = true;
  });
  return {
    process: child,
    output,
    errors,
    exit,
    async until(holds) {
      while (!holds()) {
        if (gone) throw new Error(`the child has ended: ${errors()}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    remove() {
      child.kill('SIGKILL');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The bodies of frames that follow each other and nothing else. */
export function framesIn(output: Buffer): string[] {
  const frames: string[] = [];
  let rest = output;
  while (rest.length > 0) {
    const header = /^Content-Length: (\d+)\r\n\r\n/.exec(rest.toString('latin1'));
    if (header === null) throw new Error(`no frame begins at ${rest.toString().slice(0, 80)}`);
    const end = header[0].length + Number(header[1]);
    if (rest.length < end) break;
    frames.push(rest.subarray(header[0].length, end).toString());
    rest = rest.subarray(end);
  }
  return frames;
}

export function frame(message: unknown): string {
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  return `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}
