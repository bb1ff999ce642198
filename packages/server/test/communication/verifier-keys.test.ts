import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import canonicalize from 'canonicalize';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readOverlays } from '../../src/keys/overlays.ts';
import { openVerifierKeys, type VerifierKeys } from '../../src/keys/verifier-keys.ts';
import { attester } from './attester.ts';
import { governance } from './messages.ts';

const CALL_BACK = 'c.payee_verified_known_contact';
const controls = new Set(governance.policy.evidenceHours.keys());
const desk = attester('desk', [CALL_BACK]);
const other = attester('other', [CALL_BACK]);
const anna = attester('anna-1', []);
const boris = attester('boris-1', []);

type Entry = Readonly<Record<string, unknown>>;

const entry = (change: Entry = {}): Entry => ({
  key_id: 'desk',
  tenant: 'acme',
  environment: 'test',
  kind: 'verifier',
  public_key: desk.pem,
  controls: [CALL_BACK],
  ...change,
});

const administrator = (
  keyId: string,
  pem: string,
  principal: string,
  change: Entry = {},
): Entry => {
  const { controls: _, ...rest } = entry({ key_id: keyId, public_key: pem, ...change });
  return { ...rest, kind: 'administrator', principals: [principal] };
};

let directory = '';
let writes = 0;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'countersign-keys-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

function write(keys: readonly Entry[] | string): void {
  const file = join(directory, 'verifier-keys.json');
  writeFileSync(file, typeof keys === 'string' ? keys : JSON.stringify({ version: 1, keys }));
  // Two writes within one tick of the clock are still two.
  writes += 1;
  utimesSync(file, writes, writes);
}

const opened = (environment: 'test' | 'live' = 'test'): VerifierKeys =>
  openVerifierKeys(directory, environment, controls);

function faultOf(...keys: readonly Entry[]): string {
  write(keys);
  try {
    opened();
    return '';
  } catch (error) {
    return (error as Error).message.replace(/^.*verifier-keys\.json: /, '');
  }
}

describe('enrolled keys', () => {
  it('are none without a file', () => {
    expect(opened().keyOf('acme', 'desk')).toBeUndefined();
  });

  it('are what the file says, for their tenant and environment alone', () => {
    const mandate = { scope: ['pay'], limit: { value: '100', currency: 'EUR' } };
    write([
      entry({ principals: ['mira'], mandate, revoked: true }),
      entry({ key_id: 'other', public_key: other.pem, environment: 'live' }),
      entry({
        key_id: 'mx1',
        public_key: anna.pem,
        kind: 'mail_gateway',
        controls: undefined,
        principals: ['gateway'],
      }),
    ]);
    const keys = opened();
    expect(keys.keyOf('acme', 'desk')).toEqual({
      keyId: 'desk',
      publicKey: new Uint8Array(desk.key.publicKey),
      kind: 'verifier',
      controls: new Set([CALL_BACK]),
      revoked: true,
      principals: ['mira'],
      mandate,
    });
    expect(keys.keyOf('acme', 'mx1')).toMatchObject({
      kind: 'mail_gateway',
      controls: new Set(['c.sender_identity_ok']),
    });
    expect(keys.keyOf('acme', 'other')).toBeUndefined();
    expect(keys.keyOf('globex', 'desk')).toBeUndefined();
    expect(opened('live').keyOf('acme', 'other')).toMatchObject({ revoked: false });
    expect(opened('live').keyOf('acme', 'desk')).toBeUndefined();
  });

  it('follow the file, and are none while it is damaged', () => {
    write([entry()]);
    const keys = opened();
    expect(keys.keyOf('acme', 'desk')?.revoked).toBe(false);
    write([entry({ revoked: true })]);
    expect(keys.keyOf('acme', 'desk')?.revoked).toBe(true);
    write('{"version": 1, "keys": [');
    expect(keys.keyOf('acme', 'desk')).toBeUndefined();
    write([entry()]);
    expect(keys.keyOf('acme', 'desk')?.revoked).toBe(false);
    rmSync(join(directory, 'verifier-keys.json'));
    expect(keys.keyOf('acme', 'desk')).toBeUndefined();
  });

  it.each<readonly [string, string, readonly Entry[]]>([
    ['an unknown member', 'key 0: no member `role`', [entry({ role: 'x' })]],
    ['no id', 'key 0: `key_id` is no text', [entry({ key_id: '' })]],
    ['no tenant', 'key 0: `tenant` is no text', [entry({ tenant: undefined })]],
    [
      'another environment',
      'key 0: `environment` is none of test, live',
      [entry({ environment: 'demo' })],
    ],
    ['another kind', 'key 0: `kind` is none of', [entry({ kind: 'robot' })]],
    ['no public key', 'key 0: `public_key` is no Ed25519 PEM', [entry({ public_key: 'AAAA' })]],
    [
      'a control that nobody attests',
      'key 0: nothing attests `c.bounded_outbound`',
      [entry({ controls: ['c.bounded_outbound'] })],
    ],
    ['no control', 'key 0: `controls` is missing', [entry({ controls: undefined })]],
    ['an empty list', 'key 0: `controls` is no list of texts', [entry({ controls: [] })]],
    [
      'controls of a gateway',
      'key 0: `controls` is for verifiers',
      [entry({ kind: 'mail_gateway' })],
    ],
    [
      'an administrator without a name',
      'key 0: an administrator is one',
      [entry({ kind: 'administrator', controls: undefined })],
    ],
    [
      'two administrators in one',
      'key 0: an administrator is one',
      [entry({ kind: 'administrator', controls: undefined, principals: ['a', 'b'] })],
    ],
    ['an odd mark of revocation', 'key 0: `revoked` is neither', [entry({ revoked: 'yes' })]],
    ['a mandate without scope', 'key 0: `mandate` has no `scope`', [entry({ mandate: {} })]],
    [
      'a limit that is a number',
      'key 0: no such `limit`',
      [entry({ mandate: { scope: ['pay'], limit: { value: 5, currency: 'EUR' } } })],
    ],
    [
      'a limit below nothing',
      'key 0: no such `limit`',
      [entry({ mandate: { scope: ['pay'], limit: { value: '-5', currency: 'EUR' } } })],
    ],
    ['an id twice', 'key 1: its id is there twice', [entry(), entry({ public_key: other.pem })]],
    [
      'a public key twice',
      'key 1: its public key is there twice',
      [entry(), entry({ key_id: 'other' })],
    ],
    [
      'a test key that is live',
      'key 1: it is enrolled in the other environment',
      [entry(), entry({ key_id: 'other', environment: 'live' })],
    ],
    [
      'a test id that is live',
      'key 1: it is enrolled in the other environment',
      [entry(), entry({ tenant: 'globex', public_key: other.pem, environment: 'live' })],
    ],
  ])('are refused with %s', (_what, fault, keys) => {
    expect(faultOf(...keys)).toContain(fault);
  });

  it('are refused where the file is no list of keys', () => {
    for (const text of [
      '[]',
      '{"version":2,"keys":[]}',
      '{"version":1}',
      '{"version":1,"version":1,"keys":[]}',
    ]) {
      write(text);
      expect(() => opened(), text).toThrow('verifier-keys.json');
    }
  });

  it('of administrators attest nothing, and those of verifiers sign no overlay', () => {
    write([entry(), administrator('anna-1', anna.pem, 'anna')]);
    const keys = opened();
    expect(keys.keyOf('acme', 'anna-1')).toBeUndefined();
    expect(keys.administratorOf('acme', 'anna-1')).toMatchObject({ principal: 'anna' });
    expect(keys.administratorOf('acme', 'desk')).toBeUndefined();
    write([administrator('anna-1', anna.pem, 'anna', { revoked: true })]);
    expect(keys.administratorOf('acme', 'anna-1')).toBeUndefined();
  });
});

