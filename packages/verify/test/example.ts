import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import {
  artefactMessage,
  artefactSubject,
  type ChainLink,
  CONTENT_REFERENCE,
  canonicalJson,
  chainIdOf,
  checkpointText,
  completedBy,
  EMPTY_CHAIN,
  EXECUTION_VERSION,
  entryHash,
  entryText,
  executionContentHash,
  executionHash,
  fromHex,
  grow,
  headAfter,
  LEDGER_ENTRY_VERSION,
  type LedgerEntry,
  leafHash,
  manifestHash,
  NO_ENTRY_HASH,
  type NodeAt,
  nextLink,
  noteKeyId,
  OUTCOME_VERSION,
  outcomeContentHash,
  outcomeHash,
  outputHash,
  PACKET_VERSION,
  PROTOCOL_VERSION,
  packetHash,
  proveInclusion,
  publicKeyPem,
  receiptHash,
  receiptMessage,
  recordContentHash,
  recordHash,
  recordSubject,
  renderNote,
  renderSignature,
  rootOf,
  sha256Hex,
  sortedJson,
  toHex,
  utf8,
} from '@countersign/proof';
import vectors from '../../../vectors/packet/worked-example.json' with { type: 'json' };

/** JSON to be built and damaged: what a type would say of it is what the tests are about. */
export type Json = Record<string, any>;

export { vectors };

/** A key that signs, and its public half as records show it. */
export interface Signer {
  readonly keyId: string;
  readonly publicKey: Uint8Array;
  readonly pem: string;
  readonly fingerprint: string;
  readonly sign: (text: string) => Uint8Array;
}

export function signerOf(seed: string, keyId: string): Signer {
  const der = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex');
  const privateKey: KeyObject = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  const publicKey = new Uint8Array(Buffer.from(x ?? '', 'base64url'));
  const pem = publicKeyPem(publicKey);
  return {
    keyId,
    publicKey,
    pem,
    fingerprint: sha256Hex(pem),
    sign: (text) => new Uint8Array(sign(null, Buffer.from(text), privateKey)),
  };
}

export const OURS = signerOf(vectors.key.seed, vectors.key.key_id);
/** Somebody else, who has a key of his own and takes what key id he likes. */
export const ATTACKER = signerOf(sha256Hex('attacker'), 'dk_evil');
export const ORIGIN = vectors.ledger.origin;

export function textOf(name: string): Json {
  const found = vectors.texts.find((text) => text.name === name);
  if (found === undefined) throw new Error(`no vector ${name}`);
  return JSON.parse(found.text) as Json;
}

export const inputOf = (): Json => textOf('input_hash');
export const policyOf = (): Json => textOf('policy_hash');
export const bundleOf = (): Json => textOf('policy_bundle_hash');
export const recordContentOf = (): Json => textOf('record content_hash');

/** Seals record content: hashes, signature, mirror. */
export function sealRecordOf(content: Json, signer: Signer = OURS): Json {
  const record = structuredClone(content);
  record['runtime_binding'] = { ...record['runtime_binding'] };
  record['runtime_binding']['content_hash'] = recordContentHash(record);
  return signRecord(record, signer);
}

/** Hashes and signs a record whose content hash is left as it is. */
function signRecord(content: Json, signer: Signer = OURS): Json {
  const record = structuredClone(content);
  record['record_hash'] = recordHash(record);
  record['receipt_hash'] = receiptHash(record, record['record_hash']);
  record['receipt_key_id'] = signer.keyId;
  record['receipt_public_key'] = signer.pem;
  record['receipt_public_key_fingerprint'] = signer.fingerprint;
  record['receipt_signature_algorithm'] = 'ed25519';
  record['receipt_signature'] = renderSignature(
    signer.sign(
      receiptMessage({
        decision_id: record['decision_id'],
        key_id: signer.keyId,
        receipt_hash: record['receipt_hash'],
        record_hash: record['record_hash'],
      }),
    ),
  );
  return withMirror(record);
}

