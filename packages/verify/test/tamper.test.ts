import {
  canonicalJson,
  executionContentHash,
  executionHash,
  isMembers,
  linkText,
  outcomeContentHash,
  outcomeHash,
  receiptHash,
  recordHash,
  sha256,
  sha256Hex,
  utf8,
} from '@countersign/proof';
import { describe, expect, it } from 'vitest';
import {
  type PacketEvidence,
  type Trust,
  type Verification,
  verifyFile,
  verifyPacket,
  verifyRecord,
} from '../src/index.ts';
import { publishedPacketChecks, publishedRecordChecks } from '../src/published.ts';
import {
  ATTACKER,
  contentWith,
  envelopeOf,
  executionContentFor,
  inputOf,
  type Json,
  noteOver,
  OURS,
  outcomeContentFor,
  packetOf,
  recordContentOf,
  refusal,
  registryKey,
  rehash,
  sealExecution,
  sealOutcome,
  sealRecordOf,
  signerOf,
  withMirror,
  workedExample,
} from './example.ts';
import { PINNED, REGISTRY, registryTrust } from './trusts.ts';

/** A file after the change: a record or a packet file, and what the reader brings. */
interface Tampered {
  readonly record?: Json;
  readonly file?: Json;
  readonly input?: Json;
  readonly trust?: Trust;
  readonly checkpoint?: string;
}

interface Row {
  readonly id: string;
  readonly change: string;
  readonly make: () => Tampered;
  /** Checks of ours that are false at least. */
  readonly ours: readonly string[];
  /** Required checks that could not be run. */
  readonly unrun?: readonly string[];
  /** Exactly the published checks that are false; or that the published rules notice nothing, or find no key. */
  readonly published: readonly string[] | 'unnoticed' | 'no key';
  readonly still?: readonly string[];
}

const { record: RECORD, packet: PACKET } = workedExample();
const record = (): Json => structuredClone(RECORD);
/** Packet as in the example, changed; `redo` computes its hash anew. The signature stays the one we gave. */
function packetWith(change: (packet: Json) => void, redo = true): Json {
  const packet = structuredClone(PACKET);
  change(packet);
  return { ...envelopeOf(PACKET), packet: redo ? rehash(packet) : packet };
}
const recordWith = (change: (record: Json) => void): Tampered => {
  const changed = record();
  change(changed);
  return { record: changed };
};
const otherSigner = (name: string) => signerOf(sha256Hex(name), `dk_${name}`);

/** What everybody can compute who knows the published rules. */
function redoHashes(changed: Json, both: boolean): Json {
  const hash = recordHash(changed);
  const redone = { ...changed, record_hash: hash };
  return withMirror(both ? { ...redone, receipt_hash: receiptHash(redone, hash) } : redone);
}

const R = ['record_hash', 'receipt_hash', 'receipt_signature', 'receipt_key_trusted'];
const VERSIONS = ['decision_protocol_version', 'decision_record_version'];
const HASHES = ['content_hash', 'record_hash', 'receipt_hash'];
const RECORD_CHECKS = ['decision_record_verified', 'decision_record_hash_matches_packet'];
const LINKS = ['execution_links', 'outcome_links'];

