import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type RulebookFixture,
  runRulebookConformance,
  verifyApplicationBinding,
} from '../src/index.ts';
import { answer, impatient, openScripted, refuse, type Scripted } from './scripted.ts';

let server: Scripted;
beforeAll(async () => {
  server = await openScripted();
});
afterAll(() => server.close());

const RECORD = {
  rulebook_contract: { schema_version: 'rulebook_v1' },
  runtime_binding: { binding_mode: 'direct_declarative_rulebook' },
  verdict: 'yes',
  application_verdict: 'APPROVED',
  action: 'act',
  reason_code: 'FINE',
  matched_rule_id: 'rule_1',
  rulebook: { schema_version: 'rulebook_v1', hash: 'a'.repeat(64) },
  input_hash: 'b'.repeat(64),
  rulebook_attestation: { bundle_hash: 'c'.repeat(64), bundle: { outcome: {} } },
};

describe('the materials of an application', () => {
  it('are ten, and each is missed', () => {
    expect(verifyApplicationBinding(RECORD)).toEqual({ verified: true, missing: [] });
    const places = [
      ...Object.keys(RECORD).filter((one) => one !== 'rulebook' && one !== 'rulebook_attestation'),
      'rulebook.hash',
      'rulebook_attestation.bundle_hash',
    ];
    expect(places).toHaveLength(10);
    for (const place of places) {
      const [name = '', inner] = place.split('.');
      for (const nothing of [undefined, null, '', {}]) {
        const value = inner === undefined ? nothing : { [inner]: nothing };
        expect(verifyApplicationBinding({ ...RECORD, [name]: value })).toEqual({
          verified: false,
          missing: [place],
        });
      }
    }
    for (const none of [undefined, null, 'yes', [], {}]) {
      expect(verifyApplicationBinding(none).missing).toHaveLength(10);
    }
  });

  it('do without a rule where the attestation says that none matched', () => {
    const { matched_rule_id: _, ...rest } = RECORD;
    const attested = (outcome: unknown) => ({
      ...rest,
      rulebook_attestation: { ...RECORD.rulebook_attestation, bundle: { outcome } },
    });
    expect(verifyApplicationBinding(attested({ matched_rule_id: null })).verified).toBe(true);
    expect(verifyApplicationBinding(attested({ matched_rule_id: 'rule_1' })).verified).toBe(false);
    expect(verifyApplicationBinding(attested({})).verified).toBe(false);
  });
});

describe('rulebook conformance', () => {
  const fixture = (expected: RulebookFixture['expect']): RulebookFixture => ({
    name: 'first',
    request: { mode: 'rulebook', rulebook: {}, context: { inputs: { a: 1 } } },
    expect: expected,
  });
  const body = { verdict: 'yes', rulebook: { schema_version: 'rulebook_v1' } };

  it('asks twice, and looks at the named members', async () => {
    server.play(answer(200, RECORD_ANSWER));
    const { client } = impatient(server.url);
    const [result] = await runRulebookConformance(client, [fixture({ status: 200, body })]);
    expect(result).toEqual({ name: 'first', ok: true });
    expect(server.seen).toHaveLength(2);
    expect(server.seen[0]?.headers['x-idempotency-key']).toBeUndefined();
    for (const wrong of [
      { status: 422, body },
      { status: 200, body: { verdict: 'no' } },
      { status: 200, body: { rulebook: { schema_version: 'rulebook_v2' } } },
      { status: 200, body: { reason_code: 'OTHER' } },
    ]) {
      const [found] = await runRulebookConformance(client, [fixture(wrong)]);
      expect(found?.ok).toBe(false);
    }
  });

  it('finds a second answer that differs, in the order of members alone', async () => {
    const { client } = impatient(server.url);
    const facts = { x: 1, y: 2 };
    server.play(
      answer(200, { ...RECORD_ANSWER, adapter_facts: facts }),
      answer(200, { ...RECORD_ANSWER, adapter_facts: { y: 2, x: 1 } }),
    );
    const [result] = await runRulebookConformance(client, [fixture({ status: 200, body })]);
    expect(result).toMatchObject({ ok: false, detail: 'adapter_facts differs the second time' });
    // Each decision has an id of its own.
    server.play(
      answer(200, { ...RECORD_ANSWER, decision_id: 'dec_1' }),
      answer(200, { ...RECORD_ANSWER, decision_id: 'dec_2' }),
    );
    const [other] = await runRulebookConformance(client, [fixture({ status: 200, body })]);
    expect(other?.ok).toBe(true);
  });

  it('takes a refusal for an answer, and silence for none', async () => {
    const { client } = impatient(server.url, { retry: { retriesMax: 0 } });
    server.play(refuse(422, 'RULEBOOK_INVALID', false));
    const refused = fixture({ status: 422, body: { error: 'RULEBOOK_INVALID' } });
    expect(await runRulebookConformance(client, [refused])).toEqual([{ name: 'first', ok: true }]);
    server.play((response) => response.destroy());
    const [result] = await runRulebookConformance(client, [refused]);
    expect(result?.ok).toBe(false);
  });

  it('of lists of faults looks for the named ones, of lists of names at all of them in order', async () => {
    const { client } = impatient(server.url);
    const errors = [
      { field: 'a', code: 'unknown_field', message: 'x' },
      { field: 'b', code: 'required', message: 'y' },
    ];
    server.play(answer(422, { ok: false, errors, forbidden_fields: ['p', 'q'] }));
    const holds = async (members: Readonly<Record<string, unknown>>): Promise<boolean> => {
      const [found] = await runRulebookConformance(client, [
        fixture({ status: 422, body: members }),
      ]);
      return found?.ok === true;
    };
    expect(await holds({ errors: [{ field: 'b', code: 'required' }] })).toBe(true);
    expect(await holds({ errors: [{ field: 'b', code: 'unknown_field' }] })).toBe(false);
    expect(await holds({ forbidden_fields: ['p', 'q'] })).toBe(true);
    expect(await holds({ forbidden_fields: ['q', 'p'] })).toBe(false);
    expect(await holds({ forbidden_fields: ['p'] })).toBe(false);
  });
});

const RECORD_ANSWER = { ...RECORD, engine: 'decide_rulebook_v1' };
