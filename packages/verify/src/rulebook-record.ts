import {
  type Members,
  only,
  parseSignature,
  publicKeyFromPem,
  sha256Hex,
  sortedJson,
  utf8,
  verifyEd25519,
  without,
} from '@countersign/proof';
import { instantOf, membersOf, textMember } from './member.ts';
import { survivesRevocation, type Trust } from './trust.ts';
import { attempt, sameText } from './verification.ts';

export const RULEBOOK_EVALUATOR = 'decide_rulebook_v1';
const ATTESTATION_USE = 'rulebook_attestation_signature';

export function isRulebookRecord(record: Members): boolean {
  return record['mode'] === 'rulebook';
}

/** Members of a full record that a rulebook decided, beside those of every record. */
const RULEBOOK_MEMBERS = [
  'engine',
  'status',
  'application_verdict',
  'reason_code',
  'rulebook',
  'rulebook_contract',
  'rulebook_attestation',
] as const;
const ADAPTER_MEMBERS = ['trusted_adapter', 'adapter_facts'] as const;

/** The members of `runtime_binding` that an attestation repeats. */
const ATTESTED_RUNTIME: ReadonlySet<string> = new Set([
  'production_core',
  'binding_mode',
  'verdict_authority',
  'adapter_authority',
  'customer_supplied_code',
]);

/** Whether a record tells its rulebook and, where an adapter gave the facts, that one as well. */
export function hasRulebookMembers(record: Members): boolean {
  const runtime = membersOf(record['runtime_binding']);
  const byAdapter = runtime['binding_mode'] === 'trusted_adapter_facts_then_declarative_rulebook';
  return (
    RULEBOOK_MEMBERS.every((name) => name in record) &&
    (byAdapter || runtime['binding_mode'] === 'direct_declarative_rulebook') &&
    ADAPTER_MEMBERS.every((name) => name in record === byAdapter) &&
    'adapter_authority' in runtime === byAdapter &&
    'adapter_code_hash' in runtime === byAdapter
  );
}

/** Whether what a rulebook's record says twice is the same both times. */
export function rulebookMirrorsAgree(record: Members): boolean {
  const rulebook = membersOf(record['rulebook']);
  const registry = record['rulebook_registry'];
  const contract = membersOf(record['decision_contract']);
  const registered = contract['source'] === 'registered_rulebook';
  const binding = contract['authority'] === 'binding';
  const { adapter_facts: facts, trusted_adapter: adapter } = record;
  return (
    record['engine'] === RULEBOOK_EVALUATOR &&
    record['evaluator_version'] === RULEBOOK_EVALUATOR &&
    membersOf(record['rulebook_contract'])['evaluator_version'] === RULEBOOK_EVALUATOR &&
    rulebook['id'] === record['policy_id'] &&
    rulebook['version'] === record['policy_version'] &&
    rulebook['hash'] === record['policy_hash'] &&
    sameText(record['evidence'], [record['reason_code']]) &&
    contract['production_verdict'] === binding &&
    // Only what somebody registered can bind, and it is this rulebook that they registered.
    (registered || !binding) &&
    (!registered || registry !== undefined) &&
    (registry === undefined || membersOf(registry)['hash'] === rulebook['hash']) &&
    (adapter === undefined ||
      membersOf(adapter)['output_hash'] === attempt(() => sha256Hex(sortedJson(facts))))
  );
}

/** The record without the `null`s that only an attestation's published form has. */
export function withoutAttestedNulls(record: Members): Members {
  const attestation = membersOf(record['rulebook_attestation']);
  const bundle = membersOf(attestation['bundle']);
  const outcome = membersOf(bundle['outcome']);
  if (bundle['trusted_adapter'] !== null && outcome['matched_rule_id'] !== null) return record;
  return {
    ...record,
    rulebook_attestation: {
      ...attestation,
      bundle: {
        ...withoutNull(bundle, 'trusted_adapter'),
        outcome: withoutNull(outcome, 'matched_rule_id'),
      },
    },
  };
}