/** Not in the table: T26 and T35, which need packets with reports and reviews; the server's tests make real ones. */
const ROWS: readonly Row[] = [
  {
    id: 'T1',
    change: 'another action',
    make: () => recordWith((r) => (r['action'] = 'approve_discount_25')),
    ours: ['content_hash', 'record_hash', 'receipt_hash', 'receipt_signature', 'output_hash'],
    published: R,
    still: VERSIONS,
  },
  {
    id: 'T1',
    change: 'another verdict',
    make: () => recordWith((r) => (r['verdict'] = 'no')),
    ours: [...HASHES, 'receipt_signature', 'output_hash', 'verdict_consistency'],
    published: R,
    still: VERSIONS,
  },
  {
    id: 'T1a',
    change: 'verdict as a synonym',
    make: () => recordWith((r) => (r['verdict'] = 'approved')),
    ours: ['public_form', 'content_hash', 'record_hash'],
    published: 'unnoticed',
    still: VERSIONS,
  },
  {
    id: 'T1a',
    change: 'white space around a hashed text',
    make: () => recordWith((r) => (r['action'] = ' approve_discount ')),
    ours: ['public_form', 'content_hash', 'record_hash'],
    published: 'unnoticed',
    still: VERSIONS,
  },
  {
    id: 'T2',
    change: 'a code more in `evidence`',
    make: () => ({ ...recordWith((r) => r['evidence'].push('EXTRA_CODE')), input: inputOf() }),
    ours: ['content_hash', 'record_hash', 'evidence_consistency'],
    published: R,
    still: ['input_hash'],
  },
  {
    id: 'T3',
    change: 'another target',
    make: () => recordWith((r) => (r['action_binding']['target_object_id'] = 'sub_9')),
    ours: ['content_hash', 'record_hash', 'action_binding_hash', 'receipt_hash'],
    published: R,
    still: ['evidence_manifest_hash'],
  },
  {
    id: 'T4',
    change: 'another action, record hash redone',
    make: () => ({ record: redoHashes({ ...record(), action: 'approve_all' }, false) }),
    ours: ['content_hash', 'receipt_hash', 'receipt_signature'],
    published: ['receipt_hash', 'receipt_signature', 'receipt_key_trusted'],
    still: ['record_hash'],
  },
  {
    id: 'T5',
    change: 'the same, receipt hash redone as well',
    make: () => ({ record: redoHashes({ ...record(), action: 'approve_all' }, true) }),
    ours: ['content_hash', 'receipt_signature'],
    published: ['receipt_signature', 'receipt_key_trusted'],
    still: ['record_hash', 'receipt_hash'],
  },
  {
    id: 'T6',
    change: 'everything redone and signed by somebody else',
    make: () => ({ record: sealRecordOf(contentWith({ action: 'approve_all' }), ATTACKER) }),
    ours: ['receipt_key_trusted', 'authenticity_valid'],
    published: ['receipt_key_trusted'],
    still: ['integrity_valid', 'receipt_signature'],
  },
  {
    id: 'T7',
    change: 'the same under our key id',
    make: () => {
      const posing = { ...ATTACKER, keyId: OURS.keyId };
      return { record: sealRecordOf(contentWith({ action: 'approve_all' }), posing) };
    },
    ours: ['receipt_key_trusted'],
    published: ['receipt_key_trusted'],
    still: ['integrity_valid'],
  },
  {
    id: 'T7',
    change: 'the same under our key id and fingerprint',
    make: () => {
      const posing = { ...ATTACKER, keyId: OURS.keyId, fingerprint: OURS.fingerprint };
      return { record: sealRecordOf(contentWith({ action: 'approve_all' }), posing) };
    },
    ours: ['receipt_key_trusted', 'receipt_public_key_fingerprint', 'receipt_signature'],
    published: ['receipt_public_key_fingerprint', 'receipt_key_trusted'],
  },
  {
    id: 'T8',
    change: 'no signature',
    make: () => recordWith((r) => delete r['receipt_signature']),
    ours: ['receipt_signature', 'receipt_key_trusted'],
    published: 'no key',
    still: HASHES,
  },
  {
    id: 'T9',
    change: 'one character of the signature',
    make: () =>
      recordWith((r) => {
        r['receipt_signature'] = r['receipt_signature'].replace('LlJh', 'LlJi');
      }),
    ours: ['receipt_signature'],
    published: ['receipt_signature', 'receipt_key_trusted'],
    still: HASHES,
  },
  ...[
    ['signature with padding', (s: string) => `${s}==`] as const,
    ['unused last bits of the signature', (s: string) => `${s.slice(0, -1)}R`] as const,
    ['signature without prefix', (s: string) => s.slice('ed25519:'.length)] as const,
  ].map(
    ([change, edit]): Row => ({
      id: 'T9a',
      change,
      make: () => recordWith((r) => (r['receipt_signature'] = edit(r['receipt_signature']))),
      ours: ['receipt_signature'],
      published: 'unnoticed',
      still: HASHES,
    }),
  ),
  {
    id: 'T10',
    change: '`policy_bundle.hash` is not `policy_bundle_hash`',
    make: () => recordWith((r) => (r['policy_bundle']['hash'] = sha256Hex('other'))),
    ours: ['integrity_policy_bundle_hash', 'content_hash', 'record_hash'],
    published: R,
  },
  {
    id: 'T11',
    change: '`c: yes` on a `no`',
    make: () => ({ record: { ...sealRecordOf(refusal()), c: 'yes' } }),
    ours: ['alias_consistency', 'content_hash'],
    published: 'unnoticed',
    still: ['record_hash'],
  },
  {
    id: 'T12',
    change: 'another input',
    make: () => {
      const input = inputOf();
      input['context']['discount_percent'] = 25;
      return { record: record(), input };
    },
    ours: ['input_hash'],
    published: ['input_hash'],
    still: [...VERSIONS, ...HASHES, 'receipt_signature', 'receipt_key_trusted', 'public_form'],
  },
  {
    id: 'T13',
    change: 'another record hash in the packet head',
    make: () => ({ file: packetWith((p) => (p['record_hash'] = sha256Hex('other')), false) }),
    ours: ['decision_record_hash_matches_packet', 'packet_hash', 'packet_signature'],
    published: ['decision_record_hash_matches_packet', 'packet_hash'],
    still: ['decision_record_verified'],
  },
  {
    id: 'T14',
    change: 'receipt removed, manifest kept',
    make: () => ({ file: packetWith((p) => (p['executions'] = []), false) }),
    ours: ['packet_manifest_counts', 'packet_hash', 'packet_complete'],
    published: ['packet_manifest_counts', 'packet_hash'],
    still: RECORD_CHECKS,
  },
  {
    id: 'T15',
    change: 'receipt removed, manifest and hash redone, signed by somebody else',
    make: () => {
      const { packet } = packetWith((p) => {
        p['executions'] = [];
        p['packet_manifest']['components']['execution_receipts'] = { count: 0, total: 0 };
      });
      return { file: envelopeOf(packet as Json, { ...ATTACKER, keyId: OURS.keyId }) };
    },
    ours: ['packet_signature', 'packet_complete'],
    published: 'unnoticed',
    still: ['packet_hash'],
  },
  {
    id: 'T16',
    change: 'receipt of another decision',
    make: () => {
      const other = sealRecordOf(contentWith({ decision_id: 'dec_other' }));
      const foreign = sealExecution(
        executionContentFor(other, { decision_id: 'dec_other', execution_receipt_id: 'exr_0002' }),
      );
      return {
        file: packetWith((p) => {
          p['executions'].push(foreign);
          p['packet_manifest']['components']['execution_receipts'] = { count: 2, total: 2 };
        }, false),
      };
    },
    ours: ['execution_links', 'ledger_inclusion', 'packet_hash'],
    published: ['execution_links', 'packet_hash'],
    still: ['execution_hashes', 'execution_content'],
  },
  {
    id: 'T17',
    change: 'receipt without `decision_record_hash`',
    make: () => ({
      file: packetWith((p) => delete p['executions'][0]['decision_record_hash']),
    }),
    ours: ['execution_links', 'execution_hashes', 'execution_content'],
    published: ['execution_hashes'],
  },
  {
    id: 'T17',
    change: 'receipt without `decision_record_hash`, redone',
    make: () => ({
      file: packetWith((p) => {
        const [receipt] = p['executions'];
        delete receipt['decision_record_hash'];
        receipt['execution_hash'] = executionHash(receipt);
      }),
    }),
    ours: ['execution_links', 'execution_content', 'execution_signatures'],
    published: 'unnoticed',
  },
  {
    id: 'T17',
    change: 'receipt without `decision_record_hash`, content hash redone as well',
    make: () => ({
      file: packetWith((p) => {
        const [receipt] = p['executions'];
        delete receipt['decision_record_hash'];
        redoReceipt(receipt);
      }),
    }),
    ours: ['execution_links', 'execution_signatures', 'ledger_inclusion', 'packet_signature'],
    published: 'unnoticed',
    still: ['execution_content', 'execution_hashes'],
  },
  {
    id: 'T18',
    change: 'mismatch marked as a match',
    make: () => {
      const executions = [
        sealExecution(
          executionContentFor(RECORD, {
            action_taken: 'delete_everything',
            action_binding_match: false,
            binding_mismatch_reasons: ['ACTION_DIFFERS'],
          }),
        ),
      ];
      const packet = packetOf({ record: record(), executions });
      const file = envelopeOf(packet);
      packet['executions'][0]['action_binding_match'] = true;
      return { file };
    },
    ours: ['execution_hashes', 'execution_content', 'execution_binding'],
    published: ['execution_hashes', 'packet_hash'],
    still: ['execution_links'],
  },
  {
    id: 'T19',
    change: 'another `state_after_hash`',
    make: () => ({
      file: packetWith((p) => (p['executions'][0]['state_after_hash'] = 'sha256:other'), false),
    }),
    ours: ['execution_hashes', 'execution_content'],
    published: ['execution_hashes', 'packet_hash'],
    still: LINKS,
  },
  {
    id: 'T20',
    change: 'a failed outcome made a success',
    make: () => ({ file: failedOutcome((o) => (o['outcome_status'] = 'succeeded'), false) }),
    ours: ['outcome_hashes', 'outcome_content', 'outcome_signatures'],
    published: ['outcome_hashes', 'packet_hash'],
    still: ['execution_hashes', 'execution_content', 'execution_signatures'],
  },
  {
    id: 'T20',
    change: 'a failed outcome made a success, redone',
    make: () => ({
      file: failedOutcome((o) => {
        o['outcome_status'] = 'succeeded';
        o['outcome_hash'] = outcomeHash(o);
      }, true),
    }),
    ours: ['outcome_content', 'outcome_signatures'],
    published: 'unnoticed',
    still: ['execution_hashes', 'outcome_hashes'],
  },
  {
    id: 'T20',
    change: 'a failed outcome made a success, content hash redone as well',
    make: () => ({
      file: failedOutcome((o) => {
        o['outcome_status'] = 'succeeded';
        redoOutcome(o);
      }, true),
    }),
    ours: ['outcome_signatures', 'ledger_inclusion', 'packet_signature'],
    published: 'unnoticed',
    still: ['outcome_hashes', 'outcome_content'],
  },
  {
    id: 'T21',
    change: 'outcome for a receipt that is not there',
    make: () => ({
      file: packetWith((p) => {
        const [outcome] = p['outcomes'];
        outcome['execution_receipt_id'] = 'exr_9999';
        outcome['execution_hash'] = sha256Hex('no such receipt');
        redoOutcome(outcome);
      }),
    }),
    ours: ['outcome_support', 'ledger_inclusion'],
    published: 'unnoticed',
    still: ['outcome_hashes', 'outcome_content'],
  },
  {
    id: 'T21a',
    change: 'another `execution_hash` in an outcome',
    make: () => ({
      file: packetWith((p) => (p['outcomes'][0]['execution_hash'] = sha256Hex('other'))),
    }),
    ours: ['outcome_content', 'outcome_support', 'ledger_inclusion'],
    published: 'unnoticed',
    still: ['outcome_hashes'],
  },
  {
    id: 'T22',
    change: 'middle link dropped',
    make: () => ({ file: packetWith((p) => p['audit_chain']['retained_links'].splice(1, 1)) }),
    ours: ['retained_chain_links'],
    published: ['retained_chain_links'],
    still: RECORD_CHECKS,
  },
  {
    id: 'T22a',
    change: 'links in another order',
    make: () => ({ file: packetWith((p) => p['audit_chain']['retained_links'].reverse()) }),
    ours: ['retained_chain_links', 'packet_signature'],
    published: 'unnoticed',
    still: RECORD_CHECKS,
  },
  {
    id: 'T23',
    change: 'another root in a link, its hash redone',
    make: () => ({
      file: packetWith((p) => {
        const last = p['audit_chain']['retained_links'][2];
        last['merkle_root'] = sha256Hex('other');
        redoLink(last);
      }),
    }),
    ours: ['retained_chain_links'],
    published: ['retained_chain_links'],
  },
  {
    id: 'T23a',
    change: 'a link names another hash, later links redone',
    make: () => ({
      file: packetWith((p) => {
        const [, middle, last] = p['audit_chain']['retained_links'];
        middle['record_hash'] = sha256Hex('other');
        redoLink(middle);
        last['previous_link_hash'] = middle['link_hash'];
        redoLink(last);
        p['audit_chain']['head_link_hash'] = last['link_hash'];
      }),
    }),
    ours: ['retained_chain_links', 'packet_signature'],
    published: 'unnoticed',
    still: RECORD_CHECKS,
  },
  {
    id: 'T24',
    change: 'checkpoint of another origin',
    make: () => {
      const note = noteOver(3, sha256(utf8('root')), ATTACKER, 'evil.example/ledger');
      return { file: packetWith((p) => (p['ledger']['checkpoint'] = note)) };
    },
    ours: ['ledger_checkpoint_signature', 'ledger_inclusion'],
    published: 'unnoticed',
    still: RECORD_CHECKS,
  },
  {
    id: 'T24',
    change: 'genuine checkpoint of a larger size than the proofs',
    make: () => {
      const note = noteOver(4, sha256(utf8('a later root')));
      return { file: packetWith((p) => (p['ledger']['checkpoint'] = note)) };
    },
    ours: ['ledger_inclusion'],
    published: 'unnoticed',
    still: [...RECORD_CHECKS, 'ledger_checkpoint_signature'],
  },
  {
    id: 'T25',
    change: 'two checkpoints of one size with different roots',
    make: () => ({
      file: packetWith(() => undefined),
      checkpoint: noteOver(3, sha256(utf8('what others were shown'))),
    }),
    ours: ['ledger_consistency'],
    published: 'unnoticed',
  },
  {
    id: 'T27',
    change: '`valid_until` a year later',
    make: () => recordWith((r) => (r['valid_until'] = '2027-01-02T03:19:05.000Z')),
    ours: ['content_hash', 'alias_consistency'],
    published: 'unnoticed',
    still: ['record_hash'],
  },
  {
    id: 'T27',
    change: '`valid_until` a year later, in `runtime_binding` too',
    make: () =>
      recordWith((r) => {
        r['valid_until'] = '2027-01-02T03:19:05.000Z';
        r['runtime_binding']['valid_until'] = r['valid_until'];
      }),
    ours: ['content_hash', 'record_hash'],
    published: R,
  },
  {
    id: 'T28',
    change: '`executed_at` moved before the end of the authorisation',
    make: () => {
      const executions = [
        sealExecution(
          executionContentFor(RECORD, {
            executed_at: '2026-01-02T04:00:00.000Z',
            reported_at: '2026-01-02T04:00:01.000Z',
            action_binding_match: false,
            binding_mismatch_reasons: ['AUTHORIZATION_EXPIRED'],
          }),
        ),
      ];
      const packet = packetOf({ record: record(), executions });
      const file = envelopeOf(packet);
      packet['executions'][0]['executed_at'] = '2026-01-02T03:05:00.000Z';
      return { file };
    },
    ours: ['execution_hashes', 'execution_content'],
    published: ['execution_hashes', 'packet_hash'],
    still: ['execution_links'],
  },
  {
    id: 'T29',
    change: 'standard view passed as record',
    make: () => {
      const r = record();
      const names = [
        ...['verdict', 'decision_id', 'request_id', 'evidence', 'action', 'record_hash'],
        ...['decision_record_version', 'receipt_hash', 'verify_url', 'replay_url', 'valid_until'],
        ...['decision_contract', 'policy_id', 'policy_version', 'policy_bundle_hash'],
        ...['action_binding', 'action_binding_hash', 'created_at', 'input_hash', 'idempotency_key'],
        ...['receipt_signature', 'receipt_signature_algorithm', 'receipt_key_id'],
        ...['receipt_public_key', 'receipt_public_key_fingerprint', 'decision_protocol_version'],
      ];
      const view = Object.fromEntries(names.map((name) => [name, r[name]]));
      return { record: { ...view, record_view: 'standard' } };
    },
    ours: ['record_complete'],
    published: R,
  },
  {
    id: 'T31',
    change: 'a text in another Unicode normalisation',
    make: () => {
      const binding = { ...recordContentOf()['action_binding'], actor: 'Jos\u00e9' };
      const sealed = sealRecordOf(contentWith({ action_binding: binding }));
      sealed['action_binding']['actor'] = 'Jose\u0301';
      return { record: sealed };
    },
    ours: ['content_hash', 'record_hash'],
    published: R,
  },
  {
    id: 'T33',
    change: 'key retired before the decision',
    make: () => {
      const key = registryKey(OURS, {
        status: 'retired',
        not_before: '2025-01-01T00:00:00.000Z',
        not_after: '2026-01-01T00:00:00.000Z',
      });
      const now = registryKey(otherSigner('now'), { not_before: key['not_after'] });
      return { record: record(), trust: registryTrust({ ...REGISTRY, keys: [key, now] }) };
    },
    ours: ['receipt_key_trusted'],
    published: 'unnoticed',
    still: ['receipt_signature'],
  },
  {
    id: 'T33',
    change: 'no such fingerprint in the registry',
    make: () => {
      const keys = [
        registryKey(otherSigner('a')),
        registryKey(otherSigner('b'), { status: 'pending' }),
      ];
      return { record: record(), trust: registryTrust({ ...REGISTRY, keys }) };
    },
    ours: ['receipt_key_trusted'],
    published: 'no key',
    still: ['receipt_signature'],
  },
  {
    id: 'T34',
    change: 'a single unrelated key in the registry',
    make: () => ({
      record: record(),
      trust: registryTrust({ ...REGISTRY, keys: [registryKey(otherSigner('a'))] }),
    }),
    ours: ['receipt_key_trusted'],
    published: ['receipt_key_trusted'],
    still: ['integrity_valid'],
  },
  {
    id: 'T36',
    change: 'test record presented as live, `environment` removed',
    make: () => {
      const sealed = sealRecordOf(contentWith({ environment: 'test' }));
      delete sealed['environment'];
      return { record: sealed, trust: registryTrust(REGISTRY, 'test') };
    },
    ours: ['receipt_key_trusted', 'content_hash'],
    published: 'unnoticed',
  },
  {
    id: 'T36',
    change: 'test record held against the keys of live',
    make: () => ({
      record: sealRecordOf(contentWith({ environment: 'test' }), otherSigner('test')),
      trust: registryTrust(REGISTRY, 'live'),
    }),
    ours: ['receipt_key_trusted'],
    published: ['receipt_key_trusted'],
  },
  {
    id: 'T37',
    change: 'another `content_hash`',
    make: () => recordWith((r) => (r['runtime_binding']['content_hash'] = sha256Hex('other'))),
    ours: ['content_hash', 'record_hash'],
    published: R,
  },
  {
    id: 'T37',
    change: 'no `content_hash`',
    make: () => recordWith((r) => delete r['runtime_binding']['content_hash']),
    ours: ['record_hash'],
    unrun: ['content_hash'],
    published: R,
  },
  ...[
    ['evidence_checks', []] as const,
    ['decision_contract', { authority: 'binding', production_verdict: false }] as const,
    ['route', { to: 'requester' }] as const,
    ['review', { resolution: 'approve' }] as const,
    ['mode', 'multi'] as const,
    ['a_new_name', true] as const,
  ].map(
    ([name, value]): Row => ({
      id: 'T38',
      change: `another \`${name}\``,
      make: () => recordWith((r) => (r[name] = value)),
      ours: ['content_hash'],
      published: 'unnoticed',
      still: ['record_hash'],
    }),
  ),
  {
    id: 'T38',
    change: 'a member `__proto__`',
    make: () => ({
      record: JSON.parse(`{"__proto__":"x",${JSON.stringify(RECORD).slice(1)}`) as Json,
    }),
    ours: ['content_hash', 'public_form'],
    published: 'unnoticed',
    still: ['record_hash'],
  },
  ...[['parameters_hash', sha256Hex('other')] as const, ['claim_id', 'clm_1'] as const].map(
    ([name, value]): Row => ({
      id: 'T39',
      change: `another \`${name}\` in a receipt`,
      make: () => ({ file: packetWith((p) => (p['executions'][0][name] = value)) }),
      ours: ['execution_content', 'ledger_inclusion'],
      published: 'unnoticed',
      still: ['execution_hashes'],
    }),
  ),
  {
    id: 'T40',
    change: 'bare packet',
    make: () => ({ file: structuredClone(PACKET) }),
    ours: [],
    unrun: ['packet_signature'],
    published: 'unnoticed',
    still: ['packet_hash', 'ledger_inclusion', 'execution_signatures', 'integrity_valid'],
  },
  {
    id: 'T41',
    change: 'our key, 33 codes',
    make: () => {
      const codes = Array.from({ length: 33 }, (_, i) => `CODE_${i}`);
      const checks = codes.map((code) => ({ name: code.toLowerCase(), state: 'true', code }));
      return {
        record: sealRecordOf(
          contentWith({
            evidence: codes,
            evidence_checks: checks,
            evidence_manifest: { codes, sources: [] },
          }),
        ),
      };
    },
    ours: ['public_form'],
    published: R,
    still: ['content_hash', 'receipt_key_trusted'],
  },
  {
    id: 'T41',
    change: 'our key, a hollow member in `runtime_binding`',
    make: () => {
      const runtime = { ...recordContentOf()['runtime_binding'], adapter_authority: '' };
      return { record: sealRecordOf(contentWith({ runtime_binding: runtime })) };
    },
    ours: ['public_form'],
    published: 'unnoticed',
    still: ['content_hash', 'receipt_key_trusted'],
  },
  {
    id: 'T41',
    change: 'our key, an action over its length',
    make: () => ({ record: sealRecordOf(contentWith({ action: 'a'.repeat(141) })) }),
    ours: ['public_form'],
    published: R,
    still: ['content_hash', 'receipt_key_trusted'],
  },
];

