import {
  bindingHash,
  canonicalJson,
  isMembers,
  isWellFormed,
  type Members,
  manifestHash,
  outputHash,
  PROTOCOL_VERSION,
  parseSignature,
  publicKeyFromPem,
  RECORD_VERSION,
  receiptHash,
  receiptMessage,
  recordContentHash,
  recordHash,
  sha256Hex,
  sortedJson,
  utf8,
  verifyEd25519,
} from '@countersign/proof';
import { entryAt, verifyLedgerProof } from './ledger.ts';
import { instantOf, membersOf, textMember } from './member.ts';
import { isPubliclyVerified, publishedRecordChecks } from './published.ts';
import {
  evidenceAgrees,
  hasPublicForm,
  isComplete,
  mirrorsAgree,
  verdictAgrees,
} from './record-rules.ts';
import { attestationHolds, isRulebookRecord } from './rulebook-record.ts';
import {
  type KeySource,
  ledgerKeys,
  revokedAt,
  survivesRevocation,
  type Trust,
  type TrustedKey,
  trustedKeys,
} from './trust.ts';
import {
  attempt,
  Findings,
  isShallow,
  type Verification,
  type VerificationError,
} from './verification.ts';

/** A record to verify and what stands beside it. */
export interface RecordEvidence {
  /** The Decision Record, full view. */
  readonly record: unknown;
  /** The request it answered: the full one, or the redacted one if the record names redactions. */
  readonly input?: unknown;
  /** The policy document it was decided by. */
  readonly policy?: unknown;
  /** The manifest of the policy bundle. */
  readonly policyBundle?: unknown;
  readonly trust: Trust;
}

/** Verifies a Decision Record by itself. Never throws, whatever JSON value the record is. */
export function verifyRecord(evidence: RecordEvidence): Verification {
  const { record, trust } = evidence;
  const proof =
    isMembers(record) && record['ledger_proof'] !== undefined && ledgerKeys(trust).length > 0
      ? verifyLedgerProof({ subject: record, trust })
      : undefined;
  const provenAt = proof?.ok === true ? entryAt(proof.value.entry) : undefined;
  return examineRecord(evidence, { proof: proof === undefined ? null : proof.ok, provenAt }).result;
}

const RECORD_CHECKS = [
  'decision_protocol_version',
  'decision_record_version',
  'record_complete',
  'public_form',
  'content_hash',
  'record_hash',
  'receipt_hash',
  'receipt_signature',
  'receipt_public_key_fingerprint',
  'receipt_key_trusted',
  'integrity_record_hash',
  'integrity_policy_bundle_hash',
  'alias_consistency',
  'action_binding_hash',
  'evidence_manifest_hash',
  'output_hash',
  'evidence_consistency',
  'verdict_consistency',
  'rulebook_attestation',
  'input_hash',
  'policy_bundle_match',
  'policy_hash',
  'not_revoked',
  'ledger_proof',
] as const;

type RecordCheck = (typeof RECORD_CHECKS)[number];

const CONDITIONAL: ReadonlySet<RecordCheck> = new Set([
  'rulebook_attestation',
  'input_hash',
  'policy_bundle_match',
  'policy_hash',
  'not_revoked',
  'ledger_proof',
]);
const REQUIRED: ReadonlySet<RecordCheck> = new Set(
  RECORD_CHECKS.filter((name) => !CONDITIONAL.has(name)),
);
const REQUIRED_OF_RULEBOOKS: ReadonlySet<RecordCheck> = new Set([
  ...REQUIRED,
  'rulebook_attestation',
]);
/** Checks that say who made the record, not whether it fits together. */
const TRUST_CHECKS: ReadonlySet<RecordCheck> = new Set([
  'receipt_key_trusted',
  'not_revoked',
  'ledger_proof',
]);

/** Where the ledger is known to hold the record. */
export interface RecordProof {
  /** Whether the proof that came along holds; `null` where there is none to check. */
  readonly proof: boolean | null;
  /** Instant of its entry, Unix milliseconds, once that entry is proven. */
  readonly provenAt?: number | undefined;
}