function withoutNull(members: Members, name: string): Members {
  return members[name] === null ? without(members, new Set([name])) : members;
}

/**
 * Whether the attestation says what the record says, and its key signed it. The signature under the record covers the
 * embedded key; a registry that is at hand must know it as well.
 */
export function attestationHolds(
  record: Members,
  given: {
    readonly trust: Trust;
    readonly input: unknown;
    readonly provenAt: number | undefined;
  },
): boolean {
  const attestation = membersOf(record['rulebook_attestation']);
  const bundle = membersOf(attestation['bundle']);
  const hash = attempt(() => sha256Hex(sortedJson(bundle)));
  const facts = factsHash(record, given.input) ?? bundle['input_hash'];
  return (
    attestation['schema_version'] === 'rulebook_attestation_v1' &&
    hash !== undefined &&
    attestation['bundle_hash'] === hash &&
    sameText(bundle, attestedBundle(record, facts)) &&
    isSigned(hash, membersOf(attestation['signature'])) &&
    isKnown(record, membersOf(attestation['signature']), given)
  );
}

/** What an attestation of this record says. */
function attestedBundle(record: Members, factsHashText: unknown): Members {
  return {
    engine: record['engine'],
    evaluator_version: record['evaluator_version'],
    rulebook: record['rulebook'],
    input_hash: factsHashText,
    outcome: {
      status: record['status'],
      verdict: record['verdict'],
      application_verdict: record['application_verdict'],
      action: record['action'],
      reason_code: record['reason_code'],
      matched_rule_id: record['matched_rule_id'] ?? null,
    },
    runtime_binding: only(membersOf(record['runtime_binding']), ATTESTED_RUNTIME),
    trusted_adapter: record['trusted_adapter'] ?? null,
  };
}

/** Hash of the facts that were judged; `undefined` where they are not at hand. */
function factsHash(record: Members, input: unknown): unknown {
  const adapter = record['trusted_adapter'];
  if (adapter !== undefined) return membersOf(adapter)['output_hash'];
  const judged = record['stored_input_hash'] ?? record['input_hash'];
  if (input === undefined || attempt(() => sha256Hex(sortedJson(input))) !== judged) {
    return undefined;
  }
  const inputs = membersOf(membersOf(membersOf(input)['context'])['inputs']);
  return attempt(() => sha256Hex(sortedJson(inputs)));
}

function isSigned(hash: string, envelope: Members): boolean {
  const pem = textMember(envelope, 'public_key_pem');
  const key = pem === undefined ? undefined : publicKeyFromPem(pem);
  const signature = parseSignature(`ed25519:${textMember(envelope, 'signature') ?? ''}`);
  return (
    envelope['schema_version'] === 'rulebook_attestation_signature_v1' &&
    envelope['status'] === 'signed' &&
    envelope['algorithm'] === 'Ed25519' &&
    envelope['signed_field'] === 'bundle_hash' &&
    key !== undefined &&
    signature !== undefined &&
    verifyEd25519(key, utf8(hash), signature)
  );
}

function isKnown(
  record: Members,
  envelope: Members,
  { trust, provenAt }: { readonly trust: Trust; readonly provenAt: number | undefined },
): boolean {
  if (trust.registry === undefined) return true;
  const at = instantOf(record['created_at']);
  const fingerprint = sha256Hex(textMember(envelope, 'public_key_pem') ?? '');
  return trust.registry.receiptKeys.some(
    (key) =>
      key.use === ATTESTATION_USE &&
      key.keyId === envelope['key_id'] &&
      key.fingerprint === fingerprint &&
      key.notBefore <= at &&
      (key.notAfter === undefined || at < key.notAfter) &&
      survivesRevocation(key.revokedAt, provenAt),
  );
}
