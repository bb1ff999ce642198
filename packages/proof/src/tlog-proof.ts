import { fromBase64, toBase64 } from './bytes.ts';
import { parseDecimal } from './checkpoint.ts';
import { HASH_BYTES } from './merkle.ts';
import { parseNote } from './note.ts';
import { bug } from './result.ts';

/** What a reader needs besides the entry and the ledger's public key, to know that it is in there. */
export interface TlogProof {
  /** Zero-based position of the entry. */
  readonly index: number;
  /** Inclusion path from the leaf's sibling upwards. */
  readonly path: readonly Uint8Array[];
  /** The signed note of the tree that the path leads to. */
  readonly checkpoint: string;
  /** Bytes whose meaning the application defines. Not covered by the proof. */
  readonly extra?: Uint8Array;
}

/** Longest path read: that of a tree of 2^63 leaves. */
const PATH_HASHES_MAX = 63;

/**
 * Reads a proof in its text form (C2SP tlog-proof), checking nothing but the form; undefined when
 * it is none. {@link verifyCheckpoint} and {@link verifyInclusion} say whether it holds.
 */
export function parseTlogProof(text: string): TlogProof | undefined {
  const split = text.indexOf('\n\n');
  if (split < 0) return undefined;
  const checkpoint = text.slice(split + 2);
  const lines = text.slice(0, split).split('\n');
  if (lines.shift() !== HEADER || !parseNote(checkpoint).ok) return undefined;

  const extra = lines[0]?.startsWith(EXTRA) ? fromBase64(lines[0].slice(EXTRA.length)) : undefined;
  if (lines[0]?.startsWith(EXTRA)) {
    if (extra === undefined || extra.length === 0) return undefined;
    lines.shift();
  }
  const indexLine = lines.shift();
  if (!indexLine?.startsWith(INDEX) || lines.length > PATH_HASHES_MAX) return undefined;
  const index = parseDecimal(indexLine.slice(INDEX.length));
  if (index === undefined) return undefined;

  const path: Uint8Array[] = [];
  for (const line of lines) {
    const hash = fromBase64(line);
    if (hash?.length !== HASH_BYTES) return undefined;
    path.push(hash);
  }
  return { index, path, checkpoint, ...(extra === undefined ? {} : { extra }) };
}

/** Writes what {@link parseTlogProof} reads. */
export function renderTlogProof({ index, path, checkpoint, extra }: TlogProof): string {
  if (extra?.length === 0) bug('empty extra data cannot be told from none');
  const head = extra === undefined ? [HEADER] : [HEADER, EXTRA + toBase64(extra)];
  const lines = [...head, `${INDEX}${index}`, ...path.map(toBase64), '', checkpoint];
  return lines.join('\n');
}

const HEADER = 'c2sp.org/tlog-proof@v1';
const EXTRA = 'extra ';
const INDEX = 'index ';
