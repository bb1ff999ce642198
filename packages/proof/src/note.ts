import { concatBytes, fromBase64, isWellFormed, toBase64, utf8 } from './bytes.ts';
import { sha256 } from './hash.ts';
import { bug, err, ok, type Result } from './result.ts';

/** One signature line of a note. Whether it holds is for those who know the key. */
export interface NoteSignature {
  /** Name of the key: not empty, without white space and `+`. */
  readonly name: string;
  /** 4 bytes, see {@link noteKeyId}. */
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

/** A text and the lines that sign it. What is signed is the text, its final LF included. */
export interface Note {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export type NoteFault =
  | 'note_text_malformed'
  | 'note_signature_missing'
  | 'note_signature_malformed'
  | 'note_signatures_too_many';

/** More signature lines than this are not read. Go's reader of the same format draws this line too. */
export const NOTE_SIGNATURES_MAX = 100;

/**
 * Reads a signed note (C2SP signed-note): a text, an empty line, and one or more lines
 * `— <key name> <base64 of key id and signature>`, each ended by LF. The last empty line of the
 * note is the one that parts the two.
 */
export function parseNote(note: string): Result<Note, NoteFault> {
  const split = note.lastIndexOf('\n\n');
  if (split < 0) return err('note_signature_missing');
  const text = note.slice(0, split + 1);
  const block = note.slice(split + 2);
  if (!isNoteText(text)) return err('note_text_malformed');
  if (block === '') return err('note_signature_missing');
  if (!block.endsWith('\n')) return err('note_signature_malformed');

  const lines = block.slice(0, -1).split('\n');
  if (lines.length > NOTE_SIGNATURES_MAX) return err('note_signatures_too_many');
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const signature = parseSignatureLine(line);
    if (signature === undefined) return err('note_signature_malformed');
    signatures.push(signature);
  }
  return ok({ text, signatures });
}

/** Writes what {@link parseNote} reads. */
export function renderNote(text: string, signatures: readonly NoteSignature[]): string {
  if (!isNoteText(text)) bug('this is no text of a note');
  if (signatures.length === 0 || signatures.length > NOTE_SIGNATURES_MAX) {
    bug(`a note cannot have ${signatures.length} signatures`);
  }
  const lines = signatures.map(({ name, keyId, signature }) => {
    if (!isKeyName(name)) bug(`a note cannot name a key \`${name}\``);
    if (keyId.length !== KEY_ID_BYTES || signature.length === 0) bug('this is no note signature');
    return `${SIGNATURE_MARK}${name} ${toBase64(concatBytes(keyId, signature))}\n`;
  });
  return `${text}\n${lines.join('')}`;
}

/**
 * Key id of an Ed25519 key under a name: the first 4 bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public
 * key). A hint for finding the key, not a proof of anything.
 */
export function noteKeyId(name: string, publicKey: Uint8Array): Uint8Array {
  return sha256(concatBytes(utf8(name), NAME_END, ED25519, publicKey)).slice(0, KEY_ID_BYTES);
}

const KEY_ID_BYTES = 4;
const NAME_END = Uint8Array.of(0x0a);
/** Signature type of the format: Ed25519 over the text. */
const ED25519 = Uint8Array.of(0x01);
/** An em dash (U+2014) and a space. */
const SIGNATURE_MARK = '— ';

function parseSignatureLine(line: string): NoteSignature | undefined {
  if (!line.startsWith(SIGNATURE_MARK)) return undefined;
  const [name, base64, ...more] = line.slice(SIGNATURE_MARK.length).split(' ');
  if (name === undefined || base64 === undefined || more.length > 0) return undefined;
  const bytes = fromBase64(base64);
  if (!isKeyName(name) || bytes === undefined || bytes.length <= KEY_ID_BYTES) return undefined;
  return { name, keyId: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) };
}

/** Well-formed Unicode, ended by LF, with no other ASCII control character. */
function isNoteText(text: string): boolean {
  return text.endsWith('\n') && isWellFormed(text) && !/[^\n -\uffff]/.test(text);
}

function isKeyName(name: string): boolean {
  return isWellFormed(name) && /^[^\p{White_Space}\p{Cc}+]+$/u.test(name);
}
