import { describe, expect, it } from 'vitest';
import { FrameReader } from '../../src/evidence/frames.ts';
import { frame } from './child.ts';

describe('frames', () => {
  it('may come in any pieces', () => {
    const bytes = Buffer.from(frame('one') + frame('zwölf'));
    for (let size = 1; size <= bytes.length; size += 1) {
      const reader = new FrameReader(100);
      const texts: unknown[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        texts.push(...reader.push(bytes.subarray(at, at + size)));
      }
      expect(texts).toEqual([
        { ok: true, text: 'one' },
        { ok: true, text: 'zwölf' },
      ]);
    }
  });

  it('may be large and come in small pieces', () => {
    const text = 'x'.repeat(16 * 1024 * 1024);
    const bytes = Buffer.from(frame(text));
    const reader = new FrameReader(text.length);
    for (let at = 0; at < bytes.length; at += 1_024) {
      const found = reader.push(bytes.subarray(at, at + 1_024));
      const isLast = at + 1_024 >= bytes.length;
      if (found.length !== (isLast ? 1 : 0)) throw new Error(`a frame at ${at}`);
      if (isLast) expect(found).toEqual([{ ok: true, text }]);
    }
    expect(reader.isWithin).toBe(false);
  });

  it('may be missed in part', () => {
    const reader = new FrameReader(100);
    expect(reader.isWithin).toBe(false);
    reader.push(Buffer.from('Content-Length: 2\r\n\r\n1'));
    expect(reader.isWithin).toBe(true);
  });

  it.each([
    ['X: 1\r\n\r\n', 'missing content length header'],
    ['x'.repeat(9_000), 'missing content length header'],
    ['Content-Length: x\r\n\r\n', 'invalid content length'],
    ['Content-Length: 101\r\n\r\n', 'mcp response too large'],
  ])('%j ends the stream', (text, fault) => {
    const reader = new FrameReader(100);
    expect(reader.push(Buffer.from(text))).toEqual([{ ok: false, fault }]);
    expect(reader.push(Buffer.from(frame('late')))).toEqual([]);
  });
});
