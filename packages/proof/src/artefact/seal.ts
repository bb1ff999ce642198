import { canonicalString } from '../canonical.ts';
import { sha256Hex } from '../hash.ts';
import { shape } from '../shape.ts';
import { PROTOCOL_VERSION, PUBLIC_OPTIONAL, PUBLIC_STRINGS, RECORD_VERSION } from './record.ts';

/** Members of a record's content, `runtime_binding` apart, that a door may fill in. */
export const CONTENT_MEMBERS = [
  'action',
  'action_binding',
  'action_binding_hash',
  'c',
  'created_at',
  'decision',
  'decision_contract',
  'decision_id',
  'decision_protocol_version',
  'decision_record_version',
  'environment',
  'evaluated_at',
  'evaluator_version',
  'evidence',
  'evidence_checks',
  'evidence_manifest',
  'evidence_sources',
  'idempotency_key',
  'input_hash',
  'mode',
  'output_hash',
  'parent_decision_id',
  'parent_record_hash',
  'policy_bundle',
  'policy_bundle_hash',
  'policy_hash',
  'policy_id',
  'policy_version',
  'redactions',
  'replay',
  'replay_url',
  'request_id',
  'requirement_state',
  'review',
  'route',
  'runtime_binding',
  'source_hash',
  'stored_input_hash',
  'traceparent',
  'v',
  'valid_until',
  'verdict',
  'verify_url',
  'why',
] as const;

export type ContentMember = Exclude<
  (typeof CONTENT_MEMBERS)[number],
  'runtime_binding' | 'decision_protocol_version' | 'decision_record_version'
>;

/**
 * A record's content as canonical texts, member by member. Every nested member name is made of lower-case
 * letters and `_` only (sources and checks included), so its two canonical texts are the same.
 */
export type ContentTexts = { readonly [member in ContentMember]?: string } & {
  readonly decision_id: string;
  readonly action_binding_hash: string;
  readonly input_hash: string;
  readonly output_hash: string;
  readonly policy_bundle_hash: string;
  readonly policy_hash: string;
};

/** Members of `runtime_binding` of a record that a stored policy decided, as canonical texts. */
export interface RuntimeBindingTexts {
  readonly authority: string;
  readonly binding_mode: string;
  readonly customer_supplied_code: string;
  readonly production_core: string;
  readonly valid_until?: string | undefined;
  readonly verdict_authority: string;
}

/** Public half of the key that signs records, as the record embeds it. */
export interface SealKey {
  readonly keyId: string;
  /** SubjectPublicKeyInfo, LF line ends, no final line end. */
  readonly publicKeyPem: string;
  /** Hex SHA-256 of that text. */
  readonly fingerprint: string;
}

/** A record with all its hashes, waiting for one signature over `message`. */
export interface SealedRecord {
  readonly contentHash: string;
  readonly recordHash: string;
  readonly receiptHash: string;
  /** To be signed as UTF-8. */
  readonly message: string;
  /** Canonical text of the whole record up to the signature text's opening quote, and from its closing quote on. */
  readonly head: string;
  readonly tail: string;
}

const contentShape = shape(CONTENT_MEMBERS);
const runtimeShape = shape([
  'authority',
  'binding_mode',
  'content_canonicalization',
  'content_hash',
  'customer_supplied_code',
  'production_core',
  'valid_until',
  'verdict_authority',
]);
const publicShape = shape([
  ...PUBLIC_STRINGS,
  ...PUBLIC_OPTIONAL,
  'action_binding',
  'evidence',
  'evidence_manifest',
  'policy_bundle',
]);
const receiptShape = shape([
  'action_binding_hash',
  'decision_id',
  'decision_record_version',
  'evidence_manifest_hash',
  'input_hash',
  'output_hash',
  'policy_bundle_hash',
  'policy_hash',
  'record_hash',
]);
const messageShape = shape(['decision_id', 'key_id', 'receipt_hash', 'record_hash']);
const integrityShape = shape([
  'action_binding_hash',
  'canonicalization',
  'content_hash',
  'decision_protocol_version',
  'evidence_manifest_hash',
  'hash_algorithm',
  'input_hash',
  'output_hash',
  'policy_bundle_hash',
  'policy_hash',
  'receipt_hash',
  'record_hash',
  'replay_url',
  'signature',
  'verify_url',
]);
const signatureShape = shape(['algorithm', 'key_id', 'public_key_fingerprint']);

