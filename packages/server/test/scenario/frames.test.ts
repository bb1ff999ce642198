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
