import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  at,
  billing,
  editRecord,
  executed,
  type Gate,
  type Members,
  openGate,
  outcome,
  pathOf,
  tamper,
} from '../harness.ts';

let gate: Gate;
/** Another issuer, whose keys the first does not know. */
let stranger: Gate;

beforeAll(async () => {
  gate = await openGate();
  stranger = await openGate();
});
afterAll(async () => {
  await gate.close();
  await stranger.close();
});

/** Posts to the public route, with no key. */
async function verify(body: unknown): Promise<{ readonly status: number; readonly body: Members }> {
  return gate.send('/api/decision/verify', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** A decision with a receipt and an outcome. */
async function carriedOut(): Promise<Members> {
  const record = await gate.decide(billing());
  await gate.post(pathOf(record, '/execution'), executed(record));
  await gate.post(pathOf(record, '/outcome'), outcome(record));
  return record;
}

describe('verification', () => {
  it('D-74 a record whose only key is its own is whole and not verified', async () => {
    const record = await stranger.decide(billing());
    const { status, body } = await verify({ record });
    expect(status).toBe(200);
    expect(body).toMatchObject({ integrity_valid: true, verified: false, key_source: 'record' });
    expect(at(body, 'checks.receipt_key_trusted')).toBe(false);
    const own = await verify({ record: await gate.decide(billing()) });
    expect(own.body).toMatchObject({ integrity_valid: true, verified: true });
  });

  it('D-75 the verify address says true with every check; an edited row in the store makes it false', async () => {
    const record = await gate.decide(billing());
    const { status, body } = await gate.get(String(record['verify_url']));
    expect(status).toBe(200);
    expect(body).toMatchObject({ ok: true, verified: true, public_verified: true, failures: [] });
    const required = [
      ...['decision_protocol_version', 'decision_record_version', 'record_complete'],
      ...['public_form', 'content_hash', 'record_hash', 'receipt_hash', 'receipt_signature'],
      ...['receipt_public_key_fingerprint', 'receipt_key_trusted', 'integrity_record_hash'],
      ...['integrity_policy_bundle_hash', 'alias_consistency', 'action_binding_hash'],
      ...['evidence_manifest_hash', 'output_hash', 'evidence_consistency'],
      ...['verdict_consistency', 'input_hash', 'not_revoked'],
    ];
    for (const name of required) expect(at(body, `checks.${name}`), name).toBe(true);

    editRecord(
      gate.directory,
      record,
      '"mutation":"discount.create"',
      '"mutation":"discount.double"',
    );
    const edited = await gate.get(String(record['verify_url']));
    expect(edited.body).toMatchObject({ ok: false, verified: false });
    for (const name of ['content_hash', 'record_hash', 'action_binding_hash']) {
      expect(at(edited.body, `checks.${name}`), name).toBe(false);
    }
  });

  it('an edited input in the store is seen as well', async () => {
    const record = await gate.decide(billing());
    const sql = 'UPDATE inputs SET input = replace(input, ?, ?) WHERE seq = ?';
    tamper(
      gate.directory,
      sql,
      '"discount_percent":15',
      '"discount_percent":14',
      at(record, 'ledger.seq'),
    );
    const { body } = await gate.get(String(record['verify_url']));
    expect(body).toMatchObject({
      verified: false,
      checks: { input_hash: false, record_hash: true },
    });
  });

  it('D-76 records, packets and packet answers verify without a key; the caller’s own key is diagnostic', async () => {
    const record = await carriedOut();
    const { body: envelope } = await gate.get(pathOf(record, '/packet?include_input=true'));
    const whole = await verify({ record });
    expect(whole.body).toMatchObject({ verified: true, public_verified: true });
    const withInput = await verify({ record, input: billing() });
    expect(withInput.body).toMatchObject({ verified: true, checks: { input_hash: true } });
    const otherInput = await verify({ record, input: billing({ discount_percent: 16 }) });
    expect(otherInput.body).toMatchObject({ verified: false, checks: { input_hash: false } });

    const answer = await verify(envelope);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ verified: true, public_verified: true });
    expect(at(answer.body, 'checks.packet_signature')).toBe(true);
    // A bare packet has lost its signature: nothing in it is wrong, and it is not verified.
    const bare = await verify({ packet: envelope['packet'] });
    expect(bare.status).toBe(200);
    expect(bare.body).toMatchObject({ verified: false, public_verified: true });
    expect(at(bare.body, 'checks.packet_signature')).toBeNull();
    const edited = { ...envelope, packet: { ...(envelope['packet'] as Members), executions: [] } };
    const cut = await verify(edited);
    expect(cut.body).toMatchObject({ verified: false, public_verified: false });

    const foreign = await stranger.decide(billing());
    const claimed = await verify({ record: foreign, public_key: foreign['receipt_public_key'] });
    expect(claimed.body).toMatchObject({ verified: false, key_source: 'request_body' });
  });

  it('a view that is not full cannot be verified, and a body without either is refused', async () => {
    for (const view of ['minimal', 'standard']) {
      const record = await gate.decide(billing(), { 'x-decision-response-view': view });
      const { status, body } = await verify({ record });
      expect([status, body['error']]).toEqual([422, 'DECIDE_VERIFY_VIEW_INCOMPLETE']);
      expect(body).not.toHaveProperty('verified');
    }
    expect((await verify({})).status).toBe(422);
    expect((await verify({ record: 'text' })).status).toBe(422);
  });

  it('takes bodies that are larger and deeper than those of other routes', async () => {
    const record = await gate.decide(billing());
    const deep = JSON.parse(`${'['.repeat(50)}1${']'.repeat(50)}`) as unknown;
    const { status, body } = await verify({ record, input: { deep, text: 'x'.repeat(300_000) } });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      verified: false,
      checks: { input_hash: false, record_hash: true },
    });
  });
});
