import type { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { runIsolated, THREADS_MAX } from '../../src/adapters/isolate.ts';

/** Runs one function body in a thread of its own. */
function run(body: string, input: Readonly<Record<string, unknown>> = {}) {
  return runIsolated(`export const functions = { f: { run(input) { ${body} } } };`, 'f', input);
}

const denied = { ok: false, fault: 'capability_denied' };
const failed = { ok: false, fault: 'execution_failed' };

describe('a function in its own thread', () => {
  it('gets its input and gives its value', async () => {
    expect(await run('return { twice: Math.round(input.n * 2) };', { n: 21 })).toEqual({
      ok: true,
      value: { twice: 42 },
    });
  });

  it('has no memory of an earlier run', async () => {
    const body = 'globalThis.count = (globalThis.count ?? 0) + 1; return globalThis.count;';
    expect(await run(body)).toEqual({ ok: true, value: 1 });
    expect(await run(body)).toEqual({ ok: true, value: 1 });
  });

  it.each([
    'process.env',
    'globalThis.process',
    'fetch("http://127.0.0.1")',
    'setTimeout(() => {}, 1)',
    'queueMicrotask(() => {})',
    'new Date()',
    'performance.now()',
    'Math.random()',
    'crypto.getRandomValues(new Array(1))',
    'WebAssembly.validate',
    'new Intl.DateTimeFormat()',
    'Promise.resolve()',
    'new SharedArrayBuffer(8)',
    'new MessageChannel()',
    'console.log("x")',
    'Buffer.from("x")',
    'eval("1")',
    'Function("return 1")',
    '(() => {}).constructor("return 1")',
    '(async () => {}).constructor',
    '[].map.constructor("return process")()',
    'navigator.hardwareConcurrency',
    'structuredClone(1)',
    'process = 1',
    'import("node:fs")',
    'import.meta.url',
  ])('is denied %s', async (expression) => {
    expect(await run(`${expression}; return {};`)).toEqual(denied);
  });

  it('is denied also where it swallows the refusal', async () => {
    expect(await run('try { Date.now(); } catch {} return {};')).toEqual(denied);
  });

  it.each([
    'throw new Error("x");',
    'require("fs");',
    'return () => {};',
    'const f = () => f(); f();',
  ])('fails: %s', async (body) => {
    expect(await run(body)).toEqual(failed);
  });

  it('fails where the module cannot be read or has no such function', async () => {
    expect(await runIsolated('export const functions = {', 'f', {})).toEqual(failed);
    expect(await runIsolated('export const functions = {};', 'f', {})).toEqual({
      ok: true,
      value: undefined,
    });
  });

  it('fails where it wants more memory than it has', async () => {
    const body = 'const kept = []; for (;;) kept.push(new Array(10_000).fill(kept.length));';
    expect(await run(body)).toEqual(failed);
  });

  it('starts when there is room: many at once are few at a time', async () => {
    let [alive, most] = [0, 0];
    const count = (worker: Worker): void => {
      alive += 1;
      most = Math.max(most, alive);
      worker.once('exit', () => {
        alive -= 1;
      });
    };
    process.on('worker', count);
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => run('return input.n;', { n })),
    );
    process.off('worker', count);
    expect(answers).toEqual(answers.map((_, n) => ({ ok: true, value: n })));
    expect(most).toBe(THREADS_MAX);
  });

  it('is ended after a second', async () => {
    const begun = performance.now();
    expect(await run('for (;;);')).toEqual({ ok: false, fault: 'execution_timeout' });
    expect(performance.now() - begun).toBeGreaterThan(990);
  });
});
