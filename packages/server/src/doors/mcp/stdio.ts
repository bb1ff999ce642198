import { isUtf8 } from 'node:buffer';
import type { Readable, Writable } from 'node:stream';
import {
  type JSONRPCMessage,
  parseJSONRPCMessage,
  type Transport,
} from '@modelcontextprotocol/server';
import { parseExact } from './exact-json.ts';
import { BODY_BYTES_MAX, BODY_DEPTH_MAX } from './limits.ts';
import { LineReader } from './lines.ts';

/**
 * Messages on a pair of streams, one a line. Unlike the transport that comes with the protocol package it reads strict
 * JSON and keeps numbers as they were written.
 */
export class LineTransport implements Transport {
  onmessage?: NonNullable<Transport['onmessage']>;
  onclose?: () => void;
  onerror?: (error: Error) => void;

  readonly #input: Readable;
  readonly #output: Writable;
  readonly #onClosed: () => void;
  readonly #lines = new LineReader(BODY_BYTES_MAX);
  #closed = false;

  /** @param onClosed Told once either stream has ended or failed, or the transport was closed. */
  constructor(input: Readable, output: Writable, onClosed: () => void = () => undefined) {
    this.#input = input;
    this.#output = output;
    this.#onClosed = onClosed;
  }

  async start(): Promise<void> {
    this.#input.on('data', this.#read);
    this.#input.once('end', this.#ended);
    this.#input.once('error', this.#ended);
    this.#output.once('error', this.#ended);
  }

  send(message: JSONRPCMessage): Promise<void> {
    return this.#write(JSON.stringify(message));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#input.off('data', this.#read);
    this.#input.pause();
    this.onclose?.();
    this.#onClosed();
  }

  readonly #ended = (): void => void this.close();

  readonly #read = (chunk: Buffer): void => {
    for (const line of this.#lines.read(chunk)) {
      if (line === undefined) this.#refuse(-32_600, 'The message is too large');
      else this.#line(line);
    }
  };

  #line(line: Buffer): void {
    if (!isUtf8(line)) return this.#refuse(-32_700, 'The message is no UTF-8');
    const text = line.toString('utf8');
    if (text.trim() === '') return;
    const parsed = parseExact(text, BODY_DEPTH_MAX);
    if (!parsed.ok) return this.#refuse(-32_700, 'The message is no strict JSON');
    let message: JSONRPCMessage;
    try {
      message = parseJSONRPCMessage(parsed.value);
    } catch {
      return this.#refuse(-32_600, 'The message is no JSON-RPC message');
    }
    this.onmessage?.(message);
  }

  #refuse(code: number, message: string): void {
    const text = JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } });
    this.#write(text).catch((error: unknown) => this.onerror?.(error as Error));
  }

  #write(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new Error('the connection is closed'));
      this.#output.write(`${text}\n`, (error) => (error ? reject(error) : resolve()));
    });
  }
}
