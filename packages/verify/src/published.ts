import {
  type ChainLink,
  emptied,
  executionHash,
  fromBase64Url,
  hmacSha256Hex,
  isMembers,
  type Members,
  only,
  outcomeHash,
  PACKET_VERSION,
  PROTOCOL_VERSION,
  PUBLIC_BUNDLE,
  PUBLIC_OPTIONAL,
  packetHash,
  publicKeyFromPem,
  RECORD_VERSION,
  receiptHash,
  receiptMessage,
  recordHash,
  sha256Hex,
  sortedJson,
  utf8,
  verifyEd25519,
} from '@countersign/proof';
import { isUnbroken, namesItsLeaf, readLink } from './chain.ts';
import { reportChecks } from './intelligence.ts';
import { listOf, membersOf, textMember } from './member.ts';
import type { Trust, TrustedKey } from './trust.ts';
import { attempt, type Check } from './verification.ts';

/**
 * The published rules, leniency included: what a reader finds who has only them. They are kept apart from ours, so
 * that neither can be taken for the other; hash formulas are the same functions.
 */
export type PublishedChecks = Readonly<Record<string, Check>>;

/** Whether the published rules are content: nothing failed, and a trusted key verified the signature. */
export function isPubliclyVerified(checks: PublishedChecks): boolean {
  return checks['receipt_key_trusted'] === true && !Object.values(checks).includes(false);
}

/**
 * Published checks of a Decision Record. They hash its published form, take the embedded key for the signature, and
 * any trusted key that is found for the trust in it, its dates unseen.
 *
 * @param resolved the key that the stricter search found, if it did: both then speak of the same key.
 */
export function publishedRecordChecks(
  record: Members,
  given: {
    readonly input?: unknown;
    readonly trust: Trust;
    readonly resolved?: TrustedKey | undefined;
  },
): PublishedChecks {
  const form = publishedForm(record);
  const recomputed = attempt(() => recordHash(form));
  const receipt = recomputed && attempt(() => receiptHash(form, recomputed));
  const message =
    receipt &&
    attempt(() =>
      receiptMessage({
        decision_id: textMember(record, 'decision_id') ?? '',
        key_id: textMember(record, 'receipt_key_id') ?? '',
        receipt_hash: receipt,
        record_hash: recomputed ?? '',
      }),
    );
  const signature = lenientSignature(record['receipt_signature']);
  const isSignedBy = (key: Uint8Array | undefined): Check => {
    if (signature === null) return null;
    if (key === undefined || message === undefined || signature === undefined) return false;
    return verifyEd25519(key, utf8(message), signature);
  };

  const hmac = hmacCheck(record, message, given.trust);
  const pem = record['receipt_public_key'];
  const embedded = typeof pem === 'string' ? publicKeyFromPem(pem) : undefined;
  const trusted = given.resolved ?? findKey(given.trust, record);
  const own = typeof pem === 'string' ? { fingerprint: sha256Hex(pem), key: embedded } : undefined;
  const used = own ?? (trusted && { fingerprint: trusted.fingerprint, key: trusted.publicKey });
  const integrity = membersOf(record['integrity']);
  return {
    decision_protocol_version: record['decision_protocol_version'] === PROTOCOL_VERSION,
    decision_record_version: record['decision_record_version'] === RECORD_VERSION,
    record_hash: recomputed !== undefined && recomputed === record['record_hash'],
    receipt_hash: receipt !== undefined && receipt === record['receipt_hash'],
    receipt_signature: hmac !== undefined ? hmac : used === undefined ? null : isSignedBy(used.key),
    receipt_public_key_fingerprint:
      used === undefined || hmac !== undefined
        ? null
        : mirrors(record['receipt_public_key_fingerprint'], used.fingerprint),
    integrity_record_hash: mirrors(integrity['record_hash'], record['record_hash']),
    integrity_policy_bundle_hash: mirrors(
      integrity['policy_bundle_hash'],
      record['policy_bundle_hash'],
    ),
    input_hash:
      given.input === undefined
        ? null
        : attempt(() => sha256Hex(sortedJson(given.input))) === textMember(record, 'input_hash'),
    receipt_key_trusted:
      hmac !== undefined ? hmac : trusted === undefined ? null : isSignedBy(trusted.publicKey),
  };
}

