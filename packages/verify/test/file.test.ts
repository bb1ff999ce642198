import { utf8 } from '@countersign/proof';
import { describe, expect, it } from 'vitest';
import { CHILDREN_MAX, FILE_BYTES_MAX, summarize, verifyFile } from '../src/index.ts';
import { inputOf, type Json, workedExample } from './example.ts';
import { PINNED } from './trusts.ts';

const { record, envelope, packet } = workedExample();
const exitOf = (value: unknown, trust = PINNED) =>
  verifyFile(JSON.stringify(value), { trust }).exit;

describe('what a file may be', () => {
  it.each([
    ['a record', record, 0],
    ['the answer of a lookup', { ok: true, decision_record: record, input: inputOf() }, 0],
    ['the same with another input', { ok: true, decision_record: record, input: {} }, 1],
    ['an envelope', envelope, 0],
    ['a bare packet', packet, 1],
    [
      'a record of which the version was removed',
      { ...record, decision_record_version: undefined },
      1,
    ],
    ['an object of something else', { ok: true }, 2],
    ['a list', [record], 2],
    ['a number', 7, 2],
  ])('%s', (_, value, exit) => {
    expect(exitOf(value)).toBe(exit);
  });

  it('bytes as well as text', () => {
    const bytes = utf8(JSON.stringify(envelope));
    expect(verifyFile(bytes, { trust: PINNED }).exit).toBe(0);
  });

  it('nothing is verified without a key', () => {
    expect(exitOf(record, {})).toBe(1);
    expect(exitOf(envelope, {})).toBe(1);
  });
});

describe('what is not read at all', () => {
  const fault = (file: string | Uint8Array): unknown => {
    const { exit, result } = verifyFile(file, { trust: PINNED });
    expect([exit, result.verified]).toEqual([2, false]);
    return 'kind' in result ? result.fault.code : undefined;
  };
  const text = JSON.stringify(record);

  it('texts on which readers differ', () => {
    expect(fault('')).toBe('json_malformed');
    expect(fault(`\ufeff${text}`)).toBe('json_malformed');
    expect(fault(text.slice(0, -1))).toBe('json_malformed');
    expect(fault(`{"verdict":"no",${text.slice(1)}`)).toBe('json_duplicate_member');
    expect(fault(text.replace('dec_43b2', '\\ud800'))).toBe('json_lone_surrogate');
    expect(fault(text.replace('"max_executions":1', '"max_executions":9007199254740993'))).toBe(
      'json_number_inexact',
    );
    expect(fault(Uint8Array.of(0x22, 0xff, 0x22))).toBe('file_not_utf8');
  });

  it('depth 65, not 64', () => {
    const nested = (depth: number) =>
      `{"record_hash":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
    expect(verifyFile(nested(64), { trust: PINNED }).exit).toBe(1);
    expect(fault(nested(65))).toBe('json_too_deep');
  });

  it('more bytes than 16 MiB, counted in UTF-8', () => {
    const fill = (characters: number, character: string) =>
      `{"record_hash":"${character.repeat(characters)}"}`;
    const room = FILE_BYTES_MAX - fill(0, '').length;
    expect(verifyFile(fill(room, 'x'), { trust: PINNED }).exit).toBe(1);
    expect(fault(fill(room + 1, 'x'))).toBe('file_too_large');
    expect(fault(fill(Math.floor(room / 3) + 1, '€'))).toBe('file_too_large');
  });

  it('more children than 10 000', () => {
    const full = (count: number): Json => ({
      ...packet,
      executions: Array.from({ length: count - 1 }, () => ({})),
    });
    expect(exitOf(full(CHILDREN_MAX))).toBe(1);
    expect(fault(JSON.stringify(full(CHILDREN_MAX + 1)))).toBe('children_too_many');
  });
});

describe('the summary for people', () => {
  const lines = (value: unknown, trust = PINNED) =>
    summarize(verifyFile(JSON.stringify(value), { trust }).result).split('\n');

  it('of a packet that is verified', () => {
    expect(lines(envelope)).toEqual([
      'verified',
      'published rules alone: verified',
      expect.stringMatching(/^checks: 44 passed, 0 failed, \d+ not checked$/),
      'key source: public_key',
      'algorithm: ed25519',
      'content_hash: 9dd7329edef2816c730a879edcb528bcd80b91ef25e2295dc2318c023b3eacba',
      'record_hash: c9be647e2c9774ccccd5412aede44ae31d06e9b833acc8c396960113ef485391',
      'receipt_hash: adb89da0e06f0ca4f7757856aea94635964a644fa85d3c47f231ca17b2479093',
      'packet_hash: 9f9f282910b6120ba69d6c9fd80de23e2b2a54a760ba709166fa58721306df57',
    ]);
  });

  it('of a record without a trusted key: integrity only', () => {
    const [headline, ...rest] = lines(record, {});
    expect(headline).toBe('not verified: integrity only, no trusted key signed it');
    expect(rest).toContain('key source: record');
    expect(rest).toContain('failed: receipt_key_trusted');
  });

  it('of a changed record, with the names of what failed', () => {
    const summary = lines({ ...record, action: 'other' });
    expect(summary[0]).toBe('not verified');
    expect(summary.at(-1)).toBe(
      'failed: content_hash, record_hash, receipt_hash, receipt_signature, receipt_key_trusted, output_hash',
    );
  });

  it('of a bare packet, a view and something unreadable', () => {
    expect(lines(packet)[0]).toBe('not verified: it fits together, but not all of it is signed');
    expect(lines({ ...record, record_view: 'minimal' })[1]).toMatch(
      /^DECIDE_VERIFY_VIEW_INCOMPLETE: /,
    );
    expect(lines([])).toEqual(['not readable: file_unknown']);
  });
});