/** The record with an `integrity` block that mirrors what it says. */
export function withMirror(record: Json): Json {
  return {
    ...record,
    integrity: {
      canonicalization: 'json.sort_deep.v1',
      hash_algorithm: 'sha256',
      decision_protocol_version: record['decision_protocol_version'],
      input_hash: record['input_hash'],
      output_hash: record['output_hash'],
      policy_hash: record['policy_hash'],
      policy_bundle_hash: record['policy_bundle_hash'],
      action_binding_hash: record['action_binding_hash'],
      evidence_manifest_hash: manifestHash(record),
      content_hash: record['runtime_binding']['content_hash'],
      record_hash: record['record_hash'],
      receipt_hash: record['receipt_hash'],
      verify_url: record['verify_url'],
      replay_url: record['replay_url'],
      signature: {
        algorithm: record['receipt_signature_algorithm'],
        key_id: record['receipt_key_id'],
        public_key_fingerprint: record['receipt_public_key_fingerprint'],
      },
    },
  };
}

/** Record content with other answers in it, the hashes inside the content computed anew. */
export function contentWith(changes: Json): Json {
  const content = { ...recordContentOf(), ...structuredClone(changes) };
  content['output_hash'] = outputHash(content);
  content['action_binding_hash'] = sha256Hex(sortedJson(content['action_binding']));
  return content;
}

/** The same decision as a `no`. */
export function refusal(): Json {
  const { valid_until: _, ...content } = contentWith({
    verdict: 'no',
    c: 'no',
    decision: 'no',
    v: 'denied',
    action: 'reject_discount',
    requirement_state: 'false',
    route: { to: 'requester' },
  });
  const { valid_until: __, ...runtime } = content['runtime_binding'];
  return { ...content, runtime_binding: runtime, output_hash: outputHash(content) };
}

export function sealExecution(content: Json, signer: Signer = OURS): Json {
  const receipt = structuredClone(content);
  receipt['execution_result'] = { content_hash: executionContentHash(receipt) };
  receipt['execution_hash'] = executionHash(receipt);
  receipt['execution_key_id'] = signer.keyId;
  receipt['execution_signature'] = signatureOf(signer, {
    type: EXECUTION_VERSION,
    id: receipt['execution_receipt_id'],
    hash: receipt['execution_hash'],
  });
  return receipt;
}

export function sealOutcome(content: Json, signer: Signer = OURS): Json {
  const outcome = structuredClone(content);
  const { outcome_id: id } = outcome;
  outcome['evidence_refs'] = [
    ...(outcome['evidence_refs'] ?? []),
    { id, type: CONTENT_REFERENCE, hash: outcomeContentHash(outcome) },
  ];
  outcome['outcome_hash'] = outcomeHash(outcome);
  outcome['outcome_key_id'] = signer.keyId;
  const hash = outcome['outcome_hash'];
  outcome['outcome_signature'] = signatureOf(signer, { type: OUTCOME_VERSION, id, hash });
  return outcome;
}

/** Signature under any artefact but a record. */
export function signatureOf(signer: Signer, { type, id, hash }: Json): string {
  return renderSignature(signer.sign(artefactMessage({ type, id, hash, key_id: signer.keyId })));
}

/** Receipt and outcome of the example, naming a record and each other. */
export function executionContentFor(record: Json, changes: Json = {}): Json {
  return {
    ...textOf('receipt content_hash'),
    decision_record_hash: record['record_hash'],
    decision_receipt_hash: record['receipt_hash'],
    decision_verdict: record['verdict'],
    ...changes,
  };
}

export function outcomeContentFor(record: Json, receipt: Json, changes: Json = {}): Json {
  return {
    ...textOf('outcome content_hash'),
    decision_record_hash: record['record_hash'],
    decision_receipt_hash: record['receipt_hash'],
    decision_verdict: record['verdict'],
    execution_hash: receipt['execution_hash'],
    execution_receipt_id: receipt['execution_receipt_id'],
    ...changes,
  };
}

