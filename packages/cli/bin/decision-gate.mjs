#!/usr/bin/env node
// Runs the command. In a checkout, its scripts first see to what is missing: a build, or a Node that is new enough.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const program = new URL('../lib/decision-gate/main.js', import.meta.url);
const bootstrap = new URL('../../../scripts/bootstrap.mjs', import.meta.url);
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const isSupported = major > 22 || (major === 22 && minor >= 14);

if (isSupported && existsSync(program)) {
  await import(program.href);
} else if (existsSync(bootstrap)) {
  const script = fileURLToPath(bootstrap);
  const words = [script, 'scripts/decision-gate.mjs', ...process.argv.slice(2)];
  const child = spawn(process.execPath, words, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => process.exit(code ?? 1));
} else {
  console.error(`decision-gate needs Node 22.14 or later; this is ${process.versions.node}`);
  process.exit(1);
}
