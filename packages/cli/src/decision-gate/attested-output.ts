import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { fromBase64, toBase64 } from '@countersign/proof';
import { canonical, digestOf } from '@countersign/server';
import type { Command } from 'commander';
import { helpText } from './help-ca.ts';
import { readBytes } from './input.ts';
import type { Messages } from './messages-en.ts';

/** Where the hash and a signature of a command's output go. */
export interface AttestedOptions {
  readonly hashOut?: string;
  readonly signatureOut?: string;
  readonly signingKey?: string;
}

/** Largest file that a key is read from, in bytes. */
const KEY_BYTES_MAX = 8_192;

/** Length of the secret part of an Ed25519 key (RFC 8032 §5.1.5), in bytes. */
const SEED_BYTES = 32;

/** What stands before the seed in a PKCS #8 key (RFC 8410 §7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

export function withAttestedOutput(command: Command): Command {
  return command
    .option('--hash-out <file>', helpText('write the hash of the output there'))
    .option('--signature-out <file>', helpText('write an Ed25519 signature over the output there'))
    .option('--signing-key <file>', helpText('key to sign with: 32 bytes, raw or in base64'));
}

/**
 * Prints an output, or writes it to `file`, and its hash and signature where they are asked for. The bytes are exactly
 * those of `text`: a line end follows on a terminal only.
 */
export function writeAttested(
  text: string,
  options: AttestedOptions,
  say: Messages,
  file?: string,
): void {
  const { hashOut, signatureOut, signingKey } = options;
  if ((signatureOut === undefined) !== (signingKey === undefined)) {
    throw new Error(say.signatureNeedsBoth);
  }
  const hash = digestOf(text);
  // Before anything is written: an output whose signature fails should not look complete.
  const signature = signingKey === undefined ? undefined : signatureOf(text, signingKey, hash, say);
  if (file === undefined) process.stdout.write(process.stdout.isTTY ? `${text}\n` : text);
  else writeFileSync(file, text);
  if (hashOut !== undefined) writeFileSync(hashOut, canonical(hash));
  if (signatureOut !== undefined) writeFileSync(signatureOut, canonical(signature));
}

function signatureOf(text: string, keyFile: string, hash: unknown, say: Messages): unknown {
  const bytes = readBytes(keyFile, KEY_BYTES_MAX, say);
  const seed = bytes.length === SEED_BYTES ? bytes : fromBase64(bytes.toString('latin1').trim());
  if (seed?.length !== SEED_BYTES) throw new Error(say.signingKeyMalformed(keyFile));
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return {
    scheme: 'ed25519',
    key_id: toBase64(spki.subarray(-SEED_BYTES)),
    signature: toBase64(sign(null, Buffer.from(text), key)),
    hash,
  };
}
