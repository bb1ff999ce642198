import {
  type Members,
  PACKET_VERSION,
  PROTOCOL_VERSION,
  packetHash,
  readPacket,
} from '@countersign/proof';
import { type Artefact, areIncluded, readLedger } from './artefact.ts';
import { checkPacketSignature, isArtefactSigned } from './artefact-signature.ts';
import { compareCheckpoints } from './checkpoint.ts';
import { entryAt, isSigned } from './ledger.ts';
import {
  areBound,
  areSupported,
  each,
  isExecutionContent,
  isExecutionHashed,
  isLinked,
  isOutcomeContent,
  isOutcomeHashed,
  isWithinLimit,
} from './lifecycle.ts';
import { hasComponent, isComplete, isCounted, isKnown } from './manifest.ts';
import { areInputs, readPolicies } from './material.ts';
import { listOf, membersOf, textMember } from './member.ts';
import { areOrdered } from './order.ts';
import { readChain } from './packet-chain.ts';
import { isPubliclyVerified, publishedPacketChecks } from './published.ts';
import { examineRecord } from './record.ts';
import { replay } from './replay.ts';
import { knowsReceiptKeys, type Trust } from './trust.ts';
import {
  attempt,
  type Check,
  Findings,
  isShallow,
  type Verification,
  type VerificationError,
} from './verification.ts';

/** A packet to verify and what the reader has besides. */
export interface PacketEvidence {
  /** The answer envelope, or a bare packet, which has lost its signature and is never verified. */
  readonly file: unknown;
  readonly trust: Trust;
  /** The request, where the reader has it. */
  readonly input?: unknown;
  /** A signed checkpoint of the same ledger that the reader kept from earlier. */
  readonly checkpoint?: string | undefined;
  /** Consistency proof, hex, from that checkpoint to the packet's. */
  readonly consistency?: readonly string[] | undefined;
  /** Ledger that the checkpoint must be of. */
  readonly origin?: string | undefined;
  /** Judge the input anew by the packet's policy, and compare. */
  readonly replay?: boolean | undefined;
}

const PACKET_CHECKS = [
  'decision_packet_version',
  'packet_hash',
  'packet_signature',
  'packet_manifest_counts',
  'packet_complete',
  'packet_components_known',
  'decision_record_verified',
  'decision_record_hash_matches_packet',
  'decision_receipt_hash_matches_packet',
  'input_hash',
  'execution_hashes',
  'outcome_hashes',
  'execution_content',
  'outcome_content',
  'execution_signatures',
  'outcome_signatures',
  'execution_links',
  'outcome_links',
  'execution_binding',
  'execution_limit',
  'outcome_support',
  'lifecycle_order',
  'policy_bundle_match',
  'audit_chain_leaf_hash',
  'retained_chain_links',
  'chain_head',
  'ledger_inclusion',
  'ledger_checkpoint_signature',
  'ledger_consistency',
  'replay_reproduced',
] as const;

type PacketCheck = (typeof PACKET_CHECKS)[number];

const REQUIRED: readonly PacketCheck[] = [
  'decision_packet_version',
  'packet_hash',
  'packet_signature',
  'packet_manifest_counts',
  'packet_complete',
  'packet_components_known',
  'decision_record_verified',
  'decision_record_hash_matches_packet',
  'decision_receipt_hash_matches_packet',
  'audit_chain_leaf_hash',
  'ledger_inclusion',
  'ledger_checkpoint_signature',
];
const OF_EXECUTIONS: readonly PacketCheck[] = [
  'execution_hashes',
  'execution_content',
  'execution_signatures',
  'execution_links',
];
const OF_OUTCOMES: readonly PacketCheck[] = [
  'outcome_hashes',
  'outcome_content',
  'outcome_signatures',
  'outcome_links',
];
/** Checks that say who made the packet, not whether it fits together. */
const TRUST_CHECKS: ReadonlySet<PacketCheck> = new Set([
  'packet_signature',
  'decision_record_verified',
  'execution_signatures',
  'outcome_signatures',
  'ledger_checkpoint_signature',
  'ledger_consistency',
]);