describe('signed overlays', () => {
  const overlay = { tenant: 'acme', version: '1.0.0', valid_minutes: 5 };
  const text = canonicalize(overlay) ?? '';
  const signatureOf = (by: typeof anna, of: string = text) => ({
    key_id: by.key.keyId,
    signature: by.signature(`genius-overlay-v1\n${of}`),
  });
  const read = (...overlays: readonly unknown[]) => {
    writeFileSync(join(directory, 'overlays.json'), JSON.stringify(overlays));
    return readOverlays(directory, opened());
  };
  beforeEach(() => {
    write([
      entry(),
      administrator('anna-1', anna.pem, 'anna'),
      administrator('anna-2', other.pem, ' Anna'),
      administrator('boris-1', boris.pem, 'boris'),
    ]);
  });

  it('are none without a file', () => {
    expect(readOverlays(directory, opened()).size).toBe(0);
  });

  it('count with the signatures of two administrators', () => {
    const found = read({ overlay, signatures: [signatureOf(anna), signatureOf(boris)] });
    expect(found.get('acme')).toEqual({
      overlay,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      administrators: ['anna', 'boris'],
    });
  });

  it('are refused with fewer', () => {
    const second = { ...signatureOf(other), key_id: 'anna-2' };
    const forged = { ...signatureOf(boris), signature: signatureOf(anna).signature };
    const outdated = signatureOf(boris, canonicalize({ ...overlay, valid_minutes: 15 }));
    const attestation = {
      key_id: 'boris-1',
      signature: boris.signature(`genius-evidence-v1\n${text}`),
    };
    for (const signatures of [
      [],
      [signatureOf(anna)],
      [signatureOf(anna), signatureOf(anna)],
      [signatureOf(anna), second],
      [signatureOf(anna), forged],
      [signatureOf(anna), outdated],
      [signatureOf(anna), attestation],
      [signatureOf(anna), { ...signatureOf(desk), key_id: 'desk' }],
      [signatureOf(anna), { key_id: 'boris-1', signature: 'AAAA' }, null, 7],
    ]) {
      expect(() => read({ overlay, signatures })).toThrow('not signed by 2 administrators');
    }
  });

  it('are refused where they are changed, of another tenant, or there twice', () => {
    const signatures = [signatureOf(anna), signatureOf(boris)];
    expect(() => read({ overlay: { ...overlay, valid_minutes: 15 }, signatures })).toThrow(
      'signed',
    );
    expect(() => read({ overlay: { ...overlay, tenant: 'globex' }, signatures })).toThrow('signed');
    expect(() => read({ overlay, signatures }, { overlay, signatures })).toThrow('twice');
    for (const damaged of [null, {}, { overlay }, { overlay: { version: '1' }, signatures }]) {
      expect(() => read(damaged)).toThrow('no tenant or no signatures');
    }
    writeFileSync(join(directory, 'overlays.json'), '{}');
    expect(() => readOverlays(directory, opened())).toThrow('no list');
  });
});