const HMAC_PREFIX = 'hmac-sha256:';
/** Secrets that are no secrets: of the public conformance fixtures, by key id. */
const PUBLIC_SECRETS: ReadonlyMap<unknown, string> = new Map([
  ['decide_conformance_hmac_v1', 'decide_conformance_hmac_secret_v1'],
]);

/** Whether a signature by HMAC holds; `null` without its secret, `undefined` for any other signature. */
function hmacCheck(record: Members, message: string | undefined, trust: Trust): Check | undefined {
  const signature = record['receipt_signature'];
  if (typeof signature !== 'string' || !signature.startsWith(HMAC_PREFIX)) return undefined;
  const secret = trust.hmacSecret ?? PUBLIC_SECRETS.get(record['receipt_key_id']);
  if (secret === undefined) return null;
  return message !== undefined && signature === HMAC_PREFIX + hmacSha256Hex(secret, message);
}

/** Published checks of a packet, those of its record in front. Absent parts are `null` and pass. */
export function publishedPacketChecks(
  packet: Members,
  record: Members,
  recordChecks: PublishedChecks,
): PublishedChecks {
  const executions = listOf(packet['executions']);
  const outcomes = listOf(packet['outcomes']);
  const hashes = (items: readonly Members[], member: string, hash: (item: Members) => string) =>
    items.length === 0 ? null : items.every((item) => attempt(() => hash(item)) === item[member]);
  const links = (items: readonly Members[]): Check =>
    items.length === 0
      ? null
      : items.every(
          (item) =>
            mirrors(item['decision_id'], record['decision_id']) !== false &&
            mirrors(item['decision_record_hash'], record['record_hash']) !== false &&
            mirrors(item['decision_receipt_hash'], record['receipt_hash']) !== false,
        );
  const block = record['audit_chain'];
  const reports = reportChecks(packet);
  return {
    ...recordChecks,
    decision_packet_version: packet['decision_packet_version'] === PACKET_VERSION,
    packet_hash: attempt(() => packetHash(packet)) === textMember(packet, 'packet_hash'),
    packet_manifest_counts:
      isCounted(packet, 'execution_receipts', executions) &&
      isCounted(packet, 'outcome_records', outcomes),
    decision_record_hash_matches_packet: packet['record_hash'] === record['record_hash'],
    decision_receipt_hash_matches_packet: packet['receipt_hash'] === record['receipt_hash'],
    execution_hashes: hashes(executions, 'execution_hash', executionHash),
    outcome_hashes: hashes(outcomes, 'outcome_hash', outcomeHash),
    execution_links: links(executions),
    outcome_links: links(outcomes),
    policy_effectiveness_hash: reports.policy_effectiveness_hash,
    anomaly_report_hash: reports.anomaly_report_hash,
    audit_chain_leaf_hash: isMembers(block) ? namesItsLeaf(block, record) : null,
    retained_chain_links: publishedRun(packet['audit_chain']),
  };
}

/**
 * The record as the published rules read it before they hash: texts trimmed and cut, verdicts in other words
 * rewritten, lists shortened, hollow members dropped. Of a record of ours it is the record itself.
 */
export function publishedForm(record: Members): Members {
  const form: Record<string, unknown> = { ...record };
  for (const [name, lengthMax] of Object.entries(TEXT_LENGTH_MAX)) {
    if (name in form) form[name] = cut(form[name], lengthMax);
  }
  if (typeof form['verdict'] === 'string') {
    const verdict = form['verdict'].trim().toLowerCase();
    form['verdict'] = VERDICTS.get(verdict) ?? verdict;
  }
  if (Array.isArray(form['evidence'])) form['evidence'] = codes(form['evidence']);
  const manifest = form['evidence_manifest'];
  if (isMembers(manifest)) {
    const sources = manifest['sources'];
    form['evidence_manifest'] = {
      codes: Array.isArray(manifest['codes']) ? codes(manifest['codes']) : [],
      sources: Array.isArray(sources) ? sources.slice(0, SOURCES_MAX) : [],
    };
  }
  const bundle = form['policy_bundle'];
  if (isMembers(bundle)) {
    form['policy_bundle'] = Object.fromEntries(
      Object.entries(only(bundle, BUNDLE)).map(([name, value]) => [
        name,
        cut(value, name === 'source' ? 700 : name === 'hash' ? 200 : 160),
      ]),
    );
  }
  for (const name of PUBLIC_OPTIONAL) if (isMembers(form[name])) form[name] = emptied(form[name]);
  return form;
}