/** Verifies a packet: every part, and that the parts belong together. Never throws, whatever JSON value the file is. */
export function verifyPacket(evidence: PacketEvidence): Verification {
  const { trust, origin } = evidence;
  const read = isShallow(evidence.file) ? readPacket(evidence.file) : undefined;
  const packet: Members = read?.packet ?? {};
  const record = membersOf(packet['decision_record']);
  const executions = listOf(packet['executions']);
  const outcomes = listOf(packet['outcomes']);
  const lifecycle = { record, executions, outcomes };
  const findings = new Findings(PACKET_CHECKS);

  const ledger = readLedger(packet);
  const note = membersOf(packet['ledger'])['checkpoint'];
  const signed = isSigned(note, trust, origin);
  const provenAt = ({ entry, included }: Artefact): number | undefined =>
    included && signed === true && entry !== undefined ? entryAt(entry) : undefined;
  const [recordArtefact] = ledger.artefacts;
  const policies = readPolicies(packet, record);
  const input = evidence.input ?? packet['input'] ?? packet['stored_input'];
  const examined = examineRecord(
    {
      record: packet['decision_record'],
      input,
      policy: policies.document,
      policyBundle: packet['policy_bundle_manifest'],
      trust,
    },
    { proof: null, provenAt: recordArtefact && provenAt(recordArtefact) },
  );

  findings.set(
    'decision_packet_version',
    packet['decision_packet_version'] === PACKET_VERSION &&
      packet['decision_protocol_version'] === PROTOCOL_VERSION,
  );
  const hash = attempt(() => packetHash(packet));
  findings.compare('packet_hash', hash, packet['packet_hash']);
  findings.set('packet_signature', checkPacketSignature(evidence, { packet, hash, ledger }));
  const chain = readChain(packet, ledger);
  findings.set('packet_manifest_counts', isCounted(packet));
  findings.set(
    'packet_complete',
    isComplete(packet) && !ledger.hasStrayEntries && !chain.hasStrayLinks,
  );
  findings.set('packet_components_known', isKnown(packet));

  findings.set('decision_record_verified', examined.result.verified);
  findings.compare(
    'decision_record_hash_matches_packet',
    packet['decision_id'] === record['decision_id'] ? textMember(record, 'record_hash') : undefined,
    packet['record_hash'],
  );
  findings.compare(
    'decision_receipt_hash_matches_packet',
    textMember(record, 'receipt_hash'),
    packet['receipt_hash'],
  );
  findings.set('input_hash', areInputs(packet, record));

  const named = (artefact: Members): boolean => isLinked(artefact, record);
  const keys = knowsReceiptKeys(trust);
  const signatures = (kind: 'execution' | 'outcome'): Check => {
    const artefacts = ledger.artefacts.filter((artefact) => artefact.kind === kind);
    if (!keys || artefacts.length === 0) return null;
    return artefacts.every((artefact) => isArtefactSigned(artefact, trust, provenAt(artefact)));
  };
  findings.set('execution_hashes', each(executions, isExecutionHashed));
  findings.set('execution_content', each(executions, isExecutionContent));
  findings.set('execution_signatures', signatures('execution'));
  findings.set('execution_links', each(executions, named));
  findings.set('execution_binding', areBound(lifecycle));
  findings.set('execution_limit', isWithinLimit(lifecycle));
  findings.set('outcome_hashes', each(outcomes, isOutcomeHashed));
  findings.set('outcome_content', each(outcomes, isOutcomeContent));
  findings.set('outcome_signatures', signatures('outcome'));
  findings.set('outcome_links', each(outcomes, named));
  findings.set('outcome_support', areSupported(lifecycle));
  findings.set('lifecycle_order', areOrdered(lifecycle, ledger));
  findings.set('policy_bundle_match', policies.match);

  findings.set('audit_chain_leaf_hash', chain.leaves);
  findings.set('retained_chain_links', chain.links);
  findings.set('chain_head', chain.head);
  findings.set('ledger_inclusion', areIncluded(packet, ledger));
  findings.set('ledger_checkpoint_signature', signed);

  const required = new Set(REQUIRED);
  if (hasComponent(packet, 'execution_receipts', executions)) {
    for (const name of OF_EXECUTIONS) required.add(name);
  }
  if (hasComponent(packet, 'outcome_records', outcomes)) {
    for (const name of OF_OUTCOMES) required.add(name);
  }
  let splitView = false;
  if (evidence.checkpoint !== undefined) {
    const { checkpoint: older, consistency: path } = evidence;
    const compared = compareCheckpoints({ older, newer: note, path, trust, origin });
    findings.set('ledger_consistency', compared.consistent);
    splitView = compared.splitView;
    required.add('ledger_consistency');
  }
  if (evidence.replay === true) {
    const policyBundle = packet['policy_bundle_manifest'];
    const material = { record, input, policy: policies.document, policyBundle };
    findings.set('replay_reproduced', replay(material));
    required.add('replay_reproduced');
  }

  const failures = findings.failures(required);
  const { result, published } = examined;
  const integrityValid = result.integrity_valid && failures.every((name) => TRUST_CHECKS.has(name));
  const authenticityValid =
    result.authenticity_valid && !failures.some((name) => TRUST_CHECKS.has(name));
  const verified = integrityValid && authenticityValid;
  const error = errorOf(read !== undefined, splitView) ?? result.error;
  return {
    ok: verified,
    verified,
    integrity_valid: integrityValid,
    authenticity_valid: authenticityValid,
    public_verified: isPubliclyVerified(publishedPacketChecks(packet, record, published)),
    key_source: result.key_source,
    checks: findings.checks,
    expected: findings.expected,
    actual: findings.actual,
    failures,
    ...(error !== undefined && { error }),
    record: result,
  };
}

function errorOf(readable: boolean, splitView: boolean): VerificationError | undefined {
  if (!readable) {
    return {
      code: 'DECIDE_VERIFY_UNREADABLE',
      message: 'This is no decision packet, or it is nested too deeply.',
    };
  }
  if (!splitView) return undefined;
  return {
    code: 'DECIDE_VERIFY_SPLIT_VIEW',
    message:
      'The ledger signed two different histories of one length. Keep both checkpoints: they prove it.',
  };
}
