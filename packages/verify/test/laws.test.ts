import { isMembers } from '@countersign/proof';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseRegistry,
  type Verification,
  verifyFile,
  verifyLedgerProof,
  verifyPacket,
  verifyRecord,
} from '../src/index.ts';
import { inputOf, type Json, recordContentOf, sealRecordOf, workedExample } from './example.ts';
import { PINNED, REGISTRY, registryTrust } from './trusts.ts';

const { record, envelope } = workedExample();

/** A place in a JSON value: steps are taken modulo what is there. */
const place = fc.array(fc.nat(40), { minLength: 1, maxLength: 6 });
const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom('\ud800', '__proto__', 'constructor', -0, 1e300, '', [], {}, null),
);

/** The value with something else in one place. */
function replaced(value: unknown, steps: readonly number[], by: unknown): unknown {
  const [step, ...rest] = steps;
  if (step === undefined || typeof value !== 'object' || value === null) return by;
  const names = Object.keys(value);
  const name = names[step % names.length];
  if (name === undefined) return by;
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Json;
  copy[name] = replaced(copy[name], rest, by);
  return copy;
}

function isAnswer(result: Verification): boolean {
  return (
    result.ok === result.verified &&
    // What is verified has nothing against it.
    (!result.verified || (result.failures.length === 0 && result.error === undefined)) &&
    (!result.verified || result.public_verified) &&
    result.verified === (result.integrity_valid && result.authenticity_valid) &&
    Object.values(result.checks).every((check) => check === null || typeof check === 'boolean')
  );
}

const TRUSTS = [PINNED, registryTrust(REGISTRY), {}];
const trusts = fc.constantFrom(...TRUSTS);

describe('whatever the file, there is an answer', () => {
  it('for values of any kind', () => {
    fc.assert(
      fc.property(fc.jsonValue(), trusts, (value, trust) => {
        expect(isAnswer(verifyRecord({ record: value, input: value, trust }))).toBe(true);
        expect(isAnswer(verifyPacket({ file: value, trust, replay: true }))).toBe(true);
        expect(verifyRecord({ record: value, trust }).verified).toBe(false);
        expect(verifyLedgerProof({ subject: value, ledgerProof: value, trust }).ok).toBe(false);
        expect(parseRegistry(value).ok).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it('for records and packets with something else in one place, and then they are not verified', () => {
    fc.assert(
      fc.property(place, odd, trusts, (steps, by, trust) => {
        const changed = replaced(record, steps, by);
        const whole = replaced(envelope, steps, by);
        const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
        const ofRecord = verifyRecord({ record: changed, trust });
        expect(isAnswer(ofRecord)).toBe(true);
        if (!isSame(changed, record)) expect(ofRecord.verified).toBe(false);
        const ofPacket = verifyPacket({ file: whole, trust, replay: true, checkpoint: '' });
        expect(isAnswer(ofPacket)).toBe(true);
        expect(ofPacket.verified).toBe(false);
        if (isMembers(whole) && !isSame(whole['packet'], envelope['packet'])) {
          expect(verifyPacket({ file: whole, trust }).verified).toBe(false);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('for nesting that would exhaust the stack', () => {
    let deep: unknown = 'x';
    for (let i = 0; i < 20_000; i++) deep = [deep];
    const trust = PINNED;
    for (const value of [deep, { ...record, route: deep }]) {
      expect(verifyRecord({ record: value, trust }).error?.code).toBe('DECIDE_VERIFY_UNREADABLE');
    }
    for (const file of [deep, { ...envelope, packet: { ...envelope['packet'], keys: deep } }]) {
      expect(verifyPacket({ file, trust }).error?.code).toBe('DECIDE_VERIFY_UNREADABLE');
    }
    const given = verifyRecord({ record, input: deep, policy: deep, trust });
    expect(given.failures).toEqual(['input_hash', 'policy_hash']);
    expect(verifyLedgerProof({ subject: { ...record, route: deep }, trust }).ok).toBe(false);
  });

  it('for texts of any kind', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), (noise, at) => {
        const text = JSON.stringify(envelope);
        const place = at % text.length;
        const spliced = text.slice(0, place) + noise + text.slice(place + noise.length);
        const { exit, result } = verifyFile(spliced, { trust: PINNED });
        expect(exit === 0).toBe(result.verified);
        // `ok` and whatever else stands in the envelope is nobody's statement; the packet is.
        if (exit === 0) expect(packetIn(spliced)).toBe(packetIn(text));
      }),
      { numRuns: 60 },
    );
  });
});

function packetIn(text: string): string {
  return JSON.stringify((JSON.parse(text) as Json)['packet']);
}

describe('`verified` implies `public_verified`', () => {
  /** Contents that our key would have signed, public form or not. */
  const content = fc
    .record({
      action: fc.constantFrom('approve_discount', ' approve', 'a'.repeat(141)),
      verdict: fc.constantFrom('yes', 'YES', 'approved'),
      codes: fc.array(fc.constantFrom('A_CODE', '', ' B_CODE'), { maxLength: 34 }),
      sources: fc.array(fc.record({ id: fc.string() }), { maxLength: 18 }),
      runtime: fc.dictionary(fc.constantFrom('a', 'b', '7'), fc.constantFrom('', 'x', null)),
      environment: fc.option(fc.constantFrom('test', ''), { nil: undefined }),
    })
    .map(({ codes, sources, runtime, environment, ...rest }) => {
      const base = recordContentOf();
      return {
        ...base,
        ...rest,
        ...(environment === undefined ? {} : { environment }),
        evidence: codes,
        evidence_manifest: { codes, sources },
        runtime_binding: { ...base['runtime_binding'], ...runtime },
      };
    });

  it('for whatever our key signed', () => {
    fc.assert(
      fc.property(content, trusts, fc.boolean(), (made, trust, withInput) => {
        const input = withInput ? inputOf() : undefined;
        const result = verifyRecord({ record: sealRecordOf(made), input, trust });
        expect(isAnswer(result)).toBe(true);
      }),
      { numRuns: 80 },
    );
  });

  it('and the law is not empty', () => {
    expect(verifyRecord({ record, trust: PINNED })).toMatchObject({
      verified: true,
      public_verified: true,
    });
  });
});