function failedOutcome(change: (outcome: Json) => void, redo: boolean): Json {
  const { execution } = workedExample();
  const outcome = sealOutcome(outcomeContentFor(RECORD, execution, { outcome_status: 'failed' }));
  const packet = packetOf({ record: record(), executions: [execution], outcomes: [outcome] });
  const file = envelopeOf(packet);
  const changed = structuredClone(packet);
  change(changed['outcomes'][0]);
  return { ...file, packet: redo ? rehash(changed) : changed };
}

function redoReceipt(receipt: Json): void {
  receipt['execution_result'] = { content_hash: executionContentHash(receipt) };
  receipt['execution_hash'] = executionHash(receipt);
}

function redoOutcome(outcome: Json): void {
  outcome['evidence_refs'].at(-1)['hash'] = outcomeContentHash(outcome);
  outcome['outcome_hash'] = outcomeHash(outcome);
}

function redoLink(link: Json): void {
  const { link_hash: _, ...payload } = link;
  link['link_hash'] = sha256Hex(linkText(payload as Parameters<typeof linkText>[0]));
}

/** Both results of one file. A packet's checks stand before those of its record, which have other names. */
function judge(tampered: Tampered) {
  const trust = tampered.trust ?? PINNED;
  const evidence = { trust, input: tampered.input };
  if (tampered.record !== undefined) {
    const result = verifyRecord({ ...evidence, record: tampered.record });
    const published = publishedRecordChecks(tampered.record, evidence);
    return { result, published, checks: { ...result.checks, ...flagsOf(result) } };
  }
  const file = tampered.file ?? {};
  const packet = (file['packet'] ?? file) as Json;
  const options: PacketEvidence = { ...evidence, file, checkpoint: tampered.checkpoint };
  const result = verifyPacket(options);
  const ofRecord = publishedRecordChecks(packet['decision_record'], evidence);
  const published = publishedPacketChecks(packet, packet['decision_record'], ofRecord);
  const checks = { ...result.record?.checks, ...result.checks, ...flagsOf(result) };
  return { result, published, checks };
}