/** The same with what a packet's ledger says of the record; also gives the published checks. */
export function examineRecord(
  evidence: RecordEvidence,
  { proof, provenAt }: RecordProof,
): {
  readonly result: Verification;
  readonly published: ReturnType<typeof publishedRecordChecks>;
} {
  const { trust, input } = evidence;
  const readable = isMembers(evidence.record) && isShallow(evidence.record);
  const record: Members = readable ? (evidence.record as Members) : {};
  const findings = new Findings(RECORD_CHECKS);
  const runtime = membersOf(record['runtime_binding']);
  const integrity = membersOf(record['integrity']);

  findings.set(
    'decision_protocol_version',
    record['decision_protocol_version'] === PROTOCOL_VERSION,
  );
  findings.set('decision_record_version', record['decision_record_version'] === RECORD_VERSION);
  findings.set('record_complete', isComplete(record));
  findings.set('public_form', hasPublicForm(record));

  if (runtime['content_hash'] !== undefined) {
    const content = attempt(() => recordContentHash(record));
    findings.compare('content_hash', content, runtime['content_hash']);
  }
  const hash = attempt(() => recordHash(record));
  const receipt = hash && attempt(() => receiptHash(record, hash));
  findings.compare('record_hash', hash, record['record_hash']);
  findings.compare('receipt_hash', receipt, record['receipt_hash']);
  const key = checkSignature(findings, record, trust, { hash, receipt });
  checkRevocation(findings, record, { trust, key, provenAt });
  findings.set('ledger_proof', proof);

  findings.compare(
    'integrity_record_hash',
    textMember(record, 'record_hash'),
    integrity['record_hash'],
  );
  const bundleHash = textMember(record, 'policy_bundle_hash');
  findings.compare('integrity_policy_bundle_hash', bundleHash, integrity['policy_bundle_hash']);
  if (membersOf(record['policy_bundle'])['hash'] !== bundleHash) {
    findings.set('integrity_policy_bundle_hash', false);
  }
  const bound = attempt(() => bindingHash(record));
  const manifest = attempt(() => manifestHash(record));
  findings.compare('action_binding_hash', bound, record['action_binding_hash']);
  findings.compare('evidence_manifest_hash', manifest, integrity['evidence_manifest_hash']);
  findings.compare(
    'output_hash',
    attempt(() => outputHash(record)),
    record['output_hash'],
  );
  findings.set('alias_consistency', mirrorsAgree(record, manifest));
  findings.set('evidence_consistency', evidenceAgrees(record));
  findings.set('verdict_consistency', verdictAgrees(record));
  const byRulebook = isRulebookRecord(record);
  if (byRulebook) {
    findings.set('rulebook_attestation', attestationHolds(record, { trust, input, provenAt }));
  }

  const stored = record['stored_input_hash'];
  const inputHash = input === undefined ? undefined : attempt(() => sha256Hex(sortedJson(input)));
  const isStored = stored !== undefined && stored === inputHash;
  if (input !== undefined) {
    findings.compare('input_hash', inputHash, isStored ? stored : record['input_hash']);
  }
  if (evidence.policyBundle !== undefined) {
    const bundle = attempt(() => sha256Hex(canonicalJson(evidence.policyBundle)));
    findings.compare('policy_bundle_match', bundle, record['policy_bundle_hash']);
  }
  if (evidence.policy !== undefined) {
    const policy = attempt(() => sha256Hex(canonicalJson(evidence.policy)));
    findings.compare('policy_hash', policy, record['policy_hash']);
  }

  // The published rules know one input only, and are not given another form of it.
  const published = publishedRecordChecks(record, {
    input: isStored ? undefined : input,
    trust,
    resolved: key.trusted,
  });
  const { checks, expected, actual } = findings;
  const failures = findings.failures(byRulebook ? REQUIRED_OF_RULEBOOKS : REQUIRED);
  const integrityValid = failures.every((name) => TRUST_CHECKS.has(name));
  const authenticityValid =
    checks.receipt_signature === true &&
    checks.receipt_key_trusted === true &&
    checks.not_revoked !== false &&
    checks.ledger_proof !== false;
  const verified = integrityValid && authenticityValid;
  const error = errorOf(record, readable);
  const result: Verification = {
    ok: verified,
    verified,
    integrity_valid: integrityValid,
    authenticity_valid: authenticityValid,
    public_verified: isPubliclyVerified(published),
    key_source: key.source,
    checks,
    expected,
    actual,
    failures,
    ...(error !== undefined && { error }),
  };
  return { result, published };
}