type Kind = 'decision' | 'execution' | 'outcome';
export interface Item {
  readonly kind: Kind;
  readonly artefact: Json;
  /** Tenant scope, where it is not that of the example. */
  readonly scope?: string;
}

const OWN_HASH = {
  decision: 'record_hash',
  execution: 'execution_hash',
  outcome: 'outcome_hash',
} as const satisfies Record<Kind, string>;

/** Chain and ledger over artefacts of one decision, as a server would have appended them. */
export function ledgerOf(items: readonly Item[], ledgerSigner: Signer = OURS) {
  const record = items[0]?.artefact ?? {};
  let head = EMPTY_CHAIN;
  let previous = NO_ENTRY_HASH;
  const links: ChainLink[] = [];
  const entries: LedgerEntry[] = [];
  for (const [seq, { kind, artefact, scope = vectors.chain.scope }] of items.entries()) {
    const createdAt: string = artefact['created_at'] ?? artefact['reported_at'];
    const link = nextLink(chainIdOf(scope), head, {
      entry_type: kind,
      decision_id: artefact['decision_id'],
      record_hash: artefact[OWN_HASH[kind]],
      receipt_hash: kind === 'decision' ? artefact['receipt_hash'] : null,
      policy_id: record['policy_id'],
      policy_version: record['policy_version'],
      created_at: createdAt,
    });
    head = headAfter(link);
    links.push(link);
    const subject = kind === 'decision' ? recordSubject(artefact) : artefactSubject(artefact);
    const entry: LedgerEntry = {
      ledger_entry_version: LEDGER_ENTRY_VERSION,
      seq,
      prev_entry_hash: previous,
      entry_type: kind,
      subject_hash: sha256Hex(canonicalJson(subject)),
      link_hash: link.link_hash,
      scope_hash: sha256Hex(scope),
      created_at: createdAt,
    };
    previous = entryHash(entry);
    entries.push(entry);
  }
  const leaves = entries.map((entry) => leafHash(utf8(entryText(entry))));
  const { completed, frontier } = grow([], 0, leaves);
  const read = (node: NodeAt): Uint8Array =>
    completed[completedBy(node)]?.[node.level] ?? new Uint8Array();
  const size = entries.length;
  const proofs = entries.map((_, i) => proveInclusion(i, size, read).map(toHex));
  const checkpoint = noteOver(size, rootOf(frontier), ledgerSigner);
  return { head, links, entries, leaves, proofs, size, root: rootOf(frontier), checkpoint };
}

/** A checkpoint, signed. */
export function noteOver(
  size: number,
  root: Uint8Array,
  signer: Signer = OURS,
  origin: string = ORIGIN,
): string {
  const text = checkpointText({ origin, size, root });
  const keyId = noteKeyId(origin, signer.publicKey);
  return renderNote(text, [{ name: origin, keyId, signature: signer.sign(text) }]);
}

/** Members of a link that the artefact itself shows. */
export function chainBlock(link: ChainLink): Json {
  const { decision_id: _, record_hash: __, receipt_hash: ___, ...rest } = link;
  const { policy_id: ____, policy_version: _____, created_at: ______, ...block } = rest;
  return block;
}

export interface PacketParts {
  readonly record: Json;
  readonly executions?: readonly Json[];
  readonly outcomes?: readonly Json[];
  /** Members besides those of the worked example. */
  readonly more?: Json;
  /** Whether receipts and outcomes show their places, as the record does. */
  readonly blocks?: boolean;
  /** The artefacts, record first, as the ledger holds them; without it, in this order. */
  readonly appended?: (items: readonly Item[]) => readonly Item[];
}

