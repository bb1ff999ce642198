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

/** Characters after which the published form cuts a text of a record. */
const TEXT_LENGTHS: Readonly<Record<string, number>> = {
  ...{ decision_protocol_version: 160, decision_record_version: 160, decision_id: 600 },
  ...{ request_id: 160, idempotency_key: 300, verdict: 160, action: 140, policy_id: 160 },
  ...{ policy_version: 160, policy_hash: 200, input_hash: 200, output_hash: 200, created_at: 80 },
  ...{ replay_url: 800, verify_url: 800 },
};
const OPTIONAL_TEXT_LENGTHS: Readonly<Record<string, number>> = {
  ...{ policy_bundle_hash: 200, application_verdict: 160, reason_code: 160 },
  ...{ matched_rule_id: 160, evaluator_version: 160 },
};
const OPTIONAL_OBJECTS = [
  ...['rulebook', 'rulebook_contract', 'runtime_binding', 'rulebook_registry'],
  ...['rulebook_attestation', 'trusted_adapter', 'adapter_facts'],
];
const SYNONYMS: Readonly<Record<string, string>> = {
  ...{ approved: 'yes', approve: 'yes', allow: 'yes', denied: 'no', deny: 'no', block: 'no' },
  ...{ pending: 'review', escalate: 'review' },
};

/** `record_hash` as the published client computes it: over a record that it trims, cuts and rewrites before. */
export function publishedRecordHash(record: Members): string {
  const cut = (value: unknown, length: number): string =>
    typeof value === 'string' ? value.trim().slice(0, length) : '';
  const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
  const codes = (value: unknown): string[] =>
    list(value)
      .map((code) => cut(code, 180))
      .filter((code) => code !== '')
      .slice(0, 32);
  const object = (value: unknown): Members => (typeof value === 'object' ? { ...value } : {});
  const subset: Record<string, unknown> = {};
  for (const [name, length] of Object.entries(TEXT_LENGTHS))
    subset[name] = cut(record[name], length);
  const verdict = String(subset['verdict']).toLowerCase();
  const manifest = object(record['evidence_manifest']);
  Object.assign(subset, {
    verdict: SYNONYMS[verdict] ?? verdict,
    action_binding: object(record['action_binding']),
    evidence: codes(record['evidence']),
    evidence_manifest: {
      codes: codes(manifest['codes'] ?? record['evidence']),
      sources: list(manifest['sources']).slice(0, 16),
    },
  });
  const bundle = object(record['policy_bundle']);
  const optional: Record<string, unknown> = {
    policy_bundle: {
      id: cut(bundle['id'], 160),
      version: cut(bundle['version'], 160),
      hash: cut(bundle['hash'], 200),
      hash_algorithm: bundle['hash_algorithm'],
      canonicalization: bundle['canonicalization'],
      source: cut(bundle['source'], 700),
    },
  };
  for (const [name, length] of Object.entries(OPTIONAL_TEXT_LENGTHS)) {
    optional[name] = cut(record[name], length);
  }
  for (const name of OPTIONAL_OBJECTS) optional[name] = record[name];
  return sortedHash({ ...subset, ...object(emptied(optional)) });
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

/** Index of the first link that does not follow from the one before by the published formulas. */
export function brokenAt(links: readonly Members[]): number | undefined {
  for (const [place, link] of links.entries()) {
    const before = links[place - 1];
    const leaf = sortedHash({
      decision_chain_version: 'decision_chain_v1',
      entry_type: link['entry_type'],
      decision_id: link['decision_id'],
      record_hash: link['record_hash'],
      receipt_hash: link['receipt_hash'],
    });
    const root =
      link['chain_position'] === 1
        ? leaf
        : sortedHash({
            strategy: 'rolling_sha256_pair_v1',
            previous_merkle_root: link['previous_merkle_root'],
            leaf_hash: leaf,
            chain_position: link['chain_position'],
          });
    const holds =
      leaf === link['leaf_hash'] &&
      root === link['merkle_root'] &&
      sortedHash(without(link, 'link_hash')) === link['link_hash'] &&
      (before === undefined ||
        (link['chain_position'] === Number(before['chain_position']) + 1 &&
          link['previous_link_hash'] === before['link_hash'] &&
          link['previous_merkle_root'] === before['merkle_root']));
    if (!holds) return place;
  }
  return undefined;
}
