import { afterEach, describe, expect, it } from 'vitest';
import { evidenceOf, failure, found, query } from './evidence-queries.ts';
import { openScenarioGate, type ScenarioGate } from './harness.ts';

let gate: ScenarioGate;
afterEach(() => gate.close());

describe('asking without deciding', () => {
  it('S-128, S-129 it needs no run, and shows hash and anchor but no value', async () => {
    gate = await openScenarioGate();
    const { json } = await query(gate, 'time.after', { timestamp: 1 });
    expect(json).toEqual({
      result: {
        value: null,
        lane: 'verified',
        error: null,
        evidence_hash: {
          algorithm: 'sha256',
          value: 'b5bea41b6c623f7c09f1bf24dcae58ebab3c0cdd90ad966bc43a45b44867e12b',
        },
        evidence_ref: null,
        evidence_anchor: {
          anchor_type: 'trigger_time_unix_millis',
          anchor_value: '1710000000000',
        },
        signature: null,
        content_type: null,
      },
    });
  });

  it('S-128 what the contract forbids is refused, what the provider cannot do is answered', async () => {
    gate = await openScenarioGate();
    const messages = {
      'nobody.now': /^provider_missing: /,
      'time.soon': /^check_missing: /,
      'time.after': /^params_missing: /,
    };
    for (const [check, message] of Object.entries(messages)) {
      const { error } = await query(gate, check as 'time.now');
      expect(error).toMatchObject({ code: -32602, message: expect.stringMatching(message) });
    }
    expect((await query(gate, 'time.after', { timestamp: true })).error).toMatchObject({
      code: -32602,
      message: expect.stringMatching(/^params_invalid: /),
    });
    expect(await found(gate, 'time.after', { timestamp: 'noon' })).toBe(
      failure('invalid rfc3339 timestamp'),
    );
    const foreign = await query(gate, 'time.now', undefined, { tenant_id: 2 });
    expect(foreign).toMatchObject({ status: 403, error: { code: -32003 } });
  });

  it('S-130 a raw value needs both switches', async () => {
    for (const [allowRawValues, requireProviderOptIn, allowRaw, shown] of [
      [true, true, true, true],
      [true, true, false, false],
      [true, false, false, true],
      [false, true, true, false],
      [false, false, true, false],
    ] as const) {
      gate = await openScenarioGate({
        change: (settings) => ({
          ...settings,
          evidence: { allowRawValues, requireProviderOptIn },
          providers: settings.providers.map((one) => ({ ...one, allowRaw })),
        }),
      });
      const { value, content_type, evidence_hash } = await evidenceOf(gate, 'time.now');
      expect([value, content_type]).toEqual(
        shown ? [{ kind: 'json', value: 1_710_000_000_000 }, 'application/json'] : [null, null],
      );
      expect(evidence_hash).not.toBeNull();
      await gate.close();
    }
  });
});
