import { PassThrough } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { LineReader } from '../../src/doors/mcp/lines.ts';
import { type Gate, KEY, type Members, openGate } from '../harness.ts';

let gate: Gate;

beforeAll(async () => {
  gate = await openGate();
});
afterAll(() => gate.close());

describe('lines', () => {
  it.each([1, 2, 3, 7, 100])('are the same in pieces of %i bytes', (size) => {
    const bytes = Buffer.from('one\n\r\nzwölf\r\ntoo long for this reader\n1234567890\nhalf');
    const reader = new LineReader(10);
    const lines: (string | undefined)[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      lines.push(...reader.read(bytes.subarray(at, at + size)).map((line) => line?.toString()));
    }
    expect(lines).toEqual(['one', '', 'zwölf', undefined, '1234567890']);
  });
});

describe('on standard input and output', () => {
  let input: PassThrough;
  let output: PassThrough;
  let closes = 0;
  beforeEach(() => {
    input = new PassThrough();
    output = new PassThrough();
    closes = 0;
    gate.server.mcp.serveStdio({ input, output, key: KEY, onClose: () => void (closes += 1) });
  });
  afterEach(() => input.destroy());

  const answer = async (): Promise<Members> => {
    await vi.waitFor(() => expect(output.readableLength).toBeGreaterThan(0));
    return JSON.parse(String(output.read())) as Members;
  };

  const call = (question: Buffer): Buffer =>
    Buffer.concat([
      Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"x":"'),
      question,
      Buffer.from('"}}}\n'),
    ]);

  it('a message is answered, unless its bytes are no text', async () => {
    input.write(call(Buffer.from('é')));
    expect(await answer()).toMatchObject({ id: 1 });
    input.write(call(Buffer.from([0xe9])));
    expect(await answer()).toMatchObject({ id: null, error: { code: -32_700 } });
  });

  it('the end of the input is the end', async () => {
    input.end();
    await vi.waitFor(() => expect(closes).toBe(1));
  });

  it('so is an output that nobody takes, or an input that breaks; told once', async () => {
    output.destroy(new Error('EPIPE'));
    await vi.waitFor(() => expect(closes).toBe(1));
    input.destroy(new Error('ECONNRESET'));
    await new Promise((done) => input.once('close', done));
    expect(closes).toBe(1);
  });
});
