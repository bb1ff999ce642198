// Small helpers of the scripts: run a program of this project's own node_modules and fail with it.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs `command` with its output shown; resolves to its exit code. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', cwd: root, ...options });
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => child.kill(signal));
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
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

export function build() {
  return run(tool('tsc'), ['--build']);
}
