// Small helpers of the scripts: run a program of this project's own node_modules and fail with it.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs `command` with its output shown; resolves to its exit code. `onError` hears its error stream, if that is piped. */
export function run(command, args, { onError, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', cwd: root, ...options });
    child.stderr?.setEncoding('utf8').on('data', onError);
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => child.kill(signal));
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
  });
}

/** Runs tests: those that start programs from source keep what was stripped and compiled once. */
export function vitest(args, options = {}) {
  const NODE_COMPILE_CACHE = join(root, 'node_modules', '.cache', 'node');
  return run(tool('vitest'), ['run', ...args], {
    ...options,
    env: { ...process.env, NODE_COMPILE_CACHE },
  });
}

/** Path of a program that a dependency brings along. */
export function tool(name) {
  return join(root, 'node_modules', '.bin', name);
}

/** Runs `node` on a file of this project. */
export function node(args, options) {
  return run(process.execPath, args, options);
}

/** Runs steps one after the other and stops at the first that fails. */
export async function steps(list) {
  for (const [what, step] of list) {
    process.stderr.write(`\n── ${what}\n`);
    const code = await step();
    if (code !== 0) {
      process.stderr.write(`\n${what}: failed\n`);
      process.exit(code);
    }
  }
}

/** Compiles the packages, then builds the pages that the server serves. */
export async function build() {
  const compiled = await run(tool('tsc'), ['--build']);
  return compiled === 0 ? buildPages() : compiled;
}

const PAGES = 'packages/server/pages';
/** What the pages are made of. */
const PAGE_SOURCES = ['console', 'verify', 'proof', 'policy'].map((name) => `packages/${name}`);

/** Builds the pages unless they are younger than everything that they are made of. */
async function buildPages() {
  const built = join(root, PAGES, 'countersign-verifier.html');
  const age = (file) => statSync(file).mtimeMs;
  const sources = PAGE_SOURCES.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => !/[/\\](?:lib|test|dist|node_modules)[/\\]|\.tsbuildinfo$/.test(file)),
  );
  if (existsSync(built) && sources.every((file) => age(file) < age(built))) return 0;
  return node(['packages/console/build.mjs', PAGES]);
}
