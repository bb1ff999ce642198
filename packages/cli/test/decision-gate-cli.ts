import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { vi } from 'vitest';
import { addAuthoring } from '../src/decision-gate/authoring.ts';
import { addBroker } from '../src/decision-gate/broker.ts';
import { addConfig } from '../src/decision-gate/config.ts';
import { addDocs } from '../src/decision-gate/docs.ts';
import { addInterop } from '../src/decision-gate/interop.ts';
import { addMcp } from '../src/decision-gate/mcp.ts';
import { languageOf, localize } from '../src/decision-gate/messages.ts';
import { addProvider } from '../src/decision-gate/provider.ts';
import { addRunpack } from '../src/decision-gate/runpack.ts';
import { addSchema } from '../src/decision-gate/schema.ts';
import { addServe } from '../src/decision-gate/serve.ts';
import { addStore } from '../src/decision-gate/store.ts';

const MAIN = fileURLToPath(new URL('../src/decision-gate/main.ts', import.meta.url));

/** The words with which the command line runs from source. */
export const DECISION_GATE: readonly [string, ...string[]] = [
  process.execPath,
  '--conditions=source',
  '--experimental-strip-types',
  '--no-warnings',
  MAIN,
];

/** A program that has not ended by then never would. */
const PATIENCE_MS = 25_000;

export interface Ran {
  /** `null` when it had to be killed. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly cwd?: string;
}

/** Runs a program to its end, its streams being pipes. */
export function run(words: readonly [string, ...string[]], options: RunOptions = {}): Promise<Ran> {
  const [program, ...rest] = words;
  const child = spawn(program, rest, {
    timeout: PATIENCE_MS,
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (text) => (out += text));
  child.stderr.on('data', (text) => (err += text));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input);
  return new Promise((end, fail) => {
    child.on('error', fail);
    child.on('close', (code) => end({ code, out, err }));
  });
}

/** Runs `decision-gate` as it is installed, from source: a process of its own, which takes its time to start. */
export function decisionGate(words: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return run([...DECISION_GATE, ...words], options);
}

/** Writes a file into a folder: a text as it is, anything else as JSON. */
export function fileIn(folder: string, name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

let last: Promise<unknown> = Promise.resolve();

/** The same commands in this process; one after the other, since there is one standard output. */
export function command(...words: readonly string[]): Promise<Ran> {
  const ran = last.then(() => commandNow(words));
  last = ran;
  return ran;
}

/** The program with all its commands. */
export function program(): Command {
  const made = new Command('decision-gate').exitOverride();
  for (const add of [addServe, addConfig, addAuthoring, addProvider, addStore, addRunpack])
    add(made);
  for (const add of [addMcp, addSchema, addDocs, addInterop, addBroker]) add(made);
  made.commands.forEach(function inherit(inner: Command): void {
    inner.copyInheritedSettings(made);
    inner.commands.forEach(inherit);
  });
  return made;
}

async function commandNow(words: readonly string[]): Promise<Ran> {
  const [out, err] = [process.stdout, process.stderr].map((stream) => {
    const said: string[] = [];
    const write = vi
      .spyOn(stream, 'write')
      .mockImplementation((text) => said.push(String(text)) > 0);
    return { said, write };
  });
  let code = 0;
  try {
    const spoken = program();
    localize(spoken, languageOf(words, {}));
    await spoken.parseAsync(words, { from: 'user' });
    code = Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) code = error.exitCode === 0 ? 0 : 2;
    else {
      err?.said.push(`decision-gate: ${error instanceof Error ? error.message : String(error)}\n`);
      code = 1;
    }
  }
  out?.write.mockRestore();
  err?.write.mockRestore();
  process.exitCode = undefined;
  return { code, out: out?.said.join('') ?? '', err: err?.said.join('') ?? '' };
}
