import { equalBytes, fromBase64, toBase64, utf8 } from './bytes.ts';
import { verifyEd25519 } from './ed25519.ts';
import { HASH_BYTES } from './merkle.ts';
import { type NoteFault, noteKeyId, parseNote } from './note.ts';
import { bug, err, ok, type Result } from './result.ts';

/** What a ledger commits itself to: these many entries, with this root. */
export interface Checkpoint {
  /** Name of the ledger, unique in the world: a host and path without scheme. */
  readonly origin: string;
  /** How many entries. */
  readonly size: number;
  /** Root of the Merkle tree over them, 32 bytes. */
  readonly root: Uint8Array;
}

export type CheckpointFault =
  | NoteFault
  | 'checkpoint_malformed'
  | 'checkpoint_other_origin'
  | 'checkpoint_unsigned'
  | 'checkpoint_signature_invalid';

/**
 * Reads a signed checkpoint and checks that the ledger `origin` signed it with `publicKey`.
 *
 * Signatures of others are not looked at. Every one that claims this name and this key must hold; a
 * note with a good and a bad one is refused.
 *
 * @see C2SP signed-note and tlog-checkpoint
 */
export function verifyCheckpoint(
  note: string,
  signer: { readonly origin: string; readonly publicKey: Uint8Array },
): Result<Checkpoint, CheckpointFault> {
  const { origin, publicKey } = signer;
  const parsed = parseNote(note);
  if (!parsed.ok) return parsed;
  const { text, signatures } = parsed.value;

  const keyId = noteKeyId(origin, publicKey);
  const own = signatures.filter(({ name, keyId: id }) => name === origin && equalBytes(id, keyId));
  if (own.length === 0) return err('checkpoint_unsigned');
  const message = utf8(text);
  if (!own.every(({ signature }) => verifyEd25519(publicKey, message, signature))) {
    return err('checkpoint_signature_invalid');
  }

  const checkpoint = parseCheckpoint(text);
  if (checkpoint === undefined) return err('checkpoint_malformed');
  return checkpoint.origin === origin ? ok(checkpoint) : err('checkpoint_other_origin');
}

/** The text that is signed: origin, decimal size and base64 root, a line each, each ended by LF. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  if (origin === '' || origin.includes('\n')) bug(`a ledger cannot be named \`${origin}\``);
  if (!Number.isSafeInteger(size) || size < 0) bug(`a ledger cannot have ${size} entries`);
  if (root.length !== HASH_BYTES) bug('a root has 32 bytes');
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/**
 * Reads the text of a checkpoint; undefined when it is none. Lines after the root are extensions of
 * the format: they are covered by the signature, must not be empty, and mean nothing here.
 */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  if (!text.endsWith('\n')) return undefined;
  const lines = text.slice(0, -1).split('\n');
  const [origin, decimal, base64] = lines;
  if (origin === undefined || decimal === undefined || base64 === undefined) return undefined;
  if (lines.includes('')) return undefined;
  const size = parseDecimal(decimal);
  const root = fromBase64(base64);
  if (size === undefined || root?.length !== HASH_BYTES) return undefined;
  return { origin, size, root };
}

/** A decimal without sign and leading zeros, up to 2^53 − 1. */
export function parseDecimal(text: string): number | undefined {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