/** The packet over a decision, hashed. */
export function packetOf(parts: PacketParts): Json {
  const { record, executions = [], outcomes = [] } = parts;
  const items: Item[] = [
    { kind: 'decision', artefact: record },
    ...executions.map((artefact): Item => ({ kind: 'execution', artefact })),
    ...outcomes.map((artefact): Item => ({ kind: 'outcome', artefact })),
  ];
  const appended = parts.appended?.(items) ?? items;
  const { head, links, entries, proofs, checkpoint } = ledgerOf(appended);
  const placed = items.map(({ artefact, kind }) => {
    const i = appended.findIndex((one) => one.artefact === artefact);
    const [link, entry] = [links[i], entries[i]];
    if (link === undefined || entry === undefined) throw new Error('no place');
    if (kind !== 'decision' && parts.blocks !== true) return artefact;
    const place = { origin: ORIGIN, seq: i, entry_hash: entryHash(entry), leaf_index: i };
    return { ...artefact, audit_chain: chainBlock(link), ledger: place };
  });
  const one = (count: number): Json => ({ count, total: count });
  return rehash({
    decision_packet_version: PACKET_VERSION,
    decision_protocol_version: PROTOCOL_VERSION,
    decision_id: record['decision_id'],
    record_hash: record['record_hash'],
    receipt_hash: record['receipt_hash'],
    decision_record: placed[0],
    executions: placed.slice(1, 1 + executions.length),
    outcomes: placed.slice(1 + executions.length),
    audit_chain: {
      chain_id: links[0]?.chain_id,
      chain_size: head.position,
      merkle_root: head.merkleRoot,
      head_link_hash: head.linkHash,
      retained_links: links,
    },
    ledger: {
      checkpoint,
      entries,
      inclusion: proofs.map((proof, seq) => ({ seq, leaf_index: seq, proof })),
    },
    packet_manifest: {
      complete: true,
      components: {
        decision_records: one(1),
        execution_receipts: one(executions.length),
        outcome_records: one(outcomes.length),
      },
    },
    ...parts.more,
  });
}

/** What anybody can do to a packet that he has changed. */
export function rehash(packet: Json): Json {
  return { ...packet, packet_hash: packetHash(packet) };
}

export function envelopeOf(packet: Json, signer: Signer = OURS): Json {
  return {
    ok: true,
    packet,
    packet_signature: signatureOf(signer, {
      type: PACKET_VERSION,
      id: packet['decision_id'],
      hash: packet['packet_hash'],
    }),
    packet_signature_algorithm: 'ed25519',
    packet_key_id: signer.keyId,
  };
}

/** Record, receipt and outcome of the example, and the envelope over them. */
export function workedExample() {
  const record = sealRecordOf(recordContentOf());
  const execution = sealExecution(textOf('receipt content_hash'));
  const outcome = sealOutcome(textOf('outcome content_hash'));
  const packet = packetOf({ record, executions: [execution], outcomes: [outcome] });
  return { record, execution, outcome, packet, envelope: envelopeOf(packet) };
}

/** An entry of the key registry. */
export function registryKey(signer: Signer, changes: Json = {}): Json {
  return {
    key_id: signer.keyId,
    public_key: signer.pem,
    public_key_pem: signer.pem,
    public_key_fingerprint: signer.fingerprint,
    public_key_spki_sha256: createHash('sha256')
      .update(fromHex(`302a300506032b6570032100${toHex(signer.publicKey)}`) ?? '')
      .digest('hex'),
    algorithm: 'Ed25519',
    use: 'receipt_signature',
    status: 'active',
    not_before: '2026-01-01T00:00:00.000Z',
    ...changes,
  };
}

export function ledgerKeyEntry(signer: Signer = OURS, changes: Json = {}): Json {
  return registryKey(signer, {
    key_id: `lk_${signer.keyId}`,
    origin: ORIGIN,
    use: 'ledger_checkpoint',
    ...changes,
  });
}
