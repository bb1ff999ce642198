import {
  type Members,
  PACKET_VERSION,
  PROTOCOL_VERSION,
  packetHash,
  readPacket,
} from '@countersign/proof';
import { type Artefact, areIncluded, readLedger } from './artefact.ts';
import { checkPacketSignature, isArtefactSigned } from './artefact-signature.ts';
import { sourceKeysIn } from './attested.ts';
import { compareCheckpoints } from './checkpoint.ts';
import { areReportsSigned, reportHashes } from './intelligence.ts';
import type { ArtefactKind } from './kinds.ts';
import { entryAt, isSigned } from './ledger.ts';
import {
  areBound,
  areSupported,
  each,
  isExecutionContent,
  isHashed,
  isLinked,
  isOutcomeContent,
  isWithinLimit,
  type Lifecycle,
} from './lifecycle.ts';
import {
  type Component,
  hasComponent,
  isComplete,
  isCounted,
  isKnown,
  reportsIn,
} from './manifest.ts';
import { areInputs, readPolicies } from './material.ts';
import { listOf, membersOf, textMember } from './member.ts';
import { areOrdered } from './order.ts';
import { readChain } from './packet-chain.ts';
import { isPubliclyVerified, publishedPacketChecks } from './published.ts';
import { examineRecord } from './record.ts';
import { areRelated } from './related.ts';
import { replay } from './replay.ts';
import { knowsReceiptKeys, type Trust } from './trust.ts';
import {
  attempt,
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
  'crm_sync_hashes',
  'claim_hashes',
  'review_hashes',
  'execution_content',
  'outcome_content',
  'execution_signatures',
  'outcome_signatures',
  'crm_sync_signatures',
  'claim_signatures',
  'review_signatures',
  'execution_links',
  'outcome_links',
  'crm_sync_links',
  'claim_links',
  'review_links',
  'execution_binding',
  'execution_limit',
  'outcome_support',
  'lifecycle_order',
  'related_records',
  'policy_effectiveness_hash',
  'anomaly_report_hash',
  'confidence_hash',
  'benchmark_hash',
  'report_signatures',
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
/** Of each list of artefacts: its component in the manifest, its kinds, and the first word of its checks. */
const LISTS = [
  { list: 'executions', component: 'execution_receipts', kinds: ['execution'], name: 'execution' },
  { list: 'outcomes', component: 'outcome_records', kinds: ['outcome'], name: 'outcome' },
  { list: 'crm_syncs', component: 'crm_sync_receipts', kinds: ['crm_sync'], name: 'crm_sync' },
  { list: 'claims', component: 'claims', kinds: ['claim'], name: 'claim' },
  {
    list: 'reviews',
    component: 'reviews',
    kinds: ['review_opened', 'review_resolved'],
    name: 'review',
  },
] as const satisfies readonly {
  readonly list: string;
  readonly component: Component;
  readonly kinds: readonly ArtefactKind[];
  readonly name: string;
}[];
/** Checks that say who made the packet, not whether it fits together. */
const TRUST_CHECKS: ReadonlySet<PacketCheck> = new Set([
  'packet_signature',
  'decision_record_verified',
  'execution_signatures',
  'outcome_signatures',
  'crm_sync_signatures',
  'claim_signatures',
  'review_signatures',
  'report_signatures',
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
  const findings = new Findings(PACKET_CHECKS);

  const ledger = readLedger(packet);
  const note = membersOf(packet['ledger'])['checkpoint'];
  const signed = isSigned(note, trust, origin);
  const provenAt = ({ entry, included }: Artefact): number | undefined =>
    included && signed === true && entry !== undefined ? entryAt(entry) : undefined;
  const [recordArtefact] = ledger.artefacts;
  const policies = readPolicies(packet, record);
  const placeOf = (members: Members): number =>
    ledger.artefacts.find((artefact) => artefact.members === members)?.entry?.seq ?? -1;
  const lifecycle: Lifecycle = {
    record,
    claims: listOf(packet['claims']),
    executions,
    outcomes,
    reviews: listOf(packet['reviews']),
    authorization: membersOf(membersOf(policies.document)['authorization']),
    placeOf,
  };
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

  const related = listOf(packet['related_records']);
  // What a person said of the record that this one carries on belongs here as well.
  const isNamed = ({ members, related: ofAnother }: Artefact): boolean =>
    (ofAnother ? related : [record]).some((one) => isLinked(members, one));
  const keys = knowsReceiptKeys(trust);
  for (const { name, kinds } of LISTS) {
    const artefacts = ledger.artefacts.filter(({ kind }) => kinds.some((one) => one === kind));
    findings.set(`${name}_hashes`, each(artefacts, isHashed));
    findings.set(
      `${name}_signatures`,
      keys
        ? each(artefacts, (artefact) => isArtefactSigned(artefact, trust, provenAt(artefact)))
        : null,
    );
    findings.set(`${name}_links`, each(artefacts, isNamed));
  }
  findings.set('execution_content', each(executions, isExecutionContent));
  findings.set('execution_binding', areBound(lifecycle));
  findings.set('execution_limit', isWithinLimit(lifecycle));
  findings.set('outcome_content', each(outcomes, isOutcomeContent));
  findings.set('outcome_support', areSupported(lifecycle));
  findings.set('lifecycle_order', areOrdered(lifecycle, ledger));
  findings.set(
    'related_records',
    areRelated(record, related, (other) => {
      const artefact = ledger.artefacts.find(({ members }) => members === other);
      const proven = { proof: null, provenAt: artefact && provenAt(artefact) };
      return examineRecord({ record: other, trust }, proven).result.verified;
    }),
  );
  for (const { check, expected, actual } of reportHashes(packet)) {
    findings.compare(check, expected, actual);
  }
  const made = Math.max(
    ...ledger.artefacts.map(({ entry }) => (entry === undefined ? Number.NaN : entryAt(entry))),
  );
  findings.set('report_signatures', areReportsSigned(packet, trust, made));
  findings.set('policy_bundle_match', policies.match);

  findings.set('audit_chain_leaf_hash', chain.leaves);
  findings.set('retained_chain_links', chain.links);
  findings.set('chain_head', chain.head);
  findings.set('ledger_inclusion', areIncluded(packet, ledger));
  findings.set('ledger_checkpoint_signature', signed);

  const required = new Set(REQUIRED);
  for (const { list, component, name } of LISTS) {
    if (!hasComponent(packet, component, listOf(packet[list]))) continue;
    required.add(`${name}_hashes`);
    required.add(`${name}_signatures`);
    required.add(`${name}_links`);
    if (name === 'execution' || name === 'outcome') required.add(`${name}_content`);
  }
  if (hasComponent(packet, 'reports', reportsIn(packet))) required.add('report_signatures');
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
    const material = {
      record,
      input,
      policy: policies.document,
      policyBundle,
      reviews: lifecycle.reviews,
      sourceKeys: sourceKeysIn(packet),
    };
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
