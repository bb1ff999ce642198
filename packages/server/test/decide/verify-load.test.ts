import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { openVerifier, type Verifier } from '../../src/doors/verifier.ts';
import { type Answer, at, billing, type Gate, type Members, openGate } from '../harness.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

describe('verifying what strangers hold', () => {
  let gate: Gate;
  afterEach(() => gate.close());

  it('a body that asks for seconds of work keeps nobody waiting for a verdict', async () => {
    gate = await openGate();
    const record = await gate.decide(billing());
    const verify = (record: unknown): Promise<Answer> =>
      gate.send('/api/decision/verify', {
        method: 'POST',
        headers: JSON_TYPE,
        body: JSON.stringify({ record }),
      });
    expect((await verify(record)).body['verified']).toBe(true);
    const big = verify({ ...record, more: Array.from({ length: 1_500_000 }, () => 1) });
    let done = false;
    void big.finally(() => {
      done = true;
    });
    const waits: number[] = [];
    while (!done) {
      const asked = performance.now();
      await gate.decide(billing());
      waits.push(performance.now() - asked);
      await sleep(5);
    }
    const answer = await big;
    expect([answer.status, answer.body['verified']]).toEqual([200, false]);
    // It took much longer than any of those who asked meanwhile, of whom there were many.
    expect(waits.length).toBeGreaterThan(5);
    expect(Math.max(...waits)).toBeLessThan(waits.reduce((sum, wait) => sum + wait, 0) / 2);
  });
});

describe('the thread that verifies', () => {
  let verifier: Verifier;
  afterEach(() => verifier.close());

  const registry: Members = {
    ok: true,
    active_key_id: null,
    key_history_count: 0,
    keys: [],
    revoked_keys: [],
    ledger_keys: [],
  };
  const task = (text: string) =>
    ({ body: Buffer.from(text), registry, environment: 'test' }) as const;

  it('is ended when it takes too long, and the next one is answered by another', async () => {
    verifier = openVerifier(1);
    const slow = await verifier.verify(task('{"record":{}}'));
    expect(slow).toMatchObject({
      ok: false,
      fault: { code: 'DECIDE_API_INVALID_REQUEST', fields: [{ code: 'too_complex' }] },
    });
    await verifier.close();
    verifier = openVerifier();
    const malformed = { ok: false, fault: { code: 'DECIDE_API_INVALID_JSON' } };
    expect(await verifier.verify(task('{"record"'))).toMatchObject(malformed);
    expect(await verifier.verify(task('{"record"'))).toMatchObject(malformed);
  });

  it('says of a mistake of ours that it is one, and goes on', async () => {
    verifier = openVerifier();
    const broken = { ...task('{"record":{}}'), registry: 'none' };
    await expect(verifier.verify(broken)).rejects.toThrow('the key registry');
    expect(await verifier.verify(task('{'))).toMatchObject({ ok: false });
  });

  it('lets only a few wait', async () => {
    verifier = openVerifier();
    const all = await Promise.all(Array.from({ length: 20 }, () => verifier.verify(task('{'))));
    const codes = all.map((one) => at(one, 'fault.code'));
    expect(codes.filter((code) => code === 'DECIDE_API_INVALID_JSON')).toHaveLength(9);
    expect(codes.filter((code) => code === 'DECIDE_API_RATE_LIMITED')).toHaveLength(11);
  });
});
