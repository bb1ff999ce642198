import { parseJson } from '@countersign/proof';
import { parseRegistry, verifyFile } from '@countersign/verify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  billing,
  type Gate,
  listAt,
  type Members,
  once,
  openGate,
  pathOf,
} from '../../server/test/harness.ts';
import { placeOf } from '../src/design/json-text.ts';
import { experimentsOf, isApplied, toggled } from '../src/playground/experiments.ts';
import { PACKET_MEANINGS, RECORD_MEANINGS } from '../src/verify/meanings.ts';
import { readTrust } from '../src/verify/trust-text.ts';

let gate: Gate;
let registry: string;
beforeAll(async () => {
  gate = await openGate();
  registry = (await gate.get('/api/decision/receipt-keys')).text;
});
afterAll(() => gate.close());

describe('the experiments of the playground', () => {
  it('do what they say on every template: what is missing waits, what is wrong is refused', async () => {
    const { body } = await gate.get('/api/decision/policy-patterns');
    const patterns = listAt(body, 'patterns');
    expect(patterns.length).toBeGreaterThanOrEqual(6);
    for (const pattern of patterns) {
      const template = pattern['decision_request_template'] as Members;
      const verdicts = new Set<unknown>();
      for (const experiment of experimentsOf(pattern)) {
        const request = toggled(template, template, experiment);
        expect(isApplied(request, experiment)).toBe(true);
        expect(isApplied(template, experiment)).toBe(false);
        const { field, value = 'left_out' } = experiment;
        const what = `${String(pattern['policy_id'])}.${field}.${value}`;
        const { verdict } = await gate.decide(request, once(what));
        expect(verdict, what).toBe(experiment.value === undefined ? 'review' : 'no');
        verdicts.add(verdict);
        const back = toggled(request, template, experiment);
        expect(JSON.stringify(back)).toBe(JSON.stringify(template));
      }
      expect(verdicts).toEqual(new Set(['review', 'no']));
    }
  });

  it('fall back to leaving out what an unknown template needs', () => {
    expect(
      experimentsOf({ policy_id: 'own_gate', required_context_fields: ['workflow', 'amount'] }),
    ).toEqual([{ field: 'workflow' }, { field: 'amount' }]);
  });
});

describe('the meanings of checks', () => {
  it('are there for each check, and for no other', async () => {
    const decided = await gate.decide(billing());
    const packet = (await gate.get(pathOf(decided, '/packet'))).text;
    const { result } = verifyFile(packet, { trust: {} });
    if ('kind' in result) throw new Error('not readable');
    const sorted = (names: object): string[] => Object.keys(names).toSorted();
    expect(sorted(PACKET_MEANINGS)).toEqual(sorted(result.checks));
    expect(sorted(RECORD_MEANINGS)).toEqual(sorted(result.record?.checks ?? {}));
  });
});

describe('a text with keys', () => {
  const keys = (): { pem: string; ledger: string } => {
    const read = parseJson(registry, { depthMax: 64 });
    if (!read.ok) throw new Error('no registry');
    return {
      pem: String(listAt(read.value, 'keys')[0]?.['public_key']),
      ledger: String(listAt(read.value, 'ledger_keys')[0]?.['verifier_key']),
    };
  };

  it('may be a registry', () => {
    const read = readTrust(`\n${registry}`);
    expect(read).toMatchObject({ ok: true, trust: { registry: {} } });
    expect(read.says).toBe('You trust a registry of 1 receipt key and 1 ledger key.');
  });

  it('may be a PEM key, a ledger key, or both in any order', () => {
    const { pem, ledger } = keys();
    expect(readTrust(pem)).toMatchObject({ ok: true, trust: { publicKey: {} } });
    expect(readTrust(ledger)).toMatchObject({ ok: true, trust: { ledgerKey: {} } });
    for (const both of [`${pem}\n${ledger}`, `${ledger}\r\n${pem}\r\n`]) {
      expect(readTrust(both)).toMatchObject({ ok: true, trust: { publicKey: {}, ledgerKey: {} } });
    }
  });

  it('may be empty, and then trusts nobody', () => {
    expect(readTrust(' \n')).toMatchObject({ ok: true, trust: {} });
  });

  it.each([
    ['a word', 'hello'],
    ['half a key', '-----BEGIN PUBLIC KEY-----\nMCow'],
    ['another kind of key', '-----BEGIN PUBLIC KEY-----\nMIGfMA0G\n-----END PUBLIC KEY-----'],
    ['JSON that is no registry', '{"keys": "none"}'],
    ['a registry with a member twice', '{"keys": [], "keys": []}'],
  ])('is refused when it is %s', (_what, text) => {
    expect(readTrust(text).ok).toBe(false);
  });

  it('is refused with a third thing in it', () => {
    const { pem, ledger } = keys();
    expect(readTrust(`${pem}\n${ledger}\nhello`).ok).toBe(false);
    expect(readTrust(`${pem}\n${pem}`).ok).toBe(false);
  });

  it('is refused as a whole when one key of a registry is damaged', () => {
    const parsed = parseRegistry(JSON.parse(registry));
    expect(parsed.ok).toBe(true);
    expect(readTrust(registry.replace('"not_before":"2', '"not_before":"x2')).ok).toBe(false);
  });
});

describe('a place in a text', () => {
  it.each([
    ['', 0, { line: 1, column: 1 }],
    ['{\n "a"', 3, { line: 2, column: 2 }],
    ['{\n', 2, { line: 2, column: 1 }],
  ])('%j at %d', (text, offset, place) => {
    expect(placeOf(text, offset)).toEqual(place);
  });
});
