import type { Json, JsonObject } from '@countersign/policy';
import { describe, expect, it } from 'vitest';
import { parseAdapterReference } from '../../src/adapters/reference.ts';
import { ADAPTERS } from '../../src/adapters/registry.ts';

const [adapter] = ADAPTERS;
const reference: JsonObject = {
  adapter_id: 'solana_execution_gate',
  version: '1.0.0',
  manifest_hash: 'fd95907fb68ecc45be3ad9608410e2e3ea29a52b0e33b756086c21c6f520e967',
  input: { sol_amount: 1 },
};

describe('parseAdapterReference', () => {
  it('finds the adapter and leaves its input to be read', () => {
    expect(parseAdapterReference(reference)).toEqual({
      ok: true,
      value: { adapter, input: { sol_amount: 1 } },
    });
  });

  it.each(ADAPTERS)('knows $adapter_id by its pinned hash', (one) => {
    const { adapter_id, version, manifest_hash } = one;
    const found = parseAdapterReference({ adapter_id, version, manifest_hash, input: {} });
    expect(found).toEqual({ ok: true, value: { adapter: one, input: {} } });
  });

  it.each<[string, Json, readonly (readonly [string, string])[]]>([
    ['no object', [], [['', 'invalid_type']]],
    [
      'an empty object',
      {},
      [
        ['/adapter_id', 'required'],
        ['/version', 'required'],
        ['/manifest_hash', 'required'],
        ['/input', 'required'],
      ],
    ],
    ['code', { ...reference, code: 'x' }, [['/code', 'unknown_field']]],
    ['a name with a slash', { ...reference, 'a/b~': 1 }, [['/a~1b~0', 'unknown_field']]],
    ['a version as a number', { ...reference, version: 1 }, [['/version', 'invalid_type']]],
    [
      'a hash in upper case',
      { ...reference, manifest_hash: 'FD'.repeat(32) },
      [['/manifest_hash', 'invalid_value']],
    ],
  ])('refuses %s', (_, json, want) => {
    expect(parseAdapterReference(json)).toEqual({
      ok: false,
      fault: {
        code: 'TRUSTED_ADAPTER_INVALID',
        fields: want.map(([pointer, code]) => ({ pointer, code })),
      },
    });
  });

  it.each([{ adapter_id: 'other_gate' }, { version: '1.0.1' }])('does not know %j', (changes) => {
    expect(parseAdapterReference({ ...reference, ...changes })).toEqual({
      ok: false,
      fault: { code: 'TRUSTED_ADAPTER_NOT_REGISTERED' },
    });
  });

  it('refuses every other hash, that of the other adapter included', () => {
    for (const hash of ['0'.repeat(64), ADAPTERS[1]?.manifest_hash ?? '']) {
      expect(parseAdapterReference({ ...reference, manifest_hash: hash })).toEqual({
        ok: false,
        fault: {
          code: 'TRUSTED_ADAPTER_MANIFEST_MISMATCH',
          expectedManifestHash: hash,
          registeredManifestHash: adapter?.manifest_hash,
        },
      });
    }
  });
});
