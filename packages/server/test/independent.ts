import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { Members } from './harness.ts';

/*
 * What a stranger would write to check an answer: nothing here comes from the server or its packages. Hashes are
 * lower-case hex SHA-256.
 */

export function hexOf(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

/** RFC 8785 hash. */
export function canonicalHash(value: unknown): string {
  return hexOf(canonicalText(value));
}

export function canonicalText(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new Error('this value has no canonical text');
  return text;
}

const ENGLISH = new Intl.Collator('en');

/** Hash of the text `json.sort_deep.v1`: names as an English collator orders them. */
export function sortedHash(value: unknown): string {
  return hexOf(JSON.stringify(sortedDeep(value)));
}

function sortedDeep(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedDeep);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(
    ([a], [b]) => ENGLISH.compare(a, b) || (a < b ? -1 : 1),
  );
  return Object.fromEntries(entries.map(([name, item]) => [name, sortedDeep(item)]));
}

/** Leaves out, at every depth, members and list items that hold nothing. */
export function emptied(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(emptied).filter((item) => !isHollow(item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, item]) => [name, emptied(item)])
      .filter(([, item]) => !isHollow(item)),
  );
}

function isHollow(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

export function without(members: Members, ...names: readonly string[]): Members {
  return Object.fromEntries(Object.entries(members).filter(([name]) => !names.includes(name)));
}

/** What a reader knows of a ledger beforehand: its name and its key. */
export interface LedgerKey {
  readonly origin: string;
  readonly publicKey: KeyObject;
  /** First four bytes of SHA-256 of origin, line feed, 1 and the raw key; base64 of key id and signature. */
  readonly keyId: Buffer;
}

export function ledgerKey(origin: string, pem: string): LedgerKey {
  const publicKey = createPublicKey(pem);
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const named = Buffer.concat([Buffer.from(`${origin}\n\u0001`), raw]);
  return {
    origin,
    publicKey,
    keyId: createHash('sha256').update(named).digest().subarray(0, 4),
  };
}

const HASH = /^[0-9a-f]{64}$/;
const PROOF_MEMBERS = 'checkpoint,entry,proof,tree_size';
const ENTRY_MEMBERS =
  'created_at,entry_type,ledger_entry_version,link_hash,prev_entry_hash,scope_hash,seq,subject_hash';

/**
 * Whether a `ledger_proof` shows its entry to be in the ledger: entry, leaf, path, root, signed note. With a
 * subject also that the entry speaks of it. RFC 9162 §2.1.3.2 and C2SP signed-note, tlog-checkpoint.
 */
export function provesEntry(proof: unknown, key: LedgerKey, subject?: Members): boolean {
  if (membersOf(proof) !== PROOF_MEMBERS) return false;
  const { checkpoint, entry, proof: path, tree_size: size } = proof as Members;
  if (membersOf(entry) !== ENTRY_MEMBERS) return false;
  const { seq, subject_hash: subjectHash } = entry as Members;
  if (!isIndex(seq) || !isIndex(size) || !Array.isArray(path)) return false;
  if (!path.every((hash) => typeof hash === 'string' && HASH.test(hash))) return false;
  if (subject !== undefined && canonicalHash(subject) !== subjectHash) return false;
  const leaf = hash(0, Buffer.from(canonicalText(entry)));
  const root = rootFrom(
    leaf,
    seq,
    size,
    path.map((item) => Buffer.from(String(item), 'hex')),
  );
  if (root === undefined || typeof checkpoint !== 'string') return false;
  return isSigned(checkpoint, `${key.origin}\n${size}\n${root.toString('base64')}\n`, key);
}

function membersOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? Object.keys(value).sort().join() : '';
}

function isIndex(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function hash(prefix: 0 | 1, ...parts: readonly Uint8Array[]): Buffer {
  const digest = createHash('sha256').update(Uint8Array.of(prefix));
  for (const part of parts) digest.update(part);
  return digest.digest();
}

/** Root that a path leads to; `undefined` when the path has not the one length that fits. */
function rootFrom(
  leaf: Buffer,
  index: number,
  size: number,
  path: readonly Buffer[],
): Buffer | undefined {
  if (index >= size) return undefined;
  let [fn, sn, root] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (sn === 0) return undefined;
    if (fn % 2 === 1 || fn === sn) {
      root = hash(1, sibling, root);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
    } else root = hash(1, root, sibling);
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  return sn === 0 ? root : undefined;
}

/** Whether `note` is exactly `text`, a blank line and one signature of `key`. */
function isSigned(note: string, text: string, key: LedgerKey): boolean {
  const start = `${text}\n— ${key.origin} `;
  if (!note.startsWith(start) || !note.endsWith('\n')) return false;
  const base64 = note.slice(start.length, -1);
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length !== 68 || bytes.toString('base64') !== base64) return false;
  if (!bytes.subarray(0, 4).equals(key.keyId)) return false;
  return verify(null, Buffer.from(text), key.publicKey, bytes.subarray(4));
}

/** Whether `signature` (`ed25519:` and base64url) is over the UTF-8 of `message`. */
export function isSignature(signature: unknown, message: string, pem: string): boolean {
  const text = /^ed25519:([\w-]{86})$/.exec(String(signature))?.[1];
  if (text === undefined) return false;
  return verify(null, Buffer.from(message), createPublicKey(pem), Buffer.from(text, 'base64url'));
}
