import { hash } from 'node:crypto';

/** String in and hex out is the fast path of Node: no object is made on either side. */
export function digestHex(text: string): string {
  return hash('sha256', text, 'hex');
}

export function digest(bytes: Uint8Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = hash('sha256', bytes, 'buffer');
  // A plain view: whoever compares or prints a digest should not meet Node's own subclass.
  return new Uint8Array(buffer, byteOffset, byteLength);
}
