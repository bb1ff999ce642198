import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { message, sharedDoor } from './door.ts';

const door = sharedDoor();
const PER_SECOND = 20;
const CALLS = 120;
const P95_MS_MAX = 250;

describe('a decision', () => {
  it('C-88 takes at most a quarter of a second in 95 of 100 calls, at 20 a second', async () => {
    const request = message(
      `${'The samples should be here by the middle of the month; Dana looks at the colours. '.repeat(24)}`,
    );
    // What is read at the first use is read before.
    await door.decide(request);
    const startedAt = performance.now();
    const calls = Array.from({ length: CALLS }, async (_, at) => {
      const due = startedAt + (at * 1000) / PER_SECOND;
      await pause(Math.max(0, due - performance.now()));
      expect((await door.post('/v1/decisions', request)).status).toBe(201);
      // Measured from when it was due: a queue is part of the answer's time.
      return performance.now() - due;
    });
    const times = (await Promise.all(calls)).toSorted((a, b) => a - b);
    expect(times[Math.floor(CALLS * 0.95)]).toBeLessThanOrEqual(P95_MS_MAX);
  });
});
