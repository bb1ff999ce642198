/**
 * What this package takes from its host and ES2023 does not name: two text codecs that every host
 * has, and Node's hash function, which only `hash-node.ts` imports. Nothing of it shows in the
 * exported types, so no consumer needs these declarations.
 */
declare class TextEncoder {
  encode(text: string): Uint8Array;
}

declare class TextDecoder {
  constructor(label: 'utf-8', options: { readonly fatal: boolean; readonly ignoreBOM: boolean });
  decode(bytes: Uint8Array): string;
}

declare module 'node:crypto' {
  export function hash(algorithm: 'sha256', data: string, encoding: 'hex'): string;
  export function hash(algorithm: 'sha256', data: Uint8Array, encoding: 'buffer'): Uint8Array;
}