function flagsOf({ integrity_valid, authenticity_valid }: Verification) {
  return { integrity_valid, authenticity_valid };
}

const namesOf = (checks: Readonly<Record<string, unknown>>, value: unknown): string[] =>
  Object.keys(checks).filter((name) => checks[name] === value);

describe('tamper table: what ours notices, and what the published rules do', () => {
  it.each(ROWS)('$id $change', (row) => {
    const { result, published, checks } = judge(row.make());
    expect(result.verified).toBe(false);
    expect(result.ok).toBe(false);
    expect(namesOf(checks, false)).toEqual(expect.arrayContaining([...row.ours]));
    expect(namesOf(checks, null)).toEqual(expect.arrayContaining([...(row.unrun ?? [])]));
    expect(result.failures).toEqual(expect.arrayContaining([...(row.unrun ?? [])]));
    expect(namesOf(checks, true)).toEqual(expect.arrayContaining([...(row.still ?? [])]));

    expect(result.public_verified).toBe(row.published === 'unnoticed');
    const noticed = typeof row.published === 'string' ? [] : row.published;
    expect(namesOf(published, false).toSorted()).toEqual([...noticed].sort());
  });

  it('the rows change something that was good', () => {
    const { result, published } = judge({ file: packetWith(() => undefined) });
    expect(result).toMatchObject({ verified: true, public_verified: true });
    expect(namesOf(published, false)).toEqual([]);
    expect(judge({ record: record(), input: inputOf() }).result.verified).toBe(true);
    expect(judge({ record: sealRecordOf(refusal()) }).result.verified).toBe(true);
    const trust = registryTrust(REGISTRY, 'test');
    const test = sealRecordOf(contentWith({ environment: 'test' }));
    expect(judge({ record: test, trust }).result.verified).toBe(true);
    expect(judge({ record: record(), trust: registryTrust(REGISTRY) }).result.verified).toBe(true);
  });

  it('T6 the key is the one that the record brought along', () => {
    const forged = sealRecordOf(contentWith({ action: 'approve_all' }), ATTACKER);
    expect(verifyRecord({ record: forged, trust: PINNED }).key_source).toBe('record');
    expect(verifyRecord({ record: record(), trust: PINNED }).key_source).toBe('public_key');
  });

  it('T12 leaves everything else', () => {
    const row = ROWS.find(({ id }) => id === 'T12');
    expect(row && namesOf(judge(row.make()).checks, false)).toEqual([
      'input_hash',
      'integrity_valid',
    ]);
  });

  it('T25 raises the alarm', () => {
    const row = ROWS.find(({ id }) => id === 'T25');
    expect(row && judge(row.make()).result.error?.code).toBe('DECIDE_VERIFY_SPLIT_VIEW');
  });

  it('T29 says which view is needed', () => {
    const row = ROWS.find(({ id }) => id === 'T29');
    expect(row && judge(row.make()).result.error?.code).toBe('DECIDE_VERIFY_VIEW_INCOMPLETE');
  });

  it('T30 numbers written otherwise and members in another order are the same record', () => {
    const reversed = reverseMembers(record()) as Json;
    const text = JSON.stringify(reversed).replace('"max_executions":1', '"max_executions":1.0');
    expect(text).toContain('1.0');
    const { exit, result } = verifyFile(text, { trust: PINNED, input: inputOf() });
    expect(exit).toBe(0);
    expect(result).toMatchObject({ verified: true, public_verified: true, failures: [] });
    expect(canonicalJson(JSON.parse(text))).toBe(canonicalJson(record()));
  });

  it('T32 a member that stands twice is refused before anything is verified', () => {
    const text = `{"verdict":"no",${JSON.stringify(record()).slice(1)}`;
    const { exit, result } = verifyFile(text, { trust: PINNED });
    expect(exit).toBe(2);
    expect(result).toMatchObject({ verified: false, fault: { code: 'json_duplicate_member' } });
    // Who lets the last one win notices nothing.
    const lenient = verifyRecord({ record: JSON.parse(text) as Json, trust: PINNED });
    expect(lenient.public_verified).toBe(true);
  });

  it.each([
    ['anything', 1],
    ['witnesses', []],
  ])('a component that this package does not know is not vouched for: %s', (name, value) => {
    const file = envelopeOf(rehash({ ...structuredClone(PACKET), [name]: value }));
    const result = verifyPacket({ file, trust: PINNED });
    expect(result.failures).toEqual(['packet_components_known']);
    expect(result.public_verified).toBe(true);
  });

  it('the same for one that only the manifest knows', () => {
    const packet = structuredClone(PACKET);
    packet['packet_manifest']['components']['witnesses'] = { count: 0, total: 0 };
    const result = verifyPacket({ file: envelopeOf(rehash(packet)), trust: PINNED });
    expect(result.failures).toEqual(['packet_components_known']);
  });
});

function reverseMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reverseMembers);
  if (!isMembers(value)) return value;
  const entries = Object.entries(value).map(
    ([name, item]) => [name, reverseMembers(item)] as const,
  );
  return Object.fromEntries(entries.reverse());
}
