import { createHmac } from 'node:crypto';
import {
  hmacSha256Hex,
  isMembers,
  receiptHash,
  receiptMessage,
  recordHash,
} from '@countersign/proof';
import { describe, expect, it } from 'vitest';
import { verifyRecord } from '../src/index.ts';
import { type Json, recordContentOf } from './example.ts';

const KEY_ID = 'decide_conformance_hmac_v1';
const SECRET = 'decide_conformance_hmac_secret_v1';

/** A record as an issuer of HMAC receipts makes it: the published hashes, and nothing of ours. */
function hmacRecord(secret: string, keyId = KEY_ID): Json {
  const content = recordContentOf();
  delete content['runtime_binding'];
  const hash = recordHash(content);
  const receipt = receiptHash(content, hash);
  const message = receiptMessage({
    decision_id: content['decision_id'] as string,
    key_id: keyId,
    receipt_hash: receipt,
    record_hash: hash,
  });
  return {
    ...content,
    record_hash: hash,
    receipt_hash: receipt,
    receipt_key_id: keyId,
    receipt_signature: `hmac-sha256:${createHmac('sha256', secret).update(message).digest('hex')}`,
    receipt_signature_algorithm: 'hmac-sha256',
  };
}

describe('records signed by HMAC', () => {
  it('D-78 the public secret makes one publicly verified and never verified; its tampered twin neither', () => {
    const record = hmacRecord(SECRET);
    const result = verifyRecord({ record, trust: {} });
    expect(result).toMatchObject({ public_verified: true, verified: false });
    expect(result.checks['content_hash']).toBeNull();
    const twin = { ...record, action: 'approve_all' };
    expect(verifyRecord({ record: twin, trust: {} })).toMatchObject({
      public_verified: false,
      verified: false,
    });
  });

  it('another secret counts only when the reader brings it, and then as published only', () => {
    const record = hmacRecord('a private secret of somebody', 'their_key');
    expect(verifyRecord({ record, trust: {} }).public_verified).toBe(false);
    const trusted = verifyRecord({
      record,
      trust: { hmacSecret: 'a private secret of somebody' },
    });
    expect(trusted).toMatchObject({ public_verified: true, verified: false });
    const wrong = verifyRecord({ record, trust: { hmacSecret: 'a guess' } });
    expect(wrong.public_verified).toBe(false);
    expect(isMembers(wrong.checks)).toBe(true);
  });

  it.each([
    ['', ''],
    ['key', 'The quick brown fox jumps over the lazy dog'],
    ['k'.repeat(64), 'block'],
    ['ä'.repeat(65), 'longer than a block'],
  ])('the code is RFC 2104: %#', (secret, text) => {
    expect(hmacSha256Hex(secret, text)).toBe(
      createHmac('sha256', secret).update(text).digest('hex'),
    );
  });
});
