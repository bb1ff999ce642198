import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { billing, type Gate, KEY, openGate } from '../harness.ts';

let gate: Gate;

beforeAll(async () => {
  gate = await openGate({
    extend: (app) => {
      app.post('/echo', (request, reply) => reply.type('application/json').send(request.body));
    },
  });
});
afterAll(() => gate.close());

const PER_SECOND = 100;
const SECONDS = 4;
/** 50 ms where an echo takes 2 ms: whatever else keeps the machine busy keeps both waiting. */
const TIMES_AN_ECHO = 25;

/** Milliseconds from when a call was due to when it was answered. */
async function took(path: string, due: number, body: string): Promise<number> {
  const headers = { 'x-api-key': KEY, 'content-type': 'application/json' };
  const answer = await gate.send(path, { method: 'POST', headers, body });
  expect(answer.status).toBe(200);
  return performance.now() - due;
}

/** Decisions at their times, whether or not earlier ones are answered; after every other one an echo. */
async function run(seconds: number): Promise<{ decide: number[]; echo: number[] }> {
  const running: { decide: Promise<number>[]; echo: Promise<number>[] } = { decide: [], echo: [] };
  const body = JSON.stringify(billing());
  const started = performance.now();
  const step = 1_000 / PER_SECOND;
  for (let call = 0; call < seconds * PER_SECOND; call += 1) {
    const due = started + call * step;
    await until(due);
    running.decide.push(took('/api/decide', due, body));
    if (call % 2 === 0) continue;
    await until(due + step / 2);
    running.echo.push(took('/echo', due + step / 2, body));
  }
  return { decide: await Promise.all(running.decide), echo: await Promise.all(running.echo) };
}

async function until(due: number): Promise<void> {
  const wait = due - performance.now();
  if (wait > 0) await sleep(wait);
}

function p95(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.95) - 1] ?? Number.NaN;
}

it('D-118 at 100 a second, append included, 95 of 100 decisions take less than 25 echoes of the same run', async () => {
  await run(1);
  const before = await gate.size();
  const { decide, echo } = await run(SECONDS);
  // Every answer is of a decision that is on disk.
  expect(await gate.size()).toBe(before + SECONDS * PER_SECOND);
  expect(p95(decide)).toBeLessThan(TIMES_AN_ECHO * p95(echo));
}, 30_000);
