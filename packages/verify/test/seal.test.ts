import {
  type ContentTexts,
  canonicalJson,
  type Members,
  receiptHash,
  receiptMessage,
  recordContentHash,
  recordHash,
  recordSubject,
  sealRecord,
  sha256Hex,
  signedRecordText,
  sortedJson,
} from '@countersign/proof';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifyRecord } from '../src/index.ts';
import { type Json, OURS, recordContentOf, workedExample } from './example.ts';
import { PINNED } from './trusts.ts';

/** The writer takes versions and the runtime binding apart from the rest. */
function split(content: Json): { texts: ContentTexts; runtime: Record<string, string> } {
  const { runtime_binding, decision_protocol_version, decision_record_version, ...rest } = content;
  expect([decision_protocol_version, decision_record_version]).not.toContain(undefined);
  const { content_canonicalization: _, ...runtime } = runtime_binding as Json;
  const textsOf = (members: Json): Record<string, string> =>
    Object.fromEntries(Object.entries(members).map(([name, v]) => [name, canonicalJson(v)]));
  return { texts: textsOf(rest) as unknown as ContentTexts, runtime: textsOf(runtime) };
}

function seal(content: Json) {
  const { texts, runtime } = split(content);
  type Runtime = Parameters<typeof sealRecord>[1];
  const key = { keyId: OURS.keyId, publicKeyPem: OURS.pem, fingerprint: OURS.fingerprint };
  return sealRecord(texts, runtime as unknown as Runtime, key);
}

/** Texts that need escapes, and that collators would order otherwise. */
const text = fc.oneof(
  fc.string({ minLength: 1 }),
  fc.constantFrom('"', '\\', '\n', 'é', '😀', '\u2028'),
);
const name = fc.stringMatching(/^[a-z_]{1,12}$/);
const content = fc
  .record(
    {
      action: text,
      action_binding: fc.dictionary(name, text, { noNullPrototype: true }),
      idempotency_key: text,
      environment: fc.constant('test'),
      evidence: fc.array(text, { maxLength: 5 }),
      evidence_checks: fc.array(fc.dictionary(name, text, { noNullPrototype: true }), {
        maxLength: 3,
      }),
      route: fc.dictionary(name, text, { noNullPrototype: true, minKeys: 1 }),
      traceparent: text,
      valid_until: fc.constant('2026-01-02T03:19:05.000Z'),
      verdict: fc.constantFrom('yes', 'no', 'review'),
    },
    { requiredKeys: [] },
  )
  .filter(
    ({ action_binding: binding }) => binding === undefined || Object.keys(binding).length > 0,
  );

describe('the fast writer of records and the generic functions', () => {
  it('agree on every hash, the message and the subject', () => {
    fc.assert(
      fc.property(content, fc.boolean(), (changes, withKey) => {
        const { idempotency_key: _, ...base } = recordContentOf();
        const made: Json = { ...(withKey ? recordContentOf() : base), ...changes };
        made['evidence_manifest'] = { codes: made['evidence'], sources: [] };
        // The writer takes this hash as it is given.
        made['action_binding_hash'] = sha256Hex(sortedJson(made['action_binding']));
        const sealed = seal(made);
        const signature = 'ed25519:signature';
        const written = signedRecordText(sealed, signature);
        const record = JSON.parse(written) as Members & Record<string, string>;

        expect(sealed.contentHash).toBe(recordContentHash(record));
        expect(sealed.recordHash).toBe(recordHash(record));
        expect(sealed.receiptHash).toBe(receiptHash(record, sealed.recordHash));
        expect(sealed.message).toBe(
          receiptMessage({
            decision_id: record['decision_id'] ?? '',
            key_id: OURS.keyId,
            receipt_hash: sealed.receiptHash,
            record_hash: sealed.recordHash,
          }),
        );
        expect(written).toBe(canonicalJson(recordSubject(record)));
        expect(record['receipt_signature']).toBe(signature);
      }),
      { numRuns: 200 },
    );
  });

  it('writes the record of the example, to the byte', () => {
    const { record } = workedExample();
    const sealed = seal(recordContentOf());
    const written = signedRecordText(sealed, record['receipt_signature'] as string);
    expect(written).toBe(canonicalJson(record));
    expect(sha256Hex(written)).toBe(
      'b3e206a5d4a2bcc7962423ec829afd2f3f92028b54f2ba00f7bd980d9b81dd2d',
    );
    expect(verifyRecord({ record: JSON.parse(written), trust: PINNED }).verified).toBe(true);
  });

  it('and another signature in it is noticed', () => {
    const written = signedRecordText(seal(recordContentOf()), 'ed25519:signature');
    const result = verifyRecord({ record: JSON.parse(written), trust: PINNED });
    expect(result.failures).toEqual(['receipt_signature', 'receipt_key_trusted']);
  });
});
