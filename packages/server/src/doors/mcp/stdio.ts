import type { Readable, Writable } from 'node:stream';
import {
  type JSONRPCMessage,
  parseJSONRPCMessage,
  type Transport,
} from '@modelcontextprotocol/server';
import { parseExact } from './exact-json.ts';
import { BODY_BYTES_MAX, BODY_DEPTH_MAX } from './limits.ts';

const NEWLINE = 0x0a;

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
  #held: Buffer[] = [];
  #heldBytes = 0;
  #closed = false;

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
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
  }

  readonly #ended = (): void => void this.close();

  readonly #read = (chunk: Buffer): void => {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      this.#hold(chunk.subarray(from, end));
      from = end + 1;
      const line = Buffer.concat(this.#held);
      const whole = this.#heldBytes === line.length;
      this.#held = [];
      this.#heldBytes = 0;
      if (whole) this.#line(line.toString('utf8'));
      else this.#refuse(-32_600, 'The message is too large');
    }
    this.#hold(chunk.subarray(from));
  };

  /** Keeps a part of a line, unless the line is too long already; its length is counted all the same. */
  #hold(part: Buffer): void {
    this.#heldBytes += part.length;
    if (this.#heldBytes <= BODY_BYTES_MAX) this.#held.push(part);
  }

  #line(text: string): void {
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