const SEAL_BEFORE_SIGNATURE = [
  'integrity',
  'receipt_hash',
  'receipt_key_id',
  'receipt_public_key',
  'receipt_public_key_fingerprint',
] as const;
const SEAL_AFTER_SIGNATURE = ['receipt_signature_algorithm', 'record_hash'] as const;
const before = (name: string): boolean => name < 'receipt_signature';
/** The record in canonical order, cut where the signature stands, which is made elsewhere. */
const headShape = shape([...CONTENT_MEMBERS.filter(before), ...SEAL_BEFORE_SIGNATURE]);
const tailShape = shape([
  ...CONTENT_MEMBERS.filter((name) => !before(name)),
  ...SEAL_AFTER_SIGNATURE,
]);

const PROTOCOL_TEXT = canonicalString(PROTOCOL_VERSION);
const RECORD_TEXT = canonicalString(RECORD_VERSION);
const EMPTY_TEXT = '""';
const SHA256_TEXT = '"sha256"';
const ED25519_TEXT = '"ed25519"';
const RFC8785_TEXT = '"rfc8785"';
const SORT_DEEP_TEXT = '"json.sort_deep.v1"';

/**
 * Hashes a record and lays out its canonical text. The texts spliced here are what `recordContentHash`,
 * `recordHash`, `receiptHash` and `recordSubject` compute from the finished object; a test holds the two together.
 */
export function sealRecord(
  content: ContentTexts,
  runtime: RuntimeBindingTexts,
  key: SealKey,
): SealedRecord {
  const versioned: Record<string, string | undefined> = {
    ...content,
    decision_protocol_version: PROTOCOL_TEXT,
    decision_record_version: RECORD_TEXT,
  };
  const binding: Record<string, string | undefined> = {
    ...runtime,
    content_canonicalization: RFC8785_TEXT,
  };
  versioned['runtime_binding'] = runtimeShape(binding);
  const contentHash = sha256Hex(contentShape(versioned));
  binding['content_hash'] = `"${contentHash}"`;
  versioned['runtime_binding'] = runtimeShape(binding);

  const recordHash = sha256Hex(
    publicShape({ ...versioned, idempotency_key: content.idempotency_key ?? EMPTY_TEXT }),
  );
  const manifestHash = sha256Hex(content.evidence_manifest ?? '{}');
  const hashes: Record<string, string | undefined> = {
    action_binding_hash: content.action_binding_hash,
    decision_id: content.decision_id,
    decision_record_version: RECORD_TEXT,
    evidence_manifest_hash: `"${manifestHash}"`,
    input_hash: content.input_hash,
    output_hash: content.output_hash,
    policy_bundle_hash: content.policy_bundle_hash,
    policy_hash: content.policy_hash,
    record_hash: `"${recordHash}"`,
  };
  const receiptHash = sha256Hex(receiptShape(hashes));
  const keyIdText = canonicalString(key.keyId);
  const fingerprintText = canonicalString(key.fingerprint);
  hashes['receipt_hash'] = `"${receiptHash}"`;
  hashes['key_id'] = keyIdText;
  const message = messageShape(hashes);

  const sealed: Record<string, string | undefined> = {
    ...versioned,
    integrity: integrityShape({
      ...hashes,
      canonicalization: SORT_DEEP_TEXT,
      content_hash: `"${contentHash}"`,
      decision_protocol_version: PROTOCOL_TEXT,
      hash_algorithm: SHA256_TEXT,
      replay_url: content.replay_url,
      signature: signatureShape({
        algorithm: ED25519_TEXT,
        key_id: keyIdText,
        public_key_fingerprint: fingerprintText,
      }),
      verify_url: content.verify_url,
    }),
    receipt_hash: hashes['receipt_hash'],
    receipt_key_id: keyIdText,
    receipt_public_key: canonicalString(key.publicKeyPem),
    receipt_public_key_fingerprint: fingerprintText,
    receipt_signature_algorithm: ED25519_TEXT,
    record_hash: hashes['record_hash'],
  };
  return {
    contentHash,
    recordHash,
    receiptHash,
    message,
    head: `${headShape(sealed).slice(0, -1)},"receipt_signature":"`,
    tail: `",${tailShape(sealed).slice(1)}`,
  };
}

/** The whole record's canonical text, once its signature text is there. */
export function signedRecordText(sealed: SealedRecord, signature: string): string {
  return sealed.head + signature + sealed.tail;
}