const BUNDLE: ReadonlySet<string> = new Set(PUBLIC_BUNDLE);
const CODES_MAX = 32;
const CODE_LENGTH_MAX = 180;
const SOURCES_MAX = 16;
/** Characters after which the published form cuts a text. */
const TEXT_LENGTH_MAX: Readonly<Record<string, number>> = {
  action: 140,
  application_verdict: 160,
  created_at: 80,
  decision_id: 600,
  evaluator_version: 160,
  idempotency_key: 300,
  input_hash: 200,
  output_hash: 200,
  policy_bundle_hash: 200,
  policy_hash: 200,
  policy_id: 160,
  policy_version: 160,
  reason_code: 160,
  replay_url: 800,
  request_id: 160,
  verify_url: 800,
};
const VERDICTS: ReadonlyMap<string, string> = new Map([
  ['approved', 'yes'],
  ['denied', 'no'],
  ['pending', 'review'],
]);

function cut(value: unknown, lengthMax: number): unknown {
  return typeof value === 'string' ? value.trim().slice(0, lengthMax) : value;
}

function codes(items: readonly unknown[]): unknown[] {
  return items
    .map((item) => cut(item, CODE_LENGTH_MAX))
    .filter((item) => item !== '')
    .slice(0, CODES_MAX);
}

/** A member that is not there mirrors nothing. */
function mirrors(mirror: unknown, original: unknown): Check {
  if (mirror === undefined) return null;
  return mirror === original;
}

function isCounted(packet: Members, component: string, items: readonly unknown[]): boolean {
  const components = membersOf(membersOf(packet['packet_manifest'])['components']);
  return membersOf(components[component])['count'] === items.length;
}

/** Links are put in order before they are looked at, and each is believed to name its leaf. */
function publishedRun(chain: unknown): Check {
  const items = membersOf(chain)['retained_links'];
  if (!Array.isArray(items) || items.length === 0) return null;
  const links = items.map(readLink);
  if (!links.every((link): link is ChainLink => link !== undefined)) return false;
  return isUnbroken(links.toSorted((a, b) => a.chain_position - b.chain_position));
}

/** The first key with the id, else with the fingerprint, else the only one there is; neither date nor use is read. */
function findKey(
  { publicKey, registry }: Trust,
  record: Members,
): { readonly publicKey: Uint8Array; readonly fingerprint: string } | undefined {
  if (publicKey !== undefined && publicKey.source !== 'request_body') return publicKey;
  const keys = (registry?.receiptKeys ?? []).filter((key) => key.status !== 'revoked');
  return (
    keys.find((key) => key.keyId === record['receipt_key_id']) ??
    keys.find((key) => key.fingerprint === record['receipt_public_key_fingerprint']) ??
    (keys.length === 1 ? keys[0] : undefined)
  );
}

/** Prefix, padding and unused last bits are not looked at. `null`: there is none. */
function lenientSignature(value: unknown): Uint8Array | undefined | null {
  if (typeof value !== 'string' || value === '') return null;
  const sixes = value
    .trim()
    .replace(/^ed25519:/, '')
    .replace(/=+$/, '')
    .replaceAll('+', '-')
    .replaceAll('/', '_');
  // Two of the six bits of the last character belong to the 64 bytes.
  const last = SIXES.indexOf(sixes.charAt(SIXES_OF_SIGNATURE - 1));
  if (sixes.length !== SIXES_OF_SIGNATURE || last < 0) return undefined;
  return fromBase64Url(sixes.slice(0, -1) + SIXES.charAt(last & 0b110000));
}

const SIXES_OF_SIGNATURE = 86;
const SIXES = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