interface KeyUsed {
  readonly source: KeySource;
  /** Present where the key is a trusted one. */
  readonly trusted?: TrustedKey;
  readonly fingerprint?: string;
}

/**
 * Finds the key and checks the signature over the recomputed hashes. Without a trusted key the one that the caller
 * sent or that the record embeds serves, which says that the record fits together and nothing about who made it.
 */
function checkSignature(
  findings: Findings<RecordCheck>,
  record: Members,
  trust: Trust,
  computed: { readonly hash: string | undefined; readonly receipt: string | undefined },
): KeyUsed {
  const claimed = record['receipt_public_key_fingerprint'];
  const at = instantOf(record['created_at']);
  const claim = { keyId: record['receipt_key_id'], from: at, until: at };
  // A record that names no fingerprint could mean any key: it is not matched with one.
  const [trusted] = trustedKeys(trust, { ...claim, fingerprint: claimed ?? '' });
  const pem = record['receipt_public_key'];
  const embedded = typeof pem === 'string' ? publicKeyFromPem(pem) : undefined;
  const sent = trust.publicKey?.fingerprint === claimed ? trust.publicKey : undefined;
  const publicKey = trusted?.publicKey ?? sent?.publicKey ?? embedded;
  const source = trusted?.source ?? sent?.source ?? (embedded === undefined ? 'none' : 'record');

  const fingerprint = typeof pem === 'string' && isWellFormed(pem) ? sha256Hex(pem) : undefined;
  findings.compare('receipt_public_key_fingerprint', fingerprint, claimed);
  const { hash, receipt } = computed;
  const message =
    hash !== undefined && receipt !== undefined
      ? attempt(() =>
          receiptMessage({
            decision_id: textMember(record, 'decision_id') ?? '',
            key_id: textMember(record, 'receipt_key_id') ?? '',
            receipt_hash: receipt,
            record_hash: hash,
          }),
        )
      : undefined;
  const signature = parseSignature(textMember(record, 'receipt_signature') ?? '');
  const algorithm = record['receipt_signature_algorithm'];
  const signed =
    (algorithm === 'ed25519' || algorithm === 'Ed25519') &&
    publicKey !== undefined &&
    message !== undefined &&
    signature !== undefined &&
    verifyEd25519(publicKey, utf8(message), signature);
  findings.set('receipt_signature', signed);

  const environment = record['environment'] === undefined ? 'live' : record['environment'];
  const ownEnvironment = trust.environment === undefined || trust.environment === environment;
  findings.set('receipt_key_trusted', signed && trusted !== undefined && ownEnvironment);
  return {
    source,
    ...(trusted !== undefined && { trusted }),
    ...(fingerprint !== undefined && { fingerprint }),
  };
}

function checkRevocation(
  findings: Findings<RecordCheck>,
  record: Members,
  given: {
    readonly trust: Trust;
    readonly key: KeyUsed;
    readonly provenAt: number | undefined;
  },
): void {
  const { trust, key, provenAt } = given;
  if (trust.registry === undefined || key.fingerprint === undefined) return;
  const revoked = revokedAt(trust, key.fingerprint);
  const later = revoked !== undefined && !(instantOf(record['created_at']) < revoked);
  findings.set('not_revoked', !later && survivesRevocation(revoked, provenAt));
}

function errorOf(record: Members, readable: boolean): VerificationError | undefined {
  if (!readable) {
    return {
      code: 'DECIDE_VERIFY_UNREADABLE',
      message: 'This is no object, or it is nested too deeply.',
    };
  }
  if (record['mode'] === 'multi') {
    return {
      code: 'DECIDE_VERIFY_ADVISORY',
      message: 'This record advises and decides nothing, so it is not verified as a decision.',
    };
  }
  const view = record['record_view'];
  if (view === undefined || view === 'full') return undefined;
  return {
    code: 'DECIDE_VERIFY_VIEW_INCOMPLETE',
    message: 'Only the full view of a record can be verified.',
  };
}
